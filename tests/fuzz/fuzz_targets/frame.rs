//! Any octets as the start of a stream.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| drop(bgp_wire::frame(bytes, bgp_wire::MAX_MESSAGE)));
