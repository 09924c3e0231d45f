//! The paths of many prefixes judged again together, each processor a part of them.
//!
//! A verdict follows from the path and the rules alone, so prefixes are lent out of the table for it, and whoever has one
//! changes nothing else; what follows for the table follows when they are put back, one after the other. The threads borrow
//! what they read and are over before the call is: what comes out does not depend on how many there are. Never waits for
//! anything else.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use config::model::bgp::MonitoredView;
use nouns::Family;
use rib::attribute_sets::AttributeSets;
use rib::bgp_table::{Lent, PeerId};
use rib::prefix_table::Spot;

use super::damping::Dampings;
use super::learn::Judge;
use crate::engine::Engine;

/// More threads than this would wait for each other and for the memory.
const THREADS: usize = 8;
/// A thread has to be worth its beginning.
const PREFIXES_A_THREAD: usize = 64;

/// Prefixes that a thread takes at a time: neighbors often came with the same attributes, and are judged once then.
const PREFIXES_A_PART: usize = 64;
/// Prefixes whose sets are fetched together.
const PREFIXES_AT_ONCE: usize = 16;

/// By whom, and by what, prefixes are judged.
struct Court<'a> {
    family: Family,
    /// Who judges the routes of which peers.
    judges: BTreeMap<PeerId, Judge>,
    sets: &'a AttributeSets,
    damping: &'a Dampings,
    /// Nobody looks at more of a chosen path than the decision does, but those who hear of it.
    decided: bool,
    /// Somebody wants to hear of each path that becomes another.
    told: bool,
}

impl Engine {
    /// Judges those paths of prefixes again that may have been judged by older rules. The prefixes have to stand one behind
    /// the other in the table. Where that leaves all as it is that the decision looks at, a prefix needs none.
    pub(super) fn judge_piece(&mut self, family: Family, spots: &[Spot]) {
        let unjudged = spots.first().map(|first| self.reviews.unjudged(family, first.prefix())).unwrap_or_default();
        let judges = unjudged.iter().filter_map(|peer| Some((*peer, self.judge_beside(*peer, family)?)));
        let judges: BTreeMap<PeerId, Judge> = judges.collect();
        if judges.is_empty() {
            return;
        }
        let monitored = self.collectors.want(family, MonitoredView::LocRib) || self.is_observed();
        let decided = !monitored && self.table_map(family).is_none();
        let told = self.collectors.want(family, MonitoredView::PostPolicy);
        let threads = self.facts.processors.min(spots.len() / PREFIXES_A_THREAD).clamp(1, THREADS);
        let Self { tables, attribute_sets: sets, damping, collectors, groups, .. } = self;
        let table = tables.of_mut(family);
        let mut lent: Vec<Lent> = spots.iter().filter_map(|spot| table.lend(*spot)).collect();
        Court { family, judges, sets, damping, decided, told }.judge_all(&mut lent, threads);
        let mut news = false;
        for lent in lent {
            let spot = lent.spot();
            let stays = table.put_back(lent, |key| collectors.note_judged(key, family, spot.prefix()));
            if let Some(stays) = stays {
                news |= stays.news;
                groups.offer_to_all(family, spot, stays.reachable, stays.news);
            }
        }
        if news {
            self.next_version(family);
        }
    }
}

impl Court<'_> {
    /// Judges all paths that somebody judges. Each thread takes the next part that nobody took: where there is no processor
    /// for the others, the calling one does it all.
    fn judge_all(&self, lent: &mut [Lent], threads: usize) {
        let parts = Mutex::new(lent.chunks_mut(PREFIXES_A_PART));
        let next = || parts.lock().unwrap_or_else(PoisonError::into_inner).next();
        let work = || {
            let mut judges = self.judges.clone();
            while let Some(part) = next() {
                part.chunks_mut(PREFIXES_AT_ONCE).for_each(|some| self.judge_some(some, &mut judges));
            }
        };
        std::thread::scope(|scope| {
            // Where no thread is to be had, there is one less; one that panics takes the call along.
            let begin = |_| std::thread::Builder::new().spawn_scoped(scope, work).ok();
            let others: Vec<_> = (1..threads).filter_map(begin).collect();
            work();
            for other in others {
                if let Err(panic) = other.join() {
                    std::panic::resume_unwind(panic);
                }
            }
        });
    }

    fn judge_some(&self, lent: &mut [Lent], judges: &mut BTreeMap<PeerId, Judge>) {
        touch(lent);
        for one in lent {
            let prefix = one.spot().prefix();
            one.rejudge(self.told, |path| {
                let (inserted, alike) = judges.get_mut(&path.peer())?.again(path, prefix, self.sets);
                match self.damping.still_rests(self.family, (prefix, path.key()), &inserted) {
                    Some(rests) => Some((rests, false)),
                    None => Some((inserted, alike && self.decided)),
                }
            });
        }
    }
}

/// Looks at all sets of some prefixes, so that the processor fetches them together and not one after the other: they lie
/// all over the memory.
fn touch(lent: &[Lent]) {
    let paths = lent.iter().flat_map(Lent::paths);
    let lengths = paths.map(|path| {
        let old = path.attributes().local_pref.is_some();
        path.received().communities.len() ^ usize::from(old)
    });
    std::hint::black_box(lengths.fold(0, |all, length| all ^ length));
}
