//! The BGP table of one family: every path that every peer announced, and which prefixes need a decision.
//!
//! What was received is kept whole, also what import rejected, so that `received-routes` and "why" need no
//! configuration; what a peer sent equal to what is used shares one attribute set. Obeys RFC 4271 §3.2
//! (Adj-RIB-In) and RFC 4724 §4.2 (stale paths). Never decides and never resolves a next hop.

mod lent;
mod path;
mod queues;
mod uses;
mod walk;

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use nouns::{Family, Prefix, Several};

use crate::decision::{Challenge, Choice, Chooser, Rules};
use crate::few::Few;
use crate::id_hash::IdHash;
use crate::length_index::LengthIndex;
use crate::nexthop::NextHops;
use crate::prefix_table::{Arrival, PrefixTable, Prefixes, Spot};
use crate::routes::Gateway;

pub use lent::Lent;
pub(crate) use path::Identity;
pub use path::{Inserted, Path, PathKey, PeerId};
use queues::{Queues, Since, Waits};
use uses::NextHopUses;

/// What the decision has to know of a peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PeerInfo {
    /// The address of the session's far end.
    pub address: IpAddr,
    /// The BGP identifier of its OPEN.
    pub router_id: Ipv4Addr,
    /// Whether the session is internal (iBGP).
    pub internal: bool,
    /// The link that the peer was found on by its interface: link-local next hops of its paths are on this one.
    pub link: Option<u32>,
}

impl PeerInfo {
    /// Where packets for a path of the peer are sent.
    #[must_use]
    pub fn gateway(&self, path: &Path) -> Gateway {
        match self.link {
            Some(link) if path.may_need_link() => (path.next_hop_on_link(), Some(link)),
            _ => (path.next_hop(), None),
        }
    }
}

/// One prefix.
#[derive(Debug, Default)]
struct Entry {
    paths: Few<Path>,
    /// The place of the best path among the paths, as the last decision had it; none once that path is gone.
    best: Option<Place>,
    /// The best path says something else than at the last decision.
    changed: bool,
    waits: Waits,
    /// What became of the paths since the last decision.
    since: Since,
    /// Stands in the queue of contested prefixes, though it may not wait any more.
    contested: bool,
}

/// A place among the paths of a prefix.
type Place = std::num::NonZeroU32;

fn place(index: usize) -> Option<Place> {
    u32::try_from(index).ok()?.checked_add(1).and_then(Place::new)
}

fn index(place: Place) -> usize {
    usize::try_from(place.get()).unwrap_or(usize::MAX).saturating_sub(1)
}

impl Entry {
    fn best(&self) -> Option<&Path> {
        self.paths.as_slice().get(index(self.best?)).filter(|path| path.rejected().is_none())
    }

    /// The best path is the one that it was, and says what it said.
    fn keeps_its_best(&self) -> bool {
        self.best.is_some() && !self.changed
    }

    /// The place of the best path, and how many paths came behind the others since it was chosen, where nothing else
    /// happened.
    fn newcomers(&self) -> Option<(usize, usize)> {
        let added = self.since.added().filter(|added| *added > 0 && self.keeps_its_best())?;
        Some((index(self.best?), added))
    }

    /// A path of the peer became another, and if that is the best one, everybody has to hear of it.
    fn note_change(&mut self, peer: PeerId) {
        let best = self.best.and_then(|best| self.paths.as_slice().get(index(best)));
        self.changed |= best.is_some_and(|best| best.peer() == peer);
    }

    /// Takes out the path at an index; the best path is found again wherever it moved.
    fn remove(&mut self, at: usize) -> Option<Path> {
        let gone = self.paths.remove(at)?;
        self.best = self.best.map(index).and_then(|best| match best.cmp(&at) {
            std::cmp::Ordering::Less => place(best),
            std::cmp::Ordering::Equal => None,
            std::cmp::Ordering::Greater => place(best.saturating_sub(1)),
        });
        Some(gone)
    }
}

#[derive(Debug, Default)]
struct Peer {
    info: Option<PeerInfo>,
    received: usize,
    accepted: usize,
}

/// What is counted of paths as they come and go.
#[derive(Debug, Default)]
struct Census {
    peers: HashMap<PeerId, Peer, IdHash>,
    next_hops: NextHopUses,
    lengths: LengthIndex,
    prefixes: usize,
    paths: usize,
}

