//! How sessions end: what is said, what stays, what comes next.

use std::time::Duration;

use bgp_wire::message::{Message, Open, Update};
use bgp_wire::notification::{Notification, Reason};
use nouns::Family;

use crate::session::{ConnId, Input, Kept, Output, PrefixLimit, RestartRole, SessionConfig, StateName, StopReason};
use crate::state::IdleReason;
use crate::tests_support::{Script, config, node_open, notification, octets, prefixes, restarting_open};

/// Graceful restart of the peer: none, without the N bit, with it.
const PEERS: [fn() -> Open; 3] = [node_open, || restarting_open(false), || restarting_open(true)];

#[test]
fn routes_stay_after_an_ending_as_graceful_restart_says() {
    let deconfigured = notification(Reason::PeerDeconfigured);
    let shutdown = notification(Reason::AdministrativeShutdown);
    let hard = Message::Notification(Notification::hard_reset(&Notification::new(Reason::AdministrativeShutdown)));
    let stop = |reason| Input::Stop(reason);
    let heard = |message: &Message| Input::Bytes(ConnId(1), octets(message));
    // Without graceful restart, without the N bit, with it.
    for (input, keeps) in [
        (Input::Closed(ConnId(1), None), [false, true, true]),
        (Input::Closed(ConnId(1), Some("connection reset by peer".to_owned())), [false, true, true]),
        (heard(&deconfigured), [false, false, true]),
        (heard(&shutdown), [false, false, true]),
        (heard(&hard), [false, false, false]),
        (Input::Bytes(ConnId(1), vec![0; 19]), [false, false, true]),
        (stop(StopReason::AdministrativeShutdown(String::new())), [false; 3]),
        (stop(StopReason::PeerDeconfigured), [false; 3]),
        (Input::Reset(StopReason::AdministrativeReset(String::new())), [false; 3]),
        (Input::Reset(StopReason::HardReset(String::new())), [false; 3]),
        (Input::Reset(StopReason::OtherConfigurationChange("remote-as".to_owned())), [false; 3]),
        (Input::PrefixCount(Family::Ipv4Unicast, 11), [false; 3]),
        (Input::OutOfResources("no room".to_owned()), [false; 3]),
    ] {
        for (open, keeps) in PEERS.into_iter().zip(keeps) {
            let mut limited = config();
            limited.maximum_prefix.insert(Family::Ipv4Unicast, prefixes(10));
            let mut script = Script::established(limited, open());
            let down = script.give(input.clone()).down();
            let expected = if keeps { vec![(Family::Ipv6Unicast, 120), (Family::Ipv4Unicast, 120)] } else { vec![] };
            assert_eq!((down.kept.stale, down.was_established), (expected, true), "{input:?}");
        }
    }
}

#[test]
fn routes_stay_after_the_hold_time_of_a_restarting_peer() {
    for (open, kept) in PEERS.into_iter().zip([0, 0, 2]) {
        let mut script = Script::established(config(), open());
        assert_eq!(script.at(90).down().kept.stale.len(), kept);
    }
}

#[test]
fn routes_stay_on_where_both_sides_said_so() {
    use bgp_wire::capability::Capability;
    let (v4, v6) = (Family::Ipv4Unicast, Family::Ipv6Unicast);
    let both = vec![(v4, true, 600), (v6, true, 0)];
    // Restart time of the peer, its long-lived capability, whether we take part; what stays, and what stays on.
    for (time, theirs, ours, stale, long) in [
        (120, None, true, vec![(v6, 120), (v4, 120)], vec![]),
        (120, Some(both.clone()), false, vec![(v6, 120), (v4, 120)], vec![]),
        (120, Some(both.clone()), true, vec![(v6, 120), (v4, 120)], vec![(v4, 600)]),
        (0, Some(both.clone()), true, vec![(v4, 0)], vec![(v4, 600)]),
        (0, Some(both), false, vec![], vec![]),
        (0, None, true, vec![], vec![]),
    ] {
        let mut open = restarting_open(true);
        for capability in &mut open.capabilities {
            if let Capability::GracefulRestart { time: asked, .. } = capability {
                *asked = time;
            }
        }
        open.capabilities.extend(theirs.map(Capability::LongLivedGracefulRestart));
        let config = SessionConfig { long_lived: ours.then_some(60), ..config() };
        let mut script = Script::established(config.clone(), open.clone());
        assert_eq!(script.close(1).down().kept, Kept { stale, long_lived: long });
        let hard = Message::Notification(Notification::hard_reset(&Notification::new(Reason::AdministrativeShutdown)));
        let mut script = Script::established(config, open);
        assert_eq!(script.hear(1, &hard).down().kept, Kept::default());
    }
}

