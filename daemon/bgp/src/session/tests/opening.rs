//! How a session comes up, and what keeps it from coming up.

use bgp_wire::message::Message;
use bgp_wire::notification::Reason;
use nouns::{Asn, Family};

use crate::session::{ConnId, ExpectedAs, Input, Output, SessionConfig, StateName, StopReason};
use crate::state::IdleReason;
use crate::tests_support::{Script, config, node_open, notification, octets, restarting_open};

#[test]
fn a_node_that_dials_is_established_at_once_and_our_call_is_given_up() {
    let mut script = Script::new(config());
    script.start();
    assert_eq!(script.said(), ["connect"]);
    script.accept(1);
    assert_eq!(script.said(), ["1 OPEN"]);
    script.hear(1, &Message::Open(node_open()));
    assert_eq!(script.said(), ["cancel", "1 KEEPALIVE"]);
    script.hear(1, &Message::Keepalive);
    assert_eq!(script.said(), ["up"]);
    let negotiated = script.session.negotiated().unwrap();
    assert_eq!(negotiated.families, Family::ALL);
    assert_eq!((negotiated.hold_time, negotiated.keepalive), (Some(90), Some(30)));
    assert_eq!(negotiated.hostname.as_deref(), Some("node1"));
    assert!(negotiated.internal && negotiated.codec.four_octet_as && negotiated.codec.extended_next_hop);
    assert_eq!(script.session.connection(), Some(ConnId(1)));
}

#[test]
fn an_active_session_calls_and_comes_up() {
    let mut script = Script::new(config());
    script.start().give(Input::Connected(ConnId(5)));
    script.hear(5, &Message::Open(node_open())).hear(5, &Message::Keepalive);
    assert_eq!(script.said(), ["connect", "5 OPEN", "5 KEEPALIVE", "up"]);
}

#[test]
fn a_passive_session_never_calls() {
    let mut script = Script::new(SessionConfig { passive: true, ..config() });
    script.start();
    assert_eq!((script.session.state(), script.session.deadline()), (StateName::Active, None));
    script.accept(1).hear(1, &notification(Reason::CeaseUnspecific)).at(3600);
    assert_eq!(script.session.state(), StateName::Active);
    assert!(!script.outputs().contains(&Output::Connect));
}

#[test]
fn a_peer_is_called_at_once_when_there_is_a_way_to_it() {
    let mut script = Script::new(config());
    script.start().give(Input::ConnectFailed("network is unreachable".to_owned()));
    script.outputs();
    script.give(Input::Reachable);
    assert_eq!(script.said(), ["connect"]);
    // A call that goes where the peer was not is given up.
    script.give(Input::Reachable);
    assert_eq!(script.said(), ["cancel", "connect"]);
    let mut script = Script::new(SessionConfig { passive: true, ..config() });
    script.start().give(Input::Reachable);
    assert!(!script.outputs().contains(&Output::Connect));
}

#[test]
fn a_call_that_fails_is_repeated_after_the_retry_time() {
    let mut script = Script::new(config());
    script.start().give(Input::ConnectFailed("connection refused".to_owned()));
    assert_eq!(script.session.state(), StateName::Active);
    assert_eq!(script.session.failed_call().map(|(_, why)| why), Some("connection refused"));
    script.outputs();
    let due = script.due().unwrap();
    assert!((7.5..=10.0).contains(&due), "{due}");
    script.at(10);
    assert_eq!(script.said(), ["connect"]);
}

#[test]
fn the_same_failure_is_logged_once_until_the_peer_was_there() {
    let mut script = Script::new(config());
    let logged = |script: &mut Script, seconds: u64| {
        for second in seconds..seconds + 100 {
            script.at(second).give(Input::ConnectFailed("connection refused".to_owned()));
        }
        script.outputs().iter().filter(|output| matches!(output, Output::Log(_))).count()
    };
    script.start();
    assert_eq!(logged(&mut script, 0), 1);
    script.accept(1).hear(1, &Message::Open(node_open())).hear(1, &Message::Keepalive).close(1);
    assert_eq!(logged(&mut script, 100), 1);
}

#[test]
fn a_call_that_is_never_answered_is_given_up_and_repeated() {
    let mut script = Script::new(config());
    script.start().at(10);
    assert_eq!(script.said(), ["connect", "cancel", "connect"]);
}

#[test]
fn the_rest_after_errors_grows_and_a_call_of_the_peer_ends_it() {
    let mut script = Script::new(SessionConfig { passive: true, ..config() });
    script.start();
    for longest in [1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0] {
        script.accept(1).hear(1, &notification(Reason::CeaseUnspecific));
        assert!(matches!(script.session.idle_reason(), Some(IdleReason::HoldBack(_))));
        let due = script.due().unwrap();
        assert!((longest * 0.75..=longest).contains(&due), "{due} of {longest}");
    }
    script.outputs();
    script.accept(2);
    assert_eq!(script.said(), ["2 OPEN"]);
}

