//! The paths of many prefixes judged again together, each processor a part of them.
//!
//! A verdict follows from the path and the rules alone, so prefixes are lent out of the table for it, and whoever has one
//! changes nothing else; what follows for the table follows when they are put back, one after the other. Never decides.

use std::sync::Arc;

use bgp_wire::attribute::PathAttributes;
use config::model::bgp::MonitoredView;
use nouns::Family;
use rib::attribute_sets::AttributeSets;
use rib::bgp_table::{Lent, Path, PeerId};
use rib::prefix_table::Spot;

use super::damping::Dampings;
use super::groups::Offer;
use super::learn::Judge;
use crate::effect::Effect;
use crate::engine::Engine;
use crate::event::Moment;
use crate::together::together;

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
    /// Who judges the routes of which peers, in the order of these.
    judges: Vec<(PeerId, Judge)>,
    sets: &'a AttributeSets,
    damping: &'a Dampings,
    /// Nobody looks at more of a chosen path than the decision does, but those who hear of it.
    decided: bool,
    /// Somebody wants to hear of each path that becomes another.
    told: bool,
}

impl Engine {
    /// Judges those paths of prefixes again that may have been judged by older rules. The prefixes have to stand one behind
    /// the other in the table. Where that leaves all as it is that the decision looks at, a prefix needs none. What groups
    /// wait to be told is encoded beside that, and of prefixes that are out of the table nothing is told meanwhile; answers
    /// whether it came to that.
    pub(super) fn judge_piece(&mut self, at: Moment, family: Family, spots: &[Spot], out: &mut Vec<Effect>) -> bool {
        let unjudged = spots.first().map(|first| self.reviews.unjudged(family, *first)).unwrap_or_default();
        let judges = unjudged.iter().filter_map(|peer| Some((*peer, self.judge_beside(*peer, family)?)));
        let judges: Vec<(PeerId, Judge)> = judges.collect();
        if judges.is_empty() {
            return false;
        }
        let monitored = self.collectors.want(family, MonitoredView::LocRib) || self.is_observed();
        let decided = !monitored && self.table_map(family).is_none();
        let told = self.collectors.want(family, MonitoredView::PostPolicy);
        let threads = self.facts.processors.min(spots.len() / PREFIXES_A_THREAD).clamp(1, THREADS);
        let mut telling = self.begin_to_tell_all();
        let table = self.tables.of_mut(family);
        let mut lent = Vec::with_capacity(spots.len());
        lent.extend(spots.iter().filter_map(|spot| table.lend(*spot)));
        let (sets, damping) = (&self.attribute_sets, &self.damping);
        let court = Court { family, judges, sets, damping, decided, told };
        court.judge_all(&mut lent, threads, || telling.encode(self));
        let encoded = self.end_telling(telling);
        let Self { tables, collectors, groups, .. } = self;
        let table = tables.of_mut(family);
        let mut news = false;
        for lent in lent {
            let spot = lent.spot();
            let stays = table.put_back(lent, |key| collectors.note_judged(key, family, spot.prefix()));
            if let Some(stays) = stays {
                news |= stays.news;
                groups.offer_to_all(family, spot, Offer::of(stays.best), stays.news);
            }
        }
        if news {
            self.next_version(family);
        }
        self.send_encoded(at, encoded, out);
        true
    }
}

impl Court<'_> {
    /// Judges all paths that somebody judges. Each thread takes the next part that nobody took, the calling one once it has
    /// done what is to be done `beside`: where there is no processor for the others, it does it all.
    fn judge_all(&self, lent: &mut [Lent], threads: usize, beside: impl FnOnce()) {
        let work = |parts: &mut dyn Iterator<Item = &mut [Lent]>| {
            let (mut judges, mut left) = (self.judges.clone(), Vec::new());
            for part in parts {
                part.chunks_mut(PREFIXES_AT_ONCE).for_each(|some| self.judge_some(some, &mut judges, &mut left));
                self.sets.let_go_beside(&mut left);
            }
        };
        together(threads, lent.chunks_mut(PREFIXES_A_PART), work, beside);
    }

    fn judge_some(&self, lent: &mut [Lent], judges: &mut [(PeerId, Judge)], left: &mut Vec<Arc<PathAttributes>>) {
        touch(lent);
        let mut next = 0;
        for one in lent {
            let prefix = one.spot().prefix();
            one.rejudge(self.told, |path| {
                let (inserted, alike) = judge_of(judges, path.peer(), &mut next)?.again(path, prefix, self.sets, left);
                match self.damping.still_rests(self.family, (prefix, path.key()), &inserted) {
                    Some(rests) => Some((rests, false)),
                    None => Some((inserted, alike && self.decided)),
                }
            });
        }
    }
}

/// Who judges the routes of a peer: most paths stand in the order of their peers.
fn judge_of<'a>(judges: &'a mut [(PeerId, Judge)], peer: PeerId, next: &mut usize) -> Option<&'a mut Judge> {
    let found = judges.get(*next).is_some_and(|(known, _)| *known == peer).then_some(*next);
    let found = found.or_else(|| judges.binary_search_by_key(&peer, |(known, _)| *known).ok())?;
    *next = (found + 1) % judges.len();
    judges.get_mut(found).map(|(_, judge)| judge)
}

/// Looks at all sets of some prefixes, so that the processor fetches them together and not one after the other: they lie
/// all over the memory.
fn touch(lent: &[Lent]) {
    let (mut all, mut before): (usize, &[Path]) = (0, &[]);
    for one in lent {
        // What the prefix before had in the same place is there already.
        let known = |(at, path): &(usize, &Path)| before.get(*at).is_some_and(|before| before.shares_all_with(path));
        let fresh = one.paths().iter().enumerate().filter(|path| !known(path));
        all = fresh.fold(all, |all, (_, path)| all ^ fields(path.attributes()) ^ fields(path.received()));
        before = one.paths();
    }
    std::hint::black_box(all);
}

/// Something of each line of the processor's cache that a set lies in.
fn fields(set: &Arc<PathAttributes>) -> usize {
    let flags = [set.next_hop.address.is_ipv4(), set.med.is_some(), set.local_pref.is_some()];
    let flags = flags.into_iter().fold(set.origin as usize, |all, flag| all ^ usize::from(flag));
    Arc::strong_count(set) ^ set.communities.len() ^ flags
}
