//! Any octets as what an RPKI cache says.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz::hear_cache(bytes));
