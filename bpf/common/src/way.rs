//! The way of a packet: from its link header to the verdict.
//!
//! Never more work than the packet needs: what TCP and UDP without options and fragments need stands in [`go`], all else is
//! called from there and stays out of its way.

use core::mem::MaybeUninit;

use crate::flow::Words;
use crate::packet::{Maps, Packet, Window};
use crate::reason::Reason;
use crate::{ipv4, ipv6};

/// What becomes of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The kernel takes it, as it is now.
    Pass,
    /// Nobody gets it.
    Drop,
    /// It leaves by the link that it came by.
    Back,
    /// It leaves by the link with this number.
    To(u32),
}

/// The same in one word, as functions of the kernel's virtual machine answer in one register.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(transparent)]
pub struct Verdict(u64);

impl Verdict {
    pub(crate) const DROP: Self = Self(1 << 32);
    pub(crate) const BACK: Self = Self(2 << 32);

    /// It is not forwarded, but answered, for a reason.
    #[inline(always)]
    pub(crate) const fn answered(reason: Reason) -> Self {
        Self((2 << 32) | reason as u64)
    }

    /// It is not forwarded.
    #[inline(always)]
    const fn ends(reason: Reason, service: u32) -> Self {
        let kind = if reason.passes() { 0 } else { 1 << 32 };
        Self(kind | ((service as u64 & 0xffff) << 8) | reason as u64)
    }

    /// It leaves by this link.
    #[inline(always)]
    pub(crate) const fn to(link: u32) -> Self {
        Self((3 << 32) | link as u64)
    }

    /// Of a packet that is not forwarded, though it is for a service, the number of its reason and that of the service, as
    /// far as it is known: `service << 8 | reason`. Of all others 0.
    #[inline(always)]
    #[must_use]
    pub const fn lost(self) -> u32 {
        if self.0 >> 32 > 2 || self.0 & 0xff <= Reason::NotIp as u64 { 0 } else { self.0 as u32 }
    }

    /// What it says.
    #[inline(always)]
    #[must_use]
    pub const fn outcome(self) -> Outcome {
        match self.0 >> 32 {
            0 => Outcome::Pass,
            1 => Outcome::Drop,
            2 => Outcome::Back,
            _ => Outcome::To(self.0 as u32),
        }
    }
}

/// A place within the headers. The verifier believes no bound that was found in another function, but this one.
#[inline(always)]
pub(crate) const fn within(place: usize) -> usize {
    place & 0x7ff
}

/// What is known of a packet when its service is looked for. There is no hidden octet in it.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct Facts {
    /// Its flow.
    pub words: Words,
    /// Where its IP header begins.
    pub at: usize,
    /// Where that begins which follows the IP headers.
    pub behind: usize,
    /// With [`ERROR`], where the inner IP header begins.
    pub inner: usize,
    /// With [`FIRST`] and [`LATER`] the identification, as it lies there.
    pub identification: u32,
    /// What it is to its flow: [`WHOLE`] and the others.
    pub part: u32,
    /// Octets of the IP packet, as its header says.
    pub total: u32,
    /// The VLAN tag in its link header, as it lies there; 0: none.
    pub tag: u16,
    /// Its traffic class (IPv4: type of service).
    pub class: u8,
    /// 1 if it begins a flow, for certain.
    pub begins: u8,
}

impl Facts {
    /// Of no packet.
    pub const NONE: Self = Self {
        words: Words { source: [0; 2], destination: [0; 2], ports: 0, protocol: 0 },
        at: 0,
        behind: 0,
        inner: 0,
        identification: 0,
        part: WHOLE,
        total: 0,
        tag: 0,
        class: 0,
        begins: 0,
    };
}

const _: () = assert!(size_of::<Facts>() == 80 || size_of::<usize>() != 8);

/// [`Facts::part`]: a packet of its flow.
pub const WHOLE: u32 = 0;
/// [`Facts::part`]: the first fragment of one.
pub const FIRST: u32 = 1;
/// [`Facts::part`]: a later fragment of one, without ports.
pub const LATER: u32 = 2;
/// [`Facts::part`]: an ICMP message about a packet of it, which goes the other way.
pub const ERROR: u32 = 3;

/// What is next for a packet that is not as most are; a reason is an end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(transparent)]
pub struct Next(pub u64);

impl Next {
    /// It goes to the backend of its flow.
    pub(crate) const FORWARD: Self = Self(1 << 8);
    /// It is an echo request, and answered.
    pub(crate) const ANSWER: Self = Self(2 << 8);

    /// It is not forwarded.
    #[inline(always)]
    pub(crate) const fn end(reason: Reason) -> Self {
        Self(reason as u64)
    }

    /// Why it is not forwarded.
    #[inline(always)]
    pub(crate) const fn reason(self) -> Reason {
        match self.0 {
            0 => Reason::NoService,
            1 => Reason::NotIp,
            3 => Reason::RouterOption,
            7 => Reason::OtherIcmp,
            _ => Reason::Malformed,
        }
    }
}

/// 0x0800 (IPv4), as it lies in a packet.
pub const IPV4: u16 = 0x0008;
/// 0x86dd (IPv6), as it lies in a packet.
pub const IPV6: u16 = 0xdd86;
/// 0x8100 (802.1Q), as it lies in a packet.
pub const TAGGED: u16 = 0x0081;
/// 0x88a8 (802.1ad), as it lies in a packet.
pub const TAGGED_TWICE: u16 = 0xa888;

/// Sends a packet on its way.
#[inline(always)]
pub fn go<P: Packet, M: Maps>(packet: P, maps: M) -> Verdict {
    let Some(link) = packet.window::<14>(0) else { return end(maps, Reason::NotIp) };
    let (mut kind, mut at, mut tag) = (link.le16::<12>(), 14, 0);
    if kind == TAGGED || kind == TAGGED_TWICE {
        let Some(tags) = packet.window::<8>(14) else { return end(maps, Reason::NotIp) };
        tag = tags.le16::<0>();
        (kind, at) = (tags.le16::<2>(), 18);
        if kind == TAGGED || kind == TAGGED_TWICE {
            (kind, at) = (tags.le16::<6>(), 22);
        }
    }
    // What other functions are told of the packet stands in memory, and all use the same: there is little.
    let mut memory = MaybeUninit::uninit();
    match kind {
        IPV4 => ipv4::go(packet, maps, at, tag, &mut memory),
        IPV6 => ipv6::go(packet, maps, at, tag, &mut memory),
        _ => end(maps, Reason::NotIp),
    }
}

/// The verdict on a packet that is not forwarded.
#[inline(always)]
pub fn end<M: Maps>(maps: M, reason: Reason) -> Verdict {
    end_of(maps, reason, 0)
}

/// The verdict on a packet of a service that is not forwarded.
#[inline(always)]
pub(crate) fn end_of<M: Maps>(maps: M, reason: Reason, service: u32) -> Verdict {
    maps.count(reason);
    Verdict::ends(reason, service)
}
