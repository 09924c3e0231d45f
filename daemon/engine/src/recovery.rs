//! After a restart: the kernel still forwards what the last daemon wanted, until the sessions are back.
//!
//! Never touches a route; it only knows when waiting is over.

use std::time::{Duration, Instant};

use nouns::Family;

use crate::effect::{Effect, Notice};
use crate::engine::Engine;
use crate::event::Moment;

/// The longest that adopted routes are kept without their sessions. A Cilium node redials after 120 to 240
/// seconds by default (twice its connect-retry time), so less would take the routes of a healthy node away.
const LONGEST: Duration = Duration::from_secs(300);
/// How long a peer that sends no End-of-RIB is given for its routes.
const QUIET: Duration = Duration::from_secs(3);

/// Whether the daemon is still recovering.
#[derive(Debug, Default)]
pub(crate) struct Recovery {
    until: Option<Instant>,
    /// The earliest moment at which a peer without End-of-RIB counts as heard.
    check: Option<Instant>,
}

impl Recovery {
    /// Begins at the first snapshot with routes of ours in it.
    pub(crate) fn begin(&mut self, now: Instant) {
        self.until = Some(now + LONGEST);
    }

    /// When to look again.
    #[must_use]
    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.until.map(|until| self.check.map_or(until, |check| check.min(until)))
    }
}

impl Engine {
    /// Whether the world is still being changed; what waits for that must not ask for the time.
    pub(crate) fn steps_under_way(&self) -> bool {
        self.commit.is_some() || !self.boot_steps.is_empty()
    }

    /// Ends the recovery once every peer is back with its routes, or when it took too long.
    pub(crate) fn check_recovery(&mut self, at: Moment, out: &mut Vec<Effect>) {
        let Some(until) = self.recovery.until else { return };
        let mut check: Option<Instant> = None;
        let mut waiting = 0_usize;
        for peer in self.peers.iter().filter(|peer| !peer.settings.shutdown) {
            let Some(since) = peer.up_since else {
                waiting = waiting.saturating_add(1);
                continue;
            };
            let marks = peer.session.negotiated().is_some_and(|negotiated| negotiated.graceful_restart.is_some());
            let families = peer.session.negotiated().map_or(&[][..], |negotiated| &negotiated.families);
            let heard = marks && families.iter().all(|family: &Family| peer.seen_end_of_rib.contains(family));
            let quiet = since + QUIET;
            if !heard && quiet > at.instant {
                waiting = waiting.saturating_add(1);
                check = Some(check.map_or(quiet, |earlier| earlier.min(quiet)));
            }
        }
        // Members of a listen range are not known before they dial: only their routes can tell that they are back.
        let ranges = self.running.model.bgp.as_deref().is_some_and(|bgp| !bgp.listen_ranges.is_empty());
        if ranges && self.fib.counters().adopted > 0 {
            waiting = waiting.saturating_add(1);
        }
        self.recovery.check = check;
        // What is not decided yet is not wanted yet either: to end now would take it from the kernel.
        if (waiting > 0 && at.instant < until) || self.steps_under_way() || self.undecided() {
            return;
        }
        self.recovery.until = None;
        let stale = self.fib.end_recovery();
        let text = format!("all neighbors are back; {stale} stale entries leave the kernel");
        self.notice(at, Notice::info(text), out);
        self.fib.follow_shaken();
        self.flush_fib(out);
    }
}
