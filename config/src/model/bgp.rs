//! `protocols bgp <asn> …`, with peer groups already folded into their members.
//!
//! Never knows a session's state; it is the wish that the sessions are held against.

mod flows;
mod liveness;
mod lower;
mod paths;
mod peers;
mod policies;
mod seeing;
mod settings;

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr};
use std::str::FromStr;

use nouns::{Asn, Family, IfName, IfNameError, Prefix};

pub use flows::{PeerFlow, PeerFlows};
pub use liveness::{Liveness, Probe};
pub(super) use lower::lower;
pub use paths::{LocalRole, Mute, PathRules, RemovePrivate, Role, RoleError, Unchanged};
pub use seeing::{BmpTarget, Dump, Dumps, MonitoredView};
pub use settings::{
    Conditional, DefaultOriginate, LocalAs, PeerBfd, PeerPolicies, PeerPolicy, PeerSettings, RemoteAs, RemoteAsError,
    UpdateSource,
};

/// `protocols bgp <asn>`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bgp {
    /// The local autonomous system.
    pub asn: Asn,
    /// `parameters router-id`; without it the engine takes the highest loopback, then the highest other IPv4 address.
    pub router_id: Option<Ipv4Addr>,
    /// `parameters cluster-id` (RFC 4456 §7); without it the router id.
    pub cluster_id: Option<Ipv4Addr>,
    /// `parameters confederation`
    pub confederation: Option<Confederation>,
    /// Routes of clients go to other clients unless `parameters no-client-to-client-reflection` is set.
    pub client_to_client: bool,
    /// `parameters ebgp-requires-policy`, enabled by default (RFC 8212).
    pub ebgp_requires_policy: bool,
    /// `parameters enforce-first-as`, in force unless disabled; neighbors may say otherwise.
    pub enforce_first_as: bool,
    /// `parameters reject-as-sets`, in force unless disabled (RFC 9774).
    pub reject_as_sets: bool,
    /// `parameters allow-martian-nexthop`
    pub allow_martian_nexthop: bool,
    /// `parameters graceful-shutdown` (RFC 8326): traffic of all neighbors shall move away.
    pub graceful_shutdown: bool,
    /// `parameters dampening`: all four of its words, or none.
    pub dampening: Option<Dampening>,
    /// `parameters default local-pref`, 100 by default.
    pub default_local_pref: u32,
    /// Session changes go to the log unless `parameters no-log-neighbor-changes` is set.
    pub log_neighbor_changes: bool,
    /// `parameters graceful-restart`
    pub graceful_restart: GracefulRestart,
    /// `parameters always-compare-med`
    pub always_compare_med: bool,
    /// `parameters bestpath as-path multipath-relax`
    pub multipath_relax: bool,
    /// `parameters bestpath bandwidth`
    pub bandwidth: Bandwidth,
    /// What else `parameters bestpath` says.
    pub best_path: BestPath,
    /// `parameters no-fib-install`: routes of BGP are decided and announced, and go into no route table.
    pub no_fib_install: bool,
    /// `table-map` of each family: what goes into the route table.
    pub table_maps: BTreeMap<Family, String>,
    /// `parameters limit`
    pub limits: Limits,
    /// `parameters distance global external`, 20 by default.
    pub distance_external: u8,
    /// `parameters distance global internal`, 200 by default.
    pub distance_internal: u8,
    /// `maximum-paths ebgp`, 64 by default.
    pub maximum_paths_ebgp: u16,
    /// `maximum-paths ibgp`, 64 by default.
    pub maximum_paths_ibgp: u16,
    /// `neighbor <address>`
    pub neighbors: BTreeMap<IpAddr, Neighbor>,
    /// `neighbor <interface> interface …`
    pub interfaces: BTreeMap<IfName, Neighbor>,
    /// Names of the `peer-group`s, for reference.
    pub groups: BTreeSet<String>,
    /// `listen range <net> peer-group <name>`
    pub listen_ranges: BTreeMap<Prefix, ListenRange>,
    /// `listen limit`, 100 by default: how many dynamic neighbors may exist.
    pub listen_limit: u32,
    /// `network <net>` of both families, each with its `route-map` if given.
    pub networks: BTreeMap<Prefix, Option<String>>,
    /// `aggregate-address <net>` of both families.
    pub aggregates: BTreeMap<Prefix, Aggregate>,
    /// `redistribute <source>` of each family.
    pub redistribute: BTreeMap<(Family, RedistributeSource), Redistribute>,
    /// `bmp target <name>`
    pub bmp: BTreeMap<String, BmpTarget>,
    /// `dump`
    pub dumps: Dumps,
}

