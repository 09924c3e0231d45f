//! Any octets as a BFD packet: what is understood is written, and reads back as the same.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz::decode_bfd(bytes));
