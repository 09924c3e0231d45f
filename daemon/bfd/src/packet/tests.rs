//! The codec, row by row, and for any octets.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a test may fail loudly and begin at any time"
)]

use proptest::prelude::*;

use super::*;

/// A packet of FRR's bfdd on its way up: 300 ms, multiplier 3.
const FRR: [u8; 24] =
    [0x20, 0xc8, 3, 24, 0, 0, 0, 7, 0, 0, 0, 9, 0, 0x04, 0x93, 0xe0, 0, 0x04, 0x93, 0xe0, 0, 0, 0xc3, 0x50];

#[test]
fn a_packet_says_what_its_octets_say() {
    let packet = Packet::parse(&FRR).unwrap();
    assert_eq!(packet.state, State::Up);
    assert!(packet.control_plane_independent && !packet.poll && !packet.last && !packet.demand);
    assert_eq!((packet.my_discriminator.get(), packet.your_discriminator.map(NonZeroU32::get)), (7, Some(9)));
    assert_eq!(packet.desired_min_tx, Duration::from_millis(300));
    assert_eq!(packet.required_min_echo_rx, Duration::from_millis(50));
    assert_eq!(packet.encode(), FRR);
}

#[test]
fn what_must_be_discarded_is_no_packet() {
    type Edit = fn(&mut Vec<u8>);
    let rows: [(Edit, Result<(), PacketError>); 17] = [
        (|_| (), Ok(())),
        (|octets| octets[0] = 0x00, Err(PacketError::Version(0))),
        (|octets| octets[0] = 0x40, Err(PacketError::Version(2))),
        (|octets| octets.truncate(23), Err(PacketError::Short)),
        (|octets| octets.clear(), Err(PacketError::Short)),
        (|octets| octets[3] = 23, Err(PacketError::Length(23))),
        (|octets| octets[3] = 25, Err(PacketError::Short)),
        (|octets| octets.push(0xff), Ok(())),
        (|octets| octets[1] |= AUTHENTICATION, Err(PacketError::Length(24))),
        (|octets| octets[2] = 0, Err(PacketError::Multiplier)),
        (|octets| octets[1] |= MULTIPOINT, Err(PacketError::Multipoint)),
        (|octets| octets[4..8].fill(0), Err(PacketError::MyDiscriminator)),
        (|octets| octets[8..12].fill(0), Err(PacketError::YourDiscriminator(State::Up))),
        (
            |octets| {
                octets[8..12].fill(0);
                octets[1] = 0x80;
            },
            Err(PacketError::YourDiscriminator(State::Init)),
        ),
        (
            |octets| {
                octets[8..12].fill(0);
                octets[1] = 0x40;
            },
            Ok(()),
        ),
        (
            |octets| {
                octets[8..12].fill(0);
                octets[1] = 0;
            },
            Ok(()),
        ),
        (|octets| octets[1] |= POLL | FINAL | DEMAND, Ok(())),
    ];
    for (row, (edit, expected)) in rows.into_iter().enumerate() {
        let mut octets = FRR.to_vec();
        edit(&mut octets);
        assert_eq!(Packet::parse(&octets).map(drop), expected, "row {row}");
    }
}

#[test]
fn an_authentication_section_has_the_length_of_its_kind() {
    let rows: [(&[u8], bool); 9] = [
        (&[1, 4, 1, b'x'], true),
        (&[1, 3, 1], false),
        (&[1, 5, 1, b'x'], false),
        (&[1, 20, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], false),
        (&[2, 4, 1, 0], false),
        (&[4, 4, 1, 0], false),
        (&[9, 2], true),
        (&[9, 1], false),
        (&[9, 0], false),
    ];
    for (section, sound) in rows {
        let mut octets = FRR.to_vec();
        octets[1] |= AUTHENTICATION;
        octets[3] = u8::try_from(24 + section.len()).unwrap();
        octets.extend(section);
        let parsed = Packet::parse(&octets);
        assert_eq!(parsed.is_ok(), sound, "{section:?}: {parsed:?}");
        if let Ok(packet) = parsed {
            assert_eq!(packet.encode(), octets);
        }
    }
}

#[test]
fn every_diagnostic_has_a_name_or_a_number() {
    assert_eq!(Diagnostic::TIME_EXPIRED.to_string(), "control detection time expired");
    assert_eq!(Diagnostic(31).to_string(), "diagnostic 31");
}

proptest! {
    #[test]
    fn any_octets_are_read_and_what_is_a_packet_is_written_as_it_was(
        octets in prop::collection::vec(any::<u8>(), 0..64),
        head in prop::option::of(Just(FRR)),
    ) {
        let mut all = octets;
        if let Some(head) = head {
            let kept = all.len().min(8);
            all.splice(..kept, head);
        }
        if let Ok(packet) = Packet::parse(&all) {
            let length = usize::from(all[3]);
            prop_assert_eq!(Packet::parse(&packet.encode()), Ok(packet.clone()));
            // Octets of a section behind what it claims itself are not kept.
            if packet.authentication.is_none() && length == LENGTH {
                prop_assert_eq!(packet.encode(), &all[..length]);
            }
        }
    }
}
