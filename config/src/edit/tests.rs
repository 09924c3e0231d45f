//! Edits on a base, and carried over to what somebody else made of it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test may fail loudly"
)]

use proptest::prelude::*;

use super::*;
use crate::fixtures::{any_tree, tree, words};

const BASE: &str = "set system host-name r1
    set protocols bgp 64512 neighbor 192.0.2.1 remote-as 64512
    set protocols bgp 64512 neighbor 192.0.2.2 remote-as 64512
    set interfaces ethernet eth0 address 192.0.2.254/24";

fn edits(lines: &str) -> Vec<Edit> {
    lines
        .lines()
        .map(|line| {
            let path = words(line);
            if path[0] == "set" { Edit::Set(path[1..].to_vec()) } else { Edit::Delete(path[1..].to_vec()) }
        })
        .collect()
}

#[test]
fn edits_apply_in_order_and_the_first_bad_one_is_told() {
    let base = tree(BASE);
    let candidate =
        Candidate { base: Revision(3), edits: edits("delete protocols bgp 64512\nset protocols bgp 64513") };
    assert_eq!(candidate.apply(&base).unwrap().children(&words("protocols bgp")), ["64513"]);
    let candidate = Candidate { base: Revision(3), edits: edits("set system host-name r2\nset protocols bgp 64513") };
    let error = candidate.apply(&base).unwrap_err();
    assert_eq!((error.index, error.path), (1, words("protocols bgp 64513")));
}

#[test]
fn edits_are_carried_over_unless_somebody_else_touched_the_same() {
    let neighbor = "protocols bgp 64512 neighbor 192.0.2.1";
    for (theirs, mine, conflict) in [
        // Different leaves, different neighbors, different values of a repeatable leaf.
        ("set system time-zone UTC", "set system host-name r2", None),
        ("delete protocols bgp 64512 neighbor 192.0.2.2", "set protocols bgp 64512 neighbor 192.0.2.1 passive", None),
        (
            "set interfaces ethernet eth0 address 198.51.100.1/24",
            "set interfaces ethernet eth0 address 203.0.113.1/24",
            None,
        ),
        // The same wish.
        ("set system host-name r2", "set system host-name r2", None),
        ("delete system host-name", "delete system host-name", None),
        // The same leaf.
        ("set system host-name r3", "set system host-name r2", Some("system host-name r2")),
        ("set system time-zone UTC", "set system time-zone Europe/Berlin", Some("system time-zone Europe/Berlin")),
        ("delete system host-name", "set system host-name r2", Some("system host-name r2")),
        ("set system host-name r3", "delete system host-name", Some("system host-name")),
        // A leaf of what they deleted, and what they added to what I delete.
        (
            "delete protocols bgp 64512 neighbor 192.0.2.1",
            "set protocols bgp 64512 neighbor 192.0.2.1 passive",
            Some("protocols bgp 64512 neighbor 192.0.2.1 passive"),
        ),
        (
            "set protocols bgp 64512 neighbor 192.0.2.1 passive",
            "delete protocols bgp 64512 neighbor 192.0.2.1",
            Some(neighbor),
        ),
        ("set protocols bgp 64512 neighbor 192.0.2.1 passive", "delete protocols", Some("protocols")),
    ] {
        let base = tree(BASE);
        let current = apply(&edits(theirs), &base).unwrap();
        let rebased = rebase(&edits(mine), &base, &current);
        match conflict {
            None => assert_eq!(rebased, Ok(apply(&edits(mine), &current).unwrap()), "{theirs} / {mine}"),
            Some(path) => assert_eq!(rebased, Err(RebaseError::Conflicts(vec![words(path)])), "{theirs} / {mine}"),
        }
    }
}

#[test]
fn two_first_speakers_conflict() {
    let current = tree("set protocols bgp 64512");
    let mine = edits("set protocols bgp 64513");
    let conflict = RebaseError::Conflicts(vec![words("protocols bgp 64513")]);
    assert_eq!(rebase(&mine, &Tree::default(), &current), Err(conflict));
}

proptest! {
    #[test]
    fn without_a_change_of_others_rebasing_is_applying(base in any_tree(), wished in any_tree()) {
        let edits = Diff::between(&base, &wished).to_edits();
        prop_assert_eq!(rebase(&edits, &base, &base), Ok(wished));
    }

    #[test]
    fn who_wants_the_same_as_somebody_else_has_no_conflict(base in any_tree(), wished in any_tree()) {
        let edits = Diff::between(&base, &wished).to_edits();
        prop_assert_eq!(rebase(&edits, &base, &wished), Ok(wished.clone()));
    }
}

#[test]
fn edits_that_met_others_are_carried_over_as_far_as_they_can_be_made() {
    let current = tree("set system host-name theirs\nset protocols bgp 64513");
    let mine = "set system host-name mine\nset protocols bgp 64512 neighbor 192.0.2.1 passive\ndelete system time-zone";
    let (carried, left_out) = carry_over(&edits(mine), &current);
    assert_eq!(carried, tree("set system host-name mine\nset protocols bgp 64513"));
    assert_eq!(left_out, [words("protocols bgp 64512 neighbor 192.0.2.1 passive")]);
}
