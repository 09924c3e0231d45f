//! Everything that the kernel has, at once: links, addresses, foreign routes, and what is ours.
//!
//! Asked at start, after an overrun and when somebody meddled; between those the monitor tells. Each call
//! uses a socket of its own in the network namespace of the calling thread. Never changes anything.

use std::collections::BTreeSet;
use std::io;

use rib::fib::{FibTarget, KernelFib, RTPROT_TOWPATH, RouteKey};
use rib::world::{ForeignRoute, Link, LinkAddress, Snapshot};

use crate::attribute::Message;
use crate::decode::{self, NextHop, NextHopKind, Route};
use crate::ledger::Ledger;
use crate::number::{
    AF_INET, AF_INET6, IFLA_EXT_MASK, NHA_OIF, RT_TABLE_MAIN, RT_TABLE_UNSPEC, RTA_OIF, RTEXT_FILTER_SKIP_STATS,
    RTM_GETADDR, RTM_GETLINK, RTM_GETNEXTHOP, RTM_GETROUTE, RTM_NEWADDR, RTM_NEWLINK, RTM_NEWNEXTHOP, RTM_NEWROUTE,
    RTN_BLACKHOLE, RTN_UNREACHABLE,
};
use crate::socket::RouteSocket;

const QUEUE: i32 = 1024 * 1024;
/// Of a link its counters take the kernel longest, and nobody wants them here.
const NO_COUNTERS: [(u16, u32); 1] = [(IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS)];

/// All links, addresses and routes of the main table.
///
/// # Errors
/// When the kernel gives no socket or refuses a dump.
pub fn snapshot() -> io::Result<Snapshot> {
    let socket = &mut RouteSocket::open(QUEUE, QUEUE)?;
    let objects = next_hops(socket)?;
    let mut ours = fib_of(&objects);
    let mut ledger = Ledger::default();
    ledger.begin(objects);
    let mut foreign = Vec::new();
    for family in [AF_INET, AF_INET6] {
        foreign.extend(routes(socket, family, &[], |route| ledger.foreign(&route))?);
        ours.routes.extend(our_routes(socket, family)?);
    }
    Ok(Snapshot { links: links(socket)?, addresses: addresses(socket)?, routes: foreign, ours })
}

/// What the kernel has of ours: routes and next hops of protocol [`RTPROT_TOWPATH`].
///
/// A route of ours that points to no next-hop object, which we never make, is told as leading to group 0,
/// so that it differs from whatever is wanted.
///
/// # Errors
/// When the kernel gives no socket or refuses a dump.
pub fn kernel_fib() -> io::Result<KernelFib> {
    let socket = &mut RouteSocket::open(QUEUE, QUEUE)?;
    let mut ours = fib_of(&next_hops(socket)?);
    for family in [AF_INET, AF_INET6] {
        ours.routes.extend(our_routes(socket, family)?);
    }
    Ok(ours)
}

/// What the monitor has to know before it can understand changes.
pub(crate) fn ledger() -> io::Result<Ledger> {
    let socket = &mut RouteSocket::open(QUEUE, QUEUE)?;
    let mut ledger = Ledger::default();
    ledger.begin(next_hops(socket)?);
    for family in [AF_INET, AF_INET6] {
        for route in routes(socket, family, &[], |route| ledger.foreign(&route))? {
            ledger.remember(route);
        }
    }
    Ok(ledger)
}

/// The identifiers of all next-hop objects on a link; none if the link is gone.
pub(crate) fn objects_on(ifindex: u32) -> io::Result<BTreeSet<u32>> {
    let socket = &mut RouteSocket::open(QUEUE, QUEUE)?;
    let decode = |message: Message<'_>| of_kind(message, RTM_NEWNEXTHOP).and_then(decode::next_hop);
    match socket.dump(RTM_GETNEXTHOP, &[0; 8], &[(NHA_OIF, ifindex)], decode) {
        Err(error) if matches!(error.raw_os_error(), Some(libc::EOPNOTSUPP | libc::ENODEV)) => Ok(BTreeSet::new()),
        found => Ok(found?.into_iter().map(|object| object.id).collect()),
    }
}

/// The foreign routes that leave through one link; none if the link is gone.
pub(crate) fn routes_over(ifindex: u32, ledger: &Ledger) -> io::Result<Vec<ForeignRoute>> {
    let socket = &mut RouteSocket::open(QUEUE, QUEUE)?;
    let mut found = Vec::new();
    for family in [AF_INET, AF_INET6] {
        match routes(socket, family, &[(RTA_OIF, ifindex)], |route| ledger.foreign(&route)) {
            Err(error) if error.raw_os_error() == Some(libc::ENODEV) => {}
            rows => found.extend(rows?),
        }
    }
    Ok(found)
}

/// All links and addresses.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Picture {
    pub(crate) links: Vec<Link>,
    pub(crate) addresses: Vec<LinkAddress>,
}

/// What links and addresses there are, in one look, and whether nothing changed meanwhile. If something did, what is there
/// may be missing: Linux before 6.9 finds its place in a table again by counting.
pub(crate) fn glance() -> io::Result<(Picture, bool)> {
    let socket = &mut RouteSocket::open(QUEUE, QUEUE)?;
    let (links, all_links) = socket.glance(RTM_GETLINK, &[0; 16], &NO_COUNTERS, a_link)?;
    let (addresses, all_addresses) = socket.glance(RTM_GETADDR, &[0; 8], &[], an_address)?;
    Ok((Picture { links, addresses }, all_links && all_addresses))
}

