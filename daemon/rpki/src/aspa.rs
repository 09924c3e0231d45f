//! Who is whose customer, and whether an AS path goes up and down as its members said (ASPA,
//! draft-ietf-sidrops-aspa-verification §5 to §7).
//!
//! Never knows how the router stands to a neighbor: the caller says which way the route came.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::Arc;

use nouns::{Asn, PathValidity};

use crate::data::Fault;

/// Customers with their providers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Aspas {
    customers: Arc<BTreeMap<Asn, Arc<[Asn]>>>,
}

/// Which way a route came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hops {
    /// From a customer, a peer, or a route server: it may only have gone up (§5.4).
    Upstream,
    /// From a provider: it went up, and then down (§5.5).
    Downstream,
}

/// What one AS says of the next one (§5.3).
#[derive(Clone, Copy, PartialEq, Eq)]
enum Hop {
    Attested,
    Refuted,
    Silent,
}

impl Aspas {
    /// The providers of a customer, if it named them.
    #[must_use]
    pub fn providers(&self, customer: Asn) -> Option<&[Asn]> {
        self.customers.get(&customer).map(|providers| &**providers)
    }

    /// All customers with their providers.
    pub fn iter(&self) -> impl Iterator<Item = (Asn, &[Asn])> {
        self.customers.iter().map(|(customer, providers)| (*customer, &**providers))
    }

    /// How many customers there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.customers.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.customers.is_empty()
    }

    /// The customers of which two states say something different.
    #[must_use]
    pub fn differences(&self, other: &Self) -> Vec<Asn> {
        let differs = |one: &Self, customer: &Asn, other: &Self| one.providers(*customer) != other.providers(*customer);
        let changed = self.customers.keys().filter(|customer| differs(self, customer, other));
        let new = other.customers.keys().filter(|customer| !self.customers.contains_key(customer));
        changed.chain(new).copied().collect()
    }

    /// With other providers of some customers; `None` for no attestation any more.
    pub(crate) fn after(&self, changes: BTreeMap<Asn, Option<Arc<[Asn]>>>) -> Result<Self, Fault> {
        if changes.is_empty() {
            return Ok(self.clone());
        }
        let mut customers = BTreeMap::clone(&self.customers);
        for (customer, providers) in changes {
            match providers {
                Some(providers) => _ = customers.insert(customer, providers),
                None if customers.remove(&customer).is_some() => {}
                None => return Err(Fault::Unknown(format!("the ASPA of AS {customer}"))),
            }
        }
        Ok(Self { customers: Arc::new(customers) })
    }

    /// Judges a path, the neighbor first and the origin last; `None` stands for one with a set in it.
    #[must_use]
    pub fn verify(&self, path: Option<&[Asn]>, hops: Hops) -> PathValidity {
        let Some(path) = path.filter(|path| !path.is_empty()) else { return PathValidity::Invalid };
        // From the origin on, without repetitions.
        let mut path: Vec<Asn> = path.iter().rev().copied().collect();
        path.dedup();
        match hops {
            Hops::Upstream => {
                let steps = || path.iter().zip(path.iter().skip(1)).map(|(from, to)| self.hop(*from, *to));
                if steps().any(|step| step == Hop::Refuted) {
                    PathValidity::Invalid
                } else if steps().any(|step| step == Hop::Silent) {
                    PathValidity::Unknown
                } else {
                    PathValidity::Valid
                }
            }
            Hops::Downstream => self.downstream(&path),
        }
    }

    /// A ramp up from the origin and one down to us have to meet, or overlap.
    fn downstream(&self, path: &[Asn]) -> PathValidity {
        if path.len() <= 2 {
            return PathValidity::Valid;
        }
        let reversed: Vec<Asn> = path.iter().rev().copied().collect();
        let ramps = |ends: fn(Hop) -> bool| self.ramp(path, ends).saturating_add(self.ramp(&reversed, ends));
        if ramps(|hop| hop == Hop::Refuted) < path.len() {
            PathValidity::Invalid
        } else if ramps(|hop| hop != Hop::Attested) < path.len() {
            PathValidity::Unknown
        } else {
            PathValidity::Valid
        }
    }

    /// How many members of a path it goes up for, until a step ends it.
    fn ramp(&self, path: &[Asn], ends: fn(Hop) -> bool) -> usize {
        let mut steps = path.iter().zip(path.iter().skip(1));
        steps.position(|(from, to)| ends(self.hop(*from, *to))).map_or(path.len(), |before| before.saturating_add(1))
    }

    fn hop(&self, customer: Asn, provider: Asn) -> Hop {
        match self.providers(customer) {
            None => Hop::Silent,
            Some(providers) if providers.binary_search(&provider).is_ok() => Hop::Attested,
            Some(_) => Hop::Refuted,
        }
    }
}
