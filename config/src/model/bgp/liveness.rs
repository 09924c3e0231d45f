//! `liveness` of neighbors that speak no BFD: what they are asked, and how often.
//!
//! Never asks anything.

use crate::model::reader::Reader;

/// `liveness`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Liveness {
    /// What is asked.
    pub probe: Probe,
    /// `interval` in milliseconds, 300 by default.
    pub interval: u32,
    /// `multiplier`: probes that may be lost in a row, 3 by default.
    pub multiplier: u8,
}

/// What a probe asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Probe {
    /// `arp`: the hardware address, by ARP or Neighbor Discovery.
    Arp,
    /// `icmp`: an echo.
    Icmp,
    /// `tcp`: a connection to a port, opened or refused.
    Tcp(u16),
}

/// `liveness` of one neighbor or group, as far as it is set, and what holds where it is not: interval and multiplier.
#[derive(Clone, Copy)]
pub(super) struct LivenessLeaves {
    probe: Option<Probe>,
    interval: Option<u32>,
    multiplier: Option<u8>,
    fallback: (u32, u8),
}

impl LivenessLeaves {
    pub(super) fn read(place: &Reader<'_>) -> Self {
        let place = place.at("liveness");
        let probes = [
            place.flag("arp").then_some(Probe::Arp),
            place.flag("icmp").then_some(Probe::Icmp),
            place.leaf("tcp").map(Probe::Tcp),
        ];
        if probes.iter().flatten().count() > 1 {
            place.error("only one of arp, icmp and tcp can be asked; delete the others".to_owned());
        }
        Self {
            probe: probes.into_iter().flatten().next(),
            interval: place.leaf("interval"),
            multiplier: place.leaf("multiplier"),
            fallback: (place.default_of("interval"), place.default_of("multiplier")),
        }
    }

    /// The effective settings: these leaves over a group's.
    pub(super) fn over(self, group: Option<Self>) -> Option<Liveness> {
        let levels = || std::iter::once(self).chain(group);
        Some(Liveness {
            probe: levels().find_map(|level| level.probe)?,
            interval: levels().find_map(|level| level.interval).unwrap_or(self.fallback.0),
            multiplier: levels().find_map(|level| level.multiplier).unwrap_or(self.fallback.1),
        })
    }

    /// Whether it says how to ask, which means nothing as long as nobody says what.
    pub(super) fn has_pace(self) -> bool {
        self.interval.is_some() || self.multiplier.is_some()
    }
}
