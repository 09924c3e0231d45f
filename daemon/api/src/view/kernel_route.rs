//! `show ip route forward` and `show ip route table N`: what the kernel has, whoever put it there.
//!
//! In the layout of `ip route`; never compares it with what is wished, which `show ip fib` does.

use std::net::IpAddr;

use nouns::{Family, IfName, Prefix};
use serde::{Deserialize, Serialize};

use crate::text::Text;

/// `show ip route forward`, `show ip route table N`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KernelRoutes {
    /// The family of the routes.
    pub family: Family,
    /// The kernel's number of the table; 254 is the one that forwards.
    pub table: u32,
    /// As the kernel lists them.
    pub routes: Vec<KernelRoute>,
}

/// One route of the kernel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct KernelRoute {
    /// The destination.
    pub prefix: Prefix,
    /// `unicast`, `blackhole`, `unreachable`, `prohibit`, `local`, `broadcast`
    pub kind: String,
    /// Who put it there: `kernel`, `boot`, `static`, `dhcp`, `ra`, `towpath`, or a number.
    pub protocol: String,
    /// The lowest one forwards.
    pub metric: u32,
    /// The next-hop object that it leads to; absent for routes that name their next hops themselves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_hop_id: Option<u32>,
    /// Ways out; empty for routes that drop.
    pub next_hops: Vec<KernelNextHop>,
}

/// One way out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KernelNextHop {
    /// Absent when the destination is on the link.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gateway: Option<IpAddr>,
    /// The outgoing link; absent when it went meanwhile.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interface: Option<IfName>,
}

impl Text for KernelRoutes {
    fn text(&self) -> String {
        self.routes.iter().map(KernelRoute::lines).collect()
    }
}

impl KernelRoute {
    fn lines(&self) -> String {
        let kind = if self.kind == "unicast" { String::new() } else { format!("{} ", self.kind) };
        let prefix = if self.prefix.length() == 0 { "default".to_owned() } else { self.prefix.to_string() };
        let object = self.next_hop_id.map(|id| format!(" nhid {id}")).unwrap_or_default();
        let metric = if self.metric == 0 { String::new() } else { format!(" metric {}", self.metric) };
        let tail = format!(" proto {}{metric}", self.protocol);
        match self.next_hops.as_slice() {
            [one] => format!("{kind}{prefix}{object}{}{tail}\n", one.words()),
            several => {
                let hops = several.iter().map(|hop| format!("\tnexthop{}\n", hop.words())).collect::<String>();
                format!("{kind}{prefix}{object}{tail}\n{hops}")
            }
        }
    }
}

impl KernelNextHop {
    fn words(&self) -> String {
        let gateway = self.gateway.map(|gateway| format!(" via {gateway}")).unwrap_or_default();
        let interface = self.interface.as_ref().map(|name| format!(" dev {name}")).unwrap_or_default();
        format!("{gateway}{interface}")
    }
}
