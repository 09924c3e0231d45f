//! Lowering: from `set` lines to types, and that every word of the schema is read.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test may fail loudly"
)]

use std::collections::BTreeSet;

use grammar::schema::{self, Shape};
use nouns::{Family, Several};

use super::bgp::{
    GracefulRestart, Limits, Liveness, LocalAs, LocalRole, Mute, PathRules, PeerBfd, PeerFlow, PeerFlows, PeerPolicies,
    PeerSettings, Probe, Redistribute, RedistributeSource, RemoteAs, RemovePrivate, RestartRole, Role, Unchanged,
    UpdateSource,
};
use super::*;
use crate::fixtures::{PATHS, tree};

/// The model of good lines.
fn model(lines: &str) -> Model {
    let (model, errors) = Model::lower(&tree(lines));
    assert_eq!(errors, Vec::new());
    model
}

fn neighbor(lines: &str) -> PeerSettings {
    let bgp = model(lines).bgp.unwrap();
    bgp.neighbors.values().next().unwrap().settings.clone()
}

/// The words of everything that somebody has to read: leaves, tags, and inner nodes that mean something alone.
fn words_to_read(place: &schema::Node, above: &str, words: &mut BTreeSet<String>) {
    for child in place.children {
        let path = format!("{above} {}", child.name).trim().to_owned();
        if child.is_leaf() || matches!(child.shape, Shape::Tag(_)) || child.presence {
            words.insert(path.clone());
        }
        words_to_read(child, &path, words);
    }
}

#[test]
fn every_word_of_the_schema_is_read_and_no_other() {
    let mut tree = Tree::default();
    for path in PATHS.iter() {
        let _ = tree.set(path);
    }
    let findings = Findings::noting();
    Model::read(&Reader::new(&tree, &findings));
    let mut words = BTreeSet::new();
    words_to_read(&schema::ROOT, "", &mut words);
    let asked = findings.asked();
    assert_eq!(asked.difference(&words).collect::<Vec<_>>(), Vec::<&String>::new(), "read, but not in the schema");
    assert_eq!(words.difference(&asked).collect::<Vec<_>>(), Vec::<&String>::new(), "in the schema, but not read");
}

#[test]
fn an_empty_speaker_has_the_documented_defaults() {
    let bgp = model("set protocols bgp 64512").bgp.unwrap();
    assert_eq!((bgp.asn.0, bgp.router_id, bgp.ebgp_requires_policy), (64512, None, true));
    assert_eq!((bgp.default_local_pref, bgp.log_neighbor_changes), (100, true));
    let restart = GracefulRestart {
        role: RestartRole::Enable,
        restart_time: 120,
        long_lived: None,
        partial_deployment: false,
        select_defer_time: 300,
        stalepath_time: 360,
    };
    assert_eq!(bgp.graceful_restart, restart);
    assert_eq!((bgp.always_compare_med, bgp.multipath_relax), (false, false));
    assert_eq!((bgp.distance_external, bgp.distance_internal, bgp.no_fib_install), (20, 200, false));
    assert_eq!((bgp.cluster_id, bgp.client_to_client, bgp.limits), (None, true, Limits::default()));
    assert!(model("set protocols bgp 64512 parameters no-fib-install").bgp.unwrap().no_fib_install);
    assert_eq!((bgp.enforce_first_as, bgp.graceful_shutdown), (true, false));
    assert_eq!((bgp.reject_as_sets, bgp.allow_martian_nexthop), (true, false));
    assert_eq!((bgp.maximum_paths_ebgp, bgp.maximum_paths_ibgp, bgp.listen_limit), (64, 64, 100));
    let quiet = "set protocols bgp 64512 parameters log-neighbor-changes
        set protocols bgp 64512 parameters no-log-neighbor-changes";
    assert!(!model(quiet).bgp.unwrap().log_neighbor_changes);
    assert!(bgp.neighbors.is_empty() && bgp.networks.is_empty() && bgp.redistribute.is_empty());
    assert_eq!(model("").bgp, None);
}

/// What flows over a session when nothing is said of it.
fn usual_flows() -> PeerFlows {
    neighbor("set protocols bgp 64512 neighbor 192.0.2.9 remote-as 64512").flows
}

