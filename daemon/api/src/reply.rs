//! What the daemon answers.
//!
//! A reply says what became of a request; it never holds a sentence where a number or an address will do.

use nouns::{Prefix, Revision};
use serde::{Deserialize, Serialize};

use crate::error::ApiError;
use crate::level::Level;
use crate::text::{Text, count};
use crate::view::View;
use crate::watch::News;

/// One line from the daemon.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Answer {
    /// The number of the call that is answered.
    pub id: u64,
    /// What became of it.
    pub reply: Reply,
}

/// What became of a request.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reply {
    /// To `Request::Hello`.
    Hello(Hello),
    /// To `Request::Configuration` and `Request::Revision`.
    Configuration(Configuration),
    /// To `Request::Check`: it can be committed, and this would happen.
    Checked(Plan),
    /// To `Request::Commit`: all of it is active.
    Committed(Committed),
    /// To `Request::Commit`: the edits change nothing.
    Unchanged,
    /// To `Request::Check` and `Request::Commit`: nothing was changed, or all of it was undone.
    Refused(Refusal),
    /// To `Request::Save`: written to this file.
    Saved {
        /// The file.
        path: String,
        /// Where the former file is kept, because parts of it were left out at the start.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        former: Option<String>,
    },
    /// To `Request::Show` and `Request::Revisions`.
    View(View),
    /// To `Request::Names`.
    Names(Vec<String>),
    /// It is done; a sentence if there is something to say.
    Done(String),
    /// To `Request::Watch`, after `Done`: something happened.
    News(News),
    /// It could not be done.
    Error(ApiError),
}

/// The daemon introduces itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Hello {
    /// The daemon's version.
    pub version: String,
    /// The router's host name, for the prompt.
    pub host_name: String,
    /// The active configuration.
    pub revision: Revision,
    /// The active configuration differs from the saved one.
    pub unsaved: bool,
    /// What a person should read before typing: lines of `config.boot` not understood, a degraded commit.
    pub notices: Vec<String>,
    /// What whoever asks may do.
    pub level: Level,
    /// The full path of the file that the daemon starts with and saves to.
    #[serde(default)]
    pub boot_file: String,
    /// A commit that waits to be confirmed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confirm: Option<PendingConfirm>,
}

/// A commit that is taken back unless somebody confirms it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PendingConfirm {
    /// The commit.
    pub revision: Revision,
    /// Who made it.
    pub user: String,
    /// When it is taken back, in seconds since the Unix epoch.
    pub until: u64,
}

/// A whole configuration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Configuration {
    /// Its number; that of the active one for `Which::Saved`.
    pub revision: Revision,
    /// In curly braces.
    pub text: String,
    /// The active configuration differs from the saved one.
    pub unsaved: bool,
}

/// What is wrong, and where.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// The words of the path; empty when it concerns no node.
    pub path: Vec<String>,
    /// What is wrong and what to do.
    pub message: String,
}

/// What a commit would do.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Plan {
    /// The steps in their order, one sentence each; empty when nothing changes.
    pub steps: Vec<String>,
    /// What becomes of each neighbor that is touched.
    pub neighbors: Vec<NeighborChange>,
    /// Static routes that come, change and go.
    #[serde(default)]
    pub routes: Vec<RouteChange>,
    /// What a person should know before committing.
    pub warnings: Vec<Problem>,
}

/// What becomes of one neighbor.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NeighborChange {
    /// The neighbor: its address, or the interface that names it.
    pub address: String,
    /// What becomes of it.
    pub effect: NeighborEffect,
    /// Which leaf is the reason; empty where none is needed.
    pub reason: String,
    /// The prefixes that the session had brought, where it is up and ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prefixes: Option<Prefixes>,
}

/// Prefixes of a session that ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Prefixes {
    /// How many lose the session's path.
    pub leave: u64,
    /// How many of those have a path of another neighbor that stays.
    pub elsewhere: u64,
}

/// What becomes of one static route.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RouteChange {
    /// Its destination.
    pub prefix: Prefix,
    /// What becomes of it.
    pub effect: RouteEffect,
}

/// What a commit does to a static route.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RouteEffect {
    /// A new route.
    New,
    /// It leads elsewhere, or counts differently.
    Changed,
    /// The route goes.
    Removed,
}

/// What a commit does to a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NeighborEffect {
    /// A new neighbor.
    New,
    /// The session stays as it is.
    Keep,
    /// Routes are read or sent again, the session stays.
    Refresh,
    /// The session goes down and comes up again.
    Reset,
    /// The session ends, and rests until `shutdown` is deleted.
    Shutdown,
    /// The session, which rested, starts.
    Started,
    /// The neighbor goes.
    Removed,
}

