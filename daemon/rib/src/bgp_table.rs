//! The BGP table of one family: every path that every peer announced, and which prefixes need a decision.
//!
//! What was received is kept whole, also what import rejected, so that `received-routes` and "why" need no
//! configuration; what a peer sent equal to what is used shares one attribute set. Obeys RFC 4271 §3.2
//! (Adj-RIB-In) and RFC 4724 §4.2 (stale paths). Never decides and never resolves a next hop.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::net::{IpAddr, Ipv4Addr};
use std::ops::Bound;
use std::sync::Arc;
use std::time::Instant;

use bgp_wire::attribute::PathAttributes;
use nouns::{Family, Marks, Prefix};

use crate::few::Few;
use crate::length_index::LengthIndex;

/// Names a peer within the table; given out by whoever owns the sessions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PeerId(pub u32);

impl PeerId {
    /// The router itself: networks and redistributed routes.
    pub const LOCAL: Self = Self(0);
}

/// What the decision has to know of a peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PeerInfo {
    /// The address of the session's far end.
    pub address: IpAddr,
    /// The BGP identifier of its OPEN.
    pub router_id: Ipv4Addr,
    /// Whether the session is internal (iBGP).
    pub internal: bool,
}

/// What names a path within its prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PathKey {
    /// Who announced it.
    pub peer: PeerId,
    /// The path identifier of RFC 7911, 0 without it.
    pub path_id: u32,
}

/// One way to a prefix.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Path {
    /// Its name.
    pub key: PathKey,
    /// The attributes after import.
    pub attributes: Arc<PathAttributes>,
    /// The attributes as the peer sent them; the same set when import changed nothing.
    pub received: Arc<PathAttributes>,
    /// When it came with these attributes.
    pub since: Instant,
    /// Kept for a peer that restarts (RFC 4724 §4.2): loses to any live path.
    pub stale: bool,
    /// Why import rejected it: kept and shown, never used.
    pub rejected: Option<Arc<str>>,
    /// What the router noted about it.
    pub marks: Marks,
}

impl Path {
    /// The address that packets are sent to: the link-local one where no global one was given (RFC 2545 §3).
    #[must_use]
    pub fn next_hop(&self) -> IpAddr {
        let next_hop = self.attributes.next_hop;
        match next_hop.link_local {
            Some(link_local) if next_hop.address.is_unspecified() => IpAddr::V6(link_local),
            _ => next_hop.address,
        }
    }

    /// Whether the router itself made the path.
    #[must_use]
    pub fn is_local(&self) -> bool {
        self.key.peer == PeerId::LOCAL
    }

    fn tracked_next_hop(&self) -> Option<IpAddr> {
        (self.rejected.is_none() && !self.is_local()).then(|| self.next_hop())
    }
}

/// What `BgpTable::insert` puts into a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inserted {
    /// The attributes after import.
    pub attributes: Arc<PathAttributes>,
    /// The attributes as the peer sent them.
    pub received: Arc<PathAttributes>,
    /// Why import rejected the path.
    pub rejected: Option<Arc<str>>,
    /// What the router notes about it.
    pub marks: Marks,
}

#[derive(Debug, Default)]
struct Entry {
    paths: Few<Path>,
    dirty: bool,
}

#[derive(Debug, Default)]
struct Peer {
    info: Option<PeerInfo>,
    received: usize,
    accepted: usize,
}

#[derive(Debug, Default)]
struct NextHopUse {
    paths: usize,
    reported: bool,
}

/// All paths of one family.
#[derive(Debug)]
pub struct BgpTable {
    family: Family,
    /// An entry without paths stays until its prefix was taken from `dirty`.
    entries: BTreeMap<Prefix, Entry>,
    lengths: LengthIndex,
    peers: HashMap<PeerId, Peer>,
    next_hops: HashMap<IpAddr, NextHopUse>,
    next_hop_news: BTreeSet<IpAddr>,
    dirty: VecDeque<Prefix>,
    prefixes: usize,
    paths: usize,
}

