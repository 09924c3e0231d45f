//! What the kernel should forward, what it has, and the smallest set of changes between them.
//!
//! Routes point to next-hop groups (`RTM_NEWNEXTHOP`, Linux 5.3), so the number of legs costs nothing
//! and losing a node is one group update however many routes share the group. A route always leads to a
//! group, even of one leg, because the kernel cannot turn a single next hop into a group in place.
//!
//! `Fib` believes that a change that it gave out is made until `refused`, `route_lost`, `next_hop_lost` or
//! `audit` say otherwise. After a restart it adopts what the kernel still has and takes nothing away until the
//! recovery ends. Never speaks netlink.

use std::collections::BTreeMap;

use nouns::Prefix;

use crate::world::Leg;

mod entries;
mod flush;
mod ledger;
mod route_map;
mod table;
mod wishes;

pub use entries::Place;
pub use flush::Gains;
pub use route_map::RouteMap;
pub use table::Fib;
pub use wishes::Wish;

/// `rtm_protocol` and `nh_protocol` of everything that is ours; not registered by anybody else.
pub const RTPROT_TOWPATH: u8 = 200;
/// `RTA_PRIORITY` of every route that is ours: one metric, so that a changed MED never leaves a twin behind.
pub const ROUTE_METRIC: u32 = 20;
/// Identifiers of single next hops begin here; groups have identifiers above `GROUP_ID_BASE`.
pub const NEXT_HOP_ID_BASE: u32 = 0x5400_0000;
/// Identifiers of groups begin here.
pub const GROUP_ID_BASE: u32 = 0x5500_0000;

/// The main table (`RT_TABLE_MAIN`).
pub const MAIN_TABLE: u32 = 254;

/// Where a route stands: tables are apart from each other, and only the main one is decided by distances.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RouteKey {
    /// `RTA_TABLE`
    pub table: u32,
    /// The destination.
    pub prefix: Prefix,
}

impl From<Prefix> for RouteKey {
    /// The route of the main table.
    fn from(prefix: Prefix) -> Self {
        Self { table: MAIN_TABLE, prefix }
    }
}

impl std::str::FromStr for RouteKey {
    type Err = nouns::PrefixError;

    /// The route of the main table.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse::<Prefix>().map(Self::from)
    }
}

impl std::fmt::Display for RouteKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.table {
            MAIN_TABLE => self.prefix.fmt(f),
            table => write!(f, "{} in table {table}", self.prefix),
        }
    }
}

/// One change of the kernel, in the order in which it has to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FibChange {
    /// `RTM_NEWNEXTHOP` with `NLM_F_CREATE|NLM_F_REPLACE`: a single next hop.
    NextHop {
        /// `NHA_ID`
        id: u32,
        /// `NHA_GATEWAY` and `NHA_OIF`
        leg: Leg,
    },
    /// `RTM_NEWNEXTHOP` with `NHA_GROUP`: created or replaced in place.
    Group {
        /// `NHA_ID`
        id: u32,
        /// Identifiers of the members, each with weight 1 to 256.
        members: Vec<(u32, u16)>,
    },
    /// `RTM_NEWROUTE` with `NLM_F_CREATE|NLM_F_REPLACE` and `RTA_NH_ID`, or of a type that leads nowhere.
    Route {
        /// The table and the destination.
        key: RouteKey,
        /// Where it leads.
        target: FibTarget,
    },
    /// `RTM_DELROUTE`
    RouteGone(RouteKey),
    /// `RTM_DELNEXTHOP`, of a group or of a single next hop.
    NextHopGone(u32),
}

/// Where a route of ours leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FibTarget {
    /// A next-hop group.
    Group(u32),
    /// `RTN_BLACKHOLE`
    Blackhole,
    /// `RTN_UNREACHABLE`
    Unreachable,
}

/// What the kernel has of ours, as a dump tells it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KernelFib {
    /// Single next hops by identifier.
    pub next_hops: BTreeMap<u32, Leg>,
    /// Groups by identifier: members and their weights.
    pub groups: BTreeMap<u32, Vec<(u32, u16)>>,
    /// Routes by table and destination.
    pub routes: RouteMap<FibTarget>,
}

/// A change that the kernel refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// The change.
    pub change: FibChange,
    /// `errno`, positive.
    pub errno: i32,
    /// The kernel's extended acknowledgement (`NLMSGERR_ATTR_MSG`), or the name of the error.
    pub reason: String,
}

