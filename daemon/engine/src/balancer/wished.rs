//! The whole wish: what the rim shall balance now, and when time changes it.
//!
//! Never tells anybody.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Instant;

use bpf_tables::wish::{Affinity, Destination, Idle, Member, Protocol, Service as Wished, Transport, WhenEmpty, Wish};
use config::model::balancer::{Empty, Ports};
use nouns::Prefix;

use super::members::{Draft, Rules};
use super::services::{Id, Service};
use super::{Balancer, Key};
use crate::engine::Engine;
use crate::event::Moment;
use crate::plan;

/// What makes the backends of two services equal, where nobody asks them anything: the rules, who is named, who joined
/// when, and who left.
type Alike<'a> = (Option<&'a str>, *const super::Hop, &'a BTreeMap<Id, Instant>, Vec<(Id, Instant)>);

/// What is worked out once for services that are alike.
#[derive(Clone)]
struct Drawn {
    members: Arc<[Member]>,
    serves: bool,
    due: Option<Instant>,
}

impl Engine {
    /// The wish, when time changes it, and which prefixes nobody shall hear of.
    pub(super) fn wanted_balance(&self, at: Moment) -> (Wish, Option<Instant>, BTreeSet<Prefix>) {
        let model = &self.running.model.balancer;
        let mut services = BTreeMap::new();
        let mut known: BTreeMap<Alike<'_>, Drawn> = BTreeMap::new();
        let mut lists = self.lists_given();
        let (mut due, mut withheld) = (None::<Instant>, BTreeSet::new());
        // What a person named goes before what routes say: it comes later, and takes the place.
        let learned_first = self.balancer.services.iter().rev();
        for (key, service) in learned_first {
            let Some(rules) = Balancer::named_rules(model, key, service) else { continue };
            let mut draw = || drawn(&self.draft(at, key, service, rules), &mut lists);
            let drawn = match alike(key, service, rules) {
                Some(alike) => known.entry(alike).or_insert_with(draw).clone(),
                None => draw(),
            };
            due = due.into_iter().chain(drawn.due).min();
            let empty = rules.manner.empty;
            if empty == Empty::Withdraw && !drawn.serves {
                withheld.extend(prefix_of(model, key));
            }
            for destination in destinations(model, key) {
                services.insert(destination, wished(key, rules, Arc::clone(&drawn.members)));
            }
        }
        let wish = Wish {
            links: plan::links(model),
            services,
            guards: model.learned.values().flat_map(|learned| learned.prefixes.iter().copied()).collect(),
            slots: model.table_size,
            idle: Idle { tcp: model.idle_tcp, other: model.idle_other },
        };
        (wish, due, withheld)
    }

    /// The lists of backends that the rim has already: an equal one is the same one, so that comparing is cheap.
    fn lists_given(&self) -> BTreeSet<Arc<[Member]>> {
        let given = self.balancer.given().into_iter();
        given.flat_map(|wish| wish.services.values()).map(|service| Arc::clone(&service.backends)).collect()
    }
}

fn drawn(draft: &Draft, lists: &mut BTreeSet<Arc<[Member]>>) -> Drawn {
    let members = draft.members();
    let known = lists.get(members.as_slice()).map(Arc::clone);
    let members = known.unwrap_or_else(|| Arc::from(members));
    lists.insert(Arc::clone(&members));
    Drawn { members, serves: draft.serves(), due: draft.due() }
}

/// What services have in common whose backends stand alike; none where each is asked about its own health.
fn alike<'a>(key: &Key, service: &'a Service, rules: Rules<'_>) -> Option<Alike<'a>> {
    let shared = rules.manner.check.is_none() && matches!(key, Key::Learned(_));
    let left = || service.left.iter().map(|(id, (_, until))| (*id, *until)).collect();
    shared.then(|| (service.learned.as_deref(), service.hops.as_ptr(), &service.joined, left()))
}

fn wished(key: &Key, rules: Rules<'_>, backends: Arc<[Member]>) -> Wished {
    let manner = rules.manner;
    Wished {
        name: Engine::service_name(key),
        backends,
        affinity: if manner.by_client { Affinity::Client } else { Affinity::Flow },
        quic: manner.quic || manner.server_octets > 0,
        server_octets: manner.server_octets,
        when_empty: match manner.empty {
            Empty::Open | Empty::Kernel => WhenEmpty::Kernel,
            Empty::Drop | Empty::Withdraw => WhenEmpty::Drop,
        },
        clamp: manner.mss_clamp,
    }
}

fn prefix_of(model: &config::model::Balancer, key: &Key) -> Option<Prefix> {
    match key {
        Key::Learned(prefix) => Some(*prefix),
        Key::Named(name) => model.services.get(&**name).map(|named| Prefix::host(named.address)),
    }
}

/// What packets of a service have as their destination.
pub(crate) fn destinations(model: &config::model::Balancer, key: &Key) -> Vec<Destination> {
    let name = match key {
        Key::Learned(prefix) => return vec![Destination { prefix: *prefix, transport: None }],
        Key::Named(name) => name,
    };
    let Some(service) = model.services.get(&**name) else { return Vec::new() };
    let prefix = Prefix::host(service.address);
    match service.ports {
        Ports::Any => vec![Destination { prefix, transport: None }],
        Ports::One { port, protocol } => {
            let protocols = [protocol.has_tcp().then_some(Protocol::Tcp), protocol.has_udp().then_some(Protocol::Udp)];
            let transports = protocols.into_iter().flatten().map(|protocol| Transport { protocol, port: Some(port) });
            transports.map(|transport| Destination { prefix, transport: Some(transport) }).collect()
        }
    }
}
