//! What one peer has been told of a family, and what it has to be told yet (Adj-RIB-Out, RFC 4271 §3.2).
//!
//! Routes of equal attributes leave together, so an UPDATE carries as many as fit. Never decides what a peer may
//! hear: that is `export`.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bgp_wire::attribute::PathAttributes;
use bgp_wire::message::Nlri;
use bgp_wire::{HEADER_LENGTH, Negotiated as Codec, encode_reach, encode_unreach};
use nouns::{Family, Prefix};

/// Where the length stands in a message's header (RFC 4271 §4.1).
const LENGTH_AT: std::ops::Range<usize> = 16..18;

/// The routes for one peer and family; a new session begins with an empty one.
#[derive(Clone, Debug, Default)]
pub struct AdjOut {
    routes: BTreeMap<Prefix, Route>,
    /// To be announced, by attributes; each prefix stands in at most one group.
    announce: BTreeMap<Arc<PathAttributes>, BTreeSet<Prefix>>,
    /// To be withdrawn; never also in `routes`.
    withdraw: BTreeSet<Prefix>,
}

#[derive(Clone, Debug)]
struct Route {
    attributes: Arc<PathAttributes>,
    /// The peer has an announcement of the prefix, this or an earlier one.
    told: bool,
}

impl AdjOut {
    /// Says what the peer shall know of a prefix; `None` that it shall know nothing. Tells whether that is news.
    pub fn update(&mut self, prefix: Prefix, attributes: Option<Arc<PathAttributes>>) -> bool {
        match attributes {
            Some(attributes) => self.add(prefix, attributes),
            None => self.remove(prefix),
        }
    }

    /// Everything is to be sent again (RFC 2918 §4).
    pub fn refresh(&mut self) {
        for (prefix, route) in &self.routes {
            self.announce.entry(Arc::clone(&route.attributes)).or_default().insert(*prefix);
        }
    }

    /// Encodes what is pending, withdrawals first, until about `max_octets` are reached.
    /// Gives the octets and the number of UPDATEs in them.
    pub fn drain(&mut self, family: Family, negotiated: &Codec, max_octets: usize) -> (Vec<u8>, u64) {
        let mut out = Vec::new();
        let mut room = max_octets;
        while room > 0 && !self.withdraw.is_empty() {
            let some = take(&mut self.withdraw, room);
            // Prefixes of the right family always fit; a wrong one is nothing that the peer was ever told.
            let _ = encode_unreach(family, &mut some.into_iter().map(nlri), negotiated, &mut out);
            room = max_octets.saturating_sub(out.len());
        }
        while room > 0
            && let Some(mut group) = self.announce.first_entry()
        {
            let attributes = Arc::clone(group.key());
            let some = take(group.get_mut(), room);
            if group.get().is_empty() {
                group.remove();
            }
            let start = out.len();
            match encode_reach(family, &attributes, &mut some.iter().copied().map(nlri), negotiated, &mut out) {
                Ok(()) => self.mark_told(&some),
                Err(_) => {
                    // Attributes that fit into no message (RFC 8654 §4): the peer must not keep the older route.
                    out.truncate(start);
                    for prefix in some {
                        self.remove(prefix);
                    }
                }
            }
            room = max_octets.saturating_sub(out.len());
        }
        let messages = count_messages(&out);
        (out, messages)
    }

    /// Nothing is pending.
    #[must_use]
    pub fn is_drained(&self) -> bool {
        self.announce.is_empty() && self.withdraw.is_empty()
    }

    /// Routes that the peer knows or is about to, in the order in which they are shown.
    pub fn iter(&self) -> impl Iterator<Item = (Prefix, &Arc<PathAttributes>)> {
        self.routes.iter().map(|(prefix, route)| (*prefix, &route.attributes))
    }

    /// The attributes that the peer knows, or is about to, of a prefix.
    #[must_use]
    pub fn route(&self, prefix: Prefix) -> Option<&Arc<PathAttributes>> {
        self.routes.get(&prefix).map(|route| &route.attributes)
    }

    /// How many routes the peer knows or is about to.
    #[must_use]
    pub fn len(&self) -> usize {
        self.routes.len()
    }

    /// The peer knows nothing, and is about to know nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.routes.is_empty()
    }

    fn add(&mut self, prefix: Prefix, attributes: Arc<PathAttributes>) -> bool {
        let told = match self.routes.get(&prefix) {
            Some(route) if Arc::ptr_eq(&route.attributes, &attributes) || route.attributes == attributes => {
                return false;
            }
            Some(route) => {
                let (older, told) = (Arc::clone(&route.attributes), route.told);
                self.unqueue(prefix, &older);
                told
            }
            None => self.withdraw.remove(&prefix),
        };
        self.announce.entry(Arc::clone(&attributes)).or_default().insert(prefix);
        self.routes.insert(prefix, Route { attributes, told });
        true
    }

    fn remove(&mut self, prefix: Prefix) -> bool {
        let Some(route) = self.routes.remove(&prefix) else { return false };
        self.unqueue(prefix, &route.attributes);
        if route.told {
            self.withdraw.insert(prefix);
        }
        true
    }

    fn unqueue(&mut self, prefix: Prefix, attributes: &Arc<PathAttributes>) {
        if let Some(group) = self.announce.get_mut(attributes) {
            group.remove(&prefix);
            if group.is_empty() {
                self.announce.remove(attributes);
            }
        }
    }

    fn mark_told(&mut self, prefixes: &[Prefix]) {
        for prefix in prefixes {
            if let Some(route) = self.routes.get_mut(prefix) {
                route.told = true;
            }
        }
    }
}

/// Takes prefixes whose encoded lengths fill `room` octets, at least one.
fn take(from: &mut BTreeSet<Prefix>, room: usize) -> Vec<Prefix> {
    let mut taken = Vec::new();
    let mut octets = 0_usize;
    while octets < room
        && let Some(prefix) = from.pop_first()
    {
        octets = octets.saturating_add(1).saturating_add(usize::from(prefix.length().div_ceil(8)));
        taken.push(prefix);
    }
    taken
}

fn nlri(prefix: Prefix) -> Nlri {
    Nlri { prefix, path_id: 0 }
}

/// Walks from header to header.
fn count_messages(mut bytes: &[u8]) -> u64 {
    let mut messages = 0_u64;
    while let Some(&[high, low]) = bytes.get(LENGTH_AT) {
        let length = usize::from(u16::from_be_bytes([high, low])).max(HEADER_LENGTH);
        messages = messages.saturating_add(1);
        bytes = bytes.get(length..).unwrap_or_default();
    }
    messages
}
