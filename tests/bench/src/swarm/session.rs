//! One session of the swarm: it writes what it is given and counts, or drops, what it reads.
//!
//! It never enforces a hold time, so that a daemon that is slow is measured and not cut off.

use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use tokio::io::AsyncWriteExt as _;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpSocket, TcpStream};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::time::{sleep, timeout};

use super::tally::Tally;
use crate::clock::Stamp;
use crate::wire::{self, KEEPALIVE, NOTIFICATION, next_message};

const PORT: u16 = 179;
/// How long a daemon may take until it has a session.
const PATIENCE: Duration = Duration::from_secs(60);
const ATTEMPT: Duration = Duration::from_secs(10);
/// Milliseconds within which one sign of life is like another.
const SIGNS_APART: f64 = 10.0;
/// Read at once at most.
const BUFFER: usize = 1 << 18;

/// What is wanted of a session.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wanted {
    pub(super) own: Ipv4Addr,
    pub(super) daemon: Ipv4Addr,
    pub(super) asn: u32,
    pub(super) hold_time: u16,
}

/// A session that is up.
#[derive(Debug)]
pub(super) struct Session {
    pub(super) wanted: Wanted,
    loads: UnboundedSender<Arc<Vec<u8>>>,
    state: Arc<Mutex<State>>,
}

/// What the tasks of a session tell.
#[derive(Debug)]
struct State {
    /// `None` for a session whose routes nobody counts.
    tally: Option<Tally>,
    /// When anything came of a session whose routes nobody counts, as far apart as [`SIGNS_APART`].
    signs: Vec<Stamp>,
    failure: Option<String>,
}

impl Session {
    /// Opens it; a daemon that has only just started may refuse, or close what it accepted.
    pub(super) async fn open(wanted: Wanted, tally: Option<Tally>) -> Result<Self> {
        let end = Instant::now() + PATIENCE;
        let (stream, buffer) = loop {
            let failed = match timeout(ATTEMPT, establish(wanted)).await {
                Ok(Ok(open)) => break open,
                Ok(Err(error)) => error,
                Err(_) => anyhow::anyhow!("no answer within {ATTEMPT:?}"),
            };
            if Instant::now() > end {
                return Err(failed.context(format!("no session of {} within {PATIENCE:?}", wanted.own)));
            }
            sleep(Duration::from_millis(50)).await;
        };
        let state = State { tally, signs: Vec::new(), failure: None };
        let state = Arc::new(Mutex::new(state));
        let (loads, waiting) = unbounded_channel();
        let (reading, writing) = stream.into_split();
        tokio::spawn(read(reading, buffer, Arc::clone(&state)));
        let pause = Duration::from_secs(u64::from(wanted.hold_time.max(3)) / 3);
        tokio::spawn(write(writing, waiting, pause, Arc::clone(&state)));
        Ok(Self { wanted, loads, state })
    }

    /// Hands over octets that are written as soon as the daemon takes them.
    pub(super) fn send(&self, load: Arc<Vec<u8>>) -> Result<()> {
        self.loads.send(load).ok().context("the session has ended")
    }

    /// Looks at what was counted, or changes what is waited for.
    ///
    /// # Errors
    /// When the session has ended.
    pub(super) fn tally<T>(&self, look: impl FnOnce(&mut Tally) -> T) -> Result<Option<T>> {
        let mut state = locked(&self.state);
        match &state.failure {
            Some(failure) => bail!("the session of {} has ended: {failure}", self.wanted.own),
            None => Ok(state.tally.as_mut().map(look)),
        }
    }
}

impl Session {
    /// The stamps of what came since it was last asked; nothing comes once the session has ended.
    pub(super) fn signs(&self) -> Vec<Stamp> {
        std::mem::take(&mut locked(&self.state).signs)
    }
}

