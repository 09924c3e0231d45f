//! What collectors are told as it happens: sessions that come and go, routes, numbers.
//!
//! Never walks a table.

use std::net::{IpAddr, Ipv4Addr};

use bgp_wire::attribute::PathAttributes;
use bgp_wire::bmp::{DownReason, Information, Message, PeerHeader, PeerUp, Statistic, View, monitor};
use bgp_wire::message::{Message as BgpMessage, Nlri, Open, Update};
use bgp_wire::{MAX_EXTENDED_MESSAGE, Negotiated as Codec, encode_end_of_rib, encode_reach, encode_unreach, frame};
use config::model::bgp::MonitoredView;
use nouns::{Family, Prefix};
use rib::bgp_table::{PathKey, PeerId};

use super::Stage;
use crate::engine::Engine;
use crate::event::Moment;
use crate::views::number;

/// What the router's own table is called (RFC 9069 §5.2.1).
const TABLE: &str = "global";

impl Engine {
    /// The first words to a collector: who we are, and which sessions are up.
    pub(super) fn introduce(&mut self, at: Moment, name: &str) {
        let mut octets = Vec::new();
        let words = [
            (Information::DESCRIPTION, format!("Towpath {}", self.facts.version)),
            (Information::NAME, self.host_name().to_owned()),
        ];
        let words = words.into_iter().map(|(kind, text)| Information::new(kind, text)).collect();
        Message::Initiation(words).encode(&mut octets);
        for id in &self.collectors.up {
            if let Some(up) = self.peer_up(at, *id) {
                up.encode(&mut octets);
            }
        }
        let collector = self.collectors.all.get(name);
        let own = collector.is_some_and(|one| one.wish.monitor.iter().any(|(_, view)| *view == MonitoredView::LocRib));
        if own && let Some(up) = self.own_table_up(at) {
            up.encode(&mut octets);
        }
        if let Some(collector) = self.collectors.all.get_mut(name) {
            collector.pending = octets;
        }
    }

    /// A session is up.
    pub(crate) fn monitor_up(&mut self, at: Moment, id: PeerId) {
        if self.peers.get(id).is_none_or(|peer| peer.session.opens().is_none()) {
            return;
        }
        self.collectors.up.insert(id);
        if let Some(up) = self.peer_up(at, id).filter(|_| !self.collectors.all.is_empty()) {
            self.collectors.tell_all(&up);
        }
    }

    /// A session is down: with it all that was told of its peer.
    pub(crate) fn monitor_down(&mut self, at: Moment, id: PeerId) {
        if !self.collectors.up.remove(&id) || self.collectors.all.is_empty() {
            return;
        }
        let Some(peer) = self.monitored(at, id, View::PrePolicy) else { return };
        let farewell = self.peers.get(id).and_then(|peer| peer.session.last_farewell());
        let reason = farewell.map_or(DownReason::Remote, |farewell| {
            let mut octets = Vec::new();
            // What was on the wire fits into a message.
            let _ = BgpMessage::Notification(farewell.notification.clone()).encode(&Codec::default(), &mut octets);
            if farewell.sent { DownReason::LocalNotification(octets) } else { DownReason::RemoteNotification(octets) }
        });
        self.collectors.tell_all(&Message::PeerDown { peer, reason });
    }

    /// A peer said something of routes, which is judged and in the tables by now.
    pub(crate) fn monitor_update(&mut self, at: Moment, id: PeerId, update: &Update) {
        for family in Family::ALL {
            if self.collectors.want(family, MonitoredView::PrePolicy) {
                let octets = said(update, family, &self.monitored_codec(id));
                self.tell_messages(at, id, family, MonitoredView::PrePolicy, &octets, false);
            }
            if self.collectors.want(family, MonitoredView::PostPolicy) {
                let octets = self.judged(id, update, family);
                self.tell_messages(at, id, family, MonitoredView::PostPolicy, &octets, false);
            }
        }
    }

