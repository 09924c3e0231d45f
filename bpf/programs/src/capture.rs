//! Heads of packets, for whoever watches them.
//!
//! Never chooses a packet before it is known that some are wanted: while nobody watches, packets pay for one look.

use core::ffi::c_void;
use core::mem::offset_of;

use aya_ebpf::helpers::generated::{bpf_get_prandom_u32, bpf_ktime_get_ns};
use bpf_common::layout::{CAME, Captured, HEAD, LOST, WENT};
use bpf_common::packet::Moment;

use crate::{maps, window};

/// What is known of a packet: the service, the backend, a link, and how it is then, as one word.
#[derive(Clone, Copy)]
pub(crate) struct Seen {
    pub(crate) service: u32,
    pub(crate) backend: u32,
    pub(crate) link: u32,
    /// A moment, and above its eight bits the number of a reason.
    pub(crate) moment: u32,
}

impl Seen {
    /// A packet that is forwarded, which came by this link.
    #[inline(always)]
    pub(crate) fn of(moment: Moment, came: u32) -> Self {
        let Moment { service, backend, leaves } = moment;
        if leaves == 0 {
            Self { service, backend, link: came, moment: CAME }
        } else {
            Self { service, backend, link: leaves, moment: WENT }
        }
    }

    /// One that is not, as `bpf_common::way::Verdict::lost` has it.
    #[inline(always)]
    pub(crate) fn lost(lost: u32, came: u32) -> Self {
        Self { service: lost >> 8, backend: 0, link: came, moment: LOST | ((lost & 0xff) << 8) }
    }

    /// Whether it is wanted. A packet that goes was chosen when it came.
    #[inline(always)]
    fn is_wanted(self) -> bool {
        let Some(wanted) = maps::capture() else { return false };
        let Self { service, backend, moment, .. } = self;
        let wants = if moment & 0xff == LOST {
            wanted.wants_lost(service, moment >> 8)
        } else {
            wanted.wants(service, backend)
        };
        // SAFETY: the helper has no arguments.
        wants && (moment == WENT || unsafe { bpf_get_prandom_u32() }.checked_rem(wanted.every) == Some(0))
    }
}

/// Copies the head of a packet of so many octets into the ring, if it is wanted; `load` copies so many of them.
#[inline(always)]
pub(crate) fn capture(seen: Seen, length: u32, load: impl FnOnce(*mut c_void, u32)) -> bool {
    if !seen.is_wanted() {
        return false;
    }
    let most = if length as usize > HEAD { HEAD } else { length as usize };
    let kept = window::masked::<{ HEAD - 1 }>(most.wrapping_sub(1)) as u32 + 1;
    let Some(mut entry) = maps::captured() else { return false };
    let place = entry.as_mut_ptr();
    // SAFETY: the ring gave room for one element; all of its words are written, and of the head those octets that are kept.
    unsafe {
        (*place).at = bpf_ktime_get_ns();
        (*place).length = length;
        (*place).kept = kept;
        (*place).service = seen.service;
        (*place).backend = seen.backend;
        (*place).link = seen.link;
        (*place).moment = seen.moment & 0xff;
        (*place).reason = seen.moment >> 8;
        (*place).zero = 0;
        load(place.cast::<u8>().add(offset_of!(Captured, head)).cast(), kept);
    }
    entry.submit(0);
    true
}
