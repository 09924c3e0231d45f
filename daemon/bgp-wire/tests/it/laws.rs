//! Laws: what is written is read as the same value, and no octets can do harm.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use bgp_wire::attribute::{
    Aggregator, AsPath, Keep, LargeCommunity, NextHop, Origin, PathAttributes, Segment, SegmentKind, UnknownAttribute,
};
use bgp_wire::capability::Capability;
use bgp_wire::{AfiSafi, Message, Negotiated, Nlri, Notification, Open, Reach, RouteRefresh, Unreach, Update, frame};
use nouns::{Asn, Family, Prefix};
use proptest::collection::{btree_set, vec};
use proptest::option;
use proptest::prelude::*;

use crate::message;

fn family() -> impl Strategy<Value = Family> {
    prop_oneof![Just(Family::Ipv4Unicast), Just(Family::Ipv6Unicast)]
}

fn asn() -> impl Strategy<Value = Asn> {
    prop_oneof![1..=65535u32, 65536..=u32::MAX].prop_map(Asn)
}

fn ipv4() -> impl Strategy<Value = Ipv4Addr> {
    any::<u32>().prop_map(Ipv4Addr::from)
}

/// An address that can be a next hop.
fn host_v4() -> impl Strategy<Value = Ipv4Addr> {
    (1..=126u8, any::<[u8; 3]>()).prop_map(|(a, [b, c, d])| Ipv4Addr::new(a, b, c, d))
}

fn next_hop(family: Family) -> BoxedStrategy<NextHop> {
    let v6 = (any::<u64>(), option::of(any::<u64>())).prop_map(|(global, local)| NextHop {
        address: IpAddr::V6(Ipv6Addr::from_bits(0x2001_0db8 << 96 | u128::from(global))),
        link_local: local.map(|local| Ipv6Addr::from_bits(0xfe80 << 112 | u128::from(local))),
    });
    let v4 = host_v4().prop_map(|address| NextHop { address: IpAddr::V4(address), link_local: None });
    match family {
        Family::Ipv4Unicast => prop_oneof![v4, v6].boxed(),
        Family::Ipv6Unicast => v6.boxed(),
    }
}

fn nlri(family: Family, add_path: bool) -> impl Strategy<Value = Nlri> {
    (any::<u128>(), 0..=family.bits(), any::<u32>()).prop_map(move |(bits, length, path_id)| {
        let address = match family {
            Family::Ipv4Unicast => IpAddr::V4(Ipv4Addr::from_bits((bits >> 96) as u32)),
            Family::Ipv6Unicast => IpAddr::V6(Ipv6Addr::from_bits(bits)),
        };
        let prefix = Prefix::masked_or_host(address, length);
        Nlri { prefix, path_id: if add_path { path_id } else { 0 } }
    })
}

/// A confederation's own segments come first, if they come at all.
fn as_path(confederation: std::ops::RangeInclusive<usize>) -> impl Strategy<Value = AsPath> {
    let segment = |kind| vec(asn(), 1..20).prop_map(move |asns| (kind, asns));
    let inside = vec(segment(SegmentKind::ConfedSequence), confederation);
    (inside, vec(segment(SegmentKind::Sequence), 0..=1)).prop_map(|(mut inside, outside)| {
        inside.extend(outside);
        inside.iter().map(|(kind, asns)| Segment { kind: *kind, asns }).collect()
    })
}

fn unknown() -> impl Strategy<Value = Vec<UnknownAttribute>> {
    let one =
        (200..=254u8, vec(any::<u8>(), 0..300)).prop_map(|(code, value)| UnknownAttribute { flags: 0xe0, code, value });
    vec(one, 0..3).prop_map(|mut all| {
        all.sort();
        all.dedup_by_key(|attribute| attribute.code);
        all
    })
}

fn attributes(family: Family, negotiated: &Negotiated) -> impl Strategy<Value = PathAttributes> + use<> {
    let (internal, member) = (negotiated.internal, negotiated.confederation);
    // AS4_PATH has no confederation segments, so a peer with two-octet numbers loses those that do not fit.
    let confederation = usize::from(member)..=usize::from((internal || member) && negotiated.four_octet_as);
    let origin = prop_oneof![Just(Origin::Igp), Just(Origin::Egp), Just(Origin::Incomplete)];
    let large = any::<[u32; 3]>().prop_map(|[a, b, c]| LargeCommunity(a, b, c));
    let aggregator = (asn(), ipv4()).prop_map(|(asn, address)| Aggregator { asn, address });
    (
        (
            origin,
            as_path(confederation),
            next_hop(family),
            option::of(any::<u32>()),
            any::<bool>(),
            option::of(aggregator),
        ),
        (btree_set(any::<u32>(), 0..70), btree_set(any::<[u8; 8]>(), 0..4), btree_set(large, 0..4)),
        (option::of(any::<u32>()), option::of(ipv4()), vec(ipv4(), 0..4), unknown()),
    )
        .prop_map(move |((origin, as_path, next_hop, med, atomic_aggregate, aggregator), communities, rest)| {
            PathAttributes {
                origin,
                as_path,
                next_hop,
                med,
                local_pref: rest.0.filter(|_| internal || member),
                atomic_aggregate,
                aggregator,
                communities: communities.0.into_iter().collect(),
                extended_communities: communities.1.into_iter().collect(),
                large_communities: communities.2.into_iter().collect(),
                originator_id: rest.1.filter(|_| internal),
                cluster_list: rest.2.into_iter().filter(|_| internal).collect(),
                unknown: rest.3.into_iter().collect(),
                keep: Keep::default(),
            }
        })
}

