//! Maps that obey what the state writes, a clock, and packets that find their backends.
//!
//! Never helps: what the state forgets to write is not there.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr};
use std::time::{Duration, Instant};

use bpf_common::flow::{Flow, slot};
use bpf_common::layout::{self, CLIENT_ONLY, Mode, NOWHERE, Pin, Slot};

use super::super::{Balancer, Clock, Held, Input, Link, Write};
use crate::directory::{Filled, line_of};
use crate::wish::Wish;

/// The kernel, and the state that writes into it.
pub(super) struct Kernel {
    pub(super) balancer: Balancer,
    pub(super) now: Instant,
    begin: Instant,
    directory: Filled,
    pub(super) services: BTreeMap<u32, layout::Service>,
    pub(super) tables: BTreeMap<u32, Vec<Slot>>,
    pub(super) backends: BTreeMap<u32, layout::Backend>,
    pub(super) pins: BTreeMap<Flow, Pin>,
    pub(super) marks: BTreeMap<u32, u32>,
    pub(super) nodes: BTreeSet<u64>,
    pub(super) asked: Vec<(u32, IpAddr)>,
    /// Tables and services that were written since this was emptied.
    pub(super) written: Vec<Write>,
}

/// The hardware address of all nodes.
const THEIRS: [u8; 6] = [2, 0, 0, 0, 1, 1];

/// Who sends, to which service, by which protocol.
pub(super) fn flow(number: u16, service: u8, protocol: u8) -> Flow {
    let [high, low] = number.to_be_bytes();
    Flow {
        source: Ipv4Addr::new(203, 0, high, low).to_ipv6_mapped().octets(),
        destination: Ipv4Addr::new(198, 51, 100, service).to_ipv6_mapped().octets(),
        source_port: number.to_be_bytes(),
        destination_port: 80_u16.to_be_bytes(),
        protocol,
        zero: [0; 3],
    }
}

impl Kernel {
    pub(super) fn new() -> Self {
        let now = Instant::now() + Duration::from_secs(100_000);
        let mut kernel = Self {
            balancer: Balancer::default(),
            now,
            begin: now,
            directory: Filled::default(),
            services: BTreeMap::new(),
            tables: BTreeMap::new(),
            backends: BTreeMap::new(),
            pins: BTreeMap::new(),
            marks: BTreeMap::new(),
            nodes: BTreeSet::new(),
            asked: Vec::new(),
            written: Vec::new(),
        };
        kernel.link();
        kernel
    }

    fn link(&mut self) {
        let link = Link { mac: Some([2, 0, 0, 0, 0, 1].into()), mtu: 1500, vlan: None };
        self.give(Input::Link(2, Some(link)));
    }

    pub(super) fn wish(&mut self, wish: &Wish) {
        self.give(Input::Wish(Box::new(wish.clone())));
    }

    /// The daemon dies, and another one finds the maps.
    pub(super) fn restart(&mut self, wish: &Wish) {
        let Balancer { at_once, at_first, .. } = self.balancer;
        self.balancer = Balancer { at_once, at_first, ..Balancer::default() };
        let lines = self.directory.get().places.iter().copied().filter(|entry| entry.length > 0).collect();
        let held = Held {
            lines,
            services: self.services.clone(),
            backends: self.backends.clone(),
            tables: self.tables.clone(),
            marks: self.marks.clone(),
            nodes: self.nodes.iter().copied().collect(),
        };
        self.link();
        for (link, address) in self.asked.clone() {
            self.give(Input::Neighbor(link, address, Some(THEIRS.into())));
        }
        self.give(Input::Adopted(Box::new(held)));
        self.wish(wish);
    }

    /// Hands something in and obeys.
    pub(super) fn give(&mut self, input: Input) {
        let mut writes = Vec::new();
        self.balancer.handle(self.now, input, &mut writes);
        for write in writes {
            self.obey(write);
        }
    }

