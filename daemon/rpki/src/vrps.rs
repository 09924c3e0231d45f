//! Validated ROA payloads: who may announce which prefix, and what that means for a route (RFC 6811).
//!
//! Prefixes stand in display order, each with the place of the next wider one around it. So one search finds the last
//! prefix that begins before a route does, and all that hold the route stand on its way outward; an index of the
//! first 16 bits makes the search a short one. A set never changes: a change makes another one of it.

#[cfg(test)]
mod tests;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use nouns::{Asn, Family, Prefix, Validity};

/// An AS may announce a prefix, and what lies within it down to a length.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Vrp {
    /// The prefix.
    pub prefix: Prefix,
    /// The AS; 0 for nobody (RFC 6483 §4).
    pub asn: Asn,
    /// The greatest length.
    pub max_length: u8,
}

impl Vrp {
    /// A payload whose lengths fit each other and the family.
    #[must_use]
    pub fn new(prefix: Prefix, max_length: u8, asn: Asn) -> Option<Self> {
        (prefix.length()..=prefix.family().bits()).contains(&max_length).then_some(Self { prefix, asn, max_length })
    }

    /// Whether it makes a route valid that it covers.
    fn allows(asn: Asn, max_length: u8, length: u8, origin: Option<Asn>) -> bool {
        asn.0 != 0 && origin == Some(asn) && length <= max_length
    }
}

/// A set of payloads.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Vrps {
    ipv4: Side<u32>,
    ipv6: Side<u128>,
}

impl Vrps {
    /// A set of payloads in ascending order without repetition; others are passed over.
    #[must_use]
    pub fn from_sorted(vrps: impl Iterator<Item = Vrp>) -> Self {
        let mut made = Self::default();
        for vrp in vrps {
            match vrp.prefix.address() {
                IpAddr::V4(address) => made.ipv4.push(address.to_bits(), &vrp),
                IpAddr::V6(address) => made.ipv6.push(address.to_bits(), &vrp),
            }
        }
        made.ipv4.finish();
        made.ipv6.finish();
        made
    }

    /// What the set says of a route; `None` stands for an origin that cannot be told, such as an AS_SET.
    #[must_use]
    pub fn validity(&self, prefix: Prefix, origin: Option<Asn>) -> Validity {
        let mut found = Validity::NotFound;
        self.visit(prefix, |_, asn, max_length| {
            if found != Validity::Valid {
                let valid = Vrp::allows(asn, max_length, prefix.length(), origin);
                found = if valid { Validity::Valid } else { Validity::Invalid };
            }
        });
        found
    }

    /// The payloads whose prefix holds another one, the narrowest prefix first.
    #[must_use]
    pub fn covering(&self, prefix: Prefix) -> Vec<Vrp> {
        let mut found = Vec::new();
        self.visit(prefix, |length, asn, max_length| {
            found.push(Vrp { prefix: Prefix::masked_or_host(prefix.address(), length), asn, max_length });
        });
        found
    }

    /// Tells of each payload whose prefix holds another one: its length, its AS, and its greatest length.
    fn visit(&self, prefix: Prefix, tell: impl FnMut(u8, Asn, u8)) {
        match prefix.address() {
            IpAddr::V4(address) => self.ipv4.visit(address.to_bits(), prefix.length(), tell),
            IpAddr::V6(address) => self.ipv6.visit(address.to_bits(), prefix.length(), tell),
        }
    }

    /// All payloads in display order.
    pub fn iter(&self) -> impl Iterator<Item = Vrp> {
        let ipv4 = self.ipv4.iter().map(|(bits, length, origin)| vrp(Ipv4Addr::from_bits(bits).into(), length, origin));
        let ipv6 = self.ipv6.iter().map(|(bits, length, origin)| vrp(Ipv6Addr::from_bits(bits).into(), length, origin));
        ipv4.chain(ipv6)
    }

    /// How many payloads of a family there are.
    #[must_use]
    pub fn len(&self, family: Family) -> usize {
        match family {
            Family::Ipv4Unicast => self.ipv4.origins.len(),
            Family::Ipv6Unicast => self.ipv6.origins.len(),
        }
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        Family::ALL.into_iter().all(|family| self.len(family) == 0)
    }

    /// The prefixes of which two sets say something different, in display order without repetition.
    #[must_use]
    pub fn differences(&self, other: &Self) -> Vec<Prefix> {
        let mut different = Vec::new();
        let (mut ours, mut theirs) = (self.iter().peekable(), other.iter().peekable());
        let mut note = |vrp: Option<Vrp>| {
            if let Some(vrp) = vrp.filter(|vrp| different.last() != Some(&vrp.prefix)) {
                different.push(vrp.prefix);
            }
        };
        loop {
            match (ours.peek(), theirs.peek()) {
                (None, None) => return different,
                (Some(a), Some(b)) if a == b => _ = (ours.next(), theirs.next()),
                (Some(a), Some(b)) if a < b => note(ours.next()),
                (Some(_), None) => note(ours.next()),
                (_, Some(_)) => note(theirs.next()),
            }
        }
    }
}

