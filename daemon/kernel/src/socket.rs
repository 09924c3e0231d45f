//! A blocking `NETLINK_ROUTE` socket, and how to read a whole table through it.
//!
//! Dumps are asked with strict checking, so that the kernel honours the filter, and are asked again when
//! the table changed under them (`NLM_F_DUMP_INTR`). Never interprets what it carries.

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};

use netlink_sys::{Socket, SocketAddr, protocols::NETLINK_ROUTE};

use crate::attribute::{Batch, Message, attributes, messages, u32_at};
use crate::number::{
    NLM_F_ACK, NLM_F_ACK_TLVS, NLM_F_CAPPED, NLM_F_DUMP, NLM_F_DUMP_INTR, NLM_F_REQUEST, NLMSG_DONE, NLMSG_ERROR,
    NLMSGERR_ATTR_MSG,
};
use crate::sys;

/// The kernel never makes a larger datagram for a reader of this size (`netlink_dump`, `nlmsg_total_size`).
const READ_SIZE: usize = 64 * 1024;
/// How often a dump is asked again when the table changes meanwhile.
const DUMP_ATTEMPTS: usize = 32;

/// The socket, its read buffer and the next sequence number.
pub(crate) struct RouteSocket {
    socket: Socket,
    buffer: Vec<u8>,
    port: u32,
    sequence: u32,
}

impl RouteSocket {
    /// Opens and binds; `receive` and `send` are the sizes of the kernel's queues in octets.
    pub(crate) fn open(receive: i32, send: i32) -> io::Result<Self> {
        let mut socket = Socket::new(NETLINK_ROUTE)?;
        let port = socket.bind_auto()?.port_number();
        size_queue(socket.as_fd(), libc::SO_RCVBUFFORCE, libc::SO_RCVBUF, receive)?;
        size_queue(socket.as_fd(), libc::SO_SNDBUFFORCE, libc::SO_SNDBUF, send)?;
        socket.set_ext_ack(true)?;
        socket.set_cap_ack(true)?;
        socket.set_netlink_get_strict_chk(true)?;
        Ok(Self { socket, buffer: vec![0; READ_SIZE], port, sequence: 0 })
    }

    /// The port that the kernel writes into notifications of what this socket changed.
    pub(crate) fn port(&self) -> u32 {
        self.port
    }

    /// Joins a multicast group of `NETLINK_ROUTE`.
    pub(crate) fn join(&mut self, group: u32) -> io::Result<()> {
        self.socket.add_membership(group)
    }

    /// A sequence number, the first of `count` that nobody else uses.
    pub(crate) fn sequences(&mut self, count: usize) -> u32 {
        let first = self.sequence;
        self.sequence = first.wrapping_add(u32::try_from(count).unwrap_or(u32::MAX));
        first
    }

