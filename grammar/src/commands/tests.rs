//! Every command, from words to its `Op`.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail loudly")]

use std::collections::BTreeSet;
use std::net::IpAddr;

use nouns::{Asn, Family::*};

use super::tree::Token;
use super::*;
use crate::parse;
use crate::value::PolicyList;

fn words(text: &str) -> Vec<Word> {
    parse::line(text).unwrap().into_iter().next().map(|command| command.words).unwrap_or_default()
}

fn op(text: &str) -> Op {
    resolve(&words(text)).unwrap_or_else(|error| panic!("{text}: {error}"))
}

#[test]
fn words_become_filters_of_a_table() {
    let prefix = "172.16.102.229/32".parse().unwrap();
    let table = |filter| Op::ShowBgpTable { family: Ipv4Unicast, filter };
    for (text, expect) in [
        ("show ip bgp cidr-only", table(TableFilter::CidrOnly)),
        (
            "show ip bgp community 64512:1 no-export",
            table(TableFilter::Communities { values: vec![0xfc00_0001, 0xffff_ff01], exact: false }),
        ),
        (
            "show bgp ipv4 community 64512:1 exact-match",
            table(TableFilter::Communities { values: vec![0xfc00_0001], exact: true }),
        ),
        (
            "show ip bgp large-community 1:2:3 4:5:6 exact-match",
            table(TableFilter::LargeCommunities { values: vec![[1, 2, 3], [4, 5, 6]], exact: true }),
        ),
        (
            "show ip bgp community-list NODES exact-match",
            table(TableFilter::CommunityList { name: "NODES".to_owned(), exact: true }),
        ),
        (
            "show ip bgp large-community-list NODES",
            table(TableFilter::LargeCommunityList { name: "NODES".to_owned(), exact: false }),
        ),
        ("show ip bgp filter-list NODES", table(TableFilter::AsPathList("NODES".to_owned()))),
        ("show ip bgp prefix-list NODES", table(TableFilter::PrefixList("NODES".to_owned()))),
        (
            "show bgp ipv6 prefix-list NODES",
            Op::ShowBgpTable { family: Ipv6Unicast, filter: TableFilter::PrefixList("NODES".to_owned()) },
        ),
        ("show ip bgp route-map NODES", table(TableFilter::RouteMap("NODES".to_owned()))),
        ("show ip bgp regexp '^64513 64514$'", table(TableFilter::Regexp("^64513 64514$".to_owned()))),
        ("show ip bgp 172.16.102.229/32 longer-prefixes", table(TableFilter::LongerPrefixes(prefix))),
    ] {
        assert_eq!(op(text), expect, "{text}");
    }
}

