//! Many routers in virtual time: convergence, loss of nodes, restarts, and random bad weather.
//!
//! No root and no clock is needed; a seed that fails is named by its test and fails again.

mod confederation;
mod external;
mod intervals;
mod reflection;
mod restart;
mod several;

use std::collections::BTreeSet;
use std::time::Duration;

use nouns::Family;
use scenarios::sim::{Network, Node, config};

const SHOP: &str = "172.16.102.229/32";
const SECOND: &str = "172.16.101.10/32";
const ALONE: &str = "172.16.103.3/32";
const NODES: [u8; 3] = [201, 202, 203];

fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

fn router_config() -> String {
    let neighbors = NODES.map(|last| format!("set protocols bgp 64512 neighbor 192.168.101.{last} remote-as 64512\n"));
    config(&format!("set protocols bgp 64512 parameters router-id 192.168.101.1\n{}", neighbors.concat()))
}

/// A node announces services that end in it.
fn node_config(services: &[&str]) -> String {
    let mut lines = "set protocols bgp 64512 neighbor 192.168.101.1 remote-as 64512\n".to_owned();
    for service in services {
        lines +=
            &format!("set protocols static route {service} blackhole\nset protocols bgp 64512 network {service}\n");
    }
    config(&lines)
}

/// The router and three nodes on one wire, with their sessions up and both services announced.
struct Cluster {
    network: Network,
    router: Node,
    nodes: Vec<Node>,
}

impl Cluster {
    fn new(seed: u64, restart_time: u16) -> Self {
        let mut network = Network::new(seed);
        let router = network.router("router", &["192.168.101.1/24"], router_config());
        let nodes = NODES.map(|last| {
            let address = format!("192.168.101.{last}/24");
            network.node(&format!("node{last}"), &[&address], node_config(&[SHOP, SECOND]), restart_time)
        });
        let mut cluster = Self { network, router, nodes: nodes.to_vec() };
        cluster.wait_for(seconds(60), SHOP, &NODES);
        cluster.wait_for(seconds(60), SECOND, &NODES);
        cluster
    }

    fn wait_for(&mut self, limit: Duration, prefix: &str, lasts: &[u8]) {
        let wanted: Vec<String> = lasts.iter().map(|last| format!("192.168.101.{last}")).collect();
        let wanted = (!wanted.is_empty()).then_some(wanted);
        let router = self.router;
        let there = self.network.run_until(limit, |network| network.gateways(router, prefix) == wanted);
        assert!(there, "{prefix} over {wanted:?}, not {:?}", self.network.gateways(router, prefix));
    }
}

#[test]
fn three_nodes_share_their_services_and_a_withdrawn_one_leaves() {
    let mut cluster = Cluster::new(1, 0);
    cluster.network.assert_kernel_as_wished(cluster.router);
    cluster.network.commit(cluster.nodes[0], &format!("delete protocols bgp 64512 network {SHOP}"));
    cluster.wait_for(seconds(1), SHOP, &[202, 203]);
    cluster.wait_for(seconds(1), SECOND, &NODES);
    for node in &cluster.nodes[1..] {
        cluster.network.commit(*node, &format!("delete protocols bgp 64512 network {SHOP}"));
    }
    cluster.wait_for(seconds(1), SHOP, &[]);
    cluster.network.assert_kernel_as_wished(cluster.router);
}

#[test]
fn fewer_paths_and_another_distance_take_effect_without_a_session_lost() {
    let mut cluster = Cluster::new(15, 0);
    let router = cluster.router;
    cluster.network.commit(router, "set protocols bgp 64512 maximum-paths ibgp 2");
    cluster.wait_for(seconds(1), SHOP, &[201, 202]);
    cluster.network.commit(router, "delete protocols bgp 64512 maximum-paths");
    cluster.wait_for(seconds(1), SHOP, &NODES);
    let blackhole = format!("set protocols static route {SHOP} blackhole distance 150");
    cluster.network.commit(router, &blackhole);
    cluster.network.run(seconds(1));
    assert_eq!(cluster.network.gateways(router, SHOP), Some(Vec::new()), "150 is nearer than 200");
    cluster.network.commit(router, "set protocols bgp 64512 parameters distance global internal 100");
    cluster.wait_for(seconds(1), SHOP, &NODES);
    cluster.network.assert_kernel_as_wished(router);
    assert_eq!(cluster.network.established(router).len(), 3);
}

