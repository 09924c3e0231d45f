//! Walks over the table: what concerns all paths of a peer, or all through a next hop.
//!
//! A walk ends as soon as it has met all that it looks for. Never allocates for each prefix that it meets.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::ops::ControlFlow;

use super::{BgpTable, Path, PeerId};

/// What to do with one path of a peer.
enum Touch {
    Nothing,
    Stale,
    Awaited,
    Changed,
    Remove,
}

impl BgpTable {
    /// Marks all paths of a peer as stale (RFC 4724 §4.2); a live path of somebody else wins from now on.
    pub fn mark_stale(&mut self, peer: PeerId) {
        self.visit_peer(peer, |path| if path.stale() { Touch::Nothing } else { Touch::Stale });
    }

    /// Removes what a peer did not announce again (RFC 4724 §4.2); the answer is how many paths that were.
    pub fn sweep_stale(&mut self, peer: PeerId) -> usize {
        self.visit_peer(peer, |path| if path.stale() { Touch::Remove } else { Touch::Nothing })
    }

    /// A peer begins to tell all its routes again: they are used as before, and each is awaited (RFC 7313 §4).
    pub fn await_again(&mut self, peer: PeerId) {
        self.visit_peer(peer, |_| Touch::Awaited);
    }

    /// Removes what a peer was awaited to announce and did not; the answer is how many paths that were.
    pub fn sweep_awaited(&mut self, peer: PeerId) -> usize {
        self.visit_peer(peer, |path| if path.awaited() { Touch::Remove } else { Touch::Nothing })
    }

    /// Removes all paths of a peer; the answer is how many they were.
    pub fn drop_peer(&mut self, peer: PeerId) -> usize {
        self.visit_peer(peer, |_| Touch::Remove)
    }

    /// Every prefix of a peer needs a decision.
    pub(super) fn peer_changed(&mut self, peer: PeerId) {
        self.visit_peer(peer, |_| Touch::Changed);
    }

    /// Every prefix with a path through the address needs a decision.
    pub fn next_hop_changed(&mut self, address: IpAddr) {
        self.next_hops_changed(&[address]);
    }

    /// As `next_hop_changed` for several addresses, in one walk over the table.
    pub fn next_hops_changed(&mut self, addresses: &[IpAddr]) {
        let uses = |address: &IpAddr| self.census.next_hops.of(*address);
        let addresses: BTreeSet<IpAddr> = addresses.iter().copied().filter(|address| uses(address) > 0).collect();
        let mut left: usize = addresses.iter().map(uses).sum();
        if left == 0 {
            return;
        }
        let census = &self.census;
        let queues = &mut self.queues;
        self.entries.visit(|spot, entry| {
            let through = |path: &&Path| census.tracked(path).is_some_and(|(hop, _)| addresses.contains(&hop));
            let found = entry.paths.as_slice().iter().filter(through).count();
            left = left.saturating_sub(found);
            if found > 0 {
                queues.presses(spot, entry);
            }
            until_none(left)
        });
    }

    /// Every prefix needs a decision: the rules changed.
    pub fn all_dirty(&mut self) {
        let queues = &mut self.queues;
        self.entries.visit(|spot, entry| {
            queues.presses(spot, entry);
            ControlFlow::Continue(())
        });
    }

    /// Touches the paths of one peer in one walk that ends when all are seen; answers how many were touched.
    fn visit_peer(&mut self, peer: PeerId, mut touch: impl FnMut(&Path) -> Touch) -> usize {
        let mut left = self.received_count(peer);
        let mut touched: usize = 0;
        if left == 0 {
            return 0;
        }
        let Self { entries, census, queues, .. } = self;
        entries.visit(|spot, entry| {
            let mut changed = false;
            let rivals = entry.paths.len() > 1;
            let mut at = 0;
            while let Some(path) = entry.paths.as_mut_slice().get_mut(at) {
                at = at.saturating_add(1);
                if path.peer() != peer {
                    continue;
                }
                left = left.saturating_sub(1);
                match touch(path) {
                    Touch::Nothing => continue,
                    Touch::Stale => {
                        path.set_stale(true);
                        changed |= rivals;
                    }
                    Touch::Awaited => path.set_awaited(true),
                    Touch::Changed => {
                        entry.changed = true;
                        changed = true;
                    }
                    Touch::Remove => {
                        at = at.saturating_sub(1);
                        if let Some(gone) = entry.remove(at) {
                            census.went(&gone);
                        }
                        if entry.paths.is_empty() {
                            census.last_path_gone(spot.prefix());
                        }
                        changed = true;
                    }
                }
                touched = touched.saturating_add(1);
            }
            if changed {
                queues.presses(spot, entry);
            }
            until_none(left)
        });
        touched
    }
}

/// Goes on while something is left.
fn until_none(left: usize) -> ControlFlow<()> {
    if left == 0 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
}
