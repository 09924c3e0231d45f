//! Devices: their modules, their names, and what the kernel tells of them.
//!
//! Never waits for a device that does not come.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::{Path, PathBuf};

use nix::sys::socket::{MsgFlags, recv};

use crate::modules::Catalogue;
use crate::names::{self, Card};
use crate::{pci, system};

/// No event of the kernel is longer, in octets.
const LONGEST_EVENT: usize = 16 << 10;
/// The modules that bring disks to light, with lists of their own: they are at hand before `/usr` is.
const DISKS: &str = "/packed/modules";
/// Devices may bring others to light, but not for ever.
const ROUNDS: usize = 8;
/// What no device asks for by itself: the file system of the boot partition, and how `/usr` is mounted.
const FIRST: &[&str] = &["vfat", "nls_cp437", "nls_ascii", "squashfs"];
/// The same of `/usr`: the data partition's file system, and the checksum that it would have `modprobe` called for.
const SECOND: &[&str] = &["crc32c_generic", "ext4"];
/// What the processor asks for.
const PROCESSOR: &str = "/sys/devices/system/cpu/modalias";
/// The same of what the router makes of links ...
const LINKS: &[&str] = &["af_packet"];
/// ... and of what may wait: buttons.
const BUTTONS: &[&str] = &["button", "evdev"];
/// What makes a disk of memory, and the kernel's unit for its size, in octets.
const MEMORY_DISK: (&str, u64) = ("brd", 1024);
/// What stands before the word of a device that a machine in a machine has, and finds at once.
const QUICK: &str = "virtio:";

/// What the word of a network card of PCI holds, its class (`PCI_BASE_CLASS_NETWORK` of linux/pci_ids.h) ...
const CARD_OF_PCI: &str = "bc02";
/// ... and what those of machines in a machine begin with: `VIRTIO_ID_NET`, `HV_NIC_GUID` and Xen's.
const CARDS: [&str; 3] = ["virtio:d00000001", "vmbus:635161f83edfc546913ff2d2f965ed0e", "xen:vif"];

/// What modules are told. A watchdog hears of the first process each five seconds; four times missed, and it ends the machine.
const SETTINGS: [(&str, &str); 2] = [("i6300esb.ko", "heartbeat=20"), ("iTCO_wdt.ko", "heartbeat=20")];

/// The kernel's modules, and which of them were asked for already.
#[derive(Debug)]
pub(crate) struct Hardware {
    folder: PathBuf,
    catalogue: Catalogue,
    /// The devices that are known, and what each of them asks for.
    devices: BTreeMap<PathBuf, String>,
    asked: BTreeSet<String>,
    /// The names of the files that are in the kernel.
    loaded: BTreeSet<String>,
}

impl Hardware {
    fn of(folder: PathBuf) -> Self {
        let catalogue = read_catalogue(&folder);
        Self { folder, catalogue, devices: BTreeMap::new(), asked: BTreeSet::new(), loaded: BTreeSet::new() }
    }

    /// What is at hand before `/usr` is: what brings disks to light. No device is asked yet, and those of PCI wait for their
    /// drivers.
    pub(crate) fn first() -> Self {
        let mut hardware = Self::of(PathBuf::from(DISKS));
        pci::hold();
        for name in FIRST {
            hardware.load(name);
        }
        hardware
    }

    /// Loads all that is at hand and that a device asks for.
    pub(crate) fn start_disks(&mut self) {
        self.load_rounds(|_| true, pci::give_to_drivers);
    }

    /// Loads what one more device asks for, as long as there is one.
    pub(crate) fn load_next_for_disks(&mut self) -> bool {
        let known = self.devices.len();
        let words = self.words_not_asked();
        let left = words.iter().filter(|word| !self.catalogue.wanted(word).is_empty());
        let next = left.min_by_key(|word| !word.starts_with(QUICK));
        if let Some(word) = next {
            self.load(word);
        }
        // A device that its driver does not take is not offered to it for ever.
        if next.is_some() || self.devices.len() > known {
            pci::give_to_drivers();
        }
        next.is_some()
    }

    /// Makes `/dev/ram0`, a disk of memory with room for this many octets.
    ///
    /// # Errors
    /// What the kernel says.
    pub(crate) fn make_memory_disk(&mut self, octets: u64) -> Result<(), String> {
        let (name, unit) = MEMORY_DISK;
        let settings = format!("rd_nr=1 max_part=0 rd_size={}", octets.div_ceil(unit));
        let files = self.catalogue.files_for(name);
        let file = files.last().ok_or(format!("there is no module {name}"))?;
        system::load_module(&self.folder.join(file), &settings)?;
        self.loaded.insert((*file).to_owned());
        Ok(())
    }

