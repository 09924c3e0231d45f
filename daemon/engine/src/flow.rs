//! The flow of changes to the kernel: portions, so that what is urgent never stands behind a million routes.
//!
//! The kernel takes longer for a route than deciding it takes, so a full table waits here, as the wish of `rib::fib`,
//! and not in a queue of messages. A repair goes ahead of the portions on their way wherever the order between them
//! does not matter. Never decides what is written.

use std::collections::{BTreeSet, VecDeque};
use std::time::{Duration, Instant};

use rib::fib::{FibChange, Gains};

use crate::effect::Effect;
use crate::engine::{Engine, SnapshotNeed};
use crate::event::Moment;

/// Keys that one portion is made of: some 10 ms of the kernel's time.
const PORTION: usize = 4096;
/// Portions on their way at most: the writer must not run out of work during a turn of the engine, which may take as long as
/// several of them while both wait for a processor.
const ON_THE_WAY: usize = 8;
/// How long routes that work wait for further legs while something is undecided, before as many as may be on their way get
/// them all the same: sixty peers that tell the same table would have each route written once for each few of them.
const GAINS_WAIT: Duration = Duration::from_secs(5);

/// What was given to the kernel's writer and has not been answered yet.
#[derive(Debug, Default)]
pub(crate) struct Flow {
    /// The groups and next hops that each portion changes, oldest first.
    portions: VecDeque<BTreeSet<u32>>,
    /// Since when routes wait that only get further legs.
    gains_wait: Option<Instant>,
    /// The kernel's table is being read for comparison; meanwhile nothing but repairs is written.
    auditing: bool,
    /// Something changed while it was being read: what was read says nothing.
    disturbed: bool,
}

impl Flow {
    /// The oldest portion is done.
    pub(crate) fn done(&mut self) {
        self.portions.pop_front();
    }

    /// Something of ours changed in the kernel by another hand than that of the portions.
    pub(crate) fn disturb(&mut self) {
        self.disturbed = true;
    }

    fn push(&mut self, changes: Vec<FibChange>, out: &mut Vec<Effect>) {
        self.portions.push_back(changes.iter().filter_map(object).collect());
        out.push(Effect::Fib(changes));
    }

    /// Whether the kernel has the groups and next hops that it is believed to have: no change of one is on its way.
    pub(crate) fn leaves_objects_alone(&self) -> bool {
        self.portions.iter().all(BTreeSet::is_empty)
    }

    /// Whether a change touches, or builds upon, something that is on its way.
    fn builds_upon(&self, change: &FibChange) -> bool {
        let on_its_way = |id: &u32| self.portions.iter().any(|objects| objects.contains(id));
        let members: &[(u32, u16)] = if let FibChange::Group { members, .. } = change { members } else { &[] };
        object(change).iter().any(on_its_way) || members.iter().any(|(id, _)| on_its_way(id))
    }
}

/// The group or next hop that a change makes, changes or deletes.
fn object(change: &FibChange) -> Option<u32> {
    match change {
        FibChange::NextHop { id, .. } | FibChange::Group { id, .. } | FibChange::NextHopGone(id) => Some(*id),
        FibChange::Route { .. } | FibChange::RouteGone(_) => None,
    }
}

impl Engine {
    /// Gives the next portions to the kernel as long as it keeps up.
    pub(crate) fn flush_fib(&mut self, at: Moment, out: &mut Vec<Effect>) {
        let gains = self.turn_of_gains(at.instant);
        while !self.is_reading_kernel() && self.flow.portions.len() < ON_THE_WAY {
            let changes = self.fib.flush_wanted(PORTION, gains);
            if !changes.is_empty() {
                self.flow.push(changes, out);
            }
            if !self.fib.has_due() {
                break;
            }
        }
    }

    /// Whether routes that only get further legs are written. While more is undecided, more legs may follow.
    fn turn_of_gains(&mut self, now: Instant) -> Gains {
        if !self.fib.has_gainers() {
            self.flow.gains_wait = None;
        }
        let since = *self.flow.gains_wait.get_or_insert(now);
        if self.undecided() && now < since + GAINS_WAIT {
            return Gains::Later;
        }
        if !self.is_reading_kernel() && self.flow.portions.len() < ON_THE_WAY {
            self.fib.release_gainers();
        }
        Gains::Now
    }

