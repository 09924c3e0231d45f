//! From the difference between wish and belief to an ordered list of changes.
//!
//! When every route of a group moves to the same legs, the group is changed in place: one change, however many
//! routes. Everything else moves route by route to a group that is there already or to a new one. Never removes
//! an object before its last user has moved.

use std::collections::{BTreeMap, BTreeSet};

use super::table::{Entry, Fib};
use super::wishes::WishId;
use super::{FibChange, FibTarget, Place, RouteKey};

/// Up to so many routes join a group that leads to the same legs, rather than keep a twin of it of their own.
const JOIN_AT_MOST: usize = 8;
/// More join where a group has so many twins already: each of them has to be changed when one of the legs is lost.
const TWINS: usize = 4;
/// So many routes keep a group of their own in any case: to move them one by one takes the kernel a tenth of a second.
const KEEP_AT_LEAST: usize = 16_384;

/// When a route that keeps all legs that it has gets further ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gains {
    /// In its turn.
    Now,
    /// Behind `Fib::release_gainers`: more of them may come, and when all routes of a group want the same it is changed in
    /// place.
    Later,
}

/// A route that has to lead to other legs.
struct Mover {
    place: Place,
    from: Option<u32>,
    to: WishId,
}

/// What has to become of a key.
enum Turn {
    Stay,
    Remove,
    Nowhere(FibTarget),
    Move(WishId, Option<u32>),
}

/// Changes by the order in which the kernel wants them.
#[derive(Default)]
struct Batch {
    next_hops: Vec<FibChange>,
    new_groups: Vec<FibChange>,
    /// Routes that leave groups altogether.
    leavers: Vec<FibChange>,
    replaced_groups: Vec<FibChange>,
    routes: Vec<FibChange>,
    gone: Vec<FibChange>,
}

impl Batch {
    fn ordered(self) -> Vec<FibChange> {
        let mut changes = self.next_hops;
        changes.extend(self.new_groups);
        changes.extend(self.leavers);
        changes.extend(self.replaced_groups);
        changes.extend(self.routes);
        changes.extend(self.gone);
        changes
    }
}

impl Fib {
    /// The changes that make the kernel what is wanted, in order; empty when it is. Groups that `leg_lost` or
    /// `next_hop_lost` touched are made what their routes want, so tell `want` first.
    pub fn flush(&mut self) -> Vec<FibChange> {
        self.follow_shaken();
        self.release_gainers();
        self.flush_wanted(usize::MAX, Gains::Now)
    }

    /// Lets routes whose group changed under them come to their turn. Not midway through a large change: groups
    /// that `leg_lost` touched must not get the leg back from routes whose turn has not come.
    pub fn follow_shaken(&mut self) {
        let shaken = std::mem::take(&mut self.shaken);
        let unlike: BTreeSet<u32> = shaken.into_iter().filter(|id| !self.ledger.contents_users(*id)).collect();
        if !unlike.is_empty() {
            self.look_at_users(&unlike);
        }
    }

    /// As `flush`, but for at most `limit` keys, and only for those that were wanted anew; whether what only gets further
    /// legs is among them is told.
    pub fn flush_wanted(&mut self, limit: usize, gains: Gains) -> Vec<FibChange> {
        let mut batch = Batch::default();
        let mut movers = Vec::new();
        // Routes that come together often gain the same.
        let mut last = None;
        let count = limit.min(self.dirty.len());
        let places: Vec<Place> = self.dirty.drain(..count).collect();
        for place in places {
            match self.turn(place) {
                Turn::Stay => self.stay(place),
                Turn::Remove => {
                    self.set_actual(place, None);
                    self.stay(place);
                    batch.leavers.push(FibChange::RouteGone(place.key()));
                }
                Turn::Nowhere(target) => self.lead(place, target, &mut batch.leavers),
                Turn::Move(to, Some(from)) if gains == Gains::Later && self.only_gains(to, from, &mut last) => {
                    self.wait(place);
                }
                Turn::Move(to, from) => movers.push(Mover { place, from, to }),
            }
        }
        self.move_routes(&movers, &mut batch);
        if !self.recovering {
            self.ledger.sweep(&mut batch.gone);
            let spare = self.ledger.group_count().saturating_add(64);
            self.ledger.wishes.forget_unused(spare);
        }
        batch.gone.extend(std::mem::take(&mut self.strays_due).into_iter().map(FibChange::NextHopGone));
        batch.ordered()
    }

    fn move_routes(&mut self, movers: &[Mover], batch: &mut Batch) {
        let in_place = self.replace_in_place(movers, batch);
        // Routes that come together often lead the same way; no group goes meanwhile.
        let mut last = None;
        for mover in movers {
            if mover.from.is_some_and(|from| in_place.contains(&from)) {
                self.stay(mover.place);
                continue;
            }
            let same = last.filter(|(to, _)| *to == mover.to).map(|(_, id)| id);
            let known = same.or_else(|| self.ledger.groups_with(mover.to).next());
            let id = known.unwrap_or_else(|| self.ledger.create(mover.to, &mut batch.next_hops, &mut batch.new_groups));
            last = Some((mover.to, id));
            self.lead(mover.place, FibTarget::Group(id), &mut batch.routes);
        }
    }

