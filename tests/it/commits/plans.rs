//! Plans, from golden folders: each is read, failed at every step, committed and taken back.
//!
//! What `commit check` tells of a neighbor has to come true.

use std::collections::BTreeMap;
use std::fs;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use api::reply::{NeighborEffect, RefusalReason};
use api::text::Text;
use api::{Reply, Request};
use nouns::Family;
use rib::world::{Link, LinkKind};
use scenarios::sim::kernel::Kernel;
use scenarios::sim::{Surroundings, config};

use super::{SHOP, Scene, plan, refusal, seconds};

/// Everything that a failed commit must not change.
#[derive(Debug, PartialEq, Eq)]
struct Picture {
    revision: u64,
    text: String,
    sessions: BTreeMap<IpAddr, String>,
    wish: String,
    kernel: String,
    listening: bool,
    passwords: Vec<String>,
    surroundings: Surroundings,
}

impl Picture {
    fn of(scene: &mut Scene) -> Self {
        let router = scene.router;
        let sessions = scene.network.neighbors(router, Family::Ipv4Unicast).into_iter().map(|row| {
            let counts = (row.prefixes_received, row.prefixes_accepted, row.prefixes_sent);
            (row.address, format!("{:?} {counts:?} {:?}", row.state, row.description))
        });
        let sessions = sessions.collect();
        let (revision, text) = scene.network.active(router);
        let wish = scene.network.wish(router);
        let kernel = scene.network.kernel(router);
        Self {
            revision: revision.0,
            text,
            sessions,
            wish: format!("{wish:?}"),
            kernel: format!(
                "{:?} {:?} {:?} {:?}",
                kernel.ours.routes.keys().collect::<Vec<_>>(),
                links(kernel),
                kernel.settings,
                kernel.neighbors
            ),
            listening: scene.network.is_listening(router),
            passwords: scene.network.passwords(router).iter().cloned().collect(),
            surroundings: scene.network.surroundings(router).clone(),
        }
    }
}

/// Links by name with what stands on them: one that was deleted and made again has another index.
fn links(kernel: &Kernel) -> BTreeMap<String, String> {
    let name = |index: u32| kernel.links.get(&index).map_or("?", |link| link.name.as_str());
    let told = kernel.links.values().map(|link| {
        let on = match link.kind {
            LinkKind::Vlan { parent, .. } => name(parent),
            _ => "",
        };
        let kind = match link.kind {
            LinkKind::Vlan { id, .. } => LinkKind::Vlan { parent: 0, id },
            ref other => other.clone(),
        };
        let addresses = kernel.addresses.iter().filter(|there| there.ifindex == link.index);
        let addresses: Vec<String> = addresses.map(|there| there.address.to_string()).collect();
        let nameless = Link { index: 0, master: None, kind, ..link.clone() };
        (link.name.to_string(), format!("{nameless:?} on {on:?} in {:?} {addresses:?}", link.master.map(name)))
    });
    told.collect()
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
        let before = Picture::of(&mut scene);
        let worldly = steps.iter().filter(|step| *step != "apply routes and neighbors").count();
        for failing in 0..worldly {
            let answers = (0..=failing).map(|step| if step == failing { Err("no".to_owned()) } else { Ok(()) });
            scene.network.answer_steps(scene.router, answers);
            let request = Request::Commit { candidate: candidate.clone(), comment: None, confirm: None };
            let refused = refusal(scene.network.ask(scene.router, request));
            assert_eq!(refused.reason, RefusalReason::RolledBack, "{}: {refused:?}", case.display());
            scene.network.run(seconds(40));
            assert_eq!(Picture::of(&mut scene), before, "{} failed at step {failing} of {steps:?}", case.display());
            scene.network.assert_kernel_as_wished(scene.router);
        }
    }
}

