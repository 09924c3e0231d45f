//! What a rule of a route map does to a route.
//!
//! Never decides whether the route is accepted.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use bgp_wire::attribute::{Aggregator, ExtendedCommunity, LargeCommunity, Origin, PathAttributes, ThinVec};
use nouns::{Asn, Family};

use super::lists::CommunityList;
use super::{Draft, Subject};

/// One change.
#[derive(Clone, Debug)]
pub enum Change {
    /// AGGREGATOR
    Aggregator(Aggregator),
    /// These numbers leave the path.
    ExcludeAs(Vec<Asn>),
    /// These numbers come in front, the first one outermost.
    PrependAs(Vec<Asn>),
    /// The first number of the path comes in front so often.
    PrependLastAs(u8),
    /// ATOMIC_AGGREGATE
    AtomicAggregate,
    /// What the list permits, one by one, goes.
    DeleteCommunities(Arc<CommunityList<u32>>),
    /// These communities, in place of the others or (`true`) besides them.
    Communities(Vec<u32>, bool),
    /// The link bandwidth community, in place of any other of its kind (draft-ietf-idr-linkbandwidth).
    Bandwidth(ExtendedCommunity),
    /// The same by what the paths that share the load have; nothing where nobody looked at them, or none of them tells.
    SharedBandwidth {
        /// The AS that says so.
        asn: Asn,
        /// Octets a second for each path, or what they tell themselves.
        each: Option<u64>,
        /// Other ASes hear of it.
        transitive: bool,
    },
    /// All of them go.
    NoExtendedCommunities,
    /// These join the others.
    ExtendedCommunities(Vec<[u8; 8]>),
    /// What the list permits, one by one, goes.
    DeleteLargeCommunities(Arc<CommunityList<LargeCommunity>>),
    /// These large communities, in place of the others or (`true`) besides them.
    LargeCommunities(Vec<LargeCommunity>, bool),
    /// LOCAL_PREF
    LocalPreference(u32),
    /// MULTI_EXIT_DISC
    Metric(MetricChange),
    /// The next hop of routes of a family.
    NextHop(Family, NextHopChange),
    /// ORIGIN
    Origin(Origin),
    /// ORIGINATOR_ID; what another AS hears has none (RFC 4456 §8).
    OriginatorId(Ipv4Addr),
    /// The administrative distance.
    Distance(u8),
    /// The tag.
    Tag(u32),
    /// The weight.
    Weight(u32),
}

/// How a metric changes; a missing one counts as 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MetricChange {
    /// It becomes this.
    To(u32),
    /// It grows, up to the greatest value.
    Plus(u32),
    /// It shrinks, down to 0.
    Minus(u32),
}

/// Which next hop a policy wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NextHopChange {
    /// This address.
    Address(IpAddr),
    /// On import the neighbor's address, on export ours towards it.
    PeerAddress,
    /// Ours.
    ThisRouter,
    /// The one that the route came with, whatever the session would do.
    Unchanged,
}

impl Change {
    pub(super) fn apply(&self, subject: &Subject<'_>, draft: &mut Draft<'_>) {
        match self {
            Self::NextHop(family, change) => {
                if *family == subject.prefix.family() {
                    draft.next_hop = Some(*change);
                }
            }
            Self::Distance(distance) => draft.marks.distance = Some(*distance),
            Self::Tag(tag) => draft.marks.tag = *tag,
            Self::Weight(weight) => draft.marks.weight = *weight,
            Self::SharedBandwidth { asn, each, transitive } => {
                let rate = subject.shares.and_then(|shares| shares.rate(*each));
                if let Some(rate) = rate {
                    let community = ExtendedCommunity::link_bandwidth(*asn, rate, *transitive);
                    Self::Bandwidth(community).change(draft.attributes.to_mut());
                }
            }
            attribute => {
                draft.set_med |= matches!(attribute, Self::Metric(_));
                attribute.change(draft.attributes.to_mut());
            }
        }
    }

    fn change(&self, attributes: &mut PathAttributes) {
        match self {
            Self::Aggregator(aggregator) => attributes.aggregator = Some(*aggregator),
            Self::ExcludeAs(numbers) => attributes.as_path.retain(|asn| !numbers.contains(&asn)),
            Self::PrependAs(numbers) => numbers.iter().rev().for_each(|asn| attributes.as_path.prepend(*asn)),
            Self::PrependLastAs(times) => {
                if let Some(first) = attributes.as_path.first() {
                    (0..*times).for_each(|_| attributes.as_path.prepend(first));
                }
            }
            Self::AtomicAggregate => attributes.atomic_aggregate = true,
            Self::DeleteCommunities(list) => attributes.communities.retain(|one| !list.permits(&[*one], false)),
            Self::Communities(values, additive) => join(&mut attributes.communities, values, *additive),
            Self::Bandwidth(community) => {
                attributes.extended_communities.retain(|one| ExtendedCommunity(*one).bandwidth().is_none());
                join(&mut attributes.extended_communities, &[community.0], true);
            }
            Self::NoExtendedCommunities => attributes.extended_communities.clear(),
            Self::ExtendedCommunities(values) => join(&mut attributes.extended_communities, values, true),
            Self::DeleteLargeCommunities(list) => {
                attributes.large_communities.retain(|one| !list.permits(&[*one], false));
            }
            Self::LargeCommunities(values, additive) => join(&mut attributes.large_communities, values, *additive),
            Self::LocalPreference(value) => attributes.local_pref = Some(*value),
            Self::Metric(change) => {
                let med = attributes.med.unwrap_or(0);
                attributes.med = Some(match change {
                    MetricChange::To(value) => *value,
                    MetricChange::Plus(more) => med.saturating_add(*more),
                    MetricChange::Minus(less) => med.saturating_sub(*less),
                });
            }
            Self::Origin(origin) => attributes.origin = *origin,
            Self::OriginatorId(id) => attributes.originator_id = Some(*id),
            Self::NextHop(..) | Self::SharedBandwidth { .. } | Self::Distance(_) | Self::Tag(_) | Self::Weight(_) => {}
        }
    }
}

/// The lists of a route stay sorted and without doubles.
fn join<T: Copy + Ord>(list: &mut ThinVec<T>, values: &[T], additive: bool) {
    if !additive {
        list.clear();
    }
    list.extend_from_slice(values);
    list.sort_unstable();
    list.dedup();
}
