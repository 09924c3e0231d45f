//! Whole routers in virtual time: engines, kernels that obey Linux's rules, and a network between them, from a seed.
//!
//! What can happen to a router in a year happens here in a second, and the same seed lets it happen again. No
//! socket, no clock but the first reading, no root. It never decides what a router should have done.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test may fail loudly"
)]

mod ask;
mod hands;
pub mod kernel;
mod links;
mod machine;
pub mod random;
mod surroundings;
mod wire;

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use config::{Tree, print};
use engine::{Event, Moment};
use nouns::InterfaceAddress;

use kernel::Kernel;
use machine::Machine;
use random::Random;
use wire::{Segment, Stage, Wire};

pub use surroundings::Surroundings;

/// Seconds since the Unix epoch at the beginning of every simulation.
const EPOCH: u64 = 1_700_000_000;
/// A daemon that wants to be called again so often without time passing would never sleep.
const SPIN: u32 = 5_000;
/// RFC 6298 §2.4: a segment that is lost comes at least a second later; Linux says 200 ms.
const RETRANSMISSION: Duration = Duration::from_millis(200);

/// Names a machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Node(pub usize);

/// Machines, the connections between them, and what is under way.
pub struct Network {
    begin: Instant,
    now: Instant,
    random: Random,
    machines: Vec<Machine>,
    wires: Vec<Wire>,
    /// What will happen, in the order of time; the number keeps causes before effects.
    queue: BTreeMap<(Instant, u64), Happening>,
    number: u64,
    cuts: BTreeSet<(usize, usize)>,
    /// Milliseconds that a segment takes, at least and at most.
    delay: (u64, u64),
    /// So many segments out of a thousand are lost and sent again.
    loss: u64,
    asked: u64,
    trace: Option<Vec<String>>,
}

/// What will happen.
enum Happening {
    /// An answer to a daemon of this life.
    Event { to: usize, life: u64, event: Event },
    /// A SYN arrives.
    Dialled(usize),
    /// The answer to a SYN arrives: open, or refused.
    Answered(usize, Result<(), String>),
    /// Nobody answered a SYN.
    GaveUp(usize),
    /// A segment of a side arrives at the other.
    Arrived { wire: usize, side: usize, segment: Segment },
}

/// The configuration file of `set` lines, all of which have to be good.
#[must_use]
pub fn config(lines: &str) -> String {
    let parsed = Tree::parse_set_commands(lines);
    assert!(parsed.problems.is_empty(), "{:?}", parsed.problems);
    print::file(&parsed.tree)
}

