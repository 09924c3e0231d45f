//! What happens, told as it happens: what may be watched, and the news.
//!
//! Never decides who hears of what.

mod packet;

use std::net::IpAddr;

use nouns::{Asn, IfName, Revision};
use serde::{Deserialize, Serialize};

use crate::reply::PendingConfirm;
use crate::text::{Text, count, date_time};
use crate::view::system::{LogEntry, LogLevel};
pub use packet::{CapturedPacket, WantedPackets};

/// What may be watched.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Watch {
    /// Commits, confirmations and rollbacks.
    Commits,
    /// The operator's log.
    Log {
        /// From this loudness on.
        least: LogLevel,
    },
    /// BGP sessions that come and go.
    Bgp,
    /// Links that come and go.
    Interfaces,
    /// Packets of the balancer, as they come and as they go.
    Balancer(WantedPackets),
}

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum News {
    /// A configuration became active.
    Commit(CommitNews),
    /// A commit was confirmed and stays.
    Confirmed {
        /// Seconds since the Unix epoch.
        time: u64,
        /// The commit.
        revision: Revision,
        /// Who confirmed.
        user: String,
        /// Through what.
        via: String,
        /// On which terminal.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        tty: Option<String>,
    },
    /// A commit was not confirmed in time, and what it had changed was taken back.
    RolledBack {
        /// Seconds since the Unix epoch.
        time: u64,
        /// What is active now.
        revision: Revision,
        /// The commit that was not confirmed.
        undone: Revision,
        /// Who had made it.
        user: String,
    },
    /// A line of the log.
    Log(LogEntry),
    /// A BGP session.
    Bgp(BgpEvent),
    /// A link.
    Interface(InterfaceEvent),
    /// A packet of the balancer.
    Packet(CapturedPacket),
    /// What one has to know of that which is told, or is not.
    About(String),
    /// So many things happened that are not told, because the watcher read too slowly.
    Missed(u64),
}

/// A commit, as others hear of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CommitNews {
    /// Seconds since the Unix epoch.
    pub time: u64,
    /// What is active now.
    pub revision: Revision,
    /// Who committed.
    pub user: String,
    /// Through what: `cli`, `api`.
    pub via: String,
    /// The terminal of whoever committed, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tty: Option<String>,
    /// `commit comment`
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
    /// Until when it has to be confirmed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confirm: Option<PendingConfirm>,
}

/// A BGP session came or went.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BgpEvent {
    /// Seconds since the Unix epoch.
    pub time: u64,
    /// The neighbor.
    pub neighbor: IpAddr,
    /// What became of the session.
    #[serde(flatten)]
    pub change: BgpChange,
}

/// What became of a BGP session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "event")]
pub enum BgpChange {
    /// It is established.
    Up {
        /// The neighbor's AS.
        asn: Asn,
    },
    /// It ended.
    Down {
        /// Why.
        reason: String,
        /// The routes that it had brought.
        prefixes: u64,
    },
}

/// A link came, went or changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct InterfaceEvent {
    /// Seconds since the Unix epoch.
    pub time: u64,
    /// Which.
    pub name: IfName,
    /// What became of it.
    pub state: LinkState,
}

/// What became of a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LinkState {
    /// It carries packets.
    Up,
    /// Its cable is out, or the other end is off.
    Down,
    /// It is switched off by configuration.
    AdminDown,
    /// There is no such link any more.
    Gone,
}

impl LinkState {
    /// The state as a person reads it.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Up => "is up",
            Self::Down => "is down",
            Self::AdminDown => "is switched off",
            Self::Gone => "is gone",
        }
    }
}

impl News {
    /// When it happened, in seconds since the Unix epoch; none for what was missed.
    #[must_use]
    pub fn time(&self) -> Option<u64> {
        match self {
            Self::Commit(CommitNews { time, .. })
            | Self::Confirmed { time, .. }
            | Self::RolledBack { time, .. }
            | Self::Log(LogEntry { time, .. })
            | Self::Bgp(BgpEvent { time, .. })
            | Self::Interface(InterfaceEvent { time, .. }) => Some(*time),
            Self::Packet(packet) => Some(packet.time / 1_000_000),
            Self::About(_) | Self::Missed(_) => None,
        }
    }

