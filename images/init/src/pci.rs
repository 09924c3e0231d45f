//! Devices of PCI, as far as they wait for their drivers.
//!
//! A driver takes all devices that it knows as soon as it is there, and with ACPI each of them has the firmware's table of interrupts
//! read anew, which takes a quarter of a second where a processor is emulated. A network card leads to no disk, so before the
//! system is there it waits. Never loads a driver.

use std::fs;
use std::path::{Path, PathBuf};

/// Whether the kernel gives devices to drivers by itself (`drivers_autoprobe`), and where it is asked to for one of them.
const AUTOMATIC: &str = "/sys/bus/pci/drivers_autoprobe";
const GIVE: &str = "/sys/bus/pci/drivers_probe";
const DEVICES: &str = "/sys/bus/pci/devices";
/// What the class of a network controller begins with (`PCI_BASE_CLASS_NETWORK` of linux/pci_ids.h).
const NETWORK: &str = "0x02";

/// Devices wait from here on, also for drivers that come.
pub(crate) fn hold() {
    let _ = fs::write(AUTOMATIC, "0");
}

/// Gives those that may lead to a disk to drivers that are there.
pub(crate) fn give_to_drivers() {
    give_if(|device| !is_network(&class_of(device)));
}

/// Gives network cards to drivers that are there.
pub(crate) fn give_cards_to_drivers() {
    give_if(|device| is_network(&class_of(device)));
}

/// Nothing waits any more; whether anything had waited.
pub(crate) fn release() -> bool {
    let waited = fs::read_to_string(AUTOMATIC).is_ok_and(|automatic| automatic.trim() == "0");
    if waited {
        let _ = fs::write(AUTOMATIC, "1");
        give_if(|_| true);
    }
    waited
}

/// In the order of their places, as the kernel itself would have given them: cards have their numbers by that.
fn give_if(wanted: impl Fn(&Path) -> bool) {
    let entries = fs::read_dir(DEVICES).into_iter().flatten().flatten();
    let mut waiting: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
    waiting.retain(|device| !device.join("driver").exists() && wanted(device));
    waiting.sort();
    for device in waiting {
        if let Some(place) = device.file_name() {
            // One for which no driver is there goes on waiting.
            let _ = fs::write(GIVE, place.as_encoded_bytes());
        }
    }
}

fn class_of(device: &Path) -> String {
    fs::read_to_string(device.join("class")).unwrap_or_default()
}

fn is_network(class: &str) -> bool {
    class.starts_with(NETWORK)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_card_is_known_by_its_class() {
        for (class, network) in
            [("0x020000\n", true), ("0x028000", true), ("0x010000\n", false), ("0x0c0330", false), ("", false)]
        {
            assert_eq!(is_network(class), network, "{class:?}");
        }
    }
}
