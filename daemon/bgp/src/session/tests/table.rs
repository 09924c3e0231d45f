//! The transition table, whole: every state, every kind of input.

use std::collections::BTreeSet;

use bgp_wire::message::{Message, RouteRefresh, Update};
use bgp_wire::notification::Reason;
use nouns::{Asn, Family};

use crate::session::{ConnId, Input, StateName, StopReason};
use crate::tests_support::{Script, config, node_open, notification, octets, prefixes, restarting_open};

const INPUTS: [&str; 22] = [
    "start",
    "stop",
    "reset",
    "connected",
    "failed",
    "accepted",
    "open",
    "wrong-as",
    "keepalive",
    "update",
    "notification",
    "refresh",
    "bad-marker",
    "closed",
    "other-closed",
    "queue",
    "tick",
    "count",
    "ask-refresh",
    "no-room",
    "decoded",
    "reachable",
];

/// Idle, Connect, Active, Sent, Confirm, Up: where each input leads. Columns as `INPUTS`.
const TABLE: [(&str, &str); 11] = [
    ("stopped", "C I I I I I I I I I I I I I I I I I I I I I"),
    ("held-back", "I I C I I S I I I I I I I I I I I I I I I I"),
    ("limit", "I I C I I I I I I I I I I I I I I I I I I I"),
    ("shortage", "I I C I I I I I I I I I I I I I I I I I I I"),
    ("connect", "C I I S A S C C C C C C C C C C C C C C C C"),
    ("active", "A I I A A S A A A A A A A A A A A A A A A C"),
    ("open-sent", "S I I S S S O I I I I I I A S S S S S S S S"),
    ("sent+call", "S I I S S S O I I I I I I C S S S S S S S S"),
    ("confirm", "O I I O O S I I U I I I I I O O O O O O O O"),
    ("established", "U I I U U U I I U U I U I I U U U I U I U U"),
    ("with-gr", "U I I U U S I I U U I U I I U U U I U I U U"),
];

#[test]
fn every_input_in_every_state_leads_where_the_table_says() {
    for (from, row) in TABLE {
        let expected: Vec<&str> = row.split(' ').collect();
        assert_eq!(expected.len(), INPUTS.len(), "{from}");
        for (name, letter) in INPUTS.into_iter().zip(expected) {
            let mut script = begin(from);
            script.give(input(name));
            let reached = script.session.state();
            assert_eq!(reached, state(letter), "{name} in {from}");
            assert!(script.session.deadline().is_none_or(|due| due > script.now()), "{name} in {from} is overdue");
        }
    }
}

#[test]
fn every_state_is_in_the_table() {
    let mut begun: Vec<StateName> = TABLE.iter().map(|(from, _)| begin(from).session.state()).collect();
    begun.dedup();
    assert_eq!(
        begun,
        [
            StateName::Idle,
            StateName::Connect,
            StateName::Active,
            StateName::OpenSent,
            StateName::OpenConfirm,
            StateName::Established
        ]
    );
}

#[test]
fn every_kind_of_input_is_in_the_table() {
    let kinds: BTreeSet<usize> = INPUTS.into_iter().map(|name| kind(&input(name))).collect();
    assert_eq!(kinds, (0..15).collect());
}

/// Exhaustive: a new kind of input has to be named here, and then in the table.
fn kind(input: &Input) -> usize {
    match input {
        Input::Start => 0,
        Input::Stop(_) => 1,
        Input::Reset(_) => 2,
        Input::Connected(_) => 3,
        Input::ConnectFailed(_) => 4,
        Input::Accepted(_) => 5,
        Input::Bytes(..) => 6,
        Input::Messages(..) => 7,
        Input::Closed(..) => 8,
        Input::SendQueue(..) => 9,
        Input::Tick => 10,
        Input::PrefixCount(..) => 11,
        Input::OutOfResources(_) => 12,
        Input::RequestRefresh(_) => 13,
        Input::Reachable => 14,
    }
}

fn begin(from: &str) -> Script {
    let mut limited = config();
    limited.maximum_prefix.insert(Family::Ipv4Unicast, prefixes(10));
    if from == "established" {
        return Script::established(limited, node_open());
    }
    if from == "with-gr" {
        return Script::established(limited, restarting_open(true));
    }
    let mut script = Script::new(limited);
    let failed = || Input::ConnectFailed("refused".to_owned());
    let open = Message::Open(node_open());
    match from {
        "stopped" => {}
        "held-back" => drop(script.start().accept(1).hear(1, &notification(Reason::CeaseUnspecific))),
        "limit" => {
            script.start().accept(1).hear(1, &open).hear(1, &Message::Keepalive);
            script.give(Input::PrefixCount(Family::Ipv4Unicast, 11));
        }
        "shortage" => {
            script.start().accept(1).hear(1, &open).hear(1, &Message::Keepalive);
            script.give(Input::OutOfResources("no room".to_owned()));
        }
        "connect" => drop(script.start()),
        "active" => drop(script.start().give(failed())),
        "open-sent" => drop(script.start().give(failed()).accept(1)),
        "sent+call" => drop(script.start().accept(1)),
        "confirm" => drop(script.start().accept(1).hear(1, &open)),
        other => panic!("no such state: {other}"),
    }
    script
}

fn input(name: &str) -> Input {
    let conn = ConnId(1);
    let message = |message: Message| Input::Bytes(conn, octets(&message));
    match name {
        "start" => Input::Start,
        "stop" => Input::Stop(StopReason::AdministrativeShutdown(String::new())),
        "reset" => Input::Reset(StopReason::AdministrativeReset(String::new())),
        "connected" => Input::Connected(ConnId(2)),
        "failed" => Input::ConnectFailed("refused".to_owned()),
        "accepted" => Input::Accepted(ConnId(2)),
        "open" => message(Message::Open(node_open())),
        "wrong-as" => {
            let mut open = node_open();
            open.asn = Asn(7);
            open.capabilities.clear();
            message(Message::Open(open))
        }
        "keepalive" => message(Message::Keepalive),
        // An empty UPDATE is an End-of-RIB.
        "update" => message(Message::Update(Update { end_of_rib: Some(Family::Ipv4Unicast), ..Update::default() })),
        "notification" => message(notification(Reason::CeaseUnspecific)),
        "refresh" => message(Message::RouteRefresh(RouteRefresh::new(Some(Family::Ipv4Unicast), 0))),
        "bad-marker" => Input::Bytes(conn, vec![0; 19]),
        "closed" => Input::Closed(conn, None),
        "other-closed" => Input::Closed(ConnId(9), None),
        "queue" => Input::SendQueue(conn, 4096),
        "tick" => Input::Tick,
        "count" => Input::PrefixCount(Family::Ipv4Unicast, 11),
        "no-room" => Input::OutOfResources("no room".to_owned()),
        "decoded" => Input::Messages(conn, vec![Ok(Message::Keepalive)]),
        "reachable" => Input::Reachable,
        "ask-refresh" => Input::RequestRefresh(Family::Ipv4Unicast),
        other => panic!("no such input: {other}"),
    }
}

fn state(letter: &str) -> StateName {
    match letter {
        "I" => StateName::Idle,
        "C" => StateName::Connect,
        "A" => StateName::Active,
        "S" => StateName::OpenSent,
        "O" => StateName::OpenConfirm,
        "U" => StateName::Established,
        other => panic!("no such state: {other}"),
    }
}
