//! Why words were not understood, in the sentences that users of such shells know.
//!
//! The first line is literal, because scripts match on it; further lines say what to do.

use crate::columns;
use crate::value::{ValueError, printable};

/// Which words were read: the first line of a message depends on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// A path of the configuration.
    Configuration,
    /// A command.
    Command,
}

/// Why words were not understood.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ResolveError {
    /// A word that nothing begins with.
    #[error("{}", not_valid(*.place, .path, .bad, .hint))]
    NotValid {
        /// Which words were read.
        place: Place,
        /// The canonical words before it.
        path: Vec<String>,
        /// The word itself.
        bad: String,
        /// What to do, or nothing.
        hint: String,
    },
    /// A word that several begin with.
    #[error("{}", ambiguous(*.place, .path, .bad, .candidates))]
    Ambiguous {
        /// Which words were read.
        place: Place,
        /// The canonical words before it.
        path: Vec<String>,
        /// The word itself.
        bad: String,
        /// What it could be, each with its help.
        candidates: Vec<(String, String)>,
    },
    /// A leaf or a tag without its value.
    #[error("Configuration path: [{}] requires a value\nIt takes {wanted}, such as {example}", .path.join(" "))]
    ValueRequired {
        /// The canonical path.
        path: Vec<String>,
        /// The forms of the value.
        wanted: String,
        /// A good value.
        example: String,
    },
    /// A value that does not fit.
    #[error("{0}\n{reason}\nValue validation failed", reason = sentence(&.0.reason))]
    BadValue(ValueError),
    /// A command that needs more words.
    #[error("Incomplete command: {}{}", .path.join(" "), listing(.candidates))]
    Incomplete {
        /// The canonical words.
        path: Vec<String>,
        /// What could follow, each with its help.
        candidates: Vec<(String, String)>,
    },
    /// `edit` of something that holds no words.
    #[error("The \"edit\" command cannot be issued at the specified level")]
    NotALevel,
}

impl ResolveError {
    /// The message on one line, for lists of problems.
    #[must_use]
    pub fn brief(&self) -> String {
        match self {
            Self::NotValid { place, path, bad, hint } => {
                let first = not_valid(*place, path, bad, "");
                if hint.is_empty() { first } else { format!("{first}: {hint}") }
            }
            Self::BadValue(error) => format!("{error}: {}", error.reason),
            Self::ValueRequired { .. } | Self::Incomplete { .. } | Self::Ambiguous { .. } | Self::NotALevel => {
                self.to_string().lines().next().unwrap_or_default().to_owned()
            }
        }
    }
}

fn not_valid(place: Place, path: &[String], bad: &str, hint: &str) -> String {
    let mut text = match place {
        Place::Configuration => format!("Configuration path: {} is not valid", marked(path, bad)),
        Place::Command => format!("Invalid command: {}", marked(path, bad)),
    };
    if !hint.is_empty() {
        text.push('\n');
        text.push_str(&sentence(hint));
    }
    text
}

fn ambiguous(place: Place, path: &[String], bad: &str, candidates: &[(String, String)]) -> String {
    let first = match place {
        Place::Configuration => format!("Configuration path: {} is ambiguous", marked(path, bad)),
        Place::Command => format!("Ambiguous command: {}", marked(path, bad)),
    };
    first + &listing(candidates)
}

/// `protocols bgp [foo]`; a word cannot carry control characters to the terminal.
fn marked(path: &[String], bad: &str) -> String {
    let before: String = path.iter().map(|word| format!("{word} ")).collect();
    format!("{before}[{}]", printable(bad))
}

fn listing(candidates: &[(String, String)]) -> String {
    if candidates.is_empty() {
        return String::new();
    }
    let width = columns::width(candidates.iter().map(|(word, help)| (word.as_str(), help.as_str())));
    let lines: String = candidates.iter().map(|(word, help)| columns::row("  ", word, help, width)).collect();
    format!("\n\nPossible completions:\n{}", lines.trim_end())
}

/// A reason as a line of its own.
fn sentence(reason: &str) -> String {
    let mut chars = reason.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}
