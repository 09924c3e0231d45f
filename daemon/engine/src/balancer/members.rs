//! The backends of a service at a moment: what each gets, and why.
//!
//! Never remembers anything: all of it follows from what is known and the time.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bfd::check::Health;
use bpf_tables::wish::{Backend, Member, State, Way};
use config::model::balancer::{self as model, Empty, Manner};

use super::services::{Hop, Service};
use super::{Balancer, Key};
use crate::engine::Engine;
use crate::event::Moment;

/// In so many steps a new backend gets its full share.
const STEPS: u32 = 10;

/// What holds for the services of one name.
#[derive(Clone, Copy)]
pub(crate) struct Rules<'a> {
    /// What services of either kind have in common.
    pub(crate) manner: &'a Manner,
    /// Nodes that are treated in their own way.
    pub(crate) backends: &'a std::collections::BTreeMap<IpAddr, model::Backend>,
    /// How long a new backend waits.
    pub(crate) hold_off: Duration,
}

/// How a backend stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// It gets its share.
    Active,
    /// It gets so many tenths of its share, and more from then on.
    Starting(u32, Instant),
    /// It came just now, and gets nothing before then.
    HeldOff(Instant),
    /// It has not answered its check yet.
    Unproven,
    /// Its check fails.
    Unwell,
    /// A person drains it.
    Drained,
    /// Nobody names it any more; its flows may go on until then.
    Leaving(Instant),
    /// It does not live, or nothing leads there: why.
    Dead(String),
    /// A person wants nothing there.
    Disabled,
}

impl Standing {
    /// Whether it would get new flows if checks and patience did not count.
    fn may_serve(&self) -> bool {
        matches!(self, Self::Active | Self::Starting(..) | Self::HeldOff(_) | Self::Unproven | Self::Unwell)
    }

    fn serves(&self) -> bool {
        matches!(self, Self::Active | Self::Starting(..))
    }

    /// When it changes by itself.
    fn until(&self) -> Option<Instant> {
        match self {
            Self::Starting(_, until) | Self::HeldOff(until) | Self::Leaving(until) => Some(*until),
            _ => None,
        }
    }
}

/// A backend, and how it stands.
#[derive(Clone, Debug)]
pub(crate) struct Drafted {
    pub(crate) hop: Hop,
    pub(crate) standing: Standing,
    pub(crate) way: Way,
    pub(crate) exit: Option<bpf_tables::wish::Exit>,
    /// Its full share.
    pub(crate) weight: u32,
    pub(crate) mark: Option<u32>,
}

/// All backends of a service.
#[derive(Clone, Debug, Default)]
pub(crate) struct Draft {
    pub(crate) backends: Vec<Drafted>,
    /// None is well, and all are taken to be.
    pub(crate) open: bool,
}

impl Draft {
    /// Whether anybody gets new flows.
    pub(crate) fn serves(&self) -> bool {
        self.open || self.backends.iter().any(|drafted| drafted.standing.serves())
    }

    /// When it changes by itself.
    pub(crate) fn due(&self) -> Option<Instant> {
        self.backends.iter().filter_map(|drafted| drafted.standing.until()).min()
    }

    /// The state in which a backend is balanced.
    pub(crate) fn state(&self, standing: &Standing) -> State {
        match standing {
            Standing::Active | Standing::Starting(..) => State::Active,
            Standing::HeldOff(_) | Standing::Unproven | Standing::Unwell if self.open => State::Active,
            Standing::HeldOff(_) | Standing::Unproven | Standing::Unwell | Standing::Drained | Standing::Leaving(_) => {
                State::Draining
            }
            Standing::Dead(_) | Standing::Disabled => State::Dead,
        }
    }

    /// As it is wished: sorted, with the smallest weights of their ratio.
    pub(crate) fn members(&self) -> Vec<Member> {
        let share = |drafted: &Drafted| match drafted.standing {
            Standing::Starting(tenths, _) => u64::from(drafted.weight).saturating_mul(tenths.into()),
            _ => u64::from(drafted.weight).saturating_mul(STEPS.into()),
        };
        let active = |drafted: &&Drafted| self.state(&drafted.standing) == State::Active;
        let common = self.backends.iter().filter(active).map(share).fold(0, greatest_common_divisor).max(1);
        let members = self.backends.iter().map(|drafted| {
            let state = self.state(&drafted.standing);
            let weight = if state == State::Active { share(drafted) / common } else { 1 };
            Member {
                backend: Backend { address: drafted.hop.address, way: drafted.way, exit: drafted.exit },
                weight: u32::try_from(weight).unwrap_or(u32::MAX).max(1),
                state,
                mark: drafted.mark,
            }
        });
        let mut members: Vec<Member> = members.collect();
        members.sort_unstable();
        // The same node by two links is one backend.
        members.dedup_by(|again, first| {
            (again.backend.address, again.backend.way) == (first.backend.address, first.backend.way)
        });
        members
    }
}

