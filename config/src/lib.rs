//! What has been said: trees, differences, edits, and the typed model.
//!
//! This crate never knows the world: no file, no clock, no kernel, no session.

pub mod check;
pub mod diff;
pub mod edit;
#[cfg(test)]
mod fixtures;
pub mod model;
pub mod parse;
pub mod print;
pub mod secret;
pub mod store;
pub mod take_back;
pub mod tree;

pub use check::{ConfigError, ConfigWarning, Context};
pub use diff::Diff;
pub use edit::{Candidate, Edit};
pub use model::Model;
pub use take_back::{Below, take_back};
pub use tree::Tree;
