//! Dump files: the table now and then, and what neighbors say, as MRT (RFC 6396, RFC 8050).
//!
//! Made in pieces while the disk keeps up; a disk that is full or slow costs records, which are counted, and nothing
//! else. Without the words nothing here is looked at for a route. Never opens a file.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::{Duration, Instant};

use api::text::date_time;
use api::{ApiError, Reply};
use bgp::session::StateName;
use bgp_wire::message::Update;
use bgp_wire::mrt::{self, Ends, Entry, Record, Rib, Stamp};
use config::model::bgp::Dump;
use nouns::{Asn, Family, Prefix};
use rib::bgp_table::{Path, PeerId};

use crate::collectors::{messages, said};
use crate::effect::{DumpFile, Effect, Notice, Writing};
use crate::engine::Engine;
use crate::event::{AskId, Moment};
use crate::peers::settings;

/// Octets that may wait for the disk; records beyond are left out.
const BEHIND: usize = 16 << 20;
/// While fewer wait, more of the table is written down.
const KEEPS_UP: usize = 1 << 20;
/// How many prefixes are written down before others get their turn; a test needs no large table.
const PIECE: usize = if cfg!(test) { 100 } else { 2_000 };

/// The files that are wished, and how far each is.
#[derive(Debug, Default)]
pub(crate) struct Dumps {
    table: Option<Series>,
    updates: Option<Series>,
    /// What a person asked for, and who is told of its end.
    once: Option<(AskId, Series)>,
}

/// Files of one kind, one behind the other.
#[derive(Debug)]
struct Series {
    wish: Dump,
    /// When the next file begins.
    next: Instant,
    /// A file is open, and the disk takes what is written.
    open: bool,
    /// What goes to the disk with the next turn.
    pending: Vec<u8>,
    /// Octets that the disk has not taken yet.
    waiting: usize,
    /// Records that were left out of the file.
    lost: u64,
    /// Where the table is written down.
    walk: Option<Walk>,
}

/// A table on its way into a file.
#[derive(Debug)]
struct Walk {
    family: Family,
    next: Option<Prefix>,
    sequence: u32,
    /// The place of each peer in the index.
    places: BTreeMap<PeerId, u16>,
}

impl Series {
    fn new(wish: Dump, next: Instant) -> Self {
        Self { wish, next, open: false, pending: Vec::new(), waiting: 0, lost: 0, walk: None }
    }

    /// Writes a record down, if the disk keeps up.
    fn put(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        if self.open && self.waiting.saturating_add(self.pending.len()) < BEHIND {
            write(&mut self.pending);
        } else {
            self.lost = self.lost.saturating_add(1);
        }
    }
}

impl Dumps {
    fn of(&mut self, file: DumpFile) -> Option<&mut Series> {
        match file {
            DumpFile::Table => self.table.as_mut(),
            DumpFile::Updates => self.updates.as_mut(),
            DumpFile::Once => self.once.as_mut().map(|(_, series)| series),
        }
    }

    fn all(&self) -> impl Iterator<Item = &Series> {
        self.table.iter().chain(&self.updates).chain(self.once.as_ref().map(|(_, series)| series))
    }

    /// Whether something is to be written down now.
    pub(crate) fn is_unsettled(&self) -> bool {
        let walks = |series: &Series| series.walk.is_some() && series.waiting <= KEEPS_UP;
        self.all().any(|series| walks(series) || !series.pending.is_empty())
    }

    /// When the next file begins.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        [&self.table, &self.updates].into_iter().flatten().map(|series| series.next).min()
    }
}

impl Engine {
    /// Brings the dump files in line with the running model.
    pub(crate) fn configure_dumps(&mut self, at: Moment, out: &mut Vec<Effect>) {
        let wishes = self.running.model.bgp.as_deref().map(|bgp| bgp.dumps.clone()).unwrap_or_default();
        for (file, wish) in [(DumpFile::Table, wishes.table), (DumpFile::Updates, wishes.updates)] {
            let known = self.dumps.of(file);
            if known.as_ref().map(|series| &series.wish) == wish.as_ref() {
                continue;
            }
            if known.is_some_and(|series| series.open) {
                out.push(Effect::Dump(file, Writing::Close));
            }
            // The table is written at the next turn of its interval, updates from now on.
            let series = wish.map(|wish| {
                let next = if file == DumpFile::Table { turn(at, wish.interval) } else { at.instant };
                Series::new(wish, next)
            });
            match file {
                DumpFile::Table => self.dumps.table = series,
                DumpFile::Updates => self.dumps.updates = series,
                // No configuration asks for that one.
                DumpFile::Once => {}
            }
        }
        self.tick_dumps(at, out);
    }

