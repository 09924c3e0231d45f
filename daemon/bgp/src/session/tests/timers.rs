//! Keepalives, hold time, send hold time.

use bgp_wire::message::{Message, Open};

use crate::session::{ConnId, Input, SessionConfig, StateName};
use crate::tests_support::{Script, config, node_open, restarting_open};

#[test]
fn keepalives_are_sent_at_least_every_thirty_seconds() {
    let mut script = Script::established(config(), node_open());
    let mut sent = 0;
    for second in 1..=300 {
        script.at(second);
        if second % 60 == 0 {
            script.hear(1, &Message::Keepalive);
        }
        sent += script.said().iter().filter(|word| *word == "1 KEEPALIVE").count();
        assert!(script.due().unwrap() <= 30.0);
    }
    assert!((10..=14).contains(&sent), "{sent}");
}

#[test]
fn updates_sent_put_the_next_keepalive_off() {
    let mut script = Script::established(config(), node_open());
    for second in (10..80).step_by(10) {
        script.at(second);
        let now = script.now();
        let mut out = Vec::new();
        script.session.send_updates(now, vec![0xff; 23].into(), 1, &mut out);
        assert_eq!(out.len(), 1);
    }
    assert_eq!(script.said(), [""; 0]);
}

#[test]
fn a_silent_peer_is_down_when_the_hold_time_ends_and_not_before() {
    let mut script = Script::established(config(), node_open());
    script.at(89);
    assert_eq!(script.session.state(), StateName::Established);
    script.at(90);
    assert_eq!(script.down().reason, "Hold timer expired");
}

#[test]
fn any_octet_of_the_peer_counts_as_life() {
    let mut script = Script::established(config(), node_open());
    script.at(80).give(Input::Bytes(ConnId(1), vec![0xff]));
    script.at(169);
    assert_eq!(script.session.state(), StateName::Established);
    script.at(170);
    assert_eq!(script.session.state(), StateName::Idle);
    assert_eq!(script.session.last_down().unwrap().1, "Hold timer expired");
}

#[test]
fn the_lower_hold_time_of_both_is_used_and_keepalives_follow() {
    for (ours, theirs, hold, keepalive) in [
        (90, 9, Some(9), Some(3)),
        (9, 90, Some(9), Some(3)),
        (3, 3, Some(3), Some(1)),
        (0, 90, None, None),
        (90, 0, None, None),
        (180, 240, Some(180), Some(30)),
    ] {
        let script = Script::established(
            SessionConfig { hold_time: ours, ..config() },
            Open { hold_time: theirs, ..node_open() },
        );
        let negotiated = script.session.negotiated().unwrap();
        assert_eq!((negotiated.hold_time, negotiated.keepalive), (hold, keepalive), "{ours} {theirs}");
    }
}

#[test]
fn another_keepalive_interval_counts_at_once_and_for_the_session_that_there_is() {
    for (seconds, expected) in [(5, 5), (1, 1), (29, 29), (300, 30)] {
        let mut script = Script::established(config(), node_open());
        script.at(2);
        let (now, mut out) = (script.now(), Vec::new());
        script.session.reconfigure(now, SessionConfig { keepalive: seconds, ..config() }, &mut out);
        assert!(out.is_empty() && script.session.state() == StateName::Established, "{out:?}");
        assert_eq!(script.session.negotiated().unwrap().keepalive, Some(expected));
        // Jitter may take a quarter of it.
        let due = script.due().unwrap();
        assert!(due > f64::from(expected) * 0.7 - 2.1 && due <= f64::from(expected), "{seconds}: {due}");
    }
}

#[test]
fn with_a_hold_time_of_zero_nothing_is_sent_and_nothing_expires() {
    let mut script = Script::established(SessionConfig { hold_time: 0, ..config() }, node_open());
    assert_eq!(script.session.deadline(), None);
    script.at(100_000);
    assert_eq!((script.session.state(), script.said()), (StateName::Established, Vec::new()));
}

#[test]
fn a_peer_that_does_not_read_is_left_after_the_send_hold_time() {
    let mut script = alive(Script::established(config(), restarting_open(true)), 0, 100);
    script.give(Input::SendQueue(ConnId(1), 5000));
    let mut script = alive(script, 100, 579);
    script.give(Input::SendQueue(ConnId(1), 6000));
    assert_eq!(script.session.state(), StateName::Established);
    script.outputs();
    script.at(580);
    let down = script.down();
    assert_eq!(down.reason, "Send hold timer expired");
    assert_eq!(down.kept.stale.len(), 2);
}

#[test]
fn a_peer_that_reads_slowly_is_kept() {
    let mut script = Script::established(config(), node_open());
    for step in 0..20_u64 {
        script.give(Input::SendQueue(ConnId(1), 100_000 - usize::try_from(step).unwrap()));
        script = alive(script, step * 100, step * 100 + 99);
    }
    script.give(Input::SendQueue(ConnId(1), 0));
    let script = alive(script, 2000, 4000);
    assert_eq!(script.session.state(), StateName::Established);
}

/// The peer keeps talking.
fn alive(mut script: Script, from: u64, until: u64) -> Script {
    for second in (from..=until).step_by(20) {
        script.at(second).hear(1, &Message::Keepalive);
    }
    script.at(until);
    script
}
