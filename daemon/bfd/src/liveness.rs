//! Whether somebody who speaks no BFD answers probes: when to ask, and what silence and answers mean.
//!
//! Questions without an answer are counted, not time: who was not asked cannot die. Never makes or reads a probe.

use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;
use std::time::{Duration, Instant};

/// What is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Question {
    /// The hardware address, by ARP or Neighbor Discovery.
    Hardware,
    /// An echo.
    Echo,
    /// A connection to a TCP port, opened or refused.
    Connection(u16),
}

/// Somebody, and what is asked of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Target {
    /// Who.
    pub host: IpAddr,
    /// What.
    pub question: Question,
    /// The number of the link that it is on, where the address or the question needs one.
    pub link: Option<u32>,
}

/// An answer, as it came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Who answered.
    pub host: IpAddr,
    /// What.
    pub question: Question,
    /// The link that a link-local address is of; 0 for others.
    pub link: u32,
}

/// How often is asked, and how many questions may stay without an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// Between two questions.
    pub interval: Duration,
    /// So many in a row without an answer are death; as many with one bring the host back.
    pub multiplier: u8,
}

/// Who asks for a hardware address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asker {
    /// Our hardware address on the link.
    pub hardware: [u8; 6],
    /// Our address there.
    pub address: IpAddr,
}

/// How a target is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wish {
    /// How often.
    pub pace: Pace,
    /// In whose name, for questions about the hardware address.
    pub asker: Option<Asker>,
}

/// Whom to ask, and how.
pub type Wishes = BTreeMap<Target, Wish>;

/// What is known of somebody.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Health {
    /// It never answered.
    #[default]
    Unknown,
    /// It answers.
    Alive,
    /// It answered once, and does not any more.
    Dead,
}

impl fmt::Display for Health {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unknown => "unknown",
            Self::Alive => "alive",
            Self::Dead => "dead",
        })
    }
}

#[derive(Clone, Debug)]
struct Watch {
    wish: Wish,
    health: Health,
    /// When it was asked last.
    asked: Instant,
    /// When the next question is due.
    next: Instant,
    /// The last question needs no answer any more.
    settled: bool,
    /// Questions in a row without an answer.
    lost: u8,
    /// Questions in a row with one.
    row: u8,
}

impl Pace {
    /// How long somebody who lives may take to answer until it is asked again. A little less than the interval, so that as
    /// many questions as may be lost in a row fit between its last answer and its detection time, `multiplier` intervals
    /// later, as with BFD (RFC 5880 §6.8.4). One question alone gets the whole interval.
    fn patience(&self) -> Duration {
        match self.multiplier {
            0 | 1 => self.interval,
            many => self.interval * u32::from(many - 1) / u32::from(many),
        }
    }
}

impl Watch {
    fn new(now: Instant, wish: Wish) -> Self {
        Self { wish, health: Health::Unknown, asked: now, next: now, settled: true, lost: 0, row: 0 }
    }

    /// A question is due: what has become of the host until now.
    fn ask(&mut self, now: Instant) -> Option<Health> {
        if !std::mem::replace(&mut self.settled, false) {
            (self.lost, self.row) = (self.lost.saturating_add(1), 0);
        }
        let dies = self.health == Health::Alive && self.lost >= self.wish.pace.multiplier;
        let turned = self.turn(dies.then_some(Health::Dead));
        let pace = self.wish.pace;
        let wait = if self.health == Health::Alive { pace.patience() } else { pace.interval };
        (self.asked, self.next) = (now, now + wait);
        turned
    }

    /// The last question needs no answer any more: the next one has its usual time.
    fn settle(&mut self) -> bool {
        self.next = self.asked + self.wish.pace.interval;
        std::mem::replace(&mut self.settled, true)
    }

    fn answered(&mut self) -> Option<Health> {
        self.lost = 0;
        // Two answers to one question are one.
        if !self.settle() {
            self.row = self.row.saturating_add(1);
        }
        let comes = match self.health {
            Health::Alive => false,
            Health::Unknown => true,
            Health::Dead => self.row >= self.wish.pace.multiplier,
        };
        self.turn(comes.then_some(Health::Alive))
    }

    fn turn(&mut self, to: Option<Health>) -> Option<Health> {
        self.health = to.unwrap_or(self.health);
        to
    }
}

/// Everybody who is asked.
#[derive(Debug, Default)]
pub struct Watches {
    watches: BTreeMap<Target, Watch>,
}

impl Watches {
    /// Asks these and no others; who stays keeps what is known of it.
    pub fn want(&mut self, now: Instant, wishes: &Wishes) {
        self.watches.retain(|target, _| wishes.contains_key(target));
        for (target, wish) in wishes {
            let watch = self.watches.entry(*target).or_insert_with(|| Watch::new(now, *wish));
            watch.wish = *wish;
            watch.next = watch.next.min(now + wish.pace.interval);
        }
    }

    /// When [`Watches::tick`] is due.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        self.watches.values().map(|watch| watch.next).min()
    }

    /// Gives whom to ask now, and in whose name. Answers what has become of whom.
    pub fn tick(&mut self, now: Instant, mut ask: impl FnMut(Target, Option<Asker>)) -> Vec<(Target, Health)> {
        let mut changed = Vec::new();
        for (target, watch) in self.watches.iter_mut().filter(|(_, watch)| watch.next <= now) {
            changed.extend(watch.ask(now).map(|health| (*target, health)));
            ask(*target, watch.wish.asker);
        }
        changed
    }

    /// The question that was due could not be asked, so that nothing follows from its answer.
    pub fn not_asked(&mut self, target: &Target) {
        if let Some(watch) = self.watches.get_mut(target) {
            watch.settle();
        }
    }

    /// Somebody answered.
    pub fn answered(&mut self, answer: &Answer) -> Vec<(Target, Health)> {
        let Answer { host, question, link } = *answer;
        let scoped = matches!(host, IpAddr::V6(v6) if v6.is_unicast_link_local());
        let first = Target { host, question, link: None };
        let last = Target { link: Some(u32::MAX), ..first };
        let all = self.watches.range_mut(first..=last);
        all.filter(|(target, _)| !scoped || target.link == Some(link))
            .filter_map(|(target, watch)| Some((*target, watch.answered()?)))
            .collect()
    }
}

#[cfg(test)]
mod tests;
