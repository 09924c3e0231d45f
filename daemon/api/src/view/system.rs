//! `show version`, `show log`, `show system commit`.
//!
//! Times are seconds since the Unix epoch and become dates here; never reads a clock.

use nouns::Revision;
use serde::{Deserialize, Serialize};

use super::machine::Uptime;
use crate::text::{Text, date_time, uptime};

/// `show version`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Version {
    /// Of the daemon.
    pub version: String,
    /// The router's host name.
    pub host_name: String,
    /// `Linux 6.1.0`
    pub kernel: String,
    /// `x86_64`
    pub architecture: String,
    /// The active configuration.
    pub revision: Revision,
    /// Seconds since the daemon started.
    pub uptime: u64,
    /// What the machine is; absent where it does not tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hardware_model: Option<String>,
    /// The machine's serial number; absent where it does not tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hardware_serial: Option<String>,
    /// The machine's own uptime; absent where it does not tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub machine: Option<Uptime>,
}

impl Text for Version {
    fn text(&self) -> String {
        let rows = [
            ("Version:", format!("Towpath {}", self.version)),
            ("Host name:", self.host_name.clone()),
            ("Kernel:", self.kernel.clone()),
            ("Architecture:", self.architecture.clone()),
            ("Revision:", self.revision.to_string()),
            ("HW model:", self.hardware_model.clone().unwrap_or_default()),
            ("HW S/N:", self.hardware_serial.clone().unwrap_or_default()),
            ("Daemon up:", uptime(self.uptime)),
            ("Uptime:", self.machine.map(|machine| machine.line()).unwrap_or_default()),
        ];
        let known = rows.into_iter().filter(|(_, value)| !value.is_empty());
        known.map(|(title, value)| format!("{title:<13} {value}\n")).collect()
    }
}

/// `show log`
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Log {
    /// Offset of the router's time zone in seconds, for the text form.
    #[serde(default)]
    pub utc_offset: i32,
    /// Oldest first.
    pub entries: Vec<LogEntry>,
}

/// One line of the log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogEntry {
    /// Seconds since the Unix epoch.
    pub time: u64,
    /// How loud.
    pub level: LogLevel,
    /// One sentence.
    pub text: String,
}

/// How loud a line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LogLevel {
    /// Nothing works that should.
    Error,
    /// Somebody should act.
    Warning,
    /// Worth knowing.
    Info,
}

impl Text for Log {
    fn text(&self) -> String {
        let line = |entry: &LogEntry| format!("{} {}\n", date_time(entry.time, self.utc_offset), entry.sentence());
        self.entries.iter().map(line).collect()
    }
}

impl LogEntry {
    /// What happened, behind its loudness where that is more than usual.
    #[must_use]
    pub fn sentence(&self) -> String {
        let level = match self.level {
            LogLevel::Error => "error: ",
            LogLevel::Warning => "warning: ",
            LogLevel::Info => "",
        };
        format!("{level}{}", self.text)
    }
}

/// `show system commit`: committed configurations, newest first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Revisions {
    /// Offset of the router's time zone in seconds, for the text form.
    #[serde(default)]
    pub utc_offset: i32,
    /// Newest first.
    pub revisions: Vec<RevisionLine>,
}

/// One committed configuration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RevisionLine {
    /// How many came after it: 0 is the newest.
    #[serde(default)]
    pub index: u32,
    /// Its number.
    pub revision: Revision,
    /// Seconds since the Unix epoch.
    pub time: u64,
    /// Who committed.
    pub user: String,
    /// Through what: `cli`, `boot-config-loader`.
    pub via: String,
    /// `commit comment`
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
}

impl Text for Revisions {
    fn text(&self) -> String {
        let mut text = String::new();
        for line in &self.revisions {
            let RevisionLine { index, time, user, via, .. } = line;
            text.push_str(&format!("{index:<3} {} by {user} via {via}\n", date_time(*time, self.utc_offset)));
            text.push_str(&line.comment.as_ref().map(|comment| format!("    {comment}\n")).unwrap_or_default());
        }
        text
    }
}
