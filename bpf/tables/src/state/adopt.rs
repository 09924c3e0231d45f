//! What the maps hold from an earlier life becomes the state that the next wish is compared with.
//!
//! Never believes more than the maps say: who belongs to a set is unknown until it is wished.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::{Duration, Instant};

use bpf_common::layout::{self, ANSWERS, Entry, Slot};
use nouns::Prefix;

use super::{Balancer, Shared, Standing};
use crate::backends::{address, who};
use crate::directory::Lines;
use crate::table::Table;
use crate::wish::{Destination, Protocol, Transport};

/// What the maps hold.
#[derive(Clone, Debug, Default)]
pub struct Held {
    /// The lines of the directory.
    pub lines: Vec<Entry>,
    /// The services that the lines name.
    pub services: BTreeMap<u32, layout::Service>,
    /// All backends that are not zero.
    pub backends: BTreeMap<u32, layout::Backend>,
    /// All tables that there are.
    pub tables: BTreeMap<u32, Vec<Slot>>,
    /// The keys of `MARKS`.
    pub marks: BTreeMap<u32, u32>,
    /// The keys of `NODES`.
    pub nodes: Vec<u64>,
}

impl Balancer {
    /// Takes over what was found.
    pub(super) fn adopt(&mut self, now: Instant, held: Held) {
        for (number, entry) in held.backends {
            let Ok(number) = u16::try_from(number) else { continue };
            match who(&entry) {
                Some(who) => self.backends.adopt(number, who, entry),
                None => self.backends.adopt_nobody(now, number),
            }
        }
        self.backends.adopt_keys(&held.marks, &held.nodes);
        self.lines = Lines::found(&held.lines);
        (self.directory, _) = self.lines.fill();
        let mut destinations: BTreeMap<u32, Destination> = BTreeMap::new();
        for line in held.lines {
            if line.length == ANSWERS {
                self.answers.adopt((line.address, u16::from_be_bytes(line.port), line.protocol), line.service);
            } else if line.length < ANSWERS
                && let Some(destination) = destination(&line)
            {
                // A line within another one names the other's service; the shorter one is its own.
                let known = destinations.entry(line.service).or_insert(destination);
                if known.transport.is_none() && destination.prefix.length() < known.prefix.length() {
                    *known = destination;
                }
            }
        }
        for (number, destination) in destinations {
            let Some(written) = held.services.get(&number).copied().filter(|_| number > 0) else { continue };
            self.service_numbers.claim(number);
            self.by_number.insert(number, destination);
            let table = held.tables.contains_key(&written.table).then_some(written.table).filter(|_| written.slots > 0);
            if written.slots > 0 {
                self.slots = written.slots;
            }
            self.services.insert(destination, Standing { number, table, written, service: None });
        }
        for (number, slots) in held.tables {
            self.table_numbers.claim(number);
            let count = usize::try_from(self.slots).unwrap_or(usize::MAX);
            let table = Table::found(slots.get(..count).unwrap_or(&slots), now);
            let settling = table.is_settling().then_some(now);
            self.tables.insert(number, Shared { set: None, table, idle: Duration::ZERO, settling, is_coarse: false });
        }
        self.pins.may_exist = true;
        self.forget_tables(now);
        self.time_tables();
    }
}

/// What a line of the directory is about.
fn destination(line: &Entry) -> Option<Destination> {
    let protocol = match line.protocol {
        0 => None,
        6 => Some(Protocol::Tcp),
        17 => Some(Protocol::Udp),
        _ => return None,
    };
    let port = Some(u16::from_be_bytes(line.port)).filter(|port| *port != 0);
    let length = match address(line.address) {
        IpAddr::V4(_) => line.length.checked_sub(96)?,
        IpAddr::V6(_) => line.length,
    };
    let prefix = Prefix::new(address(line.address), length).ok()?;
    Some(Destination { prefix, transport: protocol.map(|protocol| Transport { protocol, port }) })
}
