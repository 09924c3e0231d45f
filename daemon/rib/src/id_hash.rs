//! Hashing of numbers that the router itself gave out: one multiplication.
//!
//! Never for what a peer may choose: whoever knows the multiplier can make all of those collide.

use std::hash::{BuildHasherDefault, Hasher};

/// For maps keyed by a number of our own.
pub(crate) type IdHash = BuildHasherDefault<IdHasher>;

/// Spreads one number over all bits.
#[derive(Debug, Default)]
pub(crate) struct IdHasher(u64);

impl Hasher for IdHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, octets: &[u8]) {
        for octet in octets {
            self.write_u64(u64::from(*octet));
        }
    }

    fn write_u32(&mut self, number: u32) {
        self.write_u64(u64::from(number));
    }

    fn write_u64(&mut self, number: u64) {
        // 2^64 divided by the golden ratio; the high bits are the well mixed ones, the table looks at both ends.
        let mixed = (self.0 ^ number).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        self.0 = mixed ^ (mixed >> 32);
    }
}
