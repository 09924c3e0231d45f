//! `protocols rpki …`: which caches are asked.
//!
//! Never knows what they say.

use std::collections::BTreeMap;
use std::net::IpAddr;

use super::reader::Reader;

/// `protocols rpki`
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rpki {
    /// `cache <address>`
    pub caches: BTreeMap<IpAddr, Cache>,
    /// `polling-period` in seconds; what the cache says without it.
    pub polling_period: Option<u32>,
    /// `retry-interval` in seconds; what the cache says without it.
    pub retry_interval: Option<u32>,
    /// `expire-interval` in seconds; what the cache says without it.
    pub expire_interval: Option<u32>,
}

/// `cache <address>`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cache {
    /// `port`, 323 by default.
    pub port: u16,
    /// `preference`, 1 by default; the lower one is preferred.
    pub preference: u8,
}

pub(super) fn lower(place: &Reader<'_>) -> Rpki {
    let caches = place.instances::<IpAddr>("cache").into_iter().map(|(address, cache)| {
        let cache = Cache { port: cache.leaf_or_default("port"), preference: cache.leaf_or_default("preference") };
        (address, cache)
    });
    Rpki {
        caches: caches.collect(),
        polling_period: place.leaf("polling-period"),
        retry_interval: place.leaf("retry-interval"),
        expire_interval: place.leaf("expire-interval"),
    }
}
