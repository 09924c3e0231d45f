//! What the RPKI says of a route: of its origin (RFC 6811 §2), and of its path (ASPA).
//!
//! Never decides what becomes of the route: that is a policy's work.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A route's validation state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Validity {
    /// Somebody who may do so said that this AS may announce the prefix.
    Valid,
    /// Others may announce it, and this AS may not, or not with this length.
    Invalid,
    /// Nobody said anything about the prefix.
    NotFound,
}

impl Validity {
    /// The letter in the first column of tables.
    #[must_use]
    pub fn letter(self) -> char {
        match self {
            Self::Valid => 'V',
            Self::Invalid => 'I',
            Self::NotFound => 'N',
        }
    }
}

impl fmt::Display for Validity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Valid => "valid",
            Self::Invalid => "invalid",
            Self::NotFound => "notfound",
        })
    }
}

/// What is said of a path (draft-ietf-sidrops-aspa-verification §6).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PathValidity {
    /// Each step was attested.
    Valid,
    /// A valley: somebody handed on what it had to keep.
    Invalid,
    /// Some step is not attested, and none is refuted.
    Unknown,
}

impl fmt::Display for PathValidity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Valid => "valid",
            Self::Invalid => "invalid",
            Self::Unknown => "unknown",
        })
    }
}

impl FromStr for PathValidity {
    type Err = ValidityError;

    fn from_str(text: &str) -> Result<Self, ValidityError> {
        let all = [Self::Valid, Self::Invalid, Self::Unknown];
        all.into_iter().find(|validity| validity.to_string() == text).ok_or(ValidityError)
    }
}

/// A text is no validation state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ValidityError;

impl fmt::Display for ValidityError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not a validation state")
    }
}

impl std::error::Error for ValidityError {}

impl FromStr for Validity {
    type Err = ValidityError;

    fn from_str(text: &str) -> Result<Self, ValidityError> {
        let all = [Self::Valid, Self::Invalid, Self::NotFound];
        all.into_iter().find(|validity| validity.to_string() == text).ok_or(ValidityError)
    }
}