    /// All modules of the kernel that runs, none of which was asked for.
    pub(crate) fn whole() -> Self {
        Self::of(folder_of_kernel())
    }

    /// All modules of the kernel that runs are at hand from here on.
    pub(crate) fn widen(&mut self) {
        // A device may ask for more modules than were known.
        let (devices, loaded) = (std::mem::take(&mut self.devices), std::mem::take(&mut self.loaded));
        *self = Self { devices, loaded, ..Self::whole() };
        if let Ok(word) = fs::read_to_string(PROCESSOR) {
            self.load(word.trim());
        }
        for name in SECOND {
            self.load(name);
        }
    }

    /// Loads what the router needs and what network cards ask for, and what comes to light by these.
    pub(crate) fn start_cards(&mut self) {
        for name in LINKS {
            self.load(name);
        }
        self.load_rounds(is_card, pci::give_cards_to_drivers);
    }

    /// Loads what each device that is there asks for, and those that come to light by it. No device waits any more.
    pub(crate) fn start(&mut self) {
        self.start_cards();
        for name in BUTTONS {
            self.load(name);
        }
        pci::release();
        self.load_rounds(|_| true, || ());
    }

    /// Does a part of [`start`](Self::start): loads what one more device asks for; whether there was one. Behind the last one no
    /// device waits any more.
    pub(crate) fn load_next(&mut self) -> bool {
        let button = BUTTONS.iter().find(|name| !self.asked.contains(**name));
        // The drivers that are there in the end may bring more to light.
        button.is_some_and(|name| self.load(name))
            || self.words_not_asked().iter().any(|word| self.load(word))
            || pci::release()
    }

    /// Loads what devices of a kind ask for, and does behind each round what may bring others to light.
    fn load_rounds(&mut self, wanted: impl Fn(&str) -> bool, behind: impl Fn()) {
        for _ in 0..ROUNDS {
            let words = self.words_not_asked();
            let mut words = words.iter().filter(|word| wanted(word)).peekable();
            if words.peek().is_none() {
                break;
            }
            for word in words {
                self.load(word);
            }
            behind();
        }
    }

    /// What each device on each bus asks for, once, as far as it was not asked for.
    fn words_not_asked(&mut self) -> BTreeSet<String> {
        for device in devices() {
            // A device asks for the same all the time, and to read it again is dear.
            self.devices.entry(device).or_insert_with_key(|device| word_of(device));
        }
        let words = self.devices.values().filter(|word| !word.is_empty() && !self.asked.contains(*word));
        words.cloned().collect()
    }

    /// Loads what a device or a caller of `modprobe` asks for; whether anything answers to it.
    pub(crate) fn load(&mut self, word: &str) -> bool {
        self.asked.insert(word.to_owned());
        let modules = self.catalogue.wanted(word);
        let mut done = false;
        for module in &modules {
            let built_in = self.catalogue.is_builtin(module);
            let files = self.catalogue.files_for(module);
            let loaded = files.iter().try_for_each(|file| load_once(&self.folder, file, &mut self.loaded));
            // A list may name modules that this image leaves out.
            match loaded {
                Ok(()) => done |= built_in || !files.is_empty(),
                Err(error) if error.contains("ENOENT") || error.contains("No such file") => {}
                Err(error) => system::say(&error),
            }
        }
        done
    }

    /// Takes in what the kernel tells; whether a network card came.
    pub(crate) fn take_events(&mut self, events: &OwnedFd) -> bool {
        let mut octets = vec![0; LONGEST_EVENT];
        let mut card = false;
        while let Ok(length) = recv(events.as_raw_fd(), &mut octets, MsgFlags::MSG_DONTWAIT) {
            let event = Event::read(octets.get(..length).unwrap_or_default());
            if event.value("ACTION") != Some("add") {
                continue;
            }
            if let Some(word) = event.value("MODALIAS") {
                self.load(word);
            }
            card |= event.value("SUBSYSTEM") == Some("net");
        }
        card
    }
}

/// Whether this is the word of a network card, on whatever bus: of PCI's class, or what machines in a machine have.
fn is_card(word: &str) -> bool {
    let pci = word.starts_with("pci:") && word.contains(CARD_OF_PCI);
    pci || CARDS.iter().any(|card| word.starts_with(card))
}

