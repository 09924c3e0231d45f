//! Lists: of prefixes, of expressions over AS paths, of communities. The first rule that matches decides.
//!
//! Never changes a route.

use std::collections::HashMap;
use std::sync::Arc;

use bgp_wire::attribute::{AsPath, ExtendedCommunity, LargeCommunity, SegmentKind};
use nouns::{Access, Pattern, Prefix, Run, community};

use super::{Denial, Trace};

/// Lists of more rules are looked up by prefix, not tried rule by rule.
const FEW: usize = 12;

/// A rule of a prefix list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PrefixRule {
    /// Its number.
    pub number: u16,
    /// What becomes of a prefix that matches.
    pub permit: bool,
    /// The prefix that holds it.
    pub prefix: Prefix,
    /// The least and the greatest length.
    pub lengths: (u8, u8),
}

impl PrefixRule {
    fn matches(&self, prefix: Prefix) -> bool {
        let (least, most) = self.lengths;
        (least..=most).contains(&prefix.length())
            && prefix.length() >= self.prefix.length()
            && self.prefix.contains(prefix.address())
    }
}

/// A rule of an access list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AccessRule {
    /// Its number.
    pub number: u16,
    /// What becomes of a destination that matches.
    pub permit: bool,
    /// Which ones do.
    pub access: Access,
}

/// A list of destinations: a prefix list, or an access list.
#[derive(Debug)]
pub struct PrefixList {
    name: String,
    rules: Vec<PrefixRule>,
    /// Rules of an access list, which has no others.
    access: Vec<AccessRule>,
    /// The places of the rules of each prefix, and the lengths of those prefixes; empty for few rules.
    index: HashMap<Prefix, Vec<usize>>,
    lengths: Vec<u8>,
    /// What a rule that denies says, by its number.
    denials: HashMap<u16, Denial>,
    unmatched: Denial,
}

impl PrefixList {
    /// A list of rules in the order of their numbers; `word` is `prefix-list` or `prefix-list6`.
    #[must_use]
    pub fn new(word: &str, name: &str, rules: Vec<PrefixRule>) -> Self {
        let name = format!("{word} {name}");
        let mut index: HashMap<Prefix, Vec<usize>> = HashMap::new();
        let mut lengths = Vec::new();
        if rules.len() > FEW {
            for (place, rule) in rules.iter().enumerate() {
                index.entry(rule.prefix).or_default().push(place);
                lengths.push(rule.prefix.length());
            }
            lengths.sort_unstable();
            lengths.dedup();
        }
        let denials = denials(&name, rules.iter().map(|rule| (rule.number, rule.permit)));
        let unmatched = format!("{name}: no rule matches").into();
        Self { unmatched, name, rules, access: Vec::new(), index, lengths, denials }
    }

    /// An access list of rules in the order of their numbers; `word` is `access-list` or `access-list6`.
    #[must_use]
    pub fn access(word: &str, name: &str, access: Vec<AccessRule>) -> Self {
        let denials = denials(&format!("{word} {name}"), access.iter().map(|rule| (rule.number, rule.permit)));
        Self { access, denials, ..Self::new(word, name, Vec::new()) }
    }

    /// The number of the first rule that matches, and whether it permits.
    #[must_use]
    pub fn find(&self, prefix: Prefix) -> Option<(u16, bool)> {
        let by_access = self.access.iter().find(|rule| rule.access.matches(prefix));
        let by_access = by_access.map(|rule| (rule.number, rule.permit));
        by_access.or_else(|| self.find_prefix(prefix).map(|rule| (rule.number, rule.permit)))
    }

    fn find_prefix(&self, prefix: Prefix) -> Option<&PrefixRule> {
        if self.index.is_empty() {
            return self.rules.iter().find(|rule| rule.matches(prefix));
        }
        let shorter = self.lengths.iter().take_while(|length| **length <= prefix.length());
        let places = shorter.filter_map(|length| self.index.get(&Prefix::masked(prefix.address(), *length).ok()?));
        let first =
            places.flatten().copied().filter(|place| self.rules.get(*place).is_some_and(|rule| rule.matches(prefix)));
        first.min().and_then(|place| self.rules.get(place))
    }

    /// Whether a rule permits it.
    #[must_use]
    pub fn permits(&self, prefix: Prefix) -> bool {
        self.find(prefix).is_some_and(|(_, permit)| permit)
    }

    pub(super) fn pass(&self, prefix: Prefix, trace: &mut dyn FnMut(Trace<'_>)) -> Result<(), Denial> {
        let found = self.find(prefix);
        let permit = found.is_some_and(|(_, permit)| permit);
        trace(Trace::List { list: &self.name, rule: found.map(|(number, _)| number), permit });
        match found {
            Some((_, true)) => Ok(()),
            denying => {
                let denial = denying.and_then(|(number, _)| self.denials.get(&number));
                Err(Arc::clone(denial.unwrap_or(&self.unmatched)))
            }
        }
    }
}

/// The sentences of rules that deny, made once: many routes share them.
pub(super) fn denials(name: &str, rules: impl Iterator<Item = (u16, bool)>) -> HashMap<u16, Denial> {
    let denying = rules.filter(|(_, permit)| !permit);
    denying.map(|(number, _)| (number, format!("{name} rule {number} denies it").into())).collect()
}

/// An AS path list: expressions over the path as it is shown.
#[derive(Debug)]
pub struct PathList {
    name: String,
    rules: Vec<(u16, bool, Pattern)>,
    denials: HashMap<u16, Denial>,
    unmatched: Denial,
}

impl PathList {
    /// A list of rules in the order of their numbers: whether each permits, and its expression.
    #[must_use]
    pub fn new(name: &str, rules: Vec<(u16, bool, Pattern)>) -> Self {
        let name = format!("as-path-list {name}");
        let denials = denials(&name, rules.iter().map(|(number, permit, _)| (*number, *permit)));
        Self { unmatched: format!("{name}: no rule matches").into(), name, rules, denials }
    }

