//! What two OPENs amount to.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test may fail loudly")]

use bgp_wire::message::Message;

use super::*;
use crate::tests_support::{config, node_open, octets, restarting_open};

#[test]
fn our_open_offers_graceful_restart_for_both_families_whatever_is_configured() {
    let (none, all) = (OwnRestart::default(), OwnRestart { restarting: true, forwarding: true });
    for (role, own, said) in [
        (RestartRole::Disabled, all, None),
        (RestartRole::Helper, none, Some((false, 0, false))),
        (RestartRole::Helper, all, Some((false, 0, false))),
        (RestartRole::Full, none, Some((false, 120, false))),
        (RestartRole::Full, OwnRestart { forwarding: true, ..none }, Some((false, 120, true))),
        (RestartRole::Full, OwnRestart { restarting: true, ..none }, Some((true, 120, false))),
        (RestartRole::Full, all, Some((true, 120, true))),
    ] {
        let config = SessionConfig { families: vec![Family::Ipv4Unicast], graceful_restart: role, ..config() };
        let open = our_open(&config, own);
        let restart = said.map(|(restarting, time, forwarding)| Capability::GracefulRestart {
            restarting,
            notification: true,
            time,
            families: vec![(Family::Ipv4Unicast, forwarding), (Family::Ipv6Unicast, forwarding)],
        });
        let found = open.capabilities.iter().find(|capability| capability.code() == 64);
        assert_eq!(found, restart.as_ref(), "{role:?} {own:?}");
        assert_eq!(open.families(), [Family::Ipv4Unicast]);
        assert!(octets(&Message::Open(open)).len() < 255);
    }
}

#[test]
fn long_lived_graceful_restart_goes_with_graceful_restart() {
    let own = OwnRestart { restarting: false, forwarding: true };
    for (role, seconds, said) in [
        (RestartRole::Full, None, None),
        (RestartRole::Full, Some(3600), Some((true, 3600))),
        (RestartRole::Helper, Some(3600), Some((false, 0))),
        (RestartRole::Disabled, Some(3600), None),
    ] {
        let open = our_open(&SessionConfig { graceful_restart: role, long_lived: seconds, ..config() }, own);
        let found = open.capabilities.iter().find(|capability| capability.code() == 71);
        let wanted = said.map(|(forwarding, seconds)| {
            Capability::LongLivedGracefulRestart(Family::ALL.map(|family| (family, forwarding, seconds)).to_vec())
        });
        assert_eq!(found, wanted.as_ref(), "{role:?}");
        assert!(octets(&Message::Open(open)).len() < 255);
    }
}

#[test]
fn graceful_restart_can_be_switched_off() {
    let off = SessionConfig { graceful_restart: RestartRole::Disabled, ..config() };
    assert_eq!(negotiate(&off, &restarting_open(true)).unwrap().graceful_restart, None);
}

#[test]
fn only_families_of_both_sides_are_used_in_our_order() {
    let offer = |families: &[Family]| {
        let mut open = node_open();
        open.capabilities.retain(|capability| capability.code() != 1);
        open.capabilities.extend(families.iter().map(|family| Capability::multiprotocol(*family)));
        open
    };
    let (v4, v6) = (Family::Ipv4Unicast, Family::Ipv6Unicast);
    for (ours, theirs, both) in [
        (vec![v4, v6], vec![v6, v4], vec![v4, v6]),
        (vec![v4, v6], vec![v6], vec![v6]),
        // No multiprotocol capability at all means IPv4 unicast (RFC 4760 §8).
        (vec![v4, v6], vec![], vec![v4]),
        (vec![v4], vec![v4, v6], vec![v4]),
    ] {
        let negotiated = negotiate(&SessionConfig { families: ours, ..config() }, &offer(&theirs)).unwrap();
        assert_eq!(negotiated.families, both);
        assert_eq!(negotiated.codec.families, both);
    }
    let refusal = negotiate(&SessionConfig { families: vec![v4], ..config() }, &offer(&[v6])).unwrap_err();
    assert_eq!(refusal.notification, Notification { code: 2, subcode: 7, data: vec![1, 4, 0, 1, 0, 1] });
    assert!(refusal.text.contains("offers IPv6 Unicast, configured here is IPv4 Unicast"), "{}", refusal.text);
}

