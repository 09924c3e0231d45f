//! Backends by their numbers: where they are, how packets get there, which hardware addresses are missing.
//!
//! Never decides who is a backend of what; a number is a node and a way to it, and keeps being that until it has rested.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::IpAddr;
use std::time::{Duration, Instant};

use bpf_common::layout::{self, BACKENDS, node_of_address};
use nouns::MacAddress;

use crate::maglev::{Seed, mapped};
use crate::numbers::Numbers;
use crate::state::Write;
use crate::wish::{Exit, Way};

/// How long a number rests: fragments of datagrams and packets that are on their way are over long before.
const REST: Duration = Duration::from_secs(60);
/// How often the kernel is asked for a hardware address that it does not know.
const ASK: Duration = Duration::from_secs(1);
/// How often it is asked to keep one fresh that it knows: it sees none of the packets that use it.
const REFRESH: Duration = Duration::from_secs(20);

/// A link that packets leave by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Link {
    /// Its own hardware address; none where it has no such thing.
    pub mac: Option<MacAddress>,
    /// Octets of the largest IP packet.
    pub mtu: u32,
    /// The number of the link below and the tag, if this is a VLAN.
    pub vlan: Option<(u32, u16)>,
}

/// Who is meant by a number.
pub(crate) type Who = (IpAddr, Way);

/// A backend that is wished.
#[derive(Clone, Debug)]
pub(crate) struct Known {
    pub(crate) who: Who,
    pub(crate) exit: Option<Exit>,
    pub(crate) written: layout::Backend,
    /// Not in the time between an adoption and the first wish, in which it stays as it was found.
    wished: bool,
}

/// A gateway on a link.
pub(crate) type Neighbor = (u32, IpAddr);

/// All backends, and what is known of the links.
#[derive(Debug)]
pub(crate) struct Backends {
    numbers: Numbers,
    by_who: HashMap<Who, u16>,
    known: BTreeMap<u16, Known>,
    /// Those that have just got their numbers.
    fresh: Vec<u16>,
    links: BTreeMap<u32, Link>,
    neighbors: BTreeMap<Neighbor, MacAddress>,
    /// Those that packets are sent to, and when each is asked next.
    needed: BTreeMap<Neighbor, Instant>,
    marks: BTreeMap<u32, u16>,
    nodes: BTreeSet<u64>,
}

impl Backends {
    pub(crate) fn new() -> Self {
        Self {
            numbers: Numbers::new(BACKENDS),
            by_who: HashMap::new(),
            known: BTreeMap::new(),
            fresh: Vec::new(),
            links: BTreeMap::new(),
            neighbors: BTreeMap::new(),
            needed: BTreeMap::new(),
            marks: BTreeMap::new(),
            nodes: BTreeSet::new(),
        }
    }

    /// The number of a backend, which leaves by this from now on; a new one if it has none. Nothing when none is left.
    pub(crate) fn number(&mut self, who: Who, exit: Option<Exit>) -> Option<u16> {
        if let Some(number) = self.by_who.get(&who) {
            if let Some(known) = self.known.get_mut(number) {
                (known.exit, known.wished) = (exit, true);
            }
            return Some(*number);
        }
        let number = u16::try_from(self.numbers.take()?).ok()?;
        self.enter(number, Known { who, exit, written: layout::Backend::default(), wished: true });
        self.fresh.push(number);
        Some(number)
    }

    fn enter(&mut self, number: u16, known: Known) {
        self.by_who.insert(known.who, number);
        self.known.insert(number, known);
    }

    /// A backend stands in the map already, from an earlier life.
    pub(crate) fn adopt(&mut self, number: u16, who: Who, written: layout::Backend) {
        self.numbers.claim(u32::from(number));
        self.enter(number, Known { who, exit: None, written, wished: false });
    }

    /// A number of an earlier life that nobody has: it rests.
    pub(crate) fn adopt_nobody(&mut self, now: Instant, number: u16) {
        self.numbers.claim(u32::from(number));
        self.numbers.give_back(u32::from(number), now + REST);
    }

    /// What else stands in the maps from an earlier life.
    pub(crate) fn adopt_keys(&mut self, marks: &BTreeMap<u32, u32>, nodes: &[u64]) {
        let number = |number: &u32| u16::try_from(*number).unwrap_or_default();
        self.marks = marks.iter().map(|(mark, backend)| (*mark, number(backend))).collect();
        self.nodes = nodes.iter().copied().collect();
    }

