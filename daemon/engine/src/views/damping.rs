//! `show ip bgp dampening …`: routes that flapped, and those that rest for it.
//!
//! Never changes a penalty: what is shown is what the formula says at the moment.

use api::view::damping::{BgpDamping, DampedPath, DampingParameters, NeighborDamping};
use api::{ApiError, View};
use config::model::bgp::{Dampening, PeerDampening};
use grammar::commands::DampingShown;
use nouns::{Family, Prefix};
use rib::bgp_table::PathKey;
use rib::damping::History;

use super::{configured, number, seconds};
use crate::engine::Engine;
use crate::event::Moment;

pub(crate) fn shown(engine: &Engine, at: Moment, family: Family, which: DampingShown) -> Result<View, ApiError> {
    let bgp = configured(engine)?;
    let damping = engine.damping.of(family);
    let wanted = |history: &History| match which {
        DampingShown::Paths => history.suppressed,
        DampingShown::Flaps => true,
        DampingShown::Parameters => false,
    };
    let routes = damping.iter().filter(|(_, history)| wanted(history));
    let routes = routes.filter_map(|((prefix, key), history)| one(engine, at, family, (prefix, key), history));
    let own = engine.peers.iter().filter_map(|peer| {
        let parameters = match peer.settings.dampening? {
            PeerDampening::Off => None,
            PeerDampening::Own(own) => Some(numbers(own)),
        };
        Some(NeighborDamping { neighbor: peer.address, parameters })
    });
    Ok(View::BgpDamping(BgpDamping {
        family,
        which,
        parameters: bgp.dampening.map(numbers),
        neighbors: own.collect(),
        remembered: number(damping.iter().count()),
        passed_over: damping.passed_over(),
        paths: routes.collect(),
    }))
}

fn numbers(wish: Dampening) -> DampingParameters {
    DampingParameters {
        half_life: 60 * u64::from(wish.half_life),
        reuse: wish.reuse,
        suppress: wish.start_suppress,
        max_suppress: 60 * u64::from(wish.max_suppress),
    }
}

/// What is remembered of the paths to a prefix.
pub(crate) fn of_prefix(engine: &Engine, at: Moment, family: Family, prefix: Prefix) -> Vec<DampedPath> {
    let all = engine.damping.of(family).of_prefix(prefix);
    all.filter_map(|(key, history)| one(engine, at, family, (prefix, key), history)).collect()
}

fn one(
    engine: &Engine,
    at: Moment,
    family: Family,
    (prefix, key): (Prefix, PathKey),
    history: &History,
) -> Option<DampedPath> {
    let damping = engine.damping.of(family);
    let mut paths = engine.tables.of(family).paths(prefix).iter();
    let path = paths.find(|path| path.key() == key);
    Some(DampedPath {
        prefix,
        from: engine.peers.get(key.peer)?.address,
        suppressed: history.suppressed,
        withdrawn: history.withdrawn,
        penalty: history.penalty(at.instant).round().min(f64::from(u32::MAX)) as u32,
        flaps: history.flaps,
        since: seconds(history.since, at.instant),
        reuse_in: damping.reuse_in(history, at.instant).map(|rest| rest.as_secs()),
        as_path: path.map(|path| path.received().as_path.to_string()).unwrap_or_default(),
    })
}
