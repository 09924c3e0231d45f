//! One update group: its members, what they hear, and what they know.
//!
//! Never knows of other groups, and never sends.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use bgp::export::ExportTarget;
use bgp_wire::Negotiated as Codec;
use bgp_wire::message::Nlri;
use nouns::{Asn, Family, Prefix};
use rib::adj_out::{AdjOut, Loops};
use rib::bgp_table::PeerId;
use rib::prefix_table::Spot;

use crate::recovery::Hold;

/// Peers that hear the same of a family.
#[derive(Clone, Debug)]
pub(crate) struct Group {
    pub(crate) family: Family,
    /// What decides what they hear.
    pub(crate) target: ExportTarget,
    /// What decides in which octets.
    pub(crate) codec: Codec,
    /// The peers, with their AS where they are in another one than ours.
    pub(crate) members: BTreeMap<PeerId, Option<Asn>>,
    /// Nothing is said until our routes are complete: the members keep what they heard before we restarted.
    pub(crate) held: Option<Hold>,
    /// Members whose End-of-RIB is still owed to them.
    pub(crate) owing: BTreeSet<PeerId>,
    /// Members that have yet to hear that everything was told to them again (RFC 7313).
    pub(crate) refreshing: BTreeSet<PeerId>,
    /// Until when changes wait (RFC 4271 §9.2.1.1), where the members have an `advertisement-interval`.
    pub(crate) rests_until: Option<Instant>,
    pub(crate) out: AdjOut,
    /// The paths of the members themselves are remembered, too, for others than whom they came from hear of them. Never
    /// taken back.
    pub(super) whole: bool,
}

/// What is offered of a prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Offer {
    /// Nobody reaches it.
    Nothing,
    /// The best path, which came from this peer.
    From(PeerId),
    /// It is not decided, or the group has to look at all of its paths.
    Undecided,
}

impl Offer {
    /// Of a best path, or of none.
    pub(crate) fn of(best: Option<PeerId>) -> Self {
        best.map_or(Self::Nothing, Self::From)
    }
}

impl Group {
    pub(super) fn hears_as(&self, other: &Self) -> bool {
        let held = self.held == other.held;
        self.family == other.family && held && self.codec == other.codec && self.target == other.target
    }

    /// A member's AS, where that is another one than ours.
    pub(super) fn asn(&self, peer: PeerId) -> Option<Asn> {
        self.members.get(&peer).copied().flatten()
    }

    /// Who would refuse a path for the AS numbers in it.
    pub(crate) fn loops(&self) -> Loops {
        let mut loops = Loops::new();
        for (member, asn) in &self.members {
            if let Some(asn) = asn {
                loops.entry(*asn).or_default().push(*member);
            }
        }
        loops
    }

    /// Whether changes wait until the interval since the last ones is over. A member's first table does not wait, nor
    /// what is told again.
    pub(crate) fn is_resting(&self) -> bool {
        self.rests_until.is_some() && self.owing.is_empty() && self.refreshing.is_empty()
    }

    /// Something was told: once that is all, the next changes wait.
    pub(crate) fn rest_after(&mut self, now: Instant) {
        if self.target.interval > 0 && self.out.is_drained() {
            self.rests_until = Some(now + Duration::from_secs(u64::from(self.target.interval)));
        }
    }

    /// Whether a member knows of a prefix.
    pub(crate) fn tells(&self, peer: PeerId, prefix: Prefix) -> bool {
        self.out.knows(peer, self.asn(peer), prefix)
    }

    /// Whether a member knows of a path of a prefix, by its identifier; by 0 where it hears of one path only.
    pub(crate) fn tells_path(&self, peer: PeerId, route: Nlri) -> bool {
        self.out.knows_path(peer, self.asn(peer), route)
    }

    pub(super) fn admit(&mut self, peer: PeerId, asn: Option<Asn>) {
        self.members.insert(peer, asn);
        self.owing.insert(peer);
        if let Some(asn) = asn {
            self.out.count_loops_of(asn);
        }
    }

    /// The best path of a prefix may have changed.
    pub(crate) fn offer(&mut self, spot: impl Into<Spot>, offer: Offer) {
        let spot = spot.into();
        let made = spot.prefix().is_default() && self.target.default_originate.is_some();
        let reachable = match offer {
            Offer::Nothing => false,
            Offer::From(peer) => !self.is_nobodys(peer),
            Offer::Undecided => true,
        };
        self.out.offer(spot, reachable || made);
    }

    /// Whether nobody would hear of a peer's path: the peer itself is the only member. To such a group it is as if nobody
    /// reached the prefix, so that a table that one peer feeds costs nothing here.
    fn is_nobodys(&self, peer: PeerId) -> bool {
        let alone = !self.whole && self.members.len() == 1 && self.members.contains_key(&peer);
        alone && !hears_of_others(&self.target)
    }
}

/// Whether what a group hears of a prefix depends on other paths than the best one.
pub(super) fn hears_of_others(target: &ExportTarget) -> bool {
    target.several.is_some() || target.policy.looks_at_shares()
}
