//! Several paths of a prefix between routers of our own (RFC 7911), in any weather.

use std::collections::BTreeSet;

use api::View;
use api::request::Show;
use nouns::{Family, Prefix};
use scenarios::sim::{Network, Node, config};

use super::{SECOND, SHOP, seconds, seeds};

/// A route server with three announcers and two listeners: one hears of all paths, the other of the best one.
struct Exchange {
    network: Network,
    announcers: Vec<Node>,
    listeners: [Node; 2],
}

const ALL: u8 = 11;
const ONE: u8 = 12;

impl Exchange {
    fn new(seed: u64) -> Self {
        let mut network = Network::new(seed);
        let neighbor = |last: u8| {
            format!("set protocols bgp 65000 neighbor 10.0.0.{last} remote-as {}\n", 65000 + u32::from(last))
        };
        let mut lines = "set protocols bgp 65000 parameters ebgp-requires-policy disable\n".to_owned();
        lines.extend([1, 2, 3, ALL, ONE].map(neighbor));
        lines += &format!("set protocols bgp 65000 neighbor 10.0.0.{ALL} addpath-tx-all\n");
        network.router("server", &["10.0.0.100/24"], config(&lines));
        let mut member = |last: u8| {
            let asn = 65000 + u32::from(last);
            let mut lines = format!(
                "set protocols bgp {asn} parameters ebgp-requires-policy disable\n\
                 set protocols bgp {asn} neighbor 10.0.0.100 remote-as 65000\n"
            );
            for service in [SHOP, SECOND] {
                lines += &format!("set protocols static route {service} blackhole\n");
            }
            network.router(&format!("r{last}"), &[&format!("10.0.0.{last}/24")], config(&lines))
        };
        let announcers = [1, 2, 3].map(&mut member).to_vec();
        let listeners = [member(ALL), member(ONE)];
        Self { network, announcers, listeners }
    }

    /// The first AS behind the server of each path of a prefix that a listener knows.
    fn knows(&mut self, listener: Node, prefix: &str) -> Vec<String> {
        let show = Show::BgpTable { family: Family::Ipv4Unicast, filter: grammar::commands::TableFilter::default() };
        let View::BgpTable(table) = self.network.show(listener, show) else { unreachable!("a table was asked for") };
        let prefix: Prefix = prefix.parse().unwrap();
        let paths = table.routes.into_iter().filter(|route| route.prefix == prefix).flat_map(|route| route.paths);
        let mut known: Vec<String> =
            paths.filter(|path| path.from.is_some()).map(|path| path.as_path.replacen("65000 ", "", 1)).collect();
        known.sort();
        known
    }
}

#[test]
fn a_listener_knows_in_the_end_the_paths_that_there_are() {
    for seed in 0..seeds() {
        let mut exchange = Exchange::new(seed);
        exchange.network.weather((1, 200), 20);
        exchange.network.run(seconds(40));
        let mut announced: [BTreeSet<u32>; 2] = Default::default();
        let mut draw = seed;
        for _ in 0..12 {
            draw = draw.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let (who, what) = ((draw >> 33) % 3, usize::from(draw >> 40 & 1 == 1));
            let asn = 65001 + u32::try_from(who).unwrap();
            let service = [SHOP, SECOND][what];
            let word = if announced[what].remove(&asn) { "delete" } else { "set" };
            if word == "set" {
                announced[what].insert(asn);
            }
            let node = exchange.announcers[usize::try_from(who).unwrap()];
            exchange.network.commit(node, &format!("{word} protocols bgp {asn} network {service}"));
            if draw >> 50 & 1 == 1 {
                exchange.network.run(seconds(1));
            }
        }
        exchange.network.run(seconds(20));
        let [all, one] = exchange.listeners;
        for (what, service) in [SHOP, SECOND].into_iter().enumerate() {
            let wanted: Vec<String> = announced[what].iter().map(ToString::to_string).collect();
            assert_eq!(exchange.knows(all, service), wanted, "seed {seed}, {service}");
            assert_eq!(exchange.knows(one, service).len(), wanted.len().min(1), "seed {seed}, {service}");
        }
    }
}
