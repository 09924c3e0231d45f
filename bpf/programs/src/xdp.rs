//! The programs for XDP.

use aya_ebpf::EbpfContext as _;
use aya_ebpf::bindings::xdp_action::{XDP_DROP, XDP_PASS, XDP_TX};
use aya_ebpf::helpers::generated::{bpf_redirect, bpf_xdp_adjust_head, bpf_xdp_adjust_tail, bpf_xdp_get_buff_len};
use aya_ebpf::macros::xdp;
use aya_ebpf::programs::XdpContext;
use bpf_common::packet::Packet;
use bpf_common::way::{self, Verdict};

use crate::maps::Kernel;
use crate::window::Window;

/// Balances what arrives.
#[xdp]
pub fn towpath_xdp(context: XdpContext) -> u32 {
    match way::go(&mut Frame(context), &Kernel) {
        Verdict::Pass => XDP_PASS,
        Verdict::Drop => XDP_DROP,
        Verdict::Back => XDP_TX,
        // SAFETY: the helper takes two numbers.
        Verdict::To(link) => (unsafe { bpf_redirect(link, 0) }) as u32,
    }
}

/// Lets all pass: the peer of a veth needs a program to receive what is redirected to it.
#[xdp]
pub fn towpath_pass(_context: XdpContext) -> u32 {
    XDP_PASS
}

/// A packet in a driver's memory.
struct Frame(XdpContext);

impl Packet for Frame {
    type Window<'a, const N: usize> = Window<'a, N>;

    #[inline(always)]
    fn length(&self) -> u32 {
        // SAFETY: the context is the kernel's.
        unsafe { bpf_xdp_get_buff_len(self.0.ctx) as u32 }
    }

    #[inline(always)]
    fn link(&self) -> u32 {
        self.0.ingress_ifindex() as u32
    }

    #[inline(always)]
    fn window<const N: usize>(&self, at: usize) -> Option<Window<'_, N>> {
        Window::new(self.0.data(), self.0.data_end(), at)
    }

    #[inline(always)]
    fn grow(&mut self, more: i32) -> bool {
        // SAFETY: the context is the kernel's; windows of before are gone, as they borrow the packet.
        unsafe { bpf_xdp_adjust_head(self.0.as_ptr().cast(), -more) == 0 }
    }

    #[inline(always)]
    fn cut(&mut self, length: u32) -> bool {
        let less = length as i32 - self.length() as i32;
        // SAFETY: as in `grow`.
        unsafe { bpf_xdp_adjust_tail(self.0.as_ptr().cast(), less) == 0 }
    }
}
