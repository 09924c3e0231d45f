//! Links that commits make, and what routes over them do when a link goes, comes back, or never comes to be.
//!
//! The simulated kernel drops next hops as silently as Linux.

use api::reply::RefusalReason;
use api::{Reply, Request};
use engine::Event;

use super::{Scene, refusal, seconds, usual_config};

const NETWORK: &str = "10.50.0.0/16";

const VIF: &str = "set interfaces ethernet eth2 vif 20 address 10.20.0.1/24\n\
                   set protocols static route 10.50.0.0/16 next-hop 10.20.0.2";

fn with(lines: &str) -> Scene {
    let mut scene = Scene::new(usual_config());
    let done = scene.commit(lines);
    assert!(matches!(done, Reply::Committed(_)), "{done:?}");
    scene.network.run(seconds(2));
    scene
}

fn gateways(scene: &Scene) -> Option<Vec<String>> {
    scene.network.gateways(scene.router, NETWORK)
}

fn links(scene: &Scene) -> Vec<String> {
    scene.network.kernel(scene.router).links.values().map(|link| link.name.to_string()).collect()
}

#[test]
fn a_route_over_a_vif_comes_and_goes_with_it() {
    let mut scene = with(VIF);
    assert_eq!(gateways(&scene), Some(vec!["10.20.0.2".to_owned()]));
    let done = scene.commit("delete interfaces ethernet eth2 vif 20");
    assert!(matches!(done, Reply::Committed(_)), "{done:?}");
    scene.network.run(seconds(2));
    assert_eq!((gateways(&scene), links(&scene)), (None, vec!["eth1".to_owned(), "eth2".to_owned()]));
    scene.network.assert_kernel_as_wished(scene.router);
    let done = scene.commit("set interfaces ethernet eth2 vif 20 address 10.20.0.1/24");
    assert!(matches!(done, Reply::Committed(_)), "{done:?}");
    scene.network.run(seconds(2));
    assert_eq!(gateways(&scene), Some(vec!["10.20.0.2".to_owned()]));
}

#[test]
fn a_vif_whose_deletion_is_undone_gets_its_routes_back() {
    let mut scene = with(VIF);
    // The address, the vif itself, and then a link that refuses to be made.
    scene.network.answer_steps(scene.router, [Ok(()), Ok(()), Err("no".to_owned())]);
    let reply = scene.commit("delete interfaces ethernet eth2 vif 20\nset interfaces dummy dum0");
    assert_eq!(refusal(reply).reason, RefusalReason::RolledBack);
    scene.network.run(seconds(2));
    assert_eq!(gateways(&scene), Some(vec!["10.20.0.2".to_owned()]));
    assert!(links(&scene).contains(&"eth2.20".to_owned()), "{:?}", links(&scene));
    scene.network.assert_kernel_as_wished(scene.router);
}

#[test]
fn a_link_of_ours_that_somebody_deletes_is_made_again_with_its_routes() {
    let mut scene = with(VIF);
    let vif = "eth2.20".parse().unwrap();
    let events = scene.network.kernel_mut(scene.router).delete(&vif).unwrap();
    scene.network.tell(scene.router, Event::World(events));
    scene.network.run(seconds(2));
    assert!(links(&scene).contains(&"eth2.20".to_owned()), "{:?}", links(&scene));
    assert_eq!(gateways(&scene), Some(vec!["10.20.0.2".to_owned()]));
    let log = scene.network.log(scene.router);
    assert!(log.iter().any(|line| line.contains("eth2.20 was taken away; it is made again")), "{log:?}");
}

#[test]
fn a_vif_goes_with_its_card_and_comes_back_with_it() {
    let mut scene = with(VIF);
    let events = scene.network.kernel_mut(scene.router).delete(&"eth2".parse().unwrap()).unwrap();
    scene.network.tell(scene.router, Event::World(events));
    scene.network.run(seconds(10));
    assert_eq!((gateways(&scene), links(&scene)), (None, vec!["eth1".to_owned()]));
    let card = scene.network.kernel_mut(scene.router).plug(3);
    scene.network.tell(scene.router, Event::World(vec![rib::world::WorldEvent::Link(card)]));
    scene.network.run(seconds(10));
    assert_eq!(gateways(&scene), Some(vec!["10.20.0.2".to_owned()]));
}

