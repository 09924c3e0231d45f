//! Typed lines: words, quotes, pipes and joiners.
//!
//! The tokens also serve completion, which has to understand lines that are not finished yet.

use pest::Parser;
use pest::iterators::Pair;

use super::{Command, Joiner, Lines, ParseError, ParseErrorKind, Word, plain};

mod shape {
    #![expect(unreachable_pub, reason = "the derive needs a public parser and writes a public list of rules")]

    #[derive(pest_derive::Parser)]
    #[grammar = "command.pest"]
    pub struct LineShape;
}
use shape::{LineShape, Rule};

/// A piece of a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Token {
    /// A word, and the quote in it that is not closed.
    Word(Word, Option<char>),
    /// `;` or a line end, or `&&`.
    Join(Joiner, usize),
    /// `|`
    Pipe(usize),
    /// `# …`, with its beginning.
    Remark(usize),
}

/// All pieces of a line; `None` if the grammar does not fit, which fits every text.
pub(crate) fn tokens(text: &str) -> Option<Vec<Token>> {
    let pairs = LineShape::parse(Rule::text, text).ok()?;
    let mut tokens = Vec::new();
    for pair in pairs.flat_map(Pair::into_inner) {
        let start = pair.as_span().start();
        match pair.as_rule() {
            Rule::word => tokens.push(word(pair)),
            Rule::end => tokens.push(Token::Join(Joiner::Always, start)),
            Rule::and => tokens.push(Token::Join(Joiner::OnSuccess, start)),
            Rule::pipe => tokens.push(Token::Pipe(start)),
            Rule::remark => tokens.push(Token::Remark(start)),
            _ => {}
        }
    }
    Some(tokens)
}

pub(super) fn line(text: &str) -> Result<Vec<Command>, ParseError> {
    match plain::command(text) {
        Some(words) if words.is_empty() => Ok(Vec::new()),
        Some(words) => Ok(vec![Command { words, pipes: Vec::new(), after: Joiner::Always }]),
        None => by_grammar(text),
    }
}

/// As [`line`], by the grammar.
pub(super) fn by_grammar(text: &str) -> Result<Vec<Command>, ParseError> {
    let lines = Lines::new(text);
    let tokens = tokens(text).ok_or_else(|| lines.error(ParseErrorKind::Unreadable, 0, text.len()))?;
    let mut reader = LineReader { lines, commands: Vec::new(), parts: vec![Vec::new()], wanted: None };
    for token in tokens {
        reader.take(token)?;
    }
    reader.finish(Joiner::Always, text.len())?;
    Ok(reader.commands)
}

struct LineReader<'a> {
    lines: Lines<'a>,
    commands: Vec<Command>,
    /// The words of the command that is being read, then those of each of its pipes.
    parts: Vec<Vec<Word>>,
    /// The sign after which something has to follow, and where it stands.
    wanted: Option<(&'static str, usize)>,
}

impl LineReader<'_> {
    fn take(&mut self, token: Token) -> Result<(), ParseError> {
        match token {
            Token::Word(word, Some('\\')) => {
                Err(self.lines.error(ParseErrorKind::StrayBackslash, word.start, word.end))
            }
            Token::Word(word, Some(quote)) => {
                Err(self.lines.error(ParseErrorKind::UnclosedQuote(quote), word.start, word.end))
            }
            Token::Word(word, None) => {
                self.wanted = None;
                if let Some(part) = self.parts.last_mut() {
                    part.push(word);
                }
                Ok(())
            }
            Token::Pipe(at) => {
                if self.parts.last().is_none_or(Vec::is_empty) {
                    return Err(self.missing("|", at));
                }
                self.parts.push(Vec::new());
                self.wanted = Some(("|", at));
                Ok(())
            }
            Token::Join(joiner, at) => self.finish(joiner, at),
            Token::Remark(_) => Ok(()),
        }
    }

    fn finish(&mut self, after: Joiner, at: usize) -> Result<(), ParseError> {
        if let Some((sign @ "|", pipe)) = self.wanted {
            return Err(self.missing(sign, pipe));
        }
        let mut parts = std::mem::replace(&mut self.parts, vec![Vec::new()]).into_iter();
        let words = parts.next().unwrap_or_default();
        if words.is_empty() {
            if let Some((sign, wanting)) = self.wanted {
                return Err(self.missing(sign, wanting));
            }
            return if after == Joiner::OnSuccess { Err(self.missing("&&", at)) } else { Ok(()) };
        }
        self.commands.push(Command { words, pipes: parts.collect(), after });
        self.wanted = (after == Joiner::OnSuccess).then_some(("&&", at));
        Ok(())
    }

    fn missing(&self, sign: &'static str, at: usize) -> ParseError {
        self.lines.error(ParseErrorKind::MissingCommand(sign), at, at.saturating_add(sign.len()))
    }
}

fn word(pair: Pair<'_, Rule>) -> Token {
    let span = pair.as_span();
    let mut word = Word { text: String::new(), quoted: false, start: span.start(), end: span.end() };
    let mut open = None;
    for piece in pair.into_inner() {
        let rule = piece.as_rule();
        word.quoted |= rule != Rule::bare;
        match rule {
            Rule::bare => word.text.push_str(piece.as_str()),
            Rule::escaped => word.text.extend(piece.as_str().chars().skip(1)),
            Rule::stray => open = Some('\\'),
            Rule::double | Rule::double_open => {
                unescape(inside(piece), "\"\\$`", &mut word.text);
                open = open.or((rule == Rule::double_open).then_some('"'));
            }
            Rule::single | Rule::single_open => {
                word.text.push_str(inside(piece));
                open = open.or((rule == Rule::single_open).then_some('\''));
            }
            _ => {}
        }
    }
    Token::Word(word, open)
}

fn inside(piece: Pair<'_, Rule>) -> &str {
    piece.into_inner().next().map_or("", |text| text.as_str())
}

/// Removes the backslash before each of `special`; before anything else it is kept.
pub(super) fn unescape(text: &str, special: &str, out: &mut String) {
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match chars.peek() {
            Some(&next) if c == '\\' && special.contains(next) => {
                out.push(next);
                chars.next();
            }
            _ => out.push(c),
        }
    }
}
