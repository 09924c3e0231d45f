//! One session against a list of what it should do, and two against each other over a link that loses packets.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a test may fail loudly and begin at any time"
)]

mod pair;

use super::*;
use crate::authentication::Method;

const MS: Duration = Duration::from_millis(1);

pub(super) fn settings() -> Settings {
    Settings {
        transmit: 300 * MS,
        receive: 300 * MS,
        multiplier: NonZeroU8::new(3).unwrap(),
        passive: false,
        shutdown: false,
        minimum_ttl: 255,
        secret: None,
    }
}

fn number(number: u32) -> NonZeroU32 {
    NonZeroU32::new(number).unwrap()
}

/// What the other side says in a state: 300 ms, multiplier 3.
fn said(state: State) -> Packet {
    Packet {
        diagnostic: Diagnostic::NONE,
        state,
        poll: false,
        last: false,
        control_plane_independent: false,
        demand: false,
        multiplier: NonZeroU8::new(3).unwrap(),
        my_discriminator: number(77),
        your_discriminator: Some(number(5)),
        desired_min_tx: 300 * MS,
        required_min_rx: 300 * MS,
        required_min_echo_rx: Duration::ZERO,
        authentication: None,
    }
}

/// A session that was led to a state by the packets that lead there.
fn session_in(state: State, now: Instant, settings: Settings) -> Session {
    let settings = Settings { shutdown: state == State::AdminDown, ..settings };
    let mut session = Session::new(now, settings, number(5), 1);
    session.tick(now);
    let way: &[State] = match state {
        State::AdminDown | State::Down => &[],
        State::Init => &[State::Down],
        State::Up => &[State::Init],
    };
    for state in way {
        session.receive(now, &said(*state));
    }
    assert_eq!(session.state(), state);
    session
}

fn is_up(now: Instant) -> Session {
    let mut session = session_in(State::Up, now, settings());
    session.receive(now, &Packet { last: true, ..said(State::Up) });
    session
}

#[test]
fn every_state_and_what_the_other_side_says_lead_where_the_rfc_says() {
    use State::{AdminDown, Down, Init, Up};
    let (none, down) = (Diagnostic::NONE, Diagnostic::NEIGHBOR_DOWN);
    let held = Diagnostic::ADMINISTRATIVELY_DOWN;
    // RFC 5880 §6.8.6: state, what is heard, the state then, the diagnostic then.
    let rows = [
        (AdminDown, AdminDown, AdminDown, held),
        (AdminDown, Down, AdminDown, held),
        (AdminDown, Init, AdminDown, held),
        (AdminDown, Up, AdminDown, held),
        (Down, AdminDown, Down, none),
        (Down, Down, Init, none),
        (Down, Init, Up, none),
        (Down, Up, Down, none),
        (Init, AdminDown, Down, down),
        (Init, Down, Init, none),
        (Init, Init, Up, none),
        (Init, Up, Up, none),
        (Up, AdminDown, Down, down),
        (Up, Down, Down, down),
        (Up, Init, Up, none),
        (Up, Up, Up, none),
    ];
    assert_eq!(rows.len(), State::ALL.len() * State::ALL.len());
    for (state, told, to, diagnostic) in rows {
        let now = Instant::now();
        let mut session = session_in(state, now, settings());
        let wanted = session.receive(now, &said(told));
        assert_eq!((session.state(), session.diagnostic()), (to, diagnostic), "{state} hears {told}");
        assert_eq!(wanted.change.map(|change| (change.from, change.to)), (state != to).then_some((state, to)));
        // A new state is told at once (§6.8.7).
        assert_eq!(wanted.packet.map(|packet| packet.state), (state != to).then_some(to), "{state} hears {told}");
    }
}

