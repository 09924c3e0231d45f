//! `system …`: the router's own name and time.
//!
//! Never sets a host name: it holds the wish.

use super::reader::Reader;

/// How many revisions are kept; those before them are forgotten.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CommitRevisions(pub u16);

impl Default for CommitRevisions {
    fn default() -> Self {
        Self(100)
    }
}

/// `system`
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct System {
    /// `host-name`
    pub host_name: Option<String>,
    /// `time-zone`, a name of the zoneinfo database.
    pub time_zone: Option<String>,
    /// `config-management commit-revisions`: how many revisions are kept.
    pub commit_revisions: CommitRevisions,
}

pub(super) fn lower(system: Reader<'_>) -> System {
    let management = system.at("config-management");
    System {
        host_name: system.leaf("host-name"),
        time_zone: system.leaf("time-zone"),
        commit_revisions: CommitRevisions(management.leaf_or_default("commit-revisions")),
    }
}
