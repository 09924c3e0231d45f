//! All sessions, and whose packet it is (RFC 5880 §6.8.6, RFC 5881 §3 and §5, RFC 5883 §3).
//!
//! Never opens a socket: what came, how far it had to go and over which link are arguments.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::time::{Duration, Instant};

use nouns::IfName;

use crate::chance::Chance;
use crate::packet::{Packet, PacketError};
use crate::session::{Change, Session, Settings, Wanted};

/// The TTL of packets that no router has forwarded (RFC 5881 §5).
const FULL_TTL: u8 = 255;

/// How far the other side is, which decides the UDP port.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Hops {
    /// On the same link (RFC 5881, port 3784).
    Single,
    /// Behind routers (RFC 5883, port 4784).
    Multi,
}

/// A link, by its number for whoever hears packets, and by its name for people.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Link {
    /// The kernel's number.
    pub index: u32,
    /// Its name.
    pub name: IfName,
}

/// What names a session: between whom, over what.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    /// The other side.
    pub peer: IpAddr,
    /// Our address; the system's choice if it does not matter.
    pub local: Option<IpAddr>,
    /// The link that packets have to come over, where one is named.
    pub link: Option<Link>,
    /// How far it is.
    pub hops: Hops,
}

/// A datagram and what the network layer says of it.
#[derive(Clone, Debug)]
pub struct Arrival<'a> {
    /// The port that it came to.
    pub hops: Hops,
    /// Its source.
    pub from: IpAddr,
    /// Its destination.
    pub to: Option<IpAddr>,
    /// The link that it came over.
    pub link: u32,
    /// Its TTL or hop limit.
    pub ttl: u8,
    /// The payload.
    pub octets: &'a [u8],
}

/// Why a datagram was thrown away.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Discard {
    /// It is no packet.
    #[error("{0}")]
    Malformed(#[from] PacketError),
    /// It names a session that does not exist, or one of somebody else.
    #[error("it is for no session with its sender")]
    NoSession,
    /// It came from farther away than the session allows.
    #[error("its TTL {0} is too small")]
    Ttl(u8),
}

/// What the table wants done.
#[derive(Clone, Debug, PartialEq)]
pub enum Output {
    /// Send these octets to a session's other side.
    Send(Key, Vec<u8>),
    /// A session changed its state.
    Changed(Key, Change),
    /// A session is over; nothing is sent for it any more.
    Over(Key),
}

/// A session as it is, for whoever asks.
#[derive(Clone, Debug)]
pub struct Report {
    /// Which.
    pub key: Key,
    /// All that it knows.
    pub session: Session,
}

#[derive(Debug)]
struct Entry {
    session: Session,
    /// No longer wanted: until then the other side is told that it is held down (RFC 5880 §6.8.16).
    leaves: Option<Instant>,
}

/// The sessions of a router.
#[derive(Debug)]
pub struct Table {
    entries: BTreeMap<Key, Entry>,
    by_discriminator: BTreeMap<NonZeroU32, Key>,
    /// When sessions want to be called again, the soonest first.
    deadlines: BTreeSet<(Instant, NonZeroU32)>,
    due: BTreeMap<NonZeroU32, Instant>,
    chance: Chance,
    discarded: u64,
}

impl Table {
    /// No sessions. The seed decides discriminators and jitter.
    #[must_use]
    pub fn new(seed: u32) -> Self {
        Self {
            entries: BTreeMap::new(),
            by_discriminator: BTreeMap::new(),
            deadlines: BTreeSet::new(),
            due: BTreeMap::new(),
            chance: Chance::new(seed),
            discarded: 0,
        }
    }

    /// Brings the sessions in line with what is wanted: no session that stays is disturbed.
    pub fn want(&mut self, now: Instant, wanted: &BTreeMap<Key, Settings>, out: &mut Vec<Output>) {
        let known: Vec<Key> = self.entries.keys().cloned().collect();
        for key in known {
            if !wanted.contains_key(&key) {
                self.retire(now, &key, out);
            }
        }
        for (key, settings) in wanted {
            self.configure(now, key, settings, out);
        }
    }

    /// A datagram came.
    ///
    /// # Errors
    /// Why it was thrown away; that is counted, too.
    pub fn receive(&mut self, now: Instant, arrival: &Arrival<'_>, out: &mut Vec<Output>) -> Result<(), Discard> {
        let found = self.accept(arrival);
        match &found {
            Ok((key, packet)) => self.drive(key, out, |session| session.receive(now, packet)),
            Err(_) => self.discarded = self.discarded.saturating_add(1),
        }
        found.map(drop)
    }

