//! One session in asynchronous mode (RFC 5880 §6.8): packets and the time in, packets and changes of state out.
//!
//! Never finds out whose packet it was, and never looks at a TTL: who has several sessions does that.

mod timing;

use std::num::{NonZeroU8, NonZeroU32};
use std::time::{Duration, Instant};

use crate::authentication::{Secret, sequence};
use crate::chance::Chance;
use crate::packet::{Diagnostic, Packet, State};

use timing::{Offer, Timing};

/// How fast a session may send at most that is not up (RFC 5880 §6.8.3).
pub const SLOW: Duration = Duration::from_secs(1);

/// What the configuration says of a session. Any of it may change while the session is up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// How often we want to send, once up.
    pub transmit: Duration,
    /// How often we can receive.
    pub receive: Duration,
    /// How many packets in a row may be lost.
    pub multiplier: NonZeroU8,
    /// Say nothing until the other side does.
    pub passive: bool,
    /// Held down.
    pub shutdown: bool,
    /// The least TTL that a packet may arrive with; 255 over a single hop.
    pub minimum_ttl: u8,
    /// What both sides prove that they know (RFC 5880 §6.7).
    pub secret: Option<Secret>,
}

/// A change of state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Change {
    /// The state before.
    pub from: State,
    /// The state now.
    pub to: State,
    /// Why, in our words.
    pub diagnostic: Diagnostic,
    /// What the other side said last, if anything was heard within a detection time.
    pub told: Option<Told>,
}

impl Change {
    /// Whether the path has failed: not so when either side holds the session down (RFC 5882 §3.2).
    #[must_use]
    pub fn is_failure(&self) -> bool {
        let held_down = self.told.is_some_and(|told| told.state == State::AdminDown);
        self.from == State::Up && self.to == State::Down && !held_down
    }
}

/// What the other side said last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Told {
    /// Its number for the session.
    pub discriminator: NonZeroU32,
    /// Its state.
    pub state: State,
    /// Why its state changed.
    pub diagnostic: Diagnostic,
    /// Its BFD lives on when its control plane does not.
    pub control_plane_independent: bool,
    /// It wants no periodic packets while both are up.
    pub demand: bool,
    /// How many of its packets may be lost.
    pub multiplier: NonZeroU8,
    /// How often it sends at most.
    pub desired_min_tx: Duration,
    /// How often it can receive; zero for never.
    pub required_min_rx: Duration,
    /// How often it can return echo packets.
    pub required_min_echo_rx: Duration,
}

/// What was counted since the session was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Packets given out.
    pub sent: u64,
    /// Packets taken in.
    pub received: u64,
    /// Packets that did not prove who sent them.
    pub unproven: u64,
    /// Times that it came up.
    pub ups: u64,
    /// Times that it went down from up.
    pub downs: u64,
}

/// A session with one neighbor.
///
/// Whoever has it calls [`Session::tick`] when the deadline has come; too early or too often does no harm. What is
/// returned is a packet to be sent and a change of state, either of which may be there.
#[derive(Clone, Debug)]
pub struct Session {
    settings: Settings,
    discriminator: NonZeroU32,
    state: State,
    diagnostic: Diagnostic,
    told: Option<Told>,
    /// When the last packet came that counts.
    heard: Option<Instant>,
    timing: Timing,
    chance: Chance,
    /// The number of the last packet with a digest that was given out; each has the next one.
    sequence: u32,
    /// The number of the last proven packet, and until when it counts (§6.8.1).
    last_proven: Option<(u32, Instant)>,
    counters: Counters,
    since: Instant,
    last_down: Option<(Instant, Diagnostic)>,
}

/// What a session wants done.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// To be sent now.
    pub packet: Option<Packet>,
    /// What has changed.
    pub change: Option<Change>,
}

impl Session {
    /// A session that is down, or held down.
    #[must_use]
    pub fn new(now: Instant, settings: Settings, discriminator: NonZeroU32, seed: u32) -> Self {
        let (state, diagnostic) = rest(&settings);
        let diagnostic = diagnostic.unwrap_or_default();
        let timing = Timing::new(now, Offer::of(&settings, state));
        let mut chance = Chance::new(seed);
        let sequence = chance.number().get();
        Self {
            settings,
            discriminator,
            state,
            diagnostic,
            told: None,
            heard: None,
            timing,
            chance,
            sequence,
            last_proven: None,
            counters: Counters::default(),
            since: now,
            last_down: None,
        }
    }