#[test]
fn what_flows_over_a_session_is_said_by_the_neighbor_or_its_group_for_each_family() {
    let flows = neighbor(
        "set protocols bgp 64512 peer-group g remote-as 64512
         set protocols bgp 64512 peer-group g addpath-tx-per-as
         set protocols bgp 64512 peer-group g maximum-prefix-threshold 50
         set protocols bgp 64512 peer-group g address-family ipv6-unicast disable-addpath-rx
         set protocols bgp 64512 neighbor 192.0.2.1 peer-group g
         set protocols bgp 64512 neighbor 192.0.2.1 address-family ipv4-unicast addpath-tx-best 3
         set protocols bgp 64512 neighbor 192.0.2.1 address-family ipv6-unicast addpath-tx-all
         set protocols bgp 64512 neighbor 192.0.2.1 maximum-prefix 10
         set protocols bgp 64512 neighbor 192.0.2.1 maximum-prefix-warning-only
         set protocols bgp 64512 neighbor 192.0.2.1 maximum-prefix-out 7
         set protocols bgp 64512 neighbor 192.0.2.1 address-family ipv6-unicast maximum-prefix-restart 2",
    )
    .flows;
    let three = Several::Best(3.try_into().unwrap());
    let v4 = PeerFlow {
        several: Some(three),
        maximum_prefix: Some(10),
        threshold: Some(50),
        warning_only: true,
        maximum_prefix_out: Some(7),
        ..PeerFlow::default()
    };
    let v6 = PeerFlow {
        several: Some(Several::All),
        one_path_only: true,
        threshold: Some(75),
        restart: Some(2),
        ..PeerFlow::default()
    };
    assert_eq!(Family::ALL.map(|family| flows.of(family).clone()), [v4, v6]);
}

#[test]
fn a_neighbor_with_its_as_alone_has_the_documented_defaults() {
    let expect = PeerSettings {
        remote_as: RemoteAs::Asn(nouns::Asn(64512)),
        description: None,
        shutdown: false,
        shutdown_message: None,
        passive: false,
        password: None,
        key_chain: None,
        port: 179,
        hold_time: 90,
        keepalive: 30,
        connect_retry: 10,
        advertisement_interval: 0,
        graceful_restart: None,
        ebgp_multihop: None,
        ttl_security_hops: None,
        update_source: None,
        local_as: None,
        local_role: None,
        enforce_first_as: None,
        graceful_shutdown: false,
        dampening: None,
        keeps_loops_back: true,
        nexthop_self: BTreeSet::new(),
        reflector_client: BTreeSet::new(),
        bfd: None,
        liveness: None,
        policies: PeerPolicies::default(),
        flows: usual_flows(),
    };
    assert_eq!(neighbor("set protocols bgp 64512 neighbor 192.0.2.1 remote-as 64512"), expect);
    let usual = PeerFlow { threshold: Some(75), ..PeerFlow::default() };
    assert_eq!(Family::ALL.map(|family| expect.flows.of(family).clone()), [usual.clone(), usual]);
}

