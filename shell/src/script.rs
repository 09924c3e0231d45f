//! Commands without a terminal: from `-c`, or line by line from a file.
//!
//! The same words as a person types; no prompts, no pager. The first command that fails ends it, with its
//! line number on the standard error output.

use std::io::BufRead;

use crate::interpreter::{self, OnFailure};
use crate::output::Paging;
use crate::session::Session;
use crate::world::{Screen, World};

/// Runs each command of `-c`; whether all succeeded.
pub(crate) fn commands(
    given: &[String],
    session: &mut Session,
    world: &mut dyn World,
    screen: &mut dyn Screen,
) -> bool {
    let numbered = given.iter().map(|command| Ok(command.clone()));
    run("command", numbered, session, world, screen)
}

/// Runs each line of a file; whether all succeeded.
pub(crate) fn lines(
    source: impl BufRead,
    session: &mut Session,
    world: &mut dyn World,
    screen: &mut dyn Screen,
) -> bool {
    let read = |line: std::io::Result<Vec<u8>>| {
        let bytes = line.map_err(|error| format!("the input cannot be read: {error}"))?;
        String::from_utf8(bytes).map_err(|_| "the line is not a text in UTF-8".to_owned())
    };
    run("line", source.split(b'\n').map(read), session, world, screen)
}

fn run(
    unit: &str,
    given: impl Iterator<Item = Result<String, String>>,
    session: &mut Session,
    world: &mut dyn World,
    screen: &mut dyn Screen,
) -> bool {
    for (line, number) in given.zip(1_u64..) {
        let mut numbered = Numbered { screen, prefix: format!("{unit} {number}: ") };
        let well = match line {
            Ok(line) => interpreter::run(line.trim_end_matches('\r'), session, world, &mut numbered, OnFailure::Stop),
            Err(complaint) => {
                numbered.complain(&format!("{complaint}\n"));
                false
            }
        };
        if !well {
            return false;
        }
        if session.has_left() {
            return true;
        }
    }
    if session.has_uncommitted_changes() {
        screen.complain("Warning: the commands ended with uncommitted changes; these are lost.\n");
    }
    true
}

/// Puts the number of the line before what went wrong.
struct Numbered<'a> {
    screen: &'a mut dyn Screen,
    prefix: String,
}

impl Screen for Numbered<'_> {
    fn show(&mut self, text: &str, paging: Paging) {
        self.screen.show(text, paging);
    }

    fn complain(&mut self, text: &str) {
        self.screen.complain(&format!("{}{text}", self.prefix));
    }
}
