//! The directory: its lines, in places where the programs find them.
//!
//! Never knows who asks. A directory is built anew for each change and never changed.

use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use bpf_common::directory::{exact, longest, longest6, mapped, rest};
use bpf_common::flow::{Flow, octets, words};
use bpf_common::layout::{
    ANSWERS, Directory, ECHO, Entry, GUARDED, LENGTHS, PLACES, PORTS, PROBES, SERVER, place, server,
};
use nouns::Prefix;

use crate::servers::Servers;
use crate::wish::{Destination, Protocol};

/// What a line is found by, in an order in which prefixes stand before those within them.
type Key = ([u8; 16], u8, u8, [u8; 2]);

/// The lines that a directory shall have.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Lines(BTreeMap<Key, Entry>);

/// Who answers in its own address: the address, the port or 0, and the number of the protocol.
pub(crate) type Answerer = ([u8; 16], u16, u8);

/// A directory in its places.
#[derive(Clone)]
pub struct Filled(Arc<[Directory]>);

impl Filled {
    /// The directory.
    #[must_use]
    pub fn get(&self) -> &Directory {
        self.0.first().unwrap_or(&EMPTY)
    }
}

impl fmt::Debug for Filled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.get().places.iter().filter(|entry| entry.length > 0)).finish()
    }
}

impl Default for Filled {
    fn default() -> Self {
        Self(Arc::from(std::slice::from_ref(&EMPTY)))
    }
}

const NOTHING: Entry = Entry { address: [0; 16], port: [0; 2], protocol: 0, length: 0, service: 0, flags: 0, zero: 0 };
/// Copied where one is made: it is too large for a stack.
static EMPTY: Directory =
    Directory { lengths: [0; LENGTHS], lengths6: [0; LENGTHS], answers: 0, zero: 0, places: [NOTHING; PLACES] };

impl Lines {
    /// The lines of these services with their numbers, of prefixes that are guarded, and of those who answer.
    pub(crate) fn new(
        services: &[(Destination, u32)],
        guards: &[Prefix],
        answers: impl Iterator<Item = (Answerer, u32)>,
        servers: &Servers,
    ) -> Self {
        let mut lines = Self::default();
        for (destination, number) in services.iter().filter(|(destination, _)| destination.transport.is_none()) {
            lines.line(prefix_key(destination.prefix)).service = *number;
        }
        for guard in guards {
            lines.line(prefix_key(*guard)).flags |= GUARDED;
        }
        for (destination, number) in services {
            let Some(transport) = destination.transport else { continue };
            let (address, length) = of_prefix(destination.prefix);
            let port = transport.port.unwrap_or(0).to_be_bytes();
            lines.line((address, length, number_of(transport.protocol), port)).service = *number;
            lines.line((address, length, 0, [0; 2])).flags |= PORTS;
        }
        lines.inherit();
        lines.answer(answers);
        for ((service, id), backend) in servers.iter() {
            let key = octets(server(service, id));
            lines.line((key, SERVER, number_of(Protocol::Udp), [0; 2])).service = u32::from(backend);
        }
        lines
    }

    /// The same lines, and those of these who answer.
    pub(crate) fn with(&self, answers: impl Iterator<Item = (Answerer, u32)>) -> Self {
        let mut lines = self.clone();
        lines.answer(answers);
        lines
    }

    fn answer(&mut self, answers: impl Iterator<Item = (Answerer, u32)>) {
        for ((address, port, protocol), number) in answers {
            self.line((address, ANSWERS, protocol, port.to_be_bytes())).service = number;
        }
    }

    /// The lines of a directory of an earlier life.
    pub(crate) fn found(entries: &[Entry]) -> Self {
        let lines = entries.iter().filter(|entry| entry.length > 0);
        Self(lines.map(|entry| ((entry.address, entry.length, entry.protocol, entry.port), *entry)).collect())
    }

    fn line(&mut self, key: Key) -> &mut Entry {
        let (address, length, protocol, port) = key;
        self.0.entry(key).or_insert(Entry { address, length, protocol, port, ..NOTHING })
    }

    /// Lines within others hold what those say: who is found first is the only one that is read.
    fn inherit(&mut self) {
        let plain = self.0.iter().filter(|((_, _, protocol, port), _)| *protocol == 0 && *port == [0; 2]);
        let lengths: Vec<u8> = lengths(plain.clone().map(|(_, entry)| entry.length)).collect();
        let inherited: Vec<(Key, Entry)> = plain
            .map(|(key, entry)| {
                let mut entry = *entry;
                let shortest = if is_ipv4(&entry) { 96 } else { 1 };
                for length in lengths.iter().filter(|length| (shortest..entry.length).contains(*length)) {
                    if let Some(around) = self.0.get(&(masked(entry.address, *length), *length, 0, [0; 2])) {
                        entry.service = if entry.service == 0 { around.service } else { entry.service };
                        entry.flags |= around.flags & GUARDED;
                    }
                }
                // Where all packets of an address are somebody's, so are its echo requests.
                if entry.flags & PORTS != 0 && entry.service == 0 {
                    entry.flags |= ECHO;
                }
                (*key, entry)
            })
            .collect();
        self.0.extend(inherited);
    }

