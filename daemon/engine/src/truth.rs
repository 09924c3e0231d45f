//! What became of the forwarding table in the kernel against the wish: refused, lost, changed by others; tried again.
//!
//! What the kernel refused is tried again after 5, 10, 20 … 300 seconds, and at once when something comes back that a next
//! hop may need. All of it is counted. Never decides what the kernel shall have.

use std::time::{Duration, Instant};

use rib::fib::Refused;

use crate::effect::{Effect, Notice};
use crate::engine::Engine;
use crate::event::Moment;

/// When the first attempt follows a refusal; each further one waits twice as long.
const FIRST: Duration = Duration::from_secs(5);
/// The longest wait.
const LONGEST: Duration = Duration::from_secs(300);
/// How long a link that came back is given, so that all that belongs to it is tried together.
const AT_ONCE: Duration = Duration::from_millis(50);
/// How many refusals of one portion are told one by one.
const TOLD: usize = 8;

/// What happened since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    /// Changes that the kernel refused.
    pub(crate) refused: u64,
    /// How often refused changes were tried again.
    pub(crate) retries: u64,
    /// Routes that somebody, or the kernel, took or replaced.
    pub(crate) lost_routes: u64,
    /// Next hops and groups that somebody, or the kernel, took or replaced.
    pub(crate) lost_next_hops: u64,
    /// How often everything was read anew because messages of the kernel were lost.
    pub(crate) resyncs: u64,
    /// Entries that were put right.
    pub(crate) repaired: u64,
}

/// The counts, and when to try again.
#[derive(Debug, Default)]
pub(crate) struct Truth {
    pub(crate) counts: Counts,
    retry: Option<Instant>,
    /// Attempts since the last thing that went well.
    attempts: u32,
}

impl Truth {
    /// When to try again what was refused.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.retry
    }

    /// Something was refused.
    fn wait(&mut self, now: Instant) {
        if self.retry.is_none() {
            let wait = FIRST.saturating_mul(2_u32.saturating_pow(self.attempts)).min(LONGEST);
            self.attempts = self.attempts.saturating_add(1).min(16);
            self.retry = Some(now + wait);
        }
    }
}

impl Engine {
    /// A portion is written; what was refused is remembered, told, and tried again.
    pub(crate) fn fib_done(&mut self, at: Moment, refused: &[Refused], out: &mut Vec<Effect>) {
        self.flow.done();
        self.fib_refused(at, refused, out);
    }

    /// What the kernel refused is remembered, told, and tried again.
    pub(crate) fn fib_refused(&mut self, at: Moment, refused: &[Refused], out: &mut Vec<Effect>) {
        for refusal in refused {
            self.fib.refused(refusal);
        }
        for Refused { change, errno, reason } in refused.iter().take(TOLD) {
            let text = format!("the kernel refused {change:?}: {reason} (errno {errno})");
            self.notice(at, Notice::warning(text), out);
        }
        if let Some(more) = refused.len().checked_sub(TOLD).filter(|more| *more > 0) {
            let text = format!("the kernel refused {more} changes more; 'show ip fib' lists what is missing");
            self.notice(at, Notice::warning(text), out);
        }
        let counts = &mut self.truth.counts;
        counts.refused = counts.refused.saturating_add(u64::try_from(refused.len()).unwrap_or(u64::MAX));
        if !refused.is_empty() {
            self.truth.wait(at.instant);
        } else if !self.fib.needs_retry() {
            self.truth.attempts = 0;
        }
    }

    /// Tries again what was refused, if the time has come.
    pub(crate) fn retry_refused(&mut self, at: Moment) {
        if self.truth.retry.is_some_and(|due| due <= at.instant) {
            self.truth.retry = None;
            self.truth.counts.retries = self.truth.counts.retries.saturating_add(1);
            self.fib.retry();
        }
    }

    /// Something came or went that a next hop may need: what was refused for want of it need not wait any longer.
    pub(crate) fn retry_soon(&mut self, at: Moment) {
        if self.fib.needs_retry() {
            self.truth.attempts = 0;
            let soon = at.instant + AT_ONCE;
            self.truth.retry = Some(self.truth.retry.map_or(soon, |due| due.min(soon)));
        }
    }

    /// Entries were put right.
    pub(crate) fn count_repaired(&mut self, entries: usize) {
        let counts = &mut self.truth.counts;
        counts.repaired = counts.repaired.saturating_add(u64::try_from(entries).unwrap_or(u64::MAX));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_attempt_waits_twice_as_long_as_the_one_before_but_never_longer_than_five_minutes() {
        #![allow(clippy::disallowed_methods, reason = "it begins at some moment")]
        let now = Instant::now();
        let mut truth = Truth::default();
        let mut waits = Vec::new();
        for _ in 0..9 {
            truth.wait(now);
            truth.wait(now + LONGEST);
            waits.push(truth.retry.take().map(|due| (due - now).as_secs()));
        }
        assert_eq!(waits, [5, 10, 20, 40, 80, 160, 300, 300, 300].map(Some));
    }
}
