//! The decision: which path of a prefix is best, which others share the load, and why each loser lost.
//!
//! A chain of named filters over the set of candidates, not an order of pairs: MED compares only within a
//! neighboring AS, so pairwise comparison would depend on the order of arrival. Obeys RFC 4271 §9.1.2 and
//! RFC 4456 §9. Never changes a table; the sentences are made only when somebody asks for them.

mod choose;

use std::cmp::Ordering;
use std::collections::{BTreeMap, HashSet};
use std::fmt;
use std::net::{IpAddr, Ipv4Addr};

use bgp_wire::attribute::Origin;
use foldhash::fast::RandomState;
use nouns::{Asn, Family};

use crate::bgp_table::{BgpTable, Path};
use crate::nexthop::{NextHops, Resolution};
use crate::routes::Gateway;

pub use choose::{Challenge, Choice, Chooser};

/// What the configuration says about the decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rules {
    /// How many external paths share the load.
    pub maximum_paths_ebgp: u16,
    /// How many internal paths share the load.
    pub maximum_paths_ibgp: u16,
    /// Compare MED between paths of different neighboring ASes, too.
    pub always_compare_med: bool,
    /// External paths share the load when their AS paths are equally long, not only when they are equal.
    pub multipath_relax: bool,
    /// LOCAL_PREF of a path that has none.
    pub default_local_pref: u32,
    /// What else the configuration says of single steps.
    pub steps: StepRules,
}

/// What the configuration says of single steps. However it is set, the outcome depends on the paths alone and not on the
/// order in which they came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StepRules {
    /// Paths are not compared by their length (`bestpath as-path ignore`).
    pub ignore_length: bool,
    /// Segments of a confederation count in the length (`bestpath as-path confed`).
    pub count_confederation: bool,
    /// MED compares between all paths that never left the confederation (`bestpath med confed`).
    pub med_in_confederation: bool,
    /// A missing MED counts as the highest one (`bestpath med missing-as-worst`).
    pub missing_med_is_worst: bool,
    /// External and internal paths share the load (`bestpath peer-type multipath-relax`).
    pub mixed_multipath: bool,
}

impl StepRules {
    /// Nothing is said of any.
    pub const NONE: Self = Self {
        ignore_length: false,
        count_confederation: false,
        med_in_confederation: false,
        missing_med_is_worst: false,
        mixed_multipath: false,
    };
}

/// What became of one path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The best path.
    Best,
    /// Not the best, but shares the load with it.
    Multipath,
    /// Lost a comparison.
    Lost {
        /// The step of the decision.
        step: &'static str,
        /// The comparison: `AS path length 3, best has 1`.
        because: String,
    },
    /// The next hop cannot be used, and why.
    Unusable(String),
    /// Import rejected the path, and why.
    Rejected(String),
}

/// The outcome for a prefix; the numbers are places in the list of paths.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// The best path.
    pub best: usize,
    /// All paths that share the load, the best one first, then by router id, cluster list and address.
    pub multipath: Vec<usize>,
    /// The step that left the best path alone.
    pub decided_by: &'static str,
}

/// A path that takes part, with what is not in its attributes.
#[derive(Clone, Copy, Debug)]
pub struct Candidate<'a> {
    /// Its place in the list of paths.
    pub index: usize,
    /// The path.
    pub path: &'a Path,
    /// Whether its session is internal; false for the router's own.
    pub internal: bool,
    /// The peer's BGP identifier, or ORIGINATOR_ID in its place (RFC 4456 §9).
    pub router_id: Ipv4Addr,
    /// The peer's address.
    pub address: IpAddr,
    /// LOCAL_PREF, or the default one.
    pub local_pref: u32,
    /// The length of the AS path as it counts.
    pub length: u32,
    /// MULTI_EXIT_DISC, or what a missing one counts as.
    pub med: u32,
    /// The metric of the route to the next hop.
    pub cost: u32,
    /// Where packets are sent.
    pub gateway: Gateway,
}

