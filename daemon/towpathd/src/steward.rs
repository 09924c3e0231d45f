//! The steward: what only root may do, in a process of its own that understands a few requests and nothing else.
//!
//! The daemon parses what peers send and so runs as a user without rights over the system; names, files of `/etc`,
//! accounts and settings of the kernel are changed by the same code in the steward, which judges each request anew and
//! never believes that the daemon is still itself.

mod client;
mod language;
mod serve;
mod texts;

pub(crate) use self::client::Client;
pub(crate) use self::serve::serve;

/// No request and no answer is longer, in octets.
const LONGEST: u64 = 1 << 18;