#[test]
fn every_state_ends_silence_shutdown_and_its_end_as_the_rfc_says() {
    use State::{AdminDown, Down, Init, Up};
    for (state, after_silence, expired) in
        [(AdminDown, AdminDown, false), (Down, Down, false), (Init, Down, true), (Up, Down, true)]
    {
        let now = Instant::now();
        let mut session = session_in(state, now, settings());
        session.tick(now + Duration::from_secs(60));
        assert_eq!(session.state(), after_silence, "{state} in silence");
        assert_eq!(session.diagnostic() == Diagnostic::TIME_EXPIRED, expired);
        assert_eq!(session.told(), None, "the number of the other side is forgotten (§6.8.1)");

        let mut session = session_in(state, now, settings());
        session.configure(now, Settings { shutdown: true, ..settings() });
        assert_eq!((session.state(), session.diagnostic()), (AdminDown, Diagnostic::ADMINISTRATIVELY_DOWN));
        session.configure(now, settings());
        assert_eq!((session.state(), session.diagnostic()), (Down, Diagnostic::NONE));
    }
}

#[test]
fn a_failure_is_one_that_nobody_wanted() {
    let now = Instant::now();
    let silent = is_up(now).tick(now + Duration::from_secs(60)).change.unwrap();
    assert!(silent.is_failure());
    let signaled = is_up(now).receive(now, &said(State::Down)).change.unwrap();
    assert!(signaled.is_failure());
    let held_down = is_up(now).receive(now, &said(State::AdminDown)).change.unwrap();
    assert!(!held_down.is_failure(), "RFC 5882 §3.2");
    let ours = is_up(now).configure(now, Settings { shutdown: true, ..settings() }).change.unwrap();
    assert!(!ours.is_failure());
}

#[test]
fn a_session_goes_down_at_the_detection_time_and_not_before() {
    let now = Instant::now();
    let mut session = is_up(now);
    assert_eq!(session.detection_time(), Some(900 * MS));
    assert_eq!(session.tick(now + 899 * MS).change, None);
    let change = session.tick(now + 900 * MS).change.unwrap();
    assert_eq!((change.to, change.diagnostic), (State::Down, Diagnostic::TIME_EXPIRED));
    assert_eq!(session.last_down(), Some((now + 900 * MS, Diagnostic::TIME_EXPIRED)));
    assert_eq!((session.counters().ups, session.counters().downs), (1, 1));
}

#[test]
fn the_detection_time_is_of_the_slower_side_and_of_the_other_sides_multiplier() {
    let now = Instant::now();
    for (theirs, multiplier, expected) in [(50, 3, 900), (1000, 3, 3000), (400, 5, 2000)] {
        let mut session = is_up(now);
        let multiplier = NonZeroU8::new(multiplier).unwrap();
        session.receive(now, &Packet { desired_min_tx: theirs * MS, multiplier, ..said(State::Up) });
        assert_eq!(session.detection_time(), Some(expected * MS));
    }
}

#[test]
fn who_has_fixed_timers_and_answers_no_poll_is_sent_what_it_can_receive() {
    let now = Instant::now();
    let mut session = session_in(State::Up, now, settings());
    let fixed =
        Packet { desired_min_tx: Duration::from_secs(1), required_min_rx: Duration::from_secs(1), ..said(State::Up) };
    session.receive(now, &fixed);
    assert_eq!(session.transmit_interval(), Some(Duration::from_secs(1)));
    assert_eq!(session.detection_time(), Some(Duration::from_secs(3)));
}

#[test]
fn a_session_is_slow_until_it_is_up() {
    let now = Instant::now();
    for state in [State::AdminDown, State::Down, State::Init] {
        let session = session_in(state, now, settings());
        assert_eq!(session.transmit_interval(), Some(SLOW), "{state}");
        assert_eq!(session.packet().desired_min_tx, SLOW, "{state}");
    }
    let mut session = session_in(State::Down, now, settings());
    let packet = session.receive(now, &said(State::Init)).packet.unwrap();
    assert_eq!((packet.state, packet.poll, packet.desired_min_tx), (State::Up, true, 300 * MS));
    let slower = Settings { transmit: 5000 * MS, ..settings() };
    assert_eq!(session_in(State::Down, now, slower).transmit_interval(), Some(5000 * MS));
}

