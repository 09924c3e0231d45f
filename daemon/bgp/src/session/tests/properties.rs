//! Laws that hold whatever happens: outputs make sense, and octets may be cut anywhere.

use std::collections::BTreeSet;

use bgp_wire::message::{Message, RouteRefresh, Update};
use bgp_wire::notification::Reason;
use nouns::Family;
use proptest::prelude::*;

use crate::reception::{Arrived, Reception};
use crate::session::{ConnId, Input, Output, StateName, StopReason};
use crate::tests_support::{Script, config, node_open, notification, octets, restarting_open};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn octets_cut_anywhere_give_the_same_result(
        messages in prop::collection::vec(peer_message(), 0..8),
        cuts in prop::collection::vec(1_usize..60, 0..40),
    ) {
        let open = octets(&Message::Open(restarting_open(true)));
        let stream: Vec<u8> =
            [open, octets(&Message::Keepalive)].into_iter().chain(messages).flatten().collect();
        let mut whole = Script::new(config());
        whole.start().accept(1).give(Input::Bytes(ConnId(1), stream.clone()));
        let mut cut = Script::new(config());
        cut.start().accept(1);
        let mut rest = stream.as_slice();
        for length in cuts {
            let (piece, behind) = rest.split_at(length.min(rest.len()));
            cut.give(Input::Bytes(ConnId(1), piece.to_vec()));
            rest = behind;
        }
        cut.give(Input::Bytes(ConnId(1), rest.to_vec()));
        prop_assert_eq!(whole.session.state(), cut.session.state());
        prop_assert_eq!(whole.session.counters(), cut.session.counters());
        prop_assert_eq!(whole.outputs(), cut.outputs());
    }

    #[test]
    fn messages_decoded_where_they_are_read_give_the_same_result(
        messages in prop::collection::vec(session_message(), 0..12),
        cuts in prop::collection::vec(1_usize..60, 0..40),
        late in 0_usize..20,
    ) {
        let open = octets(&Message::Open(restarting_open(true)));
        let stream: Vec<u8> =
            [open, octets(&Message::Keepalive)].into_iter().chain(messages).flatten().collect();
        let (mut plain, mut decoded) = (Script::new(config()), Script::new(config()));
        plain.start().accept(1);
        decoded.start().accept(1);
        let mut reception = Reception::default();
        let mut rest = stream.as_slice();
        for (second, length) in cuts.into_iter().chain([stream.len()]).enumerate() {
            let (piece, behind) = rest.split_at(length.min(rest.len()));
            rest = behind;
            if piece.is_empty() {
                break;
            }
            plain.at(second as u64).give(Input::Bytes(ConnId(1), piece.to_vec()));
            decoded.at(second as u64);
            let negotiated = decoded.session.negotiated().filter(|_| second >= late);
            let codec = negotiated.map(|negotiated| negotiated.codec.clone());
            reception.take(piece, codec.as_ref(), |arrived| {
                decoded.give(match arrived {
                    Arrived::Octets(octets) => Input::Bytes(ConnId(1), octets),
                    Arrived::Messages(messages) => Input::Messages(ConnId(1), messages),
                });
            });
            prop_assert_eq!(plain.due(), decoded.due());
        }
        prop_assert_eq!(plain.session.state(), decoded.session.state());
        prop_assert_eq!(plain.session.counters(), decoded.session.counters());
        prop_assert_eq!(plain.outputs(), decoded.outputs());
        // A peer that is silent from now on has been heard last at the same time.
        let ended = |script: &mut Script| {
            script.at(1000);
            script.session.last_down().map(|(when, why)| (script.now() - when, why.to_owned()))
        };
        prop_assert_eq!(ended(&mut plain), ended(&mut decoded));
    }

    #[test]
    fn whatever_happens_the_outputs_make_sense(inputs in prop::collection::vec((any_input(), 0_u64..200), 0..60)) {
        let mut script = Script::new(config());
        let mut model = Model::default();
        let mut second = 0;
        let mut newest = 0;
        for (input, wait) in inputs {
            second += wait;
            script.at(second);
            model.check(script.outputs());
            let input = with_connection(input, &mut newest);
            model.given(&input);
            script.give(input);
            model.check(script.outputs());
            prop_assert_eq!(model.state, script.session.state());
            prop_assert_eq!(model.up, script.session.state() == StateName::Established);
            prop_assert!(script.session.deadline().is_none_or(|due| due >= script.now()));
        }
    }
}

/// What the outputs so far say.
#[derive(Debug)]
struct Model {
    open: BTreeSet<ConnId>,
    up: bool,
    state: StateName,
}

impl Default for Model {
    fn default() -> Self {
        Self { open: BTreeSet::new(), up: false, state: StateName::Idle }
    }
}

impl Model {
    fn given(&mut self, input: &Input) {
        match input {
            Input::Connected(conn) | Input::Accepted(conn) => {
                self.open.insert(*conn);
            }
            Input::Closed(conn, _) => {
                self.open.remove(conn);
            }
            _ => {}
        }
    }