#[test]
fn nothing_stays_when_graceful_restart_is_off_here() {
    let off = SessionConfig { graceful_restart: RestartRole::Disabled, ..config() };
    let mut script = Script::established(off, restarting_open(true));
    assert_eq!(script.close(1).down().kept, Kept::default());
}

#[test]
fn each_stop_tells_the_peer_why() {
    let text = || "back at 10:00".to_owned();
    for (reason, plain, spared) in [
        (
            StopReason::AdministrativeShutdown(text()),
            "Cease/Administrative Shutdown \"back at 10:00\"",
            "Cease/Hard Reset (Cease/Administrative Shutdown) \"back at 10:00\"",
        ),
        (StopReason::AdministrativeReset(String::new()), "Cease/Administrative Reset", "Cease/Administrative Reset"),
        (
            StopReason::HardReset(String::new()),
            "Cease/Administrative Reset",
            "Cease/Hard Reset (Cease/Administrative Reset)",
        ),
        (StopReason::PeerDeconfigured, "Cease/Peer De-configured", "Cease/Hard Reset (Cease/Peer De-configured)"),
        (
            StopReason::OtherConfigurationChange("remote-as".to_owned()),
            "Cease/Other Configuration Change",
            "Cease/Other Configuration Change",
        ),
    ] {
        for (open, words) in [(node_open(), plain), (restarting_open(true), spared)] {
            let mut script = Script::established(config(), open);
            script.give(Input::Stop(reason.clone()));
            assert_eq!(script.said(), [format!("1 {words}"), "1 closed".to_owned(), "down".to_owned()]);
        }
    }
    let mut script = Script::established(config(), restarting_open(true));
    script.give(Input::Stop(StopReason::Restarting));
    assert_eq!(script.said(), ["1 closed", "down"], "a restart must not look like an ending");
}

#[test]
fn too_many_prefixes_end_the_session_until_it_is_cleared_or_the_limit_changes() {
    let mut limited = config();
    limited.maximum_prefix.insert(Family::Ipv4Unicast, prefixes(10));
    let mut script = Script::established(limited.clone(), node_open());
    script.give(Input::PrefixCount(Family::Ipv4Unicast, 10)).give(Input::PrefixCount(Family::Ipv6Unicast, 99));
    assert_eq!(script.session.state(), StateName::Established);
    script.give(Input::PrefixCount(Family::Ipv4Unicast, 11));
    let outputs = script.outputs();
    let expected = Notification::with_data(Reason::MaximumPrefixes, vec![0, 1, 1, 0, 0, 0, 10]);
    assert!(outputs.contains(&Output::Send(ConnId(1), octets(&Message::Notification(expected)).into())));
    script.at(10_000).start();
    assert_eq!(script.session.idle_reason(), Some(IdleReason::PrefixLimit(Family::Ipv4Unicast, None)));
    script.accept(2);
    assert_eq!(script.said(), ["2 Cease/Connection Rejected", "2 closed"]);
    limited.maximum_prefix.insert(Family::Ipv4Unicast, prefixes(20));
    let (now, mut out) = (script.now(), Vec::new());
    script.session.reconfigure(now, limited, &mut out);
    assert_eq!(script.session.state(), StateName::Connect);
}

