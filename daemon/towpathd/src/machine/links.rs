//! Hosts on links, counters of interfaces, the kernel's routing tables: asked over netlink.
//!
//! The kernel cannot count from zero again, so what was counted at `clear interfaces counters` is kept and
//! subtracted. Never keeps anything else.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex};

use api::view::interface::{InterfaceCounters, Received, Sent};
use api::view::kernel_route::{KernelNextHop, KernelRoute, KernelRoutes};
use api::view::neighbor_table::{LinkNeighbor, NeighborState, NeighborTable};
use api::{ApiError, Flush, View};
use kernel::look::{self, Counters, TableRoute};
use nouns::{Family, IfName};

/// What each link had counted when somebody wanted it to begin from zero.
#[derive(Clone, Debug, Default)]
pub(crate) struct Counted(Arc<Mutex<BTreeMap<u32, Counters>>>);

impl Counted {
    /// What a link has counted since; a link that counts less than before is a new one.
    fn since(&self, ifindex: u32, now: Counters) -> Counters {
        let before = self.0.lock().ok().and_then(|counted| counted.get(&ifindex).copied()).unwrap_or_default();
        if before.rx_bytes > now.rx_bytes || before.tx_bytes > now.tx_bytes {
            return now;
        }
        Counters {
            rx_packets: now.rx_packets.saturating_sub(before.rx_packets),
            tx_packets: now.tx_packets.saturating_sub(before.tx_packets),
            rx_bytes: now.rx_bytes.saturating_sub(before.rx_bytes),
            tx_bytes: now.tx_bytes.saturating_sub(before.tx_bytes),
            rx_errors: now.rx_errors.saturating_sub(before.rx_errors),
            tx_errors: now.tx_errors.saturating_sub(before.tx_errors),
            rx_dropped: now.rx_dropped.saturating_sub(before.rx_dropped),
            tx_dropped: now.tx_dropped.saturating_sub(before.tx_dropped),
            multicast: now.multicast.saturating_sub(before.multicast),
            collisions: now.collisions.saturating_sub(before.collisions),
            rx_over_errors: now.rx_over_errors.saturating_sub(before.rx_over_errors),
            tx_carrier_errors: now.tx_carrier_errors.saturating_sub(before.tx_carrier_errors),
        }
    }
}

/// `show arp`, `show ipv6 neighbors`
///
/// # Errors
/// What the kernel answered.
pub(crate) fn neighbors(family: Family, interface: Option<&IfName>) -> Result<View, ApiError> {
    let names = names()?;
    let found = look::neighbors(family).map_err(|error| refused("neighbors", &error))?;
    let shown = found.into_iter().filter_map(|neighbor| {
        let name = names.get(&neighbor.ifindex)?.clone();
        interface.is_none_or(|only| *only == name).then(|| LinkNeighbor {
            address: neighbor.address,
            interface: name,
            mac: (!neighbor.mac.is_empty()).then(|| hexadecimal(&neighbor.mac)),
            state: state(neighbor.state),
            router: neighbor.router,
        })
    });
    Ok(View::NeighborTable(NeighborTable { family, neighbors: shown.collect() }))
}

/// `show ip route table N`
///
/// # Errors
/// What the kernel answered.
pub(crate) fn routes(family: Family, table: u32) -> Result<View, ApiError> {
    let names = names()?;
    let found = look::table(family, table).map_err(|error| refused("routes", &error))?;
    let row = |route: TableRoute| KernelRoute {
        prefix: route.prefix,
        kind: route.kind.to_owned(),
        protocol: protocol(route.protocol),
        metric: route.metric,
        next_hop_id: route.next_hop,
        next_hops: route
            .legs
            .iter()
            .map(|leg| KernelNextHop { gateway: leg.gateway, interface: names.get(&leg.ifindex).cloned() })
            .collect(),
    };
    Ok(View::KernelRoutes(KernelRoutes { family, table, routes: found.into_iter().map(row).collect() }))
}

/// Adds to a view of interfaces what went through them; without it where the kernel does not tell.
pub(crate) fn complete(view: View, counted: &Counted) -> View {
    let now = look::counters().unwrap_or_default();
    let of = |name: &IfName| {
        let found = now.iter().find(|(_, known, _)| known == name);
        found.map(|(ifindex, _, counters)| shown(counted.since(*ifindex, *counters)))
    };
    match view {
        View::InterfaceDetail(mut one) => {
            one.counters = of(&one.interface.name);
            View::InterfaceDetail(one)
        }
        View::InterfaceDetails(mut all) => {
            for one in &mut all {
                one.counters = of(&one.interface.name);
            }
            View::InterfaceDetails(all)
        }
        View::InterfaceCounters(mut table) => {
            for one in &mut table.interfaces {
                one.counters = of(&one.name);
            }
            View::InterfaceCounters(table)
        }
        other => other,
    }
}

