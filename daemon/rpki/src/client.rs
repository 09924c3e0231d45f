//! The router's side of RTR towards one cache (RFC 8210 §8), as a state machine: input in, outputs out, a deadline.
//!
//! What was received stays in force until the next response is complete, so a cache that goes away in the middle of one
//! changes nothing. Never opens a connection and never knows the hour.

#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::data::{Changed, Data, Record};
use crate::wire::{self, NEWEST, Pdu, Timers, code};

/// How long a cache may be silent that was asked something.
const PATIENCE: Duration = Duration::from_secs(60);
/// How long an attempt to connect may take.
const DIALING: Duration = Duration::from_secs(20);
/// The least time between two questions, whatever the cache announces.
const SPACING: Duration = Duration::from_secs(1);
/// The wait after the first connection that failed; it doubles up to the retry interval.
const FIRST_WAIT: Duration = Duration::from_secs(1);
/// The most records that a response may have: several times what the whole Internet has.
const MOST_RECORDS: usize = 4_000_000;

/// Timers that a person set, in seconds; what the cache says holds for the others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// From one poll to the next.
    pub refresh: Option<u32>,
    /// From a failure to the next attempt.
    pub retry: Option<u32>,
    /// How long data may be used that is not confirmed.
    pub expire: Option<u32>,
}

/// What happened.
#[derive(Clone, Debug)]
pub enum Input<'a> {
    /// The deadline has passed.
    Tick,
    /// The connection is open.
    Connected,
    /// Octets arrived.
    Octets(&'a [u8]),
    /// There is no connection, or not any more; why.
    Closed(String),
}

/// What shall be done.
#[derive(Clone, Debug, PartialEq)]
pub enum Output {
    /// Open a connection.
    Connect,
    /// Send octets.
    Send(Vec<u8>),
    /// Close the connection once everything is sent; no `Closed` has to follow.
    Close,
    /// A response is complete.
    Synchronized(Synchronized),
    /// What the cache said counts no more (RFC 8210 §5.1).
    Flush,
    /// Something is different that `show` tells.
    Status(Status),
}

/// A response that is complete.
#[derive(Clone, Debug, PartialEq)]
pub struct Synchronized {
    /// What holds now.
    pub data: Arc<Data>,
    /// What held before.
    pub before: Arc<Data>,
    /// What is different.
    pub changed: Changed,
    /// The timers in force.
    pub timers: Timers,
}

/// How it stands with a cache.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Status {
    /// Where it is.
    pub phase: Phase,
    /// The version that is spoken.
    pub version: u8,
    /// The cache's session and the state that the router has.
    pub known: Option<(u16, u32)>,
    /// What went wrong last.
    pub failure: Option<String>,
}

/// Where a connection is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Phase {
    /// There is none.
    #[default]
    Down,
    /// It is being opened.
    Connecting,
    /// The cache was asked, or is answering.
    Synchronizing,
    /// Everything is there.
    Synchronized,
    /// The cache has nothing to tell yet.
    NoData,
}

/// The connection, with what exists in its state only.
#[derive(Debug)]
enum Link {
    Down { again: Instant },
    Dialing { until: Instant },
    Up { octets: Vec<u8>, talk: Talk },
}

/// The conversation.
#[derive(Debug)]
enum Talk {
    /// Nothing is asked; the next question is due.
    Rests { poll: Instant },
    /// The cache was asked.
    Asked { full: bool, until: Instant },
    /// The cache answers.
    Hears { full: bool, session: u16, records: Vec<(Record, bool)>, until: Instant },
}

/// Why a connection ends, and when the next one begins.
struct Ending {
    failure: String,
    /// The error report that tells the cache.
    report: Option<(u16, Vec<u8>)>,
    /// Try again at once, in another version.
    at_once: bool,
}

impl Ending {
    fn fault(code: u16, pdu: &[u8], failure: impl Into<String>) -> Self {
        Self { failure: failure.into(), report: Some((code, pdu.to_vec())), at_once: false }
    }
}

/// One cache.
#[derive(Debug)]
pub struct Client {
    settings: Settings,
    version: u8,
    /// The cache has said something in this version.
    agreed: bool,
    data: Arc<Data>,
    known: Option<(u16, u32)>,
    timers: Timers,
    /// Until when the data counts.
    good_until: Option<Instant>,
    link: Link,
    /// The last question.
    asked: Option<Instant>,
    /// The state that the cache announced last.
    announced: Option<u32>,
    /// Connections that failed since the last complete response.
    failures: u32,
    status: Status,
}