/// What a module is told.
fn settings_of(file: &str) -> &'static str {
    let row = SETTINGS.iter().find(|(name, _)| Path::new(file).ends_with(name));
    row.map(|(_, settings)| *settings).unwrap_or_default()
}

fn folder_of_kernel() -> PathBuf {
    let release = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    Path::new("/lib/modules").join(release.trim())
}

/// The lists of the modules in a folder, as far as they are there.
fn read_catalogue(folder: &Path) -> Catalogue {
    let list = |name: &str| fs::read_to_string(folder.join(name)).unwrap_or_default();
    Catalogue::read(&list("modules.dep"), &list("modules.alias"), &list("modules.builtin"))
}

/// Loads a module unless it was loaded before; a file has the same name in every folder.
fn load_once(folder: &Path, file: &str, loaded: &mut BTreeSet<String>) -> Result<(), String> {
    if loaded.contains(file) {
        return Ok(());
    }
    system::load_module(&folder.join(file), settings_of(file))?;
    loaded.insert(file.to_owned());
    Ok(())
}

/// An event of the kernel: a headline and variables, each ended by an octet of zero.
struct Event<'a> {
    variables: BTreeMap<&'a str, &'a str>,
}

impl<'a> Event<'a> {
    fn read(octets: &'a [u8]) -> Self {
        let texts = octets.split(|octet| *octet == 0).filter_map(|text| std::str::from_utf8(text).ok());
        Self { variables: texts.filter_map(|text| text.split_once('=')).collect() }
    }

    fn value(&self, name: &str) -> Option<&'a str> {
        self.variables.get(name).copied()
    }
}

/// The devices on all buses.
fn devices() -> impl Iterator<Item = PathBuf> {
    let within = |folder: &Path| fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    within(Path::new("/sys/bus")).flat_map(move |bus| within(&bus.join("devices")))
}

/// What a device asks for: nothing, for most of them.
fn word_of(device: &Path) -> String {
    let word = fs::read_to_string(device.join("modalias")).unwrap_or_default();
    word.trim().to_owned()
}

/// The network cards, by the numbers that the kernel gave them; links that are made of others are none.
fn cards() -> Vec<Card> {
    let entries = fs::read_dir("/sys/class/net").into_iter().flatten().flatten();
    let mut found: Vec<(u32, Card)> = entries
        .filter(|entry| entry.path().join("device").exists())
        .filter_map(|entry| {
            let read = |name: &str| fs::read_to_string(entry.path().join(name)).ok();
            let name = entry.file_name().into_string().ok()?;
            let index = read("ifindex")?.trim().parse().ok()?;
            // The permanent address is the card's own; a change of it later is no other card.
            Some((index, Card { name, mac: read("address")?.trim().to_lowercase() }))
        })
        .collect();
    found.sort_by_key(|(index, _)| *index);
    found.into_iter().map(|(_, card)| card).collect()
}

/// Gives each card its name, and remembers who was met.
pub(crate) fn name_cards(config: &str, list: &Path) {
    let cards = cards();
    let met = names::read_met(&fs::read_to_string(list).unwrap_or_default());
    let names = names::assign(&cards, &names::hardware_ids(config), &met);
    for (from, to) in names::renamings(&cards, &names) {
        if let Err(error) = system::rename_link(&from, &to) {
            system::say(&error);
        }
    }
    let mut all = met.clone();
    all.retain(|_, name| !names.values().any(|taken| taken == name));
    all.extend(names);
    if all != met
        && let Err(error) = system::write_whole(list, names::write_met(&all).as_bytes(), 0o644)
    {
        system::say(&system::told("the list of network cards cannot be kept", error));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_card_is_known_by_its_word() {
        for (word, card) in [
            ("pci:v00001AF4d00001000sv00001AF4sd00000001bc02sc00i00", true),
            ("pci:v00008086d00007010sv00001AF4sd00001100bc01sc01i80", false),
            ("virtio:d00000001v00001AF4", true),
            ("virtio:d00000002v00001AF4", false),
            ("acpi:PNP0C0C:bc02", false),
            ("", false),
        ] {
            assert_eq!(is_card(word), card, "{word}");
        }
    }

    #[test]
    fn events_of_the_kernel_are_read_by_their_variables() {
        let event = Event::read(b"add@/devices/x\0ACTION=add\0MODALIAS=pci:v1\0SUBSYSTEM=net\0\xff\0");
        assert_eq!(event.value("ACTION"), Some("add"));
        assert_eq!(event.value("MODALIAS"), Some("pci:v1"));
        assert_eq!(event.value("OTHER"), None);
    }
}
