//! The decision for many prefixes, without words: the same outcome as the chain of steps, at a fraction of its cost.
//!
//! The steps before MED order paths by numbers alone, so they are one number here, and a usual prefix is decided by
//! it. What is left goes through the steps themselves. Paths that come behind others are compared with the best of these
//! alone, where that is enough. Next hops are few and paths many, so the cost of each is
//! looked up once. Never tells why a path lost.

use std::cmp::Ordering;
use std::collections::HashMap;

use foldhash::fast::RandomState;
use nouns::{Family, Several};

use super::{
    BEFORE_KIND, Candidate, NextHops, Path, Resolution, Rules, STEPS, as_near, filter, length, med, med_group, share,
    share_limit, sharing_order, staleness, tie_order,
};
use crate::bgp_table::{Identity, PeerId, PeerInfo};
use crate::routes::Gateway;

/// Next hops whose cost is remembered; with more of them all are looked up anew.
const COSTS: usize = 1024;
/// How many of the steps are in the number.
const NUMBERED: usize = 6;

/// Which paths of a prefix are used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    /// The place of the best path.
    pub best: usize,
    /// Whether the best path came over an internal session.
    pub internal: bool,
    /// The places of those that share the load with it, in the order of the tie; without the best.
    pub others: Vec<usize>,
}

impl Choice {
    /// The best path and those that share the load with it.
    pub fn all(&self) -> impl Iterator<Item = usize> {
        std::iter::once(self.best).chain(self.others.iter().copied())
    }
}

/// What becomes of a choice when more paths come behind those that it was made among.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Challenge {
    /// It stays what it was.
    Lost,
    /// This one takes its place, and whether it repeats what was chosen last.
    Won(Choice, bool),
    /// That takes a look at all paths.
    Unclear,
}

/// What is known of a peer.
type Peers<'a> = &'a dyn Fn(PeerId) -> Option<PeerInfo>;

/// Decides prefix after prefix while neither the peers, the next hops nor the rules change.
pub struct Chooser<'a> {
    family: Family,
    peers: Peers<'a>,
    next_hops: &'a NextHops,
    rules: &'a Rules,
    costs: HashMap<Gateway, Option<u32>, RandomState>,
    /// The paths that were chosen from last, none before that, and the outcome.
    last: (Vec<Identity>, Option<Choice>),
    /// The paths that were chosen last; none where there were none.
    chosen: Vec<Identity>,
}

impl<'a> Chooser<'a> {
    /// For the paths of a family.
    #[must_use]
    pub fn new(family: Family, peers: Peers<'a>, next_hops: &'a NextHops, rules: &'a Rules) -> Self {
        Self {
            family,
            peers,
            next_hops,
            rules,
            costs: HashMap::default(),
            last: (Vec::new(), None),
            chosen: Vec::new(),
        }
    }

    /// The best of some paths and those that share the load, `None` when none is usable; and whether it `repeats` what was
    /// chosen last. Paths like those that were asked for last, as those of prefixes that come together often are, cost no
    /// look at each. No path may have gone since then.
    pub fn choose_again(&mut self, paths: &[Path]) -> (Option<&Choice>, bool) {
        let (known, _) = &self.last;
        let alike = paths.len() == known.len() && paths.iter().map(Path::identity).eq(known.iter().copied());
        if !alike {
            let choice = self.choose(paths);
            let (known, last) = &mut self.last;
            known.clear();
            known.extend(paths.iter().map(Path::identity));
            *last = choice;
        }
        let repeats = repeats(&mut self.chosen, paths, self.last.1.as_ref());
        (self.last.1.as_ref(), repeats)
    }

