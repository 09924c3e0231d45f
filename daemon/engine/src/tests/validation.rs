//! Origin validation: what a cache says decides which routes pass a policy that asks, and when it says something else
//! only routes of changed prefixes are looked at again.

use api::View;
use api::request::Show;
use grammar::commands::RpkiShown;
use nouns::{Asn, Prefix, Validity};
use rpki::client::{Phase, Status, Synchronized};
use rpki::wire::Timers;
use rpki::{Data, Vrp, Vrps};
use std::sync::Arc;

use super::policies::{Heard, SPEAKER, Stage, prefixes};
use super::*;
use crate::CacheNews;

const CACHE: &str = "198.51.100.53";
const OPEN: &str = "set protocols bgp 64512 parameters ebgp-requires-policy disable
set protocols rpki cache 198.51.100.53
set protocols rpki cache 198.51.100.54 preference 2";
const NO_INVALID: &str = "
set protocols bgp 64512 neighbor 192.0.2.2 route-map import VALIDATED
set policy route-map VALIDATED rule 10 action deny
set policy route-map VALIDATED rule 10 match rpki invalid
set policy route-map VALIDATED rule 20 action permit
set policy route-map VALIDATED rule 20 match rpki valid
set policy route-map VALIDATED rule 20 set local-preference 200
set policy route-map VALIDATED rule 30 action permit";

fn data(vrps: impl IntoIterator<Item = (Prefix, u32)>) -> Arc<Data> {
    let mut vrps: Vec<Vrp> =
        vrps.into_iter().map(|(prefix, asn)| Vrp::new(prefix, prefix.length(), Asn(asn)).unwrap()).collect();
    vrps.sort();
    Arc::new(Data { vrps: Vrps::from_sorted(vrps.into_iter()), ..Data::default() })
}

fn said(before: &Arc<Data>, now: &Arc<Data>) -> CacheNews {
    CacheNews::Synchronized(Box::new(Synchronized {
        data: Arc::clone(now),
        before: Arc::clone(before),
        changed: before.differences(now),
        timers: Timers { refresh: 100, retry: 10, expire: 700 },
    }))
}

impl Stage {
    /// A cache says something; answers it, to be the state before the next one.
    fn cache_says(&mut self, cache: &str, before: &Arc<Data>, vrps: &[(Prefix, u32)]) -> Arc<Data> {
        let now = data(vrps.iter().copied());
        self.take(Event::Cache(cache.parse().unwrap(), said(before, &now)));
        self.rest();
        now
    }

    fn preference(&self, prefix: Prefix) -> Option<u32> {
        let paths = self.engine.tables.of(Family::Ipv4Unicast).paths(prefix);
        paths.first()?.attributes().local_pref
    }

    fn is_refused(&self, prefix: Prefix) -> bool {
        let paths = self.engine.tables.of(Family::Ipv4Unicast).paths(prefix);
        paths.iter().any(|path| path.rejected().is_some_and(|why| why.contains("VALIDATED rule 10")))
    }
}

fn some(count: u32) -> Vec<Prefix> {
    prefixes(count).collect()
}

#[test]
fn routes_are_not_held_back_by_a_cache_that_is_not_there() {
    let mut stage = Stage::new(&format!("{OPEN}{NO_INVALID}"));
    stage.announces(some(3), 1);
    stage.rest();
    assert_eq!(stage.known.len(), 3, "nothing is known of them, and that is no reason to refuse them");
}

#[test]
fn what_a_cache_says_decides_what_passes_a_map_and_what_it_takes_back_counts_no_more() {
    let mut stage = Stage::new(&format!("{OPEN}{NO_INVALID}"));
    let routes = some(3);
    stage.announces(routes.iter().copied(), 1);
    stage.rest();
    stage.forget_what_was_heard();
    let nothing = Arc::<Data>::default();
    let before = stage.cache_says(CACHE, &nothing, &[(routes[0], 65_002), (routes[1], 65_099)]);
    assert_eq!(stage.preference(routes[0]), Some(200));
    assert!(stage.is_refused(routes[1]));
    assert_eq!(stage.heard, [Heard::Withdrawn(routes[1])], "what stayed as it was is not said again");
    // An announcement that comes later is judged at once.
    stage.announces([routes[1]], 2);
    stage.rest();
    assert!(stage.is_refused(routes[1]));
    stage.forget_what_was_heard();
    stage.cache_says(CACHE, &before, &[]);
    assert_eq!(stage.preference(routes[0]), None);
    assert_eq!(stage.heard, [Heard::Announced(routes[1])]);
}

