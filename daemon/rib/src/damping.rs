//! Route flap damping (RFC 2439, with the advice of RFC 7196): routes that come and go are not used until they rest.
//!
//! Each withdrawal and each change of attributes adds to a penalty that halves with time; above one threshold the route
//! is suppressed, below another it is used again. Only routes that flapped are remembered, and not without end. The
//! decay is the formula itself at any moment, so there is nothing to do between two of them. Never touches a table.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use nouns::Prefix;

use crate::bgp_table::{PathKey, PeerId};

/// What a withdrawal adds.
pub const WITHDRAWAL: u32 = 1000;
/// What other attributes add.
pub const OTHER_ATTRIBUTES: u32 = 500;
/// How many routes of a family are remembered; more that flap are not damped.
const MOST: usize = 65_536;

/// The four numbers of damping.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parameters {
    /// How long a penalty takes to halve.
    pub half_life: Duration,
    /// Below this a suppressed route is used again.
    pub reuse: u32,
    /// Above this a route is suppressed.
    pub suppress: u32,
    /// The longest that a route that rests is suppressed.
    pub max_suppress: Duration,
}

impl Parameters {
    /// The greatest penalty: it decays to `reuse` in `max_suppress` (RFC 2439 §4.2).
    #[must_use]
    pub fn ceiling(&self) -> f64 {
        f64::from(self.reuse) * (self.max_suppress.as_secs_f64() / self.half_life.as_secs_f64()).exp2()
    }

    /// What is left of a penalty after a while.
    #[must_use]
    pub fn decayed(&self, penalty: f64, after: Duration) -> f64 {
        penalty * (-after.as_secs_f64() / self.half_life.as_secs_f64()).exp2()
    }

    /// How long a penalty takes to fall to another one.
    #[must_use]
    pub fn time_until(&self, penalty: f64, target: f64) -> Duration {
        if penalty <= target || target <= 0.0 {
            return Duration::ZERO;
        }
        let half_lives = (penalty / target).log2();
        // Rounded up to a millisecond, so that the moment is never before it.
        let millis = (half_lives * self.half_life.as_secs_f64() * 1000.0).ceil();
        Duration::try_from_secs_f64(millis / 1000.0).unwrap_or(self.max_suppress)
    }

    /// Below this a route that flapped is forgotten.
    fn forgotten(&self) -> f64 {
        f64::from(self.reuse) / 2.0
    }
}

/// What is remembered of a route that flapped.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct History {
    penalty: f64,
    /// When the penalty was that.
    at: Instant,
    /// By which numbers its peer's routes are damped.
    parameters: Parameters,
    /// When it flapped first.
    pub since: Instant,
    /// How often it flapped.
    pub flaps: u32,
    /// It is not to be used.
    pub suppressed: bool,
    /// It is not announced at the moment.
    pub withdrawn: bool,
    due: Instant,
}

impl History {
    /// The penalty at a moment.
    #[must_use]
    pub fn penalty(&self, now: Instant) -> f64 {
        self.parameters.decayed(self.penalty, now.saturating_duration_since(self.at))
    }
}

/// Names a path within a family.
pub type Route = (Prefix, PathKey);

/// All routes of a family that flapped.
#[derive(Debug, Default)]
pub struct Damping {
    histories: BTreeMap<Route, History>,
    due: BTreeSet<(Instant, Route)>,
    passed_over: u64,
}

impl Damping {
    /// Damps each peer's routes by these numbers from now on, or no more; answers the routes that may be used again.
    pub fn reconsider(&mut self, now: Instant, of: impl Fn(PeerId) -> Option<Parameters>) -> Vec<Route> {
        let (mut free, mut over) = (Vec::new(), BTreeSet::new());
        for (route, history) in &mut self.histories {
            let before = history.parameters;
            let Some(parameters) = of(route.1.peer) else {
                over.insert(*route);
                continue;
            };
            if parameters == before {
                continue;
            }
            history.penalty = before.decayed(history.penalty, now.saturating_duration_since(history.at));
            history.penalty = history.penalty.min(parameters.ceiling());
            (history.at, history.parameters) = (now, parameters);
            if history.suppressed && history.penalty < f64::from(parameters.reuse) {
                history.suppressed = false;
                free.push(*route);
            }
            self.due.remove(&(history.due, *route));
            history.due = due(history);
            self.due.insert((history.due, *route));
        }
        free.extend(self.forget(|route| over.contains(route)));
        free
    }

