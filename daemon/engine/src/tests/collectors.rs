//! What a collector is told by BMP: from its first word on, while things happen, and when it does not listen.

use bgp_wire::bmp::{DownReason, Message as Told, View, decode, frame};
use bgp_wire::message::Message;

use api::Text;

use super::policies::{LISTENER, SPEAKER, Stage, prefixes};
use super::*;

const LINES: &str = "set protocols bgp 64512 parameters ebgp-requires-policy disable
set protocols bgp 64512 bmp target lab address 192.0.2.9
set protocols bgp 64512 bmp target lab monitor ipv4-unicast pre-policy
set protocols bgp 64512 bmp target lab monitor ipv4-unicast post-policy
set protocols bgp 64512 bmp target lab monitor ipv4-unicast adj-rib-out
set protocols bgp 64512 bmp target lab monitor ipv4-unicast loc-rib
set policy prefix-list NOT-ONE rule 5 action deny
set policy prefix-list NOT-ONE rule 5 prefix 10.0.1.0/24
set policy prefix-list NOT-ONE rule 9 action permit
set policy prefix-list NOT-ONE rule 9 prefix 0.0.0.0/0
set policy prefix-list NOT-ONE rule 9 le 32";

/// The far end of a connection to 192.0.2.9.
#[derive(Default)]
struct Lab {
    conn: Option<ConnId>,
    octets: Vec<u8>,
    calls: usize,
    closed: bool,
}

impl Lab {
    /// Takes what goes to it out of what the stage wrote down.
    fn watch(&mut self, stage: &mut Stage) {
        for effect in std::mem::take(&mut stage.others) {
            match effect {
                Effect::Connect(conn, target) if target.remote.port() == 5000 => {
                    (self.conn, self.closed) = (Some(conn), false);
                    self.calls += 1;
                }
                Effect::Send(conn, octets) if Some(conn) == self.conn => self.octets.extend_from_slice(&octets),
                Effect::Close(conn) if Some(conn) == self.conn => self.closed = true,
                _ => {}
            }
        }
    }

    fn answer(&mut self, stage: &mut Stage) {
        self.watch(stage);
        let local = SocketAddr::new(ADDRESSES[0].parse().unwrap(), 40_001);
        stage.take(Event::Connected(self.conn.unwrap(), local));
    }

    /// All that it was told since it was asked last, a line for each message.
    fn heard(&mut self, stage: &mut Stage) -> Vec<String> {
        while stage.engine.collectors.is_unsettled() {
            stage.take(Event::Tick);
        }
        self.watch(stage);
        let mut lines = Vec::new();
        while let Some(length) = frame(&self.octets).unwrap() {
            let message: Vec<u8> = self.octets.drain(..length).collect();
            lines.push(line(&decode(&message).unwrap()));
        }
        lines
    }
}

fn line(told: &Told) -> String {
    match told {
        Told::Initiation(words) => {
            let words: Vec<&str> = words.iter().map(|word| word.text.as_str()).collect();
            format!("here is {}", words.join(", "))
        }
        Told::Termination(reason, _) => format!("{reason:?}"),
        Told::PeerUp(up) => {
            let open = |octets: &[u8]| match Message::decode(octets, &bgp_wire::Negotiated::default()) {
                Ok(Message::Open(open)) => open.asn.to_string(),
                other => panic!("{other:?}"),
            };
            let (ours, theirs) = (open(&up.sent_open), open(&up.received_open));
            format!("up {} AS {theirs} with {} AS {ours}", up.peer.address, up.local)
        }
        Told::PeerDown { peer, reason } => {
            let reason = match reason {
                DownReason::LocalNotification(_) => "ours",
                DownReason::RemoteNotification(_) => "theirs",
                DownReason::Remote => "silent",
                other => panic!("{other:?}"),
            };
            format!("down {} {reason}", peer.address)
        }
        Told::Statistics { peer, values } => format!("{} numbers of {}", values.len(), peer.address),
        Told::RouteMonitoring { peer, update } => {
            let codec = bgp_wire::Negotiated {
                four_octet_as: true,
                internal: true,
                families: Family::ALL.to_vec(),
                ..Default::default()
            };
            let Ok(Message::Update(update)) = Message::decode(update, &codec) else { panic!("{update:?}") };
            let view = match peer.view {
                View::PrePolicy => "pre",
                View::PostPolicy => "post",
                View::AdjRibOut => "out",
                View::LocRib { .. } => "loc",
                View::AdjRibOutPrePolicy => panic!(),
            };
            let came = update.reach.iter().flat_map(|reach| &reach.nlri).map(|nlri| format!(" +{}", nlri.prefix));
            let gone = update.unreach.iter().flat_map(|gone| &gone.nlri).map(|nlri| format!(" -{}", nlri.prefix));
            let end = update.end_of_rib.map(|_| " end".to_owned());
            format!("{view} {}{}", peer.address, came.chain(gone).chain(end).collect::<String>())
        }
    }
}