#[test]
fn the_open_of_a_cilium_node_is_understood() {
    let mut bytes = vec![0xff; 16];
    bytes.extend([0x00, 0x41, 0x01, 0x04, 0xfc, 0x00, 0x00, 0x5a, 0xc0, 0xa8, 0x65, 0xc9, 0x24, 0x02, 0x22]);
    bytes.extend([0x02, 0x00]); // route refresh
    bytes.extend([0x49, 0x04, 0x02, b'v', b'm', 0x00]); // FQDN
    bytes.extend([0x01, 0x04, 0x00, 0x02, 0x00, 0x01]); // multiprotocol, IPv6 unicast first
    bytes.extend([0x01, 0x04, 0x00, 0x01, 0x00, 0x01]); // multiprotocol, IPv4 unicast
    bytes.extend([0x41, 0x04, 0x00, 0x00, 0xfc, 0x00]); // 4-octet AS 64512
    bytes.extend([0x05, 0x06, 0x00, 0x01, 0x00, 0x01, 0x00, 0x02]); // IPv4 unicast over IPv6 next hops
    let Ok(Message::Open(open)) = Message::decode(&bytes, &Codec::default()) else { unreachable!("not an OPEN") };
    let negotiated = negotiate(&config(), &open).unwrap();
    assert_eq!(negotiated.remote_router_id.to_string(), "192.168.101.201");
    assert_eq!(negotiated.families, Family::ALL);
    assert_eq!(negotiated.hostname.as_deref(), Some("vm"));
    assert!(negotiated.route_refresh && negotiated.internal && negotiated.codec.extended_next_hop);
    assert_eq!((negotiated.graceful_restart, negotiated.codec.extended_message), (None, false));
}

#[test]
fn a_speaker_that_offers_next_to_nothing_is_taken_as_it_is() {
    let capabilities = vec![Capability::multiprotocol(Family::Ipv4Unicast), Capability::FourOctetAs(Asn(64512))];
    let negotiated = negotiate(&config(), &Open { capabilities, ..node_open() }).unwrap();
    assert_eq!(negotiated.families, [Family::Ipv4Unicast]);
    assert!(negotiated.codec.four_octet_as && !negotiated.route_refresh && !negotiated.codec.extended_next_hop);
    let ancient = negotiate(&config(), &Open { capabilities: vec![], ..node_open() }).unwrap();
    assert!(!ancient.codec.four_octet_as);
}

#[test]
fn each_refusal_has_its_code() {
    type Edit = fn(&mut Open);
    let rows: [(Edit, (u8, u8)); 5] = [
        (|open| open.asn = Asn(1), (2, 2)),
        (|open| open.hold_time = 1, (2, 6)),
        (|open| open.hold_time = 2, (2, 6)),
        (|open| open.router_id = [0, 0, 0, 0].into(), (2, 3)),
        (|open| open.router_id = config().router_id, (2, 3)),
    ];
    for (edit, codes) in rows {
        let mut open = node_open();
        edit(&mut open);
        let refusal = negotiate(&config(), &open).unwrap_err();
        assert_eq!((refusal.notification.code, refusal.notification.subcode), codes, "{}", refusal.text);
    }
}

#[test]
fn an_external_peer_may_have_our_identifier() {
    let external = SessionConfig { expected_as: ExpectedAs::Exactly(Asn(64513)), ..config() };
    let open = Open { asn: Asn(64513), router_id: external.router_id, ..node_open() };
    assert!(!negotiate(&external, &open).unwrap().internal);
}