#[test]
fn every_leaf_of_a_neighbor_reaches_the_model() {
    let settings = neighbor(
        "set protocols bgp 64512 neighbor 192.0.2.1 remote-as external
         set protocols bgp 64512 neighbor 192.0.2.1 description 'node 1'
         set protocols bgp 64512 neighbor 192.0.2.1 shutdown
         set protocols bgp 64512 neighbor 192.0.2.1 shutdown-message 'back at 10:00'
         set protocols bgp 64512 neighbor 192.0.2.1 passive
         set protocols bgp 64512 neighbor 192.0.2.1 password s3cret
         set protocols bgp 64512 neighbor 192.0.2.1 port 1179
         set protocols bgp 64512 neighbor 192.0.2.1 timers holdtime 12
         set protocols bgp 64512 neighbor 192.0.2.1 timers keepalive 3
         set protocols bgp 64512 neighbor 192.0.2.1 timers connect 7
         set protocols bgp 64512 neighbor 192.0.2.1 advertisement-interval 30
         set protocols bgp 64512 neighbor 192.0.2.1 graceful-restart restart-helper
         set protocols bgp 64512 neighbor 192.0.2.1 ebgp-multihop 3
         set protocols bgp 64512 neighbor 192.0.2.1 ttl-security hops 2
         set protocols bgp 64512 neighbor 192.0.2.1 update-source lo
         set protocols bgp 64512 neighbor 192.0.2.1 local-as 64999 no-prepend replace-as
         set protocols bgp 64512 neighbor 192.0.2.1 local-role customer strict
         set protocols bgp 64512 neighbor 192.0.2.1 enforce-first-as disable
         set protocols bgp 64512 neighbor 192.0.2.1 graceful-shutdown
         set protocols bgp 64512 neighbor 192.0.2.1 sender-as-path-loop-detection disable
         set protocols bgp 64512 neighbor 192.0.2.1 disable-connected-check
         set protocols bgp 64512 neighbor 192.0.2.1 maximum-prefix 10
         set protocols bgp 64512 neighbor 192.0.2.1 nexthop-self
         set protocols bgp 64512 neighbor 192.0.2.1 bfd profile fast
         set protocols bgp 64512 neighbor 192.0.2.1 bfd check-control-plane-failure
         set protocols bgp 64512 neighbor 192.0.2.1 liveness tcp 10250
         set protocols bgp 64512 neighbor 192.0.2.1 liveness multiplier 5
         set protocols bgp 64512 neighbor 192.0.2.1 address-family ipv6-unicast route-reflector-client
         set protocols bgp 64512 neighbor 192.0.2.1 address-family ipv6-unicast maximum-prefix 20
         set protocols bgp 64512 neighbor 192.0.2.1 soft-reconfiguration inbound",
    );
    let expect = PeerSettings {
        remote_as: RemoteAs::External,
        description: Some("node 1".to_owned()),
        shutdown: true,
        shutdown_message: Some("back at 10:00".to_owned()),
        passive: true,
        password: Some("s3cret".to_owned()),
        key_chain: None,
        port: 1179,
        hold_time: 12,
        keepalive: 3,
        connect_retry: 7,
        advertisement_interval: 30,
        graceful_restart: Some(RestartRole::RestartHelper),
        ebgp_multihop: Some(3),
        ttl_security_hops: Some(2),
        update_source: Some(UpdateSource::Interface("lo".parse().unwrap())),
        local_as: Some(LocalAs { asn: nouns::Asn(64999), no_prepend: true, replace_as: true }),
        local_role: Some(LocalRole { role: Role::Customer, strict: true }),
        enforce_first_as: Some(false),
        graceful_shutdown: true,
        dampening: None,
        keeps_loops_back: false,
        nexthop_self: BTreeSet::from([Family::Ipv4Unicast]),
        reflector_client: BTreeSet::from([Family::Ipv6Unicast]),
        bfd: Some(PeerBfd { profile: Some("fast".to_owned()), check_control_plane_failure: true }),
        liveness: Some(Liveness { probe: Probe::Tcp(10250), interval: 300, multiplier: 5 }),
        policies: PeerPolicies::default(),
        flows: settings.flows.clone(),
    };
    assert_eq!(settings, expect);
    assert_eq!(Family::ALL.map(|family| settings.flows.of(family).maximum_prefix), [Some(10), Some(20)]);
}

#[test]
fn words_about_paths_are_read_by_family_and_come_on_top_of_the_groups() {
    let member = "set protocols bgp 64512 neighbor 192.0.2.1";
    let settings = neighbor(&format!(
        "set protocols bgp 64512 peer-group others remote-as external
         set protocols bgp 64512 peer-group others allowas-in number 5
         set protocols bgp 64512 peer-group others disable-send-community extended
         set protocols bgp 64512 peer-group others address-family ipv6-unicast as-override
         {member} peer-group others
         {member} allowas-in
         {member} disable-send-community standard
         {member} attribute-unchanged as-path
         {member} attribute-unchanged next-hop
         {member} remove-private-as
         {member} nexthop-self force
         {member} address-family ipv6-unicast attribute-unchanged med
         {member} address-family ipv6-unicast remove-private-as all
         {member} address-family ipv6-unicast disable-send-community large
         {member} address-family ipv6-unicast route-server-client"
    ));
    let expect = PathRules {
        allowas_in: Some(3),
        as_override: false,
        unchanged: Unchanged { as_path: true, med: false, next_hop: true },
        mute: Mute { extended: true, large: false, standard: true },
        nexthop_self_force: true,
        remove_private: Some(RemovePrivate::Alone),
        route_server_client: false,
    };
    assert_eq!(settings.policies.of(Family::Ipv4Unicast).paths, expect);
    let expect = PathRules {
        allowas_in: None,
        as_override: true,
        unchanged: Unchanged { med: true, ..Unchanged::default() },
        mute: Mute { large: true, ..Mute::default() },
        nexthop_self_force: false,
        remove_private: Some(RemovePrivate::All),
        route_server_client: true,
    };
    assert_eq!(settings.policies.of(Family::Ipv6Unicast).paths, expect);
}