#[test]
fn words_become_commands() {
    let node = "192.168.101.201".parse().unwrap();
    let node6 = "fd00:101::201".parse().unwrap();
    let prefix = "172.16.102.229/32".parse().unwrap();
    let neighbors = |family, neighbor| Op::ShowBgpNeighbors { family, neighbor, interface: None };
    let routes = |family, filter| Op::ShowRoutes { family, filter };
    let interfaces = |class, name: &str, form| Op::ShowInterfaces {
        class,
        name: (!name.is_empty()).then(|| name.parse().unwrap()),
        form,
    };
    let (brief, detail, counters) = (InterfaceForm::Brief, InterfaceForm::Detail, InterfaceForm::Counters);
    for (text, expect) in [
        ("configure", Op::Configure),
        ("conf", Op::Configure),
        ("exit", Op::Exit),
        ("quit", Op::Exit),
        ("logout", Op::Exit),
        ("help", Op::Help),
        ("show ip bgp summary", Op::ShowBgpSummary { family: Some(Ipv4Unicast) }),
        ("sh ip b su", Op::ShowBgpSummary { family: Some(Ipv4Unicast) }),
        ("show bgp summary", Op::ShowBgpSummary { family: None }),
        ("show bgp ipv6 summary", Op::ShowBgpSummary { family: Some(Ipv6Unicast) }),
        ("show ip bgp", Op::ShowBgpTable { family: Ipv4Unicast, filter: TableFilter::All }),
        ("show bgp", Op::ShowBgpTables),
        (
            "show bgp 172.16.102.229/32",
            Op::ShowBgpPrefix { family: Ipv4Unicast, destination: Destination::Prefix(prefix), why: false },
        ),
        (
            "show bgp fd00:101::201 why",
            Op::ShowBgpPrefix { family: Ipv6Unicast, destination: Destination::Address(node6), why: true },
        ),
        ("show bgp ipv4", Op::ShowBgpTable { family: Ipv4Unicast, filter: TableFilter::All }),
        ("show bgp ipv6", Op::ShowBgpTable { family: Ipv6Unicast, filter: TableFilter::All }),
        ("show ipv6 bgp", Op::ShowBgpTable { family: Ipv6Unicast, filter: TableFilter::All }),
        (
            "show ip bgp 172.16.102.229/32",
            Op::ShowBgpPrefix { family: Ipv4Unicast, destination: Destination::Prefix(prefix), why: false },
        ),
        (
            "show ip bgp 172.16.102.229 why",
            Op::ShowBgpPrefix { family: Ipv4Unicast, destination: Destination::Address(prefix.address()), why: true },
        ),
        (
            "show bgp ipv6 FD00:101::201",
            Op::ShowBgpPrefix { family: Ipv6Unicast, destination: Destination::Address(node6), why: false },
        ),
        ("show ip bgp neighbors", neighbors(Some(Ipv4Unicast), None)),
        ("show ip bgp nei 192.168.101.201", neighbors(Some(Ipv4Unicast), Some(node))),
        ("show bgp neighbors fd00:101::201", neighbors(None, Some(node6))),
        (
            "show ip bgp neighbors 192.168.101.201 rec",
            Op::ShowBgpNeighborRoutes { family: Ipv4Unicast, neighbor: node, which: NeighborRoutes::Received },
        ),
        (
            "show ip bgp neighbors 192.168.101.201 advertised-routes",
            Op::ShowBgpNeighborRoutes { family: Ipv4Unicast, neighbor: node, which: NeighborRoutes::Advertised },
        ),
        (
            "show bgp ipv6 neighbors 192.168.101.201 routes",
            Op::ShowBgpNeighborRoutes { family: Ipv6Unicast, neighbor: node, which: NeighborRoutes::Accepted },
        ),
        ("show ip route", routes(Ipv4Unicast, RouteFilter::All)),
        ("show ip route bgp", routes(Ipv4Unicast, RouteFilter::Source(RouteSource::Bgp))),
        ("show ip route conn", routes(Ipv4Unicast, RouteFilter::Source(RouteSource::Connected))),
        ("show ip route kernel", routes(Ipv4Unicast, RouteFilter::Source(RouteSource::Kernel))),
        ("show ip route static", routes(Ipv4Unicast, RouteFilter::Source(RouteSource::Static))),
        ("show ip route summary", routes(Ipv4Unicast, RouteFilter::Summary)),
        ("show ipv6 route", routes(Ipv6Unicast, RouteFilter::All)),
        ("show ip route 172.16.102.229/32", routes(Ipv4Unicast, RouteFilter::Destination(Destination::Prefix(prefix)))),
        ("show ipv6 route fd00:101::201", routes(Ipv6Unicast, RouteFilter::Destination(Destination::Address(node6)))),
        ("show ip fib", Op::ShowFib { family: Ipv4Unicast, summary: false }),
        ("show ipv6 fib summary", Op::ShowFib { family: Ipv6Unicast, summary: true }),
        ("show interfaces", interfaces(None, "", brief)),
        ("show interfaces counters", interfaces(None, "", counters)),
        ("show interfaces detail", interfaces(None, "", detail)),
        ("show interfaces ethernet", interfaces(Some(InterfaceClass::Ethernet), "", brief)),
        ("show interfaces bridge det", interfaces(Some(InterfaceClass::Bridge), "", detail)),
        ("show interfaces ethernet eth1", interfaces(Some(InterfaceClass::Ethernet), "eth1", detail)),
        ("show interfaces ethernet eth1 brief", interfaces(Some(InterfaceClass::Ethernet), "eth1", brief)),
        ("show interfaces ethernet eth1 vif 7", interfaces(Some(InterfaceClass::Ethernet), "eth1.7", detail)),
        ("show interfaces lo", interfaces(Some(InterfaceClass::Loopback), "", brief)),
        ("show interfaces loopback lo", interfaces(Some(InterfaceClass::Loopback), "lo", detail)),
        ("show interfaces eth1 counters", interfaces(None, "eth1", counters)),
        ("show ip route forward", Op::ShowKernelRoutes { family: Ipv4Unicast, table: 254 }),
        ("show ipv6 route table 100", Op::ShowKernelRoutes { family: Ipv6Unicast, table: 100 }),
        ("show ip route supernets-only", routes(Ipv4Unicast, RouteFilter::SupernetsOnly)),
        ("show ip route 172.16.102.229/32 long", routes(Ipv4Unicast, RouteFilter::LongerPrefixes(prefix))),
        (
            "show ip bgp neighbors 192.168.101.201 filtered-routes",
            Op::ShowBgpNeighborRoutes { family: Ipv4Unicast, neighbor: node, which: NeighborRoutes::Filtered },
        ),
        (
            "show ip bgp neighbors 192.168.101.201 prefix-counts",
            Op::ShowBgpPrefixCounts { family: Ipv4Unicast, neighbor: node },
        ),
    ] {
        assert_eq!(op(text), expect, "{text}");
    }
}

