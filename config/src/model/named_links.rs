//! Which links a configuration calls by their names: those that are waited for while they are not there.
//!
//! Never tells a link that is only meant by an address.

use std::collections::BTreeSet;

use nouns::IfName;

use super::bgp::UpdateSource;
use super::{Model, StaticRoute};

impl Model {
    /// The names of all links that it names, with those of VLANs' parents and of bridges.
    #[must_use]
    pub fn named_links(&self) -> BTreeSet<IfName> {
        let interfaces = self.interfaces.iter().flat_map(|(name, interface)| {
            let above = interface.parent().into_iter().chain(interface.bridge.as_ref());
            above.chain([name])
        });
        let tables = self.static_tables.values().flat_map(|routes| routes.values());
        let statics = self.static_routes.values().chain(tables).flat_map(StaticRoute::links);
        let bgp = self.bgp.iter();
        let unnumbered = bgp.clone().flat_map(|bgp| bgp.interfaces.keys());
        let settings = bgp.flat_map(|bgp| {
            let neighbors = bgp.neighbors.values().chain(bgp.interfaces.values()).map(|neighbor| &neighbor.settings);
            neighbors.chain(bgp.listen_ranges.values().map(|range| &range.settings))
        });
        let sources = settings.filter_map(|settings| match &settings.update_source {
            Some(UpdateSource::Interface(name)) => Some(name),
            _ => None,
        });
        let bfd = self.bfd.peers.values().filter_map(|peer| peer.source_interface.as_ref());
        let balancer = self.balancer.interfaces.keys();
        interfaces.chain(statics).chain(unnumbered).chain(sources).chain(bfd).chain(balancer).cloned().collect()
    }
}
