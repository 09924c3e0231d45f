//! What only the running system can object to: links that are not there, nodes that nothing leads to, maps that are full.
//!
//! Never refuses what routes teach: that is told when it happens.

use std::collections::BTreeSet;
use std::net::IpAddr;

use config::ConfigError;
use config::model::Model;
use config::model::balancer::Mode;
use rib::nexthop::Unresolvable;

use super::room;
use crate::engine::Engine;

impl Engine {
    /// What the system cannot have of the balancer.
    pub(crate) fn balancer_problems(&self, model: &Model, problems: &mut Vec<ConfigError>) {
        if self.running.model.balancer == model.balancer && self.running.model.interfaces == model.interfaces {
            return;
        }
        let balancer = &model.balancer;
        for name in balancer.interfaces.keys() {
            let there = self.world.link_by_name(name.as_str()).is_some();
            if !there && !model.interfaces.contains_key(name) {
                let message = format!("Interface {name} does not exist; 'run show interfaces' lists those that do");
                problems.push(problem(&["interface", name.as_str()], message));
            }
        }
        self.networks_in_prefixes(model, problems);
        for (name, service) in &balancer.services {
            let mode = service.manner.mode;
            for node in service.backends.keys() {
                if let Some(message) = self.unreachable(*node, mode, model) {
                    problems.push(problem(&["service", name, "backend", &node.to_string()], message));
                }
            }
        }
        if let Some(refusal) = room::refused(balancer) {
            problems.push(problem(&[], format!("{refusal}; delete some, or use fewer")));
        }
    }

    fn networks_in_prefixes(&self, model: &Model, problems: &mut Vec<ConfigError>) {
        let configured: BTreeSet<_> = model.interfaces.values().flat_map(|interface| &interface.addresses).collect();
        for (name, learned) in &model.balancer.learned {
            for prefix in learned.prefixes.iter().filter(|prefix| !prefix.is_default()) {
                let mut others = self.world.addresses().filter(|there| !configured.contains(&there.address));
                if let Some(own) = others.find(|own| prefix.covers(own.address.network())) {
                    let message = format!(
                        "prefix {prefix} holds {}, a network of this router; set the prefixes of services alone",
                        own.address.network()
                    );
                    problems.push(problem(&["learned", name], message));
                }
            }
        }
    }

    /// Why a node cannot be reached, also with what the new configuration adds.
    fn unreachable(&self, node: IpAddr, mode: Mode, model: &Model) -> Option<String> {
        let mut networks = model.interfaces.values().flat_map(|interface| &interface.addresses);
        if networks.any(|address| address.network().contains(node)) {
            return None;
        }
        let found = self.find_node(node, None, true);
        if let (Ok(found), Mode::L2) = (&found, mode)
            && !found.on_link
        {
            return Some(format!(
                "{node} is behind {}, and mode l2 reaches only nodes on a link; set mode ipip or gue",
                found.exit.gateway
            ));
        }
        let statically = || model.static_routes.keys().any(|prefix| prefix.contains(node));
        match found {
            Ok(_) => None,
            // Links come and go; what leads there is known.
            Err(Unresolvable::LinkDown(_)) => None,
            Err(_) if statically() && mode != Mode::L2 => None,
            Err(why) => Some(format!("{why}; give an interface an address beside the node, or set a route to it")),
        }
    }
}

fn problem(words: &[&str], message: String) -> ConfigError {
    let path = std::iter::once("balancer").chain(words.iter().copied());
    ConfigError { path: path.map(str::to_owned).collect(), message }
}
