//! What can be said: every word, every value, their completion, help, defaults and examples.
//!
//! One static table ([`schema::ROOT`]) holds the configuration's words and one ([`commands`]) the
//! operational ones; resolution, completion, printing order and the manual all read these two.
//! The pest files know shape only (words, quotes, braces, comments), never vocabulary.
//! This crate never knows what a word does, and touches nothing: no file, no clock, no terminal.
//!
//! ```
//! use grammar::{parse, resolve, schema};
//!
//! let commands = parse::line("sys host router1").unwrap();
//! let resolved = resolve::path(&schema::ROOT, &[], &commands[0].words).unwrap();
//! assert_eq!(resolved.words, ["system", "host-name", "router1"]);
//! ```

mod columns;
pub mod commands;
pub mod complete;
pub mod manual;
pub mod order;
pub mod parse;
pub mod quote;
pub mod resolve;
pub mod schema;
pub mod value;

pub use quote::{quote, quote_single};