/// The largest weight that a member of a group can have: the kernel keeps it less one in an octet.
const MOST_WEIGHT: u64 = 256;

/// Rates as weights from 1 to 256 in the same ratio: the smallest ones where they can express it, else as near as they
/// can.
#[must_use]
pub fn reduced(rates: &[u64]) -> Vec<u16> {
    let most = rates.iter().copied().max().unwrap_or(0).max(1);
    let common = rates.iter().copied().fold(0, greatest_common_divisor).max(1);
    let exact = most / common <= MOST_WEIGHT;
    let weight = |rate: &u64| {
        let whole = u128::from(*rate) * u128::from(MOST_WEIGHT);
        let scaled = if exact { rate / common } else { u64::try_from(whole / u128::from(most)).unwrap_or(1) };
        u16::try_from(scaled.clamp(1, MOST_WEIGHT)).unwrap_or(1)
    };
    rates.iter().map(weight).collect()
}

fn greatest_common_divisor(a: u64, b: u64) -> u64 {
    let (mut a, mut b) = (a, b);
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

/// What a prefix should lead to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Wanted {
    /// These legs: sorted, unique, at least one. `Wanted::legs` makes it so.
    Legs(Vec<Leg>),
    /// These legs, each with its weight from 1 to 256: sorted, unique, at least two. `Wanted::shared` makes it so.
    Weighted(Vec<(Leg, u16)>),
    /// Nowhere.
    Blackhole,
    /// Nowhere, and the sender is told (ICMP unreachable).
    Unreachable,
}

impl Wanted {
    /// The legs in their canonical form; `None` when there is none.
    #[must_use]
    pub fn legs(mut legs: Vec<Leg>) -> Option<Self> {
        legs.sort_unstable();
        legs.dedup();
        (!legs.is_empty()).then_some(Self::Legs(legs))
    }

    /// Legs that carry the load in the ratio of some rates, of whatever unit: exactly where weights up to 256 can
    /// express it, else as nearly as they can, and never nothing. A leg that stands there twice carries both. `None`
    /// when there is none.
    #[must_use]
    pub fn shared(rates: impl IntoIterator<Item = (Leg, u64)>) -> Option<Self> {
        let mut by_leg: BTreeMap<Leg, u64> = BTreeMap::new();
        for (leg, rate) in rates {
            let sum = by_leg.entry(leg).or_default();
            *sum = sum.saturating_add(rate.max(1));
        }
        if by_leg.is_empty() {
            return None;
        }
        let (legs, rates): (Vec<Leg>, Vec<u64>) = by_leg.into_iter().unzip();
        let ways: Vec<(Leg, u16)> = legs.into_iter().zip(reduced(&rates)).collect();
        let equal = ways.iter().all(|(_, weight)| Some(weight) == ways.first().map(|(_, first)| first));
        if equal {
            return Self::legs(ways.into_iter().map(|(leg, _)| leg).collect());
        }
        Some(Self::Weighted(ways))
    }

    /// How many legs there are.
    #[must_use]
    pub fn leg_count(&self) -> usize {
        match self {
            Self::Legs(legs) => legs.len(),
            Self::Weighted(ways) => ways.len(),
            Self::Blackhole | Self::Unreachable => 0,
        }
    }
}

/// How a prefix stands between what is wanted and what the kernel has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FibState {
    /// Neither wanted nor there.
    Absent,
    /// As wanted.
    Installed {
        /// Where it leads.
        target: FibTarget,
    },
    /// A change is due with the next `flush`, or waits for `retry`.
    Pending,
    /// Found at the start and kept as it was until the recovery ends.
    Adopted {
        /// Where it leads.
        target: FibTarget,
    },
    /// The kernel refused what it needs.
    Refused {
        /// `errno`, positive.
        errno: i32,
        /// The kernel's words about the first thing that it refused: the next hop, the group or the route.
        reason: String,
    },
}

/// Numbers for `show`; each is kept, none is counted when asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FibCounters {
    /// Prefixes that should be in the kernel.
    pub wanted: usize,
    /// Prefixes that are in the kernel, as far as is known.
    pub present: usize,
    /// Prefixes with a change that `flush` has not given out yet.
    pub pending: usize,
    /// Prefixes kept from before the start.
    pub adopted: usize,
    /// Prefixes that the kernel refused.
    pub refused: usize,
    /// Next-hop groups in the kernel.
    pub groups: usize,
    /// Single next hops in the kernel.
    pub next_hops: usize,
}

#[cfg(test)]
mod model;
#[cfg(test)]
mod tests;
