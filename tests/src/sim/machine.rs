//! One machine: a kernel, a disk, and a daemon that may be off.
//!
//! Steps of commits are carried out here; whether the engine was right to order them is the test's question.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::IpAddr;

use api::Reply;
use bgp::session::ConnId;
use bgp_wire::capability::Capability;
use bgp_wire::message::Message;
use config::store::{JournalRecord, MemoryStore, Store};
use engine::plan::Step;
use engine::{AskId, Boot, Engine, Facts, Moment};
use nouns::Family;
use rib::world::{LinkAddress, WorldEvent};

use super::kernel::Kernel;
use super::surroundings::Surroundings;
use crate::sim::wire::End;

/// What survives a crash.
#[derive(Debug, Default)]
pub(crate) struct Disk {
    /// `config.boot`
    pub(crate) saved: String,
    /// What was active last, for a daemon that crashed.
    pub(crate) active: Option<String>,
    pub(crate) store: MemoryStore,
    /// Nothing more can be written to the journal.
    pub(crate) full: bool,
}

impl Disk {
    pub(crate) fn journal(&mut self, record: &JournalRecord) -> Result<(), String> {
        if self.full {
            return Err("no space left on device".to_owned());
        }
        self.store.journal(record).map_err(|error| error.to_string())
    }
}

/// One machine.
pub(crate) struct Machine {
    pub(crate) name: String,
    pub(crate) kernel: Kernel,
    pub(crate) disk: Disk,
    pub(crate) engine: Option<Engine>,
    /// Counts the starts of the daemon: answers to an earlier one are nobody's.
    pub(crate) life: u64,
    /// A daemon ran since the machine was booted.
    pub(crate) ran: bool,
    pub(crate) listening: bool,
    pub(crate) accepted: u64,
    /// Seconds that its OPENs ask for when it restarts, as a Kubernetes node's do; none for a router.
    pub(crate) restart_time: Option<u16>,
    /// Where each connection of this life is: the wire and the side.
    pub(crate) conns: BTreeMap<ConnId, (usize, usize)>,
    pub(crate) replies: BTreeMap<AskId, Reply>,
    pub(crate) log: Vec<String>,
    /// What those who watch were told.
    pub(crate) news: Vec<api::News>,
    /// Answers to the next steps; all succeed when it is empty.
    pub(crate) step_results: VecDeque<Result<(), String>>,
    pub(crate) passwords: BTreeSet<String>,
    /// What lies around the router.
    pub(crate) system: Surroundings,
}

impl Machine {
    pub(crate) fn new(name: &str, kernel: Kernel, saved: String, restart_time: Option<u16>) -> Self {
        Self {
            name: name.to_owned(),
            kernel,
            disk: Disk { saved, ..Disk::default() },
            engine: None,
            life: 0,
            ran: false,
            listening: false,
            accepted: 0,
            restart_time,
            conns: BTreeMap::new(),
            replies: BTreeMap::new(),
            log: Vec::new(),
            news: Vec::new(),
            step_results: VecDeque::new(),
            passwords: BTreeSet::new(),
            system: Surroundings::default(),
        }
    }

    /// What a daemon that starts now finds.
    pub(crate) fn boot(&self) -> Boot {
        let saved = Some(self.disk.saved.clone());
        let store = &self.disk.store;
        Boot {
            text: self.disk.active.clone().or_else(|| saved.clone()),
            saved: self.disk.active.as_ref().and(saved),
            latest: store.latest().unwrap_or_default(),
            interrupted: store.pending().unwrap_or_default(),
            unconfirmed: store.unconfirmed().unwrap_or_default(),
            snapshot: self.kernel.snapshot(),
            restarted: self.ran,
            problems: Vec::new(),
        }
    }

    /// A new daemon.
    pub(crate) fn begin_life(&mut self, at: Moment) {
        self.life += 1;
        self.conns.clear();
        self.listening = false;
        let facts = Facts { host_name: self.name.clone(), ..Facts::default() };
        self.engine = Some(Engine::new(at, facts));
        self.ran = true;
    }

    /// The daemon is gone; what it had open is closed by the system.
    pub(crate) fn end_life(&mut self) {
        self.engine = None;
        self.listening = false;
    }

    pub(crate) fn is_end(&self, end: &End) -> bool {
        self.engine.is_some() && self.life == end.life && end.open
    }

    /// The machine's own address in the network of a neighbor.
    pub(crate) fn address_towards(&self, neighbor: IpAddr) -> Option<IpAddr> {
        let usable = |there: &&LinkAddress| self.kernel.links.get(&there.ifindex).is_some_and(rib::world::Link::usable);
        let mut addresses = self.kernel.addresses.iter().filter(usable);
        addresses.find(|there| there.address.network().contains(neighbor)).map(|there| there.address.address())
    }

    pub(crate) fn has_address(&self, address: IpAddr) -> bool {
        self.kernel.addresses.iter().any(|there| there.address.address() == address)
    }

    /// Carries out a step; answers what the kernel tells of it.
    pub(crate) fn carry_out(&mut self, step: &Step) -> (Result<(), String>, Vec<WorldEvent>) {
        if let Some(Err(reason)) = self.step_results.pop_front() {
            return (Err(reason), Vec::new());
        }
        let done = match step {
            Step::Listener { open } => {
                self.listening = *open;
                Ok(Vec::new())
            }
            Step::Secret { remote, to, .. } => {
                let remote = remote.to_string();
                if to.is_some() {
                    self.passwords.insert(remote)
                } else {
                    self.passwords.remove(&remote)
                };
                Ok(Vec::new())
            }
            Step::Account { .. } | Step::File { .. } | Step::Sysctl { .. } => {
                self.system.carry_out(step).map(|()| Vec::new())
            }
            Step::HostName { .. } | Step::TimeZone { .. } | Step::Routing => Ok(Vec::new()),
            of_link => self.kernel.carry_out(of_link),
        };
        match done {
            Ok(events) => (Ok(()), events),
            Err(reason) => (Err(reason), Vec::new()),
        }
    }

    /// What leaves the machine: an OPEN claims graceful restart where the machine is to be a node that has it.
    pub(crate) fn dress(&self, octets: Vec<u8>) -> Vec<u8> {
        let codec = bgp_wire::Negotiated::default();
        let Some(seconds) = self.restart_time else { return octets };
        let Ok(Message::Open(mut open)) = Message::decode(&octets, &codec) else { return octets };
        for capability in &mut open.capabilities {
            if let Capability::GracefulRestart { restarting, time, families, .. } = capability {
                *restarting = self.life > 1;
                *time = seconds;
                *families = Family::ALL.map(|family| (family, true)).to_vec();
            }
        }
        let mut dressed = Vec::new();
        match Message::Open(open).encode(&codec, &mut dressed) {
            Ok(()) => dressed,
            Err(_) => octets,
        }
    }
}