#[test]
fn packets_come_after_three_quarters_to_the_whole_of_the_interval() {
    let mut now = Instant::now();
    let mut session = is_up(now);
    for _ in 0..200 {
        let due = session.deadline().unwrap();
        let gap = due.duration_since(now);
        assert!(gap >= 225 * MS && gap <= 300 * MS, "{gap:?}");
        now = due;
        assert!(session.tick(now).packet.is_some());
        session.receive(now, &said(State::Up));
    }
}

#[test]
fn new_intervals_are_agreed_on_with_a_poll_and_the_session_goes_on() {
    let now = Instant::now();
    // Our intervals, then what holds before the answer: transmit interval and detection time.
    let rows = [(1000, 300, 300, 900), (100, 300, 300, 900), (300, 50, 300, 900), (300, 1000, 300, 3000)];
    for (transmit, receive, interval, detection) in rows {
        let mut session = is_up(now);
        session.receive(now, &said(State::Up));
        let wish = Settings { transmit: transmit * MS, receive: receive * MS, ..settings() };
        let packet = session.configure(now, wish).packet.unwrap();
        assert!(packet.poll && packet.state == State::Up);
        assert_eq!((packet.desired_min_tx, packet.required_min_rx), (transmit * MS, receive * MS));
        assert_eq!(session.transmit_interval(), Some(interval * MS), "{transmit} {receive}");
        assert_eq!(session.detection_time(), Some(detection * MS), "{transmit} {receive}");
        session.receive(now, &Packet { last: true, ..said(State::Up) });
        assert_eq!(session.transmit_interval(), Some((transmit * MS).max(300 * MS)));
        assert_eq!(session.detection_time(), Some((receive * MS).max(300 * MS) * 3));
        assert!(!session.packet().poll && session.state() == State::Up);
    }
}

#[test]
fn an_answer_to_an_older_poll_does_not_end_a_newer_one() {
    let now = Instant::now();
    let mut session = is_up(now);
    session.configure(now, Settings { transmit: 500 * MS, ..settings() });
    session.configure(now, Settings { transmit: 1000 * MS, ..settings() });
    session.receive(now, &Packet { last: true, ..said(State::Up) });
    assert_eq!(session.transmit_interval(), Some(300 * MS));
    session.receive(now, &Packet { last: true, ..said(State::Up) });
    assert_eq!(session.transmit_interval(), Some(1000 * MS));
}

#[test]
fn a_poll_is_answered_at_once_and_the_answer_is_no_poll() {
    let now = Instant::now();
    let mut session = session_in(State::Up, now, settings());
    let answer = session.receive(now, &Packet { poll: true, ..said(State::Up) }).packet.unwrap();
    assert!(answer.last && !answer.poll, "although we poll ourselves");
    let mut held = session_in(State::AdminDown, now, settings());
    assert_eq!(held.receive(now, &Packet { poll: true, ..said(State::Down) }).packet, None);
}

#[test]
fn who_wants_nothing_is_sent_nothing_but_answers() {
    let now = Instant::now();
    for quiet in
        [Packet { required_min_rx: Duration::ZERO, ..said(State::Up) }, Packet { demand: true, ..said(State::Up) }]
    {
        let mut session = is_up(now);
        session.receive(now, &quiet);
        assert_eq!(session.transmit_interval(), None, "{quiet:?}");
        assert_eq!(session.tick(now + 500 * MS).packet, None);
        assert!(session.receive(now, &Packet { poll: true, ..quiet }).packet.is_some());
        session.receive(now, &said(State::Up));
        assert_eq!(session.transmit_interval(), Some(300 * MS));
    }
}

#[test]
fn a_passive_session_waits_until_it_is_spoken_to() {
    let now = Instant::now();
    let mut session = Session::new(now, Settings { passive: true, ..settings() }, number(5), 1);
    assert_eq!(session.deadline(), None);
    assert_eq!(session.tick(now + SLOW).packet, None);
    let first = session.receive(now, &Packet { your_discriminator: None, ..said(State::Down) });
    assert_eq!(first.packet.map(|packet| packet.state), Some(State::Init));
    assert!(session.deadline().is_some());
}

