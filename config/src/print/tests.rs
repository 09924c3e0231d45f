//! Printing: the laws of reading back, quoting, masking and defaults. Layouts are golden files.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test may fail loudly"
)]

use proptest::prelude::*;

use super::*;
use crate::fixtures::{any_tree, tree, without_comments, words};

#[test]
fn values_are_quoted_where_they_must_be() {
    let tree = tree(
        r#"set interfaces ethernet eth0 description 'to the "nodes"'
           set system host-name r1"#,
    );
    assert_eq!(
        braces(&tree, &[], Style::default()),
        "interfaces {\n    ethernet eth0 {\n        description \"to the \\\"nodes\\\"\"\n    }\n}\nsystem {\n    host-name r1\n}\n"
    );
    assert_eq!(
        commands(&tree, &[], Style::default()),
        "set interfaces ethernet eth0 description 'to the \"nodes\"'\nset system host-name 'r1'\n"
    );
    assert_eq!(commands(&tree, &words("system"), Style::default()), "set system host-name 'r1'\n");
}

#[test]
fn a_changed_secret_is_a_change_that_tells_none() {
    let tree = |key: &str| {
        let path = "protocols bgp 64512 neighbor 192.0.2.2 password".split(' ').map(str::to_owned);
        let mut tree = Tree::default();
        tree.set(&path.chain([key.to_owned()]).collect::<Vec<_>>()).unwrap();
        tree
    };
    let (old, new) = (tree("s3cret"), tree("an0ther"));
    let masked = Style { mask_secrets: true, defaults: false };
    let text =
        compare_in(&old, &new, Against::Active, masked) + &compare_commands_in(&old, &new, Against::Active, masked);
    assert!(text.contains(MASK) && !text.contains("s3cret") && !text.contains("an0ther"), "{text}");
    assert_eq!(text.matches(MASK).count(), 2, "{text}");
    assert!(compare(&old, &new, Against::Active).contains("an0ther"));
}

#[test]
fn secrets_are_masked_on_request_only() {
    let tree = tree("set protocols bgp 64512 neighbor 192.0.2.1 password s3cret");
    let masked = Style { mask_secrets: true, defaults: false };
    for text in [braces(&tree, &[], masked), commands(&tree, &[], masked)] {
        assert!(text.contains(MASK) && !text.contains("s3cret"), "{text}");
    }
    assert!(braces(&tree, &[], Style::default()).contains("password s3cret"));
}

#[test]
fn defaults_are_shown_on_request_in_their_place() {
    let tree =
        tree("set protocols bgp 64512 parameters router-id 192.0.2.1\nset protocols bgp 64512 maximum-paths ibgp 8");
    let text = marked(&tree, &tree, &words("protocols bgp 64512"), true);
    let expect = " maximum-paths {\n     ebgp 64\n     ibgp 8\n }\n parameters {\n     ebgp-requires-policy enable\n     router-id 192.0.2.1\n }\n";
    assert_eq!(text, expect);
}

#[test]
fn a_path_is_shown_without_what_is_above_it() {
    let tree = tree("set protocols bgp 64512 neighbor 192.0.2.1 remote-as 64512");
    for (path, expect) in [
        ("protocols bgp 64512 neighbor 192.0.2.1", " remote-as 64512\n"),
        ("protocols bgp 64512 neighbor 192.0.2.1 remote-as", " remote-as 64512\n"),
        ("protocols bgp 64512 neighbor", " neighbor 192.0.2.1 {\n     remote-as 64512\n }\n"),
        ("system", EMPTY),
    ] {
        assert_eq!(marked(&tree, &tree, &words(path), false), expect, "{path}");
    }
}

#[test]
fn that_nothing_differs_is_said_in_words() {
    let tree = Tree::default();
    for (against, expect) in [
        (Against::Active, "No changes between working and active configurations\n"),
        (Against::Saved, "No changes between working and saved configurations\n"),
        (Against::Revision(3), "No changes between working and revision 3 configurations\n"),
        (Against::Revisions(3, 4), "No changes between revisions 3 and 4\n"),
    ] {
        assert_eq!(compare(&tree, &tree, against), expect);
        assert_eq!(compare_commands(&tree, &tree, against), expect);
    }
}

#[test]
fn a_file_tells_the_version_that_is_read() {
    assert!(file(&Tree::default()).contains(&format!("towpath-config-version: \"{VERSION}\"")));
}

proptest! {
    #[test]
    fn a_printed_file_reads_back(tree in any_tree()) {
        let parsed = Tree::load(&file(&tree));
        prop_assert_eq!(&parsed.problems, &Vec::new());
        prop_assert_eq!(parsed.tree, tree);
    }

    #[test]
    fn the_set_lines_of_a_tree_make_it_again(tree in any_tree()) {
        let tree = without_comments(&tree);
        let parsed = Tree::load(&commands(&tree, &[], Style::default()));
        prop_assert_eq!(&parsed.problems, &Vec::new());
        prop_assert_eq!(parsed.tree, tree);
    }

    #[test]
    fn a_comparison_is_empty_exactly_when_nothing_differs(old in any_tree(), new in any_tree()) {
        let is_silent = compare(&old, &new, Against::Active) == Against::Active.no_changes();
        prop_assert_eq!(is_silent, old == new);
    }

    #[test]
    fn a_part_is_written_the_same_whether_alone_or_beside_itself(tree in any_tree(), mask_secrets in any::<bool>()) {
        for leaf in tree.leaves() {
            for length in 0..=leaf.len() {
                let style = Style { mask_secrets, defaults: false };
                let mut lines = Lines::new(style);
                lines.below(&tree, &tree, &leaf[..length]);
                prop_assert_eq!(braces(&tree, &leaf[..length], style), laid_out(&lines.lines, |_| None));
            }
        }
    }

    #[test]
    fn a_shown_tree_without_its_markers_is_the_printed_one(tree in any_tree()) {
        let shown = marked(&tree, &tree, &[], false);
        if !tree.is_empty() {
            let bare: String = shown.lines().map(|line| format!("{}\n", &line[1..])).collect();
            prop_assert_eq!(bare, braces(&tree, &[], Style::default()));
        }
    }
}
