//! What can be asked for in operational mode, with typed parameters.
//!
//! An `Op` that exists is well formed; whether the thing it names exists is not known here.

mod shown;
mod tool;

use std::net::IpAddr;

use nouns::{Asn, Family, IfName, Prefix};

use super::image::ImageWork;
use super::table_filter::TableFilter;
use super::tested::TestedRoute;
use crate::value::PolicyList;

pub use shown::{
    BalancerShown, ConfigurationForm, DampingShown, Destination, InterfaceClass, InterfaceForm, NeighborRoutes,
    RouteFilter, RouteSource, RpkiShown,
};
pub use tool::{Machine, Monitored, ProbeOption, TerminalSetting, Tool, When};

/// An operational command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Op {
    /// `configure`
    Configure,
    /// `exit`, `quit` or `logout`
    Exit,
    /// `help`
    Help,
    /// `show ip bgp summary`; both families for `show bgp summary`.
    ShowBgpSummary {
        /// Only this family.
        family: Option<Family>,
    },
    /// `show ip bgp`, `show ip bgp community C …` and the like
    ShowBgpTable {
        /// The family of the table.
        family: Family,
        /// Which of its routes.
        filter: TableFilter,
    },
    /// `show bgp`: the tables of all families.
    ShowBgpTables,
    /// `show ip bgp PREFIX [why]`
    ShowBgpPrefix {
        /// The family of the table.
        family: Family,
        /// What is looked up.
        destination: Destination,
        /// Explain each path.
        why: bool,
    },
    /// `show ip bgp neighbors [A]`
    ShowBgpNeighbors {
        /// Only this family.
        family: Option<Family>,
        /// Only this neighbor.
        neighbor: Option<IpAddr>,
        /// Only the neighbor of this interface.
        interface: Option<IfName>,
    },
    /// `show ip bgp neighbors A received-routes|advertised-routes|routes|filtered-routes`
    ShowBgpNeighborRoutes {
        /// The family of the routes.
        family: Family,
        /// The neighbor.
        neighbor: IpAddr,
        /// Which of its routes.
        which: NeighborRoutes,
    },
    /// `show balancer …`
    ShowBalancer {
        /// What of it.
        what: BalancerShown,
        /// Only this service.
        service: Option<String>,
        /// Only flows that this node has.
        node: Option<IpAddr>,
        /// Only flows of this client.
        client: Option<IpAddr>,
    },
    /// `clear balancer statistics`
    ClearBalancerStatistics,
    /// `show bfd peers [brief | A]`
    ShowBfdPeers {
        /// One line for each.
        brief: bool,
        /// One session only.
        peer: Option<IpAddr>,
    },
    /// `show ip route […]`
    ShowRoutes {
        /// The family of the routes.
        family: Family,
        /// Which of them.
        filter: RouteFilter,
    },
    /// `show ip fib [summary]`: what the kernel has beside what is wished.
    ShowFib {
        /// The family of the routes.
        family: Family,
        /// Numbers only.
        summary: bool,
    },
    /// `show ip route forward`, `show ip route table N`: what the kernel has.
    ShowKernelRoutes {
        /// The family of the routes.
        family: Family,
        /// The kernel's number of the table.
        table: u32,
    },
    /// `show ip bgp neighbors A prefix-counts`
    ShowBgpPrefixCounts {
        /// The family of the routes.
        family: Family,
        /// The neighbor.
        neighbor: IpAddr,
    },
    /// `show interfaces […]`
    ShowInterfaces {
        /// Only this class.
        class: Option<InterfaceClass>,
        /// Only this interface.
        name: Option<IfName>,
        /// How much of them.
        form: InterfaceForm,
    },
    /// `show arp`, `show ipv6 neighbors`
    ShowNeighborTable {
        /// The family of the addresses.
        family: Family,
        /// Only hosts on this link.
        interface: Option<IfName>,
    },
    /// `show system …`, `show hardware …`, `show date`, `show users`: what only the machine knows.
    ShowMachine(Machine),
    /// `show configuration [commands | all | json | files]`
    ShowConfiguration {
        /// How it is written.
        form: ConfigurationForm,
    },
    /// `show policy [LIST [NAME]]`
    ShowPolicy {
        /// Only this kind of list.
        list: Option<PolicyList>,
        /// Only the one of this name.
        name: Option<String>,
    },
    /// `show policy test route-map NAME prefix P …`
    ShowPolicyTest {
        /// The map.
        route_map: String,
        /// The route that goes through it.
        route: Box<TestedRoute>,
    },
    /// `show ip bgp dampening …`
    ShowDamping {
        /// The family of the routes.
        family: Family,
        /// What of it.
        which: DampingShown,
    },
    /// `clear ip bgp dampening [PREFIX]`
    ClearDamping {
        /// Only routes of this family.
        family: Option<Family>,
        /// Only routes within it.
        prefix: Option<Prefix>,
    },
    /// `dump bgp table FILE`
    DumpTable {
        /// The file.
        file: String,
    },
    /// `show bmp`
    ShowBmp,
    /// `show rpki …`
    ShowRpki(RpkiShown),
    /// `show log [N | tail [N]]`
    ShowLog {
        /// Only the newest lines.
        lines: Option<u32>,
    },
    /// `show history [N]`
    ShowHistory {
        /// Only the newest lines.
        lines: Option<u32>,
    },
    /// `show system commit`
    ShowSystemCommit,
    /// `show system commit diff N`: what the commit changed, counted from the newest, which is 0.
    ShowSystemCommitDiff {
        /// How many are newer.
        number: u32,
    },
    /// `show system commit file N`: the configuration of a commit.
    ShowSystemCommitFile {
        /// How many are newer.
        number: u32,
    },
    /// `show tech-support`
    ShowTechSupport,
    /// `show version`
    ShowVersion,
    /// `monitor …`: shows what happens until ^C.
    Monitor(Monitored),
    /// `show balancer explain SOURCE PORT DESTINATION PORT PROTOCOL`
    ExplainBalancer {
        /// The client.
        source: IpAddr,
        /// Its port.
        source_port: u16,
        /// The service.
        destination: IpAddr,
        /// Its port.
        destination_port: u16,
        /// The number of the protocol; of ICMP the one of the addresses' family.
        protocol: u8,
    },
    /// `show balancer explain pcap FILE`
    ExplainBalancerPackets {
        /// The file, of the person's.
        file: String,
    },
    /// `monitor balancer capture [service NAME] [backend A] [reason WORD] [every N] [file FILE]`
    MonitorBalancer {
        /// One packet of so many, by chance.
        every: u32,
        /// Only those of this service.
        service: Option<String>,
        /// Only those that go to this node.
        backend: Option<IpAddr>,
        /// Only those that are not forwarded for this reason.
        reason: Option<String>,
        /// Where the packets go, as pcapng; else they are told in words.
        file: Option<String>,
    },
    /// `monitor traffic interface NAME [filter TEXT]`
    MonitorTraffic {
        /// Where packets are looked at.
        interface: IfName,
        /// Which, in the words of pcap-filter(7); never begins with a hyphen.
        filter: Option<String>,
    },
    /// `clear|reset ip bgp …`
    ClearBgp {
        /// Only this family.
        family: Option<Family>,
        /// Which sessions.
        target: ClearTarget,
        /// What happens to them.
        how: ClearHow,
        /// What neighbors are told whose sessions are closed (RFC 9003).
        message: Option<String>,
    },
    /// `clear arp …`, `clear ipv6 neighbors …`
    ClearNeighborTable {
        /// The family of the addresses.
        family: Family,
        /// Only hosts on this link.
        interface: Option<IfName>,
        /// Only this host.
        address: Option<IpAddr>,
    },
    /// `clear interfaces [NAME] counters`
    ClearInterfaceCounters {
        /// Only this interface.
        interface: Option<IfName>,
    },
    /// `ping HOST …`, `traceroute HOST …`, `mtr HOST …`, `telnet HOST …`
    Probe {
        /// The program.
        tool: Tool,
        /// An address or a host name; never begins with a hyphen.
        host: String,
        /// How it is done.
        options: Vec<ProbeOption>,
    },
    /// `reboot …`, `poweroff …`, `shutdown …`
    Shutdown {
        /// The machine starts again.
        reboot: bool,
        /// When.
        when: When,
    },
    /// `restart bgp`: the daemon ends and starts again, routes stay in the kernel meanwhile.
    RestartDaemon,
    /// `set date TEXT`
    SetDate {
        /// `MMDDhhmmCCYY`, or `CCYY-MM-DD hh:mm[:ss]`
        date: String,
    },
    /// `set terminal …`, `terminal …`
    SetTerminal(TerminalSetting),
    /// `… system image …`
    Image(ImageWork),
}

/// Which sessions are cleared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClearTarget {
    /// All.
    All,
    /// The one with this neighbor.
    Address(IpAddr),
    /// The one with the neighbor of this interface.
    Interface(IfName),
    /// Those with this AS.
    Asn(Asn),
    /// Those with other ASes.
    External,
    /// Those of a peer group.
    Group(String),
}

/// How sessions are cleared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClearHow {
    /// Closed and opened again.
    Hard,
    /// Closed so that nobody keeps routes meanwhile, and opened again.
    ForGood,
    /// Routes are asked for and sent again.
    Soft,
    /// Routes are asked for again.
    SoftIn,
    /// Routes are sent again.
    SoftOut,
}