impl Census {
    /// Where packets for a path are sent.
    fn gateway(&self, path: &Path) -> Gateway {
        let info = || self.peers.get(&path.peer())?.info;
        let info = if path.may_need_link() { info() } else { None };
        info.map_or((path.next_hop(), None), |info| info.gateway(path))
    }

    /// The next hop that has to resolve for a path to be used; none for one that is never used.
    fn tracked(&self, path: &Path) -> Option<Gateway> {
        path.is_tracked().then(|| self.gateway(path))
    }

    fn came(&mut self, path: &Path) {
        self.paths = self.paths.saturating_add(1);
        let peer = self.peers.entry(path.peer()).or_default();
        peer.received = peer.received.saturating_add(1);
        peer.accepted = peer.accepted.saturating_add(usize::from(path.rejected().is_none()));
        self.next_hops.add(self.tracked(path));
    }

    fn went(&mut self, path: &Path) {
        self.paths = self.paths.saturating_sub(1);
        if let Some(peer) = self.peers.get_mut(&path.peer()) {
            peer.received = peer.received.saturating_sub(1);
            peer.accepted = peer.accepted.saturating_sub(usize::from(path.rejected().is_none()));
        }
        self.next_hops.drop(self.tracked(path));
    }

    /// A path took the place of another of the same peer.
    fn replaced(&mut self, old: &Path, new: &Path) {
        if old.rejected().is_some() != new.rejected().is_some()
            && let Some(peer) = self.peers.get_mut(&new.peer())
        {
            let before = usize::from(old.rejected().is_none());
            peer.accepted = peer.accepted.saturating_sub(before).saturating_add(1_usize.saturating_sub(before));
        }
        let (before, now) = (self.tracked(old), self.tracked(new));
        if before != now {
            self.next_hops.add(now);
            self.next_hops.drop(before);
        }
    }

    fn first_path(&mut self, prefix: Prefix) {
        self.prefixes = self.prefixes.saturating_add(1);
        self.lengths.add(prefix);
    }

    fn last_path_gone(&mut self, prefix: Prefix) {
        self.prefixes = self.prefixes.saturating_sub(1);
        self.lengths.remove(prefix);
    }
}

/// What became of a prefix.
#[derive(Debug)]
pub enum Outcome<'a> {
    /// It has no usable path.
    Unreachable,
    /// More paths came, and what was chosen before stays chosen.
    Stays,
    /// Its paths were chosen from.
    Chosen(Decided<'a>),
}

/// What was chosen for a prefix that has a usable path.
#[derive(Debug)]
pub struct Decided<'a> {
    paths: &'a [Path],
    choice: &'a Choice,
    news: bool,
    repeats: bool,
    census: &'a Census,
}

impl<'a> Decided<'a> {
    /// The best path.
    #[must_use]
    pub fn best(&self) -> Option<&'a Path> {
        self.paths.get(self.choice.best)
    }

    /// Whether the best path is another one than before, or says something else.
    #[must_use]
    pub fn is_news(&self) -> bool {
        self.news
    }

    /// Whether it is like what was last told as chosen: the same peers' paths, with the same attributes.
    #[must_use]
    pub fn repeats(&self) -> bool {
        self.repeats
    }

    /// Whether the best path came over an internal session.
    #[must_use]
    pub fn is_internal(&self) -> bool {
        self.choice.internal
    }

    /// Where packets for a path are sent.
    #[must_use]
    pub fn gateway(&self, path: &Path) -> Gateway {
        self.census.gateway(path)
    }

    /// Whether others share the load with the best path.
    #[must_use]
    pub fn shares(&self) -> bool {
        !self.choice.others.is_empty()
    }

    /// The best path and those that share the load with it.
    pub fn chosen(&self) -> impl Iterator<Item = &'a Path> {
        self.choice.all().filter_map(|index| self.paths.get(index))
    }
}

/// What was chosen for a prefix stays chosen, though its paths became others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stays {
    /// The best path became another, and who heard of it has to hear that.
    pub news: bool,
    /// Whose path is the best one, where there is one.
    pub best: Option<PeerId>,
}

/// A prefix waits for a decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Undecided;

