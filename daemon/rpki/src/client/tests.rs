//! Conversations with caches: good ones, old ones, and those that lie, fall silent or hang up.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "a test may fail"
)]

use nouns::{Asn, Family, Prefix, Validity};

use super::*;
use crate::vrps::Vrp;

/// A client, and a clock.
struct Play {
    client: Client,
    now: Instant,
}

fn vrp(text: &str, asn: u32) -> Record {
    let prefix: Prefix = text.parse().unwrap();
    Record::Vrp(Vrp::new(prefix, prefix.length(), Asn(asn)).unwrap())
}

fn end(session: u16, serial: u32) -> Pdu {
    Pdu::EndOfData { session, serial, timers: Some(Timers { refresh: 100, retry: 10, expire: 700 }) }
}

impl Play {
    fn new() -> Self {
        let now = Instant::now();
        Self { client: Client::new(Settings::default(), now), now }
    }

    fn give(&mut self, input: Input<'_>) -> Vec<Output> {
        let mut out = Vec::new();
        self.client.handle(self.now, input, &mut out);
        out.retain(|output| !matches!(output, Output::Status(_)));
        out
    }

    /// The moment comes that the client waits for.
    fn wait(&mut self) -> Vec<Output> {
        self.now = self.client.deadline().unwrap().max(self.now);
        self.give(Input::Tick)
    }

    fn say(&mut self, version: u8, pdus: &[Pdu]) -> Vec<Output> {
        let octets: Vec<u8> = pdus.iter().flat_map(|pdu| pdu.encode(version)).collect();
        self.give(Input::Octets(&octets))
    }

    /// Opens the connection; answers the question.
    fn open(&mut self) -> Pdu {
        assert_eq!(self.wait(), [Output::Connect]);
        let out = self.give(Input::Connected);
        question(&out)
    }

    /// A cache of version 1 with one payload, in session 7 at serial 3.
    fn synchronized() -> Self {
        let mut play = Self::new();
        assert_eq!(play.open(), Pdu::ResetQuery);
        let out = play.say(1, &[Pdu::CacheResponse { session: 7 }, Pdu::Record(vrp("10.0.0.0/8", 1), true), end(7, 3)]);
        assert_eq!(data(&out).vrps.len(Family::Ipv4Unicast), 1);
        play
    }
}

fn question(out: &[Output]) -> Pdu {
    let sent = out.iter().find_map(|output| if let Output::Send(octets) = output { Some(octets) } else { None });
    wire::decode(sent.unwrap_or_else(|| panic!("{out:?}"))).unwrap().pdu
}

fn data(out: &[Output]) -> Arc<Data> {
    let found = out.iter().find_map(|output| if let Output::Synchronized(said) = output { Some(said) } else { None });
    Arc::clone(&found.unwrap_or_else(|| panic!("{out:?}")).data)
}

