//! Threads that talk to the kernel: one writes forwarding entries, one repairs groups that lead to a dead node, one
//! listens for changes, and one at a time reads whole tables.
//!
//! A repair has a thread and a socket of its own, which goes before all that is not of real time: it waits neither for a
//! batch that is being written nor for a turn of the loop that keeps a processor busy. Never decides what is written.

use std::collections::BTreeSet;
use std::io;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use engine::{Event, Notice};
use kernel::{Datagram, Datagrams, FibWriter, Lookout, Monitor};
use nouns::IfName;
use rib::fib::{FibChange, Refused};
use rib::world::{Snapshot, WorldEvent};

use crate::run::Inbox;

/// How long what failed waits before it is tried again.
const AGAIN: Duration = Duration::from_secs(1);

/// How long the loop waits for a repair at most; usually it takes a tenth of that.
const REPAIR: Duration = Duration::from_millis(2);

/// What the writer is asked, in order.
enum Task {
    /// Make these changes.
    Write(Datagrams),
    /// Read what the kernel has of ours, once all of the above is written.
    Audit,
    /// Read everything.
    Snapshot,
}

/// The way to the writer and to who repairs.
pub(crate) struct Orders {
    tasks: Sender<Task>,
    repairs: Sender<Datagrams>,
    /// The sequence number of the next message.
    sequence: AtomicU32,
    gate: Arc<Gate>,
    lookout: Lookout,
}

/// A thread has ended.
pub(crate) struct Ended;

/// Keeps what was ordered behind a repair behind it: the writer begins nothing while one is under way.
#[derive(Default)]
struct Gate {
    repairs: Mutex<usize>,
    open: Condvar,
}

impl Gate {
    /// One more repair is ordered.
    fn close(&self) {
        let mut repairs = self.repairs.lock().unwrap_or_else(PoisonError::into_inner);
        *repairs = repairs.saturating_add(1);
    }

    /// One of them is done.
    fn open(&self) {
        let mut repairs = self.repairs.lock().unwrap_or_else(PoisonError::into_inner);
        *repairs = repairs.saturating_sub(1);
        if *repairs == 0 {
            self.open.notify_all();
        }
    }

    /// As `pass`, but no longer than a time.
    fn pass_within(&self, at_most: Duration) {
        let repairs = self.repairs.lock().unwrap_or_else(PoisonError::into_inner);
        let passed = self.open.wait_timeout_while(repairs, at_most, |repairs| *repairs > 0);
        drop(passed.unwrap_or_else(PoisonError::into_inner));
    }

    /// Waits until all are done that were ordered so far.
    fn pass(&self) {
        let repairs = self.repairs.lock().unwrap_or_else(PoisonError::into_inner);
        drop(self.open.wait_while(repairs, |repairs| *repairs > 0).unwrap_or_else(PoisonError::into_inner));
    }
}

impl Orders {
    pub(crate) fn write(&self, changes: Vec<FibChange>) -> Result<(), Ended> {
        self.order(Task::Write(self.encode(changes)))
    }

    /// Goes ahead of all that is not in the kernel's hands yet.
    pub(crate) fn repair(&self, changes: Vec<FibChange>) -> Result<(), Ended> {
        self.gate.close();
        self.repairs.send(self.encode(changes)).map_err(|_| Ended)
    }

    /// Leaves the processor to a repair that was ordered, for a moment: what the loop has to do next may keep it busy for long.
    pub(crate) fn let_repair(&self) {
        self.gate.pass_within(REPAIR);
    }

    pub(crate) fn audit(&self) -> Result<(), Ended> {
        self.order(Task::Audit)
    }

    pub(crate) fn snapshot(&self) -> Result<(), Ended> {
        self.order(Task::Snapshot)
    }

    /// Links of these names are told of at once.
    pub(crate) fn heed(&self, names: BTreeSet<IfName>) {
        self.lookout.heed(names);
    }

    /// The way to who listens.
    pub(crate) fn lookout(&self) -> Lookout {
        self.lookout.clone()
    }

    /// Makes the messages, so that the writer, on which a full table waits, need not.
    fn encode(&self, changes: Vec<FibChange>) -> Datagrams {
        let count = u32::try_from(changes.len()).unwrap_or(u32::MAX);
        Datagrams::new(changes, self.sequence.fetch_add(count, Ordering::Relaxed))
    }

    fn order(&self, task: Task) -> Result<(), Ended> {
        self.tasks.send(task).map_err(|_| Ended)
    }
}

/// All sockets, before their threads run.
pub(crate) struct Sockets {
    writer: FibWriter,
    repairer: FibWriter,
    monitor: Monitor,
}

