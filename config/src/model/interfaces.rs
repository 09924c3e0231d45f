//! `interfaces …`: what the configuration wishes of each link.
//!
//! Never asks whether the link exists.

use std::collections::{BTreeMap, BTreeSet};

use nouns::{IfName, InterfaceAddress};

use super::reader::Reader;

/// Under which word the interface stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum InterfaceKind {
    /// `interfaces ethernet`
    Ethernet,
    /// `interfaces loopback`
    Loopback,
}

impl InterfaceKind {
    /// The word of the configuration.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Ethernet => "ethernet",
            Self::Loopback => "loopback",
        }
    }
}

/// `interfaces <kind> <name>`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interface {
    /// The word above the name.
    pub kind: InterfaceKind,
    /// `address`, repeatable.
    pub addresses: BTreeSet<InterfaceAddress>,
    /// `description`
    pub description: Option<String>,
    /// `mtu` in octets.
    pub mtu: Option<u32>,
    /// `disable`
    pub disable: bool,
}

pub(super) fn lower(interfaces: Reader<'_>) -> BTreeMap<IfName, Interface> {
    let mut lowered = BTreeMap::new();
    for kind in [InterfaceKind::Ethernet, InterfaceKind::Loopback] {
        for (name, place) in interfaces.instances::<IfName>(kind.word()) {
            let interface = Interface {
                kind,
                addresses: place.values("address").into_iter().collect(),
                description: place.leaf("description"),
                mtu: place.leaf("mtu"),
                disable: place.flag("disable"),
            };
            lowered.insert(name, interface);
        }
    }
    lowered
}
