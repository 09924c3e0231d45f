//! The programs for XDP.
//!
//! Never knows what is done to a packet, but how it is got at.

use aya_ebpf::bindings::xdp_action::{XDP_DROP, XDP_PASS, XDP_TX};
use aya_ebpf::bindings::xdp_md;
use aya_ebpf::helpers::generated::{
    bpf_redirect, bpf_xdp_adjust_head, bpf_xdp_adjust_tail, bpf_xdp_get_buff_len, bpf_xdp_load_bytes,
};
use aya_ebpf::macros::xdp;
use aya_ebpf::programs::XdpContext;
use bpf_common::packet::{Moment, Packet, Room};
use bpf_common::way::{self, Facts, Next, Outcome};
use bpf_common::{ipv4, ipv6};

use crate::capture::{self, Seen};
use crate::maps::Kernel;
use crate::window::{self, Window};

/// Balances what arrives.
#[xdp(frags)]
#[inline(always)]
pub fn towpath_xdp(context: XdpContext) -> u32 {
    window::reserve_stack::<256>();
    let frame = Frame(context.ctx);
    let verdict = way::go(frame, Kernel);
    if verdict.lost() != 0 {
        let Seen { service, backend, link, moment } = Seen::lost(verdict.lost(), frame.link());
        capture(frame, service, backend, link, moment);
        // An answer: a virtual cable does not wake its other end for what XDP_TX sends, but for this.
        if verdict.outcome() == Outcome::Back {
            return redirect(frame.link());
        }
    }
    match verdict.outcome() {
        Outcome::Pass => XDP_PASS,
        Outcome::Drop => XDP_DROP,
        Outcome::Back => XDP_TX,
        Outcome::To(link) => redirect(link),
    }
}

#[inline(always)]
fn redirect(link: u32) -> u32 {
    // SAFETY: the helper takes two numbers.
    (unsafe { bpf_redirect(link, 0) }) as u32
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
        let Seen { service, backend, link, moment } = Seen::of(moment, self.link());
        capture(self, service, backend, link, moment)
    }
}

/// Captures it if it is wanted.
#[inline(never)]
fn capture(frame: Frame, service: u32, backend: u32, link: u32, moment: u32) -> bool {
    let seen = Seen { service, backend, link, moment };
    capture::capture(seen, frame.length(), |place, octets| {
        // SAFETY: there is room for so many octets, which the packet has.
        let _ = unsafe { bpf_xdp_load_bytes(frame.0, 0, place, octets) };
    })
}