#[test]
fn several_paths_are_received_where_the_peer_would_send_them() {
    let mut open = node_open();
    open.capabilities.push(Capability::AddPath(vec![(Family::Ipv4Unicast, 3), (Family::Ipv6Unicast, 1)]));
    let codec = negotiate(&config(), &open).unwrap().codec;
    assert_eq!((codec.add_path_receive, codec.add_path_send), (vec![Family::Ipv4Unicast], vec![]));
    open.capabilities.push(Capability::AddPath(vec![(Family::Ipv6Unicast, 9)]));
    assert_eq!(negotiate(&config(), &open).unwrap().codec.add_path_receive, [Family::Ipv4Unicast]);
    let refuses = SessionConfig { add_path_receive: Vec::new(), ..config() };
    assert_eq!(negotiate(&refuses, &open).unwrap().codec.add_path_receive, []);
}

#[test]
fn several_paths_are_sent_where_we_offer_and_the_peer_takes_them() {
    let [v4, v6] = Family::ALL;
    let ours = SessionConfig { add_path_send: vec![v4], add_path_receive: vec![v6], ..config() };
    assert!(our_open(&ours, OwnRestart::default()).capabilities.contains(&Capability::AddPath(vec![(v4, 2), (v6, 1)])));
    for (theirs, taken) in [(vec![(v4, 1)], vec![v4]), (vec![(v4, 3)], vec![v4]), (vec![(v4, 2)], vec![])] {
        let mut open = node_open();
        open.capabilities.push(Capability::AddPath(theirs));
        assert_eq!(negotiate(&ours, &open).unwrap().codec.add_path_send, taken);
    }
    let neither = SessionConfig { add_path_receive: Vec::new(), ..config() };
    assert!(
        !our_open(&neither, OwnRestart::default())
            .capabilities
            .iter()
            .any(|offer| matches!(offer, Capability::AddPath(_)))
    );
}

#[test]
fn capabilities_are_told_in_words_without_control_characters() {
    let mut open = restarting_open(true);
    open.capabilities.push(Capability::SoftwareVersion("GoBGP/3.10.0\u{1b}[2J".to_owned()));
    let negotiated = negotiate(&config(), &open).unwrap();
    assert_eq!(negotiated.software.as_deref(), Some("GoBGP/3.10.0[2J"));
    let restart = "Graceful restart: advertised and received (120 s, restarting, notifications included, IPv6 Unicast, IPv4 Unicast)";
    for line in [restart, "Software version: received", "Extended message: advertised"] {
        assert!(negotiated.capabilities.contains(&line.to_owned()), "{line}: {:?}", negotiated.capabilities);
    }
}

/// RFC 9234 §4.2
#[test]
fn roles_have_to_suit_each_other_and_no_role_is_a_fault_only_where_that_is_said() {
    let provider = |strict| SessionConfig {
        expected_as: ExpectedAs::Exactly(Asn(64513)),
        role: Some(Role::Provider),
        role_strict: strict,
        ..config()
    };
    let silent = SessionConfig { role: None, ..provider(false) };
    for (config, theirs, expected) in [
        (provider(false), &[][..], Ok(None)),
        (provider(true), &[], Err("tells no role")),
        (provider(true), &[3], Ok(Some(Role::Customer))),
        (provider(false), &[3, 3], Ok(Some(Role::Customer))),
        (provider(false), &[0], Err("the neighbor's role is provider, but local-role provider expects customer")),
        (provider(false), &[4], Err("role is peer")),
        (provider(false), &[3, 4], Err("several roles")),
        (provider(false), &[77], Err("role 77 is unknown")),
        (silent.clone(), &[0], Ok(Some(Role::Provider))),
        (silent, &[], Ok(None)),
    ] {
        assert_eq!(
            our_open(&config, OwnRestart::default()).capabilities.contains(&Capability::Role(0)),
            config.role.is_some()
        );
        let mut open = Open { asn: Asn(64513), ..node_open() };
        open.capabilities.extend(theirs.iter().map(|code| Capability::Role(*code)));
        match (negotiate(&config, &open), expected) {
            (Ok(negotiated), Ok(role)) => assert_eq!(negotiated.remote_role, role),
            (Err(refusal), Err(words)) => {
                assert_eq!((refusal.notification.code, refusal.notification.subcode), (2, 11));
                assert!(refusal.text.contains(words), "{}", refusal.text);
            }
            (found, _) => panic!("{theirs:?}: {found:?}"),
        }
    }
}
