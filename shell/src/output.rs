//! What a command says, on its way through pipes.
//!
//! Pure: a text goes in, a text comes out. Never prints and never asks the daemon again, so the JSON form
//! is that of the very value whose text would have been shown.

use grammar::commands::{Pipe, pipe};
use grammar::parse::Word;

use crate::pattern::Pattern;

/// What a command says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Output {
    /// The text.
    pub(crate) text: String,
    /// The same as JSON, where the command has such a form.
    pub(crate) json: Option<String>,
}

impl Output {
    /// An output without a JSON form.
    #[must_use]
    pub(crate) fn text(text: impl Into<String>) -> Self {
        Self { text: text.into(), json: None }
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
    /// `json` behind a command that has no such form, or behind a pipe that changed the text.
    pub(crate) fn run(&self, output: Output) -> Result<(String, Paging), String> {
        let mut paging = Paging::WhenLong;
        let Output { mut text, mut json } = output;
        for stage in &self.0 {
            match stage {
                Stage::Match(pattern) => text = keep(&text, |line| pattern.occurs_in(line)),
                Stage::NoMatch(pattern) => text = keep(&text, |line| !pattern.occurs_in(line)),
                Stage::Count => text = format!("{}\n", text.lines().count()),
                Stage::More => paging = Paging::Always,
                Stage::NoMore => paging = Paging::Never,
                Stage::Json => {
                    text = json.take().ok_or("This command has no JSON form, or 'json' is not its first pipe")?;
                }
            }
            if !matches!(stage, Stage::More | Stage::NoMore) {
                json = None;
            }
        }
        Ok((text, paging))
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

    fn run(pipes: &str) -> Result<(String, Paging), String> {
        let commands = grammar::parse::line(&format!("show | {pipes}")).unwrap();
        let json = Some("{\n  \"n\": 1\n}\n".to_owned());
        Pipes::read(&commands[0].pipes)?.run(Output { text: "eth0 up\neth1 down\nlo up\n".to_owned(), json })
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
        ] {
            assert_eq!(run(pipes).unwrap().0, expect, "{pipes}");
        }
    }

    #[test]
    fn the_pager_is_asked_for_or_kept_away() {
        assert_eq!(run("more").unwrap().1, Paging::Always);
        assert_eq!(run("no-more").unwrap().1, Paging::Never);
        assert_eq!(run("count").unwrap().1, Paging::WhenLong);
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
        ] {
            let problem = run(pipes).unwrap_err();
            assert!(problem.contains(words), "{pipes}: {problem}");
        }
    }
}
