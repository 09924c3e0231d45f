//! Copying and renaming an instance of a tag node, with all that is below it.
//!
//! Never judges whether the copy makes sense beside the original: that is the commit's.

use super::{Content, Node, Tree, TreeError};

impl Tree {
    /// Puts a copy of the instance `name` of a tag node beside it; both names are canonical.
    ///
    /// # Errors
    /// When there is no such instance, when the new name stands already, or when only one instance may stand. The
    /// tree is then as it was.
    pub fn copy(&mut self, tag: &[String], name: &str, new: &str) -> Result<(), TreeError> {
        let copy = self.movable(tag, name, new)?;
        if copy.schema.single {
            let (path, present) = (tag.to_vec(), name.to_owned());
            return Err(TreeError::TooMany { path, present, wanted: new.to_owned() });
        }
        self.insert_instance(tag, new, copy);
        Ok(())
    }

    /// Gives the instance `name` of a tag node another name; both names are canonical.
    ///
    /// # Errors
    /// When there is no such instance, or when the new name stands already. The tree is then as it was.
    pub fn rename(&mut self, tag: &[String], name: &str, new: &str) -> Result<(), TreeError> {
        let renamed = self.movable(tag, name, new)?;
        self.insert_instance(tag, new, renamed);
        let Some(Content::Branch(branch)) = self.node_mut(tag).map(|node| &mut node.content) else { return Ok(()) };
        branch.remove(name);
        Ok(())
    }

    /// The instance, if the new name is free.
    fn movable(&self, tag: &[String], name: &str, new: &str) -> Result<Node, TreeError> {
        let path = |name: &str| tag.iter().cloned().chain([name.to_owned()]).collect();
        let instances = self.node(tag).filter(|node| node.is_tag());
        let Some(found) = instances.and_then(|node| node.child(name)) else {
            return Err(TreeError::Absent { path: path(name) });
        };
        if instances.is_some_and(|node| node.child(new).is_some()) {
            return Err(TreeError::Present { path: path(new) });
        }
        Ok(found.clone())
    }

    fn insert_instance(&mut self, tag: &[String], name: &str, instance: Node) {
        if let Some(Content::Branch(branch)) = self.node_mut(tag).map(|node| &mut node.content) {
            let _ = branch.child_or_insert(name, || instance);
        }
    }

    fn node_mut(&mut self, path: &[String]) -> Option<&mut Node> {
        path.iter().try_fold(&mut self.root, |node, word| match &mut node.content {
            Content::Branch(branch) => branch.child_mut(word),
            Content::Values(_) => None,
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may fail loudly")]

    use proptest::prelude::*;

    use super::*;
    use crate::diff::Diff;
    use crate::tree::DeleteOutcome;

    fn words(text: &str) -> Vec<String> {
        text.split_whitespace().map(str::to_owned).collect()
    }

    const TAG: &str = "protocols bgp 64512 neighbor";

    fn tree() -> Tree {
        let mut tree = Tree::load(
            "set protocols bgp 64512 neighbor 192.0.2.1 remote-as 64512\n\
             set protocols bgp 64512 neighbor 192.0.2.1 description 'node 1'\n\
             set protocols bgp 64512 neighbor 192.0.2.2 remote-as 64513\n",
        )
        .tree;
        tree.set_comment(&words("protocols bgp 64512 neighbor 192.0.2.1"), "the first").unwrap();
        tree
    }

    #[test]
    fn a_copy_stands_beside_the_original_with_its_comment() {
        let mut copied = tree();
        copied.copy(&words(TAG), "192.0.2.1", "192.0.2.9").unwrap();
        assert_eq!(copied.children(&words(TAG)), ["192.0.2.1", "192.0.2.2", "192.0.2.9"]);
        assert_eq!(copied.comment(&words("protocols bgp 64512 neighbor 192.0.2.9")), Some("the first"));
        assert_eq!(copied.value(&words("protocols bgp 64512 neighbor 192.0.2.9 description")), Some("node 1"));
    }

    #[test]
    fn what_is_not_there_or_taken_or_single_is_refused_and_nothing_changes() {
        for (tag, name, new, words_of) in [
            (TAG, "192.0.2.7", "192.0.2.9", "does not exist"),
            (TAG, "192.0.2.1", "192.0.2.2", "already exists"),
            ("protocols bgp", "64512", "64513", "number of values exceeded"),
            ("system", "host-name", "x", "does not exist"),
        ] {
            let mut same = tree();
            let error = same.copy(&words(tag), name, new).unwrap_err();
            assert!(error.to_string().contains(words_of), "{tag} {name}: {error}");
            assert_eq!(same, tree());
        }
        let mut renumbered = tree();
        renumbered.rename(&words("protocols bgp"), "64512", "64513").unwrap();
        assert_eq!(renumbered.children(&words("protocols bgp")), ["64513"]);
    }

    proptest! {
        #[test]
        fn a_copy_that_is_deleted_and_a_renaming_there_and_back_leave_no_trace(last in 3_u8..250) {
            let new = format!("192.0.2.{last}");
            let mut copied = tree();
            copied.copy(&words(TAG), "192.0.2.1", &new).unwrap();
            let diff = Diff::between(&tree(), &copied);
            prop_assert_eq!(diff.apply(&tree()).unwrap(), copied.clone());
            prop_assert_eq!(copied.delete(&words(&format!("{TAG} {new}"))), DeleteOutcome::Deleted);
            prop_assert_eq!(copied, tree());

            let mut renamed = tree();
            renamed.rename(&words(TAG), "192.0.2.1", &new).unwrap();
            let mut other_way = tree();
            other_way.copy(&words(TAG), "192.0.2.1", &new).unwrap();
            other_way.delete(&words(&format!("{TAG} 192.0.2.1")));
            prop_assert_eq!(&renamed, &other_way, "a renaming is a copy without the original");
            renamed.rename(&words(TAG), &new, "192.0.2.1").unwrap();
            prop_assert_eq!(renamed, tree());
        }
    }
}
