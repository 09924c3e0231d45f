//! The codec from outside: malformed input case by case, octets of real speakers, laws, packing.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::too_many_lines,
    reason = "a test may fail loudly, and a table of cases is as long as it is"
)]

mod bmp;
mod conformance;
mod golden;
mod handshake;
mod laws;
mod mrt;
mod packing;
mod rows;

use bgp_wire::Negotiated;
use nouns::Family;

/// Octets from hexadecimal digits; white space and all behind a `#` are for the reader.
fn hex(text: &str) -> Vec<u8> {
    let lines = text.lines().map(|line| line.split('#').next().unwrap());
    let digits: Vec<char> = lines.flat_map(str::chars).filter(|digit| !digit.is_whitespace()).collect();
    assert_eq!(digits.len() % 2, 0, "half an octet in {text}");
    let octet = |pair: &[char]| u8::from_str_radix(&pair.iter().collect::<String>(), 16).unwrap();
    digits.chunks(2).map(octet).collect()
}

/// A message with a valid header.
fn message(kind: u8, body: &[u8]) -> Vec<u8> {
    let length = u16::try_from(19 + body.len()).unwrap();
    [&[0xff; 16], &length.to_be_bytes()[..], &[kind], body].concat()
}

/// An external session with four-octet AS numbers and both families.
fn negotiated() -> Negotiated {
    Negotiated { four_octet_as: true, families: Family::ALL.to_vec(), ..Negotiated::default() }
}
