//! One BGP session's door: inputs in, outputs out, a deadline as the answer to "when next?".
//!
//! Never opens a socket, never reads a clock, never keeps a route.

mod context;
mod input;
mod output;
mod settings;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Instant;

use bgp_wire::encode_end_of_rib;
use bgp_wire::message::{Message, RouteRefresh};
use bgp_wire::orf::FilterEntry;
use nouns::Family;

use crate::classify::{Change, classify};
use crate::import::Reject;
use crate::jitter::Jitter;
use crate::state::{Established, Event, Idle, State};

pub(crate) use context::{Context, Kind, Memory};
pub use input::{ConnId, Input, StopReason};
pub use output::{Counters, Down, Farewell, Kept, Log, Negotiated, Output, PeerRestart, StateName};
pub(crate) use settings::Level;
pub use settings::{ExpectedAs, OwnRestart, PrefixLimit, RestartRole, SessionConfig};

pub use crate::state::IdleReason;

/// A session with one peer.
///
/// The caller hands in what happens with the time at which it happens, carries out what comes back, and
/// hands in `Input::Tick` when the deadline has come. Calling too early or too often does no harm.
#[derive(Debug)]
pub struct Session {
    config: SessionConfig,
    memory: Memory,
    state: State,
}

impl Session {
    /// A session at rest in Idle until `Input::Start`. The seed decides the jitter of its timers.
    #[must_use]
    pub fn new(config: SessionConfig, seed: u64) -> Self {
        Self { config, memory: Memory::new(Jitter::new(seed)), state: State::Idle(Idle::stopped()) }
    }

    /// Takes in what happened, and appends to `out` what is to be done, in order.
    pub fn handle(&mut self, now: Instant, input: Input, out: &mut Vec<Output>) {
        match input {
            Input::Bytes(conn, octets) => {
                self.memory.last_read = Some(now);
                self.state.receive(now, conn, &octets);
            }
            Input::Messages(conn, messages) => {
                self.memory.last_read = Some(now);
                self.state.receive_decoded(now, conn, messages);
            }
            Input::Start => self.step(now, Event::Start, out),
            Input::Stop(reason) => self.step(now, Event::Stop(reason), out),
            Input::Reset(reason) => self.step(now, Event::Reset(reason), out),
            Input::Connected(conn) => self.step(now, Event::Connected(conn), out),
            Input::ConnectFailed(why) => self.step(now, Event::ConnectFailed(why), out),
            Input::Accepted(conn) => self.step(now, Event::Accepted(conn), out),
            Input::Closed(conn, why) => self.step(now, Event::Closed(conn, why), out),
            Input::SendQueue(conn, octets) => self.step(now, Event::SendQueue(conn, octets), out),
            Input::Tick => self.step(now, Event::Tick, out),
            Input::PrefixCount(family, count) => self.step(now, Event::PrefixCount(family, count), out),
            Input::OutOfResources(limit) => self.step(now, Event::OutOfResources(limit), out),
            Input::RequestRefresh(family) => self.step(now, Event::RequestRefresh(family), out),
            Input::Reachable => self.step(now, Event::Reachable, out),
        }
        while let Some(event) = self.state.next_received() {
            if let Event::Message(_, message) = &event {
                Kind::of(message).count(&mut self.memory.counters.received, 1);
            }
            match (&self.state, event) {
                // By far the most of what comes; nothing changes but counters.
                (State::Established(_), Event::Message(_, Message::Update(update))) => {
                    Established::update(&mut Context::new(now, &self.config, &mut self.memory, out), update);
                }
                (_, event) => self.step(now, event, out),
            }
        }
    }