    /// Those that are not among these are nobody any more: nothing is sent to them from now on, and their numbers rest.
    pub(crate) fn keep(&mut self, now: Instant, wished: &BTreeSet<u16>, out: &mut Vec<Write>) {
        let gone: Vec<u16> = self.known.keys().copied().filter(|number| !wished.contains(number)).collect();
        for number in gone {
            if let Some(known) = self.known.remove(&number) {
                self.by_who.remove(&known.who);
            }
            out.push(Write::Backend(u32::from(number), layout::Backend::default()));
            self.numbers.give_back(u32::from(number), now + REST);
        }
    }

    /// Writes what has changed, and asks for what is missing.
    pub(crate) fn write(&mut self, now: Instant, out: &mut Vec<Write>) {
        let exits = self.known.values().filter_map(|known| known.exit.map(|exit| (exit.link, exit.gateway)));
        let exits: BTreeSet<Neighbor> = exits.collect();
        self.needed.retain(|neighbor, _| exits.contains(neighbor));
        for neighbor in exits {
            self.needed.entry(neighbor).or_insert(now);
        }
        out.extend(self.fresh.drain(..).map(|number| Write::ClearBackend(u32::from(number))));
        for (number, known) in self.known.iter_mut().filter(|(_, known)| known.wished) {
            let entry = entry(known, &self.links, &self.neighbors);
            if entry != known.written {
                known.written = entry;
                out.push(Write::Backend(u32::from(*number), entry));
            }
        }
    }

    /// Writes which hardware addresses are those of nodes.
    pub(crate) fn write_nodes(&mut self, guarded: bool, out: &mut Vec<Write>) {
        let addresses = self.needed.keys().filter_map(|neighbor| self.neighbors.get(neighbor));
        let nodes: BTreeSet<u64> =
            if guarded { addresses.map(|mac| node_of_address(mac.octets())).collect() } else { BTreeSet::new() };
        out.extend(nodes.difference(&self.nodes).map(|node| Write::Node(*node, true)));
        out.extend(self.nodes.difference(&nodes).map(|node| Write::Node(*node, false)));
        self.nodes = nodes;
    }

    /// Whether packets from this hardware address are a node's.
    pub(crate) fn is_node(&self, key: u64) -> bool {
        self.nodes.contains(&key)
    }

    /// Writes which marks lead to whom.
    pub(crate) fn write_marks(&mut self, marks: BTreeMap<u32, u16>, out: &mut Vec<Write>) {
        let gone = self.marks.keys().filter(|mark| !marks.contains_key(mark));
        out.extend(gone.map(|mark| Write::Mark(*mark, None)));
        let new = marks.iter().filter(|(mark, number)| self.marks.get(mark) != Some(number));
        out.extend(new.map(|(mark, number)| Write::Mark(*mark, Some(u32::from(*number)))));
        self.marks = marks;
    }

    /// The kernel knows the hardware address of a neighbor, or no longer. Says whether that matters.
    pub(crate) fn neighbor(&mut self, now: Instant, neighbor: Neighbor, mac: Option<MacAddress>) -> bool {
        let mac = mac.filter(|mac| mac.is_unicast());
        let former = self.neighbors.get(&neighbor).copied();
        match mac {
            Some(mac) => _ = self.neighbors.insert(neighbor, mac),
            None => _ = self.neighbors.remove(&neighbor),
        }
        let Some(due) = self.needed.get_mut(&neighbor) else { return false };
        match (mac, former) {
            (Some(_), None) => *due = now + REFRESH,
            // Whoever has just gone is asked at once.
            (None, Some(_)) => *due = now,
            _ => {}
        }
        mac != former
    }

    /// A link is like this, or gone. Says whether that matters.
    pub(crate) fn link(&mut self, index: u32, link: Option<Link>) -> bool {
        let former = self.links.get(&index).copied();
        match link {
            Some(link) => _ = self.links.insert(index, link),
            None => {
                self.links.remove(&index);
                self.neighbors.retain(|(on, _), _| *on != index);
            }
        }
        link != former
    }

