//! The loop: events in, the engine, effects out.
//!
//! Never thinks. What persons and the kernel say comes first, then connections, then octets of peers, so that
//! a flood from one of them does not keep the others waiting.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use engine::{Effect, Engine, Event, Moment, Notice};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc::{self, Receiver, Sender, UnboundedReceiver, UnboundedSender};

use crate::connections::Arrival;
use crate::hands::Hands;

/// How many events are taken in before what they change is settled.
const BATCH: usize = 256;
/// How many reads of peers may wait; a peer that floods is then slowed down by TCP.
const OCTET_QUEUE: usize = 64;
/// How long the loop sleeps when the engine waits for nothing.
const IDLE: Duration = Duration::from_secs(3600);

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
        for effect in effects.drain(..) {
            if hands.carry_out(effect, &mut engine).is_break() {
                return Ok(());
            }
        }
        let due = engine.deadline().unwrap_or_else(|| Instant::now() + IDLE);
        tokio::select! {
            biased;
            Some(event) = outlet.events.recv() => {
                engine.handle(moment(), event, &mut effects);
                take_in(&mut outlet, &mut engine, &mut effects);
            }
            Some(notice) = outlet.notes.recv() => engine.tell(moment(), notice, &mut effects),
            Some(arrival) = arrivals.recv() => hands.arrived(arrival),
            _ = term.recv() => engine.handle(moment(), Event::Terminate, &mut effects),
            _ = interrupt.recv() => engine.handle(moment(), Event::Terminate, &mut effects),
            Some(event) = outlet.octets.recv() => {
                engine.handle(moment(), event, &mut effects);
                take_in(&mut outlet, &mut engine, &mut effects);
            }
            () = tokio::time::sleep_until(due.into()) => engine.handle(moment(), Event::Tick, &mut effects),
        }
        engine.settle(moment(), &mut effects);
    }
}

/// Takes in what else is at hand, up to a batch.
fn take_in(outlet: &mut Outlet, engine: &mut Engine, effects: &mut Vec<Effect>) {
    for _ in 0..BATCH {
        let event = outlet.events.try_recv().or_else(|_| outlet.octets.try_recv());
        match event {
            Ok(event) => engine.handle(moment(), event, effects),
            Err(_) => return,
        }
    }
}
