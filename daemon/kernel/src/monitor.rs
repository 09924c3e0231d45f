//! Listens to the kernel and tells what changed in the router's surroundings.
//!
//! A thread of the daemon sits in [`Monitor::next`]. Notifications of routes that our own writer caused are
//! dropped inside the kernel by a filter, so that installing a full table cannot overrun this socket; what
//! the kernel does silently is worked out by a ledger. While links come and go by the hundred another filter drops
//! what is told of those that nothing leads through, and behind that all links are looked at instead. Never changes
//! anything and never decides.

use std::collections::BTreeSet;
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::time::{Duration, Instant};

use rib::world::WorldEvent;

use crate::attribute::{Message, messages, u8_at, u32_at};
use crate::decode;
use crate::ledger::Ledger;
use crate::lookout::{Found, Given, Lookout, Post, Wishes, lookout};
use crate::number::{
    AF_INET6, NLM_F_REPLACE, RT_SCOPE_LINK, RTM_DELADDR, RTM_DELLINK, RTM_DELNEXTHOP, RTM_DELROUTE, RTM_NEWADDR,
    RTM_NEWLINK, RTM_NEWNEXTHOP, RTM_NEWROUTE, RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV4_ROUTE, RTNLGRP_IPV6_IFADDR,
    RTNLGRP_IPV6_ROUTE, RTNLGRP_LINK, RTNLGRP_NEXTHOP,
};
use crate::snapshot;
use crate::socket::RouteSocket;
use crate::sys;
use filter::{route_filter, storm_filter};
use meter::Meter;
use roster::Roster;

mod filter;
mod meter;
mod roster;

/// Room for about a hundred thousand notifications of a foreign storm.
const RECEIVE_QUEUE: i32 = 16 * 1024 * 1024;
const SEND_QUEUE: i32 = 64 * 1024;
/// How many datagrams one answer gathers at most.
const GATHER: usize = 256;
/// So many messages about links that do not matter within `STORM_WITHIN` are a storm: somebody makes or removes links by
/// the thousand.
const STORM: usize = 100;
const STORM_WITHIN: Duration = Duration::from_millis(100);
/// How long nothing is heard of those links at least, once it is a storm: whoever makes links by the thousand and then changes
/// them all rests in between.
const DEAF: Duration = Duration::from_secs(1);
/// And how many times as long as the last look at all links took of a processor: looks take half a percent of one.
const DEAF_FOR_A_LOOK: u32 = 200;
/// As long as the storm goes on they are not looked at for so long, unless somebody waits for it: a look that meets one
/// spins for the kernel's lock, and tells of thousands that are gone a moment later.
const UNSEEN: Duration = Duration::from_secs(60);

/// The listener.
pub struct Monitor {
    socket: RouteSocket,
    ledger: Ledger,
    roster: Roster,
    ignored: Vec<u32>,
    lookout: Lookout,
    post: Post,
    storm: Storm,
    /// In a storm: the links that are listened to; else all are.
    heard: Option<BTreeSet<u32>>,
    /// Whether the storm goes on, where that can be told.
    meter: Option<Meter>,
    /// When all links are looked at, if anything of them may have been missed, and whether that is being done.
    look_at: Option<Instant>,
    looks: bool,
    /// Somebody waits for that.
    awaited: bool,
    /// When they are looked at though the storm goes on.
    unseen_until: Instant,
    /// Of what links something was heard since that was begun, while all are listened to.
    touched: BTreeSet<u32>,
    /// What the last look took of a processor.
    cost: Duration,
    timeout: Option<Duration>,
}