#[test]
fn a_group_is_folded_into_its_members_and_ranges() {
    let bgp = model(
        "set protocols bgp 64512 peer-group nodes remote-as internal
         set protocols bgp 64512 peer-group nodes passive
         set protocols bgp 64512 peer-group nodes port 1179
         set protocols bgp 64512 peer-group nodes maximum-prefix 10
         set protocols bgp 64512 peer-group nodes address-family ipv6-unicast nexthop-self
         set protocols bgp 64512 peer-group nodes route-reflector-client
         set protocols bgp 64512 neighbor 192.0.2.1 peer-group nodes
         set protocols bgp 64512 neighbor 192.0.2.1 port 2179
         set protocols bgp 64512 listen range 10.0.0.0/8 peer-group nodes",
    )
    .bgp
    .unwrap();
    let member = bgp.neighbors.values().next().unwrap();
    assert_eq!((member.group.as_deref(), member.settings.port, member.settings.passive), (Some("nodes"), 2179, true));
    let range = bgp.listen_ranges.values().next().unwrap();
    assert_eq!((range.group.as_str(), range.settings.port), ("nodes", 1179));
    for settings in [&member.settings, &range.settings] {
        assert_eq!(settings.remote_as, RemoteAs::Internal);
        assert_eq!(Family::ALL.map(|family| settings.flows.of(family).maximum_prefix), [Some(10), None]);
        assert_eq!(settings.nexthop_self, BTreeSet::from([Family::Ipv6Unicast]));
        assert_eq!(settings.reflector_client, BTreeSet::from([Family::Ipv4Unicast]));
    }
    assert_eq!(bgp.groups, BTreeSet::from(["nodes".to_owned()]));
}

#[test]
fn a_session_of_bfd_takes_its_own_leaves_then_those_of_a_profile_then_the_defaults() {
    let bfd = model(
        "set protocols bfd profile fast interval transmit 50
         set protocols bfd profile fast interval receive 50
         set protocols bfd profile slow passive
         set protocols bfd peer 192.0.2.1 interval receive 100
         set protocols bfd peer 192.0.2.2 profile slow
         set protocols bfd peer 192.0.2.2 interval multiplier 5",
    )
    .bfd;
    let of = |peer: &str, profile| {
        let settings = bfd.settings(peer.parse().unwrap(), profile);
        (settings.transmit.as_millis(), settings.receive.as_millis(), settings.multiplier, settings.passive)
    };
    assert_eq!(of("192.0.2.9", None), (300, 300, 3, false));
    assert_eq!(of("192.0.2.9", Some("fast")), (50, 50, 3, false));
    assert_eq!(of("192.0.2.1", Some("fast")), (50, 100, 3, false));
    assert_eq!(of("192.0.2.2", Some("fast")), (300, 300, 5, true), "its own profile wins");
}

#[test]
fn what_watches_a_neighbor_may_stand_in_its_group() {
    let settings = neighbor(
        "set protocols bgp 64512 peer-group nodes bfd profile fast
         set protocols bgp 64512 peer-group nodes liveness icmp
         set protocols bgp 64512 peer-group nodes liveness interval 1000
         set protocols bgp 64512 neighbor 192.0.2.1 peer-group nodes
         set protocols bgp 64512 neighbor 192.0.2.1 remote-as internal
         set protocols bgp 64512 neighbor 192.0.2.1 liveness arp",
    );
    assert_eq!(settings.liveness, Some(Liveness { probe: Probe::Arp, interval: 1000, multiplier: 3 }));
    assert_eq!(settings.bfd, Some(PeerBfd { profile: Some("fast".to_owned()), check_control_plane_failure: false }));
}

