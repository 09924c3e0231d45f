//! `show ip bgp neighbors A prefix-counts`.
//!
//! Counted from the table, not from what a session remembers; never decides.

use std::net::IpAddr;

use nouns::Family;
use serde::{Deserialize, Serialize};

use crate::text::Text;

/// `show ip bgp neighbors A prefix-counts`
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
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
        format!(
            "Prefix counts for {}, {}\nPfxCt: {}\n\nCounts from RIB table walk:\n\n{counts}",
            self.address, self.family, self.accepted
        )
    }
}
