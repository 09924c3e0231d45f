//! Hosts on links and the links themselves, as they change: what packets need that leave without asking the kernel.
//!
//! Never keeps what it tells, and never changes an entry of the kernel but by asking it to find a host.

use std::io;
use std::net::IpAddr;
use std::os::fd::{AsFd, BorrowedFd};

use rib::world::Link;

use crate::attribute::{Batch, Message, messages};
use crate::decode;
use crate::look::{Neighbor, neighbor};
use crate::number::{
    AF_INET, AF_INET6, NDA_DST, NLM_F_CREATE, NLM_F_REQUEST, NTF_USE, RTM_DELLINK, RTM_DELNEIGH, RTM_GETLINK,
    RTM_GETNEIGH, RTM_NEWLINK, RTM_NEWNEIGH, RTNLGRP_LINK, RTNLGRP_NEIGH,
};
use crate::snapshot::of_kind;
use crate::socket::RouteSocket;

/// Room for the news of some ten thousand hosts.
const RECEIVE_QUEUE: i32 = 4 * 1024 * 1024;
const SEND_QUEUE: i32 = 64 * 1024;

/// What has changed, or how it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HostEvent {
    /// A host is known like this.
    Host(Neighbor),
    /// The kernel has forgotten a host. That says nothing of where it is.
    Forgotten(u32, IpAddr),
    /// A link is like this.
    Link(Box<Link>),
    /// A link is gone.
    LinkGone(u32),
    /// News were lost: everything is to be read anew.
    Overrun,
}

/// The listener; it does not wait.
pub struct Hosts {
    socket: RouteSocket,
}

impl Hosts {
    /// Opens it in the network namespace of the calling thread. Listen first and read everything then, so that nothing falls
    /// between the two.
    ///
    /// # Errors
    /// When the kernel gives no socket or no group.
    pub fn open() -> io::Result<Self> {
        let mut socket = RouteSocket::open(RECEIVE_QUEUE, SEND_QUEUE)?;
        socket.join(RTNLGRP_LINK)?;
        socket.join(RTNLGRP_NEIGH)?;
        Ok(Self { socket })
    }

    /// Everything as it is.
    ///
    /// # Errors
    /// When the kernel gives no socket or refuses a dump.
    pub fn everything() -> io::Result<Vec<HostEvent>> {
        let socket = &mut RouteSocket::open(RECEIVE_QUEUE, SEND_QUEUE)?;
        let link = |message: Message<'_>| of_kind(message, RTM_NEWLINK).and_then(decode::link);
        let links = socket.dump(RTM_GETLINK, &[0; 16], &[], link)?;
        let host = |message: Message<'_>| of_kind(message, RTM_NEWNEIGH).and_then(neighbor);
        let hosts = socket.dump(RTM_GETNEIGH, &[0; 12], &[], host)?;
        let links = links.into_iter().map(|link| HostEvent::Link(Box::new(link)));
        Ok(links.chain(hosts.into_iter().map(HostEvent::Host)).collect())
    }

    /// What has changed since the last call, as far as it is at hand.
    ///
    /// # Errors
    /// When the socket fails.
    pub fn read(&mut self) -> io::Result<Vec<HostEvent>> {
        let mut events = Vec::new();
        loop {
            match self.socket.receive(libc::MSG_DONTWAIT) {
                Ok(octets) => events.extend(messages(octets).filter_map(event)),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(events),
                Err(error) if error.raw_os_error() == Some(libc::ENOBUFS) => {
                    self.socket.drain();
                    return Ok(vec![HostEvent::Overrun]);
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Lets the kernel find out where a host is, or whether it is there still (`NTF_USE`). What comes of it is news.
    ///
    /// # Errors
    /// When the socket fails; what the kernel thinks of it is not waited for.
    pub fn ask(&mut self, ifindex: u32, address: IpAddr) -> io::Result<()> {
        let (family, octets) = match address {
            IpAddr::V4(address) => (AF_INET, address.octets().to_vec()),
            IpAddr::V6(address) => (AF_INET6, address.octets().to_vec()),
        };
        let [a, b, c, d] = ifindex.to_ne_bytes();
        let sequence = self.socket.sequences(1);
        let mut request = Batch::default();
        let header = [family, 0, 0, 0, a, b, c, d, 0, 0, NTF_USE, 0];
        request.begin(RTM_NEWNEIGH, NLM_F_REQUEST | NLM_F_CREATE, sequence, &header);
        request.attribute(NDA_DST, &octets);
        request.end();
        self.socket.send(request.octets())
    }
}

impl AsFd for Hosts {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

fn event(message: Message<'_>) -> Option<HostEvent> {
    match message.kind {
        RTM_NEWLINK => decode::link(message.body).map(|link| HostEvent::Link(Box::new(link))),
        RTM_DELLINK => decode::link(message.body).map(|link| HostEvent::LinkGone(link.index)),
        RTM_NEWNEIGH => neighbor(message.body).map(HostEvent::Host),
        RTM_DELNEIGH => neighbor(message.body).map(|host| HostEvent::Forgotten(host.ifindex, host.address)),
        _ => None,
    }
}