    /// Begins the files that are due.
    pub(crate) fn tick_dumps(&mut self, at: Moment, out: &mut Vec<Effect>) {
        for file in [DumpFile::Table, DumpFile::Updates] {
            let Some(series) = self.dumps.of(file).filter(|series| series.next <= at.instant) else { continue };
            series.next = turn(at, series.wish.interval);
            let (lost, busy) = (std::mem::take(&mut series.lost), file == DumpFile::Table && series.open);
            let name = named(&series.wish, at.unix);
            if !busy {
                if std::mem::replace(&mut series.open, true) {
                    if !series.pending.is_empty() {
                        out.push(Effect::Dump(file, Writing::Octets(std::mem::take(&mut series.pending))));
                    }
                    out.push(Effect::Dump(file, Writing::Close));
                }
                out.push(Effect::Dump(file, Writing::Open(name)));
            }
            if lost > 0 {
                let text = format!("{lost} records were left out of the dump of {file}: the disk is full or slow");
                self.notice(at, Notice::warning(text), out);
            }
            if busy {
                let text = "the table is still being dumped; the next dump is left out";
                self.notice(at, Notice::warning(text), out);
            } else if file == DumpFile::Table {
                self.begin_walk(at, file);
            }
        }
    }

    /// The disk took something, or could not.
    pub(crate) fn dumped(
        &mut self,
        at: Moment,
        file: DumpFile,
        octets: usize,
        result: Result<(), String>,
        out: &mut Vec<Effect>,
    ) {
        if file == DumpFile::Once && (octets == 0 || result.is_err()) {
            return self.dumped_once(at, result, out);
        }
        let Some(series) = self.dumps.of(file) else { return };
        series.waiting = series.waiting.saturating_sub(octets);
        let Err(reason) = result else { return };
        // A small table may have been handed over as a whole before its file could not be made.
        series.open = false;
        (series.pending, series.walk) = (Vec::new(), None);
        let text = format!("the dump of {file} goes on with the next file: {reason}");
        self.notice(at, Notice::warning(text), out);
    }

    /// `dump bgp table FILE`; who asked is told when the file is there.
    pub(crate) fn dump_once(&mut self, at: Moment, ask: AskId, file: String, out: &mut Vec<Effect>) {
        let refuse = |text: String| Effect::Answer(ask, Reply::Error(ApiError::new("no-dump", text)));
        let Some(bgp) = self.running.model.bgp.as_deref() else {
            return out.push(refuse("BGP is not configured".to_owned()));
        };
        let wishes = [("table", &bgp.dumps.table), ("updates", &bgp.dumps.updates)];
        let same = wishes.iter().find(|(_, wish)| wish.as_ref().is_some_and(|wish| wish.file == file));
        if let Some((word, _)) = same {
            return out.push(refuse(format!("{file} is the file of 'dump {word}'; name another one")));
        }
        if self.dumps.once.is_some() {
            return out.push(refuse("a table is being written already; try again when it is there".to_owned()));
        }
        let wish = Dump { file: file.clone(), interval: 0 };
        self.dumps.once = Some((ask, Series { open: true, ..Series::new(wish, at.instant) }));
        out.push(Effect::Dump(DumpFile::Once, Writing::Open(file)));
        self.begin_walk(at, DumpFile::Once);
    }

    /// The file that a person asked for is there, or cannot be.
    fn dumped_once(&mut self, at: Moment, result: Result<(), String>, out: &mut Vec<Effect>) {
        let Some((ask, series)) = self.dumps.once.take() else { return };
        let file = series.wish.file;
        let reply = match result {
            Ok(()) => {
                self.notice(at, Notice::info(format!("the table of BGP was written to {file}")), out);
                Reply::Done(format!("The table is in {file}\n"))
            }
            Err(reason) => Reply::Error(ApiError::new("no-dump", reason)),
        };
        out.push(Effect::Answer(ask, reply));
    }

