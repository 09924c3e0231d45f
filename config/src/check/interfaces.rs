//! Rules of `interfaces …`: what has to be there for another to be, and what cannot be together.
//!
//! Never asks whether the kernel has a link.

use std::collections::BTreeMap;

use nouns::IfName;

use super::{ConfigError, path};
use crate::model::Interface;
use crate::model::interfaces::InterfaceKind;

/// What a link has whose `mtu` nobody set (`ETH_DATA_LEN`).
const DEFAULT_MTU: u32 = 1500;

pub(super) fn check(interfaces: &BTreeMap<IfName, Interface>, errors: &mut Vec<ConfigError>) {
    for (name, interface) in interfaces {
        let mut refuse = |words: &[&dyn std::fmt::Display], message: String| {
            let path = interface.path(name).into_iter().chain(path(words)).collect();
            errors.push(ConfigError { path, message });
        };
        if let Some(bridge) = &interface.bridge {
            for message in port(interfaces, name, interface, bridge) {
                refuse(&[], message);
            }
        }
        if let (Some(parent), Some(mtu)) = (interface.parent().and_then(|parent| interfaces.get(parent)), interface.mtu)
        {
            let room = parent.mtu.unwrap_or(DEFAULT_MTU);
            if mtu > room {
                refuse(
                    &[&"mtu", &mtu],
                    format!("the mtu of a vif cannot be larger than that of its interface, {room}"),
                );
            }
        }
        if let Some(network) = interface.ipv6.eui64.iter().find(|network| network.length() != 64) {
            refuse(&[&"ipv6", &"address", &"eui64", network], format!("{network} is not a network of 64 bits"));
        }
        let random = matches!(interface.kind, InterfaceKind::Bridge(_) | InterfaceKind::Dummy);
        if random && interface.mac.is_none() && !interface.ipv6.eui64.is_empty() {
            refuse(
                &[&"ipv6", &"address"],
                "eui64 needs 'mac' here, because the kernel invents a new hardware address each time".to_owned(),
            );
        }
    }
}

/// What speaks against an interface being a port of a bridge.
fn port(interfaces: &BTreeMap<IfName, Interface>, name: &IfName, port: &Interface, bridge: &IfName) -> Vec<String> {
    let mut reasons = Vec::new();
    if !matches!(interfaces.get(bridge).map(|bridge| &bridge.kind), Some(InterfaceKind::Bridge(_))) {
        reasons.push(format!("the bridge {bridge} does not exist; set interfaces bridge {bridge}"));
    }
    match &port.kind {
        InterfaceKind::Bridge(_) => reasons.push(format!("{name} is a bridge and cannot be a port of {bridge}")),
        InterfaceKind::Loopback => reasons.push(format!("{name} is the loopback and cannot be a port of {bridge}")),
        InterfaceKind::Vif(vif) if vif.parent == *bridge => {
            reasons.push(format!("{name} is a VLAN of {bridge} and cannot be its port"));
        }
        InterfaceKind::Vif(_) | InterfaceKind::Ethernet | InterfaceKind::Dummy => {}
    }
    if !port.addresses.is_empty() || !port.ipv6.eui64.is_empty() {
        reasons.push(format!("{name} is a port of {bridge} and can have no address; give it to {bridge}"));
    }
    reasons
}
