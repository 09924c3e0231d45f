//! What an unknown word was probably meant to be.
//!
//! Only suggests: a word that is wrong stays wrong.

/// `did you mean 'neighbor'?`, or the words that are possible.
pub(crate) fn hint<'a>(word: &str, possible: impl Iterator<Item = &'a str>) -> String {
    let possible: Vec<&str> = possible.collect();
    let allowed = if word.chars().count() > 4 { 2 } else { 1 };
    let near = |name: &&str| word.len() < 64 && distance(word, name) <= allowed;
    if let Some(name) = possible.iter().copied().filter(near).min_by_key(|name| distance(word, name)) {
        return format!("did you mean '{name}'?");
    }
    if possible.is_empty() {
        "nothing can follow here".to_owned()
    } else {
        format!("possible: {}", possible.join(", "))
    }
}

/// How many letters have to be changed, added or removed (Levenshtein).
fn distance(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().collect();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (line, a) in left.chars().enumerate() {
        let mut corner = line;
        let mut before = line.saturating_add(1);
        let mut next = vec![before];
        for (b, above) in right.iter().zip(row.iter().skip(1)) {
            let changed = corner.saturating_add(usize::from(a != *b));
            before = changed.min(above.saturating_add(1)).min(before.saturating_add(1));
            corner = *above;
            next.push(before);
        }
        row = next;
    }
    row.last().copied().unwrap_or(0)
}
