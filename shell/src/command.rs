//! From an operational command to what has to be done for it.
//!
//! One exhaustive match: a word without a deed does not compile. Never does anything itself.

mod program;

use api::request::{BgpTarget, Clear, Flush, Show};
use api::view::route::Protocol;
use api::watch::WantedPackets;
use api::{ClearHow, ClearTarget, NeighborRoutes, Request, RouteFilter};
use grammar::commands::{
    self as words, ConfigurationForm, Destination, InterfaceClass, InterfaceForm, Monitored, Op, RouteSource,
    TableFilter, TerminalSetting,
};
use nouns::{Family, IfName};

/// What has to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Deed {
    /// Ask the daemon, and show the answer.
    Ask(Request),
    /// Ask for each family, and show the answers below each other.
    AskEach(Vec<(Family, Request)>),
    /// As `Ask`, but only the numbers of the forwarding table.
    AskFibSummary(Request),
    /// As `Ask`, but only interfaces of a class.
    AskInterfaces(InterfaceClass, Request),
    /// As `Ask`, but only the line of one interface.
    AskInterface(IfName, Request),
    /// Show the active configuration.
    ShowConfiguration(ConfigurationForm),
    /// Show what a commit changed; 0 is the newest.
    ShowCommitChanges(u32),
    /// Show the configuration of a commit; 0 is the newest.
    ShowCommitFile(u32),
    /// Show the newest of the commands that were typed.
    ShowHistory(Option<u32>),
    /// Show everything that a person needs who helps from afar.
    ShowTechSupport,
    /// Show what happens until ^C.
    Monitor(Monitored),
    /// Captures packets of the balancer until ^C, into a file or in words.
    Capture { wanted: WantedPackets, file: Option<String> },
    /// Ask what becomes of the packets in a file.
    ExplainPackets(String),
    /// Run a program of the system that only looks.
    Run(Program),
    /// Show what a program of the system tells, and its JSON form, which another call of it tells.
    Listed { text: Program, json: Program },
    /// Run a program of the system that changes something.
    Change(Program),
    /// Take the machine down once the person agrees.
    Shutdown {
        /// What the person is asked.
        question: &'static str,
        /// What does it.
        program: Program,
    },
    /// Use the terminal otherwise from here on.
    SetTerminal(TerminalSetting),
    /// Enter configuration mode.
    Configure,
    /// Leave the shell.
    Exit,
    /// Explain the shell.
    Help,
}

/// A program of the system with its arguments; no shell reads them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Program {
    /// Its name.
    pub(crate) name: &'static str,
    /// Its arguments.
    pub(crate) arguments: Vec<String>,
}

