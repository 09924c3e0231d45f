//! Neighbors, peer groups and listen ranges: a group's settings are folded into its members here.
//!
//! A neighbor's own leaf wins over its group's, which wins over the speaker's, which wins over the default.
//! After this nobody has to know that groups exist.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use nouns::{Asn, Family, IfName, Prefix};

use super::liveness::LivenessLeaves;
use super::paths::first_as;
use super::{
    ListenRange, LocalAs, LocalRole, Neighbor, NeighborName, PeerBfd, PeerDampening, PeerFlow, PeerFlows, PeerPolicies,
    PeerSettings, RemoteAs, RestartRole, UpdateSource, flows, lower, policies,
};
use crate::model::key_chain::{Chains, KeyChain};
use crate::model::policy::Policy;
use crate::model::reader::Reader;

/// The leaves of one neighbor or group, as far as they are set.
pub(super) struct Leaves {
    remote_as: Option<RemoteAs>,
    description: Option<String>,
    shutdown: bool,
    shutdown_message: Option<String>,
    passive: bool,
    password: Option<String>,
    key_chain: Option<KeyChain>,
    port: Option<u16>,
    timers: Timers,
    connect_retry: Option<u16>,
    advertisement_interval: Option<u16>,
    graceful_restart: Option<RestartRole>,
    ebgp_multihop: Option<u8>,
    ttl_security_hops: Option<u8>,
    update_source: Option<UpdateSource>,
    local_as: Option<LocalAs>,
    local_role: Option<LocalRole>,
    enforce_first_as: Option<bool>,
    graceful_shutdown: bool,
    dampening: Option<PeerDampening>,
    keeps_loops_back: Option<bool>,
    nexthop_self: BTreeSet<Family>,
    reflector_client: BTreeSet<Family>,
    bfd: Option<PeerBfd>,
    liveness: LivenessLeaves,
    policies: PeerPolicies,
    flows: PeerFlows,
    /// What holds when neither the neighbor nor its group says a word: port, connect timer, loop detection, interval of
    /// advertisements.
    fallback: (u16, u16, bool, u16),
    /// And what flows over its session then.
    usual_flow: PeerFlow,
}

/// What stands elsewhere and is used by its name.
#[derive(Clone, Copy)]
pub(super) struct Named<'a> {
    pub(super) policy: &'a Policy,
    pub(super) chains: &'a Chains,
}

/// Hold and keepalive time in seconds, as far as they are set.
#[derive(Clone, Copy)]
pub(super) struct Timers {
    hold_time: Option<u16>,
    keepalive: Option<u16>,
}

/// What the speaker says of timers, and behind it the defaults, which are always there.
pub(super) type SpeakerTimers = [Timers; 2];

impl Timers {
    /// `timers` of the speaker.
    pub(super) fn of_speaker(place: &Reader<'_>) -> SpeakerTimers {
        let timers = place.at("timers");
        let defaults =
            Self { hold_time: Some(timers.default_of("holdtime")), keepalive: Some(timers.default_of("keepalive")) };
        [Self::of_peer(place), defaults]
    }

    fn of_peer(place: &Reader<'_>) -> Self {
        let timers = place.at("timers");
        Self { hold_time: timers.leaf("holdtime"), keepalive: timers.leaf("keepalive") }
    }

    /// Hold and keepalive time of the first level that says so. A keepalive time from a wider level than the
    /// hold time is at most a third of it: whoever types a short hold time need not type both.
    fn fold(levels: &[Self]) -> (u16, u16) {
        let first = |read: fn(&Self) -> Option<u16>| {
            levels.iter().enumerate().find_map(|(level, timers)| Some((level, read(timers)?))).unwrap_or_default()
        };
        let (hold_level, hold_time) = first(|timers| timers.hold_time);
        let (level, keepalive) = first(|timers| timers.keepalive);
        let follows = level > hold_level && hold_time > 0;
        (hold_time, if follows { keepalive.min(hold_time / 3).max(1) } else { keepalive })
    }
}

/// `peer-group <name>`
pub(super) fn groups(place: &Reader<'_>, named: Named<'_>) -> BTreeMap<String, Leaves> {
    place.instances("peer-group").into_iter().map(|(name, place)| (name, leaves(&place, named))).collect()
}

