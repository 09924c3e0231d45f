//! The map held against the ordered map of the standard library, and what its blocks look like.
#![allow(clippy::unwrap_used, reason = "a test may fail loudly")]

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::fixtures::any_prefix;

fn v4(number: u32) -> Prefix {
    Prefix::masked_or_host(Ipv4Addr::from_bits(number << 8).into(), 24)
}

#[derive(Clone, Debug)]
enum Act {
    Insert(Prefix, u32),
    Entry(Prefix),
    Remove(Prefix),
    Retain(u32),
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        8 => (any_prefix(), any::<u32>()).prop_map(|(prefix, value)| Act::Insert(prefix, value)),
        2 => any_prefix().prop_map(Act::Entry),
        6 => any_prefix().prop_map(Act::Remove),
        1 => (2_u32..5).prop_map(Act::Retain),
    ]
}

proptest! {
    #[test]
    fn a_map_is_what_an_ordered_map_of_the_standard_library_is(
        acts in proptest::collection::vec(act(), 0..2_000), first in any_prefix()
    ) {
        let (mut map, mut model) = (PrefixMap::new(), BTreeMap::new());
        for act in acts {
            match act {
                Act::Insert(prefix, value) => prop_assert_eq!(map.insert(prefix, value), model.insert(prefix, value)),
                Act::Entry(prefix) => {
                    let (ours, theirs) = (map.entry(prefix), model.entry(prefix).or_default());
                    *ours += u32::from(*ours < 1_000);
                    *theirs += u32::from(*theirs < 1_000);
                    prop_assert_eq!(ours, theirs);
                }
                Act::Remove(prefix) => prop_assert_eq!(map.remove(prefix), model.remove(&prefix)),
                Act::Retain(modulus) => {
                    map.retain(|_, value| *value % modulus != 0);
                    model.retain(|_, value| *value % modulus != 0);
                }
            }
            prop_assert_eq!(map.len(), model.len());
        }
        prop_assert!(map.iter().eq(model.iter().map(|(prefix, value)| (*prefix, value))));
        prop_assert!(map.iter_from(first).eq(model.range(first..).map(|(prefix, value)| (*prefix, value))));
        prop_assert!(map.iter_mut().map(|(prefix, value)| (prefix, *value)).eq(model.clone()));
        for (prefix, value) in &mut model {
            prop_assert_eq!(map.get_mut(*prefix), Some(value));
        }
    }
}

#[test]
fn a_table_that_arrives_in_order_fills_its_blocks() {
    let mut map = PrefixMap::new();
    for number in 0..64_000 {
        map.insert(v4(number), number);
    }
    assert_eq!(map.v4.block_count(), 1_000);
}

#[test]
fn flaps_leave_no_empty_blocks_behind() {
    let mut map = PrefixMap::new();
    for round in 0..3_u32 {
        for number in 0..10_000_u32 {
            map.insert(v4(number.wrapping_mul(7_919) % 10_007), number);
        }
        for number in 0..10_007 {
            if number % 100 != round {
                map.remove(v4(number));
            }
        }
    }
    assert!(map.len() < 400, "{}", map.len());
    assert!(map.v4.block_count() < 40, "{} blocks for {} entries", map.v4.block_count(), map.len());
    map.retain(|_, _| false);
    assert_eq!((map.len(), map.v4.block_count()), (0, 0));
}

#[test]
fn a_key_is_kept_in_the_octets_that_it_has() {
    assert_eq!((size_of::<<V4 as Packed>::Kept>(), size_of::<<V6 as Packed>::Kept>()), (5, 17));
}

proptest! {
    #[test]
    fn a_key_that_was_kept_is_the_prefix_that_it_was(prefix in any_prefix()) {
        let found = match prefix.into() {
            Key::V4(key) => (V4::kept(key.keep()) == key && key != V4::NEVER).then(|| key.unpack()),
            Key::V6(key) => (V6::kept(key.keep()) == key && key != V6::NEVER).then(|| key.unpack()),
        };
        prop_assert_eq!(found, Some(prefix));
    }
}
