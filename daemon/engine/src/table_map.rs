//! `table-map`: which of BGP's routes go into the route table and the kernel, and with which metric and distance.
//!
//! What a map keeps out is decided and announced all the same. Never changes what a neighbor hears.

use bgp::policy::{Chain, Denial, Draft, Source, Subject};
use config::model::policy::route_map_changed;
use config::model::{Bgp, Model, Policy};
use nouns::{Family, Prefix};
use rib::bgp_table::Path;

use crate::engine::Engine;
use crate::peers::Peers;
use crate::plan;

/// A family's map, ready for route after route.
pub(crate) struct TableMap {
    chain: Chain,
    default_local_pref: u32,
}

/// What goes into the route table besides the next hops.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Shaped {
    /// The metric.
    pub(crate) metric: u32,
    /// The distance, where a policy set one.
    pub(crate) distance: Option<u8>,
}

impl Shaped {
    /// A path as it is.
    pub(crate) fn untouched(path: &Path) -> Self {
        Self { metric: path.attributes().med.unwrap_or(0), distance: path.marks().distance }
    }
}

impl TableMap {
    /// What becomes of the best path of a prefix.
    pub(crate) fn apply(&self, peers: &Peers, prefix: Prefix, best: &Path) -> Result<Shaped, Denial> {
        let peer = peers.get(best.peer()).map(|peer| peer.address);
        let subject = Subject { peer, ..Subject::new(prefix, Source::Bgp) };
        let mut draft = Draft::new(best.attributes(), best.marks(), self.default_local_pref);
        self.chain.apply(&subject, &mut draft)?;
        Ok(Shaped { metric: draft.attributes.med.unwrap_or(0), distance: draft.marks.distance })
    }
}

impl Engine {
    /// The map of a family, where there is one.
    pub(crate) fn table_map(&self, family: Family) -> Option<TableMap> {
        let bgp = self.running.model.bgp.as_deref()?;
        let chain = self.policies.through(Some(bgp.table_maps.get(&family)?));
        Some(TableMap { chain, default_local_pref: bgp.default_local_pref })
    }

    /// Why the map of the family keeps the best path of a prefix out, if it does.
    pub(crate) fn kept_out(&self, family: Family, prefix: Prefix) -> Option<Denial> {
        let best = self.best_path(family, prefix).filter(|best| !best.is_local())?;
        self.table_map(family)?.apply(&self.peers, prefix, best).err()
    }
}

/// Families whose map is another one now, or says something else.
pub(crate) fn changed(old: Option<&Model>, new: &Model) -> Vec<Family> {
    let none = Policy::default();
    let policies =
        old.map_or((&none, &*new.policy), |old| (&*old.policy, plan::unless_equal(&old.policy, &new.policy)));
    let map = |bgp: Option<&Bgp>, family: &Family| bgp.and_then(|bgp| bgp.table_maps.get(family).cloned());
    let is_another = |family: &Family| {
        let (was, is) = (map(old.and_then(|old| old.bgp.as_deref()), family), map(new.bgp.as_deref(), family));
        was != is || is.is_some_and(|name| route_map_changed(policies.0, policies.1, &name).is_some())
    };
    Family::ALL.into_iter().filter(is_another).collect()
}
