//! The canonical configuration: what is set, in natural order, with the comments that people wrote.
//!
//! A tree holds only what the schema knows, in canonical spelling, so who reads it need not check again.
//! It never holds a default, and never an abbreviation.

mod instance;
mod node;

use grammar::parse::Word;
use grammar::resolve::{self, ResolveError};
use grammar::schema::{self, Shape};

pub(crate) use node::{Content, Node};

/// A whole configuration. Clones share what they do not change.
#[derive(Clone, Debug, PartialEq)]
pub struct Tree {
    root: Node,
}

impl Eq for Tree {}

/// What `set` found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SetOutcome {
    /// The path was not there before.
    Added,
    /// A single leaf had another value.
    Replaced,
    /// Nothing changed.
    AlreadyThere,
}

/// What `delete` found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeleteOutcome {
    /// The path was there and is gone.
    Deleted,
    /// There was no such path.
    NothingToDelete,
}

/// Why a path or a comment cannot stand in a tree.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TreeError {
    /// The schema does not know the path, or the value is not of the leaf's kind.
    #[error(transparent)]
    Refused(#[from] ResolveError),
    /// The node may stand once only, and does already with another value.
    #[error(
        "Cannot set value \"{wanted}\": number of values exceeded (1 allowed)\n\
         Delete '{} {present}' first; both can go into one commit", .path.join(" ")
    )]
    TooMany {
        /// The words up to the node.
        path: Vec<String>,
        /// The value that is there.
        present: String,
        /// The value that was to be added.
        wanted: String,
    },
    /// There is nothing at the path.
    #[error("Configuration path: [{}] does not exist", .path.join(" "))]
    Absent {
        /// The words.
        path: Vec<String>,
    },
    /// There is something at the path already.
    #[error("Configuration path: [{}] already exists", .path.join(" "))]
    Present {
        /// The words.
        path: Vec<String>,
    },
    /// A comment was to stand on a value.
    #[error("Cannot comment on config values")]
    CommentOnValue,
    /// A comment was to stand on the top or on a tag node.
    #[error("Cannot add comment at this level")]
    CommentLevel,
    /// A comment would end the comment in the file.
    #[error("Cannot use the '*' character in a comment")]
    CommentText,
}

impl TreeError {
    /// The message on one line, for lists of problems.
    #[must_use]
    pub fn brief(&self) -> String {
        match self {
            Self::Refused(reason) => reason.brief(),
            other => other.to_string().replace('\n', "; "),
        }
    }
}

impl Default for Tree {
    fn default() -> Self {
        Self { root: Node::at(&schema::ROOT) }
    }
}

impl Tree {
    /// Adds a path of whole words, a leaf's value last, with all parents that are missing.
    ///
    /// A single leaf is replaced, a repeatable one gets the value besides the others. Values are put into
    /// their canonical spelling.
    ///
    /// # Errors
    /// When the schema does not know the path or the value, or the node may stand once only. The tree is
    /// then as it was.
    pub fn set(&mut self, path: &[String]) -> Result<SetOutcome, TreeError> {
        let words = resolve::exact(&schema::ROOT, &[], &words(path))?.words;
        self.refuse_second_of_one(&words)?;
        let mut node = &mut self.root;
        let mut outcome = SetOutcome::AlreadyThere;
        for word in &words {
            let (place, is_tag) = (node.schema, node.is_tag());
            if node.branch().is_none() {
                return Ok(node.set_value(word));
            }
            let Content::Branch(branch) = &mut node.content else { return Ok(outcome) };
            let Some(below) = (if is_tag { Some(place) } else { place.child(word) }) else { return Ok(outcome) };
            let make = || if is_tag { Node::instance(below) } else { Node::at(below) };
            let Some((child, made)) = branch.child_or_insert(word, make) else { return Ok(outcome) };
            if made {
                outcome = SetOutcome::Added;
            }
            node = child;
        }
        Ok(outcome)
    }

    fn refuse_second_of_one(&self, path: &[String]) -> Result<(), TreeError> {
        let mut node = &self.root;
        for (at, wanted) in path.iter().enumerate() {
            let present = node.branch().and_then(|branch| branch.iter().next());
            if let Some((present, _)) =
                present.filter(|(word, _)| node.is_tag() && node.schema.single && word != wanted)
            {
                let (path, present) = (path.iter().take(at).cloned().collect(), present.to_owned());
                return Err(TreeError::TooMany { path, present, wanted: wanted.clone() });
            }
            let Some(child) = node.child(wanted) else { break };
            node = child;
        }
        Ok(())
    }

