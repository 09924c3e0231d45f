//! Netlink attributes and headers, written into and read from plain octets.
//!
//! The writer repairs lengths when a message ends; the reader walks what lengths allow and stops at the
//! first lie. Never panics and never reads behind the slice that it was given.

use crate::number::{NLA_TYPE_MASK, NLM_F_ACK};

/// The length of `struct nlmsghdr`.
pub(crate) const HEADER: usize = 16;

/// Messages one behind the other in one buffer.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    octets: Vec<u8>,
    start: usize,
}

impl Batch {
    pub(crate) fn with_capacity(octets: usize) -> Self {
        Self { octets: Vec::with_capacity(octets), start: 0 }
    }

    pub(crate) fn octets(&self) -> &[u8] {
        &self.octets
    }

    /// Begins a message: `struct nlmsghdr` whose length [`Batch::end`] writes, and the fixed part behind it.
    pub(crate) fn begin(&mut self, kind: u16, flags: u16, sequence: u32, fixed: &[u8]) {
        self.start = self.octets.len();
        self.octets.extend_from_slice(&0_u32.to_ne_bytes());
        self.octets.extend_from_slice(&kind.to_ne_bytes());
        self.octets.extend_from_slice(&flags.to_ne_bytes());
        self.octets.extend_from_slice(&sequence.to_ne_bytes());
        self.octets.extend_from_slice(&0_u32.to_ne_bytes());
        self.octets.extend_from_slice(fixed);
        self.pad();
    }

    /// One `struct nlattr` with its value, padded to four octets; no value of ours comes near 64 KiB.
    pub(crate) fn attribute(&mut self, kind: u16, value: &[u8]) {
        let length = u16::try_from(value.len().saturating_add(4)).unwrap_or(u16::MAX);
        self.octets.extend_from_slice(&length.to_ne_bytes());
        self.octets.extend_from_slice(&kind.to_ne_bytes());
        self.octets.extend_from_slice(value);
        self.pad();
    }

    pub(crate) fn attribute_u32(&mut self, kind: u16, value: u32) {
        self.attribute(kind, &value.to_ne_bytes());
    }

    /// Ends the message that was begun last.
    pub(crate) fn end(&mut self) {
        let length = u32::try_from(self.octets.len().saturating_sub(self.start)).unwrap_or(u32::MAX);
        if let Some(field) = self.octets.get_mut(self.start..self.start.saturating_add(4)) {
            field.copy_from_slice(&length.to_ne_bytes());
        }
    }

    /// Asks the kernel to acknowledge the message that was begun last.
    pub(crate) fn acknowledge_last(&mut self) {
        let at = self.start.saturating_add(6);
        if let Some(field) = self.octets.get_mut(at..at.saturating_add(2)) {
            let flags = field.first_chunk::<2>().map_or(0, |octets| u16::from_ne_bytes(*octets));
            field.copy_from_slice(&(flags | NLM_F_ACK).to_ne_bytes());
        }
    }

    fn pad(&mut self) {
        while !self.octets.len().is_multiple_of(4) {
            self.octets.push(0);
        }
    }
}

/// One netlink message as received.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Message<'a> {
    pub(crate) kind: u16,
    pub(crate) flags: u16,
    pub(crate) sequence: u32,
    /// The port of the socket that caused a notification; 0 when the kernel did it by itself.
    pub(crate) port: u32,
    pub(crate) body: &'a [u8],
}

/// The messages of one datagram; what a lying length hides is left out.
pub(crate) fn messages(mut octets: &[u8]) -> impl Iterator<Item = Message<'_>> {
    std::iter::from_fn(move || {
        let length = usize::try_from(u32_at(octets, 0)?).ok()?;
        let message = Message {
            kind: u16_at(octets, 4)?,
            flags: u16_at(octets, 6)?,
            sequence: u32_at(octets, 8)?,
            port: u32_at(octets, 12)?,
            body: octets.get(HEADER..length)?,
        };
        octets = octets.get(aligned(length)..).unwrap_or_default();
        Some(message)
    })
}

/// The attributes of a message or of a nested attribute: type without flags, and value.
pub(crate) fn attributes(mut octets: &[u8]) -> impl Iterator<Item = (u16, &[u8])> {
    std::iter::from_fn(move || {
        let length = usize::from(u16_at(octets, 0)?);
        let kind = u16_at(octets, 2)? & NLA_TYPE_MASK;
        let value = octets.get(4..length)?;
        octets = octets.get(aligned(length)..).unwrap_or_default();
        Some((kind, value))
    })
}

/// Lengths of messages and attributes are rounded up to four.
pub(crate) fn aligned(length: usize) -> usize {
    length.checked_next_multiple_of(4).unwrap_or(usize::MAX)
}

pub(crate) fn u8_at(octets: &[u8], at: usize) -> Option<u8> {
    octets.get(at).copied()
}

pub(crate) fn u16_at(octets: &[u8], at: usize) -> Option<u16> {
    octets.get(at..)?.first_chunk().map(|chunk| u16::from_ne_bytes(*chunk))
}

pub(crate) fn u32_at(octets: &[u8], at: usize) -> Option<u32> {
    octets.get(at..)?.first_chunk().map(|chunk| u32::from_ne_bytes(*chunk))
}
