//! The loop: events in, the engine, effects out.
//!
//! Never thinks. It goes in rounds, and in each of them everybody gets a turn: the kernel and persons, peers, and
//! the clock. So neither a peer that floods nor a person who asks for large tables keeps the others waiting.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use engine::{Effect, Engine, Event, Moment, Notice};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::connections::Arrival;
use crate::hands::Hands;
use crate::supervisor::Supervisor;

/// How long events of one kind are taken in while others wait.
const TURN: Duration = Duration::from_millis(20);
/// How long what peers sent is taken in while others wait. What is taken at once is one read, at most.
const READ_TURN: Duration = Duration::from_millis(5);
/// The same when the loop was held up.
const CATCH_UP_TURN: Duration = Duration::from_secs(1);
/// Octets that a connection reads at a time.
pub(crate) const READ_SIZE: usize = 32 * 1024;
/// Octets of peers that may be read and not yet taken in, decoded or not. A peer that floods is then slowed down by TCP,
/// and what another peer sends waits no longer than these take.
const UNREAD: usize = 8 * READ_SIZE;
/// A loop that wakes up so late was held up with the whole process: peers may have written meanwhile.
const HELD_UP: Duration = Duration::from_millis(500);
/// How long the tasks that read then get before timers are judged.
const CATCH_UP: Duration = Duration::from_millis(50);
/// How long the loop sleeps when the engine waits for nothing.
const IDLE: Duration = Duration::from_secs(3600);

/// How long a listener waits that could not accept; out of descriptors, waiting is all that helps.
pub(crate) const ACCEPT_AGAIN: Duration = Duration::from_millis(100);

/// Where events come from.
#[derive(Clone)]
pub(crate) struct Inbox {
    events: UnboundedSender<Event>,
    reads: UnboundedSender<(Event, Option<Room>)>,
    room: Arc<Semaphore>,
    notes: UnboundedSender<Notice>,
}

/// Room for octets of a peer, until the engine takes them.
pub(crate) struct Room(OwnedSemaphorePermit);

impl Room {
    /// Gives back what a read did not need.
    pub(crate) fn keep(&mut self, octets: usize) {
        let spare = self.0.num_permits().saturating_sub(octets.max(1));
        drop(self.0.split(spare));
    }
}

/// The other end of the inbox.
pub(crate) struct Outlet {
    events: UnboundedReceiver<Event>,
    reads: UnboundedReceiver<(Event, Option<Room>)>,
    notes: UnboundedReceiver<Notice>,
}

/// An inbox and its outlet.
pub(crate) fn inbox() -> (Inbox, Outlet) {
    let (events, events_out) = mpsc::unbounded_channel();
    let (reads, reads_out) = mpsc::unbounded_channel();
    let room = Arc::new(Semaphore::new(UNREAD));
    let (notes, notes_out) = mpsc::unbounded_channel();
    (Inbox { events, reads, room, notes }, Outlet { events: events_out, reads: reads_out, notes: notes_out })
}

impl Inbox {
    /// Puts an event in.
    pub(crate) fn push(&self, event: Event) {
        let _ = self.events.send(event);
    }

    /// Waits until there is room for one read of a peer; who waits first is served first.
    pub(crate) async fn room(&self) -> Option<Room> {
        let size = u32::try_from(READ_SIZE).unwrap_or(u32::MAX);
        Arc::clone(&self.room).acquire_many_owned(size).await.ok().map(Room)
    }

    /// Puts in what a peer sent, or that it is gone.
    pub(crate) fn push_read(&self, event: Event, room: Option<Room>) {
        let _ = self.reads.send((event, room));
    }

    /// Tells the operator something that the rim itself found.
    pub(crate) fn note(&self, notice: Notice) {
        let _ = self.notes.send(notice);
    }

    /// Tells that a listener could not accept, once until it can again.
    pub(crate) fn note_refused_accept(&self, what: &str, error: &std::io::Error, told: &mut bool) {
        if !std::mem::replace(told, true) {
            let hint = if kernel::host::is_out_of_descriptors(error) {
                "; no file descriptors are left, raise their limit (ulimit -n)"
            } else {
                ""
            };
            self.note(Notice::error(format!("{what} cannot be accepted for the moment: {error}{hint}")));
        }
    }
}

