//! A configuration as JSON: words are keys, leaves are strings, repeatable leaves are arrays, flags are empty objects.
//!
//! The form that VyOS prints, so that scripts made for it go on working.

use config::Tree;
use config::print::MASK;
use grammar::parse::Word;
use grammar::resolve;
use grammar::schema::{Node, ROOT, Shape};
use serde_json::{Map, Value};

/// What stands below a canonical path, indented, with a newline at the end.
pub(super) fn of(tree: &Tree, path: &[String], mask: bool) -> Option<String> {
    let words: Vec<Word> = path.iter().map(Word::new).collect();
    let place = resolve::partial(&ROOT, &[], &words).ok()?;
    let is_tag = place.end == resolve::End::Tag;
    let value = node(tree, &mut path.to_vec(), place.node, is_tag, mask);
    serde_json::to_string_pretty(&value).ok().map(|text| text + "\n")
}

fn node(tree: &Tree, path: &mut Vec<String>, place: &'static Node, at_tag: bool, mask: bool) -> Value {
    let text = |value: &str| Value::String(if mask && place.secret { MASK.to_owned() } else { value.to_owned() });
    match place.shape {
        Shape::Leaf(_) => tree.value(path).map_or(Value::Null, text),
        Shape::Multi(_) => Value::Array(tree.values(path).into_iter().map(text).collect()),
        Shape::Flag | Shape::Inner | Shape::Tag(_) => {
            let words: Vec<String> = tree.children(path).into_iter().map(str::to_owned).collect();
            let mut object = Map::new();
            for word in words {
                path.push(word.clone());
                let below = if at_tag { Some((place, false)) } else { child(place, &word) };
                if let Some((place, at_tag)) = below {
                    object.insert(word, node(tree, path, place, at_tag, mask));
                }
                path.pop();
            }
            Value::Object(object)
        }
    }
}

/// The child, and whether its instances stand directly below it.
fn child(place: &'static Node, word: &str) -> Option<(&'static Node, bool)> {
    place.child(word).map(|child| (child, matches!(child.shape, Shape::Tag(_))))
}
