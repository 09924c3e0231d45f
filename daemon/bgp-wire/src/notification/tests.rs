//! Names, texts and hard resets.

use super::*;

fn cease(subcode: u8, data: &[u8]) -> Notification {
    Notification { code: 6, subcode, data: data.to_vec() }
}

#[test]
fn a_notification_is_shown_by_name_with_its_text() {
    for (notification, expect) in [
        (Notification::new(Reason::HoldTimerExpired), "Hold Timer Expired"),
        (Notification::new(Reason::PeerDeconfigured), "Cease/Peer De-configured"),
        (
            Notification::with_text(Reason::AdministrativeReset, "Peer configuration changed"),
            "Cease/Administrative Reset \"Peer configuration changed\"",
        ),
        (cease(77, b""), "Cease/subcode 77"),
        (Notification { code: 99, subcode: 3, data: vec![] }, "error code 99 subcode 3"),
        (
            Notification::hard_reset(&Notification::with_text(Reason::AdministrativeShutdown, "bye")),
            "Cease/Hard Reset (Cease/Administrative Shutdown) \"bye\"",
        ),
    ] {
        assert_eq!(notification.to_string(), expect);
    }
}

#[test]
fn a_shutdown_text_is_bounded_and_cannot_steer_a_terminal() {
    for (data, expect) in [
        (&b"\x03bye"[..], Some("bye")),
        (b"\x04a\x1b[m", Some("a\\u{1b}[m")),
        (b"\x03a\xffb", Some("a\u{fffd}b")),
        (b"\x00", None),
        (b"", None),
        (b"\xff", None),
        (b"\x04bye", None),
        (b"\x02bye", Some("by")),
    ] {
        assert_eq!(cease(2, data).text().as_deref(), expect, "{data:?}");
    }
}

#[test]
fn a_long_text_is_cut_between_two_characters() {
    let notification = Notification::with_text(Reason::AdministrativeShutdown, &"ü".repeat(200));
    assert_eq!(notification.data.first(), Some(&254));
    assert_eq!(notification.text(), Some("ü".repeat(127)));
}

#[test]
fn a_hard_reset_unwraps_one_level_only() {
    let inner = Notification::new(Reason::MaximumPrefixes);
    let outer = Notification::hard_reset(&inner);
    assert!(outer.is_hard_reset());
    assert_eq!(outer.inner(), Some(inner));
    let twice = Notification::hard_reset(&outer);
    assert_eq!(twice.inner(), Some(outer));
    assert_eq!(twice.text(), None);
    assert_eq!(cease(9, &[6]).inner(), None);
}

#[test]
fn the_data_of_a_notification_is_what_the_rfc_asks_for() {
    for (error, code, subcode, data) in [
        (DecodeError::from(HeaderError::Marker), 1, 1, &[][..]),
        (HeaderError::Length(5000).into(), 1, 2, &[0x13, 0x88]),
        (HeaderError::Type(9).into(), 1, 3, &[9]),
        (OpenError::Version(5).into(), 2, 1, &[0, 4]),
        (UpdateError::Multiprotocol { code: 14, reason: "", raw: vec![0x80, 14, 0] }.into(), 3, 9, &[0x80, 14, 0]),
        (DecodeError::RouteRefresh(vec![0xff, 1]), 7, 1, &[0xff, 1]),
    ] {
        let expect = Notification { code, subcode, data: data.to_vec() };
        assert_eq!(Notification::from(&error), expect, "{error}");
    }
}