/// Neighbors by their address, and those by their interface.
pub(super) type Neighbors = (BTreeMap<IpAddr, Neighbor>, BTreeMap<IfName, Neighbor>);

/// `neighbor <address>` and `neighbor <interface>`
pub(super) fn neighbors(
    place: &Reader<'_>,
    groups: &BTreeMap<String, Leaves>,
    speaker: SpeakerTimers,
    named: Named<'_>,
) -> Neighbors {
    let mut all = Neighbors::default();
    for (name, place) in place.instances::<NeighborName>("neighbor") {
        let interface = place.at("interface");
        let only = interface.at("v6only");
        // Sessions of interfaces run over link-local addresses anyway.
        let by_interface = place.is_set("interface") | interface.is_set("v6only");
        let of_interface = [&interface, &only];
        match name {
            NeighborName::Address(address) => {
                if by_interface {
                    place.error("interface is for neighbors that are named by one; delete it, or name the neighbor by its interface".to_owned());
                } else if let Some(neighbor) = neighbor(&place, &[], groups, speaker, named) {
                    all.0.insert(address, neighbor);
                }
            }
            NeighborName::Interface(name) => {
                if let Some(neighbor) = neighbor(&place, &of_interface, groups, speaker, named) {
                    all.1.insert(name, neighbor);
                }
            }
        }
    }
    all
}

