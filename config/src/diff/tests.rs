//! Differences: the laws, and what a change looks like.
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
fn a_change_of_each_kind_is_told_once() {
    let old = tree(
        "set system host-name r1
         set interfaces ethernet eth0 address 192.0.2.1/24
         set protocols bgp 64512 neighbor 192.0.2.9 remote-as 64512
         set protocols bgp 64512 neighbor 192.0.2.9 passive",
    );
    let mut new = tree(
        "set system host-name r2
         set interfaces ethernet eth0 address 192.0.2.2/24
         set protocols bgp 64512 neighbor 192.0.2.10 remote-as 64512",
    );
    new.set_comment(&words("system"), "us").unwrap();
    let expect = vec![
        Change::Removed { path: words("interfaces ethernet eth0 address 192.0.2.1/24") },
        Change::Added { path: words("interfaces ethernet eth0 address 192.0.2.2/24") },
        Change::Removed { path: words("protocols bgp 64512 neighbor 192.0.2.9") },
        Change::Added { path: words("protocols bgp 64512 neighbor 192.0.2.10 remote-as 64512") },
        Change::Replaced { path: words("system host-name"), old: "r1".to_owned(), new: "r2".to_owned() },
        Change::Commented { path: words("system"), text: "us".to_owned() },
    ];
    assert_eq!(Diff::between(&old, &new).changes, expect);
}

proptest! {
    #[test]
    fn applying_the_difference_leads_from_one_to_the_other(old in any_tree(), new in any_tree()) {
        let diff = Diff::between(&old, &new);
        prop_assert_eq!(diff.apply(&old).unwrap(), new.clone());
        prop_assert_eq!(diff.is_empty(), old == new);
    }

    #[test]
    fn a_tree_does_not_differ_from_itself(tree in any_tree()) {
        prop_assert!(Diff::between(&tree, &tree).is_empty());
        prop_assert!(Diff::between(&tree, &tree.clone()).is_empty());
    }
}
