//! What a neighbor hears when a word about paths is set or deleted: only what changed, and no session is lost over it.

use api::request::Show;
use api::{BgpTarget, Text};
use bgp_wire::attribute::{AsPath, Community, Origin, PathAttributes, Segment, SegmentKind, thin_vec};
use nouns::{Asn, Prefix};

use super::policies::{Heard, LISTENER, SPEAKER, Stage, prefixes};
use super::*;

const OPEN: &str = "set protocols bgp 64512 parameters ebgp-requires-policy disable";

fn path(asns: &[u32]) -> PathAttributes {
    let mut attributes = PathAttributes::new(Origin::Igp, [192, 0, 2, SPEAKER].into());
    attributes.as_path = AsPath::sequence(&asns.iter().copied().map(Asn).collect::<Vec<_>>());
    attributes.communities = thin_vec![1];
    attributes
}

/// Ten prefixes of each kind: plain ones, those that hold the listener's AS, those that hold ours.
fn stage() -> Stage {
    let mut stage = Stage::new(OPEN);
    let all: Vec<Prefix> = prefixes(30).collect();
    for (some, asns) in all.chunks(10).zip([&[65002, 7][..], &[65002, 65003, 7], &[65002, 64512, 7]]) {
        stage.announced_with(SPEAKER, some.iter().copied(), &path(asns));
    }
    stage.rest();
    assert_eq!(stage.known.len(), 10);
    stage
}

/// Commits, and says what the listener heard: withdrawals, announcements, notifications.
fn heard(stage: &mut Stage, edit: &str) -> (usize, usize, usize) {
    stage.commit(edit);
    stage.rest();
    assert_eq!(stage.repeated, 0, "{edit}: something was said twice");
    let count = |wanted: fn(&Heard) -> bool| stage.heard.iter().filter(|heard| wanted(heard)).count();
    (
        count(|heard| matches!(heard, Heard::Withdrawn(_))),
        count(|heard| matches!(heard, Heard::Announced(_))),
        count(|heard| matches!(heard, Heard::Notified)),
    )
}

#[test]
fn each_word_about_paths_sends_what_changed_and_resets_nothing() {
    let mut stage = stage();
    let [from, to] = [SPEAKER, LISTENER].map(|last| format!("protocols bgp 64512 neighbor 192.0.2.{last}"));
    for (word, set, deleted, knows, seen) in [
        (format!("{to} as-override"), (0, 10), (10, 0), 20, &[64512, 65002, 64512, 7][..]),
        (format!("{to} sender-as-path-loop-detection disable"), (0, 10), (10, 0), 20, &[64512, 65002, 65003, 7]),
        (format!("{from} allowas-in"), (0, 10), (10, 0), 20, &[64512, 65002, 64512, 7]),
        (format!("{to} remove-private-as"), (0, 0), (0, 0), 10, &[64512, 65002, 7]),
        (format!("{to} remove-private-as all"), (0, 10), (0, 10), 10, &[64512, 7]),
        (format!("{to} attribute-unchanged as-path"), (0, 10), (0, 10), 10, &[65002, 7]),
        (format!("{to} route-server-client"), (0, 10), (0, 10), 10, &[65002, 7]),
        (format!("{to} disable-send-community standard"), (0, 10), (0, 10), 10, &[64512, 65002, 7]),
        (format!("{to} graceful-shutdown"), (0, 10), (0, 10), 10, &[64512, 65002, 7]),
        ("protocols bgp 64512 parameters graceful-shutdown".to_owned(), (0, 10), (0, 10), 10, &[64512, 65002, 7]),
        (format!("{from} graceful-shutdown"), (0, 0), (0, 0), 10, &[64512, 65002, 7]),
        (format!("{from} enforce-first-as disable"), (0, 0), (0, 0), 10, &[64512, 65002, 7]),
        ("protocols bgp 64512 parameters enforce-first-as disable".to_owned(), (0, 0), (0, 0), 10, &[64512, 65002, 7]),
    ] {
        assert_eq!(heard(&mut stage, &format!("set {word}")), (set.0, set.1, 0), "{word}");
        assert_eq!(stage.known.len(), knows, "{word}");
        let seen = path(seen).as_path;
        assert!(stage.known.values().any(|known| known.as_path == seen), "{word}: {seen:?} in {:?}", stage.known);
        let count = stage
            .engine
            .groups
            .count_known_by(stage.engine.peers.at([192, 0, 2, LISTENER].into()).unwrap().id, Family::Ipv4Unicast);
        assert_eq!(count, knows, "{word}: what is shown as sent is what was sent");
        assert_eq!(heard(&mut stage, &format!("delete {word}")), (deleted.0, deleted.1, 0), "not {word}");
        assert_eq!(stage.known.len(), 10, "not {word}");
    }
    assert!(!stage.closed);
}

#[test]
fn what_leaves_soon_is_said_and_heard() {
    let mut stage = Stage::new(OPEN);
    let leaving = PathAttributes { communities: thin_vec![Community::GRACEFUL_SHUTDOWN.0], ..path(&[65002]) };
    stage.announced_with(SPEAKER, prefixes(1), &leaving);
    stage.rest();
    let prefix = prefixes(1).next().unwrap();
    let show = Show::BgpPrefix { family: Family::Ipv4Unicast, target: BgpTarget::Prefix(prefix), why: false };
    let told = stage.show(show).unwrap().text();
    assert!(told.contains("localpref 0,") && told.contains("Community: graceful-shutdown"), "{told}");
    let word = format!("set protocols bgp 64512 neighbor 192.0.2.{LISTENER} graceful-shutdown");
    stage.announced_with(SPEAKER, prefixes(1), &path(&[65002]));
    stage.rest();
    heard(&mut stage, &word);
    let known = &stage.known[&prefix];
    assert!(known.communities.contains(&Community::GRACEFUL_SHUTDOWN.0), "{known:?}");
}

#[test]
fn what_leads_nowhere_is_refused_explained_and_accepted_once_that_is_said() {
    let mut stage = Stage::new(OPEN);
    let [plain, set, martian] = [0, 1, 2].map(|place| prefixes(3).nth(place).unwrap());
    let parts = [(SegmentKind::Sequence, [Asn(65002)]), (SegmentKind::Set, [Asn(7)])];
    let as_path = parts.iter().map(|(kind, asns)| Segment { kind: *kind, asns }).collect();
    stage.announced_with(SPEAKER, [set], &PathAttributes { as_path, ..path(&[65002]) });
    let mut nowhere = path(&[65002]);
    nowhere.next_hop.address = [127, 0, 0, 9].into();
    stage.announced_with(SPEAKER, [martian], &nowhere);
    let group: Prefix = "224.1.0.0/16".parse().unwrap();
    stage.announced_with(SPEAKER, [plain, group], &path(&[65002]));
    stage.rest();
    assert_eq!(stage.known.keys().copied().collect::<Vec<_>>(), [plain]);
    for (prefix, why) in [(set, "RFC 9774"), (martian, "127.0.0.9 is not the address"), (group, "no route leads to")] {
        let show = Show::BgpPrefix { family: Family::Ipv4Unicast, target: BgpTarget::Prefix(prefix), why: false };
        let told = stage.show(show).unwrap().text();
        assert!(told.contains(why), "{told}");
    }
    assert_eq!(heard(&mut stage, "set protocols bgp 64512 parameters reject-as-sets disable"), (0, 1, 0));
    assert_eq!(heard(&mut stage, "delete protocols bgp 64512 parameters reject-as-sets"), (1, 0, 0));
}