#[test]
fn timers_come_from_the_nearest_level_and_a_short_hold_time_shortens_the_keepalive() {
    for (lines, expect) in [
        ("", (90, 30)),
        ("neighbor 192.0.2.1 timers holdtime 9", (9, 3)),
        ("neighbor 192.0.2.1 timers holdtime 3", (3, 1)),
        ("neighbor 192.0.2.1 timers holdtime 300", (300, 30)),
        ("neighbor 192.0.2.1 timers holdtime 0", (0, 30)),
        ("neighbor 192.0.2.1 timers keepalive 5", (90, 5)),
        ("neighbor 192.0.2.1 timers keepalive 95", (90, 95)),
        ("timers holdtime 30", (30, 10)),
        ("timers holdtime 30;timers keepalive 20", (30, 20)),
        ("timers keepalive 20;neighbor 192.0.2.1 timers holdtime 30", (30, 10)),
        ("peer-group g timers holdtime 15;timers holdtime 60;timers keepalive 50", (15, 5)),
        ("peer-group g timers holdtime 15;neighbor 192.0.2.1 timers holdtime 60", (60, 20)),
    ] {
        let lines: String = lines.split(';').map(|line| format!("set protocols bgp 64512 {line}\n")).collect();
        let settings = neighbor(&format!(
            "{lines}set protocols bgp 64512 peer-group g remote-as internal
             set protocols bgp 64512 neighbor 192.0.2.1 peer-group g"
        ));
        assert_eq!((settings.hold_time, settings.keepalive), expect, "{lines}");
    }
}

#[test]
fn networks_and_redistribution_of_both_families_are_read() {
    let bgp = model(
        "set protocols bgp 64512 network 192.0.2.0/24
         set protocols bgp 64512 address-family ipv6-unicast network 2001:db8::/32
         set protocols bgp 64512 redistribute connected metric 5
         set protocols bgp 64512 address-family ipv6-unicast redistribute static
         set protocols bgp 64512 parameters ebgp-requires-policy disable
         set protocols bgp 64512 parameters graceful-restart disable",
    )
    .bgp
    .unwrap();
    assert_eq!(bgp.networks.keys().map(ToString::to_string).collect::<Vec<_>>(), ["192.0.2.0/24", "2001:db8::/32"]);
    let expect = BTreeMap::from([
        ((Family::Ipv4Unicast, RedistributeSource::Connected), Redistribute { metric: Some(5), route_map: None }),
        ((Family::Ipv6Unicast, RedistributeSource::Static), Redistribute::default()),
    ]);
    assert_eq!(bgp.redistribute, expect);
    assert!(!bgp.ebgp_requires_policy && bgp.graceful_restart.role == RestartRole::Disable);
}

#[test]
fn a_neighbors_part_in_graceful_restart_wins_over_its_groups() {
    let bgp = model(
        "set protocols bgp 64512 parameters graceful-restart disable
         set protocols bgp 64512 peer-group nodes remote-as 64512
         set protocols bgp 64512 peer-group nodes graceful-restart restart-helper
         set protocols bgp 64512 neighbor 192.0.2.1 peer-group nodes
         set protocols bgp 64512 neighbor 192.0.2.2 peer-group nodes
         set protocols bgp 64512 neighbor 192.0.2.2 graceful-restart enable
         set protocols bgp 64512 neighbor 192.0.2.3 remote-as 64512",
    )
    .bgp
    .unwrap();
    let roles: Vec<_> = bgp.neighbors.values().map(|neighbor| neighbor.settings.graceful_restart).collect();
    assert_eq!(roles, [Some(RestartRole::RestartHelper), Some(RestartRole::Enable), None]);
    assert_eq!(bgp.graceful_restart.role, RestartRole::Disable);
}

#[test]
fn interfaces_and_static_routes_are_read() {
    let model = model(
        "set interfaces ethernet eth0 address 192.0.2.1/24
         set interfaces ethernet eth0 address 2001:db8::1/64
         set interfaces ethernet eth0 mtu 9000
         set interfaces loopback lo disable
         set protocols static route 10.0.0.0/8 next-hop 192.0.2.9 distance 5
         set protocols static route 10.0.0.0/8 next-hop 192.0.2.8 disable
         set protocols static route 10.0.0.0/8 blackhole distance 254
         set protocols static route6 2001:db8:1::/48 interface eth0
         set system host-name r1
         set system time-zone UTC",
    );
    let eth0 = &model.interfaces[&"eth0".parse().unwrap()];
    assert_eq!((eth0.addresses.len(), eth0.mtu, eth0.disable), (2, Some(9000), false));
    assert!(model.interfaces[&"lo".parse().unwrap()].disable);
    let route = &model.static_routes[&"10.0.0.0/8".parse().unwrap()];
    let hop = &route.next_hops[&"192.0.2.9".parse().unwrap()];
    assert_eq!((hop.distance, hop.disable, route.blackhole), (5, false, Some(254)));
    assert!(route.next_hops[&"192.0.2.8".parse().unwrap()].disable);
    assert_eq!(model.static_routes[&"2001:db8:1::/48".parse().unwrap()].interfaces[&"eth0".parse().unwrap()], 1);
    assert_eq!((model.system.host_name.as_deref(), model.system.time_zone.as_deref()), (Some("r1"), Some("UTC")));
}