fn neighbor(
    place: &Reader<'_>,
    of_interface: &[&Reader<'_>],
    groups: &BTreeMap<String, Leaves>,
    speaker: SpeakerTimers,
    named: Named<'_>,
) -> Option<Neighbor> {
    let mut own = leaves(place, named);
    let mut name: Option<String> = place.leaf("peer-group");
    for place in of_interface {
        let (remote_as, group) = (place.leaf("remote-as"), place.leaf("peer-group"));
        own.remote_as = own.remote_as.or(remote_as);
        name = name.or(group);
    }
    let group = match &name {
        Some(name) => Some(known_group(place, groups, name)?),
        None => None,
    };
    let remote_as = match (own.remote_as, group.and_then(|group| group.remote_as)) {
        (Some(_), Some(_)) => {
            place.error(
                "remote-as should not be defined in both neighbor and peer-group; delete one of them".to_owned(),
            );
            return None;
        }
        (None, None) => {
            place.error("must set remote-as or peer-group with remote-as defined".to_owned());
            return None;
        }
        (Some(remote_as), None) | (None, Some(remote_as)) => remote_as,
    };
    let settings = own.over(group, remote_as, speaker);
    if settings.liveness.is_none() && own.liveness.has_pace() {
        place.at("liveness").error("must set one of arp, icmp and tcp".to_owned());
    }
    Some(Neighbor { settings, group: name })
}

/// `listen range <net> peer-group <name>`
pub(super) fn listen_ranges(
    listen: &Reader<'_>,
    groups: &BTreeMap<String, Leaves>,
    speaker: SpeakerTimers,
) -> BTreeMap<Prefix, ListenRange> {
    let instances = listen.instances::<Prefix>("range").into_iter();
    instances.filter_map(|(prefix, place)| Some((prefix, listen_range(&place, groups, speaker)?))).collect()
}

fn listen_range(place: &Reader<'_>, groups: &BTreeMap<String, Leaves>, speaker: SpeakerTimers) -> Option<ListenRange> {
    let Some(name) = place.leaf::<String>("peer-group") else {
        place.error("must set a peer-group, whose settings the members of the range take".to_owned());
        return None;
    };
    let group = known_group(place, groups, &name)?;
    let Some(remote_as) = group.remote_as else {
        place.error(format!("peer-group \"{name}\" must set remote-as, because the listen range uses it"));
        return None;
    };
    Some(ListenRange { settings: group.over(None, remote_as, speaker), group: name, limit: place.leaf("limit") })
}

fn known_group<'g>(place: &Reader<'_>, groups: &'g BTreeMap<String, Leaves>, name: &str) -> Option<&'g Leaves> {
    let group = groups.get(name);
    if group.is_none() {
        place.error(format!("peer-group \"{name}\" does not exist; set it, or delete this use of it"));
    }
    group
}

fn leaves(place: &Reader<'_>, named: Named<'_>) -> Leaves {
    let timers = place.at("timers");
    let local_as = place.instances::<Asn>("local-as").into_iter().next();
    let loops = "sender-as-path-loop-detection";
    // Nobody asks whether a neighbor is on a connected network; the word is known so that files of others load.
    let _ = place.flag("disable-connected-check");
    if place.is_set("password") && place.is_set("key-chain") {
        place.error("you can't set both password and key-chain; delete one of them".to_owned());
    }
    Leaves {
        remote_as: place.leaf("remote-as"),
        description: place.leaf("description"),
        shutdown: place.flag("shutdown"),
        shutdown_message: place.leaf("shutdown-message"),
        passive: place.flag("passive"),
        password: place.leaf("password"),
        key_chain: place.leaf("key-chain").map(|name| chain(place, name, named)),
        port: place.leaf("port"),
        timers: Timers::of_peer(place),
        connect_retry: timers.leaf("connect"),
        advertisement_interval: place.leaf("advertisement-interval"),
        graceful_restart: place.leaf("graceful-restart"),
        ebgp_multihop: place.leaf("ebgp-multihop"),
        ttl_security_hops: place.at("ttl-security").leaf("hops"),
        update_source: place.leaf("update-source"),
        local_as: local_as.map(|(asn, place)| LocalAs {
            asn,
            no_prepend: place.is_set("no-prepend"),
            replace_as: place.at("no-prepend").flag("replace-as"),
        }),
        local_role: LocalRole::read(place),
        enforce_first_as: first_as(place),
        graceful_shutdown: place.flag("graceful-shutdown"),
        dampening: dampening(&place.at("dampening")),
        keeps_loops_back: place.leaf::<String>(loops).map(|word| word == "enable"),
        nexthop_self: flagged(place, "nexthop-self"),
        reflector_client: flagged(place, "route-reflector-client"),
        bfd: bfd(place),
        liveness: LivenessLeaves::read(place),
        policies: policies::policies(place, named.policy),
        flows: flows::flows(place),
        fallback: (
            place.default_of("port"),
            timers.default_of("connect"),
            place.default_of::<String>(loops) == "enable",
            place.default_of("advertisement-interval"),
        ),
        usual_flow: flows::default(place),
    }
}

/// A chain without keys would leave the connection open to anybody, so it is a fault of whoever uses it.
fn chain(place: &Reader<'_>, name: String, named: Named<'_>) -> KeyChain {
    let keys = named.chains.get(&name).cloned().unwrap_or_default();
    if keys.is_empty() {
        place.error(format!(
            "key-chain {name} has no key; set protocols key-chain {name} key, or delete this use of it"
        ));
    }
    KeyChain { name, keys }
}

/// The families in which a flag is set.
fn flagged(place: &Reader<'_>, word: &'static str) -> BTreeSet<Family> {
    each_family(place, |place| place.flag(word).then_some(())).map(|(family, ())| family).collect()
}

/// What a leaf says for each family: the neighbor's own leaf is IPv4's, as it is spelled since Vyatta, unless
/// `address-family ipv4-unicast` says otherwise.
fn each_family<T>(place: &Reader<'_>, read: impl Fn(&Reader<'_>) -> Option<T>) -> impl Iterator<Item = (Family, T)> {
    let families = place.at("address-family");
    // Both families are always offered, and received routes are always kept: the words are known for files of others.
    for word in ["ipv4-unicast", "ipv6-unicast"] {
        let _ = families.is_set(word);
        let _ = families.at(word).at("soft-reconfiguration").flag("inbound");
    }
    let _ = place.at("soft-reconfiguration").flag("inbound");
    let _ = place.at("capability").flag("extended-nexthop");
    let own = read(place);
    let of_v4 = read(&families.at("ipv4-unicast"));
    let v4 = of_v4.or(own).map(|value| (Family::Ipv4Unicast, value));
    let v6 = read(&families.at("ipv6-unicast")).map(|value| (Family::Ipv6Unicast, value));
    v4.into_iter().chain(v6)
}

