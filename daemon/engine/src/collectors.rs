//! Collectors that are told by BMP what goes on (RFC 7854, RFC 8671, RFC 9069): who they are, and when they are dialled.
//!
//! They hang on connections like peers and never hold anybody up: one that does not read is left, and dialled again
//! after a rest that grows. Without a collector nothing here is looked at for a route. Never looks into a table itself.

mod dump;
mod tell;

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bgp::session::ConnId;
use bgp_wire::bmp::{Information, Message, Termination};
use config::model::bgp::{BmpTarget, MonitoredView};
use nouns::{Family, Prefix};
use rib::bgp_table::{PathKey, PeerId};

use crate::effect::{Effect, Notice, SocketOptions, Target};
use crate::engine::Engine;
use crate::event::Moment;

pub(crate) use tell::{messages, said};

/// Octets that a collector may leave unread before it is left.
const BEHIND: usize = 16 << 20;
/// While fewer wait, it is told more of the tables.
const LISTENS: usize = 1 << 20;
/// Seconds until an attempt is given up.
const TIMEOUT: u16 = 10;

/// All collectors, by their names.
#[derive(Debug, Default)]
pub(crate) struct Collectors {
    all: BTreeMap<String, Collector>,
    /// Peers of whose sessions a Peer Up has been or would have been told.
    up: BTreeSet<PeerId>,
    /// Paths that were judged again, and became others.
    judged: Vec<(PathKey, Family, Prefix)>,
    /// What the connected ones want to hear of, all together.
    wanted: BTreeSet<(Family, MonitoredView)>,
}

/// One collector.
#[derive(Debug)]
struct Collector {
    wish: BmpTarget,
    stage: Stage,
    /// How long it rests when it is lost next.
    rest: Duration,
    /// What it is told with the next turn.
    pending: Vec<u8>,
    /// When it hears numbers next.
    report: Option<Instant>,
    /// Why it was lost or not reached the last time.
    failure: Option<String>,
}

/// How it stands with a collector, for people.
#[derive(Debug)]
pub(crate) struct Standing<'a> {
    /// Since when it is connected.
    pub(crate) open_since: Option<Instant>,
    /// It knows all of the tables.
    pub(crate) tables_told: bool,
    /// When it is dialled, while it is not.
    pub(crate) next_dial: Option<Instant>,
    /// Octets that it has not read.
    pub(crate) unread: usize,
    /// Why it was lost or not reached the last time.
    pub(crate) failure: Option<&'a str>,
}

#[derive(Debug)]
enum Stage {
    Resting(Instant),
    Dialing(ConnId),
    Open(Open),
}

/// A connection to a collector.
#[derive(Debug)]
struct Open {
    conn: ConnId,
    since: Instant,
    /// Octets that it has not read, as far as they were told.
    waiting: usize,
    /// Where in which table it is told on; none once it knows all.
    walk: Option<(Family, Option<Prefix>)>,
}

impl Collector {
    fn new(wish: BmpTarget, now: Instant) -> Self {
        let rest = Duration::from_millis(u64::from(wish.min_retry));
        Self { wish, stage: Stage::Resting(now), rest, pending: Vec::new(), report: None, failure: None }
    }

    fn conn(&self) -> Option<ConnId> {
        match &self.stage {
            Stage::Resting(_) => None,
            Stage::Dialing(conn) | Stage::Open(Open { conn, .. }) => Some(*conn),
        }
    }

    fn open(&self) -> Option<&Open> {
        match &self.stage {
            Stage::Open(open) => Some(open),
            Stage::Resting(_) | Stage::Dialing(_) => None,
        }
    }

    /// Whether it could be told more of the tables.
    fn walks(&self) -> bool {
        self.open().is_some_and(|open| open.walk.is_some() && open.waiting <= LISTENS)
    }

    /// It is lost, or could not be reached.
    fn rest(&mut self, now: Instant) {
        self.stage = Stage::Resting(now.checked_add(self.rest).unwrap_or(now));
        let longest = Duration::from_millis(u64::from(self.wish.max_retry));
        self.rest = self.rest.saturating_mul(2).min(longest);
        self.pending = Vec::new();
        self.report = None;
    }