    fn obey(&mut self, write: Write) {
        match &write {
            Write::Backend(number, entry) => _ = self.backends.insert(*number, *entry),
            Write::Table(number, slots) => {
                assert!(self.tables.insert(*number, slots.clone()).is_none(), "table {number} is in use");
            }
            Write::Slots(number, slots) => {
                let table = self.tables.get_mut(number).expect("a table");
                for (at, slot) in slots {
                    assert_ne!(
                        std::mem::replace(&mut table[*at as usize], *slot),
                        *slot,
                        "a word is written that stands there"
                    );
                }
            }
            Write::NoTable(number) => {
                assert!(!self.services.values().any(|service| service.slots > 0 && service.table == *number));
                self.tables.remove(number).expect("a table");
            }
            Write::Service(number, entry) => {
                assert!(entry.slots == 0 || self.tables.contains_key(&entry.table), "no table {}", entry.table);
                self.services.insert(*number, *entry);
            }
            Write::Directory(directory) => self.directory = directory.clone(),
            Write::Return(..) | Write::ClearService(_) | Write::ClearBackend(_) => {}
            Write::Node(key, true) => _ = self.nodes.insert(*key),
            Write::Node(key, false) => _ = self.nodes.remove(key),
            Write::Mark(mark, Some(number)) => _ = self.marks.insert(*mark, *number),
            Write::Mark(mark, None) => _ = self.marks.remove(mark),
            Write::Resolve(link, address) => {
                self.asked.push((*link, *address));
                self.give(Input::Neighbor(*link, *address, Some(THEIRS.into())));
            }
            Write::Sweep => {
                let clock = self.clock();
                let pins: Vec<(Flow, Pin)> = self.pins.iter().map(|(flow, pin)| (*flow, *pin)).collect();
                for some in pins.chunks(7) {
                    self.give(Input::Flows(clock, some.to_vec()));
                }
                self.give(Input::Swept);
            }
            Write::Forget(flows) => flows.iter().for_each(|flow| _ = self.pins.remove(flow)),
        }
        self.written.push(write);
    }

    fn units(&self) -> u32 {
        u32::try_from(self.now.duration_since(self.begin).as_secs()).expect("few") + 1000
    }

    /// The time as the programs tell it.
    pub(super) fn clock(&self) -> Clock {
        Clock { now: self.units(), unit: Duration::from_secs(1) }
    }

    /// The slot of a flow whose service has backends.
    pub(super) fn slot(&self, flow: &Flow) -> Slot {
        let line = line_of(self.directory.get(), flow).expect("a service");
        let service = self.services[&line.service];
        let at = slot(flow.hash(service.flags & CLIENT_ONLY != 0), service.slots);
        self.tables[&service.table][at as usize]
    }

    /// Time passes; what is due is done when it is due.
    pub(super) fn pass(&mut self, time: Duration) {
        let end = self.now + time;
        while let Some(due) = self.balancer.deadline().filter(|due| *due <= end) {
            self.now = due.max(self.now);
            self.give(Input::Tick);
        }
        self.now = end;
    }

    /// Which backend a packet goes to; nothing if to nobody. What is explained of it is held against that.
    pub(super) fn packet(&mut self, flow: &Flow, begins: bool) -> Option<IpAddr> {
        let explained = self.balancer.explain(flow, begins, self.pins.get(flow).copied());
        let found = self.send(flow, begins);
        assert_eq!(explained.backend.as_ref().map(|backend| backend.address), found, "{explained:?}");
        found
    }

    fn send(&mut self, flow: &Flow, begins: bool) -> Option<IpAddr> {
        let number = line_of(self.directory.get(), flow)?.service;
        let service = self.services[&number];
        if service.slots == 0 {
            return None;
        }
        let at = slot(flow.hash(service.flags & CLIENT_ONLY != 0), service.slots);
        let slot = self.tables[&service.table][at as usize];
        let lives = |number: &u32| self.backends.get(number).is_some_and(|backend| backend.way != NOWHERE);
        let pinned = self.pins.get(flow).map(|pin| pin.backend).filter(lives);
        let number = match (slot.mode(), pinned) {
            (Mode::Stable, _) | (Mode::Settling, None) => slot.current(),
            (Mode::Learning | Mode::Settling, Some(number)) => number,
            (Mode::Learning, None) if begins || !lives(&slot.former()) => slot.current(),
            (Mode::Learning, None) => slot.former(),
        };
        if slot.mode() == Mode::Learning || (slot.mode() == Mode::Settling && pinned.is_some()) {
            self.pins.insert(*flow, Pin { backend: number, seen: self.units() });
        }
        self.node(number)
    }

    /// Who is meant by a number.
    pub(super) fn node(&self, number: u32) -> Option<IpAddr> {
        let backend = self.backends.get(&number).filter(|backend| backend.way != NOWHERE)?;
        Some(crate::backends::address(backend.address))
    }

    /// Who gets the new flows of a service, slot by slot.
    pub(super) fn owners(&self, service: u8) -> Vec<Option<IpAddr>> {
        let line = line_of(self.directory.get(), &flow(0, service, 6)).expect("a line");
        let service = self.services[&line.service];
        let slots = self.tables[&service.table].iter().take(service.slots as usize);
        slots.map(|slot| self.node(slot.current())).collect()
    }
}
