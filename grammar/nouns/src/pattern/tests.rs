//! Patterns against texts, and against a slow matcher that follows the definition.
#![allow(clippy::unwrap_used, reason = "a test may fail loudly")]

use proptest::prelude::*;

use super::{Pattern, PatternError};

fn pattern(text: &str) -> Pattern {
    text.parse().unwrap()
}

#[test]
fn as_paths_are_found_as_quagga_finds_them() {
    for (regex, fitting, others) in [
        ("^$", &[""][..], &["1", "64512"][..]),
        (".*", &["", "1 2 3"], &[]),
        ("_65000_", &["65000", "1 65000", "65000 2", "1 65000 2", "{65000,7}", "(65000) 1"], &["165000", "650001", ""]),
        ("^65000_", &["65000", "65000 1"], &["650001", "1 65000"]),
        ("_65000$", &["65000", "1 65000"], &["65000 1", "165000"]),
        ("^65000$", &["65000"], &["65000 65000"]),
        ("^65000(_65000)*$", &["65000", "65000 65000 65000"], &["65000 1"]),
        ("^[0-9]+$", &["7", "64512"], &["", "1 2"]),
        ("^[0-9]+ [0-9]+$", &["1 2"], &["1", "1 2 3"]),
        ("^(1|2_)?3$", &["13", "2 3", "3"], &["4 3"]),
        ("_6451[2-9]_|_645[2-4][0-9]_", &["64512", "1 64533"], &["64511", "64550"]),
        ("^1 [^2]*$", &["1 3", "1 "], &["1 2", "2"]),
        ("(_1){3}", &["1 1 1"], &["1 1"]),
        ("^1{2,3}$", &["11", "111"], &["1", "1111"]),
        ("{1,2}", &["{1,2}", "3 {1,2}"], &["12"]),
        ("a\\.b", &["a.b"], &["acb"]),
        ("[]x]", &["]", "x"], &["y"]),
        ("1$|^2", &["1", "2", "2 3", "3 1"], &["1 3"]),
    ] {
        let compiled = pattern(regex);
        for text in fitting {
            assert!(compiled.is_match(text), "{regex} against {text:?}");
        }
        for text in others {
            assert!(!compiled.is_match(text), "{regex} against {text:?}");
        }
    }
}

#[test]
fn what_is_no_pattern_is_refused_with_the_reason() {
    for (text, reason) in [
        ("", "it is empty"),
        ("(1", "'(' without ')'"),
        ("1)", "')' without '('"),
        ("[1", "'[' without ']'"),
        ("*1", "nothing stands before '*'"),
        ("1\\", "nothing stands behind '\\'"),
        ("[9-1]", "the range 9-1 runs backwards"),
        ("1{3,2}", "in {m,n} both are at most 255, and n is at least m"),
        ("ä", "only printable ASCII characters can stand in it"),
    ] {
        assert_eq!(text.parse::<Pattern>().unwrap_err(), PatternError::Syntax(reason.to_owned()), "{text}");
        assert!(Pattern::check(text).is_err());
    }
    for text in ["((((1{200}){200}){200}){200})", "(1|2)*1(1|2){12}", &"(".repeat(100)] {
        assert!(text.parse::<Pattern>().is_err(), "{text}");
    }
}

#[test]
fn numbers_are_read_digit_by_digit() {
    for number in [0, 7, 10, 99, 100, 65000, 1_000_000_000, u32::MAX] {
        let pattern = pattern(&format!("^{number}$"));
        let mut run = pattern.run();
        run.number(number);
        assert!(run.matches(), "{number}");
    }
}

/// Whether a part of the text fits, by trying everything.
fn slow(regex: &str, text: &str) -> bool {
    let (text, regex): (Vec<char>, Vec<char>) = (text.chars().collect(), regex.chars().collect());
    (0..=text.len()).any(|start| ends(&regex, &text, start).is_some_and(|ends| !ends.is_empty()))
}

/// Where a sequence of simple parts (`x`, `.`, `_`, `^`, `$`, each perhaps with `*` or `?`) can end.
fn ends(regex: &[char], text: &[char], at: usize) -> Option<Vec<usize>> {
    let Some((part, rest)) = regex.split_first() else { return Some(vec![at]) };
    let one = |at: usize| -> Vec<usize> {
        let here = text.get(at).copied();
        match part {
            '^' => (at == 0).then_some(at).into_iter().collect(),
            '$' => (at == text.len()).then_some(at).into_iter().collect(),
            '.' => here.map(|_| at + 1).into_iter().collect(),
            '_' => {
                let mut all: Vec<usize> = here.filter(|c| ",{}() ".contains(*c)).map(|_| at + 1).into_iter().collect();
                all.extend((at == 0 || at == text.len()).then_some(at));
                all
            }
            c => here.filter(|there| there == c).map(|_| at + 1).into_iter().collect(),
        }
    };
    let (froms, rest) = match rest.split_first() {
        Some(('?', rest)) => ([vec![at], one(at)].concat(), rest),
        Some(('*', rest)) => {
            let mut all = vec![at];
            let mut next = 0;
            while let Some(from) = all.get(next).copied() {
                all.extend(one(from).into_iter().filter(|to| !all.contains(to)).collect::<Vec<_>>());
                next += 1;
            }
            (all, rest)
        }
        _ => (one(at), rest),
    };
    Some(froms.into_iter().flat_map(|from| ends(rest, text, from).unwrap_or_default()).collect())
}

proptest! {
    #[test]
    fn the_table_finds_what_the_definition_finds(
        parts in prop::collection::vec(("[12 ._^$]", prop::sample::select(vec!["", "?", "*"])), 1..7),
        text in "[12 ,]{0,8}",
    ) {
        let regex: String = parts.iter().map(|(part, times)| format!("{part}{times}")).collect();
        prop_assert_eq!(pattern(&regex).is_match(&text), slow(&regex, &text), "{} against {:?}", regex, text);
    }

    #[test]
    fn no_text_is_more_than_it_can_bear(regex in "[ -~]{0,40}", text in "[ -~]{0,200}") {
        if let Ok(pattern) = regex.parse::<Pattern>() {
            let _ = pattern.is_match(&text);
        }
    }
}
