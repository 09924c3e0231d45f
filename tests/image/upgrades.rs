//! Upgrades: a good one, one that panics, files that are no images, and power cuts anywhere.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use scenarios::appliance::{Image, Machine, Parts, Place};

use crate::{logged_in, user_data};

/// A folder of this host, as a disk of FAT that the machine reads.
fn files(place: &Place, files: &[(&str, &Path)]) -> Result<Vec<String>> {
    let path = place.path("files.img");
    std::fs::File::create(&path)?.set_len(256 << 20)?;
    assert!(Command::new("mformat").arg("-i").arg(&path).args(["-F", "-v", "FILES", "::"]).status()?.success());
    for (name, file) in files {
        let copied = Command::new("mcopy").arg("-i").arg(&path).arg(file).arg(format!("::{name}")).status()?;
        assert!(copied.success());
    }
    Ok(vec!["-drive".to_owned(), format!("file={},format=raw,if=virtio,readonly=on", path.display())])
}

/// An image of the same software whose kernel finds no first process, signed with the same key.
fn broken(place: &Place) -> Result<std::path::PathBuf> {
    let image = place.image();
    let folder = image.disk().parent().context("the image is in no folder")?.to_owned();
    let (payload, file) = (place.path("payload"), place.path("broken.image"));
    let kernel = std::fs::read(folder.join("slot/vmlinuz"))?;
    let manifest =
        format!("version 9.9.9\nname 9.9.9\narchitecture amd64\nmade 1\nkernel {}\nsystem 4096\n\n", kernel.len());
    std::fs::write(&payload, [manifest.as_bytes(), &kernel, &[0; 4096]].concat())?;
    let signature = place.path("payload.minisig");
    let signed = Command::new("minisign")
        .args(["-S", "-W", "-s"])
        .arg(folder.join("key/towpath.key"))
        .arg("-m")
        .arg(&payload)
        .arg("-x")
        .arg(&signature)
        .stdin(std::process::Stdio::null())
        .output()?;
    assert!(signed.status.success(), "{}", String::from_utf8_lossy(&signed.stderr));
    std::fs::write(
        &file,
        [b"towpath-image 1\n".as_slice(), &std::fs::read(&signature)?, &std::fs::read(&payload)?].concat(),
    )?;
    Ok(file)
}

/// Where the machine shows the volume with the files.
const VOLUME: &str = "/media/files";

fn adds(machine: &mut Machine, name: &str) -> Result<String> {
    machine.says(&format!("add system image {VOLUME}/{name}"))
}

#[test]
fn an_upgrade_that_panics_comes_back_to_the_good_image_by_itself() -> Result<()> {
    let place = Place::new("broken")?;
    let others = files(&place, &[("broken.img", &broken(&place)?)])?;
    let parts = Parts { others, ..Parts::default() };
    let mut machine = logged_in(&place, &parts.clone().seeded(&user_data()))?;
    let said = adds(&mut machine, "broken.img")?;
    assert!(said.contains("The image is installed as 9.9.9"), "{said}");
    machine.enters("reboot now")?;
    machine.sees("Booting")?;
    let begin = Instant::now();
    machine.sees("did not become healthy")?;
    machine.sees("login:")?;
    println!("{:.1} s from the broken upgrade to the good image", begin.elapsed().as_secs_f64());
    machine.enters("towpath")?;
    machine.sees("assword:")?;
    machine.enters("secret")?;
    machine.sees(":~$")?;
    let list = machine.says("show system image")?;
    assert!(list.contains("0.1.0 (default boot) (running image)"), "{list}");
    assert!(list.contains("9.9.9 (did not become healthy)"), "{list}");
    Ok(())
}

