//! Taking back one change out of several: what it did is undone, what others did since then stays.
//!
//! Never undoes what is not there any more, and never asks whether the outcome is valid.

use crate::diff::{Change, Diff};
use crate::edit::{Edit, carry_over};
use crate::tree::{Content, Node, Tree};

/// What becomes of what others have put below an instance that the change had made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Below {
    /// It stays, and the instance with it.
    Stays,
    /// It goes with the instance: half a neighbor would be something that nobody wrote.
    Goes,
}

/// `current` without what led from `before` to `after`. A value that somebody has set again since stays theirs.
#[must_use]
pub fn take_back(before: &Tree, after: &Tree, current: &Tree, below: Below) -> Tree {
    if current == after {
        return before.clone();
    }
    let mut deletions = Deletions { below, edits: Vec::new(), made: Vec::new() };
    let mut settings = Vec::new();
    let mut comments = Vec::new();
    for change in Diff::between(after, before).changes {
        match change {
            Change::Removed { path } => match after.node(&path) {
                Some(node) => deletions.of(node, &mut path.clone()),
                // One value of a leaf.
                None => deletions.edits.push(Edit::Delete(path)),
            },
            Change::Replaced { path, old, new } => {
                if current.single_value(&path) == Some(old.as_str()) {
                    settings.push(Edit::Set([path, vec![new]].concat()));
                }
            }
            Change::Added { path } => {
                let taken = path.split_last().is_some_and(|(_, leaf)| current.single_value(leaf).is_some());
                settings.extend((!taken).then_some(Edit::Set(path)));
            }
            Change::Commented { path, text } => {
                if current.comment(&path) == after.comment(&path) {
                    comments.push(Edit::Comment(path, text));
                }
            }
        }
    }
    // Deletions first, since a node that may stand once only has to go before another comes. What cannot stand
    // beside what others have made since is left out: theirs came later.
    let (mut tree, _) = carry_over(&deletions.edits, current);
    for path in deletions.made.iter().rev() {
        if tree.node(path).is_some_and(Node::is_empty) {
            tree.delete(path);
        }
    }
    carry_over(&[settings, comments].concat(), &tree).0
}

/// The deletions that take away what the change had made.
struct Deletions {
    below: Below,
    edits: Vec<Edit>,
    /// Instances that the change had made, each before those below it; they go when nothing is left in them.
    made: Vec<Vec<String>>,
}

