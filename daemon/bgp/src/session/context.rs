//! What every state needs while it handles an event: the time, the configuration, and where answers go.
//!
//! Never holds what belongs to one state only.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bgp_wire::Negotiated as Codec;
use bgp_wire::message::Message;
use bgp_wire::notification::Notification;

use super::{ConnId, Counters, Down, Farewell, Kept, Log, Output, OwnRestart, SessionConfig};
use crate::jitter::Jitter;
use crate::negotiate;

/// The longest that a session rests after an error, in seconds.
const LONGEST_HOLD_BACK: u64 = 30;
/// How long a session rests that the router had no room for, in seconds: at first, and at most.
const SHORTAGE_REST: u64 = 60;
const LONGEST_SHORTAGE_REST: u64 = 960;

/// The code of NOTIFICATIONs about UPDATEs (RFC 4271 §6.3).
const UPDATE_ERROR: u8 = 3;

/// What outlives a state.
#[derive(Debug)]
pub(crate) struct Memory {
    pub(crate) jitter: Jitter,
    pub(crate) counters: Counters,
    pub(crate) own_restart: OwnRestart,
    pub(crate) last_down: Option<(Instant, String)>,
    /// When a call failed since the peer was there, and why.
    pub(crate) failed_call: Option<(Instant, String)>,
    /// The NOTIFICATION that ended it, if one did.
    pub(crate) last_farewell: Option<Farewell>,
    /// The NOTIFICATION that went over any connection last, and when.
    farewell: Option<(Instant, Farewell)>,
    /// Our OPEN as it was sent last.
    pub(crate) our_open: Vec<u8>,
    pub(crate) last_read: Option<Instant>,
    pub(crate) last_written: Option<Instant>,
    /// Errors in a row without a stable session between them; the hold-back grows with it.
    failures: u32,
    /// Times in a row that the router had no room for what the peer announced.
    shortages: u32,
    /// What was logged last since the peer was there; a peer that fails every few seconds is told of once.
    logged: Option<String>,
}

impl Memory {
    pub(crate) fn new(jitter: Jitter) -> Self {
        Self {
            jitter,
            counters: Counters::default(),
            own_restart: OwnRestart::default(),
            last_down: None,
            failed_call: None,
            last_farewell: None,
            farewell: None,
            our_open: Vec::new(),
            last_read: None,
            last_written: None,
            failures: 0,
            shortages: 0,
            logged: None,
        }
    }
}

/// The kinds of messages, as `Counters` counts them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Open,
    Notification,
    Update,
    Keepalive,
    RouteRefresh,
}

impl Kind {
    pub(crate) fn of(message: &Message) -> Self {
        match message {
            Message::Open(_) => Self::Open,
            Message::Notification(_) => Self::Notification,
            Message::Update(_) => Self::Update,
            Message::Keepalive => Self::Keepalive,
            Message::RouteRefresh(_) => Self::RouteRefresh,
        }
    }

    /// Adds to the counter of this kind.
    pub(crate) fn count(self, counters: &mut [u64; 5], messages: u64) {
        let [opens, notifications, updates, keepalives, refreshes] = counters;
        let counter = match self {
            Self::Open => opens,
            Self::Notification => notifications,
            Self::Update => updates,
            Self::Keepalive => keepalives,
            Self::RouteRefresh => refreshes,
        };
        *counter = counter.saturating_add(messages);
    }
}

/// The surroundings of one transition.
pub(crate) struct Context<'a> {
    pub(crate) now: Instant,
    pub(crate) config: &'a SessionConfig,
    pub(crate) memory: &'a mut Memory,
    out: &'a mut Vec<Output>,
}

impl<'a> Context<'a> {
    pub(crate) fn new(
        now: Instant,
        config: &'a SessionConfig,
        memory: &'a mut Memory,
        out: &'a mut Vec<Output>,
    ) -> Self {
        Self { now, config, memory, out }
    }

    pub(crate) fn push(&mut self, output: Output) {
        self.out.push(output);
    }

    /// Sends a message of ours. Ours always fit: an encoder's refusal would be a fault of this crate.
    pub(crate) fn send(&mut self, conn: ConnId, message: &Message, codec: &Codec) {
        let mut bytes = Vec::new();
        match message.encode(codec, &mut bytes) {
            Ok(()) => self.send_encoded(conn, Arc::new(bytes), Kind::of(message), 1),
            Err(error) => self.warn(format!("a message of ours was not sent: {error}")),
        }
    }

    pub(crate) fn send_encoded(&mut self, conn: ConnId, bytes: Arc<Vec<u8>>, kind: Kind, messages: u64) {
        self.memory.last_written = Some(self.now);
        kind.count(&mut self.memory.counters.sent, messages);
        self.push(Output::Send(conn, bytes));
    }