impl Monitor {
    /// Opens the listener in the network namespace of the calling thread and learns what is there.
    ///
    /// Open it before taking the first snapshot, so that no change falls between the two, and tell it of that one
    /// ([`Lookout::begin`]).
    ///
    /// # Errors
    /// When the kernel gives no socket, a group, or a dump.
    pub fn open() -> io::Result<Self> {
        let mut socket = RouteSocket::open(RECEIVE_QUEUE, SEND_QUEUE)?;
        for group in [RTNLGRP_LINK, RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV4_ROUTE] {
            socket.join(group)?;
        }
        // A kernel without IPv6 or without next-hop objects refuses its group: nothing to hear there.
        for group in [RTNLGRP_IPV6_IFADDR, RTNLGRP_IPV6_ROUTE, RTNLGRP_NEXTHOP] {
            match socket.join(group) {
                Err(error) if error.kind() == io::ErrorKind::InvalidInput => {}
                other => other?,
            }
        }
        let (lookout, post) = lookout()?;
        Ok(Self {
            socket,
            ledger: snapshot::ledger()?,
            roster: Roster::default(),
            ignored: Vec::new(),
            lookout,
            post,
            storm: Storm::new(),
            heard: None,
            meter: None,
            look_at: None,
            looks: false,
            awaited: false,
            unseen_until: Instant::now(),
            touched: BTreeSet::new(),
            cost: Duration::ZERO,
            timeout: None,
        })
    }

