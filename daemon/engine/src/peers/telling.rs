//! What groups are told next, taken out of them so that it is encoded by whoever has time for it.
//!
//! Encoding changes nothing of the engine: it goes on beside the judging of paths, and what it made is sent when that is
//! over. Never chooses what anybody hears, and never encodes by itself.

use std::collections::BTreeMap;
use std::sync::Arc;

use bgp::export::ExportTarget;
use bgp_wire::Negotiated as Codec;
use nouns::Family;
use rib::adj_out::{AdjOut, Loops, Portion};
use rib::attribute_sets::Due;
use rib::bgp_table::PeerId;
use rib::path_ids::PathIds;

use super::advertise::Exporter;
use super::groups::GroupId;
use crate::effect::Effect;
use crate::engine::Engine;
use crate::event::Moment;
use crate::together::together;

/// How many octets of UPDATEs are made for one group at a time, so that none waits for another.
const BURST: usize = 256 << 10;
/// Where fewer routes have let go of sets, a sweep is not worth a thread yet; a test needs no large table.
const RELEASED_A_THREAD: usize = if cfg!(test) { 64 } else { 16_384 };

/// What some groups wait to be told.
#[derive(Default)]
pub(super) struct Telling {
    groups: Vec<Told>,
    ids: BTreeMap<Family, PathIds>,
}

/// What one group waits to be told, and has been told of it.
struct Told {
    group: GroupId,
    family: Family,
    target: ExportTarget,
    codec: Codec,
    loops: Loops,
    out: AdjOut,
    portions: Vec<Portion>,
}

/// What was encoded for a group.
pub(super) struct Encoded {
    group: GroupId,
    family: Family,
    portions: Vec<Portion>,
}

impl Telling {
    /// Nobody waits to be told anything.
    pub(super) fn is_empty(&self) -> bool {
        self.groups.is_empty()
    }

    /// As `encode`, while another processor, where there is one, makes the sweep that is due.
    pub(super) fn encode_beside(&mut self, engine: &Engine, due: &[Due]) {
        let threads = if engine.facts.processors > 1 && !due.is_empty() { 2 } else { 1 };
        let sets = &engine.attribute_sets;
        together(threads, due.iter(), |due| due.for_each(|due| sets.sweep_beside(due)), || self.encode(engine));
    }

    /// Encodes what the groups are told next.
    pub(super) fn encode(&mut self, engine: &Engine) {
        for told in &mut self.groups {
            let Told { family, target, codec, loops, out, portions, .. } = told;
            let ids = self.ids.entry(*family).or_default();
            let mut exporter = Exporter::new(engine, *family, target);
            portions.extend(out.drain(*family, (codec, loops), BURST, |spot| exporter.say(spot, ids)));
        }
    }
}

impl Engine {
    /// Takes out of groups what they wait to be told, where somebody listens; until it is back, nothing may be offered to
    /// them.
    pub(super) fn begin_to_tell(&mut self, groups: &[GroupId]) -> Telling {
        let mut telling = Telling { groups: Vec::new(), ids: std::mem::take(&mut self.path_ids) };
        for id in groups {
            let waits = self.groups.get(*id).is_some_and(|group| !group.out.is_drained() && self.listens(group));
            let Some(group) = self.groups.get_mut(*id).filter(|_| waits) else { continue };
            let (target, codec, loops) = (group.target.clone(), group.codec.clone(), group.loops());
            let mut out = std::mem::replace(&mut group.out, AdjOut::new(&self.prefixes));
            out.tell_at_most(target.at_most);
            let (group, family) = (*id, group.family);
            telling.groups.push(Told { group, family, target, codec, loops, out, portions: Vec::new() });
        }
        telling
    }

    /// The sweep that is to be made beside what is told next: none before it is worth a thread.
    pub(super) fn sweep_beside_telling(&mut self) -> Vec<Due> {
        let worth = self.attribute_sets.released_by() >= RELEASED_A_THREAD;
        if worth { self.attribute_sets.take_due() } else { Vec::new() }
    }

    /// Puts back what groups know by now; answers what was encoded for them.
    pub(super) fn end_telling(&mut self, telling: Telling) -> Vec<Encoded> {
        if self.groups.hear_of_several() {
            self.path_ids = telling.ids;
        }
        let mut encoded = Vec::new();
        for Told { group: id, family, out, portions, .. } in telling.groups {
            if let Some(group) = self.groups.get_mut(id) {
                group.out = out;
                encoded.push(Encoded { group: id, family, portions });
            }
        }
        encoded
    }

    /// Sends what was encoded to those whom it is for.
    pub(super) fn send_encoded(&mut self, at: Moment, encoded: Vec<Encoded>, out: &mut Vec<Effect>) {
        for Encoded { group, family, portions } in encoded {
            let Some(group) = self.groups.get_mut(group).filter(|_| !portions.is_empty()) else { continue };
            group.rest_after(at.instant);
            let members: Vec<PeerId> = group.members.keys().copied().collect();
            for portion in portions {
                for member in members.iter().filter(|member| portion.audience.includes(**member)) {
                    let mut outputs = Vec::new();
                    if let Some(peer) = self.peers.get_mut(*member) {
                        let octets = Arc::clone(&portion.octets);
                        peer.session.send_updates(at.instant, octets, portion.messages, &mut outputs);
                    }
                    self.perform(at, *member, outputs, out);
                    self.monitor_sent(at, *member, family, &portion.octets);
                }
            }
        }
    }
}
