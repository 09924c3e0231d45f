//! Rules of `balancer …`: services that do not take each other's packets, and nodes that can do the work.
//!
//! Never knows a route: whether a node can be reached is for the running system to say.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use nouns::Prefix;

use super::{ConfigError, ConfigWarning, path};
use crate::model::Model;
use crate::model::balancer::{Balancer, Learned, Manner, Mode, Ports, Protocol, Question, Service};

/// What a service takes: its address, the number of the protocol, and the port; `None` for all of both.
type Taken = (IpAddr, Option<(u8, u16)>);

pub(super) fn check(model: &Model, local: &BTreeSet<IpAddr>, errors: &mut Vec<ConfigError>) {
    let balancer = &model.balancer;
    for name in balancer.interfaces.keys().filter(|name| name.as_str() == "lo") {
        let message =
            "no packets of clients arrive on the loopback; name the interface that they come in by".to_owned();
        errors.push(ConfigError { path: path(&[&"balancer", &"interface", name]), message });
    }
    for (name, learned) in &balancer.learned {
        errors.extend(at("learned", name, of_learned(learned, model)));
    }
    for (name, service) in &balancer.services {
        errors.extend(at("service", name, of_service(service, local)));
        for node in service.backends.keys().filter(|node| local.contains(node)) {
            errors.push(own_node("service", name, *node));
        }
    }
    for (name, learned) in &balancer.learned {
        for node in learned.backends.keys().filter(|node| local.contains(node)) {
            errors.push(own_node("learned", name, *node));
        }
    }
    prefixes_stand_once(balancer, errors);
    services_take_nothing_twice(balancer, errors);
    answers_find_their_way_back(balancer, errors);
}

/// What should be said, although it is allowed.
pub(super) fn warnings(balancer: &Balancer) -> Vec<ConfigWarning> {
    let mut warnings = Vec::new();
    if balancer.interfaces.is_empty() && !(balancer.learned.is_empty() && balancer.services.is_empty()) {
        warnings.push(ConfigWarning {
            path: path(&[&"balancer"]),
            message: "no packets are balanced until 'set balancer interface' says where those of clients arrive"
                .to_owned(),
        });
    }
    let idle = balancer.services.iter().filter(|(_, service)| service.backends.is_empty());
    warnings.extend(idle.map(|(name, _)| ConfigWarning {
        path: path(&[&"balancer", &"service", name]),
        message: format!("service {name} has no backend; its packets go the way of the routes"),
    }));
    warnings
}

fn at(kind: &'static str, name: &str, reasons: Vec<String>) -> impl Iterator<Item = ConfigError> {
    let place = path(&[&"balancer", &kind, &name]);
    reasons.into_iter().map(move |message| ConfigError { path: place.clone(), message })
}

fn own_node(kind: &'static str, name: &str, node: IpAddr) -> ConfigError {
    ConfigError {
        path: path(&[&"balancer", &kind, &name, &"backend", &node]),
        message: format!("{node} is an address of this router, which cannot be its own backend; set another node"),
    }
}

fn of_learned(learned: &Learned, model: &Model) -> Vec<String> {
    let mut reasons = of_manner(&learned.manner, None);
    let networks = || model.interfaces.values().flat_map(|interface| &interface.addresses);
    for prefix in &learned.prefixes {
        if prefix.is_default() {
            reasons.push(format!("prefix {prefix} would make a service of every route; set the prefixes of services"));
        } else if let Some(own) = networks().find(|own| prefix.covers(own.network())) {
            reasons.push(format!(
                "prefix {prefix} holds {}, a network of this router; set the prefixes of services alone",
                own.network()
            ));
        }
    }
    if learned.manner.mode == Mode::Nat {
        reasons.push(
            "nodes that announce a service have its address, so mode nat has nothing to do; set l2, ipip or gue"
                .to_owned(),
        );
    }
    reasons
}

fn of_service(service: &Service, local: &BTreeSet<IpAddr>) -> Vec<String> {
    let protocol = match service.ports {
        Ports::Any => None,
        Ports::One { protocol, .. } => Some(protocol),
    };
    let mut reasons = of_manner(&service.manner, protocol);
    if protocol.is_none() && local.contains(&service.address) {
        reasons.push(format!(
            "{} is an address of this router, which nobody could reach any more; set port, or another address",
            service.address
        ));
    }
    if service.backends.contains_key(&service.address) {
        reasons.push(format!("{} is the service itself; set the nodes' own addresses as backends", service.address));
    }
    let nat = service.manner.mode == Mode::Nat;
    for (node, backend) in &service.backends {
        match backend.port {
            Some(port) if !nat => reasons.push(format!(
                "backend {node} cannot have port {port} of its own without mode nat, which alone rewrites ports"
            )),
            Some(port) if service.ports == Ports::Any => reasons.push(format!(
                "backend {node} cannot have port {port} of its own, because any-port leaves ports as they are"
            )),
            _ => {}
        }
        if nat && node.is_ipv4() != service.address.is_ipv4() {
            reasons.push(format!("backend {node} is not of the service's address family, which mode nat needs"));
        }
    }
    reasons
}