#[test]
fn words_ask_for_routes_that_flap_and_forget_them() {
    let prefix = "192.0.2.0/24".parse().ok();
    let shown = |family, which| Op::ShowDamping { family, which };
    for (text, expect) in [
        ("show ip bgp dampening dampened-paths", shown(Ipv4Unicast, DampingShown::Paths)),
        ("show bgp ipv6 damp flap", shown(Ipv6Unicast, DampingShown::Flaps)),
        ("show ip bgp dampening parameters", shown(Ipv4Unicast, DampingShown::Parameters)),
        ("dump bgp table /tmp/t.mrt", Op::DumpTable { file: "/tmp/t.mrt".to_owned() }),
        ("clear ip bgp dampening", Op::ClearDamping { family: Some(Ipv4Unicast), prefix: None }),
        ("reset bgp dampening 192.0.2.0/24", Op::ClearDamping { family: None, prefix }),
    ] {
        assert_eq!(op(text), expect, "{text}");
    }
}

#[test]
fn words_ask_the_rpki() {
    let prefix = "192.0.2.0/24".parse().unwrap();
    let asn = Asn(64512);
    for (text, expect) in [
        ("show rpki aspa", RpkiShown::Aspas(None)),
        ("show rpki aspa 64512", RpkiShown::Aspas(Some(asn))),
        ("show rpki cache-connection", RpkiShown::Caches),
        ("show rpki prefix-t", RpkiShown::All),
        ("show rpki as-number 64512", RpkiShown::OfAs(asn)),
        ("show rpki prefix 192.0.2.0/24", RpkiShown::Covering { prefix, asn: None }),
        ("show rpki prefix 192.0.2.0/24 64512", RpkiShown::Covering { prefix, asn: Some(asn) }),
    ] {
        assert_eq!(op(text), Op::ShowRpki(expect), "{text}");
    }
}

#[test]
fn words_of_bfd_become_commands() {
    let node = "192.168.101.201".parse().ok();
    for (text, brief, peer) in [
        ("show bfd peers", false, None),
        ("show bfd peers br", true, None),
        ("show bfd peers 192.168.101.201", false, node),
    ] {
        assert_eq!(op(text), Op::ShowBfdPeers { brief, peer }, "{text}");
    }
}

#[test]
fn words_ask_for_policies() {
    let list = |list, name: Option<&str>| Op::ShowPolicy { list: Some(list), name: name.map(str::to_owned) };
    for (text, expect) in [
        ("show policy", Op::ShowPolicy { list: None, name: None }),
        ("show policy access-list 10", list(PolicyList::AccessList, Some("10"))),
        ("show policy access-list6", list(PolicyList::AccessList6, None)),
        ("show ip access-list", list(PolicyList::AccessList, None)),
        ("show ipv6 access-list NODES", list(PolicyList::AccessList6, Some("NODES"))),
        ("show pol as", list(PolicyList::AsPathList, None)),
        ("show policy community-list GOOD", list(PolicyList::CommunityList, Some("GOOD"))),
        ("show policy large-community-list", list(PolicyList::LargeCommunityList, None)),
        ("show policy extcommunity-list", list(PolicyList::ExtcommunityList, None)),
        ("show policy prefix-list NODES", list(PolicyList::PrefixList, Some("NODES"))),
        ("show policy prefix-list6", list(PolicyList::PrefixList6, None)),
        ("show policy route-map IN", list(PolicyList::RouteMap, Some("IN"))),
        ("show ip prefix-list NODES", list(PolicyList::PrefixList, Some("NODES"))),
        ("show ipv6 prefix-list", list(PolicyList::PrefixList6, None)),
        ("show route-map IN", list(PolicyList::RouteMap, Some("IN"))),
    ] {
        assert_eq!(op(text), expect, "{text}");
    }
}