    pub(crate) fn send_open(&mut self, conn: ConnId) {
        let open = Message::Open(negotiate::our_open(self.config, self.memory.own_restart));
        self.memory.our_open.clear();
        // Sending tells when it does not fit.
        let _ = open.encode(&Codec::default(), &mut self.memory.our_open);
        self.send(conn, &open, &Codec::default());
    }

    pub(crate) fn send_keepalive(&mut self, conn: ConnId) {
        self.send(conn, &Message::Keepalive, &Codec::default());
    }

    /// Says why, and closes.
    pub(crate) fn notify(&mut self, conn: ConnId, notification: Notification) {
        if notification.code == UPDATE_ERROR {
            let fatal = &mut self.memory.counters.fatal_updates;
            *fatal = fatal.saturating_add(1);
        }
        self.memory.farewell = Some((self.now, Farewell { sent: true, notification: notification.clone() }));
        self.send(conn, &Message::Notification(notification), &Codec::default());
        self.close(conn);
    }

    /// The peer says why it closes.
    pub(crate) fn was_notified(&mut self, notification: &Notification) {
        self.memory.farewell = Some((self.now, Farewell { sent: false, notification: notification.clone() }));
    }

    pub(crate) fn close(&mut self, conn: ConnId) {
        self.push(Output::Close(conn));
    }

    /// The session, or the attempt at one, has ended.
    pub(crate) fn down(&mut self, reason: String, was_established: bool, kept: Kept) {
        if was_established {
            let dropped = &mut self.memory.counters.dropped;
            *dropped = dropped.saturating_add(1);
        }
        let farewell = self.memory.farewell.take().filter(|(at, _)| *at == self.now);
        self.memory.last_farewell = farewell.map(|(_, farewell)| farewell);
        self.memory.last_down = Some((self.now, reason.clone()));
        self.push(Output::Down(Down { reason, was_established, kept }));
    }

    /// A call was not answered, or could not be made.
    pub(crate) fn call_failed(&mut self, why: String) {
        self.note(format!("connection failed: {why}"));
        self.memory.failed_call = Some((self.now, why));
    }

    /// A line for the log, unless it would only repeat the last one.
    pub(crate) fn note(&mut self, text: String) {
        self.log(false, text);
    }

    /// A line for the log that somebody should act upon, unless it would only repeat the last one.
    pub(crate) fn warn(&mut self, text: String) {
        self.log(true, text);
    }

    /// The peer is there: what was logged before is news again.
    pub(crate) fn log_afresh(&mut self) {
        self.memory.logged = None;
        self.memory.failed_call = None;
    }

    fn log(&mut self, warning: bool, text: String) {
        if self.memory.logged.as_ref() != Some(&text) {
            self.memory.logged = Some(text.clone());
            self.push(Output::Log(Log { warning, text }));
        }
    }

    /// When to try again after an error: 1, 2, 4 … 30 s, shortened by jitter.
    pub(crate) fn hold_back(&mut self) -> Instant {
        let seconds = 1_u64.checked_shl(self.memory.failures).unwrap_or(u64::MAX).min(LONGEST_HOLD_BACK);
        self.memory.failures = self.memory.failures.saturating_add(1).min(LONGEST_HOLD_BACK.ilog2().saturating_add(1));
        self.after(Duration::from_secs(seconds))
    }

    /// When to try again after what the peer announced did not fit: 1, 2, 4, 8, 16 minutes, shortened by jitter.
    pub(crate) fn shortage_rest(&mut self) -> Instant {
        let longer = SHORTAGE_REST.checked_shl(self.memory.shortages).unwrap_or(LONGEST_SHORTAGE_REST);
        let seconds = longer.min(LONGEST_SHORTAGE_REST);
        if seconds < LONGEST_SHORTAGE_REST {
            self.memory.shortages = self.memory.shortages.saturating_add(1);
        }
        self.after(Duration::from_secs(seconds))
    }

    /// There was room for a long time, or a person asked: the next shortage is the first again.
    pub(crate) fn forgive_shortages(&mut self) {
        self.memory.shortages = 0;
    }

    /// A session was stable, or a person asked: the next error is the first again.
    pub(crate) fn forgive(&mut self) {
        self.memory.failures = 0;
    }

    /// When the next attempt to connect is due.
    pub(crate) fn connect_retry(&mut self) -> Instant {
        self.after(Duration::from_secs(u64::from(self.config.connect_retry.max(1))))
    }

    /// A time ahead, shortened by jitter.
    pub(crate) fn after(&mut self, whole: Duration) -> Instant {
        let wait = self.memory.jitter.shorten(whole);
        self.exactly_after(wait)
    }

    /// A time ahead; now, should the clock be at its end.
    pub(crate) fn exactly_after(&self, wait: Duration) -> Instant {
        self.now.checked_add(wait).unwrap_or(self.now)
    }
}
