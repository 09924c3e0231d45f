//! PDUs as the RFCs draw them, in both directions, and octets that are none.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "a test may fail"
)]

use proptest::prelude::*;

use super::*;

fn vrp(prefix: &str, max_length: u8, asn: u32) -> Record {
    Record::Vrp(Vrp::new(prefix.parse().unwrap(), max_length, Asn(asn)).unwrap())
}

fn octets(hex: &str) -> Vec<u8> {
    let digits: Vec<u8> = hex.bytes().filter(u8::is_ascii_hexdigit).collect();
    digits.chunks(2).map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
}

#[test]
fn each_pdu_has_the_octets_that_the_rfcs_draw() {
    let timers = Some(Timers { refresh: 3600, retry: 600, expire: 7200 });
    let rows: [(u8, Pdu, &str); 13] = [
        (1, Pdu::SerialNotify { session: 0x1234, serial: 7 }, "01 00 1234 0000000c 00000007"),
        (1, Pdu::SerialQuery { session: 0x1234, serial: 7 }, "01 01 1234 0000000c 00000007"),
        (0, Pdu::ResetQuery, "00 02 0000 00000008"),
        (1, Pdu::CacheResponse { session: 0x1234 }, "01 03 1234 00000008"),
        (1, Pdu::Record(vrp("192.0.2.0/24", 26, 64496), true), "01 04 0000 00000014 01 18 1a 00 c0000200 0000fbf0"),
        (1, Pdu::Record(vrp("192.0.2.0/24", 24, 64496), false), "01 04 0000 00000014 00 18 18 00 c0000200 0000fbf0"),
        (
            0,
            Pdu::Record(vrp("2001:db8::/32", 48, 64496), true),
            "00 06 0000 00000020 01 20 30 00 20010db8000000000000000000000000 0000fbf0",
        ),
        (0, Pdu::EndOfData { session: 0x1234, serial: 7, timers: None }, "00 07 1234 0000000c 00000007"),
        (
            1,
            Pdu::EndOfData { session: 0x1234, serial: 7, timers },
            "01 07 1234 00000018 00000007 00000e10 00000258 00001c20",
        ),
        (1, Pdu::CacheReset, "01 08 0000 00000008"),
        (
            1,
            Pdu::ErrorReport { code: 2, pdu: octets("01 02 0000 00000008"), text: "no".to_owned() },
            "01 0a 0002 0000001a 00000008 01 02 0000 00000008 00000002 6e6f",
        ),
        (
            2,
            Pdu::Record(Record::Aspa(Asn(64496), [Asn(64500), Asn(64501)].into()), true),
            "02 0b 0100 00000014 0000fbf0 0000fbf4 0000fbf5",
        ),
        (2, Pdu::Record(Record::Aspa(Asn(64496), [].into()), false), "02 0b 0000 0000000c 0000fbf0"),
    ];
    for (version, pdu, hex) in rows {
        assert_eq!(pdu.encode(version), octets(hex), "{pdu:?}");
        assert_eq!(cut(&octets(hex)), Ok(Some((&octets(hex)[..], &[][..]))));
        assert_eq!(decode(&octets(hex)), Ok(Versioned { version, pdu }));
    }
}

#[test]
fn what_is_no_pdu_is_refused_with_its_error_code() {
    let rows = [
        ("a length below the header", "01 02 0000 00000007", code::CORRUPT_DATA),
        ("a length beyond all bounds", "01 0a 0000 ffffffff", code::CORRUPT_DATA),
        ("a query of another length", "01 01 1234 0000000d 00000007 00", code::CORRUPT_DATA),
        ("an IPv4 prefix of the length of an IPv6 one", "01 04 0000 00000020", code::CORRUPT_DATA),
        ("version 0 ends without timers", "00 07 1234 00000018 00000007", code::CORRUPT_DATA),
        ("host bits", "01 04 0000 00000014 01 18 18 00 c0000201 0000fbf0", code::CORRUPT_DATA),
        ("a prefix of 33 bits", "01 04 0000 00000014 01 21 21 00 c0000200 0000fbf0", code::CORRUPT_DATA),
        ("a greatest length below the length", "01 04 0000 00000014 01 18 17 00 c0000200 0000fbf0", code::CORRUPT_DATA),
        ("a greatest length of 33 bits", "01 04 0000 00000014 01 18 21 00 c0000200 0000fbf0", code::CORRUPT_DATA),
        ("a kind that nobody knows", "01 05 0000 00000008", code::UNSUPPORTED_PDU),
        ("an ASPA before version 2", "01 0b 0100 00000010 0000fbf0 0000fbf4", code::UNSUPPORTED_PDU),
        (
            "a router key in version 0",
            "00 09 0100 00000020 000000000000000000000000000000000000000000000000",
            code::UNSUPPORTED_PDU,
        ),
        ("half a provider", "02 0b 0100 00000012 0000fbf0 0000fbf4 0000", code::CORRUPT_DATA),
        ("an ASPA without providers", "02 0b 0100 0000000c 0000fbf0", code::CORRUPT_DATA),
        ("version 3", "03 03 1234 00000008", code::UNSUPPORTED_VERSION),
        ("an error report that reaches out of itself", "01 0a 0002 00000010 000000ff 00000000", code::CORRUPT_DATA),
    ];
    for (what, hex, code) in rows {
        let octets = octets(hex);
        let read = cut(&octets).and_then(|found| decode(found.map_or(&octets[..], |(pdu, _)| pdu)));
        assert_eq!(read.map_err(WireError::code), Err(code), "{what}");
    }
}

#[test]
fn timers_stay_within_the_ranges_of_the_rfc() {
    let rows = [
        ((0, 0, 0), (1, 1, 600)),
        ((3600, 600, 7200), (3600, 600, 7200)),
        ((u32::MAX, u32::MAX, u32::MAX), (86_400, 7200, 172_800)),
        ((7000, 600, 600), (7000, 600, 7001)),
    ];
    for ((refresh, retry, expire), expected) in rows {
        let bounded = Timers { refresh, retry, expire }.bounded();
        assert_eq!((bounded.refresh, bounded.retry, bounded.expire), expected);
    }
}

proptest! {
    #[test]
    fn any_octets_are_read_or_refused(octets in proptest::collection::vec(any::<u8>(), 0..80), version in 0..3_u8, kind in 0..12_u8, length in 0..80_u32) {
        let mut framed = octets.clone();
        if let [a, b, _, _, c, d, e, f, ..] = &mut framed[..] {
            (*a, *b) = (version, kind);
            [*c, *d, *e, *f] = length.to_be_bytes();
        }
        for octets in [octets, framed] {
            if let Ok(Some((pdu, rest))) = cut(&octets) {
                prop_assert_eq!(pdu.len() + rest.len(), octets.len());
                if let Ok(read) = decode(pdu) {
                    let again = decode(&read.pdu.encode(read.version));
                    prop_assert_eq!(again, Ok(read));
                }
            }
        }
    }
}