#[test]
fn a_route_is_made_up_in_any_order_of_words() {
    let Op::ShowPolicyTest { route_map, route } = op("show policy test route-map IN prefix 2001:db8::/32 metric 7 \
        as-path '64513 64514' origin egp neighbor 192.0.2.1 community '64512:1 no-export' protocol static tag 9")
    else {
        panic!("not a test")
    };
    assert_eq!((route_map.as_str(), route.prefix), ("IN", "2001:db8::/32".parse().unwrap()));
    assert_eq!((route.metric, route.tag, route.local_preference), (Some(7), 9, None));
    assert_eq!(route.as_path, [Asn(64513), Asn(64514)]);
    assert_eq!(route.communities, [64512 << 16 | 1, 0xffff_ff01]);
    assert_eq!((route.origin, route.source), (RouteOrigin::Egp, RouteSource::Static));
    assert_eq!(route.neighbor, Some("192.0.2.1".parse().unwrap()));
    let bare = op("show policy test route-map IN prefix 10.0.0.0/8");
    assert!(matches!(bare, Op::ShowPolicyTest { route, .. } if route.source == RouteSource::Bgp));
    for text in ["show policy test", "show policy test route-map IN", "show policy test route-map IN prefix"] {
        let refused = resolve(&words(text)).unwrap_err().to_string();
        assert!(refused.starts_with("Incomplete command"), "{text}: {refused}");
    }
}

#[test]
fn words_ask_the_system() {
    for (text, expect) in [
        ("show configuration", Op::ShowConfiguration { form: ConfigurationForm::Braces }),
        ("show configuration all", Op::ShowConfiguration { form: ConfigurationForm::All }),
        ("show conf comm", Op::ShowConfiguration { form: ConfigurationForm::Commands }),
        ("show version", Op::ShowVersion),
        ("show log", Op::ShowLog { lines: None }),
        ("show log 50", Op::ShowLog { lines: Some(50) }),
        ("show system commit", Op::ShowSystemCommit),
        ("show log tail", Op::ShowLog { lines: Some(10) }),
        ("show log tail 30", Op::ShowLog { lines: Some(30) }),
        ("show system commit diff 0", Op::ShowSystemCommitDiff { number: 0 }),
        ("show system commit file 3", Op::ShowSystemCommitFile { number: 3 }),
        ("show arp", Op::ShowNeighborTable { family: Ipv4Unicast, interface: None }),
        ("show arp eth0", Op::ShowNeighborTable { family: Ipv4Unicast, interface: Some("eth0".parse().unwrap()) }),
        ("show ipv6 neighbors", Op::ShowNeighborTable { family: Ipv6Unicast, interface: None }),
        ("show date", Op::ShowMachine(Machine::Date)),
        ("show users", Op::ShowMachine(Machine::Users)),
        ("show system login users", Op::ShowMachine(Machine::Users)),
        ("show system upt", Op::ShowMachine(Machine::Uptime)),
        ("show system memory", Op::ShowMachine(Machine::Memory)),
        ("show hardware mem", Op::ShowMachine(Machine::Memory)),
        ("show hardware cpu", Op::ShowMachine(Machine::Cpu)),
        ("show hardware pci", Op::ShowMachine(Machine::Pci)),
        ("show system storage", Op::ShowMachine(Machine::Storage)),
        ("show system processes", Op::ShowMachine(Machine::Processes)),
        ("show system connections", Op::ShowMachine(Machine::Connections)),
        ("show system boot-messages", Op::ShowMachine(Machine::BootMessages)),
        ("show system kernel-messages", Op::ShowMachine(Machine::KernelMessages)),
        ("show history", Op::ShowHistory { lines: None }),
        ("show history 5", Op::ShowHistory { lines: Some(5) }),
        ("show tech", Op::ShowTechSupport),
        ("show configuration json", Op::ShowConfiguration { form: ConfigurationForm::Json }),
        ("show configuration json pretty", Op::ShowConfiguration { form: ConfigurationForm::JsonPretty }),
        ("show configuration files", Op::ShowConfiguration { form: ConfigurationForm::Files }),
    ] {
        assert_eq!(op(text), expect, "{text}");
    }
}