/// `aggregate-address <net>`
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Aggregate {
    /// `as-set`: its AS path tells those of the routes that it covers.
    pub as_set: bool,
    /// `summary-only`: these are not announced beside it.
    pub summary_only: bool,
    /// `route-map`
    pub route_map: Option<String>,
}

/// `redistribute <source>`
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Redistribute {
    /// `metric`
    pub metric: Option<u32>,
    /// `route-map`
    pub route_map: Option<String>,
}

/// `parameters confederation`: several ASes that look like one from outside (RFC 5065).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Confederation {
    /// `identifier`: the AS that others see.
    pub identifier: Asn,
    /// `peers`: the other members.
    pub members: BTreeSet<Asn>,
}

impl Bgp {
    /// Whether a neighbor is in another member of the confederation.
    #[must_use]
    pub fn is_member(&self, remote_as: RemoteAs) -> bool {
        let confederation = self.confederation.as_ref();
        match remote_as {
            RemoteAs::Asn(asn) => asn != self.asn && confederation.is_some_and(|all| all.members.contains(&asn)),
            RemoteAs::Internal | RemoteAs::External => false,
        }
    }

    /// Whether a neighbor is neither in this AS nor in the confederation.
    #[must_use]
    pub fn is_external(&self, remote_as: RemoteAs) -> bool {
        !remote_as.is_internal(self.asn) && !self.is_member(remote_as)
    }

    /// The numbers by which the routes of a neighbor are damped, if they are: its own before the speaker's. Routes of
    /// this AS are not damped, as they come and go with others.
    #[must_use]
    pub fn dampening_of(&self, settings: &PeerSettings) -> Option<Dampening> {
        match settings.dampening {
            Some(PeerDampening::Off) => None,
            Some(PeerDampening::Own(own)) => Some(own),
            None => self.dampening,
        }
    }

    /// The AS that those outside see.
    #[must_use]
    pub fn public_as(&self) -> Asn {
        self.confederation.as_ref().map_or(self.asn, |confederation| confederation.identifier)
    }

    /// Whether two differ in their neighbors at most.
    #[must_use]
    pub fn same_speaker(&self, other: &Self) -> bool {
        // Field by field, since a copy without neighbors would first copy them; a new field does not compile unless it
        // stands here.
        let Self {
            asn,
            router_id,
            cluster_id,
            confederation,
            client_to_client,
            ebgp_requires_policy,
            enforce_first_as,
            reject_as_sets,
            allow_martian_nexthop,
            graceful_shutdown,
            dampening,
            default_local_pref,
            log_neighbor_changes,
            graceful_restart,
            always_compare_med,
            multipath_relax,
            bandwidth,
            best_path,
            no_fib_install,
            table_maps,
            limits,
            distance_external,
            distance_internal,
            maximum_paths_ebgp,
            maximum_paths_ibgp,
            groups,
            listen_ranges,
            listen_limit,
            networks,
            aggregates,
            redistribute,
            // Collectors and dump files are no concern of peers.
            bmp: _,
            dumps: _,
            neighbors: _,
            interfaces: _,
        } = self;
        *asn == other.asn
            && *router_id == other.router_id
            && *cluster_id == other.cluster_id
            && *confederation == other.confederation
            && *client_to_client == other.client_to_client
            && *ebgp_requires_policy == other.ebgp_requires_policy
            && *enforce_first_as == other.enforce_first_as
            && *reject_as_sets == other.reject_as_sets
            && *allow_martian_nexthop == other.allow_martian_nexthop
            && *graceful_shutdown == other.graceful_shutdown
            && *dampening == other.dampening
            && *default_local_pref == other.default_local_pref
            && *log_neighbor_changes == other.log_neighbor_changes
            && *graceful_restart == other.graceful_restart
            && *always_compare_med == other.always_compare_med
            && *multipath_relax == other.multipath_relax
            && *bandwidth == other.bandwidth
            && *best_path == other.best_path
            && *no_fib_install == other.no_fib_install
            && *table_maps == other.table_maps
            && *limits == other.limits
            && *distance_external == other.distance_external
            && *distance_internal == other.distance_internal
            && *maximum_paths_ebgp == other.maximum_paths_ebgp
            && *maximum_paths_ibgp == other.maximum_paths_ibgp
            && *groups == other.groups
            && *listen_ranges == other.listen_ranges
            && *listen_limit == other.listen_limit
            && *networks == other.networks
            && *aggregates == other.aggregates
            && *redistribute == other.redistribute
    }
}

