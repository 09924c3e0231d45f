//! Entering paths into a tree, and listing those that it refuses.
//!
//! A path is tried as it is written first, then as a relative's words are translated. What is refused for
//! the same reason in many places is listed once, with all of its lines.

use std::collections::BTreeMap;

use grammar::parse::{ParseError, Word};
use grammar::resolve::{self, ResolveError};
use grammar::schema::{self, Shape};

use super::entries::{Deed, Entry, Spoken};
use super::problem::Problem;
use super::{Parsed, relatives};
use crate::tree::{DeleteOutcome, Tree, TreeError};

/// More problems than anybody reads.
const MOST_PROBLEMS: usize = 1000;

/// A text being read.
pub(super) struct Reading<'a> {
    lines: Vec<&'a str>,
    tree: Tree,
    problems: Vec<Problem>,
    unlisted: usize,
    maimed: Vec<Vec<String>>,
    /// What was not understood, with the problem that tells of it.
    refused: BTreeMap<Vec<String>, usize>,
}

impl<'a> Reading<'a> {
    pub(super) fn new(text: &'a str, tree: Tree) -> Self {
        Self {
            lines: text.lines().collect(),
            tree,
            problems: Vec::new(),
            unlisted: 0,
            maimed: Vec::new(),
            refused: BTreeMap::new(),
        }
    }

    pub(super) fn enter(mut self, mut entries: Vec<Entry>) -> Parsed {
        relatives::number_the_speaker(&mut entries);
        for entry in relatives::join_values(&mut entries) {
            let lines = entry.words.last().map_or((0, 0), |word| word.lines);
            self.problem(lines, "a rule either adds communities or replaces them; say it in two rules".to_owned());
            self.maimed.push(texts(&entry.words));
        }
        for entry in entries {
            let path = texts(&entry.words);
            match entry.deed {
                Deed::Set => self.set(&entry.words, &path),
                Deed::Delete => self.delete(&entry.words, &path),
                Deed::Comment(text) => self.comment(&entry.words, &path, &text),
            }
        }
        self.finish()
    }

    fn set(&mut self, words: &[Spoken], path: &[String]) {
        let Err(error) = self.tree.set(path) else { return };
        if relatives::says_nothing(words) {
            return;
        }
        // The way that is understood furthest is what was meant, and tells best what is wrong.
        let mut best = (words.to_vec(), path.to_vec(), error);
        for translated in relatives::translations(words) {
            let path = texts(&translated);
            match self.tree.set(&path) {
                Ok(_) => return,
                Err(error) if left(&path, &error) < left(&best.1, &best.2) => best = (translated, path, error),
                Err(_) => {}
            }
        }
        let (words, path, error) = best;
        self.refuse(&words, &path, &error);
        self.keep_flag(&path, &error);
    }

    /// A flag with more behind it than is known stays a flag: `shutdown { now }`.
    fn keep_flag(&mut self, path: &[String], error: &TreeError) {
        if let TreeError::Refused(ResolveError::NotValid { path: known, .. }) = error
            && known.len() < path.len()
            && resolve::exact(&schema::ROOT, &[], &spelled(known)).is_ok_and(|flag| flag.end == resolve::End::Flag)
        {
            // It was resolved a moment ago.
            let _ = self.tree.set(known);
        }
    }

    fn delete(&mut self, words: &[Spoken], path: &[String]) {
        let translations = relatives::translations(words);
        let mut ways = std::iter::once(path.to_vec()).chain(translations.iter().map(|way| texts(way)));
        if !ways.any(|way| self.tree.delete(&way) == DeleteOutcome::Deleted) {
            let lines = words.first().map_or((0, 0), |word| word.lines);
            self.problem(lines, "Nothing to delete (the specified node does not exist)".to_owned());
        }
    }

    fn comment(&mut self, words: &[Spoken], path: &[String], text: &str) {
        let leaf = path.split_last().map_or(path, |(_, leaf)| leaf);
        let done = match self.tree.set_comment(path, text) {
            Err(TreeError::CommentOnValue) => self.tree.set_comment(leaf, text),
            done => done,
        };
        // What a comment on a node that was refused says is told with the node.
        if let Err(error) = done
            && !matches!(error, TreeError::Absent { .. })
        {
            let line = words.last().map_or(0, |word| word.lines.0);
            self.problem((line, line), error.brief());
        }
    }

