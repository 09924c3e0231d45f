//! Flows that are remembered, as a view lists them.
//!
//! Never more than a page of them at once: the maps hold millions.

use std::net::{IpAddr, Ipv6Addr};

use api::view::{BalancerFlow, BalancerFlows};
use bpf_loader::{FlowsPlace, SomeFlows};
use bpf_tables::flow::Flow;
use bpf_tables::{Balancer, Pin};

use bpf_tables::state::{Clock, Kept};
use engine::effect::WantedFlows;

use super::explained;
use super::told::word;

/// Flows that are listed at most.
const MOST: usize = 1_000;

/// Some of them.
pub(super) struct Part {
    flows: BalancerFlows,
    /// Where the next ones are.
    pub(super) next: Option<FlowsPlace>,
}

/// Adds some to those that were found before.
pub(super) fn gather(found: &mut BalancerFlows, part: Part) {
    found.matching = found.matching.saturating_add(part.flows.matching);
    let room = MOST.saturating_sub(found.listed.len());
    found.listed.extend(part.flows.listed.into_iter().take(room));
}

/// Those of some flows that are wanted.
pub(super) fn part(state: &Balancer, wanted: &WantedFlows, some: &SomeFlows) -> Part {
    let mut found = BalancerFlows::default();
    for (flow, pin) in &some.flows {
        if wanted.client.is_some_and(|client| client != address(flow.source)) {
            continue;
        }
        let row = row(state, some.clock, flow, *pin);
        let of_service = wanted.service.as_ref().is_none_or(|wanted| row.service.as_ref() == Some(wanted));
        let of_node = wanted.node.is_none_or(|wanted| row.node == Some(wanted));
        if of_service && of_node {
            found.matching = found.matching.saturating_add(1);
            if found.listed.len() < MOST {
                found.listed.push(row);
            }
        }
    }
    Part { flows: found, next: some.next }
}

fn row(state: &Balancer, clock: Clock, flow: &Flow, pin: Pin) -> BalancerFlow {
    let known = state.remembered(clock, flow, pin);
    BalancerFlow {
        source: address(flow.source),
        source_port: u16::from_be_bytes(flow.source_port),
        destination: address(flow.destination),
        destination_port: u16::from_be_bytes(flow.destination_port),
        protocol: explained::protocol(flow.protocol),
        service: known.service.map(|(name, _)| name.to_string()),
        node: known.backend.map(|(address, _)| address),
        mode: known.backend.map(|(_, way)| word(way).to_owned()),
        idle: known.silent.as_secs(),
        why: words(known.why).to_owned(),
        affinity: known.by_client,
    }
}

fn address(octets: [u8; 16]) -> IpAddr {
    Ipv6Addr::from(octets).to_canonical()
}

fn words(why: Kept) -> &'static str {
    match why {
        Kept::Begun => "began",
        Kept::Stays => "stays",
        Kept::Drains => "drains",
        Kept::Over => "over",
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn flow(last: u8) -> (Flow, Pin) {
        let mapped = |octets: [u8; 4]| std::net::Ipv4Addr::from(octets).to_ipv6_mapped().octets();
        let flow = Flow {
            source: mapped([198, 51, 100, last]),
            destination: mapped([203, 0, 113, 80]),
            source_port: [0, 1],
            destination_port: [0, 80],
            protocol: 6,
            zero: [0; 3],
        };
        (flow, Pin { backend: 1, seen: 7 })
    }

    #[test]
    fn a_page_is_listed_and_all_are_counted() {
        let (state, clock) = (Balancer::default(), Clock { now: 9, unit: Duration::from_secs(1) });
        let flows = (0..600_u32).map(|number| flow((number % 200) as u8)).collect();
        let some = SomeFlows { clock, flows, next: None };
        let mut found = BalancerFlows::default();
        for _ in 0..2 {
            gather(&mut found, part(&state, &WantedFlows::default(), &some));
        }
        assert_eq!((found.matching, found.listed.len()), (1200, MOST));
        let first = found.listed.first().map(|row| (row.source, row.idle, row.why.clone(), row.service.clone()));
        assert_eq!(first, Some((IpAddr::from([198, 51, 100, 0]), 2, "over".to_owned(), None)));
        let client = WantedFlows { client: Some(IpAddr::from([198, 51, 100, 7])), ..WantedFlows::default() };
        assert_eq!(part(&state, &client, &some).flows.matching, 3);
        let service = WantedFlows { service: Some("web".to_owned()), ..WantedFlows::default() };
        assert_eq!(part(&state, &service, &some).flows, BalancerFlows::default());
    }
}