/// One step of the decision.
struct Step {
    name: &'static str,
    rule: Rule,
    /// Ends the sentence `…, best has …`.
    tell: fn(&Candidate) -> Told,
}

enum Rule {
    /// The lowest value stays.
    Lowest(fn(&Candidate) -> u64),
    /// The lowest MED stays within each neighboring AS.
    Med,
}

const STEPS: &[Step] = &[
    Step {
        name: "stale",
        rule: Rule::Lowest(|c| u64::from(staleness(c.path))),
        tell: |c| Told::Stale(staleness(c.path)),
    },
    Step {
        name: "weight",
        rule: Rule::Lowest(|c| u64::from(u32::MAX - c.path.marks().weight)),
        tell: |c| Told::Number(u64::from(c.path.marks().weight)),
    },
    Step {
        name: "local route",
        rule: Rule::Lowest(|c| u64::from(!c.path.is_local())),
        tell: |c| Told::Local(c.path.is_local()),
    },
    Step {
        name: "local preference",
        rule: Rule::Lowest(|c| u64::from(u32::MAX - c.local_pref)),
        tell: |c| Told::Number(u64::from(c.local_pref)),
    },
    Step {
        name: "AS path length",
        rule: Rule::Lowest(|c| u64::from(c.length)),
        tell: |c| Told::Number(u64::from(c.length)),
    },
    Step {
        name: "origin",
        rule: Rule::Lowest(|c| c.path.attributes().origin as u64),
        tell: |c| Told::Word(origin_name(c.path.attributes().origin)),
    },
    Step { name: "MED", rule: Rule::Med, tell: |c| Told::Number(u64::from(c.med)) },
    Step {
        name: "external over internal",
        rule: Rule::Lowest(|c| u64::from(c.internal)),
        tell: |c| Told::Session(c.internal),
    },
    Step {
        name: "next hop cost",
        rule: Rule::Lowest(|c| u64::from(c.cost)),
        tell: |c| Told::Number(u64::from(c.cost)),
    },
];

/// How many steps come before the kind of a path's session counts.
const BEFORE_KIND: usize = 7;

/// 0 for a live path, 1 for one that is kept while its neighbor restarts, 2 for one that is kept long after that, here or
/// by whoever announced it (RFC 9494 §4.3).
fn staleness(path: &Path) -> u8 {
    if path.marks().long_lived { 2 } else { u8::from(path.stale()) }
}

/// Names of the comparisons that break the tie between paths that are equally good.
const TIE_STEPS: [&str; 4] = ["router id", "cluster list length", "neighbor address", "path id"];

/// Finds the best path and those that share the load; `None` when no path is usable.
#[must_use]
pub fn decide(paths: &[Path], table: &BgpTable, next_hops: &NextHops, rules: &Rules) -> Option<Decision> {
    let mut candidates = Vec::with_capacity(paths.len());
    candidates.extend(
        paths.iter().enumerate().filter_map(|(index, path)| candidate(index, path, table, next_hops, rules).ok()),
    );
    let mut decided_by = "only path";
    let mut of_any_kind = Vec::new();
    for (place, step) in STEPS.iter().enumerate() {
        if place == BEFORE_KIND && rules.steps.mixed_multipath {
            of_any_kind.clone_from(&candidates);
        }
        let before = candidates.len();
        filter(&mut candidates, &step.rule, rules);
        if before > 1 && candidates.len() == 1 {
            decided_by = step.name;
        }
    }
    candidates.sort_unstable_by(tie_order);
    if let [best, second, ..] = candidates.as_slice() {
        decided_by = tie_step(second, best);
    }
    let best = *candidates.first()?;
    if rules.steps.mixed_multipath {
        candidates = as_near(&best, of_any_kind);
        candidates.sort_unstable_by(|a, b| sharing_order(&best, a, b));
    }
    let multipath = share(&best, &candidates, rules);
    Some(Decision { best: best.index, multipath, decided_by })
}

