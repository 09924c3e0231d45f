//! `show ip bgp dampening …`: routes that come and go, and how long they rest for it.
//!
//! Never computes a penalty.

use std::net::IpAddr;

use grammar::commands::DampingShown;
use nouns::{Family, Prefix};
use serde::{Deserialize, Serialize};

use crate::text::{Align, Table, Text, count, uptime};

/// `show ip bgp dampening …`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BgpDamping {
    /// The table.
    pub family: Family,
    /// What was asked for.
    pub which: DampingShown,
    /// The numbers for all neighbors that have none of their own; absent where their routes are not damped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parameters: Option<DampingParameters>,
    /// Neighbors for which something else is configured.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub neighbors: Vec<NeighborDamping>,
    /// Paths that are remembered.
    pub remembered: u64,
    /// Flaps that were not noted because too many paths flap.
    pub passed_over: u64,
    /// Paths that flapped, in the order of their prefixes.
    pub paths: Vec<DampedPath>,
}

/// The numbers of damping.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DampingParameters {
    /// Seconds in which a penalty halves.
    pub half_life: u64,
    /// Below this penalty a suppressed path is used again.
    pub reuse: u16,
    /// Above this penalty a path is suppressed.
    pub suppress: u16,
    /// The longest rest in seconds.
    pub max_suppress: u64,
}

/// What is configured for one neighbor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NeighborDamping {
    /// Its address.
    pub neighbor: IpAddr,
    /// Its numbers; absent where its routes are not damped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parameters: Option<DampingParameters>,
}

/// A path that flapped.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DampedPath {
    /// The destination.
    pub prefix: Prefix,
    /// The neighbor that announces it, or did.
    pub from: IpAddr,
    /// It is not used.
    pub suppressed: bool,
    /// It is not announced at the moment.
    pub withdrawn: bool,
    /// The penalty now.
    pub penalty: u32,
    /// How often it came, went or changed.
    pub flaps: u32,
    /// Seconds since the first flap.
    pub since: u64,
    /// Seconds until it is used again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reuse_in: Option<u64>,
    /// `64513 64514`; empty for one that is not announced.
    pub as_path: String,
}

impl DampedPath {
    /// Two signs: `d` for one that rests, `h` for one that is not announced.
    fn signs(&self) -> &'static str {
        match (self.withdrawn, self.suppressed) {
            (true, _) => "h ",
            (false, true) => "*d",
            (false, false) => "* ",
        }
    }

    /// A line of `show ip bgp PREFIX`.
    pub(crate) fn line(&self) -> String {
        let state = match (self.withdrawn, self.suppressed) {
            (true, _) => "history, not announced",
            (false, true) => "suppressed",
            (false, false) => "used",
        };
        let reuse = self.reuse_in.map(|rest| format!(", reuse in {}", uptime(rest))).unwrap_or_default();
        let flaps = count(u64::from(self.flaps), "time", "times");
        format!(
            "  Dampinfo of {}: {state}, penalty {}, flapped {flaps} in {}{reuse}\n",
            self.from,
            self.penalty,
            uptime(self.since)
        )
    }
}

impl Text for BgpDamping {
    fn text(&self) -> String {
        if self.parameters.is_none() && self.neighbors.is_empty() {
            return format!("Dampening is not enabled for {}\n", self.family);
        }
        if self.which == DampingShown::Parameters {
            return self.numbers();
        }
        let mut table = Table::new(&[
            ("   Network", Align::Left, 21),
            ("From", Align::Left, 15),
            ("Flaps", Align::Right, 5),
            ("Penalty", Align::Right, 7),
            ("Duration", Align::Right, 8),
            ("Reuse", Align::Right, 8),
            ("Path", Align::Left, 0),
        ]);
        for path in &self.paths {
            table.row([
                format!("{} {}", path.signs(), path.prefix),
                path.from.to_string(),
                path.flaps.to_string(),
                path.penalty.to_string(),
                uptime(path.since),
                path.reuse_in.map(uptime).unwrap_or_default(),
                path.as_path.clone(),
            ]);
        }
        format!(
            "Status codes: * valid, d damped, h history\n\n{}\nTotal number of paths {}\n",
            table.text(),
            self.paths.len()
        )
    }
}

impl BgpDamping {
    fn numbers(&self) -> String {
        let mut text = match &self.parameters {
            Some(parameters) => parameters.text(),
            None => "Dampening is not enabled for other neighbors than these\n".to_owned(),
        };
        for NeighborDamping { neighbor, parameters } in &self.neighbors {
            text.push_str(&match parameters {
                Some(parameters) => format!("Neighbor {neighbor}\n{}", parameters.text()),
                None => format!("Neighbor {neighbor}: routes are not damped\n"),
            });
        }
        let counts = [("Paths remembered", self.remembered), ("Flaps not noted", self.passed_over)];
        text.extend(counts.map(|(what, value)| line(what, &value.to_string())));
        text
    }
}

impl DampingParameters {
    fn text(&self) -> String {
        let rows = [
            ("Half-life time", format!("{} min", self.half_life / 60)),
            ("Reuse penalty", self.reuse.to_string()),
            ("Suppress penalty", self.suppress.to_string()),
            ("Max suppress time", format!("{} min", self.max_suppress / 60)),
        ];
        rows.iter().map(|(what, value)| line(what, value)).collect()
    }
}

fn line(what: &str, value: &str) -> String {
    format!("{what:<18}: {value}\n")
}