    /// When [`Table::tick`] is due next.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        self.deadlines.first().map(|(due, _)| *due)
    }

    /// Lets every session act whose deadline has passed.
    pub fn tick(&mut self, now: Instant, out: &mut Vec<Output>) {
        let due = self.deadlines.iter().take_while(|(due, _)| *due <= now).map(|(_, number)| *number);
        for number in due.collect::<Vec<_>>() {
            let Some(key) = self.by_discriminator.get(&number).cloned() else { continue };
            if self.entries.get(&key).and_then(|entry| entry.leaves).is_some_and(|leaves| leaves <= now) {
                self.forget(&key);
                out.push(Output::Over(key));
            } else {
                self.drive(&key, out, |session| session.tick(now));
            }
        }
    }

    /// All sessions as they are.
    pub fn reports(&self) -> impl Iterator<Item = Report> {
        let wanted = self.entries.iter().filter(|(_, entry)| entry.leaves.is_none());
        wanted.map(|(key, entry)| Report { key: key.clone(), session: entry.session.clone() })
    }

    /// How many datagrams were thrown away.
    #[must_use]
    pub fn discarded(&self) -> u64 {
        self.discarded
    }

    /// Whose packet it is, if it may be.
    fn accept(&self, arrival: &Arrival<'_>) -> Result<(Key, Packet), Discard> {
        let packet = Packet::parse(arrival.octets)?;
        let key = match packet.your_discriminator {
            // The number alone names the session; who else knows it may not use it over another port or link.
            Some(number) => self.by_discriminator.get(&number).filter(|key| key.fits(arrival)),
            None => self.entries.keys().filter(|key| key.fits(arrival)).max_by_key(|key| key.strictness()),
        };
        let key = key.ok_or(Discard::NoSession)?;
        let least = match key.hops {
            Hops::Single => FULL_TTL,
            Hops::Multi => self.entries.get(key).map_or(FULL_TTL, |entry| entry.session.settings().minimum_ttl),
        };
        if arrival.ttl < least {
            return Err(Discard::Ttl(arrival.ttl));
        }
        Ok((key.clone(), packet))
    }

    fn configure(&mut self, now: Instant, key: &Key, settings: &Settings, out: &mut Vec<Output>) {
        let Some(entry) = self.entries.get_mut(key) else {
            let number = self.free_number();
            let session = Session::new(now, settings.clone(), number, self.chance.number().get());
            self.by_discriminator.insert(number, key.clone());
            self.entries.insert(key.clone(), Entry { session, leaves: None });
            self.note_deadline(key);
            return;
        };
        entry.leaves = None;
        if entry.session.settings() != settings {
            self.drive(key, out, |session| session.configure(now, settings.clone()));
        }
    }

    /// The other side is told for a detection time that this is no failure, then the session is over.
    fn retire(&mut self, now: Instant, key: &Key, out: &mut Vec<Output>) {
        let Some(entry) = self.entries.get_mut(key).filter(|entry| entry.leaves.is_none()) else { return };
        let settings = Settings { shutdown: true, ..entry.session.settings().clone() };
        let heard_of = entry.session.told().is_some();
        self.drive(key, out, |session| session.configure(now, settings));
        let Some(entry) = self.entries.get_mut(key) else { return };
        let multiplier = u32::from(entry.session.settings().multiplier.get());
        let interval = entry.session.transmit_interval().unwrap_or_default();
        let detection = if heard_of { interval.saturating_mul(multiplier) } else { Duration::ZERO };
        entry.leaves = Some(now.checked_add(detection).unwrap_or(now));
        self.note_deadline(key);
    }

    fn drive(&mut self, key: &Key, out: &mut Vec<Output>, act: impl FnOnce(&mut Session) -> Wanted) {
        let Some(entry) = self.entries.get_mut(key) else { return };
        let Wanted { packet, change } = act(&mut entry.session);
        let leaving = entry.leaves.is_some();
        // What has changed goes first: somebody waits for it.
        out.extend(change.filter(|_| !leaving).map(|change| Output::Changed(key.clone(), change)));
        out.extend(packet.map(|packet| Output::Send(key.clone(), packet.encode())));
        self.note_deadline(key);
    }

    fn note_deadline(&mut self, key: &Key) {
        let Some(entry) = self.entries.get(key) else { return };
        let number = entry.session.discriminator();
        let next = entry.session.deadline().into_iter().chain(entry.leaves).min();
        let before = match next {
            Some(next) => self.due.insert(number, next),
            None => self.due.remove(&number),
        };
        before.map(|before| self.deadlines.remove(&(before, number)));
        next.map(|next| self.deadlines.insert((next, number)));
    }

    fn forget(&mut self, key: &Key) {
        let Some(entry) = self.entries.remove(key) else { return };
        let number = entry.session.discriminator();
        self.by_discriminator.remove(&number);
        self.due.remove(&number).map(|due| self.deadlines.remove(&(due, number)));
    }

    fn free_number(&mut self) -> NonZeroU32 {
        loop {
            let number = self.chance.number();
            if !self.by_discriminator.contains_key(&number) {
                return number;
            }
        }
    }
}

impl Key {
    /// Whether a datagram may belong to the session.
    fn fits(&self, arrival: &Arrival<'_>) -> bool {
        self.hops == arrival.hops
            && self.peer == arrival.from
            && self.link.as_ref().is_none_or(|link| link.index == arrival.link)
            && self.local.is_none_or(|local| arrival.to.is_none_or(|to| to == local))
    }

    /// How much it asks of a datagram.
    fn strictness(&self) -> usize {
        usize::from(self.link.is_some()) + usize::from(self.local.is_some())
    }
}

#[cfg(test)]
mod tests;
