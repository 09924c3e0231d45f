//! One row per path attribute: its number, its name, its flags, what a malformed one costs, its codec.
//!
//! The costs are those of RFC 7606 §7 and the later RFCs that follow it. Never loops over a message.

use std::borrow::Cow;

use super::draft::Draft;
use super::{opaque, path, values};
use crate::Negotiated;
use crate::attribute::PathAttributes;
use crate::error::EncodeError;
use crate::error::ErrorClass::{self, Discard, Reset, Withdraw};
use crate::reader::Reader;
use crate::writer::Writer;

/// Flag: not every speaker knows the attribute.
pub(super) const OPTIONAL: u8 = 0x80;
/// Flag: who does not know it passes it on.
pub(super) const TRANSITIVE: u8 = 0x40;
/// The flags that an attribute's row tells.
pub(super) const FLAGS: u8 = OPTIONAL | TRANSITIVE;
/// Flag: somebody who did not know it has passed it on.
pub(super) const PARTIAL: u8 = 0x20;
/// Flag: the length has two octets.
pub(super) const EXTENDED_LENGTH: u8 = 0x10;

/// MP_REACH_NLRI
pub(super) const MP_REACH: u8 = 14;
/// MP_UNREACH_NLRI
pub(super) const MP_UNREACH: u8 = 15;

/// One attribute as received, its value not yet understood.
#[derive(Clone, Copy, Debug)]
pub(super) struct Attribute<'a> {
    pub(super) flags: u8,
    pub(super) code: u8,
    pub(super) value: Reader<'a>,
    /// All octets, flags first.
    pub(super) raw: &'a [u8],
}

/// The next attribute; `None` when it overruns the list.
pub(super) fn next<'a>(list: &mut Reader<'a>) -> Option<Attribute<'a>> {
    let before = list.rest();
    let flags = list.u8()?;
    let code = list.u8()?;
    let length = if flags & EXTENDED_LENGTH != 0 { usize::from(list.u16()?) } else { usize::from(list.u8()?) };
    let value = list.sub(length)?;
    let raw = before.get(..before.len().saturating_sub(list.len()))?;
    Some(Attribute { flags, code, value, raw })
}

/// Why a value is malformed, and its cost where that is not the row's.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fault {
    pub(super) class: Option<ErrorClass>,
    pub(super) reason: &'static str,
}

impl Fault {
    pub(super) const fn new(reason: &'static str) -> Self {
        Self { class: None, reason }
    }
}

/// From whom an attribute has a meaning; from others it is discarded unread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Meant {
    /// From everybody.
    Always,
    /// From our AS, and from members of our confederation (RFC 5065 §5, RFC 7606 §7.5).
    Inside,
    /// From our AS (RFC 7606 §7.9, §7.10).
    Internally,
    /// From peers with AS numbers of two octets (RFC 6793 §6).
    FromOld,
}