/// A commit that was made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Committed {
    /// The new active configuration.
    pub revision: Revision,
    /// What a person should know.
    pub warnings: Vec<Problem>,
    /// Milliseconds from the request to the last step.
    pub elapsed_ms: u64,
    /// The router's host name from now on, for the prompt.
    pub host_name: String,
    /// The active configuration differs from the saved one.
    pub unsaved: bool,
    /// It has to be confirmed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confirm: Option<PendingConfirm>,
}

/// A commit that was not made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// Why, for scripts.
    pub reason: RefusalReason,
    /// Why, for people.
    pub problems: Vec<Problem>,
}

/// Why a commit was not made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RefusalReason {
    /// The configuration would not be valid.
    Invalid,
    /// The same paths were changed by somebody else since the edits were begun.
    Conflict,
    /// Another commit is in progress.
    Busy,
    /// A step failed and all that was done before it was undone.
    RolledBack,
    /// A step failed and not everything could be undone.
    Degraded,
}

impl Refusal {
    /// The sentence that stands above the problems, if the reason needs one.
    #[must_use]
    pub fn headline(&self) -> Option<&'static str> {
        match self.reason {
            RefusalReason::Invalid => None,
            RefusalReason::Conflict => {
                Some("The active configuration was changed by somebody else in the same places; nothing was committed.")
            }
            RefusalReason::Busy => Some("Configuration system temporarily locked due to another commit in progress"),
            RefusalReason::RolledBack => Some("A step failed; everything is as it was before the commit."),
            RefusalReason::Degraded => {
                Some("A step failed and not everything could be undone; see 'show log' and commit again.")
            }
        }
    }
}

/// Problems as EdgeOS prints them: the path in brackets, the reason indented, an empty line.
#[must_use]
pub fn problems_text(problems: &[Problem]) -> String {
    let mut text = String::new();
    let mut last_path: Option<&[String]> = None;
    for problem in problems {
        if !problem.path.is_empty() && last_path != Some(problem.path.as_slice()) {
            text.push_str(&format!("[ {} ]\n", problem.path.join(" ")));
        }
        for line in problem.message.lines() {
            text.push_str(&format!("  {line}\n"));
        }
        last_path = Some(&problem.path);
    }
    text
}

impl Text for Refusal {
    fn text(&self) -> String {
        let headline = self.headline().map(|line| format!("{line}\n")).unwrap_or_default();
        format!("{headline}{}", problems_text(&self.problems))
    }
}

/// How many routes the text lists; all are in the JSON.
const ROUTES_SHOWN: usize = 20;

impl Text for Plan {
    fn text(&self) -> String {
        if self.steps.is_empty() && self.neighbors.is_empty() && self.routes.is_empty() && self.warnings.is_empty() {
            return "Nothing would change.\n".to_owned();
        }
        let mut text = String::new();
        if !self.steps.is_empty() {
            text.push_str("Steps of this commit:\n");
            for (step, number) in self.steps.iter().zip(1_u32..) {
                text.push_str(&format!("{number:>4}. {step}\n"));
            }
        }
        if !self.neighbors.is_empty() {
            text.push_str("Neighbors:\n");
            for change in &self.neighbors {
                text.push_str(&format!("  {}: {}", change.address, change.effect.words()));
                text.push_str(&if change.reason.is_empty() { String::new() } else { format!(" ({})", change.reason) });
                text.push_str(&change.prefixes.map(Prefixes::words).unwrap_or_default());
                text.push('\n');
            }
        }
        if !self.routes.is_empty() {
            text.push_str("Static routes:\n");
            for change in self.routes.iter().take(ROUTES_SHOWN) {
                text.push_str(&format!("  {}: {}\n", change.prefix, change.effect.words()));
            }
            if let Some(more @ 1..) = self.routes.len().checked_sub(ROUTES_SHOWN) {
                text.push_str(&format!("  and {more} more\n"));
            }
        }
        if !self.warnings.is_empty() {
            text.push_str("Warnings:\n");
            text.push_str(&problems_text(&self.warnings));
        }
        text
    }
}

impl Prefixes {
    fn words(self) -> String {
        let Self { leave, elsewhere } = self;
        let leave_words = if leave == 1 { "leaves" } else { "leave" };
        let others = match (leave, elsewhere) {
            (0, _) => String::new(),
            (_, 0) => ", no other path".to_owned(),
            (leave, elsewhere) if leave == elsewhere => ", with another path".to_owned(),
            (_, elsewhere) => format!(", {elsewhere} with another path"),
        };
        format!("; {} {leave_words}{others}", count(leave, "prefix", "prefixes"))
    }
}

impl RouteEffect {
    /// The effect as a person reads it.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Changed => "changed",
            Self::Removed => "removed",
        }
    }
}

impl NeighborEffect {
    /// The effect as a person reads it.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::New => "new session",
            Self::Keep => "session stays",
            Self::Refresh => "session stays, routes are refreshed",
            Self::Reset => "session will reset",
            Self::Shutdown => "session ends, neighbor shut down",
            Self::Started => "session starts",
            Self::Removed => "session ends, neighbor removed",
        }
    }
}
