//! What a disk hangs on: the system fetches the greater part of itself by the kernel's own drivers, whatever they are.

use anyhow::Result;
use scenarios::appliance::{Parts, Place};

use crate::boot_partition::BootPartition;
use crate::{logged_in, user_data};

/// A controller with a disk, as devices of QEMU.
fn controller(devices: &[&str]) -> Vec<String> {
    devices.iter().map(|device| (*device).to_owned()).collect()
}

#[test]
fn a_disk_is_found_behind_every_controller_that_firmware_starts_from() -> Result<()> {
    for devices in [
        &["nvme,serial=one,drive=disk"][..],
        &["ide-hd,drive=disk"],
        &["ahci,id=hub", "ide-hd,bus=hub.0,drive=disk"],
        &["virtio-scsi-pci", "scsi-hd,drive=disk"],
        &["pvscsi", "scsi-hd,drive=disk"],
        &["megasas", "scsi-hd,drive=disk"],
        &["qemu-xhci", "usb-storage,drive=disk"],
        &["usb-ehci", "usb-storage,drive=disk"],
    ] {
        let place = Place::new("controller")?;
        let parts = Parts { controller: controller(devices), ..Parts::default() };
        let mut machine = logged_in(&place, &parts.seeded(&user_data()))?;
        let list = machine.says("show system image")?;
        assert!(list.contains("0.1.0 (default boot) (running image)"), "{devices:?}: {list}");
    }
    Ok(())
}

#[test]
fn another_disk_with_another_image_is_not_taken_for_the_one_that_was_started() -> Result<()> {
    let place = Place::new("other")?;
    let (other, rubbish) = (place.path("other.img"), place.path("rubbish"));
    std::fs::copy(place.image().disk(), &other)?;
    let mut octets = std::fs::read(place.image().slot().join("usr"))?;
    let middle = octets.len() / 2;
    octets[middle] ^= 1;
    std::fs::write(&rubbish, octets)?;
    BootPartition::of(&place, &other).put("slots/a/usr", &rubbish)?;
    // The other one is found first, because its driver is loaded first.
    let others = ["-drive".to_owned(), format!("file={},format=raw,if=virtio,snapshot=on", other.display())];
    let controller = controller(&["ahci,id=hub", "ide-hd,bus=hub.0,drive=disk,bootindex=0"]);
    let parts = Parts { controller, others: others.to_vec(), ..Parts::default() };
    let mut machine = logged_in(&place, &parts.seeded(&user_data()))?;
    let said = machine.says("show log | match 'damaged, or of another' | no-more")?;
    assert!(said.contains("/dev/vda2: /boot/slots/a/usr: it is damaged, or of another image"), "{said}");
    let list = machine.says("show system image")?;
    assert!(list.contains("0.1.0 (default boot) (running image)"), "{list}");
    Ok(())
}
