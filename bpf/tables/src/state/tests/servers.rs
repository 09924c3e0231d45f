//! Connection IDs of QUIC lead to the backends that chose them.

use std::time::Instant;

use bpf_common::directory::{exact, rest};
use bpf_common::layout::{SERVER, server, server_octets};

use super::{destination, member, service, wish};
use crate::room;
use crate::state::{Balancer, Input, Write};
use crate::wish::{Service, State};

/// What is written for this service, and how the state is then.
fn written(service: Service) -> (Balancer, Vec<Write>) {
    let (mut balancer, mut out) = (Balancer::default(), Vec::new());
    let wish = wish([(destination(1), service)]);
    assert_eq!(room::room(&wish), Ok(()));
    balancer.handle(Instant::now(), Input::Wish(Box::new(wish)), &mut out);
    (balancer, out)
}

/// The last octet of the address of whom an ID leads to.
fn named(balancer: &Balancer, id: u64) -> Option<u8> {
    let found = exact(balancer.directory(), server(1, id), rest(0, 17, SERVER))?;
    match balancer.node(found.service)? {
        std::net::IpAddr::V4(address) => address.octets().last().copied(),
        std::net::IpAddr::V6(_) => None,
    }
}

#[test]
fn an_id_leads_to_whoever_lives() {
    let members = [member(1, 1, State::Active), member(2, 1, State::Draining), member(3, 1, State::Dead)];
    let (balancer, out) = written(Service { server_octets: 1, ..service(members) });
    assert_eq!([1, 2, 3, 4].map(|id| named(&balancer, id)), [Some(1), Some(2), None, None]);
    let octets = out.iter().find_map(|write| match write {
        Write::Service(1, entry) => Some(server_octets(entry.flags)),
        _ => None,
    });
    assert_eq!(octets, Some(1), "packets are read for it");
}

#[test]
fn an_id_that_two_nodes_could_have_leads_to_neither_and_is_told() {
    let mut other = member(1, 1, State::Active);
    other.backend.address = std::net::IpAddr::from([192, 0, 3, 1]);
    let (balancer, _) = written(Service { server_octets: 1, ..service([member(1, 1, State::Active), other.clone()]) });
    assert_eq!(named(&balancer, 1), None);
    let warnings = balancer.report(Instant::now(), &Default::default()).warnings;
    assert!(warnings.iter().any(|words| words.contains("calls two nodes of a service alike")), "{warnings:?}");
    let (balancer, _) = written(Service { server_octets: 2, ..service([member(1, 1, State::Active), other]) });
    assert_eq!(named(&balancer, u64::from(u16::from_le_bytes([3, 1]))), Some(1), "two octets tell them apart");
}

#[test]
fn without_the_word_nothing_is_called() {
    let (balancer, _) = written(service([member(1, 1, State::Active)]));
    assert_eq!(named(&balancer, 1), None);
}
