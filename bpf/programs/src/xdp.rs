//! The programs for XDP.
//!
//! Never knows what is done to a packet, but how it is got at.

use core::mem::offset_of;

use aya_ebpf::bindings::xdp_action::{XDP_DROP, XDP_PASS, XDP_TX};
use aya_ebpf::bindings::xdp_md;
use aya_ebpf::helpers::generated::{
    bpf_get_prandom_u32, bpf_ktime_get_ns, bpf_redirect, bpf_xdp_adjust_head, bpf_xdp_adjust_tail,
    bpf_xdp_get_buff_len, bpf_xdp_load_bytes,
};
use aya_ebpf::macros::xdp;
use aya_ebpf::programs::XdpContext;
use bpf_common::layout::{CAME, Captured, HEAD, WENT};
use bpf_common::packet::{Moment, Packet, Room};
use bpf_common::way::{self, Facts, Next, Outcome};
use bpf_common::{ipv4, ipv6};

use crate::maps::{self, Kernel};
use crate::window::{self, Window};

/// Balances what arrives.
#[xdp(frags)]
#[inline(always)]
pub fn towpath_xdp(context: XdpContext) -> u32 {
    window::reserve_stack::<256>();
    match way::go(Frame(context.ctx), Kernel).outcome() {
        Outcome::Pass => XDP_PASS,
        Outcome::Drop => XDP_DROP,
        Outcome::Back => XDP_TX,
        // SAFETY: the helper takes two numbers.
        Outcome::To(link) => (unsafe { bpf_redirect(link, 0) }) as u32,
    }
}

/// Lets all pass: the peer of a veth needs a program to receive what is redirected to it.
#[xdp(frags)]
#[inline(always)]
pub fn towpath_pass(_context: XdpContext) -> u32 {
    XDP_PASS
}

/// A packet in a driver's memory.
#[derive(Clone, Copy)]
#[repr(transparent)]
struct Frame(*mut xdp_md);

impl Frame {
    #[inline(always)]
    fn beginning(self) -> usize {
        // SAFETY: the context is the kernel's, for as long as the program runs.
        unsafe { (*self.0).data as usize }
    }

    #[inline(always)]
    fn end(self) -> usize {
        // SAFETY: as in `beginning`.
        unsafe { (*self.0).data_end as usize }
    }

    #[inline(always)]
    fn length(self) -> u32 {
        // SAFETY: as in `beginning`.
        unsafe { bpf_xdp_get_buff_len(self.0) as u32 }
    }
}

/// See `bpf_common::ipv4::unusual`. The verifier reads a function that the linker sees once, whatever calls it.
#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn towpath_xdp_look4(context: *mut xdp_md, facts: *mut Facts, answers: u32) -> u64 {
    // SAFETY: it is called with what is on the caller's stack.
    let Some(facts) = (unsafe { facts.as_mut() }) else { return 0 };
    ipv4::unusual(Frame(context), facts, answers).0
}

/// See `bpf_common::ipv6::unusual`. The verifier reads a function that the linker sees once, whatever calls it.
#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn towpath_xdp_look6(context: *mut xdp_md, facts: *mut Facts, answers: u32) -> u64 {
    // SAFETY: it is called with what is on the caller's stack.
    let Some(facts) = (unsafe { facts.as_mut() }) else { return 0 };
    ipv6::unusual(Frame(context), facts, answers).0
}

impl Packet for Frame {
    type Window<const N: usize> = Window<N>;

    #[inline(always)]
    fn begin(self) {
        window::reserve_stack::<128>();
    }

    #[inline(always)]
    fn holds(self, octets: usize) -> bool {
        // A jumbo frame may lie in several pieces.
        self.beginning() + octets <= self.end() || self.length() as usize >= octets
    }

    #[inline(always)]
    fn link(self) -> u32 {
        // SAFETY: as in `beginning`.
        unsafe { (*self.0).ingress_ifindex }
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
        Next(towpath_xdp_look4(self.0, facts, answers))
    }

    #[inline(always)]
    fn look6(self, facts: &mut Facts, answers: u32) -> Next {
        Next(towpath_xdp_look6(self.0, facts, answers))
    }

    #[inline(always)]
    fn grow(self, more: i32, _: Room) -> bool {
        // SAFETY: the context is the kernel's. The verifier refuses a program that uses a window of before.
        unsafe { bpf_xdp_adjust_head(self.0, more.wrapping_neg()) == 0 }
    }

    #[inline(always)]
    fn cut(self, octets: u32) -> bool {
        let less = (octets as i32).wrapping_sub(self.length() as i32);
        // SAFETY: as in `grow`.
        unsafe { bpf_xdp_adjust_tail(self.0, less) == 0 }
    }

    #[inline(always)]
    fn capture(self, moment: Moment) -> bool {
        capture(self, moment.service, moment.backend, moment.leaves)
    }
}

/// Copies the packet's head into the ring; when it comes, only by chance.
#[inline(never)]
fn capture(frame: Frame, service: u32, backend: u32, leaves: u32) -> bool {
    let every = maps::capture_every();
    // SAFETY: the helper has no arguments.
    if every == 0 || (leaves == 0 && unsafe { bpf_get_prandom_u32() } % every != 0) {
        return false;
    }
    let length = frame.length();
    let most = if length as usize > HEAD { HEAD } else { length as usize };
    let kept = window::masked::<{ HEAD - 1 }>(most.wrapping_sub(1)) as u32 + 1;
    let Some(mut entry) = maps::captured() else { return false };
    let place = entry.as_mut_ptr();
    // SAFETY: the ring gave room for one element; all of its words are written, and of the head those octets that are kept.
    unsafe {
        (*place).at = bpf_ktime_get_ns();
        (*place).length = length;
        (*place).kept = kept;
        (*place).service = service;
        (*place).backend = backend;
        (*place).link = if leaves == 0 { frame.link() } else { leaves };
        (*place).moment = if leaves == 0 { CAME } else { WENT };
        let head = place.cast::<u8>().add(offset_of!(Captured, head));
        let _ = bpf_xdp_load_bytes(frame.0, 0, head.cast(), kept);
    }
    entry.submit(0);
    true
}
