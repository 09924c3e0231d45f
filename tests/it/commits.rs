//! Commits on a whole router with neighbors that are up: what is planned, what is done, and what is left alone.
//!
//! The simulation is the stage; no root and no clock is needed.

mod confirm;
mod daemon;
mod links;
mod plans;
mod routing;
mod start;

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use api::reply::{Refusal, RefusalReason};
use api::{Reply, Request, Text};
use config::edit::{Candidate, Edit};
use scenarios::sim::{Network, Node, config};

const SHOP: &str = "172.16.102.229/32";

fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

fn external(asn: u32, lines: &str) -> String {
    config(&format!("set protocols bgp {asn} parameters ebgp-requires-policy disable\n{lines}"))
}

/// A router with the configuration of a test, and its neighbors on the same wire: `.201` of AS 64512 announces a
/// service, `.202` of AS 65002 another.
struct Scene {
    network: Network,
    router: Node,
    nodes: [Node; 2],
}

impl Scene {
    fn new(text: String) -> Self {
        let mut network = Network::new(7);
        let router = network.router("router", &["192.168.101.1/24", "10.9.0.1/24"], text);
        let first = network.router(
            "first",
            &["192.168.101.201/24"],
            config(&format!(
                "set protocols bgp 64512 neighbor 192.168.101.1 remote-as 64512\n\
                 set protocols bgp 64512 neighbor 192.168.101.1 timers connect 2\n\
                 set protocols static route {SHOP} blackhole\nset protocols bgp 64512 network {SHOP}"
            )),
        );
        let second = network.router(
            "second",
            &["192.168.101.202/24"],
            external(
                65002,
                "set protocols bgp 65002 neighbor 192.168.101.1 remote-as 64512\n\
                 set protocols bgp 65002 neighbor 192.168.101.1 timers connect 2\n\
                 set protocols static route 172.16.2.2/32 blackhole\n\
                 set protocols bgp 65002 network 172.16.2.2/32",
            ),
        );
        network.run(seconds(30));
        Self { network, router, nodes: [first, second] }
    }

    /// The router with both neighbors.
    fn usual() -> Self {
        let mut scene = Self::new(usual_config());
        assert_eq!(scene.network.established(scene.router).len(), 2);
        scene
    }

    fn commit(&mut self, lines: &str) -> Reply {
        self.network.commit(self.router, lines)
    }

    /// What a node was told by whoever ended a session of its, and what its log says of that.
    fn told(&mut self, node: Node) -> String {
        let show = api::request::Show::BgpNeighbors { family: None, address: None, interface: None };
        self.network.show(node, show).text() + &self.network.log(node).join("\n")
    }

    /// Times that each session was lost, by neighbor.
    fn losses(&mut self) -> BTreeMap<IpAddr, u64> {
        let show = api::request::Show::BgpNeighbors { family: None, address: None, interface: None };
        match self.network.ask(self.router, Request::Show(show)) {
            Reply::View(api::View::BgpNeighbors(view)) => {
                view.neighbors.into_iter().map(|neighbor| (neighbor.address, neighbor.connections_dropped)).collect()
            }
            other => panic!("{other:?}"),
        }
    }
}

/// A router that exchanges routes with both neighbors.
const USUAL: &str = "set protocols bgp 64512 parameters ebgp-requires-policy disable
set protocols bgp 64512 parameters router-id 192.168.101.1
set protocols bgp 64512 neighbor 192.168.101.201 remote-as 64512
set protocols bgp 64512 neighbor 192.168.101.202 remote-as 65002";

fn usual_config() -> String {
    config(USUAL)
}

fn refusal(reply: Reply) -> Refusal {
    match reply {
        Reply::Refused(refusal) => refusal,
        other => panic!("{other:?}"),
    }
}

