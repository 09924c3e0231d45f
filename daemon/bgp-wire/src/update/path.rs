//! AS_PATH and AS4_PATH on the wire, and how the two become one path again (RFC 6793 §4.2).
//!
//! Never looks at who sent the path, but for confederation segments, which no other AS may send.

use nouns::Asn;

use super::draft::Draft;
use super::table::{Attribute, Fault, OPTIONAL, TRANSITIVE};
use crate::Negotiated;
use crate::attribute::{AsPath, Builder, PathAttributes, Segment, SegmentKind};
use crate::error::{EncodeError, ErrorClass};
use crate::open::two_octets;
use crate::reader::Reader;
use crate::writer::Writer;

/// Longest AS path that is accepted, in numbers; the longest ever seen with good cause have a tenth of it.
pub const AS_PATH_LIMIT: usize = 1000;

const KINDS: [(SegmentKind, u8); 4] =
    [(SegmentKind::Set, 1), (SegmentKind::Sequence, 2), (SegmentKind::ConfedSequence, 3), (SegmentKind::ConfedSet, 4)];

pub(super) fn decode_as_path(
    attribute: Attribute<'_>,
    negotiated: &Negotiated,
    draft: &mut Draft,
) -> Result<(), Fault> {
    let path = read(attribute.value, negotiated.four_octet_as, negotiated.as_sets)?;
    let outside = !negotiated.internal && !negotiated.confederation;
    if outside && path.segments().any(|segment| segment.kind.is_confederation()) {
        return Err(Fault::new("a confederation segment from outside (RFC 5065 §5)"));
    }
    if negotiated.confederation && path.first_member().is_none() {
        return Err(Fault::new(
            "no segment of the confederation in front, as its members have to put it (RFC 5065 §5)",
        ));
    }
    draft.as_path = Some(path);
    Ok(())
}

pub(super) fn decode_as4_path(
    attribute: Attribute<'_>,
    negotiated: &Negotiated,
    draft: &mut Draft,
) -> Result<(), Fault> {
    let mut path = read(attribute.value, true, negotiated.as_sets)?;
    if path.is_empty() {
        return Err(Fault::new("empty"));
    }
    path.drop_confederations();
    draft.as4_path = Some(path);
    Ok(())
}

fn read(mut value: Reader<'_>, four_octets: bool, sets: bool) -> Result<AsPath, Fault> {
    if let Some(path) = read_short(value, four_octets) {
        return Ok(path);
    }
    let mut builder = Builder::default();
    let mut numbers: usize = 0;
    let mut any_set = false;
    while !value.is_empty() {
        let (kind, asns) = read_segment(&mut value, four_octets)?;
        any_set |= matches!(kind, SegmentKind::Set | SegmentKind::ConfedSet);
        numbers = numbers.saturating_add(asns.len());
        builder.push(Segment { kind, asns: &asns });
    }
    let refusal = if any_set && !sets {
        Some("a set of AS numbers (RFC 9774)")
    } else if numbers > AS_PATH_LIMIT {
        Some("more than 1000 AS numbers")
    } else {
        None
    };
    match refusal {
        // The path is well formed, but not wanted: that is no less in AS4_PATH, whose faults are cheaper.
        Some(reason) => Err(Fault { class: Some(ErrorClass::Withdraw), reason }),
        None => Ok(builder.finish()),
    }
}

/// One sequence of few numbers, as most paths are, read in one go; `None` for any other path and for any fault.
fn read_short(mut value: Reader<'_>, four_octets: bool) -> Option<AsPath> {
    let [2, count] = value.array::<2>()? else { return None };
    let octets = value.rest();
    let width: usize = if four_octets { 4 } else { 2 };
    if count == 0 || octets.len() != usize::from(count).saturating_mul(width) {
        return None;
    }
    let reserved = |asn| asn == Asn(0);
    let any_reserved = if four_octets { four(octets).any(reserved) } else { two(octets).any(reserved) };
    if any_reserved {
        return None;
    }
    if four_octets { AsPath::short(four(octets)) } else { AsPath::short(two(octets)) }
}