    /// Asks for hardware addresses that are missing or may grow old, and lets numbers be used again.
    pub(crate) fn tick(&mut self, now: Instant, out: &mut Vec<Write>) {
        while self.numbers.rested(now).is_some() {}
        for (neighbor, due) in &mut self.needed {
            if *due <= now {
                let wait = if self.neighbors.contains_key(neighbor) { REFRESH } else { ASK };
                *due = now + wait;
                out.push(Write::Resolve(neighbor.0, neighbor.1));
            }
        }
    }

    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.numbers.deadline().into_iter().chain(self.needed.values().copied()).min()
    }

    /// What a backend's permutation follows from.
    pub(crate) fn seed(&self, number: u16) -> Option<Seed> {
        self.known.get(&number).map(|known| Seed::of_parts(known.who.0, known.who.1))
    }

    pub(crate) fn get(&self, number: u16) -> Option<&Known> {
        self.known.get(&number)
    }

    pub(crate) fn number_of(&self, who: Who) -> Option<u16> {
        self.by_who.get(&who).copied()
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = (u16, &Known)> {
        self.known.iter().map(|(number, known)| (*number, known))
    }

    /// The hardware address that packets to a backend have.
    pub(crate) fn mac(&self, known: &Known) -> Option<MacAddress> {
        known.exit.and_then(|exit| self.neighbors.get(&(exit.link, exit.gateway)).copied())
    }

    /// Gateways whose hardware address nobody knows.
    pub(crate) fn missing(&self) -> impl Iterator<Item = &Neighbor> {
        self.needed.keys().filter(|neighbor| !self.neighbors.contains_key(neighbor))
    }

    /// Links that packets leave by.
    pub(crate) fn exits(&self) -> BTreeSet<u32> {
        self.needed.keys().map(|(link, _)| *link).collect()
    }

    pub(crate) fn used(&self) -> u32 {
        self.numbers.used()
    }
}

/// A backend as it stands in the map.
fn entry(known: &Known, links: &BTreeMap<u32, Link>, neighbors: &BTreeMap<Neighbor, MacAddress>) -> layout::Backend {
    let (address, way) = known.who;
    let mut entry = layout::Backend { address: mapped(address).to_be_bytes(), ..layout::Backend::default() };
    entry.way = match way {
        Way::L2 => layout::L2,
        Way::Ipip { source } => {
            entry.source = mapped(source).to_be_bytes();
            layout::IPIP
        }
        Way::Gue { source, port } => {
            entry.source = mapped(source).to_be_bytes();
            entry.port = port.to_be_bytes();
            layout::GUE
        }
        Way::Nat { port } => {
            entry.port = port.unwrap_or(0).to_be_bytes();
            layout::NAT
        }
    };
    let Some(exit) = known.exit else { return layout::Backend { way: layout::NOWHERE, ..entry } };
    let Some(link) = links.get(&exit.link) else { return entry };
    let (index, tag) = link.vlan.unwrap_or((exit.link, 0));
    entry.vlan = tag;
    entry.mtu = u16::try_from(link.mtu).unwrap_or(u16::MAX);
    if let (Some(ours), Some(theirs)) = (link.mac, neighbors.get(&(exit.link, exit.gateway))) {
        let ([a, b, c, d, e, f], [g, h, i, j, k, l]) = (theirs.octets(), ours.octets());
        let [m, n, o, p] = index.to_ne_bytes();
        entry.link = [a, b, c, d, e, f, g, h];
        entry.link_rest = [i, j, k, l, m, n, o, p];
        entry.flags = layout::RESOLVED;
    }
    entry
}

/// Whom an entry of an earlier life means.
pub(crate) fn who(entry: &layout::Backend) -> Option<Who> {
    let port = u16::from_be_bytes(entry.port);
    let source = address(entry.source);
    let way = match entry.way {
        layout::L2 => Way::L2,
        layout::IPIP => Way::Ipip { source },
        layout::GUE => Way::Gue { source, port },
        layout::NAT => Way::Nat { port: (port != 0).then_some(port) },
        _ => return None,
    };
    Some((address(entry.address), way))
}

/// An address of the maps.
pub(crate) fn address(octets: [u8; 16]) -> IpAddr {
    IpAddr::V6(octets.into()).to_canonical()
}
