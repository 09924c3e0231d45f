//! A wish replaces another: numbers, tables, services and the directory follow it.
//!
//! Never writes a thing that something before it in the list needs: backends, then who answers as whom, then tables, then
//! services, then the directory.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bpf_common::layout::{self, CLIENT_ONLY, PASS_EMPTY, QUIC, SERVER_OCTETS, SERVER_OCTETS_MOST};

use super::{Balancer, GRACE, Shared, Standing, Write};
use crate::backends::{Backends, Who};
use crate::directory::Lines;
use crate::maglev::mapped;
use crate::servers::{Servers, has_datagrams};
use crate::table::{Set, Table};
use crate::wish::{Affinity, Backend, Destination, Exit, Member, Protocol, Service, State, WhenEmpty, Wish};

/// Backends that are found again without a look at all of them.
const LATELY: usize = 1_024;

/// Sets of backends as they are met; equal ones are one.
struct Sets {
    /// Those that were met lately, each at a place that follows from its address: how it leaves, and its number.
    lately: Vec<Option<(Who, Option<Exit>, u16)>>,
    by_members: HashMap<*const Member, Arc<Set>>,
    all: BTreeSet<Arc<Set>>,
    /// Who has been met.
    numbers: BTreeSet<u16>,
    marks: BTreeMap<u32, u16>,
    /// Backends for whom there is no number.
    left_out: usize,
}

impl Sets {
    fn new() -> Self {
        Self {
            lately: vec![None; LATELY],
            by_members: HashMap::new(),
            all: BTreeSet::new(),
            numbers: BTreeSet::new(),
            marks: BTreeMap::new(),
            left_out: 0,
        }
    }

    /// The number of a backend, which leaves by this from now on; nothing if there is none left.
    fn number(&mut self, backends: &mut Backends, backend: &Backend) -> Option<u16> {
        let Backend { address, way, exit } = *backend;
        let bits = mapped(address);
        let spread = ((bits >> 64) as u64 ^ bits as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let place = self.lately.get_mut(usize::try_from(spread >> 32).unwrap_or_default() % LATELY)?;
        if let Some((known, by, number)) = place
            && (*known, *by) == ((address, way), exit)
        {
            return Some(*number);
        }
        let number = backends.number((address, way), exit)?;
        self.numbers.insert(number);
        *place = Some(((address, way), exit, number));
        Some(number)
    }
}

/// Tables as they are made for a wish.
struct Making {
    now: Instant,
    /// Which table follows a table, or none, for a set.
    followers: HashMap<(Option<u32>, *const Set), Option<u32>>,
    /// Tables without a transition, by their sets.
    settled: BTreeMap<Arc<Set>, u32>,
    /// Owners of the slots, by sets with the same ones.
    owners: HashMap<Vec<(u16, u32)>, Arc<[u16]>>,
    left_out: usize,
    /// Where more tables are due than are filled at once: those of them that one set alone follows.
    in_haste: Option<BTreeSet<u32>>,
}

impl Balancer {
    /// This shall be balanced, and nothing else.
    pub(super) fn wish(&mut self, now: Instant, wish: &Wish, out: &mut Vec<Write>) {
        self.crowded.clear();
        self.idle = wish.idle;
        self.guarded = !wish.guards.is_empty();
        let rebuilt = std::mem::replace(&mut self.slots, wish.slots) != wish.slots;
        let mut sets = Sets::new();
        let services: Vec<(Destination, &Service, Arc<Set>)> = wish
            .services
            .iter()
            .map(|(destination, service)| (*destination, service, self.set_of(service, &mut sets)))
            .collect();
        self.reach(now, out);
        let claimed = self.answers.change(Some(now), wish, out);
        self.write_answers(out);
        let chosen = self.choose_tables(now, &services, rebuilt, out);
        let lost = self.enter_services(&services, &chosen, out);
        self.leave_services(now, wish);
        self.forget_tables(now);
        self.time_tables();
        self.write_directory(wish, out);
        self.backends.keep(now, &sets.numbers, out);
        self.reach(now, out);
        self.backends.write_marks(sets.marks, out);
        self.complain(sets.left_out, lost, &claimed);
    }

