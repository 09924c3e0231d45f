//! What differs between two trees, each place with its context line.
//!
//! Never shows a line that is the same in both.

use super::lines::{Lines, Marker, pairs};
use super::{Style, with_markers};
use crate::tree::{Node, Tree};

/// The comparison; empty when nothing differs.
pub(super) fn text(old: &Tree, new: &Tree, style: Style) -> String {
    let mut text = String::new();
    at(old.root(), new.root(), style, &mut Vec::new(), &mut text);
    text
}

/// The changes directly below an inner node or an instance, then those further down.
fn at<'a>(old: &'a Node, new: &'a Node, style: Style, path: &mut Vec<&'a str>, text: &mut String) {
    if std::ptr::eq(old, new) {
        return;
    }
    let mut here = Lines::new(style);
    here.comment(Some(old), Some(new), 0);
    let mut deeper = Vec::new();
    for (word, before, after) in pairs(Some(old), Some(new)) {
        match (before, after) {
            (Some(before), Some(after)) if after.is_tag() => {
                for (name, before, after) in pairs(Some(before), Some(after)) {
                    match (before, after) {
                        (Some(before), Some(after)) => deeper.push((word, Some(name), before, after)),
                        _ => here.block(&format!("{word} {}", grammar::quote(name)), before, after, 0),
                    }
                }
            }
            (Some(before), Some(after)) if after.branch().is_some() => deeper.push((word, None, before, after)),
            _ => here.entry(word, before, after, 0),
        }
    }
    here.lines.retain(|line| line.marker != Marker::Same);
    if !here.lines.is_empty() {
        let words: Vec<String> = path.iter().map(|word| format!(" {}", grammar::quote(word))).collect();
        text.push_str(&format!("[edit{}]\n", words.concat()));
        text.push_str(&with_markers(&here.lines));
    }
    for (word, name, before, after) in deeper {
        let depth = path.len();
        path.push(word);
        path.extend(name);
        at(before, after, style, path, text);
        path.truncate(depth);
    }
}