    /// A path was judged again, and became another.
    pub(super) fn monitor_judged(&mut self, at: Moment, key: PathKey, family: Family, prefix: Prefix) {
        let mut octets = Vec::new();
        self.write_judged(key, family, prefix, &self.monitored_codec(key.peer), &mut octets);
        self.tell_messages(at, key.peer, family, MonitoredView::PostPolicy, &octets, false);
    }

    /// UPDATEs went to a peer.
    pub(crate) fn monitor_sent(&mut self, at: Moment, id: PeerId, family: Family, octets: &[u8]) {
        if self.collectors.want(family, MonitoredView::AdjRibOut) {
            let codec = self.peers.get(id).and_then(|peer| peer.session.negotiated()).map(|up| &up.codec);
            let short = codec.is_some_and(|codec| !codec.four_octet_as);
            self.tell_messages(at, id, family, MonitoredView::AdjRibOut, octets, short);
        }
    }

    /// The router chose anew.
    pub(crate) fn monitor_chosen(&mut self, at: Moment, family: Family, prefixes: &[Prefix]) {
        let Some(peer) = self.own_table(at) else { return };
        let mut octets = Vec::new();
        for prefix in prefixes {
            let best = self.best_path(family, *prefix).map(|best| best.attributes().clone());
            write(family, best.as_deref(), *prefix, 0, &Codec::monitored(&[]), &mut octets);
        }
        let wrapped = wrap(&peer, &octets);
        self.collectors.tell(family, MonitoredView::LocRib, &wrapped);
    }

    /// Reports numbers to those for whom they are due.
    pub(super) fn report_numbers(&mut self, at: Moment) {
        let due = |report: Option<std::time::Instant>| report.is_some_and(|due| due <= at.instant);
        if !self.collectors.all.values().any(|collector| due(collector.report)) {
            return;
        }
        let mut octets = Vec::new();
        for id in self.collectors.up.clone() {
            if let Some(peer) = self.monitored(at, id, View::PrePolicy) {
                Message::Statistics { peer, values: self.numbers_of(id) }.encode(&mut octets);
            }
        }
        let mut own = Vec::new();
        if let Some(peer) = self.own_table(at) {
            let sizes = Family::ALL.map(|family| (family, number(self.tables.of(family).len())));
            let mut values = vec![Statistic::gauge(Statistic::LOC_RIB, sizes.iter().map(|(_, size)| size).sum())];
            values.extend(sizes.map(|(family, size)| Statistic::of_family(Statistic::LOC_RIB_OF, family, size)));
            Message::Statistics { peer, values }.encode(&mut own);
        }
        for collector in self.collectors.all.values_mut().filter(|collector| due(collector.report)) {
            collector.report = collector.report_after(at.instant);
            if matches!(collector.stage, Stage::Open(_)) {
                collector.pending.extend_from_slice(&octets);
                if collector.wish.monitor.iter().any(|(_, view)| *view == MonitoredView::LocRib) {
                    collector.pending.extend_from_slice(&own);
                }
            }
        }
    }

    fn numbers_of(&self, id: PeerId) -> Vec<Statistic> {
        let Some(peer) = self.peers.get(id) else { return Vec::new() };
        let counters = peer.session.counters();
        let received = |family| number(self.tables.of(family).received_count(id));
        let told = |family| number(self.groups.count_known_by(id, family));
        let sum = |of: &dyn Fn(Family) -> u64| Family::ALL.into_iter().map(of).fold(0, u64::saturating_add);
        let mut values = vec![
            Statistic::counter(Statistic::CLUSTER_LOOP, counters.reflection_loops),
            Statistic::counter(Statistic::AS_LOOP, counters.as_loops),
            Statistic::counter(Statistic::TREATED_AS_WITHDRAWN, counters.treated_as_withdraw),
            Statistic::gauge(Statistic::ADJ_RIB_IN, sum(&received)),
            Statistic::gauge(Statistic::ADJ_RIB_OUT, sum(&told)),
        ];
        for family in Family::ALL {
            values.push(Statistic::of_family(Statistic::ADJ_RIB_IN_OF, family, received(family)));
            values.push(Statistic::of_family(Statistic::ADJ_RIB_OUT_OF, family, told(family)));
        }
        values
    }