    /// Changes groups, or takes a next hop out of all of them, ahead of all routes that are on their way: these stay
    /// valid, whatever the group leads to. Where a group itself is on its way, or one of its members, it waits for its
    /// turn.
    pub(crate) fn repair(&mut self, changes: Vec<FibChange>, out: &mut Vec<Effect>) {
        if changes.is_empty() {
            return;
        }
        self.flow.disturb();
        if changes.iter().any(|change| self.flow.builds_upon(change)) {
            self.flow.push(changes, out);
        } else {
            out.push(Effect::Repair(changes));
        }
    }

    /// Asks what the kernel has of ours, unless that is being read already.
    pub(crate) fn ask_audit(&mut self, out: &mut Vec<Effect>) {
        if !self.is_reading_kernel() {
            self.flow.auditing = true;
            self.flow.disturbed = false;
            out.push(Effect::Audit);
        }
    }

    /// Begins to read everything.
    pub(crate) fn reading_begins(&mut self) {
        self.flow.disturbed = false;
    }

    /// The kernel's table was read: answers whether it can be compared with the wish, because nothing of it changed
    /// meanwhile. Else it has to be read again, a little later.
    pub(crate) fn reading_ends(&mut self) -> bool {
        self.flow.auditing = false;
        !std::mem::take(&mut self.flow.disturbed)
    }

