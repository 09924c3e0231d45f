//! Configuration mode: every command but those that read or write files.
//!
//! The texts are those of Vyatta 6.6 and VyOS, because scripts match on them.

use std::fmt::Display;

use api::reply::{RefusalReason, problems_text};
use api::{Problem, Reply, Request, Text, Which};
use config::Tree;
use config::diff::Diff;
use config::edit::Candidate;
use config::print::{self, Against};
use config::tree::{DeleteOutcome, SetOutcome};
use grammar::commands::{self, Compare, ConfigCommand};
use grammar::parse::Word;
use grammar::resolve::{self, End};
use grammar::schema::ROOT;

use super::{Outcome, Session, Working, fetch, json, unexpected};
use crate::help;
use crate::output::Output;
use crate::world::World;

const NOTHING_TO_COMMIT: &str = "No configuration changes to commit\n";
const UNSAVED: &str = "Warning: configuration changes have not been saved.\n";

impl Session {
    /// Does a command of configuration mode.
    pub(super) fn configure(&mut self, command: ConfigCommand, world: &mut dyn World) -> Outcome {
        let Some(working) = self.working.as_mut() else {
            return Err("This is a command of configuration mode: type 'configure' first".to_owned());
        };
        match command {
            ConfigCommand::Set(path) => working.set(&path),
            ConfigCommand::Delete(path) => working.delete(&path),
            ConfigCommand::Comment { path, text } => working.comment(&path, &text),
            ConfigCommand::Edit(path) => working.edit(&path),
            ConfigCommand::Up => Ok(working.up()),
            ConfigCommand::Top => Ok(working.top()),
            ConfigCommand::Show { path, all } => working.show(&path, all),
            ConfigCommand::Compare(what) => working.compare(what, world),
            ConfigCommand::Discard => Ok(working.discard()),
            ConfigCommand::Exit { discard } => self.exit(discard),
            ConfigCommand::CommitCheck => self.check(world),
            ConfigCommand::Commit { comment } => self.commit(comment, world),
            ConfigCommand::Save { file } => self.save(file, world),
            ConfigCommand::Load { file } => self.load(file, world),
            ConfigCommand::Merge { file } => self.merge(&file, world),
            ConfigCommand::Run(words) => {
                let op = commands::resolve(&words).map_err(|error| error.to_string())?;
                self.operate(op, world)
            }
            ConfigCommand::Help => Ok(Output::text(help::CONFIGURATION)),
        }
    }

    fn exit(&mut self, discard: bool) -> Outcome {
        let Some(working) = self.working.as_mut() else { return Ok(Output::default()) };
        if !discard && !working.level.is_empty() {
            return Ok(working.top());
        }
        if !discard && working.is_modified() {
            return Err("Cannot exit: configuration modified.\n\
                        Use 'exit discard' to discard the changes and exit."
                .to_owned());
        }
        self.working = None;
        Ok(Output::text(if self.unsaved { UNSAVED } else { "" }))
    }

    fn check(&mut self, world: &mut dyn World) -> Outcome {
        let Some(candidate) = self.candidate() else { return Ok(Output::text(NOTHING_TO_COMMIT)) };
        match world.call(Request::Check { candidate })? {
            Reply::Checked(plan) => {
                let json = serde_json::to_string_pretty(&plan).ok().map(|text| text + "\n");
                Ok(Output { text: plan.text(), json })
            }
            Reply::Unchanged => Ok(Output::text(NOTHING_TO_COMMIT)),
            Reply::Refused(refusal) => Err(format!("{}Commit check failed", refusal.text())),
            other => Err(format!("{}\nCommit check failed", unexpected(other))),
        }
    }

    fn commit(&mut self, comment: Option<String>, world: &mut dyn World) -> Outcome {
        let Some(candidate) = self.candidate() else { return Ok(Output::text(NOTHING_TO_COMMIT)) };
        let reply = world.call(Request::Commit { candidate, comment, confirm: None });
        let text = match reply.map_err(|error| format!("{error}\nCommit failed"))? {
            Reply::Committed(committed) => problems_text(&committed.warnings.into_iter().map(loud).collect::<Vec<_>>()),
            Reply::Unchanged => NOTHING_TO_COMMIT.to_owned(),
            Reply::Refused(refusal) if refusal.reason == RefusalReason::Conflict => {
                return Err(self.after_conflict(&refusal.text(), world));
            }
            Reply::Refused(refusal) => return Err(format!("{}Commit failed", refusal.text())),
            // The daemon has forgotten what the changes were made on; the session has not.
            Reply::Error(error) if error.code == "unknown-revision" => {
                return Err(self.after_conflict("The active configuration was changed by somebody else.\n", world));
            }
            other => return Err(format!("{}\nCommit failed", unexpected(other))),
        };
        // The commit stands even when what follows fails, so that is not told as its failure.
        self.refresh(world).map_err(|error| format!("{text}The commit was made.\n{error}"))?;
        Ok(Output::text(text))
    }

