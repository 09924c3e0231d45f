//! A cursor over received octets that cannot leave them.
//!
//! A nested length becomes a reader of its own (`sub`), so whatever happens inside it, the outer cursor
//! stands at the declared end. Never panics and never copies.

/// The octets that are not read yet.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    /// A cursor at the start of `bytes`.
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// Whether nothing is left.
    pub(crate) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// How many octets are left.
    pub(crate) fn len(&self) -> usize {
        self.rest.len()
    }

    /// What is left, without moving.
    pub(crate) fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// The next octet, without moving.
    pub(crate) fn peek(&self) -> Option<u8> {
        self.rest.first().copied()
    }

    /// The next `length` octets.
    pub(crate) fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(length)?;
        self.rest = rest;
        Some(taken)
    }

    /// A reader of the next `length` octets alone; this one moves behind them.
    pub(crate) fn sub(&mut self, length: usize) -> Option<Self> {
        self.take(length).map(Self::new)
    }

    /// The next `N` octets.
    pub(crate) fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (taken, rest) = self.rest.split_first_chunk::<N>()?;
        self.rest = rest;
        Some(*taken)
    }

    /// The next octet.
    pub(crate) fn u8(&mut self) -> Option<u8> {
        self.array::<1>().map(|[octet]| octet)
    }

    /// The next two octets, network order.
    pub(crate) fn u16(&mut self) -> Option<u16> {
        self.array().map(u16::from_be_bytes)
    }

    /// The next four octets, network order.
    pub(crate) fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_be_bytes)
    }

    /// The whole rest as one array, if it has exactly that length.
    pub(crate) fn exactly<const N: usize>(self) -> Option<[u8; N]> {
        self.rest.try_into().ok()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may fail loudly")]
    use super::*;

    #[test]
    fn a_nested_reader_cannot_read_behind_its_end() {
        let mut outer = Reader::new(&[1, 2, 3, 4]);
        let mut inner = outer.sub(2).unwrap();
        assert_eq!(inner.u8(), Some(1));
        assert_eq!(inner.u16(), None);
        assert_eq!(outer.u16(), Some(0x0304));
        assert!(outer.is_empty());
    }

    #[test]
    fn a_length_that_overruns_is_refused_and_moves_nothing() {
        let mut reader = Reader::new(&[1, 2]);
        assert!(reader.sub(3).is_none());
        assert_eq!(reader.u16(), Some(0x0102));
    }
}
