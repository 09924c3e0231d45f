//! What a daemon makes of the configuration that it starts with, whatever happened before.
//!
//! A start is never refused.

use std::fs;
use std::net::IpAddr;
use std::path::Path;
use std::time::Duration;

use api::request::Which;
use api::{Reply, Request};
use scenarios::sim::{Network, config};

use super::{Scene, seconds};

#[test]
fn a_broken_boot_file_brings_up_what_is_sound_and_lists_the_rest() {
    let text = "protocols {\n bgp 64512 {\n  neighbor 192.168.101.201 {\n   remote-as 64512\n  }\n  \
                neighbor 192.168.101.203 {\n   remote-as banana\n  }\n  unheard of\n }\n}\n";
    let mut scene = Scene::new(text.to_owned());
    assert_eq!(scene.network.established(scene.router), ["192.168.101.201".parse::<IpAddr>().unwrap()]);
    let Reply::Hello(hello) =
        scene.network.ask(scene.router, Request::Hello { user: "admin".to_owned(), via: "cli".to_owned(), tty: None })
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
fn a_crash_in_the_middle_of_a_commit_starts_with_the_old_configuration_and_says_so_once() {
    for milliseconds in [0, 1, 2] {
        let mut scene = Scene::usual();
        let (_, before) = scene.network.active(scene.router);
        let addresses = scene.network.kernel(scene.router).addresses.clone();
        let lines =
            "set interfaces ethernet eth2 address 10.8.0.1/24\nset interfaces ethernet eth2 address 10.8.1.1/24";
        let candidate = scene.network.candidate(scene.router, lines);
        scene.network.begin_ask(scene.router, Request::Commit { candidate, comment: None, confirm: None });
        scene.network.run(Duration::from_millis(milliseconds));
        for _ in 0..2 {
            scene.network.crash(scene.router);
            scene.network.start(scene.router);
            scene.network.run(seconds(1));
            assert_eq!(scene.network.active(scene.router).1, before, "after {milliseconds} ms");
            assert_eq!(scene.network.kernel(scene.router).addresses, addresses, "after {milliseconds} ms");
            let log = scene.network.log(scene.router);
            assert_eq!(
                log.iter().filter(|line| line.contains("was interrupted")).count(),
                1,
                "after {milliseconds} ms"
            );
        }
    }
}

#[test]
fn a_commit_waits_for_its_own_record_and_not_for_those_of_the_start() {
    let mut scene = Scene::usual();
    scene.network.replace_saved(scene.router, config("set system host-name other"));
    scene.network.crash(scene.router);
    scene.network.start(scene.router);
    let candidate = scene.network.candidate(scene.router, "set system host-name one");
    scene.network.record();
    let ask = scene.network.begin_ask(scene.router, Request::Commit { candidate, comment: None, confirm: None });
    assert!(matches!(scene.network.finish_ask(scene.router, ask), Reply::Committed(_)));
    let recorded = scene.network.recorded();
    let nanoseconds = |words: &str| -> u64 {
        let line = recorded.iter().find(|line| line.contains(words)).expect(words);
        line.split_whitespace().next().unwrap().parse().unwrap()
    };
    let disk = 1_000_000;
    assert!(nanoseconds("Step(") >= nanoseconds("Journal(Pending(") + disk, "{recorded:#?}");
    assert!(nanoseconds("Committed(Committed") >= nanoseconds("Journal(Committed {") + disk, "{recorded:#?}");
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
fn saving_is_what_makes_a_commit_survive_a_reboot() {
    let mut scene = Scene::usual();
    scene.commit("set protocols bgp 64512 neighbor 192.168.101.201 description kept");
    let unsaved = |scene: &mut Scene| match scene.network.ask(scene.router, Request::Configuration(Which::Active)) {
        Reply::Configuration(configuration) => configuration.unsaved,
        other => panic!("{other:?}"),
    };
    assert!(unsaved(&mut scene));
    assert!(matches!(scene.network.ask(scene.router, Request::Save { named: false }), Reply::Saved { .. }));
    assert!(!unsaved(&mut scene));
}

#[test]
fn a_crash_at_any_moment_of_a_commit_leaves_no_account_file_or_setting_of_it_behind() {
    for case in ["accounts", "files-and-settings"] {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("golden/plan").join(case);
        let [old, new] = ["old.conf", "new.conf"].map(|name| fs::read_to_string(folder.join(name)).unwrap());
        let mut moments = 0;
        for milliseconds in 0.. {
            let mut scene = Scene::new(old.clone());
            let (_, text) = scene.network.active(scene.router);
            let before = scene.network.surroundings(scene.router).clone();
            let candidate = scene.network.candidate_for(scene.router, &new);
            scene.network.begin_ask(scene.router, Request::Commit { candidate, comment: None, confirm: None });
            scene.network.run(Duration::from_millis(milliseconds));
            moments += u32::from(*scene.network.surroundings(scene.router) != before);
            scene.network.crash(scene.router);
            scene.network.start(scene.router);
            scene.network.run(seconds(1));
            if scene.network.active(scene.router).1 != text {
                assert_ne!(*scene.network.surroundings(scene.router), before, "{case}: it was committed");
                break;
            }
            assert_eq!(*scene.network.surroundings(scene.router), before, "{case}, after {milliseconds} ms");
        }
        assert!(moments > 5, "{case} was never caught in the middle: {moments}");
    }
}
