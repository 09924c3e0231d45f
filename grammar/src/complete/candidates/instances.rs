//! `copy` and `rename`: an instance that stands, the word `to`, and a new one beside it.

use super::{BLANK, Completion, End, Name, Names, Node, Offer, PathCursor, Tail, Walk, Word};

/// What could stand at the cursor behind `copy` or `rename`.
pub(super) fn complete(
    root: &'static Node,
    base: &[String],
    words: &[Word],
    partial: &Word,
    offer: Offer,
    names: &dyn Names,
) -> Completion {
    match words.iter().position(|word| !word.quoted && word.text == "to") {
        Some(at) => {
            let (from, to) = words.split_at_checked(at).unwrap_or((words, &[]));
            new(root, base, from, to.get(1..).unwrap_or_default(), offer, names)
        }
        None => standing(root, base, words, partial, offer, names),
    }
}

fn standing(
    root: &'static Node,
    base: &[String],
    words: &[Word],
    partial: &Word,
    mut offer: Offer,
    names: &dyn Names,
) -> Completion {
    let at_instance = walked(root, base, words).is_some_and(|walk| walk.end == End::Instance);
    if at_instance && !words.is_empty() {
        offer.word("to", "What it becomes", BLANK);
    }
    PathCursor { root, base, verb: "copy", tail: Tail::Existing, words, names }.complete(offer, partial)
}

/// The new name: of the same tag, and none that stands already.
fn new(
    root: &'static Node,
    base: &[String],
    from: &[Word],
    to: &[Word],
    mut offer: Offer,
    names: &dyn Names,
) -> Completion {
    let Some(walk) = walked(root, base, from).filter(|walk| walk.end == End::Instance) else {
        return Completion::default();
    };
    match to {
        [] => offer.word(walk.node.name, walk.node.help, walk.node.sign()),
        [tag] if walk.node.name.starts_with(&tag.text) => {
            if let Some(kind) = walk.node.kind() {
                offer.value(kind, walk.node.help);
                let standing = walk.words.split_last().map(|(_, tag)| names.children(tag)).unwrap_or_default();
                if let Some(wanted) = kind.names() {
                    let live = names.names(wanted, &offer.partial, &walk.words);
                    let free: Vec<Name> = live.into_iter().filter(|name| !standing.contains(&name.text)).collect();
                    offer.names(free.into_iter());
                }
            }
        }
        [_, _] => {}
        _ => return Completion::default(),
    }
    let complete = to.len() == 2;
    offer.finish(complete)
}

fn walked(root: &'static Node, base: &[String], words: &[Word]) -> Option<Walk> {
    let mut walk = Walk::at(root, base).ok()?;
    words.iter().try_for_each(|word| walk.typed(word)).ok()?;
    Some(walk)
}
