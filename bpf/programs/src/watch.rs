//! What becomes of packets behind the programs for XDP: drivers that do not take them, or whose queues are full.
//!
//! Never sees a packet: the kernel says how many were not sent, and of which link or program. Its structures differ between
//! kernels, so user space says where in them the few words are that are read (`Watched`).

use core::ffi::c_void;

use aya_ebpf::EbpfContext as _;
use aya_ebpf::bindings::bpf_raw_tracepoint_args;
use aya_ebpf::bindings::xdp_action::XDP_REDIRECT;
use aya_ebpf::helpers::generated::bpf_probe_read_kernel;
use aya_ebpf::macros::raw_tracepoint;
use aya_ebpf::programs::RawTracePointContext;
use bpf_common::layout::Watched;
use bpf_common::reason::Reason;

use crate::maps;

/// `xdp_redirect_err(dev, xdp, tgt, err, …)`: a packet that a program sent to a link could not be put on its way there.
#[raw_tracepoint(tracepoint = "xdp_redirect_err")]
pub fn towpath_xdp_redirect_err(context: RawTracePointContext) -> i32 {
    if is_ours(word::<1>(&context)) {
        maps::lost(Reason::NotSent, 1);
    }
    0
}

/// `xdp_exception(dev, xdp, act)`: a verdict that could not be carried out. Of redirections the other event tells.
#[raw_tracepoint(tracepoint = "xdp_exception")]
pub fn towpath_xdp_exception(context: RawTracePointContext) -> i32 {
    if word::<2>(&context) as u32 != XDP_REDIRECT && is_ours(word::<1>(&context)) {
        maps::lost(Reason::NotSent, 1);
    }
    0
}

/// `xdp_devmap_xmit(from_dev, to_dev, sent, drops, err)`: packets were given to a driver.
#[raw_tracepoint(tracepoint = "xdp_devmap_xmit")]
pub fn towpath_xdp_devmap_xmit(context: RawTracePointContext) -> i32 {
    given(word::<0>(&context), word::<3>(&context) as u32, word::<4>(&context) as i32)
}

/// `xdp_bulk_tx(dev, sent, drops, err)`: packets went back by the link that they came by.
#[raw_tracepoint(tracepoint = "xdp_bulk_tx")]
pub fn towpath_xdp_bulk_tx(context: RawTracePointContext) -> i32 {
    given(word::<0>(&context), word::<2>(&context) as u32, word::<3>(&context) as i32)
}

/// Packets of this link were given to a driver, and it has not taken so many.
#[inline(always)]
fn given(device: u64, lost: u32, error: i32) -> i32 {
    if lost != 0 && has_ours(device) {
        // A driver that takes some has no room for the others.
        maps::lost(if error < 0 { Reason::NotSent } else { Reason::QueueFull }, u64::from(lost));
    }
    0
}

/// What the kernel passes to whoever listens, by its place.
#[inline(always)]
fn word<const AT: usize>(context: &RawTracePointContext) -> u64 {
    let arguments = context.as_ptr().cast::<bpf_raw_tracepoint_args>().cast::<u64>();
    // SAFETY: each event above has more than `AT` of them; the verifier refuses what it does not know to be there.
    unsafe { *arguments.add(AT) }
}

/// Whether this is the program for XDP (`struct bpf_prog`).
#[inline(always)]
fn is_ours(program: u64) -> bool {
    let Some(Watched { program: ours, program_aux, aux_id, .. }) = maps::watched() else { return false };
    let id = read::<u64>(program, program_aux).and_then(|aux| read::<u32>(aux, aux_id));
    ours != 0 && id == Some(ours)
}

/// Whether it sits on this link (`struct net_device`).
#[inline(always)]
fn has_ours(device: u64) -> bool {
    let Some(Watched { namespace, device_index, device_net, net_number, .. }) = maps::watched() else { return false };
    let Some(index) = read::<u32>(device, device_index) else { return false };
    let number = read::<u64>(device, device_net).and_then(|net| read::<u32>(net, net_number));
    namespace != 0 && number == Some(namespace) && maps::is_on(index)
}

/// A word of a structure of the kernel.
#[inline(always)]
fn read<T: Default>(structure: u64, at: u32) -> Option<T> {
    let mut value = T::default();
    let place = structure.wrapping_add(u64::from(at)) as *const c_void;
    // SAFETY: the helper checks the address, and writes as many octets as the value has, all of which are valid.
    let done = unsafe { bpf_probe_read_kernel((&raw mut value).cast(), size_of::<T>() as u32, place) };
    (done == 0).then_some(value)
}
