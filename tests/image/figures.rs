//! The table of `make bench-image`: sizes and times.

use std::time::Instant;

use anyhow::Result;
use scenarios::appliance::network::{CONFIG, Network};
use scenarios::appliance::{Firmware, Parts, Place, Seed};

use crate::user_data;

fn row(what: &str, limit: &str, found: &str) {
    println!("| {what} | {limit} | {found} |");
}

#[test]
fn sizes_and_times_are_printed() -> Result<()> {
    let place = Place::new("figures")?;
    let folder = place.image().disk().parent().map(std::path::Path::to_owned).unwrap_or_default();
    let size =
        |name: &str| std::fs::metadata(folder.join("slot").join(name)).map(|file| file.len()).unwrap_or_default();
    let megabytes = (size("vmlinuz") + size("initrd")) as f64 / 1e6;
    println!("| | wanted | found |\n| --- | --- | --- |");
    row("image, one slot", "at most 40 MB", &format!("{megabytes:.1} MB"));
    for (name, firmware, limit) in [("BIOS", Firmware::Bios, 8), ("UEFI", Firmware::Uefi, 12)] {
        let place = Place::new(name)?;
        // The first start makes a file system and keys; the others do not.
        let parts = Parts { firmware, memory: 256, ..Parts::default() };
        let mut machine = place.boot(&parts.clone().seeded(&user_data()))?;
        machine.logs_in("towpath", "secret")?;
        machine.enters("poweroff now")?;
        machine.goes_off()?;
        let mut machine = place.boot(&parts)?;
        machine.sees("login:")?;
        row(
            &format!("power-on to the login prompt, {name}"),
            &format!("at most {limit} s"),
            &format!("{:.1} s", machine.seconds()),
        );
        let begin = Instant::now();
        machine.enters("towpath")?;
        machine.sees("assword:")?;
        machine.enters("secret")?;
        machine.sees(":~$")?;
        row(&format!("name and password to the shell, {name}"), "", &format!("{:.1} s", begin.elapsed().as_secs_f64()));
    }
    Ok(())
}

#[test]
fn the_time_to_the_first_session_is_printed() -> Result<()> {
    for (name, firmware) in [("BIOS", Firmware::Bios), ("UEFI", Firmware::Uefi)] {
        let (network, place) = (Network::new()?, Place::new("session")?);
        let parts = Parts { firmware, memory: 256, ..Parts::default() };
        let seed = Some(Seed { user_data: Some(user_data()), config: Some(CONFIG.to_owned()) });
        let mut machine = network.boot(&place, &Parts { seed, ..parts.clone() })?;
        machine.logs_in("towpath", "secret")?;
        machine.enters("poweroff now")?;
        machine.goes_off()?;
        let mut machine = network.boot(&place, &parts)?;
        let seconds = network.established(&mut machine)?;
        row(&format!("power-on to BGP Established with BIRD, {name}"), "at most 15 s", &format!("{seconds:.1} s"));
    }
    Ok(())
}
