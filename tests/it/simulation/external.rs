//! External routers in chains and rings: convergence, cuts, and never a loop.
//!
//! Each link is a network of its own, so that every hop has to be learnt.

use std::collections::BTreeSet;

use scenarios::sim::{Network, Node, config};

use super::{SHOP, seconds, seeds};

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
    network.run(seconds(100));
    assert!(!gone(&mut network), "the hold time ends the session; it may be a restart");
    assert!(network.run_until(seconds(120), gone), "the restart time is over, too");
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