impl BgpTable {
    /// An empty table; the router itself is its only peer.
    #[must_use]
    pub fn new(family: Family) -> Self {
        let mut table = Self {
            family,
            entries: BTreeMap::new(),
            lengths: LengthIndex::default(),
            peers: HashMap::new(),
            next_hops: HashMap::new(),
            next_hop_news: BTreeSet::new(),
            dirty: VecDeque::new(),
            prefixes: 0,
            paths: 0,
        };
        let address = IpAddr::V4(Ipv4Addr::UNSPECIFIED);
        table.set_peer(PeerId::LOCAL, PeerInfo { address, router_id: Ipv4Addr::UNSPECIFIED, internal: true });
        table
    }

    /// The family of its prefixes.
    #[must_use]
    pub fn family(&self) -> Family {
        self.family
    }

    /// Makes a peer known, or tells what changed about it; its prefixes are decided again when it did.
    pub fn set_peer(&mut self, id: PeerId, info: PeerInfo) {
        let peer = self.peers.entry(id).or_default();
        if peer.info != Some(info) && peer.info.replace(info).is_some() && peer.received > 0 {
            self.visit_peer(id, |_| Touch::Changed);
        }
    }

    /// Forgets a peer, with whatever paths it still has.
    pub fn forget_peer(&mut self, id: PeerId) {
        self.drop_peer(id);
        self.peers.remove(&id);
    }

    /// What is known of a peer.
    #[must_use]
    pub fn peer(&self, id: PeerId) -> Option<&PeerInfo> {
        self.peers.get(&id)?.info.as_ref()
    }

    /// Takes an announcement in. The answer is whether anything but `stale` changed: an identical
    /// re-announcement only clears it, and keeps `since`.
    pub fn insert(&mut self, prefix: Prefix, key: PathKey, inserted: Inserted, now: Instant) -> bool {
        let Inserted { attributes, mut received, rejected, marks } = inserted;
        if !Arc::ptr_eq(&attributes, &received) && attributes == received {
            received = Arc::clone(&attributes);
        }
        let path = Path { key, attributes, received, since: now, stale: false, rejected, marks };
        let next_hop = path.tracked_next_hop();
        let accepted = path.rejected.is_none();
        let entry = self.entries.entry(prefix).or_default();
        let rivals = entry.paths.len() > 1;
        let old = match entry.paths.as_mut_slice().iter_mut().find(|path| path.key == key) {
            Some(old) if same_route(old, &path) => {
                if std::mem::take(&mut old.stale) && rivals {
                    self.mark_dirty(prefix);
                }
                return false;
            }
            Some(old) => Some(std::mem::replace(old, path)),
            None => {
                entry.paths.push(path);
                None
            }
        };
        if old.is_none() {
            self.paths = self.paths.saturating_add(1);
            if entry.paths.len() == 1 {
                self.prefixes = self.prefixes.saturating_add(1);
                self.lengths.add(prefix);
            }
        }
        let peer = self.peers.entry(key.peer).or_default();
        peer.received = peer.received.saturating_add(usize::from(old.is_none()));
        peer.accepted = peer.accepted.saturating_add(usize::from(accepted));
        if old.as_ref().is_some_and(|old| old.rejected.is_none()) {
            peer.accepted = peer.accepted.saturating_sub(1);
        }
        let before = old.and_then(|old| old.tracked_next_hop());
        if before != next_hop {
            self.use_next_hop(next_hop);
            self.leave_next_hop(before);
        }
        self.mark_dirty(prefix);
        true
    }

    /// Puts a new judgement in place of the one that a path has; neither its age nor whether it is stale changes.
    pub fn rejudge(&mut self, prefix: Prefix, key: PathKey, judged: Inserted, now: Instant) -> bool {
        let old = self.paths(prefix).iter().find(|path| path.key == key).map(|path| (path.stale, path.since));
        let Some((stale, since)) = old else { return false };
        if !self.insert(prefix, key, judged, now) && !stale {
            return false;
        }
        let entry = self.entries.get_mut(&prefix);
        let path = entry.and_then(|entry| entry.paths.as_mut_slice().iter_mut().find(|path| path.key == key));
        if let Some(path) = path {
            (path.stale, path.since) = (stale, since);
        }
        true
    }

