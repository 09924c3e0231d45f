//! One JSON object per line, in both directions.
//!
//! Pure: bytes in, values out. The cap keeps a confused or hostile asker from filling the memory.

use serde::{Serialize, de::DeserializeOwned};

use crate::error::CodecError;
use crate::reply::Answer;
use crate::request::Call;

/// The longest line in octets, its newline included.
pub const LINE_LIMIT: usize = 64 * 1024 * 1024;

/// A call as a line that ends with a newline.
///
/// # Errors
/// When the line would exceed [`LINE_LIMIT`].
pub fn encode_call(call: &Call) -> Result<String, CodecError> {
    encode(call)
}

/// An answer as a line that ends with a newline.
///
/// # Errors
/// When the line would exceed [`LINE_LIMIT`].
pub fn encode_answer(answer: &Answer) -> Result<String, CodecError> {
    encode(answer)
}

/// Reads a call from a line, with or without its newline.
///
/// # Errors
/// When the line is too long or is no call.
pub fn decode_call(line: &[u8]) -> Result<Call, CodecError> {
    decode(line)
}

/// Reads an answer from a line, with or without its newline.
///
/// # Errors
/// When the line is too long or is no answer.
pub fn decode_answer(line: &[u8]) -> Result<Answer, CodecError> {
    decode(line)
}

fn encode<T: Serialize>(value: &T) -> Result<String, CodecError> {
    let mut line = serde_json::to_string(value).map_err(|error| CodecError::Malformed(error.to_string()))?;
    line.push('\n');
    if line.len() > LINE_LIMIT { Err(CodecError::TooLong(line.len())) } else { Ok(line) }
}

fn decode<T: DeserializeOwned>(line: &[u8]) -> Result<T, CodecError> {
    if line.len() > LINE_LIMIT {
        return Err(CodecError::TooLong(line.len()));
    }
    serde_json::from_slice(line).map_err(|error| CodecError::Malformed(error.to_string()))
}
