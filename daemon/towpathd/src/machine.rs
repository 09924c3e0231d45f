//! The machine, as a person who asks for it sees it: `/proc`, `/sys`, and the kernel's own lists.
//!
//! Read when somebody asks and never kept. What is not there is left out; never runs a program.

mod hardware;
pub(crate) mod links;
pub(crate) mod memory;
mod people;
mod processes;
mod sockets;
mod system;

use std::fs;
use std::io;

use api::view::process::{KernelMessage, KernelMessages};
use api::{ApiError, Machine, View};

use self::links::Counted;

/// Answers what only the machine knows.
///
/// # Errors
/// What could not be read, and why.
pub(crate) fn look(what: Machine) -> Result<View, ApiError> {
    match what {
        Machine::Uptime => system::uptime().map(View::Uptime),
        Machine::Memory => system::memory().map(View::Memory),
        Machine::Storage => system::storage().map(View::Storage),
        Machine::Processes => processes::processes().map(View::Processes),
        Machine::Connections => Ok(View::Connections(sockets::connections())),
        Machine::BootMessages | Machine::KernelMessages => messages().map(View::KernelMessages),
        Machine::Date => Ok(View::Date(system::date())),
        Machine::Users => Ok(View::Users(people::users())),
        Machine::Cpu => hardware::cpu().map(View::Cpu),
        Machine::Pci => Ok(View::Pci(hardware::pci())),
    }
}

/// Adds to a view what the engine could not know.
pub(crate) fn complete(view: View, counted: &Counted) -> View {
    match view {
        View::Version(mut version) => {
            version.hardware_model = hardware::model();
            version.hardware_serial = hardware::serial();
            version.machine = system::uptime().ok();
            View::Version(version)
        }
        other => links::complete(other, counted),
    }
}

fn messages() -> Result<KernelMessages, ApiError> {
    let messages = kernel::messages::kernel_messages().map_err(|error| unreadable("/dev/kmsg", &error))?;
    let messages = messages.into_iter().map(|message| {
        let kernel::messages::KernelMessage { time, severity, text } = message;
        KernelMessage { time, severity, text }
    });
    Ok(KernelMessages { messages: messages.collect() })
}

/// The text of a file that every kernel has.
fn text(path: &str) -> Result<String, ApiError> {
    fs::read_to_string(path).map_err(|error| unreadable(path, &error))
}

/// The first line of a file that may not be there.
fn line(path: impl AsRef<std::path::Path>) -> Option<String> {
    let text = fs::read_to_string(path).ok()?;
    text.lines().next().map(|line| line.trim().to_owned()).filter(|line| !line.is_empty())
}

fn unreadable(path: &str, error: &io::Error) -> ApiError {
    ApiError::new("unreadable", format!("{path} cannot be read: {error}"))
}
