//! Views: what `show` commands answer, as data.
//!
//! Keys of the JSON form are camelCase and stable: they are part of the interface. Durations are whole
//! seconds, times are seconds since the Unix epoch, an absent key means that the thing does not apply.
//! A view never holds a sentence that could be a number or an address.

pub mod bgp;
pub mod bgp_neighbor;
pub mod bgp_path;
pub mod interface;
pub mod route;
pub mod system;

use serde::{Deserialize, Serialize};

use crate::text::Text;

pub use bgp::{BgpSummary, BgpTable};
pub use bgp_neighbor::{BgpNeighbor, BgpNeighbors};
pub use bgp_path::BgpPrefix;
pub use interface::{InterfaceDetail, Interfaces};
pub use route::{Fib, RouteDetail, RouteSummary, Routes};
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
    /// `show ip route`
    Routes(Routes),
    /// `show ip route PREFIX`
    RouteDetail(RouteDetail),
    /// `show ip route summary`
    RouteSummary(RouteSummary),
    /// `show ip fib`
    Fib(Fib),
    /// `show interfaces`
    Interfaces(Interfaces),
    /// `show interfaces ethernet eth0`
    InterfaceDetail(InterfaceDetail),
    /// `show version`
    Version(Version),
    /// `show log`
    Log(Log),
    /// `show system commit`
    Revisions(Revisions),
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
            Self::Routes(view) => serde_json::to_string_pretty(view),
            Self::RouteDetail(view) => serde_json::to_string_pretty(view),
            Self::RouteSummary(view) => serde_json::to_string_pretty(view),
            Self::Fib(view) => serde_json::to_string_pretty(view),
            Self::Interfaces(view) => serde_json::to_string_pretty(view),
            Self::InterfaceDetail(view) => serde_json::to_string_pretty(view),
            Self::Version(view) => serde_json::to_string_pretty(view),
            Self::Log(view) => serde_json::to_string_pretty(view),
            Self::Revisions(view) => serde_json::to_string_pretty(view),
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
            Self::Routes(view) => view.text(),
            Self::RouteDetail(view) => view.text(),
            Self::RouteSummary(view) => view.text(),
            Self::Fib(view) => view.text(),
            Self::Interfaces(view) => view.text(),
            Self::InterfaceDetail(view) => view.text(),
            Self::Version(view) => view.text(),
            Self::Log(view) => view.text(),
            Self::Revisions(view) => view.text(),
        }
    }
}