/// Tells for each path, in the order of `paths`, what became of it.
#[must_use]
pub fn explain(paths: &[Path], table: &BgpTable, next_hops: &NextHops, rules: &Rules) -> Vec<Verdict> {
    let decision = decide(paths, table, next_hops, rules);
    let mut verdicts: BTreeMap<usize, Verdict> = BTreeMap::new();
    let mut candidates = Vec::with_capacity(paths.len());
    for (index, path) in paths.iter().enumerate() {
        match candidate(index, path, table, next_hops, rules) {
            Ok(candidate) => candidates.push(candidate),
            Err(verdict) => _ = verdicts.insert(index, verdict),
        }
    }
    let Some(decision) = decision else { return verdicts.into_values().collect() };
    let best = candidates.iter().find(|candidate| candidate.index == decision.best).copied();
    for step in STEPS {
        let before = candidates.clone();
        filter(&mut candidates, &step.rule, rules);
        for loser in before.iter().filter(|old| !candidates.iter().any(|kept| kept.index == old.index)) {
            let rival = rival_of(loser, &before, step, (rules, decision.best)).or(best);
            verdicts.insert(loser.index, lost(step, loser, rival.as_ref(), decision.best));
        }
    }
    // Of several kinds some may share the load that lost as best path.
    for index in &decision.multipath {
        verdicts.insert(*index, Verdict::Multipath);
    }
    for survivor in &candidates {
        let verdict = match best {
            _ if survivor.index == decision.best => Verdict::Best,
            _ if decision.multipath.contains(&survivor.index) => Verdict::Multipath,
            Some(best) => tie_lost(survivor, &best),
            None => continue,
        };
        verdicts.insert(survivor.index, verdict);
    }
    verdicts.into_values().collect()
}

/// A path as candidate, or why it cannot be one.
fn candidate<'a>(
    index: usize,
    path: &'a Path,
    table: &BgpTable,
    next_hops: &NextHops,
    rules: &Rules,
) -> Result<Candidate<'a>, Verdict> {
    if let Some(reason) = path.rejected() {
        return Err(Verdict::Rejected(reason.to_string()));
    }
    let Some(peer) = table.peer(path.peer()) else {
        return Err(Verdict::Unusable("its neighbor is no longer known".into()));
    };
    let mut candidate = Candidate {
        index,
        path,
        internal: peer.internal && !path.is_local(),
        router_id: path.attributes().originator_id.unwrap_or(peer.router_id),
        address: peer.address,
        local_pref: path.attributes().local_pref.unwrap_or(rules.default_local_pref),
        length: length(path, &rules.steps),
        med: med(path, &rules.steps),
        cost: 0,
        gateway: peer.gateway(path),
    };
    if path.is_local() {
        return Ok(candidate);
    }
    let (next_hop, link) = candidate.gateway;
    if table.family() == Family::Ipv6Unicast && next_hop.is_ipv4() {
        return Err(Verdict::Unusable(format!("next hop {next_hop} is an IPv4 address, IPv6 routes cannot use it")));
    }
    match next_hops.resolve_via(next_hop, link) {
        Resolution::Resolved { metric, .. } => {
            candidate.cost = *metric;
            Ok(candidate)
        }
        Resolution::Unresolved(why) => Err(Verdict::Unusable(why.to_string())),
    }
}

fn filter(candidates: &mut Vec<Candidate>, rule: &Rule, rules: &Rules) {
    if candidates.len() < 2 {
        return;
    }
    match rule {
        Rule::Lowest(value) => {
            let Some(lowest) = candidates.iter().map(value).min() else { return };
            candidates.retain(|candidate| value(candidate) == lowest);
        }
        Rule::Med => {
            let first = candidates.first().map(|candidate| candidate.med);
            if candidates.iter().all(|candidate| Some(candidate.med) == first) {
                return;
            }
            let mut lowest: BTreeMap<MedGroup, u32> = BTreeMap::new();
            for candidate in candidates.iter() {
                let lowest = lowest.entry(med_group(candidate, rules)).or_insert(candidate.med);
                *lowest = candidate.med.min(*lowest);
            }
            candidates.retain(|candidate| lowest.get(&med_group(candidate, rules)) == Some(&candidate.med));
        }
    }
}

