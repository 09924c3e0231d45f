//! How packets get to a node: where they leave, and what is done to them before.
//!
//! Never keeps an answer: nodes are few, and looking is cheap.

use std::net::IpAddr;

use bpf_tables::wish::{Exit, Way};
use config::model::balancer::{Manner, Mode};
use nouns::Family;
use rib::fib::Wanted;
use rib::nexthop::{Resolution, Unresolvable, resolution};
use rib::world::Leg;

use crate::engine::Engine;

/// Where a node is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Found {
    /// Where its packets leave.
    pub(crate) exit: Exit,
    /// It is on that link itself.
    pub(crate) on_link: bool,
}

impl Engine {
    /// Where a node is. What persons name may be behind the default route, too.
    pub(crate) fn find_node(&self, node: IpAddr, link: Option<u32>, named: bool) -> Result<Found, Unresolvable> {
        let leg = match resolution(node, link, &self.rib, &self.world) {
            Resolution::Resolved { legs, .. } => legs.first().copied(),
            Resolution::Unresolved(why @ Unresolvable::OnlyDefault(_)) if named => {
                Some(self.default_leg(node).ok_or(why)?)
            }
            Resolution::Unresolved(why) => return Err(why),
        };
        let leg = leg.ok_or(Unresolvable::NoRoute(node))?;
        let gateway = leg.gateway.unwrap_or(node);
        Ok(Found { exit: Exit { link: leg.ifindex, gateway }, on_link: gateway == node })
    }

    fn default_leg(&self, node: IpAddr) -> Option<Leg> {
        let (_, route) = self.rib.longest_match(node).filter(|(prefix, _)| prefix.is_default())?;
        match route.wanted(&self.next_hops)? {
            Wanted::Legs(legs) => legs.first().copied(),
            Wanted::Weighted(legs) => legs.first().map(|(leg, _)| *leg),
            Wanted::Blackhole | Wanted::Unreachable => None,
        }
    }

    /// What is done to packets for a node.
    ///
    /// # Errors
    /// In words, why the mode does not reach it.
    pub(crate) fn way_to(&self, node: IpAddr, found: Found, manner: &Manner, port: Option<u16>) -> Result<Way, String> {
        let source = || {
            let family = Family::of(node);
            let on_link = self.world.address_of_link(found.exit.link, family);
            let any = || {
                let own = self.world.addresses().map(|there| there.address.address());
                own.filter(|own| Family::of(*own) == family && !own.is_loopback()).min()
            };
            on_link.or_else(any).ok_or_else(|| format!("the router has no address of the family of {node}"))
        };
        match manner.mode {
            Mode::Auto | Mode::L2 if found.on_link => Ok(Way::L2),
            Mode::L2 => {
                Err(format!("{node} is behind {}, and mode l2 reaches only nodes on a link", found.exit.gateway))
            }
            Mode::Auto | Mode::Ipip => Ok(Way::Ipip { source: source()? }),
            Mode::Gue => Ok(Way::Gue { source: source()?, port: manner.gue_port }),
            Mode::Nat => Ok(Way::Nat { port }),
        }
    }
}
