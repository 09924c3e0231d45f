//! What the peer ends up knowing.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may fail loudly")]

use bgp_wire::attribute::Origin;
use bgp_wire::message::Message;
use proptest::prelude::*;

use super::*;

fn codec() -> Codec {
    Codec { four_octet_as: true, internal: true, families: Family::ALL.to_vec(), ..Codec::default() }
}

fn attributes(med: u32) -> Arc<PathAttributes> {
    let mut attributes = PathAttributes::new(Origin::Igp, [192, 0, 2, 1].into());
    attributes.med = Some(med);
    attributes.local_pref = Some(100);
    Arc::new(attributes)
}

fn prefix(number: u32) -> Prefix {
    Prefix::host(std::net::Ipv4Addr::from_bits(0x0a00_0000 + number).into())
}

/// A peer that believes what it is told.
#[derive(Debug, Default, PartialEq)]
struct Peer(BTreeMap<Prefix, Option<u32>>);

impl Peer {
    fn hear(&mut self, mut bytes: &[u8]) -> u64 {
        let mut messages = 0;
        while let Some(length) = bgp_wire::frame(bytes, 4096).unwrap() {
            let Message::Update(update) = Message::decode(&bytes[..length], &codec()).unwrap() else {
                unreachable!("only UPDATEs are drained")
            };
            assert_eq!(update.errors, []);
            for nlri in update.unreach.iter().flat_map(|unreach| &unreach.nlri) {
                assert!(self.0.remove(&nlri.prefix).is_some(), "{} was never told", nlri.prefix);
            }
            for reach in &update.reach {
                self.0.extend(reach.nlri.iter().map(|nlri| (nlri.prefix, reach.attributes.med)));
            }
            messages += 1;
            bytes = &bytes[length..];
        }
        messages
    }
}

#[test]
fn routes_of_equal_attributes_share_messages() {
    let mut out = AdjOut::default();
    for number in 0..2000 {
        assert!(out.update(prefix(number), Some(attributes(number % 2))));
    }
    let (bytes, messages) = out.drain(Family::Ipv4Unicast, &codec(), usize::MAX);
    let mut peer = Peer::default();
    assert_eq!(peer.hear(&bytes), messages);
    // 1000 routes of 5 octets need two messages of 4096 each.
    assert_eq!((peer.0.len(), messages), (2000, 4));
    assert!(out.is_drained());
}

#[test]
fn saying_the_same_again_is_no_news() {
    let mut out = AdjOut::default();
    assert!(out.update(prefix(1), Some(attributes(1))));
    assert!(!out.update(prefix(1), Some(attributes(1))));
    assert!(!out.update(prefix(2), None));
    assert!(out.update(prefix(1), Some(attributes(2))));
}

#[test]
fn a_route_that_goes_before_it_was_told_leaves_no_trace() {
    let mut out = AdjOut::default();
    out.update(prefix(1), Some(attributes(1)));
    assert!(out.update(prefix(1), None));
    assert!(out.is_drained() && out.is_empty());
    assert_eq!(out.drain(Family::Ipv4Unicast, &codec(), usize::MAX), (vec![], 0));
}

#[test]
fn a_refresh_says_everything_again_once() {
    let mut out = AdjOut::default();
    for number in 0..10 {
        out.update(prefix(number), Some(attributes(number)));
    }
    out.drain(Family::Ipv4Unicast, &codec(), usize::MAX);
    out.refresh();
    let mut peer = Peer::default();
    assert_eq!(peer.hear(&out.drain(Family::Ipv4Unicast, &codec(), usize::MAX).0), 10);
    assert!(out.is_drained());
}

#[test]
fn attributes_that_fit_into_no_message_withdraw_the_older_route() {
    let mut out = AdjOut::default();
    let mut peer = Peer::default();
    out.update(prefix(1), Some(attributes(1)));
    peer.hear(&out.drain(Family::Ipv4Unicast, &codec(), usize::MAX).0);
    let huge = PathAttributes { communities: (0..2000).collect(), ..PathAttributes::clone(&attributes(1)) };
    out.update(prefix(1), Some(Arc::new(huge)));
    while !out.is_drained() {
        peer.hear(&out.drain(Family::Ipv4Unicast, &codec(), usize::MAX).0);
    }
    assert_eq!(peer, Peer::default());
    assert!(out.is_empty());
}

proptest! {
    #[test]
    fn once_drained_the_peer_knows_exactly_what_it_shall(
        steps in prop::collection::vec((0_u32..20, prop::option::of(0_u32..4), prop::option::of(1_usize..200)), 0..200)
    ) {
        let mut out = AdjOut::default();
        let mut peer = Peer::default();
        let mut wish = BTreeMap::new();
        for (number, med, drain) in steps {
            out.update(prefix(number), med.map(attributes));
            match med {
                Some(med) => drop(wish.insert(prefix(number), Some(med))),
                None => drop(wish.remove(&prefix(number))),
            }
            if let Some(octets) = drain {
                let (bytes, messages) = out.drain(Family::Ipv4Unicast, &codec(), octets);
                prop_assert_eq!(peer.hear(&bytes), messages);
            }
        }
        while !out.is_drained() {
            peer.hear(&out.drain(Family::Ipv4Unicast, &codec(), 100).0);
        }
        prop_assert_eq!(peer.0, wish);
        prop_assert_eq!(out.iter().count(), out.len());
    }
}
