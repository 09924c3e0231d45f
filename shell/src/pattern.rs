//! Regular expressions for `| match`, in the spelling of `grep -E`.
//!
//! Understands `.`, `[…]`, `*`, `+`, `?`, `|`, `(…)`, `^`, `$` and `\` before a sign. All ways are followed
//! at once, so the time grows with the text only and no pattern can hang the shell.

use std::iter::Peekable;
use std::str::Chars;

/// A compiled pattern.
#[derive(Clone, Debug)]
pub(crate) struct Pattern {
    steps: Vec<Step>,
}

/// One step of the machine; numbers are places of other steps.
#[derive(Clone, Debug)]
enum Step {
    Sign(Sign),
    Fork(usize, usize),
    Start,
    End,
    Found,
}

/// What one character must be.
#[derive(Clone, Debug)]
enum Sign {
    Any,
    Exactly(char),
    Class { negated: bool, ranges: Vec<(char, char)> },
}

/// The pattern's tree, before it becomes steps.
#[derive(Clone, Debug)]
enum Part {
    Nothing,
    Sign(Sign),
    Start,
    End,
    Both(Box<Part>, Box<Part>),
    Either(Box<Part>, Box<Part>),
    Repeat { part: Box<Part>, at_least_once: bool, again: bool },
}

impl Pattern {
    /// Reads a pattern.
    ///
    /// # Errors
    /// What is wrong with it, in words.
    pub(crate) fn new(text: &str) -> Result<Self, String> {
        let mut reader = Reader { signs: text.chars().peekable(), depth: 0 };
        let part = reader.alternatives()?;
        if reader.signs.next().is_some() {
            return Err(format!("\"{text}\": a ')' closes nothing; write '\\)' for the sign itself"));
        }
        let mut steps = Vec::new();
        emit(&part, &mut steps);
        steps.push(Step::Found);
        Ok(Self { steps })
    }

    /// Whether the pattern occurs anywhere in a line.
    #[must_use]
    pub(crate) fn occurs_in(&self, line: &str) -> bool {
        let length = line.chars().count();
        let mut here = Places::new(self.steps.len());
        for (at, sign) in line.chars().map(Some).chain([None]).enumerate() {
            if self.follow(0, at == 0, at == length, &mut here) {
                return true;
            }
            let Some(sign) = sign else { break };
            let mut next = Places::new(self.steps.len());
            for &place in &here.order {
                let Some(Step::Sign(wanted)) = self.steps.get(place) else { continue };
                let arrived = wanted.fits(sign)
                    && self.follow(place.saturating_add(1), false, at.saturating_add(1) == length, &mut next);
                if arrived {
                    return true;
                }
            }
            here = next;
        }
        false
    }

    /// Goes on without reading a character; true when the end of the pattern is reached.
    fn follow(&self, from: usize, at_start: bool, at_end: bool, places: &mut Places) -> bool {
        let mut open = vec![from];
        while let Some(place) = open.pop() {
            if !places.visit(place) {
                continue;
            }
            match self.steps.get(place) {
                Some(Step::Found) => return true,
                Some(Step::Fork(one, other)) => open.extend([*one, *other]),
                Some(Step::Start) if at_start => open.push(place.saturating_add(1)),
                Some(Step::End) if at_end => open.push(place.saturating_add(1)),
                Some(Step::Sign(_) | Step::Start | Step::End) | None => {}
            }
        }
        false
    }
}

/// The places where the machine stands at once.
struct Places {
    seen: Vec<bool>,
    order: Vec<usize>,
}

impl Places {
    fn new(size: usize) -> Self {
        Self { seen: vec![false; size], order: Vec::new() }
    }

    fn visit(&mut self, place: usize) -> bool {
        match self.seen.get_mut(place) {
            Some(seen) if !*seen => {
                *seen = true;
                self.order.push(place);
                true
            }
            _ => false,
        }
    }
}

impl Sign {
    fn fits(&self, sign: char) -> bool {
        match self {
            Self::Any => true,
            Self::Exactly(wanted) => *wanted == sign,
            Self::Class { negated, ranges } => {
                ranges.iter().any(|(low, high)| (*low..=*high).contains(&sign)) != *negated
            }
        }
    }
}

struct Reader<'a> {
    signs: Peekable<Chars<'a>>,
    depth: usize,
}

