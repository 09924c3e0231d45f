//! The typed model: what a configuration means once every word and value in it is understood.
//!
//! A `Model` that exists is valid in each of its values; rules between nodes are `check`'s.
//! It never holds text that still has to be parsed, and never knows how a wish is carried out.

pub mod balancer;
pub mod bfd;
pub mod bgp;
pub mod interfaces;
pub mod key_chain;
mod named_links;
pub mod policy;
mod reader;
pub mod rpki;
pub mod service;
pub mod static_routes;
pub mod system;

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use nouns::{IfName, MacAddress, Prefix};

use crate::check::ConfigError;
use crate::tree::Tree;

pub use balancer::Balancer;
pub use bfd::Bfd;
pub use bgp::Bgp;
pub use interfaces::Interface;
pub use policy::Policy;
pub use rpki::Rpki;
pub use service::Service;
pub use static_routes::StaticRoute;
pub use system::System;

use reader::{Findings, Reader};

/// A whole configuration, typed. Its large parts are shared by the models that have them in common, and compared at once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Model {
    /// `system …`
    pub system: System,
    /// `service …`
    pub service: Service,
    /// `balancer …`
    pub balancer: Arc<Balancer>,
    /// `interfaces …`, by name.
    pub interfaces: BTreeMap<IfName, Interface>,
    /// `policy …`
    pub policy: Arc<Policy>,
    /// `protocols static route|route6 …`, by destination.
    pub static_routes: Arc<BTreeMap<Prefix, StaticRoute>>,
    /// `protocols static table …`, the same for each table.
    pub static_tables: Arc<BTreeMap<u32, BTreeMap<Prefix, StaticRoute>>>,
    /// `protocols static arp …`
    pub static_arp: BTreeMap<IpAddr, MacAddress>,
    /// `protocols rpki …`
    pub rpki: Rpki,
    /// `protocols bfd …`
    pub bfd: Arc<Bfd>,
    /// `protocols bgp …`
    pub bgp: Option<Arc<Bgp>>,
}

impl Model {
    /// Reads a tree; what cannot be read, or stands for nothing without something else, is left out and listed.
    #[must_use]
    pub fn lower(tree: &Tree) -> (Self, Vec<ConfigError>) {
        let findings = Findings::default();
        let model = Self::read(&Reader::new(tree, &findings));
        (model, findings.into_errors())
    }

    /// As [`Model::lower`], where a tree and its model are known already: what stands in both trees is not read again.
    #[must_use]
    pub fn lower_after(tree: &Tree, (before, known): (&Tree, &Self)) -> (Self, Vec<ConfigError>) {
        let same = |words: &[&str]| {
            let path: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
            match (before.node(&path), tree.node(&path)) {
                (None, None) => true,
                (Some(old), Some(new)) => std::ptr::eq(old, new),
                (None, Some(_)) | (Some(_), None) => false,
            }
        };
        let findings = Findings::default();
        let top = Reader::new(tree, &findings);
        let protocols = top.at("protocols");
        let system = if same(&["system"]) { known.system.clone() } else { system::lower(&top.at("system")) };
        let same_policy = same(&["policy"]);
        let policy = if same_policy { known.policy.clone() } else { Arc::new(policy::lower(top.at("policy"))) };
        // The gateway of `system` is a static route, too.
        let same_statics = same(&["protocols", "static"]) && system.gateway == known.system.gateway;
        let (static_routes, static_tables, static_arp) = if same_statics {
            (known.static_routes.clone(), known.static_tables.clone(), known.static_arp.clone())
        } else {
            let static_routes::Static { routes, tables, arp } = Self::statics(&protocols, &system);
            (Arc::new(routes), Arc::new(tables), arp)
        };
        let model = Self {
            service: if same(&["service"]) { known.service.clone() } else { service::lower(&top.at("service")) },
            balancer: if same(&["balancer"]) {
                known.balancer.clone()
            } else {
                Arc::new(balancer::lower(&top.at("balancer")))
            },
            interfaces: if same(&["interfaces"]) {
                known.interfaces.clone()
            } else {
                interfaces::lower(top.at("interfaces"))
            },
            static_routes,
            static_tables,
            static_arp,
            rpki: rpki::lower(&protocols.at("rpki")),
            bfd: Arc::new(bfd::lower(&protocols.at("bfd"))),
            // A neighbor is lowered with the policies and keys that it names.
            bgp: if same_policy && same(&["protocols", "bgp"]) && same(&["protocols", "key-chain"]) {
                known.bgp.clone()
            } else {
                bgp::lower(&protocols, &policy).map(Arc::new)
            },
            policy,
            system,
        };
        (model, findings.into_errors())
    }

    fn read(top: &Reader<'_>) -> Self {
        let protocols = top.at("protocols");
        let system = system::lower(&top.at("system"));
        let static_routes::Static { routes, tables, arp } = Self::statics(&protocols, &system);
        let policy = Arc::new(policy::lower(top.at("policy")));
        Self {
            service: service::lower(&top.at("service")),
            balancer: Arc::new(balancer::lower(&top.at("balancer"))),
            interfaces: interfaces::lower(top.at("interfaces")),
            static_routes: Arc::new(routes),
            static_tables: Arc::new(tables),
            static_arp: arp,
            rpki: rpki::lower(&protocols.at("rpki")),
            bfd: Arc::new(bfd::lower(&protocols.at("bfd"))),
            bgp: bgp::lower(&protocols, &policy).map(Arc::new),
            policy,
            system,
        }
    }

    fn statics(protocols: &Reader<'_>, system: &System) -> static_routes::Static {
        let mut lowered = static_routes::lower(protocols.at("static"));
        if let Some(gateway) = system.gateway {
            let default = lowered.routes.entry(Prefix::DEFAULT_V4).or_default();
            default.next_hops.entry(gateway.into()).or_insert_with(static_routes::StaticNextHop::nearest);
        }
        lowered
    }
}

#[cfg(test)]
mod tests;
