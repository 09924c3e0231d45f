//! UPDATE (RFC 4271 §4.3): routes and their attributes, judged after RFC 7606.
//!
//! `table` has a row for each attribute, `decode` and `encode` walk over messages, the others know one kind of
//! octets each. Never keeps a route.

mod decode;
mod draft;
mod encode;
mod multiprotocol;
pub(crate) mod nlri;
mod opaque;
mod path;
mod table;
mod values;

pub(crate) use decode::decode;
pub(crate) use encode::encode;
pub(crate) use encode::write_table_attributes;
pub use encode::{encode_end_of_rib, encode_reach, encode_unreach};
pub(crate) use nlri::{read_prefix, write as write_destination};
pub use path::AS_PATH_LIMIT;
pub use table::attribute_name;
