//! The nodes of a tree: words in natural order, shared between clones.
//!
//! A node knows its place in the schema; it never checks a value.

use std::cmp::Ordering;
use std::sync::Arc;

use grammar::order::natural;
use grammar::schema::{self, Shape};

use super::SetOutcome;

/// A place in the configuration: an inner node, a tag node, an instance of one, or a leaf with its values.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    /// What the schema says of the place; an instance shares its tag's.
    pub(crate) schema: &'static schema::Node,
    /// What a person wrote above the node.
    pub(crate) comment: Option<Box<str>>,
    /// Whether the node is an instance of a tag node, not the tag node itself.
    pub(crate) is_instance: bool,
    /// What is below.
    pub(crate) content: Content,
}

/// What is below a node.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Content {
    /// The words below an inner node or an instance, or the instances of a tag node.
    Branch(Branch),
    /// The values of a leaf: one, several in natural order, or none for a flag.
    Values(Vec<Box<str>>),
}

/// Words in natural order, each with its node.
///
/// A sorted vector: printing, comparing and loading go through it from end to end, and files are mostly
/// written in order already.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Branch {
    entries: Vec<(Arc<str>, Arc<Node>)>,
}

impl PartialEq for Node {
    /// The schema's place follows from the words above, so it is not compared.
    fn eq(&self, other: &Self) -> bool {
        std::ptr::eq(self, other) || (self.comment == other.comment && self.content == other.content)
    }
}

impl Node {
    /// An empty node at a word of the schema.
    pub(crate) fn at(schema: &'static schema::Node) -> Self {
        let content = match schema.shape {
            Shape::Inner | Shape::Tag(_) => Content::Branch(Branch::default()),
            Shape::Leaf(_) | Shape::Multi(_) | Shape::Flag => Content::Values(Vec::new()),
        };
        Self { schema, comment: None, is_instance: false, content }
    }

    /// An empty instance of a tag node.
    pub(crate) fn instance(schema: &'static schema::Node) -> Self {
        Self { schema, comment: None, is_instance: true, content: Content::Branch(Branch::default()) }
    }

    /// The words below; none for a leaf.
    pub(crate) fn branch(&self) -> Option<&Branch> {
        match &self.content {
            Content::Branch(branch) => Some(branch),
            Content::Values(_) => None,
        }
    }

    /// The values of a leaf; none for other nodes.
    pub(crate) fn values(&self) -> &[Box<str>] {
        match &self.content {
            Content::Branch(_) => &[],
            Content::Values(values) => values,
        }
    }

    /// Whether nothing is below.
    pub(crate) fn is_empty(&self) -> bool {
        match &self.content {
            Content::Branch(branch) => branch.is_empty(),
            Content::Values(values) => values.is_empty(),
        }
    }

    /// The node below a word.
    pub(crate) fn child(&self, word: &str) -> Option<&Self> {
        self.branch().and_then(|branch| branch.child(word))
    }

    /// Whether the node is one of several that stand below the same word: a tag node, not its instance.
    pub(crate) fn is_tag(&self) -> bool {
        matches!(self.schema.shape, Shape::Tag(_)) && !self.is_instance
    }

    /// Gives this leaf a value.
    pub(super) fn set_value(&mut self, value: &str) -> SetOutcome {
        let Content::Values(values) = &mut self.content else { return SetOutcome::AlreadyThere };
        if values.iter().any(|other| **other == *value) {
            return SetOutcome::AlreadyThere;
        }
        if matches!(self.schema.shape, Shape::Multi(_)) {
            let at = values.binary_search_by(|other| natural(other, value)).unwrap_or_else(|at| at);
            values.insert(at, value.into());
            return SetOutcome::Added;
        }
        let replaced = !values.is_empty();
        *values = vec![value.into()];
        if replaced { SetOutcome::Replaced } else { SetOutcome::Added }
    }

    /// Removes what the words name, and what is left empty by that on the way up.
    pub(super) fn remove(&mut self, path: &[String]) {
        let Some((word, rest)) = path.split_first() else { return };
        match &mut self.content {
            Content::Values(values) => values.retain(|value| **value != **word),
            Content::Branch(branch) => {
                let spent = rest.is_empty()
                    || branch.child_mut(word).is_some_and(|child| {
                        child.remove(rest);
                        child.is_spent()
                    });
                if spent {
                    branch.remove(word);
                }
            }
        }
    }

