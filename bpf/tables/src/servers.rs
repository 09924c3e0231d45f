//! Backends by what connection IDs of QUIC call them: the last octets of their addresses.
//!
//! Never chooses between two that are called alike: packets for either go by their slots.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::net::IpAddr;

use bpf_common::layout::SERVER_OCTETS_MOST;

use crate::maglev::mapped;
use crate::wish::{Destination, Protocol, Service, State};

/// Who is meant by which octets, for each service.
#[derive(Clone, Debug, Default)]
pub(crate) struct Servers {
    /// Nobody, where two are called alike.
    known: BTreeMap<(u32, u64), Option<u16>>,
}

impl Servers {
    /// Takes in the backends of a service by their numbers; whoever is dead is called nothing.
    pub(crate) fn add(&mut self, service: u32, wished: &Service, number: impl Fn(usize) -> Option<u16>) {
        let called = wished.server_octets.min(SERVER_OCTETS_MOST as u8);
        if called == 0 {
            return;
        }
        for (place, member) in wished.backends.iter().enumerate() {
            let lives = member.state != State::Dead && member.backend.exit.is_some();
            let Some(number) = number(place).filter(|_| lives) else { continue };
            match self.known.entry((service, id(member.backend.address, called))) {
                Entry::Vacant(place) => _ = place.insert(Some(number)),
                Entry::Occupied(mut taken) if *taken.get() != Some(number) => _ = taken.insert(None),
                Entry::Occupied(_) => {}
            }
        }
    }

    /// All of them: the service, the octets, the backend.
    pub(crate) fn iter(&self) -> impl Iterator<Item = ((u32, u64), u16)> {
        self.known.iter().filter_map(|(key, number)| number.map(|number| (*key, number)))
    }

    /// How many names are those of several backends.
    pub(crate) fn ambiguous(&self) -> usize {
        self.known.values().filter(|number| number.is_none()).count()
    }
}

/// Whether datagrams come to what this is reached at.
pub(crate) fn has_datagrams(destination: &Destination) -> bool {
    destination.transport.is_none_or(|transport| transport.protocol == Protocol::Udp)
}

/// The last octets of an address, as they lie in a connection ID.
fn id(address: IpAddr, called: u8) -> u64 {
    let last = (mapped(address) as u64).swap_bytes();
    last >> (64 - u32::from(called) * 8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_octets_of_an_address_stand_in_their_order() {
        let address = IpAddr::from([10, 1, 2, 3]);
        assert_eq!(id(address, 2).to_le_bytes(), [2, 3, 0, 0, 0, 0, 0, 0]);
        assert_eq!(id(address, 4).to_le_bytes(), [10, 1, 2, 3, 0, 0, 0, 0]);
        let address = IpAddr::from([0x2001, 0xdb8, 0, 0, 0x1122, 0x3344, 0x5566, 0x7788]);
        assert_eq!(id(address, 8).to_le_bytes(), [0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88]);
    }
}
