//! Many routers in virtual time: convergence, loss of nodes, restarts, and random bad weather.
//!
//! No root and no clock is needed; a seed that fails is named by its test and fails again.

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
        lines += &format!("set protocols static route {service} blackhole\nset protocols bgp 64512 network {service}\n");
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

/// `AS 65001 - 65002 - 65003 - 65004`, each link a network of its own, the service in the last.
fn chain(seed: u64) -> (Network, Vec<Node>) {
    let mut network = Network::new(seed);
    let routers = (1_u32..=4).map(|index| {
        let asn = 65000 + index;
        let mut lines = format!("set protocols bgp {asn} parameters ebgp-requires-policy disable\n");
        let mut addresses = Vec::new();
        if index > 1 {
            let left = index - 1;
            addresses.push(format!("10.0.{left}.2/24"));
            lines += &format!("set protocols bgp {asn} neighbor 10.0.{left}.1 remote-as {}\n", asn - 1);
        }
        if index < 4 {
            addresses.push(format!("10.0.{index}.1/24"));
            lines += &format!("set protocols bgp {asn} neighbor 10.0.{index}.2 remote-as {}\n", asn + 1);
        }
        if index == 4 {
            lines += &format!("set protocols static route {SHOP} blackhole\nset protocols bgp {asn} network {SHOP}\n");
        }
        let addresses: Vec<&str> = addresses.iter().map(String::as_str).collect();
        network.router(&format!("r{index}"), &addresses, config(&lines))
    });
    let routers = routers.collect();
    (network, routers)
}

#[test]
fn a_chain_of_external_routers_converges_without_a_loop() {
    let (mut network, routers) = chain(10);
    let end = BTreeSet::from([Ok(routers[3])]);
    assert!(network.run_until(seconds(60), |network| network.ways(routers[0], SHOP) == end));
    network.run(seconds(60));
    for router in &routers {
        assert_eq!(network.ways(*router, SHOP), end);
        network.assert_kernel_as_wished(*router);
    }
    network.commit(routers[3], &format!("delete protocols bgp 65004 network {SHOP}"));
    let gone = |network: &mut Network| routers[..3].iter().all(|router| network.gateways(*router, SHOP).is_none());
    assert!(network.run_until(seconds(5), gone), "the withdrawal reaches everybody");
}

#[test]
fn a_cut_in_the_chain_withdraws_behind_it_and_heals() {
    let (mut network, routers) = chain(11);
    let end = BTreeSet::from([Ok(routers[3])]);
    assert!(network.run_until(seconds(60), |network| network.ways(routers[0], SHOP) == end));
    network.cut(routers[1], routers[2]);
    let gone = |network: &mut Network| network.gateways(routers[0], SHOP).is_none();
    assert!(network.run_until(seconds(100), gone), "the hold time ends the session");
    network.heal(routers[1], routers[2]);
    assert!(network.run_until(seconds(120), |network| network.ways(routers[0], SHOP) == end));
}

#[test]
fn the_same_seed_gives_the_same_effects() {
    let run = || {
        let (mut network, routers) = chain(12);
        network.record();
        network.weather((1, 50), 20);
        network.run(seconds(90));
        network.reset(routers[1], routers[2]);
        network.run(seconds(90));
        network.recorded().to_vec()
    };
    let (first, second) = (run(), run());
    assert!(first.len() > 50, "{}", first.len());
    for (one, other) in first.iter().zip(&second) {
        assert_eq!(one, other);
    }
    assert_eq!(first.len(), second.len());
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

/// `AS 65001 - 65002 - 65003 - 65004 - 65001`, each link a network of its own, the service in the last.
fn ring(seed: u64) -> (Network, Vec<Node>) {
    let mut network = Network::new(seed);
    let routers = (1_u32..=4).map(|index| {
        let (asn, before, next) = (65000 + index, (index + 2) % 4 + 1, index % 4 + 1);
        let addresses = [format!("10.0.{before}.2/24"), format!("10.0.{index}.1/24")];
        let mut lines = format!(
            "set protocols bgp {asn} parameters ebgp-requires-policy disable\n\
             set protocols bgp {asn} neighbor 10.0.{before}.1 remote-as {}\n\
             set protocols bgp {asn} neighbor 10.0.{index}.2 remote-as {}\n",
            65000 + before,
            65000 + next
        );
        if index == 4 {
            lines += &format!("set protocols static route {SHOP} blackhole\nset protocols bgp {asn} network {SHOP}\n");
        }
        network.router(&format!("r{index}"), &[&addresses[0], &addresses[1]], config(&lines))
    });
    let routers = routers.collect();
    (network, routers)
}

/// Faults by chance in a ring; afterwards every way has to end at the service.
fn bad_ring(seed: u64) {
    let (mut network, routers) = ring(seed);
    network.weather((1, 300), 50);
    let mut off = BTreeSet::new();
    for _ in 0..20 {
        let index = usize::try_from(network.random().between(0..=3)).unwrap();
        let (one, other) = (routers[index], routers[(index + 1) % 4]);
        match network.random().between(0..=4) {
            0 => network.reset(one, other),
            1 => network.cut(one, other),
            2 => network.heal(one, other),
            3 if off.insert(one) => network.crash(one),
            4 if off.insert(one) => network.power_off(one),
            _ => {}
        }
        let pause = network.random().between(0..=90);
        network.run(seconds(pause));
        if network.random().per_mille(500) {
            std::mem::take(&mut off).into_iter().for_each(|node| network.start(node));
        }
    }
    off.into_iter().for_each(|node| network.start(node));
    (0..4).for_each(|index| network.heal(routers[index], routers[(index + 1) % 4]));
    network.weather((1, 5), 0);
    network.run(seconds(600));
    for router in &routers {
        assert_eq!(network.established(*router).len(), 2, "seed {seed}");
        assert_eq!(network.ways(*router, SHOP), BTreeSet::from([Ok(routers[3])]), "seed {seed}");
        network.assert_kernel_as_wished(*router);
    }
}

#[test]
fn a_ring_of_external_routers_never_ends_in_a_loop() {
    for seed in 500..500 + seeds() {
        bad_ring(seed);
    }
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
            9 => _ = network.kernel_mut(router).ours.routes.pop_first(),
            10 if !off.contains(&node) => _ = network.commit(node, &format!("delete protocols bgp 64512 network {SHOP}")),
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
