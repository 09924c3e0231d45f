//! Packets go in a trace where their flows are said to go, and what one of them leaves is there for the next.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Instant;

use bpf_common::flow::Flow;
use bpf_common::layout::Pin;
use bpf_common::reason::Reason;
use bpf_common::way::Outcome;

use super::{destination, member, service, wish};
use crate::explain::Why;
use crate::state::{Balancer, Input, Link, Traced};
use crate::wish::State;

const SYN: u8 = 2;
const ACK: u8 = 16;

/// A segment from a port of 203.0.113.1 to a host of 198.51.100.0/24.
fn segment(port: u16, host: u8, flags: u8) -> Vec<u8> {
    let [high, low] = port.to_be_bytes();
    let mut packet = vec![2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0];
    packet.extend([0x45, 0, 0, 40, 0, 0, 0x40, 0, 64, 6, 0, 0, 203, 0, 113, 1, 198, 51, 100, host]);
    packet.extend([high, low, 0, 80, 0, 0, 0, 0, 0, 0, 0, 0, 0x50, flags, 0, 0, 0, 0, 0, 0]);
    packet
}

/// The flow of that.
fn flow(port: u16, host: u8) -> Flow {
    let mapped = |octets: [u8; 4]| Ipv4Addr::from(octets).to_ipv6_mapped().octets();
    Flow {
        source: mapped([203, 0, 113, 1]),
        destination: mapped([198, 51, 100, host]),
        source_port: port.to_be_bytes(),
        destination_port: 80_u16.to_be_bytes(),
        protocol: 6,
        zero: [0; 3],
    }
}

fn state(nodes: u8) -> Balancer {
    let (mut balancer, now) = (Balancer::default(), Instant::now());
    let mac = |last| nouns::MacAddress::from([2, 0, 0, 0, 1, last]);
    let mut give = |input| balancer.handle(now, input, &mut Vec::new());
    give(Input::Link(2, Some(Link { mac: Some(mac(99)), mtu: 1500, vlan: None })));
    for number in 1..=nodes {
        give(Input::Neighbor(2, IpAddr::from([192, 0, 2, number]), Some(mac(number))));
    }
    let one = |count: u8| wish([(destination(1), service((1..=count).map(|node| member(node, 1, State::Active))))]);
    give(Input::Wish(Box::new(one(1))));
    give(Input::Wish(Box::new(one(nodes))));
    balancer
}

fn traced(balancer: &Balancer, packets: &[Vec<u8>], pin: Option<Pin>) -> Vec<Traced> {
    balancer.trace(packets.iter().map(Vec::as_slice), &mut |_| pin)
}

#[test]
fn a_packet_goes_where_its_flow_is_said_to_go() {
    let balancer = state(4);
    let packets: Vec<Vec<u8>> = (1..=500).map(|port| segment(port, 1, ACK)).collect();
    let mut reasons = std::collections::BTreeSet::new();
    for (port, traced) in (1..=500).zip(traced(&balancer, &packets, None)) {
        let said = balancer.explain(&flow(port, 1), false, None);
        assert_eq!(traced.explanation, said, "port {port}");
        assert_eq!((traced.outcome, traced.reason), (Outcome::To(2), None));
        let mac = said.backend.unwrap().mac.unwrap();
        assert_eq!(traced.packet[..6], mac.octets(), "it has the hardware address of the node that it goes to");
        assert_eq!(traced.packet[22], 63, "and has made a hop");
        reasons.insert(format!("{:?}", traced.explanation.why));
    }
    assert_eq!(
        reasons.into_iter().collect::<Vec<_>>(),
        ["Former", "Owner"],
        "slots have changed hands, and others not"
    );
}

#[test]
fn what_a_packet_leaves_is_there_for_the_next_and_for_nobody_else() {
    let balancer = state(2);
    let learning = (1..=500).find(|port| balancer.explain(&flow(*port, 1), false, None).why == Why::Former).unwrap();
    let packets = [segment(learning, 1, SYN), segment(learning, 1, ACK)];
    let why = |pin| -> Vec<Why> { traced(&balancer, &packets, pin).iter().map(|one| one.explanation.why).collect() };
    assert_eq!(why(None), [Why::Begins, Why::Remembered]);
    assert_eq!(why(None), [Why::Begins, Why::Remembered], "a trace remembers nothing for the next one");
    let other = traced(&balancer, &packets[1..], Some(Pin { backend: 2, seen: 0 }));
    assert_eq!(other[0].explanation.why, Why::Remembered, "what the maps remember counts");
}

#[test]
fn what_is_not_forwarded_says_why() {
    let balancer = state(1);
    let short = segment(1, 1, ACK)[..40].to_vec();
    let found = traced(&balancer, &[segment(1, 9, ACK), short, vec![0; 3]], None);
    let seen: Vec<_> = found.iter().map(|one| (one.outcome, one.reason)).collect();
    assert_eq!(
        seen,
        [
            (Outcome::Pass, Some(Reason::NoService)),
            (Outcome::Drop, Some(Reason::Malformed)),
            (Outcome::Pass, Some(Reason::NotIp)),
        ]
    );
}
