//! What a command says, on its way through pipes.
//!
//! Pure: a text goes in, a text comes out. Never prints and never asks the daemon again, so the JSON form
//! is that of the very value whose text would have been shown.

use grammar::commands::{Pipe, pipe};
use grammar::parse::Word;

use crate::pattern::Pattern;
use crate::private;

/// What a command says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Output {
    /// The text.
    pub(crate) text: String,
    /// The same as JSON, where the command has such a form.
    pub(crate) json: Option<String>,
    /// The same as set commands, where it is a configuration.
    pub(crate) commands: Option<String>,
    /// The first column tells what is new, gone or changed.
    pub(crate) marked: bool,
}

impl Output {
    /// An output without a JSON form.
    #[must_use]
    pub(crate) fn text(text: impl Into<String>) -> Self {
        Self { text: text.into(), json: None, commands: None, marked: false }
    }
}

/// How a text is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Paging {
    /// Through a pager when it is long and a person reads it.
    WhenLong,
    /// Through a pager whenever a person reads it.
    Always,
    /// Never through a pager.
    Never,
}

/// What came out of the last pipe.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Piped {
    /// The text.
    pub(crate) text: String,
    /// How it is printed.
    pub(crate) paging: Paging,
    /// The first column still tells what is new, gone or changed.
    pub(crate) marked: bool,
    /// The file that it goes into, instead of the screen.
    pub(crate) file: Option<String>,
}

/// Pipes that were understood, in their order.
#[derive(Clone, Debug, Default)]
pub(crate) struct Pipes(Vec<Stage>);

#[derive(Clone, Debug)]
enum Stage {
    Match(Pattern),
    NoMatch(Pattern),
    Count,
    More,
    NoMore,
    Json,
    Commands,
    StripPrivate,
    Save(String),
}

impl Pipes {
    /// Reads the words behind each `|`.
    ///
    /// # Errors
    /// An unknown word, a missing or broken pattern, in words.
    pub(crate) fn read(pipes: &[Vec<Word>]) -> Result<Self, String> {
        pipes.iter().map(|words| Stage::read(words)).collect::<Result<Vec<Stage>, String>>().map(Self)
    }

    /// Whether there are none.
    #[must_use]
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Sends an output through all pipes.
    ///
    /// # Errors
    /// `json` or `commands` behind a command that has no such form, or behind a pipe that changed the text.
    pub(crate) fn run(&self, output: Output) -> Result<Piped, String> {
        let mut forms = (output.json, output.commands);
        let mut piped = Piped { text: output.text, paging: Paging::WhenLong, marked: output.marked, file: None };
        for (at, stage) in self.0.iter().enumerate() {
            let text = match stage {
                Stage::Match(pattern) => keep(&piped.text, |line| pattern.occurs_in(line)),
                Stage::NoMatch(pattern) => keep(&piped.text, |line| !pattern.occurs_in(line)),
                Stage::Count => format!("{}\n", piped.text.lines().count()),
                Stage::Json => {
                    forms.0.take().ok_or("This command has no JSON form, or 'json' is not its first pipe")?
                }
                Stage::Commands => {
                    forms.1.take().ok_or("This command shows no configuration, or 'commands' is not its first pipe")?
                }
                Stage::StripPrivate => private::strip(&piped.text),
                Stage::More | Stage::NoMore => {
                    piped.paging = if matches!(stage, Stage::More) { Paging::Always } else { Paging::Never };
                    continue;
                }
                Stage::Save(_) if at.saturating_add(1) < self.0.len() => {
                    return Err("Nothing can follow '| save FILE'".to_owned());
                }
                Stage::Save(file) => {
                    piped.file = Some(file.clone());
                    continue;
                }
            };
            forms = (None, None);
            piped.marked &= matches!(stage, Stage::Match(_) | Stage::NoMatch(_) | Stage::StripPrivate);
            piped.text = text;
        }
        Ok(piped)
    }
}

impl Stage {
    fn read(words: &[Word]) -> Result<Self, String> {
        Ok(match pipe::resolve(words).map_err(|error| error.to_string())? {
            Pipe::Match(pattern) => Self::Match(Pattern::new(&pattern)?),
            Pipe::NoMatch(pattern) => Self::NoMatch(Pattern::new(&pattern)?),
            Pipe::Count => Self::Count,
            Pipe::More => Self::More,
            Pipe::NoMore => Self::NoMore,
            Pipe::Json => Self::Json,
            Pipe::Commands => Self::Commands,
            Pipe::StripPrivate => Self::StripPrivate,
            Pipe::Save(file) => Self::Save(file),
        })
    }
}

fn keep(text: &str, wanted: impl Fn(&str) -> bool) -> String {
    text.lines().filter(|line| wanted(line)).map(|line| format!("{line}\n")).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may fail loudly")]

    use super::*;

    fn run(pipes: &str) -> Result<Piped, String> {
        let commands = grammar::parse::line(&format!("show | {pipes}")).unwrap();
        let json = Some("{\n  \"n\": 1\n}\n".to_owned());
        let as_commands = Some("set eth0\n".to_owned());
        let text = "eth0 up\neth1 down\nlo up\n".to_owned();
        Pipes::read(&commands[0].pipes)?.run(Output { text, json, commands: as_commands, marked: true })
    }

    #[test]
    fn pipes_transform_the_text() {
        for (pipes, expect) in [
            ("match up", "eth0 up\nlo up\n"),
            ("match '^eth|^lo'", "eth0 up\neth1 down\nlo up\n"),
            ("no-match up", "eth1 down\n"),
            ("match eth | no-match down", "eth0 up\n"),
            ("match eth | count", "2\n"),
            ("count", "3\n"),
            ("mat lo", "lo up\n"),
            ("json", "{\n  \"n\": 1\n}\n"),
            ("json | match n", "  \"n\": 1\n"),
            ("no-more | json", "{\n  \"n\": 1\n}\n"),
            ("match nothing", ""),
            ("commands", "set eth0\n"),
            ("commands | count", "1\n"),
            ("strip-private | match lo", "lo up\n"),
        ] {
            assert_eq!(run(pipes).unwrap().text, expect, "{pipes}");
        }
    }

    #[test]
    fn the_pager_is_asked_for_or_kept_away() {
        assert_eq!(run("more").unwrap().paging, Paging::Always);
        assert_eq!(run("no-more").unwrap().paging, Paging::Never);
        assert_eq!(run("count").unwrap().paging, Paging::WhenLong);
    }

    #[test]
    fn a_file_stands_at_the_end_and_markers_last_as_long_as_the_lines_do() {
        let piped = run("match eth | save /tmp/x").unwrap();
        assert_eq!((piped.text.as_str(), piped.file.as_deref()), ("eth0 up\neth1 down\n", Some("/tmp/x")));
        for (pipes, marked) in [("match eth", true), ("count", false), ("commands", false), ("no-more", true)] {
            assert_eq!(run(pipes).unwrap().marked, marked, "{pipes}");
        }
    }

    #[test]
    fn a_wrong_pipe_says_what_is_wrong() {
        for (pipes, words) in [
            ("foo", "[foo]"),
            ("more x", "[x]"),
            ("no", "[no]"),
            ("match", "match"),
            ("match '('", "not closed"),
            ("match eth | json", "not its first pipe"),
            ("json | commands", "not its first pipe"),
            ("save", "Incomplete command"),
            ("save x | count", "Nothing can follow"),
        ] {
            let problem = run(pipes).unwrap_err();
            assert!(problem.contains(words), "{pipes}: {problem}");
        }
    }
}
