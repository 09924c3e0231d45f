//! AS_PATH and AS4_PATH on the wire, and how the two become one path again (RFC 6793 §4.2).
//!
//! Never looks at who sent the path, but for confederation segments, which no other AS may send.

use nouns::Asn;

use super::draft::Draft;
use super::table::{Attribute, Fault, OPTIONAL, TRANSITIVE};
use crate::Negotiated;
use crate::attribute::{AsPath, PathAttributes, SEGMENT_LIMIT, Segment, SegmentKind};
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
    let path = read(attribute.value, negotiated.four_octet_as)?;
    if !negotiated.internal && path.0.iter().any(|segment| segment.kind.is_confederation()) {
        return Err(Fault::new("a confederation segment from outside (RFC 5065 §5)"));
    }
    draft.as_path = Some(path);
    Ok(())
}

pub(super) fn decode_as4_path(
    attribute: Attribute<'_>,
    negotiated: &Negotiated,
    draft: &mut Draft,
) -> Result<(), Fault> {
    if negotiated.four_octet_as {
        return Err(Fault::new("not to be sent by a peer with four-octet AS numbers"));
    }
    let mut path = read(attribute.value, true)?;
    if path.0.is_empty() {
        return Err(Fault::new("empty"));
    }
    path.0.retain(|segment| !segment.kind.is_confederation());
    draft.as4_path = Some(path);
    Ok(())
}

fn read(mut value: Reader<'_>, four_octets: bool) -> Result<AsPath, Fault> {
    let mut segments = Vec::new();
    let mut numbers: usize = 0;
    while !value.is_empty() {
        let segment = read_segment(&mut value, four_octets)?;
        numbers = numbers.saturating_add(segment.asns.len());
        segments.push(segment);
    }
    let refusal = if segments.iter().any(|segment| matches!(segment.kind, SegmentKind::Set | SegmentKind::ConfedSet)) {
        Some("a set of AS numbers (RFC 9774)")
    } else if numbers > AS_PATH_LIMIT {
        Some("more than 1000 AS numbers")
    } else {
        None
    };
    match refusal {
        // The path is well formed, but not wanted: that is no less in AS4_PATH, whose faults are cheaper.
        Some(reason) => Err(Fault { class: Some(ErrorClass::Withdraw), reason }),
        None => Ok(AsPath(segments)),
    }
}

fn read_segment(value: &mut Reader<'_>, four_octets: bool) -> Result<Segment, Fault> {
    let cut = Fault::new("a segment overruns the attribute");
    let code = value.u8().ok_or(cut)?;
    let count = usize::from(value.u8().ok_or(cut)?);
    let kind = KINDS.iter().find(|row| row.1 == code).ok_or(Fault::new("an unknown segment type"))?.0;
    if count == 0 {
        return Err(Fault::new("an empty segment"));
    }
    let width: usize = if four_octets { 4 } else { 2 };
    let octets = value.take(count.saturating_mul(width)).ok_or(cut)?;
    let asns: Vec<Asn> = if four_octets {
        octets.as_chunks::<4>().0.iter().map(|octets| Asn(u32::from_be_bytes(*octets))).collect()
    } else {
        octets.as_chunks::<2>().0.iter().map(|octets| Asn(u32::from(u16::from_be_bytes(*octets)))).collect()
    };
    if asns.contains(&Asn(0)) {
        return Err(Fault::new("AS 0 is reserved (RFC 7607)"));
    }
    Ok(Segment { kind, asns })
}

/// The path of four-octet numbers that a two-octet peer sent in two parts (RFC 6793 §4.2.3): the numbers that
/// AS_PATH has more than AS4_PATH are in front.
pub(super) fn merge(short: AsPath, long: AsPath) -> AsPath {
    let Some(mut missing) = short.length().checked_sub(long.length()) else {
        return short;
    };
    let mut merged = Vec::new();
    for segment in short.0 {
        if !segment.kind.is_confederation() && missing == 0 {
            break;
        }
        let kept = match segment.kind {
            SegmentKind::Sequence => segment.asns.len().min(missing),
            _ => segment.asns.len(),
        };
        let kept = Segment { kind: segment.kind, asns: segment.asns.into_iter().take(kept).collect() };
        missing = missing.saturating_sub(kept.length());
        merged.push(kept);
    }
    for segment in long.0 {
        join(&mut merged, segment);
    }
    AsPath(merged)
}

/// Appends a segment, to the last one if both are sequences and fit into one.
fn join(segments: &mut Vec<Segment>, segment: Segment) {
    match segments.last_mut() {
        Some(last)
            if last.kind == SegmentKind::Sequence
                && segment.kind == SegmentKind::Sequence
                && last.asns.len().saturating_add(segment.asns.len()) <= SEGMENT_LIMIT =>
        {
            last.asns.extend(segment.asns);
        }
        _ => segments.push(segment),
    }
}

pub(super) fn encode_as_path(
    attributes: &PathAttributes,
    negotiated: &Negotiated,
    writer: &mut Writer<'_>,
) -> Result<(), EncodeError> {
    let four_octets = negotiated.four_octet_as;
    writer.attribute(TRANSITIVE, 2, |writer| write(&attributes.as_path.0, four_octets, writer))
}

pub(super) fn encode_as4_path(
    attributes: &PathAttributes,
    negotiated: &Negotiated,
    writer: &mut Writer<'_>,
) -> Result<(), EncodeError> {
    let path = &attributes.as_path;
    let outside = path.0.iter().filter(|segment| !segment.kind.is_confederation());
    let wide = outside.clone().flat_map(|segment| &segment.asns).any(|asn| u16::try_from(asn.0).is_err());
    if negotiated.four_octet_as || !wide {
        return Ok(());
    }
    writer.attribute(OPTIONAL | TRANSITIVE, 17, |writer| write(outside, true, writer))
}

/// Segments of more than 255 numbers become several.
fn write<'a>(segments: impl IntoIterator<Item = &'a Segment>, four_octets: bool, writer: &mut Writer<'_>) {
    for segment in segments {
        let code = KINDS.iter().find(|row| row.0 == segment.kind).map_or(2, |row| row.1);
        for asns in segment.asns.chunks(SEGMENT_LIMIT) {
            writer.u8(code);
            writer.u8(u8::try_from(asns.len()).unwrap_or(u8::MAX));
            for asn in asns {
                if four_octets {
                    writer.u32(asn.0);
                } else {
                    writer.u16(two_octets(*asn));
                }
            }
        }
    }
}
