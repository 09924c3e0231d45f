//! Configuration mode: what changes, shows and leaves the working configuration.
//!
//! The texts are those of Vyatta 6.6 and VyOS, because scripts match on them.

use std::fmt::Display;

use api::Which;
use config::Tree;
use config::print::{self, Against, Style};
use config::tree::{DeleteOutcome, SetOutcome};
use grammar::commands::{self, Compare, ConfigCommand};
use grammar::parse::Word;
use grammar::resolve::{self, End};
use grammar::schema::ROOT;

use super::commit::confirm;
use super::instances::Verb;
use super::{Outcome, Session, Working, fetch, json, revisions};
use crate::help;
use crate::output::Output;
use crate::world::World;

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
            ConfigCommand::Compare(Compare::Revision(index)) => self.compare_with(index, world),
            ConfigCommand::Compare(Compare::Revisions(old, new)) => revisions::compare_revisions(old, new, world),
            ConfigCommand::Compare(what) => working.compare(what, world),
            ConfigCommand::Copy { from, to } => working.instance(Verb::Copy, &from, &to),
            ConfigCommand::Rename { from, to } => working.instance(Verb::Rename, &from, &to),
            ConfigCommand::Discard => Ok(working.discard()),
            ConfigCommand::Exit { discard } => self.exit(discard),
            ConfigCommand::CommitCheck => self.check(world),
            ConfigCommand::Commit { comment } => self.commit(comment, world),
            ConfigCommand::CommitConfirm { minutes, comment } => self.commit_confirm(minutes, comment, world),
            ConfigCommand::Confirm => confirm(world),
            ConfigCommand::Rollback { revision } => self.rollback(revision, world),
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

    /// Goes up until the level stands in the working configuration.
    pub(super) fn leave_what_is_gone(&mut self) {
        while !self.level.is_empty() && !self.tree.contains(&self.level) {
            self.up();
        }
    }

    fn show(&self, path: &[Word], all: bool) -> Outcome {
        let resolved = resolve::partial(&ROOT, &self.level, path).map_err(|error| hinted(path, error.to_string()))?;
        let text = print::marked(&self.active, &self.tree, &resolved.words, all);
        let json = json::of(&self.tree, &resolved.words, false);
        let commands = Some(print::commands(&self.tree, &resolved.words, Style::default()));
        Ok(Output { text, json, commands, marked: true })
    }

    fn compare(&self, what: Compare, world: &mut dyn World) -> Outcome {
        match what {
            Compare::Commands => Ok(Output::text(print::compare_commands(&self.active, &self.tree, Against::Active))),
            Compare::Saved => {
                let saved = Tree::parse(&fetch(world, Which::Saved)?.text).tree;
                Ok(comparison(&saved, &self.tree, Against::Saved))
            }
            _ => Ok(comparison(&self.active, &self.tree, Against::Active)),
        }
    }
}

/// The difference between two configurations, with its form as commands.
pub(super) fn comparison(old: &Tree, new: &Tree, against: Against) -> Output {
    let text = print::compare(old, new, against);
    Output { text, json: None, commands: Some(print::compare_commands(old, new, against)), marked: true }
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
