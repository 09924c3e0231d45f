//! A person's session: which mode, which level of the configuration, what was changed and not committed.
//!
//! Pure but for the `World` that it is handed. The session never keeps the truth: it fetches the active
//! configuration when configuration mode is entered and after each commit, and a commit sends the edits
//! that lead from there to the working one.

mod configure;
mod file;
mod json;
mod meanwhile;
mod operate;

use api::reply::Hello;
use api::{Reply, Request, Which};
use config::Tree;
use grammar::commands::{self, ConfigCommand, Op};
use grammar::parse::Word;
use grammar::resolve::ResolveError;
use nouns::Revision;

use crate::command::{Deed, deed};
use crate::output::Output;
use crate::world::{Daemon, World};

/// A session.
#[derive(Clone, Debug)]
pub(crate) struct Session {
    user: String,
    host_name: String,
    working: Option<Working>,
    unsaved: bool,
    left: bool,
}

/// What configuration mode holds.
#[derive(Clone, Debug)]
struct Working {
    /// The active configuration that the changes are made on.
    active: Tree,
    /// Its number.
    revision: Revision,
    /// The working configuration.
    tree: Tree,
    /// The level of `edit`, canonical words.
    level: Vec<String>,
}

impl Working {
    fn is_modified(&self) -> bool {
        self.tree != self.active
    }
}

/// What became of a command: what it says, or what went wrong.
pub(crate) type Outcome = Result<Output, String>;

impl Session {
    /// Introduces the person to the daemon; also answers what they should read first.
    ///
    /// # Errors
    /// When the daemon cannot be reached or refuses.
    pub(crate) fn open(user: &str, daemon: &mut dyn Daemon) -> Result<(Self, Vec<String>), String> {
        let mut session =
            Self { user: user.to_owned(), host_name: "towpath".to_owned(), working: None, unsaved: false, left: false };
        let hello = session.greet(daemon)?;
        Ok((session, hello.notices))
    }

    fn greet(&mut self, daemon: &mut dyn Daemon) -> Result<Hello, String> {
        match daemon.call(Request::Hello { user: self.user.clone(), via: "cli".to_owned(), tty: None })? {
            Reply::Hello(hello) => {
                self.host_name.clone_from(&hello.host_name);
                self.unsaved = hello.unsaved;
                Ok(hello)
            }
            other => Err(unexpected(other)),
        }
    }

    /// Runs the words of one command.
    ///
    /// # Errors
    /// What went wrong, in the words that scripts match on.
    pub(crate) fn run(&mut self, words: &[Word], world: &mut dyn World) -> Outcome {
        if self.working.is_some() {
            let command =
                commands::configuration(words).map_err(|error| misplaced(words, &error, Mode::Configuration))?;
            self.configure(command, world)
        } else {
            let op = commands::resolve(words).map_err(|error| misplaced(words, &error, Mode::Operational))?;
            self.operate(op, world)
        }
    }

    /// Whether the words run a program, which writes to the terminal itself.
    #[must_use]
    pub(crate) fn runs_program(&self, words: &[Word]) -> bool {
        let op = match (&self.working, commands::configuration(words)) {
            (None, _) => commands::resolve(words),
            (Some(_), Ok(ConfigCommand::Run(words))) => commands::resolve(&words),
            (Some(_), _) => return false,
        };
        op.is_ok_and(|op| matches!(deed(op), Deed::Run(_)))
    }

    /// What stands before the cursor: the lines above, and the prompt itself.
    #[must_use]
    pub(crate) fn prompt(&self) -> (String, String) {
        let Self { user, host_name, .. } = self;
        match &self.working {
            None => (String::new(), format!("{user}@{host_name}:~$ ")),
            Some(working) => {
                let gap = if working.level.is_empty() { "" } else { " " };
                (format!("[edit{gap}{}]\n", working.level.join(" ")), format!("{user}@{host_name}# "))
            }
        }
    }

    /// Whether the person has left.
    #[must_use]
    pub(crate) fn has_left(&self) -> bool {
        self.left
    }

    /// Whether changes would be lost if the session ended now.
    #[must_use]
    pub(crate) fn has_uncommitted_changes(&self) -> bool {
        self.working.as_ref().is_some_and(Working::is_modified)
    }

    /// The level of `edit` and the working configuration, in configuration mode.
    #[must_use]
    pub(crate) fn editing(&self) -> Option<(&[String], &Tree)> {
        self.working.as_ref().map(|working| (working.level.as_slice(), &working.tree))
    }
}

/// Where a word was typed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    Configuration,
    Operational,
}

/// The complaint about words, with what to do when the first one belongs into the other mode.
fn misplaced(words: &[Word], error: &ResolveError, typed_in: Mode) -> String {
    let unknown = matches!(error, ResolveError::NotValid { path, .. } if path.is_empty());
    let Some(first) = words.first().filter(|_| unknown).map(std::slice::from_ref) else { return error.to_string() };
    let advice = match typed_in {
        Mode::Operational if knows(&commands::configuration(first)) => {
            "This is a command of configuration mode: type 'configure' first".to_owned()
        }
        Mode::Configuration => match commands::resolve(first) {
            Ok(Op::Configure) => "You are in configuration mode already".to_owned(),
            Ok(Op::Exit) => "To leave configuration mode, type 'exit'".to_owned(),
            op if knows(&op) => {
                let typed: Vec<&str> = words.iter().map(|word| word.text.as_str()).collect();
                format!("This is a command of operational mode: type 'run {}'", typed.join(" "))
            }
            _ => return error.to_string(),
        },
        Mode::Operational => return error.to_string(),
    };
    let complaint = error.to_string();
    format!("{}\n{advice}", complaint.lines().next().unwrap_or_default())
}

/// Whether the first word was understood, even if more are needed.
fn knows<T>(resolved: &Result<T, ResolveError>) -> bool {
    !matches!(resolved, Err(ResolveError::NotValid { .. } | ResolveError::Ambiguous { .. }))
}

/// A configuration of the daemon as a tree.
fn fetch(daemon: &mut dyn Daemon, which: Which) -> Result<api::Configuration, String> {
    match daemon.call(Request::Configuration(which))? {
        Reply::Configuration(configuration) => Ok(configuration),
        other => Err(unexpected(other)),
    }
}

/// The words for an answer that is no success.
fn unexpected(reply: Reply) -> String {
    match reply {
        Reply::Error(error) if error.hint.is_empty() => error.message,
        Reply::Error(error) => format!("{}\n{}", error.message, error.hint),
        _ => "The daemon gave an answer of another kind; are shell and daemon of the same version?".to_owned(),
    }
}

#[cfg(test)]
mod tests;
