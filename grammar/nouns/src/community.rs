//! Communities as people write them (RFC 1997, RFC 4360, RFC 8092): `64512:100`, `no-export`, `64512:1:2`, `rt 64512:1`.
//!
//! Never acts upon a community.

use std::net::Ipv4Addr;

/// Well-known communities and their names (IANA "BGP Well-known Communities").
pub const WELL_KNOWN: [(u32, &str); 9] = [
    (0xffff_0000, "graceful-shutdown"),
    (0xffff_0001, "accept-own"),
    (0xffff_0006, "llgr-stale"),
    (0xffff_0007, "no-llgr"),
    (0xffff_029a, "blackhole"),
    (0xffff_ff01, "no-export"),
    (0xffff_ff02, "no-advertise"),
    (0xffff_ff03, "local-AS"),
    (0xffff_ff04, "no-peer"),
];

/// What `internet` stands for in a community list: every route.
pub const INTERNET: u32 = 0;

/// A community: `AA:NN`, a number, a well-known name or `internet`.
#[must_use]
pub fn standard(text: &str) -> Option<u32> {
    if text == "internet" {
        return Some(INTERNET);
    }
    if let Some((value, _)) = WELL_KNOWN.iter().find(|(_, name)| *name == text) {
        return Some(*value);
    }
    let Some((high, low)) = text.split_once(':') else { return decimal(text) };
    let half = |text| decimal(text).and_then(|number| u16::try_from(number).ok());
    Some(u32::from(half(high)?) << 16 | u32::from(half(low)?))
}

/// A community as it is shown.
#[must_use]
pub fn standard_name(value: u32) -> String {
    match WELL_KNOWN.iter().find(|(known, _)| *known == value) {
        Some((_, name)) => (*name).to_owned(),
        None if value == INTERNET => "internet".to_owned(),
        None => format!("{}:{}", value >> 16, value & 0xffff),
    }
}

/// A large community: `AA:BB:CC`.
#[must_use]
pub fn large(text: &str) -> Option<[u32; 3]> {
    let parts: Option<Vec<u32>> = text.split(':').map(decimal).collect();
    parts?.try_into().ok()
}

/// The value of a route target (`subtype` 2) or of a site of origin (3): `AS:NN` or `x.x.x.x:NN`.
#[must_use]
pub fn extended(subtype: u8, text: &str) -> Option<[u8; 8]> {
    let (administrator, number) = text.split_once(':')?;
    let number = decimal(number)?;
    let four = |kind: u8, [a, b, c, d]: [u8; 4]| {
        let [e, f] = u16::try_from(number).ok()?.to_be_bytes();
        Some([kind, subtype, a, b, c, d, e, f])
    };
    if let Ok(address) = administrator.parse::<Ipv4Addr>() {
        return four(1, address.octets());
    }
    let asn = decimal(administrator)?;
    match u16::try_from(asn) {
        Ok(asn) => {
            let ([a, b], [c, d, e, f]) = (asn.to_be_bytes(), number.to_be_bytes());
            Some([0, subtype, a, b, c, d, e, f])
        }
        Err(_) => four(2, asn.to_be_bytes()),
    }
}

/// Digits only.
fn decimal(text: &str) -> Option<u32> {
    let plain = !text.is_empty() && text.bytes().all(|octet| octet.is_ascii_digit());
    if plain { text.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn communities_are_read_or_refused() {
        for (text, expect) in [
            ("64512:100", Some(0xfc00_0064)),
            ("no-export", Some(0xffff_ff01)),
            ("local-AS", Some(0xffff_ff03)),
            ("internet", Some(0)),
            ("4226809956", Some(0xfbf0_0064)),
            ("65536:1", None),
            ("1:65536", None),
            ("1:2:3", None),
            ("1:", None),
            ("+1:2", None),
            ("no_export", None),
        ] {
            assert_eq!(standard(text), expect, "{text}");
            if let (Some(value), true) = (expect, text != "4226809956") {
                assert_eq!(standard_name(value), text);
            }
        }
        for (text, expect) in [
            ("64512:1:2", Some([64512, 1, 2])),
            ("4294967295:0:4294967295", Some([u32::MAX, 0, u32::MAX])),
            ("1:2", None),
            ("1:2:3:4", None),
            ("1:2:x", None),
            ("1:2:3:x", None),
            ("4294967296:1:1", None),
        ] {
            assert_eq!(large(text), expect, "{text}");
        }
        for (text, expect) in [
            ("64512:100", Some([0, 2, 0xfc, 0, 0, 0, 0, 100])),
            ("192.0.2.1:7", Some([1, 2, 192, 0, 2, 1, 0, 7])),
            ("70000:7", Some([2, 2, 0, 1, 0x11, 0x70, 0, 7])),
            ("70000:70000", None),
            ("64512", None),
        ] {
            assert_eq!(extended(2, text), expect, "{text}");
        }
    }
}
