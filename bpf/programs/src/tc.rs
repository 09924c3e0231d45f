//! The programs for traffic control: what `xdp` does, for links whose driver cannot, and for packets of our own.
//!
//! Never knows what is done to a packet, but how it is got at.

use aya_ebpf::bindings::bpf_adj_room_mode::BPF_ADJ_ROOM_MAC;
use aya_ebpf::bindings::{
    __sk_buff, BPF_F_ADJ_ROOM_ENCAP_L3_IPV4, BPF_F_ADJ_ROOM_ENCAP_L3_IPV6, BPF_F_ADJ_ROOM_ENCAP_L4_UDP,
    BPF_F_MARK_MANGLED_0, BPF_F_PSEUDO_HDR, TC_ACT_SHOT, TC_ACT_UNSPEC,
};
use aya_ebpf::helpers::generated::{
    bpf_l4_csum_replace, bpf_redirect, bpf_skb_adjust_room, bpf_skb_change_tail, bpf_skb_load_bytes, bpf_skb_pull_data,
    bpf_skb_vlan_pop, bpf_skb_vlan_push,
};
use aya_ebpf::macros::classifier;
use aya_ebpf::programs::TcContext;
use bpf_common::packet::{Covered, Moment, Packet, Room};
use bpf_common::sum::fold;
use bpf_common::way::{self, Facts, Next, Outcome, TAGGED, TAGGED_TWICE, Verdict};
use bpf_common::{ipv4, ipv6, probe};

use crate::capture::{self, Seen};
use crate::maps::{self, Kernel};
use crate::window::{self, Window};

/// Octets that have to lie in one piece for all headers to be read.
const HEADERS: u32 = 192;

/// Balances what arrives.
#[classifier]
#[inline(always)]
pub fn towpath_tc(context: TcContext) -> i32 {
    balance(Buffer(context.skb.skb))
}

#[inline(always)]
fn balance(buffer: Buffer) -> i32 {
    window::reserve_stack::<256>();
    buffer.pull();
    let found = way::go(buffer, Kernel);
    if found.lost() != 0 {
        let Seen { service, backend, link, moment } = Seen::lost(found.lost(), buffer.link());
        capture(buffer, service, backend, link, moment);
    }
    verdict(found, buffer)
}

/// Does as the one above to packets whose tags all lie in the link header, before and after: a tag beside a packet is none that a
/// test could give or see.
#[classifier]
#[inline(always)]
pub fn towpath_tc_tagged(context: TcContext) -> i32 {
    let buffer = Buffer(context.skb.skb);
    // SAFETY: the context is the kernel's, for as long as the program runs.
    let kind = unsafe { (*buffer.0).protocol as u16 };
    if kind == TAGGED || kind == TAGGED_TWICE {
        let mut tag = 0_u16;
        // SAFETY: there is room for two octets; the others are as in `grow`.
        let done = unsafe {
            bpf_skb_load_bytes(buffer.0.cast(), 14, (&raw mut tag).cast(), 2) == 0
                && bpf_skb_vlan_pop(buffer.0) == 0
                && bpf_skb_vlan_push(buffer.0, kind, u16::from_be(tag)) == 0
        };
        if !done {
            return TC_ACT_SHOT as i32;
        }
    }
    let answer = balance(buffer);
    // SAFETY: as above. What is beside the packet makes room for another one.
    if unsafe { (*buffer.0).vlan_present != 0 && bpf_skb_vlan_push(buffer.0, TAGGED, 1) != 0 } {
        return TC_ACT_SHOT as i32;
    }
    answer
}

