//! `protocols bfd …`: which paths are watched, and how fast.
//!
//! Never knows a session: who else wants a peer watched adds a profile, and the settings come out of both.

use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

use nouns::IfName;

use super::reader::{Findings, Reader};
use crate::tree::Tree;

/// `protocols bfd`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bfd {
    /// `peer <address>`
    pub peers: BTreeMap<IpAddr, BfdPeer>,
    /// `profile <name>`
    pub profiles: BTreeMap<String, BfdLeaves>,
    /// What holds where neither a peer nor its profile says a word.
    defaults: Defaults,
}

/// `peer <address>`
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BfdPeer {
    /// Its own leaves.
    pub leaves: BfdLeaves,
    /// `profile`
    pub profile: Option<String>,
    /// `multihop`
    pub multihop: bool,
    /// `source address`
    pub source_address: Option<IpAddr>,
    /// `source interface`
    pub source_interface: Option<IfName>,
    /// `authentication …`, with `key-id`; more than one is refused.
    pub secrets: Vec<BfdSecret>,
}

/// How a secret is proved (RFC 5880 §6.7).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BfdMethod {
    /// `simple-password`
    SimplePassword,
    /// `keyed-md5`
    KeyedMd5,
    /// `meticulous-keyed-md5`
    MeticulousKeyedMd5,
    /// `keyed-sha1`
    KeyedSha1,
    /// `meticulous-keyed-sha1`
    MeticulousKeyedSha1,
}

impl BfdMethod {
    const ALL: [Self; 5] =
        [Self::SimplePassword, Self::KeyedMd5, Self::MeticulousKeyedMd5, Self::KeyedSha1, Self::MeticulousKeyedSha1];

    /// The word of the configuration.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::SimplePassword => "simple-password",
            Self::KeyedMd5 => "keyed-md5",
            Self::MeticulousKeyedMd5 => "meticulous-keyed-md5",
            Self::KeyedSha1 => "keyed-sha1",
            Self::MeticulousKeyedSha1 => "meticulous-keyed-sha1",
        }
    }

    /// How many octets a secret has at most (RFC 5880 §4.2 to §4.4).
    #[must_use]
    pub fn longest(self) -> usize {
        match self {
            Self::SimplePassword | Self::KeyedMd5 | Self::MeticulousKeyedMd5 => 16,
            Self::KeyedSha1 | Self::MeticulousKeyedSha1 => 20,
        }
    }
}

/// A secret and its number; what is printed for a developer is read by others, too, so it is never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct BfdSecret {
    /// How it is proved.
    pub method: BfdMethod,
    /// Its number.
    pub key: u8,
    /// As many octets as the method takes.
    pub word: String,
}

impl fmt::Debug for BfdSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of number {}", self.method.word(), self.key)
    }
}

/// What peers and profiles have in common, as far as it is set.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BfdLeaves {
    transmit: Option<u32>,
    receive: Option<u32>,
    multiplier: Option<u8>,
    minimum_ttl: Option<u8>,
    passive: bool,
    shutdown: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Defaults {
    transmit: u32,
    receive: u32,
    multiplier: u8,
    minimum_ttl: u8,
}

/// The effective settings of a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BfdSettings {
    /// `interval transmit`, 300 ms by default.
    pub transmit: Duration,
    /// `interval receive`, 300 ms by default.
    pub receive: Duration,
    /// `interval multiplier`, 3 by default.
    pub multiplier: u8,
    /// `minimum-ttl`, 254 by default: of packets from behind routers.
    pub minimum_ttl: u8,
    /// `passive`
    pub passive: bool,
    /// `shutdown`
    pub shutdown: bool,
}

/// What an empty configuration says.
impl Default for Bfd {
    fn default() -> Self {
        let (tree, findings) = (Tree::default(), Findings::default());
        let top = Reader::new(&tree, &findings);
        lower(&top.at("protocols").at("bfd"))
    }
}

impl Bfd {
    /// The settings of a session with a peer: its own leaves over those of its profile, or else of the profile that
    /// whoever wants it names, over the defaults.
    #[must_use]
    pub fn settings(&self, peer: IpAddr, profile: Option<&str>) -> BfdSettings {
        let own = self.peers.get(&peer);
        let profile = own.and_then(|peer| peer.profile.as_deref()).or(profile);
        let levels = [own.map(|peer| &peer.leaves), profile.and_then(|name| self.profiles.get(name))];
        let levels = || levels.iter().flatten();
        let milliseconds = |read: fn(&BfdLeaves) -> Option<u32>, default: u32| {
            Duration::from_millis(u64::from(levels().find_map(|leaves| read(leaves)).unwrap_or(default)))
        };
        let number = |read: fn(&BfdLeaves) -> Option<u8>, default: u8| {
            levels().find_map(|leaves| read(leaves)).unwrap_or(default)
        };
        BfdSettings {
            transmit: milliseconds(|leaves| leaves.transmit, self.defaults.transmit),
            receive: milliseconds(|leaves| leaves.receive, self.defaults.receive),
            multiplier: number(|leaves| leaves.multiplier, self.defaults.multiplier),
            minimum_ttl: number(|leaves| leaves.minimum_ttl, self.defaults.minimum_ttl),
            passive: levels().any(|leaves| leaves.passive),
            shutdown: levels().any(|leaves| leaves.shutdown),
        }
    }
}

pub(super) fn lower(place: &Reader<'_>) -> Bfd {
    let profiles: BTreeMap<String, BfdLeaves> =
        place.instances("profile").into_iter().map(|(name, place)| (name, leaves(&place))).collect();
    let peers = place.instances::<IpAddr>("peer").into_iter().map(|(address, place)| {
        let peer = peer(&place);
        if let Some(name) = peer.profile.as_ref().filter(|name| !profiles.contains_key(*name)) {
            place.at("profile").error(unknown_profile(name));
        }
        (address, peer)
    });
    let peers = peers.collect();
    let unset = place.at("profile");
    let interval = unset.at("interval");
    let defaults = Defaults {
        transmit: interval.default_of("transmit"),
        receive: interval.default_of("receive"),
        multiplier: interval.default_of("multiplier"),
        minimum_ttl: unset.default_of("minimum-ttl"),
    };
    Bfd { peers, profiles, defaults }
}

/// Why a profile cannot be used.
pub(crate) fn unknown_profile(name: &str) -> String {
    format!("BFD profile \"{name}\" does not exist; set it below 'protocols bfd profile', or delete this use of it")
}

fn peer(place: &Reader<'_>) -> BfdPeer {
    let (source, authentication) = (place.at("source"), place.at("authentication"));
    let key = authentication.leaf_or_default("key-id");
    let secrets = BfdMethod::ALL
        .into_iter()
        .filter_map(|method| authentication.leaf(method.word()).map(|word| BfdSecret { method, key, word }));
    BfdPeer {
        leaves: leaves(place),
        profile: place.leaf("profile"),
        multihop: place.flag("multihop"),
        source_address: source.leaf("address"),
        source_interface: source.leaf("interface"),
        secrets: secrets.collect(),
    }
}

fn leaves(place: &Reader<'_>) -> BfdLeaves {
    let interval = place.at("interval");
    BfdLeaves {
        transmit: interval.leaf("transmit"),
        receive: interval.leaf("receive"),
        multiplier: interval.leaf("multiplier"),
        minimum_ttl: place.leaf("minimum-ttl"),
        passive: place.flag("passive"),
        shutdown: place.flag("shutdown"),
    }
}