    /// A route was taken back.
    pub fn withdrawn(&mut self, route: Route, now: Instant, parameters: Parameters) {
        self.flap(route, now, parameters, WITHDRAWAL);
        if let Some(history) = self.histories.get_mut(&route) {
            history.withdrawn = true;
        }
    }

    /// A route is announced: after a withdrawal, or (`changed`) with other attributes than before. Answers whether it
    /// has to be left unused.
    pub fn announced(&mut self, route: Route, now: Instant, parameters: Parameters, changed: bool) -> bool {
        if changed {
            self.flap(route, now, parameters, OTHER_ATTRIBUTES);
        }
        let Some(history) = self.histories.get_mut(&route) else { return false };
        history.withdrawn = false;
        history.suppressed
    }

    fn flap(&mut self, route: Route, now: Instant, parameters: Parameters, weight: u32) {
        let full = self.histories.len() >= MOST;
        let history = match self.histories.entry(route) {
            std::collections::btree_map::Entry::Occupied(known) => known.into_mut(),
            std::collections::btree_map::Entry::Vacant(_) if full => {
                self.passed_over = self.passed_over.saturating_add(1);
                return;
            }
            std::collections::btree_map::Entry::Vacant(new) => new.insert(History {
                penalty: 0.0,
                at: now,
                parameters,
                since: now,
                flaps: 0,
                suppressed: false,
                withdrawn: false,
                due: now,
            }),
        };
        let left = parameters.decayed(history.penalty, now.saturating_duration_since(history.at));
        history.penalty = (left + f64::from(weight)).min(parameters.ceiling());
        history.at = now;
        history.flaps = history.flaps.saturating_add(1);
        history.suppressed |= history.penalty > f64::from(parameters.suppress);
        let next = due(history);
        let before = std::mem::replace(&mut history.due, next);
        self.due.remove(&(before, route));
        self.due.insert((history.due, route));
    }

    /// Whether a route has to be left unused.
    #[must_use]
    pub fn is_suppressed(&self, route: Route) -> bool {
        self.histories.get(&route).is_some_and(|history| history.suppressed)
    }

    /// What is remembered of a route.
    #[must_use]
    pub fn history(&self, route: Route) -> Option<&History> {
        self.histories.get(&route)
    }

    /// What is remembered of all paths to a prefix.
    pub fn of_prefix(&self, prefix: Prefix) -> impl Iterator<Item = (PathKey, &History)> {
        let key = |peer, path_id| (prefix, PathKey { peer: PeerId(peer), path_id });
        self.histories.range(key(0, 0)..=key(u32::MAX, u32::MAX)).map(|((_, key), history)| (*key, history))
    }

    /// All routes that are remembered, in display order.
    pub fn iter(&self) -> impl Iterator<Item = (Route, &History)> {
        self.histories.iter().map(|(route, history)| (*route, history))
    }

    /// Whether nothing is remembered.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.histories.is_empty()
    }

    /// How many flaps were not noted because too many routes flap.
    #[must_use]
    pub fn passed_over(&self) -> u64 {
        self.passed_over
    }

    /// How long a suppressed route has still to rest.
    #[must_use]
    pub fn reuse_in(&self, history: &History, now: Instant) -> Option<Duration> {
        history.suppressed.then(|| history.due.saturating_duration_since(now))
    }

    /// When something is due.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        self.due.first().map(|(due, _)| *due)
    }

    /// Routes whose rest is over; others that are due are forgotten.
    pub fn take_due(&mut self, now: Instant) -> Vec<Route> {
        let mut free = Vec::new();
        while let Some((at, route)) = self.due.first().copied().filter(|(at, _)| *at <= now) {
            self.due.remove(&(at, route));
            let Some(history) = self.histories.get_mut(&route) else { continue };
            if !history.suppressed {
                self.histories.remove(&route);
                continue;
            }
            history.suppressed = false;
            free.push(route);
            history.due = due(history);
            self.due.insert((history.due, route));
        }
        free
    }

    /// Forgets routes; answers those that may be used again.
    pub fn forget(&mut self, which: impl Fn(&Route) -> bool) -> Vec<Route> {
        let mut free = Vec::new();
        let due = &mut self.due;
        self.histories.retain(|route, history| {
            let goes = which(route);
            if goes {
                due.remove(&(history.due, *route));
                free.extend(history.suppressed.then_some(*route));
            }
            !goes
        });
        free
    }
}

/// When a suppressed route may be used again, or another one is forgotten.
fn due(history: &History) -> Instant {
    let parameters = &history.parameters;
    let target = if history.suppressed { f64::from(parameters.reuse) } else { parameters.forgotten() };
    history.at + parameters.time_until(history.penalty, target)
}