    fn is_reading_kernel(&self) -> bool {
        self.flow.auditing || self.snapshot != SnapshotNeed::None
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::disallowed_methods, reason = "a test may fail")]

    use std::time::Instant;

    use rib::fib::{KernelFib, Wanted};
    use rib::world::Leg;

    use super::*;
    use crate::engine::Facts;
    use crate::event::{Event, Moment};

    /// Routes of more than twice as many portions as may be on their way.
    const MANY: u32 = 70_000;

    fn leg(number: u8) -> Leg {
        Leg { gateway: Some([192, 0, 2, number].into()), ifindex: 2 }
    }

    /// An engine whose kernel should have so many routes over three legs, and the moment.
    fn engine(routes: u32) -> (Engine, Moment) {
        let at = Moment { instant: Instant::now(), unix: 0 };
        let mut engine = Engine::new(at, Facts::default());
        for number in 0..routes {
            let prefix = nouns::Prefix::host(std::net::IpAddr::V4((0x0a00_0000 | number).into()));
            engine.fib.want(prefix, Wanted::legs(vec![leg(1), leg(2), leg(3)]));
        }
        (engine, at)
    }

    fn flush(engine: &mut Engine) -> Vec<Effect> {
        flush_at(engine, Moment { instant: engine.started.instant, unix: 0 })
    }

    fn flush_at(engine: &mut Engine, at: Moment) -> Vec<Effect> {
        let mut out = Vec::new();
        engine.flush_fib(at, &mut out);
        out
    }

    fn lose(engine: &mut Engine, number: u8) -> Vec<Effect> {
        let changes = engine.fib.leg_lost(&leg(number), engine.flow.leaves_objects_alone());
        let mut out = Vec::new();
        engine.repair(changes, &mut out);
        out
    }

    #[test]
    fn a_million_routes_wait_as_a_wish_and_only_a_few_portions_are_on_their_way() {
        let (mut engine, at) = engine(MANY);
        let first = flush(&mut engine);
        assert_eq!(first.len(), ON_THE_WAY);
        assert!(flush(&mut engine).is_empty(), "the kernel has enough to do");
        engine.handle(at, Event::FibDone(Vec::new()), &mut Vec::new());
        assert_eq!(flush(&mut engine).len(), 1, "one is done, the next one follows");
    }

    #[test]
    fn further_legs_wait_while_something_is_undecided_and_not_for_ever() {
        let (mut engine, at) = engine(10);
        assert_eq!(flush(&mut engine).len(), 1);
        let key: rib::fib::RouteKey = "10.0.0.1/32".parse().unwrap();
        let gain = |engine: &mut Engine, number: u8| {
            engine.fib.want(key, Wanted::legs((1..=number).map(leg).collect()));
        };
        let soon = Moment { instant: at.instant + GAINS_WAIT / 2, ..at };
        assert!(engine.undecided());
        gain(&mut engine, 4);
        assert!(flush_at(&mut engine, soon).is_empty());
        let later = Moment { instant: soon.instant + GAINS_WAIT / 2, ..at };
        gain(&mut engine, 5);
        assert!(flush_at(&mut engine, later).is_empty(), "they wait since the first one");
        let then = Moment { instant: soon.instant + GAINS_WAIT, ..at };
        assert_eq!(flush_at(&mut engine, then).len(), 1);
        gain(&mut engine, 6);
        assert!(flush_at(&mut engine, then).is_empty(), "they wait anew");
        (engine.world_changed, engine.snapshot) = (false, SnapshotNeed::None);
        engine.settle_groups();
        assert!(!engine.undecided());
        assert_eq!(flush_at(&mut engine, then).len(), 1, "nothing more is to be expected");
        assert!(matches!(engine.fib.state(key), rib::fib::FibState::Installed { .. }));
    }

    #[test]
    fn a_repair_waits_for_the_group_that_it_changes() {
        let (mut engine, _) = engine(MANY);
        flush(&mut engine);
        assert!(matches!(lose(&mut engine, 3)[..], [Effect::Fib(_)]), "the group may not be there yet");
    }

    #[test]
    fn a_repair_goes_ahead_of_routes_that_are_on_their_way() {
        let (mut engine, at) = engine(MANY);
        flush(&mut engine);
        for _ in 0..ON_THE_WAY {
            engine.handle(at, Event::FibDone(Vec::new()), &mut Vec::new());
        }
        assert_eq!(flush(&mut engine).len(), ON_THE_WAY, "routes are on their way again");
        let repair = lose(&mut engine, 2);
        let [Effect::Repair(changes)] = &repair[..] else { unreachable!("{repair:?}") };
        assert!(matches!(changes[..], [FibChange::NextHopGone(_)]), "one next hop, whatever groups have it");
    }

    #[test]
    fn a_next_hop_does_not_go_while_a_group_is_on_its_way_that_has_it_or_had_it() {
        let (mut engine, at) = engine(10);
        flush(&mut engine);
        engine.handle(at, Event::FibDone(Vec::new()), &mut Vec::new());
        let prefix: rib::fib::RouteKey = "172.16.0.0/16".parse().unwrap();
        engine.fib.want(prefix, Wanted::legs(vec![leg(2), leg(3)]));
        assert_eq!(flush(&mut engine).len(), 1, "a group of next hops that are there already");
        assert!(
            matches!(lose(&mut engine, 3)[..], [Effect::Fib(_)]),
            "the kernel refuses a group with a member that is gone"
        );
        for _ in 0..2 {
            engine.handle(at, Event::FibDone(Vec::new()), &mut Vec::new());
        }
        assert!(matches!(lose(&mut engine, 2)[..], [Effect::Repair(_)]), "the group is there");

        let (mut engine, at) = self::engine(10);
        let prefix: rib::fib::RouteKey = "172.16.0.0/16".parse().unwrap();
        engine.fib.want(prefix, Wanted::legs(vec![leg(3)]));
        flush(&mut engine);
        engine.handle(at, Event::FibDone(Vec::new()), &mut Vec::new());
        engine.fib.want(prefix, Wanted::legs(vec![leg(1)]));
        flush(&mut engine);
        let repair = lose(&mut engine, 3);
        let [Effect::Repair(changes)] = &repair[..] else { unreachable!("{repair:?}") };
        assert!(
            matches!(changes[..], [FibChange::Group { .. }]),
            "in the kernel a group has nothing else yet, and would go with its routes: {changes:?}"
        );
    }

    #[test]
    fn nothing_but_repairs_is_written_while_the_kernel_is_read_and_a_repair_spoils_what_was_read() {
        let (mut engine, at) = engine(100);
        flush(&mut engine);
        engine.handle(at, Event::FibDone(Vec::new()), &mut Vec::new());
        let mut out = Vec::new();
        engine.ask_audit(&mut out);
        engine.ask_audit(&mut out);
        assert!(matches!(out[..], [Effect::Audit]), "once at a time");
        engine.fib.want("172.16.0.0/16".parse::<rib::fib::RouteKey>().unwrap(), Some(Wanted::Blackhole));
        assert!(flush(&mut engine).is_empty());
        assert!(matches!(lose(&mut engine, 3)[..], [Effect::Repair(_)]));
        let empty = Box::<KernelFib>::default();
        engine.handle(at, Event::Audited(empty.clone()), &mut Vec::new());
        assert_eq!(engine.fib.counters().pending, 1, "the routes are not believed to be lost");
        assert_eq!(flush(&mut engine).len(), 1);
        engine.handle(at, Event::FibDone(Vec::new()), &mut Vec::new());
        engine.ask_audit(&mut out);
        engine.handle(at, Event::Audited(empty), &mut Vec::new());
        assert_eq!(engine.fib.counters().pending, 101, "now they are");
    }
}
