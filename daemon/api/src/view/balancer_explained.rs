//! `show balancer explain …`: what becomes of a packet of a flow, and why.
//!
//! Never guesses: it is what the programs would do with the maps as they stand.

use std::net::IpAddr;

use nouns::{MacAddress, Prefix};
use serde::{Deserialize, Serialize};

use crate::text::Text;

/// `show balancer explain SOURCE PORT DESTINATION PORT PROTOCOL`
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BalancerExplained {
    /// The flow, as it was asked for.
    pub flow: String,
    /// What becomes of it, in words.
    pub why: String,
    /// The service that it is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
    /// What that is reached at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<Prefix>,
    /// The number of the service's table.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub table: Option<u32>,
    /// The flow's slot in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slot: Option<u32>,
    /// How many slots the table has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slots: Option<u32>,
    /// The node that new flows of the slot go to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub current: Option<IpAddr>,
    /// The node that old ones go to, while the slot changes hands.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub former: Option<IpAddr>,
    /// The node that this flow is remembered to have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remembered: Option<IpAddr>,
    /// The node that it goes to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node: Option<IpAddr>,
    /// What is done to its packets: `l2`, `ipip`, `gue` or `nat`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<String>,
    /// Where they leave.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interface: Option<String>,
    /// Whose hardware address they get.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gateway: Option<IpAddr>,
    /// That address; without one the kernel takes them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mac: Option<MacAddress>,
    /// The VLAN tag that they get.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vlan: Option<u16>,
    /// Octets of the largest packet that leaves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mtu: Option<u16>,
}

impl Text for BalancerExplained {
    fn text(&self) -> String {
        fn say<T: ToString>(value: Option<T>) -> String {
            value.map(|value| value.to_string()).unwrap_or_default()
        }
        let slot = self.slot.zip(self.slots).zip(self.table);
        let slot = slot.map(|((slot, slots), table)| format!("{slot} of {slots} in table {table}"));
        let exit = self.interface.as_ref().map(|interface| {
            let tag = self.vlan.map(|tag| format!(", VLAN {tag}")).unwrap_or_default();
            let mac = self.mac.map_or_else(|| "not known".to_owned(), |mac| mac.to_string());
            format!("{interface}{tag}, to {} ({mac}), MTU {}", say(self.gateway), say(self.mtu))
        });
        let service = self.service.as_ref().map(|service| format!("{service} ({})", say(self.address)));
        let node = self.node.map(|node| format!("{node}, {}", say(self.mode.as_ref())));
        let rows = [
            ("Flow", Some(self.flow.clone())),
            ("Service", service),
            ("Slot", slot),
            ("  new flows", self.current.map(|node| node.to_string())),
            ("  old flows", self.former.map(|node| node.to_string())),
            ("  remembered", self.remembered.map(|node| node.to_string())),
            ("Goes to", node),
            ("Leaves by", exit),
            ("Why", Some(self.why.clone())),
        ];
        rows.into_iter().filter_map(|(name, value)| Some(format!("{name:<13}{}\n", value?))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_known_has_no_line() {
        let nothing = BalancerExplained {
            flow: "192.0.2.1 port 1 to 192.0.2.2 port 80, tcp".to_owned(),
            why: "it is for no service: the kernel takes it".to_owned(),
            ..BalancerExplained::default()
        };
        let text = "Flow         192.0.2.1 port 1 to 192.0.2.2 port 80, tcp\n\
                    Why          it is for no service: the kernel takes it\n";
        assert_eq!(nothing.text(), text);
        let found = BalancerExplained {
            slot: Some(7),
            slots: Some(251),
            table: Some(1),
            interface: Some("eth1".to_owned()),
            gateway: "192.0.2.9".parse().ok(),
            mtu: Some(1500),
            ..nothing
        };
        assert!(found.text().contains("Slot         7 of 251 in table 1\n"), "{}", found.text());
        assert!(found.text().contains("Leaves by    eth1, to 192.0.2.9 (not known), MTU 1500\n"), "{}", found.text());
    }
}
