//! What a session reaches outside of itself: the daemon, files, programs, the screen.
//!
//! Traits only, so that a session runs as well against a table of answers as against a router.

use std::ops::ControlFlow;
use std::time::Duration;

use api::{NameKind, News, Reply, Request, Watch};
use grammar::complete::Name;

use crate::command::Program;
use crate::output::Paging;
use crate::session::Unfinished;
use crate::url::Url;

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

    /// Reads a file of the person's, at most so many octets.
    ///
    /// # Errors
    /// Why it cannot be read, in words.
    fn read_octets(&mut self, path: &str, most: u64) -> Result<Vec<u8>, String>;

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

    /// Runs a program that says what it knows and ends: what it said.
    ///
    /// # Errors
    /// Why it cannot be run, or what it says is wrong.
    fn told_by(&mut self, program: &Program) -> Result<String, String>;

    /// Writes a file of the person's.
    ///
    /// # Errors
    /// Why it cannot be written, in words.
    fn write_file(&mut self, path: &str, text: &str) -> Result<(), String>;

    /// Fetches a text from an address such as `http://host/file`.
    ///
    /// # Errors
    /// Why it cannot be fetched, in words.
    fn download(&mut self, from: &Url) -> Result<String, String>;

    /// Puts a text at an address such as `scp://user@host/file`.
    ///
    /// # Errors
    /// Why it cannot be put there, in words.
    fn upload(&mut self, text: &str, to: &Url) -> Result<(), String>;

    /// Live names that begin as typed, of the machine or of the daemon.
    fn names(&mut self, kind: NameKind, typed: &str) -> Vec<Name>;

    /// Whether the person agrees; who is no person, and cannot be asked, does.
    fn agrees(&mut self, question: &str) -> bool;

    /// The commands that the person has typed, oldest first, those of earlier sessions too.
    fn history(&mut self) -> Vec<String>;

    /// Prints what happens, each thing in these words, until the person presses ^C or nobody reads any more.
    ///
    /// # Errors
    /// That the daemon cannot be reached, refuses or has ended, in words.
    fn watch(&mut self, watch: Watch, words: &dyn Fn(&News) -> String) -> Result<(), String>;

    /// The same into a new file: what it begins with, then the octets of each news.
    ///
    /// # Errors
    /// As above, or that the file cannot be written.
    fn record(
        &mut self,
        watch: Watch,
        file: &str,
        head: &[u8],
        octets: &dyn Fn(&News) -> Vec<u8>,
    ) -> Result<(), String>;

    /// Prints something at once; breaks when nobody reads any more.
    fn tell(&mut self, text: &str) -> ControlFlow<()>;

    /// Whether a terminal shows what is printed, so that it can be drawn anew.
    fn is_drawn(&self) -> bool;

    /// Waits about a second, and tells how long it was; none when the person pressed ^C.
    fn rest(&mut self) -> Option<Duration>;

    /// Takes what a session of the same person left behind when its terminal went away, with its time in seconds
    /// since the Unix epoch. It stays kept until the changes are committed or discarded.
    fn take_lost(&mut self, user: &str) -> Option<(u64, Unfinished)>;
}

/// Where a person or a script reads.
pub(crate) trait Screen {
    /// Prints what a command says.
    fn show(&mut self, text: &str, paging: Paging);

    /// Prints a configuration whose first column tells what is new, gone or changed.
    fn show_marked(&mut self, text: &str, paging: Paging) {
        self.show(text, paging);
    }

    /// Prints what went wrong.
    fn complain(&mut self, text: &str);
}

/// All of it.
pub(crate) trait World: Daemon + Machine {}

impl<T: Daemon + Machine> World for T {}