fn locked(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Octets of which the last message may be incomplete.
struct Buffer {
    octets: Vec<u8>,
    filled: usize,
}

impl Buffer {
    /// Reads once; the daemon that closes is an error.
    async fn fill(&mut self, stream: &impl Readable) -> Result<()> {
        loop {
            stream.wait().await.context("waiting for the daemon")?;
            let Some(room) = self.octets.get_mut(self.filled..) else { bail!("no room") };
            match stream.take(room) {
                Ok(0) => bail!("the daemon closed the connection"),
                Ok(count) => {
                    self.filled += count;
                    return Ok(());
                }
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(error).context("reading from the daemon"),
            }
        }
    }

    /// Gives whole messages until there is none, or until the function says `false`.
    fn messages(&mut self, mut each: impl FnMut(u8, &[u8]) -> Result<bool>) -> Result<()> {
        let Some(filled) = self.octets.get(..self.filled) else { return Ok(()) };
        let mut rest = filled;
        let mut wanted = true;
        while wanted && let Some((kind, body, after)) = next_message(rest) {
            wanted = each(kind, body)?;
            rest = after;
        }
        let (end, left) = (self.filled, rest.len());
        self.octets.copy_within(end - left..end, 0);
        self.filled = left;
        Ok(())
    }
}

/// What both a whole connection and its reading half can do.
trait Readable {
    async fn wait(&self) -> std::io::Result<()>;
    fn take(&self, room: &mut [u8]) -> std::io::Result<usize>;
}

impl Readable for TcpStream {
    async fn wait(&self) -> std::io::Result<()> {
        self.readable().await
    }
    fn take(&self, room: &mut [u8]) -> std::io::Result<usize> {
        self.try_read(room)
    }
}

impl Readable for OwnedReadHalf {
    async fn wait(&self) -> std::io::Result<()> {
        self.readable().await
    }
    fn take(&self, room: &mut [u8]) -> std::io::Result<usize> {
        self.try_read(room)
    }
}

/// Connects and exchanges OPEN and KEEPALIVE; what came behind them is in the buffer.
async fn establish(wanted: Wanted) -> Result<(TcpStream, Buffer)> {
    let socket = TcpSocket::new_v4()?;
    socket.set_reuseaddr(true)?;
    socket.bind((wanted.own, 0).into()).context("binding")?;
    let mut stream = socket.connect((wanted.daemon, PORT).into()).await.context("connecting")?;
    stream.set_nodelay(true)?;
    stream.write_all(&wire::open(wanted.asn, wanted.hold_time, wanted.own)).await?;
    let mut buffer = Buffer { octets: vec![0; BUFFER], filled: 0 };
    for awaited in [wire::OPEN, KEEPALIVE] {
        let mut came = false;
        while !came {
            buffer.messages(|kind, body| match kind {
                NOTIFICATION => bail!("the daemon said {body:?}"),
                kind => {
                    came = kind == awaited;
                    Ok(!came)
                }
            })?;
            if !came {
                buffer.fill(&stream).await?;
            }
        }
        if awaited == wire::OPEN {
            stream.write_all(&wire::keepalive()).await?;
        }
    }
    Ok((stream, buffer))
}

/// Counts, or drops, what comes, until the connection ends.
async fn read(stream: OwnedReadHalf, mut buffer: Buffer, state: Arc<Mutex<State>>) {
    loop {
        let taken = {
            let mut state = locked(&state);
            let taken = buffer.messages(|kind, body| state.take(kind, body).map(|()| true));
            if let Some(tally) = &mut state.tally {
                tally.look();
            }
            taken
        };
        let more = match taken {
            Ok(()) => buffer.fill(&stream).await,
            Err(error) => Err(error),
        };
        if let Err(error) = more {
            locked(&state).failure.get_or_insert(format!("{error:#}"));
            return;
        }
    }
}

impl State {
    fn take(&mut self, kind: u8, body: &[u8]) -> Result<()> {
        if self.tally.is_none() {
            let now = Stamp::now();
            if self.signs.last().is_none_or(|last| now.milliseconds_since(*last) > SIGNS_APART) {
                self.signs.push(now);
            }
        }
        match &mut self.tally {
            Some(tally) => tally.take(kind, body),
            None if kind == NOTIFICATION => bail!("the daemon said {body:?}"),
            None => Ok(()),
        }
    }
}

/// Writes loads as they come, and keepalives while there is none.
async fn write(
    mut stream: OwnedWriteHalf,
    mut loads: UnboundedReceiver<Arc<Vec<u8>>>,
    pause: Duration,
    state: Arc<Mutex<State>>,
) {
    let keepalive = wire::keepalive();
    loop {
        let written = match timeout(pause, loads.recv()).await {
            Ok(Some(load)) => stream.write_all(&load).await,
            // Dropped: the connection goes with both halves.
            Ok(None) => return,
            Err(_) => stream.write_all(&keepalive).await,
        };
        if let Err(error) = written {
            locked(&state).failure.get_or_insert(format!("writing to the daemon: {error}"));
            return;
        }
    }
}
