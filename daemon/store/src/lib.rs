//! What survives a reboot: revisions and the commit journal in sled, and the saved configuration as plain text.
//!
//! The saved file is the truth at start and needs no database to be read; sled keeps history and says
//! whether a commit was cut short. This crate never decides what a half-done commit means, and a damaged
//! store costs history, never the start.

mod open;
mod record;
mod save;
mod sled_store;

pub use open::{Opened, open_or_fresh};
pub use save::{SaveError, save_config};
pub use sled_store::SledStore;
