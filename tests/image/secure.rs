//! Secure Boot, and that an image is the same each time it is built.

use anyhow::Result;
use scenarios::appliance::{Firmware, Image, Parts, Place};

use crate::user_data;

/// The parts of a machine that starts signed programs only.
fn guarded(disk: &str) -> Parts {
    Parts { firmware: Firmware::SecureBoot, memory: 512, disk: disk.to_owned(), ..Parts::default() }
}

#[test]
fn a_machine_with_secure_boot_starts_the_signed_image_and_refuses_the_unsigned_one() -> Result<()> {
    let place = Place::new("secure")?;
    let [signed, unsigned] = place.image().signed_and_unsigned()?;
    place.thin_disk("signed.qcow2", &signed)?;
    place.thin_disk("unsigned.qcow2", &unsigned)?;
    let mut machine = place.boot(&guarded("unsigned.qcow2"))?;
    machine.sees("Access Denied")?;
    machine.power_cut();
    let mut machine = place.boot(&guarded("signed.qcow2").seeded(&user_data()))?;
    machine.logs_in("towpath", "secret")?;
    let said = machine.says("show system boot-messages | match locked | no-more")?;
    assert!(said.contains("Kernel is locked down from EFI Secure Boot"), "{said}");
    let said = machine.says("show system image")?;
    assert!(said.contains("not started from a disk with images"), "{said}");
    machine.enters("poweroff now")?;
    machine.goes_off()
}

#[test]
fn the_same_inputs_give_the_same_octets() -> Result<()> {
    let (one, other) = (Image::build()?, Image::build_as("0.1.0", "images-again")?);
    for (what, of) in [
        ("disk", Image::disk as fn(&Image) -> std::path::PathBuf),
        ("file for upgrades", Image::file),
        ("list of what is in it", Image::bill),
    ] {
        let [one, other] = [of(&one), of(&other)].map(std::fs::read);
        assert!(one? == other?, "the {what} differs");
    }
    let one = one.signed_and_unsigned()?;
    // The clock of this host is none of the inputs; what a program keeps of it is whole seconds.
    std::thread::sleep(std::time::Duration::from_millis(1100));
    let other = other.signed_and_unsigned()?;
    assert!(std::fs::read(&one[1])? == std::fs::read(&other[1])?, "the disk with one file differs");
    Ok(())
}