/// `clear arp`, `clear ipv6 neighbors`, `clear interfaces counters`: a sentence that tells what was done.
///
/// # Errors
/// What the kernel answered.
pub(crate) fn flush(what: &Flush, counted: &Counted) -> Result<String, ApiError> {
    match what {
        Flush::Neighbors { family, interface, address } => {
            let names = names()?;
            let mut found = look::neighbors(*family).map_err(|error| refused("neighbors", &error))?;
            found.retain(|neighbor| {
                let here = interface.as_ref().is_none_or(|name| names.get(&neighbor.ifindex) == Some(name));
                here && address.is_none_or(|only| neighbor.address == only)
            });
            look::forget(&found).map_err(|error| refused("neighbors", &error))?;
            Ok(String::new())
        }
        // The thread of the balancer has those.
        Flush::Balancer => Ok(String::new()),
        Flush::Counters { interface } => {
            let now = look::counters().map_err(|error| refused("counters", &error))?;
            if let Ok(mut kept) = counted.0.lock() {
                let wanted = now.into_iter().filter(|(_, name, _)| interface.as_ref().is_none_or(|only| only == name));
                kept.extend(wanted.map(|(ifindex, _, counters)| (ifindex, counters)));
            }
            Ok(String::new())
        }
    }
}

fn names() -> Result<BTreeMap<u32, IfName>, ApiError> {
    let links = look::counters().map_err(|error| refused("links", &error))?;
    Ok(links.into_iter().map(|(ifindex, name, _)| (ifindex, name)).collect())
}

fn refused(what: &str, error: &io::Error) -> ApiError {
    ApiError::new("kernel", format!("the kernel was asked for its {what} and answered: {error}"))
}

fn shown(counters: Counters) -> InterfaceCounters {
    InterfaceCounters {
        received: Received {
            bytes: counters.rx_bytes,
            packets: counters.rx_packets,
            errors: counters.rx_errors,
            dropped: counters.rx_dropped,
            overrun: counters.rx_over_errors,
            multicast: counters.multicast,
        },
        sent: Sent {
            bytes: counters.tx_bytes,
            packets: counters.tx_packets,
            errors: counters.tx_errors,
            dropped: counters.tx_dropped,
            carrier: counters.tx_carrier_errors,
            collisions: counters.collisions,
        },
    }
}

fn state(state: look::NeighborState) -> NeighborState {
    match state {
        look::NeighborState::Incomplete => NeighborState::Incomplete,
        look::NeighborState::Reachable => NeighborState::Reachable,
        look::NeighborState::Stale => NeighborState::Stale,
        look::NeighborState::Delay => NeighborState::Delay,
        look::NeighborState::Probe => NeighborState::Probe,
        look::NeighborState::Failed => NeighborState::Failed,
        look::NeighborState::Permanent => NeighborState::Permanent,
    }
}

/// `rtm_protocol` in the words of `/etc/iproute2/rt_protos`.
fn protocol(number: u8) -> String {
    let known = match number {
        0 => "unspec",
        1 => "redirect",
        2 => "kernel",
        3 => "boot",
        4 => "static",
        9 => "ra",
        16 => "dhcp",
        rib::fib::RTPROT_TOWPATH => "towpath",
        other => return other.to_string(),
    };
    known.to_owned()
}

fn hexadecimal(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect::<Vec<_>>().join(":")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may fail loudly")]
    use super::*;

    #[test]
    fn counters_begin_anew_where_they_were_cleared_and_where_the_link_is_a_new_one() {
        let counted = Counted::default();
        let at = |rx_bytes: u64| Counters { rx_bytes, rx_packets: rx_bytes / 100, ..Counters::default() };
        assert_eq!(counted.since(3, at(500)), at(500));
        counted.0.lock().unwrap().insert(3, at(500));
        assert_eq!(counted.since(3, at(700)), at(200));
        assert_eq!(counted.since(4, at(700)), at(700));
        assert_eq!(counted.since(3, at(100)), at(100));
    }
}
