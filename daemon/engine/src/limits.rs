//! How much all neighbors together may make the router keep: paths, and memory (`parameters limit`).
//!
//! The neighbor whose announcement does not fit loses its session and rests; nothing that others said is touched. Never
//! measures memory: the rim does, when it is asked to.

use std::time::{Duration, Instant};

use bgp::session::{IdleReason, Input, StateName, StopReason};
use config::model::Bgp;
use nouns::Family;
use rib::bgp_table::PeerId;

use crate::effect::Effect;
use crate::engine::Engine;
use crate::event::Moment;

/// How often memory is measured while routes come in: what comes between two measurements may exceed the limit.
const MEASURE_EVERY: Duration = Duration::from_millis(200);
/// The share of the machine's memory that holds where the configuration names no limit: five parts, of which four.
const SHARE: (u64, u64) = (4, 5);
/// Octets of a MiB.
pub(crate) const MIB: u64 = 1 << 20;

/// What is known of the process's memory.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    /// Octets that the process has of the machine's memory, as last told; unknown since routes were dropped for it.
    resident: Option<u64>,
    /// When it was last asked for.
    asked: Option<Instant>,
    need: Need,
}

/// What is asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Need {
    /// Nothing, or a measurement that is on its way.
    #[default]
    None,
    /// What was dropped is to be given back to the system, once it is dropped.
    GiveBack,
    /// That is on its way.
    GivingBack,
}

impl Engine {
    /// The rim has measured; `None` where the system does not tell.
    pub(crate) fn memory_told(&mut self, resident: Option<u64>) {
        // A measurement from before something was dropped would cost the next neighbor its session.
        if self.memory.need != Need::GiveBack {
            self.memory.resident = resident;
            self.memory.need = Need::None;
        }
    }

    /// Ends the session of a peer whose announcement made the tables larger than they may be.
    pub(crate) fn hold_limits(&mut self, at: Moment, id: PeerId, paths_before: usize, out: &mut Vec<Effect>) {
        if self.path_count() <= paths_before {
            return;
        }
        self.measure(at, out);
        let is_up = self.peers.get(id).is_some_and(|peer| peer.session.negotiated().is_some());
        if !is_up || self.exceeded().is_none() {
            return;
        }
        // Routes of sessions that ended count no more, although they are still there.
        self.drop_ended();
        let Some(exceeded) = self.exceeded() else { return };
        if exceeded.of_memory {
            (self.memory.resident, self.memory.need) = (None, Need::GiveBack);
        }
        self.drive(at, id, Input::OutOfResources(exceeded.words), out);
    }

    /// Asks for what was dropped to be given back, behind the dropping.
    pub(crate) fn settle_memory(&mut self, out: &mut Vec<Effect>) {
        if self.memory.need == Need::GiveBack && self.dropping.is_empty() {
            self.memory.need = Need::GivingBack;
            out.push(Effect::MeasureMemory { give_back: true });
        }
    }

    /// Peers that rest for want of room try again at once: there may be room now.
    pub(crate) fn limits_changed(&mut self, at: Moment, out: &mut Vec<Effect>) {
        let rests = |id: &PeerId| {
            let reason = self.peers.get(*id).and_then(|peer| peer.session.idle_reason());
            matches!(reason, Some(IdleReason::OutOfResources(_)))
        };
        for id in self.peers.ids().into_iter().filter(rests).collect::<Vec<_>>() {
            let reason = StopReason::OtherConfigurationChange("parameters limit".to_owned());
            self.drive(at, id, Input::Reset(reason), out);
        }
    }

    /// A dynamic peer is kept while it rests, so that it cannot come back at once under the same name; behind its rest
    /// it is nobody's any more.
    pub(crate) fn rest_is_over(
        &mut self,
        at: Moment,
        id: PeerId,
        change: (StateName, StateName),
        out: &mut Vec<Effect>,
    ) {
        let searches = matches!(change, (StateName::Idle, StateName::Active | StateName::Connect));
        if searches && self.peers.get(id).is_some_and(|peer| peer.session.counters().established > 0) {
            self.let_go(at, id, out);
        }
    }

    /// Paths of both families, refused ones too.
    pub(crate) fn path_count(&self) -> usize {
        Family::ALL.iter().map(|family| self.tables.of(*family).path_count()).sum()
    }

    /// Octets of memory in use, as last told.
    pub(crate) fn resident(&self) -> Option<u64> {
        self.memory.resident
    }

    /// How many octets of memory the process may have.
    pub(crate) fn memory_limit(&self, bgp: &Bgp) -> Option<u64> {
        let (parts, of) = SHARE;
        let share = |all: u64| (all / of).saturating_mul(parts);
        bgp.limits.memory.map(|limit| u64::from(limit).saturating_mul(MIB)).or_else(|| self.facts.memory.map(share))
    }

    fn measure(&mut self, at: Moment, out: &mut Vec<Effect>) {
        let limited = self.running.model.bgp.as_deref().is_some_and(|bgp| self.memory_limit(bgp).is_some());
        let recently = |asked: Instant| at.instant.saturating_duration_since(asked) < MEASURE_EVERY;
        if limited && self.memory.need == Need::None && !self.memory.asked.is_some_and(recently) {
            self.memory.asked = Some(at.instant);
            out.push(Effect::MeasureMemory { give_back: false });
        }
    }

    fn exceeded(&self) -> Option<Exceeded> {
        let bgp = self.running.model.bgp.as_deref()?;
        if let Some(limit) =
            bgp.limits.paths.filter(|limit| self.path_count() > usize::try_from(*limit).unwrap_or(usize::MAX))
        {
            let words = format!("no room for more than {limit} paths ('parameters limit paths')");
            return Some(Exceeded { of_memory: false, words });
        }
        let (limit, resident) = (self.memory_limit(bgp)?, self.memory.resident?);
        (resident > limit).then(|| Exceeded {
            of_memory: true,
            words: format!("no room in more than {} MiB of memory ('parameters limit memory')", limit / MIB),
        })
    }
}

/// A limit that is exceeded.
struct Exceeded {
    of_memory: bool,
    /// Which, for the operator.
    words: String,
}