#[test]
fn a_crash_in_the_middle_of_a_commit_leaves_no_link_behind() {
    let mut scene = Scene::usual();
    let before = links(&scene);
    let lines = "set interfaces dummy dum0 address 203.0.113.1/32\nset interfaces bridge br0 address 10.30.0.1/24\n\
                 set interfaces ethernet eth2 bridge-group bridge br0";
    for milliseconds in 0..8 {
        let candidate = scene.network.candidate(scene.router, lines);
        scene.network.begin_ask(scene.router, Request::Commit { candidate, comment: None, confirm: None });
        scene.network.run(std::time::Duration::from_millis(milliseconds));
        scene.network.crash(scene.router);
        scene.network.start(scene.router);
        scene.network.run(seconds(1));
        if scene.network.active(scene.router).1.contains("dum0") {
            assert!(milliseconds > 3, "a commit that was so soon interrupted cannot count");
            break;
        }
        assert_eq!(links(&scene), before, "after {milliseconds} ms");
        assert!(scene.network.kernel(scene.router).links.values().all(|link| link.master.is_none()));
    }
}

#[test]
fn a_restart_adopts_the_links_and_touches_nothing() {
    let mut scene = with("set interfaces dummy dum0 address 203.0.113.1/32\nset interfaces bridge br0 stp true");
    let before = scene.network.kernel(scene.router).links.clone();
    scene.network.crash(scene.router);
    scene.network.record();
    scene.network.start(scene.router);
    scene.network.run(seconds(2));
    assert_eq!(scene.network.kernel(scene.router).links, before);
    let steps: Vec<&String> = scene.network.recorded().iter().filter(|line| line.contains("Step(StepId")).collect();
    assert!(steps.iter().all(|step| step.contains("Listener")), "{steps:?}");
}

#[test]
fn a_link_that_was_there_before_is_used_and_never_deleted() {
    let mut scene = Scene::usual();
    let link = scene.network.kernel_mut(scene.router).plug(7);
    let link = rib::world::Link { name: "dum0".parse().unwrap(), kind: rib::world::LinkKind::Dummy, ..link };
    scene.network.kernel_mut(scene.router).links.insert(7, link.clone());
    scene.network.tell(scene.router, Event::World(vec![rib::world::WorldEvent::Link(link)]));
    scene.network.run(seconds(1));
    for lines in ["set interfaces dummy dum0 address 203.0.113.1/32", "delete interfaces dummy dum0"] {
        let done = scene.commit(lines);
        assert!(matches!(done, Reply::Committed(_)), "{lines}: {done:?}");
        scene.network.run(seconds(1));
        assert!(links(&scene).contains(&"dum0".to_owned()));
    }
    assert!(scene.network.kernel(scene.router).addresses.iter().all(|there| there.ifindex != 7));
}

#[test]
fn a_name_that_something_else_has_is_refused_before_anything_is_done() {
    let mut scene = Scene::usual();
    let link = scene.network.kernel_mut(scene.router).plug(7);
    let link = rib::world::Link { name: "br0".parse().unwrap(), ..link };
    scene.network.kernel_mut(scene.router).links.insert(7, link.clone());
    scene.network.tell(scene.router, Event::World(vec![rib::world::WorldEvent::Link(link)]));
    scene.network.run(seconds(1));
    let refused = refusal(scene.commit("set interfaces bridge br0 address 10.30.0.1/24"));
    assert_eq!(refused.reason, RefusalReason::Invalid);
    assert!(refused.problems[0].message.contains("br0 exists already and is something else"), "{refused:?}");
}

const ARP: &str = "set protocols static arp 10.20.0.9 hwaddr 00:53:00:00:00:09";

fn pinned(scene: &Scene) -> Vec<String> {
    let neighbors = scene.network.kernel(scene.router).neighbors.iter();
    neighbors.map(|((link, host), mac)| format!("{host} {mac} on {link}")).collect()
}