    /// What the last of some paths, so many, do to the choice that was made among those before them and has this best path.
    ///
    /// However many paths there are, the best one alone is compared with each that is new. A path that loses a step before
    /// MED takes no part in the steps that follow, and one that wins such a step leaves nobody else to take part. Among
    /// those that are equal so far, one that loses to the best path can only take others away with its MED, which lost as
    /// well: that matters where these shared the load.
    pub fn challenge(&mut self, paths: &[Path], best: usize, newcomers: usize) -> Challenge {
        let Some(mut champion) = paths.get(best).and_then(|path| self.candidate(best, path)) else {
            return Challenge::Unclear;
        };
        let mut least = number(&champion);
        for (index, path) in paths.iter().enumerate().skip(paths.len().saturating_sub(newcomers)) {
            let Some(newcomer) = self.candidate(index, path) else { continue };
            let number = number(&newcomer);
            match number.cmp(&least) {
                Ordering::Greater => {}
                Ordering::Less => (champion, least) = (newcomer, number),
                Ordering::Equal if outlasts(&champion, &newcomer, self.rules) => {}
                Ordering::Equal => return Challenge::Unclear,
            }
        }
        if champion.index == best {
            return Challenge::Lost;
        }
        let choice = Choice { best: champion.index, internal: champion.internal, others: Vec::new() };
        let repeats = repeats(&mut self.chosen, paths, Some(&choice));
        Challenge::Won(choice, repeats)
    }

    /// The best of some paths and those that share the load; `None` when none is usable.
    pub fn choose(&mut self, paths: &[Path]) -> Option<Choice> {
        let mut best: Option<(u128, Candidate<'_>)> = None;
        let mut equals: Vec<Candidate<'_>> = Vec::new();
        for (index, path) in paths.iter().enumerate() {
            let Some(candidate) = self.candidate(index, path) else { continue };
            let number = number(&candidate);
            match &best {
                Some((least, _)) if *least < number => {}
                Some((least, _)) if *least == number => equals.push(candidate),
                _ => {
                    best = Some((number, candidate));
                    equals.clear();
                }
            }
        }
        let (_, best) = best?;
        if equals.is_empty() {
            return Some(Choice { best: best.index, internal: best.internal, others: Vec::new() });
        }
        equals.push(best);
        choose_among(&mut equals, self.rules)
    }

    /// The places of the paths that are told where several may be (RFC 7911); all usable ones in their order, else the
    /// best one first.
    pub fn several(&mut self, paths: &[Path], which: Several) -> Vec<usize> {
        let usable = paths.iter().enumerate().filter_map(|(index, path)| self.candidate(index, path));
        let mut left: Vec<Candidate<'_>> = usable.collect();
        let wanted = match which {
            Several::All => return left.into_iter().map(|candidate| candidate.index).collect(),
            Several::PerAs => usize::MAX,
            Several::Best(count) => usize::from(count.get()),
        };
        let mut told = Vec::new();
        // MED makes the order depend on who takes part, so each next best is chosen among those that are left.
        while told.len() < wanted
            && let Some(best) = best_of(left.clone(), self.rules)
        {
            told.push(best.index);
            let first = |candidate: &Candidate<'_>| candidate.path.attributes().as_path.first();
            let rival = |other: &Candidate<'_>| which == Several::PerAs && first(other) == first(&best);
            left.retain(|other| other.index != best.index && !rival(other));
        }
        told
    }

    /// A path as candidate, when it is usable.
    fn candidate<'p>(&mut self, index: usize, path: &'p Path) -> Option<Candidate<'p>> {
        if path.rejected().is_some() {
            return None;
        }
        let peer = (self.peers)(path.peer())?;
        let local = path.is_local();
        Some(Candidate {
            index,
            path,
            internal: peer.internal && !local,
            router_id: path.attributes().originator_id.unwrap_or(peer.router_id),
            address: peer.address,
            local_pref: path.attributes().local_pref.unwrap_or(self.rules.default_local_pref),
            length: length(path, &self.rules.steps),
            med: med(path, &self.rules.steps),
            cost: if local { 0 } else { self.cost(peer.gateway(path))? },
            gateway: peer.gateway(path),
        })
    }

    /// The metric of the way to a next hop; `None` when there is none.
    fn cost(&mut self, next_hop: Gateway) -> Option<u32> {
        if let Some(cost) = self.costs.get(&next_hop) {
            return *cost;
        }
        let unfit = self.family == Family::Ipv6Unicast && next_hop.0.is_ipv4();
        let cost = match self.next_hops.resolve_via(next_hop.0, next_hop.1) {
            Resolution::Resolved { metric, .. } if !unfit => Some(*metric),
            Resolution::Resolved { .. } | Resolution::Unresolved(_) => None,
        };
        if self.costs.len() >= COSTS {
            self.costs.clear();
        }
        self.costs.insert(next_hop, cost);
        cost
    }
}

