//! What stands before the cursor: the command's words so far and the one being typed.

use crate::parse::{Token, Word, tokens};

/// The command at the cursor.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Cursor {
    /// The finished words of the command, or of the pipe that the cursor is in.
    pub(super) before: Vec<Word>,
    /// The word that is being typed; empty behind a blank.
    pub(super) partial: Word,
    /// The cursor is behind a `|`.
    pub(super) pipe: bool,
    /// The word being typed has a quote that is open.
    pub(super) quoted: bool,
}

/// `None` within a remark, where nothing is offered.
pub(super) fn find(line: &str, cursor: usize) -> Option<Cursor> {
    let mut end = cursor.min(line.len());
    while !line.is_char_boundary(end) {
        end = end.saturating_sub(1);
    }
    let text = line.get(..end)?;
    let mut found = Cursor { before: Vec::new(), partial: empty(end), pipe: false, quoted: false };
    let mut remark = false;
    for token in tokens(text)? {
        found.quoted = false;
        remark = matches!(token, Token::Remark(_));
        match token {
            Token::Word(word, open) => {
                found.before.push(word);
                found.quoted = matches!(open, Some('"' | '\''));
            }
            Token::Join(..) => {
                found.before.clear();
                found.pipe = false;
            }
            Token::Pipe(_) => {
                found.before.clear();
                found.pipe = true;
            }
            Token::Remark(_) => {}
        }
    }
    if remark {
        return None;
    }
    if let Some(word) = found.before.pop_if(|word| word.end == end) {
        found.partial = word;
    }
    Some(found)
}

fn empty(at: usize) -> Word {
    Word { text: String::new(), quoted: false, start: at, end: at }
}