/// Rules of all kinds of services; `protocol` is none for those of all ports.
fn of_manner(manner: &Manner, protocol: Option<Protocol>) -> Vec<String> {
    let mut reasons = Vec::new();
    if manner.quic && protocol.is_some_and(|protocol| !protocol.has_udp()) {
        reasons.push("quic is spoken over UDP; set protocol udp or tcp_udp".to_owned());
    }
    if manner.server_octets > 0 && protocol.is_some_and(|protocol| !protocol.has_udp()) {
        reasons.push("quic-server-id is about QUIC, spoken over UDP; set protocol udp or tcp_udp".to_owned());
    }
    if manner.mss_clamp.is_some() && protocol.is_some_and(|protocol| !protocol.has_tcp()) {
        reasons.push("mss-clamp is about TCP; delete it, or set protocol tcp or tcp_udp".to_owned());
    }
    let Some(check) = &manner.check else { return reasons };
    let word = check.question.word();
    match &check.question {
        Question::Icmp => {}
        _ if check.port.is_none() && protocol.is_none() => {
            reasons.push(format!("check {word} needs a port to ask, and the service has none; set check port"));
        }
        Question::Udp { .. } if check.port.is_none() && protocol == Some(Protocol::Tcp) => {
            reasons.push("check udp asks a service of TCP; set check tcp or http, or check port".to_owned());
        }
        Question::Tcp | Question::Http(_) if check.port.is_none() && protocol == Some(Protocol::Udp) => {
            reasons.push(format!("check {word} asks a service of UDP; set check udp or icmp, or check port"));
        }
        _ => {}
    }
    reasons
}

fn prefixes_stand_once(balancer: &Balancer, errors: &mut Vec<ConfigError>) {
    let mut seen: BTreeMap<Prefix, &str> = BTreeMap::new();
    for (name, prefix) in
        balancer.learned.iter().flat_map(|(name, learned)| learned.prefixes.iter().map(move |prefix| (name, prefix)))
    {
        if let Some(other) = seen.insert(*prefix, name) {
            errors.push(ConfigError {
                path: path(&[&"balancer", &"learned", name, &"prefix", prefix]),
                message: format!("prefix {prefix} stands in learned {other} already; delete it there or here"),
            });
        }
    }
}

fn taken(service: &Service) -> Vec<Taken> {
    match service.ports {
        Ports::Any => vec![(service.address, None)],
        Ports::One { port, protocol } => {
            numbers(protocol).map(|number| (service.address, Some((number, port)))).collect()
        }
    }
}

/// The numbers of protocols that a service is of.
fn numbers(protocol: Protocol) -> impl Iterator<Item = u8> {
    [protocol.has_tcp().then_some(6), protocol.has_udp().then_some(17)].into_iter().flatten()
}

fn services_take_nothing_twice(balancer: &Balancer, errors: &mut Vec<ConfigError>) {
    let mut seen: BTreeMap<Taken, &str> = BTreeMap::new();
    for (name, service) in &balancer.services {
        for taken in taken(service) {
            let Some(other) = seen.insert(taken, name) else { continue };
            let what = taken.1.map_or_else(|| "all ports".to_owned(), |(_, port)| format!("port {port}"));
            let message = format!("{what} of {} belongs to service {other} already; set another", taken.0);
            errors.extend(at("service", name, vec![message]));
            break;
        }
    }
}

/// The node's address and port alone tell which service an answer is of, where it has to get the service's address.
fn answers_find_their_way_back(balancer: &Balancer, errors: &mut Vec<ConfigError>) {
    let mut seen: BTreeMap<(IpAddr, u8, Option<u16>), &str> = BTreeMap::new();
    for (name, service) in balancer.services.iter().filter(|(_, service)| service.manner.mode == Mode::Nat) {
        for (node, backend) in &service.backends {
            let answers: Vec<(u8, Option<u16>)> = match service.ports {
                Ports::Any => vec![(6, None), (17, None)],
                Ports::One { port, protocol } => {
                    numbers(protocol).map(|number| (number, Some(backend.port.unwrap_or(port)))).collect()
                }
            };
            let clash = answers.iter().find_map(|(number, port)| {
                let mut same = seen.iter().filter(|((other, protocol, _), _)| other == node && protocol == number);
                let clash = same.find(|((.., taken), _)| port.is_none() || taken.is_none() || taken == port);
                clash.map(|(_, other)| (*other, *port))
            });
            if let Some((other, port)) = clash {
                let port = port.map(|port| format!(" port {port}")).unwrap_or_default();
                errors.push(ConfigError {
                    path: path(&[&"balancer", &"service", name, &"backend", node]),
                    message: format!(
                        "answers of {node}{port} could be service {other}'s or {name}'s; with mode nat a node needs a port for each"
                    ),
                });
            }
            seen.extend(answers.into_iter().map(|(number, port)| ((*node, number, port), name.as_str())));
        }
    }
}

#[cfg(test)]
mod tests;