    /// How many there are.
    pub(crate) fn len(&self) -> u32 {
        u32::try_from(self.0.len()).unwrap_or(u32::MAX)
    }

    /// The directory of these lines, and how many found no place in it.
    pub(crate) fn fill(&self) -> (Filled, usize) {
        let mut made = std::slice::from_ref(&EMPTY).to_vec();
        let mut lost = 0;
        if let Some(directory) = made.first_mut() {
            let plain = || self.0.values().filter(|entry| entry.length < ANSWERS && entry.protocol == 0);
            for (family, kept) in [(true, &mut directory.lengths), (false, &mut directory.lengths6)] {
                let found = lengths(plain().filter(|entry| is_ipv4(entry) == family).map(|entry| entry.length));
                kept.iter_mut().zip(found).for_each(|(place, length)| *place = length);
            }
            let answers = self.0.values().filter(|entry| entry.length == ANSWERS).count();
            directory.answers = u32::try_from(answers).unwrap_or(u32::MAX);
            lost = self.0.values().filter(|entry| !put(&mut directory.places, **entry)).count();
        }
        (Filled(made.into()), lost)
    }

    /// How many different lengths of prefixes there are, of the family that has more.
    pub(crate) fn lengths(&self) -> usize {
        let plain = || self.0.values().filter(|entry| entry.length < ANSWERS && entry.protocol == 0);
        let of = |family| lengths(plain().filter(|entry| is_ipv4(entry) == family).map(|entry| entry.length)).count();
        of(true).max(of(false))
    }
}

/// All different ones, longest first.
fn lengths(all: impl Iterator<Item = u8>) -> impl Iterator<Item = u8> {
    let mut seen = [false; 256];
    all.for_each(|length| {
        if let Some(place) = seen.get_mut(usize::from(length)) {
            *place = true;
        }
    });
    (0..=u8::MAX).rev().filter(move |length| seen.get(usize::from(*length)).is_some_and(|seen| *seen))
}

/// Puts a line in its place. Whoever is nearer to its own place makes way (Robin Hood): so all distances stay short.
fn put(places: &mut [Entry; PLACES], mut entry: Entry) -> bool {
    let home = |entry: &Entry| place(entry.address, entry.port, entry.protocol, entry.length) as usize;
    let (mut at, mut distance) = (home(&entry), 0);
    let mut displaced = Vec::new();
    while distance < PROBES {
        let Some(found) = places.get_mut(at % PLACES) else { return false };
        if found.length == 0 {
            *found = entry;
            return true;
        }
        let theirs = (at + PLACES - home(found)) % PLACES;
        if theirs < distance {
            displaced.push((at % PLACES, *found));
            std::mem::swap(found, &mut entry);
            distance = theirs;
        }
        at = (at + 1) % PLACES;
        distance += 1;
    }
    // Nobody is put out for one that finds no place in the end.
    for (at, former) in displaced.into_iter().rev() {
        if let Some(place) = places.get_mut(at) {
            *place = former;
        }
    }
    false
}

/// The line of the service that a flow belongs to, or of the prefix that it is in.
#[must_use]
pub fn line_of<'a>(directory: &'a Directory, flow: &Flow) -> Option<&'a Entry> {
    let address = words(flow.destination);
    let ipv4 = address == mapped((address[1] >> 32) as u32);
    let prefix = if ipv4 { longest(directory, (address[1] >> 32) as u32) } else { longest6(directory, address) }?;
    let ported = |port: [u8; 2]| exact(directory, address, rest(u16::from_le_bytes(port), flow.protocol, 128));
    let ports = prefix.flags & PORTS != 0 && flow.protocol != 0;
    let found = if ports { ported(flow.destination_port).or_else(|| ported([0; 2])) } else { None };
    Some(found.unwrap_or(prefix))
}

fn is_ipv4(entry: &Entry) -> bool {
    u128::from_be_bytes(entry.address) >> 32 == 0xffff && entry.length >= 96
}

fn prefix_key(prefix: Prefix) -> Key {
    let (address, length) = of_prefix(prefix);
    (address, length, 0, [0; 2])
}

/// A prefix as the directory has it.
fn of_prefix(prefix: Prefix) -> ([u8; 16], u8) {
    match prefix.address() {
        IpAddr::V4(address) => (address.to_ipv6_mapped().octets(), 96 + prefix.length()),
        IpAddr::V6(address) => (address.octets(), prefix.length()),
    }
}

fn masked(address: [u8; 16], length: u8) -> [u8; 16] {
    let mask = u128::MAX.checked_shl(128 - u32::from(length)).unwrap_or(0);
    (u128::from_be_bytes(address) & mask).to_be_bytes()
}

/// The number of a protocol (IANA).
pub(crate) fn number_of(protocol: Protocol) -> u8 {
    match protocol {
        Protocol::Tcp => 6,
        Protocol::Udp => 17,
    }
}

#[cfg(test)]
mod tests;