    /// What happened, one sentence without its time.
    #[must_use]
    pub fn sentence(&self) -> String {
        match self {
            Self::Commit(news) => news.sentence(),
            Self::Confirmed { revision, user, .. } => format!("revision {revision} confirmed by {user}"),
            Self::RolledBack { revision, undone, user, .. } => format!(
                "revision {undone} by {user} was not confirmed in time and is rolled back; revision {revision} is active"
            ),
            Self::Log(entry) => entry.sentence(),
            Self::Bgp(event) => event.sentence(),
            Self::Interface(event) => format!("interface {} {}", event.name, event.state.words()),
            Self::Packet(packet) => packet.sentence(),
            Self::About(words) => words.clone(),
            Self::Missed(number) => {
                format!("{} not shown: this terminal reads too slowly", count(*number, "line", "lines"))
            }
        }
    }
}

impl CommitNews {
    /// Who committed what, one sentence.
    #[must_use]
    pub fn sentence(&self) -> String {
        let tty = self.tty.as_ref().map(|tty| format!(" on {tty}")).unwrap_or_default();
        let comment = self.comment.as_ref().map(|comment| format!(": {comment}")).unwrap_or_default();
        let confirm = self.confirm.as_ref().map(|_| ", to be confirmed").unwrap_or_default();
        format!("revision {} committed by {} via {}{tty}{confirm}{comment}", self.revision, self.user, self.via)
    }
}

impl BgpEvent {
    fn sentence(&self) -> String {
        match &self.change {
            BgpChange::Up { asn } => format!("neighbor {} of AS {asn} is up", self.neighbor),
            BgpChange::Down { reason, prefixes } => {
                format!("neighbor {} is down: {reason} ({})", self.neighbor, count(*prefixes, "prefix", "prefixes"))
            }
        }
    }
}

impl Text for News {
    fn text(&self) -> String {
        match self.time() {
            Some(time) => format!("{} {}\n", date_time(time, 0), self.sentence()),
            None => format!("{}\n", self.sentence()),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may fail loudly")]
    use super::*;

    fn commit() -> CommitNews {
        CommitNews {
            time: 1_609_935_533,
            revision: Revision(7),
            user: "alice".to_owned(),
            via: "cli".to_owned(),
            tty: Some("pts/0".to_owned()),
            comment: Some("new rack".to_owned()),
            confirm: None,
        }
    }

    fn all() -> Vec<(News, &'static str)> {
        let neighbor = "192.0.2.1".parse().unwrap();
        let time = 1_609_935_533;
        let link = |state| News::Interface(InterfaceEvent { time, name: "eth0".parse().unwrap(), state });
        let down = BgpChange::Down { reason: "hold timer expired".to_owned(), prefixes: 1 };
        vec![
            (News::Commit(commit()), "2021-01-06 12:18:53 revision 7 committed by alice via cli on pts/0: new rack\n"),
            (
                News::Confirmed {
                    time,
                    revision: Revision(7),
                    user: "bob".to_owned(),
                    via: "cli".to_owned(),
                    tty: None,
                },
                "2021-01-06 12:18:53 revision 7 confirmed by bob\n",
            ),
            (
                News::RolledBack { time, revision: Revision(8), undone: Revision(7), user: "alice".to_owned() },
                "2021-01-06 12:18:53 revision 7 by alice was not confirmed in time and is rolled back; \
                 revision 8 is active\n",
            ),
            (
                News::Log(LogEntry { time, level: LogLevel::Warning, text: "no IPv6".to_owned() }),
                "2021-01-06 12:18:53 warning: no IPv6\n",
            ),
            (
                News::Bgp(BgpEvent { time, neighbor, change: BgpChange::Up { asn: "64512".parse().unwrap() } }),
                "2021-01-06 12:18:53 neighbor 192.0.2.1 of AS 64512 is up\n",
            ),
            (
                News::Bgp(BgpEvent { time, neighbor, change: down }),
                "2021-01-06 12:18:53 neighbor 192.0.2.1 is down: hold timer expired (1 prefix)\n",
            ),
            (link(LinkState::Up), "2021-01-06 12:18:53 interface eth0 is up\n"),
            (News::About("packets of eth0".to_owned()), "packets of eth0\n"),
            (News::Missed(2), "2 lines not shown: this terminal reads too slowly\n"),
        ]
    }

    #[test]
    fn each_news_is_one_line_and_survives_the_wire() {
        for (news, text) in all() {
            assert_eq!(news.text(), text);
            let wire = serde_json::to_string(&news).unwrap();
            assert_eq!(serde_json::from_str::<News>(&wire).unwrap(), news, "{wire}");
        }
    }
}
