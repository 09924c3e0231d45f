//! `table-map`: what is kept out of the kernel, with which reason, and that an edit touches what it concerns only.

use api::View;
use api::request::{BgpTarget, Show};
use api::view::bgp_path::KernelState;
use nouns::Prefix;

use super::policies::{Stage, prefixes};
use super::*;

const OPEN: &str = "set protocols bgp 64512 parameters ebgp-requires-policy disable
set protocols bgp 64512 table-map FIB
set policy prefix-list FIRST rule 10 action permit
set policy prefix-list FIRST rule 10 prefix 10.0.0.0/23
set policy prefix-list FIRST rule 10 le 24
set policy route-map FIB rule 10 action deny
set policy route-map FIB rule 10 match ip address prefix-list FIRST
set policy route-map FIB rule 20 action permit";

fn kernel_has(stage: &Stage) -> Vec<String> {
    stage.kernel.routes.keys().map(|key| key.to_string()).collect()
}

fn kernel_state(stage: &mut Stage, prefix: Prefix) -> KernelState {
    let asked = Show::BgpPrefix { family: Family::Ipv4Unicast, target: BgpTarget::Prefix(prefix), why: true };
    let Ok(View::BgpPrefix(shown)) = stage.show(asked) else { panic!("no prefix") };
    shown.kernel
}

#[test]
fn what_the_map_denies_is_announced_and_not_installed_and_is_told_why() {
    let mut stage = Stage::new(OPEN);
    let routes: Vec<Prefix> = prefixes(4).collect();
    stage.announces(routes.iter().copied(), 1);
    stage.rest();
    assert_eq!(stage.known.len(), 4, "neighbors hear of all");
    assert_eq!(kernel_has(&stage), ["10.0.2.0/24", "10.0.3.0/24"]);
    let KernelState::NotWanted { reason } = kernel_state(&mut stage, routes[0]) else { panic!("it is installed") };
    assert_eq!(reason, "table-map: route-map FIB rule 10 denies it");
    assert!(matches!(kernel_state(&mut stage, routes[3]), KernelState::Installed { .. }));
}

#[test]
fn an_edit_writes_only_the_routes_that_it_concerns_and_says_nothing_to_neighbors() {
    let mut stage = Stage::new(OPEN);
    stage.announces(prefixes(4), 1);
    stage.rest();
    let before = stage.kernel.routes.clone();
    for (edit, expect) in [
        ("set policy prefix-list FIRST rule 10 prefix 10.0.0.0/24", &["10.0.1.0/24", "10.0.2.0/24", "10.0.3.0/24"][..]),
        (
            "set policy route-map FIB rule 10 action permit",
            &["10.0.0.0/24", "10.0.1.0/24", "10.0.2.0/24", "10.0.3.0/24"],
        ),
        ("set policy route-map FIB rule 20 action deny", &["10.0.0.0/24"]),
        ("delete protocols bgp 64512 table-map", &["10.0.0.0/24", "10.0.1.0/24", "10.0.2.0/24", "10.0.3.0/24"]),
    ] {
        stage.commit(edit);
        stage.rest();
        assert_eq!(kernel_has(&stage), expect, "{edit}");
        assert!(stage.heard.is_empty() && !stage.closed, "{edit}: {:?}", stage.heard);
    }
    assert!(before.iter().all(|(key, target)| stage.kernel.routes.get(key) == Some(target)));
}

#[test]
fn the_map_may_set_metric_and_distance_of_the_route_table() {
    let mut stage = Stage::new(OPEN);
    let routes: Vec<Prefix> = prefixes(3).collect();
    stage.announces(routes.iter().copied(), 1);
    stage.commit("set policy route-map FIB rule 20 set metric 77\nset policy route-map FIB rule 20 set distance 99");
    stage.rest();
    let route = stage.engine.rib.selected(routes[2]).unwrap();
    assert_eq!((route.metric, route.distance), (77, 99));
}