/// `parameters bestpath bandwidth`: what link bandwidth communities do to paths that share the load.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Bandwidth {
    /// Without the word: they share by bandwidth where all of them tell one, else equally.
    #[default]
    All,
    /// `ignore`: they share equally.
    Ignore,
    /// `skip-missing`: those that tell none get nothing, unless all tell none.
    SkipMissing,
    /// `default-weight-for-missing`: those that tell none get the least.
    DefaultWeightForMissing,
}

/// What `parameters bestpath` says of single steps of the decision.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BestPath {
    /// `as-path ignore`
    pub ignore_length: bool,
    /// `as-path confed`
    pub count_confederation: bool,
    /// `med confed`
    pub med_in_confederation: bool,
    /// `med missing-as-worst`
    pub missing_med_is_worst: bool,
    /// `peer-type multipath-relax`
    pub mixed_multipath: bool,
}

/// `parameters dampening` (RFC 2439).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dampening {
    /// `half-life` in minutes.
    pub half_life: u8,
    /// `re-use`: a penalty.
    pub reuse: u16,
    /// `start-suppress-time`: a penalty, whatever the word says.
    pub start_suppress: u16,
    /// `max-suppress-time` in minutes.
    pub max_suppress: u8,
}

/// `dampening` of a neighbor or its group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PeerDampening {
    /// `disable`: its routes are used however they flap, whatever numbers stand beside it.
    Off,
    /// Numbers of its own.
    Own(Dampening),
}

/// `parameters limit`: how much all neighbors together may make the router keep.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// `paths`: of both families, refused ones too.
    pub paths: Option<u32>,
    /// `memory` in MiB; without it a share of what the machine has.
    pub memory: Option<u32>,
}

/// Where redistributed routes come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum RedistributeSource {
    /// Networks of the router's own interfaces.
    Connected,
    /// Routes that somebody else put into the kernel.
    Kernel,
    /// `protocols static`
    Static,
}

/// `parameters graceful-restart` (RFC 4724): what holds for all sessions, and which part they take unless they say so
/// themselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GracefulRestart {
    /// `Disable` after `graceful-restart disable`, else `Enable`.
    pub role: RestartRole,
    /// `restart-time` in seconds, 120 by default: how long neighbors are asked to keep our routes.
    pub restart_time: u16,
    /// `long-lived stale-time` in seconds: how long neighbors are asked to keep our routes after that, and whether theirs
    /// are kept as they ask (RFC 9494).
    pub long_lived: Option<u32>,
    /// `long-lived partial-deployment`: internal neighbors that know nothing of it hear of such routes, too.
    pub partial_deployment: bool,
    /// `select-defer-time` in seconds, 300 by default: the longest that after a restart the routes of the kernel stay
    /// as they were, and that those who keep our routes wait for the new ones.
    pub select_defer_time: u16,
    /// `stalepath-time` in seconds, 360 by default: the longest that a helper keeps stale routes.
    pub stalepath_time: u16,
}

/// `neighbor X graceful-restart {enable|disable|restart-helper}`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RestartRole {
    /// Both sides keep routes for the other.
    Enable,
    /// Nothing is kept, and nothing is asked for.
    Disable,
    /// Routes of the neighbor are kept; it is not asked to keep ours.
    RestartHelper,
}

/// `neighbor <address>`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Neighbor {
    /// The group that it takes settings from.
    pub group: Option<String>,
    /// The effective settings: own leaves over the group's over the defaults.
    pub settings: PeerSettings,
}

/// `neighbor`: an address, or the interface that it is found on.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum NeighborName {
    /// Its address.
    Address(IpAddr),
    /// Its interface.
    Interface(IfName),
}

impl FromStr for NeighborName {
    type Err = IfNameError;

    fn from_str(text: &str) -> Result<Self, IfNameError> {
        match text.parse() {
            Ok(address) => Ok(Self::Address(address)),
            Err(_) => text.parse().map(Self::Interface),
        }
    }
}

/// `listen range <net>`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListenRange {
    /// The group that members take their settings from.
    pub group: String,
    /// `limit`: how many members there may be; within `listen limit` in any case.
    pub limit: Option<u32>,
    /// The group's effective settings.
    pub settings: PeerSettings,
}

/// Why a text is not a part in graceful restart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not 'enable', 'disable' or 'restart-helper'")]
pub struct RestartRoleError;

impl FromStr for RestartRole {
    type Err = RestartRoleError;

    fn from_str(text: &str) -> Result<Self, RestartRoleError> {
        match text {
            "enable" => Ok(Self::Enable),
            "disable" => Ok(Self::Disable),
            "restart-helper" => Ok(Self::RestartHelper),
            _ => Err(RestartRoleError),
        }
    }
}
