//! The step for `balancer interface …`.
//!
//! Never knows a service: those cannot be refused.

use std::collections::BTreeMap;

use bpf_tables::wish::Hook;
use config::model::{Balancer, balancer};
use nouns::IfName;

/// The links that packets for services are taken on: none as long as there is no service.
pub(crate) fn links(balancer: &Balancer) -> BTreeMap<IfName, Hook> {
    if balancer.learned.is_empty() && balancer.services.is_empty() {
        return BTreeMap::new();
    }
    balancer.interfaces.iter().map(|(name, hook)| (name.clone(), place(*hook))).collect()
}

fn place(hook: balancer::Hook) -> Hook {
    match hook {
        balancer::Hook::Auto => Hook::Auto,
        balancer::Hook::Native => Hook::Native,
        balancer::Hook::Generic => Hook::Generic,
        balancer::Hook::Tc => Hook::Tc,
        balancer::Hook::Clsact => Hook::Clsact,
    }
}
