//! Listens to the kernel and tells what changed in the router's surroundings.
//!
//! A thread of the daemon sits in [`Monitor::next`]. Notifications of routes that our own writer caused are
//! dropped inside the kernel by a filter, so that installing a full table cannot overrun this socket; what
//! the kernel does silently is worked out by a ledger. Never changes anything and never decides.

use std::collections::BTreeSet;
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::thread;
use std::time::{Duration, Instant};

use rib::world::WorldEvent;

use crate::attribute::{Message, messages, u32_at};
use crate::decode;
use crate::ledger::Ledger;
use crate::number::{
    NLM_F_REPLACE, RTM_DELADDR, RTM_DELLINK, RTM_DELNEXTHOP, RTM_DELROUTE, RTM_NEWADDR, RTM_NEWLINK, RTM_NEWNEXTHOP,
    RTM_NEWROUTE, RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV4_ROUTE, RTNLGRP_IPV6_IFADDR, RTNLGRP_IPV6_ROUTE, RTNLGRP_LINK,
    RTNLGRP_NEXTHOP,
};
use crate::snapshot;
use crate::socket::RouteSocket;
use crate::sys;
use bell::Bell;
use filter::route_filter;
use unread::Unread;

mod bell;
mod filter;
mod unread;

/// Room for about a hundred thousand notifications of a foreign storm.
const RECEIVE_QUEUE: i32 = 16 * 1024 * 1024;
const SEND_QUEUE: i32 = 64 * 1024;
/// How many datagrams one answer gathers at most.
const GATHER: usize = 256;
/// So many messages that concern no route within `STORM_WITHIN` are a storm: somebody makes or removes links by the
/// thousand.
const STORM: usize = 100;
const STORM_WITHIN: Duration = Duration::from_millis(100);
/// How long a storm's messages are left to gather before they are read, while a bell rings for what matters. Within it the
/// queue must not run over.
const PAUSE: Duration = Duration::from_millis(50);
/// The same without a bell: what matters waits no longer than this behind them.
const SHORT_PAUSE: Duration = Duration::from_millis(5);
/// How long what a storm tells is kept together before it is told.
const HOLD: Duration = Duration::from_millis(150);
/// Octets of what a storm tells that are kept together at most: more of it would not stay in the processor's cache.
const ROOM: usize = 1024 * 1024;

/// The listener.
pub struct Monitor {
    socket: RouteSocket,
    /// What it listens to.
    groups: Vec<u32>,
    /// Its queue holds what a storm tells within a long pause.
    patient: bool,
    ledger: Ledger,
    ignored: Vec<u32>,
    storm: Storm,
    bell: Bell,
    unread: Unread,
}

impl Monitor {
    /// Opens the listener in the network namespace of the calling thread and learns what is there.
    ///
    /// Open it before taking the first snapshot, so that no change falls between the two.
    ///
    /// # Errors
    /// When the kernel gives no socket, a group, or a dump.
    pub fn open() -> io::Result<Self> {
        let mut socket = RouteSocket::open(RECEIVE_QUEUE, SEND_QUEUE)?;
        let mut groups = vec![RTNLGRP_LINK, RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV4_ROUTE];
        for group in &groups {
            socket.join(*group)?;
        }
        // A kernel without IPv6 or without next-hop objects refuses its group: nothing to hear there.
        for group in [RTNLGRP_IPV6_IFADDR, RTNLGRP_IPV6_ROUTE, RTNLGRP_NEXTHOP] {
            match socket.join(group) {
                Err(error) if error.kind() == io::ErrorKind::InvalidInput => {}
                other => {
                    other?;
                    groups.push(group);
                }
            }
        }
        // Who may not have more than others has a queue that runs over at once.
        let patient = sys::int_option(socket.as_fd(), libc::SOL_SOCKET, libc::SO_RCVBUF)? >= RECEIVE_QUEUE;
        Ok(Self {
            socket,
            groups,
            patient,
            ledger: snapshot::ledger()?,
            ignored: Vec::new(),
            storm: Storm::new(),
            bell: Bell::default(),
            unread: Unread::default(),
        })
    }

    /// Takes changes by the socket with this port for our own echo; see `FibWriter::port_id`.
    ///
    /// # Errors
    /// When the kernel does not take the filter.
    pub fn ignore_port(&mut self, port: u32) -> io::Result<()> {
        self.ignored.push(port);
        sys::attach_filter(self.socket.as_fd(), &mut route_filter(&self.ignored))
    }

