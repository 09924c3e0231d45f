//! Malformed UPDATEs, case by case, and what each one may cost: RFC 4271 §6, RFC 7606 and the RFCs that follow it.
//!
//! Every case announces 198.51.100.0/24 (or tries to); the outcome is what becomes of that route and of the session. The
//! cases stand in `malformed.txt`, which the tests of whole routers read, too.

use bgp_wire::{ErrorClass, Message, Negotiated, Notification, Update};
use nouns::Family;

use crate::{hex, message, negotiated};

const CASES: &str = include_str!("malformed.txt");

/// Who sends the UPDATE.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Peer {
    /// Another AS, four-octet numbers.
    External,
    /// Our AS, four-octet numbers.
    Internal,
    /// Another AS, two-octet numbers.
    Old,
}
use Peer::{External, Internal, Old};

/// What becomes of it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Outcome {
    /// The route is announced, nothing is wrong.
    Accept,
    /// The route is announced; the attribute is gone and told of.
    Discard(u8),
    /// The route is withdrawn, and this attribute is named as the cause.
    Withdraw(u8),
    /// Nothing is announced or withdrawn, the session stays.
    Ignore,
    /// The session ends with this NOTIFICATION.
    Reset(u8, u8),
}
use Outcome::{Accept, Discard, Ignore, Reset, Withdraw};

fn session(peer: Peer) -> Negotiated {
    Negotiated { internal: peer == Internal, four_octet_as: peer != Old, ..negotiated() }
}

/// The valid attributes with some replaced, removed (no octets) or, under a new code, appended.
fn attributes(peer: Peer, changes: &[(u8, Vec<u8>)]) -> Vec<u8> {
    let as_path = if peer == Old { "400204 02 01 fde8" } else { "400206 02 01 0000fde8" };
    let mut list = vec![(1, hex("400101 00")), (2, hex(as_path)), (3, hex("400304 c0000201"))];
    for (code, octets) in changes {
        match list.iter_mut().find(|(known, _)| known == code) {
            Some(place) => place.1.clone_from(octets),
            None => list.push((*code, octets.clone())),
        }
    }
    list.into_iter().flat_map(|(_, octets)| octets).collect()
}

/// The body of an UPDATE.
fn update(withdrawn: &[u8], attributes: &[u8], nlri: &[u8]) -> Vec<u8> {
    let length = |part: &[u8]| u16::try_from(part.len()).unwrap().to_be_bytes();
    [&length(withdrawn), withdrawn, &length(attributes), attributes, nlri].concat()
}

const TARGET: &str = "18 c63364";

fn outcome(body: &[u8], negotiated: &Negotiated) -> Outcome {
    match Message::decode(&message(2, body), negotiated) {
        Err(error) => {
            let Notification { code, subcode, .. } = Notification::from(&error);
            Reset(code, subcode)
        }
        Ok(Message::Update(update)) => judge(&update),
        Ok(other) => panic!("not an UPDATE: {other:?}"),
    }
}

fn judge(update: &Update) -> Outcome {
    let cause = update.errors.iter().find(|error| error.class == ErrorClass::Withdraw);
    match (update.reach.is_empty(), cause, update.errors.first()) {
        (false, None, None) => Accept,
        (false, None, Some(error)) => Discard(error.code),
        (true, Some(error), _) if !update.unreach.is_empty() => Withdraw(error.code),
        (true, None, _) if update.unreach.is_empty() => Ignore,
        _ => panic!("routes both announced and withdrawn: {update:?}"),
    }
}

/// A line of the table.
pub(crate) struct Case {
    pub(crate) sentence: &'static str,
    pub(crate) peer: Peer,
    body: Vec<u8>,
    pub(crate) expect: Outcome,
}

pub(crate) fn cases() -> Vec<Case> {
    let lines = CASES.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines.flat_map(case).collect()
}

/// One for each sender, because AS_PATH looks different for an old one.
fn case(line: &'static str) -> Vec<Case> {
    let [peers, expect, sentence, how] = line.splitn(4, '|').map(str::trim).collect::<Vec<_>>()[..] else {
        panic!("four columns: {line}");
    };
    let peers = match peers {
        "external" => vec![External],
        "internal" => vec![Internal],
        "both" => vec![External, Internal],
        "old" => vec![Old],
        _ => panic!("who sends it: {line}"),
    };
    let case = |peer| Case { sentence, peer, body: body(peer, how), expect: expected(expect) };
    peers.into_iter().map(case).collect()
}

