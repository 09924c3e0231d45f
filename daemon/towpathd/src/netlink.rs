//! Threads that talk to the kernel: one writes forwarding entries, one listens for changes.
//!
//! Never decides what is written.

use std::io;
use std::sync::mpsc::{self, Sender};
use std::thread;
use std::time::Duration;

use engine::{Event, Notice};
use kernel::{FibWriter, Monitor};
use rib::fib::FibChange;
use rib::world::WorldEvent;

use crate::run::Inbox;

/// What the writer is asked.
pub(crate) enum Task {
    /// Make these changes.
    Write(Vec<FibChange>),
    /// Read what the kernel has of ours.
    Audit,
    /// Read everything.
    Snapshot,
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
    pub(crate) fn spawn(self, inbox: Inbox) -> Sender<Task> {
        let Self { writer, monitor } = self;
        let (sender, tasks) = mpsc::channel();
        let from_monitor = inbox.clone();
        thread::spawn(move || listen(monitor, &from_monitor));
        thread::spawn(move || write(writer, &tasks, &inbox));
        sender
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
                thread::sleep(Duration::from_secs(1));
            }
        }
    }
}

fn write(mut writer: FibWriter, tasks: &mpsc::Receiver<Task>, inbox: &Inbox) {
    for task in tasks {
        let event = match task {
            Task::Write(changes) => writer.apply(&changes).map(Event::FibDone),
            Task::Audit => kernel::kernel_fib().map(Event::Audited),
            Task::Snapshot => kernel::snapshot().map(Event::Snapshot),
        };
        match event {
            Ok(event) => inbox.push(event),
            Err(error) => {
                // What was written before the error is not known: a snapshot tells.
                inbox.note(Notice::error(format!("talking to the kernel failed: {error}; it is tried again")));
                thread::sleep(Duration::from_secs(1));
                inbox.push(Event::World(vec![WorldEvent::Overrun]));
            }
        }
    }
}