#[test]
fn words_do_something() {
    let node: IpAddr = "192.168.101.201".parse().unwrap();
    let probe = |tool, host: &str, options| Op::Probe { tool, host: host.to_owned(), options };
    for (text, expect) in [
        ("clear arp", Op::ClearNeighborTable { family: Ipv4Unicast, interface: None, address: None }),
        (
            "clear arp 192.168.101.201",
            Op::ClearNeighborTable { family: Ipv4Unicast, interface: None, address: Some(node) },
        ),
        (
            "clear ipv6 neighbors interface eth0",
            Op::ClearNeighborTable { family: Ipv6Unicast, interface: Some("eth0".parse().unwrap()), address: None },
        ),
        ("clear interfaces counters", Op::ClearInterfaceCounters { interface: None }),
        (
            "clear interfaces ethernet eth1 counters",
            Op::ClearInterfaceCounters { interface: Some("eth1".parse().unwrap()) },
        ),
        ("monitor log", Op::Monitor(Monitored::Log)),
        ("mon int", Op::Monitor(Monitored::Interfaces)),
        ("monitor bgp", Op::Monitor(Monitored::Bgp)),
        ("monitor protocol bgp", Op::Monitor(Monitored::Bgp)),
        (
            "monitor traffic interface eth0 filter 'tcp port 179'",
            Op::MonitorTraffic { interface: "eth0".parse().unwrap(), filter: Some("tcp port 179".to_owned()) },
        ),
        ("reboot", Op::Shutdown { reboot: true, when: When::Asked }),
        ("reboot now", Op::Shutdown { reboot: true, when: When::Now }),
        ("poweroff in 5", Op::Shutdown { reboot: false, when: When::In(5) }),
        ("shutdown cancel", Op::Shutdown { reboot: false, when: When::Cancel }),
        ("restart bgp", Op::RestartDaemon),
        ("show system image", Op::Image(ImageWork::List)),
        ("add system image /config/x.image", Op::Image(ImageWork::Add { from: "/config/x.image".to_owned() })),
        ("install image", Op::Image(ImageWork::Install)),
        ("set system image default-boot 1.2", Op::Image(ImageWork::Default { name: "1.2".to_owned() })),
        ("delete system image 1.2", Op::Image(ImageWork::Delete { name: "1.2".to_owned() })),
        (
            "rename system image 1.2 spare",
            Op::Image(ImageWork::Rename { name: "1.2".to_owned(), new: "spare".to_owned() }),
        ),
        ("set date 010212302026", Op::SetDate { date: "010212302026".to_owned() }),
        ("set terminal length 0", Op::SetTerminal(TerminalSetting::Length(0))),
        ("terminal length 24", Op::SetTerminal(TerminalSetting::Length(24))),
        ("terminal width 512", Op::SetTerminal(TerminalSetting::Width(512))),
        ("traceroute example.net", probe(Tool::Traceroute, "example.net", vec![])),
        ("mtr example.net", probe(Tool::Mtr, "example.net", vec![])),
        ("telnet example.net 179", probe(Tool::Telnet, "example.net", vec![ProbeOption::Port(179)])),
        ("ping 192.0.2.1", probe(Tool::Ping, "192.0.2.1", vec![])),
        (
            "ping count count 3 interface eth0 ttl 9 quiet count 4",
            probe(
                Tool::Ping,
                "count",
                vec![
                    ProbeOption::Count(4),
                    ProbeOption::Interface("eth0".parse().unwrap()),
                    ProbeOption::Quiet,
                    ProbeOption::TimeToLive(9),
                ],
            ),
        ),
    ] {
        assert_eq!(op(text), expect, "{text}");
    }
}

#[test]
fn the_balancer_is_asked_for_flows_and_packets() {
    for (text, expected) in [
        (
            "show balancer connections client 192.0.2.1 service web",
            Op::ShowBalancer {
                what: BalancerShown::Connections,
                service: Some("web".to_owned()),
                node: None,
                client: Some(IpAddr::from([192, 0, 2, 1])),
            },
        ),
        ("show balancer explain pcap /tmp/web.pcap", Op::ExplainBalancerPackets { file: "/tmp/web.pcap".to_owned() }),
        (
            "show balancer explain 192.0.2.1 1 192.0.2.2 80 tcp",
            Op::ExplainBalancer {
                source: "192.0.2.1".parse().unwrap(),
                source_port: 1,
                destination: "192.0.2.2".parse().unwrap(),
                destination_port: 80,
                protocol: 6,
            },
        ),
        (
            "monitor balancer capture",
            Op::MonitorBalancer { every: 1, service: None, backend: None, reason: None, file: None },
        ),
        (
            "monitor balancer capture service web reason no-backend",
            Op::MonitorBalancer {
                every: 1,
                service: Some("web".to_owned()),
                backend: None,
                reason: Some("no-backend".to_owned()),
                file: None,
            },
        ),
        (
            "monitor balancer capture every 100 file /tmp/web.pcapng",
            Op::MonitorBalancer {
                every: 100,
                service: None,
                backend: None,
                reason: None,
                file: Some("/tmp/web.pcapng".to_owned()),
            },
        ),
    ] {
        assert_eq!(op(text), expected, "{text}");
    }
}