#[test]
fn a_silent_node_leaves_when_the_hold_time_is_over_and_not_before() {
    let mut cluster = Cluster::new(2, 0);
    cluster.network.power_off(cluster.nodes[2]);
    cluster.network.run(seconds(59));
    cluster.wait_for(Duration::ZERO, SHOP, &NODES);
    cluster.wait_for(seconds(32), SHOP, &[201, 202]);
    cluster.network.assert_kernel_as_wished(cluster.router);
    cluster.network.start(cluster.nodes[2]);
    cluster.wait_for(seconds(60), SHOP, &NODES);
}

/// Announces a service that only one node has.
fn announce_alone(cluster: &mut Cluster) {
    let lines = format!("set protocols static route {ALONE} blackhole\nset protocols bgp 64512 network {ALONE}");
    let done = cluster.network.commit(cluster.nodes[0], &lines);
    assert!(matches!(done, api::Reply::Committed(_)), "{done:?}");
    cluster.wait_for(seconds(1), ALONE, &[201]);
}

#[test]
fn a_node_that_restarts_gracefully_keeps_what_only_it_has() {
    let mut cluster = Cluster::new(3, 120);
    announce_alone(&mut cluster);
    let (router, node) = (cluster.router, cluster.nodes[0]);
    cluster.network.crash(node);
    cluster.wait_for(seconds(1), SHOP, &[202, 203]);
    cluster.network.run(seconds(20));
    assert_eq!(cluster.network.established(router).len(), 2, "the session is down");
    cluster.network.start(node);
    let left = |network: &mut Network| network.gateways(router, ALONE).is_none();
    assert!(!cluster.network.run_until(seconds(60), left), "the route never left");
    assert_eq!(cluster.network.established(router).len(), 3, "the session is back");
    cluster.wait_for(Duration::ZERO, SHOP, &NODES);
    cluster.network.assert_kernel_as_wished(router);
}

#[test]
fn nodes_that_restart_gracefully_together_change_nothing_in_the_kernel() {
    let mut cluster = Cluster::new(14, 120);
    let router = cluster.router;
    let before = cluster.network.kernel(router).clone();
    cluster.nodes.iter().for_each(|node| cluster.network.crash(*node));
    cluster.network.run(seconds(20));
    assert_eq!(cluster.network.established(router), Vec::<std::net::IpAddr>::new());
    assert_eq!(cluster.network.kernel(router).ours.routes, before.ours.routes);
    cluster.nodes.iter().for_each(|node| cluster.network.start(*node));
    cluster.wait_for(seconds(60), SHOP, &NODES);
    cluster.wait_for(seconds(60), SECOND, &NODES);
    cluster.network.assert_kernel_as_wished(router);
}

#[test]
fn a_node_that_does_not_come_back_is_kept_for_its_restart_time_only() {
    let mut cluster = Cluster::new(4, 40);
    announce_alone(&mut cluster);
    cluster.network.crash(cluster.nodes[0]);
    cluster.network.run(seconds(39));
    cluster.wait_for(Duration::ZERO, ALONE, &[201]);
    cluster.wait_for(seconds(2), ALONE, &[]);
    cluster.network.assert_kernel_as_wished(cluster.router);
}

