//! A router that restarts while its neighbors keep its routes (RFC 4724 §4.1): they lose nothing, hear the whole at once,
//! and nobody waits for somebody who waits.

use std::time::Duration;

use api::request::Show;
use api::view::View;
use scenarios::sim::{Network, Node, config};

use super::{Cluster, NODES, SECOND, SHOP, seconds, seeds};

/// A cluster whose router tells an uplink in another AS of the services.
struct Uplinked {
    cluster: Cluster,
    uplink: Node,
}

const UPLINK: &str = "192.168.101.99";

impl Uplinked {
    fn new(seed: u64) -> Self {
        let mut cluster = Cluster::new(seed, 120);
        let lines = "set protocols bgp 65000 parameters ebgp-requires-policy disable\n\
                     set protocols bgp 65000 neighbor 192.168.101.1 remote-as 64512";
        let uplink = cluster.network.router("uplink", &["192.168.101.99/24"], config(lines));
        let lines = format!(
            "set protocols bgp 64512 parameters ebgp-requires-policy disable\n\
             set protocols bgp 64512 neighbor {UPLINK} remote-as 65000"
        );
        let done = cluster.network.commit(cluster.router, &lines);
        assert!(matches!(done, api::Reply::Committed(_)), "{done:?}");
        // The restart has to find it after another restart, too.
        let text = cluster.network.active(cluster.router).1;
        cluster.network.replace_saved(cluster.router, text);
        let mut uplinked = Self { cluster, uplink };
        assert!(uplinked.heard(seconds(60), SHOP) && uplinked.heard(seconds(5), SECOND));
        uplinked
    }

    fn network(&mut self) -> &mut Network {
        &mut self.cluster.network
    }

    /// Whether the uplink comes to have a route.
    fn heard(&mut self, limit: Duration, prefix: &str) -> bool {
        let uplink = self.uplink;
        self.network().run_until(limit, |network| network.gateways(uplink, prefix).is_some())
    }

    /// The families whose End-of-RIB the uplink has from the router.
    fn marks(&mut self) -> usize {
        let (network, uplink) = (&mut self.cluster.network, self.uplink);
        match network.show(uplink, Show::BgpNeighbors { family: None, address: None, interface: None }) {
            View::BgpNeighbors(all) => all.neighbors[0].families.iter().filter(|one| one.end_of_rib_received).count(),
            other => panic!("{other:?}"),
        }
    }

    fn is_up(&mut self) -> bool {
        let uplink = self.uplink;
        !self.network().established(uplink).is_empty()
    }
}

#[test]
fn who_keeps_our_routes_hears_of_them_when_all_nodes_are_back_and_loses_none() {
    let mut scene = Uplinked::new(600);
    let (router, uplink, nodes) = (scene.cluster.router, scene.uplink, scene.cluster.nodes.clone());
    let changes = scene.network().kernel(uplink).changes;
    scene.network().crash(router);
    // One of the nodes takes its time.
    scene.network().cut(router, nodes[2]);
    scene.network().run(seconds(5));
    scene.network().start(router);
    scene.network().run(seconds(30));
    assert!(scene.is_up(), "the uplink is back");
    assert_eq!(scene.marks(), 0, "node 3 is still awaited");
    scene.network().heal(router, nodes[2]);
    let uplink_heard = |scene: &mut Uplinked| scene.marks() == 2;
    scene.network().run(seconds(40));
    assert!(uplink_heard(&mut scene), "the whole was told");
    assert_eq!(scene.network().kernel(uplink).changes, changes, "nothing changed at the uplink");
    scene.cluster.wait_for(Duration::ZERO, SHOP, &NODES);
}

#[test]
fn a_neighbor_that_stays_away_is_awaited_for_the_restart_time_and_no_longer() {
    let mut scene = Uplinked::new(601);
    let (router, uplink, nodes) = (scene.cluster.router, scene.uplink, scene.cluster.nodes.clone());
    let changes = scene.network().kernel(uplink).changes;
    scene.network().crash(router);
    scene.network().power_off(nodes[0]);
    scene.network().start(router);
    scene.network().run(seconds(118));
    assert_eq!((scene.is_up(), scene.marks()), (true, 0));
    scene.network().run(seconds(4));
    assert_eq!(scene.marks(), 2, "120 seconds are over");
    assert_eq!(scene.network().kernel(uplink).changes, changes);
}

