//! Flows that are remembered: which of them slots still wait for, and which are to be forgotten.
//!
//! Never looks at a packet. The law: before a slot is stable, none of its flows is remembered any more, because what is
//! remembered then would be believed when the slot changes hands the next time.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bpf_common::flow::{self, Flow};
use bpf_common::layout::{CLIENT_ONLY, Mode, Pin};

use super::{Balancer, GRACE, Shared, Standing, Write};
use crate::directory::line_of;
use crate::table::Set;

/// How often remembered flows are looked at while a slot is in transition.
const SWEEP: Duration = Duration::from_secs(5);

/// How the programs tell the time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Clock {
    /// What [`Pin::seen`] would be now.
    pub now: u32,
    /// How long one unit of it is.
    pub unit: Duration,
}

impl Clock {
    /// How long ago a flow said something.
    pub(super) fn silent(self, pin: Pin) -> Duration {
        self.unit.saturating_mul(self.now.saturating_sub(pin.seen))
    }
}

/// What is known of remembered flows.
#[derive(Debug, Default)]
pub(super) struct Pins {
    /// There may be some.
    pub(super) may_exist: bool,
    /// Somebody has died for a service, or a service has taken over another's flows: what is remembered may be wrong.
    pub(super) all_dead: bool,
    /// When they are looked at next.
    due: Option<Instant>,
    /// They are being looked at, since then.
    began: Option<Instant>,
    /// Slots that wait, by tables.
    needed: BTreeMap<u32, BTreeSet<u32>>,
    /// How many stay.
    kept: u32,
    /// How many there were when they were looked at last.
    pub(super) counted: u32,
}

impl Pins {
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.due.filter(|_| self.began.is_none())
    }
}

impl Balancer {
    /// Begins to look at remembered flows, when that is due.
    pub(super) fn sweep(&mut self, now: Instant, out: &mut Vec<Write>) {
        let pins = &mut self.pins;
        let urgent = std::mem::take(&mut pins.all_dead) && pins.may_exist;
        if urgent {
            pins.due = Some(now);
        } else if pins.may_exist && pins.due.is_none() {
            pins.due = Some(now + SWEEP);
        }
        if pins.began.is_none() && pins.due.is_some_and(|due| due <= now) {
            pins.began = Some(now);
            pins.due = None;
            pins.needed.clear();
            pins.kept = 0;
            out.push(Write::Sweep);
        }
    }

    /// Some of them.
    pub(super) fn flows(&mut self, clock: Clock, flows: &[(Flow, Pin)], out: &mut Vec<Write>) {
        if self.pins.began.is_none() {
            return;
        }
        let mut forgotten = Vec::new();
        for (flow, pin) in flows {
            match self.judge(clock, flow, *pin) {
                Fate::Forgotten => forgotten.push(*flow),
                Fate::Kept => self.pins.kept += 1,
                Fate::Needed(table, slot) => {
                    self.pins.kept += 1;
                    self.pins.needed.entry(table).or_default().insert(slot);
                }
            }
        }
        if !forgotten.is_empty() {
            out.push(Write::Forget(forgotten));
        }
    }

    /// Where a flow stands: its service and slot; nothing while nobody serves it.
    pub(super) fn place_of(&self, flow: &Flow) -> Option<Place<'_>> {
        let line = line_of(self.directory.get(), flow)?;
        let standing = self.services.get(self.by_number.get(&line.service)?)?;
        let table = standing.table?;
        let shared = self.tables.get(&table)?;
        let hash = flow.hash(standing.written.flags & CLIENT_ONLY != 0);
        Some(Place { standing, table, shared, slot: flow::slot(hash, shared.table.len()) })
    }

    pub(super) fn judge(&self, clock: Clock, flow: &Flow, pin: Pin) -> Fate {
        let Some(Place { table, shared, slot, .. }) = self.place_of(flow) else { return Fate::Forgotten };
        let idle = if flow.protocol == 6 { self.idle.tcp } else { self.idle.other };
        let silent = clock.silent(pin);
        let backend = u16::try_from(pin.backend).unwrap_or_default();
        if silent > idle + clock.unit || !shared.set.as_ref().is_none_or(|set| set.is_alive(backend)) {
            return Fate::Forgotten;
        }
        match shared.table.slot(slot).mode() {
            Mode::Stable => Fate::Forgotten,
            Mode::Settling if shared.table.owner(slot) == backend => Fate::Forgotten,
            Mode::Settling => Fate::Needed(table, slot),
            Mode::Learning => Fate::Kept,
        }
    }

    /// They have all been looked at: slots that wait for none of them are stable from now on.
    pub(super) fn swept(&mut self, now: Instant, out: &mut Vec<Write>) {
        let Some(began) = self.pins.began.take() else { return };
        self.pins.counted = self.pins.kept;
        let nothing = BTreeSet::new();
        for (number, shared) in &mut self.tables {
            // A mode is in force for all packets after a grace; what they remember comes before that.
            if shared.settling.is_some_and(|since| since + GRACE <= began) {
                let changed = shared.table.settle(self.pins.needed.get(number).unwrap_or(&nothing));
                if !changed.is_empty() {
                    out.push(Write::Slots(*number, changed));
                }
                if !shared.table.is_settling() {
                    shared.settling = None;
                }
            }
        }
        let in_transition = self.tables.values().any(|shared| !shared.table.is_settled());
        self.pins.may_exist = in_transition || self.pins.kept > 0 || self.pins.all_dead;
        self.merge(now, out);
    }

    /// They could not be looked at.
    pub(super) fn unswept(&mut self) {
        self.pins.began = None;
    }

    /// Settled tables of one set become one.
    pub(super) fn merge(&mut self, now: Instant, out: &mut Vec<Write>) {
        let mut first: BTreeMap<&Arc<Set>, u32> = BTreeMap::new();
        let mut instead: BTreeMap<u32, u32> = BTreeMap::new();
        for (number, shared) in self.tables.iter().filter(|(_, shared)| shared.is_done()) {
            if let Some(set) = &shared.set {
                let kept = *first.entry(set).or_insert(*number);
                if kept != *number {
                    instead.insert(*number, kept);
                }
            }
        }
        if instead.is_empty() {
            return;
        }
        for standing in self.services.values_mut() {
            if let Some(table) = standing.table.and_then(|number| instead.get(&number)) {
                standing.table = Some(*table);
                standing.written.table = *table;
                out.push(Write::Service(standing.number, standing.written));
            }
        }
        self.forget_tables(now);
        self.time_tables();
    }
}

/// Where a flow stands.
pub(super) struct Place<'a> {
    pub(super) standing: &'a Standing,
    table: u32,
    pub(super) shared: &'a Shared,
    pub(super) slot: u32,
}

/// What becomes of what is remembered.
pub(super) enum Fate {
    Forgotten,
    Kept,
    /// A slot of a table waits for it.
    Needed(u32, u32),
}