#[test]
fn sessions_are_cleared_by_either_word_in_every_way() {
    let address = ClearTarget::Address("192.168.101.201".parse().unwrap());
    for (text, family, target, how) in [
        ("ip bgp all", Some(Ipv4Unicast), ClearTarget::All, ClearHow::Hard),
        ("ip bgp *", Some(Ipv4Unicast), ClearTarget::All, ClearHow::Hard),
        ("ip bgp * hard", Some(Ipv4Unicast), ClearTarget::All, ClearHow::ForGood),
        ("ip bgp * soft", Some(Ipv4Unicast), ClearTarget::All, ClearHow::Soft),
        ("ip bgp 192.168.101.201", Some(Ipv4Unicast), address.clone(), ClearHow::Hard),
        ("ip bgp 192.168.101.201 soft in", Some(Ipv4Unicast), address.clone(), ClearHow::SoftIn),
        ("ip bgp 192.168.101.201 out", Some(Ipv4Unicast), address.clone(), ClearHow::SoftOut),
        ("ip bgp 64512", Some(Ipv4Unicast), ClearTarget::Asn(Asn(64512)), ClearHow::Hard),
        ("ip bgp external in", Some(Ipv4Unicast), ClearTarget::External, ClearHow::SoftIn),
        ("ip bgp peer-group in soft", Some(Ipv4Unicast), ClearTarget::Group("in".to_owned()), ClearHow::Soft),
        ("ipv6 bgp 64512 soft out", Some(Ipv6Unicast), ClearTarget::Asn(Asn(64512)), ClearHow::SoftOut),
        ("bgp ipv6 192.168.101.201", Some(Ipv6Unicast), address.clone(), ClearHow::Hard),
        ("bgp 192.168.101.201", None, address, ClearHow::Hard),
    ] {
        let expect = Op::ClearBgp { family, target, how, message: None };
        assert_eq!(op(&format!("clear {text}")), expect, "{text}");
        assert_eq!(op(&format!("reset {text}")), expect, "{text}");
    }
}

#[test]
fn a_session_is_closed_with_a_text_and_not_softly() {
    let target = ClearTarget::Address("192.168.101.201".parse().unwrap());
    let message = Some("back at 10:00".to_owned());
    let expect = Op::ClearBgp { family: Some(Ipv4Unicast), target, how: ClearHow::Hard, message };
    assert_eq!(op("clear ip bgp 192.168.101.201 message 'back at 10:00'"), expect);
    for text in ["clear ip bgp all soft message gone", "clear ip bgp all message", "clear ip bgp all message ''"] {
        assert!(resolve(&words(text)).is_err(), "{text}");
    }
}

#[test]
fn wrong_commands_are_refused_in_words_that_scripts_know() {
    for (text, expect) in [
        (
            "foo",
            "Invalid command: [foo]\nPossible: add, clear, configure, delete, dump, exit, help, install, logout, monitor, mtr, ping, poweroff, quit, reboot, rename, reset, restart, set, show, shutdown, telnet, terminal, traceroute",
        ),
        (
            "show foo",
            "Invalid command: show [foo]\nPossible: arp, balancer, bfd, bgp, bmp, configuration, date, hardware, history, interfaces, ip, ipv6, log, policy, route-map, rpki, system, tech-support, users, version",
        ),
        ("show verison", "Invalid command: show [verison]\nDid you mean 'version'?"),
        ("configure now", "Invalid command: configure [now]\nNothing can follow here"),
        (
            "show ip",
            "Incomplete command: show ip\n\nPossible completions:\n  access-list  Access lists of IPv4\n  bgp          Border Gateway Protocol\n  fib          What the kernel has, beside what it should have\n  prefix-list  Lists of IPv4 prefixes\n  route        Routes",
        ),
        (
            "show ip bgp 300.1.1.1",
            "\"300.1.1.1\" is not a valid value of type \"ipv4\"\nAn IPv4 address is wanted, such as 192.0.2.1\nValue validation failed",
        ),
        (
            "show ip bgp 10.0.0.1/24",
            "\"10.0.0.1/24\" is not a valid value of type \"ipv4net\"\nThe address has bits set behind the prefix length; the network is 10.0.0.0/24\nValue validation failed",
        ),
        (
            "ping -c",
            "\"-c\" is not a valid value of type \"txt\"\nAn address or a host name is wanted\nValue validation failed",
        ),
        (
            "show i",
            "Ambiguous command: show [i]\n\nPossible completions:\n  interfaces  Network interfaces\n  ip          Internet Protocol version 4\n  ipv6        Internet Protocol version 6",
        ),
    ] {
        assert_eq!(resolve(&words(text)).unwrap_err().to_string(), expect, "{text}");
    }
}

/// Walks every step once and yields the words that lead to each command.
fn commands_of(
    steps: &'static [&'static Step],
    before: &str,
    above: &mut Vec<*const &'static Step>,
    out: &mut Vec<String>,
) {
    for step in steps {
        let (Token::Word(word) | Token::Value(_, word)) = step.token;
        let path = format!("{before} {}", crate::quote_single(word));
        assert!(step.help.chars().count() <= 60 && !step.help.ends_with('.'), "{path}: {}", step.help);
        assert!(step.help.starts_with(|c: char| c.is_uppercase()), "{path}: {}", step.help);
        if let Token::Value(kind, example) = step.token {
            assert_eq!(kind.parse(example).as_deref(), Ok(example), "{path}");
        }
        assert!(step.is_command() || !step.then.is_empty(), "{path} leads nowhere");
        if step.is_command() {
            out.push(path.clone());
        }
        // The options of ping lead back to themselves; one round is enough.
        if !step.then.is_empty() && !above.contains(&step.then.as_ptr()) {
            above.push(step.then.as_ptr());
            commands_of(step.then, &path, above, out);
            above.pop();
        }
    }
}

