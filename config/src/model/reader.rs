//! Reading a tree into types: each question names a word of the schema, each bad answer becomes an error at a path.
//!
//! A reader notes what it is asked for, so that a test can tell which words nobody reads. It never stops at
//! an error: what is bad is as if it were not there.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::fmt::Display;
use std::str::FromStr;

use grammar::schema;

use crate::check::ConfigError;
use crate::tree::{Node, Tree};

/// What all readers of one tree write to.
#[derive(Default)]
pub(super) struct Findings {
    errors: RefCell<Vec<ConfigError>>,
    /// The words that were asked for, without the names of instances; only noted for the test.
    asked: Option<RefCell<BTreeSet<String>>>,
}

impl Findings {
    #[cfg(test)]
    pub(super) fn noting() -> Self {
        Self { errors: RefCell::default(), asked: Some(RefCell::default()) }
    }

    #[cfg(test)]
    pub(super) fn asked(&self) -> BTreeSet<String> {
        self.asked.as_ref().map(|asked| asked.borrow().clone()).unwrap_or_default()
    }

    pub(super) fn into_errors(self) -> Vec<ConfigError> {
        self.errors.into_inner()
    }
}

/// A place in the tree, there or not.
#[derive(Clone, Copy)]
pub(super) struct Reader<'a> {
    findings: &'a Findings,
    above: Option<&'a Reader<'a>>,
    word: &'a str,
    name: Option<&'a str>,
    node: Option<&'a Node>,
    schema: Option<&'static schema::Node>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(tree: &'a Tree, findings: &'a Findings) -> Self {
        let node = Some(tree.root());
        Self { findings, above: None, word: "", name: None, node, schema: Some(&schema::ROOT) }
    }

    /// The place below a fixed word.
    pub(super) fn at(&'a self, word: &'static str) -> Self {
        Self {
            findings: self.findings,
            above: Some(self),
            word,
            name: None,
            node: self.node.and_then(|node| node.child(word)),
            schema: self.schema.and_then(|place| place.child(word)),
        }
    }

    /// Whether an inner node that means something by itself is there.
    pub(super) fn is_set(&self, word: &'static str) -> bool {
        let place = self.at(word);
        place.note();
        place.node.is_some()
    }

    /// The instances of a tag node, each with its name understood.
    pub(super) fn instances<T>(&'a self, word: &'static str) -> Vec<(T, Self)>
    where
        T: FromStr<Err: Display>,
    {
        let tag = self.at(word);
        tag.note();
        let branch = tag.node.and_then(Node::branch);
        let instances = branch.into_iter().flat_map(|branch| branch.iter());
        instances
            .filter_map(|(name, node)| {
                let place = Self { name: Some(name), node: Some(node), ..tag };
                Some((place.understood(name)?, place))
            })
            .collect()
    }

    /// The value of a leaf, if it is set.
    pub(super) fn leaf<T>(&self, word: &'static str) -> Option<T>
    where
        T: FromStr<Err: Display>,
    {
        let place = self.at(word);
        place.note();
        place.understood(place.node?.values().first()?)
    }

    /// The value of a leaf, or the schema's default.
    pub(super) fn leaf_or_default<T>(&self, word: &'static str) -> T
    where
        T: FromStr<Err: Display> + Default,
    {
        self.leaf(word).unwrap_or_else(|| self.default_of(word))
    }

    /// The schema's default of a leaf.
    pub(super) fn default_of<T>(&self, word: &'static str) -> T
    where
        T: FromStr<Err: Display> + Default,
    {
        let place = self.at(word);
        let default = place.schema.and_then(|schema| schema.default);
        if default.is_none() {
            place.error("has no default in the schema; report this as a defect".to_owned());
        }
        default.and_then(|text| place.understood(text)).unwrap_or_default()
    }

    /// The values of a repeatable leaf.
    pub(super) fn values<T>(&self, word: &'static str) -> Vec<T>
    where
        T: FromStr<Err: Display>,
    {
        let place = self.at(word);
        place.note();
        let values = place.node.map(Node::values).unwrap_or_default();
        values.iter().filter_map(|value| place.understood(value)).collect()
    }

    /// Whether a flag is set.
    pub(super) fn flag(&self, word: &'static str) -> bool {
        self.is_set(word)
    }

    /// Lists an error at this place.
    pub(super) fn error(&self, message: String) {
        self.findings.errors.borrow_mut().push(ConfigError { path: self.path(), message });
    }

    fn understood<T>(&self, text: &str) -> Option<T>
    where
        T: FromStr<Err: Display>,
    {
        let read = text.parse();
        if let Err(reason) = &read {
            self.error(format!("\"{text}\" is not understood: {reason}; set another value"));
        }
        read.ok()
    }

    fn path(&self) -> Vec<String> {
        let mut path = self.above.map(Self::path).unwrap_or_default();
        path.extend((!self.word.is_empty()).then(|| self.word.to_owned()));
        path.extend(self.name.map(str::to_owned));
        path
    }

    fn note(&self) {
        if let Some(asked) = &self.findings.asked {
            asked.borrow_mut().insert(self.words());
        }
    }

    fn words(&self) -> String {
        match self.above {
            Some(above) if !above.word.is_empty() => format!("{} {}", above.words(), self.word),
            _ => self.word.to_owned(),
        }
    }
}