    /// When [`Session::tick`] is due next; `None` while nothing waits for the clock.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        let silence = self.told.is_some().then(|| self.silent_at()).flatten();
        self.timing.next().filter(|_| self.may_send()).into_iter().chain(silence).min()
    }

    /// A deadline may have passed.
    pub fn tick(&mut self, now: Instant) -> Wanted {
        let change = self.check_silence(now);
        let due = self.timing.next().is_some_and(|next| next <= now);
        let packet = ((due || change.is_some()) && self.may_send()).then(|| self.periodic(now));
        Wanted { packet, change }
    }

    /// A packet for this session came (RFC 5880 §6.8.6, from the authentication on). One that comes when the time has
    /// run out and nobody has noticed counts: who was held up reads what had waited for it before it judges.
    pub fn receive(&mut self, now: Instant, packet: &Packet) -> Wanted {
        if !self.is_proven(now, packet) {
            self.counters.unproven = self.counters.unproven.saturating_add(1);
            return Wanted::default();
        }
        self.counters.received = self.counters.received.saturating_add(1);
        self.heard = Some(now);
        self.told = Some(Told {
            discriminator: packet.my_discriminator,
            state: packet.state,
            diagnostic: packet.diagnostic,
            control_plane_independent: packet.control_plane_independent,
            demand: packet.demand,
            multiplier: packet.multiplier,
            desired_min_tx: packet.desired_min_tx,
            required_min_rx: packet.required_min_rx,
            required_min_echo_rx: packet.required_min_echo_rx,
        });
        self.last_proven = self.number_until(now, packet);
        if packet.last {
            self.timing.poll_answered(self.offer());
        }
        let next = after(self.state, packet.state);
        let change = next.map(|(to, diagnostic)| self.move_to(now, to, diagnostic));
        self.reschedule(now);
        let answers = packet.poll && self.state != State::AdminDown;
        let packet = if answers {
            // An answer is due at once, whatever the timers say, and is no poll itself (§6.8.7).
            let answer = Packet { last: true, poll: false, ..self.packet() };
            Some(self.give_out(now, answer))
        } else {
            (change.is_some() && self.may_send()).then(|| self.periodic(now))
        };
        Wanted { packet, change }
    }

    /// Puts other settings in force. New intervals are agreed on with a poll; the session goes on (§6.8.3).
    pub fn configure(&mut self, now: Instant, settings: Settings) -> Wanted {
        let before = std::mem::replace(&mut self.settings, settings);
        if before.secret != self.settings.secret {
            // Whoever has the other secret may number its packets anew.
            self.last_proven = None;
        }
        let change = match (before.shutdown, self.settings.shutdown) {
            (was, is) if was == is => None,
            _ => {
                let (to, diagnostic) = rest(&self.settings);
                Some(self.move_to(now, to, diagnostic))
            }
        };
        let (known, offer) = (self.timing.offered(), self.offer());
        self.timing.offer(offer, self.state == State::Up);
        self.reschedule(now);
        let news = change.is_some() || offer != known || self.settings.multiplier != before.multiplier;
        Wanted { packet: (news && self.may_send()).then(|| self.periodic(now)), change }
    }

    /// The state.
    #[must_use]
    pub fn state(&self) -> State {
        self.state
    }

    /// Why the state changed last.
    #[must_use]
    pub fn diagnostic(&self) -> Diagnostic {
        self.diagnostic
    }

    /// Since when the state is what it is.
    #[must_use]
    pub fn since(&self) -> Instant {
        self.since
    }

    /// When the session went down last from up, and why.
    #[must_use]
    pub fn last_down(&self) -> Option<(Instant, Diagnostic)> {
        self.last_down
    }

    /// Our number for the session.
    #[must_use]
    pub fn discriminator(&self) -> NonZeroU32 {
        self.discriminator
    }

    /// What the other side said last, unless it has been silent since for the detection time.
    #[must_use]
    pub fn told(&self) -> Option<Told> {
        self.told
    }

    /// What was counted.
    #[must_use]
    pub fn counters(&self) -> Counters {
        self.counters
    }

    /// The settings in force.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// How often packets are sent, before jitter (§6.8.2); `None` while the other side wants none.
    #[must_use]
    pub fn transmit_interval(&self) -> Option<Duration> {
        let theirs = self.told.map(|told| told.required_min_rx);
        // Demand mode of the other side: nothing but answers and polls while both are up (§6.8.7).
        let asked_for = self.told.is_none_or(|told| {
            !(told.demand && self.state == State::Up && told.state == State::Up) || self.timing.polls()
        });
        let wants = theirs != Some(Duration::ZERO);
        (wants && asked_for).then(|| self.timing.desired_min_tx().max(theirs.unwrap_or_default()))
    }

    /// How long the other side may be silent (§6.8.4); `None` while nothing was heard of it.
    #[must_use]
    pub fn detection_time(&self) -> Option<Duration> {
        let told = self.told?;
        Some(self.timing.required_min_rx().max(told.desired_min_tx).saturating_mul(u32::from(told.multiplier.get())))
    }

    fn silent_at(&self) -> Option<Instant> {
        self.heard?.checked_add(self.detection_time()?)
    }

    /// Nothing came for the detection time: a session that had heard of the other side is down, and its number is
    /// forgotten (§6.8.1, §6.8.4).
    fn check_silence(&mut self, now: Instant) -> Option<Change> {
        if self.silent_at().is_none_or(|silent| now < silent) {
            return None;
        }
        let change = matches!(self.state, State::Init | State::Up)
            .then(|| self.move_to(now, State::Down, Some(Diagnostic::TIME_EXPIRED)));
        self.told = None;
        self.reschedule(now);
        change
    }

    fn move_to(&mut self, now: Instant, to: State, diagnostic: Option<Diagnostic>) -> Change {
        let from = std::mem::replace(&mut self.state, to);
        self.since = now;
        self.diagnostic = diagnostic.unwrap_or(self.diagnostic);
        if to == State::Up {
            self.counters.ups = self.counters.ups.saturating_add(1);
        }
        if from == State::Up {
            self.counters.downs = self.counters.downs.saturating_add(1);
            self.last_down = Some((now, self.diagnostic));
        }
        let offer = self.offer();
        self.timing.offer(offer, to == State::Up);
        Change { from, to, diagnostic: self.diagnostic, told: self.told }
    }

    fn offer(&self) -> Offer {
        Offer::of(&self.settings, self.state)
    }

    /// A passive session speaks when it is spoken to (§6.1).
    fn may_send(&self) -> bool {
        self.told.is_some() || !self.settings.passive
    }

    fn reschedule(&mut self, now: Instant) {
        let (interval, multiplier) = (self.transmit_interval(), self.settings.multiplier.get());
        self.timing.reschedule(now, interval, |whole| self.chance.shorten(whole, multiplier));
    }

    fn periodic(&mut self, now: Instant) -> Packet {
        let packet = self.packet();
        self.give_out(now, packet)
    }

    fn give_out(&mut self, now: Instant, packet: Packet) -> Packet {
        self.counters.sent = self.counters.sent.saturating_add(1);
        let (interval, multiplier) = (self.transmit_interval(), self.settings.multiplier.get());
        self.timing.sent(now, interval.map(|whole| self.chance.shorten(whole, multiplier)));
        let Some(secret) = &self.settings.secret else { return packet };
        self.sequence = self.sequence.wrapping_add(1);
        secret.sign(packet, self.sequence)
    }

    /// The packet that says how things are (§6.8.7).
    fn packet(&self) -> Packet {
        let Offer { desired_min_tx, required_min_rx } = self.timing.offered();
        Packet {
            diagnostic: self.diagnostic,
            state: self.state,
            poll: self.timing.polls(),
            last: false,
            // This BFD lives and dies with the control plane.
            control_plane_independent: false,
            demand: false,
            multiplier: self.settings.multiplier,
            my_discriminator: self.discriminator,
            your_discriminator: self.told.map(|told| told.discriminator),
            desired_min_tx,
            required_min_rx,
            required_min_echo_rx: Duration::ZERO,
            authentication: None,
        }
    }

    /// Whether the packet comes from who has our secret, and is none that was heard before.
    fn is_proven(&self, now: Instant, packet: &Packet) -> bool {
        let Some(secret) = &self.settings.secret else { return packet.authentication.is_none() };
        let last = self.last_proven.filter(|(_, until)| now < *until);
        secret.is_proved_by(packet) && last.is_none_or(|(last, _)| secret.may_follow(last, packet))
    }

    /// The number of a packet that counts, for twice the detection time (§6.8.1: `bfd.AuthSeqKnown`).
    fn number_until(&self, now: Instant, packet: &Packet) -> Option<(u32, Instant)> {
        let until = now.checked_add(self.detection_time()?.saturating_mul(2))?;
        Some((sequence(packet)?, until))
    }
}

/// Where a session rests that hears nothing.
fn rest(settings: &Settings) -> (State, Option<Diagnostic>) {
    if settings.shutdown {
        (State::AdminDown, Some(Diagnostic::ADMINISTRATIVELY_DOWN))
    } else {
        (State::Down, Some(Diagnostic::NONE))
    }
}

/// The state after a packet, and why, where the state changes (RFC 5880 §6.2, §6.8.6).
fn after(state: State, told: State) -> Option<(State, Option<Diagnostic>)> {
    let down = Some(Diagnostic::NEIGHBOR_DOWN);
    match (state, told) {
        (State::AdminDown, _) | (State::Down, State::AdminDown | State::Up) => None,
        (State::Init | State::Up, State::AdminDown) => Some((State::Down, down)),
        (State::Down, State::Down) => Some((State::Init, None)),
        (State::Down, State::Init) | (State::Init, State::Init | State::Up) => {
            Some((State::Up, Some(Diagnostic::NONE)))
        }
        (State::Init, State::Down) | (State::Up, State::Init | State::Up) => None,
        (State::Up, State::Down) => Some((State::Down, down)),
    }
}

#[cfg(test)]
mod tests;