#[test]
fn a_node_that_comes_back_without_a_service_loses_only_that_one() {
    let mut cluster = Cluster::new(5, 120);
    let node = cluster.nodes[1];
    cluster.network.commit(node, "set protocols bgp 64512 timers keepalive 20");
    cluster.network.crash(node);
    cluster.network.run(seconds(5));
    cluster.network.start(node);
    let done = cluster.network.commit(node, &format!("delete protocols bgp 64512 network {SHOP}"));
    assert!(matches!(done, api::Reply::Committed(_)), "{done:?}");
    cluster.wait_for(seconds(60), SHOP, &[201, 203]);
    cluster.wait_for(seconds(60), SECOND, &NODES);
    cluster.network.assert_kernel_as_wished(cluster.router);
}

#[test]
fn a_router_that_crashes_and_starts_again_changes_nothing_in_the_kernel() {
    let mut cluster = Cluster::new(6, 120);
    let router = cluster.router;
    let before = cluster.network.kernel(router).clone();
    cluster.network.crash(router);
    cluster.network.run(seconds(15));
    cluster.network.start(router);
    cluster.network.run(seconds(400));
    let after = cluster.network.kernel(router);
    assert_eq!(after.ours, before.ours);
    assert_eq!(after.changes, before.changes, "not a single change was made");
    assert_eq!(cluster.network.established(router).len(), 3);
    cluster.network.assert_kernel_as_wished(router);
}

#[test]
fn a_router_that_starts_without_one_of_its_nodes_drops_it_in_the_end() {
    let mut cluster = Cluster::new(7, 120);
    let router = cluster.router;
    cluster.network.crash(router);
    cluster.network.power_off(cluster.nodes[0]);
    cluster.network.run(seconds(5));
    cluster.network.start(router);
    cluster.network.run(seconds(320));
    cluster.wait_for(Duration::ZERO, SHOP, &[202, 203]);
    cluster.network.assert_kernel_as_wished(router);
}

#[test]
fn what_the_kernel_refuses_is_tried_again_until_it_is_there() {
    let mut cluster = Cluster::new(8, 0);
    let (router, node) = (cluster.router, cluster.nodes[0]);
    cluster.network.kernel_mut(router).refuse_routes = 2;
    cluster.network.commit(
        node,
        &format!("set protocols static route {ALONE} blackhole\nset protocols bgp 64512 network {ALONE}"),
    );
    cluster.network.run(seconds(2));
    assert_eq!(cluster.network.gateways(router, ALONE), None);
    assert!(cluster.network.log(router).iter().any(|line| line.contains("refused on purpose")));
    cluster.wait_for(seconds(20), ALONE, &[201]);
    cluster.network.assert_kernel_as_wished(router);
}

#[test]
fn a_link_without_carrier_empties_the_routes_and_fills_them_again() {
    let mut cluster = Cluster::new(9, 0);
    let router = cluster.router;
    cluster.network.carrier(router, 2, false);
    cluster.wait_for(seconds(1), SHOP, &[]);
    cluster.network.run(seconds(3));
    cluster.network.carrier(router, 2, true);
    cluster.wait_for(seconds(60), SHOP, &NODES);
    cluster.network.run(seconds(30));
    cluster.network.assert_kernel_as_wished(router);
}

#[test]
fn what_a_node_withdraws_while_the_router_is_away_leaves_the_kernel() {
    let mut cluster = Cluster::new(16, 120);
    announce_alone(&mut cluster);
    let (router, node) = (cluster.router, cluster.nodes[0]);
    cluster.network.crash(router);
    cluster.network.commit(node, &format!("delete protocols bgp 64512 network {ALONE}"));
    cluster.network.start(router);
    assert!(cluster.network.gateways(router, ALONE).is_some(), "it is kept until the nodes are heard");
    cluster.wait_for(seconds(60), ALONE, &[]);
    cluster.wait_for(Duration::ZERO, SHOP, &NODES);
    cluster.network.assert_kernel_as_wished(router);
}

