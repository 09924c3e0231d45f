//! A packet in memory of one's own: what tests and explanations send on its way.
//!
//! Never shows an octet that is not of the packet, as the kernel's verifier does not.

use core::cell::Cell;

use crate::packet::{self, Moment, Packet, Room};

/// Octets in front of a packet that it can grow into.
pub const HEADROOM: usize = 256;

/// Where a packet lies in its memory.
#[derive(Debug)]
pub struct Span {
    beginning: Cell<usize>,
    end: Cell<usize>,
    captures: Cell<u32>,
}

impl Span {
    /// A packet of so many octets, behind [`HEADROOM`].
    #[must_use]
    pub const fn new(octets: usize) -> Self {
        Self { beginning: Cell::new(HEADROOM), end: Cell::new(HEADROOM + octets), captures: Cell::new(0) }
    }

    /// Where it begins and ends now.
    #[must_use]
    pub fn range(&self) -> core::ops::Range<usize> {
        self.beginning.get()..self.end.get()
    }

    /// How often it was captured.
    #[must_use]
    pub fn captures(&self) -> u32 {
        self.captures.get()
    }
}

/// A packet in memory of one's own.
#[derive(Clone, Copy, Debug)]
pub struct Frame<'a> {
    octets: &'a [Cell<u8>],
    span: &'a Span,
    link: u32,
}

impl<'a> Frame<'a> {
    /// The packet at `span` of these octets, which came by that link.
    #[must_use]
    pub const fn new(octets: &'a [Cell<u8>], span: &'a Span, link: u32) -> Self {
        Self { octets, span, link }
    }
}

/// `N` octets of it.
#[derive(Clone, Copy, Debug)]
pub struct Window<'a, const N: usize>(&'a [Cell<u8>; N]);

impl<const N: usize> Window<'_, N> {
    #[inline(always)]
    fn read<const WIDTH: usize, const AT: usize>(self) -> [u8; WIDTH] {
        const { assert!(AT + WIDTH <= N, "outside of the window") };
        let mut octets = [0; WIDTH];
        for (octet, cell) in octets.iter_mut().zip(self.0.iter().skip(AT)) {
            *octet = cell.get();
        }
        octets
    }

    #[inline(always)]
    fn write<const WIDTH: usize, const AT: usize>(self, octets: [u8; WIDTH]) {
        const { assert!(AT + WIDTH <= N, "outside of the window") };
        for (octet, cell) in octets.iter().zip(self.0.iter().skip(AT)) {
            cell.set(*octet);
        }
    }
}

impl<const N: usize> packet::Window for Window<'_, N> {
    fn octet<const AT: usize>(self) -> u8 {
        u8::from_le_bytes(self.read::<1, AT>())
    }

    fn le16<const AT: usize>(self) -> u16 {
        u16::from_le_bytes(self.read::<2, AT>())
    }

    fn le32<const AT: usize>(self) -> u32 {
        u32::from_le_bytes(self.read::<4, AT>())
    }

    fn le64<const AT: usize>(self) -> u64 {
        u64::from_le_bytes(self.read::<8, AT>())
    }

    fn set_octet<const AT: usize>(self, value: u8) {
        self.write::<1, AT>(value.to_le_bytes());
    }

    fn set_le16<const AT: usize>(self, value: u16) {
        self.write::<2, AT>(value.to_le_bytes());
    }

    fn set_le32<const AT: usize>(self, value: u32) {
        self.write::<4, AT>(value.to_le_bytes());
    }

    fn set_le64<const AT: usize>(self, value: u64) {
        self.write::<8, AT>(value.to_le_bytes());
    }
}

impl<'a> Packet for Frame<'a> {
    type Window<const N: usize> = Window<'a, N>;

    fn holds(self, octets: usize) -> bool {
        octets <= self.span.range().len()
    }

    fn link(self) -> u32 {
        self.link
    }

    fn window<const N: usize>(self, at: usize) -> Option<Window<'a, N>> {
        let place = self.span.beginning.get().checked_add(at)?;
        let end = place.checked_add(N).filter(|end| *end <= self.span.end.get())?;
        self.octets.get(place..end)?.try_into().ok().map(Window)
    }

    fn grow(self, more: i32, _: Room) -> bool {
        let beginning = self.span.beginning.get().checked_add_signed(-(more as isize));
        // As the kernel has it, something of a link header has to remain.
        match beginning.filter(|beginning| beginning + 14 <= self.span.end.get()) {
            Some(beginning) => {
                self.span.beginning.set(beginning);
                true
            }
            None => false,
        }
    }

    fn cut(self, octets: u32) -> bool {
        let end = self.span.beginning.get() + octets as usize;
        let shorter = octets >= 14 && end <= self.span.end.get();
        if shorter {
            self.span.end.set(end);
        }
        shorter
    }

    fn capture(self, _: Moment) -> bool {
        self.span.captures.set(self.span.captures.get() + 1);
        true
    }
}
