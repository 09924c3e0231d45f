//! Paths through a small Internet, as the draft's algorithms judge them.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "a test may fail"
)]

use super::*;

/// 1, 2 and 3 are customers of 10; 10 is a customer of 20 and 21; 20 and 21 have no provider (AS 0).
fn aspas() -> Aspas {
    let said: [(u32, &[u32]); 6] = [(1, &[10]), (2, &[10, 11]), (3, &[10]), (10, &[20, 21]), (20, &[0]), (21, &[0])];
    let said = said.map(|(customer, providers)| (Asn(customer), Some(providers.iter().copied().map(Asn).collect())));
    Aspas::default().after(said.into()).unwrap()
}

#[test]
fn a_path_that_came_up_may_only_have_gone_up() {
    let rows: [(&[u32], PathValidity); 8] = [
        (&[1], PathValidity::Valid),
        (&[1, 1, 1], PathValidity::Valid),
        (&[10, 1], PathValidity::Valid),
        (&[20, 10, 10, 1], PathValidity::Valid),
        (&[2, 10, 1], PathValidity::Invalid),
        (&[21, 20, 10, 1], PathValidity::Invalid),
        (&[10, 4], PathValidity::Unknown),
        (&[], PathValidity::Invalid),
    ];
    for (path, expected) in rows {
        let path: Vec<Asn> = path.iter().copied().map(Asn).collect();
        assert_eq!(aspas().verify(Some(&path), Hops::Upstream), expected, "{path:?}");
    }
}

#[test]
fn a_path_that_came_down_went_up_once_and_down_once() {
    let rows: [(&[u32], PathValidity); 10] = [
        (&[10], PathValidity::Valid),
        (&[20, 21], PathValidity::Valid),
        (&[10, 1], PathValidity::Valid),
        // Up to 10, and down to its other customer.
        (&[2, 10, 1], PathValidity::Valid),
        // Up to 20, across to 21, down again.
        (&[10, 21, 20, 10, 1], PathValidity::Valid),
        // 1 hands on what it heard of one provider to another.
        (&[20, 10, 1, 10, 21], PathValidity::Invalid),
        (&[10, 20, 10, 4], PathValidity::Unknown),
        (&[10, 5, 10, 1], PathValidity::Invalid),
        (&[5, 6, 10, 1], PathValidity::Unknown),
        (&[3, 10, 20, 2, 10, 1], PathValidity::Invalid),
    ];
    for (path, expected) in rows {
        let path: Vec<Asn> = path.iter().copied().map(Asn).collect();
        assert_eq!(aspas().verify(Some(&path), Hops::Downstream), expected, "{path:?}");
    }
}

#[test]
fn a_path_with_a_set_is_invalid_and_the_last_word_of_a_customer_counts() {
    assert_eq!(aspas().verify(None, Hops::Downstream), PathValidity::Invalid);
    let later = aspas().after([(Asn(1), Some([Asn(11)].into()))].into()).unwrap();
    assert_eq!(later.verify(Some(&[Asn(10), Asn(1)]), Hops::Upstream), PathValidity::Invalid);
    let gone = later.after([(Asn(1), None)].into()).unwrap();
    assert_eq!(gone.verify(Some(&[Asn(10), Asn(1)]), Hops::Upstream), PathValidity::Unknown);
    assert_eq!(later.differences(&gone), [Asn(1)]);
    assert_eq!(gone.differences(&later), [Asn(1)]);
    assert!(gone.after([(Asn(1), None)].into()).is_err(), "it was withdrawn before");
}
