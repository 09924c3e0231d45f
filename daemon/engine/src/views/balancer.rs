//! `show balancer …`: how each service and backend stands; what went through, the rim adds.
//!
//! Never asks the kernel.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::time::Instant;

use api::ApiError;
use api::view::balancer::{Balancer as View, BalancerBackend, BalancerInterface, BalancerService, ServiceBackend};
use api::watch::WantedPackets;
use bpf_tables::wish::{Exit, Protocol, Way};
use config::model::balancer::{Balancer as Model, Empty};
use grammar::commands::BalancerShown;

use super::seconds;
use crate::balancer::members::{Draft, Drafted, Rules, Standing};
use crate::balancer::services::Service;
use crate::balancer::{Balancer, Key, destinations};
use crate::engine::Engine;
use crate::event::Moment;

pub(crate) fn shown(engine: &Engine, at: Moment, shown: BalancerShown, only: Option<&str>) -> Result<View, ApiError> {
    let model = configured(engine)?;
    let mut services = Vec::new();
    let mut nodes: BTreeMap<(IpAddr, &'static str), BalancerBackend> = BTreeMap::new();
    for (key, service) in engine.balancer.services() {
        let Some(rules) = Balancer::named_rules(model, key, service) else { continue };
        let name = Engine::service_name(key);
        if only.is_some_and(|only| only != &*name) {
            continue;
        }
        let draft = engine.draft(at, key, service, rules);
        for drafted in &draft.backends {
            let node = nodes.entry((drafted.hop.address, word(drafted.way)));
            let node = node.or_insert_with(|| backend(engine, drafted.hop.address, drafted.way, drafted.exit));
            node.services = node.services.saturating_add(1);
        }
        for destination in destinations(model, key) {
            services.push(BalancerService {
                name: name.to_string(),
                learned: service.learned.as_deref().map(str::to_owned),
                address: destination.prefix,
                protocol: destination.transport.map(|transport| protocol(transport.protocol).to_owned()),
                port: destination.transport.and_then(|transport| transport.port),
                affinity: if rules.manner.by_client { "client" } else { "flow" }.to_owned(),
                empty: rules.manner.empty.to_string(),
                state: state(&draft, rules).to_owned(),
                backends: backends(engine, at, &draft),
                table: None,
            });
        }
    }
    if let (Some(name), true) = (only, services.is_empty()) {
        return Err(no_service(name));
    }
    let interfaces = model.interfaces.iter().map(|(name, hook)| BalancerInterface {
        name: name.clone(),
        wished: hook.to_string(),
        hook: None,
        error: None,
    });
    Ok(View {
        shown,
        off: engine.balancer.fault().map(str::to_owned),
        table_size: model.table_size,
        interfaces: interfaces.collect(),
        services,
        backends: nodes.into_values().collect(),
        drops: Vec::new(),
        warnings: warnings(engine),
        remembered_flows: None,
        flows: None,
        tables: None,
    })
}

fn configured(engine: &Engine) -> Result<&Model, ApiError> {
    let model = &engine.running.model.balancer;
    let hint = "configure mode: 'set balancer interface <name>' and 'set balancer learned <name> prefix <prefix>'";
    let missing = || ApiError::new("no-balancer", "the balancer is not configured").hint(hint);
    if model.is_empty() { Err(missing()) } else { Ok(model) }
}

fn no_service(name: &str) -> ApiError {
    ApiError::new("no-service", format!("there is no service {name}"))
        .hint("'show balancer services' lists the services")
}

/// Whether such packets can be captured; what is seen then, and what is not.
pub(crate) fn capturable(engine: &Engine, wanted: &WantedPackets) -> Result<String, ApiError> {
    let model = configured(engine)?;
    if let Some(why) = engine.balancer.fault() {
        return Err(ApiError::new("off", format!("the balancer is off: {why}")));
    }
    if let Some(name) = wanted.service.as_ref().filter(|wanted| !names(engine).any(|name| name == **wanted)) {
        return Err(no_service(name));
    }
    if let Some(node) = wanted.backend.filter(|wanted| !nodes(engine).contains(wanted)) {
        return Err(ApiError::new("no-backend", format!("no service has a backend {node}"))
            .hint("'show balancer backends' lists them"));
    }
    if wanted.backend.is_some() && wanted.reason.is_some() {
        return Err(ApiError::new("no-backend", "a packet that is not forwarded goes to no backend")
            .hint("leave out 'backend' or 'reason'"));
    }
    let links: Vec<String> = model.interfaces.keys().map(|name| name.to_string()).collect();
    Ok(format!(
        "Packets for services that come by {}: as they come, as they go, and where they end.\n\
         Not seen: answers of nodes (but with mode nat), health checks, what is for no service, VLAN tags in traffic control.\n\
         256 octets are kept of each, and 2,000 of them in a second.",
        links.join(", ")
    ))
}

/// The names of all services.
pub(crate) fn names(engine: &Engine) -> impl Iterator<Item = String> {
    engine.balancer.services().map(|(key, _): (&Key, _)| Engine::service_name(key).to_string())
}

/// The addresses of all backends, those that have left and may still have flows included.
pub(crate) fn nodes(engine: &Engine) -> BTreeSet<IpAddr> {
    let of = |service: &Service| -> Vec<IpAddr> {
        service.hops.iter().chain(service.left.values().map(|(hop, _)| hop)).map(|hop| hop.address).collect()
    };
    engine.balancer.services().flat_map(|(_, service)| of(service)).collect()
}

fn warnings(engine: &Engine) -> Vec<String> {
    let unasked = engine.balancer.checks().unasked();
    let text = || format!("{unasked} checks are not asked: there are no more marks for their packets");
    (unasked > 0).then(text).into_iter().collect()
}

fn state(draft: &Draft, rules: Rules<'_>) -> &'static str {
    match (draft.open, draft.serves()) {
        (true, _) => "open",
        (false, true) => "active",
        (false, false) if rules.manner.empty == Empty::Withdraw => "withdrawn",
        (false, false) => "empty",
    }
}

fn backends(engine: &Engine, at: Moment, draft: &Draft) -> Vec<ServiceBackend> {
    let members = draft.members();
    let weight = |drafted: &Drafted| {
        let same = |member: &&bpf_tables::wish::Member| {
            (member.backend.address, member.backend.way) == (drafted.hop.address, drafted.way)
        };
        members.iter().find(same).map_or(0, |member| member.weight)
    };
    let left = |until: Instant| seconds(at.instant, until);
    let one = |drafted: &Drafted| {
        let (state, why, changes_in) = match &drafted.standing {
            Standing::Active => ("active", None, None),
            Standing::Starting(tenths, until) => ("starting", Some(format!("{tenths}0 %")), Some(left(*until))),
            Standing::HeldOff(until) => ("held-off", None, Some(left(*until))),
            Standing::Unproven => ("unproven", None, None),
            Standing::Unwell => ("unwell", None, None),
            Standing::Drained => ("drained", None, None),
            Standing::Leaving(until) => ("leaving", None, Some(left(*until))),
            Standing::Dead(why) => ("dead", Some(why.clone()), None),
            Standing::Disabled => ("disabled", None, None),
        };
        let heard = drafted.mark.and_then(|mark| engine.balancer.checks().heard(mark));
        ServiceBackend {
            address: drafted.hop.address,
            port: drafted.hop.port,
            way: word(drafted.way).to_owned(),
            weight: weight(drafted),
            state: state.to_owned(),
            why: why.or_else(|| heard.and_then(|heard| heard.verdict.why.clone())),
            changes_in,
            check: drafted.mark.map(|mark| engine.balancer.checks().health(mark).to_string()),
            slots: None,
            former_slots: None,
        }
    };
    draft.backends.iter().map(one).collect()
}

fn backend(engine: &Engine, address: IpAddr, way: Way, exit: Option<Exit>) -> BalancerBackend {
    BalancerBackend {
        address,
        way: word(way).to_owned(),
        interface: exit.map(|exit| engine.world.link_name(exit.link)),
        gateway: exit.map(|exit| exit.gateway),
        mac: None,
        services: 0,
        drained: engine.running.model.balancer.drained.contains(&address),
        packets: 0,
        octets: 0,
    }
}

fn word(way: Way) -> &'static str {
    match way {
        Way::L2 => "l2",
        Way::Ipip { .. } => "ipip",
        Way::Gue { .. } => "gue",
        Way::Nat { .. } => "nat",
    }
}

fn protocol(protocol: Protocol) -> &'static str {
    match protocol {
        Protocol::Tcp => "tcp",
        Protocol::Udp => "udp",
    }
}
