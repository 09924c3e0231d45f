//! What the way of a packet asks of the packet, and of the maps.
//!
//! Words are as they lie in the packet unless a name says `be`: `le32` of an address is compared and stored without turning.
//! Never a length that is not checked: what is read or written lies in a window that was asked for.

use crate::flow::Flow;
use crate::layout::{Backend, Directory, FlowKey, Fragment, FragmentKey, Pin, Return, Service, Slot};
use crate::reason::Reason;
use crate::sum::{updated, updated_udp};
use crate::way::{Facts, Next};
use crate::{ipv4, ipv6};

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

/// A packet, from its link header on: a handle of it.
pub trait Packet: Copy {
    /// So many octets of it.
    type Window<const N: usize>: Window;

    /// Whether the outermost VLAN tag stands beside the packet instead of in its link header.
    const TAG_APART: bool = false;

    /// Called where a function begins that calls others.
    #[inline(always)]
    fn begin(self) {}

    /// Whether it has so many octets, from its beginning.
    fn holds(self, octets: usize) -> bool;

    /// The number of the link that it came by.
    fn link(self) -> u32;

    /// `N` octets, `at` octets behind its beginning; nothing where it is shorter. Windows of before [`Packet::grow`] and
    /// [`Packet::cut`] may no longer be used.
    fn window<const N: usize>(self, at: usize) -> Option<Self::Window<N>>;

    /// The same at a place that was computed from what stands in the packet, within its first 2,047 octets.
    #[inline(always)]
    fn seek<const N: usize>(self, at: usize) -> Option<Self::Window<N>> {
        self.window::<N>(at)
    }

    /// What is known of an IPv4 packet that is not as most are.
    #[inline(always)]
    fn look4(self, facts: &mut Facts, answers: u32) -> Next {
        ipv4::unusual(self, facts, answers)
    }

    /// What is known of an IPv6 packet that is not as most are.
    #[inline(always)]
    fn look6(self, facts: &mut Facts, answers: u32) -> Next {
        ipv6::unusual(self, facts, answers)
    }

    /// Room for `more` octets (or, below zero, as many less) between the link header and what follows, for `room`. The link
    /// header's room moves with the beginning, its content is undefined after that. False where there is no room.
    fn grow(self, more: i32, room: Room) -> bool;

    /// Cuts it to so many octets. False where that cannot be.
    fn cut(self, octets: u32) -> bool;

    /// Takes all its tags, and gives it another one of the same priority beside it, or none (0). False where that cannot be;
    /// only with [`Packet::TAG_APART`].
    #[inline(always)]
    fn set_tag(self, _vlan: u16) -> bool {
        false
    }

    /// Lets the checksum at this place follow a change of what it covers: `before` and `after` are sums of the words that have
    /// changed, which are written already. Nothing where the packet is shorter.
    #[inline(always)]
    fn mend(self, at: usize, before: u64, after: u64, covered: Covered) -> Option<()> {
        let field = self.seek::<2>(at)?;
        let checksum = field.le16::<0>();
        field.set_le16::<0>(match covered {
            Covered::Content | Covered::Pseudo => updated(checksum, before, after),
            Covered::Udp | Covered::PseudoUdp => updated_udp(checksum, before, after),
        });
        Some(())
    }

    /// Whether it stands for several segments that the kernel cuts apart when they leave: its length says nothing.
    #[inline(always)]
    fn is_aggregate(self) -> bool {
        false
    }

    /// Whether it is captured, and so captures it, if packets of this service are.
    #[inline(always)]
    fn capture(self, _: Moment) -> bool {
        false
    }
}

/// What has changed of that which a checksum covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Covered {
    /// What it stands in.
    Content,
    /// The same of UDP, where zero is no checksum.
    Udp,
    /// An address in the pseudo header.
    Pseudo,
    /// The same of UDP, where zero is no checksum.
    PseudoUdp,
}

/// What room in a packet is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Room {
    /// Other headers in place of those that are there.
    Plain,
    /// An IPv4 header around the packet.
    Ipv4,
    /// An IPv6 header around the packet.
    Ipv6,
    /// IPv4 and UDP headers around the packet.
    Udp,
    /// IPv6 and UDP headers around the packet.
    Udp6,
}

/// What is captured with a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// The service.
    pub service: u32,
    /// The backend.
    pub backend: u32,
    /// The link that it goes by; 0: it has just come.
    pub leaves: u32,
}

/// The maps, as the way of a packet uses them: a handle of them.
pub trait Maps: Copy {
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
    /// Whether packets of this service are captured at all; some of them then are.
    fn is_captured(&self, service: u32) -> bool;
    /// Whether a node is behind this ([`crate::layout::node_of_address`], [`crate::layout::node_of_link`]).
    fn is_node(&self, key: u64) -> bool;
    /// The backend of an IPv4 flow that is remembered. It was seen `now`.
    fn pin(&self, flow: &FlowKey, now: u32) -> Option<u32>;
    /// Remembers one.
    fn set_pin(&self, flow: &FlowKey, pin: Pin);
    /// The backend of an IPv6 flow that is remembered. It was seen `now`.
    fn pin6(&self, flow: &Flow, now: u32) -> Option<u32>;
    /// Remembers one.
    fn set_pin6(&self, flow: &Flow, pin: Pin);
    /// Where a datagram's first fragment went.
    fn fragment(&self, key: &FragmentKey) -> Option<Fragment>;
    /// Remembers it.
    fn set_fragment(&self, key: &FragmentKey, fragment: Fragment);
    /// The time, in units of 2^30 ns of `CLOCK_MONOTONIC_COARSE`.
    fn now(&self) -> u32;
    /// Counts what was forwarded of a service to a backend; `begins` for the first packet of a flow.
    fn forwarded(&self, service: u32, backend: u32, octets: u32, begins: bool);
    /// Counts a flow that was remembered.
    fn tracked(&self, service: u32);
    /// Whether one more sender may be told what went wrong, by this element of `TOLD` and so many of it ([`crate::layout::Told`]).
    fn may_tell(&self, place: u32, most: u32) -> bool;
    /// Counts a packet that was not forwarded.
    fn count(&self, reason: Reason);
}
