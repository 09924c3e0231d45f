//! What flows over a neighbor's session in one family: how many paths of a prefix, and how many routes.
//!
//! The neighbor's own leaf is IPv4's, as it is spelled since Vyatta, unless `address-family ipv4-unicast` says
//! otherwise; a neighbor's leaf wins over its group's.

use std::num::NonZeroU8;

use nouns::{Family, Several};

use crate::model::reader::Reader;

/// What flows over the session with a neighbor, by family.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PeerFlows {
    ipv4: PeerFlow,
    ipv6: PeerFlow,
}

/// What flows over the session with a neighbor in one family.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PeerFlow {
    /// `addpath-tx-all`, `addpath-tx-per-as` or `addpath-tx-best` (RFC 7911).
    pub several: Option<Several>,
    /// `disable-addpath-rx`: several paths of a prefix are not taken from it.
    pub one_path_only: bool,
    /// `capability orf prefix-list send`: it is told which routes its import prefix list lets in (RFC 5291).
    pub filter_send: bool,
    /// `capability orf prefix-list receive`: it may tell which routes it wants to hear.
    pub filter_receive: bool,
    /// `maximum-prefix`: so many prefixes are taken from it.
    pub maximum_prefix: Option<u32>,
    /// `maximum-prefix-threshold` in percent, 75 by default.
    pub threshold: Option<u8>,
    /// `maximum-prefix-warning-only`: more of them are told and end nothing.
    pub warning_only: bool,
    /// `maximum-prefix-restart` in minutes.
    pub restart: Option<u16>,
    /// `maximum-prefix-out`: so many prefixes are announced to it.
    pub maximum_prefix_out: Option<u32>,
}

impl PeerFlows {
    /// That of a family.
    #[must_use]
    pub fn of(&self, family: Family) -> &PeerFlow {
        match family {
            Family::Ipv4Unicast => &self.ipv4,
            Family::Ipv6Unicast => &self.ipv6,
        }
    }

    /// Each leaf that is set here, else the other one's, else the default.
    pub(super) fn over(&self, group: Option<&Self>, default: &PeerFlow) -> Self {
        let over = |own: &PeerFlow, group: Option<&PeerFlow>| match group {
            Some(group) => own.over(group).over(default),
            None => own.over(default),
        };
        Self {
            ipv4: over(&self.ipv4, group.map(|group| &group.ipv4)),
            ipv6: over(&self.ipv6, group.map(|group| &group.ipv6)),
        }
    }
}

/// What a neighbor or group says itself.
pub(super) fn flows(place: &Reader<'_>) -> PeerFlows {
    let families = place.at("address-family");
    PeerFlows {
        ipv4: of_family(&families.at("ipv4-unicast")).over(&of_family(place)),
        ipv6: of_family(&families.at("ipv6-unicast")),
    }
}

/// What holds where nobody says a word.
pub(super) fn default(place: &Reader<'_>) -> PeerFlow {
    PeerFlow { threshold: Some(place.default_of("maximum-prefix-threshold")), ..PeerFlow::default() }
}

fn of_family(place: &Reader<'_>) -> PeerFlow {
    let (capability, list) = (place.at("capability"), "prefix-list");
    let orf = capability.at("orf");
    let filters = orf.at(list);
    PeerFlow {
        several: several(place),
        one_path_only: place.flag("disable-addpath-rx"),
        filter_send: filters.flag("send"),
        filter_receive: filters.flag("receive"),
        maximum_prefix: place.leaf("maximum-prefix"),
        threshold: place.leaf("maximum-prefix-threshold"),
        warning_only: place.flag("maximum-prefix-warning-only"),
        restart: place.leaf("maximum-prefix-restart"),
        maximum_prefix_out: place.leaf("maximum-prefix-out"),
    }
}

fn several(place: &Reader<'_>) -> Option<Several> {
    let words = [
        place.flag("addpath-tx-all").then_some(Several::All),
        place.flag("addpath-tx-per-as").then_some(Several::PerAs),
        place.leaf::<NonZeroU8>("addpath-tx-best").map(Several::Best),
    ];
    let mut set = words.into_iter().flatten();
    let several = set.next();
    if set.next().is_some() {
        place.error(
            "addpath-tx-all, addpath-tx-per-as and addpath-tx-best exclude each other; delete all but one".to_owned(),
        );
    }
    several
}

impl PeerFlow {
    fn over(&self, other: &Self) -> Self {
        Self {
            several: self.several.or(other.several),
            one_path_only: self.one_path_only || other.one_path_only,
            filter_send: self.filter_send || other.filter_send,
            filter_receive: self.filter_receive || other.filter_receive,
            maximum_prefix: self.maximum_prefix.or(other.maximum_prefix),
            threshold: self.threshold.or(other.threshold),
            warning_only: self.warning_only || other.warning_only,
            restart: self.restart.or(other.restart),
            maximum_prefix_out: self.maximum_prefix_out.or(other.maximum_prefix_out),
        }
    }
}