/// Sends packets of our own that have a mark to the backend which is asked.
#[classifier]
#[inline(always)]
pub fn towpath_probe(context: TcContext) -> i32 {
    let skb = context.skb.skb;
    // SAFETY: the context is the kernel's.
    let mark = unsafe { (*skb).mark };
    if mark == 0 {
        return TC_ACT_UNSPEC;
    }
    let Some(backend) = maps::marked(mark) else { return TC_ACT_UNSPEC };
    window::reserve_stack::<256>();
    let buffer = Buffer(skb);
    buffer.pull();
    // It leaves by one link more, and is not to be asked there again.
    // SAFETY: as above; programs may write the mark.
    unsafe { (*skb).mark = 0 };
    match probe::go(buffer, Kernel, backend).outcome() {
        Outcome::To(link) if link != buffer.link() => redirect(link),
        Outcome::Drop => TC_ACT_SHOT as i32,
        _ => TC_ACT_UNSPEC,
    }
}

#[inline(always)]
fn verdict(verdict: Verdict, buffer: Buffer) -> i32 {
    let link = match verdict.outcome() {
        Outcome::Pass => return TC_ACT_UNSPEC,
        Outcome::Drop => return TC_ACT_SHOT as i32,
        Outcome::Back => buffer.link(),
        Outcome::To(link) => link,
    };
    redirect(link)
}

#[inline(always)]
fn redirect(link: u32) -> i32 {
    // SAFETY: the helper takes two numbers.
    (unsafe { bpf_redirect(link, 0) }) as i32
}

/// A packet in the kernel's buffers.
#[derive(Clone, Copy)]
#[repr(transparent)]
struct Buffer(*mut __sk_buff);

impl Buffer {
    #[inline(always)]
    fn length(self) -> u32 {
        // SAFETY: the context is the kernel's, for as long as the program runs.
        unsafe { (*self.0).len }
    }

    #[inline(always)]
    fn beginning(self) -> usize {
        // SAFETY: as in `length`.
        unsafe { (*self.0).data as usize }
    }

    #[inline(always)]
    fn end(self) -> usize {
        // SAFETY: as in `length`.
        unsafe { (*self.0).data_end as usize }
    }

    /// Takes the tag beside it, if there is one.
    #[inline(always)]
    fn lose_tag(self) -> bool {
        // SAFETY: the context is the kernel's, for as long as the program runs; windows are made after this.
        unsafe { (*self.0).vlan_present == 0 || bpf_skb_vlan_pop(self.0) == 0 }
    }

    /// Brings the headers into one piece; what then is not there is found too short.
    #[inline(always)]
    fn pull(self) {
        let length = self.length();
        if self.beginning() + HEADERS as usize > self.end() && length as usize > self.end() - self.beginning() {
            // SAFETY: as in `length`; windows are made after this.
            let _ = unsafe { bpf_skb_pull_data(self.0, if length < HEADERS { length } else { HEADERS }) };
        }
    }
}

/// See `bpf_common::ipv4::unusual`. The verifier reads a function that the linker sees once, whatever calls it.
#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn towpath_tc_look4(context: *mut __sk_buff, facts: *mut Facts, answers: u32) -> u64 {
    // SAFETY: it is called with what is on the caller's stack.
    let Some(facts) = (unsafe { facts.as_mut() }) else { return 0 };
    ipv4::unusual(Buffer(context), facts, answers).0
}

/// See `bpf_common::ipv6::unusual`. The verifier reads a function that the linker sees once, whatever calls it.
#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn towpath_tc_look6(context: *mut __sk_buff, facts: *mut Facts, answers: u32) -> u64 {
    // SAFETY: it is called with what is on the caller's stack.
    let Some(facts) = (unsafe { facts.as_mut() }) else { return 0 };
    ipv6::unusual(Buffer(context), facts, answers).0
}

impl Packet for Buffer {
    type Window<const N: usize> = Window<N>;

    const TAG_APART: bool = true;

    #[inline(always)]
    fn begin(self) {
        window::reserve_stack::<128>();
    }

    #[inline(always)]
    fn holds(self, octets: usize) -> bool {
        self.length() as usize >= octets
    }

    #[inline(always)]
    fn link(self) -> u32 {
        // SAFETY: as in `length`.
        unsafe { (*self.0).ifindex }
    }

    #[inline(always)]
    fn window<const N: usize>(self, at: usize) -> Option<Window<N>> {
        Window::new(self.beginning(), self.end(), at)
    }

