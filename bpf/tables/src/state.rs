//! The balancer as a state: what is wished and what happens goes in, what to write into which map comes out.
//!
//! Never does anything itself: the clock is an argument, writes are answers, and [`Balancer::deadline`] says when to call
//! again.

mod adopt;
mod coarse;
mod pins;
mod remembered;
mod tell;
#[cfg(test)]
mod tests;
mod trace;
mod wished;

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bpf_common::flow::Flow;
use bpf_common::layout::{self, Pin, SERVICES, SLOTS, Slot, TABLES};
use nouns::MacAddress;

use crate::answers::Answers;
use crate::backends::Backends;
pub use crate::backends::Link;
use crate::directory::{Filled, Lines};
use crate::numbers::Numbers;
use crate::table::{Set, Table};
use crate::wish::{Destination, Idle, Service, Wish};
pub use adopt::Held;
pub use pins::Clock;
use pins::Pins;
pub use remembered::{Kept, Remembered};
pub use tell::Counts;
pub use trace::Traced;

/// How long numbers of services and tables rest, and how long a mode of slots is in force before anything is concluded from
/// it: packets that still see the former state are on their way for much less.
const GRACE: Duration = Duration::from_secs(1);

/// What happens.
#[derive(Clone, Debug)]
pub enum Input {
    /// This is what the maps hold from an earlier life; comes first, or never.
    Adopted(Box<Held>),
    /// This shall be balanced, and nothing else.
    Wish(Box<Wish>),
    /// The kernel knows the hardware address of a gateway on a link, or no longer.
    Neighbor(u32, IpAddr, Option<MacAddress>),
    /// A link is like this, or gone.
    Link(u32, Option<Link>),
    /// Some of the flows that are remembered, as [`Write::Sweep`] asked for them.
    Flows(Clock, Vec<(Flow, Pin)>),
    /// There are no more.
    Swept,
    /// They could not be told; they are asked for again.
    Unswept,
    /// The deadline has come.
    Tick,
}

/// What is written, in this order, or asked.
#[derive(Clone, Debug)]
pub enum Write {
    /// An element of `BACKENDS`: the words behind the third first, then those as they stand.
    Backend(u32, layout::Backend),
    /// A new element of `TABLES`.
    Table(u32, Vec<Slot>),
    /// Slots of a table that is in use; each is one word.
    Slots(u32, Vec<(u32, Slot)>),
    /// No packet needs this element of `TABLES` any more.
    NoTable(u32),
    /// An element of `SERVICES`: the first two words at once.
    Service(u32, layout::Service),
    /// The element of `DIRECTORY`.
    Directory(Filled),
    /// An element of `RETURNS`.
    Return(u32, layout::Return),
    /// Whether a key is in `NODES`.
    Node(u64, bool),
    /// An element of `MARKS`.
    Mark(u32, Option<u32>),
    /// The counters of a service begin anew.
    ClearService(u32),
    /// The counters of a backend begin anew.
    ClearBackend(u32),
    /// The kernel shall find out the hardware address of a gateway on a link.
    Resolve(u32, IpAddr),
    /// All flows that are remembered shall be told: [`Input::Flows`] as often as needed, then [`Input::Swept`].
    Sweep,
    /// These flows shall be forgotten.
    Forget(Vec<Flow>),
}

/// A service with its number.
#[derive(Clone, Debug)]
pub(crate) struct Standing {
    number: u32,
    table: Option<u32>,
    written: layout::Service,
    /// As wished; nothing of it is known in the time between an adoption and the first wish.
    service: Option<Service>,
}

/// A table that services share.
#[derive(Clone, Debug)]
struct Shared {
    /// Unknown in the time between an adoption and the first wish.
    set: Option<Arc<Set>>,
    table: Table,
    /// How long a flow of its services may say nothing.
    idle: Duration,
    /// Since when slots wait for remembered flows to end.
    settling: Option<Instant>,
    /// Its slots are even, but not those of Maglev yet.
    is_coarse: bool,
}

/// The state.
#[derive(Debug)]
pub struct Balancer {
    slots: u32,
    idle: Idle,
    guarded: bool,
    backends: Backends,
    answers: Answers,
    services: BTreeMap<Destination, Standing>,
    by_number: BTreeMap<u32, Destination>,
    service_numbers: Numbers,
    tables: BTreeMap<u32, Shared>,
    table_numbers: Numbers,
    lines: Lines,
    directory: Filled,
    pins: Pins,
    /// When the next coarse table gets the slots of Maglev.
    refine_at: Option<Instant>,
    /// So many tables are filled for a wish at most; where more are due, those that there are become coarse.
    at_once: usize,
    /// So many tables without a past are filled for a wish at most; more of them begin coarse.
    at_first: usize,
    /// What did not find room, as sentences.
    crowded: Vec<String>,
}

