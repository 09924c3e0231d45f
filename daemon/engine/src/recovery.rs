//! After a restart: the kernel still forwards what the last daemon wanted, until the sessions are back; and neighbors that
//! keep our routes for us hear of the new ones once these are complete (RFC 4724 §4.1).
//!
//! Never touches a route; it only knows when waiting is over.

use std::time::{Duration, Instant};

use bgp::session::{Negotiated, OwnRestart, RestartRole};
use nouns::Family;

use crate::effect::{Effect, Notice};
use crate::engine::Engine;
use crate::event::Moment;
use crate::peers::Peer;

/// How long a peer that sends no End-of-RIB is given for its routes.
const QUIET: Duration = Duration::from_secs(3);
/// How long peers that have restarted themselves wait for those that are still away: GoBGP says nothing until it has our
/// End-of-RIB, and FRR calls itself restarted for two minutes, in which it may well keep routes of ours.
const HASTE: Duration = Duration::from_secs(15);

/// Why a peer is not told anything yet after our restart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hold {
    /// It keeps what we told it before, until our routes are complete.
    Keeps,
    /// As the first, but it has restarted, too, and may wait for us: it is told in `HASTE`.
    Restarted,
}

/// Whether the daemon is still recovering.
#[derive(Debug, Default)]
pub(crate) struct Recovery {
    /// When the daemon came back to what an earlier one had left.
    since: Option<Instant>,
    /// What was adopted is still in the kernel, wanted or not.
    keeping: bool,
    /// Our routes are not complete, and those who keep the old ones are not told yet.
    deferring: bool,
    /// Those who have restarted themselves are not told either.
    patient: bool,
    /// What was forwarded when the last daemon ended is forwarded still.
    forwarding: bool,
    /// The earliest moment at which something counts as over for the time that has passed.
    check: Option<Instant>,
}

/// Who is waited for.
#[derive(Default)]
struct Awaited {
    /// Before what was adopted may leave the kernel.
    before_sweep: usize,
    /// Before those who keep our routes are told.
    before_telling: usize,
    /// The same without those who are away.
    speaking: usize,
    /// When to look again at those who send no End-of-RIB.
    check: Option<Instant>,
}

impl Recovery {
    /// Begins at the start of the daemon: whether the kernel has routes of ours, and whether our routes lead past its
    /// forwarding table, which a restart does not touch.
    pub(crate) fn begin(&mut self, now: Instant, adopted: bool, aside: bool) {
        *self = Self {
            since: Some(now),
            keeping: adopted,
            deferring: adopted || aside,
            patient: adopted || aside,
            forwarding: adopted || aside,
            check: None,
        };
    }

    /// What a peer is told in our next OPEN. Whoever had a session with this daemon knows that nothing was lost since.
    pub(crate) fn own_restart(&self, was_up: bool) -> OwnRestart {
        OwnRestart { restarting: self.deferring, forwarding: self.forwarding || was_up }
    }

    /// Why a peer that is up is not told anything yet; `None` when it is told as the routes come.
    pub(crate) fn holds_back(&self, role: RestartRole, negotiated: &Negotiated) -> Option<Hold> {
        let restart = negotiated.graceful_restart.as_ref().filter(|_| self.deferring && role == RestartRole::Full)?;
        if restart.restarting { self.patient.then_some(Hold::Restarted) } else { Some(Hold::Keeps) }
    }
}

impl Recovery {
    /// Whether what an earlier life has left still counts.
    pub(crate) fn is_keeping(&self) -> bool {
        self.keeping
    }
}

impl Engine {
    /// Whether the world is still being changed; what waits for that must not ask for the time.
    pub(crate) fn steps_under_way(&self) -> bool {
        self.commit.is_some() || !self.boot_steps.is_empty()
    }

    /// When to look again whether the recovery is over.
    pub(crate) fn recovery_deadline(&self) -> Option<Instant> {
        let Recovery { keeping, deferring, check, .. } = self.recovery;
        let (sweep, tell) = self.recovery_ends()?;
        [keeping.then_some(sweep), deferring.then_some(tell), check].into_iter().flatten().min()
    }

    /// The latest moments at which what was adopted leaves the kernel, and at which those are told who keep our routes.
    /// Who is not back after the time that we asked for has given our routes up, so it is not waited for any longer.
    fn recovery_ends(&self) -> Option<(Instant, Instant)> {
        let Recovery { since, keeping, deferring, .. } = self.recovery;
        let since = since.filter(|_| keeping || deferring)?;
        let Some(restart) = self.running.model.bgp.as_deref().map(|bgp| bgp.graceful_restart) else {
            return Some((since, since));
        };
        let after = |seconds: u16| since + Duration::from_secs(u64::from(seconds));
        Some((after(restart.select_defer_time), after(restart.select_defer_time.min(restart.restart_time))))
    }

