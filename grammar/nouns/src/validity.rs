//! What origin validation says of a route (RFC 6811 §2).
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

/// A text is no validation state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ValidityError;

impl fmt::Display for ValidityError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not one of valid, invalid and notfound")
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