    /// Takes a path out; the answer is whether it was there.
    pub fn withdraw(&mut self, prefix: Prefix, key: PathKey) -> bool {
        let mut gone = Vec::new();
        if let Some(entry) = self.entries.get_mut(&prefix) {
            entry.paths.retain(|path| path.key != key || !note(&mut gone, path));
        }
        self.settle_removed(prefix, &gone);
        !gone.is_empty()
    }

    /// Marks all paths of a peer as stale (RFC 4724 §4.2); a live path of somebody else wins from now on.
    pub fn mark_stale(&mut self, peer: PeerId) {
        self.visit_peer(peer, |path| if path.stale { Touch::Nothing } else { Touch::Stale });
    }

    /// Removes what a peer did not announce again (RFC 4724 §4.2); the answer is how many paths that were.
    pub fn sweep_stale(&mut self, peer: PeerId) -> usize {
        self.visit_peer(peer, |path| if path.stale { Touch::Remove } else { Touch::Nothing })
    }

    /// Removes all paths of a peer; the answer is how many they were.
    pub fn drop_peer(&mut self, peer: PeerId) -> usize {
        self.visit_peer(peer, |_| Touch::Remove)
    }

    /// How many paths a peer announced, rejected ones included; constant time.
    #[must_use]
    pub fn received_count(&self, peer: PeerId) -> usize {
        self.peers.get(&peer).map_or(0, |peer| peer.received)
    }

    /// How many paths of a peer import accepted; constant time.
    #[must_use]
    pub fn accepted_count(&self, peer: PeerId) -> usize {
        self.peers.get(&peer).map_or(0, |peer| peer.accepted)
    }

    /// Every prefix with a path through the address needs a decision.
    pub fn next_hop_changed(&mut self, address: IpAddr) {
        self.next_hops_changed(&[address]);
    }

    /// As `next_hop_changed` for several addresses, in one walk over the table.
    pub fn next_hops_changed(&mut self, addresses: &[IpAddr]) {
        let uses = |address: &IpAddr| self.next_hops.get(address).map_or(0, |usage| usage.paths);
        let addresses: BTreeSet<IpAddr> = addresses.iter().copied().filter(|address| uses(address) > 0).collect();
        let mut left: usize = addresses.iter().map(uses).sum();
        for (prefix, entry) in &mut self.entries {
            if left == 0 {
                break;
            }
            let through = |path: &&Path| path.tracked_next_hop().is_some_and(|hop| addresses.contains(&hop));
            let found = entry.paths.as_slice().iter().filter(through).count();
            left = left.saturating_sub(found);
            if found > 0 && !std::mem::replace(&mut entry.dirty, true) {
                self.dirty.push_back(*prefix);
            }
        }
    }

    /// Every prefix needs a decision: the rules changed.
    pub fn all_dirty(&mut self) {
        for (prefix, entry) in &mut self.entries {
            if !std::mem::replace(&mut entry.dirty, true) {
                self.dirty.push_back(*prefix);
            }
        }
    }

    /// How many prefixes wait for a decision.
    #[must_use]
    pub fn dirty_len(&self) -> usize {
        self.dirty.len()
    }

    /// At most `limit` prefixes that wait for a decision, those that wait longest first.
    pub fn take_dirty(&mut self, limit: usize) -> Vec<Prefix> {
        let count = limit.min(self.dirty.len());
        let taken: Vec<Prefix> = self.dirty.drain(..count).collect();
        for prefix in &taken {
            if let Some(entry) = self.entries.get_mut(prefix) {
                entry.dirty = false;
                if entry.paths.is_empty() {
                    self.entries.remove(prefix);
                }
            }
        }
        if self.dirty.is_empty() {
            self.dirty.shrink_to(1024);
        }
        taken
    }

