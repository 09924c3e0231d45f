//! Prefixes that leave together: gathered by their attributes and by whom they are for, then encoded.
//!
//! Never remembers what was told.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::sync::Arc;

use bgp_wire::attribute::PathAttributes;
use bgp_wire::message::Nlri;
use bgp_wire::{HEADER_LENGTH, Negotiated as Codec, encode_reach, encode_unreach};
use foldhash::quality::RandomState;
use nouns::{Asn, Family, Prefix};

use super::{Loops, Told, fingerprint};
use crate::bgp_table::PeerId;
use crate::id_hash::IdHash;

/// Where the length stands in a message's header (RFC 4271 §4.1).
const LENGTH_AT: std::ops::Range<usize> = 16..18;
/// Lists of attributes that are shorter leave room for all else in the shortest message of all, of 4,096 octets.
const DOUBTFUL: usize = 2048;
/// What the attributes of a message take, roughly, with the header.
const MESSAGE_OCTETS: usize = 80;

/// Whom octets are for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Audience {
    /// Everybody in the group but these peers, sorted; some of them may not be in the group at all.
    AllBut(Arc<[PeerId]>),
    /// This peer alone, if it is in the group.
    Only(PeerId),
}

impl Audience {
    /// Whether a peer of the group is meant.
    #[must_use]
    pub fn includes(&self, peer: PeerId) -> bool {
        match self {
            Self::AllBut(others) => others.binary_search(&peer).is_err(),
            Self::Only(other) => peer == *other,
        }
    }
}

/// Whole UPDATEs for some peers of a group.
#[derive(Clone, Debug)]
pub struct Portion {
    /// Whom they are for.
    pub audience: Audience,
    /// The messages, one behind the other; shared by all who hear them.
    pub octets: Arc<Vec<u8>>,
    /// How many messages.
    pub messages: u64,
}

/// Names a bundle and the attributes in it.
#[derive(Clone, Copy, Debug)]
pub(super) struct BundleId {
    place: usize,
    pub(super) fingerprint: u64,
}

/// Prefixes that are announced with the same attributes to the same peers.
#[derive(Debug)]
struct Bundle {
    attributes: Arc<PathAttributes>,
    fingerprint: u64,
    deaf: Arc<[PeerId]>,
    routes: Vec<Nlri>,
    /// Told to one peer alone, which did not hear them before.
    alone: BTreeMap<PeerId, Vec<Nlri>>,
}

/// Who does not hear of a path, remembered for the next prefix with the same.
type Remembered = Option<(Option<Arc<PathAttributes>>, PeerId, bool, Arc<[PeerId]>)>;

/// Everything that is about to be encoded.
#[derive(Debug)]
pub(super) struct Bundles<'a> {
    loops: &'a Loops,
    bundles: Vec<Bundle>,
    places: HashMap<(u64, Arc<[PeerId]>), usize, IdHash>,
    withdrawn: BTreeMap<Audience, Vec<Nlri>>,
    /// What is withdrawn from the same peers as the last one, on its way to `withdrawn`.
    leaving: Option<(Arc<[PeerId]>, Vec<Nlri>)>,
    octets: usize,
    deaf_now: Remembered,
    deaf_before: Remembered,
    /// The AS numbers that are counted among those of a path, remembered for the next prefix with the same.
    counted: Option<(Arc<PathAttributes>, Vec<Asn>)>,
}

impl<'a> Bundles<'a> {
    pub(super) fn new(loops: &'a Loops) -> Self {
        Self {
            loops,
            bundles: Vec::new(),
            places: HashMap::default(),
            withdrawn: BTreeMap::new(),
            leaving: None,
            octets: 0,
            deaf_now: None,
            deaf_before: None,
            counted: None,
        }
    }

    /// Which AS numbers of a path are counted, each once.
    pub(super) fn counted(&mut self, path: &Arc<PathAttributes>, is_counted: impl Fn(Asn) -> bool) -> &[Asn] {
        if self.counted.as_ref().is_none_or(|(known, _)| !Arc::ptr_eq(known, path)) {
            let mut all = self.counted.take().map_or_else(Vec::new, |(_, all)| all);
            all.clear();
            for asn in path.as_path.segments().flat_map(|segment| segment.asns) {
                if is_counted(*asn) && !all.contains(asn) {
                    all.push(*asn);
                }
            }
            self.counted = Some((Arc::clone(path), all));
        }
        self.counted.as_ref().map_or(&[], |(_, all)| all)
    }

    /// About how many octets it all takes.
    pub(super) fn octets(&self) -> usize {
        self.octets
    }

    /// The bundle that attributes go into; `None` for attributes that fit into no message (RFC 8654 §4).
    pub(super) fn bundle_of(
        &mut self,
        attributes: Arc<PathAttributes>,
        route: &Told,
        codec: &Codec,
        hasher: &RandomState,
    ) -> Option<BundleId> {
        let deaf = deaf(&mut self.deaf_now, route, self.loops);
        // Routes with the same attributes come one behind the other.
        if let (Some(last), Some(place)) = (self.bundles.last(), self.bundles.len().checked_sub(1))
            && Arc::ptr_eq(&last.attributes, &attributes)
            && last.deaf == deaf
        {
            return Some(BundleId { place, fingerprint: last.fingerprint });
        }
        let fingerprint = fingerprint(&attributes, hasher);
        let place = match self.places.entry((fingerprint, Arc::clone(&deaf))) {
            Entry::Occupied(known) => *known.get(),
            Entry::Vacant(_) if !fits(&attributes, codec) => return None,
            Entry::Vacant(free) => {
                let alone = BTreeMap::new();
                self.bundles.push(Bundle { attributes, fingerprint, deaf, routes: Vec::new(), alone });
                *free.insert(self.bundles.len().saturating_sub(1))
            }
        };
        Some(BundleId { place, fingerprint })
    }

