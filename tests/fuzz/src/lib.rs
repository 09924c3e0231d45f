//! What every target does: wrap octets into a message, decode it in all kinds of session, and use the result; or read
//! them as a configuration.
//!
//! Never judges the result beyond "it can be written again": the tests of the codec and of the reader do that.

pub mod packet;
/// The very file of the router: its crate would bring the whole kernel's side.
#[path = "../../../daemon/kernel/src/routers/message.rs"]
mod routers;

use bgp_wire::{EncodeError, HEADER_LENGTH, Message, Negotiated, Notification, encode_reach};
use nouns::Family;

/// Decodes one whole message in every kind of session.
pub fn decode(bytes: &[u8]) {
    for bits in 0..16u8 {
        let add_path = if bits & 4 != 0 { Family::ALL.to_vec() } else { vec![] };
        let negotiated = Negotiated {
            four_octet_as: bits & 1 != 0,
            internal: bits & 2 != 0,
            confederation: bits & 10 == 8,
            as_sets: bits & 8 != 0,
            martian_next_hops: bits & 8 != 0,
            extended_message: true,
            extended_next_hop: true,
            families: Family::ALL.to_vec(),
            add_path_receive: add_path.clone(),
            add_path_send: add_path,
        };
        use_result(Message::decode(bytes, &negotiated), &negotiated);
    }
}

/// Decodes a body behind a valid header of a type.
pub fn decode_body(kind: u8, body: &[u8]) {
    if let Ok(length) = u16::try_from(HEADER_LENGTH + body.len()) {
        decode(&[&[0xff; 16], &length.to_be_bytes()[..], &[kind], body].concat());
    }
}

/// Decodes an OPEN with one optional parameter of capabilities.
pub fn decode_capabilities(value: &[u8]) {
    if let (Ok(length), Ok(all)) = (u8::try_from(value.len()), u8::try_from(value.len() + 2)) {
        let head = [4, 0xfd, 0xe8, 0, 180, 192, 0, 2, 1, all, 2, length];
        decode_body(1, &[&head, value].concat());
    }
}

/// Reads a BFD packet, writes it again, and proves it with a secret of each kind.
pub fn decode_bfd(bytes: &[u8]) {
    use bfd::Method::{KeyedMd5, KeyedSha1, MeticulousKeyedMd5, MeticulousKeyedSha1, SimplePassword};
    let Ok(packet) = bfd::Packet::parse(bytes) else { return };
    assert_eq!(bfd::Packet::parse(&packet.encode()).as_ref(), Ok(&packet));
    for method in [SimplePassword, KeyedMd5, MeticulousKeyedMd5, KeyedSha1, MeticulousKeyedSha1] {
        let secret = bfd::Secret { method, key: 1, word: "secret!".to_owned() };
        let proved = secret.is_proved_by(&packet);
        assert!(!proved || packet.authentication.as_ref().is_some_and(|section| section.kind == method as u8));
        let signed = secret.sign(packet.clone(), 7);
        assert!(secret.is_proved_by(&signed) && secret.may_follow(6, &signed));
        assert!(method == SimplePassword || !secret.may_follow(8, &signed), "an older number");
    }
}

/// Reads what a host or router on a link said; whoever said it, and from wherever.
pub fn read_advertisement(bytes: &[u8]) {
    use routers::{Heard, read};
    let (link_local, global) = (std::net::Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 1), std::net::Ipv6Addr::LOCALHOST);
    let bytes = bytes.get(..routers::LONGEST).unwrap_or(bytes);
    drop(routers::advertisement(bytes, 0));
    let (near, far) = (read(bytes, link_local), read(bytes, global));
    assert!(!matches!(far, Some(Heard::Advertisement { .. })), "{bytes:?}");
    assert!(far.is_none() || far == near, "{bytes:?}");
    assert!(near.is_none() || bytes.len() % 8 == 0, "{bytes:?}");
}

/// Reads a configuration in whatever form, and what came of it once more.
pub fn read_configuration(bytes: &[u8]) {
    let parsed = config::Tree::load(&String::from_utf8_lossy(bytes));
    drop(parsed.report());
    let written = config::print::file(&parsed.tree);
    let again = config::Tree::load(&written);
    assert_eq!(again.problems, Vec::new(), "{written}");
    assert!(again.tree == parsed.tree, "{written}");
}

/// Hears a cache in each version; what it says is answered, and what it leaves is asked about a route.
pub fn hear_cache(bytes: &[u8]) {
    use rpki::client::Settings;
    use rpki::{Client, Input, Output};
    let now = std::time::Instant::now();
    for piece in [bytes.len().max(1), 7] {
        let mut client = Client::new(Settings::default(), now);
        let mut out = Vec::new();
        client.handle(now, Input::Tick, &mut out);
        client.handle(now, Input::Connected, &mut out);
        for octets in bytes.chunks(piece) {
            client.handle(now, Input::Octets(octets), &mut out);
        }
        for output in out {
            if let Output::Synchronized(said) = output {
                let again = rpki::Vrps::from_sorted(said.data.vrps.iter());
                assert!(again == said.data.vrps);
                let _ = said.data.vrps.validity(nouns::Prefix::DEFAULT_V4, None);
            }
        }
        assert!(client.deadline().is_some());
    }
}

/// Reads octets as a collector reads what it is told, and what came of it once more.
pub fn read_bmp(bytes: &[u8]) {
    use bgp_wire::bmp::{decode, frame};
    let Ok(Some(length)) = frame(bytes) else { return };
    if let Some(Ok(read)) = bytes.get(..length).map(decode) {
        let mut again = Vec::new();
        read.encode(&mut again);
        assert!(decode(&again).is_ok(), "{read:?}");
    }
}

/// Reads octets as a record of a dump file, and what came of it once more.
pub fn read_mrt(bytes: &[u8]) {
    use bgp_wire::mrt::{decode, frame};
    let Ok(Some(length)) = frame(bytes) else { return };
    if let Some(Ok((at, read))) = bytes.get(..length).map(decode) {
        let mut again = Vec::new();
        read.encode(at, &mut again);
        assert!(decode(&again).is_ok(), "{read:?}");
    }
}

fn use_result(result: Result<Message, bgp_wire::DecodeError>, negotiated: &Negotiated) {
    let mut out = Vec::new();
    match result {
        Err(error) => {
            let farewell = Message::Notification(Notification::from(&error));
            assert_eq!(farewell.encode(negotiated, &mut out), Ok(()), "{error}");
        }
        Ok(Message::Update(update)) => {
            for reach in &update.reach {
                let mut routes = reach.nlri.iter().copied();
                let written = encode_reach(reach.family, &reach.attributes, &mut routes, negotiated, &mut out);
                // A message of the greatest length may grow: a long attribute header, AS4_PATH beside AS_PATH.
                assert!(matches!(written, Ok(()) | Err(EncodeError::TooLong { .. })), "{written:?}: {reach:?}");
            }
        }
        Ok(Message::Notification(notification)) => drop(notification.to_string()),
        Ok(Message::Open(open)) => drop(open.families()),
        Ok(_) => {}
    }
}