    fn report_after(&self, now: Instant) -> Option<Instant> {
        let seconds = Some(self.wish.statistics).filter(|seconds| *seconds > 0)?;
        now.checked_add(Duration::from_secs(u64::from(seconds)))
    }
}

impl Collectors {
    /// Whether somebody who is connected wants to hear of this.
    pub(crate) fn want(&self, family: Family, view: MonitoredView) -> bool {
        !self.wanted.is_empty() && self.wanted.contains(&(family, view))
    }

    /// When a collector has to be dialled or told something; a moment that has passed means at once.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        let due = self.all.values().flat_map(|collector| {
            let rest = match collector.stage {
                Stage::Resting(until) if collector.wish.address.is_some() => Some(until),
                Stage::Resting(_) | Stage::Dialing(_) | Stage::Open(_) => None,
            };
            rest.into_iter().chain(collector.report)
        });
        due.min()
    }

    /// All of them, in the order of their names.
    pub(crate) fn standing(&self) -> impl Iterator<Item = (&String, &BmpTarget, Standing<'_>)> {
        self.all.iter().map(|(name, collector)| {
            let open = collector.open();
            let standing = Standing {
                open_since: open.map(|open| open.since),
                tables_told: open.is_some_and(|open| open.walk.is_none()),
                next_dial: match collector.stage {
                    Stage::Resting(until) => Some(until),
                    Stage::Dialing(_) | Stage::Open(_) => None,
                },
                unread: open.map_or(0, |open| open.waiting.saturating_add(collector.pending.len())),
                failure: collector.failure.as_deref(),
            };
            (name, &collector.wish, standing)
        })
    }

    /// Whether some collector could be told more.
    pub(crate) fn is_unsettled(&self) -> bool {
        !self.judged.is_empty() || self.all.values().any(|collector| collector.walks() || !collector.pending.is_empty())
    }

    /// A path was judged again, and became another.
    pub(crate) fn note_judged(&mut self, key: PathKey, family: Family, prefix: Prefix) {
        if self.want(family, MonitoredView::PostPolicy) {
            self.judged.push((key, family, prefix));
        }
    }

    fn by_conn(&mut self, conn: ConnId) -> Option<(&String, &mut Collector)> {
        self.all.iter_mut().find(|(_, collector)| collector.conn() == Some(conn))
    }

    /// Those who are connected and want to hear of a table.
    fn hearing(&mut self, family: Family, view: MonitoredView) -> impl Iterator<Item = &mut Collector> {
        self.all
            .values_mut()
            .filter(move |collector| collector.open().is_some() && collector.wish.monitor.contains(&(family, view)))
    }

    /// Tells all who are connected.
    fn tell_all(&mut self, message: &Message) {
        let mut octets = Vec::new();
        message.encode(&mut octets);
        for collector in self.all.values_mut().filter(|collector| collector.open().is_some()) {
            collector.pending.extend_from_slice(&octets);
        }
    }

    /// Tells those who want to hear of a table.
    fn tell(&mut self, family: Family, view: MonitoredView, octets: &[u8]) {
        for collector in self.hearing(family, view) {
            collector.pending.extend_from_slice(octets);
        }
    }

    fn look_who_hears(&mut self) {
        let open = self.all.values().filter(|collector| collector.open().is_some());
        self.wanted = open.flat_map(|collector| collector.wish.monitor.iter().copied()).collect();
    }
}

impl Engine {
    /// Brings the collectors in line with the running model.
    pub(crate) fn configure_collectors(&mut self, at: Moment, out: &mut Vec<Effect>) {
        let wishes = self.running.model.bgp.as_deref().map(|bgp| bgp.bmp.clone()).unwrap_or_default();
        let names: Vec<String> = self.collectors.all.keys().cloned().collect();
        for name in names {
            let known = self.collectors.all.get(&name).map(|collector| &collector.wish);
            if known != wishes.get(&name)
                && let Some(mut gone) = self.collectors.all.remove(&name)
            {
                part(&mut gone, "the configuration has changed", out);
            }
        }
        for (name, wish) in wishes {
            self.collectors.all.entry(name).or_insert_with(|| Collector::new(wish, at.instant));
        }
        self.collectors.look_who_hears();
        self.tick_collectors(at, out);
    }

