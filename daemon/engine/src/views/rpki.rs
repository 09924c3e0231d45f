//! `show rpki …`: the caches, and what they say.
//!
//! Never asks a cache.

use api::view::rpki::{RpkiAspa, RpkiAspas, RpkiCache, RpkiCacheState, RpkiCaches, RpkiJudged, RpkiPrefix, RpkiTable};
use api::{ApiError, View};
use grammar::commands::RpkiShown;
use nouns::{Asn, Family};
use rpki::Vrp;
use rpki::client::Phase;

use super::{number, seconds};
use crate::engine::Engine;
use crate::event::Moment;

pub(crate) fn shown(engine: &Engine, at: Moment, what: RpkiShown) -> Result<View, ApiError> {
    let vrps = &engine.validation.data().vrps;
    let table = |prefixes, judged| Ok(View::RpkiTable(RpkiTable { judged, prefixes }));
    match what {
        RpkiShown::Caches => Ok(View::RpkiCaches(caches(engine, at))),
        RpkiShown::All => table(vrps.iter().map(entry).collect(), None),
        RpkiShown::OfAs(asn) => table(vrps.iter().filter(|vrp| vrp.asn == asn).map(entry).collect(), None),
        RpkiShown::Aspas(customer) => {
            let all = engine.validation.data().aspas.iter();
            let asked = all.filter(|(one, _)| customer.is_none_or(|customer| customer == *one));
            let aspa = |(customer, providers): (Asn, &[Asn])| RpkiAspa { customer, providers: providers.to_vec() };
            Ok(View::RpkiAspas(RpkiAspas { aspas: asked.map(aspa).collect() }))
        }
        RpkiShown::Covering { prefix, asn } => {
            let judged = asn.map(|asn| RpkiJudged { prefix, asn, validity: vrps.validity(prefix, Some(asn)) });
            table(vrps.covering(prefix).into_iter().map(entry).collect(), judged)
        }
    }
}

fn entry(vrp: Vrp) -> RpkiPrefix {
    RpkiPrefix { prefix: vrp.prefix, max_length: vrp.max_length, asn: vrp.asn }
}

fn caches(engine: &Engine, at: Moment) -> RpkiCaches {
    let all = &engine.validation.caches;
    let one = |(address, wish): (&std::net::IpAddr, &config::model::rpki::Cache)| {
        let known = all.get(address);
        let status = known.map(|cache| cache.status.clone()).unwrap_or_default();
        let held = known.and_then(|cache| cache.held.as_ref());
        RpkiCache {
            address: *address,
            port: wish.port,
            preference: wish.preference,
            used: all.source() == Some(address),
            state: match status.phase {
                Phase::Down => RpkiCacheState::Down,
                Phase::Connecting => RpkiCacheState::Connecting,
                Phase::Synchronizing => RpkiCacheState::Synchronizing,
                Phase::Synchronized => RpkiCacheState::Synchronized,
                Phase::NoData => RpkiCacheState::NoData,
            },
            version: status.version,
            session: status.known.map(|(session, _)| session),
            serial: status.known.map(|(_, serial)| serial),
            confirmed: held.map(|held| seconds(held.confirmed, at.instant)),
            expires: held.map(|held| seconds(at.instant, held.good_until)),
            failure: status.failure,
        }
    };
    let vrps = &all.used().vrps;
    RpkiCaches {
        caches: engine.running.model.rpki.caches.iter().map(one).collect(),
        ipv4: number(vrps.len(Family::Ipv4Unicast)),
        ipv6: number(vrps.len(Family::Ipv6Unicast)),
        aspas: number(all.used().aspas.len()),
    }
}
