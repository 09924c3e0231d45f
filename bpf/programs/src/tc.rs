//! The programs for traffic control.

use aya_ebpf::bindings::{TC_ACT_OK, TC_ACT_SHOT};
use aya_ebpf::helpers::generated::{bpf_redirect, bpf_skb_change_head, bpf_skb_change_tail, bpf_skb_pull_data};
use aya_ebpf::macros::classifier;
use aya_ebpf::programs::TcContext;
use bpf_common::packet::Packet;
use bpf_common::way::{self, Verdict};

use crate::maps::Kernel;
use crate::window::Window;

/// Balances what arrives.
#[classifier]
pub fn towpath_tc(context: TcContext) -> i32 {
    // SAFETY: the context is the kernel's.
    let link = unsafe { (*context.skb.skb).ifindex };
    // SAFETY: as above; what cannot be had in one piece is found too short.
    let _ = unsafe { bpf_skb_pull_data(context.skb.skb, 0) };
    verdict(way::go(&mut Buffer(context), &Kernel), link)
}

/// Sends packets of our own that have a mark to the backend which is asked.
#[classifier]
pub fn towpath_probe(_context: TcContext) -> i32 {
    TC_ACT_OK as i32
}

#[inline(always)]
fn verdict(verdict: Verdict, link: u32) -> i32 {
    let link = match verdict {
        Verdict::Pass => return TC_ACT_OK as i32,
        Verdict::Drop => return TC_ACT_SHOT as i32,
        Verdict::Back => link,
        Verdict::To(link) => link,
    };
    // SAFETY: the helper takes two numbers.
    (unsafe { bpf_redirect(link, 0) }) as i32
}

/// A packet in the kernel's buffers.
struct Buffer(TcContext);

impl Packet for Buffer {
    type Window<'a, const N: usize> = Window<'a, N>;

    #[inline(always)]
    fn length(&self) -> u32 {
        self.0.len()
    }

    #[inline(always)]
    fn link(&self) -> u32 {
        // SAFETY: the context is the kernel's.
        unsafe { (*self.0.skb.skb).ifindex }
    }

    #[inline(always)]
    fn window<const N: usize>(&self, at: usize) -> Option<Window<'_, N>> {
        Window::new(self.0.data(), self.0.data_end(), at)
    }

    #[inline(always)]
    fn grow(&mut self, more: i32) -> bool {
        // SAFETY: the context is the kernel's; windows of before are gone, as they borrow the packet.
        unsafe { bpf_skb_change_head(self.0.skb.skb, more as u32, 0) == 0 }
    }

    #[inline(always)]
    fn cut(&mut self, length: u32) -> bool {
        // SAFETY: as in `grow`.
        unsafe { bpf_skb_change_tail(self.0.skb.skb, length, 0) == 0 }
    }

    #[inline(always)]
    fn is_aggregate(&self) -> bool {
        // SAFETY: the context is the kernel's.
        unsafe { (*self.0.skb.skb).gso_segs > 1 }
    }
}