fn plan(scene: &mut Scene, candidate: Candidate) -> api::reply::Plan {
    match scene.network.ask(scene.router, Request::Check { candidate }) {
        Reply::Checked(plan) => plan,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_commit_that_changes_nothing_does_nothing() {
    let mut scene = Scene::usual();
    let (revision, _) = scene.network.active(scene.router);
    scene.network.record();
    let done = scene.commit("set protocols bgp 64512 neighbor 192.168.101.201 remote-as 64512");
    assert_eq!(done, Reply::Unchanged);
    let recorded = scene.network.recorded();
    assert!(recorded.iter().all(|effect| effect.contains(" Answer(")), "{recorded:?}");
    assert_eq!(scene.network.active(scene.router).0, revision);
}

#[test]
fn a_commit_about_one_neighbor_sends_nothing_to_the_others() {
    let mut scene = Scene::usual();
    let losses = scene.losses();
    scene.network.record();
    let done = scene.commit("set protocols bgp 64512 neighbor 192.168.101.202 timers holdtime 60");
    assert!(matches!(done, Reply::Committed(_)), "{done:?}");
    let sent = |kind: &str| scene.network.recorded().iter().filter(|effect| effect.contains(kind)).count();
    assert_eq!(sent("router Close("), 1);
    // The type of a message is its nineteenth octet: one NOTIFICATION to the one, and an UPDATE to the other that
    // takes back what the one had announced.
    assert_eq!((sent("router Send("), sent(", 0, 21, 3, 6, 6]")), (2, 1), "{:#?}", scene.network.recorded());
    scene.network.run(seconds(30));
    let after = scene.losses();
    let first: IpAddr = "192.168.101.201".parse().unwrap();
    let second: IpAddr = "192.168.101.202".parse().unwrap();
    assert_eq!(after[&first], losses[&first]);
    assert_eq!(after[&second], losses[&second] + 1);
    assert_eq!(scene.network.established(scene.router).len(), 2);
}

#[test]
fn a_neighbor_that_is_new_or_goes_sends_nothing_to_the_others() {
    let mut scene = Scene::usual();
    for lines in [
        "set protocols bgp 64512 neighbor 192.168.101.203 remote-as 64512",
        "set protocols bgp 64512 neighbor 192.168.101.203 timers holdtime 60",
        "set protocols bgp 64512 neighbor 192.168.101.203 password secret",
        "delete protocols bgp 64512 neighbor 192.168.101.203",
    ] {
        scene.network.record();
        let done = scene.commit(lines);
        assert!(matches!(done, Reply::Committed(_)), "{lines}: {done:?}");
        let ours = |effect: &&String| effect.contains("router Send(") || effect.contains("router Close(ConnId(1))");
        let sent: Vec<&String> = scene.network.recorded().iter().filter(ours).collect();
        assert!(sent.is_empty(), "{lines}: {sent:?}");
        scene.network.run(seconds(2));
    }
    assert_eq!(scene.network.established(scene.router).len(), 2);
}

#[test]
fn without_bgp_no_route_of_it_stays_and_it_can_come_back() {
    let mut scene = Scene::usual();
    let done = scene.commit("delete protocols bgp 64512");
    assert!(matches!(done, Reply::Committed(_)), "{done:?}");
    scene.network.run(seconds(5));
    assert_eq!(scene.network.kernel(scene.router).ours, rib::fib::KernelFib::default());
    assert!(!scene.network.is_listening(scene.router));
    scene.network.run(seconds(60));
    let candidate = scene.network.candidate_for(scene.router, &usual_config());
    scene.network.ask(scene.router, Request::Commit { candidate, comment: None, confirm: None });
    scene.network.run(seconds(60));
    assert_eq!(scene.network.established(scene.router).len(), 2);
    assert!(scene.network.gateways(scene.router, SHOP).is_some());
}

#[test]
fn a_description_touches_no_session() {
    let mut scene = Scene::usual();
    let losses = scene.losses();
    let candidate = scene.network.candidate(
        scene.router,
        "set protocols bgp 64512 neighbor 192.168.101.201 description web\n\
         set protocols bgp 64512 neighbor 192.168.101.202 maximum-prefix 1000",
    );
    assert_eq!(plan(&mut scene, candidate.clone()).neighbors, Vec::new());
    scene.network.record();
    let done = scene.network.ask(scene.router, Request::Commit { candidate, comment: None, confirm: None });
    assert!(matches!(done, Reply::Committed(_)), "{done:?}");
    let sent: Vec<&String> = scene.network.recorded().iter().filter(|effect| effect.contains(" Send(")).collect();
    assert!(sent.is_empty(), "{sent:?}");
    assert_eq!(scene.losses(), losses);
}

#[test]
fn two_people_in_different_places_both_have_their_will() {
    let mut scene = Scene::usual();
    let (base, _) = scene.network.active(scene.router);
    let edit = |line: &str| Edit::Set(line.split_whitespace().map(str::to_owned).collect());
    let one = Candidate { base, edits: vec![edit("protocols bgp 64512 neighbor 192.168.101.201 description one")] };
    let two = Candidate { base, edits: vec![edit("protocols bgp 64512 neighbor 192.168.101.202 description two")] };
    for candidate in [one, two] {
        let done = scene.network.ask(scene.router, Request::Commit { candidate, comment: None, confirm: None });
        assert!(matches!(done, Reply::Committed(_)), "{done:?}");
    }
    let (_, text) = scene.network.active(scene.router);
    assert!(text.contains("description one") && text.contains("description two"), "{text}");
}

#[test]
fn two_people_in_the_same_place_are_told_where() {
    let mut scene = Scene::usual();
    let (base, _) = scene.network.active(scene.router);
    let leaf = |value: &str| -> Vec<String> {
        let line = format!("protocols bgp 64512 neighbor 192.168.101.201 description {value}");
        line.split_whitespace().map(str::to_owned).collect()
    };
    let one = Candidate { base, edits: vec![Edit::Set(leaf("one"))] };
    let two = Candidate { base, edits: vec![Edit::Set(leaf("two"))] };
    scene.network.ask(scene.router, Request::Commit { candidate: one, comment: None, confirm: None });
    let refused =
        refusal(scene.network.ask(scene.router, Request::Commit { candidate: two, comment: None, confirm: None }));
    assert_eq!(refused.reason, RefusalReason::Conflict);
    assert_eq!(refused.problems[0].path, leaf("two"));
    assert!(scene.network.active(scene.router).1.contains("description one"));
}

#[test]
fn a_second_commit_waits_for_nobody_and_is_refused_as_busy() {
    let mut scene = Scene::usual();
    let one = scene.network.candidate(scene.router, "set system host-name one");
    let two = scene.network.candidate(scene.router, "set system host-name two");
    let first = scene.network.begin_ask(scene.router, Request::Commit { candidate: one, comment: None, confirm: None });
    let second =
        scene.network.begin_ask(scene.router, Request::Commit { candidate: two, comment: None, confirm: None });
    assert_eq!(refusal(scene.network.finish_ask(scene.router, second)).reason, RefusalReason::Busy);
    assert!(matches!(scene.network.finish_ask(scene.router, first), Reply::Committed(_)));
}

#[test]
fn a_step_that_cannot_be_undone_is_told_and_leaves_the_old_configuration() {
    let mut scene = Scene::usual();
    let (_, before) = scene.network.active(scene.router);
    let fail = || Err("no".to_owned());
    scene.network.answer_steps(scene.router, [Ok(()), fail(), fail()]);
    let reply = scene.commit("set system host-name one\nset interfaces ethernet eth2 address 10.8.0.1/24");
    let refused = refusal(reply);
    assert_eq!(refused.reason, RefusalReason::Degraded);
    assert_eq!(refused.problems.len(), 2, "{refused:?}");
    assert_eq!(scene.network.active(scene.router).1, before);
}

#[test]
fn an_interface_that_does_not_exist_is_refused() {
    let mut scene = Scene::usual();
    let refused = refusal(scene.commit("set interfaces ethernet eth9 address 10.5.0.1/24"));
    assert_eq!(refused.reason, RefusalReason::Invalid);
    assert!(refused.problems[0].message.contains("does not exist"), "{refused:?}");
}

#[test]
fn edits_on_a_revision_that_nobody_remembers_are_refused() {
    let mut scene = Scene::usual();
    let old = scene.network.candidate(scene.router, "set system host-name old");
    for number in 0..40 {
        scene.commit(&format!("set protocols bgp 64512 neighbor 192.168.101.201 description {number}"));
    }
    let reply = scene.network.ask(scene.router, Request::Commit { candidate: old, comment: None, confirm: None });
    assert!(matches!(&reply, Reply::Error(error) if error.code == "unknown-revision"), "{reply:?}");
}

#[test]
fn a_store_that_cannot_be_written_costs_history_and_not_the_commit() {
    let mut scene = Scene::usual();
    scene.network.fill_disk(scene.router);
    let reply = scene.commit("set protocols bgp 64512 neighbor 192.168.101.201 description kept");
    let Reply::Committed(done) = reply else { panic!("{reply:?}") };
    assert!(done.warnings.iter().any(|warning| warning.message.contains("not recorded")), "{:?}", done.warnings);
    assert!(scene.network.active(scene.router).1.contains("description kept"));
}