    #[inline(always)]
    fn seek<const N: usize>(self, at: usize) -> Option<Window<N>> {
        Window::new(self.beginning(), self.end(), window::masked::<0x7ff>(at))
    }

    #[inline(always)]
    fn look4(self, facts: &mut Facts, answers: u32) -> Next {
        Next(towpath_tc_look4(self.0, facts, answers))
    }

    #[inline(always)]
    fn look6(self, facts: &mut Facts, answers: u32) -> Next {
        Next(towpath_tc_look6(self.0, facts, answers))
    }

    #[inline(always)]
    fn grow(self, more: i32, room: Room) -> bool {
        let flags = match room {
            Room::Plain => 0,
            Room::Ipv4 => BPF_F_ADJ_ROOM_ENCAP_L3_IPV4,
            Room::Ipv6 => BPF_F_ADJ_ROOM_ENCAP_L3_IPV6,
            Room::Udp => BPF_F_ADJ_ROOM_ENCAP_L3_IPV4 | BPF_F_ADJ_ROOM_ENCAP_L4_UDP,
            Room::Udp6 => BPF_F_ADJ_ROOM_ENCAP_L3_IPV6 | BPF_F_ADJ_ROOM_ENCAP_L4_UDP,
        };
        // SAFETY: the context is the kernel's. The verifier refuses a program that uses a window of before.
        unsafe { bpf_skb_adjust_room(self.0, more, BPF_ADJ_ROOM_MAC, u64::from(flags)) == 0 }
    }

    #[inline(always)]
    fn cut(self, octets: u32) -> bool {
        // SAFETY: as in `grow`.
        unsafe { bpf_skb_change_tail(self.0, octets, 0) == 0 }
    }

    #[inline(always)]
    fn set_tag(self, vlan: u16) -> bool {
        // SAFETY: as in `length`.
        let priority = unsafe { if (*self.0).vlan_present == 0 { 0 } else { (*self.0).vlan_tci as u16 & 0xe000 } };
        // One that lies in the link header comes beside the packet in the place of the first.
        if !self.lose_tag() || !self.lose_tag() {
            return false;
        }
        // SAFETY: as in `grow`.
        vlan == 0 || unsafe { bpf_skb_vlan_push(self.0, TAGGED, vlan | priority) } == 0
    }

    #[inline(always)]
    fn mend(self, at: usize, before: u64, after: u64, covered: Covered) -> Option<()> {
        let flags = match covered {
            Covered::Content => 0,
            Covered::Udp => BPF_F_MARK_MANGLED_0,
            Covered::Pseudo => BPF_F_PSEUDO_HDR,
            Covered::PseudoUdp => BPF_F_PSEUDO_HDR | BPF_F_MARK_MANGLED_0,
        };
        // The helper knows of checksums that the sender's card was to make.
        let difference = u64::from(!fold(before)) + u64::from(fold(after));
        // SAFETY: as in `grow`.
        (unsafe { bpf_l4_csum_replace(self.0, at as u32, 0, difference, u64::from(flags)) } == 0).then_some(())
    }

    #[inline(always)]
    fn is_aggregate(self) -> bool {
        // SAFETY: as in `length`.
        unsafe { (*self.0).gso_segs > 1 }
    }

    #[inline(always)]
    fn capture(self, moment: Moment) -> bool {
        let Seen { service, backend, link, moment } = Seen::of(moment, self.link());
        capture(self, service, backend, link, moment)
    }
}

/// Captures it if it is wanted; a tag beside it is not told.
#[inline(never)]
fn capture(buffer: Buffer, service: u32, backend: u32, link: u32, moment: u32) -> bool {
    let seen = Seen { service, backend, link, moment };
    capture::capture(seen, buffer.length(), |place, octets| {
        // SAFETY: there is room for so many octets, which the packet has.
        let _ = unsafe { bpf_skb_load_bytes(buffer.0.cast(), 0, place, octets) };
    })
}
