//! Whether a service works on a node: when to ask it, and what answers and failures in a row mean.
//!
//! Never makes a question and never reads an answer: that something answered, or why it did not, is an argument.

use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;
use std::time::{Duration, Instant};

/// What is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Question {
    /// A TCP connection is opened, and closed again.
    Tcp {
        /// The port.
        port: u16,
    },
    /// A request of HTTP/1.1 (RFC 9112).
    Http {
        /// The port.
        port: u16,
        /// `GET`, `HEAD`
        method: &'static str,
        /// What is asked for.
        path: String,
        /// The field `Host`.
        host: String,
        /// The least and the greatest status that is well.
        status: (u16, u16),
    },
    /// An echo.
    Icmp,
    /// A datagram.
    Udp {
        /// The port.
        port: u16,
        /// What it says.
        send: String,
        /// What the answer has to hold; any will do without it.
        expect: Option<String>,
    },
}

/// Who is asked what, and how often.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wish {
    /// The address of the service; which node gets the question is told by its mark.
    pub address: IpAddr,
    /// What.
    pub question: Question,
    /// Between two questions.
    pub interval: Duration,
    /// How long an answer may take; not longer than the interval.
    pub timeout: Duration,
    /// Answers in a row that make it well again.
    pub rise: u8,
    /// Failures in a row that make it unwell.
    pub fall: u8,
}

/// All that is asked, by the mark of the packets (`SO_MARK`).
pub type Wishes = BTreeMap<u32, Wish>;

/// How a service is on a node.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Health {
    /// It has not answered yet, nor failed often enough.
    #[default]
    Unknown,
    /// It answers.
    Well,
    /// It does not.
    Unwell,
}

impl fmt::Display for Health {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unknown => "unknown",
            Self::Well => "well",
            Self::Unwell => "unwell",
        })
    }
}

/// What has become of somebody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// How it is now.
    pub health: Health,
    /// What was wrong last, in words.
    pub why: Option<String>,
}

/// A question that is on its way: its number tells its answer from a late one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Asked {
    number: u64,
    until: Instant,
}

#[derive(Debug)]
struct Watch {
    wish: Wish,
    health: Health,
    next: Instant,
    asked: Option<Asked>,
    /// Answers, or failures, in a row.
    row: u8,
    failing: bool,
}

impl Watch {
    fn new(now: Instant, wish: Wish) -> Self {
        Self { wish, health: Health::Unknown, next: now, asked: None, row: 0, failing: false }
    }

    fn deadline(&self) -> Instant {
        self.asked.map_or(self.next, |asked| asked.until.min(self.next))
    }

    fn heard(&mut self, result: Result<(), String>) -> Option<Verdict> {
        self.asked = None;
        let failing = result.is_err();
        self.row = if self.failing == failing { self.row.saturating_add(1) } else { 1 };
        self.failing = failing;
        let turns = match (self.health, failing) {
            (Health::Unknown, false) => true,
            (Health::Unwell, false) => self.row >= self.wish.rise,
            (Health::Unknown | Health::Well, true) => self.row >= self.wish.fall,
            (Health::Well, false) | (Health::Unwell, true) => false,
        };
        if !turns {
            return None;
        }
        self.health = if failing { Health::Unwell } else { Health::Well };
        Some(Verdict { health: self.health, why: result.err() })
    }
}

/// Everybody who is asked.
#[derive(Debug, Default)]
pub struct Checks {
    watches: BTreeMap<u32, Watch>,
    numbers: u64,
}

impl Checks {
    /// Asks these and no others; who is asked the same as before keeps what is known of it.
    pub fn want(&mut self, now: Instant, wishes: &Wishes) {
        self.watches.retain(|mark, _| wishes.contains_key(mark));
        for (mark, wish) in wishes {
            match self.watches.get_mut(mark) {
                Some(watch) if watch.wish.address == wish.address && watch.wish.question == wish.question => {
                    watch.wish = wish.clone();
                    watch.next = watch.next.min(now + wish.interval);
                }
                _ => _ = self.watches.insert(*mark, Watch::new(now, wish.clone())),
            }
        }
    }

    /// When [`Checks::tick`] is due.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        self.watches.values().map(Watch::deadline).min()
    }

    /// Gives whom to ask now what, with the number of the question. Answers what has become of those whose time is over.
    pub fn tick(&mut self, now: Instant, mut ask: impl FnMut(u32, u64, &Wish)) -> Vec<(u32, Verdict)> {
        let mut changed = Vec::new();
        for (mark, watch) in &mut self.watches {
            if watch.asked.is_some_and(|asked| asked.until <= now) {
                let why = format!("no answer in {} ms", watch.wish.timeout.as_millis());
                changed.extend(watch.heard(Err(why)).map(|verdict| (*mark, verdict)));
            }
            if watch.next <= now && watch.asked.is_none() {
                self.numbers = self.numbers.wrapping_add(1);
                watch.next = now + watch.wish.interval;
                watch.asked = Some(Asked { number: self.numbers, until: now + watch.wish.timeout });
                ask(*mark, self.numbers, &watch.wish);
            }
        }
        changed
    }

    /// Somebody answered a question, or why it did not. What comes too late says nothing.
    pub fn heard(&mut self, mark: u32, number: u64, result: Result<(), String>) -> Option<Verdict> {
        let watch = self.watches.get_mut(&mark)?;
        if watch.asked.is_none_or(|asked| asked.number != number) { None } else { watch.heard(result) }
    }

    /// A question could not be asked, so that nothing follows from it.
    pub fn not_asked(&mut self, mark: u32, number: u64) {
        if let Some(watch) = self.watches.get_mut(&mark)
            && watch.asked.is_some_and(|asked| asked.number == number)
        {
            watch.asked = None;
        }
    }
}

#[cfg(test)]
mod tests;
