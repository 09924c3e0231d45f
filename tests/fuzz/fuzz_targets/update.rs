//! Any octets as the body of UPDATE.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz::decode_body(2, bytes));