#[test]
fn a_commit_while_the_router_recovers_is_done_at_once() {
    let mut cluster = Cluster::new(17, 0);
    let router = cluster.router;
    cluster.network.commit(router, "set protocols static route 10.1.0.0/16 blackhole");
    cluster.network.crash(router);
    cluster.nodes.iter().for_each(|node| cluster.network.power_off(*node));
    cluster.network.start(router);
    let lines = "delete protocols static route 10.1.0.0/16\nset protocols static route 10.2.0.0/16 blackhole";
    cluster.network.commit(router, lines);
    cluster.network.run(seconds(2));
    assert_eq!(cluster.network.gateways(router, "10.2.0.0/16"), Some(Vec::new()));
    assert!(cluster.network.gateways(router, SHOP).is_some(), "the nodes have not been waited for yet");
    cluster.network.run(seconds(310));
    assert_eq!(cluster.network.gateways(router, SHOP), None);
    assert_eq!(cluster.network.gateways(router, "10.1.0.0/16"), None);
    cluster.network.assert_kernel_as_wished(router);
}

#[test]
fn more_routes_than_one_turn_decides_come_and_lose_a_leg_and_go() {
    const MANY: u16 = 21_000;
    let mut cluster = Cluster::new(19, 0);
    let router = cluster.router;
    let prefix = |number: u16| format!("10.{}.{}.0/24", number >> 8, number & 255);
    let statics: String =
        (0..MANY).map(|number| format!("set protocols static route {} blackhole\n", prefix(number))).collect();
    let neighbor = "set protocols bgp 64512 neighbor 192.168.101.1 remote-as 64512\n";
    let text = config(&format!("{statics}{neighbor}set protocols bgp 64512 redistribute static\n"));
    for node in &cluster.nodes[..2] {
        cluster.network.crash(*node);
        cluster.network.replace_saved(*node, text.clone());
        cluster.network.start(*node);
    }
    let gateways = |network: &Network| -> Vec<usize> {
        (0..MANY).map(|number| network.gateways(router, &prefix(number)).map_or(0, |legs| legs.len())).collect()
    };
    cluster.network.run(seconds(60));
    assert!(gateways(&cluster.network).iter().all(|legs| *legs == 2), "both nodes have all of them");
    let changes = cluster.network.kernel(router).changes;
    cluster.network.crash(cluster.nodes[0]);
    cluster.network.run(seconds(1));
    assert!(gateways(&cluster.network).iter().all(|legs| *legs == 1));
    let made = cluster.network.kernel(router).changes - changes;
    assert!(made < 10, "a leg that is lost is a change of a group, not of routes: {made}");
    cluster.network.assert_kernel_as_wished(router);
    cluster.network.crash(cluster.nodes[1]);
    cluster.network.run(seconds(1));
    assert!(gateways(&cluster.network).iter().all(|legs| *legs == 0));
    cluster.network.assert_kernel_as_wished(router);
}

#[test]
fn routes_of_both_families_come_over_a_session_of_ipv6() {
    let mut network = Network::new(18);
    let (service4, service6) = ("172.16.9.9/32", "2001:db8:9::9/128");
    let router = network.router(
        "router",
        &["fd00:101::1/64"],
        config(
            "set protocols bgp 64512 parameters router-id 1.1.1.1\n\
             set protocols bgp 64512 neighbor fd00:101::201 remote-as 64512",
        ),
    );
    network.router(
        "node",
        &["fd00:101::201/64"],
        config(&format!(
            "set protocols bgp 64512 parameters router-id 2.2.2.2\n\
             set protocols bgp 64512 neighbor fd00:101::1 remote-as 64512\n\
             set protocols static route {service4} blackhole\nset protocols bgp 64512 network {service4}\n\
             set protocols static route6 {service6} blackhole\n\
             set protocols bgp 64512 address-family ipv6-unicast network {service6}"
        )),
    );
    network.run(seconds(60));
    let node = Some(vec!["fd00:101::201".to_owned()]);
    assert_eq!(network.gateways(router, service6), node);
    assert_eq!(network.gateways(router, service4), node, "RFC 8950");
    network.assert_kernel_as_wished(router);
}

