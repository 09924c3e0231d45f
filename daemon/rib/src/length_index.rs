//! Which prefix lengths occur, so that a longest match asks only for those.
//!
//! A table has a handful of lengths; asking an ordered map once for each is quicker than any trie that
//! would have to be kept beside it. Never holds a prefix.

use std::net::IpAddr;

use nouns::{Family, Prefix};

/// Counts of prefixes by family and length.
#[derive(Clone, Debug, Default)]
pub(crate) struct LengthIndex {
    v4: Lengths,
    v6: Lengths,
}

/// Counts by length, longest first, without the lengths that do not occur.
#[derive(Clone, Debug, Default)]
struct Lengths(Vec<(u8, usize)>);

impl LengthIndex {
    pub(crate) fn add(&mut self, prefix: Prefix) {
        self.of(prefix.family()).add(prefix.length());
    }

    pub(crate) fn remove(&mut self, prefix: Prefix) {
        self.of(prefix.family()).remove(prefix.length());
    }

    /// The prefixes of the lengths that occur which hold the address, longest first.
    pub(crate) fn prefixes_of(&self, address: IpAddr) -> impl Iterator<Item = Prefix> {
        let lengths = match Family::of(address) {
            Family::Ipv4Unicast => &self.v4,
            Family::Ipv6Unicast => &self.v6,
        };
        lengths.0.iter().map(move |(length, _)| Prefix::masked_or_host(address, *length))
    }

    fn of(&mut self, family: Family) -> &mut Lengths {
        match family {
            Family::Ipv4Unicast => &mut self.v4,
            Family::Ipv6Unicast => &mut self.v6,
        }
    }
}

impl Lengths {
    fn add(&mut self, length: u8) {
        match self.0.binary_search_by(|(known, _)| length.cmp(known)) {
            Ok(place) => {
                if let Some((_, count)) = self.0.get_mut(place) {
                    *count = count.saturating_add(1);
                }
            }
            Err(place) => self.0.insert(place, (length, 1)),
        }
    }

    fn remove(&mut self, length: u8) {
        if let Ok(place) = self.0.binary_search_by(|(known, _)| length.cmp(known)) {
            let left = self.0.get_mut(place).map_or(0, |(_, count)| {
                *count = count.saturating_sub(1);
                *count
            });
            if left == 0 {
                self.0.remove(place);
            }
        }
    }
}
