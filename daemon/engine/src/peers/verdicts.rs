//! The paths of many prefixes judged again together, each processor a part of them.
//!
//! A verdict follows from the path and the rules alone, so who judges only reads the table; the verdicts are put there
//! afterwards, one after the other. The threads borrow what they read and are over before the call is: what comes out
//! does not depend on how many there are. Never waits for anything else.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::vec::IntoIter;

use config::model::bgp::MonitoredView;
use nouns::{Family, Prefix};
use rib::attribute_sets::AttributeSets;
use rib::bgp_table::{Inserted, Path, PeerId};

use super::learn::Judge;
use crate::engine::Engine;

/// More threads than this would wait for each other and for the memory.
const THREADS: usize = 8;
/// A thread has to be worth its beginning.
const PREFIXES_A_THREAD: usize = 64;

/// Prefixes that a thread takes at a time, and whose sets are fetched together.
const PREFIXES_A_PART: usize = 16;

/// Who judges the routes of which peers.
type Judges = BTreeMap<PeerId, Judge>;

/// A prefix and its paths.
type Entry<'a> = (Prefix, &'a [Path]);

/// What becomes of a path, and whether it keeps its rank.
type Verdict = (Inserted, bool);

/// Verdicts on the paths of some prefixes, in the order of the table.
pub(super) struct Verdicts {
    judges: Judges,
    verdicts: IntoIter<Verdict>,
    /// Nobody looks at more of a chosen path than the decision does, but those who hear of it.
    decided: bool,
    /// Something that stays chosen has to be told.
    pub(super) news: bool,
}

impl Engine {
    /// Judges those paths of prefixes that may have been judged by older rules. The prefixes have to stand one behind the
    /// other in the table.
    pub(super) fn verdicts(&mut self, family: Family, prefixes: &[Prefix]) -> Verdicts {
        let unjudged = prefixes.first().map(|first| self.reviews.unjudged(family, *first)).unwrap_or_default();
        let judges = unjudged.iter().filter_map(|peer| Some((*peer, self.judge_beside(*peer, family)?)));
        let judges: Judges = judges.collect();
        let verdicts = if judges.is_empty() {
            Vec::new()
        } else {
            let entries = self.tables.of(family).iter_from(prefixes.first().copied()).take(prefixes.len());
            let threads = self.facts.processors.min(prefixes.len() / PREFIXES_A_THREAD).clamp(1, THREADS);
            judge_all(&entries.collect::<Vec<_>>(), &judges, &self.attribute_sets, threads)
        };
        let monitored = self.collectors.want(family, MonitoredView::LocRib) || self.is_observed();
        let decided = !monitored && self.table_map(family).is_none();
        Verdicts { judges, verdicts: verdicts.into_iter(), decided, news: false }
    }

    /// Puts the verdicts on the next prefix in place of those that its paths have. Where that leaves all as it is that the
    /// decision looks at, the prefix needs none.
    pub(super) fn pronounce(&mut self, family: Family, prefix: Prefix, verdicts: &mut Verdicts) {
        let Verdicts { judges, verdicts, decided, news } = verdicts;
        if judges.is_empty() {
            return;
        }
        let Self { tables, damping, collectors, groups, .. } = self;
        let stays = tables.of_mut(family).rejudge(
            prefix,
            |path| {
                let (inserted, alike) = judges.contains_key(&path.peer()).then(|| verdicts.next()).flatten()?;
                match damping.still_rests(family, (prefix, path.key()), &inserted) {
                    Some(rests) => Some((rests, false)),
                    None => Some((inserted, alike && *decided)),
                }
            },
            |key| collectors.note_judged(key, family, prefix),
        );
        if let Some(stays) = stays {
            *news |= stays.news;
            groups.offer_to_all(family, prefix, stays.reachable, stays.news);
        }
    }
}

/// The verdicts on all paths of entries that somebody judges, in their order. Each thread takes the next part that nobody
/// took: where there is no processor for the others, the calling one does it all.
fn judge_all(entries: &[Entry<'_>], judges: &Judges, sets: &AttributeSets, threads: usize) -> Vec<Verdict> {
    let parts: Vec<&[Entry<'_>]> = entries.chunks(PREFIXES_A_PART).collect();
    let next = AtomicUsize::new(0);
    let work = || {
        let (mut judges, mut done) = (judges.clone(), Vec::new());
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            let Some(part) = parts.get(number) else { return done };
            done.push((number, judge_part(part, &mut judges, sets)));
        }
    };
    let mut done = std::thread::scope(|scope| {
        // Where no thread is to be had, there is one less.
        let begin = |_| std::thread::Builder::new().spawn_scoped(scope, work).ok();
        let others: Vec<_> = (1..threads).filter_map(begin).collect();
        let mut done = work();
        for other in others {
            match other.join() {
                Ok(judged) => done.extend(judged),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        done
    });
    done.sort_unstable_by_key(|(number, _)| *number);
    done.into_iter().flat_map(|(_, verdicts)| verdicts).collect()
}

fn judge_part(entries: &[Entry<'_>], judges: &mut Judges, sets: &AttributeSets) -> Vec<Verdict> {
    let mut verdicts = Vec::new();
    touch(entries);
    for (prefix, paths) in entries {
        for path in *paths {
            if let Some(judge) = judges.get_mut(&path.peer()) {
                let inserted = judge.again(path.received(), *prefix, sets);
                let alike = inserted.ranks_as(path);
                verdicts.push((inserted, alike));
            }
        }
    }
    verdicts
}

/// Looks at all sets of some prefixes, so that the processor fetches them together and not one after the other: they lie
/// all over the memory.
fn touch(entries: &[Entry<'_>]) {
    let paths = entries.iter().flat_map(|(_, paths)| *paths);
    let lengths = paths.map(|path| {
        let old = path.attributes().local_pref.is_some();
        path.received().communities.len() ^ usize::from(old)
    });
    std::hint::black_box(lengths.fold(0, |all, length| all ^ length));
}