    /// What stands in front of what is told of a peer.
    pub(super) fn monitored(&self, at: Moment, id: PeerId, view: View) -> Option<PeerHeader> {
        let (asn, _) = self.peers.get(id)?.known?;
        let info = self.tables.of(Family::Ipv4Unicast).peer(id)?;
        Some(PeerHeader {
            view,
            two_octet_as: false,
            address: info.address,
            asn,
            router_id: info.router_id,
            seconds: u32::try_from(at.unix).unwrap_or(u32::MAX),
            microseconds: 0,
        })
    }

    /// The same for the router's own table.
    pub(super) fn own_table(&self, at: Moment) -> Option<PeerHeader> {
        Some(PeerHeader {
            view: View::LocRib { filtered: false },
            two_octet_as: false,
            address: Ipv4Addr::UNSPECIFIED.into(),
            asn: self.running.model.bgp.as_deref()?.asn,
            router_id: self.router_id(),
            seconds: u32::try_from(at.unix).unwrap_or(u32::MAX),
            microseconds: 0,
        })
    }

    fn peer_up(&self, at: Moment, id: PeerId) -> Option<Message> {
        let peer = self.peers.get(id)?;
        let (sent, received) = peer.session.opens()?;
        let local = peer.local?;
        Some(Message::PeerUp(Box::new(PeerUp {
            peer: self.monitored(at, id, View::PrePolicy)?,
            local: local.ip(),
            local_port: local.port(),
            remote_port: peer.remote.map_or(0, |remote| remote.port()),
            sent_open: sent.to_vec(),
            received_open: received.to_vec(),
            information: Vec::new(),
        })))
    }

    /// The router's own table has a session with nobody, whose OPENs are made up (RFC 9069 §5.2).
    fn own_table_up(&self, at: Moment) -> Option<Message> {
        let peer = self.own_table(at)?;
        let mut capabilities: Vec<_> = Family::ALL.map(bgp_wire::capability::Capability::multiprotocol).to_vec();
        capabilities.push(bgp_wire::capability::Capability::FourOctetAs(peer.asn));
        let open = Open { asn: peer.asn, hold_time: 0, router_id: peer.router_id, capabilities };
        let mut octets = Vec::new();
        BgpMessage::Open(open).encode(&Codec::default(), &mut octets).ok()?;
        Some(Message::PeerUp(Box::new(PeerUp {
            peer,
            local: IpAddr::V4(Ipv4Addr::UNSPECIFIED),
            local_port: 0,
            remote_port: 0,
            sent_open: octets.clone(),
            received_open: octets,
            information: vec![Information::new(Information::TABLE, TABLE)],
        })))
    }

    /// How what a peer said is written again: as its session has it, with AS numbers of four octets.
    pub(crate) fn monitored_codec(&self, id: PeerId) -> Codec {
        let negotiated = self.peers.get(id).and_then(|peer| peer.session.negotiated());
        Codec::monitored(negotiated.map_or(&[], |up| &up.codec.add_path_receive))
    }

    fn tell_messages(
        &mut self,
        at: Moment,
        id: PeerId,
        family: Family,
        view: MonitoredView,
        octets: &[u8],
        two_octet_as: bool,
    ) {
        if octets.is_empty() {
            return;
        }
        let shown = match view {
            MonitoredView::PrePolicy => View::PrePolicy,
            MonitoredView::PostPolicy => View::PostPolicy,
            MonitoredView::AdjRibOut => View::AdjRibOut,
            MonitoredView::LocRib => View::LocRib { filtered: false },
        };
        let Some(peer) = self.monitored(at, id, shown) else { return };
        let wrapped = wrap(&PeerHeader { two_octet_as, ..peer }, octets);
        self.collectors.tell(family, view, &wrapped);
    }

