//! Every reason for a NOTIFICATION: its variant, its numbers, its name (IANA "BGP Error Codes").
//!
//! One table, read in both directions. Never holds data.

use std::fmt;

/// Why a session ends, as NOTIFICATION can say it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "the table below names each variant as the RFCs do")]
pub enum Reason {
    HeaderUnspecific,
    ConnectionNotSynchronized,
    BadMessageLength,
    BadMessageType,
    OpenUnspecific,
    UnsupportedVersion,
    BadPeerAs,
    BadBgpIdentifier,
    UnsupportedOptionalParameter,
    UnacceptableHoldTime,
    UnsupportedCapability,
    RoleMismatch,
    UpdateUnspecific,
    MalformedAttributeList,
    UnrecognizedWellKnownAttribute,
    MissingWellKnownAttribute,
    AttributeFlagsError,
    AttributeLengthError,
    InvalidOrigin,
    InvalidNextHop,
    OptionalAttributeError,
    InvalidNetworkField,
    MalformedAsPath,
    HoldTimerExpired,
    FsmUnspecific,
    UnexpectedInOpenSent,
    UnexpectedInOpenConfirm,
    UnexpectedInEstablished,
    CeaseUnspecific,
    MaximumPrefixes,
    AdministrativeShutdown,
    PeerDeconfigured,
    AdministrativeReset,
    ConnectionRejected,
    OtherConfigurationChange,
    ConnectionCollision,
    OutOfResources,
    HardReset,
    BfdDown,
    RefreshUnspecific,
    RefreshInvalidLength,
    SendHoldTimerExpired,
}

const CODES: [(u8, &str); 8] = [
    (1, "Message Header Error"),
    (2, "OPEN Message Error"),
    (3, "UPDATE Message Error"),
    (4, "Hold Timer Expired"),
    (5, "Finite State Machine Error"),
    (6, "Cease"),
    (7, "ROUTE-REFRESH Message Error"),
    (8, "Send Hold Timer Expired"),
];

/// The first row of a pair of numbers is the one that is sent; an empty name adds nothing to the code's.
const TABLE: [(Reason, u8, u8, &str); 42] = [
    (Reason::HeaderUnspecific, 1, 0, "Unspecific"),
    (Reason::ConnectionNotSynchronized, 1, 1, "Connection Not Synchronized"),
    (Reason::BadMessageLength, 1, 2, "Bad Message Length"),
    (Reason::BadMessageType, 1, 3, "Bad Message Type"),
    (Reason::OpenUnspecific, 2, 0, "Unspecific"),
    (Reason::UnsupportedVersion, 2, 1, "Unsupported Version Number"),
    (Reason::BadPeerAs, 2, 2, "Bad Peer AS"),
    (Reason::BadBgpIdentifier, 2, 3, "Bad BGP Identifier"),
    (Reason::UnsupportedOptionalParameter, 2, 4, "Unsupported Optional Parameter"),
    (Reason::UnacceptableHoldTime, 2, 6, "Unacceptable Hold Time"),
    (Reason::UnsupportedCapability, 2, 7, "Unsupported Capability"),
    (Reason::RoleMismatch, 2, 11, "Role Mismatch"),
    (Reason::UpdateUnspecific, 3, 0, "Unspecific"),
    (Reason::MalformedAttributeList, 3, 1, "Malformed Attribute List"),
    (Reason::UnrecognizedWellKnownAttribute, 3, 2, "Unrecognized Well-known Attribute"),
    (Reason::MissingWellKnownAttribute, 3, 3, "Missing Well-known Attribute"),
    (Reason::AttributeFlagsError, 3, 4, "Attribute Flags Error"),
    (Reason::AttributeLengthError, 3, 5, "Attribute Length Error"),
    (Reason::InvalidOrigin, 3, 6, "Invalid ORIGIN Attribute"),
    (Reason::InvalidNextHop, 3, 8, "Invalid NEXT_HOP Attribute"),
    (Reason::OptionalAttributeError, 3, 9, "Optional Attribute Error"),
    (Reason::InvalidNetworkField, 3, 10, "Invalid Network Field"),
    (Reason::MalformedAsPath, 3, 11, "Malformed AS_PATH"),
    (Reason::HoldTimerExpired, 4, 0, ""),
    (Reason::FsmUnspecific, 5, 0, "Unspecified Error"),
    (Reason::UnexpectedInOpenSent, 5, 1, "Receive Unexpected Message in OpenSent State"),
    (Reason::UnexpectedInOpenConfirm, 5, 2, "Receive Unexpected Message in OpenConfirm State"),
    (Reason::UnexpectedInEstablished, 5, 3, "Receive Unexpected Message in Established State"),
    (Reason::CeaseUnspecific, 6, 0, "Unspecific"),
    (Reason::MaximumPrefixes, 6, 1, "Maximum Number of Prefixes Reached"),
    (Reason::AdministrativeShutdown, 6, 2, "Administrative Shutdown"),
    (Reason::PeerDeconfigured, 6, 3, "Peer De-configured"),
    (Reason::AdministrativeReset, 6, 4, "Administrative Reset"),
    (Reason::ConnectionRejected, 6, 5, "Connection Rejected"),
    (Reason::OtherConfigurationChange, 6, 6, "Other Configuration Change"),
    (Reason::ConnectionCollision, 6, 7, "Connection Collision Resolution"),
    (Reason::OutOfResources, 6, 8, "Out of Resources"),
    (Reason::HardReset, 6, 9, "Hard Reset"),
    (Reason::BfdDown, 6, 10, "BFD Down"),
    (Reason::RefreshUnspecific, 7, 0, "Unspecific"),
    (Reason::RefreshInvalidLength, 7, 1, "Invalid Message Length"),
    (Reason::SendHoldTimerExpired, 8, 0, ""),
];

impl Reason {
    /// Code and subcode.
    #[must_use]
    pub fn codes(self) -> (u8, u8) {
        TABLE.iter().find(|row| row.0 == self).map_or((6, 0), |row| (row.1, row.2))
    }

    /// The reason with these numbers.
    #[must_use]
    pub fn from_codes(code: u8, subcode: u8) -> Option<Self> {
        row(code, subcode).map(|row| row.0)
    }
}

fn row(code: u8, subcode: u8) -> Option<&'static (Reason, u8, u8, &'static str)> {
    TABLE.iter().find(|row| (row.1, row.2) == (code, subcode))
}

/// Writes `Cease/Hard Reset`, or the numbers where they have no name.
pub(super) fn name(code: u8, subcode: u8, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match CODES.iter().find(|(number, _)| *number == code) {
        Some((_, text)) => f.write_str(text)?,
        None => return write!(f, "error code {code} subcode {subcode}"),
    }
    match row(code, subcode) {
        Some((.., "")) => Ok(()),
        Some((.., text)) => write!(f, "/{text}"),
        None => write!(f, "/subcode {subcode}"),
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (code, subcode) = self.codes();
        name(code, subcode, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_has_numbers_of_its_own_and_comes_back_from_them() {
        for (reason, code, subcode, _) in TABLE {
            assert_eq!(reason.codes(), (code, subcode));
            assert_eq!(Reason::from_codes(code, subcode), Some(reason));
        }
    }
}