    /// Whether the node, just emptied, says nothing any more.
    fn is_spent(&self) -> bool {
        if !self.is_empty() || self.is_instance {
            return false;
        }
        match self.schema.shape {
            Shape::Tag(_) | Shape::Leaf(_) | Shape::Multi(_) => true,
            Shape::Inner => self.comment.is_none() && !self.schema.presence,
            Shape::Flag => false,
        }
    }

    /// Adds the paths of all values, flags and empty nodes.
    pub(super) fn collect_leaves(&self, path: &mut Vec<String>, leaves: &mut Vec<Vec<String>>) {
        match &self.content {
            Content::Branch(branch) if !branch.is_empty() => {
                for (word, node) in branch.iter() {
                    path.push(word.to_owned());
                    node.collect_leaves(path, leaves);
                    path.pop();
                }
            }
            Content::Values(values) if !values.is_empty() => {
                leaves.extend(values.iter().map(|value| {
                    let mut leaf = path.clone();
                    leaf.push(value.to_string());
                    leaf
                }));
            }
            Content::Branch(_) | Content::Values(_) => leaves.push(path.clone()),
        }
    }
}

/// So few words are found faster by looking at each, without the natural order.
const FEW: usize = 24;

impl Branch {
    /// The words with their nodes, in natural order.
    pub(crate) fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &Node)> {
        self.entries.iter().map(|(word, node)| (word.as_ref(), node.as_ref()))
    }

    /// Whether there is no word.
    pub(crate) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The node below a word.
    pub(crate) fn child(&self, word: &str) -> Option<&Node> {
        if self.entries.len() <= FEW {
            return self.entries.iter().find(|(other, _)| **other == *word).map(|(_, node)| node.as_ref());
        }
        let at = self.position(word).ok()?;
        self.entries.get(at).map(|(_, node)| node.as_ref())
    }

    /// The node below a word, made our own for a change.
    pub(crate) fn child_mut(&mut self, word: &str) -> Option<&mut Node> {
        let at = self.position(word).ok()?;
        self.entries.get_mut(at).map(|(_, node)| Arc::make_mut(node))
    }

    /// The node below a word, made if it is missing; the flag tells whether it was.
    pub(crate) fn child_or_insert(&mut self, word: &str, make: impl FnOnce() -> Node) -> Option<(&mut Node, bool)> {
        let (at, made) = match self.position(word) {
            Ok(at) => (at, false),
            Err(at) => {
                self.entries.insert(at, (Arc::from(word), Arc::new(make())));
                (at, true)
            }
        };
        self.entries.get_mut(at).map(|(_, node)| (Arc::make_mut(node), made))
    }

    /// Takes a word out; tells whether it was there.
    pub(crate) fn remove(&mut self, word: &str) -> bool {
        match self.position(word) {
            Ok(at) => {
                self.entries.remove(at);
                true
            }
            Err(_) => false,
        }
    }

    /// Where the word is, or where it belongs. Files come in order, so the end is tried first.
    fn position(&self, word: &str) -> Result<usize, usize> {
        match self.entries.last() {
            Some((last, _)) if natural(last, word).is_lt() => Err(self.entries.len()),
            _ => self.entries.binary_search_by(|(other, _)| natural(other, word)),
        }
    }

    /// The words of two branches together, in natural order, each with its node on either side.
    pub(crate) fn pairs<'a>(&'a self, other: &'a Self) -> Vec<Pair<'a>> {
        let mut pairs = Vec::with_capacity(self.entries.len().max(other.entries.len()));
        let (mut left, mut right) = (self.iter().peekable(), other.iter().peekable());
        loop {
            let order = match (left.peek(), right.peek()) {
                (Some((a, _)), Some((b, _))) => natural(a, b),
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (None, None) => return pairs,
            };
            let before = if order.is_le() { left.next() } else { None };
            let after = if order.is_ge() { right.next() } else { None };
            if let Some((word, _)) = before.or(after) {
                pairs.push((word, before.map(|(_, node)| node), after.map(|(_, node)| node)));
            }
        }
    }
}

/// A word with its node on the left and on the right; at least one is there.
pub(crate) type Pair<'a> = (&'a str, Option<&'a Node>, Option<&'a Node>);
