//! Neighbors are called as soon as there is a way to them, and nobody is called for what changes elsewhere.

use super::unnumbered::{Stage, called};
use super::*;
use rib::world::{ForeignRoute, Leg, WorldEvent};

const LINES: &str = "set protocols bgp 64512 parameters router-id 192.0.2.1
set protocols bgp 64512 neighbor 198.51.100.7 remote-as 64512";

/// The kernel tells something, and calls that follow fail at once; the answer is who was called.
fn sees(stage: &mut Stage, change: WorldEvent) -> Vec<IpAddr> {
    stage.now += Duration::from_millis(100);
    let effects = stage.take(Event::World(vec![change]));
    let calls = effects.iter().filter_map(|effect| match effect {
        Effect::Connect(conn, target) => Some((*conn, target.remote.ip())),
        _ => None,
    });
    let fails = |(conn, address)| {
        let effects = stage.take(Event::ConnectFailed(conn, "Network is unreachable".to_owned()));
        assert_eq!(called(&effects), [], "a call that failed is not repeated at once");
        address
    };
    calls.map(fails).collect()
}

fn link(index: u32, name: &str, carrier: bool) -> WorldEvent {
    WorldEvent::Link(Link { carrier, ..Link::card(index, name.parse().unwrap()) })
}

fn address(ifindex: u32, address: &str) -> LinkAddress {
    LinkAddress { ifindex, address: address.parse().unwrap(), peer: None }
}

fn neighbor() -> [IpAddr; 1] {
    ["198.51.100.7".parse().unwrap()]
}

const NOBODY: [IpAddr; 0] = [];

#[test]
fn a_neighbor_is_called_when_its_network_is_there() {
    let mut stage = Stage::with(LINES);
    assert_eq!(sees(&mut stage, link(5, "eth5", true)), NOBODY);
    assert_eq!(sees(&mut stage, WorldEvent::Address(address(5, "203.0.113.1/24"))), NOBODY, "another network");
    assert_eq!(sees(&mut stage, WorldEvent::Address(address(5, "198.51.100.1/24"))), neighbor());
    assert_eq!(
        sees(&mut stage, WorldEvent::Address(address(5, "203.0.113.2/24"))),
        NOBODY,
        "that changes nothing for it"
    );
    assert_eq!(sees(&mut stage, link(6, "eth6", true)), NOBODY);
}

#[test]
fn a_neighbor_is_called_when_its_link_comes_back_and_not_when_it_goes() {
    let mut stage = Stage::with(LINES);
    sees(&mut stage, link(5, "eth5", true));
    assert_eq!(sees(&mut stage, WorldEvent::Address(address(5, "198.51.100.1/24"))), neighbor());
    for _ in 0..3 {
        assert_eq!(sees(&mut stage, link(5, "eth5", false)), NOBODY);
        assert_eq!(sees(&mut stage, link(5, "eth5", true)), neighbor());
    }
    assert_eq!(sees(&mut stage, WorldEvent::AddressGone(address(5, "198.51.100.1/24"))), NOBODY);
}

#[test]
fn a_neighbor_is_called_when_the_kernel_has_found_that_nobody_else_has_the_router_s_address() {
    let mut stage = Stage::with(&LINES.replace("198.51.100.7", "2001:db8::7"));
    let (own, called) = (address(5, "2001:db8::1/64"), ["2001:db8::7".parse::<IpAddr>().unwrap()]);
    sees(&mut stage, link(5, "eth5", true));
    assert_eq!(sees(&mut stage, WorldEvent::Address(own)), called, "it is not known whether it may be used yet");
    assert_eq!(sees(&mut stage, WorldEvent::Address(address(5, "203.0.113.1/24"))), NOBODY);
    assert_eq!(sees(&mut stage, WorldEvent::Address(address(5, "203.0.113.1/24"))), NOBODY);
    assert_eq!(sees(&mut stage, WorldEvent::Address(own)), called, "now it may");
}