impl Deletions {
    fn of(&mut self, node: &Node, path: &mut Vec<String>) {
        let stands_alone = node.is_instance || node.schema.presence;
        match &node.content {
            Content::Branch(branch) if !branch.is_empty() && (self.below == Below::Stays || !stands_alone) => {
                if stands_alone {
                    self.made.push(path.clone());
                }
                for (word, node) in branch.iter() {
                    path.push(word.to_owned());
                    self.of(node, path);
                    path.pop();
                }
            }
            Content::Values(values) if !values.is_empty() => {
                let leaves = values.iter().map(|value| [path.as_slice(), &[value.to_string()]].concat());
                self.edits.extend(leaves.map(Edit::Delete));
            }
            Content::Branch(branch) if branch.is_empty() && self.below == Below::Stays => self.made.push(path.clone()),
            Content::Branch(_) | Content::Values(_) => self.edits.push(Edit::Delete(path.clone())),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may fail loudly")]
    use proptest::prelude::*;

    use super::*;
    use crate::edit::{apply, rebase};
    use crate::fixtures::{any_tree, tree, without_comments};
    use crate::print;

    const BASE: &str = "set system host-name r1
        set interfaces ethernet eth0 address 192.0.2.254/24
        set protocols bgp 64512 neighbor 192.0.2.1 remote-as 64512";

    fn with(base: &Tree, lines: &str) -> Tree {
        let edits: Vec<Edit> = lines
            .lines()
            .map(|line| {
                let path = line.split_whitespace().skip(1).map(str::to_owned).collect();
                if line.trim_start().starts_with("set") { Edit::Set(path) } else { Edit::Delete(path) }
            })
            .collect();
        apply(&edits, base).unwrap()
    }

    #[test]
    fn what_was_changed_goes_back_and_what_others_did_stays() {
        for (change, others, expected) in [
            // Nobody else did anything.
            ("set system host-name r2", "", ""),
            // Elsewhere.
            ("set system host-name r2", "set system time-zone UTC", "set system time-zone UTC"),
            ("delete system host-name", "set system time-zone UTC", "set system time-zone UTC"),
            (
                "set interfaces ethernet eth0 address 192.0.2.253/24",
                "set interfaces ethernet eth0 address 192.0.2.252/24",
                "set interfaces ethernet eth0 address 192.0.2.252/24",
            ),
            // The same leaf, set again or taken away.
            ("set system host-name r2", "set system host-name r3", "set system host-name r3"),
            ("set system time-zone UTC", "set system time-zone Europe/Berlin", "set system time-zone Europe/Berlin"),
            ("delete system host-name", "set system host-name r3", "set system host-name r3"),
            ("set system host-name r2", "delete system host-name", "delete system host-name"),
            // Below what was made, and below what was taken away.
            (
                "set protocols bgp 64512 neighbor 192.0.2.2 remote-as 64512",
                "set protocols bgp 64512 neighbor 192.0.2.2 description web",
                "set protocols bgp 64512 neighbor 192.0.2.2 description web",
            ),
            (
                "set protocols bgp 64512 neighbor 192.0.2.2 remote-as 64512",
                "delete protocols bgp 64512 neighbor 192.0.2.2 remote-as",
                "",
            ),
            (
                "delete protocols bgp 64512 neighbor 192.0.2.1",
                "set protocols bgp 64512 neighbor 192.0.2.3 remote-as 65001",
                "set protocols bgp 64512 neighbor 192.0.2.3 remote-as 65001",
            ),
            // Beside what was made, below the same new words.
            (
                "set system config-management commit-revisions 5\nset protocols static route 192.0.2.0/24 blackhole",
                "set protocols static route 198.51.100.0/24 blackhole",
                "set protocols static route 198.51.100.0/24 blackhole",
            ),
            // Another AS.
            (
                "delete protocols bgp 64512\nset protocols bgp 65000 neighbor 192.0.2.1 remote-as 65000",
                "set system time-zone UTC",
                "set system time-zone UTC",
            ),
        ] {
            let before = tree(BASE);
            let after = with(&before, change);
            let current = with(&after, others);
            let taken_back = print::file(&take_back(&before, &after, &current, Below::Stays));
            assert_eq!(taken_back, print::file(&with(&before, expected)), "{change} / {others}");
        }
    }

    #[test]
    fn what_others_put_below_an_instance_may_go_with_it() {
        let before = tree(BASE);
        let after = with(&before, "set protocols bgp 64512 neighbor 192.0.2.2 remote-as 64512");
        let others = "set protocols bgp 64512 neighbor 192.0.2.2 description web\nset system time-zone UTC";
        let taken_back = take_back(&before, &after, &with(&after, others), Below::Goes);
        assert_eq!(print::file(&taken_back), print::file(&with(&before, "set system time-zone UTC")));
    }

    fn below() -> impl Strategy<Value = Below> {
        prop::sample::select(vec![Below::Stays, Below::Goes])
    }

    proptest! {
        #[test]
        fn alone_it_goes_back_to_the_beginning(before in any_tree(), after in any_tree(), below in below()) {
            prop_assert_eq!(print::file(&take_back(&before, &after, &after, below)), print::file(&before));
        }

        #[test]
        fn what_is_taken_back_already_changes_nothing_more(
            before in any_tree(), after in any_tree(), below in below()
        ) {
            let (before, after) = (without_comments(&before), without_comments(&after));
            prop_assert_eq!(print::file(&take_back(&before, &after, &before, below)), print::file(&before));
        }

        /// Edits of others that can be carried over to the beginning would have led to the same.
        #[test]
        fn it_is_as_if_only_the_others_had_committed(
            before in any_tree(), after in any_tree(), others in any_tree()
        ) {
            let before = without_comments(&before);
            let after = without_comments(&after);
            let edits: Vec<Edit> = without_comments(&others).leaves().into_iter().map(Edit::Set).collect();
            // Only where the others neither touch what was changed nor lean on it.
            let (Ok(current), Ok(wish)) = (rebase(&edits, &before, &after), rebase(&edits, &after, &before)) else {
                return Ok(());
            };
            let made = Diff::between(&before, &after).changes;
            let leans = edits.iter().map(Edit::path).any(|path| {
                made.iter().any(|change| path.starts_with(change.path()) || change.path().starts_with(path))
            });
            if !leans {
                prop_assert_eq!(print::file(&take_back(&before, &after, &current, Below::Stays)), print::file(&wish));
            }
        }
    }
}
