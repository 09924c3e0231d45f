//! Route reflection: who hears of whom, how that changes while sessions stay, and rings of reflectors.
//!
//! Every node is internal and announces a service of its own; nodes have sessions with reflectors alone.

use std::collections::BTreeSet;

use api::View;
use api::request::{BgpTarget, Show};
use nouns::Family;
use scenarios::sim::{Network, Node, config};

use super::{NODES, node_config, router_config, seconds};

fn service(last: u8) -> String {
    format!("172.16.102.{last}/32")
}

/// `(of, by)`: the service of one node is known by another.
fn known(network: &Network, nodes: &[Node]) -> BTreeSet<(u8, u8)> {
    let mut known = BTreeSet::new();
    for (by, node) in NODES.iter().zip(nodes) {
        for of in NODES.iter().filter(|of| *of != by) {
            if network.gateways(*node, &service(*of)) == Some(vec![format!("192.168.101.{of}")]) {
                known.insert((*of, *by));
            }
        }
    }
    known
}

#[test]
fn clients_hear_of_everybody_and_others_of_clients_and_no_session_is_lost_on_the_way() {
    let mut network = Network::new(40);
    let router = network.router("router", &["192.168.101.1/24"], router_config());
    let nodes = NODES.map(|last| {
        let text = node_config(&[&service(last)]);
        network.node(&format!("node{last}"), &[&format!("192.168.101.{last}/24")], text, 0)
    });
    assert!(network.run_until(seconds(60), |network| network.established(router).len() == 3));
    network.run(seconds(5));
    let of_201 = [(201, 202), (201, 203), (202, 201), (203, 201)];
    let everybody: BTreeSet<(u8, u8)> =
        NODES.iter().flat_map(|of| NODES.map(|by| (*of, by))).filter(|(of, by)| of != by).collect();
    let client = |last: u8| format!("protocols bgp 64512 neighbor 192.168.101.{last} route-reflector-client");
    let meshed = "protocols bgp 64512 parameters no-client-to-client-reflection";
    for (edit, expect) in [
        ("set protocols bgp 64512 parameters log-neighbor-changes".to_owned(), BTreeSet::new()),
        (format!("set {}", client(201)), of_201.into()),
        (format!("set {}", client(202)), everybody.clone()),
        (format!("set {meshed}"), everybody.iter().copied().filter(|pair| !matches!(pair, (201, 202) | (202, 201))).collect()),
        ("set protocols bgp 64512 parameters cluster-id 9.9.9.9\ndelete protocols bgp 64512 parameters no-client-to-client-reflection".to_owned(), everybody),
        (format!("delete {}", client(202)), of_201.into()),
        (format!("delete {}", client(201)), BTreeSet::new()),
    ] {
        let done = network.commit(router, &edit);
        assert!(matches!(done, api::Reply::Committed(_)), "{edit}: {done:?}");
        network.run(seconds(2));
        assert_eq!(known(&network, &nodes), expect, "{edit}");
        for neighbor in network.neighbors(router, Family::Ipv4Unicast) {
            assert!(neighbor.up_down.is_some_and(|up| up >= 4), "{edit}: no session was reset, {neighbor:?}");
        }
    }
}

/// What a reflector says of a service, as text.
fn told(network: &mut Network, at: Node, prefix: &str) -> String {
    let target = BgpTarget::Prefix(prefix.parse().unwrap());
    let View::BgpPrefix(shown) = network.show(at, Show::BgpPrefix { family: Family::Ipv4Unicast, target, why: true })
    else {
        panic!("no prefix")
    };
    api::Text::text(&shown)
}

/// Three reflectors, each the client of the one before, in a ring; a node is the client of the first.
#[test]
fn in_a_ring_of_reflectors_a_route_comes_to_rest_and_goes_when_it_is_withdrawn() {
    const LAST: [u8; 3] = [1, 2, 3];
    let mut network = Network::new(41);
    let reflectors = LAST.map(|last| {
        let (before, next) = ((last + 1) % 3 + 1, last % 3 + 1);
        let peer = |last: u8| format!("set protocols bgp 64512 neighbor 192.168.101.{last}");
        let mut lines = format!("set protocols bgp 64512 parameters router-id 192.168.101.{last}\n");
        for other in [before, next] {
            lines += &format!("{} remote-as 64512\n{} route-reflector-client\n", peer(other), peer(other));
        }
        if last == 1 {
            lines += &format!("{} remote-as 64512\n{} route-reflector-client\n", peer(201), peer(201));
        }
        network.router(&format!("reflector{last}"), &[&format!("192.168.101.{last}/24")], config(&lines))
    });
    let service = service(201);
    let node = network.node("node", &["192.168.101.201/24"], node_config(&[&service]), 0);
    let there = Some(vec!["192.168.101.201".to_owned()]);
    let all = |network: &mut Network| reflectors.iter().all(|at| network.gateways(*at, &service) == there);
    assert!(network.run_until(seconds(60), all), "the next hop is the node's everywhere");
    network.run(seconds(5));
    let at_second = told(&mut network, reflectors[1], &service);
    assert!(at_second.contains("Originator: 192.168.101.201, Cluster list: 192.168.101.1\n"), "{at_second}");
    assert!(at_second.contains("(Received from a RR-client)"), "{at_second}");
    let done = network.commit(node, &format!("delete protocols bgp 64512 network {service}"));
    assert!(matches!(done, api::Reply::Committed(_)), "{done:?}");
    let gone = |network: &mut Network| reflectors.iter().all(|at| network.gateways(*at, &service).is_none());
    assert!(network.run_until(seconds(5), gone), "nobody keeps it alive for another");
}

#[test]
fn what_comes_back_to_its_cluster_is_refused_counted_and_explained() {
    let mut network = Network::new(42);
    let reflectors = [1_u8, 2].map(|last| {
        let lines = [3 - last, 201].map(|other| {
            let peer = format!("set protocols bgp 64512 neighbor 192.168.101.{other}");
            format!("{peer} remote-as 64512\n{peer} route-reflector-client\n")
        });
        let own = format!(
            "set protocols bgp 64512 parameters router-id 192.168.101.{last}\n\
             set protocols bgp 64512 parameters cluster-id 192.168.101.9\n"
        );
        network.router(
            &format!("reflector{last}"),
            &[&format!("192.168.101.{last}/24")],
            config(&(own + &lines.concat())),
        )
    });
    let service = service(201);
    let peers = [1_u8, 2].map(|last| format!("set protocols bgp 64512 neighbor 192.168.101.{last} remote-as 64512\n"));
    let own = format!("set protocols static route {service} blackhole\nset protocols bgp 64512 network {service}\n");
    network.node("node", &["192.168.101.201/24"], config(&(own + &peers.concat())), 0);
    let there = Some(vec!["192.168.101.201".to_owned()]);
    assert!(
        network.run_until(seconds(60), |network| reflectors.iter().all(|at| network.gateways(*at, &service) == there))
    );
    network.run(seconds(30));
    for (at, other) in reflectors.into_iter().zip(["192.168.101.2", "192.168.101.1"]) {
        let text = told(&mut network, at, &service);
        assert!(text.contains("CLUSTER_LIST contains 192.168.101.9"), "{text}");
        let address = Some(other.parse().unwrap());
        let View::BgpNeighbors(shown) = network.show(at, Show::BgpNeighbors { family: None, address, interface: None })
        else {
            panic!("no neighbor")
        };
        let neighbor = &shown.neighbors[0];
        assert!(neighbor.troubles.reflection_loops >= 1, "{:?}", neighbor.troubles);
        assert!(neighbor.families[0].route_reflector_client);
    }
}
