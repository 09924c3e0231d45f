//! `towpathd`: sockets, clock and tasks around the engine.
//!
//! This crate never thinks: what happens becomes an event, what the engine wants becomes a call.

mod arguments;
mod balancer;
mod caches;
mod checks;
mod confine;
mod connections;
mod control;
mod conversation;
mod credentials;
mod dumps;
mod files;
mod hands;
mod journal;
mod lines;
mod machine;
mod netlink;
mod notices;
mod paths;
mod routers;
mod run;
mod secrets;
mod start;
mod steps;
mod steward;
mod supervisor;
mod system;

use std::process::ExitCode;

use clap::Parser;

use arguments::Arguments;

/// Attribute sets are made by threads that read and go with the one that thinks, by the hundred thousand; this
/// allocator gives and takes them at a third of the C library's cost, and does not scatter them.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match start::start(&arguments) {
        Ok(()) => {
            notices::finish();
            ExitCode::SUCCESS
        }
        Err(error) => {
            notices::complain(&format!("{error:#}"));
            ExitCode::FAILURE
        }
    }
}
