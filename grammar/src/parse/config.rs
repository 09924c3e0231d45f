//! Configurations in curly braces, read with recovery: one broken line costs that line only.

use pest::Parser;
use pest::iterators::{Pair, Pairs};

use super::command::unescape;
use super::{FileVersion, Lines, ParseError, ParseErrorKind, Statement, Word, plain};

mod shape {
    #![expect(unreachable_pub, reason = "the derive needs a public parser and writes a public list of rules")]

    #[derive(pest_derive::Parser)]
    #[grammar = "config.pest"]
    pub struct ConfigShape;
}
use shape::{ConfigShape, Rule};

/// Deeper blocks are refused: trees are walked and dropped recursively.
const DEEPEST: usize = 64;
/// More errors than anybody reads.
const MOST_ERRORS: usize = 1000;

pub(super) fn config(text: &str) -> (Vec<Statement>, Vec<ParseError>) {
    let mut reader = Reader::new(Lines::new(text));
    let mut rest = text;
    let mut tokens = Vec::new();
    while !rest.is_empty() {
        let start = text.len().saturating_sub(rest.len());
        let (line, behind) = rest.split_once('\n').map_or((rest, ""), |(line, behind)| (line, behind));
        tokens.clear();
        if plain::statement(line.strip_suffix('\r').unwrap_or(line), start, &mut tokens).is_some() {
            tokens.drain(..).for_each(|token| reader.take_plain(token));
            reader.take_end();
            rest = behind;
            continue;
        }
        rest = reader.take_hard(text, start);
    }
    reader.finish()
}

/// As [`config`], all of it by the grammar.
#[cfg(test)]
pub(super) fn by_grammar(text: &str) -> (Vec<Statement>, Vec<ParseError>) {
    let mut reader = Reader::new(Lines::new(text));
    match ConfigShape::parse(Rule::text, text) {
        Ok(pairs) => pairs.flat_map(Pair::into_inner).for_each(|pair| reader.take(pair)),
        Err(_) => reader.error(ParseErrorKind::Unreadable, 0, text.len()),
    }
    reader.finish()
}

/// How much of a text, from its beginning, is whole lines that leave no comment open.
fn whole_lines(text: &str) -> usize {
    let mut at: usize = 0;
    loop {
        let rest = text.get(at..).unwrap_or_default();
        let line = rest.find('\n').map_or(rest.len(), |end| end.saturating_add(1));
        let Some(open) = rest.get(..line).and_then(|line| line.find("/*")) else { return at.saturating_add(line) };
        let inside = at.saturating_add(open).saturating_add(2);
        let Some(close) = text.get(inside..).and_then(|text| text.find("*/")) else { return text.len() };
        at = inside.saturating_add(close).saturating_add(2);
    }
}

pub(super) fn version(text: &str) -> Option<FileVersion> {
    let mut found: Option<FileVersion> = None;
    let mut release = None;
    for line in text.lines().map(str::trim).filter(|line| line.starts_with("/*") || line.starts_with("//")) {
        if let Some((before, after)) = line.split_once("-config-version:") {
            let flavor = before.trim_start_matches(['/', '*', '=', ' ']).to_owned();
            let components = after.split('"').nth(1).unwrap_or_else(|| after.trim()).to_owned();
            found = Some(FileVersion { flavor, components, release: None });
        } else if let Some((_, after)) = line.split_once("Release version:") {
            release = Some(after.trim_end_matches("*/").trim().to_owned());
        }
    }
    found.map(|version| FileVersion { release, ..version })
}

/// A block that is not closed yet.
struct Block {
    /// Its statement, without words if the block has no name.
    words: Vec<Word>,
    comment: Option<String>,
    line: usize,
    /// Where its brace stands.
    brace: usize,
    /// The statements of the level around it.
    around: Vec<Statement>,
}

struct Reader<'a> {
    lines: Lines<'a>,
    /// Where the piece of the text begins that the grammar is reading.
    offset: usize,
    blocks: Vec<Block>,
    level: Vec<Statement>,
    words: Vec<Word>,
    comment: Option<String>,
    /// A word of the statement that is being read is broken, so the statement is left out.
    broken: bool,
    /// How many blocks are open below the deepest that is read.
    too_deep: usize,
    errors: Vec<ParseError>,
}

impl<'a> Reader<'a> {
    fn new(lines: Lines<'a>) -> Self {
        Self {
            lines,
            offset: 0,
            blocks: Vec::new(),
            level: Vec::new(),
            words: Vec::new(),
            comment: None,
            broken: false,
            too_deep: 0,
            errors: Vec::new(),
        }
    }