    fn set_of(&mut self, service: &Service, sets: &mut Sets) -> Arc<Set> {
        if let Some(known) = sets.by_members.get(&service.backends.as_ptr())
            && !service.backends.is_empty()
        {
            return Arc::clone(known);
        }
        let (mut active, mut draining) = (Vec::with_capacity(service.backends.len()), Vec::new());
        for member in service.backends.iter() {
            let Some(number) = sets.number(&mut self.backends, &member.backend) else {
                sets.left_out += 1;
                continue;
            };
            sets.marks.extend(member.mark.map(|mark| (mark, number)));
            match member.state {
                // Nothing gets to whom nothing leads.
                _ if member.backend.exit.is_none() => {}
                State::Active => active.push((number, member.weight)),
                State::Draining => draining.push(number),
                State::Dead => {}
            }
        }
        let set = Arc::new(Set::new(active, draining));
        let set = sets.all.get(&set).cloned().unwrap_or(set);
        sets.all.insert(Arc::clone(&set));
        sets.by_members.insert(service.backends.as_ptr(), Arc::clone(&set));
        set
    }

    /// The table of each service from now on.
    fn choose_tables(
        &mut self,
        now: Instant,
        services: &[(Destination, &Service, Arc<Set>)],
        rebuilt: bool,
        out: &mut Vec<Write>,
    ) -> Vec<Option<u32>> {
        let in_haste = if rebuilt { None } else { self.haste(services) };
        let settled = self.tables.iter().filter(|(_, shared)| !rebuilt && in_haste.is_none() && shared.is_done());
        let settled = settled.filter_map(|(number, shared)| Some((shared.set.clone()?, *number))).collect();
        let (followers, owners) = (HashMap::new(), HashMap::new());
        let mut making = Making { now, followers, settled, owners, left_out: 0, in_haste };
        let mut chosen = Vec::with_capacity(services.len());
        for (destination, _, set) in services {
            let old = self.services.get(destination).and_then(|standing| standing.table).filter(|_| !rebuilt);
            let key = (old, Arc::as_ptr(set));
            let table = match making.followers.get(&key) {
                Some(table) => *table,
                None => {
                    let table = self.follow(old, set, &mut making, out);
                    making.followers.insert(key, table);
                    table
                }
            };
            chosen.push(table);
        }
        if making.left_out > 0 {
            self.crowded.push(format!(
                "there is no room for {} more tables: their services stay with their former nodes, or are left to the kernel's routes",
                making.left_out
            ));
        }
        chosen
    }

    /// The table that follows a table, or none, when this is the set.
    fn follow(&mut self, old: Option<u32>, set: &Arc<Set>, making: &mut Making, out: &mut Vec<Write>) -> Option<u32> {
        let former = old.and_then(|number| self.tables.get(&number).map(|shared| (number, shared)));
        if let Some((number, shared)) = former
            && shared.set.as_ref() == Some(set)
        {
            return Some(number);
        }
        if set.is_empty() {
            self.pins.all_dead |= former.is_some();
            return None;
        }
        if let (Some(alone), Some((number, _))) = (&making.in_haste, former)
            && !set.active().is_empty()
        {
            let follower = if alone.contains(&number) { Some(number) } else { self.copy_table(number) };
            return match follower {
                Some(follower) => {
                    self.approach(follower, follower != number, set, making.now, out);
                    Some(follower)
                }
                None => self.without_table(old, set, making),
            };
        }
        if former.is_none()
            && making.owners.len() >= self.at_first
            && !making.owners.contains_key(set.active())
            && !set.active().is_empty()
        {
            return self.begin(set, making.now, out).or_else(|| self.without_table(old, set, making));
        }
        let (slots, backends) = (self.slots, &self.backends);
        let owners = making
            .owners
            .entry(set.active().to_vec())
            .or_insert_with(|| set.owners(slots, |number| backends.seed(number)));
        let table = match former {
            Some((_, shared)) => shared.table.succeeded_by(owners, set, making.now),
            None => Table::new(Arc::clone(owners)),
        };
        // What was found is what is wished: it has a set from now on.
        let is_found = former.filter(|(_, shared)| shared.set.is_none() && shared.table.stands_like(&table));
        let some_die = former.is_some_and(|(_, former)| former.set.as_ref().is_none_or(|old| old.has_others_than(set)));
        if let Some((number, _)) = is_found {
            if let Some(shared) = self.tables.get_mut(&number) {
                shared.set = Some(Arc::clone(set));
            }
            return Some(number);
        }
        if table.is_settled()
            && let Some(number) = making.settled.get(set)
        {
            return Some(*number);
        }
        let Some(number) = self.table_numbers.take() else {
            return self.without_table(old, set, making);
        };
        self.pins.all_dead |= some_die;
        self.pins.may_exist |= !table.is_settled();
        out.push(Write::Table(number, table.slots()));
        if table.is_settled() {
            making.settled.insert(Arc::clone(set), number);
        }
        let mut shared = Shared::new(set, table);
        shared.settling = shared.table.is_settling().then_some(making.now);
        self.tables.insert(number, shared);
        Some(number)
    }

