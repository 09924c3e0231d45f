//! Commits: checking, making and confirming them.
//!
//! The daemon decides; the session sends its edits and says what became of them, in the words that scripts know.

use api::reply::{Committed, RefusalReason, problems_text};
use api::{Problem, Reply, Request, Text, Which};
use config::diff::Diff;
use config::edit::Candidate;
use config::{Tree, secret};
use nouns::Revision;

use super::{Outcome, Session, Working, fetch, unexpected};
use crate::output::Output;
use crate::world::{Daemon, World};

const NOTHING_TO_COMMIT: &str = "No configuration changes to commit\n";
const ANOTHER_PENDING: &str = "Another confirm is pending";
const NONE_PENDING: &str = "No confirm pending";
const CONFIRMED: &str = "Reload timer stopped\n";

impl Session {
    /// Tells what a commit would do.
    pub(super) fn check(&mut self, world: &mut dyn World) -> Outcome {
        let Some(candidate) = self.candidate() else { return Ok(Output::text(NOTHING_TO_COMMIT)) };
        match world.call(Request::Check { candidate })? {
            Reply::Checked(plan) => {
                let json = serde_json::to_string_pretty(&plan).ok().map(|text| text + "\n");
                Ok(Output { json, ..Output::text(plan.text()) })
            }
            Reply::Unchanged => Ok(Output::text(NOTHING_TO_COMMIT)),
            Reply::Refused(refusal) => Err(format!("{}Commit check failed", refusal.text())),
            other => Err(format!("{}\nCommit check failed", unexpected(other))),
        }
    }

    /// Makes the changes active.
    pub(super) fn commit(&mut self, comment: Option<String>, world: &mut dyn World) -> Outcome {
        self.make(comment, None, world)
    }

    /// Makes the changes active until somebody confirms them, or takes them back after so many minutes.
    pub(super) fn commit_confirm(&mut self, minutes: u32, comment: Option<String>, world: &mut dyn World) -> Outcome {
        if self.candidate().is_none() {
            return Ok(Output::text(NOTHING_TO_COMMIT));
        }
        if self.greet(world)?.confirm.is_some() {
            return Err(ANOTHER_PENDING.to_owned());
        }
        let question = format!(
            "commit-confirm will automatically reload previous config in {minutes} minutes unless changes are confirmed.\n\
             Proceed? [confirm]"
        );
        if !world.agrees(&question) {
            return Err("commit-confirm canceled".to_owned());
        }
        self.make(comment, Some(minutes), world)
    }

    fn make(&mut self, comment: Option<String>, confirm: Option<u32>, world: &mut dyn World) -> Outcome {
        let Some(candidate) = self.candidate() else { return Ok(Output::text(NOTHING_TO_COMMIT)) };
        let reply = world.call(Request::Commit { candidate, comment, confirm });
        let (made, text) = match reply.map_err(|error| format!("{error}\nCommit failed"))? {
            Reply::Committed(committed) => {
                self.host_name.clone_from(&committed.host_name);
                self.unsaved = committed.unsaved;
                (Some(committed.revision), said(committed, confirm))
            }
            Reply::Unchanged => (None, NOTHING_TO_COMMIT.to_owned()),
            Reply::Refused(refusal) if refusal.reason == RefusalReason::Conflict => {
                return Err(self.after_conflict(&refusal.text(), world));
            }
            Reply::Refused(refusal) => return Err(format!("{}Commit failed", refusal.text())),
            // The daemon has forgotten what the changes were made on; the session has not.
            Reply::Error(error) if error.code == "unknown-revision" => {
                return Err(self.after_conflict("The active configuration was changed by somebody else.\n", world));
            }
            Reply::Error(error) if error.code == "confirm-pending" => return Err(ANOTHER_PENDING.to_owned()),
            other => return Err(format!("{}\nCommit failed", unexpected(other))),
        };
        // The commit stands even when what follows fails, so that is not told as its failure.
        self.stand_on(made, world).map_err(|error| format!("{text}The commit was made.\n{error}"))?;
        Ok(Output::text(text))
    }

    /// The edits from the active to the working configuration; none when there is nothing to commit.
    fn candidate(&self) -> Option<Candidate> {
        let working = self.working.as_ref()?;
        let diff = Diff::between(&working.active, &working.tree);
        (!diff.is_empty()).then(|| Candidate { base: working.revision, edits: diff.to_edits() })
    }

    /// Takes what is active now, after a commit that made this revision.
    fn stand_on(&mut self, made: Option<Revision>, world: &mut dyn World) -> Result<(), String> {
        let Some(working) = self.working.as_mut() else { return Ok(()) };
        if made.is_some_and(|made| working.became_active(made)) {
            return Ok(());
        }
        let configuration = fetch(world, Which::Active)?;
        working.active = Tree::parse(&configuration.text).tree;
        working.tree = working.active.clone();
        working.revision = configuration.revision;
        working.leave_what_is_gone();
        self.unsaved = configuration.unsaved;
        Ok(())
    }
}

impl Working {
    /// Whether the revision that a commit made is the working configuration itself: nobody else's commit came between,
    /// and the daemon had no password to hash. A large configuration then need not be fetched and read again.
    fn became_active(&mut self, made: Revision) -> bool {
        let same = made == self.revision.next() && secret::is_sealed(&self.tree);
        if same {
            self.active = self.tree.clone();
            self.revision = made;
        }
        same
    }
}

/// `confirm`: what waits to be confirmed stays.
pub(super) fn confirm(daemon: &mut dyn Daemon) -> Outcome {
    match daemon.call(Request::Confirm)? {
        Reply::Done(_) => Ok(Output::text(CONFIRMED)),
        Reply::Error(error) if error.code == "no-confirm-pending" => Err(NONE_PENDING.to_owned()),
        other => Err(unexpected(other)),
    }
}

/// The warnings of a commit, and that it has to be confirmed.
fn said(committed: Committed, confirm: Option<u32>) -> String {
    let mut text = problems_text(&committed.warnings.into_iter().map(loud).collect::<Vec<_>>());
    if let Some(minutes) = confirm {
        text.push_str(&format!("Initialized commit-confirm; {minutes} minutes to confirm before reload\n"));
    }
    text
}

/// A warning that says that it is one.
fn loud(warning: Problem) -> Problem {
    Problem { message: format!("Warning: {}", warning.message), ..warning }
}
