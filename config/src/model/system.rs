//! `system …`: the router's own name and time.
//!
//! Never sets a host name: it holds the wish.

use super::reader::Reader;

/// `system`
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct System {
    /// `host-name`
    pub host_name: Option<String>,
    /// `time-zone`, a name of the zoneinfo database.
    pub time_zone: Option<String>,
}

pub(super) fn lower(system: Reader<'_>) -> System {
    System { host_name: system.leaf("host-name"), time_zone: system.leaf("time-zone") }
}
