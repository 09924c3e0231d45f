//! Each rule broken once, told at its path.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail loudly")]

use crate::check::{Context, accept, report, warnings};
use crate::fixtures::tree;

const GOOD: &str = "set interfaces ethernet eth0 address 198.51.100.1/24
    set interfaces ethernet eth1 address 192.0.2.254/24
    set interfaces ethernet eth1 address 2001:db8::254/64
    set balancer interface eth0
    set balancer learned cluster prefix 172.16.0.0/16
    set balancer learned cluster prefix 2001:db8:16::/64
    set balancer learned cluster check tcp
    set balancer learned cluster check port 80
    set balancer service web address 203.0.113.80
    set balancer service web port 80
    set balancer service web backend 192.0.2.1
    set balancer service web backend 192.0.2.2 weight 3
    set balancer service dns address 203.0.113.80
    set balancer service dns port 53
    set balancer service dns protocol tcp_udp
    set balancer service dns mode nat
    set balancer service dns backend 192.0.2.1 port 5353";

#[test]
fn a_sound_balancer_is_accepted_without_a_word() {
    let model = accept(&tree(GOOD), &Context::default()).unwrap();
    assert_eq!(warnings(&model), Vec::new());
}

#[test]
fn each_rule_is_told_at_its_path() {
    for (lines, expect) in [
        ("service a port 80", "[ balancer service a ]\n  must set address, which clients use"),
        ("service a address 203.0.113.1", "[ balancer service a ]\n  must set port, or any-port"),
        ("service web any-port", "[ balancer service web ]\n  port 80 and any-port cannot both be"),
        ("learned a mode l2", "[ balancer learned a ]\n  must set prefix"),
        (
            "learned a prefix 0.0.0.0/0",
            "[ balancer learned a ]\n  prefix 0.0.0.0/0 would make a service of every route",
        ),
        (
            "learned a prefix 192.0.0.0/16",
            "[ balancer learned a ]\n  prefix 192.0.0.0/16 holds 192.0.2.0/24, a network",
        ),
        (
            "learned a prefix 172.16.0.0/16",
            "[ balancer learned cluster prefix 172.16.0.0/16 ]\n  prefix 172.16.0.0/16 stands in learned a already",
        ),
        ("learned cluster mode nat", "[ balancer learned cluster ]\n  nodes that announce a service have its address"),
        ("interface lo", "[ balancer interface lo ]\n  no packets of clients arrive on the loopback"),
        (
            "service web backend 192.0.2.254",
            "[ balancer service web backend 192.0.2.254 ]\n  192.0.2.254 is an address of this router",
        ),
        (
            "learned cluster backend 192.0.2.254 drain",
            "[ balancer learned cluster backend 192.0.2.254 ]\n  192.0.2.254 is an address of this router",
        ),
        ("service web backend 203.0.113.80", "[ balancer service web ]\n  203.0.113.80 is the service itself"),
        (
            "service b address 203.0.113.80; service b port 53; service b protocol udp",
            "[ balancer service dns ]\n  port 53 of 203.0.113.80 belongs to service b already",
        ),
        (
            "service b address 192.0.2.254; service b any-port",
            "[ balancer service b ]\n  192.0.2.254 is an address of this router, which nobody could reach any more",
        ),
        (
            "service web backend 192.0.2.1 port 81",
            "[ balancer service web ]\n  backend 192.0.2.1 cannot have port 81 of its own without mode nat",
        ),
        (
            "service dns backend 2001:db8::1",
            "[ balancer service dns ]\n  backend 2001:db8::1 is not of the service's address family",
        ),
        (
            "service b address 203.0.113.9; service b port 53; service b protocol udp; service b mode nat; \
             service b backend 192.0.2.1 port 5353",
            "[ balancer service dns backend 192.0.2.1 ]\n  answers of 192.0.2.1 port 5353 could be service b's or dns's",
        ),
        (
            "service b address 203.0.113.9; service b any-port; service b mode nat; service b backend 192.0.2.1",
            "[ balancer service dns backend 192.0.2.1 ]\n  answers of 192.0.2.1 port 5353 could be service b's",
        ),
        ("service web quic", "[ balancer service web ]\n  quic is spoken over UDP"),
        ("service web quic-server-id 4", "[ balancer service web ]\n  quic-server-id is about QUIC"),
        ("service web protocol udp; service web mss-clamp 1400", "[ balancer service web ]\n  mss-clamp is about TCP"),
        ("service web check rise 2", "[ balancer service web check ]\n  must set tcp, http, icmp or udp"),
        ("service web check tcp; service web check icmp", "[ balancer service web check ]\n  only one of tcp, http"),
        (
            "service web check tcp; service web check timeout 3000",
            "[ balancer service web check ]\n  timeout 3000 is longer than interval 2000",
        ),
        ("service web check udp", "[ balancer service web ]\n  check udp asks a service of TCP"),
        (
            "learned b prefix 172.17.0.0/16; learned b check http",
            "[ balancer learned b ]\n  check http needs a port to ask",
        ),
    ] {
        let more: String = lines.split("; ").map(|line| format!("\nset balancer {line}")).collect();
        let errors = accept(&tree(&format!("{GOOD}{more}")), &Context::default()).unwrap_err();
        let text = report(&errors);
        assert!(text.contains(expect), "{lines}:\n{text}");
    }
}

#[test]
fn what_does_nothing_is_told() {
    let lines = "set balancer service web address 203.0.113.80\nset balancer service web port 80";
    let model = accept(&tree(lines), &Context::default()).unwrap();
    let told: Vec<String> = warnings(&model).iter().map(ToString::to_string).collect();
    assert!(told.iter().any(|told| told.starts_with("no packets are balanced until")), "{told:?}");
    assert!(told.iter().any(|told| told.starts_with("service web has no backend")), "{told:?}");
}