#[test]
fn a_collector_hears_who_is_there_then_the_tables_then_what_happens() {
    let mut stage = Stage::new(LINES);
    stage.announces(prefixes(2), 1);
    stage.rest();
    let mut lab = Lab::default();
    lab.answer(&mut stage);
    let mut first = lab.heard(&mut stage);
    assert!(first[0].starts_with("here is Towpath"), "{first:?}");
    first.remove(0);
    assert_eq!(
        first,
        [
            "up 192.0.2.2 AS 65002 with 192.0.2.1 AS 64512",
            "up 192.0.2.3 AS 65003 with 192.0.2.1 AS 64512",
            "up 0.0.0.0 AS 64512 with 0.0.0.0 AS 64512",
            "loc 0.0.0.0 +10.0.0.0/24 +10.0.1.0/24",
            "pre 192.0.2.2 +10.0.0.0/24 +10.0.1.0/24",
            "post 192.0.2.2 +10.0.0.0/24 +10.0.1.0/24",
            "out 192.0.2.3 +10.0.0.0/24 +10.0.1.0/24",
            "pre 192.0.2.2 end",
            "pre 192.0.2.3 end",
            "post 192.0.2.2 end",
            "post 192.0.2.3 end",
            "out 192.0.2.2 end",
            "out 192.0.2.3 end",
            "loc 0.0.0.0 end",
        ]
    );
    stage.announces(["10.9.0.0/16".parse().unwrap()], 1);
    stage.rest();
    assert_eq!(
        lab.heard(&mut stage),
        [
            "pre 192.0.2.2 +10.9.0.0/16",
            "post 192.0.2.2 +10.9.0.0/16",
            "loc 0.0.0.0 +10.9.0.0/16",
            "out 192.0.2.3 +10.9.0.0/16",
        ]
    );
    stage.withdrawn_by(SPEAKER, ["10.9.0.0/16".parse().unwrap()]);
    stage.rest();
    assert_eq!(
        lab.heard(&mut stage),
        [
            "pre 192.0.2.2 -10.9.0.0/16",
            "post 192.0.2.2 -10.9.0.0/16",
            "loc 0.0.0.0 -10.9.0.0/16",
            "out 192.0.2.3 -10.9.0.0/16",
        ]
    );
    // A policy that refuses one of them.
    stage.commit("set protocols bgp 64512 neighbor 192.0.2.2 prefix-list import NOT-ONE");
    stage.rest();
    assert_eq!(
        lab.heard(&mut stage),
        ["loc 0.0.0.0 -10.0.1.0/24", "out 192.0.2.3 -10.0.1.0/24", "post 192.0.2.2 -10.0.1.0/24"]
    );
    stage.breaks(SPEAKER);
    stage.rest();
    assert_eq!(
        lab.heard(&mut stage),
        ["down 192.0.2.2 silent", "loc 0.0.0.0 -10.0.0.0/24", "loc 0.0.0.0 -10.0.1.0/24", "out 192.0.2.3 -10.0.0.0/24"]
    );
    stage.commit("delete protocols bgp 64512 neighbor 192.0.2.3");
    assert_eq!(lab.heard(&mut stage), ["down 192.0.2.3 ours"]);
    stage.commit("delete protocols bgp 64512 bmp");
    assert_eq!(lab.heard(&mut stage), ["Administrative"]);
    assert!(lab.closed);
}