type Decode = fn(Attribute<'_>, &Negotiated, &mut Draft) -> Result<(), Fault>;
type Encode = fn(&PathAttributes, &Negotiated, &mut Writer<'_>) -> Result<(), EncodeError>;

/// All that is particular to an attribute.
pub(super) struct Row {
    pub(super) code: u8,
    pub(super) name: &'static str,
    /// Optional and Transitive as they have to be.
    pub(super) flags: u8,
    /// What wrong flags cost (RFC 7606 §3 c).
    pub(super) misflagged: ErrorClass,
    /// What a malformed value costs.
    pub(super) malformed: ErrorClass,
    meant: Meant,
    pub(super) decode: Decode,
    /// `None` where the attribute is written with the routes, or as an unknown one.
    pub(super) encode: Option<Encode>,
}

const WELL_KNOWN: u8 = TRANSITIVE;
const NON_TRANSITIVE: u8 = OPTIONAL;
const OPTIONAL_TRANSITIVE: u8 = OPTIONAL | TRANSITIVE;

const fn row(code: u8, name: &'static str, flags: u8, malformed: ErrorClass, decode: Decode) -> Row {
    Row { code, name, flags, misflagged: Withdraw, malformed, meant: Meant::Always, decode, encode: None }
}

impl Row {
    const fn written_by(self, encode: Encode) -> Self {
        Self { encode: Some(encode), ..self }
    }

    const fn meant(self, meant: Meant) -> Self {
        Self { meant, ..self }
    }

    /// Why the attribute has no meaning in a session; `None` where it has one.
    pub(super) fn strange_to(&self, negotiated: &Negotiated) -> Option<&'static str> {
        const OUTSIDE: &str = "has no meaning from another AS";
        match self.meant {
            Meant::Always => None,
            Meant::Inside => (!negotiated.internal && !negotiated.confederation).then_some(OUTSIDE),
            Meant::Internally => (!negotiated.internal).then_some(OUTSIDE),
            Meant::FromOld => negotiated.four_octet_as.then_some("not to be sent by a peer with four-octet AS numbers"),
        }
    }

    /// Its own document says that wrong flags are worth no more than a wrong value (RFC 7311 §3.2); others say nothing of
    /// flags, and RFC 7606 §3 c holds.
    const fn forgiving(self) -> Self {
        Self { misflagged: Discard, ..self }
    }
}

/// In the order in which they are written.
pub(super) static TABLE: [Row; 25] = [
    row(1, "ORIGIN", WELL_KNOWN, Withdraw, values::decode_origin).written_by(values::encode_origin),
    row(2, "AS_PATH", WELL_KNOWN, Withdraw, path::decode_as_path).written_by(path::encode_as_path),
    row(3, "NEXT_HOP", WELL_KNOWN, Withdraw, values::decode_next_hop).written_by(values::encode_next_hop),
    row(4, "MULTI_EXIT_DISC", NON_TRANSITIVE, Withdraw, values::decode_med).written_by(values::encode_med),
    row(5, "LOCAL_PREF", WELL_KNOWN, Withdraw, values::decode_local_pref)
        .meant(Meant::Inside)
        .written_by(values::encode_local_pref),
    row(6, "ATOMIC_AGGREGATE", WELL_KNOWN, Discard, values::decode_atomic).written_by(values::encode_atomic),
    row(7, "AGGREGATOR", OPTIONAL_TRANSITIVE, Discard, values::decode_aggregator).written_by(values::encode_aggregator),
    row(8, "COMMUNITIES", OPTIONAL_TRANSITIVE, Withdraw, values::decode_communities)
        .written_by(values::encode_communities),
    row(9, "ORIGINATOR_ID", NON_TRANSITIVE, Withdraw, values::decode_originator)
        .meant(Meant::Internally)
        .written_by(values::encode_originator),
    row(10, "CLUSTER_LIST", NON_TRANSITIVE, Withdraw, values::decode_clusters)
        .meant(Meant::Internally)
        .written_by(values::encode_clusters),
    row(MP_REACH, "MP_REACH_NLRI", NON_TRANSITIVE, Reset, values::decode_mp_reach),
    row(MP_UNREACH, "MP_UNREACH_NLRI", NON_TRANSITIVE, Reset, values::decode_mp_unreach),
    row(16, "EXTENDED COMMUNITIES", OPTIONAL_TRANSITIVE, Withdraw, values::decode_extended)
        .written_by(values::encode_extended),
    row(17, "AS4_PATH", OPTIONAL_TRANSITIVE, Discard, path::decode_as4_path)
        .meant(Meant::FromOld)
        .written_by(path::encode_as4_path),
    row(18, "AS4_AGGREGATOR", OPTIONAL_TRANSITIVE, Discard, values::decode_as4_aggregator)
        .meant(Meant::FromOld)
        .written_by(values::encode_as4_aggregator),
    row(22, "PMSI_TUNNEL", OPTIONAL_TRANSITIVE, Withdraw, opaque::pmsi_tunnel),
    row(23, "TUNNEL_ENCAPSULATION", OPTIONAL_TRANSITIVE, Withdraw, opaque::tunnel_encapsulation),
    row(24, "TRAFFIC_ENGINEERING", NON_TRANSITIVE, Withdraw, opaque::traffic_engineering),
    row(25, "IPV6_EXTENDED_COMMUNITIES", OPTIONAL_TRANSITIVE, Withdraw, opaque::ipv6_extended_communities),
    row(26, "AIGP", NON_TRANSITIVE, Discard, opaque::aigp).forgiving(),
    row(29, "BGP-LS", NON_TRANSITIVE, Discard, opaque::link_state),
    row(32, "LARGE_COMMUNITY", OPTIONAL_TRANSITIVE, Withdraw, values::decode_large).written_by(values::encode_large),
    row(35, "ONLY_TO_CUSTOMER", OPTIONAL_TRANSITIVE, Withdraw, opaque::only_to_customer),
    row(40, "PREFIX_SID", OPTIONAL_TRANSITIVE, Discard, opaque::prefix_sid),
    row(128, "ATTR_SET", OPTIONAL_TRANSITIVE, Withdraw, opaque::attribute_set),
];

/// The row of a type code.
pub(super) fn find(code: u8) -> Option<&'static Row> {
    TABLE.iter().find(|row| row.code == code)
}

/// The name of an attribute for people: `AS_PATH`, `attribute 99`, or `attribute list` for 0.
#[must_use]
pub fn attribute_name(code: u8) -> Cow<'static, str> {
    match (code, find(code)) {
        (0, _) => "attribute list".into(),
        (_, Some(row)) => row.name.into(),
        (_, None) => format!("attribute {code}").into(),
    }
}