#[test]
fn an_open_that_cannot_be_accepted_gets_its_code_and_an_operator_gets_words() {
    let mut wrong_as = node_open();
    wrong_as.asn = Asn(64999);
    wrong_as.capabilities.retain(|capability| capability.code() != 65);
    let mut our_id = node_open();
    our_id.router_id = config().router_id;
    for (open, code, text) in [
        (wrong_as, "OPEN Message Error/Bad Peer AS", "the neighbor is AS 64999, but remote-as expects AS 64512"),
        (
            our_id,
            "OPEN Message Error/Bad BGP Identifier",
            "the neighbor's router-id 192.168.101.1 is this router's too",
        ),
    ] {
        let mut script = Script::new(SessionConfig { passive: true, ..config() });
        script.start().accept(1).hear(1, &Message::Open(open));
        let outputs = script.outputs();
        assert!(
            outputs
                .iter()
                .any(|output| matches!(output, Output::Log(log) if log.warning && log.text.starts_with(text)))
        );
        let (_, why) = script.session.last_down().unwrap();
        assert!(why.starts_with(&format!("Notification sent: {code} (")), "{why}");
        assert_eq!(script.session.state(), StateName::Idle);
    }
}

#[test]
fn remote_as_external_takes_any_other_as() {
    let external = SessionConfig { expected_as: ExpectedAs::AnyBut(Asn(64512)), ..config() };
    let mut other = node_open();
    other.asn = Asn(4_200_000_001);
    other.capabilities.retain(|capability| capability.code() != 65);
    other.capabilities.push(bgp_wire::capability::Capability::FourOctetAs(other.asn));
    let script = Script::established(external.clone(), other);
    assert_eq!(script.session.negotiated().unwrap().remote_as, Asn(4_200_000_001));
    let mut script = Script::new(external);
    script.start().accept(1).hear(1, &Message::Open(node_open()));
    assert_eq!(script.session.state(), StateName::Idle);
}

#[test]
fn octets_that_are_no_message_get_the_code_of_their_fault() {
    let mut truncated = octets(&Message::Open(node_open()));
    truncated[16..18].copy_from_slice(&24_u16.to_be_bytes());
    let mut oversized = octets(&Message::Keepalive);
    oversized[16..18].copy_from_slice(&5000_u16.to_be_bytes());
    let mut unknown = octets(&Message::Keepalive);
    unknown[18] = 9;
    for (bytes, expected) in [
        (vec![0x47; 19], "1 Message Header Error/Connection Not Synchronized"),
        (truncated, "1 Message Header Error/Bad Message Length"),
        (oversized, "1 Message Header Error/Bad Message Length"),
        (unknown, "1 Message Header Error/Bad Message Type"),
    ] {
        for mut script in [Script::established(config(), node_open()), sent()] {
            script.outputs();
            script.give(Input::Bytes(ConnId(1), bytes.clone()));
            let said = script.said();
            assert_eq!(
                said.iter().filter(|word| *word != "down" && *word != "cancel").collect::<Vec<_>>(),
                [expected, "1 closed"]
            );
        }
    }
}

#[test]
fn a_stopped_session_refuses_a_caller_and_comes_back_when_started() {
    let mut script = Script::new(config());
    script.accept(1);
    assert_eq!(script.said(), ["1 Cease/Connection Rejected", "1 closed"]);
    script.start();
    script.give(Input::Stop(StopReason::AdministrativeShutdown("maintenance".to_owned())));
    assert_eq!(script.said(), ["connect", "cancel"]);
    script.at(1000);
    assert_eq!(script.session.idle_reason(), Some(IdleReason::Stopped));
}

#[test]
fn a_peer_that_never_sends_its_open_is_left_after_four_minutes() {
    let mut script = Script::new(SessionConfig { passive: true, ..config() });
    script.start().accept(1).at(239);
    assert_eq!(script.session.state(), StateName::OpenSent);
    script.at(240);
    assert_eq!(script.said(), ["1 OPEN", "1 Hold Timer Expired", "1 closed"]);
}

#[test]
fn end_of_rib_is_sent_for_negotiated_families_only() {
    let mut script = Script::established(config(), restarting_open(true));
    let now = script.now();
    let mut out = Vec::new();
    script.session.send_end_of_rib(now, Family::Ipv4Unicast, &mut out);
    script.session.send_end_of_rib(now, Family::Ipv6Unicast, &mut out);
    assert_eq!(out.len(), 2);
    assert_eq!(script.session.counters().sent, [1, 0, 2, 1, 0]);
    assert_eq!(script.session.counters().received, [1, 0, 0, 1, 0]);
    let mut only_ipv4 =
        Script::established(SessionConfig { families: vec![Family::Ipv4Unicast], ..config() }, restarting_open(true));
    out.clear();
    only_ipv4.session.send_end_of_rib(now, Family::Ipv6Unicast, &mut out);
    assert_eq!(out, []);
}

fn sent() -> Script {
    let mut script = Script::new(config());
    script.start().accept(1);
    script
}