#[test]
fn there_and_back_again_is_nothing() {
    for case in cases() {
        let (old, new) = (read(&case, "old.conf"), read(&case, "new.conf"));
        let mut scene = Scene::new(old.clone());
        let mut before = Picture::of(&mut scene);
        let revision = before.revision;
        for text in [&new, &old] {
            let candidate = scene.network.candidate_for(scene.router, text);
            let done = scene.network.ask(scene.router, Request::Commit { candidate, comment: None, confirm: None });
            assert!(matches!(done, Reply::Committed(_)), "{}: {done:?}", case.display());
            scene.network.run(seconds(60));
            scene.network.assert_kernel_as_wished(scene.router);
        }
        let after = Picture::of(&mut scene);
        assert_eq!(after.revision, revision + 2);
        before.revision = after.revision;
        assert_eq!(after, before, "{}", case.display());
    }
}

#[test]
fn commit_check_tells_the_fate_of_each_neighbor() {
    let table = [
        ("timers holdtime 60", Some((NeighborEffect::Reset, "hold"))),
        ("password secret", Some((NeighborEffect::Reset, "password"))),
        ("update-source 192.168.101.1", Some((NeighborEffect::Reset, "transport"))),
        ("ebgp-multihop 3", None),
        ("timers keepalive 5", None),
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
        assert_eq!(
            told.as_ref().map(|(effect, _)| *effect),
            expected.map(|(effect, _)| effect),
            "{words}: {changes:?}"
        );
        if let (Some((_, reason)), Some((_, part))) = (told, expected) {
            assert!(reason.contains(part), "{words}: {reason}");
        }
        let losses = scene.losses();
        let done = scene.network.ask(scene.router, Request::Commit { candidate, comment: None, confirm: None });
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
    scene.network.ask(scene.router, Request::Commit { candidate, comment: None, confirm: None });
    scene.network.run(seconds(5));
    assert_eq!(scene.network.gateways(scene.router, "172.16.2.2/32"), None);
    assert_eq!(scene.network.gateways(scene.router, SHOP), Some(vec!["192.168.101.201".to_owned()]));
}

#[test]
fn commit_check_counts_the_prefixes_that_leave_and_those_with_another_path() {
    let mut scene = Scene::new(config(&format!(
        "{}\nset protocols static route 10.7.0.0/16 blackhole\nset protocols static route 10.6.0.0/16 blackhole",
        super::USUAL
    )));
    // The second node announces the first one's service, too.
    let lines = format!("set protocols static route {SHOP} blackhole\nset protocols bgp 65002 network {SHOP}");
    scene.network.commit(scene.nodes[1], &lines);
    scene.network.run(seconds(10));
    let table = [
        ("set protocols bgp 64512 neighbor 192.168.101.202 shutdown", NeighborEffect::Shutdown, 2, 1),
        ("delete protocols bgp 64512 neighbor 192.168.101.202", NeighborEffect::Removed, 2, 1),
        ("set protocols bgp 64512 neighbor 192.168.101.201 timers holdtime 60", NeighborEffect::Reset, 1, 1),
    ];
    for (line, effect, leave, elsewhere) in table {
        let candidate = scene.network.candidate(scene.router, line);
        let change = plan(&mut scene, candidate).neighbors.remove(0);
        let prefixes = change.prefixes.expect("the session is up");
        assert_eq!((change.effect, prefixes.leave, prefixes.elsewhere), (effect, leave, elsewhere), "{line}");
    }
    let candidate = scene.network.candidate(
        scene.router,
        "delete protocols bgp 64512\ndelete protocols static route 10.7.0.0/16\n\
         set protocols static route 10.6.0.0/16 next-hop 192.168.101.9\nset protocols static route 10.5.0.0/16 blackhole",
    );
    let text = plan(&mut scene, candidate).text();
    let expected = "Neighbors:
  192.168.101.201: session ends, neighbor removed; 1 prefix leaves, no other path
  192.168.101.202: session ends, neighbor removed; 2 prefixes leave, no other path
Static routes:
  10.5.0.0/16: new
  10.6.0.0/16: changed
  10.7.0.0/16: removed
";
    assert!(text.ends_with(expected), "{text}");
}
