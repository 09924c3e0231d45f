//! One JSON object per line, in both directions.
//!
//! Pure: bytes in, values out. The cap keeps a confused or hostile asker from filling the memory.

use serde::{Serialize, de::DeserializeOwned};

use crate::error::CodecError;
use crate::reply::Answer;
use crate::request::Call;

/// The longest call in octets, its newline included.
pub const LINE_LIMIT: usize = 64 * 1024 * 1024;

/// The longest answer in octets, its newline included: a table of a million prefixes with several paths each fits.
pub const ANSWER_LIMIT: usize = 1024 * 1024 * 1024;

/// A call as a line that ends with a newline.
///
/// # Errors
/// When the line would exceed [`LINE_LIMIT`].
pub fn encode_call(call: &Call) -> Result<String, CodecError> {
    encode(call, LINE_LIMIT)
}

/// An answer as a line that ends with a newline.
///
/// # Errors
/// When the line would exceed [`ANSWER_LIMIT`].
pub fn encode_answer(answer: &Answer) -> Result<String, CodecError> {
    encode(answer, ANSWER_LIMIT)
}

/// Reads a call from a line, with or without its newline.
///
/// # Errors
/// When the line is too long or is no call.
pub fn decode_call(line: &[u8]) -> Result<Call, CodecError> {
    decode(line, LINE_LIMIT)
}

/// Reads an answer from a line, with or without its newline.
///
/// # Errors
/// When the line is too long or is no answer.
pub fn decode_answer(line: &[u8]) -> Result<Answer, CodecError> {
    decode(line, ANSWER_LIMIT)
}

fn encode<T: Serialize>(value: &T, limit: usize) -> Result<String, CodecError> {
    let mut line = serde_json::to_string(value).map_err(|error| CodecError::Malformed(error.to_string()))?;
    line.push('\n');
    if line.len() > limit { Err(CodecError::TooLong { octets: line.len(), limit }) } else { Ok(line) }
}

fn decode<T: DeserializeOwned>(line: &[u8], limit: usize) -> Result<T, CodecError> {
    if line.len() > limit {
        return Err(CodecError::TooLong { octets: line.len(), limit });
    }
    serde_json::from_slice(line).map_err(|error| CodecError::Malformed(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_may_be_longer_than_a_call() {
        let long = vec![b' '; LINE_LIMIT + 1];
        assert_eq!(decode_call(&long), Err(CodecError::TooLong { octets: LINE_LIMIT + 1, limit: LINE_LIMIT }));
        assert!(matches!(decode_answer(&long), Err(CodecError::Malformed(_))), "it is read, and holds nothing");
    }
}