#[test]
fn every_way_through_the_words_ends_in_a_command_and_every_command_has_words() {
    let mut found = Vec::new();
    commands_of(OPERATIONAL, "", &mut Vec::new(), &mut found);
    let ops: BTreeSet<&str> = found.iter().map(|text| name(&op(text))).collect();
    let every = [
        "configure",
        "exit",
        "help",
        "bgp summary",
        "bgp table",
        "bgp tables",
        "bgp prefix",
        "bgp neighbors",
        "bgp neighbor routes",
        "bgp prefix counts",
        "routes",
        "kernel routes",
        "fib",
        "interfaces",
        "neighbor table",
        "machine",
        "configuration",
        "policy",
        "balancer",
        "balancer explain",
        "balancer packets",
        "clear balancer statistics",
        "bfd peers",
        "bmp",
        "policy test",
        "rpki",
        "damping",
        "clear damping",
        "dump table",
        "log",
        "history",
        "system commit",
        "system commit diff",
        "system commit file",
        "tech-support",
        "version",
        "monitor",
        "monitor balancer",
        "monitor traffic",
        "clear",
        "clear neighbor table",
        "clear interface counters",
        "probe",
        "shutdown",
        "restart",
        "set date",
        "terminal",
        "image",
    ];
    assert_eq!(ops, every.into_iter().collect());
}

/// Exhaustive: a new command has to be named here, and then in the list above.
fn name(op: &Op) -> &'static str {
    match op {
        Op::Configure => "configure",
        Op::Exit => "exit",
        Op::Help => "help",
        Op::ShowBgpSummary { .. } => "bgp summary",
        Op::ShowBgpTable { .. } => "bgp table",
        Op::ShowBgpTables => "bgp tables",
        Op::ShowBgpPrefix { .. } => "bgp prefix",
        Op::ShowBgpNeighbors { .. } => "bgp neighbors",
        Op::ShowBgpNeighborRoutes { .. } => "bgp neighbor routes",
        Op::ShowBalancer { .. } => "balancer",
        Op::ExplainBalancer { .. } => "balancer explain",
        Op::ExplainBalancerPackets { .. } => "balancer packets",
        Op::ClearBalancerStatistics => "clear balancer statistics",
        Op::ShowBfdPeers { .. } => "bfd peers",
        Op::ShowRoutes { .. } => "routes",
        Op::ShowFib { .. } => "fib",
        Op::ShowBgpPrefixCounts { .. } => "bgp prefix counts",
        Op::ShowKernelRoutes { .. } => "kernel routes",
        Op::ShowInterfaces { .. } => "interfaces",
        Op::ShowNeighborTable { .. } => "neighbor table",
        Op::ShowMachine(_) => "machine",
        Op::ShowConfiguration { .. } => "configuration",
        Op::ShowPolicy { .. } => "policy",
        Op::ShowPolicyTest { .. } => "policy test",
        Op::ShowBmp => "bmp",
        Op::ShowRpki(_) => "rpki",
        Op::ShowDamping { .. } => "damping",
        Op::ClearDamping { .. } => "clear damping",
        Op::DumpTable { .. } => "dump table",
        Op::ShowLog { .. } => "log",
        Op::ShowHistory { .. } => "history",
        Op::ShowSystemCommit => "system commit",
        Op::ShowSystemCommitDiff { .. } => "system commit diff",
        Op::ShowSystemCommitFile { .. } => "system commit file",
        Op::ShowTechSupport => "tech-support",
        Op::ShowVersion => "version",
        Op::Monitor(_) => "monitor",
        Op::MonitorBalancer { .. } => "monitor balancer",
        Op::MonitorTraffic { .. } => "monitor traffic",
        Op::ClearBgp { .. } => "clear",
        Op::ClearNeighborTable { .. } => "clear neighbor table",
        Op::ClearInterfaceCounters { .. } => "clear interface counters",
        Op::Probe { .. } => "probe",
        Op::Shutdown { .. } => "shutdown",
        Op::RestartDaemon => "restart",
        Op::SetDate { .. } => "set date",
        Op::SetTerminal(_) => "terminal",
        Op::Image(_) => "image",
    }
}

