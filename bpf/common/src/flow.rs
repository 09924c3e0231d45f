//! Which flow a packet belongs to, and where that leads: the hash that every router computes alike.
//!
//! Never changes without all routers of a network changing: two that hash differently choose different backends.

/// What tells flows apart. Addresses and ports are in the order of the wire; IPv4 addresses are mapped (`::ffff:a.b.c.d`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
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
    pub fn hash(&self, client_only: bool) -> u32 {
        let [s0, s1] = halves(self.source);
        if client_only {
            return finish(mix(mix(SEED, s0), s1));
        }
        let [d0, d1] = halves(self.destination);
        let [p, q] = self.source_port;
        let [r, s] = self.destination_port;
        let ports = u64::from_be_bytes([0, 0, 0, self.protocol, p, q, r, s]);
        // An IPv4 address is all in its second half; the first halves of both are then equal, and one round is enough.
        let mut state = mix(mix(SEED ^ ports, s1), d1);
        if s0 != 0 {
            state = mix(mix(state, s0), d0);
        }
        finish(state)
    }
}

/// The first 64 bits of the fraction of pi: nothing up the sleeve.
const SEED: u64 = 0x243f_6a88_85a3_08d3;
/// The next ones, made odd.
const FACTOR: u64 = 0x1319_8a2e_0370_7345;

#[inline(always)]
fn halves(address: [u8; 16]) -> [u64; 2] {
    let whole = u128::from_be_bytes(address);
    [(whole >> 64) as u64, whole as u64]
}

#[inline(always)]
fn mix(state: u64, word: u64) -> u64 {
    let product = (state ^ word).wrapping_mul(FACTOR);
    product ^ (product >> 32)
}

/// The murmur finalizer, so that the high bits, which choose the slot, depend on all of the state.
#[inline(always)]
fn finish(state: u64) -> u32 {
    let state = (state ^ (state >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    (state ^ (state >> 33)).wrapping_mul(0xc4ce_b9fe_1a85_ec53).wrapping_shr(32) as u32
}

/// The slot of a table with so many slots.
#[inline(always)]
#[must_use]
pub fn slot(hash: u32, slots: u32) -> u32 {
    ((u64::from(hash) * u64::from(slots)) >> 32) as u32
}