#[test]
fn what_the_router_lost_while_it_was_away_leaves_its_neighbors_with_the_end_of_rib() {
    let mut scene = Uplinked::new(602);
    let (router, uplink, nodes) = (scene.cluster.router, scene.uplink, scene.cluster.nodes.clone());
    scene.network().crash(router);
    for node in &nodes {
        scene.network().commit(*node, &format!("delete protocols bgp 64512 network {SHOP}"));
    }
    scene.network().start(router);
    let gone = |network: &mut Network| network.gateways(uplink, SHOP).is_none();
    assert!(scene.network().run_until(seconds(60), gone));
    assert!(scene.network().gateways(uplink, SECOND).is_some());
}

#[test]
fn after_a_boot_of_the_machine_nothing_is_claimed_to_be_forwarded() {
    let mut scene = Uplinked::new(603);
    let (router, uplink, nodes) = (scene.cluster.router, scene.uplink, scene.cluster.nodes.clone());
    scene.network().crash(router);
    scene.network().power_off(router);
    nodes.iter().for_each(|node| scene.network().power_off(*node));
    scene.network().start(router);
    assert!(scene.network().gateways(uplink, SHOP).is_some(), "it is kept until the router says more");
    let gone = |network: &mut Network| network.gateways(uplink, SHOP).is_none();
    assert!(scene.network().run_until(seconds(30), gone), "no F bit, so it is dropped at once");
}

/// The router and the nodes, which wait for its End-of-RIB, restart at about the same time, in bad weather.
fn all_restart(seed: u64) {
    let mut scene = Uplinked::new(seed);
    let (router, uplink) = (scene.cluster.router, scene.uplink);
    let mut all = scene.cluster.nodes.clone();
    all.push(router);
    if seed.is_multiple_of(2) {
        all.push(uplink);
    }
    scene.network().weather((1, 300), 50);
    for node in &all {
        scene.network().crash(*node);
        let pause = scene.network().random().between(0..=3);
        scene.network().run(seconds(pause));
    }
    for node in &all {
        scene.network().start(*node);
        let pause = scene.network().random().between(0..=10);
        scene.network().run(seconds(pause));
    }
    let told = |scene: &mut Uplinked| {
        (0..60).any(|_| {
            scene.network().run(seconds(1));
            scene.is_up() && scene.marks() == 2
        })
    };
    assert!(told(&mut scene), "seed {seed}: somebody waits for somebody who waits");
    scene.cluster.wait_for(seconds(30), SHOP, &NODES);
    scene.cluster.wait_for(seconds(30), SECOND, &NODES);
    assert!(scene.heard(seconds(30), SHOP), "seed {seed}");
    scene.network().weather((1, 5), 0);
    scene.network().run(seconds(400));
    scene.network().assert_kernel_as_wished(router);
    scene.network().assert_kernel_as_wished(uplink);
}

#[test]
fn routers_that_restart_together_do_not_wait_for_each_other() {
    for seed in 610..610 + seeds() {
        all_restart(seed);
    }
}

/// A router and a node whose routes stay on for 300 seconds after the 40 of its restart time, and three that hear of them:
/// one that knows what that means, one that does not, and one of the router's own AS.
struct LongLived {
    network: Network,
    router: Node,
    node: Node,
    knows: Node,
    ignorant: Node,
    internal: Node,
}

const FLEETING: &str = "172.16.104.4/32";
const LONG: &str = "parameters graceful-restart long-lived stale-time 300\n";