/// Paths that are as good as the best up to the tie: at most as many as the rules allow, each with its own next hop.
fn share(best: &Candidate, equal: &[Candidate], rules: &Rules) -> Vec<usize> {
    let limit = share_limit(best, rules);
    let mut next_hops: HashSet<Gateway, RandomState> = HashSet::default();
    let mut shared = Vec::new();
    for candidate in equal {
        if shared.len() >= limit {
            break;
        }
        let next_hop = candidate.gateway;
        if shares_as_path(candidate, best, rules) && next_hops.insert(next_hop) {
            shared.push(candidate.index);
        }
    }
    shared
}

/// How many paths may share the load with the best one, it included.
fn share_limit(best: &Candidate, rules: &Rules) -> usize {
    let limit = if best.path.is_local() {
        1
    } else if best.internal {
        rules.maximum_paths_ibgp
    } else {
        rules.maximum_paths_ebgp
    };
    usize::from(limit.max(1))
}

fn shares_as_path(candidate: &Candidate, best: &Candidate, rules: &Rules) -> bool {
    best.internal || rules.multipath_relax || candidate.path.attributes().as_path == best.path.attributes().as_path
}

fn cluster_length(candidate: &Candidate) -> usize {
    candidate.path.attributes().cluster_list.len()
}

fn tie_order(a: &Candidate, b: &Candidate) -> Ordering {
    let by_cluster = || cluster_length(a).cmp(&cluster_length(b));
    let by_identity = || (a.address, a.path.key()).cmp(&(b.address, b.path.key()));
    a.router_id.cmp(&b.router_id).then_with(by_cluster).then_with(by_identity)
}

/// The comparison in which two equally good paths differ.
fn tie_step(loser: &Candidate, best: &Candidate) -> &'static str {
    let [router_id, cluster_list, address, path_id] = TIE_STEPS;
    if loser.router_id != best.router_id {
        router_id
    } else if cluster_length(loser) != cluster_length(best) {
        cluster_list
    } else if loser.address != best.address {
        address
    } else {
        path_id
    }
}

fn tie_lost(loser: &Candidate, best: &Candidate) -> Verdict {
    let step = tie_step(loser, best);
    let [router_id, cluster_list, address, _] = TIE_STEPS;
    let because = if step == router_id {
        format!("router id {}, best has {}", loser.router_id, best.router_id)
    } else if step == cluster_list {
        format!("cluster list length {}, best has {}", cluster_length(loser), cluster_length(best))
    } else if step == address {
        format!("neighbor address {}, best has {}", loser.address, best.address)
    } else {
        format!("path id {}, best has {}", loser.path.key().path_id, best.path.key().path_id)
    };
    Verdict::Lost { step, because }
}

/// Who made the candidate lose: for MED the best of its own group, which need not be the winner.
fn rival_of<'a>(
    loser: &Candidate,
    before: &[Candidate<'a>],
    step: &Step,
    (rules, best): (&Rules, usize),
) -> Option<Candidate<'a>> {
    match step.rule {
        Rule::Lowest(_) => None,
        Rule::Med => {
            let group = med_group(loser, rules);
            let rivals = before.iter().filter(|candidate| med_group(candidate, rules) == group);
            // Of those with the least the best path is named, or else always the same one.
            rivals.min_by_key(|rival| (rival.med, rival.index != best, rival.address, rival.path.key())).copied()
        }
    }
}

