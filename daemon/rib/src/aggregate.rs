//! Aggregates: which routes each covers at the moment, and what these have in common (RFC 4271 §9.2.2.2).
//!
//! It is told of each prefix that was decided, and works out what that changes: a route that comes or goes costs a
//! look at the aggregates that cover it, and sets of attributes are counted, so that an aggregate is made of the few
//! different ones and not of its routes. Never chooses a path and never announces anything.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use bgp_wire::attribute::{AsPath, Origin, PathAttributes, Segment, SegmentKind};
use nouns::{Asn, Family, Prefix};

use crate::id_hash::IdHash;
use crate::prefix_map::PrefixMap;

/// What is wanted of an aggregate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Wish {
    /// Its AS path holds the AS numbers of what it covers, as a set where they differ. Else the path is empty, as
    /// RFC 9774 wants it.
    pub as_set: bool,
    /// What it covers is not announced beside it.
    pub summary_only: bool,
}

/// All aggregates of both families.
#[derive(Clone, Debug, Default)]
pub struct Aggregates {
    all: BTreeMap<Prefix, Aggregate>,
    /// The lengths that there are, the longest last.
    lengths: BTreeSet<(Family, u8)>,
    changed: BTreeSet<Prefix>,
}

/// One aggregate and the routes that it covers.
#[derive(Clone, Debug, Default)]
struct Aggregate {
    wish: Wish,
    routes: PrefixMap<Arc<PathAttributes>>,
    /// The different sets of attributes among them, by their places in memory, and how many routes have each.
    sets: HashMap<usize, (Arc<PathAttributes>, usize), IdHash>,
}

impl Aggregates {
    /// Whether there is no aggregate at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// Puts other wishes in force; what an aggregate covers is known as before, and nothing is known of a new one.
    pub fn configure(&mut self, wishes: &BTreeMap<Prefix, Wish>) {
        self.changed.extend(self.all.keys().filter(|prefix| !wishes.contains_key(*prefix)));
        self.all.retain(|prefix, _| wishes.contains_key(prefix));
        for (prefix, wish) in wishes {
            let aggregate = self.all.entry(*prefix).or_default();
            aggregate.wish = *wish;
            self.changed.insert(*prefix);
        }
        self.lengths = self.all.keys().map(|prefix| (prefix.family(), prefix.length())).collect();
    }

    /// A prefix was decided: the attributes of its best path, `None` where there is none.
    pub fn note(&mut self, prefix: Prefix, best: Option<&Arc<PathAttributes>>) {
        for (family, length) in &self.lengths {
            if *family != prefix.family() || *length >= prefix.length() {
                continue;
            }
            let cover = Prefix::masked_or_host(prefix.address(), *length);
            if self.all.get_mut(&cover).is_some_and(|aggregate| aggregate.note(prefix, best)) {
                self.changed.insert(cover);
            }
        }
    }

    /// Aggregates that may have become others since they were last asked for.
    pub fn take_changed(&mut self) -> BTreeSet<Prefix> {
        std::mem::take(&mut self.changed)
    }

    /// Whether an aggregate changed.
    #[must_use]
    pub fn has_changed(&self) -> bool {
        !self.changed.is_empty()
    }

    /// Whether a prefix is covered by an aggregate that stands for it alone.
    #[must_use]
    pub fn suppresses(&self, prefix: Prefix) -> bool {
        self.lengths.iter().any(|(family, length)| {
            *family == prefix.family() && *length < prefix.length() && {
                let cover = Prefix::masked_or_host(prefix.address(), *length);
                let known = self.all.get(&cover);
                known.is_some_and(|aggregate| aggregate.wish.summary_only && !aggregate.routes.is_empty())
            }
        })
    }

    /// How many routes an aggregate covers; `None` where there is no such aggregate.
    #[must_use]
    pub fn covered(&self, prefix: Prefix) -> Option<usize> {
        self.all.get(&prefix).map(|aggregate| aggregate.routes.len())
    }

    /// The attributes of an aggregate, without next hop and AGGREGATOR; `None` while it covers nothing.
    #[must_use]
    pub fn made(&self, prefix: Prefix) -> Option<PathAttributes> {
        let aggregate = self.all.get(&prefix).filter(|aggregate| !aggregate.routes.is_empty())?;
        Some(aggregate.made(prefix))
    }
}

