//! What an engine wants done is done to the simulated world, and what happens there goes back as events.
//!
//! One place for each effect, as in the daemon; never a decision.

use std::net::SocketAddr;
use std::time::Duration;

use api::reply::Configuration;
use api::{Reply, View};
use bgp::session::ConnId;
use config::store::Store;
use engine::effect::{Recall, Target};
use engine::{Effect, Event, SavedAs};

use super::wire::{End, Segment, Stage, Way, Wire};
use super::{Happening, Network};

/// How long the kernel and the disk take.
const MOMENT: Duration = Duration::from_millis(1);

impl Network {
    /// Gives an event to a daemon and carries out what it wants.
    pub(super) fn handle(&mut self, index: usize, event: Event) {
        let at = self.moment();
        let mut effects = Vec::new();
        if let Some(engine) = &mut self.machines[index].engine {
            engine.handle(at, event, &mut effects);
            engine.settle(at, &mut effects);
        }
        self.carry_out(index, effects);
    }

    pub(super) fn carry_out(&mut self, index: usize, effects: Vec<Effect>) {
        for effect in effects {
            if let Some(trace) = &mut self.trace {
                let since = (self.now - self.begin).as_nanos();
                trace.push(format!("{since} {} {effect:?}", self.machines[index].name));
            }
            self.carry_out_one(index, effect);
        }
    }

    fn carry_out_one(&mut self, index: usize, effect: Effect) {
        match effect {
            Effect::Connect(conn, target) => self.dial(index, conn, &target),
            // A simulated wire carries octets, which an engine takes at any time.
            Effect::Adjust(..) | Effect::Decode(..) | Effect::WatchPaths(_) | Effect::Probe(_) | Effect::Capture(_) => {
            }
            // A simulated kernel tells everything.
            Effect::Heed(_) => {}
            // Nobody fails in the simulated world who does not disappear.
            Effect::Check(_) => {}
            // There is no RPKI cache in the simulated world.
            Effect::AskCache(..) => {}
            // Simulated links have no link-local addresses.
            Effect::Advertise { .. } => {}
            Effect::Send(conn, octets) => {
                if let Some((wire, side)) = self.machines[index].conns.get(&conn).copied() {
                    let octets = self.machines[index].dress(octets.to_vec());
                    self.send(wire, side, Segment::Octets(octets));
                }
            }
            Effect::Close(conn) => self.close(index, conn),
            Effect::Balance(wish) => {
                self.machines[index].kernel.balance = Some(*wish);
                self.answer(index, Event::Balanced(Ok(())));
            }
            Effect::Fib(changes) => {
                let refused = self.machines[index].kernel.apply(changes);
                self.answer(index, Event::FibDone(refused));
            }
            Effect::Repair(changes) => {
                let refused = self.machines[index].kernel.apply(changes);
                self.answer(index, Event::Repaired(refused));
            }
            Effect::Snapshot => {
                let snapshot = self.machines[index].kernel.snapshot();
                self.answer(index, Event::Snapshot(Box::new(snapshot)));
            }
            Effect::Audit => {
                let ours = self.machines[index].kernel.ours.clone();
                self.answer(index, Event::Audited(Box::new(ours)));
            }
            Effect::Step(id, step) => {
                let (result, events) = self.machines[index].carry_out(&step);
                if !events.is_empty() {
                    self.answer(index, Event::World(events));
                }
                self.answer(index, Event::StepDone(id, result));
            }
            Effect::AskHeld => {
                let held = self.machines[index].system.held();
                self.answer(index, Event::Held(Ok(held)));
            }
            Effect::Journal(record) => {
                let result = self.machines[index].disk.journal(&record);
                self.answer(index, Event::Journaled(result));
            }
            Effect::Remember { text, .. } => {
                self.machines[index].disk.active = Some(text);
                self.answer(index, Event::Remembered);
            }
            Effect::Save { text, .. } => {
                self.machines[index].disk.saved = text;
                self.answer(index, Event::Saved(Ok(SavedAs { path: "config.boot".to_owned(), former: None })));
            }
            Effect::Dump(..) => {}
            Effect::MeasureMemory { .. } => self.answer(index, Event::Memory(None)),
            Effect::Recall(ask, what) => self.recall(index, ask, &what),
            Effect::Answer(_, Reply::News(news)) => self.machines[index].news.push(news),
            Effect::Flush(ask, _) => _ = self.machines[index].replies.insert(ask, Reply::Done(String::new())),
            Effect::Answer(ask, reply) => _ = self.machines[index].replies.insert(ask, reply),
            Effect::Notice(notice) => self.machines[index].log.push(notice.text),
            Effect::Exit => {
                self.machines[index].disk.active = None;
                self.machines[index].end_life();
            }
        }
    }

