//! From words that a person typed to canonical ones: prefixes completed, values checked and respelled.
//!
//! An exact word wins over longer ones that begin with it; otherwise a prefix has to be unique.
//! What a path does to the configuration is not decided here.

mod error;
mod nearest;
mod strangers;
#[cfg(test)]
mod tests;

pub use error::{Place, ResolveError};
pub(crate) use nearest::hint;

use crate::parse::Word;
use crate::schema::{Node, Shape};

/// A path of which every word is understood.
#[derive(Clone, Debug)]
pub struct Resolved {
    /// The canonical words from the root, a leaf's value last.
    pub words: Vec<String>,
    /// The node that the path ends at.
    pub node: &'static Node,
    /// How the path ends.
    pub end: End,
    /// The last word, if it is the value of a leaf or the instance of a tag.
    pub value: Option<String>,
}

/// How a path ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// At the top: it has no words.
    Root,
    /// At a node that holds further words.
    Inner,
    /// At a tag without an instance: `neighbor`.
    Tag,
    /// At an instance of a tag: `neighbor 192.0.2.1`.
    Instance,
    /// At a leaf without its value: `remote-as`.
    Leaf,
    /// At a value of a leaf: `remote-as 64512`.
    Value,
    /// At a leaf that takes no value: `shutdown`.
    Flag,
}

/// Resolves a path that can be `set`: complete with its value.
///
/// # Errors
/// When a word is unknown or ambiguous, a value is wrong or missing.
pub fn path(root: &'static Node, base: &[String], words: &[Word]) -> Result<Resolved, ResolveError> {
    settable(walk(root, base, words, Matching::Prefix)?)
}

/// As [`path`], but every word has to be written in full, as a file does.
///
/// # Errors
/// As [`path`].
pub fn exact(root: &'static Node, base: &[String], words: &[Word]) -> Result<Resolved, ResolveError> {
    settable(walk(root, base, words, Matching::Exact)?)
}

/// Resolves a path that can be deleted, shown or compared: a leaf may stand without its value, a tag without its instance.
///
/// # Errors
/// When a word is unknown or ambiguous, or a value is wrong.
pub fn partial(root: &'static Node, base: &[String], words: &[Word]) -> Result<Resolved, ResolveError> {
    Ok(walk(root, base, words, Matching::Prefix)?.done())
}

/// Resolves a path that can be the level of `edit`: an inner node or the instance of a tag.
///
/// # Errors
/// As [`path`], and when the path ends at a leaf.
pub fn level(root: &'static Node, base: &[String], words: &[Word]) -> Result<Resolved, ResolveError> {
    let resolved = walk(root, base, words, Matching::Prefix)?.done();
    match resolved.end {
        End::Leaf | End::Value | End::Flag => Err(ResolveError::NotALevel),
        End::Root | End::Inner | End::Instance => Ok(resolved),
        End::Tag => Err(value_required(&resolved)),
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Matching {
    Prefix,
    Exact,
}

/// A walk down the tree, word by word.
pub(crate) struct Walk {
    pub(crate) words: Vec<String>,
    pub(crate) node: &'static Node,
    pub(crate) end: End,
}

impl Walk {
    /// At the level of `edit` that canonical words name.
    pub(crate) fn at(root: &'static Node, base: &[String]) -> Result<Self, ResolveError> {
        let mut walk = Self { words: Vec::new(), node: root, end: End::Root };
        for word in base {
            walk.step(&Word::new(word.as_str()), Matching::Exact)?;
        }
        Ok(walk)
    }

    /// One word further, which may be abbreviated.
    pub(crate) fn typed(&mut self, word: &Word) -> Result<(), ResolveError> {
        self.step(word, Matching::Prefix)
    }

    fn step(&mut self, word: &Word, matching: Matching) -> Result<(), ResolveError> {
        if let (End::Tag | End::Leaf, Some(kind)) = (self.end, self.node.kind()) {
            let value = kind.parse(&word.text).map_err(ResolveError::BadValue)?;
            self.words.push(value);
            self.end = if self.end == End::Tag { End::Instance } else { End::Value };
            return Ok(());
        }
        let node = self.child(word, matching)?;
        self.words.push(node.name.to_owned());
        self.node = node;
        self.end = match node.shape {
            Shape::Inner => End::Inner,
            Shape::Tag(_) => End::Tag,
            Shape::Leaf(_) | Shape::Multi(_) => End::Leaf,
            Shape::Flag => End::Flag,
        };
        Ok(())
    }

    fn child(&self, word: &Word, matching: Matching) -> Result<&'static Node, ResolveError> {
        if self.end != End::Value
            && let Some(node) = self.node.child(&word.text)
        {
            return Ok(node);
        }
        let starts = |node: &&'static Node| node.name.starts_with(&word.text);
        let usable = matching == Matching::Prefix && self.end != End::Value && !word.text.is_empty();
        let mut fitting: Vec<_> = self.node.children.iter().copied().filter(|node| usable && starts(node)).collect();
        if fitting.iter().any(|node| !node.yields) {
            fitting.retain(|node| !node.yields);
        }
        match fitting.as_slice() {
            [only] => Ok(only),
            [] => Err(self.not_valid(word)),
            several => Err(ResolveError::Ambiguous {
                place: Place::Configuration,
                path: self.words.clone(),
                bad: word.text.clone(),
                candidates: several.iter().map(|node| (node.name.to_owned(), node.help.to_owned())).collect(),
            }),
        }
    }

    fn not_valid(&self, word: &Word) -> ResolveError {
        let hint = match self.end {
            End::Value => "one value has been given already; quote a value that holds blanks: 'two words'".to_owned(),
            End::Flag => format!("'{}' takes no value", self.node.name),
            _ => match strangers::reason(&self.words, &word.text) {
                Some(reason) => reason.to_owned(),
                None => hint(&word.text, self.node.children.iter().map(|node| node.name)),
            },
        };
        let mut path = self.words.clone();
        if let (true, Some(secret)) = (self.node.secret && self.end == End::Value, path.last_mut()) {
            "*".repeat(16).clone_into(secret);
        }
        ResolveError::NotValid { place: Place::Configuration, path, bad: word.text.clone(), hint }
    }

    fn done(self) -> Resolved {
        let value = matches!(self.end, End::Value | End::Instance).then(|| self.words.last().cloned()).flatten();
        Resolved { words: self.words, node: self.node, end: self.end, value }
    }
}

fn walk(root: &'static Node, base: &[String], words: &[Word], matching: Matching) -> Result<Walk, ResolveError> {
    let mut walk = Walk::at(root, base)?;
    for word in words {
        walk.step(word, matching)?;
    }
    Ok(walk)
}

fn settable(walk: Walk) -> Result<Resolved, ResolveError> {
    let resolved = walk.done();
    match resolved.end {
        End::Tag | End::Leaf => Err(value_required(&resolved)),
        End::Root => Err(ResolveError::Incomplete { path: Vec::new(), candidates: Vec::new() }),
        End::Inner | End::Instance | End::Value | End::Flag => Ok(resolved),
    }
}

fn value_required(resolved: &Resolved) -> ResolveError {
    ResolveError::ValueRequired {
        path: resolved.words.clone(),
        wanted: resolved.node.kind().map(|kind| kind.placeholder()).unwrap_or_default(),
        example: resolved.node.example.unwrap_or_default().to_owned(),
    }
}