    /// What became of an UPDATE behind the import policy.
    fn judged(&self, id: PeerId, update: &Update, family: Family) -> Vec<u8> {
        let codec = self.monitored_codec(id);
        let mut octets = Vec::new();
        let unreach = update.unreach.iter().filter(|unreach| unreach.family == family);
        let gone = unreach.flat_map(|unreach| &unreach.nlri);
        let came = update.reach.iter().filter(|reach| reach.family == family).flat_map(|reach| &reach.nlri);
        for nlri in gone.chain(came) {
            let key = PathKey { peer: id, path_id: nlri.path_id };
            self.write_judged(key, family, nlri.prefix, &codec, &mut octets);
        }
        if update.end_of_rib == Some(family) {
            encode_end_of_rib(family, &codec, &mut octets);
        }
        octets
    }

    fn write_judged(&self, key: PathKey, family: Family, prefix: Prefix, codec: &Codec, octets: &mut Vec<u8>) {
        let paths = self.tables.of(family).paths(prefix).iter();
        let path = paths.filter(|path| path.rejected().is_none()).find(|path| path.key() == key);
        write(family, path.map(|path| &**path.attributes()), prefix, key.path_id, codec, octets);
    }
}

/// How routes are written for collectors and dump files.
pub(crate) trait Monitored {
    /// With all that a session may have, and path identifiers where the peer sends them.
    fn monitored(add_path: &[Family]) -> Self;
}

impl Monitored for Codec {
    fn monitored(add_path: &[Family]) -> Self {
        Self {
            four_octet_as: true,
            // Attributes may have grown: numbers of two octets became four.
            extended_message: false,
            internal: true,
            confederation: false,
            as_sets: true,
            martian_next_hops: true,
            families: Family::ALL.to_vec(),
            add_path_receive: Vec::new(),
            add_path_send: add_path.to_vec(),
            extended_next_hop: true,
        }
    }
}

/// What a peer said of a family, written again.
pub(crate) fn said(update: &Update, family: Family, codec: &Codec) -> Vec<u8> {
    let mut octets = Vec::new();
    for unreach in update.unreach.iter().filter(|unreach| unreach.family == family) {
        let _ = encode_unreach(family, &mut unreach.nlri.iter().copied(), codec, &mut octets);
    }
    for reach in update.reach.iter().filter(|reach| reach.family == family) {
        announce(family, &reach.attributes, &reach.nlri, codec, &mut octets);
    }
    if update.end_of_rib == Some(family) {
        encode_end_of_rib(family, codec, &mut octets);
    }
    octets
}

/// Routes with one set of attributes; in a longer message where they do not fit into a usual one.
pub(crate) fn announce(
    family: Family,
    attributes: &PathAttributes,
    nlri: &[Nlri],
    codec: &Codec,
    octets: &mut Vec<u8>,
) {
    if encode_reach(family, attributes, &mut nlri.iter().copied(), codec, octets).is_err() {
        let codec = Codec { extended_message: true, ..codec.clone() };
        let _ = encode_reach(family, attributes, &mut nlri.iter().copied(), &codec, octets);
    }
}

/// One route, or that there is none.
pub(super) fn write(
    family: Family,
    attributes: Option<&PathAttributes>,
    prefix: Prefix,
    path_id: u32,
    codec: &Codec,
    octets: &mut Vec<u8>,
) {
    let nlri = Nlri { prefix, path_id };
    match attributes {
        Some(attributes) => announce(family, attributes, &[nlri], codec, octets),
        None => _ = encode_unreach(family, &mut std::iter::once(nlri), codec, octets),
    }
}

/// Each message by itself.
pub(crate) fn messages(mut octets: &[u8]) -> impl Iterator<Item = &[u8]> {
    std::iter::from_fn(move || {
        let length = frame(octets, MAX_EXTENDED_MESSAGE).ok().flatten()?;
        let (message, rest) = octets.split_at_checked(length)?;
        octets = rest;
        Some(message)
    })
}

/// Each message behind a header of its own.
pub(super) fn wrap(peer: &PeerHeader, octets: &[u8]) -> Vec<u8> {
    let mut wrapped = Vec::with_capacity(octets.len().saturating_mul(2));
    messages(octets).for_each(|message| monitor(peer, message, &mut wrapped));
    wrapped
}
