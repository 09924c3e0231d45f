//! Trees: what set, delete and comment do.
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

#[test]
fn set_makes_parents_replaces_single_leaves_and_appends_repeatable_ones() {
    let mut tree = Tree::default();
    for (line, expect) in [
        ("protocols bgp 64512 neighbor 192.0.2.1 remote-as 64512", SetOutcome::Added),
        ("protocols bgp 64512 neighbor 192.0.2.1 remote-as 64512", SetOutcome::AlreadyThere),
        ("protocols bgp 64512 neighbor 192.0.2.1 remote-as 64513", SetOutcome::Replaced),
        ("protocols bgp 64512 neighbor 192.0.2.1", SetOutcome::AlreadyThere),
        ("protocols bgp 64512 neighbor 192.0.2.1 passive", SetOutcome::Added),
        ("protocols bgp 64512 neighbor 192.0.2.1 passive", SetOutcome::AlreadyThere),
        ("interfaces ethernet eth1 address 192.0.2.10/24", SetOutcome::Added),
        ("interfaces ethernet eth1 address 192.0.2.2/24", SetOutcome::Added),
    ] {
        assert_eq!(tree.set(&words(line)), Ok(expect), "{line}");
    }
    assert_eq!(tree.value(&words("protocols bgp 64512 neighbor 192.0.2.1 remote-as")), Some("64513"));
    assert_eq!(tree.values(&words("interfaces ethernet eth1 address")), ["192.0.2.2/24", "192.0.2.10/24"]);
    assert_eq!(tree.children(&[]), ["interfaces", "protocols"]);
    assert_eq!(tree.children(&words("protocols bgp")), ["64512"]);
}

#[test]
fn instances_stand_in_natural_order() {
    let tree = tree("set interfaces ethernet eth10\nset interfaces ethernet eth9\nset interfaces ethernet eth1");
    assert_eq!(tree.children(&words("interfaces ethernet")), ["eth1", "eth9", "eth10"]);
}

#[test]
fn values_are_stored_and_found_in_canonical_spelling() {
    let mut tree = Tree::default();
    tree.set(&words("protocols bgp 64512 neighbor 2001:DB8:0::1 port 0179")).ok();
    assert!(tree.set(&words("protocols bgp 64512 neighbor 2001:DB8:0::1 shutdown")).is_ok());
    assert!(tree.contains(&words("protocols bgp 64512 neighbor 2001:db8::1 shutdown")));
    assert_eq!(tree.delete(&words("protocols bgp 64512 neighbor 2001:db8:0:0::1")), DeleteOutcome::Deleted);
}

#[test]
fn what_cannot_be_set_leaves_the_tree_as_it_was() {
    let before = tree("set protocols bgp 64512 neighbor 192.0.2.1 remote-as 64512");
    for (line, expect) in [
        ("protocols bgp 64512 foo", "Configuration path: protocols bgp 64512 [foo] is not valid"),
        ("protocols bgp 64512 neighbor 192.0.2.2 remote-as x", "is not a valid value of type"),
        ("protocols bgp 64512 neighbor 192.0.2.2 remote-as", "requires a value"),
        ("protocols bgp 64512 neighbor", "requires a value"),
        ("protocols bgp 64512 neighbor 192.0.2.2 timers holdtime 2", "is not a valid value of type"),
        ("protocols bgp 64512 neighbor 192.0.2.2 passive yes", "is not valid"),
        ("protocols bgp 64513", "Cannot set value \"64513\": number of values exceeded (1 allowed)"),
    ] {
        let mut tree = before.clone();
        let error = tree.set(&words(line)).expect_err(line).to_string();
        assert!(error.contains(expect), "{line}: {error}");
        assert_eq!(tree, before, "{line}");
    }
}

#[test]
fn a_password_with_blanks_is_refused_and_not_repeated() {
    let mut path = words("protocols bgp 64512 neighbor 192.0.2.1 password");
    path.push("two words".to_owned());
    let error = Tree::default().set(&path).unwrap_err();
    assert!(!error.to_string().contains("two") && !error.brief().contains("two"), "{error}");
}

