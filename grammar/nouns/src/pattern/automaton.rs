//! The table of states that a pattern becomes: one step for each character.
//!
//! Never grows while it is used.

use std::collections::{BTreeSet, HashMap};

use super::syntax::{Node, Program, Set};

/// States that a table may have.
const STATES: usize = 1024;
/// ASCII.
const OCTETS: usize = 128;

/// What can follow in which state.
#[derive(Debug)]
pub(super) struct Automaton {
    /// The class of each character; those that no part of the pattern tells apart share one.
    classes: [u8; OCTETS],
    width: usize,
    /// The next state, by state and class.
    table: Vec<u16>,
    /// For each state: found already, and found if the text ends here.
    accepting: Vec<(bool, bool)>,
}

impl Automaton {
    pub(super) const START: u16 = 0;

    /// The table of a program; `None` where it would be too large.
    pub(super) fn build(program: &Program) -> Option<Self> {
        let (classes, samples) = classify(program);
        let mut automaton = Self { classes, width: samples.len(), table: Vec::new(), accepting: Vec::new() };
        let start = closure(program, [program.start], Where { begin: true, end: false });
        let mut known = HashMap::from([((start.clone(), true), Self::START)]);
        let mut waiting = std::collections::VecDeque::from([(start, true)]);
        while let Some((state, begin)) = waiting.pop_front() {
            let found = state.contains(&0);
            let at_end = found || closure(program, state.iter().copied(), Where { begin, end: true }).contains(&0);
            automaton.accepting.push((found, at_end));
            for sample in &samples {
                let next = if found {
                    state.clone()
                } else {
                    // What begins later may be found as well.
                    let steps = state.iter().filter_map(|node| match program.nodes.get(*node) {
                        Some(Node::One(set, next)) if set.has(*sample) => Some(*next),
                        _ => None,
                    });
                    closure(program, steps.chain([program.start]), Where { begin: false, end: false })
                };
                let key = (next, found && begin);
                let fresh = u16::try_from(known.len()).ok()?;
                let number = *known.entry(key.clone()).or_insert(fresh);
                if number == fresh {
                    waiting.push_back(key);
                }
                automaton.table.push(number);
            }
            if known.len() > STATES {
                return None;
            }
        }
        Some(automaton)
    }

    pub(super) fn next(&self, state: u16, octet: u8) -> u16 {
        let class = self.classes.get(usize::from(octet)).copied().unwrap_or(0);
        let at = usize::from(state).saturating_mul(self.width).saturating_add(usize::from(class));
        self.table.get(at).copied().unwrap_or(state)
    }

    pub(super) fn accepts(&self, state: u16) -> bool {
        self.accepting.get(usize::from(state)).is_some_and(|(found, _)| *found)
    }

    pub(super) fn accepts_at_end(&self, state: u16) -> bool {
        self.accepting.get(usize::from(state)).is_some_and(|(_, at_end)| *at_end)
    }
}

/// Which ends of the text are here.
#[derive(Clone, Copy)]
struct Where {
    begin: bool,
    end: bool,
}

/// Every node that is reached without reading a character; in order, so that equal sets are equal.
fn closure(program: &Program, from: impl IntoIterator<Item = usize>, place: Where) -> Vec<usize> {
    let mut reached = BTreeSet::new();
    let mut waiting: Vec<usize> = from.into_iter().collect();
    while let Some(node) = waiting.pop() {
        if !reached.insert(node) {
            continue;
        }
        match program.nodes.get(node) {
            Some(Node::Either(one, other)) => waiting.extend([*one, *other]),
            Some(Node::Begin(next)) if place.begin => waiting.push(*next),
            Some(Node::End(next)) if place.end => waiting.push(*next),
            _ => {}
        }
    }
    // What only led on says nothing by itself; the ends still wait for the end of the text.
    let waits = |node: &usize| matches!(program.nodes.get(*node), Some(Node::One(..) | Node::End(_) | Node::Found));
    reached.into_iter().filter(waits).collect()
}

/// The class of each character, and one character of each class.
fn classify(program: &Program) -> ([u8; OCTETS], Vec<u8>) {
    let sets = program.nodes.iter().filter_map(|node| match node {
        Node::One(set, _) => Some(*set),
        _ => None,
    });
    let mut sets: Vec<Set> = sets.collect();
    sets.dedup();
    let mut classes = [0; OCTETS];
    let mut samples: Vec<u8> = Vec::new();
    let mut known: HashMap<Vec<bool>, u8> = HashMap::new();
    for (octet, class) in (0_u8..).zip(&mut classes) {
        let row: Vec<bool> = sets.iter().map(|set| set.has(octet)).collect();
        let fresh = u8::try_from(samples.len()).unwrap_or(u8::MAX);
        *class = *known.entry(row).or_insert(fresh);
        if *class == fresh {
            samples.push(octet);
        }
    }
    (classes, samples)
}