/// All paths of one family.
#[derive(Debug)]
pub struct BgpTable {
    family: Family,
    /// Paths remember the second, counted from here, in which they came.
    epoch: Option<Instant>,
    /// An entry without paths stays until its prefix was taken from the queues.
    entries: PrefixTable<Entry>,
    census: Census,
    queues: Queues,
}

impl BgpTable {
    /// An empty table that shares its prefixes with others; the router itself is its only peer.
    #[must_use]
    pub fn new(family: Family, prefixes: &Prefixes) -> Self {
        let (entries, census, queues) = (PrefixTable::new(prefixes), Census::default(), Queues::default());
        let mut table = Self { family, epoch: None, entries, census, queues };
        let address = IpAddr::V4(Ipv4Addr::UNSPECIFIED);
        table.set_peer(
            PeerId::LOCAL,
            PeerInfo { address, router_id: Ipv4Addr::UNSPECIFIED, internal: true, link: None },
        );
        table
    }

    /// The family of its prefixes.
    #[must_use]
    pub fn family(&self) -> Family {
        self.family
    }

    /// Makes a peer known, or tells what changed about it; its prefixes are decided again when it did.
    pub fn set_peer(&mut self, id: PeerId, info: PeerInfo) {
        if self.peer(id).is_some_and(|before| before.link != info.link) {
            self.move_peer(id, info.link);
        }
        let peer = self.census.peers.entry(id).or_default();
        if peer.info != Some(info) && peer.info.replace(info).is_some() && peer.received > 0 {
            self.peer_changed(id);
        }
    }

    /// The peer is on another link: so are the next hops of what it still has here.
    fn move_peer(&mut self, id: PeerId, link: Option<u32>) {
        let Self { entries, census, .. } = self;
        let paths = || entries.iter().flat_map(|(_, entry)| entry.paths.as_slice()).filter(|path| path.peer() == id);
        let before: Vec<Option<Gateway>> = paths().map(|path| census.tracked(path)).collect();
        if let Some(info) = census.peers.get_mut(&id).and_then(|peer| peer.info.as_mut()) {
            info.link = link;
        }
        for (path, before) in paths().zip(before) {
            let now = census.tracked(path);
            census.next_hops.add(now);
            census.next_hops.drop(before);
        }
        self.peer_changed(id);
    }

    /// Where packets for a path are sent.
    #[must_use]
    pub fn gateway(&self, path: &Path) -> Gateway {
        self.census.gateway(path)
    }

    /// Forgets a peer, with whatever paths it still has.
    pub fn forget_peer(&mut self, id: PeerId) {
        self.drop_peer(id);
        self.census.peers.remove(&id);
    }

    /// What is known of a peer.
    #[must_use]
    pub fn peer(&self, id: PeerId) -> Option<&PeerInfo> {
        self.census.peers.get(&id)?.info.as_ref()
    }

    /// Takes an announcement in. The answer is whether anything but `stale` changed: an identical
    /// re-announcement only clears it, and keeps the path's age.
    pub fn insert(&mut self, prefix: Prefix, key: PathKey, inserted: &Inserted, now: Instant) -> bool {
        let path = inserted.clone().path(key, self.seconds(now));
        let (spot, entry) = self.entries.find_or_add(prefix);
        let rivals = entry.paths.len() > 1;
        match entry.paths.as_mut_slice().iter_mut().find(|path| path.key() == key) {
            Some(old) if old.same_route(&path) => {
                let revived = old.stale();
                old.set_stale(false);
                old.set_awaited(false);
                if revived && rivals {
                    self.queues.presses(spot, entry);
                }
                return false;
            }
            Some(old) => {
                self.census.replaced(old, &path);
                *old = path;
                entry.note_change(key.peer);
            }
            None => {
                if entry.paths.is_empty() {
                    self.census.first_path(prefix);
                }
                self.census.came(&path);
                entry.paths.push(path);
                if entry.keeps_its_best() {
                    self.queues.adds(spot, entry);
                    return true;
                }
            }
        }
        self.queues.changes(spot, entry);
        true
    }

    /// Judges the paths of a prefix again, as [`Lent::rejudge`], and puts it back.
    pub fn rejudge(
        &mut self,
        prefix: Prefix,
        judge: impl FnMut(&Path) -> Option<(Inserted, bool)>,
        tell: impl FnMut(PathKey),
    ) -> Option<Stays> {
        let mut lent = self.lend(prefix)?;
        lent.rejudge(true, judge);
        self.put_back(lent, tell)
    }