    /// What a set gets for which there is no table any more: one that has become the same, or the former one of its services, as
    /// long as nobody has slots there who is dead now; else none, and the kernel's routes decide.
    fn without_table(&mut self, old: Option<u32>, set: &Arc<Set>, making: &mut Making) -> Option<u32> {
        if let Some(same) = making.settled.get(set) {
            return Some(*same);
        }
        making.left_out += 1;
        let former = old.and_then(|number| self.tables.get(&number)).and_then(|shared| shared.set.as_ref());
        let all_live = former.is_some_and(|former| !former.has_others_than(set));
        self.pins.all_dead |= old.is_some() && !all_live;
        old.filter(|_| all_live)
    }

    /// Writes the services; answers how many found no room.
    fn enter_services(
        &mut self,
        services: &[(Destination, &Service, Arc<Set>)],
        chosen: &[Option<u32>],
        out: &mut Vec<Write>,
    ) -> usize {
        let mut lost = 0;
        for ((destination, service, set), table) in services.iter().zip(chosen) {
            let mut entry = entry(service, *table, self.slots);
            if table.is_none() && !set.is_empty() {
                // There are nodes, and no room for a table of them.
                entry.flags |= PASS_EMPTY;
            }
            if let Some(standing) = self.services.get_mut(destination) {
                standing.table = *table;
                standing.service = Some((*service).clone());
                if std::mem::replace(&mut standing.written, entry) != entry {
                    out.push(Write::Service(standing.number, entry));
                }
                continue;
            }
            let Some(number) = self.service_numbers.take() else {
                lost += 1;
                continue;
            };
            out.push(Write::ClearService(number));
            out.push(Write::Service(number, entry));
            let standing = Standing { number, table: *table, written: entry, service: Some((*service).clone()) };
            self.services.insert(*destination, standing);
            self.by_number.insert(number, *destination);
        }
        lost
    }

    /// Services that nobody wishes any more: nobody finds them once the directory is written.
    fn leave_services(&mut self, now: Instant, wish: &Wish) {
        let (by_number, numbers) = (&mut self.by_number, &mut self.service_numbers);
        self.services.retain(|destination, standing| {
            let stays = wish.services.contains_key(destination);
            if !stays {
                by_number.remove(&standing.number);
                numbers.give_back(standing.number, now + GRACE);
            }
            stays
        });
    }

    /// Tables that no service is led to rest, and go.
    pub(super) fn forget_tables(&mut self, now: Instant) {
        let used: BTreeSet<u32> = self.services.values().filter_map(|standing| standing.table).collect();
        let numbers = &mut self.table_numbers;
        self.tables.retain(|number, _| {
            let stays = used.contains(number);
            if !stays {
                numbers.give_back(*number, now + GRACE);
            }
            stays
        });
    }

