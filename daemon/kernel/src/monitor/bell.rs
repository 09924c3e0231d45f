//! A second socket that hears, while links come and go by the hundred, only what cannot wait until those are read.
//!
//! What it hears the monitor hears too: it is a bell, not a messenger. It belongs to a storm and hears nothing between
//! them. Never says what rang, and its silence is trusted for no longer than the monitor's pause.

use std::io;
use std::os::fd::AsFd as _;
use std::time::Duration;

use super::filter::bell_filter;
use crate::socket::RouteSocket;
use crate::sys;

/// Room for what rings within a pause; what finds none has rung too.
const QUEUE: i32 = 64 * 1024;
/// How many links it knows at most: each is a step of the program that the kernel runs for each message.
const LINKS: usize = 256;

/// The bell, if one is hung.
#[derive(Default)]
pub(super) struct Bell {
    hung: Option<Hung>,
}

/// Its socket, and the links that it knows.
struct Hung {
    socket: RouteSocket,
    links: Vec<u32>,
}

impl Bell {
    /// Sees to it that all of this rings: changes of these links, and of routes and next hops but those by these ports.
    /// What was there before has to be looked for after. Tells whether there is a bell.
    pub(super) fn hang(&mut self, groups: &[u32], ports: &[u32], links: &[u32]) -> bool {
        if self.hung.as_ref().is_none_or(|hung| hung.links != links) {
            // Without it the monitor looks more often.
            self.hung = (links.len() <= LINKS).then(|| open(groups, ports, links).ok()).flatten();
        }
        self.hung.is_some()
    }

    /// It hears nothing more.
    pub(super) fn take_down(&mut self) {
        self.hung = None;
    }

    /// Waits until it rings, for a time at most, and tells whether it did; what rang is forgotten.
    pub(super) fn rings(&mut self, within: Duration) -> bool {
        let Some(hung) = &mut self.hung else { return false };
        // What fails or is interrupted is a ring as well: it costs a look.
        let waited = sys::wait(&[hung.socket.as_fd()], &[], Some(within));
        waited.is_err() | hung.socket.drain()
    }
}

fn open(groups: &[u32], ports: &[u32], links: &[u32]) -> io::Result<Hung> {
    let mut socket = RouteSocket::open(QUEUE, QUEUE)?;
    sys::attach_filter(socket.as_fd(), &mut bell_filter(ports, links))?;
    for group in groups {
        socket.join(*group)?;
    }
    Ok(Hung { socket, links: links.to_vec() })
}