    /// The daemon ends: collectors hear that this is no accident (RFC 7854 §4.5).
    pub(crate) fn leave_collectors(&mut self, out: &mut Vec<Effect>) {
        for mut collector in std::mem::take(&mut self.collectors.all).into_values() {
            part(&mut collector, "the daemon ends", out);
        }
    }

    /// Dials those who have rested, and reports numbers where they are due.
    pub(crate) fn tick_collectors(&mut self, at: Moment, out: &mut Vec<Effect>) {
        let Self { collectors, peers, .. } = self;
        for collector in collectors.all.values_mut() {
            let Stage::Resting(until) = collector.stage else { continue };
            let Some(address) = collector.wish.address.filter(|_| until <= at.instant) else { continue };
            let conn = peers.number_conn();
            collector.stage = Stage::Dialing(conn);
            let target = Target {
                remote: SocketAddr::new(address, collector.wish.port),
                source: None,
                source_interface: None,
                scope: None,
                options: SocketOptions::default(),
                secret: None,
                timeout: TIMEOUT,
            };
            out.push(Effect::Connect(conn, target));
        }
        self.report_numbers(at);
    }

    /// A connection is open; the answer is whether it is a collector's.
    pub(crate) fn collector_connected(&mut self, at: Moment, conn: ConnId, out: &mut Vec<Effect>) -> bool {
        let Some((name, collector)) = self.collectors.by_conn(conn) else { return false };
        let text = format!("collector {name} is connected");
        let first = Family::ALL.first().map(|family| (*family, None));
        collector.stage = Stage::Open(Open { conn, since: at.instant, waiting: 0, walk: first });
        collector.report = collector.report_after(at.instant);
        let name = name.clone();
        self.collectors.look_who_hears();
        self.notice(at, Notice::info(text), out);
        self.introduce(at, &name);
        true
    }

    /// A connection is gone, or could not be made; the answer is whether it is a collector's.
    pub(crate) fn collector_lost(&mut self, at: Moment, conn: ConnId, why: &str, out: &mut Vec<Effect>) -> bool {
        let Some((name, collector)) = self.collectors.by_conn(conn) else { return false };
        let was_open = collector.open().is_some();
        let first = collector.rest <= Duration::from_millis(u64::from(collector.wish.min_retry));
        collector.rest(at.instant);
        collector.failure = Some(why.to_owned());
        let text = format!("collector {name}: {why}");
        self.collectors.look_who_hears();
        // One that is not there is told of once.
        if was_open || first {
            self.notice(at, Notice::warning(text), out);
        }
        true
    }

    /// How much a collector has yet to read; the answer is whether the connection is a collector's.
    pub(crate) fn collector_queue(&mut self, at: Moment, conn: ConnId, octets: usize, out: &mut Vec<Effect>) -> bool {
        let Some((_, collector)) = self.collectors.by_conn(conn) else { return false };
        if let Stage::Open(open) = &mut collector.stage {
            open.waiting = octets;
        }
        if octets > BEHIND {
            out.push(Effect::Close(conn));
            self.collector_lost(at, conn, "it does not read what it is told; it is left alone for a while", out);
        }
        true
    }

    /// Tells more of the tables to those who listen, and sends what has gathered.
    pub(crate) fn settle_collectors(&mut self, at: Moment, out: &mut Vec<Effect>) {
        if self.collectors.all.is_empty() {
            return;
        }
        for (key, family, prefix) in std::mem::take(&mut self.collectors.judged) {
            self.monitor_judged(at, key, family, prefix);
        }
        self.walk_for_collectors(at);
        for collector in self.collectors.all.values_mut() {
            if let Stage::Open(open) = &collector.stage
                && !collector.pending.is_empty()
            {
                out.push(Effect::Send(open.conn, Arc::new(std::mem::take(&mut collector.pending))));
            }
        }
    }
}

/// The last words to a collector that is no longer wanted so, or whose router ends.
fn part(collector: &mut Collector, why: &str, out: &mut Vec<Effect>) {
    if let Stage::Open(open) = &collector.stage {
        let why = Information::new(Information::TEXT, why);
        Message::Termination(Termination::Administrative, vec![why]).encode(&mut collector.pending);
        out.push(Effect::Send(open.conn, Arc::new(std::mem::take(&mut collector.pending))));
    }
    out.extend(collector.conn().map(Effect::Close));
}