/// What has to be done for a command.
#[must_use]
pub(crate) fn deed(op: Op) -> Deed {
    let show = |show: Show| Deed::Ask(Request::Show(show));
    match op {
        Op::Configure => Deed::Configure,
        Op::Exit => Deed::Exit,
        Op::Help => Deed::Help,
        Op::ShowBgpSummary { family } => show(Show::BgpSummary { family }),
        Op::ShowBgpTable { family, filter } => show(Show::BgpTable { family, filter }),
        Op::ShowBgpTables => {
            let families = [Family::Ipv4Unicast, Family::Ipv6Unicast];
            let all = |family| Request::Show(Show::BgpTable { family, filter: TableFilter::All });
            Deed::AskEach(families.map(|family| (family, all(family))).to_vec())
        }
        Op::ShowBgpPrefix { family, destination, why } => {
            show(Show::BgpPrefix { family, target: target(destination), why })
        }
        Op::ShowBgpNeighbors { family, neighbor, interface } => {
            show(Show::BgpNeighbors { family, address: neighbor, interface })
        }
        Op::ShowBgpPrefixCounts { family, neighbor } => show(Show::BgpPrefixCounts { family, address: neighbor }),
        Op::ShowBalancer { what, service, node, client } => show(Show::Balancer { what, service, node, client }),
        Op::ExplainBalancer { source, source_port, destination, destination_port, protocol } => {
            show(Show::BalancerExplain { source, source_port, destination, destination_port, protocol })
        }
        Op::ExplainBalancerPackets { file } => Deed::ExplainPackets(file),
        Op::ClearBalancerStatistics => Deed::Ask(Request::Flush(Flush::Balancer)),
        Op::ShowBfdPeers { brief, peer } => show(Show::BfdPeers { brief, peer }),
        Op::ShowBgpNeighborRoutes { family, neighbor, which } => {
            show(Show::BgpNeighborRoutes { family, address: neighbor, which: neighbor_routes(which) })
        }
        Op::ShowRoutes { family, filter } => show(Show::Routes { family, filter: route_filter(filter) }),
        Op::ShowKernelRoutes { family, table } => show(Show::KernelRoutes { family, table }),
        Op::ShowFib { family, summary: false } => show(Show::Fib { family }),
        Op::ShowFib { family, summary: true } => Deed::AskFibSummary(Request::Show(Show::Fib { family })),
        Op::ShowInterfaces { class, name, form } => interfaces(class, name, form),
        Op::ShowNeighborTable { family, interface } => show(Show::NeighborTable { family, interface }),
        Op::ShowMachine(machine) => show(Show::Machine(machine)),
        Op::ShowConfiguration { form } => Deed::ShowConfiguration(form),
        Op::ShowPolicy { list, name } => show(Show::Policy { list, name }),
        Op::ShowPolicyTest { route_map, route } => show(Show::PolicyTest { route_map, route }),
        Op::ShowDamping { family, which } => show(Show::Damping { family, which }),
        Op::ClearDamping { family, prefix } => Deed::Ask(Request::ClearDamping { family, prefix }),
        Op::DumpTable { file } => Deed::Ask(Request::DumpTable { file }),
        Op::ShowBmp => show(Show::Bmp),
        Op::ShowRpki(what) => show(Show::Rpki(what)),
        Op::ShowLog { lines } => show(Show::Log { lines }),
        Op::ShowHistory { lines } => Deed::ShowHistory(lines),
        Op::ShowSystemCommit => Deed::Ask(Request::Revisions),
        Op::ShowSystemCommitDiff { number } => Deed::ShowCommitChanges(number),
        Op::ShowSystemCommitFile { number } => Deed::ShowCommitFile(number),
        Op::ShowTechSupport => Deed::ShowTechSupport,
        Op::ShowVersion => show(Show::Version),
        Op::Monitor(what) => Deed::Monitor(what),
        Op::MonitorBalancer { every, service, backend, reason, file } => {
            Deed::Capture { wanted: WantedPackets { every, service, backend, reason }, file }
        }
        Op::MonitorTraffic { interface, filter } => Deed::Run(program::tcpdump(&interface, filter)),
        Op::ClearBgp { family, target, how, message } => {
            Deed::Ask(Request::Clear(Clear { target: clear_target(target), how: clear_how(how), family, message }))
        }
        Op::ClearNeighborTable { family, interface, address } => {
            Deed::Ask(Request::Flush(Flush::Neighbors { family, interface, address }))
        }
        Op::ClearInterfaceCounters { interface } => Deed::Ask(Request::Flush(Flush::Counters { interface })),
        Op::Probe { tool, host, options } => Deed::Run(program::probe(tool, host, &options)),
        Op::Shutdown { reboot, when } => program::shutdown(reboot, when),
        Op::RestartDaemon => Deed::Change(program::restart()),
        Op::SetDate { date } => Deed::Change(program::set_date(date)),
        Op::Image(work) => program::image(work),
        Op::SetTerminal(setting) => Deed::SetTerminal(setting),
    }
}

fn interfaces(class: Option<InterfaceClass>, name: Option<IfName>, form: InterfaceForm) -> Deed {
    let request = Request::Show(match (form, name.clone()) {
        (InterfaceForm::Brief, _) => Show::Interfaces { name: None },
        (InterfaceForm::Detail, None) => Show::InterfaceDetails,
        (InterfaceForm::Detail, name) => Show::Interfaces { name },
        (InterfaceForm::Counters, name) => Show::InterfaceCounters { name },
    });
    match (form, class, name) {
        (InterfaceForm::Brief, _, Some(name)) => Deed::AskInterface(name, request),
        (_, Some(class), None) => Deed::AskInterfaces(class, request),
        _ => Deed::Ask(request),
    }
}

fn target(destination: Destination) -> BgpTarget {
    match destination {
        Destination::Prefix(prefix) => BgpTarget::Prefix(prefix),
        Destination::Address(address) => BgpTarget::Address(address),
    }
}

