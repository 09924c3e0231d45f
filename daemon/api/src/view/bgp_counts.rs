//! `show ip bgp neighbors A prefix-counts`.
//!
//! Counted from the table, not from what a session remembers; never decides.

use std::net::IpAddr;

use nouns::Family;
use serde::{Deserialize, Serialize};

use crate::text::Text;

/// `show ip bgp neighbors A prefix-counts`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BgpPrefixCounts {
    /// The table.
    pub family: Family,
    /// The neighbor.
    pub address: IpAddr,
    /// Prefixes that it sent.
    pub received: u64,
    /// Of these, accepted.
    pub accepted: u64,
    /// Of these, refused on arrival (policy, loop).
    pub filtered: u64,
    /// Of these, kept while the neighbor restarts (RFC 4724).
    pub stale: u64,
    /// Of these, accepted and with a next hop that is reachable.
    pub valid: u64,
    /// Of these, chosen first.
    pub best: u64,
    /// Of these, sharing the load with the chosen ones.
    pub multipath: u64,
    /// Prefixes that were sent to it.
    pub advertised: u64,
    /// Who refused how many, those who refused most first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub refused: Vec<RefusedPrefixes>,
}

/// Prefixes that were refused for one reason.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefusedPrefixes {
    /// `route-map IN rule 10 denies it`
    pub reason: String,
    /// How many.
    pub prefixes: u64,
}

impl Text for BgpPrefixCounts {
    fn text(&self) -> String {
        let rows = [
            ("Adj-in", self.received),
            ("Filtered", self.filtered),
            ("Stale", self.stale),
            ("Valid", self.valid),
            ("PfxCt counted", self.accepted),
            ("PfxCt Best Selected", self.best),
            ("Multipath", self.multipath),
            ("Adj-out", self.advertised),
        ];
        let counts: String = rows.iter().map(|(title, count)| format!("{title:>20}: {count}\n")).collect();
        let refused: String =
            self.refused.iter().map(|one| format!("{:>20}: {}\n", one.prefixes, one.reason)).collect();
        let refused = if refused.is_empty() { refused } else { format!("\nFiltered by:\n\n{refused}") };
        format!(
            "Prefix counts for {}, {}\nPfxCt: {}\n\nCounts from RIB table walk:\n\n{counts}{refused}",
            self.address, self.family, self.accepted
        )
    }
}