/// Whether the paths that were chosen are those that were chosen last: of the same peers with the same attributes.
fn repeats(last: &mut Vec<Identity>, paths: &[Path], choice: Option<&Choice>) -> bool {
    let chosen = || choice.into_iter().flat_map(Choice::all).filter_map(|index| paths.get(index)).map(Path::identity);
    let repeats = choice.is_some() && chosen().eq(last.iter().copied());
    if !repeats {
        last.clear();
        last.extend(chosen());
    }
    repeats
}

/// Whether a best path stays what it is, and those that share the load with it too, when one comes that is its equal in
/// all that counts before MED.
fn outlasts(best: &Candidate<'_>, newcomer: &Candidate<'_>, rules: &Rules) -> bool {
    if med_group(best, rules) == med_group(newcomer, rules) && best.med != newcomer.med {
        return best.med < newcomer.med;
    }
    let later = |path: &Candidate<'_>| (path.internal, path.cost);
    let order = later(best).cmp(&later(newcomer)).then_with(|| tie_order(best, newcomer));
    share_limit(best, rules) == 1 && order == Ordering::Less
}

fn best_of<'p>(mut candidates: Vec<Candidate<'p>>, rules: &Rules) -> Option<Candidate<'p>> {
    for step in STEPS {
        filter(&mut candidates, &step.rule, rules);
    }
    candidates.into_iter().min_by(tie_order)
}

fn choose_among(candidates: &mut Vec<Candidate<'_>>, rules: &Rules) -> Option<Choice> {
    let mut of_any_kind = Vec::new();
    for (place, step) in STEPS.iter().enumerate().skip(NUMBERED) {
        if place == BEFORE_KIND && rules.steps.mixed_multipath {
            of_any_kind.clone_from(candidates);
        }
        filter(candidates, &step.rule, rules);
    }
    let best = *candidates.iter().min_by(|a, b| tie_order(a, b))?;
    if rules.steps.mixed_multipath {
        *candidates = as_near(&best, of_any_kind);
    }
    let limit = share_limit(&best, rules);
    let others =
        if candidates.len() > 1 && limit > 1 { first_sharers(&best, candidates, limit, rules) } else { Vec::new() };
    let (place, internal) = (best.index, best.internal);
    Some(Choice { best: place, internal, others: others.into_iter().filter(|index| *index != best.index).collect() })
}

/// Those that share the load. Where very many paths are equal, the first of them usually suffice, and only they are
/// put in order.
fn first_sharers(best: &Candidate<'_>, equals: &mut [Candidate<'_>], limit: usize, rules: &Rules) -> Vec<usize> {
    let enough = limit.saturating_mul(2);
    let order = |a: &Candidate<'_>, b: &Candidate<'_>| sharing_order(best, a, b);
    if equals.len() > enough {
        let (first, ..) = equals.select_nth_unstable_by(enough, order);
        first.sort_unstable_by(order);
        let found = share(best, first, rules);
        if found.len() >= limit {
            return found;
        }
    }
    equals.sort_unstable_by(order);
    share(best, equals, rules)
}

/// The steps from `stale` to `origin` as one number; the lowest wins.
fn number(candidate: &Candidate<'_>) -> u128 {
    let path = candidate.path;
    let steps = [
        (2, u64::from(staleness(path))),
        (32, u64::from(u32::MAX - path.marks().weight)),
        (1, u64::from(!path.is_local())),
        (32, u64::from(u32::MAX - candidate.local_pref)),
        (32, u64::from(candidate.length)),
        (2, path.attributes().origin as u64),
    ];
    steps.iter().fold(0, |number, (bits, value)| number << bits | u128::from(*value))
}
