//! `parameters no-fib-install`: BGP decides and announces, and neither the route table nor the kernel hears of it.

use api::request::{RouteFilter, Show};
use api::view::bgp_path::KernelState;
use api::{BgpTarget, Text, View};
use nouns::Prefix;
use rib::fib::FibState;

use super::policies::{Stage, prefixes};
use super::*;

/// Everything goes through, and the networks of the router's own configuration go to the kernel as ever.
const OPEN: &str = "set protocols bgp 64512 parameters ebgp-requires-policy disable
set protocols static route 10.9.0.0/16 blackhole
set protocols bgp 64512 network 10.9.0.0/16";
const KEEP_OUT: &str = "set protocols bgp 64512 parameters no-fib-install";
const LET_IN: &str = "delete protocols bgp 64512 parameters no-fib-install";

fn own() -> Prefix {
    "10.9.0.0/16".parse().unwrap()
}

/// Which of the prefixes the kernel shall have.
fn installed(stage: &Stage) -> Vec<Prefix> {
    let there = |prefix: &Prefix| matches!(stage.engine.fib.state(*prefix), FibState::Installed { .. });
    prefixes(3).chain([own()]).filter(there).collect()
}

fn listing(stage: &mut Stage) -> String {
    let asked = Show::Routes { family: Family::Ipv4Unicast, filter: RouteFilter::All };
    stage.show(asked).unwrap().text()
}

#[test]
fn routes_of_bgp_go_to_neighbors_and_not_to_the_kernel() {
    let mut stage = Stage::new(&format!("{OPEN}\n{KEEP_OUT}"));
    stage.announces(prefixes(3), 1);
    stage.rest();
    assert_eq!(stage.known.len(), 4, "the listener hears of them all the same");
    assert_eq!(installed(&stage), [own()], "static routes are none of BGP's");
    assert_eq!(stage.engine.rib.iter().count(), 2, "the network of the link and the static route");
}

#[test]
fn a_commit_takes_them_out_and_puts_them_back_without_a_word_to_neighbors() {
    let mut stage = Stage::new(OPEN);
    stage.announces(prefixes(3), 1);
    stage.rest();
    let all: Vec<Prefix> = prefixes(3).chain([own()]).collect();
    assert_eq!(installed(&stage), all);
    for (edit, expect) in [(KEEP_OUT, vec![own()]), (LET_IN, all.clone()), (KEEP_OUT, vec![own()])] {
        stage.commit(edit);
        stage.rest();
        assert_eq!(installed(&stage), expect, "{edit}");
        assert_eq!((stage.heard.len(), stage.closed), (0, false), "{edit}");
    }
}

#[test]
fn who_misses_them_is_told_why() {
    let mut stage = Stage::new(OPEN);
    stage.announces(prefixes(1), 1);
    stage.rest();
    let prefix = prefixes(1).next().unwrap();
    let detail = Show::Routes { family: Family::Ipv4Unicast, filter: RouteFilter::Prefix(prefix) };
    assert!(stage.show(detail.clone()).is_ok());
    assert!(!listing(&mut stage).contains("no-fib-install"));
    stage.commit(KEEP_OUT);
    stage.rest();
    assert_eq!(stage.show(detail), Err("% Network not in table".to_owned()));
    assert!(listing(&mut stage).contains("no-fib-install"));
    let asked = Show::BgpPrefix { family: Family::Ipv4Unicast, target: BgpTarget::Prefix(prefix), why: true };
    let View::BgpPrefix(shown) = stage.show(asked).unwrap() else { panic!("no prefix") };
    let KernelState::NotWanted { reason } = shown.kernel else { panic!("{:?}", shown.kernel) };
    assert!(reason.contains("no-fib-install"), "{reason}");
}
