//! From an operational command to what has to be done for it.
//!
//! One exhaustive match: a word without a deed does not compile. Never does anything itself.

use api::request::{BgpTarget, Clear, Show};
use api::view::route::Protocol;
use api::{ClearHow, ClearTarget, NeighborRoutes, Request, RouteFilter};
use grammar::commands::{self as words, ConfigurationForm, Destination, InterfaceClass, Op, PingOptions, RouteSource};
use nouns::Family;

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
    AskInterfaces(InterfaceClass),
    /// Show the active configuration.
    ShowConfiguration(ConfigurationForm),
    /// Run a program of the system.
    Run(Program),
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
        Op::ShowBgpTable { family } => show(Show::BgpTable { family }),
        Op::ShowBgpTables => {
            let families = [Family::Ipv4Unicast, Family::Ipv6Unicast];
            Deed::AskEach(families.map(|family| (family, Request::Show(Show::BgpTable { family }))).to_vec())
        }
        Op::ShowBgpPrefix { family, destination, why } => {
            show(Show::BgpPrefix { family, target: target(destination), why })
        }
        Op::ShowBgpNeighbors { family, neighbor } => show(Show::BgpNeighbors { family, address: neighbor }),
        Op::ShowBgpNeighborRoutes { family, neighbor, which } => {
            show(Show::BgpNeighborRoutes { family, address: neighbor, which: neighbor_routes(which) })
        }
        Op::ShowRoutes { family, filter } => show(Show::Routes { family, filter: route_filter(filter) }),
        Op::ShowFib { family, summary: false } => show(Show::Fib { family }),
        Op::ShowFib { family, summary: true } => Deed::AskFibSummary(Request::Show(Show::Fib { family })),
        Op::ShowInterfaces { class: Some(class), name: None } => Deed::AskInterfaces(class),
        Op::ShowInterfaces { class: _, name } => show(Show::Interfaces { name }),
        Op::ShowConfiguration { form } => Deed::ShowConfiguration(form),
        Op::ShowLog { lines } => show(Show::Log { lines }),
        Op::ShowSystemCommit => Deed::Ask(Request::Revisions),
        Op::ShowVersion => show(Show::Version),
        Op::ClearBgp { family, target, how } => {
            Deed::Ask(Request::Clear(Clear { target: clear_target(target), how: clear_how(how), family }))
        }
        Op::Ping { host, options } => Deed::Run(ping(host, &options)),
        Op::Traceroute { host } => Deed::Run(Program { name: "traceroute", arguments: vec![host] }),
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
    }
}

fn route_filter(filter: words::RouteFilter) -> RouteFilter {
    match filter {
        words::RouteFilter::All => RouteFilter::All,
        words::RouteFilter::Summary => RouteFilter::Summary,
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
        words::ClearTarget::Asn(asn) => ClearTarget::Asn(asn),
        words::ClearTarget::External => ClearTarget::External,
        words::ClearTarget::Group(name) => ClearTarget::Group(name),
    }
}

fn clear_how(how: words::ClearHow) -> ClearHow {
    match how {
        words::ClearHow::Hard => ClearHow::Hard,
        words::ClearHow::Soft => ClearHow::Soft,
        words::ClearHow::SoftIn => ClearHow::SoftIn,
        words::ClearHow::SoftOut => ClearHow::SoftOut,
    }
}

fn ping(host: String, options: &PingOptions) -> Program {
    let pairs = [
        ("-c", options.count.map(|n| n.to_string())),
        ("-I", options.interface.as_ref().map(ToString::to_string)),
        ("-I", options.source.map(|address| address.to_string())),
        ("-i", options.interval.map(|n| n.to_string())),
        ("-s", options.size.map(|n| n.to_string())),
        ("-t", options.ttl.map(|n| n.to_string())),
    ];
    let given = pairs.into_iter().filter_map(|(flag, value)| value.map(|value| [flag.to_owned(), value]));
    Program { name: "ping", arguments: given.flatten().chain([host]).collect() }
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
            ("show ip bgp", Show::BgpTable { family }),
            ("sh ip bg su", Show::BgpSummary { family: Some(family) }),
            ("show bgp summary", Show::BgpSummary { family: None }),
            ("show bgp ipv6", Show::BgpTable { family: Family::Ipv6Unicast }),
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

    #[test]
    fn programs_get_clean_arguments() {
        let arguments = ["-c", "3", "-s", "100", "192.0.2.1"].map(str::to_owned).to_vec();
        assert_eq!(typed("ping 192.0.2.1 size 100 count 3"), Deed::Run(Program { name: "ping", arguments }));
        let arguments = vec!["node.example".to_owned()];
        assert_eq!(typed("traceroute node.example"), Deed::Run(Program { name: "traceroute", arguments }));
        for injected in ["-f", "a;b", "$(x)", "a b", "--help"] {
            let line = format!("ping '{injected}'");
            let commands = grammar::parse::line(&line).unwrap();
            assert!(words::resolve(&commands[0].words).is_err(), "{injected}");
        }
    }
}
