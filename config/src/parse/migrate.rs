//! Spellings of relatives, rewritten into ours before the words are looked up.
//!
//! Only where both mean the same; anything else is left as it is, so that it is listed as not understood.

use super::{Entry, Spoken};

/// Rewrites every entry.
pub(super) fn rewrite(entries: &mut [Entry]) {
    number_the_speaker(entries);
    for entry in entries {
        for (from, to) in ALIASES {
            if let Some(words) = renamed(&entry.words, from, to) {
                entry.words = words;
                break;
            }
        }
    }
}

/// Words before and after; `*` stands for any word, and the n-th `*` of one side is the n-th of the other.
const ALIASES: &[(&str, &str)] = &[
    // VyOS since 1.2 puts the settings of IPv4 below its family.
    ("protocols bgp * address-family ipv4-unicast", "protocols bgp *"),
    // EdgeOS names the group once more for IPv6.
    ("protocols bgp * neighbor * address-family ipv6-unicast peer-group", "protocols bgp * neighbor * peer-group"),
    ("protocols bgp * neighbor * address-family ipv4-unicast peer-group", "protocols bgp * neighbor * peer-group"),
    // EdgeOS keeps routes through an interface in a tree of their own.
    ("protocols static interface-route * next-hop-interface", "protocols static route * interface"),
    ("protocols static interface-route6 * next-hop-interface", "protocols static route6 * interface"),
];

/// The words with `from` at their head replaced by `to`.
fn renamed(words: &[Spoken], from: &str, to: &str) -> Option<Vec<Spoken>> {
    let mut kept = Vec::new();
    let mut rest = words.iter();
    let mut line = 0;
    for pattern in from.split(' ') {
        let word = rest.next()?;
        line = word.line;
        match pattern {
            "*" => kept.push(word.clone()),
            fixed if fixed == word.text => {}
            _ => return None,
        }
    }
    let mut kept = kept.into_iter();
    let mut renamed = Vec::with_capacity(words.len());
    for word in to.split(' ') {
        renamed.push(if word == "*" { kept.next()? } else { Spoken { text: word.to_owned(), line } });
    }
    renamed.extend(rest.cloned());
    Some(renamed)
}

/// VyOS since 1.4 has the AS number in a leaf, `protocols bgp system-as 64512`, and not in the path.
fn number_the_speaker(entries: &mut [Entry]) {
    let number = entries.iter().find_map(|entry| speaker_number(&entry.words).cloned());
    let Some(number) = number else { return };
    for entry in entries.iter_mut() {
        if speaker_number(&entry.words).is_some() {
            entry.words.truncate(2);
            entry.words.push(number.clone());
        } else if is_speaker(&entry.words) && entry.words.get(2).is_some_and(|word| word.text.parse::<u32>().is_err()) {
            let line = entry.words.get(2).map_or(number.line, |word| word.line);
            entry.words.insert(2, Spoken { line, ..number.clone() });
        }
    }
}

fn is_speaker(words: &[Spoken]) -> bool {
    matches!(words, [protocols, bgp, ..] if protocols.text == "protocols" && bgp.text == "bgp")
}

fn speaker_number(words: &[Spoken]) -> Option<&Spoken> {
    match words {
        [_, _, leaf, number] if is_speaker(words) && matches!(leaf.text.as_str(), "system-as" | "local-as") => {
            Some(number)
        }
        _ => None,
    }
}