    /// A peer said something of routes.
    pub(crate) fn dump_update(&mut self, at: Moment, id: PeerId, update: &Update) {
        if self.dumps.updates.is_none() {
            return;
        }
        let Some(ends) = self.ends(id) else { return };
        let codec = self.monitored_codec(id);
        let Some(series) = &mut self.dumps.updates else { return };
        for family in Family::ALL {
            let octets = said(update, family, &codec);
            let add_path = codec.add_path_send.contains(&family);
            for message in messages(&octets) {
                series.put(|pending| mrt::message(stamp(at), &ends, (true, add_path), message, pending));
            }
        }
    }

    /// A session went from one state to another.
    pub(crate) fn dump_state(&mut self, at: Moment, id: PeerId, (from, to): (StateName, StateName)) {
        if self.dumps.updates.is_none() {
            return;
        }
        let Some(ends) = self.ends(id) else { return };
        if let Some(series) = &mut self.dumps.updates {
            let record = Record::StateChange { ends, from: state(from), to: state(to) };
            series.put(|pending| record.encode(stamp(at), pending));
        }
    }

    /// Writes more of the table down, and gives the disk what has gathered.
    pub(crate) fn settle_dumps(&mut self, at: Moment, out: &mut Vec<Effect>) {
        if self.dumps.all().next().is_none() {
            return;
        }
        for file in [DumpFile::Table, DumpFile::Updates, DumpFile::Once] {
            let ended = self.walk_for_dump(at, file);
            let Some(series) = self.dumps.of(file).filter(|series| series.open) else { continue };
            if !series.pending.is_empty() {
                series.waiting = series.waiting.saturating_add(series.pending.len());
                out.push(Effect::Dump(file, Writing::Octets(std::mem::take(&mut series.pending))));
            }
            if ended {
                series.open = false;
                out.push(Effect::Dump(file, Writing::Close));
            }
        }
    }

    /// The first record: who the peers are.
    fn begin_walk(&mut self, at: Moment, file: DumpFile) {
        let Some(asn) = self.running.model.bgp.as_deref().map(|bgp| bgp.asn) else { return };
        let own = mrt::Peer { router_id: self.router_id(), address: Ipv4Addr::UNSPECIFIED.into(), asn };
        let mut peers = vec![own];
        let mut places = BTreeMap::from([(PeerId::LOCAL, 0)]);
        for peer in self.peers.iter() {
            let (Some((asn, _)), Some(info)) = (peer.known, self.tables.of(Family::Ipv4Unicast).peer(peer.id)) else {
                continue;
            };
            if let Ok(place) = u16::try_from(peers.len()) {
                places.insert(peer.id, place);
                peers.push(mrt::Peer { router_id: info.router_id, address: info.address, asn });
            }
        }
        let record = Record::Peers { router_id: self.router_id(), view: String::new(), peers };
        let first = Family::ALL.first().copied();
        if let (Some(series), Some(family)) = (self.dumps.of(file), first) {
            series.put(|pending| record.encode(stamp(at), pending));
            series.walk = Some(Walk { family, next: None, sequence: 0, places });
        }
    }

    /// One piece of the table; the answer is whether it was the last one.
    fn walk_for_dump(&mut self, at: Moment, file: DumpFile) -> bool {
        let keeps_up = self.dumps.of(file).filter(|series| series.waiting <= KEEPS_UP);
        let Some(mut walk) = keeps_up.and_then(|series| series.walk.take()) else { return false };
        let mut octets = Vec::new();
        let mut after = None;
        for (seen, (prefix, paths)) in self.tables.of(walk.family).iter_from(walk.next).enumerate() {
            if seen == PIECE {
                after = Some(prefix);
                break;
            }
            let entries = self.entries(at, walk.family, paths, &walk.places);
            if !entries.is_empty() {
                let add_path = entries.iter().any(|entry| entry.path_id != 0);
                let table = Rib { sequence: walk.sequence, family: walk.family, prefix, add_path, entries };
                Record::Rib(table).encode(stamp(at), &mut octets);
                walk.sequence = walk.sequence.wrapping_add(1);
            }
        }
        let Some(series) = self.dumps.of(file) else { return false };
        series.pending.extend_from_slice(&octets);
        walk.next = after;
        if after.is_none() {
            let Some(family) = Family::ALL.into_iter().skip_while(|known| *known != walk.family).nth(1) else {
                return true;
            };
            walk.family = family;
        }
        series.walk = Some(walk);
        false
    }

