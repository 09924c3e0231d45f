//! Malformed headers, OPENs and farewells, case by case, and what the peer is told: RFC 4271 §6.1, §6.2, RFC 5492, RFC 9072.
//!
//! Nothing here ever costs less than the session, but for capabilities that can be ignored.

use bgp_wire::{MAX_MESSAGE, Message, Negotiated, Notification, frame};

use crate::{hex, message, negotiated};

#[test]
fn headers() {
    let long = [vec![0xff; 16], hex("1388 02"), vec![0; 4981]].concat();
    for (sentence, bytes, code, subcode, data) in [
        ("the marker is not all ones", [&[0xfe], &message(4, &[])[1..]].concat(), 1, 1, vec![]),
        ("length 18", [vec![0xff; 16], hex("0012 04")].concat(), 1, 2, hex("0012")),
        ("length 5000 without extended messages", long, 1, 2, hex("1388")),
        ("message type 9", message(9, &[]), 1, 3, vec![9]),
        ("KEEPALIVE of 20 octets", message(4, &[0]), 1, 2, hex("0014")),
        ("ROUTE-REFRESH of 22 octets", message(5, &hex("000100")), 1, 2, hex("0016")),
        ("ROUTE-REFRESH of 24 octets", message(5, &hex("00010001 00")), 7, 1, message(5, &hex("00010001 00"))),
        (
            "ROUTE-REFRESH with a filter cut off",
            message(5, &hex("00010001 01 40 00ff 00")),
            7,
            1,
            message(5, &hex("00010001 01 40 00ff 00")),
        ),
        ("OPEN of 24 octets", message(1, &hex("04 fde8 00b4")), 1, 2, hex("0018")),
    ] {
        let error = Message::decode(&bytes, &negotiated()).expect_err(sentence);
        let got = Notification::from(&error);
        assert_eq!((got.code, got.subcode, got.data), (code, subcode, data), "{sentence}");
    }
    assert!(frame(&message(4, &[0]), MAX_MESSAGE).is_err());
}

#[test]
fn farewells_end_the_session_whatever_their_text() {
    for (data, shown) in [
        ([vec![128], vec![b'a'; 128]].concat(), format!("Cease/Administrative Shutdown \"{}\"", "a".repeat(128))),
        (vec![255], "Cease/Administrative Shutdown".to_owned()),
    ] {
        let bytes = message(3, &[vec![6, 2], data].concat());
        let Ok(Message::Notification(notification)) = Message::decode(&bytes, &negotiated()) else {
            panic!("not a NOTIFICATION");
        };
        assert_eq!(notification.to_string(), shown);
    }
}

#[test]
fn opens() {
    let capability = |value: &str| {
        let value = hex(value);
        let length = u8::try_from(value.len()).unwrap();
        [hex("04 fde8 00b4 c0000201"), vec![length + 2, 2, length], value].concat()
    };
    for (sentence, body, expect) in [
        ("a valid OPEN", capability("4104 0000fde8"), None),
        ("an OPEN without parameters", hex("04 fde8 00b4 c0000201 00"), None),
        ("version 5", hex("05 fde8 00b4 c0000201 00"), Some((2, 1))),
        ("AS 0", hex("04 0000 00b4 c0000201 00"), Some((2, 2))),
        ("hold time 1", hex("04 fde8 0001 c0000201 00"), Some((2, 6))),
        ("hold time 2", hex("04 fde8 0002 c0000201 00"), Some((2, 6))),
        ("hold time 0", hex("04 fde8 0000 c0000201 00"), None),
        ("BGP identifier 0", hex("04 fde8 00b4 00000000 00"), Some((2, 3))),
        ("AS 0 in the four-octet capability", capability("4104 00000000"), Some((2, 2))),
        ("four-octet capability of length 3", capability("4103 00fde8"), Some((2, 0))),
        ("multiprotocol capability of length 3", capability("0103 000100"), Some((2, 0))),
        ("a capability overruns its parameter", capability("0108 00010001"), Some((2, 0))),
        ("a parameter cut after its type", hex("04 fde8 00b4 c0000201 01 02"), Some((2, 0))),
        ("a parameter that overruns the message", hex("04 fde8 00b4 c0000201 06 02 08 0200"), Some((2, 0))),
        ("octets behind the parameters", hex("04 fde8 00b4 c0000201 00 00"), Some((2, 0))),
        ("extended parameters cut off", hex("04 fde8 00b4 c0000201 ff ff 00"), Some((2, 0))),
        ("extended parameters that end at their length", hex("04 fde8 00b4 c0000201 ff ff"), Some((2, 0))),
        ("extended parameters longer than the message", hex("04 fde8 00b4 c0000201 ff ff 0010 02"), Some((2, 0))),
        ("extended parameters", hex("04 fde8 00b4 c0000201 ff ff 0005 02 0002 0200"), None),
        ("an unknown parameter", hex("04 fde8 00b4 c0000201 03 01 01 00"), Some((2, 4))),
        ("graceful restart of 1 octet", capability("4001 c0"), None),
        ("long-lived graceful restart of 3 octets", capability("4703 000101"), None),
        ("ADD-PATH with direction 9", capability("4504 00010109"), None),
        ("a host name that overruns", capability("4904 ff766d00"), None),
        ("an empty software version", capability("4b01 00"), None),
        ("a software version that overruns", capability("4b03 ff4142"), None),
        ("role 255", capability("0901 ff"), None),
        ("extended next hop of length 5", capability("0505 0001000100"), None),
        ("many unknown capabilities", capability(&"c802abcd".repeat(50)), None),
    ] {
        let got = Message::decode(&message(1, &body), &Negotiated::default());
        let got = got.err().map(|error| Notification::from(&error)).map(|got| (got.code, got.subcode));
        assert_eq!(got, expect, "{sentence}");
    }
}