    pub(super) fn announce(&mut self, bundle: BundleId, route: Nlri) {
        if let Some(bundle) = self.bundles.get_mut(bundle.place) {
            let first = if bundle.routes.is_empty() { MESSAGE_OCTETS } else { 0 };
            bundle.routes.push(route);
            self.octets = self.octets.saturating_add(octets(route)).saturating_add(first);
        }
    }

    /// Those who hear no longer get a withdrawal; those who hear for the first time words that others know (`same`)
    /// get the announcement.
    pub(super) fn change_audience(&mut self, before: &Told, bundle: BundleId, route: Nlri, same: bool) {
        let were = deaf(&mut self.deaf_before, before, self.loops);
        let Some(bundle) = self.bundles.get_mut(bundle.place) else { return };
        if were == bundle.deaf {
            return;
        }
        for peer in bundle.deaf.iter().filter(|peer| were.binary_search(peer).is_err()) {
            self.withdrawn.entry(Audience::Only(*peer)).or_default().push(route);
            self.octets = self.octets.saturating_add(octets(route));
        }
        for peer in were.iter().filter(|peer| same && bundle.deaf.binary_search(peer).is_err()) {
            bundle.alone.entry(*peer).or_default().push(route);
            self.octets = self.octets.saturating_add(octets(route));
        }
    }

    /// Everybody who heard of the route shall not know it any longer.
    pub(super) fn withdraw(&mut self, told: &Told, route: Nlri) {
        let were = deaf(&mut self.deaf_before, told, self.loops);
        self.octets = self.octets.saturating_add(octets(route));
        match &mut self.leaving {
            Some((deaf, routes)) if *deaf == were => routes.push(route),
            _ => {
                self.gather_leaving();
                self.leaving = Some((were, vec![route]));
            }
        }
    }

    fn gather_leaving(&mut self) {
        if let Some((deaf, mut routes)) = self.leaving.take() {
            self.withdrawn.entry(Audience::AllBut(deaf)).or_default().append(&mut routes);
        }
    }

    /// The octets for each audience, withdrawals first.
    pub(super) fn encode(mut self, family: Family, codec: &Codec) -> Vec<Portion> {
        self.gather_leaving();
        let mut announced: BTreeMap<Audience, Vec<u8>> = BTreeMap::new();
        for bundle in self.bundles {
            let mut parts = vec![(Audience::AllBut(bundle.deaf), bundle.routes)];
            parts.extend(bundle.alone.into_iter().map(|(peer, routes)| (Audience::Only(peer), routes)));
            for (audience, routes) in parts.into_iter().filter(|(_, routes)| !routes.is_empty()) {
                let out = announced.entry(audience).or_default();
                // That they fit was asked before; prefixes of another family are nobody's.
                let _ = encode_reach(family, &bundle.attributes, &mut routes.into_iter(), codec, out);
            }
        }
        let mut portions = Vec::new();
        for (audience, routes) in self.withdrawn {
            let mut out = Vec::new();
            // Prefixes of the right family always fit; a wrong one is nothing that anybody was ever told.
            let _ = encode_unreach(family, &mut routes.into_iter(), codec, &mut out);
            portions.extend(portion(audience, out));
        }
        portions.extend(announced.into_iter().filter_map(|(audience, out)| portion(audience, out)));
        portions
    }
}

/// Who does not hear of a route.
fn deaf(remembered: &mut Remembered, route: &Told, loops: &Loops) -> Arc<[PeerId]> {
    let path = route.path.as_ref().map(Arc::as_ptr);
    if let Some((known, from, own, deaf)) = remembered
        && (known.as_ref().map(Arc::as_ptr), *from, *own) == (path, route.from, route.own)
    {
        return Arc::clone(deaf);
    }
    let deaf = route.deaf(loops);
    *remembered = Some((route.path.clone(), route.from, route.own, Arc::clone(&deaf)));
    deaf
}

/// Whether a message has room for a route with these attributes; tried out only where it is in doubt.
fn fits(attributes: &PathAttributes, codec: &Codec) -> bool {
    let lists = [
        attributes.as_path.segments().map(|segment| segment.asns.len()).sum::<usize>().saturating_mul(4),
        attributes.communities.len().saturating_mul(4),
        attributes.extended_communities.len().saturating_mul(8),
        attributes.large_communities.len().saturating_mul(12),
        attributes.cluster_list.len().saturating_mul(4),
        attributes.unknown.iter().map(|unknown| unknown.value.len()).sum(),
    ];
    if lists.into_iter().fold(0, usize::saturating_add) < DOUBTFUL {
        return true;
    }
    let route = match attributes.next_hop.address {
        IpAddr::V4(_) => Prefix::DEFAULT_V4,
        IpAddr::V6(_) => Prefix::DEFAULT_V6,
    };
    let longest = Nlri { prefix: Prefix::host(route.address()), path_id: 0 };
    encode_reach(route.family(), attributes, &mut std::iter::once(longest), codec, &mut Vec::new()).is_ok()
}

fn portion(audience: Audience, octets: Vec<u8>) -> Option<Portion> {
    let messages = count_messages(&octets);
    (messages > 0).then(|| Portion { audience, octets: Arc::new(octets), messages })
}

/// What a route takes in a message (RFC 4271 §4.3, RFC 7911 §3).
fn octets(route: Nlri) -> usize {
    let identifier = if route.path_id == 0 { 0 } else { 4 };
    usize::from(route.prefix.length().div_ceil(8)).saturating_add(1).saturating_add(identifier)
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
