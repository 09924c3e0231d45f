//! AS paths, held against a list of lists.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may fail loudly")]

use proptest::collection::vec;
use proptest::prelude::*;

use super::SegmentKind::{ConfedSequence, ConfedSet, Sequence, Set};
use super::*;

/// A path as anybody would write it down.
type Model = Vec<(SegmentKind, Vec<Asn>)>;

fn path(model: &Model) -> AsPath {
    model.iter().map(|(kind, asns)| Segment { kind: *kind, asns }).collect()
}

fn model(path: &AsPath) -> Model {
    path.segments().map(|segment| (segment.kind, segment.asns.to_vec())).collect()
}

fn segment(kind: SegmentKind, asns: &[u32]) -> (SegmentKind, Vec<Asn>) {
    (kind, asns.iter().copied().map(Asn).collect())
}

#[test]
fn a_path_is_counted_and_shown_by_its_segments() {
    for (segments, length, first, shown) in [
        (vec![], 0, None, ""),
        (vec![segment(Sequence, &[64512, 64513])], 2, Some(64512), "64512 64513"),
        (vec![segment(Sequence, &[1, 2, 3, 4, 5, 6])], 6, Some(1), "1 2 3 4 5 6"),
        (vec![segment(Sequence, &[64512]), segment(Set, &[1, 2])], 2, Some(64512), "64512 {1,2}"),
        (vec![segment(ConfedSequence, &[65001, 65002])], 0, None, "(65001 65002)"),
        (vec![segment(ConfedSet, &[65001, 65002]), segment(Sequence, &[7])], 1, Some(7), "[65001,65002] 7"),
        (vec![segment(Set, &[1, 2]), segment(Sequence, &[7])], 2, None, "{1,2} 7"),
    ] {
        let path = path(&segments);
        assert_eq!((path.length(), path.first().map(|asn| asn.0), path.to_string().as_str()), (length, first, shown));
    }
}

#[test]
fn prepending_starts_a_new_segment_when_the_first_is_full() {
    let mut path = AsPath::sequence(&[Asn(7); 255]);
    path.prepend(Asn(8));
    assert_eq!(path.segments().count(), 2);
    assert_eq!((path.length(), path.first()), (256, Some(Asn(8))));
    path.prepend(Asn(9));
    assert_eq!(path.segments().next().unwrap().asns, [Asn(9), Asn(8)]);
}

#[test]
fn prepending_to_a_set_leaves_the_set_alone() {
    let mut path = path(&vec![segment(Set, &[1, 2])]);
    path.prepend(Asn(8));
    assert_eq!(path.to_string(), "8 {1,2}");
}

#[test]
fn a_number_is_found_in_every_kind_of_segment() {
    let path = path(&vec![segment(ConfedSequence, &[1]), segment(Set, &[2, 3])]);
    assert!(path.contains(Asn(1)) && path.contains(Asn(3)) && !path.contains(Asn(4)));
    assert_eq!(path.origin(), None);
    assert_eq!(AsPath::sequence(&[Asn(1), Asn(2)]).origin(), Some(Asn(2)));
}

fn segments() -> impl Strategy<Value = Model> {
    let kind = prop_oneof![4 => Just(Sequence), 1 => Just(Set), 1 => Just(ConfedSequence), 1 => Just(ConfedSet)];
    vec((kind, vec((1_u32..9).prop_map(Asn), 1..9)), 0..4)
}

proptest! {
    #[test]
    fn a_path_is_what_it_was_made_of(segments in segments()) {
        let made = path(&segments);
        prop_assert_eq!(model(&made), segments.clone());
        prop_assert_eq!(made.is_empty(), segments.is_empty());
        prop_assert_eq!(made.asns().collect::<Vec<_>>(), segments.iter().flat_map(|(_, asns)| asns.clone()).collect::<Vec<_>>());
        let length: usize = segments.iter().map(|(kind, asns)| Segment { kind: *kind, asns }.length()).sum();
        prop_assert_eq!(made.length(), length);
    }

    #[test]
    fn a_path_is_the_same_however_it_came_to_be(numbers in vec((1_u32..9).prop_map(Asn), 0..12), behind in segments()) {
        let mut grown = path(&behind);
        numbers.iter().rev().for_each(|asn| grown.prepend(*asn));
        let mut expect = behind;
        for asn in numbers.iter().rev() {
            match expect.first_mut() {
                Some((Sequence, asns)) => asns.insert(0, *asn),
                _ => expect.insert(0, (Sequence, vec![*asn])),
            }
        }
        prop_assert_eq!(&grown, &path(&expect));
        prop_assert_eq!(model(&grown), expect.clone());
        let mut outside = grown.clone();
        outside.drop_confederations();
        expect.retain(|(kind, _)| !kind.is_confederation());
        prop_assert_eq!(outside, path(&expect));
        let mut without = grown.clone();
        without.retain(|asn| asn.0 > 4);
        let mut fewer = model(&grown);
        fewer.iter_mut().for_each(|(_, asns)| asns.retain(|asn| asn.0 > 4));
        fewer.retain(|(_, asns)| !asns.is_empty());
        prop_assert_eq!(without, path(&fewer));
    }
}
