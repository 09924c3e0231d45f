//! Edits: what a person did to a configuration since a revision, as data.
//!
//! An edit names canonical words; it never reaches outside the tree that it is applied to.

use std::collections::BTreeSet;
use std::ops::Bound;

use nouns::Revision;
use serde::{Deserialize, Serialize};

use crate::diff::{Change, Diff};
use crate::tree::{Tree, TreeError};

/// One change that a person made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Edit {
    /// `set PATH [VALUE]`: canonical words, a leaf's value last.
    Set(Vec<String>),
    /// `delete PATH [VALUE]`
    Delete(Vec<String>),
    /// `comment PATH "text"`; an empty text removes it.
    Comment(Vec<String>, String),
}

/// What a session wants to become active: edits on top of a revision.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Candidate {
    /// The revision that the edits were made on.
    pub base: Revision,
    /// In the order in which they were typed.
    pub edits: Vec<Edit>,
}

/// Why an edit cannot be made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct EditError {
    /// Which of the edits, from 0.
    pub index: usize,
    /// The words of the edit.
    pub path: Vec<String>,
    /// What the tree said.
    pub reason: TreeError,
}

/// Why edits could not be carried over to another tree.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RebaseError {
    /// Somebody else changed the same paths; each is listed once.
    #[error(
        "somebody else changed the same paths meanwhile: {}; \
         look with 'compare' and set them again, or leave with 'exit discard'", listed(.0)
    )]
    Conflicts(Vec<Vec<String>>),
    /// An edit cannot be made on the current tree.
    #[error(transparent)]
    Edit(#[from] EditError),
}

fn listed(paths: &[Vec<String>]) -> String {
    paths.iter().map(|path| path.join(" ")).collect::<Vec<_>>().join(", ")
}

impl Edit {
    /// The words that the edit names.
    #[must_use]
    pub fn path(&self) -> &[String] {
        match self {
            Self::Set(path) | Self::Delete(path) | Self::Comment(path, _) => path,
        }
    }

    fn make(&self, tree: &mut Tree) -> Result<(), TreeError> {
        match self {
            Self::Set(path) => tree.set(path).map(|_| ()),
            Self::Delete(path) => {
                tree.delete(path);
                Ok(())
            }
            Self::Comment(path, text) => tree.set_comment(path, text),
        }
    }
}

impl Candidate {
    /// The tree that the edits make of `base`.
    ///
    /// # Errors
    /// The first edit that the schema or the tree refuses.
    pub fn apply(&self, base: &Tree) -> Result<Tree, EditError> {
        apply(&self.edits, base)
    }
}

/// The tree that the edits make of `base`.
///
/// # Errors
/// The first edit that the schema or the tree refuses.
pub fn apply(edits: &[Edit], base: &Tree) -> Result<Tree, EditError> {
    let mut tree = base.clone();
    for (index, edit) in edits.iter().enumerate() {
        edit.make(&mut tree).map_err(|reason| EditError { index, path: edit.path().to_vec(), reason })?;
    }
    Ok(tree)
}

/// The tree that those edits make of `current` which can be made there, and the paths of the others.
///
/// For somebody whose edits met those of another in the same places, and who looks at the outcome before
/// it is committed: their own word wins.
#[must_use]
pub fn carry_over(edits: &[Edit], current: &Tree) -> (Tree, Vec<Vec<String>>) {
    let mut tree = current.clone();
    let mut left_out = Vec::new();
    for edit in edits {
        if edit.make(&mut tree).is_err() {
            left_out.push(edit.path().to_vec());
        }
    }
    (tree, left_out)
}

/// The tree that edits made on `old_base` make of `current`.
///
/// Paths that nobody else touched, and paths where both wanted the same, are carried over.
///
/// # Errors
/// `Conflicts` lists the paths of the edits that somebody else changed between `old_base` and `current`.
pub fn rebase(edits: &[Edit], old_base: &Tree, current: &Tree) -> Result<Tree, RebaseError> {
    let touched = Touched::between(old_base, current);
    let mut conflicts: Vec<Vec<String>> = Vec::new();
    for edit in edits {
        if touched.forbids(edit, current) && !conflicts.iter().any(|path| path == edit.path()) {
            conflicts.push(edit.path().to_vec());
        }
    }
    if !conflicts.is_empty() {
        return Err(RebaseError::Conflicts(conflicts));
    }
    apply(edits, current).map_err(|error| match error.reason {
        TreeError::TooMany { .. } | TreeError::Absent { .. } => RebaseError::Conflicts(vec![error.path]),
        _ => RebaseError::Edit(error),
    })
}

/// What somebody else changed.
struct Touched {
    removed: BTreeSet<Vec<String>>,
    /// Every changed path; a replaced leaf stands without its value.
    all: BTreeSet<Vec<String>>,
}

impl Touched {
    fn between(old: &Tree, new: &Tree) -> Self {
        let changes = Diff::between(old, new).changes;
        let removed = changes.iter().filter(|change| matches!(change, Change::Removed { .. }));
        Self {
            removed: removed.map(|change| change.path().to_vec()).collect(),
            all: changes.iter().map(|change| change.path().to_vec()).collect(),
        }
    }

    fn forbids(&self, edit: &Edit, current: &Tree) -> bool {
        match edit {
            Edit::Set(path) => !current.contains(path) && (above(&self.removed, path) || self.same_leaf(path, current)),
            Edit::Delete(path) => current.contains(path) && (above(&self.all, path) || below(&self.all, path)),
            Edit::Comment(path, text) => {
                current.comment(path).unwrap_or_default() != text
                    && (above(&self.removed, path) || self.all.contains(path))
            }
        }
    }

    /// Whether the single leaf of the path got or lost a value: then both cannot have their will.
    fn same_leaf(&self, path: &[String], current: &Tree) -> bool {
        let Some((_, leaf)) = path.split_last() else { return false };
        current
            .single_value(leaf)
            .is_some_and(|value| self.all.contains(leaf) || self.all.contains(&[leaf, &[value.to_owned()]].concat()))
    }
}

/// Whether the path or one that leads to it is in the set.
fn above(set: &BTreeSet<Vec<String>>, path: &[String]) -> bool {
    (1..=path.len()).any(|length| path.get(..length).is_some_and(|head| set.contains(head)))
}

/// Whether the path or one behind it is in the set.
fn below(set: &BTreeSet<Vec<String>>, path: &[String]) -> bool {
    let from: (Bound<&[String]>, Bound<&[String]>) = (Bound::Included(path), Bound::Unbounded);
    set.range::<[String], _>(from).next().is_some_and(|other| other.starts_with(path))
}

#[cfg(test)]
mod tests;
