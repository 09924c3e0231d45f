//! Commits that have to be confirmed: in time, too late, across a crash, and with others who commit meanwhile.

use std::time::Duration;

use api::reply::{Committed, PendingConfirm};
use api::watch::Watch;
use api::{News, Reply, Request};
use scenarios::sim::config;

use super::{Scene, seconds, usual_config};

const MINUTE: u64 = 60;
const HOST_NAME: &str = "set system host-name trial";
const ADDRESS: &str = "set interfaces ethernet eth2 address 10.8.0.1/24";

impl Scene {
    fn commit_confirm(&mut self, lines: &str, minutes: u32) -> Reply {
        let candidate = self.network.candidate(self.router, lines);
        let comment = Some("a trial".to_owned());
        self.network.ask(self.router, Request::Commit { candidate, comment, confirm: Some(minutes) })
    }

    fn text(&mut self) -> String {
        self.network.active(self.router).1
    }

    fn pending(&mut self) -> Option<PendingConfirm> {
        match self.network.hello(self.router) {
            Reply::Hello(hello) => hello.confirm,
            other => panic!("{other:?}"),
        }
    }

    fn notices(&mut self) -> Vec<String> {
        match self.network.hello(self.router) {
            Reply::Hello(hello) => hello.notices,
            other => panic!("{other:?}"),
        }
    }

    fn log_count(&self, words: &str) -> usize {
        self.network.log(self.router).iter().filter(|line| line.contains(words)).count()
    }

    /// One line for each revision that is kept, newest first.
    fn revisions(&mut self) -> Vec<String> {
        match self.network.ask(self.router, Request::Revisions) {
            Reply::Configuration(listed) => listed.text.lines().map(str::to_owned).collect(),
            other => panic!("{other:?}"),
        }
    }
}