impl Sockets {
    /// Opens them; the monitor first, so that nothing that happens after the first snapshot is missed.
    pub(crate) fn open() -> io::Result<Self> {
        let mut monitor = Monitor::open()?;
        let (writer, repairer) = (FibWriter::open()?, FibWriter::open()?);
        monitor.ignore_port(writer.port_id())?;
        monitor.ignore_port(repairer.port_id())?;
        Ok(Self { writer, repairer, monitor })
    }

    /// Starts the threads; what was there first is known from a snapshot.
    pub(crate) fn spawn(self, inbox: Inbox, first: &Snapshot) -> Orders {
        let Self { writer, repairer, monitor } = self;
        let lookout = monitor.lookout();
        lookout.begin(Box::new(first.clone()), drop);
        let ((tasks, orders), (repairs, urgent)) = (mpsc::channel(), mpsc::channel());
        let gate = Arc::new(Gate::default());
        let from_monitor = inbox.clone();
        thread::spawn(move || listen(monitor, &from_monitor));
        let of = |socket, inbox| Writer { socket, inbox, lookout: lookout.clone() };
        let (writer, repairer) = (of(writer, inbox.clone()), of(repairer, inbox));
        let before = Arc::clone(&gate);
        thread::spawn(move || writer.write(&orders, &before));
        let after = Arc::clone(&gate);
        thread::spawn(move || repairer.repair(&urgent, &after));
        Orders { tasks, repairs, sequence: AtomicU32::default(), gate, lookout }
    }
}

fn listen(mut monitor: Monitor, inbox: &Inbox) {
    loop {
        match monitor.next() {
            Ok(events) if events.is_empty() => {}
            Ok(events) => inbox.push(Event::World(events)),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => {
                inbox.note(Notice::error(format!("reading kernel messages failed: {error}")));
                inbox.push(Event::World(vec![WorldEvent::Overrun]));
                thread::sleep(AGAIN);
            }
        }
    }
}

struct Writer {
    socket: FibWriter,
    inbox: Inbox,
    lookout: Lookout,
}

impl Writer {
    fn write(mut self, orders: &Receiver<Task>, gate: &Gate) {
        // Routes wait for this thread alone; whoever finds them has time to spare.
        let _ = kernel::host::favour();
        for task in orders {
            gate.pass();
            match task {
                Task::Write(datagrams) => {
                    let refused = datagrams.iter().flat_map(|datagram| self.apply_behind(datagram, gate)).collect();
                    self.inbox.push(Event::FibDone(refused));
                }
                Task::Audit => {
                    let inbox = self.inbox.clone();
                    self.read(kernel::kernel_fib, move |fib| inbox.push(Event::Audited(Box::new(fib))));
                }
                Task::Snapshot => {
                    let (inbox, lookout) = (self.inbox.clone(), self.lookout.clone());
                    // Who listens hands it over, behind what it has told and before what it will.
                    let hand_over = move |snapshot| inbox.push(Event::Snapshot(snapshot));
                    self.read(kernel::snapshot, move |snapshot| lookout.begin(Box::new(snapshot), hand_over));
                }
            }
        }
    }

    /// A datagram of a portion; what is urgent goes before it.
    fn apply_behind(&mut self, datagram: Datagram<'_>, gate: &Gate) -> Vec<Refused> {
        gate.pass();
        self.apply(datagram)
    }

    fn repair(mut self, urgent: &Receiver<Datagrams>, gate: &Gate) {
        // Where that is not allowed, repairs take their turn like everything else.
        let _ = kernel::host::raise_priority();
        for datagrams in urgent {
            let refused = datagrams.iter().flat_map(|datagram| self.apply(datagram)).collect();
            gate.open();
            self.inbox.push(Event::Repaired(refused));
        }
    }

    fn apply(&mut self, datagram: Datagram<'_>) -> Vec<Refused> {
        self.socket.write(datagram).unwrap_or_else(|error| {
            // What was written before the error is not known: a snapshot tells.
            self.inbox.note(Notice::error(format!("talking to the kernel failed: {error}; it is tried again")));
            thread::sleep(AGAIN);
            self.inbox.push(Event::World(vec![WorldEvent::Overrun]));
            Vec::new()
        })
    }

    /// Reads a whole table beside the writer, so that a repair need not wait until it is read.
    fn read<T>(&self, table: impl Fn() -> io::Result<T> + Send + 'static, then: impl FnOnce(T) + Send + 'static) {
        let inbox = self.inbox.clone();
        thread::spawn(move || {
            loop {
                match table() {
                    Ok(found) => return then(found),
                    Err(error) => {
                        let text = format!("reading the kernel's tables failed: {error}; it is tried again");
                        inbox.note(Notice::error(text));
                        thread::sleep(AGAIN);
                    }
                }
            }
        });
    }
}