fn neighbor_routes(which: words::NeighborRoutes) -> NeighborRoutes {
    match which {
        words::NeighborRoutes::Received => NeighborRoutes::Received,
        words::NeighborRoutes::Advertised => NeighborRoutes::Advertised,
        words::NeighborRoutes::Accepted => NeighborRoutes::Accepted,
        words::NeighborRoutes::Filtered => NeighborRoutes::Filtered,
    }
}

fn route_filter(filter: words::RouteFilter) -> RouteFilter {
    match filter {
        words::RouteFilter::All => RouteFilter::All,
        words::RouteFilter::Summary => RouteFilter::Summary,
        words::RouteFilter::LongerPrefixes(prefix) => RouteFilter::LongerPrefixes(prefix),
        words::RouteFilter::SupernetsOnly => RouteFilter::SupernetsOnly,
        words::RouteFilter::Destination(Destination::Prefix(prefix)) => RouteFilter::Prefix(prefix),
        words::RouteFilter::Destination(Destination::Address(address)) => RouteFilter::Address(address),
        words::RouteFilter::Source(source) => RouteFilter::Protocol(match source {
            RouteSource::Bgp => Protocol::Bgp,
            RouteSource::Connected => Protocol::Connected,
            RouteSource::Kernel => Protocol::Kernel,
            RouteSource::Static => Protocol::Static,
        }),
    }
}

fn clear_target(target: words::ClearTarget) -> ClearTarget {
    match target {
        words::ClearTarget::All => ClearTarget::All,
        words::ClearTarget::Address(address) => ClearTarget::Address(address),
        words::ClearTarget::Interface(name) => ClearTarget::Interface(name),
        words::ClearTarget::Asn(asn) => ClearTarget::Asn(asn),
        words::ClearTarget::External => ClearTarget::External,
        words::ClearTarget::Group(name) => ClearTarget::Group(name),
    }
}

fn clear_how(how: words::ClearHow) -> ClearHow {
    match how {
        words::ClearHow::Hard => ClearHow::Hard,
        words::ClearHow::ForGood => ClearHow::ForGood,
        words::ClearHow::Soft => ClearHow::Soft,
        words::ClearHow::SoftIn => ClearHow::SoftIn,
        words::ClearHow::SoftOut => ClearHow::SoftOut,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test may fail loudly")]

    use super::*;

    fn typed(line: &str) -> Deed {
        let commands = grammar::parse::line(line).unwrap();
        deed(words::resolve(&commands[0].words).unwrap_or_else(|error| panic!("{line}: {error}")))
    }

    #[test]
    fn commands_become_requests() {
        let family = Family::Ipv4Unicast;
        let prefix = "192.0.2.0/24".parse().unwrap();
        let address = "192.0.2.1".parse().unwrap();
        for (line, show) in [
            ("show ip bgp", Show::BgpTable { family, filter: TableFilter::All }),
            (
                "show ip bgp 192.0.2.0/24 longer-prefixes",
                Show::BgpTable { family, filter: TableFilter::LongerPrefixes(prefix) },
            ),
            ("sh ip bg su", Show::BgpSummary { family: Some(family) }),
            ("show bgp summary", Show::BgpSummary { family: None }),
            ("show bgp ipv6", Show::BgpTable { family: Family::Ipv6Unicast, filter: TableFilter::All }),
            ("show ip bgp 192.0.2.0/24 why", Show::BgpPrefix { family, target: BgpTarget::Prefix(prefix), why: true }),
            ("show ip bgp 192.0.2.1", Show::BgpPrefix { family, target: BgpTarget::Address(address), why: false }),
            ("show ip route bgp", Show::Routes { family, filter: RouteFilter::Protocol(Protocol::Bgp) }),
            ("show ip route 192.0.2.1", Show::Routes { family, filter: RouteFilter::Address(address) }),
            ("show interfaces", Show::Interfaces { name: None }),
            ("show version", Show::Version),
        ] {
            assert_eq!(typed(line), Deed::Ask(Request::Show(show)), "{line}");
        }
        let Deed::Ask(Request::Clear(clear)) = typed("clear ip bgp all soft in") else { panic!("not a clear") };
        assert_eq!((clear.target, clear.how), (ClearTarget::All, ClearHow::SoftIn));
    }
}
