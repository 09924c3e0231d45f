//! One tree as it stands, without markers and defaults: what files, revisions and the socket get.
//!
//! The same layout as that of two trees side by side, in one pass and without a line of its own for each line.

use grammar::quote;
use grammar::schema::Shape;

use super::MASK;
use crate::tree::{Content, Node};

/// Writes nodes to a text.
pub(super) struct Plain {
    pub(super) mask_secrets: bool,
    pub(super) text: String,
}

impl Plain {
    /// What is below a node; a leaf or a tag node is written with its own word.
    pub(super) fn below(&mut self, node: &Node) {
        if node.branch().is_some() && !node.is_tag() {
            self.children(node, 0);
        } else {
            self.entry(node.schema.name, node, 0);
        }
    }

    fn children(&mut self, node: &Node, depth: usize) {
        for (word, child) in node.branch().into_iter().flat_map(|branch| branch.iter()) {
            self.entry(word, child, depth);
        }
    }

    fn entry(&mut self, word: &str, node: &Node, depth: usize) {
        match &node.content {
            Content::Branch(branch) if node.is_tag() => {
                for (name, instance) in branch.iter() {
                    self.block(word, Some(name), instance, depth);
                }
            }
            Content::Branch(_) => self.block(word, None, node, depth),
            Content::Values(values) => {
                self.comment(node, depth);
                if node.schema.shape == Shape::Flag {
                    self.line(depth, &[word]);
                }
                for value in values {
                    self.value(node, value, depth);
                }
            }
        }
    }

    fn block(&mut self, word: &str, name: Option<&str>, node: &Node, depth: usize) {
        self.comment(node, depth);
        match name {
            Some(name) => self.line(depth, &[word, " ", &quote(name), " {"]),
            None => self.line(depth, &[word, " {"]),
        }
        self.children(node, depth.saturating_add(1));
        self.line(depth, &["}"]);
    }

    fn value(&mut self, leaf: &Node, value: &str, depth: usize) {
        let secret = self.mask_secrets && leaf.schema.secret;
        let value = if secret { MASK.to_owned() } else { quote(value) };
        self.line(depth, &[leaf.schema.name, " ", &value]);
    }

    fn comment(&mut self, node: &Node, depth: usize) {
        if let Some(comment) = node.comment.as_deref() {
            self.line(depth, &["/* ", comment, " */"]);
        }
    }

    fn line(&mut self, depth: usize, parts: &[&str]) {
        for _ in 0..depth {
            self.text.push_str("    ");
        }
        for part in parts {
            self.text.push_str(part);
        }
        self.text.push('\n');
    }
}
