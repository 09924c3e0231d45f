//! What a disk hangs on: the system fetches the greater part of itself by the kernel's own drivers, whatever they are.

use anyhow::Result;
use scenarios::appliance::{Parts, Place};

use crate::boot_partition::BootPartition;
use crate::user_data;

/// A controller with a disk, as devices of QEMU.
fn controller(devices: &[&str]) -> Vec<String> {
    devices.iter().map(|device| (*device).to_owned()).collect()
}

/// Where the first start does not find its disk, a second one has everything read by the boot loader.
fn starts_at_once(place: &Place, parts: &Parts) -> Result<()> {
    let mut machine = place.boot(&parts.clone().seeded(&user_data()))?;
    machine.sees("login:")?;
    machine.power_cut();
    let starts = BootPartition::of_machine(place)?.variable("starts")?;
    // Some firmware cannot write to each disk that it reads, and nothing is counted there.
    assert!(["", "1"].contains(&starts.as_str()), "started {starts} times: {:?}", parts.controller);
    Ok(())
}

#[test]
fn a_disk_is_found_behind_every_controller_that_firmware_starts_from() -> Result<()> {
    for devices in [
        &["nvme,serial=one,drive=disk,bootindex=0"][..],
        &["ide-hd,drive=disk,bootindex=0"],
        &["ahci,id=hub", "ide-hd,bus=hub.0,drive=disk,bootindex=0"],
        &["virtio-scsi-pci", "scsi-hd,drive=disk,bootindex=0"],
        &["pvscsi", "scsi-hd,drive=disk,bootindex=0"],
        &["megasas", "scsi-hd,drive=disk,bootindex=0"],
        &["qemu-xhci", "usb-storage,drive=disk,bootindex=0"],
        &["usb-ehci", "usb-storage,drive=disk,bootindex=0"],
    ] {
        let place = Place::new("controller")?;
        let parts = Parts { controller: controller(devices), ..Parts::default() };
        starts_at_once(&place, &parts)?;
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
    starts_at_once(&place, &parts)
}
