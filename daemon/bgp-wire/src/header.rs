//! The 19 octets in front of every message (RFC 4271 §4.1), judged as early as they arrive.
//!
//! Never looks behind the header.

use crate::MAX_MESSAGE;
use crate::error::{DecodeError, EncodeError, HeaderError};
use crate::reader::Reader;
use crate::writer::{LengthField, Writer};

/// Octets of the header: marker, length and type.
pub const HEADER_LENGTH: usize = 19;

const MARKER: [u8; 16] = [0xff; 16];

/// The type of a message, with its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MessageType {
    /// RFC 4271 §4.2
    Open = 1,
    /// RFC 4271 §4.3
    Update = 2,
    /// RFC 4271 §4.5
    Notification = 3,
    /// RFC 4271 §4.4
    Keepalive = 4,
    /// RFC 2918
    RouteRefresh = 5,
}

impl MessageType {
    fn from_code(code: u8) -> Option<Self> {
        [Self::Open, Self::Update, Self::Notification, Self::Keepalive, Self::RouteRefresh]
            .into_iter()
            .find(|kind| *kind as u8 == code)
    }

    /// Shortest and longest message of this type, header included.
    fn bounds(self, max: usize) -> (usize, usize) {
        match self {
            // OPEN and KEEPALIVE stay within 4096 octets even with extended messages (RFC 8654 §4).
            Self::Open => (29, MAX_MESSAGE.min(max)),
            Self::Update => (23, max),
            Self::Notification => (21, max),
            Self::Keepalive => (HEADER_LENGTH, HEADER_LENGTH),
            Self::RouteRefresh => (23, max),
        }
    }
}

/// The total length of the first message in `buffer`, which may hold less or more than one message;
/// `None` while more octets are needed. Octets that can no longer become a message are refused at once.
///
/// `max` is [`crate::MAX_MESSAGE`] or [`crate::MAX_EXTENDED_MESSAGE`]: `Negotiated::max_message`.
///
/// # Errors
/// `DecodeError::Header` for marker, length and type (RFC 4271 §6.1).
pub fn frame(buffer: &[u8], max: usize) -> Result<Option<usize>, DecodeError> {
    Ok(split_first(buffer, max)?.map(|(_, _, message)| message.len()))
}

/// Type, body and all octets of the first message in a buffer; `None` while more octets are needed.
type First<'a> = Option<(MessageType, Reader<'a>, &'a [u8])>;

/// As [`frame`], with what the header says.
pub(crate) fn split_first(buffer: &[u8], max: usize) -> Result<First<'_>, DecodeError> {
    let marked = match buffer.first_chunk() {
        Some(marker) => *marker == MARKER,
        None => buffer.iter().all(|octet| *octet == 0xff),
    };
    if !marked {
        return Err(HeaderError::Marker.into());
    }
    let mut reader = Reader::new(buffer);
    let Some(length) = reader.sub(MARKER.len()).and_then(|_| reader.u16()) else {
        return Ok(None);
    };
    let total = usize::from(length);
    if total < HEADER_LENGTH || total > max {
        return Err(HeaderError::Length(length).into());
    }
    let Some(code) = reader.u8() else {
        return Ok(None);
    };
    let kind = MessageType::from_code(code).ok_or(HeaderError::Type(code))?;
    let (least, most) = kind.bounds(max);
    if total < least || total > most {
        return Err(HeaderError::Length(length).into());
    }
    let whole = buffer.split_at_checked(total).map(|(message, _)| message);
    Ok(whole.map(|message| (kind, Reader::new(message.get(HEADER_LENGTH..).unwrap_or_default()), message)))
}

/// Type and body of a buffer that holds exactly one message.
pub(crate) fn split(bytes: &[u8], max: usize) -> Result<(MessageType, Reader<'_>), DecodeError> {
    let length = u16::try_from(bytes.len()).unwrap_or(u16::MAX);
    match split_first(bytes, max)? {
        Some((kind, body, message)) if message.len() == bytes.len() => Ok((kind, body)),
        _ => Err(HeaderError::Length(length).into()),
    }
}

/// Writes a header whose length is still open.
pub(crate) fn open(writer: &mut Writer<'_>, kind: MessageType) -> (usize, LengthField) {
    let start = writer.len();
    writer.bytes(&MARKER);
    let field = writer.length_field();
    writer.u8(kind as u8);
    (start, field)
}

/// Fills in the length of a message, or takes the message back when it is too long.
pub(crate) fn close(
    writer: &mut Writer<'_>,
    (start, field): (usize, LengthField),
    max: usize,
) -> Result<(), EncodeError> {
    let length = writer.len().saturating_sub(start);
    if length > max {
        writer.rewind(start);
        return Err(EncodeError::TooLong { length });
    }
    writer.fill(field, length)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::indexing_slicing, reason = "a test may fail loudly")]
    use super::*;

    fn header(length: u16, kind: u8) -> Vec<u8> {
        let mut bytes = MARKER.to_vec();
        bytes.extend_from_slice(&length.to_be_bytes());
        bytes.push(kind);
        bytes
    }

    #[test]
    fn a_wrong_marker_is_refused_with_its_first_octet() {
        assert_eq!(frame(&[0x47], MAX_MESSAGE), Err(HeaderError::Marker.into()));
        assert_eq!(frame(b"", MAX_MESSAGE), Ok(None));
    }

    #[test]
    fn a_header_is_judged_before_its_body_has_arrived() {
        for (length, kind, max, expect) in [
            (19, 4, 4096, Ok(Some(19))),
            (20, 4, 4096, Err(HeaderError::Length(20))),
            (18, 4, 4096, Err(HeaderError::Length(18))),
            (28, 1, 4096, Err(HeaderError::Length(28))),
            (29, 1, 4096, Ok(None)),
            (5000, 1, 65535, Err(HeaderError::Length(5000))),
            (5000, 2, 4096, Err(HeaderError::Length(5000))),
            (5000, 2, 65535, Ok(None)),
            (22, 2, 4096, Err(HeaderError::Length(22))),
            (20, 3, 4096, Err(HeaderError::Length(20))),
            (22, 5, 4096, Err(HeaderError::Length(22))),
            (23, 9, 4096, Err(HeaderError::Type(9))),
            (23, 0, 4096, Err(HeaderError::Type(0))),
        ] {
            let got = frame(&header(length, kind), max);
            assert_eq!(got, expect.map_err(DecodeError::from), "length {length}, type {kind}");
        }
    }

    #[test]
    fn an_impossible_length_is_refused_before_the_type_has_arrived() {
        let bytes = header(5000, 2);
        assert_eq!(frame(&bytes[..18], MAX_MESSAGE), Err(HeaderError::Length(5000).into()));
        assert_eq!(frame(&bytes[..17], MAX_MESSAGE), Ok(None));
    }
}