    /// Lets [`Monitor::next`] return `WouldBlock` after this long without news.
    ///
    /// # Errors
    /// When the socket refuses the option.
    pub fn set_timeout(&mut self, timeout: Duration) -> io::Result<()> {
        let seconds = i64::try_from(timeout.as_secs()).unwrap_or(i64::MAX);
        let mut octets = seconds.to_ne_bytes().to_vec();
        octets.extend_from_slice(&i64::from(timeout.subsec_micros()).to_ne_bytes());
        sys::set_option(self.socket.as_fd(), libc::SOL_SOCKET, libc::SO_RCVTIMEO, &octets)
    }

    /// Waits for news and returns them in their order, never empty.
    ///
    /// [`WorldEvent::Overrun`] means that news were lost: take a snapshot. After
    /// [`WorldEvent::OurNextHopLost`] of a group the routes that led to it are gone too, and the kernel
    /// says nothing of them; after that of a single next hop the groups go on without it.
    ///
    /// # Errors
    /// When the socket fails, or `WouldBlock` after the time of [`Monitor::set_timeout`].
    #[expect(clippy::should_implement_trait, reason = "it waits and it fails, which an iterator would hide")]
    pub fn next(&mut self) -> io::Result<Vec<WorldEvent>> {
        loop {
            let mut news = News::default();
            self.gather(0, &mut news)?;
            self.gather_queued(&mut news)?;
            let began = Instant::now();
            let mut rages = self.storm.rages(&mut news);
            while rages && began.elapsed() < HOLD && self.unread.len() < ROOM {
                self.pause(&mut news)?;
                rages = self.storm.rages(&mut news);
            }
            if !rages && !news.matters {
                self.bell.take_down();
            }
            self.unread.read(&mut news.events);
            self.audit(&mut news)?;
            if !news.events.is_empty() {
                return Ok(news.events);
            }
        }
    }

    /// Reads what is there already; whether that was all.
    fn gather_queued(&mut self, news: &mut News) -> io::Result<bool> {
        for _ in 1..GATHER {
            match self.gather(libc::MSG_DONTWAIT, news) {
                Ok(()) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(true),
                Err(error) => return Err(error),
            }
        }
        Ok(false)
    }

    /// Lets what a storm tells gather, and reads it: after a while, or as soon as something else is told.
    fn pause(&mut self, news: &mut News) -> io::Result<()> {
        let hangs = self.patient && self.bell.hang(&self.groups, &self.ignored, &self.ledger.links());
        // What came before the bell was hung did not ring.
        if !self.gather_queued(news)? || news.matters {
            return Ok(());
        }
        if !hangs {
            thread::sleep(SHORT_PAUSE);
        } else if self.bell.rings(PAUSE) {
            self.gather_queued(news)?;
            if news.matters {
                return Ok(());
            }
            // The kernel tells one socket after the other: the bell may be the first.
            thread::sleep(SHORT_PAUSE);
        }
        self.gather_queued(news).map(drop)
    }

    /// Reads one datagram into `news`.
    fn gather(&mut self, flags: i32, news: &mut News) -> io::Result<()> {
        match self.socket.receive(flags) {
            Ok(octets) => {
                for message in messages(octets) {
                    let by_us = message.port != 0 && self.ignored.contains(&message.port);
                    news.read(message, by_us, &mut self.ledger, &mut self.unread);
                }
                Ok(())
            }
            Err(error) if error.raw_os_error() == Some(libc::ENOBUFS) => {
                self.socket.drain();
                self.ledger = snapshot::ledger()?;
                self.unread = Unread::default();
                news.events.push(WorldEvent::Overrun);
                news.matters = true;
                Ok(())
            }
            Err(error) => Err(error),
        }
    }

    /// Asks which next hops and foreign routes the kernel still has where it may have dropped some silently.
    fn audit(&mut self, news: &mut News) -> io::Result<()> {
        for ifindex in std::mem::take(&mut news.changed) {
            self.ledger.audit_objects(ifindex, &snapshot::objects_on(ifindex)?, &mut news.events);
        }
        for ifindex in std::mem::take(&mut news.suspect) {
            let present = snapshot::routes_over(ifindex, &self.ledger)?;
            self.ledger.audit(ifindex, &present, &mut news.events);
        }
        Ok(())
    }
}

