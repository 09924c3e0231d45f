//! Hands: each effect becomes a call to the part of the rim that can do it.
//!
//! Never decides; every effect has exactly one place.

use std::ops::ControlFlow;
use std::sync::mpsc::Sender;

use api::reply::Configuration;
use api::view::BalancerPackets;
use api::{ApiError, Flush, Reply, View};
use engine::effect::{DumpFile, Recall, Writing};
use engine::plan::Step;
use engine::{AskId, Effect, Event, Level, StepId};
use tokio::sync::mpsc::UnboundedSender;

use crate::balancer::{Balancer, Way, told};
use crate::caches::Caches;
use crate::checks::Checks;
use crate::connections::{Arrival, Connections};
use crate::control::Clients;
use crate::journal::{self, Errand, Masked};
use crate::machine;
use crate::machine::links::{self, Counted};
use crate::netlink::{Ended, Orders};
use crate::notices;
use crate::paths::Paths;
use crate::routers::Routers;
use crate::run::Inbox;
use crate::steps::Order;

/// What is said when the thread of the disk has ended.
const CLOSED: &str = "the revision store is closed";

/// Everything that effects are carried out with.
pub(crate) struct Hands {
    pub(crate) inbox: Inbox,
    pub(crate) connections: Connections,
    pub(crate) caches: Caches,
    pub(crate) routers: Routers,
    pub(crate) clients: Clients,
    pub(crate) kernel: Orders,
    /// Steps of the host and of links, done one after the other as they were ordered.
    pub(crate) steps: UnboundedSender<Order>,
    pub(crate) paths: Paths,
    pub(crate) balancer: Balancer,
    pub(crate) checks: Checks,
    pub(crate) disk: Sender<Errand>,
    pub(crate) dumps: Sender<(DumpFile, Writing)>,
    pub(crate) least: Level,
    pub(crate) counted: Counted,
    /// Where the balancer's counting began.
    pub(crate) balanced: told::Counted,
}

impl Hands {
    /// Takes in a connection that has come into being.
    pub(crate) fn arrived(&mut self, arrival: Arrival) {
        self.connections.arrived(arrival);
    }

    /// Does what the engine wants; breaks when the process shall end.
    pub(crate) fn carry_out(&mut self, effect: Effect) -> ControlFlow<()> {
        match effect {
            Effect::Connect(conn, target) => self.connections.connect(conn, target),
            Effect::Adjust(conn, options) => self.connections.adjust(conn, options),
            Effect::Decode(conn, codec) => self.connections.decode(conn, *codec),
            Effect::Advertise { ifindex, mac, mtu } => self.routers.advertise(ifindex, &mac, mtu),
            Effect::Send(conn, octets) => self.connections.send(conn, octets),
            Effect::Close(conn) => self.connections.close(conn),
            Effect::AskCache(address, target) => self.caches.ask(address, target),
            Effect::Fib(changes) => self.ask_kernel(|kernel| kernel.write(changes)),
            Effect::Repair(changes) => self.ask_kernel(|kernel| kernel.repair(changes)),
            Effect::WatchPaths(watched) => self.paths.watch(watched),
            Effect::Probe(wishes) => self.paths.probe(wishes),
            Effect::Check(wishes) => self.checks.want(wishes),
            Effect::Capture(wanted) => self.balancer.capture(wanted),
            Effect::Balance(wish) => self.balancer.balance(*wish),
            Effect::Heed(names) => self.kernel.heed(names),
            Effect::Snapshot => self.ask_kernel(Orders::snapshot),
            Effect::Audit => self.ask_kernel(Orders::audit),
            Effect::Step(id, step) => self.step(id, step),
            // Without its task, which each step tells, nothing could be given back.
            Effect::AskHeld => _ = self.steps.send(Order::Held),
            Effect::Journal(record) => {
                if self.disk.send(Errand::Journal(record)).is_err() {
                    self.inbox.push(Event::Journaled(Err(CLOSED.to_owned())));
                }
            }
            Effect::Remember { revision, text } => {
                if self.disk.send(Errand::Remember(revision, text)).is_err() {
                    self.inbox.push(Event::Remembered);
                }
            }
            Effect::Save { revision, text, keep_former } => {
                if self.disk.send(Errand::Save { revision, text, keep_former }).is_err() {
                    self.inbox.push(Event::Saved(Err(ApiError::new("store", CLOSED))));
                }
            }
            Effect::Recall(ask, what) => self.recall(ask, what),
            Effect::Flush(ask, what) => self.flush(ask, what),
            Effect::MeasureMemory { give_back } => self.measure_memory(give_back),
            // Without its thread, which has been told, there are no dumps.
            Effect::Dump(file, writing) => _ = self.dumps.send((file, writing)),
            Effect::Answer(ask, reply) => self.clients.reply(ask, reply),
            Effect::Notice(notice) => notices::write(&notice, self.least),
            Effect::Exit => {
                self.paths.end();
                self.balancer.end();
                journal::end(&self.disk);
                return ControlFlow::Break(());
            }
        }
        ControlFlow::Continue(())
    }