#[test]
fn who_does_not_prove_itself_is_not_heard() {
    let now = Instant::now();
    let secret = |method, key, word: &str| Some(Secret { method, key, word: word.to_owned() });
    let simple = secret(Method::SimplePassword, 1, "secret");
    let sha1 = secret(Method::KeyedSha1, 1, "secret");
    let rows = [
        (None, None, true),
        (None, simple.clone(), false),
        (None, sha1.clone(), false),
        (simple.clone(), None, false),
        (simple.clone(), simple.clone(), true),
        (simple.clone(), secret(Method::SimplePassword, 2, "secret"), false),
        (simple.clone(), secret(Method::SimplePassword, 1, "Secret"), false),
        (simple, sha1.clone(), false),
        (sha1.clone(), None, false),
        (sha1.clone(), sha1.clone(), true),
        (sha1.clone(), secret(Method::KeyedSha1, 2, "secret"), false),
        (sha1.clone(), secret(Method::MeticulousKeyedSha1, 1, "secret"), false),
        (sha1, secret(Method::KeyedMd5, 1, "secret"), false),
    ];
    for (ours, theirs, heard) in rows {
        let mut session = Session::new(now, Settings { secret: ours.clone(), ..settings() }, number(5), 1);
        let packet = said(State::Down);
        let packet = theirs.as_ref().map_or(packet.clone(), |theirs| theirs.sign(packet, 9));
        let answer = session.receive(now, &packet).packet;
        assert_eq!(session.state() == State::Init, heard, "{ours:?} {theirs:?}");
        assert_eq!(session.counters().unproven, u64::from(!heard));
        let proved = |answer: &Packet| ours.as_ref().is_none_or(|ours| ours.is_proved_by(answer));
        assert_eq!(answer.is_some_and(|answer| proved(&answer)), heard, "{ours:?}: the answer proves itself");
    }
}

/// What was recorded is no packet of the session; after two detection times without any the numbers begin anew.
#[test]
fn a_packet_that_was_heard_before_is_not_heard_again_while_its_number_is_known() {
    for (method, again) in [(Method::KeyedMd5, true), (Method::MeticulousKeyedSha1, false)] {
        let secret = Secret { method, key: 1, word: "secret".to_owned() };
        let now = Instant::now();
        let mut session = Session::new(now, Settings { secret: Some(secret.clone()), ..settings() }, number(5), 1);
        let packet = |number| secret.sign(said(State::Down), number);
        let mut heard = |at, number| {
            let before = session.counters().received;
            session.receive(at, &packet(number));
            session.counters().received > before
        };
        assert!(heard(now, 500), "the first number is any");
        assert!(heard(now, 501));
        assert_eq!(heard(now, 501), again, "{method:?}");
        assert!(!heard(now, 500), "an older one");
        assert!(!heard(now, 511), "one too far ahead");
        assert!(heard(now, 510));
        let detection = session.detection_time().unwrap();
        let mut heard = |at, number| {
            let before = session.counters().received;
            session.receive(at, &packet(number));
            session.counters().received > before
        };
        assert!(!heard(now + detection * 2 - MS, 7), "the other side may have begun anew, or somebody repeats it");
        assert!(heard(now + detection * 2, 7), "nothing was heard for two detection times");
    }
}

/// A new secret begins with new numbers, which the other side chooses.
#[test]
fn another_secret_is_another_row_of_numbers() {
    let secret = |word: &str| Secret { method: Method::MeticulousKeyedMd5, key: 1, word: word.to_owned() };
    let now = Instant::now();
    let with = |word| Settings { secret: Some(secret(word)), ..settings() };
    let mut session = Session::new(now, with("old"), number(5), 1);
    session.receive(now, &secret("old").sign(said(State::Down), 500));
    session.configure(now, with("new"));
    session.receive(now, &secret("new").sign(said(State::Init), 3));
    assert_eq!(session.state(), State::Up);
    session.receive(now, &secret("old").sign(said(State::Down), 501));
    assert_eq!(session.state(), State::Up, "the old one proves nothing any more");
}
