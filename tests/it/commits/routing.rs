//! Settings of neighbors and of what is announced, and what they do to neighbors that are up.
//!
//! What can be done without a session lost is done so.

use std::net::IpAddr;
use std::time::Duration;

use api::request::{Clear, ClearHow, ClearTarget};
use api::text::Text;
use api::view::bgp::PeerState;
use api::{Reply, Request};
use grammar::commands::TableFilter;
use nouns::Family;
use scenarios::sim::config;

use super::{SHOP, Scene, seconds};

#[test]
fn neighbors_of_a_range_come_by_themselves_up_to_the_limit() {
    let mut scene = Scene::new(config(
        "set protocols bgp 64512 peer-group nodes remote-as 64512\n\
         set protocols bgp 64512 listen range 192.168.101.0/24 peer-group nodes\n\
         set protocols bgp 64512 listen limit 1",
    ));
    assert_eq!(scene.network.established(scene.router), ["192.168.101.201".parse::<IpAddr>().unwrap()]);
    let third = scene.network.router(
        "third",
        &["192.168.101.203/24"],
        config("set protocols bgp 64512 neighbor 192.168.101.1 remote-as 64512"),
    );
    scene.network.run(seconds(30));
    assert_eq!(scene.network.established(third), Vec::<IpAddr>::new());
    assert!(scene.network.log(scene.router).iter().any(|line| line.contains("limit of 1")));
    scene.commit("set protocols bgp 64512 listen limit 2");
    scene.network.run(seconds(60));
    assert_eq!(scene.network.established(scene.router).len(), 2);
    scene.network.crash(third);
    // It said that it would be back within two minutes.
    scene.network.run(seconds(125));
    assert_eq!(scene.network.neighbors(scene.router, Family::Ipv4Unicast).len(), 1, "who left is forgotten");
    scene.commit("delete protocols bgp 64512 listen range 192.168.101.0/24");
    scene.network.run(seconds(5));
    assert_eq!(scene.network.neighbors(scene.router, Family::Ipv4Unicast), Vec::new());
    assert_eq!(scene.network.gateways(scene.router, SHOP), None);
}

#[test]
fn the_narrowest_range_gives_the_settings_and_each_may_have_a_limit_of_its_own() {
    let mut scene = Scene::new(config(
        "set protocols bgp 64512 peer-group nodes remote-as 64512\n\
         set protocols bgp 64512 peer-group others remote-as 65002\n\
         set protocols bgp 64512 listen range 192.168.101.0/24 peer-group nodes\n\
         set protocols bgp 64512 listen range 192.168.101.0/24 limit 1\n\
         set protocols bgp 64512 listen range 192.168.101.202/31 peer-group others\n\
         set protocols bgp 64512 listen range 192.168.101.128/25 peer-group nodes",
    ));
    assert_eq!(scene.network.established(scene.router).len(), 2, "each by the AS number of its own range");
    let distant = scene.network.router(
        "distant",
        &["192.168.101.99/24"],
        config("set protocols bgp 64512 neighbor 192.168.101.1 remote-as 64512"),
    );
    scene.network.run(seconds(60));
    assert_eq!(scene.network.established(distant).len(), 1, "members of narrower ranges do not count for the wide one");
    let losses = scene.losses();
    scene.commit("delete protocols bgp 64512 listen range 192.168.101.128/25");
    let next = scene.network.router(
        "next",
        &["192.168.101.98/24"],
        config("set protocols bgp 64512 neighbor 192.168.101.1 remote-as 64512"),
    );
    scene.network.run(seconds(60));
    assert_eq!(scene.network.established(next), Vec::<IpAddr>::new());
    let log = scene.network.log(scene.router);
    assert!(log.iter().any(|line| line.contains("listen range 192.168.101.0/24 limit'")), "{log:?}");
    assert_eq!(scene.losses(), losses, "who moved to another range with the same settings kept its session");
    // A member that becomes a neighbor is no member any more, and is not forgotten when it leaves.
    scene.commit("set protocols bgp 64512 neighbor 192.168.101.201 peer-group nodes");
    assert_eq!(scene.losses(), losses);
    scene.commit("delete protocols bgp 64512 listen");
    scene.network.run(seconds(5));
    assert_eq!(scene.network.established(scene.router), ["192.168.101.201".parse::<IpAddr>().unwrap()]);
}

