//! The cases of malformed UPDATEs as one row for each attribute: which faults there are, from whom, and what they cost.
//!
//! The rows stand in `docs/rfc.md`, too. Never decodes anything: `conformance.rs` does.

use std::collections::BTreeMap;

use bgp_wire::update::attribute_name;

use crate::conformance::{Case, Outcome, Peer, cases};

const DOCUMENT: &str = include_str!("../../../../docs/rfc.md");
/// Those that only peers with AS numbers of two octets may send (RFC 6793 §6).
const FROM_OLD: [u8; 2] = [17, 18];
/// Those that every announcement needs.
const MANDATORY: [u8; 3] = [1, 2, 3];

/// What is wrong with an attribute.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Fault {
    Optional,
    Transitive,
    Length,
    Value,
    Twice,
    Missing,
}

/// The columns of the document.
const COLUMNS: [&[Fault]; 5] =
    [&[Fault::Optional, Fault::Transitive], &[Fault::Length], &[Fault::Value], &[Fault::Twice], &[Fault::Missing]];

fn fault(rest: &str) -> Fault {
    let claims = |of: [&str; 2]| of.iter().any(|claim| rest.contains(claim));
    if claims(["claims to be optional", "claims to be well known"]) {
        Fault::Optional
    } else if claims(["claims to be transitive", "claims not to be transitive"]) {
        Fault::Transitive
    } else if rest.starts_with("of length ") {
        Fault::Length
    } else if rest == "twice" {
        Fault::Twice
    } else if rest == "missing" {
        Fault::Missing
    } else {
        Fault::Value
    }
}

/// The attributes that are understood, by their type codes.
fn names() -> impl Iterator<Item = (u8, String)> {
    let named = (1..=255).map(|code| (code, attribute_name(code).into_owned()));
    named.filter(|(_, name)| !name.starts_with("attribute "))
}

/// The cases of an attribute that cost anything.
fn costly<'c>(name: &str, cases: &'c [Case]) -> Vec<(Fault, &'c Case)> {
    let of_name = cases.iter().filter_map(|case| {
        let rest = case.sentence.strip_prefix(name)?.strip_prefix(' ')?;
        let costs = !matches!(case.expect, Outcome::Accept | Outcome::Ignore);
        costs.then(|| (fault(rest), case))
    });
    of_name.collect()
}

fn word(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Accept | Outcome::Ignore => "nothing",
        Outcome::Discard(_) => "discard",
        Outcome::Withdraw(_) => "withdraw",
        Outcome::Reset(..) => "reset",
    }
}

/// What faults of a column cost, and where it is not the same for all, whom.
fn cell(column: &[Fault], cases: &[(Fault, &Case)]) -> String {
    let of = |peer: Peer| {
        let mut words: Vec<&str> = Vec::new();
        for (_, case) in cases.iter().filter(|(fault, case)| column.contains(fault) && case.peer == peer) {
            if !words.contains(&word(case.expect)) {
                words.push(word(case.expect));
            }
        }
        words.join(" or ")
    };
    let (outside, inside, old) = (of(Peer::External), of(Peer::Internal), of(Peer::Old));
    match (outside == inside, old.is_empty() || old == outside) {
        (true, true) if outside.is_empty() => "-".to_owned(),
        (true, true) => outside,
        (true, false) if outside.is_empty() => format!("{old} from old peers"),
        (true, false) => format!("{outside}, {old} from old peers"),
        (false, _) if outside.is_empty() => format!("{inside} inside"),
        (false, _) if inside.is_empty() => format!("{outside} outside"),
        (false, _) => format!("{outside} outside, {inside} inside"),
    }
}

#[test]
fn every_attribute_meets_every_fault_from_every_sender() {
    let cases = cases();
    let mut missing = BTreeMap::new();
    for (code, name) in names() {
        let costly = costly(&name, &cases);
        let old = FROM_OLD.contains(&code).then_some(Peer::Old);
        for peer in [Peer::External, Peer::Internal].into_iter().chain(old) {
            let mut wanted = vec![Fault::Optional, Fault::Transitive, Fault::Length, Fault::Twice];
            wanted.extend(MANDATORY.contains(&code).then_some(Fault::Missing));
            wanted.retain(|fault| !costly.iter().any(|(had, case)| had == fault && case.peer == peer));
            if !wanted.is_empty() {
                missing.insert(format!("{name} {peer:?}"), wanted);
            }
        }
    }
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn the_document_says_what_each_attribute_costs() {
    let cases = cases();
    let rows = names().map(|(code, name)| {
        let costly = costly(&name, &cases);
        let cells: Vec<String> = COLUMNS.iter().map(|column| cell(column, &costly)).collect();
        format!("| {code} | {name} | {} |\n", cells.join(" | "))
    });
    let table: String = rows.collect();
    assert!(DOCUMENT.contains(&table), "the rows of docs/rfc.md are to be:\n{table}");
}
