//! The machine from its first process to its last: what is made ready, what is kept running, how it ends.
//!
//! Never gives up: what cannot be done is told, and the start goes on with what there is.

mod run;
mod start;

/// Starts the machine and keeps it running to its end; comes back only where it cannot start, with the reason.
pub(crate) fn live() -> String {
    match start::start() {
        Ok(started) => run::run(started),
        Err(error) => error,
    }
}