/// One link and its addresses; nothing if it is gone.
pub(crate) fn glance_at(ifindex: u32) -> io::Result<Picture> {
    let socket = &mut RouteSocket::open(QUEUE, QUEUE)?;
    let [a, b, c, d] = ifindex.to_ne_bytes();
    let header = [0, 0, 0, 0, a, b, c, d, 0, 0, 0, 0, 0, 0, 0, 0];
    let gone = |error: &io::Error| error.raw_os_error() == Some(libc::ENODEV);
    let link = match socket.get(RTM_GETLINK, &header, &NO_COUNTERS, a_link) {
        Err(error) if gone(&error) => None,
        link => link?,
    };
    let addresses = match socket.glance(RTM_GETADDR, &[0, 0, 0, 0, a, b, c, d], &[], an_address) {
        Err(error) if gone(&error) => Vec::new(),
        found => found?.0,
    };
    Ok(Picture { links: link.into_iter().collect(), addresses })
}

fn links(socket: &mut RouteSocket) -> io::Result<Vec<Link>> {
    socket.dump(RTM_GETLINK, &[0; 16], &NO_COUNTERS, a_link)
}

fn addresses(socket: &mut RouteSocket) -> io::Result<Vec<LinkAddress>> {
    socket.dump(RTM_GETADDR, &[0; 8], &[], an_address)
}

fn a_link(message: Message<'_>) -> Option<Link> {
    of_kind(message, RTM_NEWLINK).and_then(decode::link)
}

fn an_address(message: Message<'_>) -> Option<LinkAddress> {
    of_kind(message, RTM_NEWADDR).and_then(decode::address)
}

/// All next-hop objects; none on a kernel that knows no such thing (before 5.3).
pub(crate) fn next_hops(socket: &mut RouteSocket) -> io::Result<Vec<NextHop>> {
    let decode = |message: Message<'_>| of_kind(message, RTM_NEWNEXTHOP).and_then(decode::next_hop);
    match socket.dump(RTM_GETNEXTHOP, &[0; 8], &[], decode) {
        Err(error) if error.raw_os_error() == Some(libc::EOPNOTSUPP) => Ok(Vec::new()),
        other => other,
    }
}

/// Our routes of every table.
fn our_routes(socket: &mut RouteSocket, family: u8) -> io::Result<Vec<(RouteKey, FibTarget)>> {
    dump_routes(socket, family, (RT_TABLE_UNSPEC, RTPROT_TOWPATH), &[], |route| our_route(&route))
}

/// Routes of the main table that matter, as far as `keep` wants them.
fn routes<T>(
    socket: &mut RouteSocket,
    family: u8,
    filter: &[(u16, u32)],
    mut keep: impl FnMut(Route) -> Option<T>,
) -> io::Result<Vec<T>> {
    let keep = |route: Route| if route.matters() { keep(route) } else { None };
    dump_routes(socket, family, (RT_TABLE_MAIN, 0), filter, keep)
}

/// Routes of one table or of all (0), of one protocol or of all (0).
///
/// A family that the kernel does not have, or a table that does not exist yet, has no routes.
fn dump_routes<T>(
    socket: &mut RouteSocket,
    family: u8,
    (table, protocol): (u8, u8),
    filter: &[(u16, u32)],
    mut keep: impl FnMut(Route) -> Option<T>,
) -> io::Result<Vec<T>> {
    let header = [family, 0, 0, 0, table, protocol, 0, 0, 0, 0, 0, 0];
    let decode = |message: Message<'_>| of_kind(message, RTM_NEWROUTE).and_then(decode::route).and_then(&mut keep);
    match socket.dump(RTM_GETROUTE, &header, filter, decode) {
        Err(error) if matches!(error.raw_os_error(), Some(libc::ENOENT | libc::EOPNOTSUPP)) => Ok(Vec::new()),
        other => other,
    }
}

pub(crate) fn of_kind(message: Message<'_>, kind: u16) -> Option<&[u8]> {
    (message.kind == kind).then_some(message.body)
}

fn fib_of(objects: &[NextHop]) -> KernelFib {
    let mut fib = KernelFib::default();
    for object in objects.iter().filter(|object| object.protocol == RTPROT_TOWPATH) {
        match &object.kind {
            NextHopKind::Leg(leg) => {
                fib.next_hops.insert(object.id, *leg);
            }
            NextHopKind::Group(members) => {
                fib.groups.insert(object.id, members.clone());
            }
            // We make no blackhole objects; an empty group differs from every wanted one.
            NextHopKind::Blackhole => {
                fib.groups.insert(object.id, Vec::new());
            }
        }
    }
    fib
}

fn our_route(route: &Route) -> Option<(RouteKey, FibTarget)> {
    if !route.is_ours() {
        return None;
    }
    let target = match route.kind {
        RTN_BLACKHOLE => FibTarget::Blackhole,
        RTN_UNREACHABLE => FibTarget::Unreachable,
        _ => FibTarget::Group(route.next_hop.unwrap_or(0)),
    };
    Some((route.key(), target))
}
