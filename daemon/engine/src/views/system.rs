//! `show version`, `show log`.
//!
//! Never reads a file.

use api::View;
use api::view::system::{Log, LogEntry, Version};

use super::seconds;
use crate::engine::Engine;
use crate::event::Moment;
use crate::watch::log_level;

pub(crate) fn version(engine: &Engine, at: Moment) -> View {
    View::Version(Version {
        version: engine.facts.version.clone(),
        host_name: engine.host_name().to_owned(),
        kernel: engine.facts.kernel.clone(),
        architecture: engine.facts.architecture.clone(),
        revision: engine.running.revision,
        uptime: seconds(engine.started.instant, at.instant),
        hardware_model: None,
        hardware_serial: None,
        machine: None,
    })
}

pub(crate) fn log(engine: &Engine, lines: Option<u32>) -> View {
    let limit = lines.map_or(usize::MAX, |lines| usize::try_from(lines).unwrap_or(usize::MAX));
    let entries = engine.log.newest(limit).map(|(time, level, text)| LogEntry {
        time: *time,
        level: log_level(*level),
        text: text.clone(),
    });
    View::Log(Log { utc_offset: 0, entries: entries.collect() })
}
