//! What a rule of a route map changes, as it is typed and as it is meant.
//!
//! Never changes a route.

use std::net::{IpAddr, Ipv4Addr};
use std::str::FromStr;

use nouns::{Asn, Family, community};

use super::{Origin, WordError};

/// One change of a route.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Set {
    /// `aggregator as … ip …`
    Aggregator(Asn, Ipv4Addr),
    /// `as-path-exclude`
    ExcludeAs(Vec<Asn>),
    /// `as-path-prepend`
    PrependAs(Vec<Asn>),
    /// `as-path-prepend-last-as`
    PrependLastAs(u8),
    /// `atomic-aggregate`
    AtomicAggregate,
    /// `comm-list … delete`
    DeleteCommunities(String),
    /// `community`
    Communities(Additions<u32>),
    /// `distance`
    Distance(u8),
    /// `extcommunity-bandwidth`
    Bandwidth {
        /// How much.
        rate: Rate,
        /// Other ASes hear of it unless `extcommunity-bandwidth-non-transitive` is set.
        transitive: bool,
    },
    /// `extcommunity-none`
    NoExtendedCommunities,
    /// `extcommunity-rt` and `extcommunity-soo`
    ExtendedCommunities(Vec<[u8; 8]>),
    /// `large-comm-list … delete`
    DeleteLargeCommunities(String),
    /// `large-community`
    LargeCommunities(Additions<[u32; 3]>),
    /// `local-preference`
    LocalPreference(u32),
    /// `metric`
    Metric(MetricChange),
    /// `ip-next-hop` and `ipv6-next-hop`: of routes of the family only.
    NextHop(Family, NextHopChange),
    /// `origin`
    Origin(Origin),
    /// `originator-id`
    OriginatorId(Ipv4Addr),
    /// `tag`
    Tag(u32),
    /// `weight`
    Weight(u32),
}

/// Values that take the place of a route's own, or join them; none without `additive` takes all away.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Additions<T> {
    /// The values.
    pub values: Vec<T>,
    /// The route keeps its own.
    pub additive: bool,
}

/// `extcommunity-bandwidth`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rate {
    /// Megabits a second.
    Megabits(u32),
    /// `cumulative`: what all paths that share the load tell.
    Cumulative,
    /// `num-multipaths`: one megabit a second for each of them.
    Multipaths,
}

/// `metric`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MetricChange {
    /// This value.
    To(u32),
    /// Added to what the route has, up to the greatest value.
    Plus(u32),
    /// Taken from what the route has, down to 0.
    Minus(u32),
}

/// `ip-next-hop`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NextHopChange {
    /// This address.
    Address(IpAddr),
    /// On import the neighbor's address, on export ours towards it.
    PeerAddress,
    /// The router's own address.
    ThisRouter,
    /// As the route came, whatever the session would do.
    Unchanged,
}

/// AS numbers with blanks between them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Numbers(pub Vec<Asn>);

impl FromStr for Numbers {
    type Err = WordError;

    fn from_str(text: &str) -> Result<Self, WordError> {
        let numbers: Result<_, _> = text.split_whitespace().map(str::parse).collect();
        numbers.map(Self).map_err(|_| WordError("not a list of AS numbers"))
    }
}

impl FromStr for Rate {
    type Err = WordError;

    fn from_str(text: &str) -> Result<Self, WordError> {
        match text {
            "cumulative" => Ok(Self::Cumulative),
            "num-multipaths" => Ok(Self::Multipaths),
            megabits => megabits.parse().map(Self::Megabits).map_err(|_| WordError("not a bandwidth")),
        }
    }
}

impl FromStr for MetricChange {
    type Err = WordError;

    fn from_str(text: &str) -> Result<Self, WordError> {
        let (make, digits): (fn(u32) -> Self, &str) = if let Some(digits) = text.strip_prefix('+') {
            (Self::Plus, digits)
        } else if let Some(digits) = text.strip_prefix('-') {
            (Self::Minus, digits)
        } else {
            (Self::To, text)
        };
        digits.parse().map(make).map_err(|_| WordError("not a metric, +N or -N"))
    }
}

impl FromStr for NextHopChange {
    type Err = WordError;

    fn from_str(text: &str) -> Result<Self, WordError> {
        match text {
            "peer-address" => Ok(Self::PeerAddress),
            "self" => Ok(Self::ThisRouter),
            "unchanged" => Ok(Self::Unchanged),
            address => address.parse().map(Self::Address).map_err(|_| WordError("not an address")),
        }
    }
}

impl FromStr for Additions<u32> {
    type Err = WordError;

    fn from_str(text: &str) -> Result<Self, WordError> {
        additions(text, community::standard).ok_or(WordError("not a list of communities"))
    }
}

impl FromStr for Additions<[u32; 3]> {
    type Err = WordError;

    fn from_str(text: &str) -> Result<Self, WordError> {
        additions(text, community::large).ok_or(WordError("not a list of large communities"))
    }
}

fn additions<T>(text: &str, read: impl Fn(&str) -> Option<T>) -> Option<Additions<T>> {
    if text == "none" {
        return Some(Additions { values: Vec::new(), additive: false });
    }
    let words = text.strip_suffix("additive");
    let values: Option<Vec<T>> = words.unwrap_or(text).split_whitespace().map(read).collect();
    Some(Additions { values: values?, additive: words.is_some() })
}
