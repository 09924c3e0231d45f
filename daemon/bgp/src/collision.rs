//! Which of two connections to the same peer survives (RFC 4271 §6.8, RFC 6286 §2.3).
//!
//! A pure comparison of two speakers; it never closes anything.

use std::net::Ipv4Addr;

use nouns::Asn;

/// Who opened a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opener {
    /// This router.
    Ours,
    /// The peer.
    Theirs,
}

/// What the comparison looks at: identifier first, AS where the identifiers are equal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Speaker {
    /// The BGP identifier, compared as a number.
    pub router_id: Ipv4Addr,
    /// The AS number (RFC 6286 §2.3).
    pub asn: Asn,
}

/// Whose connection is kept: that of the speaker with the higher identifier.
///
/// Both ends come to the same answer, because each sees the same two speakers.
#[must_use]
pub fn survivor(local: Speaker, remote: Speaker) -> Opener {
    if local > remote { Opener::Ours } else { Opener::Theirs }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_higher_identifier_keeps_its_connection_seen_from_either_side() {
        for (low, high) in [
            (("10.0.0.1", 64512), ("10.0.0.2", 64512)),
            (("9.255.255.255", 64999), ("10.0.0.0", 1)),
            (("127.0.0.1", 1), ("192.0.2.1", 1)),
            (("10.0.0.1", 64512), ("10.0.0.1", 64513)),
        ] {
            let (low, high) = (speaker(low), speaker(high));
            assert_eq!(survivor(low, high), Opener::Theirs, "{low:?} {high:?}");
            assert_eq!(survivor(high, low), Opener::Ours, "{low:?} {high:?}");
        }
    }

    fn speaker((router_id, asn): (&str, u32)) -> Speaker {
        Speaker { router_id: router_id.parse().unwrap_or(Ipv4Addr::UNSPECIFIED), asn: Asn(asn) }
    }
}