#[test]
fn the_threshold_is_told_once_and_again_when_the_count_has_fallen_well_below_it() {
    let mut limited = config();
    limited.maximum_prefix.insert(Family::Ipv4Unicast, PrefixLimit { threshold: 50, ..prefixes(100) });
    let mut script = Script::established(limited, node_open());
    let rows = [(50, false), (51, true), (60, false), (50, false), (51, false), (40, false), (51, true), (100, false)];
    for (count, told) in rows {
        let minds = script.session.minds_count(Family::Ipv4Unicast, count);
        script.give(Input::PrefixCount(Family::Ipv4Unicast, count));
        let outputs = script.outputs();
        let warns = outputs.iter().any(|output| matches!(output, Output::Log(log) if log.warning));
        assert_eq!(warns, told, "{count}: {outputs:?}");
        assert!(minds || !told, "{count}");
    }
    assert_eq!(script.session.state(), StateName::Established);
}

#[test]
fn more_prefixes_than_the_limit_end_nothing_where_they_are_only_told() {
    let mut limited = config();
    limited.maximum_prefix.insert(Family::Ipv4Unicast, PrefixLimit { warning_only: true, ..prefixes(10) });
    let mut script = Script::established(limited.clone(), node_open());
    script.give(Input::PrefixCount(Family::Ipv4Unicast, 11));
    assert_eq!(script.session.state(), StateName::Established);
    assert!(!script.session.minds_count(Family::Ipv4Unicast, 12), "once is enough");
    limited.maximum_prefix.insert(Family::Ipv4Unicast, prefixes(10));
    let (now, mut out) = (script.now(), Vec::new());
    script.session.reconfigure(now, limited, &mut out);
    assert!(script.session.minds_count(Family::Ipv4Unicast, 12), "now it ends the session");
    script.give(Input::PrefixCount(Family::Ipv4Unicast, 12));
    assert_eq!(script.session.state(), StateName::Idle);
}

#[test]
fn a_session_that_was_ended_for_its_prefixes_is_tried_again_after_some_minutes() {
    let mut limited = config();
    limited.maximum_prefix.insert(Family::Ipv4Unicast, PrefixLimit { restart: Some(2), ..prefixes(10) });
    let mut script = Script::established(limited, node_open());
    script.give(Input::PrefixCount(Family::Ipv4Unicast, 11));
    let ended = script.now();
    assert_eq!(script.session.deadline(), Some(ended + Duration::from_secs(120)));
    script.at(119).give(Input::Tick);
    assert_eq!(script.session.state(), StateName::Idle);
    script.at(121).give(Input::Tick);
    assert_eq!(script.session.state(), StateName::Connect);
}

#[test]
fn a_session_that_the_router_has_no_room_for_rests_longer_each_time() {
    let mut script = Script::established(config(), node_open());
    let (mut conn, mut time) = (1, 0);
    for (nearly, over) in [(44, 61), (89, 121), (179, 241), (359, 481), (719, 961), (719, 961)] {
        script.give(Input::OutOfResources("the limit of 10 paths is reached".to_owned()));
        let said = [format!("{conn} Cease/Out of Resources"), format!("{conn} closed"), "down".to_owned()];
        assert_eq!(script.said(), said);
        assert!(matches!(script.session.idle_reason(), Some(IdleReason::OutOfResources(_))));
        assert_eq!(script.session.last_down().unwrap().1, "the limit of 10 paths is reached");
        script.at(time + nearly).accept(conn + 1);
        assert_eq!(script.said(), [format!("{} Cease/Out of Resources", conn + 1), format!("{} closed", conn + 1)]);
        (conn, time) = (conn + 2, time + over);
        script.at(time).accept(conn).hear(conn, &Message::Open(node_open())).hear(conn, &Message::Keepalive);
        assert_eq!(script.session.state(), StateName::Established, "after {over} seconds");
        script.outputs();
    }
    // A person ends the rest.
    script.give(Input::OutOfResources("no room".to_owned()));
    script.give(Input::Reset(StopReason::AdministrativeReset(String::new())));
    assert_eq!(script.session.state(), StateName::Connect);
}