#[test]
fn configuration_mode_has_its_own_commands() {
    for (text, expect) in [
        ("commit", ConfigCommand::Commit { comment: None }),
        ("commit comment 'first light'", ConfigCommand::Commit { comment: Some("first light".to_owned()) }),
        ("commit check", ConfigCommand::CommitCheck),
        ("comp", ConfigCommand::Compare(Compare::Active)),
        ("commi", ConfigCommand::Commit { comment: None }),
        ("commit-confirm", ConfigCommand::CommitConfirm { minutes: 10, comment: None }),
        ("commit-c 3", ConfigCommand::CommitConfirm { minutes: 3, comment: None }),
        ("commit-confirm 3 com x", ConfigCommand::CommitConfirm { minutes: 3, comment: Some("x".to_owned()) }),
        ("commit-confirm comment x", ConfigCommand::CommitConfirm { minutes: 10, comment: Some("x".to_owned()) }),
        ("confirm", ConfigCommand::Confirm),
        ("compare 3", ConfigCommand::Compare(Compare::Revision(3))),
        ("compare 3 1", ConfigCommand::Compare(Compare::Revisions(3, 1))),
        ("rollback 1", ConfigCommand::Rollback { revision: Some("1".to_owned()) }),
        ("rollback-soft 1", ConfigCommand::Rollback { revision: Some("1".to_owned()) }),
        ("rollback", ConfigCommand::Rollback { revision: None }),
        ("compare saved", ConfigCommand::Compare(Compare::Saved)),
        ("compare com", ConfigCommand::Compare(Compare::Commands)),
        ("disc", ConfigCommand::Discard),
        ("exit", ConfigCommand::Exit { discard: false }),
        ("exit disc", ConfigCommand::Exit { discard: true }),
        ("save", ConfigCommand::Save { file: None }),
        ("save /config/other", ConfigCommand::Save { file: Some("/config/other".to_owned()) }),
        ("load", ConfigCommand::Load { file: None }),
        ("merge x", ConfigCommand::Merge { file: "x".to_owned() }),
        ("top", ConfigCommand::Top),
        ("up", ConfigCommand::Up),
        ("help", ConfigCommand::Help),
        ("set protocols bgp 1", ConfigCommand::Set(words("set protocols bgp 1").split_off(1))),
        ("del system", ConfigCommand::Delete(words("del system").split_off(1))),
        ("edit system", ConfigCommand::Edit(words("edit system").split_off(1))),
        ("run show version", ConfigCommand::Run(words("run show version").split_off(1))),
        ("show", ConfigCommand::Show { path: vec![], all: false }),
        ("show -all", ConfigCommand::Show { path: vec![], all: true }),
    ] {
        assert_eq!(configuration(&words(text)).as_ref(), Ok(&expect), "{text}");
    }
    let comment = configuration(&words("comment system 'the router'")).unwrap();
    assert!(matches!(comment, ConfigCommand::Comment { path, text } if path.len() == 1 && text == "the router"));
}

#[test]
fn wrong_commands_of_configuration_mode_are_refused() {
    for (text, expect) in [
        ("foo", "Invalid command: [foo]"),
        ("co", "Ambiguous command: [co]"),
        ("run", "Incomplete command: run"),
        ("set", "Incomplete command: set"),
        ("merge", "Incomplete command: merge"),
        ("commit comment", "Incomplete command: commit comment"),
        ("commit comment a b", "Invalid command: commit [b]"),
        ("commit confirm", "Invalid command: commit [confirm]"),
        ("commit-confirm 0", "\"0\" is not a valid value of type \"u32\""),
        ("compare 1 2 3", "Invalid command: compare [3]"),
        ("compare saved 1", "Invalid command: compare [1]"),
        ("rollback 1 2", "Invalid command: rollback [2]"),
        ("commit check now", "Invalid command: commit [now]"),
        ("discard all", "Invalid command: discard [all]"),
        ("save a b", "Invalid command: save [b]"),
    ] {
        let error = configuration(&words(text)).unwrap_err().to_string();
        assert_eq!(error.lines().next(), Some(expect), "{text}");
    }
}

#[test]
fn pipes_are_resolved() {
    for (text, expect) in [
        ("count", Some(Pipe::Count)),
        ("js", Some(Pipe::Json)),
        ("more", Some(Pipe::More)),
        ("no-more", Some(Pipe::NoMore)),
        ("match '^ 1'", Some(Pipe::Match("^ 1".to_owned()))),
        ("no-match x", Some(Pipe::NoMatch("x".to_owned()))),
        ("m", None),
        ("match", None),
        ("match a b", None),
        ("count x", None),
        ("grep x", None),
    ] {
        assert_eq!(pipe::resolve(&words(text)).ok(), expect, "{text}");
    }
}
