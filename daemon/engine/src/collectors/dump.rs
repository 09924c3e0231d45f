//! What a collector that has just come is told of the tables, a piece at a time.
//!
//! What changes meanwhile is told at once; the walk then says how it is. Never goes on while the collector does not read.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use bgp_wire::Negotiated as Codec;
use bgp_wire::attribute::PathAttributes;
use bgp_wire::bmp::View;
use bgp_wire::encode_end_of_rib;
use bgp_wire::message::Nlri;
use config::model::bgp::MonitoredView;
use nouns::{Family, Prefix};
use rib::bgp_table::{Path, PeerId};

use super::Stage;
use super::tell::{Monitored, announce, wrap};
use crate::engine::Engine;
use crate::event::Moment;

/// How many routes are told before others get their turn; a test needs no large table.
const PIECE: usize = if cfg!(test) { 100 } else { 2_000 };

/// The routes of each table of each peer.
type Tables = BTreeMap<(PeerId, MonitoredView), Alike>;

/// Routes gathered by their attributes, in the order in which these were met first.
#[derive(Default)]
struct Alike {
    routes: Vec<(Arc<PathAttributes>, Vec<Nlri>)>,
    places: HashMap<Arc<PathAttributes>, usize>,
}

impl Alike {
    fn add(&mut self, attributes: &Arc<PathAttributes>, route: Nlri) {
        let place = *self.places.entry(Arc::clone(attributes)).or_insert(self.routes.len());
        match self.routes.get_mut(place) {
            Some((_, routes)) => routes.push(route),
            None => self.routes.push((Arc::clone(attributes), vec![route])),
        }
    }
}

impl Engine {
    pub(super) fn walk_for_collectors(&mut self, at: Moment) {
        let names: Vec<String> =
            self.collectors.all.iter().filter(|(_, one)| one.walks()).map(|(name, _)| name.clone()).collect();
        for name in names {
            let Some(collector) = self.collectors.all.get(&name) else { continue };
            let Some((family, next)) = collector.open().and_then(|open| open.walk) else { continue };
            let views: Vec<MonitoredView> =
                collector.wish.monitor.iter().filter(|(of, _)| *of == family).map(|(_, view)| *view).collect();
            let (octets, after) = self.piece_for_collector(at, family, &views, next);
            let Some(collector) = self.collectors.all.get_mut(&name) else { continue };
            collector.pending.extend_from_slice(&octets);
            let following = Family::ALL.into_iter().skip_while(|known| *known != family).nth(1);
            let walk = after.map(|after| (family, Some(after))).or(following.map(|family| (family, None)));
            if walk.is_none() {
                // It took all: the next rest is a short one.
                collector.rest = std::time::Duration::from_millis(u64::from(collector.wish.min_retry));
            }
            if let Stage::Open(open) = &mut collector.stage {
                open.walk = walk;
            }
        }
    }

    /// One piece of a table for a collector, and where the next one begins.
    fn piece_for_collector(
        &self,
        at: Moment,
        family: Family,
        views: &[MonitoredView],
        next: Option<Prefix>,
    ) -> (Vec<u8>, Option<Prefix>) {
        let mut tables = Tables::default();
        let mut after = None;
        if !views.is_empty() {
            // What each peer was told has to be worked out for each of them.
            let told = if views.contains(&MonitoredView::AdjRibOut) { self.collectors.up.len() } else { 0 };
            let mut left = PIECE;
            for (prefix, paths) in self.tables.of(family).iter_from(next) {
                if left == 0 {
                    after = Some(prefix);
                    break;
                }
                left = left.saturating_sub(paths.len().saturating_add(told).max(1));
                self.sort_out(family, prefix, paths, views, &mut tables);
            }
        }
        let mut octets = Vec::new();
        for ((id, view), alike) in tables {
            let (mut messages, codec) = (Vec::new(), self.codec_for(id, view));
            for (attributes, nlri) in alike.routes {
                announce(family, &attributes, &nlri, &codec, &mut messages);
            }
            self.wrap_for(at, id, view, &messages, &mut octets);
        }
        if after.is_none() {
            self.ends_of_tables(at, family, views, &mut octets);
        }
        (octets, after)
    }

    fn sort_out(&self, family: Family, prefix: Prefix, paths: &[Path], views: &[MonitoredView], tables: &mut Tables) {
        let mut add = |id: PeerId, view, attributes: &Arc<PathAttributes>, path_id| {
            tables.entry((id, view)).or_default().add(attributes, Nlri { prefix, path_id });
        };
        for view in views {
            match view {
                MonitoredView::PrePolicy | MonitoredView::PostPolicy => {
                    // What is left of a former session of a peer was taken back with that.
                    let live = |path: &&Path| self.collectors.up.contains(&path.peer()) && !path.stale();
                    for path in paths.iter().filter(live) {
                        let key = path.key();
                        match view {
                            MonitoredView::PrePolicy => add(key.peer, *view, path.received(), key.path_id),
                            _ if path.rejected().is_none() => add(key.peer, *view, path.attributes(), key.path_id),
                            _ => {}
                        }
                    }
                }
                MonitoredView::AdjRibOut => {
                    for id in &self.collectors.up {
                        for (path_id, attributes) in self.advertised(*id, family, prefix) {
                            add(*id, *view, &attributes, path_id);
                        }
                    }
                }
                MonitoredView::LocRib => {
                    if let Some(best) = self.best_path(family, prefix) {
                        add(PeerId::LOCAL, *view, best.attributes(), 0);
                    }
                }
            }
        }
    }

    fn codec_for(&self, id: PeerId, view: MonitoredView) -> Codec {
        match view {
            MonitoredView::PrePolicy | MonitoredView::PostPolicy => self.monitored_codec(id),
            MonitoredView::AdjRibOut => {
                let negotiated = self.peers.get(id).and_then(|peer| peer.session.negotiated());
                Codec::monitored(negotiated.map_or(&[], |up| &up.codec.add_path_send))
            }
            MonitoredView::LocRib => Codec::monitored(&[]),
        }
    }

    fn wrap_for(&self, at: Moment, id: PeerId, view: MonitoredView, messages: &[u8], octets: &mut Vec<u8>) {
        let peer = match view {
            MonitoredView::PrePolicy => self.monitored(at, id, View::PrePolicy),
            MonitoredView::PostPolicy => self.monitored(at, id, View::PostPolicy),
            MonitoredView::AdjRibOut => self.monitored(at, id, View::AdjRibOut),
            MonitoredView::LocRib => self.own_table(at),
        };
        octets.extend(peer.map(|peer| wrap(&peer, messages)).unwrap_or_default());
    }

    /// End-of-RIB of each table that was told.
    fn ends_of_tables(&self, at: Moment, family: Family, views: &[MonitoredView], octets: &mut Vec<u8>) {
        for view in views {
            let own = [PeerId::LOCAL];
            let peers: Vec<PeerId> = match view {
                MonitoredView::LocRib => own.to_vec(),
                _ => self.collectors.up.iter().copied().collect(),
            };
            for id in peers {
                let mut end = Vec::new();
                encode_end_of_rib(family, &Codec::monitored(&[]), &mut end);
                self.wrap_for(at, id, *view, &end, octets);
            }
        }
    }
}
