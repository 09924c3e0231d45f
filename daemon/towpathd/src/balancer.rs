//! The thread that keeps the balancer: programs on links, what stands in the maps, hardware addresses, remembered flows.
//!
//! Never decides what is balanced: the engine does; nor what stands in a map for it: `bpf-tables` does.

mod captures;
mod explained;
mod flows;
mod keeper;
mod surroundings;
pub(crate) mod told;
mod traced;
mod warnings;

use std::collections::BTreeMap;
use std::io::Write as _;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{self, Sender};
use std::thread::JoinHandle;
use std::time::Duration;

use api::request::HeldPacket;
use api::view::{BalancerExplained, BalancerFlows, BalancerPacket};
use api::watch::WantedPackets;
use bpf_loader::FlowsPlace;
use bpf_tables::Report;
use bpf_tables::wish::{Hook, Wish};
use engine::effect::{AskedFlow, WantedFlows};
use engine::{Event, Notice, StepId};
use nouns::IfName;

use crate::run::Inbox;
use keeper::Keeper;

/// How long a question waits for its answer.
const PATIENCE: Duration = Duration::from_secs(5);
/// What is said when the thread has ended.
const ENDED: &str = "the thread that keeps the balancer has ended; restart the daemon";

/// Where its parts are.
#[derive(Clone, Debug)]
pub(crate) struct Places {
    /// The file of programs.
    pub(crate) object: PathBuf,
    /// Where programs, maps and links are pinned.
    pub(crate) pins: PathBuf,
}

/// What the thread is asked.
enum Order {
    /// Put the programs on these links and no others.
    Attach(StepId, BTreeMap<IfName, Hook>),
    /// Balance this and nothing else.
    Balance(Box<Wish>),
    /// Tell how it is.
    Tell(Sender<Report>),
    /// Say what becomes of a packet of a flow.
    Explain(AskedFlow, Sender<BalancerExplained>),
    /// Look at some of the flows that are remembered.
    Flows(FlowsPlace, WantedFlows, Sender<flows::Part>),
    /// Say what becomes of packets.
    Trace(Vec<HeldPacket>, Sender<Vec<BalancerPacket>>),
    /// Capture these packets, or none any longer.
    Capture(Option<WantedPackets>),
    /// The daemon ends; packets go on.
    End,
}

/// The way to the thread, which begins with the first link that the balancer shall be on.
#[derive(Clone)]
pub(crate) struct Way {
    orders: Sender<Order>,
    bell: Arc<UnixStream>,
}

/// The thread, if there is one.
pub(crate) struct Balancer {
    inbox: Inbox,
    places: Places,
    running: Option<(Way, JoinHandle<()>)>,
}

impl Balancer {
    /// Nothing is balanced yet.
    pub(crate) fn new(inbox: Inbox, places: Places) -> Self {
        Self { inbox, places, running: None }
    }

    /// Puts the programs on these links and no others; answered by `Event::StepDone`.
    pub(crate) fn attach(&mut self, id: StepId, links: BTreeMap<IfName, Hook>) {
        let refuse = |inbox: &Inbox, words: String| inbox.push(Event::StepDone(id, Err(words)));
        match self.begin(links.is_empty()) {
            Ok(None) => self.inbox.push(Event::StepDone(id, Ok(()))),
            Ok(Some(way)) if way.order(Order::Attach(id, links)) => {}
            Ok(Some(_)) => refuse(&self.inbox, ENDED.to_owned()),
            Err(error) => refuse(&self.inbox, format!("the balancer's thread cannot begin: {error}")),
        }
    }

    /// Balances this and nothing else; answered by `Event::Balanced`.
    pub(crate) fn balance(&mut self, wish: Wish) {
        match self.begin(wish.links.is_empty()) {
            Ok(None) => self.inbox.push(Event::Balanced(Ok(()))),
            Ok(Some(way)) if way.order(Order::Balance(Box::new(wish))) => {}
            Ok(Some(_)) => self.inbox.push(Event::Balanced(Err(ENDED.to_owned()))),
            Err(error) => self.inbox.push(Event::Balanced(Err(error.to_string()))),
        }
    }

    /// Captures these packets, or none any longer; nothing comes while nothing is balanced.
    pub(crate) fn capture(&mut self, wanted: Option<WantedPackets>) {
        if let Some(way) = self.way() {
            way.order(Order::Capture(wanted));
        }
    }

    /// The thread; none where nothing is wished and it never began. What an earlier daemon has left is taken away then.
    fn begin(&mut self, is_nothing: bool) -> std::io::Result<Option<Way>> {
        if self.running.is_none() {
            if is_nothing && !self.places.pins.exists() {
                return Ok(None);
            }
            let (bell, ear) = UnixStream::pair()?;
            bell.set_nonblocking(true)?;
            ear.set_nonblocking(true)?;
            let (orders, orders_out) = mpsc::channel();
            let keeper = Keeper::new(self.inbox.clone(), self.places.clone(), orders_out, ear);
            let thread = std::thread::Builder::new().name("balancer".to_owned()).spawn(move || keeper.run())?;
            self.running = Some((Way { orders, bell: bell.into() }, thread));
        }
        Ok(self.way())
    }

    /// The way to the thread, for questions.
    pub(crate) fn way(&self) -> Option<Way> {
        self.running.as_ref().map(|(way, _)| way.clone())
    }

    /// Ends the thread; programs stay where they are, and packets go on.
    pub(crate) fn end(&mut self) {
        if let Some((way, thread)) = self.running.take()
            && way.order(Order::End)
            && thread.join().is_err()
        {
            self.inbox.note(Notice::error(ENDED));
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

    /// What becomes of a packet of a flow that goes on.
    pub(crate) fn explain(&self, flow: AskedFlow) -> Option<BalancerExplained> {
        let (answer, explanation) = mpsc::channel();
        if self.order(Order::Explain(flow, answer)) { explanation.recv_timeout(PATIENCE).ok() } else { None }
    }

    /// What becomes of packets, one after the other.
    pub(crate) fn trace(&self, packets: Vec<HeldPacket>) -> Option<Vec<BalancerPacket>> {
        let (answer, traced) = mpsc::channel();
        if self.order(Order::Trace(packets, answer)) { traced.recv_timeout(PATIENCE).ok() } else { None }
    }

    /// The flows that are remembered, as far as they are wanted; nothing where none can be looked at. The thread looks at some
    /// at a time, and does in between what else it is told.
    pub(crate) fn flows(&self, wanted: &WantedFlows) -> Option<BalancerFlows> {
        let (mut found, mut place) = (BalancerFlows::default(), Some(FlowsPlace::default()));
        while let Some(at) = place {
            let (answer, part) = mpsc::channel();
            if !self.order(Order::Flows(at, wanted.clone(), answer)) {
                return None;
            }
            let part = part.recv_timeout(PATIENCE).ok()?;
            place = part.next;
            flows::gather(&mut found, part);
        }
        Some(found)
    }

    /// How the balancer is.
    pub(crate) fn tell(&self) -> Option<Report> {
        let (answer, report) = mpsc::channel();
        if self.order(Order::Tell(answer)) { report.recv_timeout(PATIENCE).ok() } else { None }
    }
}
