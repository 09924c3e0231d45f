//! What the benchmark of a live chain needs: one that makes packets and one that takes them.
//!
//! Never attached by the daemon.

use aya_ebpf::bindings::xdp_action::{XDP_ABORTED, XDP_DROP};
use aya_ebpf::bindings::xdp_md;
use aya_ebpf::btf_maps::{Array, PerCpuArray};
use aya_ebpf::helpers::generated::bpf_redirect;
use aya_ebpf::macros::{btf_map, xdp};
use aya_ebpf::programs::XdpContext;
use bpf_common::packet::Window as _;
use bpf_common::sum::fold;

use crate::window::Window;

/// The link that packets are sent to, then how many flows they are of.
#[btf_map]
static GENERATE: Array<u32, 2> = Array::new();
/// Packets that were made, then those that arrived.
#[btf_map]
static PASSED: PerCpuArray<u64, 2> = PerCpuArray::new();

#[inline(always)]
fn count(index: u32) -> u64 {
    let Some(count) = PASSED.get_ptr_mut(index) else { return 0 };
    // SAFETY: the element is this processor's, and no other program on it runs in between.
    let count = unsafe { &mut *count };
    *count = count.wrapping_add(1);
    *count
}

/// Writes the headers of a TCP segment of the next flow into a frame, which may hold what became of the last one, and sends it
/// to a link.
#[xdp]
pub fn towpath_generate(context: XdpContext) -> u32 {
    let (link, flows) = match (GENERATE.get(0), GENERATE.get(1)) {
        (Some(link), Some(flows)) if *flows != 0 => (*link, *flows),
        _ => return XDP_ABORTED,
    };
    let flow = (count(0) as u32 % flows).wrapping_mul(0x9e37_79b1);
    let Some(frame) = window(context.ctx) else { return XDP_ABORTED };
    // From 10.x.x.x to 192.0.2.1, port 80.
    let source = 0x0a | (flow & 0xffff_ff00);
    let destination = 0x0102_00c0_u32;
    let (first, second, third) = (0x2d00_0045_u32, 0_u32, 64 | (6 << 8));
    let sum = u64::from(first) + u64::from(second) + u64::from(third) + u64::from(source) + u64::from(destination);
    frame.set_le64::<0>(0x0002_0200_0000_0002);
    frame.set_le32::<8>(0x0300_0000);
    frame.set_le16::<12>(0x0008);
    frame.set_le32::<14>(first);
    frame.set_le32::<18>(second);
    frame.set_le32::<22>(third | (u32::from(!fold(sum)) << 16));
    frame.set_le32::<26>(source);
    frame.set_le32::<30>(destination);
    frame.set_le32::<34>((flow >> 16) | 4 | 0x5000_0000);
    frame.set_le32::<46>(0x0000_1050);
    // SAFETY: the helper takes two numbers.
    (unsafe { bpf_redirect(link, 0) }) as u32
}

#[inline(always)]
fn window(context: *mut xdp_md) -> Option<Window<59>> {
    // SAFETY: the context is the kernel's, for as long as the program runs.
    let (beginning, end) = unsafe { ((*context).data as usize, (*context).data_end as usize) };
    Window::new(beginning, end, 0)
}

/// Counts what arrives.
#[xdp]
pub fn towpath_sink(_context: XdpContext) -> u32 {
    count(1);
    XDP_DROP
}
