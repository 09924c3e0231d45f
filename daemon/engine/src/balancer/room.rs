//! Whether the maps have room for what a configuration names.
//!
//! Never counts what routes teach: that is told when it happens, and what finds no room is left to the kernel's routes.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use bpf_tables::room::{Refusal, room};
use bpf_tables::wish::{Affinity, Backend, Idle, Member, Service, State, Way, WhenEmpty, Wish};
use config::model::Balancer;
use config::model::balancer::{self, Mode};

use super::Key;
use super::wished::destinations;

/// What there is no room for, if anything.
pub(super) fn refused(model: &Balancer) -> Option<Refusal> {
    room(&named(model)).err()
}

/// The wish that services of persons come to when all of their nodes can be reached; in which way is of no account.
fn named(model: &Balancer) -> Wish {
    let mut services = BTreeMap::new();
    // Each question has a mark of its own.
    let mut marks = 0..;
    for (name, service) in &model.services {
        let destinations = destinations(model, &Key::Named(Arc::from(name.as_str())));
        let checked = service.manner.check.is_some();
        let members = service.backends.iter();
        let members = members.map(|(node, own)| member(*node, own, service, checked.then(|| marks.next()).flatten()));
        let members: Arc<[Member]> = members.collect();
        services.extend(destinations.into_iter().map(|destination| {
            let service = Service {
                name: Arc::from(name.as_str()),
                backends: Arc::clone(&members),
                affinity: Affinity::Flow,
                quic: service.manner.quic,
                server_octets: service.manner.server_octets,
                when_empty: WhenEmpty::Kernel,
                clamp: None,
            };
            (destination, service)
        }));
    }
    Wish {
        links: BTreeMap::new(),
        services,
        guards: model.learned.values().flat_map(|learned| learned.prefixes.iter().copied()).collect(),
        slots: model.table_size,
        idle: Idle { tcp: model.idle_tcp, other: model.idle_other },
    }
}

fn member(node: IpAddr, own: &balancer::Backend, service: &balancer::Service, mark: Option<u32>) -> Member {
    let way = match service.manner.mode {
        Mode::Auto | Mode::L2 => Way::L2,
        Mode::Ipip => Way::Ipip { source: node },
        Mode::Gue => Way::Gue { source: node, port: service.manner.gue_port },
        Mode::Nat => Way::Nat { port: own.port },
    };
    let state = match (own.disable, own.drain) {
        (true, _) => State::Dead,
        (false, true) => State::Draining,
        (false, false) => State::Active,
    };
    Member { backend: Backend { address: node, way, exit: None }, weight: own.weight, state, mark }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is said of a configuration of these lines.
    fn said(lines: impl Iterator<Item = String>) -> String {
        let text: String = lines.map(|line| format!("set balancer {line}\n")).collect();
        let parsed = config::Tree::parse_set_commands(&text);
        assert_eq!(parsed.problems, Vec::new());
        let model = config::check::admit(&parsed, &config::check::Context::default()).model;
        refused(&model.balancer).map(|refusal| refusal.to_string()).unwrap_or_default()
    }

    /// A service on a port of an address, with the lines of its backends.
    fn service(number: u32, backends: &[String]) -> Vec<String> {
        let place = format!("service s{number}");
        let [high, low] = [number >> 8 & 255, number & 255];
        let mut lines = vec![format!("{place} address 203.{}.{high}.{low}", number >> 16), format!("{place} port 80")];
        lines.extend(backends.iter().map(|backend| format!("{place} backend {backend}")));
        lines
    }

    fn node(number: u32) -> String {
        format!("10.1.{}.{}", number >> 8, number & 255)
    }

    #[test]
    fn more_sets_of_backends_than_there_are_tables_are_refused() {
        let some = |count: u32| {
            let weighed = |number: u32| [node(1), format!("{} weight {}", node(2 + number % 100), 2 + number / 100)];
            said((0..count).flat_map(|number| service(number, &weighed(number))))
        };
        assert_eq!(some(200), "");
        let refused = "4096 different sets of backends are more than the 4095 that there is room for";
        assert_eq!(some(4_096), refused);
    }
}