    fn answer(&mut self, index: usize, event: Event) {
        let life = self.machines[index].life;
        self.schedule(MOMENT, Happening::Event { to: index, life, event });
    }

    fn recall(&mut self, index: usize, ask: engine::AskId, what: &Recall) {
        let machine = &mut self.machines[index];
        let text = match what {
            Recall::Saved { .. } => machine.disk.saved.clone(),
            Recall::Revision { revision, .. } => {
                let record = machine.disk.store.revision(*revision).ok().flatten();
                record.map(|record| record.text).unwrap_or_default()
            }
            Recall::Revisions { limit } => {
                let records = machine.disk.store.list(usize::from(*limit)).unwrap();
                let lines = records.iter().map(|record| {
                    let comment = record.comment.as_deref().unwrap_or_default();
                    format!("{} {} {} {comment}\n", record.revision, record.user, record.via)
                });
                lines.collect()
            }
            Recall::Balancer(view, _) => {
                return drop(machine.replies.insert(ask, Reply::View(View::Balancer(view.clone()))));
            }
            Recall::BfdPeers(view) => {
                return drop(machine.replies.insert(ask, Reply::View(View::BfdPeers((**view).clone()))));
            }
            Recall::Complete(view) => return drop(machine.replies.insert(ask, Reply::View((**view).clone()))),
            Recall::Explain(_)
            | Recall::Trace(..)
            | Recall::Machine(_)
            | Recall::Neighbors { .. }
            | Recall::KernelRoutes { .. } => {
                let nobody = api::ApiError::new("no-machine", "this router runs on no machine");
                return drop(machine.replies.insert(ask, Reply::Error(nobody)));
            }
        };
        let revision = machine.engine.as_ref().map(engine::Engine::revision).unwrap_or_default();
        machine.replies.insert(ask, Reply::Configuration(Configuration { revision, text, unsaved: false }));
    }

    pub(super) fn happen(&mut self, happening: Happening) {
        match happening {
            Happening::Event { to, life, event } => {
                if self.machines[to].life == life {
                    self.handle(to, event);
                }
            }
            Happening::Dialled(wire) => self.dialled(wire),
            Happening::Answered(wire, answer) => self.answered(wire, answer),
            Happening::GaveUp(wire) => {
                if self.wires[wire].stage == Stage::Dialling {
                    self.fail(wire, "no answer".to_owned());
                }
            }
            Happening::Arrived { wire, side, segment } => self.arrived(wire, side, segment),
        }
    }

    fn dial(&mut self, index: usize, conn: ConnId, target: &Target) {
        let remote = target.remote.ip();
        let Some(local) = self.machines[index].address_towards(remote) else {
            return self.answer(index, Event::ConnectFailed(conn, "Network is unreachable".to_owned()));
        };
        let to = self.machines.iter().position(|machine| machine.has_address(remote));
        let wire = self.wires.len();
        let port = u16::try_from(32_768 + wire % 28_000).unwrap();
        let life = self.machines[index].life;
        let near = End { machine: index, life, conn, address: SocketAddr::new(local, port), open: true };
        let far = End { machine: to.unwrap_or(index), life: 0, conn: ConnId(0), address: target.remote, open: false };
        let way = || Way { last: self.now, held: std::collections::VecDeque::new() };
        self.wires.push(Wire { ends: [near, far], ways: [way(), way()], stage: Stage::Dialling });
        self.machines[index].conns.insert(conn, (wire, 0));
        let latency = self.latency();
        if to.is_some() {
            self.schedule(latency, Happening::Dialled(wire));
        }
        self.schedule(Duration::from_secs(u64::from(target.timeout)), Happening::GaveUp(wire));
    }

