//! Two trees, laid side by side, as lines with markers; a tree beside itself is how it is simply printed.
//!
//! Never writes a line end or an indentation: a line knows its depth.

use grammar::order::natural;
use grammar::quote;
use grammar::schema::Shape;

use super::{MASK, Style};
use crate::tree::{Content, Node, Tree};

/// What happened to a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Marker {
    Same,
    Added,
    Removed,
    Changed,
}

impl Marker {
    pub(super) fn sign(self) -> char {
        match self {
            Self::Same => ' ',
            Self::Added => '+',
            Self::Removed => '-',
            Self::Changed => '>',
        }
    }

    pub(super) fn of<T>(before: Option<&T>, after: Option<&T>) -> Self
    where
        T: ?Sized,
    {
        match (before, after) {
            (None, Some(_)) => Self::Added,
            (Some(_), None) => Self::Removed,
            _ => Self::Same,
        }
    }
}

/// One line.
pub(super) struct Line {
    pub(super) marker: Marker,
    pub(super) depth: usize,
    pub(super) text: String,
}

/// The lines so far.
pub(super) struct Lines {
    style: Style,
    pub(super) lines: Vec<Line>,
}

impl Lines {
    pub(super) fn new(style: Style) -> Self {
        Self { style, lines: Vec::new() }
    }

    /// What is below a path; a leaf or a tag node is shown with its own word.
    pub(super) fn below(&mut self, before: &Tree, after: &Tree, path: &[String]) {
        let (before, after) = (before.node(path), after.node(path));
        let Some(shown) = after.or(before) else { return };
        if shown.branch().is_some() && !shown.is_tag() {
            self.children(before, after, 0);
        } else {
            self.entry(shown.schema.name, before, after, 0);
        }
    }

    /// A word with all that is below it.
    pub(super) fn entry(&mut self, word: &str, before: Option<&Node>, after: Option<&Node>, depth: usize) {
        let Some(shown) = after.or(before) else { return };
        if shown.is_tag() {
            for (name, before, after) in pairs(before, after) {
                self.block(&format!("{word} {}", quote(name)), before, after, depth);
            }
            return;
        }
        match shown.content {
            Content::Branch(_) => self.block(word, before, after, depth),
            Content::Values(_) => {
                self.comment(before, after, depth);
                self.leaf(word, before, after, depth);
            }
        }
    }

    /// `title { … }`
    pub(super) fn block(&mut self, title: &str, before: Option<&Node>, after: Option<&Node>, depth: usize) {
        self.comment(before, after, depth);
        let marker = Marker::of(before, after);
        self.push(marker, depth, format!("{title} {{"));
        self.children(before, after, depth.saturating_add(1));
        self.push(marker, depth, "}".to_owned());
    }

    fn children(&mut self, before: Option<&Node>, after: Option<&Node>, depth: usize) {
        let mut defaults = self.defaults(before, after).into_iter().peekable();
        for (word, before, after) in pairs(before, after) {
            while let Some(line) = defaults.next_if(|(name, _)| natural(name, word).is_lt()) {
                self.push(Marker::Same, depth, format!("{} {}", line.0, quote(line.1)));
            }
            self.entry(word, before, after, depth);
        }
        for (name, value) in defaults {
            self.push(Marker::Same, depth, format!("{name} {}", quote(value)));
        }
    }

    /// Leaves that are not set and have a value all the same.
    fn defaults(&self, before: Option<&Node>, after: Option<&Node>) -> Vec<(&'static str, &'static str)> {
        let Some(node) = after.filter(|_| self.style.defaults) else { return Vec::new() };
        let unset = node.schema.children.iter().filter(|child| {
            !child.inherited
                && node.child(child.name).is_none()
                && before.and_then(|node| node.child(child.name)).is_none()
        });
        let mut defaults: Vec<_> = unset.filter_map(|child| Some((child.name, child.default?))).collect();
        defaults.sort_by(|left, right| natural(left.0, right.0));
        defaults
    }

    fn leaf(&mut self, word: &str, before: Option<&Node>, after: Option<&Node>, depth: usize) {
        let Some(shown) = after.or(before) else { return };
        let old = before.map(Node::values).unwrap_or_default();
        let new = after.map(Node::values).unwrap_or_default();
        match (shown.schema.shape, old, new) {
            (Shape::Flag, ..) => self.push(Marker::of(before, after), depth, word.to_owned()),
            (Shape::Leaf(_), [old], [new]) if old != new => self.value(Marker::Changed, depth, shown, new),
            _ => {
                let mut values: Vec<&str> = new.iter().chain(old).map(AsRef::as_ref).collect();
                values.sort_by(|left, right| natural(left, right));
                values.dedup();
                for value in values {
                    let in_old = old.iter().find(|other| ***other == *value);
                    let in_new = new.iter().find(|other| ***other == *value);
                    self.value(Marker::of(in_old, in_new), depth, shown, value);
                }
            }
        }
    }

    fn value(&mut self, marker: Marker, depth: usize, leaf: &Node, value: &str) {
        let value = if self.style.mask_secrets && leaf.schema.secret { MASK.to_owned() } else { quote(value) };
        self.push(marker, depth, format!("{} {value}", leaf.schema.name));
    }

    /// The comment above a node, with a marker of its own.
    pub(super) fn comment(&mut self, before: Option<&Node>, after: Option<&Node>, depth: usize) {
        let old = before.and_then(|node| node.comment.as_deref());
        let new = after.and_then(|node| node.comment.as_deref());
        let marker = match (old, new) {
            (Some(old), Some(new)) if old != new => Marker::Changed,
            _ => Marker::of(old, new),
        };
        if let Some(text) = new.or(old) {
            self.push(marker, depth, format!("/* {text} */"));
        }
    }

    fn push(&mut self, marker: Marker, depth: usize, text: String) {
        self.lines.push(Line { marker, depth, text });
    }
}

/// The words below two nodes together, each with its node on either side.
pub(super) fn pairs<'a>(
    before: Option<&'a Node>,
    after: Option<&'a Node>,
) -> Vec<(&'a str, Option<&'a Node>, Option<&'a Node>)> {
    match (before.and_then(Node::branch), after.and_then(Node::branch)) {
        (Some(before), Some(after)) => before.pairs(after),
        (Some(before), None) => before.iter().map(|(word, node)| (word, Some(node), None)).collect(),
        (None, Some(after)) => after.iter().map(|(word, node)| (word, None, Some(node))).collect(),
        (None, None) => Vec::new(),
    }
}
