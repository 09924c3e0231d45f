//! The words of commands: operational ones, those of configuration mode, and pipes.
//!
//! A tree of steps leads from words to an [`Op`] with typed parameters; the same tree completes
//! and explains them. What a command does is for those who match on `Op`.

mod clear;
pub(crate) mod configuration;
mod dump;
mod image;
mod monitor;
mod op;
mod operate;
pub mod pipe;
mod show;
mod table_filter;
mod tested;
#[cfg(test)]
mod tests;
mod tree;

pub use configuration::{CONFIRM_MINUTES, Compare, ConfigCommand};
pub use image::ImageWork;
pub use monitor::NOT_FORWARDED;
pub use op::{
    BalancerShown, ClearHow, ClearTarget, ConfigurationForm, DampingShown, Destination, InterfaceClass, InterfaceForm,
    Machine, Monitored, NeighborRoutes, Op, ProbeOption, RouteFilter, RouteSource, RpkiShown, TerminalSetting, Tool,
    When,
};
pub use pipe::Pipe;
pub use table_filter::TableFilter;
pub use tested::{RouteOrigin, TestedRoute};
pub use tree::{Step, Token};
pub(crate) use tree::{Walk, gives_way};

use crate::parse::Word;
use crate::resolve::ResolveError;

/// The first words of operational mode.
pub static OPERATIONAL: &[&Step] = &[
    &image::ADD,
    &clear::CLEAR,
    &operate::CONFIGURE,
    &image::DELETE,
    &dump::DUMP,
    &operate::EXIT,
    &operate::HELP,
    &image::INSTALL,
    &operate::LOGOUT,
    &monitor::MONITOR,
    &operate::MTR,
    &operate::PING,
    &operate::POWEROFF,
    &operate::QUIT,
    &operate::REBOOT,
    &image::RENAME,
    &clear::RESET,
    &operate::RESTART,
    &operate::SET,
    &show::SHOW,
    &operate::SHUTDOWN,
    &operate::TELNET,
    &operate::TERMINAL,
    &operate::TRACEROUTE,
];

/// Resolves an operational command; words may be shortened to a unique prefix.
///
/// # Errors
/// When a word is unknown or ambiguous, a value is wrong, or more words are needed.
pub fn resolve(words: &[Word]) -> Result<Op, ResolveError> {
    let mut walk = Walk::new(OPERATIONAL);
    for word in words {
        walk.typed(word)?;
    }
    walk.op()
}

/// Resolves a command of configuration mode; its verb may be shortened to a unique prefix.
///
/// Paths are returned as typed: they are resolved against the edit level with [`crate::resolve`].
///
/// # Errors
/// When the verb is unknown or ambiguous, or its arguments do not fit.
pub fn configuration(words: &[Word]) -> Result<ConfigCommand, ResolveError> {
    configuration::resolve(words)
}