fn expected(text: &str) -> Outcome {
    let number = |text: &str| text.parse().unwrap_or_else(|_| panic!("a number: {text}"));
    match text.split_whitespace().collect::<Vec<_>>()[..] {
        ["accept"] => Accept,
        ["ignore"] => Ignore,
        ["discard", code] => Discard(number(code)),
        ["withdraw", code] => Withdraw(number(code)),
        ["reset", code, subcode] => Reset(number(code), number(subcode)),
        _ => panic!("what becomes of it: {text}"),
    }
}

fn body(peer: Peer, how: &str) -> Vec<u8> {
    let changes: Vec<(&str, &str)> = how.split(';').filter_map(|change| change.split_once(':')).collect();
    match changes[..] {
        [("body", octets)] => hex(octets),
        _ => {
            let octets = |text: &str| if text.trim() == "-" { vec![] } else { hex(text) };
            let changed = |(code, text): &(&str, &str)| (code.trim().parse().unwrap(), octets(text));
            update(&[], &attributes(peer, &changes.iter().map(changed).collect::<Vec<_>>()), &hex(TARGET))
        }
    }
}

#[test]
fn each_malformed_update_costs_what_the_table_says() {
    let cases = cases();
    assert!(cases.len() > 350, "{} cases", cases.len());
    let wrong: Vec<String> = cases
        .iter()
        .filter_map(|Case { sentence, peer, body, expect }| {
            let got = outcome(body, &session(*peer));
            (got != *expect).then(|| format!("{sentence} ({peer:?}): {got:?}, expected {expect:?}"))
        })
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_path_is_accepted_up_to_a_thousand_numbers() {
    for (segments, one_more, expect) in [(3, false, Accept), (4, false, Accept), (4, true, Withdraw(2))] {
        let segment = [&[2, 250][..], &[0, 0, 0xfd, 0xe8].repeat(250)].concat().repeat(segments);
        let extra = if one_more { hex("02 01 0000fde8") } else { vec![] };
        let value = [segment, extra].concat();
        let length = u16::try_from(value.len()).unwrap().to_be_bytes();
        let attributes = [hex("400101 00"), hex("5002"), length.to_vec(), value, hex("400304 c0000201")].concat();
        let negotiated = Negotiated { extended_message: true, ..session(External) };
        assert_eq!(outcome(&update(&[], &attributes, &hex(TARGET)), &negotiated), expect);
    }
}

#[test]
fn a_missing_path_identifier_is_a_malformed_nlri() {
    let negotiated = Negotiated { add_path_receive: vec![Family::Ipv4Unicast], ..session(External) };
    let bytes = update(&[], &attributes(External, &[]), &hex("18"));
    assert_eq!(outcome(&bytes, &negotiated), Reset(3, 10));
}

#[test]
fn a_repeated_attribute_is_told_of_a_bounded_number_of_times() {
    let negotiated = Negotiated { extended_message: true, ..session(External) };
    let repeated = [attributes(External, &[]), hex("400600").repeat(20_000)].concat();
    let Ok(Message::Update(decoded)) = Message::decode(&message(2, &update(&[], &repeated, &hex(TARGET))), &negotiated)
    else {
        panic!("not an UPDATE");
    };
    assert_eq!((judge(&decoded), decoded.errors.len()), (Discard(6), 32));
}

#[test]
fn an_error_behind_many_discarded_attributes_still_withdraws() {
    let many = [attributes(External, &[]), hex("400600").repeat(100), hex("800403 000000")].concat();
    let Ok(Message::Update(decoded)) =
        Message::decode(&message(2, &update(&[], &many, &hex(TARGET))), &session(External))
    else {
        panic!("not an UPDATE");
    };
    assert_eq!(judge(&decoded), Withdraw(4));
}

#[test]
fn hundreds_of_unknown_attributes_are_passed_on() {
    let strangers: Vec<u8> = (129..=255).flat_map(|code| [0xc0, code, 0]).collect();
    let list = [attributes(External, &[]), strangers].concat();
    let Ok(Message::Update(decoded)) =
        Message::decode(&message(2, &update(&[], &list, &hex(TARGET))), &session(External))
    else {
        panic!("not an UPDATE");
    };
    assert_eq!(decoded.reach[0].attributes.unknown.len(), 127);
}

#[test]
fn classic_routes_are_ignored_where_ipv4_is_not_negotiated() {
    let negotiated = Negotiated { families: vec![Family::Ipv6Unicast], ..session(External) };
    let bytes = update(&hex(TARGET), &attributes(External, &[]), &hex(TARGET));
    assert_eq!(outcome(&bytes, &negotiated), Ignore);
}
