//! `install image`: from the disk that runs to another one, which starts by itself then; a disk that is too small.

use anyhow::Result;
use scenarios::appliance::{Machine, Parts, Place};

use crate::{logged_in, user_data};

/// Answers the questions of `install image` one after the other.
fn answers(machine: &mut Machine, all: &[(&str, &str)]) -> Result<()> {
    machine.enters("install image")?;
    for (question, answer) in all {
        machine.sees(question)?;
        machine.enters(answer)?;
    }
    Ok(())
}

#[test]
fn the_image_is_installed_on_a_second_disk_and_starts_from_there() -> Result<()> {
    let place = Place::new("install")?;
    let mut parts = Parts::default().seeded(&user_data());
    // Behind the machine's own disk and the volume of its first start.
    for (name, size) in [("second.qcow2", "1G"), ("small.qcow2", "300M")] {
        place.blank_disk(name, size)?;
        parts
            .others
            .extend(["-drive".to_owned(), format!("file={},format=qcow2,if=virtio", place.path(name).display())]);
    }
    let mut machine = logged_in(&place, &parts)?;
    let before = std::fs::read(place.path("small.qcow2"))?;
    answers(&mut machine, &[("continue?", "yes"), ("name this image?", ""), ("installation?", "/dev/vdd")])?;
    machine.sees("The disk /dev/vdd is too small: it has 300 MiB, and 355 MiB are needed. Nothing was written")?;
    machine.sees(":~$")?;
    answers(&mut machine, &[("continue?", "yes"), ("name this image?", ""), ("installation?", "/dev/vda")])?;
    machine.sees("The disk /dev/vda is in use")?;
    machine.sees(":~$")?;
    answers(&mut machine, &[("continue?", "")])?;
    machine.sees("nothing was written")?;
    machine.sees(":~$")?;
    for line in ["configure", "set system host-name carried", "commit", "save", "exit"] {
        machine.says(line)?;
    }
    let usual = [
        ("continue?", "yes"),
        ("name this image?", "carried-image"),
        ("installation?", ""),
        ("deletes all data on /dev/vdc. Continue?", "yes"),
        ("free space", ""),
        ("saved configuration", ""),
    ];
    answers(&mut machine, &usual)?;
    machine.sees("The image is installed on /dev/vdc as carried-image")?;
    machine.sees(":~$")?;
    machine.enters("poweroff now")?;
    machine.goes_off()?;
    assert!(std::fs::read(place.path("small.qcow2"))? == before, "something was written on the small disk");
    let mut machine = place.boot(&Parts { disk: "second.qcow2".to_owned(), ..Parts::default() })?;
    machine.sees("carried login:")?;
    machine.enters("towpath")?;
    machine.sees("assword:")?;
    machine.enters("secret")?;
    machine.sees(":~$")?;
    let list = machine.says("show system image")?;
    assert!(list.contains("1: carried-image (default boot) (running image)") && !list.contains("2:"), "{list}");
    // All the free space of 1 GiB.
    let storage = machine.says("show system storage | no-more")?;
    let data = storage.lines().find(|line| line.ends_with(" /data")).unwrap_or_default();
    assert!(data.starts_with("/dev/vda3 ") && data.contains("736M"), "{storage}");
    Ok(())
}
