//! The loop: events in, the engine, effects out.
//!
//! Never thinks. It goes in rounds, and in each of them everybody gets a turn: the kernel and persons, peers, and
//! the clock. So neither a peer that floods nor a person who asks for large tables keeps the others waiting.

use std::ops::ControlFlow;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use engine::{Effect, Engine, Event, Moment, Notice};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc::{self, Receiver, Sender, UnboundedReceiver, UnboundedSender};

use crate::connections::Arrival;
use crate::hands::Hands;

/// How long events of one kind are taken in while others wait.
const TURN: Duration = Duration::from_millis(20);
/// How many reads of peers may wait. A peer that floods is then slowed down by TCP, and what another peer sent
/// meanwhile waits no longer than these take; one round takes them all.
const OCTET_QUEUE: usize = 8;
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
    octets: Sender<Event>,
    notes: UnboundedSender<Notice>,
}

/// The other end of the inbox.
pub(crate) struct Outlet {
    events: UnboundedReceiver<Event>,
    octets: Receiver<Event>,
    notes: UnboundedReceiver<Notice>,
}

/// An inbox and its outlet.
pub(crate) fn inbox() -> (Inbox, Outlet) {
    let (events, events_out) = mpsc::unbounded_channel();
    let (octets, octets_out) = mpsc::channel(OCTET_QUEUE);
    let (notes, notes_out) = mpsc::unbounded_channel();
    (Inbox { events, octets, notes }, Outlet { events: events_out, octets: octets_out, notes: notes_out })
}

impl Inbox {
    /// Puts an event in.
    pub(crate) fn push(&self, event: Event) {
        let _ = self.events.send(event);
    }

    /// Puts in what a peer sent; waits while too much of that is there.
    pub(crate) async fn push_octets(&self, event: Event) {
        let _ = self.octets.send(event).await;
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
    loop {
        if carry_out(&mut effects, &mut hands).is_break() {
            return Ok(());
        }
        let due = engine.deadline().unwrap_or_else(|| Instant::now() + IDLE);
        // Timers are judged behind what the peers had sent when they ended.
        let mut tick = due <= Instant::now();
        tokio::select! {
            biased;
            _ = term.recv() => engine.handle(moment(), Event::Terminate, &mut effects),
            _ = interrupt.recv() => engine.handle(moment(), Event::Terminate, &mut effects),
            Some(arrival) = arrivals.recv() => hands.arrived(arrival),
            Some(notice) = outlet.notes.recv() => engine.tell(moment(), notice, &mut effects),
            Some(event) = outlet.events.recv() => give(event, &mut engine, &mut effects),
            Some(event) = outlet.octets.recv() => give(event, &mut engine, &mut effects),
            () = tokio::time::sleep_until(due.into()) => {
                if !tick && due.elapsed() > HELD_UP {
                    tokio::time::sleep(CATCH_UP).await;
                }
                tick = true;
            }
        }
        take_in(&mut outlet, &mut engine, &mut effects);
        if tick {
            engine.handle(moment(), Event::Tick, &mut effects);
        }
        // A dead node leaves the kernel's groups before the routes that led to it are looked at.
        if carry_out(&mut effects, &mut hands).is_break() {
            return Ok(());
        }
        engine.settle(moment(), &mut effects);
    }
}

fn carry_out(effects: &mut Vec<Effect>, hands: &mut Hands) -> ControlFlow<()> {
    effects.drain(..).try_for_each(|effect| hands.carry_out(effect))
}

/// Takes in what else is at hand, each kind for its turn.
fn take_in(outlet: &mut Outlet, engine: &mut Engine, effects: &mut Vec<Effect>) {
    let begin = Instant::now();
    while let Ok(event) = outlet.events.try_recv() {
        give(event, engine, effects);
        if begin.elapsed() > TURN {
            break;
        }
    }
    // Twice the queue: what waited for room in it is taken, too.
    for _ in 0..2 * OCTET_QUEUE {
        let Ok(event) = outlet.octets.try_recv() else { break };
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