    /// The way to it from other threads.
    #[must_use]
    pub fn lookout(&self) -> Lookout {
        self.lookout.clone()
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
    pub fn set_timeout(&mut self, timeout: Duration) {
        self.timeout = Some(timeout);
    }

    /// Waits for news and returns them in their order, never empty.
    ///
    /// [`WorldEvent::Overrun`] means that news were lost: take a snapshot. After
    /// [`WorldEvent::OurNextHopLost`] of a group the routes that led to it are gone too, and the kernel
    /// says nothing of them; after that of a single next hop the groups go on without it. Of links that come and go
    /// between two looks in a storm nothing is told.
    ///
    /// # Errors
    /// When the socket fails, or `WouldBlock` after the time of [`Monitor::set_timeout`].
    #[expect(clippy::should_implement_trait, reason = "it waits and it fails, which an iterator would hide")]
    pub fn next(&mut self) -> io::Result<Vec<WorldEvent>> {
        let end = self.timeout.map(|timeout| Instant::now() + timeout);
        loop {
            self.post.told(self.is_behind());
            let look_at = self.look_at.filter(|_| !self.looks);
            self.post.wait(self.socket.as_fd(), look_at.into_iter().chain(end).min())?;
            let asked = self.take_wishes()?;
            let mut news = News::default();
            self.gather_queued(&mut news)?;
            self.see_to_links(asked, &mut news)?;
            self.audit(&mut news)?;
            if !news.events.is_empty() {
                return Ok(news.events);
            }
            if end.is_some_and(|end| end <= Instant::now()) {
                return Err(io::ErrorKind::WouldBlock.into());
            }
        }
    }

    /// Takes in what other threads want.
    fn take_wishes(&mut self) -> io::Result<Asked> {
        let Wishes { names, given, look, found } = self.post.take()?;
        let look = look || names.is_some();
        if let Some(names) = names {
            self.roster.heed(names);
        }
        let anew = given.is_some();
        if let Some(Given { picture, hand_over }) = given {
            hand_over();
            self.roster.begin(picture);
        }
        Ok(Asked { anew, look, found })
    }

    /// Looks at links where it is wanted or time, and begins and ends to listen to some alone.
    fn see_to_links(&mut self, asked: Asked, news: &mut News) -> io::Result<()> {
        if let Some(found) = asked.found {
            self.found(found, news)?;
        }
        if asked.anew {
            let (found, whole) = snapshot::glance()?;
            self.roster.compare((found, whole), &BTreeSet::new(), &mut news.events);
            if !whole && self.heard.is_none() {
                self.look_later();
            }
        }
        if asked.look && self.is_behind() {
            (self.awaited, self.look_at) = (true, Some(Instant::now()));
        }
        if self.storm.rages(std::mem::take(&mut news.idle)) && self.heard.is_none() && self.hear_of_some() {
            self.meter = Meter::open().ok();
            self.unseen_until = Instant::now() + UNSEEN;
            self.look_later();
        }
        self.hear_of_more(news)?;
        if !self.looks && self.look_at.is_some_and(|moment| moment <= Instant::now()) {
            self.look_or_wait()?;
        }
        Ok(())
    }

    /// It is time to look at all links: that waits for the storm's end, or somebody waits for it, or has waited long enough.
    fn look_or_wait(&mut self) -> io::Result<()> {
        let told = self.meter.as_mut().and_then(|meter| meter.count().ok());
        if let Some(told) = told.filter(|_| !self.awaited) {
            if told <= STORM {
                return self.hear_of_all();
            }
            if Instant::now() < self.unseen_until {
                self.look_at = Some(Instant::now() + DEAF);
                return Ok(());
            }
        }
        self.post.look()?;
        (self.looks, self.look_at, self.awaited) = (true, None, false);
        self.unseen_until = Instant::now() + UNSEEN;
        self.touched.clear();
        Ok(())
    }

    /// Whether something of links may have been missed.
    fn is_behind(&self) -> bool {
        self.heard.is_some() || self.looks || self.look_at.is_some()
    }

    /// A look at all links is done: tells what differs, but of links of which more was heard meanwhile. Behind a storm all
    /// are listened to again, and then looked at once more: whoever listens first and looks then misses nothing.
    fn found(&mut self, Found { picture, cost }: Found, news: &mut News) -> io::Result<()> {
        (self.looks, self.cost) = (false, cost);
        // This was not the last one, unless it turns out to be.
        let again = self.look_at;
        if again.is_none() {
            self.look_later();
        }
        let (found, whole) = picture?;
        self.post.seen();
        if let Some(heard) = &self.heard {
            let differ = self.roster.compare((found, whole), heard, &mut news.events);
            return if whole && differ <= STORM { self.hear_of_all() } else { Ok(()) };
        }
        let touched = std::mem::take(&mut self.touched);
        self.roster.compare((found, whole), &touched, &mut news.events);
        if touched.len() > STORM {
            // The next storm has begun, and there will be another look: each of them alone would cost more than all at once.
            return Ok(());
        }
        for index in touched {
            self.roster.compare_at(index, snapshot::glance_at(index)?, &mut news.events);
        }
        if whole {
            self.look_at = again;
        }
        Ok(())
    }

    /// Listens to all links, and has them looked at.
    fn hear_of_all(&mut self) -> io::Result<()> {
        sys::attach_filter(self.socket.as_fd(), &mut route_filter(&self.ignored))?;
        (self.heard, self.meter) = (None, None);
        self.look_at = Some(Instant::now());
        self.storm = Storm::new();
        Ok(())
    }

    fn look_later(&mut self) {
        self.storm = Storm::new();
        self.look_at = Some(Instant::now() + DEAF.max(self.cost * DEAF_FOR_A_LOOK));
    }

    /// Leaves it to the kernel to drop what is told of links that do not matter; whether it does.
    fn hear_of_some(&mut self) -> bool {
        let some = self.mattering();
        let program = storm_filter(&self.ignored, &some, self.roster.names());
        let taken = program.is_some_and(|mut program| sys::attach_filter(self.socket.as_fd(), &mut program).is_ok());
        if taken {
            self.heard = Some(some);
        }
        taken
    }

    /// Listens to links that have come to matter, and looks what became of them before.
    fn hear_of_more(&mut self, news: &mut News) -> io::Result<()> {
        let Some(heard) = &self.heard else { return Ok(()) };
        let more: Vec<u32> = self.mattering().difference(heard).copied().collect();
        if more.is_empty() {
            return Ok(());
        }
        if !self.hear_of_some() {
            // They are too many to tell them from others.
            return self.hear_of_all();
        }
        for index in more {
            self.roster.compare_at(index, snapshot::glance_at(index)?, &mut news.events);
            // Its next hops and routes may have been lost with it.
            news.changed.insert(index);
            news.suspect.insert(index);
        }
        Ok(())
    }

    /// Links that something leads through, and those that are waited for or used by their names.
    fn mattering(&self) -> BTreeSet<u32> {
        self.ledger.links().chain(self.roster.mattering().iter().copied()).collect()
    }

    /// Reads what is there already.
    fn gather_queued(&mut self, news: &mut News) -> io::Result<()> {
        for _ in 0..GATHER {
            match self.gather(news) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                other => other?,
            }
        }
        Ok(())
    }

