//! Two connections to one peer.

use bgp_wire::message::{Message, Open};
use bgp_wire::notification::Reason;

use crate::session::{ConnId, Input, StateName};
use crate::tests_support::{Script, config, node_open, notification, restarting_open};

/// 1 is the peer's connection, 2 is ours; both OPENs are sent.
fn both() -> Script {
    let mut script = Script::new(config());
    script.start().accept(1).give(Input::Connected(ConnId(2)));
    assert_eq!(script.said(), ["connect", "1 OPEN", "2 OPEN"]);
    script
}

fn with_id(last: u8) -> Message {
    Message::Open(Open { router_id: [192, 168, 101, last].into(), ..node_open() })
}

#[test]
fn the_connection_of_the_higher_identifier_survives_whichever_open_comes_first() {
    for (peer, first, second, survivor, loser) in
        [(201, 1, 2, 1, 2), (201, 2, 1, 1, 2), (0, 1, 2, 2, 1), (0, 2, 1, 2, 1)]
    {
        let mut script = both();
        script.hear(first, &with_id(peer));
        assert_eq!(script.said(), [format!("{first} KEEPALIVE")]);
        script.hear(second, &with_id(peer));
        let said = script.said();
        assert!(said.contains(&format!("{loser} Cease/Connection Collision Resolution")), "{said:?}");
        assert!(said.contains(&format!("{loser} closed")), "{said:?}");
        script.close(loser).hear(survivor, &Message::Keepalive);
        assert_eq!(script.session.connection(), Some(ConnId(survivor)), "peer {peer}, first {first}");
    }
}

#[test]
fn when_one_connection_fails_the_other_goes_on() {
    for (conn, other) in [(1, 2), (2, 1)] {
        let mut script = both();
        script.close(conn).hear(other, &with_id(201)).hear(other, &Message::Keepalive);
        assert_eq!(script.session.connection(), Some(ConnId(other)));
        let mut script = both();
        script.hear(conn, &notification(Reason::ConnectionCollision));
        script.hear(other, &with_id(201)).hear(other, &Message::Keepalive);
        assert_eq!(script.session.connection(), Some(ConnId(other)));
        let mut script = both();
        script.hear(conn, &with_id(201)).close(conn);
        assert_eq!(script.session.state(), StateName::OpenSent);
        script.hear(other, &with_id(201)).hear(other, &Message::Keepalive);
        assert_eq!(script.session.connection(), Some(ConnId(other)));
    }
}

#[test]
fn a_second_call_of_the_peer_replaces_its_first() {
    let mut script = Script::new(config());
    script.start().accept(1).accept(2);
    assert_eq!(script.said(), ["connect", "1 OPEN", "2 OPEN", "1 closed"]);
    script.hear(2, &Message::Open(node_open())).accept(3);
    assert_eq!(script.session.state(), StateName::OpenSent);
    script.hear(3, &Message::Open(node_open())).hear(3, &Message::Keepalive);
    assert_eq!(script.session.connection(), Some(ConnId(3)));
}

#[test]
fn a_living_session_without_graceful_restart_outlasts_a_newcomer() {
    let mut script = Script::established(config(), node_open());
    script.at(10).accept(2);
    assert_eq!(script.said(), ["2 OPEN", "1 KEEPALIVE"], "the old connection is probed");
    script.hear(2, &Message::Open(node_open())).at(11);
    assert_eq!(script.said(), ["2 Cease/Connection Collision Resolution", "2 closed"]);
    assert_eq!(script.session.connection(), Some(ConnId(1)));
}

#[test]
fn a_rebooted_peer_is_back_as_soon_as_its_host_denies_the_old_connection() {
    let mut script = Script::established(config(), node_open());
    script.at(10).accept(2).hear(2, &Message::Open(node_open()));
    script.outputs();
    script.give(Input::Closed(ConnId(1), Some("connection reset by peer".to_owned())));
    assert_eq!(script.said(), ["down", "2 KEEPALIVE"]);
    script.hear(2, &Message::Keepalive);
    assert_eq!(script.session.connection(), Some(ConnId(2)));
}

#[test]
fn with_graceful_restart_the_new_connection_wins_and_routes_stay() {
    let mut script = Script::established(config(), restarting_open(true));
    script.at(10).accept(2);
    let outputs = script.outputs();
    script.hear(2, &Message::Open(restarting_open(true))).hear(2, &Message::Keepalive);
    assert_eq!(script.session.connection(), Some(ConnId(2)));
    assert!(outputs.iter().any(|output| matches!(
        output,
        crate::session::Output::Down(down) if down.reason == "Peer restarted" && down.kept.stale.len() == 2
    )));
    assert!(!outputs.iter().any(|output| matches!(output, crate::session::Output::Send(ConnId(1), _))));
}
