//! Which paths of a prefix a neighbor hears of, where it can tell several apart (RFC 7911).
//!
//! Never says how they are told apart: identifiers belong to whoever tells.

use std::num::NonZeroU8;

/// Which of the usable paths of a prefix are told beside the best one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Several {
    /// All of them.
    All,
    /// The best one of each neighboring AS.
    PerAs,
    /// So many of the best ones.
    Best(NonZeroU8),
}
