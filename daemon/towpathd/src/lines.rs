//! One TCP connection each: a task that reads, a task that writes, and a count of what waits between them.
//!
//! The task that reads decodes, too, once it was told how; so all processors share that work. Never judges what a peer
//! says. What a peer does not read is told (RFC 9687), so that the engine makes no more for it
//! and gives it up in the end.

use std::io::{self, IoSlice};
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bgp::reception::{Arrived, Codec, Reception};
use bgp::session::ConnId;
use engine::Event;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout, timeout_at};

use crate::run::{Inbox, READ_SIZE};

/// How long a connection that is being closed may take to write what is left.
const LINGER: Duration = Duration::from_secs(2);
/// How many pieces go to the kernel in one call.
const AT_ONCE: usize = 64;
/// A writer that could write nothing for so long tells how much is left.
const STALL: Duration = Duration::from_secs(1);
/// More octets than this waiting are told at once.
const MUCH: usize = 2 << 20;

/// What waits to be written.
#[derive(Default)]
struct Waiting {
    octets: AtomicUsize,
    /// It was told to be much, or stuck, and not yet that it is over.
    told: AtomicBool,
}

/// One connection, as the rest of the daemon holds it. Dropping it lets the writer finish and close.
pub(crate) struct Line {
    conn: ConnId,
    writer: UnboundedSender<Arc<Vec<u8>>>,
    waiting: Arc<Waiting>,
    reader: JoinHandle<()>,
    writing: Option<JoinHandle<()>>,
    codec: Arc<OnceLock<Codec>>,
    socket: OwnedFd,
    inbox: Inbox,
}

impl Line {
    /// Starts both tasks of a connection; `socket` is a second descriptor of it.
    pub(crate) fn new(conn: ConnId, stream: TcpStream, socket: OwnedFd, inbox: &Inbox) -> Self {
        let (read, write) = stream.into_split();
        let (writer, queue) = unbounded_channel();
        let waiting = Arc::new(Waiting::default());
        let codec = Arc::new(OnceLock::new());
        let reader = tokio::spawn(read_all(conn, read, inbox.clone(), Arc::clone(&codec)));
        let shared = Arc::clone(&waiting);
        let writing = Writer { conn, write, waiting: shared, inbox: inbox.clone(), last: None, closing: None };
        let writing = Some(tokio::spawn(writing.run(queue)));
        Self { conn, writer, waiting, reader, writing, codec, socket, inbox: inbox.clone() }
    }

    /// Lets the writer finish and close; the answer is the task that does so.
    pub(crate) fn finish(mut self) -> Option<JoinHandle<()>> {
        self.writing.take()
    }

    /// For setting options.
    pub(crate) fn socket(&self) -> &OwnedFd {
        &self.socket
    }

    /// Messages that begin from now on are decoded where they are read.
    pub(crate) fn decode(&self, codec: Codec) {
        let _ = self.codec.set(codec);
    }

    /// Puts octets behind those that wait.
    pub(crate) fn send(&self, octets: Arc<Vec<u8>>) {
        let waiting = self.waiting.octets.fetch_add(octets.len(), Ordering::Relaxed).saturating_add(octets.len());
        if self.writer.send(octets).is_ok() && waiting > MUCH {
            self.waiting.told.store(true, Ordering::Relaxed);
            self.inbox.push(Event::SendQueue(self.conn, waiting));
        }
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.reader.abort();
    }
}

async fn read_all(conn: ConnId, read: OwnedReadHalf, inbox: Inbox, codec: Arc<OnceLock<Codec>>) {
    let mut reception = Reception::default();
    let error = loop {
        if let Err(error) = read.readable().await {
            break Some(error.to_string());
        }
        // Memory is taken once there is something to read and the engine is not far behind.
        let Some(mut room) = inbox.room().await else { return };
        let mut octets = Vec::with_capacity(READ_SIZE);
        match read.try_read_buf(&mut octets) {
            Ok(0) => break None,
            Ok(count) => {
                room.keep(count);
                let mut room = Some(room);
                reception.take(&octets, codec.get(), |arrived| {
                    let event = match arrived {
                        Arrived::Octets(octets) => Event::Bytes(conn, octets),
                        Arrived::Messages(messages) => Event::Messages(conn, messages),
                    };
                    inbox.push_read(event, room.take());
                });
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => break Some(error.to_string()),
        }
    };
    inbox.push_read(Event::Closed(conn, error), None);
}

/// The task that writes.
struct Writer {
    conn: ConnId,
    write: OwnedWriteHalf,
    waiting: Arc<Waiting>,
    inbox: Inbox,
    /// When and how much the writer told last.
    last: Option<(Instant, usize)>,
    /// When a connection that is being closed is given up.
    closing: Option<Instant>,
}

impl Writer {
    async fn run(mut self, mut queue: UnboundedReceiver<Arc<Vec<u8>>>) {
        let mut batch = Vec::with_capacity(AT_ONCE);
        while queue.recv_many(&mut batch, AT_ONCE).await > 0 {
            // The reading task sees the same end and tells of it.
            if self.write_whole(&batch, &queue).await.is_err() {
                return;
            }
            batch.clear();
        }
        let _ = self.write.shutdown().await;
    }

    async fn write_whole(&mut self, batch: &[Arc<Vec<u8>>], queue: &UnboundedReceiver<Arc<Vec<u8>>>) -> io::Result<()> {
        let mut slices: Vec<IoSlice<'_>> = batch.iter().map(|octets| IoSlice::new(octets)).collect();
        let mut rest = slices.as_mut_slice();
        while !rest.is_empty() {
            let count = if queue.is_closed() {
                let end = *self.closing.get_or_insert_with(|| Instant::now() + LINGER);
                timeout_at(end, self.write.write_vectored(rest)).await??
            } else {
                match timeout(STALL, self.write.write_vectored(rest)).await {
                    Ok(written) => written?,
                    Err(_) => {
                        self.tell(self.waiting.octets.load(Ordering::Relaxed));
                        continue;
                    }
                }
            };
            IoSlice::advance_slices(&mut rest, count);
            self.wrote(count);
        }
        Ok(())
    }

    /// The peer reads: that is told where the wait was told before.
    fn wrote(&mut self, count: usize) {
        let waiting = self.waiting.octets.fetch_sub(count, Ordering::Relaxed).saturating_sub(count);
        if !self.waiting.told.load(Ordering::Relaxed) {
            return;
        }
        if waiting <= MUCH / 2 {
            // What is left does not matter any more.
            self.waiting.told.store(false, Ordering::Relaxed);
            self.last = None;
            self.inbox.push(Event::SendQueue(self.conn, 0));
        } else if self.last.is_none_or(|(when, told)| when.elapsed() >= STALL && waiting < told) {
            self.tell(waiting);
        }
    }

    fn tell(&mut self, waiting: usize) {
        self.waiting.told.store(true, Ordering::Relaxed);
        self.last = Some((Instant::now(), waiting));
        self.inbox.push(Event::SendQueue(self.conn, waiting));
    }
}
