//! Differences between two trees, as sorted data.
//!
//! `apply(between(a, b), a) == b`; what is the same in both is never touched.

use grammar::schema::Shape;

use crate::edit::{Edit, EditError, apply};
use crate::tree::{Content, Node, Tree};

/// What leads from one tree to another.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Diff {
    /// In the order in which the trees stand.
    pub changes: Vec<Change>,
}

/// One difference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// A node or a value is gone, with all that was below.
    Removed {
        /// The words down to it.
        path: Vec<String>,
    },
    /// A `set` line that is new.
    Added {
        /// The words, a leaf's value last.
        path: Vec<String>,
    },
    /// A single leaf has another value.
    Replaced {
        /// The words down to the leaf, without its value.
        path: Vec<String>,
        /// The value that was there.
        old: String,
        /// The value that is there now.
        new: String,
    },
    /// A node has another comment.
    Commented {
        /// The words down to the node.
        path: Vec<String>,
        /// The comment, empty for none.
        text: String,
    },
}

impl Change {
    /// The words of the node that changed; the value is among them where one value of a leaf came or went.
    #[must_use]
    pub fn path(&self) -> &[String] {
        match self {
            Self::Removed { path }
            | Self::Added { path }
            | Self::Replaced { path, .. }
            | Self::Commented { path, .. } => path,
        }
    }
}

impl Diff {
    /// What leads from `old` to `new`, in one pass over both.
    #[must_use]
    pub fn between(old: &Tree, new: &Tree) -> Self {
        let mut walk = Walk { path: Vec::new(), changes: Vec::new() };
        walk.both(old.root(), new.root());
        Self { changes: walk.changes }
    }

    /// Whether there is no difference.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }

    /// As edits that a person could have typed: deletions first, since a node that may stand once only has to
    /// go before another comes, then what is set, then comments.
    #[must_use]
    pub fn to_edits(&self) -> Vec<Edit> {
        let deletions = self.changes.iter().filter_map(|change| match change {
            Change::Removed { path } => Some(Edit::Delete(path.clone())),
            _ => None,
        });
        let settings = self.changes.iter().filter_map(|change| match change {
            Change::Added { path } => Some(Edit::Set(path.clone())),
            Change::Replaced { path, new, .. } => {
                Some(Edit::Set(path.iter().chain(std::iter::once(new)).cloned().collect()))
            }
            _ => None,
        });
        let comments = self.changes.iter().filter_map(|change| match change {
            Change::Commented { path, text } => Some(Edit::Comment(path.clone(), text.clone())),
            _ => None,
        });
        deletions.chain(settings).chain(comments).collect()
    }

    /// `old` with the changes made.
    ///
    /// # Errors
    /// When the difference is not one from `old`, so that a change cannot be made.
    pub fn apply(&self, old: &Tree) -> Result<Tree, EditError> {
        apply(&self.to_edits(), old)
    }
}

/// A pass over two trees at once.
struct Walk {
    path: Vec<String>,
    changes: Vec<Change>,
}

impl Walk {
    fn both(&mut self, old: &Node, new: &Node) {
        if std::ptr::eq(old, new) {
            return;
        }
        match (&old.content, &new.content) {
            (Content::Branch(before), Content::Branch(after)) => {
                let goes_when_emptied = !new.is_instance && !new.schema.presence && !self.path.is_empty();
                if after.is_empty() && !before.is_empty() && goes_when_emptied {
                    // Deleting what was below takes the node along; it has to be there still.
                    self.added();
                }
                for (word, before, after) in before.pairs(after) {
                    self.path.push(word.to_owned());
                    match (before, after) {
                        (Some(before), Some(after)) => self.both(before, after),
                        (Some(_), None) => self.changes.push(Change::Removed { path: self.path.clone() }),
                        (None, Some(after)) => self.only_new(after),
                        (None, None) => {}
                    }
                    self.path.pop();
                }
            }
            (Content::Values(before), Content::Values(after)) => {
                self.values(before, after, matches!(new.schema.shape, Shape::Leaf(_)));
            }
            (Content::Branch(_), Content::Values(_)) | (Content::Values(_), Content::Branch(_)) => {}
        }
        self.comment(old, new);
    }

    fn values(&mut self, before: &[Box<str>], after: &[Box<str>], is_single: bool) {
        if let ([old], [new]) = (before, after)
            && is_single
            && old != new
        {
            let (old, new) = (old.to_string(), new.to_string());
            self.changes.push(Change::Replaced { path: self.path.clone(), old, new });
            return;
        }
        for value in before.iter().filter(|value| !after.contains(value)) {
            let path = self.with(value);
            self.changes.push(Change::Removed { path });
        }
        for value in after.iter().filter(|value| !before.contains(value)) {
            let path = self.with(value);
            self.changes.push(Change::Added { path });
        }
    }

    fn comment(&mut self, old: &Node, new: &Node) {
        // A repeatable leaf that keeps none of its values goes with its comment before it comes back.
        let comes_back = matches!(new.schema.shape, Shape::Multi(_))
            && old.values().iter().all(|value| !new.values().contains(value));
        if old.comment != new.comment || (new.comment.is_some() && comes_back) {
            let text = new.comment.as_deref().unwrap_or_default().to_owned();
            self.changes.push(Change::Commented { path: self.path.clone(), text });
        }
    }

    fn only_new(&mut self, node: &Node) {
        match &node.content {
            Content::Branch(branch) if !branch.is_empty() => {
                for (word, node) in branch.iter() {
                    self.path.push(word.to_owned());
                    self.only_new(node);
                    self.path.pop();
                }
            }
            Content::Values(values) if !values.is_empty() => {
                for value in values {
                    let path = self.with(value);
                    self.changes.push(Change::Added { path });
                }
            }
            Content::Branch(_) | Content::Values(_) => self.added(),
        }
        if let Some(text) = node.comment.as_deref() {
            self.changes.push(Change::Commented { path: self.path.clone(), text: text.to_owned() });
        }
    }

    fn added(&mut self) {
        self.changes.push(Change::Added { path: self.path.clone() });
    }

    fn with(&self, value: &str) -> Vec<String> {
        let mut path = self.path.clone();
        path.push(value.to_owned());
        path
    }
}

#[cfg(test)]
mod tests;