    /// Reads the lines of a text from an octet on that need the grammar; answers what is behind them.
    fn take_hard<'t>(&mut self, text: &'t str, start: usize) -> &'t str {
        self.offset = start;
        let hard = text.get(start..).unwrap_or_default();
        let (piece, behind) = hard.split_at_checked(whole_lines(hard)).unwrap_or((hard, ""));
        let opens = |pairs: &Pairs<'_, Rule>| {
            pairs.clone().flat_map(Pair::into_inner).any(|pair| pair.as_rule() == Rule::comment_open)
        };
        match ConfigShape::parse(Rule::text, piece) {
            Ok(pairs) if behind.is_empty() || !opens(&pairs) => {
                pairs.flat_map(Pair::into_inner).for_each(|pair| self.take(pair));
                behind
            }
            // What looked like a comment was none, and another one is left open: all that follows is looked at.
            _ => {
                match ConfigShape::parse(Rule::text, hard) {
                    Ok(pairs) => pairs.flat_map(Pair::into_inner).for_each(|pair| self.take(pair)),
                    Err(_) => self.error(ParseErrorKind::Unreadable, start, text.len()),
                }
                ""
            }
        }
    }

    fn take_plain(&mut self, token: plain::Token) {
        match token {
            plain::Token::Open(at) => self.open(at),
            plain::Token::Close(at) => self.close(at),
            plain::Token::Word(word) if self.too_deep == 0 => self.words.push(word),
            plain::Token::Word(_) => {}
        }
    }

    fn take_end(&mut self) {
        if self.too_deep == 0 {
            self.end_statement();
        }
    }

    fn take(&mut self, pair: Pair<'_, Rule>) {
        let (start, end) = self.place(&pair);
        match pair.as_rule() {
            Rule::open => self.open(start),
            Rule::close => self.close(start),
            Rule::comment_open => self.error(ParseErrorKind::UnclosedComment, start, end),
            _ if self.too_deep > 0 => {}
            Rule::word => self.word(pair),
            Rule::end => self.end_statement(),
            Rule::comment => self.note(inside(pair).trim()),
            _ => {}
        }
    }

    fn error(&mut self, kind: ParseErrorKind, start: usize, end: usize) {
        match self.errors.len() {
            ..MOST_ERRORS => self.errors.push(self.lines.error(kind, start, end)),
            MOST_ERRORS => self.errors.push(self.lines.error(ParseErrorKind::TooManyErrors, start, end)),
            _ => {}
        }
    }

    /// Remembers a comment for the statement that follows; the machine's own remarks belong to none.
    fn note(&mut self, comment: &str) {
        let machine = comment.contains("-config-version:")
            || comment.starts_with("Release version:")
            || comment.starts_with("Warning: Do not remove");
        if machine || comment.is_empty() {
            return;
        }
        match &mut self.comment {
            Some(before) => {
                before.push('\n');
                before.push_str(comment);
            }
            None => self.comment = Some(comment.to_owned()),
        }
    }

    fn place(&self, pair: &Pair<'_, Rule>) -> (usize, usize) {
        let span = pair.as_span();
        (self.offset.saturating_add(span.start()), self.offset.saturating_add(span.end()))
    }

    fn word(&mut self, pair: Pair<'_, Rule>) {
        let (start, end) = self.place(&pair);
        let mut word = Word { text: String::new(), quoted: true, start, end };
        for piece in pair.into_inner() {
            match piece.as_rule() {
                Rule::double => unescape(inside(piece), "\"\\", &mut word.text),
                Rule::single => word.text.push_str(inside(piece)),
                Rule::bare => {
                    word.quoted = false;
                    word.text.push_str(piece.as_str());
                }
                rule => {
                    self.broken = true;
                    let quote = if rule == Rule::double_open { '"' } else { '\'' };
                    self.error(ParseErrorKind::UnclosedQuote(quote), word.start, word.end);
                }
            }
        }
        self.words.push(word);
    }

    fn end_statement(&mut self) {
        let words = std::mem::take(&mut self.words);
        let broken = std::mem::take(&mut self.broken);
        if let Some(first) = words.first() {
            let line = self.lines.line(first.start);
            let comment = self.comment.take();
            if !broken {
                self.level.push(Statement { words, children: None, comment, line, last_line: line });
            }
        }
    }

    fn open(&mut self, brace: usize) {
        if self.too_deep > 0 || self.blocks.len() >= DEEPEST {
            if self.too_deep == 0 {
                self.error(ParseErrorKind::TooDeep, brace, brace.saturating_add(1));
            }
            self.too_deep = self.too_deep.saturating_add(1);
            self.words.clear();
            return;
        }
        if self.words.is_empty() {
            self.error(ParseErrorKind::NamelessBlock, brace, brace.saturating_add(1));
        }
        let words = if std::mem::take(&mut self.broken) {
            self.words.clear();
            Vec::new()
        } else {
            std::mem::take(&mut self.words)
        };
        let line = self.lines.line(words.first().map_or(brace, |word| word.start));
        let around = std::mem::take(&mut self.level);
        self.blocks.push(Block { words, comment: self.comment.take(), line, brace, around });
    }

    fn close(&mut self, brace: usize) {
        if self.too_deep > 0 {
            self.too_deep = self.too_deep.saturating_sub(1);
            return;
        }
        self.end_statement();
        self.comment = None;
        if !self.close_block(brace) {
            self.error(ParseErrorKind::UnexpectedClose, brace, brace.saturating_add(1));
        }
    }

    fn close_block(&mut self, end: usize) -> bool {
        let Some(block) = self.blocks.pop() else { return false };
        let children = std::mem::replace(&mut self.level, block.around);
        if !block.words.is_empty() {
            let Block { words, comment, line, .. } = block;
            let last_line = self.lines.line(end);
            self.level.push(Statement { words, children: Some(children), comment, line, last_line });
        }
        true
    }

    fn finish(mut self) -> (Vec<Statement>, Vec<ParseError>) {
        if self.too_deep == 0 {
            self.end_statement();
        }
        while let Some(brace) = self.blocks.last().map(|block| block.brace) {
            self.error(ParseErrorKind::UnclosedBlock, brace, brace.saturating_add(1));
            self.close_block(self.lines.text.trim_end().len());
        }
        self.errors.sort_by_key(|error| error.start);
        (self.level, self.errors)
    }
}

fn inside(piece: Pair<'_, Rule>) -> &str {
    piece.into_inner().next().map_or("", |text| text.as_str())
}