    /// When `Input::Tick` is due next; `None` when nothing waits for the clock.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        self.state.deadline()
    }

    /// The state's name (RFC 4271 §8.2.2).
    #[must_use]
    pub fn state(&self) -> StateName {
        self.state.name()
    }

    /// Why the session rests in Idle; `None` in any other state.
    #[must_use]
    pub fn idle_reason(&self) -> Option<IdleReason> {
        match &self.state {
            State::Idle(idle) => Some(idle.reason()),
            _ => None,
        }
    }

    /// What both sides agreed on, while Established.
    #[must_use]
    pub fn negotiated(&self) -> Option<&Negotiated> {
        self.state.established().map(|established| established.negotiated())
    }

    /// Since when the session is Established.
    #[must_use]
    pub fn established_since(&self) -> Option<Instant> {
        self.state.established().map(|established| established.since())
    }

    /// The connection over which routes flow, while Established.
    #[must_use]
    pub fn connection(&self) -> Option<ConnId> {
        self.state.established().map(|established| established.conn())
    }

    /// Messages and events since the session was made.
    #[must_use]
    pub fn counters(&self) -> &Counters {
        &self.memory.counters
    }

    /// When and why the session, or the last attempt at one, ended.
    #[must_use]
    pub fn last_down(&self) -> Option<(Instant, &str)> {
        self.memory.last_down.as_ref().map(|(when, why)| (*when, why.as_str()))
    }

    /// When the last call to the peer failed and why, where that was since it was there last.
    #[must_use]
    pub fn failed_call(&self) -> Option<(Instant, &str)> {
        self.memory.failed_call.as_ref().map(|(when, why)| (*when, why.as_str()))
    }

    /// The NOTIFICATION that ended it then, where one did.
    #[must_use]
    pub fn last_farewell(&self) -> Option<&Farewell> {
        self.memory.last_farewell.as_ref()
    }

    /// Our OPEN and the peer's as they went over the wire, while Established.
    #[must_use]
    pub fn opens(&self) -> Option<(&[u8], &[u8])> {
        self.state.established().map(|established| (self.memory.our_open.as_slice(), established.peer_open()))
    }

    /// When octets of the peer came last, on whichever connection.
    #[must_use]
    pub fn last_read(&self) -> Option<Instant> {
        self.memory.last_read
    }

    /// When a message was last given out to be written.
    #[must_use]
    pub fn last_written(&self) -> Option<Instant> {
        self.memory.last_written
    }

    /// The configuration in force.
    #[must_use]
    pub fn config(&self) -> &SessionConfig {
        &self.config
    }

    /// Whether a count of received prefixes is news for `maximum-prefix`, and `Input::PrefixCount` is due.
    #[must_use]
    pub fn minds_count(&self, family: Family, count: u32) -> bool {
        let limit = self.config.maximum_prefix.get(&family);
        limit.zip(self.state.established()).is_some_and(|(limit, established)| {
            let before = established.level(family);
            let now = limit.level(count, before);
            now != before || (now == Level::Over && !limit.warning_only)
        })
    }

    /// What our next OPEN says of our own restart.
    pub fn announce_restart(&mut self, own: OwnRestart) {
        self.memory.own_restart = own;
    }

    /// Counts announced routes that the caller's import refused, where they went in a circle.
    pub fn count_rejected(&mut self, reject: Reject, routes: u64) {
        let counter = match reject {
            Reject::AsLoop(_) => &mut self.memory.counters.as_loops,
            Reject::OwnOriginator(_) | Reject::ClusterLoop(_) => &mut self.memory.counters.reflection_loops,
            Reject::AsSet | Reject::MartianNextHop(_) | Reject::MartianPrefix(_) => {
                &mut self.memory.counters.treated_as_withdraw
            }
            Reject::FirstAs { .. } | Reject::NoFirstAs(_) | Reject::Leak(_) | Reject::NoPolicy => return,
        };
        *counter = counter.saturating_add(routes);
    }

    /// Sends UPDATEs that are encoded already (`AdjOut::drain`); ignored unless Established.
    pub fn send_updates(&mut self, now: Instant, bytes: Arc<Vec<u8>>, messages: u64, out: &mut Vec<Output>) {
        if bytes.is_empty() {
            return;
        }
        let State::Established(established) = &mut self.state else { return };
        let mut context = Context::new(now, &self.config, &mut self.memory, out);
        context.send_encoded(established.conn(), bytes, Kind::Update, messages);
        established.restart_keepalive(&mut context);
    }

    /// Sends the End-of-RIB marker of a negotiated family (RFC 4724 §2); ignored unless Established.
    pub fn send_end_of_rib(&mut self, now: Instant, family: Family, out: &mut Vec<Output>) {
        let Some(negotiated) = self.negotiated().filter(|negotiated| negotiated.families.contains(&family)) else {
            return;
        };
        let mut bytes = Vec::new();
        encode_end_of_rib(family, &negotiated.codec, &mut bytes);
        self.send_updates(now, Arc::new(bytes), 1, out);
    }

    /// Tells the peer that all routes of a family follow once more, or that they have all been told (RFC 7313); ignored
    /// where the peer does not know these marks.
    pub fn mark_refresh(&mut self, now: Instant, family: Family, begins: bool, out: &mut Vec<Output>) {
        let State::Established(established) = &mut self.state else { return };
        let subtype = if begins { RouteRefresh::BEGINS } else { RouteRefresh::ENDS };
        established.mark_refresh(&mut Context::new(now, &self.config, &mut self.memory, out), family, subtype);
    }

    /// Tells the peer what we want to hear of a family (RFC 5291); `anew`: it was told something before. Ignored where
    /// that was not agreed on.
    pub fn tell_filter(
        &mut self,
        now: Instant,
        family: Family,
        entries: &[FilterEntry],
        anew: bool,
        out: &mut Vec<Output>,
    ) {
        let State::Established(established) = &mut self.state else { return };
        established.tell_filter(&mut Context::new(now, &self.config, &mut self.memory, out), family, entries, anew);
    }

    /// Puts a new configuration in force; the session goes on where `classify` says so.
    pub fn reconfigure(&mut self, now: Instant, new: SessionConfig, out: &mut Vec<Output>) {
        let change = classify(&self.config, &new);
        let another_opening = self.config.passive != new.passive || self.config.connect_retry != new.connect_retry;
        let another_limit = self.config.maximum_prefix != new.maximum_prefix;
        let another_interval = self.config.keepalive != new.keepalive;
        self.config = new;
        let reset = match (change, self.state()) {
            (Change::Reset(leaves), _) => Some(leaves),
            (Change::Keep, StateName::Connect | StateName::Active) if another_opening => Some(String::new()),
            (Change::Keep, StateName::Idle)
                if another_limit && matches!(self.idle_reason(), Some(IdleReason::PrefixLimit(..))) =>
            {
                Some(String::new())
            }
            (Change::Keep, _) => None,
        };
        if another_interval {
            self.state.change_interval(&mut Context::new(now, &self.config, &mut self.memory, out));
        }
        if let Some(leaves) = reset {
            self.handle(now, Input::Reset(StopReason::OtherConfigurationChange(leaves)), out);
        }
    }

    /// One event, one transition.
    fn step(&mut self, now: Instant, event: Event, out: &mut Vec<Output>) {
        let before = self.state.name();
        if let Event::Message(_, Message::Notification(notification)) = &event {
            Context::new(now, &self.config, &mut self.memory, out).was_notified(notification);
        }
        let state = std::mem::replace(&mut self.state, State::Idle(Idle::stopped()));
        self.state = state.handle(&mut Context::new(now, &self.config, &mut self.memory, out), event);
        let after = self.state.name();
        if before != after {
            out.push(Output::State(before, after));
        }
    }
}