    /// Removes a subtree, an instance, a leaf with its values, or one value.
    ///
    /// A leaf without values and a tag node without instances go too, and so do the inner nodes above that
    /// are left empty, mean nothing by themselves and carry no comment.
    pub fn delete(&mut self, path: &[String]) -> DeleteOutcome {
        if path.is_empty() {
            let was_empty = self.is_empty();
            *self = Self::default();
            return if was_empty { DeleteOutcome::NothingToDelete } else { DeleteOutcome::Deleted };
        }
        let Some(path) = self.spelled(path) else { return DeleteOutcome::NothingToDelete };
        self.root.remove(&path);
        DeleteOutcome::Deleted
    }

    /// Whether the path is there, with or without a leaf's value.
    #[must_use]
    pub fn contains(&self, path: &[String]) -> bool {
        self.spelled(path).is_some()
    }

    /// The value of a leaf; the first one of a repeatable leaf.
    #[must_use]
    pub fn value(&self, path: &[String]) -> Option<&str> {
        self.node(path)?.values().first().map(AsRef::as_ref)
    }

    /// The values of a leaf, in natural order.
    #[must_use]
    pub fn values(&self, path: &[String]) -> Vec<&str> {
        self.node(path).map(|node| node.values().iter().map(AsRef::as_ref).collect()).unwrap_or_default()
    }

    /// The words below a path: words of the schema, names of instances, or a leaf's values.
    #[must_use]
    pub fn children(&self, path: &[String]) -> Vec<&str> {
        match self.node(path).map(|node| &node.content) {
            Some(Content::Branch(branch)) => branch.iter().map(|(word, _)| word).collect(),
            Some(Content::Values(values)) => values.iter().map(AsRef::as_ref).collect(),
            None => Vec::new(),
        }
    }

    /// Whether nothing is set.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.root.is_empty()
    }

    /// Attaches a comment to a node that is there; an empty text removes it.
    ///
    /// # Errors
    /// When there is no such node, when the path names a value, a tag node or the top, or when the text
    /// holds a `*`, which could end the comment in the file.
    pub fn set_comment(&mut self, path: &[String], text: &str) -> Result<(), TreeError> {
        if text.contains('*') {
            return Err(TreeError::CommentText);
        }
        let absent = || TreeError::Absent { path: path.to_vec() };
        let path = self.spelled(path).ok_or_else(absent)?;
        let mut node = &mut self.root;
        for word in &path {
            let Content::Branch(branch) = &mut node.content else { return Err(TreeError::CommentOnValue) };
            node = branch.child_mut(word).ok_or_else(absent)?;
        }
        if path.is_empty() || node.is_tag() {
            return Err(TreeError::CommentLevel);
        }
        let text = text.trim();
        node.comment = (!text.is_empty()).then(|| text.into());
        Ok(())
    }

    /// The comment of a node.
    #[must_use]
    pub fn comment(&self, path: &[String]) -> Option<&str> {
        self.node(path)?.comment.as_deref()
    }

    /// Every path that needs a `set` line of its own: values, flags, and nodes with nothing below.
    #[must_use]
    pub fn leaves(&self) -> Vec<Vec<String>> {
        let mut leaves = Vec::new();
        if !self.is_empty() {
            self.root.collect_leaves(&mut Vec::new(), &mut leaves);
        }
        leaves
    }

    /// The value of a leaf that takes one only.
    pub(crate) fn single_value(&self, path: &[String]) -> Option<&str> {
        let node = self.node(path).filter(|node| matches!(node.schema.shape, Shape::Leaf(_)))?;
        node.values().first().map(AsRef::as_ref)
    }

    pub(crate) fn root(&self) -> &Node {
        &self.root
    }

    /// The node at a path; none for a value.
    pub(crate) fn node(&self, path: &[String]) -> Option<&Node> {
        path.iter().try_fold(&self.root, |node, word| node.child(word))
    }

    /// The path as the tree spells it, when it is there: a person may have typed a value differently.
    fn spelled(&self, path: &[String]) -> Option<Vec<String>> {
        if self.holds(path) {
            return Some(path.to_vec());
        }
        let canonical = resolve::partial(&schema::ROOT, &[], &words(path)).ok()?.words;
        self.holds(&canonical).then_some(canonical)
    }

    fn holds(&self, path: &[String]) -> bool {
        self.node(path).is_some()
            || path.split_last().is_some_and(|(value, leaf)| {
                self.node(leaf).is_some_and(|node| node.values().iter().any(|other| **other == **value))
            })
    }
}

fn words(path: &[String]) -> Vec<Word> {
    path.iter().map(|word| Word::new(word.as_str())).collect()
}

#[cfg(test)]
mod tests;