    /// Reads one datagram into `news`.
    fn gather(&mut self, news: &mut News) -> io::Result<()> {
        match self.socket.receive(libc::MSG_DONTWAIT) {
            Ok(octets) => {
                for message in messages(octets) {
                    let by_us = message.port != 0 && self.ignored.contains(&message.port);
                    news.idle = news.idle.saturating_add(usize::from(is_idle(message, &self.ledger, &self.roster)));
                    let before = news.events.len();
                    news.read(message, by_us, &mut self.ledger);
                    for event in news.events.iter().skip(before) {
                        let link = self.roster.take(event);
                        self.touched.extend(link.filter(|_| self.looks && self.heard.is_none()));
                    }
                }
                Ok(())
            }
            Err(error) if error.raw_os_error() == Some(libc::ENOBUFS) => {
                self.socket.drain();
                self.ledger = snapshot::ledger()?;
                news.events.push(WorldEvent::Overrun);
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

/// What other threads want.
struct Asked {
    /// A snapshot was handed over.
    anew: bool,
    /// Somebody wants to know what is so now.
    look: bool,
    found: Option<Found>,
}

/// What some datagrams told, and the links whose next hops or foreign routes need a second look.
#[derive(Debug, Default)]
struct News {
    events: Vec<WorldEvent>,
    /// Links with next hops that changed and are up: a carrier that was gone for an instant took the next hops along,
    /// and the message is made when it is back already.
    changed: BTreeSet<u32>,
    suspect: BTreeSet<u32>,
    /// Messages about links that do not matter, since the storm was asked last.
    idle: usize,
}

impl News {
    fn read(&mut self, message: Message<'_>, by_us: bool, ledger: &mut Ledger) {
        match message.kind {
            RTM_NEWLINK => self.read_link(message.body, ledger),
            RTM_DELLINK => {
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

/// Whether a filter in a storm would drop a message: it is about a link that does not matter, or about a link-local address
/// of one.
fn is_idle(message: Message<'_>, ledger: &Ledger, roster: &Roster) -> bool {
    let body = message.body;
    let concerned = match message.kind {
        RTM_NEWLINK | RTM_DELLINK => true,
        // `ifa_family` and `ifa_scope`
        RTM_NEWADDR | RTM_DELADDR => u8_at(body, 0) == Some(AF_INET6) && u8_at(body, 3) == Some(RT_SCOPE_LINK),
        _ => false,
    };
    // `ifi_index` and `ifa_index` stand at the same place.
    let link = u32_at(body, 4).filter(|_| concerned);
    link.is_some_and(|link| {
        !ledger.has_objects_on(link) && !ledger.has_routes_over(link) && !roster.mattering().contains(&link)
    })
}

/// Whether messages that do not matter come by the hundred.
#[derive(Debug)]
struct Storm {
    since: Instant,
    count: usize,
}

impl Storm {
    fn new() -> Self {
        Self { since: Instant::now(), count: 0 }
    }

    /// Counts what was read since the last call.
    fn rages(&mut self, idle: usize) -> bool {
        if self.since.elapsed() > STORM_WITHIN {
            *self = Self::new();
        }
        self.count = self.count.saturating_add(idle);
        self.count > STORM
    }
}

#[cfg(test)]
mod tests;