    /// Giving back takes long with a large heap, so that it happens beside the loop.
    fn measure_memory(&self, give_back: bool) {
        let inbox = self.inbox.clone();
        if give_back {
            tokio::task::spawn_blocking(move || {
                kernel::host::give_back_memory();
                inbox.push(Event::Memory(machine::memory::resident()));
            });
        } else {
            inbox.push(Event::Memory(machine::memory::resident()));
        }
    }

    fn ask_kernel(&self, order: impl FnOnce(&Orders) -> Result<(), Ended>) {
        if order(&self.kernel).is_err() {
            self.inbox
                .note(engine::Notice::error("the thread that writes forwarding entries has ended; restart the daemon"));
        }
    }

    /// Leaves the processor to a repair for a moment.
    pub(crate) fn let_repair(&self) {
        self.kernel.let_repair();
    }

    /// Waits a moment for what was said last to be written.
    pub(crate) async fn last_words(&mut self) {
        self.connections.last_words().await;
    }

    fn step(&mut self, id: StepId, step: Step) {
        let done = match &step {
            Step::Balancer { to, .. } => return self.balancer.attach(id, to.clone()),
            Step::Listener { open: true } => self.connections.listen(),
            Step::Listener { open: false } => {
                self.connections.stop_listening();
                Ok(())
            }
            Step::Secret { remote, to, .. } => self.connections.set_secret(*remote, to.as_ref()),
            _ => match self.steps.send(Order::Step(id, step)) {
                Ok(()) => return,
                Err(_) => Err("the task that carries out steps has ended; restart the daemon".to_owned()),
            },
        };
        self.inbox.push(Event::StepDone(id, done));
    }

    fn recall(&self, ask: AskId, what: Recall) {
        let errand = match what {
            Recall::Saved { revision, unsaved, masked } => {
                let frame = Configuration { revision, text: String::new(), unsaved };
                Errand::Saved(ask, frame, Masked(masked))
            }
            Recall::Revisions { limit } => Errand::Revisions(ask, limit),
            Recall::Machine(what) => return self.look(ask, move |_| machine::look(what)),
            Recall::Neighbors { family, interface } => {
                return self.look(ask, move |_| links::neighbors(family, interface.as_ref()));
            }
            Recall::KernelRoutes { family, table } => return self.look(ask, move |_| links::routes(family, table)),
            Recall::Explain(flow) => {
                let way = self.balancer.way();
                return self.look(ask, move |_| {
                    let explained = way.and_then(|way| way.explain(flow));
                    let off = || ApiError::new("off", "the balancer does not run");
                    explained.map(|view| View::BalancerExplained(Box::new(view))).ok_or_else(off)
                });
            }
            Recall::Trace(packets, more) => {
                let way = self.balancer.way();
                return self.look(ask, move |_| {
                    let packets = way.and_then(|way| way.trace(packets));
                    let off = || ApiError::new("off", "the balancer does not run");
                    let view = |packets| View::BalancerPackets(Box::new(BalancerPackets { packets, more }));
                    packets.map(view).ok_or_else(off)
                });
            }
            Recall::Balancer(mut view, flows) => {
                let (way, counted) = (self.balancer.way(), self.balanced.clone());
                return self.look(ask, move |_| {
                    if let Some(report) = way.as_ref().and_then(Way::tell) {
                        counted.complete(&mut view, &report);
                    }
                    view.flows = way.zip(flows).and_then(|(way, wanted)| way.flows(&wanted));
                    Ok(View::Balancer(view))
                });
            }
            Recall::BfdPeers(mut view) => {
                let way = self.paths.way();
                return self.look(ask, move |_| {
                    if let Some(way) = way {
                        way.complete(&mut view);
                    }
                    Ok(View::BfdPeers(*view))
                });
            }
            Recall::Complete(view) => return self.look(ask, move |counted| Ok(machine::complete(*view, counted))),
            Recall::Revision { revision, masked } => Errand::Revision(ask, revision, Masked(masked)),
        };
        if self.disk.send(errand).is_err() {
            self.clients.reply(ask, Reply::Error(ApiError::new("store", CLOSED)));
        }
    }

    /// Looks at the machine beside the loop, which does not wait for disks and large dumps.
    fn look(&self, ask: AskId, look: impl FnOnce(&Counted) -> Result<View, ApiError> + Send + 'static) {
        let (clients, counted) = (self.clients.clone(), self.counted.clone());
        tokio::task::spawn_blocking(move || {
            clients.reply(ask, look(&counted).map_or_else(Reply::Error, Reply::View));
        });
    }

    fn flush(&self, ask: AskId, what: Flush) {
        let (clients, counted) = (self.clients.clone(), self.counted.clone());
        if what == Flush::Balancer {
            let (way, balanced) = (self.balancer.way(), self.balanced.clone());
            tokio::task::spawn_blocking(move || {
                way.and_then(|way| way.tell()).into_iter().for_each(|report| balanced.clear(&report));
                clients.reply(ask, Reply::Done(String::new()));
            });
            return;
        }
        tokio::task::spawn_blocking(move || {
            clients.reply(ask, links::flush(&what, &counted).map_or_else(Reply::Error, Reply::Done));
        });
    }
}