#[test]
fn a_change_looks_at_routes_of_changed_prefixes_only_and_in_pieces() {
    let mut stage = Stage::new(&format!("{OPEN}{NO_INVALID}"));
    let routes = some(3000);
    stage.announces(routes.iter().copied(), 1);
    stage.rest();
    let all: Vec<(Prefix, u32)> = routes.iter().map(|prefix| (*prefix, 65_002)).collect();
    let nothing = Arc::<Data>::default();
    let now = data(all.iter().copied());
    stage.take(Event::Cache(CACHE.parse().unwrap(), said(&nothing, &now)));
    let turns = stage.rest();
    assert!(turns >= 3, "{turns} turns for 3000 routes");
    assert!(routes.iter().all(|route| stage.preference(*route) == Some(200)));
    // One payload of three thousand goes: a churning cache costs what it changes.
    let version = stage.engine.table_version.get(&Family::Ipv4Unicast).copied();
    stage.cache_says(CACHE, &now, &all[1..]);
    assert_eq!(stage.preference(routes[0]), None);
    assert_eq!(stage.preference(routes[1]), Some(200));
    let decided = stage.engine.table_version.get(&Family::Ipv4Unicast).copied().zip(version);
    assert!(decided.is_some_and(|(after, before)| after - before == 1), "one prefix was decided, in one turn");
}

#[test]
fn nothing_is_looked_at_where_no_policy_asks() {
    let mut stage = Stage::new(OPEN);
    let routes = some(3000);
    stage.announces(routes.iter().copied(), 1);
    stage.rest();
    let now = data(routes.iter().map(|prefix| (*prefix, 65_099)));
    stage.take(Event::Cache(CACHE.parse().unwrap(), said(&Arc::default(), &now)));
    assert!(!stage.engine.unsettled(), "there is nothing to do");
    assert_eq!(stage.known.len(), 3000);
    // It is shown all the same, and counts as soon as a policy asks.
    let asked =
        Show::BgpPrefix { family: Family::Ipv4Unicast, target: api::request::BgpTarget::Prefix(routes[0]), why: false };
    let Ok(View::BgpPrefix(shown)) = stage.show(asked) else { panic!("no prefix") };
    assert_eq!(shown.paths[0].validity, Some(Validity::Invalid));
    stage.commit(NO_INVALID.trim());
    stage.rest();
    assert!(routes.iter().all(|route| stage.is_refused(*route)));
    assert!(stage.known.is_empty());
}

#[test]
fn an_export_policy_may_ask_too() {
    let export = "
set protocols bgp 64512 neighbor 192.0.2.3 route-map export VALIDATED
set policy route-map VALIDATED rule 10 action deny
set policy route-map VALIDATED rule 10 match rpki invalid
set policy route-map VALIDATED rule 20 action permit";
    let mut stage = Stage::new(&format!("{OPEN}{export}"));
    let routes = some(2);
    stage.announces(routes.iter().copied(), 1);
    stage.rest();
    stage.forget_what_was_heard();
    let before = stage.cache_says(CACHE, &Arc::default(), &[(routes[0], 65_099)]);
    assert_eq!(stage.heard, [Heard::Withdrawn(routes[0])]);
    stage.cache_says(CACHE, &before, &[(routes[0], 65_002)]);
    assert_eq!(stage.heard, [Heard::Withdrawn(routes[0]), Heard::Announced(routes[0])]);
}