fn error_code(reply: &Reply) -> &str {
    match reply {
        Reply::Error(error) => &error.code,
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_nobody_confirms_is_taken_back_at_the_deadline_and_recorded() {
    let mut scene = Scene::usual();
    let (revision, before) = scene.network.active(scene.router);
    let addresses = scene.network.kernel(scene.router).addresses.clone();
    let losses = scene.losses();
    let reply = scene.commit_confirm(&format!("{HOST_NAME}\n{ADDRESS}"), 2);
    let Reply::Committed(Committed { confirm: Some(pending), .. }) = reply else { panic!("{reply:?}") };
    assert_eq!(pending.revision.0, revision.0 + 1);
    assert_eq!(scene.pending(), Some(pending));
    scene.network.run(seconds(2 * MINUTE - 2));
    assert!(scene.text().contains("trial"));
    scene.network.run(seconds(4));
    assert_eq!(scene.network.active(scene.router), (nouns::Revision(revision.0 + 2), before));
    assert_eq!(scene.network.kernel(scene.router).addresses, addresses);
    assert_eq!((scene.pending(), scene.losses()), (None, losses));
    let newest = scene.revisions().remove(0);
    let expected = format!(
        "{} root commit-confirm revision {} by admin was not confirmed within 2 minutes",
        revision.0 + 2,
        revision.0 + 1
    );
    assert_eq!(newest, expected);
    assert_eq!(scene.notices().iter().filter(|notice| notice.starts_with("not confirmed in time")).count(), 1);
    scene.commit("set system time-zone UTC");
    assert_eq!(scene.notices(), Vec::<String>::new(), "whoever commits has seen it");
}

#[test]
fn what_is_confirmed_stays_and_there_is_nothing_more_to_confirm() {
    let mut scene = Scene::usual();
    assert_eq!(error_code(&scene.network.ask(scene.router, Request::Confirm)), "no-confirm-pending");
    scene.commit_confirm(HOST_NAME, 1);
    assert_eq!(error_code(&scene.commit_confirm("set system time-zone UTC", 5)), "confirm-pending");
    assert_eq!(scene.network.ask(scene.router, Request::Confirm), Reply::Done(String::new()));
    assert_eq!(scene.pending(), None);
    let confirmed = scene.network.active(scene.router);
    scene.network.run(seconds(10 * MINUTE));
    assert_eq!(scene.network.active(scene.router), confirmed);
    assert_eq!(error_code(&scene.network.ask(scene.router, Request::Confirm)), "no-confirm-pending");
    scene.network.crash(scene.router);
    scene.network.start(scene.router);
    scene.network.run(seconds(10 * MINUTE));
    assert_eq!(scene.network.active(scene.router), confirmed, "a restart remembers the confirmation");
}

#[test]
fn a_commit_without_change_or_without_time_waits_for_nothing() {
    let mut scene = Scene::usual();
    let line = "set protocols bgp 64512 neighbor 192.168.101.201 remote-as 64512";
    assert_eq!(scene.commit_confirm(line, 1), Reply::Unchanged);
    assert_eq!(error_code(&scene.commit_confirm(HOST_NAME, 0)), "bad-minutes");
    assert_eq!(scene.pending(), None);
}

#[test]
fn what_others_commit_meanwhile_stays() {
    let mut scene = Scene::usual();
    scene.commit_confirm(&format!("{HOST_NAME}\n{ADDRESS}"), 1);
    let reply = scene.commit(
        "set interfaces ethernet eth2 address 10.8.1.1/24\n\
         set protocols bgp 64512 neighbor 192.168.101.202 description other",
    );
    let Reply::Committed(committed) = reply else { panic!("{reply:?}") };
    let warned = committed.warnings.iter().any(|warning| warning.message.contains("waits to be confirmed"));
    assert!(warned && committed.confirm.is_none(), "{committed:?}");
    scene.network.run(seconds(2 * MINUTE));
    let text = scene.text();
    assert!(!text.contains("trial") && !text.contains("10.8.0.1"), "{text}");
    assert!(text.contains("10.8.1.1/24") && text.contains("description other"), "{text}");
    let there: Vec<String> =
        scene.network.kernel(scene.router).addresses.iter().map(|there| there.address.to_string()).collect();
    assert!(there.contains(&"10.8.1.1/24".to_owned()) && !there.contains(&"10.8.0.1/24".to_owned()), "{there:?}");
}

#[test]
fn where_the_rest_would_not_be_valid_everything_since_is_taken_back() {
    let mut scene = Scene::usual();
    let before = scene.text();
    scene.commit_confirm("set protocols bgp 64512 peer-group trial remote-as 65009", 1);
    scene.commit("set protocols bgp 64512 neighbor 192.168.101.209 peer-group trial");
    scene.network.run(seconds(2 * MINUTE));
    assert_eq!(scene.text(), before);
    assert_eq!(scene.log_count("is not valid; everything since"), 1);
}

#[test]
fn a_deadline_survives_a_crash_and_may_pass_while_the_daemon_is_away() {
    for (away, kept) in [(1, true), (5 * MINUTE, false)] {
        let mut scene = Scene::usual();
        let before = scene.text();
        scene.commit_confirm(&format!("{HOST_NAME}\n{ADDRESS}"), 3);
        let pending = scene.pending();
        scene.network.run(seconds(MINUTE));
        scene.network.crash(scene.router);
        scene.network.run(seconds(away));
        scene.network.start(scene.router);
        scene.network.run(seconds(2));
        assert_eq!(scene.text().contains("trial"), kept, "after {away} s");
        assert_eq!(scene.pending(), pending.filter(|_| kept), "after {away} s");
        scene.network.run(seconds(3 * MINUTE));
        assert_eq!(scene.text(), before, "after {away} s");
        let eth2 = scene.network.kernel(scene.router).addresses.iter().filter(|there| there.ifindex == 3).count();
        assert_eq!(eth2, 1, "after {away} s");
        scene.network.crash(scene.router);
        scene.network.start(scene.router);
        scene.network.run(seconds(3 * MINUTE));
        assert_eq!((scene.text(), scene.pending()), (before, None), "it is taken back once");
    }
}

#[test]
fn a_crash_at_any_moment_of_it_leaves_the_old_configuration_or_the_deadline() {
    for milliseconds in 0..14 {
        let mut scene = Scene::usual();
        let before = scene.text();
        let candidate = scene.network.candidate(scene.router, &format!("{HOST_NAME}\n{ADDRESS}"));
        let request = Request::Commit { candidate, comment: None, confirm: Some(1) };
        scene.network.begin_ask(scene.router, request);
        scene.network.run(Duration::from_millis(milliseconds));
        scene.network.crash(scene.router);
        scene.network.start(scene.router);
        scene.network.run(Duration::from_millis(100));
        let (text, pending) = (scene.text(), scene.pending());
        assert_eq!(text != before, pending.is_some(), "after {milliseconds} ms: {text}");
        scene.network.run(seconds(2 * MINUTE));
        assert_eq!((scene.text(), scene.pending()), (before, None), "after {milliseconds} ms");
    }
}

#[test]
fn a_crash_at_any_moment_of_taking_it_back_ends_with_the_old_configuration() {
    for milliseconds in 0..14 {
        let mut scene = Scene::usual();
        let before = scene.text();
        scene.commit_confirm(&format!("{HOST_NAME}\n{ADDRESS}"), 1);
        let begun = scene.network.run_until(seconds(2 * MINUTE), |network| {
            network.log(super::Node(0)).iter().any(|line| line.contains("it is taken back"))
        });
        assert!(begun);
        scene.network.run(Duration::from_millis(milliseconds));
        scene.network.crash(scene.router);
        scene.network.start(scene.router);
        scene.network.run(seconds(MINUTE));
        assert_eq!((scene.text(), scene.pending()), (before, None), "after {milliseconds} ms");
    }
}

#[test]
fn an_orderly_end_and_a_reboot_lead_to_the_saved_configuration() {
    for orderly in [true, false] {
        let mut scene = Scene::usual();
        let before = scene.text();
        scene.commit_confirm(HOST_NAME, 3);
        if orderly {
            scene.network.tell(scene.router, engine::Event::Terminate);
            scene.network.run(seconds(1));
        } else {
            scene.network.power_off(scene.router);
        }
        scene.network.start(scene.router);
        scene.network.run(seconds(1));
        assert_eq!((scene.text(), scene.pending()), (before.clone(), None));
        scene.network.run(seconds(5 * MINUTE));
        assert_eq!(scene.text(), before);
        assert_eq!(scene.log_count("was not confirmed before the restart"), 1);
        scene.network.crash(scene.router);
        scene.network.start(scene.router);
        scene.network.run(seconds(1));
        assert_eq!(scene.log_count("was not confirmed before the restart"), 1, "it is told once");
    }
}

#[test]
fn nothing_unconfirmed_gets_into_the_file_that_a_reboot_starts_with() {
    let mut scene = Scene::usual();
    scene.commit_confirm(HOST_NAME, 3);
    assert_eq!(error_code(&scene.network.ask(scene.router, Request::Save { named: false })), "confirm-pending");
    assert_eq!(error_code(&scene.network.ask(scene.router, Request::Save { named: true })), "confirm-pending");
    scene.network.ask(scene.router, Request::Confirm);
    assert!(matches!(scene.network.ask(scene.router, Request::Save { named: false }), Reply::Saved { .. }));
}

#[test]
fn taking_back_that_fails_is_told_once_and_tried_until_it_succeeds() {
    let mut scene = Scene::usual();
    let before = scene.text();
    scene.commit_confirm(ADDRESS, 1);
    scene.network.answer_steps(scene.router, [Err("busy".to_owned()), Err("busy".to_owned())]);
    scene.network.run(seconds(MINUTE + 3));
    assert!(scene.text().contains("10.8.0.1"));
    assert!(scene.notices().iter().any(|notice| notice.contains("could not be taken back")), "{:?}", scene.notices());
    assert_eq!(error_code(&scene.network.ask(scene.router, Request::Save { named: false })), "confirm-pending");
    scene.network.run(seconds(20));
    assert_eq!(scene.text(), before);
    assert_eq!(scene.log_count("could not be taken back"), 1);
    assert!(!scene.notices().iter().any(|notice| notice.contains("could not be taken back")));
}

#[test]
fn a_disk_that_cannot_be_written_costs_the_deadline_only_its_life_after_a_crash() {
    let mut scene = Scene::usual();
    let before = scene.text();
    scene.network.fill_disk(scene.router);
    let reply = scene.commit_confirm(HOST_NAME, 1);
    let Reply::Committed(committed) = reply else { panic!("{reply:?}") };
    assert!(committed.warnings.iter().any(|warning| warning.message.contains("would not survive a restart")));
    scene.network.run(seconds(2 * MINUTE));
    assert_eq!(scene.text(), before);
}

#[test]
fn those_who_watch_hear_of_commits_confirmations_and_what_is_taken_back() {
    let mut scene = Scene::usual();
    assert_eq!(scene.network.ask(scene.router, Request::Watch(Watch::Commits)), Reply::Done(String::new()));
    scene.commit_confirm(HOST_NAME, 1);
    scene.network.ask(scene.router, Request::Confirm);
    scene.commit_confirm("set system host-name second", 1);
    scene.network.run(seconds(2 * MINUTE));
    let told: Vec<String> = scene.network.news(scene.router).iter().map(News::sentence).collect();
    let expected = [
        "revision 2 committed by admin via cli, to be confirmed: a trial",
        "revision 2 confirmed by admin",
        "revision 3 committed by admin via cli, to be confirmed: a trial",
        "revision 3 by admin was not confirmed in time and is rolled back; revision 4 is active",
    ];
    assert_eq!(told, expected);
    scene.network.tell(scene.router, engine::Event::Left(engine::ClientId(1)));
    scene.network.run(seconds(1));
    scene.commit("set system host-name third");
    assert_eq!(scene.network.news(scene.router).len(), expected.len(), "who has left is told nothing");
}

#[test]
fn the_number_of_revisions_that_are_kept_takes_effect_at_the_commit() {
    let mut scene = Scene::new(usual_config());
    for number in 0..6 {
        scene.commit(&format!("set system host-name r{number}"));
    }
    assert_eq!(scene.revisions().len(), 7);
    scene.commit("set system config-management commit-revisions 3");
    assert_eq!(scene.revisions().len(), 3);
    scene.commit("set system config-management commit-revisions 0");
    assert_eq!(scene.revisions(), Vec::<String>::new());
    let (revision, _) = scene.network.active(scene.router);
    scene.network.crash(scene.router);
    scene.network.start(scene.router);
    assert_eq!(scene.network.active(scene.router).0, revision, "numbers go on where they were");
}

#[test]
fn a_random_commit_is_taken_back_as_if_only_the_others_had_been() {
    let lines = [
        "set system host-name one",
        "set system host-name two",
        "set system time-zone UTC",
        "set interfaces ethernet eth2 address 10.8.0.1/24",
        "set interfaces ethernet eth2 address 10.8.1.1/24",
        "set interfaces ethernet eth2 mtu 1400",
        "set interfaces ethernet eth2 description trial",
        "set protocols static route 10.1.0.0/16 blackhole",
        "set protocols static route 10.1.0.0/16 next-hop 192.168.101.9",
        "set protocols bgp 64512 neighbor 192.168.101.201 remote-as 64512",
        "set protocols bgp 64512 neighbor 192.168.101.209 password secret",
        "set protocols bgp 64512 network 10.1.0.0/16",
    ];
    for seed in 0..40 {
        let mut network = scenarios::sim::Network::new(seed);
        let some = |network: &mut scenarios::sim::Network, verb: &str| -> String {
            let chosen = lines.iter().filter(|_| network.random().per_mille(300));
            chosen.map(|line| format!("{}\n", line.replacen("set", verb, 1))).collect()
        };
        let router = network.router("router", &["192.168.101.1/24", "10.9.0.1/24"], config("set system time-zone UTC"));
        network.run(seconds(1));
        let base = some(&mut network, "set");
        network.commit(router, &base);
        let tree = |text: &str| config::Tree::load(text).tree;
        let before = network.active(router).1;
        let mine = some(&mut network, "set") + &some(&mut network, "delete");
        let candidate = network.candidate(router, &mine);
        let request = Request::Commit { candidate, comment: None, confirm: Some(1) };
        if !matches!(network.ask(router, request), Reply::Committed(_)) {
            continue;
        }
        let after = network.active(router).1;
        let theirs = some(&mut network, "set") + &some(&mut network, "delete");
        network.commit(router, &theirs);
        let current = network.active(router).1;
        network.run(seconds(2 * MINUTE));
        let back = [config::Below::Stays, config::Below::Goes].map(|below| {
            config::print::file(&config::take_back(&tree(&before), &tree(&after), &tree(&current), below))
        });
        let ended = network.active(router).1;
        assert!(back.contains(&ended) || ended == before, "{seed}: {mine}\n{theirs}\n{ended}\n{back:?}");
        // The world is that of a router which was configured so from the beginning.
        let fresh = network.router("fresh", &["192.168.101.1/24", "10.9.0.1/24"], ended);
        network.run(seconds(10));
        let world = |node| {
            let kernel = network.kernel(node);
            let links = kernel.links.values().map(|link| (link.admin_up, link.mtu, link.alias.clone()));
            (kernel.addresses.clone(), links.collect::<Vec<_>>(), kernel.ours.routes.keys().collect::<Vec<_>>())
        };
        assert_eq!(world(router), world(fresh), "{seed}: {mine}\n{theirs}");
        assert_eq!(network.passwords(router), network.passwords(fresh), "{seed}");
        assert_eq!(network.is_listening(router), network.is_listening(fresh), "{seed}");
    }
}