#[test]
fn a_reset_comes_back_by_itself() {
    let mut script = Script::established(config(), node_open());
    script.give(Input::Reset(StopReason::AdministrativeReset(String::new()))).at(1);
    assert_eq!(script.said(), ["1 Cease/Administrative Reset", "1 closed", "down", "connect"]);
}

#[test]
fn a_new_configuration_resets_only_where_it_must() {
    let mut script = Script::established(config(), node_open());
    let (now, mut out) = (script.now(), Vec::new());
    let kept = SessionConfig { connect_retry: 99, passive: true, ..config() };
    script.session.reconfigure(now, kept.clone(), &mut out);
    assert_eq!((script.session.state(), out.len()), (StateName::Established, 0));
    script.session.reconfigure(now, SessionConfig { hold_time: 9, ..kept }, &mut out);
    assert_eq!(script.session.state(), StateName::Idle);
    assert_eq!(script.session.last_down().unwrap().1, "Configuration changed (timers holdtime)");
}

#[test]
fn a_session_that_becomes_passive_stops_calling() {
    let mut script = Script::new(config());
    script.start();
    let (now, mut out) = (script.now(), Vec::new());
    script.session.reconfigure(now, SessionConfig { passive: true, ..config() }, &mut out);
    assert!(out.contains(&Output::CancelConnect));
    script.at(60);
    assert_eq!(script.session.state(), StateName::Active);
    assert_eq!(script.said(), ["connect"]);
}

#[test]
fn an_unexpected_message_is_an_error_of_its_state() {
    let update = Message::Update(Update { end_of_rib: Some(Family::Ipv4Unicast), ..Update::default() });
    let open = Message::Open(node_open());
    let mut sent = Script::new(config());
    sent.start().accept(1);
    let mut confirm = Script::new(config());
    confirm.start().accept(1).hear(1, &open);
    let up = Script::established(config(), node_open());
    for (mut script, message, state) in
        [(sent, &update, "OpenSent"), (confirm, &update, "OpenConfirm"), (up, &open, "Established")]
    {
        script.outputs();
        script.hear(1, message);
        let expected = format!("1 Finite State Machine Error/Receive Unexpected Message in {state} State");
        assert_eq!(script.said().first(), Some(&expected));
    }
}

#[test]
fn a_refresh_goes_both_ways_for_negotiated_families() {
    use bgp_wire::message::RouteRefresh;
    let mut script = Script::established(config(), node_open());
    script.give(Input::RequestRefresh(Family::Ipv6Unicast));
    assert_eq!(script.said(), ["1 ROUTE-REFRESH"]);
    script.hear(1, &Message::RouteRefresh(RouteRefresh::new(Some(Family::Ipv4Unicast), 0)));
    assert_eq!(script.outputs(), [Output::RefreshRequested(Family::Ipv4Unicast)]);
    let mut script =
        Script::established(SessionConfig { families: vec![Family::Ipv4Unicast], ..config() }, node_open());
    script.hear(1, &Message::RouteRefresh(RouteRefresh::new(Some(Family::Ipv6Unicast), 0)));
    script.give(Input::RequestRefresh(Family::Ipv6Unicast));
    assert_eq!(script.outputs(), []);
}

