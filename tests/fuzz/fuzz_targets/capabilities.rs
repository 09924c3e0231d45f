//! Any octets as the capabilities of an OPEN.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz::decode_capabilities(bytes));
