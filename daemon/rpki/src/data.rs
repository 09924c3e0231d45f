//! All that one cache said, as a value that never changes, and how a response makes another one of it.
//!
//! Never knows the cache.

use std::collections::BTreeMap;
use std::sync::Arc;

use nouns::{Asn, Prefix};
use thiserror::Error;

use crate::aspa::Aspas;
use crate::vrps::{Vrp, Vrps};

/// One thing that a cache says.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Record {
    /// An AS may announce a prefix.
    Vrp(Vrp),
    /// A customer and all of its providers, sorted; of each customer there is one.
    Aspa(Asn, Arc<[Asn]>),
}

/// What a cache says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Data {
    /// Who may announce what.
    pub vrps: Vrps,
    /// Who is whose customer.
    pub aspas: Aspas,
}

/// What is different between two states.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changed {
    /// Prefixes of payloads that came or went, in display order.
    pub prefixes: Vec<Prefix>,
    /// Customers whose providers are others now.
    pub aspas: Vec<Asn>,
}

impl Changed {
    /// Whether nothing is.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.prefixes.is_empty() && self.aspas.is_empty()
    }
}

/// Why records contradict what was said before (RFC 8210 §12).
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Fault {
    /// Error 7
    #[error("{0} is announced twice")]
    Duplicate(String),
    /// Error 6
    #[error("{0} is withdrawn, but was never announced")]
    Unknown(String),
}

impl Data {
    /// What differs.
    #[must_use]
    pub fn differences(&self, other: &Self) -> Changed {
        Changed { prefixes: self.vrps.differences(&other.vrps), aspas: self.aspas.differences(&other.aspas) }
    }

    /// The state after records, in the order in which they came; `true`: announced.
    ///
    /// # Errors
    /// `Fault` when a record contradicts what is there.
    pub fn after(&self, records: Vec<(Record, bool)>) -> Result<Self, Fault> {
        let mut vrps: Vec<(Vrp, bool)> = Vec::with_capacity(records.len());
        let mut aspas = BTreeMap::new();
        for (record, announced) in records {
            match record {
                Record::Vrp(vrp) => vrps.push((vrp, announced)),
                // Of each customer the last word counts (8210bis: an announcement takes the place of the former one).
                Record::Aspa(customer, providers) => _ = aspas.insert(customer, announced.then_some(providers)),
            }
        }
        vrps.sort_by_key(|(vrp, _)| *vrp);
        Ok(Self { vrps: self.vrps_after(&vrps)?, aspas: self.aspas.after(aspas)? })
    }

    /// Merges sorted changes; those of the same payload stand in the order in which they came.
    fn vrps_after(&self, changes: &[(Vrp, bool)]) -> Result<Vrps, Fault> {
        if changes.is_empty() {
            return Ok(self.vrps.clone());
        }
        let mut merged: Vec<Vrp> = Vec::new();
        let mut known = self.vrps.iter().peekable();
        for of_one in changes.chunk_by(|(a, _), (b, _)| a == b) {
            let Some((vrp, _)) = of_one.first() else { continue };
            while let Some(before) = known.next_if(|known| known < vrp) {
                merged.push(before);
            }
            let mut there = known.next_if_eq(vrp).is_some();
            for (vrp, announced) in of_one {
                if there == *announced {
                    let text = format!("{}-{} of AS {}", vrp.prefix, vrp.max_length, vrp.asn);
                    return Err(if there { Fault::Duplicate(text) } else { Fault::Unknown(text) });
                }
                there = *announced;
            }
            if there {
                merged.push(*vrp);
            }
        }
        merged.extend(known);
        Ok(Vrps::from_sorted(merged.into_iter()))
    }
}