impl AsFd for Monitor {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

/// What some datagrams told, and the links whose next hops or foreign routes need a second look.
#[derive(Debug, Default)]
struct News {
    events: Vec<WorldEvent>,
    /// Links with next hops that changed and are up: a carrier that was gone for an instant took the next hops along,
    /// and the message is made when it is back already.
    changed: BTreeSet<u32>,
    suspect: BTreeSet<u32>,
    /// Messages about links that no route or next hop leads through, since the storm was asked last.
    idle: usize,
    /// There was another message.
    matters: bool,
}

impl News {
    fn read(&mut self, message: Message<'_>, by_us: bool, ledger: &mut Ledger, unread: &mut Unread) {
        if let Some(link) = idle_link(message, ledger) {
            self.idle = self.idle.saturating_add(1);
            return unread.take_in(link, message);
        }
        self.matters = true;
        // What came before is told before.
        unread.read(&mut self.events);
        match message.kind {
            RTM_NEWLINK => {
                unread.forget(u32_at(message.body, 4));
                self.read_link(message.body, ledger);
            }
            RTM_DELLINK => {
                unread.forget(u32_at(message.body, 4));
                if let Some(link) = decode::link(message.body) {
                    self.drop_link(link.index, ledger);
                    self.events.push(WorldEvent::LinkGone(link.index));
                }
            }
            RTM_NEWADDR => self.events.extend(decode::address(message.body).map(WorldEvent::Address)),
            RTM_DELADDR => {
                if let Some(address) = decode::address(message.body) {
                    self.suspect.extend(Some(address.ifindex).filter(|index| ledger.has_routes_over(*index)));
                    self.events.push(WorldEvent::AddressGone(address));
                }
            }
            RTM_NEWROUTE if !by_us => {
                if let Some(route) = decode::route(message.body) {
                    ledger.route_is_there(&route, message.flags & NLM_F_REPLACE != 0, &mut self.events);
                }
            }
            RTM_DELROUTE if !by_us => {
                if let Some(route) = decode::route(message.body) {
                    ledger.route_is_gone(&route, &mut self.events);
                }
            }
            RTM_NEWNEXTHOP => {
                if let Some(object) = decode::next_hop(message.body) {
                    ledger.object_is_there(object, by_us, &mut self.events);
                }
            }
            RTM_DELNEXTHOP => {
                if let Some(object) = decode::next_hop(message.body) {
                    self.suspect.extend(ledger.object_is_gone(object.id, by_us, &mut self.events));
                }
            }
            _ => {}
        }
    }

    fn read_link(&mut self, body: &[u8], ledger: &mut Ledger) {
        let Some(link) = decode::link(body) else { return };
        let (index, dropped) = (link.index, decode::link_drops_next_hops(body));
        self.events.push(WorldEvent::Link(link));
        if dropped {
            self.drop_link(index, ledger);
        } else if ledger.has_objects_on(index) {
            self.changed.insert(index);
        }
    }

    fn drop_link(&mut self, ifindex: u32, ledger: &mut Ledger) {
        ledger.link_dropped(ifindex, &mut self.events);
        self.suspect.extend(Some(ifindex).filter(|index| ledger.has_routes_over(*index)));
    }
}

/// The link that a message is about, or about an address of which it is, if no route or next hop leads through it.
fn idle_link(message: Message<'_>, ledger: &Ledger) -> Option<u32> {
    let of_link = matches!(message.kind, RTM_NEWLINK | RTM_DELLINK | RTM_NEWADDR | RTM_DELADDR);
    // `ifi_index` and `ifa_index` stand at the same place.
    let link = u32_at(message.body, 4).filter(|_| of_link)?;
    (!ledger.has_objects_on(link) && !ledger.has_routes_over(link)).then_some(link)
}

/// Whether messages that concern no route come by the hundred. Waking up for each of them would cost more than they do.
#[derive(Debug)]
struct Storm {
    since: Instant,
    count: usize,
    /// It raged until `since`, so that it need not be noticed again.
    goes_on: bool,
}

impl Storm {
    fn new() -> Self {
        Self { since: Instant::now(), count: 0, goes_on: false }
    }

    /// Counts what was read since the last call; not a storm once anything matters that was read.
    fn rages(&mut self, news: &mut News) -> bool {
        let now = Instant::now();
        let passed = now.duration_since(self.since);
        if passed > STORM_WITHIN {
            let goes_on = self.count > STORM && passed < STORM_WITHIN * 2;
            *self = Self { since: now, count: 0, goes_on };
        }
        self.count = self.count.saturating_add(std::mem::take(&mut news.idle));
        (self.goes_on || self.count > STORM) && !news.matters
    }
}

#[cfg(test)]
mod tests;