impl LongLived {
    fn new(seed: u64) -> Self {
        let mut network = Network::new(seed);
        let neighbors = [(201, 65201), (99, 65099), (98, 65098), (97, 64512)];
        let neighbors = neighbors
            .map(|(last, asn)| format!("set protocols bgp 64512 neighbor 192.168.101.{last} remote-as {asn}\n"));
        let open = "parameters ebgp-requires-policy disable\n";
        let router = format!("set protocols bgp 64512 {open}set protocols bgp 64512 {LONG}{}", neighbors.concat());
        let router = network.router("router", &["192.168.101.1/24"], config(&router));
        let own = |asn: u32, more: &str| {
            let peer = format!("neighbor 192.168.101.1 remote-as 64512\nset protocols bgp {asn} {open}");
            config(&format!("set protocols bgp {asn} {peer}{more}"))
        };
        let services = [SHOP, FLEETING].map(|prefix| {
            format!("set protocols static route {prefix} blackhole\nset protocols bgp 65201 network {prefix}\n")
        });
        let services = format!(
            "set protocols bgp 65201 {LONG}{}set policy route-map SHORT rule 1 action permit\n\
             set policy route-map SHORT rule 1 set community 65535:7\n\
             set protocols bgp 65201 network {FLEETING} route-map SHORT\n",
            services.concat()
        );
        let node = network.node("node", &["192.168.101.201/24"], own(65201, &services), 40);
        let knows =
            network.router("knows", &["192.168.101.99/24"], own(65099, &format!("set protocols bgp 65099 {LONG}")));
        let ignorant = network.router("ignorant", &["192.168.101.98/24"], own(65098, ""));
        let internal = network.router("internal", &["192.168.101.97/24"], own(64512, ""));
        let mut scene = Self { network, router, node, knows, ignorant, internal };
        let all = [router, knows, ignorant, internal];
        let there = |network: &mut Network| all.iter().all(|one| network.gateways(*one, SHOP).is_some());
        assert!(scene.network.run_until(seconds(60), there));
        assert!(scene.network.gateways(router, FLEETING).is_some());
        scene
    }

    /// Who has the service: the router, who knows, who does not, who is in the router's AS.
    fn who(&self) -> [bool; 4] {
        [self.router, self.knows, self.ignorant, self.internal].map(|one| self.network.gateways(one, SHOP).is_some())
    }
}

#[test]
fn what_stays_on_is_told_to_those_who_know_what_that_means_and_ends_in_time() {
    let mut scene = LongLived::new(650);
    scene.network.crash(scene.node);
    scene.network.run(seconds(39));
    assert_eq!(scene.who(), [true; 4], "the node may be restarting");
    assert!(scene.network.gateways(scene.router, FLEETING).is_some());
    scene.network.run(seconds(3));
    assert_eq!(scene.who(), [true, true, false, false], "the node is away, and one of them knows what is told then");
    assert!(scene.network.gateways(scene.router, FLEETING).is_none(), "no-llgr");
    scene
        .network
        .commit(scene.router, "set protocols bgp 64512 parameters graceful-restart long-lived partial-deployment");
    scene.network.run(seconds(1));
    assert_eq!(scene.who(), [true, true, false, true], "its own AS hears of it as of the last resort");
    scene.network.run(seconds(290));
    assert_eq!(scene.who(), [true, true, false, true]);
    scene.network.run(seconds(10));
    assert_eq!(scene.who(), [false; 4], "300 seconds are over");
}

#[test]
fn what_stays_on_is_live_again_when_its_node_is_back() {
    let mut scene = LongLived::new(651);
    scene.network.crash(scene.node);
    scene.network.run(seconds(100));
    assert_eq!(scene.who(), [true, true, false, false]);
    let changes = scene.network.kernel(scene.router).changes;
    scene.network.start(scene.node);
    scene.network.run(seconds(60));
    assert_eq!(scene.who(), [true; 4]);
    assert!(scene.network.gateways(scene.router, FLEETING).is_some());
    assert!(scene.network.kernel(scene.router).changes - changes <= 2, "the other route is put back, and no more");
    scene.network.run(seconds(400));
    assert_eq!(scene.who(), [true; 4], "nothing is left of the time that was given");
}