#[test]
fn flaps_leave_nothing_behind() {
    let mut cluster = Cluster::new(13, 0);
    let (router, node) = (cluster.router, cluster.nodes[0]);
    cluster.network.run(seconds(30));
    let count = |cluster: &mut Cluster| {
        let rows = cluster.network.neighbors(router, Family::Ipv4Unicast);
        let counts: Vec<_> =
            rows.iter().map(|row| (row.prefixes_received, row.prefixes_accepted, row.prefixes_sent)).collect();
        let kernel = &cluster.network.kernel(router).ours;
        (counts, kernel.routes.len(), kernel.groups.len(), kernel.next_hops.len())
    };
    let before = count(&mut cluster);
    for _ in 0..20 {
        cluster.network.commit(node, &format!("delete protocols bgp 64512 network {SHOP}"));
        cluster.network.run(seconds(1));
        cluster.network.reset(router, node);
        cluster.network.commit(node, &format!("set protocols bgp 64512 network {SHOP}"));
        cluster.wait_for(seconds(90), SHOP, &NODES);
        cluster.wait_for(seconds(90), SECOND, &NODES);
    }
    cluster.network.run(seconds(30));
    assert_eq!(count(&mut cluster), before);
    cluster.network.assert_kernel_as_wished(router);
}

/// How many seeds of each kind are tried; more of them find more.
fn seeds() -> u64 {
    std::env::var("SIMULATION_SEEDS").ok().and_then(|text| text.parse().ok()).unwrap_or(40)
}

/// A quarter of an hour of faults by chance, ten minutes of quiet, and all has to be as if nothing had been.
fn bad_weather(seed: u64) {
    let mut cluster = Cluster::new(seed, if seed.is_multiple_of(2) { 120 } else { 0 });
    let (router, nodes) = (cluster.router, cluster.nodes.clone());
    let network = &mut cluster.network;
    network.weather((1, 300), 50);
    let mut off = BTreeSet::new();
    for _ in 0..30 {
        let node = nodes[usize::try_from(network.random().between(0..=2)).unwrap()];
        match network.random().between(0..=11) {
            0 => network.reset(router, node),
            1 => network.cut(router, node),
            2 => network.heal(router, node),
            3 if off.insert(node) => network.crash(node),
            4 if off.insert(node) => network.power_off(node),
            5 if off.insert(router) => network.crash(router),
            6 => network.kernel_mut(router).refuse_routes = 1,
            7 => network.carrier(router, 2, false),
            8 => network.carrier(router, 2, true),
            9 => {
                let routes = &mut network.kernel_mut(router).ours.routes;
                let first = routes.keys().next();
                first.map(|key| routes.remove(key));
            }
            10 if !off.contains(&node) => {
                _ = network.commit(node, &format!("delete protocols bgp 64512 network {SHOP}"))
            }
            11 if !off.contains(&router) => {
                _ = network.commit(router, "set protocols bgp 64512 parameters default local-pref 200");
            }
            _ => {}
        }
        let pause = network.random().between(0..=60);
        network.run(seconds(pause));
        if network.random().per_mille(500) {
            std::mem::take(&mut off).into_iter().for_each(|node| network.start(node));
        }
    }
    off.into_iter().for_each(|node| network.start(node));
    network.carrier(router, 2, true);
    network.weather((1, 5), 0);
    for node in &nodes {
        network.heal(router, *node);
        network.commit(*node, &format!("set protocols bgp 64512 network {SHOP}"));
    }
    network.run(seconds(600));
    for node in network.nodes().collect::<Vec<Node>>() {
        network.assert_kernel_as_wished(node);
    }
    assert_eq!(network.established(router).len(), 3, "seed {seed}");
    for prefix in [SHOP, SECOND] {
        let gateways = network.gateways(router, prefix).unwrap_or_default();
        assert_eq!(gateways, NODES.map(|last| format!("192.168.101.{last}")), "seed {seed}: {prefix}");
    }
}

#[test]
fn after_any_weather_every_kernel_is_as_wished() {
    for seed in 100..100 + seeds() {
        bad_weather(seed);
    }
}
