//! `show bmp`: collectors that are told what goes on (RFC 7854).
//!
//! Never says what they were told.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::text::{Align, Table, Text, uptime};

/// `show bmp`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BmpCollectors {
    /// In the order of their names.
    pub collectors: Vec<BmpCollector>,
}

/// One collector.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BmpCollector {
    /// Its name.
    pub name: String,
    /// Its address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<IpAddr>,
    /// Its TCP port.
    pub port: u16,
    /// Where the connection is.
    pub state: BmpCollectorState,
    /// Seconds since it is connected.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub up: Option<u64>,
    /// Seconds until it is dialled again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry: Option<u64>,
    /// Octets that it has not read.
    pub unread: u64,
    /// Why it was lost or not reached the last time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
}

/// Where the connection to a collector is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BmpCollectorState {
    /// It rests until it is dialled again.
    Waiting,
    /// It is being dialled.
    Connecting,
    /// It is told the tables.
    TellingTables,
    /// It knows the tables and is told what changes.
    Connected,
}

impl BmpCollectorState {
    fn words(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Connecting => "connecting",
            Self::TellingTables => "telling tables",
            Self::Connected => "connected",
        }
    }
}

impl Text for BmpCollectors {
    fn text(&self) -> String {
        if self.collectors.is_empty() {
            return "No collector is configured\n".to_owned();
        }
        let mut table = Table::new(&[
            ("Collector", Align::Left, 16),
            ("Address", Align::Left, 24),
            ("Port", Align::Right, 5),
            ("State", Align::Left, 14),
            ("Up/Retry", Align::Right, 8),
            ("Unread", Align::Right, 8),
        ]);
        for collector in &self.collectors {
            let time = collector.up.or(collector.retry);
            table.row([
                collector.name.clone(),
                collector.address.map(|address| address.to_string()).unwrap_or_default(),
                collector.port.to_string(),
                collector.state.words().to_owned(),
                time.map(uptime).unwrap_or_default(),
                collector.unread.to_string(),
            ]);
        }
        let failed = self.collectors.iter().filter_map(|one| Some((&one.name, one.failure.as_ref()?)));
        let failures: String = failed.map(|(name, failure)| format!("{name}: {failure}\n")).collect();
        table.text() + &failures
    }
}
