//! What stands in the maps of a test, and its octets as the kernel takes them.
//!
//! It never decides: a test says each slot and each backend.

use bpf_common::layout::{
    ANSWERS, Backend, Capture, Directory, Entry, LENGTHS, PLACES, PROBES, Return, SLOTS, Service, Slot, Table, place,
};

/// What stands in the maps. Numbers are places in the lists, the first of which is nobody's.
#[derive(Clone, Debug, Default)]
pub struct World {
    /// The lines of the directory.
    pub entries: Vec<Entry>,
    /// Services.
    pub services: Vec<Service>,
    /// Tables; those slots that are not said are zero.
    pub tables: Vec<Vec<Slot>>,
    /// Backends.
    pub backends: Vec<Backend>,
    /// Who answers as whom.
    pub returns: Vec<Return>,
    /// Keys of nodes.
    pub nodes: Vec<u64>,
    /// Marks and their backends.
    pub marks: Vec<(u32, u32)>,
    /// What is captured.
    pub capture: Capture,
}

const NOTHING: Entry = Entry { address: [0; 16], port: [0; 2], protocol: 0, length: 0, service: 0, flags: 0, zero: 0 };
static EMPTY: Directory =
    Directory { lengths: [0; LENGTHS], lengths6: [0; LENGTHS], answers: 0, zero: 0, places: [NOTHING; PLACES] };

impl World {
    /// The directory.
    ///
    /// # Panics
    /// When a line finds no place: a test has few.
    #[must_use]
    pub fn directory(&self) -> Box<[Directory]> {
        let mut directories: Box<[Directory]> = Box::from(std::slice::from_ref(&EMPTY));
        for directory in &mut directories {
            for entry in &self.entries {
                let first = place(entry.address, entry.port, entry.protocol, entry.length) as usize;
                let free = (first..first + PROBES).find_map(|at| {
                    let at = at % PLACES;
                    directory.places.get(at).is_some_and(|there| there.length == 0).then_some(at)
                });
                let line = free.and_then(|at| directory.places.get_mut(at));
                assert!(line.map(|line| *line = *entry).is_some(), "no place for {entry:?}");
            }
            directory.answers = self.entries.iter().filter(|entry| entry.length == ANSWERS).count() as u32;
            let plain = self.entries.iter().filter(|entry| entry.protocol == 0 && entry.length <= 128);
            let (four, six): (Vec<&Entry>, Vec<&Entry>) =
                plain.partition(|entry| entry.address.starts_with(&[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff]));
            for (lengths, entries) in [(&mut directory.lengths, four), (&mut directory.lengths6, six)] {
                let mut wanted: Vec<u8> = entries.iter().map(|entry| entry.length).collect();
                wanted.sort_unstable_by(|a, b| b.cmp(a));
                wanted.dedup();
                for (length, wanted) in lengths.iter_mut().zip(wanted) {
                    *length = wanted;
                }
            }
        }
        directories
    }
}

/// The octets of a directory.
#[must_use]
pub fn directory(directory: &Directory) -> Vec<u8> {
    let mut octets = [directory.lengths, directory.lengths6].concat();
    octets.extend(directory.answers.to_ne_bytes());
    octets.extend([0; 4]);
    for entry in &directory.places {
        octets.extend(entry.address);
        octets.extend(entry.port);
        octets.extend([entry.protocol, entry.length]);
        octets.extend(entry.service.to_ne_bytes());
        octets.extend(entry.flags.to_ne_bytes());
        octets.extend([0; 4]);
    }
    octets
}

/// The octets of a table.
#[must_use]
pub fn table(slots: &[Slot]) -> Vec<u8> {
    let mut octets: Vec<u8> = slots.iter().take(SLOTS).flat_map(|slot| slot.0.to_ne_bytes()).collect();
    octets.resize(size_of::<Table>(), 0);
    octets
}

/// The octets of a service.
#[must_use]
pub fn service(service: &Service) -> [u8; 16] {
    let words = [service.table, service.slots, service.flags, service.clamp];
    let [[a, b, c, d], [e, f, g, h], [i, j, k, l], [m, n, o, p]] = words.map(u32::to_ne_bytes);
    [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p]
}

/// The octets of a backend.
#[must_use]
pub fn backend(backend: &Backend) -> Vec<u8> {
    let mut octets = [backend.link, backend.link_rest].concat();
    octets.extend([backend.way, backend.flags]);
    octets.extend(backend.vlan.to_ne_bytes());
    octets.extend(backend.mtu.to_ne_bytes());
    octets.extend(backend.port);
    octets.extend(backend.address);
    octets.extend(backend.source);
    octets.extend([0; 8]);
    octets
}

/// The octets of what an answer comes from.
#[must_use]
pub fn answer(answer: &Return) -> Vec<u8> {
    let mut octets = answer.address.to_vec();
    octets.extend(answer.port);
    octets.extend([0; 6]);
    octets
}
