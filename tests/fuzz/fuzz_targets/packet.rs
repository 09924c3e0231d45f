//! Any octets as a frame on the balancer's way: whatever is forwarded parses again, and no checksum that was right becomes wrong.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz::packet::forward(bytes));
