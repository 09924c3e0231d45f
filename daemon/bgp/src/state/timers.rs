//! Hold timer and keepalive timer of a session whose OPENs are exchanged (RFC 4271 §4.4, §6.5, §10).
//!
//! Never exists with a hold time of zero: then the state has none of it.

use std::time::{Duration, Instant};

use crate::negotiate::keepalive;
use crate::session::{Context, Negotiated};

/// Both timers; each a moment that moves ahead as octets come and go.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Timers {
    hold_time: Duration,
    interval: Duration,
    /// When the peer has been silent for too long.
    pub(crate) hold: Instant,
    /// When the peer has to hear from us.
    pub(crate) keepalive: Instant,
}

impl Timers {
    /// Starts both; `None` when the negotiated hold time is zero.
    pub(crate) fn start(context: &mut Context<'_>, negotiated: &Negotiated) -> Option<Self> {
        let hold_time = Duration::from_secs(u64::from(negotiated.hold_time?));
        let interval = Duration::from_secs(u64::from(negotiated.keepalive?));
        let hold = context.exactly_after(hold_time);
        let keepalive = context.after(interval);
        Some(Self { hold_time, interval, hold, keepalive })
    }

    /// The peer was heard: any octet counts.
    pub(crate) fn heard(&mut self, now: Instant) {
        self.hold = now.checked_add(self.hold_time).unwrap_or(now);
    }

    /// The peer hears from us.
    pub(crate) fn spoke(&mut self, context: &mut Context<'_>) {
        self.keepalive = context.after(self.interval);
    }

    /// The configuration has another interval: it counts at once, and the peer need not know.
    pub(crate) fn change_interval(timers: &mut Option<Self>, negotiated: &mut Negotiated, context: &mut Context<'_>) {
        negotiated.keepalive = negotiated.hold_time.map(|hold| keepalive(context.config, hold));
        if let (Some(timers), Some(seconds)) = (timers, negotiated.keepalive) {
            timers.interval = Duration::from_secs(u64::from(seconds));
            timers.keepalive = timers.keepalive.min(context.after(timers.interval));
        }
    }

    pub(crate) fn deadline(&self) -> Instant {
        self.hold.min(self.keepalive)
    }
}