#[test]
fn another_cache_takes_over_and_data_that_nobody_confirms_expires() {
    let mut stage = Stage::new(&format!("{OPEN}{NO_INVALID}"));
    let routes = some(2);
    stage.announces(routes.iter().copied(), 1);
    let nothing = Arc::<Data>::default();
    stage.cache_says("198.51.100.54", &nothing, &[(routes[1], 65_099)]);
    assert!(stage.is_refused(routes[1]));
    stage.cache_says(CACHE, &nothing, &[(routes[0], 65_099)]);
    assert!(stage.is_refused(routes[0]) && !stage.is_refused(routes[1]), "the preferred one is there");
    let gone = Status { phase: Phase::Down, failure: Some("Connection refused".to_owned()), ..Status::default() };
    stage.take(Event::Cache(CACHE.parse().unwrap(), CacheNews::Status(gone)));
    stage.wait(690);
    stage.rest();
    assert!(stage.is_refused(routes[0]), "a cache may vanish without anything changing");
    stage.wait(20);
    stage.rest();
    assert!(!stage.is_refused(routes[0]) && !stage.is_refused(routes[1]), "both are too old now");
}

#[test]
fn a_cache_that_is_taken_away_is_asked_no_longer_and_says_nothing_more() {
    let mut stage = Stage::new(&format!("{OPEN}{NO_INVALID}"));
    let routes = some(1);
    stage.announces(routes.iter().copied(), 1);
    let nothing = Arc::<Data>::default();
    stage.cache_says(CACHE, &nothing, &[(routes[0], 65_099)]);
    assert!(stage.is_refused(routes[0]));
    stage.commit("delete protocols rpki");
    stage.rest();
    assert!(!stage.is_refused(routes[0]));
    stage.cache_says(CACHE, &nothing, &[(routes[0], 65_099)]);
    assert!(!stage.is_refused(routes[0]), "words of a task that was still under way");
    let Ok(View::RpkiCaches(caches)) = stage.show(Show::Rpki(RpkiShown::Caches)) else { panic!("no caches") };
    assert!(caches.caches.is_empty());
    stage.breaks(SPEAKER);
}

#[test]
fn an_edit_of_the_caches_disturbs_no_session_and_no_route() {
    let mut stage = Stage::new(&format!("{OPEN}{NO_INVALID}"));
    stage.announces(some(3), 1);
    stage.rest();
    stage.forget_what_was_heard();
    stage.commit("set protocols rpki polling-period 60\nset protocols rpki cache 198.51.100.53 port 8282");
    stage.rest();
    assert!(stage.heard.is_empty() && !stage.closed, "{:?}", stage.heard);
}

#[test]
fn paths_are_judged_by_what_their_members_say_of_their_providers_and_at_most_so_often() {
    let policy = "
set protocols bgp 64512 neighbor 192.0.2.2 local-role provider
set protocols bgp 64512 neighbor 192.0.2.2 route-map import PATHS
set policy route-map PATHS rule 10 action deny
set policy route-map PATHS rule 10 match aspa invalid
set policy route-map PATHS rule 20 action permit
set policy route-map PATHS rule 20 match aspa unknown
set policy route-map PATHS rule 20 set metric 7
set policy route-map PATHS rule 30 action permit";
    let mut stage = Stage::new(&format!("{OPEN}{policy}"));
    let route = some(1)[0];
    stage.announces_path([route], &[65_002, 65_100]);
    stage.rest();
    let metric = |stage: &Stage| stage.known.get(&route).map(|_| ());
    let med = |stage: &Stage| {
        stage.engine.tables.of(Family::Ipv4Unicast).paths(route).first().and_then(|path| path.attributes().med)
    };
    assert_eq!(med(&stage), Some(7), "nobody said anything");
    let mut before = Arc::<Data>::default();
    let mut say = |stage: &mut Stage, providers: &[u32]| {
        let providers: Arc<[Asn]> = providers.iter().copied().map(Asn).collect();
        let now = Arc::new(before.after(vec![(rpki::Record::Aspa(Asn(65_100), providers), true)]).unwrap());
        stage.take(Event::Cache(CACHE.parse().unwrap(), said(&before, &now)));
        before = now;
    };
    say(&mut stage, &[65_002]);
    stage.wait(0);
    stage.rest();
    assert_eq!((med(&stage), metric(&stage)), (None, Some(())), "the customer names the neighbor");
    say(&mut stage, &[65_099]);
    stage.wait(0);
    stage.rest();
    assert_eq!(metric(&stage), Some(()), "a cache that churns makes nobody walk the table all the time");
    stage.wait(30);
    stage.rest();
    assert_eq!(metric(&stage), None, "the customer names somebody else");
}