    /// Ends the recovery once every peer is back with its routes, or when it took too long.
    pub(crate) fn check_recovery(&mut self, at: Moment, out: &mut Vec<Effect>) {
        let Some((sweep, tell)) = self.recovery_ends() else { return };
        let awaited = self.awaited(at);
        let haste = self.recovery.since.map(|since| since + HASTE).filter(|_| self.recovery.patient);
        let hasty = haste.is_some_and(|haste| at.instant >= haste);
        self.recovery.check = awaited.check.into_iter().chain(haste.filter(|_| !hasty)).min();
        // What is not decided yet is not wanted yet either: to end now would take it from the kernel, or from neighbors.
        if self.steps_under_way() || self.undecided() {
            return;
        }
        if self.recovery.patient && (awaited.before_telling == 0 || (awaited.speaking == 0 && hasty)) {
            self.recovery.patient = false;
            self.groups.release(Hold::Restarted);
            self.send_updates(at, out);
        }
        if self.recovery.deferring && (awaited.before_telling == 0 || at.instant >= tell) {
            (self.recovery.deferring, self.recovery.patient) = (false, false);
            self.groups.release(Hold::Restarted);
            self.groups.release(Hold::Keeps);
            self.peers.announce_restart(&self.recovery);
            self.send_updates(at, out);
        }
        if self.recovery.keeping && (awaited.before_sweep == 0 || at.instant >= sweep) {
            self.recovery.keeping = false;
            let stale = self.fib.end_recovery();
            let who = match awaited.before_sweep {
                0 => "all neighbors are back".to_owned(),
                missing => format!("{missing} neighbors are not back in time"),
            };
            let text = format!("{who}; {stale} stale entries leave the kernel");
            self.notice(at, Notice::info(text), out);
            self.fib.follow_shaken();
            self.flush_fib(at, out);
        }
    }

    fn awaited(&self, at: Moment) -> Awaited {
        let mut awaited = Awaited::default();
        for peer in self.peers.iter().filter(|peer| !peer.settings.shutdown) {
            let standing = standing(peer, at.instant);
            if let Standing::Quiet(until) = standing {
                awaited.check = Some(awaited.check.map_or(until, |earlier| earlier.min(until)));
            }
            awaited.note(&standing);
        }
        // Members of a listen range are not known before they dial: only their routes can tell that they are back.
        let ranges = self.running.model.bgp.as_deref().is_some_and(|bgp| !bgp.listen_ranges.is_empty());
        if ranges && self.fib.counters().adopted > 0 {
            awaited.note(&Standing::Away);
        }
        awaited
    }
}

impl Awaited {
    fn note(&mut self, standing: &Standing) {
        // RFC 4724 §4.1: one that has restarted is not waited for before others are told; it may be waiting for us.
        let (sweep, tell, speaks) = match standing {
            Standing::Heard => (0, 0, 0),
            Standing::Restarting => (1, 0, 0),
            Standing::Away => (1, 1, 0),
            Standing::Speaking | Standing::Quiet(_) => (1, 1, 1),
        };
        self.before_sweep = self.before_sweep.saturating_add(sweep);
        self.before_telling = self.before_telling.saturating_add(tell);
        self.speaking = self.speaking.saturating_add(speaks);
    }
}

/// How far a peer has come since the restart.
enum Standing {
    /// Its session is not up.
    Away,
    /// It restarted itself, and its routes are not complete.
    Restarting,
    /// Its End-of-RIB is awaited.
    Speaking,
    /// It sends no End-of-RIB, and is given until this moment.
    Quiet(Instant),
    /// It said all.
    Heard,
}

fn standing(peer: &Peer, now: Instant) -> Standing {
    let Some(since) = peer.up_since else { return Standing::Away };
    let negotiated = peer.session.negotiated();
    let restart = negotiated.and_then(|negotiated| negotiated.graceful_restart.as_ref());
    let families = negotiated.map_or(&[][..], |negotiated| &negotiated.families);
    let marked = families.iter().all(|family: &Family| peer.seen_end_of_rib.contains(family));
    let quiet = since + QUIET;
    match restart {
        Some(_) if marked => Standing::Heard,
        Some(restart) if restart.restarting => Standing::Restarting,
        Some(_) => Standing::Speaking,
        None if quiet > now => Standing::Quiet(quiet),
        None => Standing::Heard,
    }
}