#[test]
fn a_host_keeps_its_hardware_address_whatever_becomes_of_its_link() {
    let mut scene = with(VIF);
    let told = "10.20.0.9 00:53:00:00:00:09 on eth2.20";
    let done = scene.commit(ARP);
    assert!(matches!(done, Reply::Committed(_)), "{done:?}");
    assert_eq!(pinned(&scene), [told]);
    for lines in ["set interfaces ethernet eth2 vif 20 disable", "delete interfaces ethernet eth2 vif 20 disable"] {
        assert!(matches!(scene.commit(lines), Reply::Committed(_)));
        scene.network.run(seconds(2));
    }
    assert_eq!(pinned(&scene), [told], "a link that goes down forgets, and is told again");
    let events = scene.network.kernel_mut(scene.router).delete(&"eth2.20".parse().unwrap()).unwrap();
    scene.network.tell(scene.router, Event::World(events));
    scene.network.run(seconds(2));
    assert_eq!(pinned(&scene), [told], "with the link that is made again");
    scene.network.kernel_mut(scene.router).neighbors.clear();
    scene.network.run(seconds(301));
    assert_eq!(pinned(&scene), [told], "somebody's hand is made good within five minutes");
    let refused = refusal(scene.commit("delete interfaces ethernet eth2 vif 20"));
    assert!(refused.problems[0].message.contains("is in no network of this router"), "{refused:?}");
    assert!(matches!(scene.commit("delete protocols static arp"), Reply::Committed(_)));
    assert_eq!(pinned(&scene), Vec::<String>::new());
}

#[test]
fn routes_of_a_table_follow_their_links_and_stay_out_of_the_main_one() {
    let mut scene = with(VIF);
    let key = |prefix: &str| rib::fib::RouteKey { table: 10, prefix: prefix.parse().unwrap() };
    let done = scene.commit(
        "set protocols static table 10 route 10.60.0.0/16 next-hop 10.20.0.2\n\
         set protocols static table 10 route 10.60.0.0/16 reject distance 9\n\
         set protocols static table 10 route 0.0.0.0/0 next-hop 10.9.0.9\n\
         set protocols static table 10 route 10.61.0.0/16 next-hop 172.31.0.1",
    );
    assert!(matches!(done, Reply::Committed(_)), "{done:?}");
    scene.network.run(seconds(2));
    let routes = |scene: &Scene, key| scene.network.kernel(scene.router).gateways(key);
    let via = |gateway: &str| Some(std::collections::BTreeSet::from([gateway.parse().unwrap()]));
    assert_eq!(routes(&scene, key("10.60.0.0/16")), via("10.20.0.2"));
    assert_eq!(routes(&scene, key("0.0.0.0/0")), via("10.9.0.9"));
    assert_eq!(routes(&scene, key("10.61.0.0/16")), None, "its gateway is on no link");
    assert_eq!(scene.network.gateways(scene.router, "10.60.0.0/16"), None);
    assert!(matches!(scene.commit("set interfaces ethernet eth2 vif 20 disable"), Reply::Committed(_)));
    scene.network.run(seconds(2));
    let now = scene.network.kernel(scene.router).ours.routes.get(key("10.60.0.0/16")).copied();
    assert_eq!(now, Some(rib::fib::FibTarget::Unreachable), "the next distance takes over");
    scene.network.crash(scene.router);
    scene.network.start(scene.router);
    scene.network.run(seconds(2));
    assert_eq!(routes(&scene, key("0.0.0.0/0")), via("10.9.0.9"), "a restart adopts them");
    assert!(matches!(scene.commit("delete protocols static table"), Reply::Committed(_)));
    scene.network.run(seconds(400));
    let left = scene.network.kernel(scene.router).ours.routes.keys().filter(|key| key.table == 10).count();
    assert_eq!(left, 0);
    assert_eq!(scene.network.kernel(scene.router).unused(), Vec::<u32>::new());
}

#[test]
fn a_tag_of_a_static_route_is_what_maps_look_at() {
    let mut scene = Scene::usual();
    let heard = |scene: &Scene| scene.network.gateways(scene.nodes[1], "10.81.0.0/16").is_some();
    let lines = "set policy route-map TAGGED rule 10 action permit\n\
                 set policy route-map TAGGED rule 10 match tag 7\n\
                 set protocols static route 10.81.0.0/16 blackhole\n\
                 set protocols bgp 64512 redistribute static route-map TAGGED";
    for (lines, expected) in [
        (lines, false),
        ("set protocols static route 10.81.0.0/16 tag 7", true),
        ("set protocols static route 10.81.0.0/16 tag 8", false),
    ] {
        let done = scene.commit(lines);
        assert!(matches!(done, Reply::Committed(_)), "{lines}: {done:?}");
        scene.network.run(seconds(3));
        assert_eq!(heard(&scene), expected, "{lines}");
    }
}
