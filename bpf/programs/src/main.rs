//! The balancer's programs in the kernel: what of them is not in `bpf-common`, the maps and the access to packets.
//!
//! Never decides: where a packet goes and what becomes of it is said in `bpf-common`, which tests run natively.
#![no_std]
#![no_main]
#![feature(asm_experimental_arch)]

mod bench;
mod capture;
mod maps;
mod tc;
mod watch;
mod window;
mod xdp;

/// The helpers that redirect and read packets are for programs with a licence that the GPL can be combined with.
#[unsafe(link_section = "license")]
#[unsafe(no_mangle)]
static LICENSE: [u8; 13] = *b"Dual MIT/GPL\0";

/// Nothing panics: the verifier would not let it.
#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    loop {}
}
