//! Commits on a whole router with neighbors that are up: what is planned, what is done, and what is left alone.
//!
//! Every golden folder of `tests/golden/plan` is planned, failed at every step, committed and taken back.

use std::collections::BTreeMap;
use std::fs;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use api::reply::{NeighborEffect, Refusal, RefusalReason};
use api::request::{Clear, ClearHow, ClearTarget, Which};
use api::text::Text;
use api::{Reply, Request};
use config::edit::{Candidate, Edit};
use nouns::Family;
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

    /// Everything that a failed commit must not change.
    fn picture(&mut self) -> Picture {
        let router = self.router;
        let sessions = self.network.neighbors(router, Family::Ipv4Unicast).into_iter().map(|row| {
            let counts = (row.prefixes_received, row.prefixes_accepted, row.prefixes_sent);
            (row.address, format!("{:?} {counts:?} {:?}", row.state, row.description))
        });
        let sessions = sessions.collect();
        let (revision, text) = self.network.active(router);
        let wish = self.network.wish(router);
        let kernel = self.network.kernel(router);
        Picture {
            revision: revision.0,
            text,
            sessions,
            wish: format!("{wish:?}"),
            kernel: format!("{:?} {:?} {:?}", kernel.ours.routes.keys(), kernel.links, kernel.addresses),
            listening: self.network.is_listening(router),
            passwords: self.network.passwords(router).iter().cloned().collect(),
        }
    }

    /// Times that each session was lost, by neighbor.
    fn losses(&mut self) -> BTreeMap<IpAddr, u64> {
        let show = api::request::Show::BgpNeighbors { family: None, address: None };
        match self.network.ask(self.router, Request::Show(show)) {
            Reply::View(api::View::BgpNeighbors(view)) => {
                view.neighbors.into_iter().map(|neighbor| (neighbor.address, neighbor.connections_dropped)).collect()
            }
            other => panic!("{other:?}"),
        }
    }
}

#[derive(Debug, PartialEq, Eq)]
struct Picture {
    revision: u64,
    text: String,
    sessions: BTreeMap<IpAddr, String>,
    wish: String,
    kernel: String,
    listening: bool,
    passwords: Vec<String>,
}

fn usual_config() -> String {
    external(
        64512,
        "set protocols bgp 64512 parameters router-id 192.168.101.1\n\
         set protocols bgp 64512 neighbor 192.168.101.201 remote-as 64512\n\
         set protocols bgp 64512 neighbor 192.168.101.202 remote-as 65002\n",
    )
}

fn cases() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("golden/plan");
    let mut cases: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    cases.sort();
    assert!(cases.len() > 5);
    cases
}

fn read(case: &Path, name: &str) -> String {
    fs::read_to_string(case.join(name)).unwrap()
}

fn expect(path: &Path, text: &str) {
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        fs::write(path, text).unwrap();
    }
    let expected = fs::read_to_string(path).unwrap_or_default();
    assert_eq!(text, expected, "{}; UPDATE_EXPECT=1 writes it anew", path.display());
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
fn plans_read_as_expected() {
    for case in cases() {
        let mut scene = Scene::new(read(&case, "old.conf"));
        let candidate = scene.network.candidate_for(scene.router, &read(&case, "new.conf"));
        let plan = plan(&mut scene, candidate);
        expect(&case.join("plan.txt"), &plan.text());
    }
}

#[test]
fn a_plan_that_fails_at_any_step_leaves_everything_as_it_was() {
    for case in cases() {
        let mut scene = Scene::new(read(&case, "old.conf"));
        let candidate = scene.network.candidate_for(scene.router, &read(&case, "new.conf"));
        let steps = plan(&mut scene, candidate.clone()).steps;
        let before = scene.picture();
        let worldly = steps.iter().filter(|step| *step != "apply routes and neighbors").count();
        for failing in 0..worldly {
            let answers = (0..=failing).map(|step| if step == failing { Err("no".to_owned()) } else { Ok(()) });
            scene.network.answer_steps(scene.router, answers);
            let request = Request::Commit { candidate: candidate.clone(), comment: None };
            let refused = refusal(scene.network.ask(scene.router, request));
            assert_eq!(refused.reason, RefusalReason::RolledBack, "{}: {refused:?}", case.display());
            scene.network.run(seconds(40));
            assert_eq!(scene.picture(), before, "{} failed at step {failing} of {steps:?}", case.display());
            scene.network.assert_kernel_as_wished(scene.router);
        }
    }
}