    fn find(&self, path: &AsPath) -> Option<&(u16, bool, Pattern)> {
        self.rules.iter().find(|(_, _, pattern)| fits(pattern, path))
    }

    /// Whether a rule permits the path.
    #[must_use]
    pub fn permits(&self, path: &AsPath) -> bool {
        self.find(path).is_some_and(|(_, permit, _)| *permit)
    }

    pub(super) fn pass(&self, path: &AsPath, trace: &mut dyn FnMut(Trace<'_>)) -> Result<(), Denial> {
        let found = self.find(path);
        trace(Trace::List {
            list: &self.name,
            rule: found.map(|(number, ..)| *number),
            permit: found.is_some_and(|(_, permit, _)| *permit),
        });
        match found {
            Some((_, true, _)) => Ok(()),
            denying => {
                let denial = denying.and_then(|(number, ..)| self.denials.get(number));
                Err(Arc::clone(denial.unwrap_or(&self.unmatched)))
            }
        }
    }
}

/// Reads the path as `Display` writes it, without writing it.
fn fits(pattern: &Pattern, path: &AsPath) -> bool {
    let mut run = pattern.run();
    for (place, segment) in path.segments().enumerate() {
        let (open, between, close) = match segment.kind {
            SegmentKind::Sequence => ("", b' ', ""),
            SegmentKind::Set => ("{", b',', "}"),
            SegmentKind::ConfedSequence => ("(", b' ', ")"),
            SegmentKind::ConfedSet => ("[", b',', "]"),
        };
        if place > 0 {
            run.octet(b' ');
        }
        run.text(open);
        for (place, asn) in segment.asns.iter().enumerate() {
            if place > 0 {
                run.octet(between);
            }
            run.number(asn.0);
        }
        run.text(close);
        if run.is_decided() {
            return true;
        }
    }
    run.matches()
}

/// A kind of community that has a text.
pub trait Spelled: Copy + Ord {
    /// Whether a list that names it means every route.
    fn is_any(self) -> bool;
    /// Reads its text.
    fn spell(self, run: &mut Run<'_>);
}

impl Spelled for u32 {
    fn is_any(self) -> bool {
        self == community::INTERNET
    }

    fn spell(self, run: &mut Run<'_>) {
        match community::WELL_KNOWN.iter().find(|(value, _)| *value == self) {
            Some((_, name)) => run.text(name),
            None => {
                run.number(self >> 16);
                run.octet(b':');
                run.number(self & 0xffff);
            }
        }
    }
}

impl Spelled for LargeCommunity {
    fn is_any(self) -> bool {
        false
    }

    fn spell(self, run: &mut Run<'_>) {
        let Self(first, second, third) = self;
        run.number(first);
        run.octet(b':');
        run.number(second);
        run.octet(b':');
        run.number(third);
    }
}

impl Spelled for [u8; 8] {
    fn is_any(self) -> bool {
        false
    }

    fn spell(self, run: &mut Run<'_>) {
        run.text(&ExtendedCommunity(self).to_string());
    }
}

/// What a rule of a community list asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ask<T> {
    /// All of these; sorted.
    All(Vec<T>),
    /// That the text of a route's communities fits.
    Fit(Pattern),
}

/// A list of communities of one kind.
#[derive(Debug)]
pub struct CommunityList<T> {
    rules: Vec<(bool, Ask<T>)>,
}

impl<T: Spelled> CommunityList<T> {
    /// A list of rules in the order of their numbers: whether each permits, and what it asks for.
    #[must_use]
    pub fn new(rules: Vec<(bool, Ask<T>)>) -> Self {
        Self { rules }
    }

    /// Whether a rule permits these communities, which are sorted; `exact`: and no others are there.
    #[must_use]
    pub fn permits(&self, communities: &[T], exact: bool) -> bool {
        let matches = |ask: &Ask<T>| match ask {
            Ask::All(wanted) if wanted.iter().any(|one| one.is_any()) => true,
            Ask::All(wanted) if exact => wanted == communities,
            Ask::All(wanted) => wanted.iter().all(|one| communities.binary_search(one).is_ok()),
            Ask::Fit(pattern) => {
                let mut run = pattern.run();
                for (place, community) in communities.iter().enumerate() {
                    if place > 0 {
                        run.octet(b' ');
                    }
                    community.spell(&mut run);
                }
                run.matches()
            }
        };
        self.rules.iter().find(|(_, ask)| matches(ask)).is_some_and(|(permit, _)| *permit)
    }
}