#[test]
fn a_soft_clear_keeps_the_session_and_a_hard_one_does_not() {
    let mut scene = Scene::usual();
    let losses: u64 = scene.losses().values().sum();
    let kernel = scene.network.kernel(scene.router).changes;
    for how in [ClearHow::SoftIn, ClearHow::SoftOut, ClearHow::Soft] {
        let clear = Clear { target: ClearTarget::All, how, family: None, message: None };
        assert_eq!(scene.network.ask(scene.router, Request::Clear(clear)), Reply::Done(String::new()));
        scene.network.run(seconds(5));
    }
    assert_eq!(scene.losses().values().sum::<u64>(), losses);
    assert_eq!(scene.network.kernel(scene.router).changes, kernel, "no route flapped");
    let address = "192.168.101.201".parse().unwrap();
    let clear = Clear {
        target: ClearTarget::Address(address),
        how: ClearHow::Hard,
        family: None,
        message: Some("back soon".to_owned()),
    };
    scene.network.ask(scene.router, Request::Clear(clear));
    scene.network.run(seconds(40));
    assert_eq!(scene.losses().values().sum::<u64>(), losses + 1);
    assert!(scene.told(scene.nodes[0]).contains("Administrative Reset \"back soon\""));
    assert_eq!(scene.network.established(scene.router).len(), 2);
    let clear =
        Clear { target: ClearTarget::Group("none".to_owned()), how: ClearHow::Hard, family: None, message: None };
    assert!(matches!(scene.network.ask(scene.router, Request::Clear(clear)), Reply::Error(_)));
}

#[test]
fn external_routes_need_a_policy_unless_that_is_switched_off() {
    let mut scene = Scene::usual();
    let losses = scene.losses();
    let route = Some(vec!["192.168.101.202".to_owned()]);
    assert_eq!(scene.network.gateways(scene.router, "172.16.2.2/32"), route);
    assert!(scene.network.gateways(scene.nodes[1], SHOP).is_some(), "the neighbor hears of the service");
    for enabled in ["enable", "disable", "enable"] {
        let line = format!("set protocols bgp 64512 parameters ebgp-requires-policy {enabled}");
        scene.commit(&line);
        scene.network.run(seconds(5));
        let exchanged = enabled == "disable";
        assert_eq!(scene.network.gateways(scene.router, "172.16.2.2/32"), route.clone().filter(|_| exchanged));
        assert_eq!(scene.network.gateways(scene.nodes[1], SHOP).is_some(), exchanged);
    }
    assert_eq!(scene.losses(), losses, "no session was reset");
}

#[test]
fn networks_and_redistributed_routes_come_and_go_with_their_cause() {
    let mut scene = Scene::usual();
    let node = scene.nodes[1];
    let heard = |scene: &Scene, prefix: &str| scene.network.gateways(node, prefix).is_some();
    let mut check = |lines: &str, expected: [bool; 3]| {
        let done = scene.commit(lines);
        assert!(matches!(done, Reply::Committed(_)), "{lines}: {done:?}");
        scene.network.run(seconds(2));
        let found = ["10.7.0.0/16", "10.9.0.0/24", "10.6.0.0/16"].map(|prefix| heard(&scene, prefix));
        assert_eq!(found, expected, "{lines}");
    };
    check("set protocols bgp 64512 network 10.7.0.0/16", [false, false, false]);
    check("set protocols static route 10.7.0.0/16 blackhole", [true, false, false]);
    check("set protocols static route 10.6.0.0/16 blackhole", [true, false, false]);
    check("set protocols bgp 64512 redistribute connected", [true, true, false]);
    check("set protocols bgp 64512 redistribute static", [true, true, true]);
    check("delete protocols bgp 64512 network 10.7.0.0/16", [true, true, true]);
    check("delete protocols static route 10.7.0.0/16", [false, true, true]);
    check("delete protocols bgp 64512 redistribute", [false, false, false]);
}

#[test]
fn a_redistributed_metric_that_changes_is_told() {
    let mut scene = Scene::usual();
    scene.commit(
        "set protocols static route 10.6.0.0/16 blackhole\nset protocols bgp 64512 redistribute static metric 5",
    );
    scene.network.run(seconds(2));
    scene.commit("set protocols bgp 64512 redistribute static metric 6");
    scene.network.run(seconds(2));
    let show = api::request::Show::BgpTable { family: Family::Ipv4Unicast, filter: TableFilter::All };
    let text = scene.network.show(scene.nodes[1], show).text();
    let row = text.lines().find(|line| line.contains("10.6.0.0")).expect("the route is there");
    assert!(row.split_whitespace().any(|word| word == "6"), "{row}");
}