    /// Takes a path out; the answer is whether it was there.
    pub fn withdraw(&mut self, spot: impl Into<Spot>, key: PathKey) -> bool {
        let Some((spot, entry)) = self.entries.find_mut(spot) else { return false };
        let Some(at) = entry.paths.as_slice().iter().position(|path| path.key() == key) else { return false };
        let Some(gone) = entry.remove(at) else { return false };
        self.census.went(&gone);
        if entry.paths.is_empty() {
            self.census.last_path_gone(spot.prefix());
        }
        self.queues.changes(spot, entry);
        true
    }

    /// Looks at the first paths of some prefixes, so that the processor fetches them together and not one after the other.
    pub fn touch(&self, spots: &[Spot]) {
        let paths = spots.iter().filter_map(|spot| self.entries.get(*spot)?.paths.as_slice().first());
        std::hint::black_box(paths.fold(0, |all, path| {
            let set = path.attributes();
            all ^ Arc::strong_count(set) ^ usize::from(set.next_hop.address.is_ipv4())
        }));
    }

    /// When a path came with the attributes that it has, to the second.
    #[must_use]
    pub fn since(&self, path: &Path) -> Option<Instant> {
        Some(self.epoch? + Duration::from_secs(u64::from(path.seconds())))
    }

    /// How many paths a peer announced, rejected ones included; constant time.
    #[must_use]
    pub fn received_count(&self, peer: PeerId) -> usize {
        self.census.peers.get(&peer).map_or(0, |peer| peer.received)
    }

    /// How many paths of a peer import accepted; constant time.
    #[must_use]
    pub fn accepted_count(&self, peer: PeerId) -> usize {
        self.census.peers.get(&peer).map_or(0, |peer| peer.accepted)
    }