impl Network {
    /// An empty network; segments take 1 to 5 ms and none is lost.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        let begin = Instant::now();
        Self {
            begin,
            now: begin,
            random: Random::new(seed),
            machines: Vec::new(),
            wires: Vec::new(),
            queue: BTreeMap::new(),
            number: 0,
            cuts: BTreeSet::new(),
            delay: (1, 5),
            loss: 0,
            asked: 0,
            trace: None,
        }
    }

    /// How bad the network is: milliseconds of delay, and segments out of a thousand that are lost.
    pub fn weather(&mut self, delay: (u64, u64), loss: u64) {
        self.delay = delay;
        self.loss = loss;
    }

    /// Writes down every effect from now on, for comparison.
    pub fn record(&mut self) {
        self.trace = Some(Vec::new());
    }

    /// What was written down.
    #[must_use]
    pub fn recorded(&self) -> &[String] {
        self.trace.as_deref().unwrap_or_default()
    }

    /// Adds a router with an Ethernet link for each address, and starts its daemon.
    pub fn router(&mut self, name: &str, addresses: &[&str], text: String) -> Node {
        self.machine(name, addresses, text, None)
    }

    /// Adds a machine that, like a Kubernetes node, asks for graceful restart of so many seconds.
    pub fn node(&mut self, name: &str, addresses: &[&str], text: String, restart_time: u16) -> Node {
        self.machine(name, addresses, text, Some(restart_time))
    }

    fn machine(&mut self, name: &str, addresses: &[&str], text: String, restart_time: Option<u16>) -> Node {
        let addresses: Vec<InterfaceAddress> = addresses.iter().map(|address| address.parse().unwrap()).collect();
        self.machines.push(Machine::new(name, Kernel::new(&addresses), text, restart_time));
        let node = Node(self.machines.len() - 1);
        self.start(node);
        node
    }

    /// Every machine.
    pub fn nodes(&self) -> impl Iterator<Item = Node> + use<> {
        (0..self.machines.len()).map(Node)
    }

    /// Chance, for tests that throw dice.
    pub fn random(&mut self) -> &mut Random {
        &mut self.random
    }

    /// A kernel, as it is now.
    #[must_use]
    pub fn kernel(&self, node: Node) -> &Kernel {
        &self.machines[node.0].kernel
    }

    /// A kernel, to do something to it that the daemon is not told of.
    pub fn kernel_mut(&mut self, node: Node) -> &mut Kernel {
        &mut self.machines[node.0].kernel
    }

    /// The operator's log since the machine was added.
    #[must_use]
    pub fn log(&self, node: Node) -> &[String] {
        &self.machines[node.0].log
    }

    /// The configuration that the daemon would start with after a crash.
    #[must_use]
    pub fn remembered(&self, node: Node) -> Option<&str> {
        self.machines[node.0].disk.active.as_deref()
    }

    /// The remotes of TCP MD5 keys that are set.
    #[must_use]
    pub fn passwords(&self, node: Node) -> &BTreeSet<String> {
        &self.machines[node.0].passwords
    }

    /// The files, accounts and settings of a machine.
    #[must_use]
    pub fn surroundings(&self, node: Node) -> &Surroundings {
        &self.machines[node.0].system
    }

    /// Whether port 179 is open.
    #[must_use]
    pub fn is_listening(&self, node: Node) -> bool {
        self.machines[node.0].listening
    }

    /// How the world answers the next steps of commits: `Err` refuses one.
    pub fn answer_steps(&mut self, node: Node, answers: impl IntoIterator<Item = Result<(), String>>) {
        self.machines[node.0].step_results = answers.into_iter().collect();
    }

    /// Writes another `config.boot`, as a person with an editor would.
    pub fn replace_saved(&mut self, node: Node, text: String) {
        self.machines[node.0].disk.saved = text;
        self.machines[node.0].disk.active = None;
    }

    /// From now on nothing can be written to the journal.
    pub fn fill_disk(&mut self, node: Node) {
        self.machines[node.0].disk.full = true;
    }

    /// Tells a daemon of something that happened to its kernel.
    pub fn tell(&mut self, node: Node, event: Event) {
        let life = self.machines[node.0].life;
        self.schedule(Duration::ZERO, Happening::Event { to: node.0, life, event });
    }

    /// Pulls the cable of a link, or puts it back.
    pub fn carrier(&mut self, node: Node, index: u32, carrier: bool) {
        let events = self.machines[node.0].kernel.carrier(index, carrier);
        self.tell(node, Event::World(events));
    }

    /// Starts the daemon on what the kernel and the disk have.
    pub fn start(&mut self, node: Node) {
        let at = self.moment();
        let boot = self.machines[node.0].boot();
        self.machines[node.0].begin_life(at);
        let mut effects = Vec::new();
        if let Some(engine) = &mut self.machines[node.0].engine {
            engine.boot(at, boot, &mut effects);
            engine.settle(at, &mut effects);
        }
        self.carry_out(node.0, effects);
    }

    /// The daemon dies; the system closes its connections, the kernel forwards on.
    pub fn crash(&mut self, node: Node) {
        let life = self.machines[node.0].life;
        self.machines[node.0].end_life();
        for wire in 0..self.wires.len() {
            for side in 0..2 {
                let end = &self.wires[wire].ends[side];
                if (end.machine, end.life, end.open) == (node.0, life, true) {
                    self.wires[wire].ends[side].open = false;
                    self.send(wire, side, Segment::End(Some("connection reset by peer".to_owned())));
                }
            }
        }
    }

    /// The machine loses its power: nobody is told, and its kernel forgets.
    pub fn power_off(&mut self, node: Node) {
        self.machines[node.0].end_life();
        self.machines[node.0].kernel.ours = rib::fib::KernelFib::default();
        self.machines[node.0].ran = false;
        // What was kept for a restart does not count after a boot of the machine.
        self.machines[node.0].disk.active = None;
        let ends = self.wires.iter_mut().flat_map(|wire| &mut wire.ends);
        ends.filter(|end| end.machine == node.0).for_each(|end| end.open = false);
    }

    /// Nothing passes between two machines any more; neither is told.
    pub fn cut(&mut self, one: Node, other: Node) {
        self.cuts.insert((one.0.min(other.0), one.0.max(other.0)));
    }

    /// The two can reach each other again; what was sent meanwhile arrives late.
    pub fn heal(&mut self, one: Node, other: Node) {
        self.cuts.remove(&(one.0.min(other.0), one.0.max(other.0)));
        for wire in 0..self.wires.len() {
            for side in 0..2 {
                for segment in std::mem::take(&mut self.wires[wire].ways[side].held) {
                    self.send(wire, side, segment);
                }
            }
        }
    }

    /// Every open connection between two machines breaks.
    pub fn reset(&mut self, one: Node, other: Node) {
        for wire in 0..self.wires.len() {
            let [from, to] = &self.wires[wire].ends;
            let concerned =
                (from.machine, to.machine) == (one.0, other.0) || (to.machine, from.machine) == (one.0, other.0);
            if concerned && self.wires[wire].stage == Stage::Open {
                for side in 0..2 {
                    self.arrived(wire, side, Segment::End(Some("connection reset by peer".to_owned())));
                }
                self.wires[wire].stage = Stage::Dead;
            }
        }
    }

    /// Lets time pass.
    pub fn run(&mut self, span: Duration) {
        let end = self.now + span;
        while self.step(end) {}
        self.now = end;
    }

    /// Lets time pass until something is so, at most this long; answers whether it is.
    pub fn run_until(&mut self, limit: Duration, mut done: impl FnMut(&mut Self) -> bool) -> bool {
        let end = self.now + limit;
        loop {
            if done(self) {
                return true;
            }
            let pause = (self.now + Duration::from_millis(100)).min(end);
            while self.step(pause) {}
            self.now = pause;
            if self.now >= end {
                return done(self);
            }
        }
    }

    /// The time now.
    #[must_use]
    pub fn moment(&self) -> Moment {
        Moment { instant: self.now, unix: EPOCH + self.elapsed().as_secs() }
    }

    /// The time that has passed since the beginning.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        self.now - self.begin
    }

    /// The next thing that happens up to `end`; false when nothing does.
    fn step(&mut self, end: Instant) -> bool {
        let planned = self.queue.keys().next().map(|(when, _)| *when);
        let alarms = self
            .machines
            .iter()
            .enumerate()
            .filter_map(|(index, machine)| Some((machine.engine.as_ref()?.deadline()?.max(self.now), index)));
        let alarm = alarms.min();
        match (planned, alarm) {
            (Some(when), alarm) if when <= end && alarm.is_none_or(|(due, _)| when <= due) => {
                self.now = self.now.max(when);
                if let Some((_, happening)) = self.queue.pop_first() {
                    self.happen(happening);
                }
                true
            }
            (_, Some((due, index))) if due <= end => {
                self.now = due;
                self.ring(index);
                true
            }
            _ => false,
        }
    }

    /// A deadline has come: the daemon acts until it wants to sleep.
    fn ring(&mut self, index: usize) {
        for round in 0.. {
            self.handle(index, Event::Tick);
            let engine = self.machines[index].engine.as_ref();
            if engine.and_then(engine::Engine::deadline).is_none_or(|due| due > self.now) {
                return;
            }
            assert!(round < SPIN, "{} never sleeps after {:?}", self.machines[index].name, self.elapsed());
        }
    }

    fn schedule(&mut self, after: Duration, happening: Happening) {
        self.schedule_at(self.now + after, happening);
    }

    fn schedule_at(&mut self, when: Instant, happening: Happening) {
        self.number += 1;
        self.queue.insert((when, self.number), happening);
    }

    fn latency(&mut self) -> Duration {
        let mut latency = Duration::from_millis(self.random.between(self.delay.0..=self.delay.1));
        let mut wait = RETRANSMISSION;
        while self.random.per_mille(self.loss) && wait < Duration::from_secs(10) {
            latency += wait;
            wait *= 2;
        }
        latency
    }

    fn is_cut(&self, wire: usize) -> bool {
        let [one, other] = &self.wires[wire].ends;
        self.cuts.contains(&(one.machine.min(other.machine), one.machine.max(other.machine)))
    }
}
