//! What comes over a connection, on its way to the session: octets as they are, or messages once it is known how to
//! read them.
//!
//! Decoding needs nothing but the octets and what was negotiated, so it is done where a connection is read, beside the
//! thread that thinks. Never judges: what is wrong stands at its place among the messages.

pub use bgp_wire::Negotiated as Codec;
use bgp_wire::error::DecodeError;
use bgp_wire::message::Message;

/// Octets of a header up to the length of the message (RFC 4271 §4.1).
const LENGTH_END: usize = 18;
/// Octets of the header in front of the length.
const MARKER: usize = 16;
/// The shortest message there is.
const SHORTEST: usize = 19;

/// What goes on to the session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Arrived {
    /// Octets, cut anywhere.
    Octets(Vec<u8>),
    /// Messages in their order, none if none has become whole. Nothing comes behind a fault.
    Messages(Vec<Result<Message, DecodeError>>),
}

/// The receiving end of one connection.
#[derive(Debug, Default)]
pub struct Reception {
    stage: Stage,
}

#[derive(Debug)]
enum Stage {
    /// Nothing is negotiated yet: octets go on, and only the ends of messages are watched for.
    Octets(Boundary),
    /// Messages are read.
    Messages {
        codec: Codec,
        /// The beginning of a message that is not whole yet.
        begun: Vec<u8>,
    },
    /// A fault has gone on; what comes behind it has no meaning.
    Lost,
}

impl Default for Stage {
    fn default() -> Self {
        Self::Octets(Boundary::default())
    }
}

impl Reception {
    /// Takes octets in. With what was negotiated, the messages that begin from here on are decoded; what belongs to the
    /// one that has begun goes on as octets.
    pub fn take(&mut self, octets: &[u8], codec: Option<&Codec>, mut give: impl FnMut(Arrived)) {
        let mut rest = octets;
        if let Stage::Octets(boundary) = &mut self.stage {
            let switches = |boundary: &Boundary| codec.is_some() && boundary.is_between();
            while !rest.is_empty() && !switches(boundary) {
                rest = boundary.pass(rest);
            }
            let passed = octets.get(..octets.len().saturating_sub(rest.len())).unwrap_or_default();
            if !passed.is_empty() {
                give(Arrived::Octets(passed.to_vec()));
            }
            match codec {
                Some(codec) if boundary.is_between() => {
                    self.stage = Stage::Messages { codec: codec.clone(), begun: Vec::new() };
                }
                _ => return,
            }
            if rest.is_empty() {
                return;
            }
        }
        let Stage::Messages { codec, begun } = &mut self.stage else { return };
        let mut messages = Vec::new();
        let sound = if begun.is_empty() {
            decode_all(rest, codec, &mut messages).map(|left| begun.extend_from_slice(left))
        } else {
            begun.extend_from_slice(rest);
            let left = decode_all(begun, codec, &mut messages).map(<[u8]>::len);
            left.map(|left| _ = begun.drain(..begun.len().saturating_sub(left)))
        };
        if sound.is_none() {
            self.stage = Stage::Lost;
        }
        give(Arrived::Messages(messages));
    }
}

/// Decodes whole messages and answers what is left; `None` behind a fault.
fn decode_all<'a>(
    mut octets: &'a [u8],
    codec: &Codec,
    messages: &mut Vec<Result<Message, DecodeError>>,
) -> Option<&'a [u8]> {
    loop {
        match Message::decode_first(octets, codec) {
            Ok(None) => return Some(octets),
            Ok(Some((message, length))) => {
                messages.push(Ok(message));
                octets = octets.get(length..).unwrap_or_default();
            }
            Err(error) => {
                messages.push(Err(error));
                return None;
            }
        }
    }
}

/// Where messages end, by their length fields alone.
#[derive(Debug, Default)]
struct Boundary {
    /// The header of the message under way, as far as it has come.
    header: Vec<u8>,
    /// Octets that the message under way still has; without end where no next message can be found any more.
    left: usize,
}

impl Boundary {
    /// Whether the next octet is the first of a message.
    fn is_between(&self) -> bool {
        self.header.is_empty() && self.left == 0
    }

    /// Goes on to the end of the message under way or of the octets, and answers what is left.
    fn pass<'a>(&mut self, mut octets: &'a [u8]) -> &'a [u8] {
        if self.left == 0 {
            let wanted = LENGTH_END.saturating_sub(self.header.len()).min(octets.len());
            let (head, rest) = octets.split_at_checked(wanted).unwrap_or_default();
            self.header.extend_from_slice(head);
            octets = rest;
            if self.header.len() < LENGTH_END {
                return octets;
            }
            let (marker, length) = self.header.split_at_checked(MARKER).unwrap_or_default();
            let length = length.try_into().map_or(0, u16::from_be_bytes);
            let sound = usize::from(length) >= SHORTEST && marker.iter().all(|octet| *octet == 0xff);
            self.left = if sound { usize::from(length).saturating_sub(LENGTH_END) } else { usize::MAX };
            self.header.clear();
        }
        let passed = self.left.min(octets.len());
        if self.left != usize::MAX {
            self.left = self.left.saturating_sub(passed);
        }
        octets.get(passed..).unwrap_or_default()
    }
}
