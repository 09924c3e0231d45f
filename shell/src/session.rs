//! A person's session: which mode, which level of the configuration, what was changed and not committed.
//!
//! Pure but for the `World` that it is handed. The session never keeps the truth: it fetches the active
//! configuration when configuration mode is entered and after each commit, and a commit sends the edits
//! that lead from there to the working one.

mod commit;
mod configure;
mod file;
mod instances;
mod json;
mod look;
mod lost;
mod meanwhile;
mod monitor;
mod operate;
mod pcap;
mod pcapng;
pub(crate) mod revisions;

pub(crate) use lost::Unfinished;

use api::reply::Hello;
use api::{Level, Reply, Request, Which};
use config::Tree;
use grammar::commands::{self, ConfigCommand, Op};
use grammar::parse::Word;
use grammar::resolve::{self, ResolveError};
use grammar::schema::ROOT;
use nouns::Revision;

use crate::command::{Deed, deed};
use crate::output::Output;
use crate::world::{Daemon, World};

/// A session.
#[derive(Clone, Debug)]
pub(crate) struct Session {
    user: String,
    /// The terminal that the person sits at.
    tty: Option<String>,
    host_name: String,
    working: Option<Working>,
    unsaved: bool,
    left: bool,
    /// The changes of a lost session were taken up.
    taken_up: bool,
    level: Level,
    /// The full path of the file that the daemon starts with.
    boot_file: String,
    /// `terminal length`: rows of a page, 0 for none; what the terminal has unless somebody said otherwise.
    length: Option<u16>,
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
    pub(crate) fn open(
        user: &str,
        tty: Option<String>,
        daemon: &mut dyn Daemon,
    ) -> Result<(Self, Vec<String>), String> {
        let mut session = Self {
            user: user.to_owned(),
            tty,
            host_name: "towpath".to_owned(),
            working: None,
            unsaved: false,
            left: false,
            taken_up: false,
            level: Level::Admin,
            boot_file: String::new(),
            length: None,
        };
        let hello = session.greet(daemon)?;
        let pending = hello.confirm.map(|pending| {
            format!(
                "Revision {} by {} waits for 'confirm'; without it the previous configuration comes back.",
                pending.revision, pending.user
            )
        });
        Ok((session, hello.notices.into_iter().chain(pending).collect()))
    }

    fn greet(&mut self, daemon: &mut dyn Daemon) -> Result<Hello, String> {
        let (user, tty) = (self.user.clone(), self.tty.clone());
        match daemon.call(Request::Hello { user, via: "cli".to_owned(), tty })? {
            Reply::Hello(hello) => {
                self.level = hello.level;
                self.boot_file.clone_from(&hello.boot_file);
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
        op.is_ok_and(|op| {
            matches!(
                deed(op),
                Deed::Run(_) | Deed::Change(_) | Deed::Shutdown { .. } | Deed::Monitor(_) | Deed::Capture { .. }
            )
        })
    }

    /// What stands before the cursor: the lines above, and the prompt itself.
    #[must_use]
    pub(crate) fn prompt(&self) -> (String, String) {
        let Self { user, host_name, .. } = self;
        match &self.working {
            None if self.is_operator() => (String::new(), format!("{user}@{host_name}> ")),
            None => (String::new(), format!("{user}@{host_name}:~$ ")),
            Some(working) => {
                let gap = if working.level.is_empty() { "" } else { " " };
                (format!("[edit{gap}{}]\n", working.level.join(" ")), format!("{user}@{host_name}# "))
            }
        }
    }

    /// The person's login name.
    #[must_use]
    pub(crate) fn user(&self) -> &str {
        &self.user
    }

    /// The terminal that the person sits at, where there is one.
    #[must_use]
    pub(crate) fn tty(&self) -> Option<&str> {
        self.tty.as_deref()
    }

    /// Whether the changes of a lost session were taken up.
    #[must_use]
    pub(crate) fn has_taken_up(&self) -> bool {
        self.taken_up
    }

    /// Whether a line holds a secret, so that it must not be written down.
    #[must_use]
    pub(crate) fn holds_secret(&self, line: &str) -> bool {
        let level = self.working.as_ref().map(|working| working.level.as_slice()).unwrap_or_default();
        match grammar::parse::line(line) {
            Ok(commands) => commands.iter().any(|command| names_secret(level, &command.words)),
            // What cannot be read may hold anything.
            Err(_) => line.contains("pass") || line.contains("secret") || line.contains("key"),
        }
    }

    /// Whether the person may only look.
    #[must_use]
    pub(crate) fn is_operator(&self) -> bool {
        self.level == Level::Operator
    }

    /// `terminal length`, where somebody said how many rows a page has; 0 for no pages.
    #[must_use]
    pub(crate) fn length(&self) -> Option<u16> {
        self.length
    }

    /// Says how many rows a page has; 0 for no pages, none for what the terminal has.
    pub(crate) fn set_length(&mut self, length: Option<u16>) {
        self.length = length;
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

/// Whether a path among the words leads to the value of a secret, and the value is there.
fn names_secret(level: &[String], words: &[Word]) -> bool {
    (1..words.len()).any(|end| {
        let path = words.get(1..=end).unwrap_or_default();
        let leads = |path: &[Word]| resolve::partial(&ROOT, level, path).is_ok_and(|place| place.node.secret);
        // A value that is refused is a secret all the same.
        leads(path) && words.len() > end.saturating_add(1)
    })
}

/// Where a word was typed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    Configuration,
    Operational,
}

/// Words of either mode, with other words behind them.
const OF_EITHER: &[&str] = &["set", "delete", "rename"];

/// The complaint about words, with what to do when the first one belongs into the other mode.
fn misplaced(words: &[Word], error: &ResolveError, typed_in: Mode) -> String {
    let of_either = |path: &[String]| match typed_in {
        Mode::Operational => path.first().is_some_and(|first| OF_EITHER.contains(&first.as_str())),
        Mode::Configuration => *path == ["set"],
    };
    let unknown = matches!(error, ResolveError::NotValid { path, .. } if path.is_empty() || of_either(path));
    let Some(first) = words.first().filter(|_| unknown).map(std::slice::from_ref) else { return error.to_string() };
    let advice = match typed_in {
        Mode::Operational if knows(&commands::configuration(first)) => {
            "This is a command of configuration mode: type 'configure' first".to_owned()
        }
        Mode::Configuration => match commands::resolve(first) {
            Ok(Op::Configure) => "You are in configuration mode already".to_owned(),
            Ok(Op::Shutdown { .. }) => "Exit from configure mode before rebooting.".to_owned(),
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

/// The folder that a file is in, with a slash behind it; nothing for one that is here.
pub(crate) fn folder_of(file: &str) -> &str {
    file.rfind('/').and_then(|at| file.get(..=at)).unwrap_or_default()
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