    /// The paths of a prefix in the order in which their peers first announced them.
    #[must_use]
    pub fn paths(&self, prefix: Prefix) -> &[Path] {
        self.entries.get(&prefix).map_or(&[], |entry| entry.paths.as_slice())
    }

    /// All prefixes with their paths, in display order.
    pub fn iter(&self) -> impl Iterator<Item = (Prefix, &[Path])> {
        let all = self.entries.iter().map(|(prefix, entry)| (*prefix, entry.paths.as_slice()));
        all.filter(|(_, paths)| !paths.is_empty())
    }

    /// The prefixes that begin between two addresses, both included, with their paths, in display order.
    pub fn range(&self, from: IpAddr, to: IpAddr) -> impl Iterator<Item = (Prefix, &[Path])> {
        // Of the prefixes at an address the shortest stands first.
        let at_from = (0..=u8::MAX).map(|length| Prefix::masked_or_host(from, length));
        let first = at_from.into_iter().find(|prefix| prefix.address() == from).unwrap_or(Prefix::host(from));
        let last = Prefix::host(to);
        let near = self.entries.range(first..=last.max(first));
        near.map(|(prefix, entry)| (*prefix, entry.paths.as_slice())).filter(|(_, paths)| !paths.is_empty())
    }

    /// As `iter`, but from a prefix on; from the first one without it.
    pub fn iter_from(&self, first: Option<Prefix>) -> impl Iterator<Item = (Prefix, &[Path])> {
        let first = first.map_or(Bound::Unbounded, Bound::Included);
        let all = self.entries.range((first, Bound::Unbounded));
        all.map(|(prefix, entry)| (*prefix, entry.paths.as_slice())).filter(|(_, paths)| !paths.is_empty())
    }

    /// Whether a prefix waits for a decision.
    #[must_use]
    pub fn is_dirty(&self, prefix: Prefix) -> bool {
        self.entries.get(&prefix).is_some_and(|entry| entry.dirty)
    }

    /// The longest prefix that holds the address and has paths, for `show ip bgp ADDRESS`.
    #[must_use]
    pub fn longest_match(&self, address: IpAddr) -> Option<(Prefix, &[Path])> {
        let mut prefixes = self.lengths.prefixes_of(address);
        prefixes.find_map(|prefix| {
            let paths = self.paths(prefix);
            (!paths.is_empty()).then_some((prefix, paths))
        })
    }

    /// How many prefixes have paths.
    #[must_use]
    pub fn len(&self) -> usize {
        self.prefixes
    }

