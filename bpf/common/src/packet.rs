//! What the way of a packet asks of the packet, and of the maps.
//!
//! Words are as they lie in the packet unless a name says `be`: `le32` of an address is compared and stored without turning.
//! Never a length that is not checked: what is read or written lies in a window that was asked for.

use crate::flow::Flow;
use crate::layout::{Backend, Directory, FlowKey, FragmentKey, Pin, Return, Service, Slot};
use crate::reason::Reason;

/// So many octets of a packet, of which each is there. Offsets are from the window's beginning, known when compiling and
/// checked then.
pub trait Window: Copy {
    /// One octet.
    fn octet<const AT: usize>(self) -> u8;
    /// Two, the first one lowest.
    fn le16<const AT: usize>(self) -> u16;
    /// Four, the first one lowest.
    fn le32<const AT: usize>(self) -> u32;
    /// Eight, the first one lowest.
    fn le64<const AT: usize>(self) -> u64;
    /// Writes one octet.
    fn set_octet<const AT: usize>(self, value: u8);
    /// Writes two, the lowest first.
    fn set_le16<const AT: usize>(self, value: u16);
    /// Writes four, the lowest first.
    fn set_le32<const AT: usize>(self, value: u32);
    /// Writes eight, the lowest first.
    fn set_le64<const AT: usize>(self, value: u64);

    /// Two, as numbers go on the wire.
    #[inline(always)]
    fn be16<const AT: usize>(self) -> u16 {
        self.le16::<AT>().swap_bytes()
    }

    /// Writes two, as numbers go on the wire.
    #[inline(always)]
    fn set_be16<const AT: usize>(self, value: u16) {
        self.set_le16::<AT>(value.swap_bytes());
    }
}

/// A packet, from its link header on.
pub trait Packet {
    /// So many octets of it.
    type Window<'a, const N: usize>: Window
    where
        Self: 'a;

    /// Octets of all of it, those included that no window shows.
    fn length(&self) -> u32;

    /// The number of the link that it came by.
    fn link(&self) -> u32;

    /// `N` octets, `at` octets behind its beginning; nothing where it is shorter.
    fn window<const N: usize>(&self, at: usize) -> Option<Self::Window<'_, N>>;

    /// Room for `more` octets (or, below zero, as many less) between the link header and what follows. The link header's room
    /// moves with the beginning, its content is undefined after that. False where there is no room.
    fn grow(&mut self, more: i32) -> bool;

    /// Cuts it to so many octets. False where that cannot be.
    fn cut(&mut self, length: u32) -> bool;

    /// Whether it stands for several segments that the kernel cuts apart when they leave: its length says nothing.
    #[inline(always)]
    fn is_aggregate(&self) -> bool {
        false
    }
}

/// The maps, as the way of a packet uses them.
pub trait Maps {
    /// Where services are found.
    fn directory(&self) -> Option<&Directory>;
    /// A service.
    fn service(&self, number: u32) -> Option<&Service>;
    /// A slot of a table.
    fn slot(&self, table: u32, slot: u32) -> Option<Slot>;
    /// A backend.
    fn backend(&self, number: u32) -> Option<&Backend>;
    /// What an answer shall come from.
    fn answer(&self, number: u32) -> Option<&Return>;
    /// Whether a node is behind this ([`crate::layout::node_of_address`], [`crate::layout::node_of_link`]).
    fn is_node(&self, key: u64) -> bool;
    /// What is remembered of an IPv4 flow.
    fn pin(&self, flow: &FlowKey) -> Option<Pin>;
    /// Remembers it.
    fn set_pin(&self, flow: &FlowKey, pin: Pin);
    /// What is remembered of an IPv6 flow.
    fn pin6(&self, flow: &Flow) -> Option<Pin>;
    /// Remembers it.
    fn set_pin6(&self, flow: &Flow, pin: Pin);
    /// The backend of a datagram's first fragment.
    fn fragment(&self, key: &FragmentKey) -> Option<u32>;
    /// Remembers it.
    fn set_fragment(&self, key: &FragmentKey, backend: u32);
    /// The time, in units of 2^8 jiffies, cut to 32 bits.
    fn now(&self) -> u32;
    /// Counts what was forwarded of a service to a backend; `begins` for the first packet of a flow.
    fn forwarded(&self, service: u32, backend: u32, octets: u32, begins: bool);
    /// Counts a flow that was remembered.
    fn tracked(&self, service: u32);
    /// Counts a packet that was not forwarded.
    fn count(&self, reason: Reason);
}
