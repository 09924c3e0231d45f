//! The engine within this process: no socket, no kernel, no second thread. What the kernel would answer is answered at
//! once.
//!
//! It never waits: what the engine puts off to a later time is not done here.

use std::collections::VecDeque;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Instant;

use anyhow::{Context as _, Result, bail};
use api::{Level, Reply, Request};
use bgp::session::ConnId;
use config::edit::{Candidate, Edit};
use config::{Tree, print};
use engine::{AskId, Boot, Caller, ClientId, Effect, Engine, Event, Facts, Moment};
use rib::world::{Link, LinkAddress, Snapshot};

use crate::wire::{self, UPDATE, Update, next_message};

/// An engine and what it has said.
pub(super) struct Inside {
    engine: Engine,
    at: Moment,
    replies: Vec<Reply>,
    /// Milliseconds of each turn of the loop.
    turns: Vec<f64>,
    /// Prefixes that the last neighbor has been told of.
    told: u32,
    last: u16,
}

/// The address of a neighbor; the router's own has the number 1.
pub(super) fn address(number: u16) -> Ipv4Addr {
    Ipv4Addr::from_bits(0xc000_0200 + u32::from(number))
}

fn connection(number: u16) -> ConnId {
    ConnId(u64::from(number) * 2 + 1)
}

impl Inside {
    /// Starts with a configuration of `set` lines, in which these neighbors, by number and AS, are passive, and
    /// establishes their sessions.
    pub(super) fn new(configuration: &str, neighbors: impl Iterator<Item = (u16, u32)>) -> Result<Self> {
        let at = Moment { instant: Instant::now(), unix: 0 };
        let engine = Engine::new(at, Facts::default());
        let mut inside = Self { engine, at, replies: Vec::new(), turns: Vec::new(), told: 0, last: 0 };
        let text = print::file(&Tree::parse_set_commands(configuration).tree);
        let card = Link::card(2, "eth1".parse().context("a name of a card")?);
        let own = LinkAddress { ifindex: 2, address: "192.0.2.1/20".parse().context("the own address")?, peer: None };
        let snapshot = Snapshot { links: vec![card], addresses: vec![own], ..Snapshot::default() };
        let mut effects = Vec::new();
        inside.engine.boot(at, Boot { text: Some(text), snapshot, ..Boot::default() }, &mut effects);
        inside.carry_out(effects);
        for (number, asn) in neighbors {
            let end = |number: u16, port| SocketAddr::new(address(number).into(), port);
            let conn = connection(number);
            inside.turn(Event::Accepted { conn, local: end(1, 179), remote: end(number, 40_000) });
            let mut octets = wire::open(asn, 0, address(number));
            octets.extend(wire::keepalive());
            inside.hear(number, octets);
            inside.last = number;
        }
        inside.rest()?;
        Ok(inside)
    }

    /// A neighbor says something.
    pub(super) fn hear(&mut self, number: u16, octets: Vec<u8>) {
        self.turn(Event::Bytes(connection(number), octets));
    }

    /// Prefixes that the last neighbor has been told of since it was last asked.
    pub(super) fn told(&mut self) -> u32 {
        std::mem::take(&mut self.told)
    }

    /// Makes edits, each what follows `set`; answers the milliseconds of each turn until all of it is done.
    pub(super) fn commit(&mut self, lines: &[String]) -> Result<Vec<f64>> {
        let edit = |line: &String| Edit::Set(line.split(' ').map(str::to_owned).collect());
        let candidate = Candidate { base: self.engine.revision(), edits: lines.iter().map(edit).collect() };
        let ask = AskId { client: ClientId(1), id: 1 };
        let admin = Caller { level: Level::Admin, ..Caller::default() };
        (self.replies, self.turns) = (Vec::new(), Vec::new());
        self.turn(Event::Ask(ask, admin, Request::Commit { candidate, comment: None, confirm: None }));
        self.rest()?;
        match self.replies.as_slice() {
            [Reply::Committed(_)] => Ok(std::mem::take(&mut self.turns)),
            other => bail!("the edit was answered with {other:?}"),
        }
    }

    /// Until nothing is left to do.
    pub(super) fn rest(&mut self) -> Result<()> {
        let mut turns = 0_u32;
        while self.engine.deadline().is_some_and(|deadline| deadline <= self.at.instant) {
            turns += 1;
            if turns > 1_000_000 {
                bail!("the engine never rests");
            }
            self.turn(Event::Tick);
        }
        Ok(())
    }

    /// Turns of the loop, in which an event is taken in and what is undecided is decided, until nothing follows.
    fn turn(&mut self, event: Event) {
        let mut waiting = VecDeque::from([event]);
        while let Some(event) = waiting.pop_front() {
            let began = Instant::now();
            let mut effects = Vec::new();
            self.engine.handle(self.at, event, &mut effects);
            self.engine.settle(self.at, &mut effects);
            self.turns.push(began.elapsed().as_secs_f64() * 1e3);
            waiting.extend(effects.into_iter().filter_map(|effect| self.answer(effect)));
        }
    }

    fn carry_out(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            if let Some(event) = self.answer(effect) {
                self.turn(event);
            }
        }
    }

    /// What follows from an effect.
    fn answer(&mut self, effect: Effect) -> Option<Event> {
        match effect {
            Effect::Step(id, _) => Some(Event::StepDone(id, Ok(()))),
            Effect::Journal(_) => Some(Event::Journaled(Ok(()))),
            Effect::Remember { .. } => Some(Event::Remembered),
            Effect::Fib(_) => Some(Event::FibDone(Vec::new())),
            Effect::Repair(_) => Some(Event::Repaired(Vec::new())),
            Effect::Answer(_, reply) => {
                self.replies.push(reply);
                None
            }
            Effect::Send(conn, octets) if conn == connection(self.last) => {
                self.count(&octets);
                None
            }
            _ => None,
        }
    }

    fn count(&mut self, mut octets: &[u8]) {
        while let Some((kind, body, rest)) = next_message(octets) {
            if let Some(update) = Update::decode(body).filter(|_| kind == UPDATE) {
                self.told = self.told.saturating_add(u32::try_from(update.announced().count()).unwrap_or(u32::MAX));
            }
            octets = rest;
        }
    }
}