    /// Whether there is no path at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.prefixes == 0
    }

    /// How many paths there are.
    #[must_use]
    pub fn path_count(&self) -> usize {
        self.paths
    }

    /// The distinct next hops of usable paths, sorted; those of the router's own paths are not among them.
    #[must_use]
    pub fn next_hops(&self) -> Vec<IpAddr> {
        let used = self.next_hops.iter().filter(|(_, usage)| usage.paths > 0);
        let mut addresses: Vec<IpAddr> = used.map(|(address, _)| *address).collect();
        addresses.sort_unstable();
        addresses
    }

    /// Next hops that came into use (true) or went out of it (false) since the last call, so that the caller
    /// can `track` and `untrack` them.
    pub fn take_next_hop_news(&mut self) -> Vec<(IpAddr, bool)> {
        let mut news = Vec::new();
        for address in std::mem::take(&mut self.next_hop_news) {
            let Some(usage) = self.next_hops.get_mut(&address) else { continue };
            let used = usage.paths > 0;
            if used != std::mem::replace(&mut usage.reported, used) {
                news.push((address, used));
            }
            if !used {
                self.next_hops.remove(&address);
            }
        }
        news
    }

    fn mark_dirty(&mut self, prefix: Prefix) {
        if let Some(entry) = self.entries.get_mut(&prefix)
            && !std::mem::replace(&mut entry.dirty, true)
        {
            self.dirty.push_back(prefix);
        }
    }

    fn use_next_hop(&mut self, address: Option<IpAddr>) {
        let Some(address) = address else { return };
        let usage = self.next_hops.entry(address).or_default();
        usage.paths = usage.paths.saturating_add(1);
        if usage.paths == 1 {
            self.next_hop_news.insert(address);
        }
    }

    fn leave_next_hop(&mut self, address: Option<IpAddr>) {
        let Some(address) = address else { return };
        if let Some(usage) = self.next_hops.get_mut(&address) {
            usage.paths = usage.paths.saturating_sub(1);
            if usage.paths == 0 {
                self.next_hop_news.insert(address);
            }
        }
    }

    /// Touches the paths of one peer in one walk that ends when all are seen; answers how many were touched.
    fn visit_peer(&mut self, peer: PeerId, mut touch: impl FnMut(&Path) -> Touch) -> usize {
        let mut left = self.received_count(peer);
        let mut touched: usize = 0;
        let mut removed: Vec<(Prefix, Vec<Removed>)> = Vec::new();
        for (prefix, entry) in &mut self.entries {
            if left == 0 {
                break;
            }
            let mut gone = Vec::new();
            let mut changed = false;
            let rivals = entry.paths.len() > 1;
            for path in entry.paths.as_mut_slice().iter_mut().filter(|path| path.key.peer == peer) {
                left = left.saturating_sub(1);
                match touch(path) {
                    Touch::Nothing => continue,
                    Touch::Stale => {
                        path.stale = true;
                        changed |= rivals;
                    }
                    Touch::Changed => changed = true,
                    Touch::Remove => _ = note(&mut gone, path),
                }
                touched = touched.saturating_add(1);
            }
            if gone.is_empty() {
                if changed && !std::mem::replace(&mut entry.dirty, true) {
                    self.dirty.push_back(*prefix);
                }
            } else {
                entry.paths.retain(|path| !gone.iter().any(|gone| gone.key == path.key));
                removed.push((*prefix, gone));
            }
        }
        for (prefix, gone) in removed {
            self.settle_removed(prefix, &gone);
        }
        touched
    }

    /// Brings counters, next hops and the dirty queue up to date after paths left an entry.
    fn settle_removed(&mut self, prefix: Prefix, gone: &[Removed]) {
        if gone.is_empty() {
            return;
        }
        for removed in gone {
            self.paths = self.paths.saturating_sub(1);
            if let Some(peer) = self.peers.get_mut(&removed.key.peer) {
                peer.received = peer.received.saturating_sub(1);
                peer.accepted = peer.accepted.saturating_sub(usize::from(removed.accepted));
            }
            self.leave_next_hop(removed.next_hop);
        }
        if self.entries.get(&prefix).is_some_and(|entry| entry.paths.is_empty()) {
            self.prefixes = self.prefixes.saturating_sub(1);
            self.lengths.remove(prefix);
        }
        self.mark_dirty(prefix);
    }
}

/// What to do with one path of a peer.
enum Touch {
    Nothing,
    Stale,
    Changed,
    Remove,
}

/// What the counters have to know of a path that went.
struct Removed {
    key: PathKey,
    accepted: bool,
    next_hop: Option<IpAddr>,
}

/// Notes a path that goes; always true, so that it fits into a condition.
fn note(gone: &mut Vec<Removed>, path: &Path) -> bool {
    gone.push(Removed { key: path.key, accepted: path.rejected.is_none(), next_hop: path.tracked_next_hop() });
    true
}

fn same_route(old: &Path, new: &Path) -> bool {
    let same = |a: &Arc<PathAttributes>, b: &Arc<PathAttributes>| Arc::ptr_eq(a, b) || a == b;
    let as_judged = old.rejected == new.rejected && old.marks == new.marks;
    as_judged && same(&old.attributes, &new.attributes) && same(&old.received, &new.received)
}

#[cfg(test)]
mod tests;