fn dampening(place: &Reader<'_>) -> Option<PeerDampening> {
    let own = lower::dampening(place).map(PeerDampening::Own);
    if place.flag("disable") { Some(PeerDampening::Off) } else { own }
}

fn bfd(place: &Reader<'_>) -> Option<PeerBfd> {
    let is_set = place.is_set("bfd");
    let place = place.at("bfd");
    let bfd = PeerBfd {
        profile: place.leaf("profile"),
        check_control_plane_failure: place.flag("check-control-plane-failure"),
    };
    is_set.then_some(bfd)
}

impl Leaves {
    /// The effective settings: these leaves over a group's over the speaker's.
    fn over(&self, group: Option<&Self>, remote_as: RemoteAs, speaker: SpeakerTimers) -> PeerSettings {
        let none = Timers { hold_time: None, keepalive: None };
        let [speaker, default] = speaker;
        let (hold_time, keepalive) =
            Timers::fold(&[self.timers, group.map_or(none, |group| group.timers), speaker, default]);
        // Whoever has a password of its own does not have the chain of its group.
        let signed = group.filter(|_| self.password.is_none() && self.key_chain.is_none()).unwrap_or(self);
        let mut nexthop_self = group.map(|group| group.nexthop_self.clone()).unwrap_or_default();
        nexthop_self.extend(&self.nexthop_self);
        let mut reflector_client = group.map(|group| group.reflector_client.clone()).unwrap_or_default();
        reflector_client.extend(&self.reflector_client);
        PeerSettings {
            remote_as,
            description: self.or(group, |leaves| leaves.description.clone()),
            shutdown: self.shutdown || group.is_some_and(|group| group.shutdown),
            shutdown_message: self.or(group, |leaves| leaves.shutdown_message.clone()),
            passive: self.passive || group.is_some_and(|group| group.passive),
            password: signed.password.clone(),
            key_chain: signed.key_chain.clone(),
            port: self.or(group, |leaves| leaves.port).unwrap_or(self.fallback.0),
            hold_time,
            keepalive,
            connect_retry: self.or(group, |leaves| leaves.connect_retry).unwrap_or(self.fallback.1),
            advertisement_interval: self.or(group, |leaves| leaves.advertisement_interval).unwrap_or(self.fallback.3),
            graceful_restart: self.or(group, |leaves| leaves.graceful_restart),
            ebgp_multihop: self.or(group, |leaves| leaves.ebgp_multihop),
            ttl_security_hops: self.or(group, |leaves| leaves.ttl_security_hops),
            update_source: self.or(group, |leaves| leaves.update_source.clone()),
            local_as: self.or(group, |leaves| leaves.local_as),
            local_role: self.or(group, |leaves| leaves.local_role),
            enforce_first_as: self.or(group, |leaves| leaves.enforce_first_as),
            graceful_shutdown: self.graceful_shutdown || group.is_some_and(|group| group.graceful_shutdown),
            dampening: self.or(group, |leaves| leaves.dampening),
            keeps_loops_back: self.or(group, |leaves| leaves.keeps_loops_back).unwrap_or(self.fallback.2),
            nexthop_self,
            reflector_client,
            bfd: self.bfd(group),
            liveness: self.liveness.over(group.map(|group| group.liveness)),
            policies: group.map_or_else(|| self.policies.clone(), |group| self.policies.over(&group.policies)),
            flows: self.flows.over(group.map(|group| &group.flows), &self.usual_flow),
        }
    }

    fn bfd(&self, group: Option<&Self>) -> Option<PeerBfd> {
        let (own, group) = (self.bfd.as_ref(), group.and_then(|group| group.bfd.as_ref()));
        let levels = || own.into_iter().chain(group);
        (own.is_some() || group.is_some()).then(|| PeerBfd {
            profile: levels().find_map(|bfd| bfd.profile.clone()),
            check_control_plane_failure: levels().any(|bfd| bfd.check_control_plane_failure),
        })
    }

    fn or<T>(&self, group: Option<&Self>, leaf: impl Fn(&Self) -> Option<T>) -> Option<T> {
        leaf(self).or_else(|| group.and_then(leaf))
    }
}
