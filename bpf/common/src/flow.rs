//! Which flow a packet belongs to, and where that leads: the hash that every router computes alike.
//!
//! Never changes without all routers of a network changing: two that hash differently choose different backends.

use core::net::Ipv4Addr;

use crate::layout::FlowKey;

/// What tells flows apart. Addresses and ports are in the order of the wire; IPv4 addresses are mapped (`::ffff:a.b.c.d`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(C)]
pub struct Flow {
    /// The client.
    pub source: [u8; 16],
    /// The service.
    pub destination: [u8; 16],
    /// The client's port; of an echo its identifier, and 0 where there are no ports.
    pub source_port: [u8; 2],
    /// The service's port, or 0.
    pub destination_port: [u8; 2],
    /// The number of the protocol (IANA).
    pub protocol: u8,
    /// Always zero: the layout has no hidden octets.
    pub zero: [u8; 3],
}

const _: () = assert!(size_of::<Flow>() == 40);

impl Flow {
    /// The hash of the flow: of all of it, or of the client's address alone (affinity).
    #[inline(always)]
    #[must_use]
    pub const fn hash(&self, client_only: bool) -> u32 {
        let [p, q] = self.source_port;
        let [r, s] = self.destination_port;
        let words = Words {
            source: words(self.source),
            destination: words(self.destination),
            ports: u32::from_le_bytes([p, q, r, s]),
            protocol: self.protocol as u32,
        };
        words.hash(client_only)
    }
}

impl From<&FlowKey> for Flow {
    fn from(key: &FlowKey) -> Self {
        let mapped = |address: [u8; 4]| Ipv4Addr::from(address).to_ipv6_mapped().octets();
        Self {
            source: mapped(key.source),
            destination: mapped(key.destination),
            source_port: key.source_port,
            destination_port: key.destination_port,
            // It came as one octet.
            protocol: key.protocol as u8,
            zero: [0; 3],
        }
    }
}

/// A flow in words, as they lie in a packet (little-endian): what the programs compute with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub struct Words {
    /// The client's address.
    pub source: [u64; 2],
    /// The service's address.
    pub destination: [u64; 2],
    /// The client's port, then the service's.
    pub ports: u32,
    /// The number of the protocol.
    pub protocol: u32,
}

/// What the second word of a mapped IPv4 address has in its low half.
pub const MAPPED: u64 = 0xffff_0000;

impl Words {
    /// See [`Flow::hash`].
    #[inline(always)]
    #[must_use]
    pub const fn hash(&self, client_only: bool) -> u32 {
        let [s0, s1] = self.source;
        if client_only {
            return finish(mix(mix(SEED, s0), s1));
        }
        let [d0, d1] = self.destination;
        let begin = SEED ^ self.ports as u64 ^ ((self.protocol as u64) << 32);
        // Two IPv4 addresses are one word, and one round is enough.
        if s0 == 0 && s1 as u32 == MAPPED as u32 {
            return finish(mix(begin, (s1 & !0xffff_ffff) | (d1 >> 32)));
        }
        finish(mix(mix(mix(mix(begin, s1), d1), s0), d0))
    }
}

/// The first 64 bits of the fraction of pi: nothing up the sleeve.
const SEED: u64 = 0x243f_6a88_85a3_08d3;
/// The next ones, made odd.
const FACTOR: u64 = 0x1319_8a2e_0370_7345;

/// The two words of an address.
#[inline(always)]
#[must_use]
pub const fn words(address: [u8; 16]) -> [u64; 2] {
    let whole = u128::from_le_bytes(address);
    [whole as u64, (whole >> 64) as u64]
}

/// The octets of an address.
#[inline(always)]
#[must_use]
pub const fn octets(words: [u64; 2]) -> [u8; 16] {
    (words[0] as u128 | ((words[1] as u128) << 64)).to_le_bytes()
}

#[inline(always)]
const fn mix(state: u64, word: u64) -> u64 {
    let product = (state ^ word).wrapping_mul(FACTOR);
    product ^ (product >> 32)
}

/// The murmur finalizer, so that the high bits, which choose the slot, depend on all of the state.
#[inline(always)]
const fn finish(state: u64) -> u32 {
    let state = (state ^ (state >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    ((state ^ (state >> 33)).wrapping_mul(0xc4ce_b9fe_1a85_ec53) >> 32) as u32
}

/// The slot of a table with so many slots.
#[inline(always)]
#[must_use]
pub const fn slot(hash: u32, slots: u32) -> u32 {
    ((hash as u64 * slots as u64) >> 32) as u32
}
