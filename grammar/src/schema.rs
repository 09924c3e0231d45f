//! The words of the configuration: one static tree, one file for each first word.
//!
//! Resolution, completion, help, printing of defaults, masking of secrets and the manual read this
//! tree, so a new word is written once. A node never knows what its value does to the router.

mod balancer;
mod bfd;
mod bgp;
mod interfaces;
mod key_chain;
mod policy;
mod rpki;
mod service;
mod static_routes;
mod system;
#[cfg(test)]
mod tests;

use crate::value::ValueKind;

/// The top of the configuration.
pub static ROOT: Node = inner(
    "",
    "The configuration",
    &[&balancer::BALANCER, &interfaces::INTERFACES, &policy::POLICY, &PROTOCOLS, &service::SERVICE, &system::SYSTEM],
);

static PROTOCOLS: Node = inner(
    "protocols",
    "Routing protocols",
    &[&bfd::BFD, &bgp::BGP, &key_chain::KEY_CHAIN, &rpki::RPKI, &static_routes::STATIC],
);

/// What may follow a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// Only further words.
    Inner,
    /// A value that names an instance, then further words; repeatable.
    Tag(ValueKind),
    /// One value.
    Leaf(ValueKind),
    /// Values, repeatable.
    Multi(ValueKind),
    /// Nothing: that it stands there is all it says.
    Flag,
}

/// A word of the configuration.
#[derive(Clone, Copy, Debug)]
pub struct Node {
    /// The word.
    pub name: &'static str,
    /// One line of help, at most 60 columns.
    pub help: &'static str,
    /// What may follow.
    pub shape: Shape,
    /// The words below, below each instance for a tag.
    pub children: &'static [&'static Node],
    /// What holds without the leaf.
    pub default: Option<&'static str>,
    /// The default holds only when a group or a wider setting says nothing, so it is not shown as the leaf's own.
    pub inherited: bool,
    /// A good value.
    pub example: Option<&'static str>,
    /// The value is masked in operational output.
    pub secret: bool,
    /// A tag of which only one instance may stand.
    pub single: bool,
    /// An inner node that says something even when nothing stands below it.
    pub presence: bool,
    /// An abbreviation that fits other words, too, is theirs: hands that know `shut` need not learn anew.
    pub yields: bool,
}

impl Node {
    /// The kind of its value, for tags and leaves.
    #[must_use]
    pub fn kind(&self) -> Option<ValueKind> {
        match self.shape {
            Shape::Tag(kind) | Shape::Leaf(kind) | Shape::Multi(kind) => Some(kind),
            Shape::Inner | Shape::Flag => None,
        }
    }

    /// Whether it is a leaf: with one value, several or none.
    #[must_use]
    pub fn is_leaf(&self) -> bool {
        matches!(self.shape, Shape::Leaf(_) | Shape::Multi(_) | Shape::Flag)
    }

    /// The child with exactly this name.
    #[must_use]
    pub fn child(&self, name: &str) -> Option<&'static Node> {
        self.children.iter().find(|child| child.name == name).copied()
    }

    /// The two characters that tell its shape in completions: `+>`, ` >`, `+ ` or blanks.
    #[must_use]
    pub fn sign(&self) -> &'static str {
        match self.shape {
            Shape::Tag(_) => "+>",
            Shape::Inner => " >",
            Shape::Multi(_) => "+ ",
            Shape::Leaf(_) | Shape::Flag => "  ",
        }
    }

    const fn default(mut self, value: &'static str) -> Self {
        self.default = Some(value);
        self
    }

    const fn inherited(mut self, value: &'static str) -> Self {
        self.default = Some(value);
        self.inherited = true;
        self
    }

    const fn secret(mut self) -> Self {
        self.secret = true;
        self
    }

    const fn single(mut self) -> Self {
        self.single = true;
        self
    }

    const fn yielding(mut self) -> Self {
        self.yields = true;
        self
    }

    const fn presence(mut self) -> Self {
        self.presence = true;
        self
    }
}

const fn node(name: &'static str, help: &'static str, shape: Shape, children: &'static [&'static Node]) -> Node {
    Node {
        name,
        help,
        shape,
        children,
        default: None,
        inherited: false,
        example: None,
        secret: false,
        single: false,
        presence: false,
        yields: false,
    }
}

const fn inner(name: &'static str, help: &'static str, children: &'static [&'static Node]) -> Node {
    node(name, help, Shape::Inner, children)
}

const fn flag(name: &'static str, help: &'static str) -> Node {
    node(name, help, Shape::Flag, &[])
}

const fn leaf(name: &'static str, help: &'static str, kind: ValueKind, example: &'static str) -> Node {
    let mut node = node(name, help, Shape::Leaf(kind), &[]);
    node.example = Some(example);
    node
}

const fn multi(name: &'static str, help: &'static str, kind: ValueKind, example: &'static str) -> Node {
    let mut node = node(name, help, Shape::Multi(kind), &[]);
    node.example = Some(example);
    node
}

const fn tag(
    name: &'static str,
    help: &'static str,
    kind: ValueKind,
    example: &'static str,
    children: &'static [&'static Node],
) -> Node {
    let mut node = node(name, help, Shape::Tag(kind), children);
    node.example = Some(example);
    node
}