    fn turn(&self, place: Place) -> Turn {
        let Some(entry) = self.entries.get(place) else { return Turn::Stay };
        if self.satisfied(entry) || self.held(entry) {
            return Turn::Stay;
        }
        match entry.wish {
            WishId::NOTHING => Turn::Remove,
            WishId::BLACKHOLE => Turn::Nowhere(FibTarget::Blackhole),
            WishId::UNREACHABLE => Turn::Nowhere(FibTarget::Unreachable),
            legs => {
                let from = match entry.actual {
                    Some(FibTarget::Group(id)) if self.ledger.has_group(id) => Some(id),
                    _ => None,
                };
                Turn::Move(legs, from)
            }
        }
    }

    /// Whether a group keeps all of its legs where its routes shall lead, by what was answered `last`.
    fn only_gains(&self, to: WishId, from: u32, last: &mut Option<((WishId, u32), bool)>) -> bool {
        if let Some((asked, answer)) = *last
            && asked == (to, from)
        {
            return answer;
        }
        let answer = !self.shrinks(to, self.ledger.leads_to(from));
        *last = Some(((to, from), answer));
        answer
    }

    fn wait(&mut self, place: Place) {
        let Some(entry) = self.entries.get_mut(place) else { return };
        entry.dirty = false;
        if !std::mem::replace(&mut entry.gains, true) {
            self.gainers.push(place);
        }
    }

    /// The key had its turn: nothing is left to do for it, or the change of its group does it. It leaves the table where nothing
    /// is wanted and nothing there.
    fn stay(&mut self, place: Place) {
        let Some(entry) = self.entries.get(place) else { return };
        // Whoever waits among the gainers stands where they say until they were asked.
        let (satisfied, gone) = (self.satisfied(entry), entry.is_empty() && !entry.gains);
        if gone {
            self.entries.remove(place);
        } else if let Some(entry) = self.entries.get_mut(place) {
            entry.dirty = false;
            if satisfied && std::mem::take(&mut entry.adopted) {
                self.adopted = self.adopted.saturating_sub(1);
            }
        }
    }

    fn lead(&mut self, place: Place, target: FibTarget, out: &mut Vec<FibChange>) {
        self.set_actual(place, Some(target));
        self.stay(place);
        out.push(FibChange::Route { key: place.key(), target });
    }

    /// Changes groups whose routes all move to the same legs; answers those groups.
    fn replace_in_place(&mut self, movers: &[Mover], batch: &mut Batch) -> BTreeSet<u32> {
        let mut candidates = self.uniform_groups(movers);
        let mut in_place = BTreeSet::new();
        while let Some((id, (to, count))) = candidates.pop_first() {
            let joins = |other: u32| !candidates.contains_key(&other);
            let enough = match count {
                ..=JOIN_AT_MOST => 1,
                KEEP_AT_LEAST.. => usize::MAX,
                _ => TWINS,
            };
            if self.ledger.groups_with(to).filter(|other| joins(*other)).take(enough).count() == enough {
                continue;
            }
            self.ledger.replace(id, to, &mut batch.next_hops, &mut batch.replaced_groups);
            in_place.insert(id);
        }
        in_place
    }

    /// Groups out of which somebody moves and whose users all want the same other legs; with those legs and the
    /// number of users. None that would lose a leg during the recovery.
    fn uniform_groups(&self, movers: &[Mover]) -> BTreeMap<u32, (WishId, usize)> {
        let groups: BTreeSet<u32> = movers.iter().filter_map(|mover| mover.from).collect();
        let common = groups.into_iter().filter_map(|id| Some((id, self.ledger.common_wish(id)?)));
        let kept = common.filter(|(id, to)| {
            self.ledger.wishes.is_for_legs(*to) && !(self.recovering && self.shrinks(*to, self.ledger.leads_to(*id)))
        });
        kept.map(|(id, to)| (id, (to, self.ledger.users(id)))).collect()
    }

    /// Routes of groups that changed under them, or are gone, come to their turn.
    fn look_at_users(&mut self, groups: &BTreeSet<u32>) {
        let led_there = |entry: &Entry| matches!(entry.actual, Some(FibTarget::Group(id)) if groups.contains(&id));
        let users: Vec<RouteKey> =
            self.entries.iter().filter(|(_, entry)| led_there(entry)).map(|(key, _)| key).collect();
        for key in users {
            let gone = self
                .entries
                .get(key)
                .is_some_and(|entry| matches!(entry.actual, Some(FibTarget::Group(id)) if !self.ledger.has_group(id)));
            if gone {
                self.set_actual(key, None);
                if let Some(entry) = self.entries.get_mut(key) {
                    self.adopted = self.adopted.saturating_sub(usize::from(std::mem::take(&mut entry.adopted)));
                }
            }
            if self.entries.get(key).is_some_and(|entry| !self.satisfied(entry) || entry.is_empty()) {
                self.mark_dirty(key);
            }
        }
    }
}
