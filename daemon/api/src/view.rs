//! Views: what `show` commands answer, as data.
//!
//! Keys of the JSON form are camelCase and stable: they are part of the interface. Durations are whole
//! seconds, times are seconds since the Unix epoch, an absent key means that the thing does not apply.
//! A view never holds a sentence that could be a number or an address.

pub mod balancer;
mod balancer_explained;
mod balancer_flows;
mod balancer_packets;
mod balancer_text;
pub mod bfd;
pub mod bgp;
pub mod bgp_counts;
pub mod bgp_neighbor;
pub mod bgp_path;
pub mod bgp_reset;
pub mod bmp;
pub mod damping;
pub mod hardware;
pub mod interface;
pub mod kernel_route;
pub mod machine;
pub mod neighbor_table;
pub mod policy;
pub mod policy_test;
pub mod process;
pub mod route;
pub mod rpki;
pub mod system;

use serde::{Deserialize, Serialize};

use crate::text::Text;

pub use balancer::Balancer;
pub use balancer_explained::BalancerExplained;
pub use balancer_flows::{BalancerFlow, BalancerFlows};
pub use balancer_packets::{BalancerPacket, BalancerPackets};
pub use bfd::BfdPeers;
pub use bgp::{BgpSummary, BgpTable};
pub use bgp_counts::BgpPrefixCounts;
pub use bgp_neighbor::{BgpNeighbor, BgpNeighbors};
pub use bgp_path::BgpPrefix;
pub use bmp::BmpCollectors;
pub use damping::BgpDamping;
pub use hardware::{Cpu, Pci};
pub use interface::{CountersOfInterfaces, InterfaceDetail, Interfaces};
pub use kernel_route::KernelRoutes;
pub use machine::{Date, Memory, Storage, Uptime, Users};
pub use neighbor_table::NeighborTable;
pub use policy::Policies;
pub use policy_test::PolicyTest;
pub use process::{Connections, KernelMessages, Processes};
pub use route::{Fib, RouteDetail, RouteSummary, Routes};
pub use rpki::{RpkiAspas, RpkiCaches, RpkiTable};
pub use system::{Log, Revisions, Version};

/// Any of the views.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum View {
    /// `show ip bgp summary`
    BgpSummary(BgpSummary),
    /// `show bgp summary`: one of each family.
    BgpSummaries(Vec<BgpSummary>),
    /// `show ip bgp`, and a neighbor's routes.
    BgpTable(BgpTable),
    /// `show ip bgp PREFIX`
    BgpPrefix(BgpPrefix),
    /// `show ip bgp neighbors`
    BgpNeighbors(BgpNeighbors),
    /// `show ip bgp neighbors A prefix-counts`
    BgpPrefixCounts(BgpPrefixCounts),
    /// `show balancer …`
    Balancer(Box<Balancer>),
    /// `show balancer explain …`
    BalancerExplained(Box<BalancerExplained>),
    /// `show balancer explain pcap FILE`
    BalancerPackets(Box<BalancerPackets>),
    /// `show bfd peers`
    BfdPeers(BfdPeers),
    /// `show ip route`
    Routes(Routes),
    /// `show ip route PREFIX`
    RouteDetail(RouteDetail),
    /// `show ip route summary`
    RouteSummary(RouteSummary),
    /// `show ip route forward`, `show ip route table N`
    KernelRoutes(KernelRoutes),
    /// `show ip fib`
    Fib(Fib),
    /// `show interfaces`
    Interfaces(Interfaces),
    /// `show interfaces ethernet eth0`
    InterfaceDetail(InterfaceDetail),
    /// `show interfaces detail`: one of each interface.
    InterfaceDetails(Vec<InterfaceDetail>),
    /// `show interfaces counters`
    InterfaceCounters(CountersOfInterfaces),
    /// `show arp`, `show ipv6 neighbors`
    NeighborTable(NeighborTable),
    /// `show policy`, `show policy LIST`, `show policy LIST NAME`
    Policies(Policies),
    /// `show policy test`
    PolicyTest(Box<PolicyTest>),
    /// `show ip bgp dampening dampened-paths`, `flap-statistics` and `parameters`
    BgpDamping(BgpDamping),
    /// `show bmp`
    BmpCollectors(BmpCollectors),
    /// `show rpki aspa [N]`
    RpkiAspas(RpkiAspas),
    /// `show rpki cache-connection`
    RpkiCaches(RpkiCaches),
    /// `show rpki prefix-table`, `show rpki as-number N`, `show rpki prefix P [N]`
    RpkiTable(RpkiTable),
    /// `show version`
    Version(Version),
    /// `show log`
    Log(Log),
    /// `show system commit`
    Revisions(Revisions),
    /// `show system uptime`
    Uptime(Uptime),
    /// `show system memory`, `show hardware memory`
    Memory(Memory),
    /// `show system storage`
    Storage(Storage),
    /// `show system processes`
    Processes(Processes),
    /// `show system connections`
    Connections(Connections),
    /// `show system kernel-messages`, `show system boot-messages`
    KernelMessages(KernelMessages),
    /// `show date`
    Date(Date),
    /// `show users`, `show system login users`
    Users(Users),
    /// `show hardware cpu`
    Cpu(Cpu),
    /// `show hardware pci`
    Pci(Pci),
}

