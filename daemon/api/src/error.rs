//! What can go wrong between the daemon and those who ask it.
//!
//! Every refusal has a stable code for scripts beside its sentence for people.

use serde::{Deserialize, Serialize};

/// Why a request could not be answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{message}")]
pub struct ApiError {
    /// Stable, in kebab-case: `not-found`, `no-space`, `bgp-not-configured`.
    pub code: String,
    /// What is wrong, one sentence.
    pub message: String,
    /// What to do about it; empty where nothing can be advised.
    pub hint: String,
}

impl ApiError {
    /// An error without advice.
    #[must_use]
    pub fn new(code: &str, message: impl Into<String>) -> Self {
        Self { code: code.to_owned(), message: message.into(), hint: String::new() }
    }

    /// The same error with advice.
    #[must_use]
    pub fn hint(self, hint: impl Into<String>) -> Self {
        Self { hint: hint.into(), ..self }
    }
}

/// Why a line could not be made or read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CodecError {
    /// Longer than [`crate::codec::LINE_LIMIT`] or [`crate::codec::ANSWER_LIMIT`].
    #[error("a message of {octets} octets exceeds the limit of {limit} octets; ask for less at a time")]
    TooLong {
        /// How long it is.
        octets: usize,
        /// How long it may be.
        limit: usize,
    },
    /// Not what was expected.
    #[error("not a message of this protocol ({0}); are shell and daemon of the same version?")]
    Malformed(String),
}
