//! Who hears of what happens: watchers, and the news for each.
//!
//! Never waits for a watcher; what one cannot take is the rim's to count.

use std::collections::BTreeMap;
use std::net::IpAddr;

use api::text::count;
use api::view::system::{LogEntry, LogLevel};
use api::watch::{BgpChange, BgpEvent, CapturedPacket, InterfaceEvent, LinkState, WantedPackets};
use api::{News, Reply, Watch};
use nouns::Family;
use rib::bgp_table::PeerId;
use rib::world::{Link, WorldEvent};

use crate::effect::{Effect, Level, Notice};
use crate::engine::Engine;
use crate::event::{AskId, ClientId, Moment};
use crate::views;

/// Who watches, by the request that made them do so.
#[derive(Debug, Default)]
pub(crate) struct Watchers(BTreeMap<AskId, Watch>);

impl Watchers {
    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What is captured: all that somebody wants.
    fn captured(&self) -> Option<WantedPackets> {
        let wanted = self.0.values().filter_map(|watch| match watch {
            Watch::Balancer(wanted) => Some(wanted.clone()),
            _ => None,
        });
        wanted.reduce(|one, other| one.or(&other))
    }

    fn tell(&self, news: &News, wanted: impl Fn(&Watch) -> bool, out: &mut Vec<Effect>) {
        let listeners = self.0.iter().filter(|(_, watch)| wanted(watch));
        out.extend(listeners.map(|(ask, _)| Effect::Answer(*ask, Reply::News(news.clone()))));
    }
}

impl Engine {
    /// Somebody wants to hear of things.
    pub(crate) fn watch(&mut self, ask: AskId, watch: Watch, out: &mut Vec<Effect>) {
        let about = match &watch {
            Watch::Balancer(wanted) => match views::balancer::capturable(self, wanted) {
                Ok(about) => Some(about),
                Err(error) => return out.push(Effect::Answer(ask, Reply::Error(error))),
            },
            _ => None,
        };
        let before = self.watchers.captured();
        self.watchers.0.insert(ask, watch);
        self.capture(before.as_ref(), out);
        out.push(Effect::Answer(ask, Reply::Done(String::new())));
        out.extend(about.map(|words| Effect::Answer(ask, Reply::News(News::About(words)))));
    }

    /// Packets are captured while somebody watches them.
    fn capture(&self, before: Option<&WantedPackets>, out: &mut Vec<Effect>) {
        let now = self.watchers.captured();
        if now.as_ref() != before {
            out.push(Effect::Capture(now));
        }
    }

    /// Packets of the balancer came or went.
    pub(crate) fn tell_packets(&self, packets: Vec<CapturedPacket>, left_out: u64, out: &mut Vec<Effect>) {
        for packet in packets {
            let news = News::Packet(packet);
            let News::Packet(packet) = &news else { continue };
            self.watchers.tell(&news, |watch| matches!(watch, Watch::Balancer(wanted) if wanted.wants(packet)), out);
        }
        if left_out > 0 {
            let words = format!("{} left out: there are too many", count(left_out, "packet", "packets"));
            self.watchers.tell(&News::About(words), |watch| matches!(watch, Watch::Balancer(_)), out);
        }
    }

    /// A client is gone.
    pub(crate) fn left(&mut self, client: ClientId, out: &mut Vec<Effect>) {
        let before = self.watchers.captured();
        self.watchers.0.retain(|ask, _| ask.client != client);
        self.capture(before.as_ref(), out);
        self.looks.left(client);
    }

    /// How many watch.
    #[cfg(test)]
    pub(crate) fn watching(&self) -> usize {
        self.watchers.0.len()
    }

    pub(crate) fn tell_commits(&self, news: &News, out: &mut Vec<Effect>) {
        self.watchers.tell(news, |watch| *watch == Watch::Commits, out);
    }

    pub(crate) fn tell_log(&self, at: Moment, notice: &Notice, out: &mut Vec<Effect>) {
        if self.watchers.is_empty() {
            return;
        }
        let level = log_level(notice.level);
        let news = News::Log(LogEntry { time: at.unix, level, text: notice.text.clone() });
        self.watchers.tell(&news, |watch| matches!(watch, Watch::Log { least } if level <= *least), out);
    }

    pub(crate) fn tell_bgp(&self, at: Moment, neighbor: IpAddr, change: BgpChange, out: &mut Vec<Effect>) {
        let news = News::Bgp(BgpEvent { time: at.unix, neighbor, change });
        self.watchers.tell(&news, |watch| *watch == Watch::Bgp, out);
    }

    /// A session that was up has ended: why, and what it had brought.
    pub(crate) fn tell_down(&self, at: Moment, id: PeerId, out: &mut Vec<Effect>) {
        let Some(peer) = self.peers.get(id).filter(|_| !self.watchers.is_empty()) else { return };
        let reason = peer.session.last_down().map_or_else(String::new, |(_, why)| why.to_owned());
        let prefixes: usize = Family::ALL.iter().map(|family| self.tables.of(*family).received_count(id)).sum();
        let prefixes = u64::try_from(prefixes).unwrap_or(u64::MAX);
        self.tell_bgp(at, peer.address, BgpChange::Down { reason, prefixes }, out);
    }

    /// A link that changed, judged before the change is taken in.
    pub(crate) fn tell_link(&self, at: Moment, event: &WorldEvent, out: &mut Vec<Effect>) {
        if self.watchers.is_empty() {
            return;
        }
        let changed = match event {
            WorldEvent::Link(link) => {
                let before = self.world.link(link.index).map(state);
                (before != Some(state(link))).then(|| (link.name.clone(), state(link)))
            }
            WorldEvent::LinkGone(index) => self.world.link(*index).map(|link| (link.name.clone(), LinkState::Gone)),
            _ => None,
        };
        if let Some((name, state)) = changed {
            let news = News::Interface(InterfaceEvent { time: at.unix, name, state });
            self.watchers.tell(&news, |watch| *watch == Watch::Interfaces, out);
        }
    }
}

fn state(link: &Link) -> LinkState {
    match (link.admin_up, link.usable()) {
        (_, true) => LinkState::Up,
        (true, false) => LinkState::Down,
        (false, false) => LinkState::AdminDown,
    }
}

/// How loud a notice is to those who read the log.
pub(crate) fn log_level(level: Level) -> LogLevel {
    match level {
        Level::Error => LogLevel::Error,
        Level::Warning => LogLevel::Warning,
        Level::Info | Level::Debug => LogLevel::Info,
    }
}