#[test]
fn the_router_id_is_the_configured_one_or_else_the_highest_address() {
    let mut scene = Scene::new(config("set protocols bgp 64512 neighbor 192.168.101.201 remote-as 64512"));
    let shown = |scene: &mut Scene| {
        let show = api::request::Show::BgpSummary { family: Some(Family::Ipv4Unicast) };
        match scene.network.show(scene.router, show) {
            api::View::BgpSummary(summary) => summary.router_id.to_string(),
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(shown(&mut scene), "192.168.101.1");
    scene.commit("set protocols bgp 64512 parameters router-id 1.2.3.4");
    assert_eq!(shown(&mut scene), "1.2.3.4");
    scene.network.run(seconds(40));
    assert_eq!(scene.network.established(scene.router).len(), 1, "the session is up again with the new one");
}

#[test]
fn a_neighbor_that_is_shut_down_rests_until_it_may_work_again() {
    let mut scene = Scene::usual();
    scene.commit("set protocols bgp 64512 neighbor 192.168.101.201 shutdown");
    scene.network.run(seconds(60));
    let states = |scene: &mut Scene| -> Vec<PeerState> {
        let rows = scene.network.neighbors(scene.router, Family::Ipv4Unicast);
        rows.iter().map(|row| row.state).collect()
    };
    assert_eq!(states(&mut scene), [PeerState::IdleAdmin, PeerState::Established]);
    assert_eq!(scene.network.gateways(scene.router, SHOP), None);
    scene.commit("delete protocols bgp 64512 neighbor 192.168.101.201 shutdown");
    scene.network.run(seconds(60));
    assert_eq!(states(&mut scene), [PeerState::Established, PeerState::Established]);
    assert!(scene.network.gateways(scene.router, SHOP).is_some());
}

#[test]
fn a_neighbor_is_told_why_it_is_shut_down_and_another_text_costs_nothing() {
    let mut scene = Scene::usual();
    let neighbor = "set protocols bgp 64512 neighbor 192.168.101.201";
    let losses = scene.losses();
    scene.commit(&format!("{neighbor} shutdown-message unsaid"));
    scene.commit(&format!("{neighbor} shutdown-message bäck-at-10:00"));
    scene.network.run(seconds(5));
    assert_eq!(scene.losses(), losses, "nobody is told before the session ends");
    scene.commit(&format!("{neighbor} shutdown"));
    scene.network.run(Duration::from_millis(500));
    let told = scene.told(scene.nodes[0]);
    assert!(told.contains("Message received: \"bäck-at-10:00\""), "{told}");
    assert!(told.contains("Administrative Shutdown) \"bäck-at-10:00\""), "the log, too: {told}");
}

#[test]
fn too_many_prefixes_end_the_session_until_somebody_acts() {
    let mut scene = Scene::usual();
    scene.commit("set protocols bgp 64512 neighbor 192.168.101.201 maximum-prefix 1");
    scene.network.run(seconds(30));
    assert_eq!(scene.network.established(scene.router).len(), 2, "one is as many as there may be");
    scene.network.commit(
        scene.nodes[0],
        "set protocols static route 10.1.0.0/16 blackhole\nset protocols bgp 64512 network 10.1.0.0/16",
    );
    scene.network.run(seconds(90));
    let rows = scene.network.neighbors(scene.router, Family::Ipv4Unicast);
    assert_eq!(rows[0].state, PeerState::IdlePrefixCount);
    assert_eq!(scene.network.gateways(scene.router, SHOP), None);
    scene.commit("set protocols bgp 64512 neighbor 192.168.101.201 maximum-prefix 2");
    scene.network.run(seconds(60));
    assert_eq!(scene.network.established(scene.router).len(), 2);
    assert!(scene.network.gateways(scene.router, "10.1.0.0/16").is_some());
}

#[test]
fn nexthop_self_is_told_without_a_session_lost() {
    let mut scene = Scene::usual();
    let losses = scene.losses();
    let of_second = "172.16.2.2/32";
    let heard = |scene: &Scene| scene.network.gateways(scene.nodes[0], of_second);
    assert_eq!(heard(&scene), Some(vec!["192.168.101.202".to_owned()]), "the next hop is on the same wire");
    let family = "set protocols bgp 64512 neighbor 192.168.101.201 address-family ipv4-unicast nexthop-self";
    let done = scene.commit(family);
    assert!(matches!(done, Reply::Committed(_)), "{done:?}");
    scene.network.run(seconds(5));
    assert_eq!(heard(&scene), Some(vec!["192.168.101.1".to_owned()]));
    assert_eq!(scene.losses(), losses);
}