    fn dialled(&mut self, wire: usize) {
        let (caller, called) = (self.wires[wire].ends[0].address.ip(), self.wires[wire].ends[1].machine);
        let machine = &self.machines[called];
        if self.wires[wire].stage != Stage::Dialling || self.is_cut(wire) || machine.address_towards(caller).is_none() {
            return;
        }
        let latency = self.latency();
        if !self.machines[called].listening {
            let refused = Err("Connection refused".to_owned());
            return self.schedule(latency, Happening::Answered(wire, refused));
        }
        // Odd numbers: the engine gives the even ones to what it dials.
        let machine = &mut self.machines[called];
        machine.accepted += 2;
        let conn = ConnId(machine.accepted - 1);
        machine.conns.insert(conn, (wire, 1));
        let end = &mut self.wires[wire].ends[1];
        (end.life, end.conn, end.open) = (machine.life, conn, true);
        let (local, remote) = (self.wires[wire].ends[1].address, self.wires[wire].ends[0].address);
        let when = self.now + latency;
        self.wires[wire].ways[1].last = when;
        self.schedule_at(when, Happening::Answered(wire, Ok(())));
        self.handle(called, Event::Accepted { conn, local, remote });
    }

    fn answered(&mut self, wire: usize, answer: Result<(), String>) {
        if self.wires[wire].stage != Stage::Dialling {
            return;
        }
        let end = self.wires[wire].ends[0].clone();
        match answer {
            Err(reason) => self.fail(wire, reason),
            Ok(()) => {
                self.wires[wire].stage = Stage::Open;
                if self.machines[end.machine].is_end(&end) {
                    self.handle(end.machine, Event::Connected(end.conn, end.address));
                } else {
                    self.send(wire, 0, Segment::End(Some("connection reset by peer".to_owned())));
                }
            }
        }
    }

    fn fail(&mut self, wire: usize, reason: String) {
        self.wires[wire].stage = Stage::Dead;
        let end = self.wires[wire].ends[0].clone();
        if self.machines[end.machine].is_end(&end) {
            self.wires[wire].ends[0].open = false;
            self.handle(end.machine, Event::ConnectFailed(end.conn, reason));
        }
    }

    fn close(&mut self, index: usize, conn: ConnId) {
        let Some((wire, side)) = self.machines[index].conns.remove(&conn) else { return };
        self.wires[wire].ends[side].open = false;
        if side == 0 && self.wires[wire].stage == Stage::Dialling && !self.wires[wire].ends[1].open {
            self.wires[wire].stage = Stage::Dead;
        } else {
            self.send(wire, side, Segment::End(None));
        }
    }

    /// Sends a segment from a side; it arrives after all that was sent before.
    pub(super) fn send(&mut self, wire: usize, side: usize, segment: Segment) {
        if self.wires[wire].stage == Stage::Dead {
            return;
        }
        let when = (self.now + self.latency()).max(self.wires[wire].ways[side].last);
        self.wires[wire].ways[side].last = when;
        self.schedule_at(when, Happening::Arrived { wire, side, segment });
    }

    pub(super) fn arrived(&mut self, wire: usize, side: usize, segment: Segment) {
        if self.is_cut(wire) || !self.wires[wire].ways[side].held.is_empty() {
            return self.wires[wire].ways[side].held.push_back(segment);
        }
        let end = self.wires[wire].ends[1 - side].clone();
        if self.machines[end.machine].is_end(&end) {
            let event = match segment {
                Segment::Octets(octets) => Event::Bytes(end.conn, octets),
                Segment::End(reason) => {
                    self.wires[wire].ends[1 - side].open = false;
                    Event::Closed(end.conn, reason)
                }
            };
            self.handle(end.machine, event);
        } else if matches!(segment, Segment::Octets(_))
            && self.wires[wire].ends[side].open
            && self.machines[end.machine].engine.is_some()
        {
            // Nobody has this connection any more: the system answers with a reset.
            self.send(wire, 1 - side, Segment::End(Some("connection reset by peer".to_owned())));
        }
    }
}
