//! How much is told of links while nobody reads it: a socket whose queue is full only counts what comes (`sk_drops` of
//! `net/netlink/af_netlink.c`).
//!
//! Never reads a message.

use std::io;
use std::os::fd::AsFd;

use crate::number::RTNLGRP_LINK;
use crate::socket::RouteSocket;
use crate::sys;

/// The least that the kernel takes: room for a message or two.
const QUEUE: i32 = 1;

/// The counter.
pub(super) struct Meter {
    socket: RouteSocket,
    before: u32,
}

impl Meter {
    /// Begins to count.
    ///
    /// # Errors
    /// When the kernel gives no socket, or not the group.
    pub(super) fn open() -> io::Result<Self> {
        let mut socket = RouteSocket::open(QUEUE, QUEUE)?;
        socket.join(RTNLGRP_LINK)?;
        Ok(Self { socket, before: 0 })
    }

    /// How much was told since the last call, but for what found room at first.
    ///
    /// # Errors
    /// When the kernel does not tell.
    pub(super) fn count(&mut self) -> io::Result<usize> {
        let now = sys::dropped(self.socket.as_fd())?;
        let count = now.wrapping_sub(std::mem::replace(&mut self.before, now));
        Ok(usize::try_from(count).unwrap_or(usize::MAX))
    }
}
