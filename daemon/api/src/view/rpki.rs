//! `show rpki …`: the caches, and what they say.
//!
//! Never judges anything but what was asked for.

use std::net::IpAddr;

use nouns::{Asn, Prefix, Validity};
use serde::{Deserialize, Serialize};

use crate::text::{Align, Table, Text, count, uptime, uptime_or_never};

/// `show rpki cache-connection`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RpkiCaches {
    /// In the order of their addresses.
    pub caches: Vec<RpkiCache>,
    /// Prefixes of IPv4, with the AS and the length that each has, that count now.
    pub ipv4: u64,
    /// The same of IPv6.
    pub ipv6: u64,
    /// Customers that say who their providers are (ASPA).
    pub aspas: u64,
}

/// One cache.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RpkiCache {
    /// Its address.
    pub address: IpAddr,
    /// Its TCP port.
    pub port: u16,
    /// The lower one is preferred.
    pub preference: u8,
    /// What it said is what counts.
    pub used: bool,
    /// Where the connection is.
    pub state: RpkiCacheState,
    /// The version of RTR.
    pub version: u8,
    /// The session that the cache gave.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<u16>,
    /// The serial number of what it said last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub serial: Option<u32>,
    /// Seconds since what it said was confirmed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confirmed: Option<u64>,
    /// Seconds until what it said counts no more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<u64>,
    /// What went wrong last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
}

/// Where the connection to a cache is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RpkiCacheState {
    /// There is none.
    Down,
    /// It is being opened.
    Connecting,
    /// The cache was asked, or is answering.
    Synchronizing,
    /// Everything is there.
    Synchronized,
    /// The cache has nothing to tell yet.
    NoData,
}

impl RpkiCacheState {
    fn words(self) -> &'static str {
        match self {
            Self::Down => "down",
            Self::Connecting => "connecting",
            Self::Synchronizing => "synchronizing",
            Self::Synchronized => "synchronized",
            Self::NoData => "no data",
        }
    }
}

impl Text for RpkiCaches {
    fn text(&self) -> String {
        if self.caches.is_empty() {
            return "No RPKI cache is configured\n".to_owned();
        }
        let mut table = Table::new(&[
            ("  Cache", Align::Left, 24),
            ("Port", Align::Right, 5),
            ("Pref", Align::Right, 4),
            ("State", Align::Left, 13),
            ("V", Align::Right, 1),
            ("Session", Align::Right, 7),
            ("Serial", Align::Right, 10),
            ("Confirmed", Align::Right, 9),
            ("Expires", Align::Right, 8),
        ]);
        let or_blank = |number: Option<String>| number.unwrap_or_default();
        for cache in &self.caches {
            table.row([
                format!("{} {}", if cache.used { '*' } else { ' ' }, cache.address),
                cache.port.to_string(),
                cache.preference.to_string(),
                cache.state.words().to_owned(),
                cache.version.to_string(),
                or_blank(cache.session.map(|session| session.to_string())),
                or_blank(cache.serial.map(|serial| serial.to_string())),
                uptime_or_never(cache.confirmed),
                or_blank(cache.expires.map(uptime)),
            ]);
        }
        let mut text = table.text();
        for cache in &self.caches {
            if let Some(failure) = &cache.failure {
                text.push_str(&format!("\n{}: {failure}", cache.address));
            }
        }
        if self.caches.iter().any(|cache| cache.failure.is_some()) {
            text.push('\n');
        }
        format!(
            "{text}\n* - what it said counts: {}, {}, {}\n",
            entries(self.ipv4, "IPv4"),
            entries(self.ipv6, "IPv6"),
            count(self.aspas, "ASPA", "ASPAs")
        )
    }
}

fn entries(number: u64, family: &str) -> String {
    count(number, &format!("{family} prefix"), &format!("{family} prefixes"))
}

/// `show rpki prefix-table`, `show rpki as-number N`, `show rpki prefix P [N]`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RpkiTable {
    /// What a route of the prefix and AS that were asked for would be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub judged: Option<RpkiJudged>,
    /// Who may announce which prefix.
    pub prefixes: Vec<RpkiPrefix>,
}

/// A route that was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RpkiJudged {
    /// Its prefix.
    pub prefix: Prefix,
    /// Its origin.
    pub asn: Asn,
    /// What is said of it.
    pub validity: Validity,
}

/// An AS may announce a prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RpkiPrefix {
    /// The prefix.
    pub prefix: Prefix,
    /// The greatest length of what lies within it.
    pub max_length: u8,
    /// The AS; 0 for nobody.
    pub asn: Asn,
}

impl Text for RpkiTable {
    fn text(&self) -> String {
        let mut table = Table::new(&[
            ("Prefix", Align::Left, 40),
            ("Max length", Align::Right, 10),
            ("Origin AS", Align::Right, 11),
        ]);
        for entry in &self.prefixes {
            table.row([entry.prefix.to_string(), entry.max_length.to_string(), entry.asn.to_string()]);
        }
        let judged = self.judged.map_or_else(String::new, |judged| {
            format!("{} of AS {} is {}\n\n", judged.prefix, judged.asn, judged.validity)
        });
        format!("{judged}{}\nTotal number of entries {}\n", table.text(), self.prefixes.len())
    }
}

/// `show rpki aspa [N]`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RpkiAspas {
    /// In the order of the customers.
    pub aspas: Vec<RpkiAspa>,
}

/// A customer that says who its providers are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RpkiAspa {
    /// The customer.
    pub customer: Asn,
    /// Its providers; AS 0 alone for none.
    pub providers: Vec<Asn>,
}

impl Text for RpkiAspas {
    fn text(&self) -> String {
        let mut table = Table::new(&[("Customer AS", Align::Right, 11), ("Provider ASes", Align::Left, 0)]);
        for aspa in &self.aspas {
            let providers: Vec<String> = aspa.providers.iter().map(Asn::to_string).collect();
            table.row([aspa.customer.to_string(), providers.join(" ")]);
        }
        format!("{}\nTotal number of entries {}\n", table.text(), self.aspas.len())
    }
}