impl Aggregate {
    /// Takes in what became of a route; answers whether the aggregate may be another one for it.
    fn note(&mut self, prefix: Prefix, best: Option<&Arc<PathAttributes>>) -> bool {
        let before = match best {
            Some(best) => {
                let known = self.routes.get(prefix);
                if known.is_some_and(|known| Arc::ptr_eq(known, best)) {
                    return false;
                }
                self.routes.insert(prefix, Arc::clone(best))
            }
            None => self.routes.remove(prefix),
        };
        let came = best.is_some_and(|best| self.came(best));
        let went = before.is_some_and(|before| self.went(&before));
        came || went
    }

    /// Counts a set; answers whether it is new.
    fn came(&mut self, set: &Arc<PathAttributes>) -> bool {
        let (_, count) = self.sets.entry(place(set)).or_insert_with(|| (Arc::clone(set), 0));
        *count = count.saturating_add(1);
        *count == 1
    }

    /// Counts a set down; answers whether that was the last of its kind.
    fn went(&mut self, set: &Arc<PathAttributes>) -> bool {
        let Some((_, count)) = self.sets.get_mut(&place(set)) else { return false };
        *count = count.saturating_sub(1);
        let last = *count == 0;
        if last {
            self.sets.remove(&place(set));
        }
        last
    }

    fn made(&self, prefix: Prefix) -> PathAttributes {
        let sets = || self.sets.values().map(|(set, _)| set);
        let origin = sets().map(|set| set.origin).max().unwrap_or(Origin::Incomplete);
        let unspecified = Prefix::masked_or_host(prefix.address(), 0).address();
        let mut made = PathAttributes::new(origin, unspecified);
        made.atomic_aggregate = sets().any(|set| set.atomic_aggregate);
        if self.wish.as_set {
            made.as_path = common_path(sets().map(|set| &set.as_path));
            made.communities = union(sets().map(|set| set.communities.iter().copied()));
            made.extended_communities = union(sets().map(|set| set.extended_communities.iter().copied()));
            made.large_communities = union(sets().map(|set| set.large_communities.iter().copied()));
        } else {
            // Whoever hears of it has to know that the path tells less than the whole (§5.1.6).
            made.atomic_aggregate |= sets().any(|set| !set.as_path.is_empty());
        }
        made
    }
}

/// Sets are kept while they are counted, so nothing else can be at the place of one.
fn place(set: &Arc<PathAttributes>) -> usize {
    Arc::as_ptr(set).addr()
}

/// Everything that is in one of them, sorted and unique.
fn union<T: Ord, V: FromIterator<T>>(lists: impl Iterator<Item = impl Iterator<Item = T>>) -> V {
    lists.flatten().collect::<BTreeSet<T>>().into_iter().collect()
}

/// The numbers that all paths begin with as a sequence, then all the others as one set.
fn common_path<'a>(paths: impl Iterator<Item = &'a AsPath> + Clone) -> AsPath {
    let mut common: Option<Vec<Asn>> = None;
    for path in paths.clone() {
        let own = leading_sequence(path);
        let shared = match &common {
            None => own,
            Some(known) => known.iter().zip(&own).take_while(|(a, b)| a == b).map(|(asn, _)| *asn).collect(),
        };
        common = Some(shared);
    }
    let common = common.unwrap_or_default();
    let rest: BTreeSet<Asn> = paths
        .flat_map(|path| {
            // A number that stands in the common part may stand behind it once more.
            path.asns().skip(common.len()).collect::<Vec<_>>()
        })
        .filter(|asn| !common.contains(asn))
        .collect();
    let rest: Vec<Asn> = rest.into_iter().collect();
    [Segment { kind: SegmentKind::Sequence, asns: &common }, Segment { kind: SegmentKind::Set, asns: &rest }]
        .into_iter()
        .collect()
}

/// The numbers of a path up to its first set; a path of a confederation begins with none.
fn leading_sequence(path: &AsPath) -> Vec<Asn> {
    let sequences = path.segments().take_while(|segment| segment.kind == SegmentKind::Sequence);
    sequences.flat_map(|segment| segment.asns.iter().copied()).collect()
}
