//! Plans as a person reads them, from golden folders: `old.conf`, `new.conf`, and what `commit check` says.
//!
//! `UPDATE_EXPECT=1` writes the expectations anew.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, reason = "a test may fail loudly")]
