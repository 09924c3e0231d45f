//! What a session reaches outside of itself: the daemon, files, programs, the screen.
//!
//! Traits only, so that a session runs as well against a table of answers as against a router.

use api::{NameKind, Reply, Request};

use crate::command::Program;
use crate::output::Paging;

/// Answers requests.
pub(crate) trait Daemon {
    /// Asks and waits for the answer.
    ///
    /// # Errors
    /// That the daemon cannot be reached, in words that say what to do.
    fn call(&mut self, request: Request) -> Result<Reply, String>;
}

/// The machine that the shell runs on.
pub(crate) trait Machine {
    /// Reads a file of the person's.
    ///
    /// # Errors
    /// Why it cannot be read, in words.
    fn read_file(&mut self, path: &str) -> Result<String, String>;

    /// The full path of a file that is named from where the person is.
    ///
    /// # Errors
    /// Why there is none, in words.
    fn absolute(&mut self, path: &str) -> Result<String, String>;

    /// Runs a program in the foreground until it ends; whether it ended well.
    ///
    /// # Errors
    /// Why it cannot be run, in words.
    fn execute(&mut self, program: &Program) -> Result<bool, String>;

    /// Names that only the machine knows: files, time zones.
    fn names(&mut self, kind: NameKind) -> Vec<String>;
}

/// Where a person or a script reads.
pub(crate) trait Screen {
    /// Prints what a command says.
    fn show(&mut self, text: &str, paging: Paging);

    /// Prints what went wrong.
    fn complain(&mut self, text: &str);
}

/// All of it.
pub(crate) trait World: Daemon + Machine {}

impl<T: Daemon + Machine> World for T {}