#[test]
fn an_upgrade_proves_itself_and_the_old_image_can_be_deleted() -> Result<()> {
    let place = Place::new("upgrade")?;
    let newer = Image::build_as("0.2.0", "images-newer")?;
    let others = files(&place, &[("newer.img", &newer.file())])?;
    let parts = Parts { others, ..Parts::default() };
    let mut machine = logged_in(&place, &parts.clone().seeded(&user_data()))?;
    let said = adds(&mut machine, "newer.img")?;
    assert!(said.contains("The image is installed as 0.2.0"), "{said}");
    assert!(machine.says("delete system image 0.1.0")?.contains("runs"), "the image that runs stays");
    machine.enters("reboot now")?;
    machine.sees("Booting")?;
    machine.logs_in("towpath", "secret")?;
    assert!(machine.says("show system image")?.contains("0.2.0 (default boot) (running image) (not proved yet)"));
    let begin = Instant::now();
    while !machine.says("show system image")?.contains("0.2.0 (default boot) (running image)\n") {
        assert!(begin.elapsed() < Duration::from_secs(180), "the image does not prove itself");
        std::thread::sleep(Duration::from_secs(5));
    }
    assert!(machine.says("delete system image 0.1.0")?.contains("deleted"));
    Ok(())
}

#[test]
fn files_that_are_no_images_are_refused_in_words_and_change_nothing() -> Result<()> {
    let place = Place::new("foreign")?;
    let whole = std::fs::read(place.image().file())?;
    let write = |name: &str, octets: &[u8]| -> Result<std::path::PathBuf> {
        let path = place.path(name);
        std::fs::write(&path, octets)?;
        Ok(path)
    };
    let mut changed = whole.clone();
    let middle = changed.len() / 2;
    changed[middle] ^= 1;
    let body = whole.windows(2).position(|pair| pair == b"\nv").context("no manifest")? + 1;
    let unsigned = [b"towpath-image 1\nunsigned\n\n\n\n", &whole[body..]].concat();
    let others = files(
        &place,
        &[
            ("short", &write("short", &whole[..whole.len() - 1])?),
            ("changed", &write("changed", &changed)?),
            ("unsigned", &write("unsigned", &unsigned)?),
            ("foreign", &write("foreign", &[0; 100_000])?),
        ],
    )?;
    let mut machine = logged_in(&place, &Parts { others, ..Parts::default() }.seeded(&user_data()))?;
    let before = machine.says("show system image")?;
    for (name, words) in [
        ("short", "it is not whole"),
        ("changed", "changed or damaged"),
        ("unsigned", "is not signed"),
        ("foreign", "is no image of Towpath"),
        ("missing", "Cannot read"),
    ] {
        let said = adds(&mut machine, name)?;
        assert!(said.contains(words), "{name}: {said}");
    }
    assert_eq!(machine.says("show system image")?, before);
    Ok(())
}

#[test]
fn power_cuts_leave_the_old_or_the_new_configuration_whole() -> Result<()> {
    let cuts: u32 = std::env::var("TOWPATH_CUTS").ok().and_then(|cuts| cuts.parse().ok()).unwrap_or(3);
    let place = Place::new("cuts")?;
    let mut machine = logged_in(&place, &Parts::default().seeded(&user_data()))?;
    // Numbers that look drawn and are the same each time.
    let mut drawn: u64 = 0x9e37_79b9;
    for cut in 0..cuts {
        drawn = drawn.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        for line in ["configure", &format!("set system host-name cut{cut}"), "commit", "save"] {
            machine.enters(line)?;
        }
        std::thread::sleep(Duration::from_millis((drawn >> 33) % 3000));
        machine.power_cut();
        machine = place.boot(&Parts::default())?;
        machine.logs_in("towpath", "secret")?;
        let config = machine.says("show configuration commands | no-more")?;
        let names: Vec<&str> = config.lines().filter(|line| line.contains("host-name")).collect();
        let known = (0..=cut).map(|number| format!("cut{number}")).chain(["edge1".to_owned()]);
        assert!(
            names.len() == 1 && known.into_iter().any(|name| names[0].contains(&name)),
            "after cut {cut}: {config}"
        );
        assert!(config.contains("login user towpath"), "after cut {cut}: {config}");
    }
    Ok(())
}
