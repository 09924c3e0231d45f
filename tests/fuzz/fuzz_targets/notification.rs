//! Any octets as the body of NOTIFICATION.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz::decode_body(3, bytes));
