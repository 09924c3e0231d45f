//! Octets of packets as they travel: two hexadecimal digits each.
//!
//! Never refuses any: at the first pair that is no number the octets end.

/// Octets as digits.
#[must_use]
pub fn of(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}

/// The octets of digits, as far as these make sense.
pub fn octets(digits: &str) -> impl Iterator<Item = u8> {
    let pairs = digits.as_bytes().as_chunks::<2>().0.iter();
    pairs.map_while(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok())
}