    /// The accepted paths of a prefix.
    fn entries(&self, at: Moment, family: Family, paths: &[Path], places: &BTreeMap<PeerId, u16>) -> Vec<Entry> {
        let accepted = paths.iter().filter(|path| path.rejected().is_none());
        let entries = accepted.filter_map(|path| {
            let age = self
                .tables
                .of(family)
                .since(path)
                .map_or(Duration::ZERO, |since| at.instant.saturating_duration_since(since));
            Some(Entry {
                peer: *places.get(&path.peer())?,
                originated: u32::try_from(at.unix.saturating_sub(age.as_secs())).unwrap_or(u32::MAX),
                path_id: path.key().path_id,
                attributes: mrt::rib(family, path.attributes()).ok()?,
            })
        });
        entries.collect()
    }

    /// The ends of a session, as far as they are known.
    fn ends(&self, id: PeerId) -> Option<Ends> {
        let (bgp, peer) = (self.running.model.bgp.as_deref()?, self.peers.get(id)?);
        let unknown: IpAddr =
            if peer.address.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
        Some(Ends {
            peer_as: peer.known.map_or(Asn(0), |(asn, _)| asn),
            local_as: settings::local_as(bgp, &peer.settings),
            interface: 0,
            peer: peer.address,
            local: peer.local.map_or(unknown, |local| local.ip().to_canonical()),
        })
    }
}

fn stamp(at: Moment) -> Stamp {
    Stamp { seconds: u32::try_from(at.unix).unwrap_or(u32::MAX), microseconds: None }
}

/// RFC 6396 §4.4.1
fn state(name: StateName) -> u16 {
    match name {
        StateName::Idle => 1,
        StateName::Connect => 2,
        StateName::Active => 3,
        StateName::OpenSent => 4,
        StateName::OpenConfirm => 5,
        StateName::Established => 6,
    }
}

/// When the next interval begins: they are counted from the beginning of the epoch.
fn turn(at: Moment, interval: u32) -> Instant {
    let interval = u64::from(interval.max(1));
    let left = interval.saturating_sub(at.unix.checked_rem(interval).unwrap_or(0));
    at.instant.checked_add(Duration::from_secs(left)).unwrap_or(at.instant)
}

/// The name of the file for the interval that a moment is in.
fn named(wish: &Dump, unix: u64) -> String {
    let interval = u64::from(wish.interval.max(1));
    let begin = unix.saturating_sub(unix.checked_rem(interval).unwrap_or(0));
    let digits: String = date_time(begin, 0).chars().filter(char::is_ascii_digit).collect();
    let mut name = String::new();
    let mut letters = wish.file.chars();
    while let Some(letter) = letters.next() {
        if letter != '%' {
            name.push(letter);
            continue;
        }
        let part = match letters.next() {
            Some('Y') => digits.get(0..4),
            Some('m') => digits.get(4..6),
            Some('d') => digits.get(6..8),
            Some('H') => digits.get(8..10),
            Some('M') => digits.get(10..12),
            Some('S') => digits.get(12..14),
            Some('%') => Some("%"),
            Some(other) => {
                name.push('%');
                name.push(other);
                None
            }
            None => Some("%"),
        };
        name.push_str(part.unwrap_or_default());
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_named_by_the_beginning_of_its_interval() {
        let name = |file: &str, interval, unix| named(&Dump { file: file.to_owned(), interval }, unix);
        // 2026-11-26 05:47:13 UTC
        let unix = 1_795_672_033;
        assert_eq!(name("/x/%Y%m%d.%H%M", 3600, unix), "/x/20261126.0500");
        assert_eq!(name("/x/%H-%M-%S.mrt", 10, unix), "/x/05-47-10.mrt");
        assert_eq!(name("/x/100%%%", 60, unix), "/x/100%%");
        assert_eq!(name("/x/%q", 60, unix), "/x/%q");
        assert_eq!(name("/x/latest", 60, unix), "/x/latest");
    }
}