impl View {
    /// The JSON form that `| json` shows: the view's own object, indented, with a newline at the end.
    ///
    /// # Errors
    /// When the view cannot be written as JSON, which a view of plain data always can.
    pub fn json(&self) -> Result<String, serde_json::Error> {
        let text = match self {
            Self::BgpSummary(view) => serde_json::to_string_pretty(view),
            Self::BgpSummaries(view) => serde_json::to_string_pretty(view),
            Self::BgpTable(view) => serde_json::to_string_pretty(view),
            Self::BgpPrefix(view) => serde_json::to_string_pretty(view),
            Self::BgpNeighbors(view) => serde_json::to_string_pretty(view),
            Self::BgpPrefixCounts(view) => serde_json::to_string_pretty(view),
            Self::Balancer(view) => serde_json::to_string_pretty(view),
            Self::BalancerExplained(view) => serde_json::to_string_pretty(view),
            Self::BalancerPackets(view) => serde_json::to_string_pretty(view),
            Self::BfdPeers(view) => serde_json::to_string_pretty(view),
            Self::Routes(view) => serde_json::to_string_pretty(view),
            Self::RouteDetail(view) => serde_json::to_string_pretty(view),
            Self::RouteSummary(view) => serde_json::to_string_pretty(view),
            Self::KernelRoutes(view) => serde_json::to_string_pretty(view),
            Self::Fib(view) => serde_json::to_string_pretty(view),
            Self::Interfaces(view) => serde_json::to_string_pretty(view),
            Self::InterfaceDetail(view) => serde_json::to_string_pretty(view),
            Self::InterfaceDetails(view) => serde_json::to_string_pretty(view),
            Self::InterfaceCounters(view) => serde_json::to_string_pretty(view),
            Self::NeighborTable(view) => serde_json::to_string_pretty(view),
            Self::Policies(view) => serde_json::to_string_pretty(view),
            Self::PolicyTest(view) => serde_json::to_string_pretty(view),
            Self::BgpDamping(view) => serde_json::to_string_pretty(view),
            Self::BmpCollectors(view) => serde_json::to_string_pretty(view),
            Self::RpkiAspas(view) => serde_json::to_string_pretty(view),
            Self::RpkiCaches(view) => serde_json::to_string_pretty(view),
            Self::RpkiTable(view) => serde_json::to_string_pretty(view),
            Self::Version(view) => serde_json::to_string_pretty(view),
            Self::Log(view) => serde_json::to_string_pretty(view),
            Self::Revisions(view) => serde_json::to_string_pretty(view),
            Self::Uptime(view) => serde_json::to_string_pretty(view),
            Self::Memory(view) => serde_json::to_string_pretty(view),
            Self::Storage(view) => serde_json::to_string_pretty(view),
            Self::Processes(view) => serde_json::to_string_pretty(view),
            Self::Connections(view) => serde_json::to_string_pretty(view),
            Self::KernelMessages(view) => serde_json::to_string_pretty(view),
            Self::Date(view) => serde_json::to_string_pretty(view),
            Self::Users(view) => serde_json::to_string_pretty(view),
            Self::Cpu(view) => serde_json::to_string_pretty(view),
            Self::Pci(view) => serde_json::to_string_pretty(view),
        };
        text.map(|text| text + "\n")
    }
}

impl Text for View {
    fn text(&self) -> String {
        match self {
            Self::BgpSummary(view) => view.text(),
            Self::BgpSummaries(views) => {
                let texts: Vec<String> =
                    views.iter().map(|view| format!("{}:\n{}", view.family, view.text())).collect();
                texts.join("\n")
            }
            Self::BgpTable(view) => view.text(),
            Self::BgpPrefix(view) => view.text(),
            Self::BgpNeighbors(view) => view.text(),
            Self::BgpPrefixCounts(view) => view.text(),
            Self::Balancer(view) => view.text(),
            Self::BalancerExplained(view) => view.text(),
            Self::BalancerPackets(view) => view.text(),
            Self::BfdPeers(view) => view.text(),
            Self::Routes(view) => view.text(),
            Self::RouteDetail(view) => view.text(),
            Self::RouteSummary(view) => view.text(),
            Self::KernelRoutes(view) => view.text(),
            Self::Fib(view) => view.text(),
            Self::Interfaces(view) => view.text(),
            Self::InterfaceDetail(view) => view.text(),
            Self::InterfaceDetails(view) => view.text(),
            Self::InterfaceCounters(view) => view.text(),
            Self::NeighborTable(view) => view.text(),
            Self::Policies(view) => view.text(),
            Self::PolicyTest(view) => view.text(),
            Self::BgpDamping(view) => view.text(),
            Self::BmpCollectors(view) => view.text(),
            Self::RpkiAspas(view) => view.text(),
            Self::RpkiCaches(view) => view.text(),
            Self::RpkiTable(view) => view.text(),
            Self::Version(view) => view.text(),
            Self::Log(view) => view.text(),
            Self::Revisions(view) => view.text(),
            Self::Uptime(view) => view.text(),
            Self::Memory(view) => view.text(),
            Self::Storage(view) => view.text(),
            Self::Processes(view) => view.text(),
            Self::Connections(view) => view.text(),
            Self::KernelMessages(view) => view.text(),
            Self::Date(view) => view.text(),
            Self::Users(view) => view.text(),
            Self::Cpu(view) => view.text(),
            Self::Pci(view) => view.text(),
        }
    }
}