#[test]
fn there_and_back_again_is_nothing() {
    for case in cases() {
        let (old, new) = (read(&case, "old.conf"), read(&case, "new.conf"));
        let mut scene = Scene::new(old.clone());
        let mut before = scene.picture();
        let revision = before.revision;
        for text in [&new, &old] {
            let candidate = scene.network.candidate_for(scene.router, text);
            let done = scene.network.ask(scene.router, Request::Commit { candidate, comment: None });
            assert!(matches!(done, Reply::Committed(_)), "{}: {done:?}", case.display());
            scene.network.run(seconds(60));
            scene.network.assert_kernel_as_wished(scene.router);
        }
        let after = scene.picture();
        assert_eq!(after.revision, revision + 2);
        before.revision = after.revision;
        assert_eq!(after, before, "{}", case.display());
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
    scene.network.ask(scene.router, Request::Commit { candidate, comment: None });
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
    let done = scene.network.ask(scene.router, Request::Commit { candidate, comment: None });
    assert!(matches!(done, Reply::Committed(_)), "{done:?}");
    let sent: Vec<&String> = scene.network.recorded().iter().filter(|effect| effect.contains(" Send(")).collect();
    assert!(sent.is_empty(), "{sent:?}");
    assert_eq!(scene.losses(), losses);
}

#[test]
fn commit_check_tells_the_fate_of_each_neighbor() {
    let table = [
        ("timers holdtime 60", Some((NeighborEffect::Reset, "hold"))),
        ("password secret", Some((NeighborEffect::Reset, "password"))),
        ("ebgp-multihop 3", Some((NeighborEffect::Reset, "transport"))),
        ("local-as 65010", Some((NeighborEffect::Reset, "as"))),
        ("description other", None),
        ("maximum-prefix 10", None),
        ("timers connect 5", None),
        ("passive", None),
    ];
    for (words, expected) in table {
        let mut scene = Scene::usual();
        let line = format!("set protocols bgp 64512 neighbor 192.168.101.202 {words}");
        let candidate = scene.network.candidate(scene.router, &line);
        let changes = plan(&mut scene, candidate.clone()).neighbors;
        let told = changes.first().map(|change| (change.effect, change.reason.clone()));
        assert_eq!(told.as_ref().map(|(effect, _)| *effect), expected.map(|(effect, _)| effect), "{words}: {changes:?}");
        if let (Some((_, reason)), Some((_, part))) = (told, expected) {
            assert!(reason.contains(part), "{words}: {reason}");
        }
        let losses = scene.losses();
        let done = scene.network.ask(scene.router, Request::Commit { candidate, comment: None });
        assert!(matches!(done, Reply::Committed(_)), "{words}: {done:?}");
        let address: IpAddr = "192.168.101.202".parse().unwrap();
        let lost = scene.losses()[&address] - losses[&address];
        assert_eq!(lost, u64::from(expected.is_some()), "what was told came true: {words}");
    }
}

#[test]
fn removing_and_adding_neighbors_is_told_and_done() {
    let mut scene = Scene::usual();
    let candidate = scene.network.candidate(
        scene.router,
        "delete protocols bgp 64512 neighbor 192.168.101.202\n\
         set protocols bgp 64512 neighbor 192.168.101.203 remote-as 64512",
    );
    let changes = plan(&mut scene, candidate.clone()).neighbors;
    let fates: Vec<NeighborEffect> = changes.iter().map(|change| change.effect).collect();
    assert_eq!(fates, [NeighborEffect::Removed, NeighborEffect::New]);
    scene.network.ask(scene.router, Request::Commit { candidate, comment: None });
    scene.network.run(seconds(5));
    assert_eq!(scene.network.gateways(scene.router, "172.16.2.2/32"), None);
    assert_eq!(scene.network.gateways(scene.router, SHOP), Some(vec!["192.168.101.201".to_owned()]));
}

#[test]
fn two_people_in_different_places_both_have_their_will() {
    let mut scene = Scene::usual();
    let (base, _) = scene.network.active(scene.router);
    let edit = |line: &str| Edit::Set(line.split_whitespace().map(str::to_owned).collect());
    let one = Candidate { base, edits: vec![edit("protocols bgp 64512 neighbor 192.168.101.201 description one")] };
    let two = Candidate { base, edits: vec![edit("protocols bgp 64512 neighbor 192.168.101.202 description two")] };
    for candidate in [one, two] {
        let done = scene.network.ask(scene.router, Request::Commit { candidate, comment: None });
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
    scene.network.ask(scene.router, Request::Commit { candidate: one, comment: None });
    let refused = refusal(scene.network.ask(scene.router, Request::Commit { candidate: two, comment: None }));
    assert_eq!(refused.reason, RefusalReason::Conflict);
    assert_eq!(refused.problems[0].path, leaf("two"));
    assert!(scene.network.active(scene.router).1.contains("description one"));
}

#[test]
fn a_second_commit_waits_for_nobody_and_is_refused_as_busy() {
    let mut scene = Scene::usual();
    let one = scene.network.candidate(scene.router, "set system host-name one");
    let two = scene.network.candidate(scene.router, "set system host-name two");
    let first = scene.network.begin_ask(scene.router, Request::Commit { candidate: one, comment: None });
    let second = scene.network.begin_ask(scene.router, Request::Commit { candidate: two, comment: None });
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
fn a_crash_in_the_middle_of_a_commit_starts_with_the_old_configuration_and_says_so() {
    let mut scene = Scene::usual();
    let (_, before) = scene.network.active(scene.router);
    let candidate = scene.network.candidate(scene.router, "set interfaces ethernet eth2 address 10.8.0.1/24");
    scene.network.begin_ask(scene.router, Request::Commit { candidate, comment: None });
    scene.network.crash(scene.router);
    scene.network.start(scene.router);
    assert_eq!(scene.network.active(scene.router).1, before);
    assert!(scene.network.log(scene.router).iter().any(|line| line.contains("was interrupted")));
}

#[test]
fn a_crash_after_a_commit_starts_with_what_was_committed() {
    let mut scene = Scene::usual();
    scene.commit("set protocols bgp 64512 neighbor 192.168.101.201 description kept");
    let (revision, before) = scene.network.active(scene.router);
    scene.network.crash(scene.router);
    scene.network.start(scene.router);
    assert_eq!(scene.network.active(scene.router), (revision, before));
}

#[test]
fn a_broken_boot_file_brings_up_what_is_sound_and_lists_the_rest() {
    let text = "protocols {\n bgp 64512 {\n  neighbor 192.168.101.201 {\n   remote-as 64512\n  }\n  \
                neighbor 192.168.101.203 {\n   remote-as banana\n  }\n  unheard of\n }\n}\n";
    let mut scene = Scene::new(text.to_owned());
    assert_eq!(scene.network.established(scene.router), ["192.168.101.201".parse::<IpAddr>().unwrap()]);
    let Reply::Hello(hello) =
        scene.network.ask(scene.router, Request::Hello { user: "admin".to_owned(), via: "cli".to_owned() })
    else {
        panic!("no hello");
    };
    for words in ["banana", "unheard"] {
        assert!(hello.notices.iter().any(|notice| notice.contains(words)), "{words}: {:?}", hello.notices);
    }
    assert!(scene.network.active(scene.router).1.contains("192.168.101.201"));
}

#[test]
fn a_link_that_appears_later_gets_what_was_configured_for_it() {
    let text = config("set interfaces ethernet eth5 address 10.5.0.1/24\nset interfaces ethernet eth5 mtu 1400");
    let mut scene = Scene::new(text);
    let link = scene.network.kernel_mut(scene.router).plug(6);
    assert_eq!(link.name.as_str(), "eth5");
    scene.network.tell(scene.router, engine::Event::World(vec![rib::world::WorldEvent::Link(link)]));
    scene.network.run(seconds(1));
    let kernel = scene.network.kernel(scene.router);
    assert_eq!(kernel.links[&6].mtu, 1400);
    assert!(kernel.addresses.iter().any(|there| there.ifindex == 6 && there.address.to_string() == "10.5.0.1/24"));
}

#[test]
fn what_the_world_refuses_at_the_start_is_tried_again() {
    let mut network = Network::new(1);
    let text = config("set interfaces ethernet eth1 address 10.5.0.1/24");
    let router = network.router("router", &["10.9.0.1/24"], String::new());
    network.crash(router);
    network.answer_steps(router, [Err("busy".to_owned())]);
    network.replace_saved(router, text);
    network.start(router);
    network.run(seconds(1));
    assert_eq!(network.kernel(router).addresses.len(), 1);
    network.run(seconds(10));
    assert_eq!(network.kernel(router).addresses.len(), 2);
}

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
    scene.network.run(seconds(5));
    assert_eq!(scene.network.neighbors(scene.router, Family::Ipv4Unicast).len(), 1, "who left is forgotten");
    scene.commit("delete protocols bgp 64512 listen range 192.168.101.0/24");
    scene.network.run(seconds(5));
    assert_eq!(scene.network.neighbors(scene.router, Family::Ipv4Unicast), Vec::new());
    assert_eq!(scene.network.gateways(scene.router, SHOP), None);
}

#[test]
fn a_soft_clear_keeps_the_session_and_a_hard_one_does_not() {
    let mut scene = Scene::usual();
    let losses: u64 = scene.losses().values().sum();
    let kernel = scene.network.kernel(scene.router).changes;
    for how in [ClearHow::SoftIn, ClearHow::SoftOut, ClearHow::Soft] {
        let clear = Clear { target: ClearTarget::All, how, family: None };
        assert_eq!(scene.network.ask(scene.router, Request::Clear(clear)), Reply::Done(String::new()));
        scene.network.run(seconds(5));
    }
    assert_eq!(scene.losses().values().sum::<u64>(), losses);
    assert_eq!(scene.network.kernel(scene.router).changes, kernel, "no route flapped");
    let address = "192.168.101.201".parse().unwrap();
    let clear = Clear { target: ClearTarget::Address(address), how: ClearHow::Hard, family: None };
    scene.network.ask(scene.router, Request::Clear(clear));
    scene.network.run(seconds(40));
    assert_eq!(scene.losses().values().sum::<u64>(), losses + 1);
    assert_eq!(scene.network.established(scene.router).len(), 2);
    let clear = Clear { target: ClearTarget::Group("none".to_owned()), how: ClearHow::Hard, family: None };
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
    scene.commit("set protocols static route 10.6.0.0/16 blackhole\nset protocols bgp 64512 redistribute static metric 5");
    scene.network.run(seconds(2));
    scene.commit("set protocols bgp 64512 redistribute static metric 6");
    scene.network.run(seconds(2));
    let show = api::request::Show::BgpTable { family: Family::Ipv4Unicast };
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
fn an_interface_that_does_not_exist_is_refused() {
    let mut scene = Scene::usual();
    let refused = refusal(scene.commit("set interfaces ethernet eth9 address 10.5.0.1/24"));
    assert_eq!(refused.reason, RefusalReason::Invalid);
    assert!(refused.problems[0].message.contains("does not exist"), "{refused:?}");
}

#[test]
fn saving_is_what_makes_a_commit_survive_a_reboot() {
    let mut scene = Scene::usual();
    scene.commit("set protocols bgp 64512 neighbor 192.168.101.201 description kept");
    let unsaved = |scene: &mut Scene| match scene.network.ask(scene.router, Request::Configuration(Which::Active)) {
        Reply::Configuration(configuration) => configuration.unsaved,
        other => panic!("{other:?}"),
    };
    assert!(unsaved(&mut scene));
    assert!(matches!(scene.network.ask(scene.router, Request::Save { path: None }), Reply::Saved { .. }));
    assert!(!unsaved(&mut scene));
}