/// What time it is.
pub(crate) fn moment() -> Moment {
    let unix = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    Moment { instant: Instant::now(), unix }
}

/// Runs until the engine asks for the end.
pub(crate) async fn run(
    mut engine: Engine,
    mut hands: Hands,
    mut outlet: Outlet,
    mut arrivals: UnboundedReceiver<Arrival>,
    first: Vec<Effect>,
) -> std::io::Result<()> {
    let (mut term, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let mut effects = first;
    let mut supervisor = Supervisor::of_environment();
    supervisor.ready();
    loop {
        if carry_out(&mut effects, &mut hands).is_break() {
            supervisor.stopping();
            hands.last_words().await;
            return Ok(());
        }
        let now = Instant::now();
        let due = engine.deadline().unwrap_or(now + IDLE);
        let wake = supervisor.alive(now).map_or(due, |alive| alive.min(due));
        let mut tick = due <= now;
        tokio::select! {
            biased;
            _ = term.recv() => engine.handle(moment(), Event::Terminate, &mut effects),
            _ = interrupt.recv() => engine.handle(moment(), Event::Terminate, &mut effects),
            Some(arrival) = arrivals.recv() => hands.arrived(arrival),
            Some(notice) = outlet.notes.recv() => engine.tell(moment(), notice, &mut effects),
            Some(event) = outlet.events.recv() => give(event, &mut engine, &mut effects),
            Some((event, _)) = outlet.reads.recv() => give(event, &mut engine, &mut effects),
            () = tokio::time::sleep_until(wake.into()) => tick = wake == due,
        }
        // Timers are judged behind what the peers had sent when they ended.
        let held_up = due.max(now).elapsed() > HELD_UP;
        if held_up {
            tokio::time::sleep(CATCH_UP).await;
        }
        take_in(&mut outlet, &mut engine, &mut effects, if held_up { CATCH_UP_TURN } else { READ_TURN });
        if tick {
            engine.handle(moment(), Event::Tick, &mut effects);
        }
        // A dead node leaves the kernel's groups before the routes that led to it are looked at.
        let repairs = effects.iter().any(|effect| matches!(effect, Effect::Repair(_)));
        if carry_out(&mut effects, &mut hands).is_break() {
            hands.last_words().await;
            return Ok(());
        }
        if repairs {
            hands.let_repair();
        }
        engine.settle(moment(), &mut effects);
    }
}

fn carry_out(effects: &mut Vec<Effect>, hands: &mut Hands) -> ControlFlow<()> {
    effects.drain(..).try_for_each(|effect| hands.carry_out(effect))
}

/// Takes in what else is at hand, each kind for its turn; not while a repair of the kernel waits to be carried out.
fn take_in(outlet: &mut Outlet, engine: &mut Engine, effects: &mut Vec<Effect>, turn: Duration) {
    let (mut seen, mut found) = (0, false);
    let mut urgent = |effects: &[Effect]| {
        let mut fresh = effects.iter().skip(std::mem::replace(&mut seen, effects.len()));
        found |= fresh.any(|effect| matches!(effect, Effect::Repair(_)));
        found
    };
    let begin = Instant::now();
    while !urgent(effects)
        && begin.elapsed() <= TURN
        && let Ok(event) = outlet.events.try_recv()
    {
        give(event, engine, effects);
    }
    let begin = Instant::now();
    // While much is undecided each turn takes one read, so that timers see that peers live, and decides.
    while !urgent(effects)
        && !engine.is_behind()
        && begin.elapsed() < turn
        && let Ok((event, _)) = outlet.reads.try_recv()
    {
        give(event, engine, effects);
    }
}

fn give(event: Event, engine: &mut Engine, effects: &mut Vec<Effect>) {
    let ended = match &event {
        Event::Closed(conn, _) | Event::ConnectFailed(conn, _) => Some(*conn),
        _ => None,
    };
    engine.handle(moment(), event, effects);
    // Behind the engine's last words: a peer that has closed its side may still read.
    effects.extend(ended.map(Effect::Close));
}