impl Default for Balancer {
    fn default() -> Self {
        Self {
            slots: SLOTS as u32,
            idle: Idle { tcp: Duration::from_secs(300), other: Duration::from_secs(30) },
            guarded: false,
            backends: Backends::new(),
            answers: Answers::default(),
            services: BTreeMap::new(),
            by_number: BTreeMap::new(),
            service_numbers: Numbers::new(SERVICES),
            tables: BTreeMap::new(),
            table_numbers: Numbers::new(TABLES),
            lines: Lines::default(),
            directory: Filled::default(),
            pins: Pins::default(),
            refine_at: None,
            at_once: coarse::AT_ONCE,
            at_first: coarse::AT_FIRST,
            crowded: Vec::new(),
        }
    }
}

impl Balancer {
    /// Takes in what happens; what to write is added to `out`.
    pub fn handle(&mut self, now: Instant, input: Input, out: &mut Vec<Write>) {
        match input {
            Input::Adopted(held) => self.adopt(now, *held),
            Input::Wish(wish) => self.wish(now, &wish, out),
            Input::Neighbor(link, address, mac) => {
                if self.backends.neighbor(now, (link, address), mac) {
                    self.reach(now, out);
                }
            }
            Input::Link(index, link) => {
                if self.backends.link(index, link) {
                    self.reach(now, out);
                }
            }
            Input::Flows(clock, flows) => self.flows(clock, &flows, out),
            Input::Swept => self.swept(now, out),
            Input::Unswept => self.unswept(),
            Input::Tick => {}
        }
        self.tick(now, out);
    }

    /// Writes how packets get to backends, where that has changed.
    fn reach(&mut self, now: Instant, out: &mut Vec<Write>) {
        self.backends.write(now, out);
        self.backends.write_nodes(self.guarded, out);
    }

    /// Does what is due.
    fn tick(&mut self, now: Instant, out: &mut Vec<Write>) {
        self.backends.tick(now, out);
        self.answers.tick(now);
        while let Some(number) = self.table_numbers.rested(now) {
            out.push(Write::NoTable(number));
        }
        while let Some(number) = self.service_numbers.rested(now) {
            out.push(Write::Service(number, layout::Service::default()));
        }
        for (number, shared) in &mut self.tables {
            if shared.due().is_none_or(|due| due > now) {
                continue;
            }
            // Whoever talked within that time is remembered.
            let Some(begun_until) = now.checked_sub(shared.idle) else { continue };
            let changed = shared.table.learned(begun_until);
            if !changed.is_empty() {
                shared.settling = Some(now);
                out.push(Write::Slots(*number, changed));
            }
        }
        self.refine(now, out);
        self.sweep(now, out);
    }

    /// When to call again at the latest.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        let windows = self.tables.values().filter_map(Shared::due);
        let numbers = [self.table_numbers.deadline(), self.service_numbers.deadline(), self.answers.deadline()];
        let others = [self.backends.deadline(), self.pins.deadline(), self.refine_at];
        windows.chain(numbers.into_iter().chain(others).flatten()).min()
    }

    /// The numbers of services and of backends.
    #[must_use]
    pub fn numbers(&self) -> (Vec<u32>, Vec<u32>) {
        let backends = self.backends.all().map(|(number, _)| u32::from(number));
        (self.by_number.keys().copied().collect(), backends.collect())
    }

    /// Links that packets leave by: those whose state matters.
    #[must_use]
    pub fn exits(&self) -> BTreeSet<u32> {
        self.backends.exits()
    }

    /// The directory as it was written last.
    #[must_use]
    pub fn directory(&self) -> &layout::Directory {
        self.directory.get()
    }
}

impl Shared {
    fn new(set: &Arc<Set>, table: Table) -> Self {
        Self { set: Some(Arc::clone(set)), table, idle: Duration::ZERO, settling: None, is_coarse: false }
    }

    /// Whether all of it is as it stays until the set changes: others with the same set have the same table.
    fn is_done(&self) -> bool {
        self.table.is_settled() && !self.is_coarse
    }

    /// When a window ends.
    fn due(&self) -> Option<Instant> {
        self.table.oldest_window().map(|began| began + self.idle)
    }
}
