//! What becomes of a flow, and why: the same directory, hash and slots that the programs read.
//!
//! Never sends anything, and remembers nothing.

use std::net::IpAddr;
use std::sync::Arc;

use bpf_common::flow::{self, Flow};
use bpf_common::layout::{CLIENT_ONLY, GUARDED, Mode, Pin};
use nouns::MacAddress;

use crate::directory::line_of;
use crate::state::Balancer;
use crate::wish::{Destination, Exit, Way, WhenEmpty};

/// What becomes of a packet of a flow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// The service, if there is one.
    pub service: Option<ServiceFound>,
    /// Where the flow stands in its table; nothing while the service has nobody.
    pub slot: Option<SlotFound>,
    /// Who gets it.
    pub backend: Option<BackendFound>,
    /// Why.
    pub why: Why,
}

/// The service of a flow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceFound {
    /// What persons call it.
    pub name: Arc<str>,
    /// What it is reached at.
    pub destination: Destination,
    /// Its number in the maps.
    pub number: u32,
}

/// The slot of a flow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SlotFound {
    /// The number of the table.
    pub table: u32,
    /// How many slots the table has.
    pub slots: u32,
    /// The slot.
    pub slot: u32,
    /// Whose new flows it is.
    pub current: Option<(IpAddr, Way)>,
    /// Whose old flows it is, while it changes hands.
    pub former: Option<(IpAddr, Way)>,
    /// Whose this flow is remembered to be, while that counts.
    pub remembered: Option<(IpAddr, Way)>,
}

/// Whom a packet goes to, and what is done to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BackendFound {
    /// Its number in the maps.
    pub number: u32,
    /// The node.
    pub address: IpAddr,
    /// What is done to the packet.
    pub way: Way,
    /// Where it leaves.
    pub exit: Option<Exit>,
    /// The hardware address that it gets; without one it is left to the kernel.
    pub mac: Option<MacAddress>,
    /// The VLAN tag that it gets.
    pub vlan: Option<u16>,
    /// Octets of the largest IP packet that leaves.
    pub mtu: u16,
}

/// Why a packet goes where it goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// It is for no service: the kernel takes it.
    NoService,
    /// The same, but it goes to nobody if a node sent it.
    Guarded,
    /// The service has nobody: the kernel takes it.
    EmptyToKernel,
    /// The service has nobody, and so it goes to nobody.
    EmptyToNobody,
    /// The slot is this backend's, and no other's.
    Owner,
    /// The slot changes hands, and the flow is remembered.
    Remembered,
    /// The slot changes hands, and the flow begins.
    Begins,
    /// The slot changes hands, and a flow that goes on is its former owner's.
    Former,
    /// The slot has changed hands, and the flow is not among those that are remembered.
    Current,
    /// A connection ID of QUIC names this backend.
    Named,
    /// It is a fragment, and goes where the first one went.
    Fragment,
    /// The slot's backend is nobody any more.
    Nobody,
}

impl Balancer {
    /// What becomes of a packet that begins the flow, or goes on with it, and what is remembered of the flow.
    #[must_use]
    pub fn explain(&self, flow: &Flow, begins: bool, pin: Option<Pin>) -> Explanation {
        let mut found = Explanation { service: None, slot: None, backend: None, why: Why::NoService };
        let Some(line) = line_of(self.directory(), flow) else { return found };
        let Some((destination, number, standing)) = self.found(line.service) else {
            found.why = if line.flags & GUARDED == 0 { Why::NoService } else { Why::Guarded };
            return found;
        };
        let service = standing.service();
        let name = service.map(|service| Arc::clone(&service.name)).unwrap_or_default();
        found.service = Some(ServiceFound { name, destination, number });
        let Some((table, shared)) = self.table_of(standing) else {
            let kernel = service.is_none_or(|service| service.when_empty == WhenEmpty::Kernel);
            found.why = if kernel { Why::EmptyToKernel } else { Why::EmptyToNobody };
            return found;
        };
        let hash = flow.hash(standing.flags() & CLIENT_ONLY != 0);
        let place = flow::slot(hash, shared.len());
        let slot = shared.slot(place);
        let lives = |number: u32| self.who(number).is_some();
        let remembered = pin.map(|pin| pin.backend).filter(|number| slot.mode() != Mode::Stable && lives(*number));
        let (chosen, why) = match (slot.mode(), remembered) {
            (Mode::Stable, _) => (slot.current(), Why::Owner),
            (_, Some(number)) => (number, Why::Remembered),
            (Mode::Settling, None) => (slot.current(), Why::Current),
            (Mode::Learning, None) if begins => (slot.current(), Why::Begins),
            (Mode::Learning, None) if lives(slot.former()) => (slot.former(), Why::Former),
            (Mode::Learning, None) => (slot.current(), Why::Current),
        };
        found.slot = Some(SlotFound {
            table,
            slots: shared.len(),
            slot: place,
            current: self.who(slot.current()),
            former: self.who(slot.former()),
            remembered: remembered.and_then(|number| self.who(number)),
        });
        found.backend = self.backend(chosen);
        found.why = if found.backend.is_some() { why } else { Why::Nobody };
        found
    }
}
