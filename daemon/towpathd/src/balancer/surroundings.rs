//! Links and hosts as the balancer needs them, kept by the kernel's news.
//!
//! Never decides what follows from them.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::net::IpAddr;
use std::os::fd::{AsFd, BorrowedFd};

use bpf_tables::Input;
use bpf_tables::state::Link;
use kernel::hosts::{HostEvent, Hosts};
use kernel::look::{Neighbor, NeighborState};
use nouns::{IfName, MacAddress};
use rib::world::LinkKind;

/// What is around the router.
pub(super) struct Surroundings {
    hosts: Hosts,
    links: BTreeMap<u32, rib::world::Link>,
    /// Hosts whose hardware addresses a person has said, on their links.
    said: BTreeSet<(u32, IpAddr)>,
    /// What was read before somebody asked for news.
    early: Vec<Input>,
}

impl Surroundings {
    /// Listens, and reads everything.
    ///
    /// # Errors
    /// When the kernel gives no socket, or refuses a dump.
    pub(super) fn open() -> io::Result<(Self, Vec<Input>)> {
        let hosts = Hosts::open()?;
        let mut surroundings = Self { hosts, links: BTreeMap::new(), said: BTreeSet::new(), early: Vec::new() };
        let inputs = surroundings.read_everything()?;
        Ok((surroundings, inputs))
    }

    fn read_everything(&mut self) -> io::Result<Vec<Input>> {
        let events = Hosts::everything()?;
        self.said.clear();
        let gone: Vec<u32> = std::mem::take(&mut self.links).into_keys().collect();
        let mut inputs: Vec<Input> = events.into_iter().filter_map(|event| self.take(event)).collect();
        inputs.extend(
            gone.into_iter().filter(|index| !self.links.contains_key(index)).map(|index| Input::Link(index, None)),
        );
        Ok(inputs)
    }

    /// What has changed.
    ///
    /// # Errors
    /// When the socket fails.
    pub(super) fn read(&mut self) -> io::Result<Vec<Input>> {
        let news = self.read_news()?;
        let mut inputs = std::mem::take(&mut self.early);
        inputs.extend(news);
        Ok(inputs)
    }

    /// Whether there is something to be read for which the kernel does not wake anybody any more.
    pub(super) fn is_ahead(&self) -> bool {
        !self.early.is_empty()
    }

    fn read_news(&mut self) -> io::Result<Vec<Input>> {
        let events = self.hosts.read()?;
        if events.contains(&HostEvent::Overrun) {
            return self.read_everything();
        }
        Ok(events.into_iter().filter_map(|event| self.take(event)).collect())
    }

    fn take(&mut self, event: HostEvent) -> Option<Input> {
        match event {
            HostEvent::Host(host) => {
                let place = (host.ifindex, host.address);
                if host.state == NeighborState::Permanent {
                    self.said.insert(place);
                } else {
                    self.said.remove(&place);
                }
                Some(host_input(&host))
            }
            // The kernel forgets hosts that it sends nothing to: it is asked again before long, and says so if one is gone.
            HostEvent::Forgotten(link, address) => {
                self.said.remove(&(link, address));
                None
            }
            HostEvent::Overrun => None,
            HostEvent::Link(link) => {
                let input = Input::Link(link.index, Some(link_input(&link)));
                self.links.insert(link.index, *link);
                Some(input)
            }
            HostEvent::LinkGone(index) => {
                self.links.remove(&index);
                Some(Input::Link(index, None))
            }
        }
    }

    /// Lets the kernel find out where a host is, unless a person has said it: asked about such a host, the kernel takes
    /// what was said for something that it has found itself, and forgets it when the host does not answer.
    ///
    /// # Errors
    /// When the socket fails.
    pub(super) fn ask(&mut self, link: u32, address: IpAddr) -> io::Result<()> {
        // News that nobody has read yet may be of this very host.
        let news = self.read_news()?;
        self.early.extend(news);
        if self.said.contains(&(link, address)) { Ok(()) } else { self.hosts.ask(link, address) }
    }

    /// The number of a link.
    pub(super) fn index(&self, name: &IfName) -> Option<u32> {
        self.links.values().find(|link| link.name == *name).map(|link| link.index)
    }

    /// A link.
    pub(super) fn link(&self, index: u32) -> Option<&rib::world::Link> {
        self.links.get(&index)
    }

    pub(super) fn as_fd(&self) -> BorrowedFd<'_> {
        self.hosts.as_fd()
    }
}

fn host_input(host: &Neighbor) -> Input {
    let lives = !matches!(host.state, NeighborState::Failed | NeighborState::Incomplete);
    Input::Neighbor(host.ifindex, host.address, address(&host.mac).filter(|_| lives))
}

fn link_input(link: &rib::world::Link) -> Link {
    let vlan = match link.kind {
        LinkKind::Vlan { parent, id } => Some((parent, id)),
        _ => None,
    };
    Link { mac: address(&link.mac), mtu: link.mtu, vlan }
}

fn address(octets: &[u8]) -> Option<MacAddress> {
    <[u8; 6]>::try_from(octets).ok().map(MacAddress::from)
}
