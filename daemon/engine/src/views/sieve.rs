//! Which paths of a table somebody wants to see: `show ip bgp community 64512:100` and the like.
//!
//! Lists and maps are those that run, looked up once; never compiles anything for each path.

use std::net::IpAddr;
use std::sync::Arc;

use api::ApiError;
use bgp::policy::{Chain, CommunityList, Draft, PathList, Source, Subject};
use bgp_wire::attribute::LargeCommunity;
use config::model::policy::Filters;
use grammar::commands::TableFilter;
use grammar::value::PolicyList;
use nouns::{Family, Pattern, Prefix};
use rib::bgp_table::Path;

use super::bgp::default_local_pref;
use super::{policy, route};
use crate::engine::Engine;

/// What has to hold of a path, ready to be asked.
#[derive(Debug)]
pub(crate) enum Sieve {
    All,
    CidrOnly,
    Within(Prefix),
    /// All of these, sorted; `true`: and no others.
    Communities(Vec<u32>, bool),
    LargeCommunities(Vec<LargeCommunity>, bool),
    CommunityList(Arc<CommunityList<u32>>, bool),
    LargeCommunityList(Arc<CommunityList<LargeCommunity>>, bool),
    Regexp(PathList),
    /// Lists and a map, with the local preference of paths that have none.
    Chain(Chain, u32),
}

impl Sieve {
    pub(crate) fn new(engine: &Engine, family: Family, filter: &TableFilter) -> Result<Self, ApiError> {
        let known = |list, name: &str| policy::known(engine, list, name);
        let chain = |filters: Filters| Self::Chain(engine.policies.chain(family, &filters), default_local_pref(engine));
        let prefix_lists = match family {
            Family::Ipv4Unicast => PolicyList::PrefixList,
            Family::Ipv6Unicast => PolicyList::PrefixList6,
        };
        Ok(match filter {
            TableFilter::All => Self::All,
            TableFilter::CidrOnly => Self::CidrOnly,
            TableFilter::LongerPrefixes(within) => Self::Within(*within),
            TableFilter::Communities { values, exact } => Self::Communities(sorted(values.iter().copied()), *exact),
            TableFilter::LargeCommunities { values, exact } => {
                Self::LargeCommunities(sorted(values.iter().map(|[a, b, c]| LargeCommunity(*a, *b, *c))), *exact)
            }
            TableFilter::CommunityList { name, exact } => {
                known(PolicyList::CommunityList, name)?;
                Self::CommunityList(engine.policies.community_list(name), *exact)
            }
            TableFilter::LargeCommunityList { name, exact } => {
                known(PolicyList::LargeCommunityList, name)?;
                Self::LargeCommunityList(engine.policies.large_community_list(name), *exact)
            }
            TableFilter::AsPathList(name) => {
                known(PolicyList::AsPathList, name)?;
                chain(Filters { filter_list: Some(name.clone()), ..Filters::default() })
            }
            TableFilter::PrefixList(name) => {
                known(prefix_lists, name)?;
                chain(Filters { prefix_list: Some(name.clone()), ..Filters::default() })
            }
            TableFilter::RouteMap(name) => {
                known(PolicyList::RouteMap, name)?;
                chain(Filters { route_map: Some(name.clone()), ..Filters::default() })
            }
            TableFilter::Regexp(text) => {
                let pattern: Pattern =
                    text.parse().map_err(|error| ApiError::new("bad-regexp", format!("'{text}' is {error}")))?;
                Self::Regexp(PathList::new("", vec![(1, true, pattern)]))
            }
        })
    }

    /// The destination at which a walk may begin; none for the first one.
    pub(crate) fn begins_at(&self) -> Option<Prefix> {
        match self {
            Self::Within(within) => Some(*within),
            _ => None,
        }
    }

    /// Whether nothing can pass from this destination on.
    pub(crate) fn ends_before(&self, prefix: Prefix) -> bool {
        matches!(self, Self::Within(within) if !within.covers(prefix))
    }

    /// What can be said of the destination alone.
    pub(crate) fn lets_prefix_through(&self, prefix: Prefix) -> bool {
        match self {
            Self::CidrOnly => !is_classful(prefix),
            Self::Within(within) => within.covers(prefix),
            _ => true,
        }
    }

    /// Whether a path is shown.
    pub(crate) fn lets_through(&self, engine: &Engine, prefix: Prefix, path: &Path) -> bool {
        let attributes = path.attributes();
        match self {
            Self::All | Self::CidrOnly | Self::Within(_) => true,
            Self::Communities(wanted, exact) => has(&attributes.communities, wanted, *exact),
            Self::LargeCommunities(wanted, exact) => has(&attributes.large_communities, wanted, *exact),
            Self::CommunityList(list, exact) => list.permits(&attributes.communities, *exact),
            Self::LargeCommunityList(list, exact) => list.permits(&attributes.large_communities, *exact),
            Self::Regexp(list) => list.permits(&attributes.as_path),
            Self::Chain(chain, default_local_pref) => {
                let own = path.is_local();
                let source = if own { engine.own_source(prefix) } else { Source::Bgp };
                let peer = engine.peers.get(path.peer()).map(|peer| peer.address);
                let validity = engine.validity_of(path, prefix);
                let path_validity = engine.path_validity_of(path);
                let subject = Subject {
                    prefix,
                    source,
                    peer,
                    interface: None,
                    nowhere: false,
                    validity,
                    path_validity,
                    shares: None,
                };
                chain.apply(&subject, &mut Draft::new(attributes, path.marks(), *default_local_pref)).is_ok()
            }
        }
    }
}

fn sorted<T: Ord>(values: impl Iterator<Item = T>) -> Vec<T> {
    let mut values: Vec<T> = values.collect();
    values.sort_unstable();
    values.dedup();
    values
}

/// Communities of a path are sorted.
fn has<T: Ord>(communities: &[T], wanted: &[T], exact: bool) -> bool {
    if exact { communities == wanted } else { wanted.iter().all(|one| communities.binary_search(one).is_ok()) }
}

/// As long as the network of its class; the default route belongs to none.
fn is_classful(prefix: Prefix) -> bool {
    match prefix.address() {
        IpAddr::V4(address) => prefix.length() == route::class_of(address),
        IpAddr::V6(_) => false,
    }
}