/// The error code that was reported before the connection was closed.
fn refusal(out: &[Output]) -> u16 {
    assert_eq!(out.last(), Some(&Output::Close), "{out:?}");
    match question(out) {
        Pdu::ErrorReport { code, .. } => code,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_cache_is_asked_for_all_and_then_for_what_is_new() {
    let mut play = Play::synchronized();
    assert_eq!(question(&play.wait()), Pdu::SerialQuery { session: 7, serial: 3 });
    let news = [
        Pdu::CacheResponse { session: 7 },
        Pdu::Record(vrp("10.0.0.0/8", 1), false),
        Pdu::Record(vrp("10.0.0.0/8", 2), true),
        Pdu::RouterKey,
        end(7, 4),
    ];
    let out = play.say(1, &news);
    let data = data(&out);
    assert_eq!(data.vrps.validity("10.0.0.0/8".parse().unwrap(), Some(Asn(2))), Validity::Valid);
    assert_eq!(play.client.status.known, Some((7, 4)));
}

#[test]
fn octets_may_be_cut_anywhere() {
    let all = [Pdu::CacheResponse { session: 7 }, Pdu::Record(vrp("10.0.0.0/8", 1), true), end(7, 3)];
    let octets: Vec<u8> = all.iter().flat_map(|pdu| pdu.encode(1)).collect();
    for cut in 0..octets.len() {
        let mut play = Play::new();
        play.open();
        let (first, second) = octets.split_at(cut);
        let mut out = play.give(Input::Octets(first));
        out.extend(play.give(Input::Octets(second)));
        assert_eq!(data(&out).vrps.len(Family::Ipv4Unicast), 1);
    }
}

#[test]
fn the_version_comes_down_to_what_the_cache_speaks() {
    // It answers in version 1.
    assert_eq!(Play::synchronized().client.status.version, 1);
    // It reports that it knows version 0 only, and hangs up.
    let mut play = Play::new();
    play.open();
    let report = Pdu::ErrorReport { code: code::UNSUPPORTED_VERSION, pdu: vec![], text: String::new() };
    assert_eq!(play.say(0, &[report]), [Output::Close]);
    assert_eq!(play.open(), Pdu::ResetQuery);
    assert_eq!(play.client.version, 0);
    let end = Pdu::EndOfData { session: 7, serial: 3, timers: None };
    let out = play.say(0, &[Pdu::CacheResponse { session: 7 }, end]);
    assert!(data(&out).vrps.is_empty());
    assert_eq!(play.client.timers, Timers::SUGGESTED);
    // It hangs up without a word.
    let mut play = Play::new();
    for version in [2, 1, 0, 2] {
        play.open();
        assert_eq!(play.client.version, version);
        assert_eq!(play.give(Input::Closed("closed".to_owned())), [Output::Close]);
    }
}

#[test]
fn what_a_cache_may_not_say_ends_the_connection_and_leaves_the_data() {
    let response = Pdu::CacheResponse { session: 7 };
    let ten = || vrp("10.0.0.0/8", 1);
    let rows: [(&str, Vec<Pdu>, u16); 6] = [
        ("a record that nobody asked for", vec![Pdu::Record(ten(), true)], code::INVALID_REQUEST),
        ("the end of nothing", vec![end(7, 4)], code::INVALID_REQUEST),
        ("a question", vec![Pdu::ResetQuery], code::INVALID_REQUEST),
        ("an answer that nobody asked for", vec![response.clone()], code::INVALID_REQUEST),
        ("a reset that nobody asked for", vec![Pdu::CacheReset], code::INVALID_REQUEST),
        (
            "a kind of the next version",
            vec![Pdu::Record(Record::Aspa(Asn(1), [Asn(2)].into()), true)],
            code::UNSUPPORTED_PDU,
        ),
    ];
    for (what, pdus, code) in rows {
        let mut play = Play::synchronized();
        let out = play.say(1, &pdus);
        assert_eq!(refusal(&out), code, "{what}");
        assert!(!out.contains(&Output::Flush), "{what}");
        assert!(!play.client.data.vrps.is_empty(), "{what}");
    }
    let lies = [(vrp("10.0.0.0/8", 1), true, code::DUPLICATE), (vrp("11.0.0.0/8", 1), false, code::UNKNOWN_WITHDRAWAL)];
    for (record, announced, code) in lies {
        let mut play = Play::synchronized();
        play.wait();
        let out = play.say(1, &[response.clone(), Pdu::Record(record, announced), end(7, 4)]);
        assert_eq!(refusal(&out), code);
        assert!(!play.client.data.vrps.is_empty());
        assert_eq!(play.open(), Pdu::ResetQuery, "what the cache believes is not what is kept");
    }
    let mut play = Play::synchronized();
    assert_eq!(refusal(&play.say(2, &[Pdu::SerialNotify { session: 7, serial: 4 }])), code::UNEXPECTED_VERSION);
}

#[test]
fn a_cache_that_dies_in_the_middle_of_a_response_changes_nothing() {
    let mut play = Play::synchronized();
    play.wait();
    let half = [Pdu::CacheResponse { session: 7 }, Pdu::Record(vrp("10.0.0.0/8", 1), false)];
    assert_eq!(play.say(1, &half), []);
    assert_eq!(play.give(Input::Closed("reset by peer".to_owned())), [Output::Close]);
    assert!(!play.client.data.vrps.is_empty());
    assert_eq!(play.open(), Pdu::SerialQuery { session: 7, serial: 3 }, "it goes on where it was");
}

#[test]
fn a_cache_that_falls_silent_is_left_and_tried_again_ever_more_rarely() {
    let mut play = Play::synchronized();
    play.wait();
    assert_eq!(play.wait(), [Output::Close]);
    let mut waits = Vec::new();
    for _ in 0..6 {
        let before = play.now;
        assert_eq!(play.wait(), [Output::Connect]);
        waits.push((play.now - before).as_secs());
        play.give(Input::Closed("refused".to_owned()));
    }
    assert_eq!(waits, [1, 2, 4, 8, 10, 10], "the retry interval is 10 s");
}

#[test]
fn data_that_nobody_confirms_expires() {
    let mut play = Play::synchronized();
    let since = play.now;
    play.give(Input::Closed("gone".to_owned()));
    let mut flushed = None;
    while flushed.is_none() {
        let out = play.wait();
        if out.contains(&Output::Flush) {
            flushed = Some(play.now - since);
        }
        if out.contains(&Output::Connect) {
            play.give(Input::Closed("refused".to_owned()));
        }
    }
    assert_eq!(flushed, Some(Duration::from_secs(700)));
    assert!(play.client.data.vrps.is_empty());
}

#[test]
fn a_cache_that_lost_its_memory_is_asked_for_all_while_the_data_stays() {
    let mut play = Play::synchronized();
    play.wait();
    assert_eq!(question(&play.say(1, &[Pdu::CacheReset])), Pdu::ResetQuery);
    assert!(!play.client.data.vrps.is_empty());
    let out = play.say(1, &[Pdu::CacheResponse { session: 8 }, Pdu::Record(vrp("11.0.0.0/8", 1), true), end(8, 1)]);
    assert_eq!(data(&out).vrps.len(Family::Ipv4Unicast), 1);
    assert_eq!(play.client.status.known, Some((8, 1)));
}

#[test]
fn data_of_another_session_than_it_claims_to_be_counts_no_more() {
    let answers: [&[Pdu]; 2] = [&[Pdu::CacheResponse { session: 8 }], &[Pdu::CacheResponse { session: 7 }, end(8, 4)]];
    for pdus in answers {
        let mut play = Play::synchronized();
        play.wait();
        let out = play.say(1, pdus);
        assert_eq!(refusal(&out), code::CORRUPT_DATA);
        assert!(out.contains(&Output::Flush));
        assert_eq!(play.open(), Pdu::ResetQuery);
    }
    let mut play = Play::synchronized();
    assert!(play.say(1, &[Pdu::SerialNotify { session: 8, serial: 1 }]).contains(&Output::Flush));
}

#[test]
fn a_cache_that_announces_news_without_end_is_asked_once_a_second() {
    let mut play = Play::synchronized();
    let mut questions = 0;
    for serial in 4..1000 {
        play.now += Duration::from_millis(10);
        let mut out = play.say(1, &[Pdu::SerialNotify { session: 7, serial }]);
        if play.client.deadline().unwrap() <= play.now {
            out.extend(play.give(Input::Tick));
        }
        if out.iter().any(|output| matches!(output, Output::Send(_))) {
            questions += 1;
            play.say(1, &[Pdu::CacheResponse { session: 7 }, end(7, serial)]);
        }
    }
    assert!((9..=10).contains(&questions), "{questions} questions in 10 s");
}

#[test]
fn a_cache_without_data_is_asked_again_on_the_same_connection() {
    let mut play = Play::new();
    play.open();
    let report = Pdu::ErrorReport { code: code::NO_DATA, pdu: vec![], text: "later".to_owned() };
    assert_eq!(play.say(1, &[report]), []);
    assert_eq!(play.client.status.phase, Phase::NoData);
    assert_eq!(question(&play.wait()), Pdu::ResetQuery);
}

#[test]
fn what_a_person_set_wins_over_the_timers_of_the_cache() {
    let settings = Settings { refresh: Some(30), retry: None, expire: Some(900) };
    let timers = in_force(settings, Timers { refresh: 100, retry: 10, expire: 700 });
    assert_eq!(timers, Timers { refresh: 30, retry: 10, expire: 900 });
}
