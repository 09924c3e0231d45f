//! Autonomous system numbers (RFC 6793), asplain spelling (RFC 5396).
//!
//! Never decides whether a number is allowed somewhere: that is the schema's and the codec's work.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// An autonomous system number of four octets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Asn(pub u32);

impl Asn {
    /// The number that stands in two-octet fields for one that does not fit (RFC 6793 §9).
    pub const TRANS: Self = Self(23456);

    /// Whether the number is reserved for private use (RFC 6996).
    #[must_use]
    pub fn is_private(self) -> bool {
        matches!(self.0, 64512..=65534 | 4_200_000_000..=4_294_967_294)
    }
}

impl fmt::Display for Asn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// Why a text is not an AS number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AsnError;

impl fmt::Display for AsnError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not an AS number from 1 to 4294967294")
    }
}

impl std::error::Error for AsnError {}

impl FromStr for Asn {
    type Err = AsnError;

    fn from_str(text: &str) -> Result<Self, AsnError> {
        match parse_decimal(text) {
            Some(number @ 1..=4_294_967_294) => Ok(Self(number)),
            _ => Err(AsnError),
        }
    }
}

/// Digits only: `u32::from_str` would also take a leading plus sign.
fn parse_decimal(text: &str) -> Option<u32> {
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    text.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn asn_texts_are_read_or_refused() {
        for (text, expect) in [
            ("1", Some(1)),
            ("64512", Some(64512)),
            ("4294967294", Some(4_294_967_294)),
            ("0", None),
            ("4294967295", None),
            ("4294967296", None),
            ("+1", None),
            ("", None),
            ("64512x", None),
        ] {
            assert_eq!(text.parse::<Asn>().ok().map(|asn| asn.0), expect, "{text:?}");
        }
    }
}