fn session() -> impl Strategy<Value = Negotiated> {
    (any::<[bool; 4]>(), vec(family(), 0..2)).prop_map(
        |([four_octet_as, internal, member, extended_next_hop], add_path)| {
            Negotiated {
                four_octet_as,
                internal,
                // What a member of a confederation has in front may have four octets.
                confederation: member && four_octet_as && !internal,
                extended_next_hop,
                as_sets: false,
                martian_next_hops: false,
                extended_message: true,
                families: Family::ALL.to_vec(),
                add_path_receive: add_path.clone(),
                add_path_send: add_path,
            }
        },
    )
}

/// A session and an UPDATE that one message can carry in it.
fn update() -> impl Strategy<Value = (Negotiated, Update)> {
    (session(), family()).prop_flat_map(|(negotiated, family)| {
        let routes = |family| vec(nlri(family, negotiated.add_path_send.contains(&family)), 1..50);
        let unreach = |family| routes(family).prop_map(move |nlri| Unreach { family, nlri });
        let reach = (attributes(family, &negotiated), routes(family)).prop_map(move |(attributes, nlri)| Reach {
            family,
            attributes: Arc::new(attributes),
            nlri,
        });
        let of =
            (option::of(unreach(Family::Ipv4Unicast)), option::of(unreach(Family::Ipv6Unicast)), reach, any::<bool>());
        of.prop_map(move |(v4, v6, reach, reaches)| {
            let unreach: Vec<Unreach> = v4.into_iter().chain(v6).collect();
            let reach = if reaches || unreach.is_empty() { vec![reach] } else { vec![] };
            (negotiated.clone(), Update { unreach, reach, ..Update::default() })
        })
    })
}

fn capability() -> impl Strategy<Value = Capability> {
    let name = "[a-zü.-]{0,12}";
    prop_oneof![
        any::<(u16, u8)>().prop_map(|(afi, safi)| Capability::Multiprotocol(AfiSafi { afi, safi })),
        Just(Capability::RouteRefresh),
        vec(family(), 0..3).prop_map(Capability::ExtendedNextHop),
        Just(Capability::ExtendedMessage),
        any::<u8>().prop_map(Capability::Role),
        (any::<[bool; 2]>(), 0..4096u16, vec((family(), any::<bool>()), 0..3)).prop_map(
            |([restarting, notification], time, families)| {
                Capability::GracefulRestart { restarting, notification, time, families }
            }
        ),
        asn().prop_map(Capability::FourOctetAs),
        vec((family(), 1..=3u8), 0..3).prop_map(Capability::AddPath),
        Just(Capability::EnhancedRouteRefresh),
        vec((family(), any::<bool>(), 0..1u32 << 24), 0..3).prop_map(Capability::LongLivedGracefulRestart),
        (name, name).prop_map(|(host, domain)| Capability::Fqdn { host, domain }),
        "[A-Za-z/0-9.]{1,20}".prop_map(Capability::SoftwareVersion),
        (128..=255u8, vec(any::<u8>(), 0..10)).prop_map(|(code, value)| Capability::Unknown { code, value }),
    ]
}

fn open() -> impl Strategy<Value = Open> {
    let hold_time = prop_oneof![Just(0u16), 3..=u16::MAX];
    (1..=65535u32, hold_time, 1..=u32::MAX, vec(capability(), 0..7)).prop_map(
        |(short, hold_time, router_id, capabilities)| {
            let long = capabilities.iter().find_map(|capability| match capability {
                Capability::FourOctetAs(asn) => Some(*asn),
                _ => None,
            });
            Open { asn: long.unwrap_or(Asn(short)), hold_time, router_id: Ipv4Addr::from(router_id), capabilities }
        },
    )
}

fn any_message() -> impl Strategy<Value = (Negotiated, Message)> {
    let notification = (any::<(u8, u8)>(), vec(any::<u8>(), 0..300))
        .prop_map(|((code, subcode), data)| Message::Notification(Notification { code, subcode, data }));
    let refresh = (family(), any::<u8>())
        .prop_map(|(family, subtype)| Message::RouteRefresh(RouteRefresh::new(Some(family), subtype)));
    let plain = prop_oneof![notification, refresh, Just(Message::Keepalive), open().prop_map(Message::Open)];
    prop_oneof![update().prop_map(|(negotiated, update)| (negotiated, Message::Update(update))), (session(), plain)]
}

