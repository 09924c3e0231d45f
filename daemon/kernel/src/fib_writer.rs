//! Puts routes and next hops into the kernel: many changes in one datagram, each refusal at its change.
//!
//! A socket of its own, so that nothing else can fill its queue. Changes are idempotent (created or
//! replaced; a deletion of what is gone is done), so a batch whose answers were lost is simply sent again.
//! Never reads tables and never decides what to do about a refusal.

use std::io;

use rib::fib::{FibChange, Refused};

use crate::attribute::{Batch, messages};
use crate::encode;
use crate::number::NLMSG_ERROR;
use crate::socket::{RouteSocket, errno, reason};

/// Octets of one datagram at which it is sent; the largest group fits behind it.
const BATCH_OCTETS: usize = 60 * 1024;
const RECEIVE_QUEUE: i32 = 4 * 1024 * 1024;
const SEND_QUEUE: i32 = 1024 * 1024;

/// The writer of the kernel's forwarding table.
pub struct FibWriter {
    socket: RouteSocket,
    batch: Batch,
}

impl FibWriter {
    /// Changes that one datagram carries: even if each is refused, the refusals fit into the queue.
    pub const BATCH: usize = 256;

    /// Opens the writer's socket in the network namespace of the calling thread.
    ///
    /// # Errors
    /// When the kernel gives no netlink socket.
    pub fn open() -> io::Result<Self> {
        Ok(Self {
            socket: RouteSocket::open(RECEIVE_QUEUE, SEND_QUEUE)?,
            batch: Batch::with_capacity(BATCH_OCTETS.saturating_add(4096)),
        })
    }

    /// The netlink port that stands in notifications of what this writer did; see `Monitor::ignore_port`.
    #[must_use]
    pub fn port_id(&self) -> u32 {
        self.socket.port()
    }

    /// Makes the changes in their order and returns those that the kernel refused.
    ///
    /// A refused change does not stop those behind it. A deletion of what is already gone is not a refusal.
    ///
    /// # Errors
    /// When the socket fails; how many of the changes were made is then unknown, and only
    /// [`crate::kernel_fib`] can tell.
    pub fn apply(&mut self, changes: &[FibChange]) -> io::Result<Vec<Refused>> {
        let mut refused = Vec::new();
        let mut rest = changes;
        while !rest.is_empty() {
            let (now, later) = rest.split_at(self.fill(rest, Self::BATCH));
            match self.exchange(now) {
                Ok(answers) => refused.extend(answers),
                Err(error) if error.raw_os_error() == Some(libc::ENOBUFS) => refused.extend(self.one_by_one(now)?),
                Err(error) => return Err(error),
            }
            rest = later;
        }
        Ok(refused)
    }

    /// Fills the batch from the front of `changes` and returns how many fitted, at least one.
    fn fill(&mut self, changes: &[FibChange], limit: usize) -> usize {
        let first = self.socket.sequences(limit);
        self.batch.clear();
        let mut count = 0;
        for (change, offset) in changes.iter().take(limit).zip(0_u32..) {
            encode::append(&mut self.batch, change, first.wrapping_add(offset));
            count += 1;
            if self.batch.octets().len() >= BATCH_OCTETS {
                break;
            }
        }
        self.batch.acknowledge_last();
        count
    }

    /// Sends the batch that [`FibWriter::fill`] made of `changes` and reads answers up to that of the last one.
    fn exchange(&mut self, changes: &[FibChange]) -> io::Result<Vec<Refused>> {
        let Some(first) = messages(self.batch.octets()).next().map(|message| message.sequence) else {
            return Ok(Vec::new());
        };
        self.socket.send(self.batch.octets())?;
        let mut refused = Vec::new();
        loop {
            for answer in messages(self.socket.receive(0)?).filter(|answer| answer.kind == NLMSG_ERROR) {
                let Ok(place) = usize::try_from(answer.sequence.wrapping_sub(first)) else { continue };
                // An answer to something older, left over from a batch that overran.
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
    fn one_by_one(&mut self, changes: &[FibChange]) -> io::Result<Vec<Refused>> {
        self.socket.drain();
        let mut refused = Vec::new();
        for change in changes.chunks(1) {
            self.fill(change, 1);
            refused.extend(self.exchange(change)?);
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