fn lost(step: &Step, loser: &Candidate, rival: Option<&Candidate>, best: usize) -> Verdict {
    let own = (step.tell)(loser);
    let because = match rival {
        Some(rival) => {
            let who = if rival.index == best { "best".into() } else { format!("path from {}", rival.address) };
            own.against(step.name, &(step.tell)(rival), &who)
        }
        None => format!("{} {own}", step.name),
    };
    Verdict::Lost { step: step.name, because }
}

/// A compared value, in the words of the step.
enum Told {
    Number(u64),
    Word(&'static str),
    Stale(u8),
    Local(bool),
    Session(bool),
}

impl Told {
    fn against(&self, name: &str, other: &Self, who: &str) -> String {
        match self {
            Self::Number(_) | Self::Word(_) => format!("{name} {self}, {who} has {other}"),
            Self::Stale(_) | Self::Local(_) | Self::Session(_) => format!("{self}, {who} is {other}"),
        }
    }
}

impl fmt::Display for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => number.fmt(f),
            Self::Word(word) => f.write_str(word),
            Self::Stale(0) => f.write_str("live"),
            Self::Stale(1) => f.write_str("stale while its neighbor restarts"),
            Self::Stale(_) => f.write_str("long-lived stale"),
            Self::Local(true) => f.write_str("the router's own"),
            Self::Local(false) => f.write_str("learned from a neighbor"),
            Self::Session(true) => f.write_str("internal"),
            Self::Session(false) => f.write_str("external"),
        }
    }
}

/// Of paths of any kind those that are as near as the best one.
fn as_near<'a>(best: &Candidate<'a>, mut of_any_kind: Vec<Candidate<'a>>) -> Vec<Candidate<'a>> {
    of_any_kind.retain(|candidate| candidate.cost == best.cost);
    of_any_kind
}

/// The order of the tie, but the best path first: where several kinds share, it need not win the tie.
fn sharing_order(best: &Candidate, a: &Candidate, b: &Candidate) -> Ordering {
    (a.index != best.index).cmp(&(b.index != best.index)).then_with(|| tie_order(a, b))
}

/// A missing MED counts as the lowest one (RFC 4271 §9.1.2.2 c) unless the configuration says otherwise.
fn med(path: &Path, steps: &StepRules) -> u32 {
    path.attributes().med.unwrap_or(if steps.missing_med_is_worst { u32::MAX } else { 0 })
}

/// Paths whose MEDs compare with each other (RFC 4271 §9.1.2.2 c, RFC 5065 §5.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum MedGroup {
    /// All there are.
    All,
    /// Those that began in our own AS.
    Own,
    /// Those of one neighboring AS.
    Neighbor(Asn),
    /// Those of one neighboring member that never left the confederation.
    Member(Asn),
    /// Those of all members that never left the confederation.
    Confederation,
}

fn med_group(candidate: &Candidate, rules: &Rules) -> MedGroup {
    let path = &candidate.path.attributes().as_path;
    match path.first() {
        _ if rules.always_compare_med => MedGroup::All,
        Some(asn) => MedGroup::Neighbor(asn),
        None => match path.first_member() {
            None => MedGroup::Own,
            Some(_) if rules.steps.med_in_confederation => MedGroup::Confederation,
            Some(asn) => MedGroup::Member(asn),
        },
    }
}

/// The length of an AS path as it counts.
fn length(path: &Path, steps: &StepRules) -> u32 {
    if steps.ignore_length {
        return 0;
    }
    let path = &path.attributes().as_path;
    let confederation = if steps.count_confederation { path.confederation_length() } else { 0 };
    u32::try_from(path.length().saturating_add(confederation)).unwrap_or(u32::MAX)
}

fn origin_name(origin: Origin) -> &'static str {
    match origin {
        Origin::Igp => "IGP",
        Origin::Egp => "EGP",
        Origin::Incomplete => "incomplete",
    }
}

#[cfg(test)]
mod tests;
