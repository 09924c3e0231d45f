//! What becomes of a flow, as a view shows it.
//!
//! Never asks the maps anything.

use std::net::IpAddr;

use api::view::BalancerExplained;
use bpf_tables::explain::{Explanation, Why};
use bpf_tables::flow::Flow;
use engine::effect::AskedFlow;

use super::told::word;

/// The flow that was asked for, as the programs have it.
pub(super) fn flow(asked: &AskedFlow) -> Flow {
    let octets = |address: IpAddr| match address {
        IpAddr::V4(address) => address.to_ipv6_mapped().octets(),
        IpAddr::V6(address) => address.octets(),
    };
    Flow {
        source: octets(asked.source),
        destination: octets(asked.destination),
        source_port: asked.source_port.to_be_bytes(),
        destination_port: asked.destination_port.to_be_bytes(),
        protocol: asked.protocol,
        zero: [0; 3],
    }
}

/// The view; the interface is the name of the link that packets leave by.
pub(super) fn view(asked: &AskedFlow, found: Explanation, interface: Option<String>) -> BalancerExplained {
    let AskedFlow { source, source_port, destination, destination_port, protocol } = asked;
    let name = self::protocol(*protocol);
    let slot = found.slot.as_ref();
    let backend = found.backend.as_ref();
    BalancerExplained {
        flow: format!("{source} port {source_port} to {destination} port {destination_port}, {name}"),
        why: words(found.why).to_owned(),
        service: found.service.as_ref().map(|service| service.name.to_string()),
        address: found.service.as_ref().map(|service| service.destination.prefix),
        table: slot.map(|slot| slot.table),
        slot: slot.map(|slot| slot.slot),
        slots: slot.map(|slot| slot.slots),
        current: slot.and_then(|slot| slot.current).map(|(address, _)| address),
        former: slot.and_then(|slot| slot.former).map(|(address, _)| address),
        remembered: slot.and_then(|slot| slot.remembered).map(|(address, _)| address),
        node: backend.map(|backend| backend.address),
        mode: backend.map(|backend| word(backend.way).to_owned()),
        interface,
        gateway: backend.and_then(|backend| backend.exit).map(|exit| exit.gateway),
        mac: backend.and_then(|backend| backend.mac),
        vlan: backend.and_then(|backend| backend.vlan),
        mtu: backend.map(|backend| backend.mtu),
    }
}

/// What persons call a protocol.
pub(super) fn protocol(number: u8) -> String {
    match number {
        1 | 58 => "icmp".to_owned(),
        6 => "tcp".to_owned(),
        17 => "udp".to_owned(),
        number => number.to_string(),
    }
}

fn words(why: Why) -> &'static str {
    match why {
        Why::NoService => "it is for no service: the kernel takes it",
        Why::Guarded => "it is for no service: the kernel takes it, but nobody if a node sent it",
        Why::EmptyToKernel => "the service has no node: the routes of the kernel decide",
        Why::EmptyToNobody => "the service has no node: it goes to nobody",
        Why::Owner => "the slot is this node's",
        Why::Remembered => "the slot changes hands, and the flow is remembered",
        Why::Begins => "the slot changes hands, and the flow begins",
        Why::Former => {
            "the slot changes hands: a flow that goes on is the former node's, one that begins the new one's"
        }
        Why::Current => "the slot has changed hands, and the flow is not among those that are remembered",
        Why::Named => "the connection ID of QUIC names this node",
        Why::Fragment => "it goes where the first fragment went",
        Why::Nobody => "the node of the slot is gone",
    }
}
