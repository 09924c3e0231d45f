//! Any octets as the body of OPEN.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz::decode_body(1, bytes));
