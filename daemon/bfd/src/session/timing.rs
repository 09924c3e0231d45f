//! The intervals of a session and when its next packet is due: what is offered, what holds meanwhile, polls.
//!
//! Never a state of the session: whether it is up is an argument.

use std::time::{Duration, Instant};

use super::{SLOW, Settings};
use crate::packet::State;

/// The intervals that our packets tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Offer {
    pub(super) desired_min_tx: Duration,
    pub(super) required_min_rx: Duration,
}

impl Offer {
    /// What the settings want, slowly while the session is not up.
    pub(super) fn of(settings: &Settings, state: State) -> Self {
        let desired_min_tx = if state == State::Up { settings.transmit } else { settings.transmit.max(SLOW) };
        Self { desired_min_tx, required_min_rx: settings.receive }
    }
}

/// Whether the other side is being asked to take note of what is offered (RFC 5880 §6.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Poll {
    /// It knows all of it.
    None,
    /// It was asked, and has not answered.
    Asked,
    /// The same, and what is offered has changed meanwhile: its answer may be to what was offered before.
    AskedBefore,
}

#[derive(Clone, Debug)]
pub(super) struct Timing {
    offered: Offer,
    /// What is reckoned with: while a poll is not answered, not slower and not stricter than the other side knows.
    held: Offer,
    poll: Poll,
    /// The interval that `next` was reckoned with.
    interval: Option<Duration>,
    last: Option<Instant>,
    next: Option<Instant>,
}

impl Timing {
    /// The first packet is due at once.
    pub(super) fn new(now: Instant, offer: Offer) -> Self {
        let interval = Some(offer.desired_min_tx);
        Self { offered: offer, held: offer, poll: Poll::None, interval, last: None, next: Some(now) }
    }

    pub(super) fn offered(&self) -> Offer {
        self.offered
    }

    pub(super) fn desired_min_tx(&self) -> Duration {
        self.held.desired_min_tx
    }

    pub(super) fn required_min_rx(&self) -> Duration {
        self.held.required_min_rx
    }

    pub(super) fn polls(&self) -> bool {
        self.poll != Poll::None
    }

    pub(super) fn next(&self) -> Option<Instant> {
        self.next
    }

    /// Offers intervals, with a poll while the session is up (§6.8.3).
    pub(super) fn offer(&mut self, offer: Offer, up: bool) {
        if !up {
            (self.offered, self.held, self.poll) = (offer, offer, Poll::None);
            return;
        }
        if offer == self.offered {
            return;
        }
        self.offered = offer;
        self.held = Offer {
            desired_min_tx: self.held.desired_min_tx.min(offer.desired_min_tx),
            required_min_rx: self.held.required_min_rx.max(offer.required_min_rx),
        };
        self.poll = if self.poll == Poll::None { Poll::Asked } else { Poll::AskedBefore };
    }

    /// The other side answered a poll.
    pub(super) fn poll_answered(&mut self, offer: Offer) {
        match self.poll {
            Poll::None => {}
            Poll::AskedBefore => self.poll = Poll::Asked,
            Poll::Asked => (self.held, self.poll) = (offer, Poll::None),
        }
    }

    /// Reckons the next packet anew where the interval has changed.
    pub(super) fn reschedule(
        &mut self,
        now: Instant,
        interval: Option<Duration>,
        shorten: impl FnOnce(Duration) -> Duration,
    ) {
        if std::mem::replace(&mut self.interval, interval) == interval {
            return;
        }
        self.next = interval.map(shorten).map(|shortened| self.last.map_or(now, |last| last + shortened).max(now));
    }

    /// A packet was given out; the next one is due after this interval, which is shortened already.
    pub(super) fn sent(&mut self, now: Instant, after: Option<Duration>) {
        self.last = Some(now);
        self.next = after.map(|after| now + after);
    }
}