#[test]
fn the_as_changes_by_delete_and_set() {
    let mut tree = tree("set protocols bgp 64512 neighbor 192.0.2.1 remote-as 64512");
    assert_eq!(tree.delete(&words("protocols bgp 64512")), DeleteOutcome::Deleted);
    assert_eq!(tree.set(&words("protocols bgp 64513")), Ok(SetOutcome::Added));
}

#[test]
fn delete_takes_what_is_left_empty_with_it() {
    for (lines, delete, left) in [
        (
            "set interfaces ethernet eth0 address 192.0.2.1/24",
            "interfaces ethernet eth0 address 192.0.2.1/24",
            "set interfaces ethernet eth0\n",
        ),
        (
            "set interfaces ethernet eth0 address 192.0.2.1/24",
            "interfaces ethernet eth0 address",
            "set interfaces ethernet eth0\n",
        ),
        ("set interfaces ethernet eth0 address 192.0.2.1/24", "interfaces ethernet eth0", ""),
        ("set interfaces ethernet eth0 disable", "interfaces", ""),
        ("set system host-name r1", "system host-name", ""),
        ("set system host-name r1", "system host-name r1", ""),
        (
            "set protocols bgp 64512 redistribute connected metric 5",
            "protocols bgp 64512 redistribute connected metric",
            "set protocols bgp 64512 redistribute connected\n",
        ),
        (
            "set protocols bgp 64512 timers holdtime 9",
            "protocols bgp 64512 timers holdtime",
            "set protocols bgp 64512\n",
        ),
    ] {
        let mut tree = tree(lines);
        assert_eq!(tree.delete(&words(delete)), DeleteOutcome::Deleted, "{delete}");
        assert_eq!(crate::print::commands(&tree, &[], crate::print::Style::default()), left, "{delete}");
    }
}

#[test]
fn deleting_what_is_not_there_is_told_and_changes_nothing() {
    let before = tree("set system host-name r1");
    for line in
        ["system host-name r2", "system time-zone", "protocols bgp 64512", "nonsense", "system host-name r1 more"]
    {
        let mut tree = before.clone();
        assert_eq!(tree.delete(&words(line)), DeleteOutcome::NothingToDelete, "{line}");
        assert_eq!(tree, before, "{line}");
    }
}

#[test]
fn comments_stand_on_nodes_only() {
    let mut tree = tree("set protocols bgp 64512 neighbor 192.0.2.1 remote-as 64512");
    for (line, text, expect) in [
        ("protocols bgp 64512 neighbor 192.0.2.1", "node 1", Ok(())),
        ("protocols bgp 64512 neighbor 192.0.2.1 remote-as", "ours", Ok(())),
        ("protocols", "all of it", Ok(())),
        ("protocols bgp 64512 neighbor 192.0.2.1 remote-as 64512", "x", Err(TreeError::CommentOnValue)),
        ("protocols bgp 64512 neighbor", "x", Err(TreeError::CommentLevel)),
        ("", "x", Err(TreeError::CommentLevel)),
        ("protocols", "a */ b", Err(TreeError::CommentText)),
        ("system", "x", Err(TreeError::Absent { path: words("system") })),
    ] {
        assert_eq!(tree.set_comment(&words(line), text), expect, "{line}");
    }
    assert_eq!(tree.comment(&words("protocols bgp 64512 neighbor 192.0.2.1")), Some("node 1"));
    assert_eq!(tree.set_comment(&words("protocols"), ""), Ok(()));
    assert_eq!(tree.comment(&words("protocols")), None);
}

proptest! {
    #[test]
    fn every_leaf_of_a_tree_is_there_and_can_be_deleted(tree in any_tree()) {
        let mut rest = tree.clone();
        for leaf in tree.leaves() {
            prop_assert!(tree.contains(&leaf));
            prop_assert_eq!(rest.set(&leaf), Ok(SetOutcome::AlreadyThere));
            prop_assert_eq!(rest.delete(&leaf), DeleteOutcome::Deleted);
            prop_assert!(!rest.contains(&leaf));
        }
    }
}
