//! Any octets as a router advertisement or solicitation: it is understood, or dropped.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz::read_advertisement(bytes));