    /// A table's windows last as long as the most silent of its flows may say nothing.
    pub(super) fn time_tables(&mut self) {
        for shared in self.tables.values_mut() {
            shared.idle = Duration::ZERO;
        }
        for (destination, standing) in &self.services {
            let only_udp = destination.transport.is_some_and(|transport| transport.protocol == Protocol::Udp);
            let only_tcp = destination.transport.is_some_and(|transport| transport.protocol == Protocol::Tcp);
            let idle = match (only_tcp, only_udp) {
                (true, _) => self.idle.tcp,
                (_, true) => self.idle.other,
                _ => self.idle.tcp.max(self.idle.other),
            };
            if let Some(shared) = standing.table.and_then(|number| self.tables.get_mut(&number)) {
                shared.idle = shared.idle.max(idle);
            }
        }
    }

    /// Who answers in its own address is found before it gets anything: else the first clients would hear from a stranger.
    fn write_answers(&mut self, out: &mut Vec<Write>) {
        let lines = self.lines.with(self.answers.lines());
        if lines == self.lines {
            return;
        }
        // Where there is no room, the directory that follows says so.
        if let (directory, 0) = lines.fill() {
            self.lines = lines;
            self.directory = directory.clone();
            out.push(Write::Directory(directory));
        }
    }

    fn write_directory(&mut self, wish: &Wish, out: &mut Vec<Write>) {
        let services: Vec<(Destination, u32)> =
            self.services.iter().map(|(destination, standing)| (*destination, standing.number)).collect();
        let servers = self.servers();
        if servers.ambiguous() > 0 {
            self.crowded.push(format!(
                "{} times quic-server-id calls two nodes of a service alike: their packets go by addresses and ports",
                servers.ambiguous()
            ));
        }
        let lines = Lines::new(&services, &wish.guards, self.answers.lines(), &servers);
        if lines == self.lines {
            return;
        }
        let (directory, lost) = lines.fill();
        if lost > 0 || lines.lengths() > layout::LENGTHS {
            self.crowded.push(
                "not all addresses of services find room in the directory: some are left to the kernel".to_owned(),
            );
        }
        self.lines = lines;
        self.directory = directory.clone();
        // Flows that a more special service has taken over must not be remembered for it.
        self.pins.all_dead |= self.pins.may_exist;
        out.push(Write::Directory(directory));
    }

    /// What connection IDs of QUIC call whom.
    fn servers(&self) -> Servers {
        let mut servers = Servers::default();
        for (_, standing) in self.services.iter().filter(|(destination, _)| has_datagrams(destination)) {
            let Some(service) = &standing.service else { continue };
            servers.add(standing.number, service, |place| {
                let member = service.backends.get(place)?;
                self.backends.number_of((member.backend.address, member.backend.way))
            });
        }
        servers
    }

    fn complain(&mut self, backends: usize, services: usize, claimed: &[(std::net::IpAddr, u16)]) {
        if backends > 0 {
            self.crowded.push(format!("there is no room for {backends} more backends: they get nothing"));
        }
        if services > 0 {
            self.crowded.push(format!("there is no room for {services} more services: they are left to the kernel"));
        }
        for (address, port) in claimed {
            self.crowded.push(format!(
                "{address} port {port} answers for two services, or for a whole prefix: answers go astray"
            ));
        }
    }
}

fn entry(service: &Service, table: Option<u32>, slots: u32) -> layout::Service {
    let flag = |holds: bool, flag: u32| if holds { flag } else { 0 };
    let flags = flag(service.affinity == Affinity::Client, CLIENT_ONLY)
        | flag(service.quic, QUIC)
        | flag(service.when_empty == WhenEmpty::Kernel, PASS_EMPTY)
        | u32::from(service.server_octets).min(SERVER_OCTETS_MOST) << SERVER_OCTETS;
    let clamp = u32::from(service.clamp.unwrap_or(0));
    let (table, slots) = table.map_or((0, 0), |table| (table, slots));
    layout::Service { table, slots, flags, clamp }
}