    /// Decides some of the prefixes that were taken, and tells of each in their order.
    pub fn decide(
        &mut self,
        spots: &[Spot],
        next_hops: &NextHops,
        rules: &Rules,
        mut tell: impl FnMut(Spot, Outcome<'_>),
    ) {
        let peers = |id: PeerId| self.census.peers.get(&id)?.info;
        let mut chooser = Chooser::new(self.family, &peers, next_hops, rules);
        for spot in spots {
            let Some(entry) = self.entries.get_mut(*spot) else {
                tell(spot.prefix().into(), Outcome::Unreachable);
                continue;
            };
            let newcomers = entry.newcomers();
            (entry.waits, entry.since) = (Waits::No, Since::NOTHING);
            let paths = entry.paths.as_slice();
            let won: Choice;
            let (choice, repeats) = match newcomers.map(|(best, count)| chooser.challenge(paths, best, count)) {
                Some(Challenge::Lost) => {
                    tell(*spot, Outcome::Stays);
                    continue;
                }
                Some(Challenge::Won(choice, repeats)) => {
                    won = choice;
                    (Some(&won), repeats)
                }
                Some(Challenge::Unclear) | None => chooser.choose_again(paths),
            };
            let best = choice.and_then(|choice| place(choice.best));
            let before = std::mem::replace(&mut entry.best, best);
            let news = std::mem::take(&mut entry.changed) || before.is_none() || before != best;
            let outcome = choice.map_or(Outcome::Unreachable, |choice| {
                Outcome::Chosen(Decided { paths, choice, news, repeats, census: &self.census })
            });
            tell(*spot, outcome);
            if paths.is_empty() && !entry.contested {
                self.entries.remove(*spot);
            }
        }
    }

    /// The path that the last decision chose, while it is there and usable.
    #[must_use]
    pub fn best(&self, prefix: Prefix) -> Option<&Path> {
        self.entries.get(prefix)?.best()
    }

    /// As `best`, where no pressing decision is due for the prefix; `Err` where one is, or where the prefix is lent.
    ///
    /// # Errors
    /// The prefix is `Undecided`.
    pub fn settled_best(&self, spot: impl Into<Spot>) -> Result<Option<&Path>, Undecided> {
        match self.entries.get(spot) {
            Some(entry) if entry.waits >= Waits::Pressing => Err(Undecided),
            entry => Ok(entry.and_then(Entry::best)),
        }
    }

    /// The paths of a prefix that are told where several may be (RFC 7911).
    #[must_use]
    pub fn several(&self, prefix: Prefix, next_hops: &NextHops, rules: &Rules, which: Several) -> Vec<&Path> {
        let peers = |id: PeerId| self.census.peers.get(&id)?.info;
        let paths = self.paths(prefix);
        let told = Chooser::new(self.family, &peers, next_hops, rules).several(paths, which);
        told.into_iter().filter_map(|index| paths.get(index)).collect()
    }

    /// The best path of a prefix and those that share the load with it.
    #[must_use]
    pub fn sharing(&self, prefix: Prefix, next_hops: &NextHops, rules: &Rules) -> Vec<&Path> {
        let peers = |id: PeerId| self.census.peers.get(&id)?.info;
        let paths = self.paths(prefix);
        let choice = Chooser::new(self.family, &peers, next_hops, rules).choose(paths);
        choice.iter().flat_map(Choice::all).filter_map(|index| paths.get(index)).collect()
    }

    /// The paths of a prefix in the order in which their peers first announced them.
    #[must_use]
    pub fn paths(&self, prefix: Prefix) -> &[Path] {
        self.entries.get(prefix).map_or(&[], |entry| entry.paths.as_slice())
    }

    /// All prefixes with their paths, in display order.
    pub fn iter(&self) -> impl Iterator<Item = (Prefix, &[Path])> {
        self.iter_from(None)
    }

    /// The prefixes that begin between two addresses, both included, with their paths, in display order.
    pub fn range(&self, from: IpAddr, to: IpAddr) -> impl Iterator<Item = (Prefix, &[Path])> {
        // Of the prefixes at an address the shortest stands first.
        let at_from = (0..=u8::MAX).map(|length| Prefix::masked_or_host(from, length));
        let first = at_from.into_iter().find(|prefix| prefix.address() == from).unwrap_or(Prefix::host(from));
        let last = Prefix::host(to);
        self.iter_from(Some(first)).take_while(move |(prefix, _)| *prefix <= last)
    }

    /// As `iter`, but from a prefix on; from the first one without it.
    pub fn iter_from(&self, first: Option<Prefix>) -> impl Iterator<Item = (Prefix, &[Path])> {
        let all = self.entries.iter_from(first.unwrap_or(Prefix::DEFAULT_V4));
        all.map(|(prefix, entry)| (prefix, entry.paths.as_slice())).filter(|(_, paths)| !paths.is_empty())
    }

    /// The prefixes with their paths in the order in which they came, from one on.
    pub fn arrivals_from(&self, first: Arrival) -> impl Iterator<Item = (Spot, &[Path])> {
        let all = self.entries.arrivals_from(first);
        all.map(|(spot, entry)| (spot, entry.paths.as_slice())).filter(|(_, paths)| !paths.is_empty())
    }

    /// The longest prefix that holds the address and has paths, for `show ip bgp ADDRESS`.
    #[must_use]
    pub fn longest_match(&self, address: IpAddr) -> Option<(Prefix, &[Path])> {
        let mut prefixes = self.census.lengths.prefixes_of(address);
        prefixes.find_map(|prefix| {
            let paths = self.paths(prefix);
            (!paths.is_empty()).then_some((prefix, paths))
        })
    }

    /// How many prefixes have paths.
    #[must_use]
    pub fn len(&self) -> usize {
        self.census.prefixes
    }

    /// Whether there is no path at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.census.prefixes == 0
    }

    /// How many paths there are.
    #[must_use]
    pub fn path_count(&self) -> usize {
        self.census.paths
    }

    /// The distinct next hops of usable paths, sorted; those of the router's own paths are not among them.
    #[must_use]
    pub fn next_hops(&self) -> Vec<IpAddr> {
        self.census.next_hops.addresses()
    }

    /// Next hops that came into use (true) or went out of it (false) since the last call, so that the caller
    /// can `track` and `untrack` them.
    pub fn take_next_hop_news(&mut self) -> Vec<(Gateway, bool)> {
        self.census.next_hops.take_news()
    }

    fn seconds(&mut self, now: Instant) -> u32 {
        let since = now.saturating_duration_since(*self.epoch.get_or_insert(now));
        u32::try_from(since.as_secs()).unwrap_or(u32::MAX)
    }
}

#[cfg(test)]
mod tests;