    /// Lists a path that was refused; what stands below the same wrong words goes with it.
    fn refuse(&mut self, words: &[Spoken], path: &[String], error: &TreeError) {
        let is_value = matches!(error, TreeError::Refused(ResolveError::BadValue(_)));
        if is_value || is_policy(path) {
            self.maimed.push(path.to_vec());
        }
        let wrong = wrong_at(path, error);
        let head = path.get(..wrong).unwrap_or(path);
        let is_word = matches!(error, TreeError::Refused(ResolveError::NotValid { .. }));
        let key = if is_word { without_instances(head) } else { head.to_vec() };
        let lines = words.get(wrong.saturating_sub(1)).or(words.last()).map_or((0, 0), |word| word.lines);
        if let Some(problem) = self.refused.get(&key).and_then(|at| self.problems.get_mut(*at)) {
            problem.also_at(lines);
            return;
        }
        self.refused.insert(key, self.problems.len());
        self.problem(lines, without_list(error));
    }

    pub(super) fn shape(&mut self, error: &ParseError, line: usize) {
        self.problem((line, line), error.to_string());
    }

    pub(super) fn problem(&mut self, lines: (usize, usize), message: String) {
        if self.problems.len() >= MOST_PROBLEMS {
            self.unlisted = self.unlisted.saturating_add(1);
            return;
        }
        let text = self.lines.get(lines.0.saturating_sub(1)).copied().unwrap_or_default();
        self.problems.push(Problem::new(lines, text, message));
    }

    fn finish(mut self) -> Parsed {
        self.problems.sort_by_key(|problem| problem.line);
        if let Some(last) = self.problems.last_mut().filter(|_| self.unlisted > 0) {
            last.message.push_str(&format!(" (and {} more that are not listed)", self.unlisted));
        }
        Parsed { tree: self.tree, problems: self.problems, maimed: self.maimed, ..Parsed::default() }
    }
}

fn texts(words: &[Spoken]) -> Vec<String> {
    words.iter().map(|word| word.text.clone()).collect()
}

fn spelled(path: &[String]) -> Vec<Word> {
    path.iter().map(|word| Word::new(word.as_str())).collect()
}

/// The message without the list of all that would be possible: a file has many lines.
fn without_list(error: &TreeError) -> String {
    match error {
        TreeError::Refused(ResolveError::NotValid { place, path, bad, hint })
            if !hint.starts_with("did you mean") && !hint.starts_with("one value") && !hint.contains("takes no") =>
        {
            let (place, path, bad) = (*place, path.clone(), bad.clone());
            ResolveError::NotValid { place, path, bad, hint: String::new() }.brief()
        }
        error => error.brief(),
    }
}

/// How many words it takes until the error.
fn wrong_at(path: &[String], error: &TreeError) -> usize {
    match error {
        TreeError::Refused(_) => first_wrong(path),
        // The second instance of a node that may stand once: what is below goes with it.
        TreeError::TooMany { path, .. } => path.len().saturating_add(1),
        _ => path.len(),
    }
}

/// How many words are left that nobody looked at, the wrong one among them.
fn left(path: &[String], error: &TreeError) -> usize {
    match error {
        // The words are right, and what is wrong is the value.
        TreeError::Refused(ResolveError::BadValue(_)) | TreeError::TooMany { .. } => 0,
        error => path.len().saturating_sub(wrong_at(path, error)).saturating_add(1),
    }
}

/// Whether a path says what becomes of routes: without it more would be accepted than somebody wrote.
fn is_policy(path: &[String]) -> bool {
    let is = |word: &String, wanted: &[&str]| wanted.contains(&word.as_str());
    match path {
        [policy, ..] if policy == "policy" => true,
        [protocols, bgp, _, kind, _, rest @ ..] if protocols == "protocols" && bgp == "bgp" => {
            let filters = ["distribute-list", "filter-list", "prefix-list", "route-map", "unsuppress-map"];
            is(kind, &["neighbor", "peer-group"]) && rest.iter().take(3).any(|word| is(word, &filters))
        }
        _ => false,
    }
}

/// How many words it takes until a path is wrong.
fn first_wrong(path: &[String]) -> usize {
    let words = spelled(path);
    let is_wrong = |length: &usize| {
        let head = words.get(..*length).unwrap_or_default();
        match resolve::exact(&schema::ROOT, &[], head) {
            Ok(_) | Err(ResolveError::ValueRequired { .. } | ResolveError::Incomplete { .. }) => false,
            Err(_) => true,
        }
    };
    (1..=path.len()).find(is_wrong).unwrap_or(path.len())
}

/// The words with `*` in place of the names of instances, so that the same word below each of them is one.
fn without_instances(path: &[String]) -> Vec<String> {
    let mut place: &schema::Node = &schema::ROOT;
    let mut at_name = false;
    let mut words = Vec::with_capacity(path.len());
    for word in path {
        if std::mem::take(&mut at_name) {
            words.push("*".to_owned());
            continue;
        }
        words.push(word.clone());
        let Some(below) = place.child(word) else { continue };
        place = below;
        at_name = matches!(place.shape, Shape::Tag(_));
    }
    words
}