#[test]
fn the_marks_of_a_refresh_go_both_ways_where_both_sides_know_them() {
    use bgp_wire::message::RouteRefresh;
    let [v4, v6] = Family::ALL;
    let mark = |family, subtype| Message::RouteRefresh(RouteRefresh::new(Some(family), subtype));
    let mut open = node_open();
    for enhanced in [false, true] {
        let mut script = Script::established(config(), open.clone());
        for (family, subtype) in [(v4, 1), (v6, 2), (v4, 9)] {
            script.hear(1, &mark(family, subtype));
        }
        let heard = if enhanced { vec![Output::RefreshBegins(v4), Output::RefreshEnds(v6)] } else { Vec::new() };
        assert_eq!(script.outputs(), heard);
        let (now, mut out) = (script.now(), Vec::new());
        script.session.mark_refresh(now, v6, true, &mut out);
        script.session.mark_refresh(now, v6, false, &mut out);
        let said = [1, 2].map(|subtype| Output::Send(ConnId(1), octets(&mark(v6, subtype)).into()));
        assert_eq!(out, if enhanced { said.to_vec() } else { Vec::new() });
        open.capabilities.push(bgp_wire::capability::Capability::EnhancedRouteRefresh);
    }
}

#[test]
fn a_stable_session_lets_the_rest_begin_anew() {
    let mut script = Script::new(SessionConfig { passive: true, ..config() });
    script.start();
    for _ in 0..5 {
        script.accept(1).hear(1, &notification(Reason::CeaseUnspecific));
    }
    script.accept(2).hear(2, &Message::Open(node_open())).hear(2, &Message::Keepalive);
    script.at(70).close(2);
    assert!(script.due().unwrap() <= 1.0);
}

#[test]
fn the_last_words_of_a_session_are_remembered_with_whose_they_are() {
    let shutdown = Notification::with_text(Reason::AdministrativeShutdown, "moved");
    let heard = |message: Message| Input::Bytes(ConnId(1), octets(&message));
    for (input, expect) in [
        (heard(Message::Notification(shutdown)), Some((false, "Cease/Administrative Shutdown", Some("moved")))),
        (
            Input::Reset(StopReason::AdministrativeReset("back soon".to_owned())),
            Some((true, "Cease/Administrative Reset", Some("back soon"))),
        ),
        (Input::Bytes(ConnId(1), vec![0; 19]), Some((true, "Message Header Error/Connection Not Synchronized", None))),
        (Input::Closed(ConnId(1), None), None),
        (Input::Stop(StopReason::Restarting), None),
    ] {
        let mut script = Script::established(config(), node_open());
        assert_eq!(script.session.opens().map(|(_, theirs)| theirs), Some(&*octets(&Message::Open(node_open()))));
        script.give(input.clone()).down();
        let told = script.session.last_farewell();
        let told = told.map(|told| (told.sent, told.notification.name(), told.notification.text()));
        let told = told.as_ref().map(|(sent, name, text)| (*sent, name.as_str(), text.as_deref()));
        assert_eq!(told, expect, "{input:?}");
        assert_eq!(script.session.opens(), None);
    }
}

#[test]
fn what_a_peer_announces_and_takes_back_is_counted_with_what_was_wrong() {
    let mut script = Script::established(config(), node_open());
    // ORIGIN with a value that there is none of: the route is treated as withdrawn.
    let bad = [&[0, 0, 0, 21, 64, 1, 1, 9, 64, 2, 0, 64, 3, 4, 192, 0, 2, 2, 64, 5, 4, 0, 0, 0][..], &[100, 8, 10]];
    let header = |length: u8| [&[0xff; 16], &[0, length, 2][..]].concat();
    let body = bad.concat();
    let length = u8::try_from(19 + body.len()).unwrap();
    script.give(Input::Bytes(ConnId(1), [header(length), body].concat()));
    let counters = script.session.counters();
    assert_eq!(
        (counters.malformed_updates, counters.fatal_updates, counters.announced, counters.withdrawn),
        (1, 0, 0, 1),
        "{counters:?}"
    );
    // A prefix that is longer than an address costs the session.
    script.give(Input::Bytes(ConnId(1), [header(28), vec![0, 5, 33, 1, 2, 3, 4, 0, 0]].concat()));
    assert_eq!(script.session.counters().fatal_updates, 1);
}
