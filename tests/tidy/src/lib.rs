//! The house rules, as tests: what the compiler does not check and a reviewer forgets.
//!
//! This library reads the tree; the rules themselves are in `tests/house_rules.rs`, each a sentence.
//!
//! It never changes a file.

pub mod dependencies;
pub mod source;
