//! Octets of a packet in the kernel's memory.
//!
//! Never reads or writes outside of what was compared with the packet's end, which the verifier proves again.

use bpf_common::packet;

/// `N` octets of a packet.
#[derive(Clone, Copy)]
pub(crate) struct Window<const N: usize> {
    beginning: *mut u8,
}

impl<const N: usize> Window<N> {
    /// The octets behind `at`, of a packet from `beginning` to `end`.
    #[inline(always)]
    pub(crate) fn new(beginning: usize, end: usize, at: usize) -> Option<Self> {
        let mut place = beginning;
        // The compiler shall not find another way from the packet's beginning to these octets: the verifier knows of this one
        // that it was compared.
        // SAFETY: it adds two numbers.
        unsafe { core::arch::asm!("{0} += {1}", inout(reg) place, in(reg) at, options(pure, nomem, nostack)) };
        (place + N <= end).then_some(Self { beginning: place as *mut u8 })
    }

    #[inline(always)]
    fn read<T: Copy, const AT: usize>(self) -> T {
        const { assert!(AT + size_of::<T>() <= N, "outside of the window") };
        // SAFETY: within the window, each octet of which is there; nothing else writes the packet meanwhile.
        unsafe { self.beginning.add(AT).cast::<T>().read_unaligned() }
    }

    #[inline(always)]
    fn write<T: Copy, const AT: usize>(self, value: T) {
        const { assert!(AT + size_of::<T>() <= N, "outside of the window") };
        // SAFETY: as in `read`.
        unsafe { self.beginning.add(AT).cast::<T>().write_unaligned(value) }
    }
}

impl<const N: usize> packet::Window for Window<N> {
    #[inline(always)]
    fn octet<const AT: usize>(self) -> u8 {
        self.read::<u8, AT>()
    }

    #[inline(always)]
    fn le16<const AT: usize>(self) -> u16 {
        u16::from_le(self.read::<u16, AT>())
    }

    #[inline(always)]
    fn le32<const AT: usize>(self) -> u32 {
        u32::from_le(self.read::<u32, AT>())
    }

    #[inline(always)]
    fn le64<const AT: usize>(self) -> u64 {
        u64::from_le(self.read::<u64, AT>())
    }

    #[inline(always)]
    fn set_octet<const AT: usize>(self, value: u8) {
        self.write::<u8, AT>(value);
    }

    #[inline(always)]
    fn set_le16<const AT: usize>(self, value: u16) {
        self.write::<u16, AT>(value.to_le());
    }

    #[inline(always)]
    fn set_le32<const AT: usize>(self, value: u32) {
        self.write::<u32, AT>(value.to_le());
    }

    #[inline(always)]
    fn set_le64<const AT: usize>(self, value: u64) {
        self.write::<u64, AT>(value.to_le());
    }
}

/// Touches the stack where no function reaches: Linux 6.18 holds two states of a function that has called another to be the
/// same, and then misses the part of the stack that only one of them has ("verifier bug: stack slot").
#[inline(always)]
pub(crate) fn reserve_stack<const DEPTH: usize>() {
    // SAFETY: the word is below all that the compiler keeps on the stack, and nobody reads it.
    unsafe { core::arch::asm!("*(u64 *)(r10 - {1}) = {0}", in(reg) 0_u64, const DEPTH) };
}

/// The low bits of a number, in a way that the verifier sees, though the compiler may know them to be all.
#[inline(always)]
pub(crate) fn masked<const MASK: usize>(mut number: usize) -> usize {
    // SAFETY: it clears bits of a number.
    unsafe { core::arch::asm!("{0} &= {1}", inout(reg) number, const MASK, options(pure, nomem, nostack)) };
    number
}