fn vrp(address: IpAddr, length: u8, origin: Origin) -> Vrp {
    Vrp { prefix: Prefix::masked_or_host(address, length), asn: origin.asn, max_length: origin.max_length }
}

/// The bits of an address.
trait Bits: Copy + Ord + std::fmt::Debug {
    /// Its first 16 bits.
    fn top(self) -> usize;
    /// Whether the first `length` bits are those of another one.
    fn agrees(self, other: Self, length: u8) -> bool;
}

impl Bits for u32 {
    fn top(self) -> usize {
        usize::try_from(self >> 16).unwrap_or_default()
    }

    fn agrees(self, other: Self, length: u8) -> bool {
        (self ^ other).leading_zeros() >= u32::from(length)
    }
}

impl Bits for u128 {
    fn top(self) -> usize {
        usize::try_from(self >> 112).unwrap_or_default()
    }

    fn agrees(self, other: Self, length: u8) -> bool {
        (self ^ other).leading_zeros() >= u32::from(length)
    }
}

/// A prefix that payloads have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Node<B> {
    bits: B,
    /// The place of the narrowest prefix around it, from 1 on; 0 for none.
    around: u32,
    /// The place of its first origin.
    first: u32,
    length: u8,
}

/// Who may announce a prefix, and down to which length.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Origin {
    asn: Asn,
    max_length: u8,
}

/// The payloads of one family.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Side<B> {
    nodes: Vec<Node<B>>,
    origins: Vec<Origin>,
    /// For each value of the first 16 bits, how many prefixes begin before it; empty while there are none.
    index: Vec<u32>,
}

impl<B> Default for Side<B> {
    fn default() -> Self {
        Self { nodes: Vec::new(), origins: Vec::new(), index: Vec::new() }
    }
}

fn place(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

fn count(place: u32) -> usize {
    usize::try_from(place).unwrap_or(usize::MAX)
}

impl<B: Bits> Side<B> {
    fn push(&mut self, bits: B, vrp: &Vrp) {
        let (length, origin) = (vrp.prefix.length(), Origin { asn: vrp.asn, max_length: vrp.max_length });
        match self.nodes.last().map(|last| (last.bits, last.length).cmp(&(bits, length))) {
            Some(std::cmp::Ordering::Greater) => return,
            Some(std::cmp::Ordering::Equal) if self.origins.last().is_some_and(|last| *last >= origin) => return,
            Some(std::cmp::Ordering::Equal) => {}
            _ => {
                let around = self.narrowest(place(self.nodes.len()), bits, length);
                self.nodes.push(Node { bits, around, first: place(self.origins.len()), length });
            }
        }
        self.origins.push(origin);
    }

    /// From a place outward to the first prefix that holds another one.
    fn narrowest(&self, mut at: u32, bits: B, length: u8) -> u32 {
        while let Some(node) = self.node(at) {
            if node.length <= length && node.bits.agrees(bits, node.length) {
                break;
            }
            at = node.around;
        }
        at
    }

    fn node(&self, at: u32) -> Option<&Node<B>> {
        self.nodes.get(count(at.checked_sub(1)?))
    }

    /// Makes the index; memory that was reserved goes back.
    fn finish(&mut self) {
        self.nodes.shrink_to_fit();
        self.origins.shrink_to_fit();
        if self.nodes.is_empty() {
            return;
        }
        let mut index = Vec::with_capacity((1 << 16) + 1);
        for (before, node) in self.nodes.iter().enumerate() {
            while index.len() <= node.bits.top() {
                index.push(place(before));
            }
        }
        index.resize((1 << 16) + 1, place(self.nodes.len()));
        self.index = index;
    }

    fn visit(&self, bits: B, length: u8, mut tell: impl FnMut(u8, Asn, u8)) {
        let [Some(from), Some(to)] = [bits.top(), bits.top().saturating_add(1)].map(|top| self.index.get(top)) else {
            return;
        };
        let near = self.nodes.get(count(*from)..count(*to)).unwrap_or_default();
        let before = near.partition_point(|node| (node.bits, node.length) <= (bits, length));
        let mut at = self.narrowest(from.saturating_add(place(before)), bits, length);
        while let Some(node) = self.node(at) {
            for origin in self.origins_of(at) {
                tell(node.length, origin.asn, origin.max_length);
            }
            at = node.around;
        }
    }

    /// The origins of the prefix at a place.
    fn origins_of(&self, at: u32) -> &[Origin] {
        let first = self.node(at).map_or(0, |node| count(node.first));
        let end = self.node(at.saturating_add(1)).map_or(self.origins.len(), |next| count(next.first));
        self.origins.get(first..end).unwrap_or_default()
    }

    fn iter(&self) -> impl Iterator<Item = (B, u8, Origin)> {
        self.nodes
            .iter()
            .zip(1_u32..)
            .flat_map(|(node, at)| self.origins_of(at).iter().map(move |origin| (node.bits, node.length, *origin)))
    }
}