#[test]
fn a_neighbor_is_called_when_the_kernel_has_made_the_route_to_its_network() {
    let route = |prefix: &str, ifindex: u32, gateway: Option<&str>| {
        let leg = Leg { gateway: gateway.map(|gateway| gateway.parse().unwrap()), ifindex };
        WorldEvent::Route(ForeignRoute { prefix: prefix.parse().unwrap(), metric: 0, protocol: 2, legs: vec![leg] })
    };
    let mut stage = Stage::with(LINES);
    sees(&mut stage, link(5, "eth5", true));
    assert_eq!(sees(&mut stage, route("198.51.100.0/24", 5, None)), NOBODY, "the router has no address there");
    // The kernel tells of the address first, and a call fails that comes before the route.
    assert_eq!(sees(&mut stage, WorldEvent::Address(address(5, "198.51.100.1/24"))), neighbor());
    assert_eq!(sees(&mut stage, route("203.0.113.0/24", 5, None)), NOBODY, "another network");
    assert_eq!(sees(&mut stage, route("198.51.100.0/24", 6, None)), NOBODY, "another link");
    assert_eq!(sees(&mut stage, route("0.0.0.0/0", 5, Some("198.51.100.9"))), NOBODY, "it is no way to the network");
    assert_eq!(sees(&mut stage, route("198.51.100.0/24", 5, None)), neighbor());
}

#[test]
fn a_far_neighbor_is_called_when_the_address_is_there_that_its_session_begins_from() {
    let source = "\nset protocols bgp 64512 neighbor 198.51.100.7 update-source 192.0.2.9";
    let mut stage = Stage::with(&[LINES, source].concat());
    sees(&mut stage, link(5, "eth5", true));
    assert_eq!(sees(&mut stage, WorldEvent::Address(address(5, "203.0.113.1/24"))), NOBODY);
    assert_eq!(sees(&mut stage, WorldEvent::Address(address(5, "192.0.2.9/32"))), neighbor());
}

#[test]
fn an_address_that_comes_late_or_goes_costs_no_neighbor_and_forbids_no_commit() {
    let source = "\nset protocols bgp 64512 neighbor 198.51.100.7 update-source 192.0.2.9";
    let stage = Stage::with(&[LINES, source].concat());
    let late = stage.engine.late_sources(&stage.engine.running.model);
    assert!(late.iter().all(|warning| warning.message.contains("192.0.2.9")) && late.len() == 1, "{late:?}");
    let tree = |more: &str| Tree::parse_set_commands(&[LINES, source, more].concat()).tree;
    assert_eq!(stage.engine.accept(&tree("\nset system host-name edge")).err(), None, "it was accepted before");
    // What is new has to be there.
    let mistyped = "\nset protocols bgp 64512 neighbor 198.51.100.8 update-source 192.0.2.99";
    assert!(stage.engine.accept(&tree(mistyped)).is_err());
}

#[test]
fn who_has_a_session_or_waits_to_be_called_is_left_alone() {
    let passive = "\nset protocols bgp 64512 neighbor 198.51.100.7 passive";
    for lines in
        [[LINES, passive].concat(), [LINES, "\nset protocols bgp 64512 neighbor 198.51.100.7 shutdown"].concat()]
    {
        let mut stage = Stage::with(&lines);
        sees(&mut stage, link(5, "eth5", true));
        assert_eq!(sees(&mut stage, WorldEvent::Address(address(5, "198.51.100.1/24"))), NOBODY, "{lines}");
    }
}

#[test]
fn a_start_sets_links_and_addresses_before_it_calls_slow_programs_for_accounts() {
    let lines = [
        "set system host-name edge",
        "set system login user anna authentication encrypted-password $6$salt$x",
        "set interfaces ethernet eth1 address 198.51.100.1/24",
        LINES,
    ];
    let now = Instant::now();
    let at = Moment { instant: now, unix: 0 };
    let (mut engine, mut out) = (Engine::new(at, Facts::default()), Vec::new());
    engine.boot(at, boot(0, &lines.join("\n")), &mut out);
    let steps: Vec<String> = out
        .iter()
        .filter_map(|effect| match effect {
            Effect::Step(_, step) => Some(step.to_string()),
            _ => None,
        })
        .collect();
    let place =
        |word: &str| steps.iter().position(|step| step.contains(word)).unwrap_or_else(|| panic!("{word}: {steps:?}"));
    assert!(place("198.51.100.1/24") < place("anna").min(place("edge")), "{steps:?}");
}
