//! What a person on the control socket may do.
//!
//! Never knows how somebody came to a level; the daemon's rim asks the kernel for that.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::error::ApiError;
use crate::request::{Flush, Request};

/// What somebody may do; a higher level includes the lower one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Level {
    /// Look at everything but secrets.
    #[default]
    Operator,
    /// Everything.
    Admin,
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Operator => "operator",
            Self::Admin => "admin",
        })
    }
}

impl Request {
    /// The least level of those who may ask this.
    #[must_use]
    pub fn least_level(&self) -> Level {
        match self {
            Self::Hello { .. }
            | Self::Configuration(_)
            | Self::Show(_)
            | Self::Names { .. }
            | Self::Revisions
            | Self::Revision(_)
            | Self::Watch(_) => Level::Operator,
            Self::Check { .. }
            | Self::Commit { .. }
            | Self::Confirm
            | Self::Save { .. }
            | Self::Clear(_)
            | Self::ClearDamping { .. }
            | Self::DumpTable { .. }
            | Self::Flush(_) => Level::Admin,
        }
    }

    /// What the request would do, as a refusal and an audit line name it.
    #[must_use]
    pub fn deed(&self) -> &'static str {
        match self {
            Self::Hello { .. } => "connect",
            Self::Configuration(_) => "read the configuration",
            Self::Show(_) => "look at the router",
            Self::Names { .. } => "complete names",
            Self::Revisions => "list revisions",
            Self::Watch(_) => "watch the router",
            Self::Check { .. } => "check a commit",
            Self::Commit { .. } => "commit",
            Self::Confirm => "confirm a commit",
            Self::Save { .. } => "save the configuration",
            Self::Clear(_) => "clear sessions",
            Self::ClearDamping { .. } => "clear routes that flapped",
            Self::DumpTable { .. } => "write files",
            Self::Flush(Flush::Neighbors { .. }) => "clear neighbors of links",
            Self::Flush(Flush::Balancer) => "clear counters of the balancer",
            Self::Flush(Flush::Counters { .. }) => "clear counters",
            Self::Revision(_) => "read a revision",
        }
    }

    /// Whether somebody of this level may ask this.
    ///
    /// # Errors
    /// `not-permitted`, with what to do.
    pub fn permit(&self, level: Level) -> Result<(), ApiError> {
        if level >= self.least_level() {
            return Ok(());
        }
        Err(ApiError::new("not-permitted", format!("users of level {level} may not {}", self.deed()))
            .hint("it takes level admin: root, or a member of the group towpath"))
    }
}
