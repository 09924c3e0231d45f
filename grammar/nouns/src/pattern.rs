//! Regular expressions over AS paths and communities, as Quagga and FRR read them.
//!
//! POSIX extended syntax with `_`, which stands for a separator, the beginning or the end. A pattern becomes a
//! table of states when it is built, so matching takes one step for each character, whatever a peer sends;
//! a pattern whose table would be large is refused. Never matches a text that is not ASCII.

mod automaton;
mod syntax;
#[cfg(test)]
mod tests;

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use automaton::Automaton;

/// A regular expression that is understood.
#[derive(Clone)]
pub struct Pattern {
    text: Arc<str>,
    automaton: Arc<Automaton>,
}

/// Why a text is not a pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PatternError {
    /// What is wrong with the spelling.
    Syntax(String),
    /// Its table would be too large.
    TooLarge,
}

impl Pattern {
    /// Whether the spelling is right, without the work of building the table.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn check(text: &str) -> Result<(), PatternError> {
        syntax::parse(text).map(|_| ())
    }

    /// As it was typed.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether some part of a text fits.
    #[must_use]
    pub fn is_match(&self, text: &str) -> bool {
        let mut run = self.run();
        run.text(text);
        run.matches()
    }

    /// Begins to read a text that is given piece by piece.
    #[must_use]
    pub fn run(&self) -> Run<'_> {
        Run { automaton: &self.automaton, state: Automaton::START }
    }
}

/// A text being read.
#[derive(Clone, Copy, Debug)]
pub struct Run<'a> {
    automaton: &'a Automaton,
    state: u16,
}

impl Run<'_> {
    /// Reads one octet.
    pub fn octet(&mut self, octet: u8) {
        self.state = self.automaton.next(self.state, octet);
    }

    /// Reads a text.
    pub fn text(&mut self, text: &str) {
        text.bytes().for_each(|octet| self.octet(octet));
    }

    /// Reads the decimal spelling of a number.
    pub fn number(&mut self, number: u32) {
        let mut divisor: u32 = 1;
        while number / divisor >= 10 {
            divisor = divisor.saturating_mul(10);
        }
        while divisor > 0 {
            let digit = u8::try_from(number / divisor % 10).unwrap_or(0);
            self.octet(b'0'.saturating_add(digit));
            divisor /= 10;
        }
    }

    /// Whether nothing that follows can change the answer any more.
    #[must_use]
    pub fn is_decided(&self) -> bool {
        self.automaton.accepts(self.state)
    }

    /// Whether some part of the text fits, if it ends here.
    #[must_use]
    pub fn matches(&self) -> bool {
        self.automaton.accepts_at_end(self.state)
    }
}

impl FromStr for Pattern {
    type Err = PatternError;

    fn from_str(text: &str) -> Result<Self, PatternError> {
        let program = syntax::parse(text)?;
        let automaton = Automaton::build(&program).ok_or(PatternError::TooLarge)?;
        Ok(Self { text: text.into(), automaton: Arc::new(automaton) })
    }
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Pattern {}

impl fmt::Debug for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Pattern({:?})", self.text)
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Display for PatternError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Syntax(reason) => write!(f, "not a regular expression: {reason}"),
            Self::TooLarge => f.write_str("the regular expression is too complex; split it into several rules"),
        }
    }
}

impl std::error::Error for PatternError {}
