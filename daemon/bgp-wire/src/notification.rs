//! NOTIFICATION (RFC 4271 §4.5): the last words of a session.
//!
//! One table has every reason with its numbers and its name, and serves both directions. Texts of a peer are
//! bounded and escaped before anybody sees them. Never decides whether a session ends.

use std::fmt;

use crate::MAX_MESSAGE;
use crate::error::{DecodeError, HeaderError, OpenError, UpdateError};
use crate::header::HEADER_LENGTH;
use crate::reader::Reader;
use crate::writer::{Writer, cut};

mod reason;

pub use reason::Reason;

/// Octets of data that fit into a NOTIFICATION of 4096 octets.
const DATA_LIMIT: usize = MAX_MESSAGE - HEADER_LENGTH - 2;
/// Octets of a shutdown communication (RFC 9003 §2).
const COMMUNICATION_LIMIT: usize = 255;

/// Error code, subcode and data, as they are on the wire.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Notification {
    /// Error code.
    pub code: u8,
    /// Error subcode.
    pub subcode: u8,
    /// Data, whose meaning depends on the codes.
    pub data: Vec<u8>,
}

impl Notification {
    /// A notification without data.
    #[must_use]
    pub fn new(reason: Reason) -> Self {
        Self::with_data(reason, Vec::new())
    }

    /// A notification with data.
    #[must_use]
    pub fn with_data(reason: Reason, data: Vec<u8>) -> Self {
        let (code, subcode) = reason.codes();
        Self { code, subcode, data }
    }

    /// A notification with a shutdown communication (RFC 9003): meant for `AdministrativeShutdown` and
    /// `AdministrativeReset`. An empty text sends no data; a long one is cut to 255 octets between two characters.
    #[must_use]
    pub fn with_text(reason: Reason, text: &str) -> Self {
        let text = cut(text, COMMUNICATION_LIMIT);
        match u8::try_from(text.len()) {
            Ok(length @ 1..) => Self::with_data(reason, [&[length], text.as_bytes()].concat()),
            _ => Self::new(reason),
        }
    }

    /// Cease/Hard Reset around another notification (RFC 8538 §3): it ends graceful restart as well.
    #[must_use]
    pub fn hard_reset(inner: &Self) -> Self {
        Self::with_data(Reason::HardReset, [&[inner.code, inner.subcode], inner.data.as_slice()].concat())
    }

    /// What it says, if the numbers are known.
    #[must_use]
    pub fn reason(&self) -> Option<Reason> {
        Reason::from_codes(self.code, self.subcode)
    }

    /// Whether this is Cease/Hard Reset: routes must not be kept (RFC 8538 §4).
    #[must_use]
    pub fn is_hard_reset(&self) -> bool {
        self.reason() == Some(Reason::HardReset)
    }

    /// The notification within a Hard Reset; one level only.
    #[must_use]
    pub fn inner(&self) -> Option<Self> {
        let mut reader = Reader::new(&self.data);
        if !self.is_hard_reset() {
            return None;
        }
        Some(Self { code: reader.u8()?, subcode: reader.u8()?, data: reader.rest().to_vec() })
    }

    /// The shutdown communication (RFC 9003), of the inner notification in case of a Hard Reset. At most 255
    /// octets; whatever could steer a terminal is escaped, what is not UTF-8 replaced.
    /// `None` when there is none, or when it claims more octets than came.
    #[must_use]
    pub fn text(&self) -> Option<String> {
        if let Some(inner) = self.inner() {
            return if inner.is_hard_reset() { None } else { inner.text() };
        }
        if !matches!(self.reason(), Some(Reason::AdministrativeShutdown | Reason::AdministrativeReset)) {
            return None;
        }
        let mut reader = Reader::new(&self.data);
        let length = reader.u8()?;
        let text = reader.take(usize::from(length))?;
        (length > 0).then(|| escape(&String::from_utf8_lossy(text)))
    }

    /// What it says by name, without its text: `Cease/Administrative Shutdown`.
    #[must_use]
    pub fn name(&self) -> String {
        Named(self).to_string()
    }

    /// Decodes a body; the header guarantees two octets.
    pub(crate) fn decode(mut body: Reader<'_>, total: usize) -> Result<Self, DecodeError> {
        let short = HeaderError::Length(u16::try_from(total).unwrap_or(u16::MAX));
        let (Some(code), Some(subcode)) = (body.u8(), body.u8()) else {
            return Err(short.into());
        };
        Ok(Self { code, subcode, data: body.rest().to_vec() })
    }

    /// Encodes a body. Data beyond 4096 octets of message is cut: it is for a reader's eyes only.
    pub(crate) fn encode(&self, writer: &mut Writer<'_>) {
        writer.u8(self.code);
        writer.u8(self.subcode);
        writer.bytes(self.data.get(..DATA_LIMIT).unwrap_or(&self.data));
    }
}

/// Control characters and those that turn the writing direction become `\u{…}`.
fn escape(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        let turns = matches!(character, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        if character.is_control() || turns {
            shown.extend(character.escape_unicode());
        } else {
            shown.push(character);
        }
    }
    shown
}

impl fmt::Display for Notification {
    /// `Cease/Administrative Shutdown`, and the text of a shutdown communication in quotes.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Named(self).fmt(f)?;
        match self.text() {
            Some(text) => write!(f, " \"{text}\""),
            None => Ok(()),
        }
    }
}

/// A notification without its text.
struct Named<'a>(&'a Notification);

impl fmt::Display for Named<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        reason::name(self.0.code, self.0.subcode, f)?;
        if let Some(inner) = self.0.inner() {
            f.write_str(" (")?;
            reason::name(inner.code, inner.subcode, f)?;
            f.write_str(")")?;
        }
        Ok(())
    }
}

impl From<&DecodeError> for Notification {
    /// What RFC 4271 §6 sends for a message that cannot be read.
    fn from(error: &DecodeError) -> Self {
        match error {
            DecodeError::Header(error) => match error {
                HeaderError::Marker => Self::new(Reason::ConnectionNotSynchronized),
                HeaderError::Length(length) => Self::with_data(Reason::BadMessageLength, length.to_be_bytes().to_vec()),
                HeaderError::Type(kind) => Self::with_data(Reason::BadMessageType, vec![*kind]),
            },
            DecodeError::Open(error) => match error {
                // The data is the version that is spoken here, in two octets (§6.2).
                OpenError::Version(_) => Self::with_data(Reason::UnsupportedVersion, vec![0, 4]),
                OpenError::AsZero => Self::new(Reason::BadPeerAs),
                OpenError::RouterId(_) => Self::new(Reason::BadBgpIdentifier),
                OpenError::HoldTime(_) => Self::new(Reason::UnacceptableHoldTime),
                OpenError::Parameter(_) => Self::new(Reason::UnsupportedOptionalParameter),
                OpenError::Malformed(_) => Self::new(Reason::OpenUnspecific),
            },
            DecodeError::Update(error) => match error {
                UpdateError::AttributeList(_) | UpdateError::NothingToWithdraw(_) => {
                    Self::new(Reason::MalformedAttributeList)
                }
                UpdateError::Network(_) => Self::new(Reason::InvalidNetworkField),
                UpdateError::Multiprotocol { raw, .. } => Self::with_data(Reason::OptionalAttributeError, raw.clone()),
            },
            // The data is the message as received (RFC 7313 §5).
            DecodeError::RouteRefresh(message) => Self::with_data(Reason::RefreshInvalidLength, message.clone()),
        }
    }
}

#[cfg(test)]
mod tests;
