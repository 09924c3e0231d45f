//! Whose data counts, while caches come and go.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "a test may fail"
)]

use nouns::{Asn, Prefix};

use super::*;
use crate::vrps::{Vrp, Vrps};
use crate::wire::Timers;

fn data(prefixes: &[&str]) -> Arc<Data> {
    let vrp = |text: &&str| {
        let prefix: Prefix = text.parse().unwrap();
        Vrp::new(prefix, prefix.length(), Asn(1)).unwrap()
    };
    Arc::new(Data { vrps: Vrps::from_sorted(prefixes.iter().map(vrp)), ..Data::default() })
}

fn said(before: &Arc<Data>, data: &Arc<Data>) -> Synchronized {
    Synchronized {
        data: Arc::clone(data),
        before: Arc::clone(before),
        changed: before.differences(data),
        timers: Timers { refresh: 100, retry: 10, expire: 700 },
    }
}

fn at(caches: &Caches<&'static str>) -> Option<&'static str> {
    caches.source().copied()
}

#[test]
fn a_cache_that_vanishes_changes_nothing_until_its_data_is_old_and_another_one_has_newer() {
    let start = Instant::now();
    let after = |seconds| start + Duration::from_secs(seconds);
    let nothing = Arc::<Data>::default();
    let (first, second) = (data(&["10.0.0.0/8", "11.0.0.0/8"]), data(&["10.0.0.0/8", "12.0.0.0/8"]));
    let mut caches = Caches::default();
    caches.set("first", 1);
    caches.set("second", 2);
    caches.synchronized(&"second", start, &said(&nothing, &second));
    assert_eq!(caches.choose(start, None).prefixes.len(), 2);
    assert_eq!(at(&caches), Some("second"), "it is all there is");
    let news = said(&nothing, &first);
    caches.synchronized(&"first", start, &news);
    assert_eq!(
        caches.choose(start, Some(&news)).prefixes,
        data(&["11.0.0.0/8", "12.0.0.0/8"]).vrps.iter().map(|vrp| vrp.prefix).collect::<Vec<_>>()
    );
    assert_eq!(at(&caches), Some("first"), "the lower preference wins");
    // From now on the first one is silent.
    caches.synchronized(&"second", after(100), &said(&second, &second));
    assert!(caches.choose(after(109), None).is_empty());
    assert_eq!(caches.deadline(after(109)), Some(after(110)));
    assert!(!caches.choose(after(110), None).is_empty());
    assert_eq!(at(&caches), Some("second"));
    // Now nobody says anything any more.
    assert!(!caches.choose(after(210), None).is_empty(), "both are old, the first one is preferred");
    assert_eq!(at(&caches), Some("first"));
    assert!(!caches.choose(after(700), None).is_empty());
    assert_eq!(at(&caches), Some("second"), "its data is younger");
    assert_eq!(caches.choose(after(800), None).prefixes.len(), 2);
    assert_eq!((at(&caches), caches.deadline(after(800))), (None, None));
}

#[test]
fn what_a_cache_flushed_or_one_that_was_taken_away_said_counts_no_more() {
    let now = Instant::now();
    let nothing = Arc::<Data>::default();
    let mut caches = Caches::default();
    for leave in [Caches::flush, Caches::remove] {
        caches.set("only", 1);
        caches.synchronized(&"only", now, &said(&nothing, &data(&["10.0.0.0/8"])));
        assert_eq!(caches.choose(now, None).prefixes.len(), 1);
        leave(&mut caches, &"only");
        assert_eq!(caches.choose(now, None).prefixes.len(), 1);
        assert!(caches.used().vrps.is_empty());
    }
}