fn four(octets: &[u8]) -> impl ExactSizeIterator<Item = Asn> + '_ {
    octets.as_chunks::<4>().0.iter().map(|octets| Asn(u32::from_be_bytes(*octets)))
}

fn two(octets: &[u8]) -> impl ExactSizeIterator<Item = Asn> + '_ {
    octets.as_chunks::<2>().0.iter().map(|octets| Asn(u32::from(u16::from_be_bytes(*octets))))
}

fn read_segment(value: &mut Reader<'_>, four_octets: bool) -> Result<(SegmentKind, Vec<Asn>), Fault> {
    let cut = Fault::new("a segment overruns the attribute");
    let code = value.u8().ok_or(cut)?;
    let count = usize::from(value.u8().ok_or(cut)?);
    let kind = KINDS.iter().find(|row| row.1 == code).ok_or(Fault::new("an unknown segment type"))?.0;
    if count == 0 {
        return Err(Fault::new("an empty segment"));
    }
    let width: usize = if four_octets { 4 } else { 2 };
    let octets = value.take(count.saturating_mul(width)).ok_or(cut)?;
    let asns: Vec<Asn> = if four_octets { four(octets).collect() } else { two(octets).collect() };
    if asns.contains(&Asn(0)) {
        return Err(Fault::new("AS 0 is reserved (RFC 7607)"));
    }
    Ok((kind, asns))
}

/// The path of four-octet numbers that a two-octet peer sent in two parts (RFC 6793 §4.2.3): the numbers that
/// AS_PATH has more than AS4_PATH are in front.
pub(super) fn merge(short: AsPath, long: &AsPath) -> AsPath {
    let Some(mut missing) = short.length().checked_sub(long.length()) else {
        return short;
    };
    let mut merged = Builder::default();
    for segment in short.segments() {
        if !segment.kind.is_confederation() && missing == 0 {
            break;
        }
        let kept = match segment.kind {
            SegmentKind::Sequence => segment.asns.len().min(missing),
            _ => segment.asns.len(),
        };
        let kept = Segment { kind: segment.kind, asns: segment.asns.get(..kept).unwrap_or_default() };
        missing = missing.saturating_sub(kept.length());
        merged.push(kept);
    }
    for segment in long.segments() {
        merged.join(segment);
    }
    merged.finish()
}

pub(super) fn encode_as_path(
    attributes: &PathAttributes,
    negotiated: &Negotiated,
    writer: &mut Writer<'_>,
) -> Result<(), EncodeError> {
    let four_octets = negotiated.four_octet_as;
    writer.attribute(TRANSITIVE, 2, |writer| write(attributes.as_path.segments(), four_octets, writer))
}

pub(super) fn encode_as4_path(
    attributes: &PathAttributes,
    negotiated: &Negotiated,
    writer: &mut Writer<'_>,
) -> Result<(), EncodeError> {
    let path = &attributes.as_path;
    let outside = path.segments().filter(|segment| !segment.kind.is_confederation());
    let wide = outside.clone().flat_map(|segment| segment.asns).any(|asn| u16::try_from(asn.0).is_err());
    if negotiated.four_octet_as || !wide {
        return Ok(());
    }
    writer.attribute(OPTIONAL | TRANSITIVE, 17, |writer| write(outside, true, writer))
}

fn write<'a>(segments: impl Iterator<Item = Segment<'a>>, four_octets: bool, writer: &mut Writer<'_>) {
    for segment in segments {
        writer.u8(KINDS.iter().find(|row| row.0 == segment.kind).map_or(2, |row| row.1));
        writer.u8(u8::try_from(segment.asns.len()).unwrap_or(u8::MAX));
        for asn in segment.asns {
            if four_octets {
                writer.u32(asn.0);
            } else {
                writer.u16(two_octets(*asn));
            }
        }
    }
}
