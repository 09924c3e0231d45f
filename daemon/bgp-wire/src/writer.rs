//! Appends octets, and fills length fields in once the content behind them is written.
//!
//! Never writes a length that is not the length of what follows.

use crate::error::EncodeError;

/// Attribute flag: the length has two octets.
const EXTENDED_LENGTH: u8 = 0x10;

/// As much of a text as fits into `limit` octets, cut between two characters.
pub(crate) fn cut(text: &str, limit: usize) -> &str {
    let end = (0..=limit.min(text.len())).rev().find(|at| text.is_char_boundary(*at));
    end.and_then(|end| text.get(..end)).unwrap_or("")
}

/// Appends to a buffer that may already hold other messages.
#[derive(Debug)]
pub(crate) struct Writer<'a> {
    out: &'a mut Vec<u8>,
}

/// The place of a two-octet length field that is still to be filled in.
#[derive(Clone, Copy, Debug)]
#[must_use]
pub(crate) struct LengthField {
    at: usize,
}

impl<'a> Writer<'a> {
    /// Appends to `out`.
    pub(crate) fn new(out: &'a mut Vec<u8>) -> Self {
        Self { out }
    }

    /// Octets in the buffer.
    pub(crate) fn len(&self) -> usize {
        self.out.len()
    }

    /// Drops all that was written since the buffer had `length` octets.
    pub(crate) fn rewind(&mut self, length: usize) {
        self.out.truncate(length);
    }

    /// Appends one octet.
    pub(crate) fn u8(&mut self, value: u8) {
        self.out.push(value);
    }

    /// Appends two octets, network order.
    pub(crate) fn u16(&mut self, value: u16) {
        self.out.extend_from_slice(&value.to_be_bytes());
    }

    /// Appends four octets, network order.
    pub(crate) fn u32(&mut self, value: u32) {
        self.out.extend_from_slice(&value.to_be_bytes());
    }

    /// Appends octets as they are.
    pub(crate) fn bytes(&mut self, value: &[u8]) {
        self.out.extend_from_slice(value);
    }

    /// Appends the first octets of an array. To write it whole and take back the rest is faster than to copy octet by
    /// octet.
    pub(crate) fn beginning<const N: usize>(&mut self, value: [u8; N], octets: usize) {
        let end = self.out.len().saturating_add(octets);
        self.out.extend_from_slice(&value);
        self.out.truncate(end);
    }

    /// Appends a path attribute, whose length has two octets only where it needs them (RFC 4271 §4.3).
    pub(crate) fn attribute(&mut self, flags: u8, code: u8, value: impl FnOnce(&mut Self)) -> Result<(), EncodeError> {
        let start = self.len();
        self.bytes(&[flags & !EXTENDED_LENGTH, code, 0]);
        value(self);
        let content = start.saturating_add(3);
        let length = self.len().saturating_sub(content);
        if let Ok(short) = u8::try_from(length) {
            self.set(content.saturating_sub(1), short);
            return Ok(());
        }
        let [high, low] = u16::try_from(length).map_err(|_| EncodeError::TooLong { length })?.to_be_bytes();
        self.set(start, flags | EXTENDED_LENGTH);
        self.set(content.saturating_sub(1), high);
        self.out.insert(content, low);
        Ok(())
    }

    fn set(&mut self, at: usize, value: u8) {
        if let Some(octet) = self.out.get_mut(at) {
            *octet = value;
        }
    }

    /// Reserves a two-octet length field.
    pub(crate) fn length_field(&mut self) -> LengthField {
        let at = self.out.len();
        self.u16(0);
        LengthField { at }
    }

    /// Fills a length field with the number of octets that were written behind it.
    pub(crate) fn close(&mut self, field: LengthField) -> Result<(), EncodeError> {
        let content = field.at.saturating_add(2);
        self.fill(field, self.out.len().saturating_sub(content))
    }

    /// Fills a length field with a given number.
    pub(crate) fn fill(&mut self, field: LengthField, length: usize) -> Result<(), EncodeError> {
        let value = u16::try_from(length).map_err(|_| EncodeError::TooLong { length })?;
        let end = field.at.saturating_add(2);
        if let Some(place) = self.out.get_mut(field.at..end) {
            place.copy_from_slice(&value.to_be_bytes());
        }
        Ok(())
    }
}