fn greatest_common_divisor(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { greatest_common_divisor(b, a % b) }
}

impl Balancer {
    /// What holds for a service; none where it is named no more.
    pub(crate) fn named_rules<'a>(model: &'a model::Balancer, key: &Key, service: &Service) -> Option<Rules<'a>> {
        match (key, &service.learned) {
            (Key::Named(name), _) => {
                let service = model.services.get(&**name)?;
                Some(Rules { manner: &service.manner, backends: &service.backends, hold_off: Duration::ZERO })
            }
            (Key::Learned(_), Some(name)) => {
                let learned = model.learned.get(&**name)?;
                Some(Rules { manner: &learned.manner, backends: &learned.backends, hold_off: learned.hold_off })
            }
            (Key::Learned(_), None) => None,
        }
    }
}

impl Engine {
    /// The backends of a service, and how each stands now.
    pub(crate) fn draft(&self, at: Moment, key: &Key, service: &Service, rules: Rules<'_>) -> Draft {
        let leaving = service.left.values().map(|(hop, until)| (hop, Some(*until)));
        let all = service.hops.iter().map(|hop| (hop, None)).chain(leaving);
        let backends = all.map(|(hop, until)| self.draft_one(at, key, service, rules, (hop, until)));
        let mut draft = Draft { backends: backends.collect(), open: false };
        draft.open = rules.manner.empty == Empty::Open
            && !draft.serves()
            && draft.backends.iter().any(|drafted| drafted.standing.may_serve());
        draft
    }

    fn draft_one(
        &self,
        at: Moment,
        key: &Key,
        service: &Service,
        rules: Rules<'_>,
        (hop, leaves): (&Hop, Option<Instant>),
    ) -> Drafted {
        let named = matches!(key, Key::Named(_));
        let own = rules.backends.get(&hop.address).copied().unwrap_or_default();
        let found = self.find_node(hop.address, hop.link, named);
        let port = hop.port;
        let way = match &found {
            Ok(found) => self.way_to(hop.address, *found, rules.manner, port).map_err(|why| (why, *found)),
            Err(_) => Ok(Way::L2),
        };
        let mark = self.balancer.checks.mark(key, hop);
        let (way, exit, lost) = match (way, found) {
            (Ok(way), Ok(found)) => (way, Some(found.exit), None),
            (Err((why, _)), _) => (Way::L2, None, Some(why)),
            (Ok(way), Err(why)) => (way, None, Some(why.to_string())),
        };
        let weight = if named { hop.weight } else { hop.weight.saturating_mul(own.weight) };
        let standing = match leaves {
            _ if own.disable => Standing::Disabled,
            _ if lost.is_some() => Standing::Dead(lost.unwrap_or_default()),
            _ if self.is_watched_dead(hop.address) => Standing::Dead("it does not answer any more".to_owned()),
            Some(until) => Standing::Leaving(until),
            None if own.drain || self.running.model.balancer.drained.contains(&hop.address) => Standing::Drained,
            None => self.standing(at, service, rules, hop, mark),
        };
        Drafted { hop: hop.clone(), standing, way, exit, weight, mark }
    }

    /// How a backend stands that somebody names and that can be reached.
    fn standing(&self, at: Moment, service: &Service, rules: Rules<'_>, hop: &Hop, mark: Option<u32>) -> Standing {
        let now = at.instant;
        let joined = service.joined.get(&hop.id()).copied();
        let health = mark.map(|mark| self.balancer.checks.health(mark));
        match health {
            Some(Health::Unwell) => return Standing::Unwell,
            Some(Health::Unknown) if joined.is_some() => return Standing::Unproven,
            Some(Health::Unknown | Health::Well) | None => {}
        }
        // One that was unwell begins anew.
        let recovered = mark.and_then(|mark| self.balancer.checks.recovered(mark));
        let Some(since) = joined.max(recovered) else { return Standing::Active };
        let wait = rules.hold_off.max(self.balancer.rest(hop.address, now));
        let begin = since + wait;
        if now < begin {
            return Standing::HeldOff(begin);
        }
        let Some(step) = rules.manner.slow_start.checked_div(STEPS).filter(|step| !step.is_zero()) else {
            return Standing::Active;
        };
        let passed = now.saturating_duration_since(begin).as_millis() / step.as_millis().max(1);
        let tenths = u32::try_from(passed).unwrap_or(STEPS).saturating_add(1);
        if tenths >= STEPS { Standing::Active } else { Standing::Starting(tenths, begin + step.saturating_mul(tenths)) }
    }

    /// The name of a service as persons know it.
    pub(crate) fn service_name(key: &Key) -> Arc<str> {
        match key {
            Key::Named(name) => Arc::clone(name),
            Key::Learned(prefix) if prefix.is_host() => prefix.address().to_string().into(),
            Key::Learned(prefix) => prefix.to_string().into(),
        }
    }
}
