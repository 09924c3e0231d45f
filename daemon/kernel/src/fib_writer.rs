//! Puts routes and next hops into the kernel: many changes in one datagram, each refusal at its change.
//!
//! A socket of its own, so that nothing else can fill its queue. Changes are idempotent (created or
//! replaced; a deletion of what is gone is done), so a datagram whose answers were lost is simply made again.
//! Never reads tables and never decides what to do about a refusal.

use std::io;

use rib::fib::{FibChange, Refused};

use crate::attribute::messages;
use crate::encode::{Datagram, Datagrams};
use crate::number::NLMSG_ERROR;
use crate::socket::{RouteSocket, errno, reason};

const RECEIVE_QUEUE: i32 = 4 * 1024 * 1024;
const SEND_QUEUE: i32 = 1024 * 1024;

/// The writer of the kernel's forwarding table.
pub struct FibWriter {
    socket: RouteSocket,
}

impl FibWriter {
    /// Opens the writer's socket in the network namespace of the calling thread.
    ///
    /// # Errors
    /// When the kernel gives no netlink socket.
    pub fn open() -> io::Result<Self> {
        Ok(Self { socket: RouteSocket::open(RECEIVE_QUEUE, SEND_QUEUE)? })
    }

    /// The netlink port that stands in notifications of what this writer did; see `Monitor::ignore_port`.
    #[must_use]
    pub fn port_id(&self) -> u32 {
        self.socket.port()
    }

    /// Makes the changes of a datagram in their order and returns those that the kernel refused.
    ///
    /// A refused change does not stop those behind it. A deletion of what is already gone is not a refusal. No two
    /// datagrams of a writer share a sequence number, but for those that numbers have gone round since.
    ///
    /// # Errors
    /// When the socket fails; how many of the changes were made is then unknown, and only
    /// [`crate::kernel_fib`] can tell.
    pub fn write(&mut self, datagram: Datagram<'_>) -> io::Result<Vec<Refused>> {
        match self.exchange(datagram) {
            Err(error) if error.raw_os_error() == Some(libc::ENOBUFS) => self.one_by_one(datagram),
            answers => answers,
        }
    }

    /// Sends a datagram and reads answers up to that of its last message.
    fn exchange(&mut self, Datagram { changes, octets, first }: Datagram<'_>) -> io::Result<Vec<Refused>> {
        self.socket.send(octets)?;
        let mut refused = Vec::new();
        loop {
            for answer in messages(self.socket.receive(0)?).filter(|answer| answer.kind == NLMSG_ERROR) {
                let Ok(place) = usize::try_from(answer.sequence.wrapping_sub(first)) else { continue };
                // An answer to something older, left over from a datagram that overran.
                let Some(change) = changes.get(place) else { continue };
                let errno = errno(answer);
                if errno != 0 && !already_gone(change, errno) {
                    refused.push(Refused { change: change.clone(), errno, reason: reason(answer) });
                }
                if place.saturating_add(1) == changes.len() {
                    return Ok(refused);
                }
            }
        }
    }

    /// After lost answers: every change again, each with its own answer.
    fn one_by_one(&mut self, Datagram { changes, first, .. }: Datagram<'_>) -> io::Result<Vec<Refused>> {
        self.socket.drain();
        let mut refused = Vec::new();
        for (change, offset) in changes.iter().zip(0_u32..) {
            for alone in Datagrams::new(vec![change.clone()], first.wrapping_add(offset)).iter() {
                refused.extend(self.exchange(alone)?);
            }
        }
        Ok(refused)
    }
}

/// `ESRCH` for a route, `ENOENT` for a next hop: what was to go is not there.
fn already_gone(change: &FibChange, errno: i32) -> bool {
    match change {
        FibChange::RouteGone(_) => errno == libc::ESRCH,
        FibChange::NextHopGone(_) => errno == libc::ENOENT,
        FibChange::NextHop { .. } | FibChange::Group { .. } | FibChange::Route { .. } => false,
    }
}
