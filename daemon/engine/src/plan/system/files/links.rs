//! The list of links that ask a DHCP server for their address.

use std::collections::BTreeMap;

use config::model::interfaces::Interface;
use nouns::IfName;

/// A name on each line, as the client's script of the appliance reads it.
pub(super) fn dhcp(interfaces: &BTreeMap<IfName, Interface>) -> Option<String> {
    let asking = interfaces.iter().filter(|(_, interface)| interface.dhcp && !interface.disable);
    let text: String = asking.map(|(name, _)| format!("{name}\n")).collect();
    (!text.is_empty()).then_some(text)
}