impl Reader<'_> {
    fn alternatives(&mut self) -> Result<Part, String> {
        let mut part = self.sequence()?;
        while self.signs.next_if_eq(&'|').is_some() {
            part = Part::Either(Box::new(part), Box::new(self.sequence()?));
        }
        Ok(part)
    }

    fn sequence(&mut self) -> Result<Part, String> {
        let mut part = Part::Nothing;
        while let Some(&sign) = self.signs.peek() {
            if sign == '|' || sign == ')' {
                break;
            }
            let piece = self.piece()?;
            part = Part::Both(Box::new(part), Box::new(piece));
        }
        Ok(part)
    }

    fn piece(&mut self) -> Result<Part, String> {
        let mut part = self.atom()?;
        while let Some(sign) = self.signs.next_if(|sign| matches!(sign, '*' | '+' | '?')) {
            part = Part::Repeat { part: Box::new(part), at_least_once: sign == '+', again: sign != '?' };
        }
        Ok(part)
    }

    fn atom(&mut self) -> Result<Part, String> {
        match self.signs.next() {
            None => Ok(Part::Nothing),
            Some('.') => Ok(Part::Sign(Sign::Any)),
            Some('^') => Ok(Part::Start),
            Some('$') => Ok(Part::End),
            Some('[') => self.class(),
            Some('(') => self.group(),
            Some('\\') => match self.signs.next() {
                Some(sign) => Ok(Part::Sign(Sign::Exactly(sign))),
                None => Err("a backslash at the end of a pattern escapes nothing".to_owned()),
            },
            Some(sign) => Ok(Part::Sign(Sign::Exactly(sign))),
        }
    }

    fn group(&mut self) -> Result<Part, String> {
        if self.depth >= 50 {
            return Err("groups of a pattern are nested more than 50 deep".to_owned());
        }
        self.depth = self.depth.saturating_add(1);
        let part = self.alternatives()?;
        self.depth = self.depth.saturating_sub(1);
        match self.signs.next() {
            Some(')') => Ok(part),
            _ => Err("a '(' of the pattern is not closed; write '\\(' for the sign itself".to_owned()),
        }
    }

    fn class(&mut self) -> Result<Part, String> {
        let negated = self.signs.next_if_eq(&'^').is_some();
        let mut ranges: Vec<(char, char)> = Vec::new();
        loop {
            let Some(low) = self.signs.next() else {
                return Err("a '[' of the pattern is not closed; write '\\[' for the sign itself".to_owned());
            };
            if low == ']' && !ranges.is_empty() {
                return Ok(Part::Sign(Sign::Class { negated, ranges }));
            }
            let mut ahead = self.signs.clone();
            match (ahead.next(), ahead.next()) {
                (Some('-'), Some(high)) if high != ']' => {
                    self.signs = ahead;
                    ranges.push((low, high));
                }
                _ => ranges.push((low, low)),
            }
        }
    }
}

/// Appends the steps of a part.
fn emit(part: &Part, steps: &mut Vec<Step>) {
    match part {
        Part::Nothing => {}
        Part::Sign(sign) => steps.push(Step::Sign(sign.clone())),
        Part::Start => steps.push(Step::Start),
        Part::End => steps.push(Step::End),
        Part::Both(first, second) => {
            emit(first, steps);
            emit(second, steps);
        }
        Part::Either(first, second) => {
            let fork = reserve(steps);
            emit(first, steps);
            let jump = reserve(steps);
            let other = steps.len();
            emit(second, steps);
            let end = steps.len();
            put(steps, fork, fork.saturating_add(1), other);
            put(steps, jump, end, end);
        }
        Part::Repeat { part, at_least_once, again } => {
            let fork = (!at_least_once).then(|| reserve(steps));
            let body = steps.len();
            emit(part, steps);
            let back = again.then(|| reserve(steps));
            let end = steps.len();
            if let Some(fork) = fork {
                put(steps, fork, body, end);
            }
            if let Some(back) = back {
                put(steps, back, body, end);
            }
        }
    }
}

/// Keeps a place for a fork whose targets are not yet known.
fn reserve(steps: &mut Vec<Step>) -> usize {
    steps.push(Step::Fork(0, 0));
    steps.len().saturating_sub(1)
}

fn put(steps: &mut [Step], at: usize, one: usize, other: usize) {
    if let Some(step) = steps.get_mut(at) {
        *step = Step::Fork(one, other);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may fail loudly")]

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn patterns_find_what_grep_finds() {
        for (pattern, line, found) in [
            ("", "anything", true),
            ("eth", "eth0", true),
            ("^eth", " eth0", false),
            ("0$", "eth0", true),
            ("0$", "eth01", false),
            ("^$", "", true),
            ("a.c", "xabcx", true),
            ("ab*c", "ac", true),
            ("ab+c", "ac", false),
            ("ab?c", "abc", true),
            ("ab?c", "abbc", false),
            ("192\\.168", "192x168", false),
            ("192\\.168", "192.168.1.1", true),
            ("201|203", "192.168.101.203", true),
            ("(a|b)+c$", "xababc", true),
            ("[0-9]+/32", "172.16.102.229/32", true),
            ("[^0-9]", "123", false),
            ("[]x]", "]", true),
            ("[a-]", "-", true),
            ("^(Established|Active)$", "Active", true),
            ("(a*)*b", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", false),
        ] {
            assert_eq!(Pattern::new(pattern).unwrap().occurs_in(line), found, "{pattern:?} in {line:?}");
        }
    }

    #[test]
    fn a_broken_pattern_says_what_is_wrong() {
        for (pattern, words) in
            [("(a", "not closed"), ("a)", "closes nothing"), ("[a", "not closed"), ("a\\", "backslash")]
        {
            assert!(Pattern::new(pattern).unwrap_err().contains(words), "{pattern}");
        }
    }

    proptest! {
        #[test]
        fn no_pattern_panics_and_a_plain_one_is_a_substring(pattern in r"[a-c.*+?|()\[\]^$\\-]{0,12}", line in "[a-c]{0,12}") {
            if let Ok(compiled) = Pattern::new(&pattern) {
                let found = compiled.occurs_in(&line);
                if pattern.chars().all(|sign| sign.is_ascii_lowercase()) {
                    prop_assert_eq!(found, line.contains(&pattern));
                }
            }
        }
    }
}
