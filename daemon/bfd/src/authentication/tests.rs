//! Proofs: octets as the RFC draws them, and what proves nothing.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "a test may fail loudly"
)]

use std::num::NonZeroU8;

use proptest::prelude::*;

use super::*;

const METHODS: [Method; 5] = [
    Method::SimplePassword,
    Method::KeyedMd5,
    Method::MeticulousKeyedMd5,
    Method::KeyedSha1,
    Method::MeticulousKeyedSha1,
];

/// Up, 300 ms, multiplier 3, without a proof.
fn plain() -> Packet {
    Packet::parse(&[0x20, 0xc0, 3, 24, 0, 0, 0, 7, 0, 0, 0, 9, 0, 0x04, 0x93, 0xe0, 0, 0x04, 0x93, 0xe0, 0, 0, 0, 0])
        .unwrap()
}

fn secret(method: Method) -> Secret {
    Secret { method, key: 5, word: "s3cret".to_owned() }
}

fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}

const MD5_2: &str = "1bf320bf90f6a80ca4aedc48b1ed8ff5";
const MD5_3: &str = "504a027b4b75d974087a5fcf03d9c7dd";
const SHA1_4: &str = "23bd23c657d6151ed4ae210b0d937aa80c7257a3";
const SHA1_5: &str = "850d9e0f7536132aec82c3f245322c0ac5da3c21";

/// The digests were reckoned by Python's hashlib over the octets that §4.3 and §4.4 draw.
#[test]
fn a_digest_is_the_one_of_the_packet_with_the_key_in_its_place() {
    let head = "20c403300000000700000009000493e0000493e000000000";
    let long = "20c403340000000700000009000493e0000493e000000000";
    for (method, octets) in [
        (Method::KeyedMd5, format!("{head}0218050001020304{MD5_2}")),
        (Method::MeticulousKeyedMd5, format!("{head}0318050001020304{MD5_3}")),
        (Method::KeyedSha1, format!("{long}041c050001020304{SHA1_4}")),
        (Method::MeticulousKeyedSha1, format!("{long}051c050001020304{SHA1_5}")),
    ] {
        let signed = secret(method).sign(plain(), 0x0102_0304);
        assert_eq!(hex(&signed.encode()), octets, "{method:?}");
        assert_eq!(sequence(&signed), Some(0x0102_0304));
    }
}

#[test]
fn only_the_same_secret_of_the_same_number_and_kind_proves_anything() {
    for method in METHODS {
        let signed = secret(method).sign(plain(), 7);
        let read = Packet::parse(&signed.encode()).unwrap();
        assert!(secret(method).is_proved_by(&read), "{method:?}");
        assert!(!secret(method).is_proved_by(&plain()), "{method:?}: without a proof");
        assert!(!Secret { key: 6, ..secret(method) }.is_proved_by(&read), "{method:?}: another number");
        assert!(!Secret { word: "s3creT".to_owned(), ..secret(method) }.is_proved_by(&read), "{method:?}");
        assert!(!Secret { word: "s3cret1".to_owned(), ..secret(method) }.is_proved_by(&read), "{method:?}");
        for other in METHODS.into_iter().filter(|other| *other != method) {
            assert!(!secret(other).is_proved_by(&read), "{method:?} is no {other:?}");
        }
    }
}

#[test]
fn a_number_is_heard_in_its_order_and_once_where_that_is_said() {
    let follows = |method, last: u32, number| secret(method).may_follow(last, &secret(method).sign(plain(), number));
    for (method, again) in [
        (Method::KeyedMd5, true),
        (Method::MeticulousKeyedMd5, false),
        (Method::KeyedSha1, true),
        (Method::MeticulousKeyedSha1, false),
    ] {
        for last in [0, 100, u32::MAX - 4, u32::MAX] {
            assert_eq!(follows(method, last, last), again, "{method:?}: the same after {last}");
            assert!(!follows(method, last, last.wrapping_sub(1)), "{method:?}: an older one");
            assert!(follows(method, last, last.wrapping_add(1)), "{method:?}: the next one");
            assert!(follows(method, last, last.wrapping_add(9)), "{method:?}: three times three later");
            assert!(!follows(method, last, last.wrapping_add(10)), "{method:?}: too far ahead");
        }
    }
    assert!(follows(Method::SimplePassword, 5, 5), "a password has no number");
}

#[test]
fn a_secret_is_not_shown() {
    assert!(!format!("{:?}", secret(Method::KeyedSha1)).contains("s3cret"));
}

proptest! {
    /// Each bit of a packet with a digest counts, but for none.
    #[test]
    fn a_packet_that_was_changed_on_its_way_proves_nothing(
        method in prop::sample::select(&METHODS[1..]),
        word in "[a-z]{1,16}",
        number: u32,
        multiplier in 1_u8..,
        bit in 0_usize..(52 * 8),
    ) {
        let secret = Secret { method, key: 1, word };
        let packet = Packet { multiplier: NonZeroU8::new(multiplier).unwrap(), ..plain() };
        let octets = secret.sign(packet, number).encode();
        let mut changed = octets.clone();
        let at = (bit / 8) % octets.len();
        changed[at] ^= 1 << (bit % 8);
        prop_assert!(secret.is_proved_by(&Packet::parse(&octets).unwrap()));
        if let Ok(changed) = Packet::parse(&changed) {
            prop_assert!(!secret.is_proved_by(&changed));
        }
    }
}