fn encoded(negotiated: &Negotiated, message: &Message) -> Vec<u8> {
    let mut out = Vec::new();
    message.encode(negotiated, &mut out).expect("the strategies make values that fit");
    out
}

proptest! {
    #[test]
    fn what_is_written_is_read_as_the_same_value((negotiated, message) in any_message()) {
        let bytes = encoded(&negotiated, &message);
        prop_assert_eq!(frame(&bytes, negotiated.max_message()), Ok(Some(bytes.len())));
        prop_assert_eq!(Message::decode(&bytes, &negotiated), Ok(message));
    }

    #[test]
    fn a_part_of_a_message_is_never_refused((negotiated, message) in any_message(), cut in any::<prop::sample::Index>()) {
        let bytes = encoded(&negotiated, &message);
        let part = &bytes[..cut.index(bytes.len())];
        prop_assert_eq!(frame(part, negotiated.max_message()), Ok(None));
        prop_assert!(Message::decode(part, &negotiated).is_err());
    }

    #[test]
    fn a_changed_octet_does_no_harm(
        (negotiated, message) in any_message(),
        changes in vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let mut bytes = encoded(&negotiated, &message);
        for (index, octet) in changes {
            let place = index.index(bytes.len());
            bytes[place] = octet;
        }
        stands(&bytes, &negotiated)?;
    }

    #[test]
    fn random_octets_do_no_harm(negotiated in session(), kind in 0..7u8, body in vec(any::<u8>(), 0..200)) {
        stands(&message(kind, &body), &negotiated)?;
    }

    /// Attributes with honest headers and any value reach deeper than random octets do.
    #[test]
    fn random_values_of_attributes_do_no_harm(
        negotiated in session(),
        list in vec((any::<u8>(), 0..45u8, vec(any::<u8>(), 0..40)), 0..8),
        nlri in vec(any::<u8>(), 0..3),
    ) {
        let mut attributes = Vec::new();
        for (flags, code, value) in list {
            let length = u8::try_from(value.len()).unwrap();
            attributes.extend_from_slice(&[flags & 0xef, code, length]);
            attributes.extend(value);
        }
        let length = u16::try_from(attributes.len()).unwrap().to_be_bytes();
        stands(&message(2, &[&[0, 0], &length[..], &attributes, &nlri].concat()), &negotiated)?;
    }
}

/// What was read is bounded by what came, can be told to the peer, and is the same after another trip.
fn stands(bytes: &[u8], negotiated: &Negotiated) -> Result<(), TestCaseError> {
    match Message::decode(bytes, negotiated) {
        Err(error) => {
            let notification = Message::Notification(Notification::from(&error));
            let mut out = Vec::new();
            prop_assert_eq!(notification.encode(&Negotiated::default(), &mut out), Ok(()));
            prop_assert!(!error.to_string().is_empty());
        }
        Ok(Message::Update(update)) => {
            let reach = update.reach.iter().map(|reach| reach.nlri.len()).sum::<usize>();
            let unreach = update.unreach.iter().map(|unreach| unreach.nlri.len()).sum::<usize>();
            prop_assert!(reach + unreach <= bytes.len());
            prop_assert!(update.errors.iter().all(|error| error.raw.len() <= 64 && !error.to_string().is_empty()));
            for reach in &update.reach {
                again(reach, negotiated)?;
            }
        }
        Ok(Message::Notification(notification)) => {
            prop_assert!(!notification.to_string().chars().any(char::is_control));
        }
        Ok(_) => {}
    }
    Ok(())
}

/// Accepted routes can be announced, and arrive as they are, but for the Partial flag.
fn again(reach: &Reach, negotiated: &Negotiated) -> Result<(), TestCaseError> {
    let negotiated = &Negotiated { add_path_send: negotiated.add_path_receive.clone(), ..negotiated.clone() };
    let mut expect = PathAttributes::clone(&reach.attributes);
    for unknown in &mut expect.unknown {
        unknown.flags |= 0x20;
    }
    let mut out = Vec::new();
    let mut routes = reach.nlri.iter().copied();
    let written = bgp_wire::encode_reach(reach.family, &expect, &mut routes, negotiated, &mut out);
    prop_assert_eq!(written, Ok(()));
    let decoded = Message::decode(&out, negotiated);
    let Ok(Message::Update(update)) = &decoded else {
        return Err(TestCaseError::fail(format!("not an UPDATE: {decoded:?}")));
    };
    prop_assert_eq!(&*update.reach[0].attributes, &expect);
    prop_assert_eq!(&update.reach[0].nlri, &reach.nlri);
    Ok(())
}