    /// Sends one datagram of one or more messages to the kernel.
    pub(crate) fn send(&self, octets: &[u8]) -> io::Result<()> {
        let kernel = SocketAddr::new(0, 0);
        loop {
            match self.socket.send_to(octets, &kernel, 0) {
                Ok(_) => return Ok(()),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Receives one datagram; a datagram that does not fit is an overrun (`ENOBUFS`) like one that was dropped.
    pub(crate) fn receive(&mut self, flags: i32) -> io::Result<&[u8]> {
        loop {
            match self.socket.recv(&mut self.buffer.as_mut_slice(), flags | libc::MSG_TRUNC) {
                Ok(length) => {
                    return self.buffer.get(..length).ok_or_else(|| io::Error::from_raw_os_error(libc::ENOBUFS));
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Throws away what is queued; whether there was something.
    pub(crate) fn drain(&mut self) -> bool {
        let mut found = false;
        loop {
            match self.receive(libc::MSG_DONTWAIT) {
                Ok(_) => found = true,
                Err(error) if error.raw_os_error() == Some(libc::ENOBUFS) => found = true,
                Err(_) => return found,
            }
        }
    }

    /// Reads a table: `fixed` is the fixed part of the request, `filter` its attributes of 32 bits.
    ///
    /// # Errors
    /// What the kernel answers, and `EAGAIN` when the table never held still.
    pub(crate) fn dump<T>(
        &mut self,
        kind: u16,
        fixed: &[u8],
        filter: &[(u16, u32)],
        mut decode: impl FnMut(Message<'_>) -> Option<T>,
    ) -> io::Result<Vec<T>> {
        for _ in 0..DUMP_ATTEMPTS {
            let mut rows = Vec::new();
            match self.dump_once(kind, fixed, filter, |message| rows.extend(decode(message))) {
                Ok(true) => return Ok(rows),
                Ok(false) => {}
                Err(error) if error.raw_os_error() == Some(libc::ENOBUFS) => drop(self.drain()),
                Err(error) => return Err(error),
            }
        }
        Err(io::Error::from_raw_os_error(libc::EAGAIN))
    }

    /// Reads a table once, whatever changes meanwhile, and tells whether nothing did.
    ///
    /// # Errors
    /// What the kernel answers.
    pub(crate) fn glance<T>(
        &mut self,
        kind: u16,
        fixed: &[u8],
        filter: &[(u16, u32)],
        mut decode: impl FnMut(Message<'_>) -> Option<T>,
    ) -> io::Result<(Vec<T>, bool)> {
        let mut rows = Vec::new();
        let whole = self.dump_once(kind, fixed, filter, |message| rows.extend(decode(message)))?;
        Ok((rows, whole))
    }

    /// Asks for one thing.
    ///
    /// # Errors
    /// What the kernel answers.
    pub(crate) fn get<T>(
        &mut self,
        kind: u16,
        fixed: &[u8],
        filter: &[(u16, u32)],
        mut decode: impl FnMut(Message<'_>) -> Option<T>,
    ) -> io::Result<Option<T>> {
        let sequence = self.sequences(1);
        let mut request = Batch::default();
        request.begin(kind, NLM_F_REQUEST | NLM_F_ACK, sequence, fixed);
        for (attribute, value) in filter {
            request.attribute_u32(*attribute, *value);
        }
        request.end();
        let mut found = None;
        self.carry_out(&request, sequence, |message| {
            if let Some(row) = decode(message) {
                found = Some(row);
            }
        })?;
        Ok(found)
    }

    /// Asks for one change and waits until the kernel has made it.
    ///
    /// # Errors
    /// What the kernel answers.
    pub(crate) fn change(&mut self, kind: u16, fixed: &[u8], attributes: &[(u16, &[u8])]) -> io::Result<()> {
        self.request(kind, 0, fixed, attributes)
    }

    /// The same with flags of the request (`NLM_F_CREATE` and the like).
    pub(crate) fn request(
        &mut self,
        kind: u16,
        flags: u16,
        fixed: &[u8],
        attributes: &[(u16, &[u8])],
    ) -> io::Result<()> {
        let sequence = self.sequences(1);
        let mut request = Batch::default();
        request.begin(kind, NLM_F_REQUEST | NLM_F_ACK | flags, sequence, fixed);
        for (attribute, value) in attributes {
            request.attribute(*attribute, value);
        }
        request.end();
        self.carry_out(&request, sequence, |_| ())
    }

    /// Sends a request and waits until it is acknowledged; whatever comes before goes to `row`.
    fn carry_out(&mut self, request: &Batch, sequence: u32, mut row: impl FnMut(Message<'_>)) -> io::Result<()> {
        self.send(request.octets())?;
        loop {
            for message in messages(self.receive(0)?).filter(|message| message.sequence == sequence) {
                match (message.kind, errno(message)) {
                    (NLMSG_ERROR, 0) => return Ok(()),
                    (NLMSG_ERROR, errno) => return Err(io::Error::from_raw_os_error(errno)),
                    _ => row(message),
                }
            }
        }
    }

    /// One attempt; `false` when the table changed meanwhile.
    fn dump_once(
        &mut self,
        kind: u16,
        fixed: &[u8],
        filter: &[(u16, u32)],
        mut row: impl FnMut(Message<'_>),
    ) -> io::Result<bool> {
        let sequence = self.sequences(1);
        let mut request = Batch::default();
        request.begin(kind, NLM_F_REQUEST | NLM_F_DUMP, sequence, fixed);
        for (attribute, value) in filter {
            request.attribute_u32(*attribute, *value);
        }
        request.end();
        self.send(request.octets())?;
        let mut whole = true;
        loop {
            for message in messages(self.receive(0)?).filter(|message| message.sequence == sequence) {
                whole &= message.flags & NLM_F_DUMP_INTR == 0;
                match message.kind {
                    NLMSG_DONE | NLMSG_ERROR => {
                        return match errno(message) {
                            0 => Ok(whole),
                            errno => Err(io::Error::from_raw_os_error(errno)),
                        };
                    }
                    _ => row(message),
                }
            }
        }
    }
}

impl AsFd for RouteSocket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

impl AsRawFd for RouteSocket {
    fn as_raw_fd(&self) -> std::os::fd::RawFd {
        self.socket.as_raw_fd()
    }
}

/// `errno` of `NLMSG_ERROR` or `NLMSG_DONE`, positive; 0 for an acknowledgement.
pub(crate) fn errno(message: Message<'_>) -> i32 {
    u32_at(message.body, 0).map_or(libc::EBADMSG, |code| code.cast_signed().saturating_neg())
}

/// The kernel's own sentence about a refusal (`NLMSGERR_ATTR_MSG`), or else the name of the error.
pub(crate) fn reason(message: Message<'_>) -> String {
    extended_reason(message).unwrap_or_else(|| errno_words(errno(message)))
}

fn extended_reason(message: Message<'_>) -> Option<String> {
    if message.flags & NLM_F_ACK_TLVS == 0 {
        return None;
    }
    // Behind the code stands the header of the request, and the request itself unless it was left out.
    let request = if message.flags & NLM_F_CAPPED == 0 { usize::try_from(u32_at(message.body, 4)?).ok()? } else { 16 };
    let attributes_at = crate::attribute::aligned(request).checked_add(4)?;
    let (_, text) = attributes(message.body.get(attributes_at..)?).find(|(kind, _)| *kind == NLMSGERR_ATTR_MSG)?;
    let text = text.strip_suffix(&[0]).unwrap_or(text);
    Some(String::from_utf8_lossy(text).into_owned())
}

/// The C library's words for an error number.
pub(crate) fn errno_words(errno: i32) -> String {
    words(&io::Error::from_raw_os_error(errno))
}

/// What an error says, without the number of the C library behind it: `Connection refused`.
#[must_use]
pub fn words(error: &io::Error) -> String {
    let words = error.to_string();
    words.split_once(" (os error").map_or(words.clone(), |(before, _)| before.to_owned())
}

/// Beyond the system's limit where we are privileged, up to it where not.
fn size_queue(fd: BorrowedFd<'_>, force: i32, ask: i32, octets: i32) -> io::Result<()> {
    sys::set_int(fd, libc::SOL_SOCKET, force, octets).or_else(|_| sys::set_int(fd, libc::SOL_SOCKET, ask, octets))
}