#[test]
fn a_collector_that_is_away_or_does_not_read_is_dialled_again_after_rests_that_grow() {
    let mut stage = Stage::new(LINES);
    let mut lab = Lab::default();
    lab.watch(&mut stage);
    let mut calls = Vec::new();
    for second in 0..40 {
        if lab.calls > calls.len() {
            calls.push(second);
            stage.take(Event::ConnectFailed(lab.conn.unwrap(), "refused".to_owned()));
        }
        stage.wait(1);
        lab.watch(&mut stage);
    }
    assert_eq!(calls, [0, 1, 3, 7, 15, 31]);
    stage.wait(60);
    lab.answer(&mut stage);
    lab.heard(&mut stage);
    // It leaves too much unread, and is left.
    stage.take(Event::SendQueue(lab.conn.unwrap(), 20 << 20));
    lab.watch(&mut stage);
    assert!(lab.closed);
    assert!(lab.heard(&mut stage).is_empty());
    stage.announces(prefixes(1), 1);
    stage.rest();
    assert!(lab.heard(&mut stage).is_empty(), "nothing gathers for one that is away");
    let before = lab.calls;
    stage.wait(1);
    lab.watch(&mut stage);
    assert_eq!(lab.calls, before + 1, "what it took before counts");
}

#[test]
fn a_collector_that_stops_reading_is_told_no_more_of_the_tables_until_it_reads() {
    let mut stage = Stage::new(LINES);
    stage.announces(prefixes(950), 1);
    stage.rest();
    let mut lab = Lab::default();
    lab.watch(&mut stage);
    let conn = lab.conn.unwrap();
    stage.take(Event::Connected(conn, SocketAddr::new(ADDRESSES[0].parse().unwrap(), 40_001)));
    stage.take(Event::SendQueue(conn, 2 << 20));
    let told = lab.heard(&mut stage).concat().matches("/24").count();
    assert!(told < 4 * 950, "{told}");
    assert!(stage.engine.deadline() != Some(stage.engine.started.instant), "nothing to do but wait");
    stage.take(Event::SendQueue(conn, 0));
    let rest = lab.heard(&mut stage).concat().matches("/24").count();
    assert_eq!(told + rest, 4 * 950, "each table once: before and behind policy, out, and chosen");
}

#[test]
fn numbers_are_reported_each_interval() {
    let mut stage = Stage::new(LINES);
    let mut lab = Lab::default();
    lab.answer(&mut stage);
    lab.heard(&mut stage);
    stage.wait(59);
    assert!(lab.heard(&mut stage).is_empty());
    stage.wait(1);
    assert_eq!(lab.heard(&mut stage), ["9 numbers of 192.0.2.2", "9 numbers of 192.0.2.3", "3 numbers of 0.0.0.0"]);
}

#[test]
fn without_a_collector_nothing_is_kept_for_one() {
    let mut stage = Stage::new("set protocols bgp 64512 parameters ebgp-requires-policy disable");
    stage.announces(prefixes(5), 1);
    stage.breaks(LISTENER);
    stage.rest();
    assert!(!stage.engine.collectors.is_unsettled());
    assert_eq!(stage.engine.collectors.deadline(), None);
}

#[test]
fn a_person_sees_how_it_stands_with_each_collector() {
    let mut stage = Stage::new(LINES);
    let mut lab = Lab::default();
    let told = |stage: &mut Stage| stage.show(api::request::Show::Bmp).unwrap().text();
    lab.watch(&mut stage);
    assert!(told(&mut stage).contains("connecting"), "{}", told(&mut stage));
    lab.answer(&mut stage);
    lab.heard(&mut stage);
    let row = told(&mut stage);
    assert!(row.contains("lab") && row.contains("192.0.2.9") && row.contains(" connected "), "{row}");
    stage.take(Event::Closed(lab.conn.unwrap(), Some("the other side is gone".to_owned())));
    let row = told(&mut stage);
    assert!(row.contains("waiting") && row.contains("lab: the other side is gone"), "{row}");
}