    /// The edits from the active to the working configuration; none when there is nothing to commit.
    fn candidate(&self) -> Option<Candidate> {
        let working = self.working.as_ref()?;
        let diff = Diff::between(&working.active, &working.tree);
        (!diff.is_empty()).then(|| Candidate { base: working.revision, edits: diff.to_edits() })
    }

    /// Fetches what is active now; the host name of the prompt may be a new one, too.
    fn refresh(&mut self, world: &mut dyn World) -> Result<(), String> {
        let configuration = fetch(world, Which::Active)?;
        if let Some(working) = self.working.as_mut() {
            working.active = Tree::parse(&configuration.text).tree;
            working.tree = working.active.clone();
            working.revision = configuration.revision;
        }
        self.greet(world)?;
        self.unsaved = configuration.unsaved;
        Ok(())
    }
}

/// A warning that says that it is one.
fn loud(warning: Problem) -> Problem {
    Problem { message: format!("Warning: {}", warning.message), ..warning }
}

fn failed(verb: &str, error: impl Display) -> String {
    format!("{error}\n{verb} failed")
}

impl Working {
    fn set(&mut self, path: &[Word]) -> Outcome {
        let resolved = resolve::path(&ROOT, &self.level, path).map_err(|error| failed("Set", error))?;
        match self.tree.set(&resolved.words).map_err(|error| failed("Set", error))? {
            SetOutcome::Added | SetOutcome::Replaced => Ok(Output::default()),
            SetOutcome::AlreadyThere => {
                Ok(Output::text(format!("Configuration path: [{}] already exists\n", resolved.words.join(" "))))
            }
        }
    }

    fn delete(&mut self, path: &[Word]) -> Outcome {
        let resolved = resolve::partial(&ROOT, &self.level, path).map_err(|error| failed("Delete", error))?;
        match (self.tree.delete(&resolved.words), resolved.end) {
            (DeleteOutcome::Deleted, _) => Ok(Output::default()),
            (DeleteOutcome::NothingToDelete, End::Value) => {
                Ok(Output::text("Nothing to delete (the specified value does not exist)\n"))
            }
            (DeleteOutcome::NothingToDelete, _) => {
                Ok(Output::text("Nothing to delete (the specified node does not exist)\n"))
            }
        }
    }

    fn comment(&mut self, path: &[Word], text: &str) -> Outcome {
        let resolved = resolve::partial(&ROOT, &self.level, path).map_err(|error| failed("Comment", error))?;
        self.tree.set_comment(&resolved.words, text).map_err(|error| failed("Comment", error))?;
        Ok(Output::default())
    }

    fn edit(&mut self, path: &[Word]) -> Outcome {
        let resolved = resolve::level(&ROOT, &self.level, path).map_err(|error| error.to_string())?;
        if !self.tree.contains(&resolved.words) {
            self.tree.set(&resolved.words).map_err(|error| error.to_string())?;
        }
        self.level = resolved.words;
        Ok(Output::default())
    }

    fn up(&mut self) -> Output {
        if self.level.pop().is_none() {
            return Output::text("Already at the top level\n");
        }
        // The name of an instance and the word before it are one level.
        let words: Vec<Word> = self.level.iter().map(Word::new).collect();
        if resolve::partial(&ROOT, &[], &words).is_ok_and(|place| place.end == End::Tag) {
            self.level.pop();
        }
        Output::default()
    }

    fn top(&mut self) -> Output {
        self.level.clear();
        Output::default()
    }

    fn discard(&mut self) -> Output {
        if !self.is_modified() {
            return Output::text("No changes have been discarded\n");
        }
        self.tree = self.active.clone();
        Output::text("Changes have been discarded\n")
    }

    fn show(&self, path: &[Word], all: bool) -> Outcome {
        let resolved = resolve::partial(&ROOT, &self.level, path).map_err(|error| hinted(path, error.to_string()))?;
        let text = print::marked(&self.active, &self.tree, &resolved.words, all);
        Ok(Output { text, json: json::of(&self.tree, &resolved.words, false) })
    }

    fn compare(&self, what: Compare, world: &mut dyn World) -> Outcome {
        let text = match what {
            Compare::Active => print::compare(&self.active, &self.tree, Against::Active),
            Compare::Commands => print::compare_commands(&self.active, &self.tree, Against::Active),
            Compare::Saved => {
                let saved = Tree::parse(&fetch(world, Which::Saved)?.text).tree;
                print::compare(&saved, &self.tree, Against::Saved)
            }
        };
        Ok(Output::text(text))
    }
}

/// Adds what to do to the complaint about a path that is an operational command.
fn hinted(path: &[Word], complaint: String) -> String {
    let words: Vec<Word> = std::iter::once(Word::new("show")).chain(path.iter().cloned()).collect();
    match commands::resolve(&words) {
        Ok(_) => {
            let typed: Vec<&str> = path.iter().map(|word| word.text.as_str()).collect();
            format!("{complaint}\nTo look at the running router, type 'run show {}'", typed.join(" "))
        }
        Err(_) => complaint,
    }
}
