//! First starts: what is left for a machine, consoles, cards, SSH.

use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::Result;
use scenarios::appliance::{Firmware, Parts, Place, Seed};

use crate::{logged_in, user_data};

/// How long a machine may take until its boot loader begins.
const SOON: Duration = Duration::from_secs(90);

#[test]
fn a_person_logs_in_over_ssh_with_the_key_that_was_left_for_the_machine() -> Result<()> {
    let place = Place::new("ssh")?;
    let key = place.path("key");
    let made = Command::new("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-f"]).arg(&key).status()?;
    assert!(made.success());
    let public = std::fs::read_to_string(place.path("key.pub"))?;
    let data = format!("#cloud-config\nssh_authorized_keys:\n  - {}\n", public.trim());
    let mut machine = place.boot(&Parts::default().seeded(&data))?;
    machine.sees("login:")?;
    let port = machine.ssh_port().to_string();
    let mut said = String::new();
    machine.until("a login over SSH", Duration::from_secs(120), || {
        let options = ["-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o", "BatchMode=yes"];
        let mut asked = Command::new("ssh");
        asked.args(options).args(["-o", "ConnectTimeout=20", "-i"]).arg(&key).args(["-p", &port]);
        let done = asked.args(["towpath@127.0.0.1", "show version"]).output();
        said = done.map(|done| String::from_utf8_lossy(&done.stdout).into_owned()).unwrap_or_default();
        said.contains("Towpath")
    })
}

#[test]
fn a_machine_with_a_screen_alone_shows_its_prompt_there() -> Result<()> {
    let place = Place::new("screen")?;
    let mut machine = place.boot(&Parts { serial: false, screen: true, ..Parts::default() })?;
    // A text screen of 720 by 400; letters are brighter than nothing. The shell's prompt is far more than a cursor.
    let mut bright = 0;
    for _ in 0..40 {
        std::thread::sleep(Duration::from_secs(3));
        let picture = machine.screen("screen.ppm")?;
        bright = picture.iter().skip(20).filter(|octet| **octet > 0x60).count();
        if bright > 3000 {
            let keep = std::env::var_os("TOWPATH_SCREEN");
            keep.map(|path| std::fs::write(path, &picture)).transpose()?;
            return Ok(());
        }
    }
    panic!("only {bright} bright points on the screen");
}

#[test]
fn cards_keep_their_names_when_they_change_places() -> Result<()> {
    let place = Place::new("cards")?;
    let cards = || {
        vec![
            "user".to_owned(),
            "hubport,hubid=1".to_owned(),
            "hubport,hubid=2".to_owned(),
            "hubport,hubid=3".to_owned(),
        ]
    };
    let parts = |addresses: [u8; 4]| Parts { cards: cards(), addresses: addresses.to_vec(), ..Parts::default() };
    let mut machine = logged_in(&place, &parts([1, 2, 3, 4]).seeded(&user_data()))?;
    for (name, address) in [("eth0", "00:01"), ("eth3", "00:04")] {
        let said = machine.says(&format!("show interfaces ethernet {name} detail | no-more"))?;
        assert!(said.contains(&format!("02:54:00:00:{address}")), "{said}");
    }
    machine.enters("poweroff now")?;
    machine.goes_off()?;
    let mut machine = logged_in(&place, &parts([4, 3, 2, 1]))?;
    for (name, address) in [("eth0", "00:01"), ("eth1", "00:02"), ("eth2", "00:03"), ("eth3", "00:04")] {
        let said = machine.says(&format!("show interfaces ethernet {name} detail | no-more"))?;
        assert!(said.contains(&format!("02:54:00:00:{address}")), "{said}");
    }
    Ok(())
}

#[test]
fn a_machine_takes_a_whole_configuration_from_a_volume() -> Result<()> {
    let place = Place::new("volume")?;
    let config = "interfaces {\n    ethernet eth0 {\n        address 10.0.2.15/24\n    }\n}\nsystem {\n    host-name seeded\n}\n";
    let seed = Some(Seed { user_data: Some(user_data()), config: Some(config.to_owned()), ..Seed::default() });
    let mut machine = logged_in(&place, &Parts { seed, ..Parts::default() })?;
    assert!(machine.says("show interfaces | no-more")?.contains("10.0.2.15/24"));
    Ok(())
}

#[test]
fn a_machine_takes_name_key_and_user_data_from_a_volume_of_openstack() -> Result<()> {
    let place = Place::new("openstack")?;
    // As nova writes it (api-guide, "Metadata"), but for what no router reads.
    let meta = r#"{"availability_zone": "nova", "hostname": "edge2.novalocal", "launch_index": 0, "name": "edge2",
        "keys": [{"data": "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKeys anna@desk\n", "name": "anna", "type": "ssh"}],
        "public_keys": {"anna": "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKeys anna@desk\n"},
        "project_id": "f7ac731cc11f40efbc03a9f9e1d1d21f", "uuid": "d8e02d56-2648-49a3-bf97-6be8f1204f38"}"#;
    let user_data = user_data().replace("hostname: edge1\n", "");
    let seed = Some(Seed { openstack: Some(meta.to_owned()), user_data: Some(user_data), config: None });
    let mut machine = logged_in(&place, &Parts { seed, ..Parts::default() })?;
    let said = machine.says("show configuration commands | no-more")?;
    assert!(said.contains("host-name 'edge2'"), "{said}");
    assert!(said.contains("public-keys seed0 type 'ssh-ed25519'"), "{said}");
    Ok(())
}

#[test]
fn a_menu_that_escape_opened_starts_the_system_when_nobody_uses_it() -> Result<()> {
    let place = Place::new("menu")?;
    let mut machine = place.boot(&Parts::default().seeded(&user_data()))?;
    // A key that is held is typed again and again.
    let begin = Instant::now();
    while !machine.console()?.text().contains("The menu opens") {
        assert!(begin.elapsed() < SOON, "Escape opens no menu: {}", machine.console()?.tail());
        machine.console()?.presses("\x1b")?;
        std::thread::sleep(Duration::from_millis(30));
    }
    machine.sees("Towpath, slot b")?;
    let begin = Instant::now();
    machine.console()?.presses("\x1b")?;
    machine.sees("Towpath, slot b")?;
    machine.sees("Booting")?;
    let waited = begin.elapsed();
    assert!(waited > Duration::from_secs(40), "the menu gave a person {waited:?}");
    machine.logs_in("towpath", "secret")
}

#[test]
fn a_prepared_machine_asks_for_name_and_password_with_uefi_too() -> Result<()> {
    let place = Place::new("uefi")?;
    // Programs with all their checks take more room than those that are shipped; `make bench-image` takes 256 MiB here, too.
    let parts = Parts { firmware: Firmware::Uefi, memory: 384, ..Parts::default() };
    logged_in(&place, &parts.seeded(&user_data())).map(drop)
}
