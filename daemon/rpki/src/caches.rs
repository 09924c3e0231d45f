//! Several caches: whose data counts.
//!
//! The data of one cache counts at a time: of those whose data was confirmed lately the one with the lowest preference;
//! where none was, of those whose data has not expired. So a cache that vanishes changes nothing for a while, and one
//! that comes up takes over only once its data is complete. Never connects anybody.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::client::{Status, Synchronized};
use crate::data::{Changed, Data};

/// One cache, as far as its data goes.
#[derive(Clone, Debug)]
pub struct Cache {
    /// The lower one is asked first.
    pub preference: u8,
    /// How it stands.
    pub status: Status,
    /// Its data, and until when it counts.
    pub held: Option<Held>,
}

/// Data with its times.
#[derive(Clone, Debug)]
pub struct Held {
    /// What the cache said.
    pub data: Arc<Data>,
    /// When it was last confirmed.
    pub confirmed: Instant,
    /// Until when it is as good as new: a poll and its repetition may fail before that.
    pub fresh_until: Instant,
    /// Until when it counts at all.
    pub good_until: Instant,
}

/// All caches by their names, and what counts.
#[derive(Debug)]
pub struct Caches<K> {
    caches: BTreeMap<K, Cache>,
    used: Arc<Data>,
    source: Option<K>,
}

impl<K> Default for Caches<K> {
    fn default() -> Self {
        Self { caches: BTreeMap::new(), used: Arc::default(), source: None }
    }
}

impl<K: Ord + Clone> Caches<K> {
    /// Adds a cache, or tells its preference anew; what it said stays.
    pub fn set(&mut self, key: K, preference: u8) {
        let cache = self.caches.entry(key).or_insert(Cache { preference, status: Status::default(), held: None });
        cache.preference = preference;
    }

    /// Forgets a cache and what it said.
    pub fn remove(&mut self, key: &K) {
        self.caches.remove(key);
    }

    /// A response of a cache is complete.
    pub fn synchronized(&mut self, key: &K, now: Instant, said: &Synchronized) {
        let seconds = |seconds: u32| Duration::from_secs(u64::from(seconds));
        if let Some(cache) = self.caches.get_mut(key) {
            let good_until = now + seconds(said.timers.expire);
            cache.held = Some(Held {
                data: Arc::clone(&said.data),
                confirmed: now,
                fresh_until: (now + seconds(said.timers.refresh) + seconds(said.timers.retry)).min(good_until),
                good_until,
            });
        }
    }

    /// What a cache said counts no more.
    pub fn flush(&mut self, key: &K) {
        if let Some(cache) = self.caches.get_mut(key) {
            cache.held = None;
        }
    }

    /// How it stands with a cache.
    pub fn set_status(&mut self, key: &K, status: Status) {
        if let Some(cache) = self.caches.get_mut(key) {
            cache.status = status;
        }
    }

    /// Chooses anew whose data counts; answers what is different then. `known` may tell what a cache's last
    /// response changed, so that two large sets need not be compared.
    pub fn choose(&mut self, now: Instant, known: Option<&Synchronized>) -> Changed {
        for cache in self.caches.values_mut() {
            cache.held.take_if(|held| held.good_until <= now);
        }
        let held = self.caches.iter().filter_map(|(key, cache)| Some((key, cache.preference, cache.held.as_ref()?)));
        let best = held.min_by_key(|(key, preference, held)| (held.fresh_until <= now, *preference, (*key).clone()));
        let (source, data) = match best {
            Some((key, _, held)) => (Some(key.clone()), Arc::clone(&held.data)),
            None => (None, Arc::default()),
        };
        self.source = source;
        let before = std::mem::replace(&mut self.used, data);
        if Arc::ptr_eq(&before, &self.used) {
            return Changed::default();
        }
        match known.filter(|known| Arc::ptr_eq(&known.before, &before) && Arc::ptr_eq(&known.data, &self.used)) {
            Some(known) => known.changed.clone(),
            None => before.differences(&self.used),
        }
    }

    /// When `choose` may come to another result although nobody says anything.
    #[must_use]
    pub fn deadline(&self, now: Instant) -> Option<Instant> {
        let held = self.caches.values().filter_map(|cache| cache.held.as_ref());
        // A moment that has passed was taken into account.
        held.flat_map(|held| [held.fresh_until, held.good_until]).filter(|at| *at > now).min()
    }

    /// What counts.
    #[must_use]
    pub fn used(&self) -> &Arc<Data> {
        &self.used
    }

    /// The cache whose data counts.
    #[must_use]
    pub fn source(&self) -> Option<&K> {
        self.source.as_ref()
    }

    /// All caches.
    pub fn iter(&self) -> impl Iterator<Item = (&K, &Cache)> {
        self.caches.iter()
    }

    /// One cache.
    #[must_use]
    pub fn get(&self, key: &K) -> Option<&Cache> {
        self.caches.get(key)
    }
}