impl Client {
    /// A cache that is to be connected at once.
    #[must_use]
    pub fn new(settings: Settings, now: Instant) -> Self {
        Self {
            settings,
            version: NEWEST,
            agreed: false,
            data: Arc::default(),
            known: None,
            timers: in_force(settings, Timers::SUGGESTED),
            good_until: None,
            link: Link::Down { again: now },
            asked: None,
            announced: None,
            failures: 0,
            status: Status::default(),
        }
    }

    /// When it wants to be called again.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        let of_link = match &self.link {
            Link::Down { again: at }
            | Link::Dialing { until: at }
            | Link::Up {
                talk: Talk::Rests { poll: at } | Talk::Asked { until: at, .. } | Talk::Hears { until: at, .. },
                ..
            } => *at,
        };
        Some(self.good_until.map_or(of_link, |good_until| of_link.min(good_until)))
    }

    /// Takes one thing in.
    pub fn handle(&mut self, now: Instant, input: Input<'_>, out: &mut Vec<Output>) {
        match input {
            Input::Tick => self.tick(now, out),
            Input::Connected => self.connected(now, out),
            Input::Octets(octets) => self.octets(now, octets, out),
            Input::Closed(reason) => self.closed(now, reason, out),
        }
        self.tell(out);
    }

    fn tick(&mut self, now: Instant, out: &mut Vec<Output>) {
        if self.good_until.is_some_and(|until| until <= now) {
            self.flush(out);
        }
        match &self.link {
            Link::Down { again } if *again <= now => {
                self.link = Link::Dialing { until: now + DIALING };
                out.push(Output::Connect);
            }
            Link::Dialing { until } if *until <= now => self.end(now, silent("does not answer"), out),
            Link::Up { talk: Talk::Rests { poll }, .. } if *poll <= now => self.ask(now, out),
            Link::Up { talk: Talk::Asked { until, .. } | Talk::Hears { until, .. }, .. } if *until <= now => {
                self.end(now, silent("fell silent"), out);
            }
            Link::Down { .. } | Link::Dialing { .. } | Link::Up { .. } => {}
        }
    }

    fn connected(&mut self, now: Instant, out: &mut Vec<Output>) {
        if !matches!(self.link, Link::Dialing { .. }) {
            return;
        }
        self.agreed = false;
        self.announced = None;
        self.link = Link::Up { octets: Vec::new(), talk: Talk::Rests { poll: now } };
        self.ask(now, out);
    }

    /// Asks for what is new, or for everything.
    fn ask(&mut self, now: Instant, out: &mut Vec<Output>) {
        let Link::Up { talk, .. } = &mut self.link else { return };
        let query = match self.known {
            Some((session, serial)) => Pdu::SerialQuery { session, serial },
            None => Pdu::ResetQuery,
        };
        *talk = Talk::Asked { full: self.known.is_none(), until: now + PATIENCE };
        self.asked = Some(now);
        out.push(Output::Send(query.encode(self.version)));
    }

    fn closed(&mut self, now: Instant, reason: String, out: &mut Vec<Output>) {
        match self.link {
            Link::Down { .. } => {}
            Link::Dialing { .. } => self.end(now, silent(&reason), out),
            // Somebody who hangs up at the first word may know an older version only.
            Link::Up { .. } if !self.agreed && self.version > 0 => {
                self.version = self.version.saturating_sub(1);
                self.end(now, Ending { at_once: true, ..silent(&reason) }, out);
            }
            Link::Up { .. } => self.end(now, silent(&reason), out),
        }
    }

    fn octets(&mut self, now: Instant, new: &[u8], out: &mut Vec<Output>) {
        let Link::Up { octets, .. } = &mut self.link else { return };
        let mut all = std::mem::take(octets);
        all.extend_from_slice(new);
        let mut rest: &[u8] = &all;
        loop {
            let result = match wire::cut(rest) {
                Ok(None) => break,
                Ok(Some((pdu, behind))) => {
                    rest = behind;
                    self.pdu(now, pdu, out)
                }
                Err(error) => Err(Ending::fault(error.code(), rest, error.to_string())),
            };
            if let Err(ending) = result {
                self.end(now, ending, out);
                return;
            }
        }
        let left = rest.to_vec();
        if let Link::Up { octets, talk } = &mut self.link {
            *octets = left;
            if let Talk::Hears { until, .. } = talk {
                *until = now + PATIENCE;
            }
        }
    }

    fn pdu(&mut self, now: Instant, octets: &[u8], out: &mut Vec<Output>) -> Result<(), Ending> {
        let wire::Versioned { version, pdu } = match wire::decode(octets) {
            Ok(read) => read,
            // Whoever reports an error is never answered with one (§5.11).
            Err(error) if octets.get(1) == Some(&10) => return Err(silent(&error.to_string())),
            Err(error) => return Err(Ending::fault(error.code(), octets, error.to_string())),
        };
        if let Pdu::ErrorReport { code, text, .. } = pdu {
            return self.reported(now, version, code, &text);
        }
        if version != self.version {
            // Until the version is agreed upon, the cache may answer in an older one (§7).
            if self.agreed || version > self.version {
                if matches!(pdu, Pdu::SerialNotify { .. }) && !self.agreed {
                    return Ok(());
                }
                let text = format!("version {version} came, where {} was spoken", self.version);
                return Err(Ending::fault(code::UNEXPECTED_VERSION, octets, text));
            }
            if matches!(pdu, Pdu::SerialNotify { .. }) {
                return Ok(());
            }
            self.version = version;
        }
        self.agreed |= !matches!(pdu, Pdu::SerialNotify { .. });
        match pdu {
            Pdu::SerialNotify { session, serial } => self.notified(now, octets, session, serial, out),
            Pdu::CacheResponse { session } => self.response(now, octets, session, out),
            Pdu::Record(record, announced) => self.record(octets, record, announced),
            Pdu::RouterKey if matches!(self.talk(), Some(Talk::Hears { .. })) => Ok(()),
            Pdu::EndOfData { session, serial, timers } => self.complete(now, octets, (session, serial), timers, out),
            Pdu::CacheReset if matches!(self.talk(), Some(Talk::Asked { full: false, .. })) => {
                // The data stays until everything has come anew.
                self.known = None;
                self.ask(now, out);
                Ok(())
            }
            Pdu::RouterKey | Pdu::CacheReset | Pdu::SerialQuery { .. } | Pdu::ResetQuery | Pdu::ErrorReport { .. } => {
                Err(misplaced(octets))
            }
        }
    }

    fn talk(&self) -> Option<&Talk> {
        match &self.link {
            Link::Up { talk, .. } => Some(talk),
            Link::Down { .. } | Link::Dialing { .. } => None,
        }
    }

    /// The cache has news: it is asked, though not more often than once a second.
    fn notified(
        &mut self,
        now: Instant,
        octets: &[u8],
        session: u16,
        serial: u32,
        out: &mut Vec<Output>,
    ) -> Result<(), Ending> {
        self.announced = Some(serial);
        if let Some(known) = self.known.filter(|(known, _)| *known != session) {
            return Err(self.other_session(octets, known.0, session, out));
        }
        let due = self.asked.map_or(now, |asked| asked + SPACING).max(now);
        if self.known.is_some_and(|(_, known)| known == serial) {
            return Ok(());
        }
        if let Link::Up { talk: Talk::Rests { poll }, .. } = &mut self.link {
            *poll = due.min(*poll);
            if *poll <= now {
                self.ask(now, out);
            }
        }
        Ok(())
    }

    fn response(&mut self, now: Instant, octets: &[u8], session: u16, out: &mut Vec<Output>) -> Result<(), Ending> {
        let Some(Talk::Asked { full, .. }) = self.talk() else { return Err(misplaced(octets)) };
        let full = *full;
        if let Some((known, _)) = self.known.filter(|(known, _)| *known != session) {
            return Err(self.other_session(octets, known, session, out));
        }
        if let Link::Up { talk, .. } = &mut self.link {
            *talk = Talk::Hears { full, session, records: Vec::new(), until: now + PATIENCE };
        }
        Ok(())
    }

    /// Another session than the one that was spoken of: what came in it may not be true any more (RFC 8210 §5.1).
    fn other_session(&mut self, octets: &[u8], known: u16, session: u16, out: &mut Vec<Output>) -> Ending {
        self.flush(out);
        Ending::fault(code::CORRUPT_DATA, octets, format!("session {session} came in place of {known}"))
    }

    fn record(&mut self, octets: &[u8], record: Record, announced: bool) -> Result<(), Ending> {
        let Link::Up { talk: Talk::Hears { records, .. }, .. } = &mut self.link else { return Err(misplaced(octets)) };
        if records.len() >= MOST_RECORDS {
            return Err(Ending::fault(code::CORRUPT_DATA, octets, format!("more than {MOST_RECORDS} records came")));
        }
        records.push((record, announced));
        Ok(())
    }

    fn complete(
        &mut self,
        now: Instant,
        octets: &[u8],
        (session, serial): (u16, u32),
        timers: Option<Timers>,
        out: &mut Vec<Output>,
    ) -> Result<(), Ending> {
        let Link::Up { talk, .. } = &mut self.link else { return Ok(()) };
        let Talk::Hears { full, session: begun, records, .. } = talk else { return Err(misplaced(octets)) };
        let (full, begun, records) = (*full, *begun, std::mem::take(records));
        if session != begun {
            return Err(self.other_session(octets, begun, session, out));
        }
        let nothing = Data::default();
        let base = if full { &nothing } else { &*self.data };
        let data = base.after(records).map_err(|fault| {
            // What is kept is not what the cache believes: next time everything is asked for.
            self.known = None;
            let code = match fault {
                crate::data::Fault::Duplicate(_) => code::DUPLICATE,
                crate::data::Fault::Unknown(_) => code::UNKNOWN_WITHDRAWAL,
            };
            Ending::fault(code, octets, fault.to_string())
        })?;
        self.timers = in_force(self.settings, timers.unwrap_or(Timers::SUGGESTED));
        self.known = Some((session, serial));
        self.good_until = Some(now + seconds(self.timers.expire));
        self.failures = 0;
        self.status.failure = None;
        let changed = self.data.differences(&data);
        let before = Arc::clone(&self.data);
        if !changed.is_empty() {
            self.data = Arc::new(data);
        }
        let poll = match self.announced.take() {
            Some(newer) if newer != serial => now + SPACING,
            _ => now + seconds(self.timers.refresh),
        };
        self.link_rests(poll);
        let data = Arc::clone(&self.data);
        out.push(Output::Synchronized(Synchronized { data, before, changed, timers: self.timers }));
        Ok(())
    }

    fn link_rests(&mut self, poll: Instant) {
        if let Link::Up { talk, .. } = &mut self.link {
            *talk = Talk::Rests { poll };
        }
    }

    /// The cache reports an error (§12).
    fn reported(&mut self, now: Instant, version: u8, code: u16, text: &str) -> Result<(), Ending> {
        let failure = format!("the cache reports error {code}: {}", printable(text));
        match code {
            code::NO_DATA => {
                self.agreed = true;
                self.version = self.version.min(version);
                self.status.failure = Some(failure);
                self.link_rests(now + seconds(self.timers.retry));
                Ok(())
            }
            code::UNSUPPORTED_VERSION if !self.agreed && self.version > 0 => {
                self.version = version.min(self.version.saturating_sub(1));
                Err(Ending { failure, report: None, at_once: true })
            }
            _ => {
                self.known = None;
                Err(silent(&failure))
            }
        }
    }

    /// The connection ends; another one follows after a while.
    fn end(&mut self, now: Instant, ending: Ending, out: &mut Vec<Output>) {
        if let Some((code, pdu)) = ending.report {
            let report = Pdu::ErrorReport { code, pdu, text: ending.failure.clone() };
            out.push(Output::Send(report.encode(self.version)));
        }
        out.push(Output::Close);
        let wait = if ending.at_once {
            Duration::ZERO
        } else {
            let doubled = FIRST_WAIT.saturating_mul(1_u32.checked_shl(self.failures).unwrap_or(u32::MAX));
            self.failures = self.failures.saturating_add(1).min(16);
            if !self.agreed {
                // Nobody knows which version the next one speaks.
                self.version = NEWEST;
            }
            doubled.min(seconds(self.timers.retry))
        };
        self.status.failure = Some(ending.failure);
        self.link = Link::Down { again: now + wait };
    }

    /// What was received counts no more.
    fn flush(&mut self, out: &mut Vec<Output>) {
        self.known = None;
        self.good_until = None;
        self.data = Arc::default();
        out.push(Output::Flush);
    }

    fn tell(&mut self, out: &mut Vec<Output>) {
        let phase = match &self.link {
            Link::Down { .. } => Phase::Down,
            Link::Dialing { .. } => Phase::Connecting,
            Link::Up { talk: Talk::Rests { .. }, .. } if self.known.is_none() => Phase::NoData,
            Link::Up { talk: Talk::Rests { .. }, .. } => Phase::Synchronized,
            Link::Up { .. } => Phase::Synchronizing,
        };
        let status = Status { phase, version: self.version, known: self.known, failure: self.status.failure.clone() };
        if status != self.status {
            self.status = status.clone();
            out.push(Output::Status(status));
        }
    }
}

fn in_force(settings: Settings, cache: Timers) -> Timers {
    let Settings { refresh, retry, expire } = settings;
    let timers = Timers {
        refresh: refresh.unwrap_or(cache.refresh),
        retry: retry.unwrap_or(cache.retry),
        expire: expire.unwrap_or(cache.expire),
    };
    timers.bounded()
}

fn seconds(seconds: u32) -> Duration {
    Duration::from_secs(u64::from(seconds))
}

fn silent(failure: &str) -> Ending {
    Ending { failure: failure.to_owned(), report: None, at_once: false }
}

fn misplaced(octets: &[u8]) -> Ending {
    let kind = octets.get(1).copied().unwrap_or_default();
    Ending::fault(code::INVALID_REQUEST, octets, format!("a PDU of type {kind} came where none was due"))
}

/// What a cache wrote, without what could confuse a terminal, and not longer than a line.
fn printable(text: &str) -> String {
    text.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).take(200).collect()
}
