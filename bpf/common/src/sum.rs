//! The checksum of the internet (RFC 1071), and how it follows a change (RFC 1624).
//!
//! Never turns octets around: the sum of words as they lie there is the sum as it lies there.

/// A sum of words cut to 16 bits, with its carries.
#[inline(always)]
#[must_use]
pub const fn fold(sum: u64) -> u16 {
    let sum = (sum & 0xffff_ffff) + (sum >> 32);
    let sum = (sum & 0xffff_ffff) + (sum >> 32);
    let sum = (sum & 0xffff) + (sum >> 16);
    let sum = (sum & 0xffff) + (sum >> 16);
    let sum = (sum & 0xffff) + (sum >> 16);
    sum as u16
}

/// The sum of eight octets, to be added to others of its kind.
#[inline(always)]
#[must_use]
pub const fn of_word(word: u64) -> u64 {
    (word & 0xffff_ffff) + (word >> 32)
}

/// The checksum after what it covers has changed: `before` and `after` are sums of the words that did.
#[inline(always)]
#[must_use]
pub const fn updated(checksum: u16, before: u64, after: u64) -> u16 {
    !fold(!checksum as u64 + (!fold(before)) as u64 + fold(after) as u64)
}

/// The same of UDP, where zero means that there is none (RFC 768), and is not made by a sum.
#[inline(always)]
#[must_use]
pub const fn updated_udp(checksum: u16, before: u64, after: u64) -> u16 {
    if checksum == 0 {
        return 0;
    }
    match updated(checksum, before, after) {
        0 => 0xffff,
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::{fold, of_word, updated, updated_udp};

    fn whole(octets: &[u8]) -> u16 {
        let (pairs, _) = octets.as_chunks::<2>();
        !fold(pairs.iter().map(|pair| u64::from(u16::from_le_bytes(*pair))).sum())
    }

    #[test]
    fn an_updated_checksum_is_that_of_the_whole() {
        let mut state = 1_u64;
        for _ in 0..10_000 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let mut octets = [0; 16];
            octets[..8].copy_from_slice(&state.to_le_bytes());
            octets[8..].copy_from_slice(&(state >> 13).to_be_bytes());
            let checksum = whole(&octets);
            let before = u64::from_le_bytes([octets[4], octets[5], octets[6], octets[7], 0, 0, 0, 0]);
            let after = (state >> 27) & 0xffff_ffff;
            octets[4..8].copy_from_slice(&(after as u32).to_le_bytes());
            assert_eq!(updated(checksum, before, after), whole(&octets));
        }
    }

    #[test]
    fn sums_of_words_carry() {
        assert_eq!(fold(of_word(u64::MAX) + of_word(u64::MAX)), 0xffff);
        assert_eq!(fold(0x1_0000), 1);
        assert_eq!(fold(0xffff_ffff_ffff_ffff), 0xffff);
    }

    #[test]
    fn no_checksum_stays_none_and_none_is_made() {
        assert_eq!(updated_udp(0, 1, 2), 0);
        assert_eq!(updated_udp(1, 0, 1), 0xffff);
    }
}
