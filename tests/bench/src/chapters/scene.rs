//! The network of the walk-through with `towpathd` on it and our own speakers on the nodes.
//!
//! It never outlives its guard.

use std::time::Duration;

use anyhow::Result;
use scenarios::lab::{Lab, Process};
use scenarios::router::Router;

use crate::clock::wait_for;
use crate::daemons::{configuration, towpath};
use crate::node::Node;
use crate::usage;

/// Fields in the order in which they have to go: the network last.
pub(super) struct Scene {
    pub(super) nodes: Vec<Node>,
    pub(super) daemon: Process,
    pub(super) router: Router,
    pub(super) lab: Lab,
}

impl Scene {
    /// The three nodes as neighbors, and so many more that do not exist. The speakers are not connected yet.
    pub(super) fn new(silent: u32) -> Result<Self> {
        let lab = Lab::new()?;
        let nodes = lab.nodes.iter().map(Node::start).collect::<Result<_>>()?;
        let (router, daemon) = towpath(&lab, &configuration(silent))?;
        Ok(Self { nodes, daemon, router, lab })
    }

    /// Connects every node and lets it announce the same prefixes, side by side from the first one; returns when the
    /// kernel has them all.
    pub(super) fn announce(&mut self, first: &str, count: u32) -> Result<()> {
        let wanted = usage::ipv4_prefixes(self.daemon.id())? + usize::try_from(count)?;
        self.announce_again(first, count)?;
        let has_all = || usage::ipv4_prefixes(self.daemon.id()).is_ok_and(|has| has >= wanted).then_some(());
        wait_for(Duration::from_secs(30), Duration::from_millis(5), "the kernel has all routes", has_all)?;
        let legs = || self.legs(first).is_ok_and(|legs| legs == self.nodes.len()).then_some(());
        wait_for(Duration::from_secs(30), Duration::from_millis(20), "the routes have all legs", legs)
    }

    /// The same without looking at the kernel.
    pub(super) fn announce_again(&mut self, first: &str, count: u32) -> Result<()> {
        for node in &mut self.nodes {
            node.connect_until_end_of_rib()?;
            node.prepare_announce(first, count, count)?;
            node.send()?;
            node.end_of_rib()?;
        }
        Ok(())
    }

    /// How many next hops the kernel has for a prefix.
    pub(super) fn legs(&self, prefix: &str) -> Result<usize> {
        Ok(self.router.kernel_route(prefix)?.map_or(0, |route| route.legs.len()))
    }
}
