//! Lines that need no grammar: plain words, quoted ones without escapes, and braces.
//!
//! Nearly every line of a file is such a one, and thousands of them are read at each start. Never decides
//! what is hard: a line with anything else in it is left to the grammar, and a test holds the two together.

use super::Word;

/// A token of a plain line of a configuration.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Token {
    Word(Word),
    Open(usize),
    Close(usize),
}

/// The tokens of a line of a configuration without its end; `None` if it needs the grammar.
pub(super) fn statement(line: &str, offset: usize, tokens: &mut Vec<Token>) -> Option<()> {
    let mut scan = Scan { line, at: 0, offset };
    while let Some(octet) = scan.next_of_token() {
        match octet {
            b'{' => tokens.push(Token::Open(scan.here())),
            b'}' => tokens.push(Token::Close(scan.here())),
            b'"' | b'\'' => {
                tokens.push(Token::Word(scan.quoted(octet)?));
                continue;
            }
            b'/' if scan.rest().starts_with(b"//") || scan.rest().starts_with(b"/*") => return None,
            _ => {
                tokens.push(Token::Word(scan.bare(|octet| matches!(octet, b'{' | b'}'), |octet| octet == b';')?));
                continue;
            }
        }
        scan.at = scan.at.saturating_add(1);
    }
    Some(())
}

/// The words of a typed line that is one command without pipes; `None` if it needs the grammar.
pub(super) fn command(line: &str) -> Option<Vec<Word>> {
    let mut words = Vec::new();
    let mut scan = Scan { line, at: 0, offset: 0 };
    while let Some(octet) = scan.next_of_token() {
        words.push(match octet {
            b'#' => return None,
            b'"' | b'\'' => {
                let word = scan.quoted(octet)?;
                // Pieces without a blank between them are one word.
                if scan.rest().first().is_some_and(|next| !is_blank(*next)) {
                    return None;
                }
                word
            }
            _ => scan.bare(|_| false, |octet| matches!(octet, b';' | b'|' | b'&' | b'\'' | b'"' | b'\\'))?,
        });
    }
    Some(words)
}

fn is_blank(octet: u8) -> bool {
    matches!(octet, b' ' | b'\t')
}

/// A place in a line.
struct Scan<'a> {
    line: &'a str,
    at: usize,
    /// Where the line begins in its text.
    offset: usize,
}

impl Scan<'_> {
    fn rest(&self) -> &[u8] {
        self.line.as_bytes().get(self.at..).unwrap_or_default()
    }

    /// The place in the text.
    fn here(&self) -> usize {
        self.offset.saturating_add(self.at)
    }

    /// Skips blanks.
    fn next_of_token(&mut self) -> Option<u8> {
        let blanks = self.rest().iter().take_while(|octet| is_blank(**octet)).count();
        self.at = self.at.saturating_add(blanks);
        self.rest().first().copied()
    }

    /// A word up to a blank or a stop; the octets that are hard include all that is not printable ASCII.
    fn bare(&mut self, is_stop: impl Fn(u8) -> bool, is_hard: impl Fn(u8) -> bool) -> Option<Word> {
        let rest = self.rest();
        let length = rest.iter().take_while(|octet| !is_blank(**octet) && !is_stop(**octet)).count();
        if rest.iter().take(length).any(|octet| !octet.is_ascii_graphic() || is_hard(*octet)) {
            return None;
        }
        Some(self.word(length, 0))
    }

    /// A word between two of these quotes, on this line and without a backslash.
    fn quoted(&mut self, quote: u8) -> Option<Word> {
        let rest = self.rest();
        let inside = rest.iter().skip(1).position(|octet| *octet == quote)?;
        let is_plain = |octet: &u8| *octet != b'\\' && *octet != b'\r' && *octet != b'\n';
        rest.iter().skip(1).take(inside).all(is_plain).then(|| self.word(inside.saturating_add(2), 1))
    }

    /// The word of so many octets, of which so many on either side are quotes.
    fn word(&mut self, length: usize, quotes: usize) -> Word {
        let (start, end) = (self.at, self.at.saturating_add(length));
        let inner = self.line.get(start.saturating_add(quotes)..end.saturating_sub(quotes)).unwrap_or_default();
        let (text, quoted) = (inner.to_owned(), quotes > 0);
        let word = Word { text, quoted, start: self.here(), end: self.offset.saturating_add(end) };
        self.at = end;
        word
    }
}
