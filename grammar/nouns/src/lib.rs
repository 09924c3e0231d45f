//! The nouns that everybody uses: AS numbers, prefixes, interface names, revisions.
//!
//! Each noun is parsed once, where it is born, and is valid ever after; each has one spelling,
//! which `Display` writes and `FromStr` reads. This crate never knows who uses a noun, and
//! depends on nothing but `serde`.

mod access;
mod asn;
pub mod community;
mod family;
mod interface;
mod mac;
mod marks;
mod pattern;
mod prefix;
mod several;
mod validity;

pub use access::{Access, Wildcard};
pub use asn::{Asn, AsnError};
pub use family::Family;
pub use interface::{IfName, IfNameError, InterfaceAddress, InterfaceAddressError};
pub use mac::{MacAddress, MacAddressError};
pub use marks::Marks;
pub use pattern::{Pattern, PatternError, Run};
pub use prefix::{Prefix, PrefixError};
pub use several::Several;
pub use validity::{PathValidity, Validity, ValidityError};

use serde::{Deserialize, Serialize};

/// The number of a committed configuration: 0 is the empty one, each commit adds one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Revision(pub u64);

impl Revision {
    /// The revision that follows this one.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

impl std::fmt::Display for Revision {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}
