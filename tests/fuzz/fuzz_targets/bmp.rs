//! Any octets as a BMP message.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz::read_bmp(bytes));