#[test]
fn what_stands_for_nothing_by_itself_is_left_out_and_listed() {
    for (line, path, expect) in [
        ("neighbor 192.0.2.1 passive", "neighbor 192.0.2.1", "must set remote-as or peer-group with remote-as defined"),
        ("neighbor 192.0.2.1 peer-group gone", "neighbor 192.0.2.1", "peer-group \"gone\" does not exist"),
        (
            "neighbor 192.0.2.1 peer-group empty",
            "neighbor 192.0.2.1",
            "must set remote-as or peer-group with remote-as",
        ),
        (
            "neighbor 192.0.2.1 remote-as 1;set protocols bgp 64512 neighbor 192.0.2.1 peer-group nodes",
            "neighbor 192.0.2.1",
            "remote-as should not be defined in both neighbor and peer-group",
        ),
        ("listen range 10.0.0.0/8", "listen range 10.0.0.0/8", "must set a peer-group"),
        ("listen range 10.0.0.0/8 peer-group gone", "listen range 10.0.0.0/8", "peer-group \"gone\" does not exist"),
        (
            "listen range 10.0.0.0/8 peer-group empty",
            "listen range 10.0.0.0/8",
            "peer-group \"empty\" must set remote-as",
        ),
    ] {
        let (model, errors) = Model::lower(&tree(&format!(
            "set protocols bgp 64512 peer-group nodes remote-as internal
             set protocols bgp 64512 peer-group empty passive
             set protocols bgp 64512 neighbor 192.0.2.99 peer-group nodes
             set protocols bgp 64512 {}",
            line.replace(';', "\n")
        )));
        assert_eq!(errors.len(), 1, "{line}: {errors:?}");
        assert_eq!(errors[0].path.join(" "), format!("protocols bgp 64512 {path}"));
        assert!(errors[0].message.contains(expect), "{line}: {}", errors[0].message);
        let bgp = model.bgp.unwrap();
        assert_eq!((bgp.neighbors.len(), bgp.listen_ranges.len()), (1, 0), "{line}");
    }
}

#[test]
fn links_are_named_in_many_places() {
    let model = model(
        "set interfaces ethernet eth1 vif 100 description uplink
         set interfaces ethernet eth2 bridge-group bridge br0
         set interfaces bridge br0 description lan
         set protocols static route 10.1.0.0/16 interface eth3
         set protocols static table 5 route 10.2.0.0/16 interface eth4
         set protocols static route6 2001:db8::/32 next-hop fe80::1 interface eth5
         set protocols bgp 64512 neighbor eth6 interface remote-as external
         set protocols bgp 64512 neighbor 192.0.2.7 remote-as external
         set protocols bgp 64512 neighbor 192.0.2.7 update-source eth7
         set protocols bfd peer 192.0.2.8 source interface eth8
         set balancer interface eth9",
    );
    let names: Vec<String> = model.named_links().iter().map(IfName::to_string).collect();
    let all = ["br0", "eth1", "eth1.100", "eth2", "eth3", "eth4", "eth5", "eth6", "eth7", "eth8", "eth9"];
    assert_eq!(names, all);
}

proptest::proptest! {
    /// What is not read again is what it would be read as.
    #[test]
    fn a_change_is_understood_as_the_whole_is(before in crate::fixtures::any_tree(), edits in crate::fixtures::any_tree()) {
        let known = Model::lower(&before).0;
        let mut tree = before.clone();
        for path in edits.leaves() {
            let _ = tree.set(&path);
        }
        for leaf in before.leaves().iter().step_by(3) {
            tree.delete(leaf);
        }
        let (whole, errors) = Model::lower(&tree);
        let (again, found) = Model::lower_after(&tree, (&before, &known));
        proptest::prop_assert!(whole == again, "{whole:#?}\n{again:#?}");
        proptest::prop_assert!(found.iter().all(|error| errors.contains(error)));
    }
}
