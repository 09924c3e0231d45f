//! The command line.
//!
//! Never holds a setting that belongs into the configuration.

use std::path::PathBuf;

use clap::{Parser, ValueEnum};
use engine::Level;

/// The Towpath routing daemon.
#[derive(Clone, Debug, Parser)]
#[command(name = "towpathd", version, about)]
pub(crate) struct Arguments {
    /// The configuration to start with, and to save to; a missing file is an empty configuration.
    #[arg(long, value_name = "FILE", default_value = "/config/config.boot")]
    pub(crate) config: PathBuf,
    /// Where revisions and the commit journal are kept.
    #[arg(long, value_name = "DIR", default_value = "/var/lib/towpath")]
    pub(crate) state_dir: PathBuf,
    /// Where the files and accounts of the system are; for tests and images, whose own are somewhere else.
    #[arg(long, value_name = "DIR", default_value = "/")]
    pub(crate) system_root: PathBuf,
    /// The control socket; it exists once the daemon answers.
    #[arg(long, value_name = "PATH", default_value = api::DEFAULT_SOCKET)]
    pub(crate) socket: PathBuf,
    /// The socket of the steward that changes files and accounts of the system; without one the daemon does so itself.
    #[arg(long, value_name = "PATH")]
    pub(crate) steward: Option<PathBuf>,
    /// Be that steward, for the daemon that runs as this user.
    #[arg(long, value_name = "USER", requires = "steward")]
    pub(crate) steward_for: Option<String>,
    /// The balancer's programs [default: beside the daemon, else in /usr/lib/towpath]
    #[arg(long, value_name = "FILE")]
    pub(crate) bpf_object: Option<PathBuf>,
    /// Where the balancer's programs and maps are pinned.
    #[arg(long, value_name = "DIR", default_value = "/sys/fs/bpf/towpath")]
    pub(crate) bpf_dir: PathBuf,
    /// How much goes to standard error.
    #[arg(long, value_name = "L", value_enum, default_value = "info")]
    pub(crate) log_level: LogLevel,
}

/// The level from which on notices are written.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum LogLevel {
    /// Everything.
    Debug,
    /// What happened.
    Info,
    /// What somebody should act upon.
    Warning,
    /// What does not work.
    Error,
}

impl From<LogLevel> for Level {
    fn from(level: LogLevel) -> Self {
        match level {
            LogLevel::Debug => Self::Debug,
            LogLevel::Info => Self::Info,
            LogLevel::Warning => Self::Warning,
            LogLevel::Error => Self::Error,
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::Arguments;

    #[test]
    fn every_option_and_default_stands_in_the_page_of_man() {
        let page = include_str!("../../../docs/manual/man/towpathd.8").replace('\\', "");
        for argument in Arguments::command().get_arguments() {
            let long = argument.get_long().unwrap_or_default();
            assert!(page.contains(&format!("--{long}")), "--{long}");
            for default in argument.get_default_values() {
                let default = default.to_string_lossy();
                assert!(page.contains(default.as_ref()), "--{long} {default}");
            }
        }
    }
}
