//! The state against a kernel of maps, through which flows send packets while backends come, drain, die and change weight.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a test may fail loudly"
)]

mod coarse;
mod kernel;
mod laws;
mod remembered;
mod servers;
mod sharing;
mod trace;

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Duration;

use nouns::Prefix;

use crate::wish::{Affinity, Backend, Destination, Exit, Idle, Member, Service, State, Way, WhenEmpty, Wish};

/// A prime of slots that a test walks through quickly.
const SLOTS: u32 = 251;
const IDLE: Idle = Idle { tcp: Duration::from_secs(60), other: Duration::from_secs(20) };

/// A node, by its number.
fn node(number: u8) -> Backend {
    let address = IpAddr::V4(Ipv4Addr::new(192, 0, 2, number));
    Backend { address, way: Way::L2, exit: Some(Exit { link: 2, gateway: address }) }
}

fn member(number: u8, weight: u32, state: State) -> Member {
    Member { backend: node(number), weight, state, mark: None }
}

fn service(members: impl IntoIterator<Item = Member>) -> Service {
    Service {
        name: "web".into(),
        backends: members.into_iter().collect::<Vec<_>>().into(),
        affinity: Affinity::Flow,
        quic: false,
        server_octets: 0,
        when_empty: WhenEmpty::Drop,
        clamp: None,
    }
}

fn destination(number: u8) -> Destination {
    Destination { prefix: Prefix::host(IpAddr::V4(Ipv4Addr::new(198, 51, 100, number))), transport: None }
}

fn wish(services: impl IntoIterator<Item = (Destination, Service)>) -> Wish {
    Wish {
        links: Default::default(),
        services: services.into_iter().collect(),
        guards: Vec::new(),
        slots: SLOTS,
        idle: IDLE,
    }
}

/// Services with the same members.
fn same(count: u8, members: &[Member]) -> Wish {
    let members: Arc<[Member]> = members.into();
    wish((1..=count).map(|number| (destination(number), Service { backends: Arc::clone(&members), ..service([]) })))
}
