//! The thread that watches paths: packets of BFD and probes in and out, each at its moment, whatever the loop is busy with.
//!
//! Never decides anything: `bfd` does, and what becomes of a path is an event for the engine.

mod probes;
mod sockets;
mod told;

use std::io::{Read, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::sync::mpsc::{self, Receiver, Sender, TryRecvError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use api::view::BfdPeers;
use bfd::liveness::Wishes;
use bfd::{Output, Report, Table};
use engine::paths::Watched;
use engine::{Event, Notice};

use crate::run::Inbox;
use probes::Probes;
use sockets::Sockets;

/// How long a question waits for its answer.
const PATIENCE: Duration = Duration::from_secs(2);

/// What the thread is asked.
enum Order {
    /// Watch these.
    Watch(Watched),
    /// Ask these whether they live.
    Probe(Wishes),
    /// Tell how they are.
    Tell(Sender<Vec<Report>>),
    /// Tell the other sides that this is no failure, and end.
    End,
}

/// The way to the thread, which begins with the first path that shall be watched.
#[derive(Clone)]
pub(crate) struct Way {
    orders: Sender<Order>,
    bell: std::sync::Arc<UnixStream>,
}

/// The thread, if there is one.
pub(crate) struct Paths {
    inbox: Inbox,
    seed: u32,
    running: Option<(Way, JoinHandle<()>)>,
}

impl Paths {
    /// Nothing is watched yet. The seed decides discriminators, ports and jitter.
    pub(crate) fn new(inbox: Inbox, seed: u32) -> Self {
        Self { inbox, seed, running: None }
    }

    /// Watches these paths and no others.
    pub(crate) fn watch(&mut self, watched: Watched) {
        self.order(watched.is_empty(), Order::Watch(watched));
    }

    /// Asks these hosts and no others whether they live.
    pub(crate) fn probe(&mut self, wishes: Wishes) {
        self.order(wishes.is_empty(), Order::Probe(wishes));
    }

    fn order(&mut self, is_nothing: bool, order: Order) {
        if self.running.is_none() {
            if is_nothing {
                return;
            }
            match start(self.inbox.clone(), self.seed) {
                Ok(running) => self.running = Some(running),
                Err(error) => {
                    let text = format!("paths cannot be watched: {error}; BFD sessions stay down, and nobody is asked");
                    return self.inbox.note(Notice::error(text));
                }
            }
        }
        if let Some((way, _)) = &self.running
            && !way.order(order)
        {
            self.inbox.note(Notice::error("the thread that watches paths has ended; restart the daemon"));
        }
    }

    /// The way to the thread, for questions.
    pub(crate) fn way(&self) -> Option<Way> {
        self.running.as_ref().map(|(way, _)| way.clone())
    }

    /// Ends the thread; the other sides are told that it is no failure.
    pub(crate) fn end(&mut self) {
        if let Some((way, thread)) = self.running.take()
            && way.order(Order::End)
        {
            let _ = thread.join();
        }
    }
}

impl Way {
    fn order(&self, order: Order) -> bool {
        let taken = self.orders.send(order).is_ok();
        // A bell that cannot be rung has been rung often and not been heard yet.
        let _ = (&*self.bell).write(&[1]);
        taken
    }

    /// Fills in how the sessions are that a view lists.
    pub(crate) fn complete(&self, view: &mut BfdPeers) {
        let (answer, reports) = mpsc::channel();
        if self.order(Order::Tell(answer))
            && let Ok(reports) = reports.recv_timeout(PATIENCE)
        {
            told::complete(view, &reports, Instant::now());
        }
    }
}

fn start(inbox: Inbox, seed: u32) -> std::io::Result<(Way, JoinHandle<()>)> {
    let (bell, ear) = UnixStream::pair()?;
    bell.set_nonblocking(true)?;
    ear.set_nonblocking(true)?;
    let (orders, orders_out) = mpsc::channel();
    let watcher = Watcher {
        table: Table::new(seed),
        sockets: Sockets::new(seed),
        probes: Probes::new(seed),
        inbox,
        orders: orders_out,
        ear,
        outputs: Vec::new(),
    };
    let thread = thread::Builder::new().name("paths".to_owned()).spawn(move || watcher.run())?;
    Ok((Way { orders, bell: bell.into() }, thread))
}

struct Watcher {
    table: Table,
    sockets: Sockets,
    probes: Probes,
    inbox: Inbox,
    orders: Receiver<Order>,
    ear: UnixStream,
    outputs: Vec<Output>,
}

impl Watcher {
    fn run(mut self) {
        if let Err(error) = kernel::host::raise_priority() {
            let text = format!(
                "the thread that watches paths has no priority ({error}); BFD with short intervals may fail under load"
            );
            self.inbox.note(Notice::warning(text));
        }
        loop {
            self.wait();
            if !self.take_orders() {
                break;
            }
            // What has come before the time ran out is read before that is judged.
            self.read();
            self.table.tick(Instant::now(), &mut self.outputs);
            if let Some(problem) = self.probes.tick(Instant::now()) {
                self.inbox.note(Notice::error(problem));
            }
            self.carry_out();
        }
        self.table.want(Instant::now(), &Watched::new(), &mut self.outputs);
        self.carry_out();
    }

    fn wait(&self) {
        let due = self.table.deadline().into_iter().chain(self.probes.deadline()).min();
        let at_most = due.map(|due| due.saturating_duration_since(Instant::now()));
        let ports = self.sockets.ports().map(AsFd::as_fd);
        let readable: Vec<BorrowedFd<'_>> =
            std::iter::once(self.ear.as_fd()).chain(ports).chain(self.probes.readable()).collect();
        let writable: Vec<BorrowedFd<'_>> = self.probes.writable().collect();
        match kernel::datagram::wait(&readable, &writable, at_most) {
            Ok(()) => {}
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => {
                self.inbox.note(Notice::error(format!("waiting for packets of BFD and probes failed: {error}")));
                thread::sleep(Duration::from_millis(100));
            }
        }
    }

    fn take_orders(&mut self) -> bool {
        while matches!((&self.ear).read(&mut [0; 64]), Ok(64)) {}
        loop {
            match self.orders.try_recv() {
                Ok(Order::Watch(watched)) => {
                    for problem in self.sockets.prepare(&watched) {
                        self.inbox.note(Notice::error(problem));
                    }
                    self.table.want(Instant::now(), &watched, &mut self.outputs);
                }
                Ok(Order::Probe(wishes)) => self.probes.want(&wishes),
                Ok(Order::Tell(answer)) => _ = answer.send(self.table.reports().collect()),
                Ok(Order::End) | Err(TryRecvError::Disconnected) => return false,
                Err(TryRecvError::Empty) => return true,
            }
        }
    }

    fn read(&mut self) {
        let (table, outputs) = (&mut self.table, &mut self.outputs);
        self.sockets.read(|arrival| {
            // What is thrown away is counted by the table.
            let _ = table.receive(Instant::now(), arrival, outputs);
        });
        self.probes.read();
    }

    fn carry_out(&mut self) {
        let outputs = std::mem::take(&mut self.outputs);
        let changes = outputs.iter().filter_map(|output| match output {
            Output::Changed(key, change) => Some((key.clone(), *change)),
            Output::Send(..) | Output::Over(_) => None,
        });
        let changes: Vec<_> = changes.collect();
        if !changes.is_empty() {
            self.inbox.push(Event::Paths(changes));
        }
        let changes = self.probes.changes();
        if !changes.is_empty() {
            self.inbox.push(Event::Health(changes));
        }
        for output in outputs {
            match output {
                Output::Send(key, octets) => {
                    if let Some(problem) = self.sockets.send(&key, &octets) {
                        self.inbox.note(Notice::warning(problem));
                    }
                }
                Output::Over(key) => self.sockets.close(&key),
                Output::Changed(..) => {}
            }
        }
    }
}