    fn check(&mut self, outputs: Vec<Output>) {
        for output in outputs {
            match output {
                Output::Send(conn, bytes) => {
                    assert!(self.open.contains(&conn), "sent over {conn:?}, which is closed");
                    assert!(!bytes.is_empty());
                }
                Output::Close(conn) => assert!(self.open.remove(&conn), "{conn:?} closed twice"),
                Output::Up(_) => assert!(!std::mem::replace(&mut self.up, true), "up twice"),
                Output::Down(down) => {
                    assert_eq!(down.was_established, std::mem::replace(&mut self.up, false));
                }
                Output::Connect | Output::CancelConnect => {}
                Output::Update(_)
                | Output::Filters(..)
                | Output::RefreshRequested(_)
                | Output::RefreshBegins(_)
                | Output::RefreshEnds(_) => {
                    assert!(self.up, "routes while down")
                }
                Output::State(from, to) => {
                    assert_eq!(from, self.state);
                    self.state = to;
                }
                Output::Log(log) => assert!(!log.text.is_empty()),
            }
        }
    }
}

/// The number in a drawn input says how many connections ago: each connection gets a number of its own.
fn with_connection(input: Input, newest: &mut u64) -> Input {
    let ago = |conn: ConnId| ConnId(newest.saturating_sub(conn.0));
    match input {
        Input::Connected(_) | Input::Accepted(_) => {
            *newest += 1;
            let fresh = ConnId(*newest);
            if matches!(input, Input::Accepted(_)) { Input::Accepted(fresh) } else { Input::Connected(fresh) }
        }
        Input::Bytes(conn, octets) => Input::Bytes(ago(conn), octets),
        Input::Closed(conn, why) => Input::Closed(ago(conn), why),
        Input::SendQueue(conn, octets) => Input::SendQueue(ago(conn), octets),
        other => other,
    }
}

fn any_input() -> impl Strategy<Value = Input> {
    prop_oneof![
        3 => Just(Input::Start),
        1 => Just(Input::Stop(StopReason::AdministrativeShutdown("why".to_owned()))),
        1 => Just(Input::Stop(StopReason::Restarting)),
        1 => Just(Input::Reset(StopReason::AdministrativeReset(String::new()))),
        2 => Just(Input::Connected(ConnId(0))),
        1 => Just(Input::ConnectFailed("refused".to_owned())),
        4 => Just(Input::Accepted(ConnId(0))),
        12 => (0_u64..3, peer_message()).prop_map(|(conn, bytes)| Input::Bytes(ConnId(conn), bytes)),
        2 => (0_u64..3).prop_map(|conn| Input::Closed(ConnId(conn), None)),
        1 => (0_u64..3, 0_usize..3).prop_map(|(conn, octets)| Input::SendQueue(ConnId(conn), octets)),
        1 => Just(Input::Tick),
        1 => Just(Input::OutOfResources("no room".to_owned())),
        1 => (0_u32..30).prop_map(|count| Input::PrefixCount(Family::Ipv4Unicast, count)),
        1 => Just(Input::RequestRefresh(Family::Ipv6Unicast)),
        1 => Just(Input::Reachable),
    ]
}

/// What a peer of an Established session says: mostly sound, at times not, and then it may be anything.
fn session_message() -> impl Strategy<Value = Vec<u8>> {
    let update = |body: &[u8]| {
        let length = u16::try_from(19 + body.len()).unwrap().to_be_bytes();
        [&[0xff; 16], &length[..], &[2], body].concat()
    };
    let attributes = [0x40, 1, 1, 0, 0x40, 2, 0, 0x40, 3, 4, 192, 0, 2, 1, 0x40, 5, 4, 0, 0, 0, 100];
    let announcement = [&[0, 0, 0, 21], &attributes[..], &[24, 198, 51, 100, 8, 10]].concat();
    let without_origin = [&[0, 0, 0, 17], &attributes[4..], &[24, 198, 51, 100]].concat();
    prop_oneof![
        8 => Just(update(&announcement)),
        4 => Just(update(&[0, 2, 8, 10, 0, 0])),
        2 => Just(update(&without_origin)),
        1 => Just(update(&[0, 2, 33, 10, 0, 0])),
        1 => Just([&[0xff; 16], &[0x13, 0x88, 2][..]].concat()),
        4 => Just(octets(&Message::Keepalive)),
        2 => peer_message(),
    ]
}

fn peer_message() -> impl Strategy<Value = Vec<u8>> {
    let end_of_rib = |family| octets(&Message::Update(Update { end_of_rib: Some(family), ..Update::default() }));
    let refresh = Message::RouteRefresh(RouteRefresh::new(Some(Family::Ipv4Unicast), 0));
    prop_oneof![
        4 => Just(octets(&Message::Open(node_open()))),
        2 => Just(octets(&Message::Open(restarting_open(true)))),
        8 => Just(octets(&Message::Keepalive)),
        2 => Just(end_of_rib(Family::Ipv4Unicast)),
        1 => Just(octets(&refresh)),
        1 => Just(octets(&notification(Reason::PeerDeconfigured))),
        1 => prop::collection::vec(any::<u8>(), 1..64),
    ]
}
