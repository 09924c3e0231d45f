//! Threads that talk to the kernel: one writes forwarding entries, one listens for changes, and one at a time reads
//! whole tables.
//!
//! Never decides what is written.

use std::io;
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;
use std::time::Duration;

use engine::{Event, Notice};
use kernel::{FibWriter, Monitor};
use rib::fib::{FibChange, Refused};
use rib::world::WorldEvent;

use crate::run::Inbox;

/// How long what failed waits before it is tried again.
const AGAIN: Duration = Duration::from_secs(1);

/// What the writer is asked, in order.
enum Task {
    /// Make these changes.
    Write(Vec<FibChange>),
    /// A repair waits: nothing else may have woken the writer.
    Repair,
    /// Read what the kernel has of ours, once all of the above is written.
    Audit,
    /// Read everything.
    Snapshot,
}

/// The way to the writer.
pub(crate) struct Orders {
    tasks: Sender<Task>,
    repairs: Sender<Vec<FibChange>>,
}

/// The writer's thread has ended.
pub(crate) struct Ended;

impl Orders {
    pub(crate) fn write(&self, changes: Vec<FibChange>) -> Result<(), Ended> {
        self.order(Task::Write(changes))
    }

    /// Goes ahead of all that is not in the kernel's hands yet.
    pub(crate) fn repair(&self, changes: Vec<FibChange>) -> Result<(), Ended> {
        self.repairs.send(changes).map_err(|_| Ended)?;
        self.order(Task::Repair)
    }

    pub(crate) fn audit(&self) -> Result<(), Ended> {
        self.order(Task::Audit)
    }

    pub(crate) fn snapshot(&self) -> Result<(), Ended> {
        self.order(Task::Snapshot)
    }

    fn order(&self, task: Task) -> Result<(), Ended> {
        self.tasks.send(task).map_err(|_| Ended)
    }
}

/// Both sockets, before their threads run.
pub(crate) struct Sockets {
    writer: FibWriter,
    monitor: Monitor,
}

impl Sockets {
    /// Opens them; the monitor first, so that nothing that happens after the first snapshot is missed.
    pub(crate) fn open() -> io::Result<Self> {
        let mut monitor = Monitor::open()?;
        let writer = FibWriter::open()?;
        monitor.ignore_port(writer.port_id())?;
        Ok(Self { writer, monitor })
    }

    /// Starts both threads.
    pub(crate) fn spawn(self, inbox: Inbox) -> Orders {
        let Self { writer, monitor } = self;
        let ((tasks, orders), (repairs, urgent)) = (mpsc::channel(), mpsc::channel());
        let from_monitor = inbox.clone();
        thread::spawn(move || listen(monitor, &from_monitor));
        thread::spawn(move || Writer { socket: writer, urgent, inbox }.write(&orders));
        Orders { tasks, repairs }
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
    urgent: Receiver<Vec<FibChange>>,
    inbox: Inbox,
}

impl Writer {
    fn write(mut self, orders: &Receiver<Task>) {
        for task in orders {
            self.repair();
            match task {
                Task::Write(changes) => {
                    let refused = changes.chunks(FibWriter::BATCH).flat_map(|some| self.apply_some(some)).collect();
                    self.inbox.push(Event::FibDone(refused));
                }
                Task::Repair => {}
                Task::Audit => self.read(|| Ok(Event::Audited(Box::new(kernel::kernel_fib()?)))),
                Task::Snapshot => self.read(|| Ok(Event::Snapshot(Box::new(kernel::snapshot()?)))),
            }
        }
    }

    /// A batch of a portion; what is urgent goes before it.
    fn apply_some(&mut self, changes: &[FibChange]) -> Vec<Refused> {
        self.repair();
        self.apply(changes)
    }

    fn repair(&mut self) {
        while let Ok(changes) = self.urgent.try_recv() {
            let refused = self.apply(&changes);
            self.inbox.push(Event::Repaired(refused));
        }
    }

    fn apply(&mut self, changes: &[FibChange]) -> Vec<Refused> {
        self.socket.apply(changes).unwrap_or_else(|error| {
            // What was written before the error is not known: a snapshot tells.
            self.inbox.note(Notice::error(format!("talking to the kernel failed: {error}; it is tried again")));
            thread::sleep(AGAIN);
            self.inbox.push(Event::World(vec![WorldEvent::Overrun]));
            Vec::new()
        })
    }

    /// Reads a whole table beside the writer, so that a repair need not wait until it is read.
    fn read(&self, table: impl Fn() -> io::Result<Event> + Send + 'static) {
        let inbox = self.inbox.clone();
        thread::spawn(move || {
            loop {
                match table() {
                    Ok(event) => return inbox.push(event),
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
