//! The engine: events in, effects out, a deadline as the answer to "when next?".
//!
//! It ties configuration, sessions, tables and the forwarding table together. It never waits, never
//! reads a clock, and never touches a socket, a file or the kernel.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use bgp::session::Input;
use config::Tree;
use config::model::Model;
use nouns::{Family, Prefix, Revision};
use rib::aggregate::Aggregates;
use rib::attribute_sets::AttributeSets;
use rib::bgp_table::{BgpTable, PeerId};
use rib::fib::{Fib, RouteKey};
use rib::nexthop::NextHops;
use rib::path_ids::PathIds;
use rib::prefix_table::Prefixes;
use rib::routes::Rib;
use rib::world_view::World;

use crate::aggregates::Conditions;
use crate::balancer::Balancer;
use crate::collectors::Collectors;
use crate::commit::Commit;
use crate::confirm::Confirming;
use crate::dumps::Dumps;
use crate::effect::{Effect, Notice};
use crate::event::{Event, Moment, StepId};
use crate::flow::Flow;
use crate::journal::UnderWay;
use crate::limits::Memory;
use crate::liveness::Asked;
use crate::log::Log;
use crate::looks::Looks;
use crate::paths::Paths;
use crate::peers::damping::Dampings;
use crate::peers::groups::Groups;
use crate::peers::learn::Judge;
use crate::peers::review::Reviews;
use crate::peers::{Beacons, Peers};
use crate::plan::{Held, Program, Step};
use crate::policies::Policies;
use crate::recovery::Recovery;
use crate::statics::StaticLinks;
use crate::truth::Truth;
use crate::validation::Validation;
use crate::watch::Watchers;

/// How often the kernel is compared with the wish although nothing seems wrong.
const AUDIT_EVERY: Duration = Duration::from_secs(300);
/// How long the daemon waits before it tries again what the world refused.
pub(crate) const RETRY_AFTER: Duration = Duration::from_secs(5);

/// The BGP tables of both families.
pub struct Tables {
    ipv4: BgpTable,
    ipv6: BgpTable,
}

impl Tables {
    fn new(prefixes: &Prefixes) -> Self {
        let of = |family| BgpTable::new(family, prefixes);
        Self { ipv4: of(Family::Ipv4Unicast), ipv6: of(Family::Ipv6Unicast) }
    }

    /// One family's table.
    #[must_use]
    pub fn of(&self, family: Family) -> &BgpTable {
        match family {
            Family::Ipv4Unicast => &self.ipv4,
            Family::Ipv6Unicast => &self.ipv6,
        }
    }

    pub(crate) fn of_mut(&mut self, family: Family) -> &mut BgpTable {
        match family {
            Family::Ipv4Unicast => &mut self.ipv4,
            Family::Ipv6Unicast => &mut self.ipv6,
        }
    }
}

/// Whether a full picture of the kernel is on its way: storms of lost messages cost one dump at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SnapshotNeed {
    /// None is asked for.
    None,
    /// One is on its way.
    Asked,
    /// One is on its way, and something was lost since: another has to follow.
    Again,
}

/// The active configuration and what is known of the saved one.
pub(crate) struct Running {
    pub(crate) tree: Tree,
    pub(crate) model: Model,
    /// The model before the routing step of the commit under way.
    pub(crate) before: Option<Model>,
    pub(crate) revision: Revision,
    /// Older trees, newest last, so that edits made on them can be carried over.
    pub(crate) history: VecDeque<(Revision, Tree)>,
    /// The tree that the boot file holds, as far as this process knows.
    pub(crate) saved: Option<Tree>,
    /// The boot file is of a newer release: nothing is saved over it unless somebody names it.
    pub(crate) newer_file: bool,
    /// Parts of the saved configuration were left out at the start, and it was not saved since.
    pub(crate) left_out: bool,
    /// What a person should read before typing.
    pub(crate) notices: Vec<String>,
}

/// Things that nobody should have to guess: facts that the rim tells once.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    /// The host name that the system has.
    pub host_name: String,
    /// The daemon's version.
    pub version: String,
    /// The kernel's release.
    pub kernel: String,
    /// The machine's architecture.
    pub architecture: String,
    /// Kinds of links that the kernel does not have, by its word for them, with a sentence for each.
    pub missing_kinds: BTreeMap<&'static str, String>,
    /// Why the kernel cannot sign connections by TCP-AO, if it cannot.
    pub no_tcp_ao: Option<&'static str>,
    /// The full path of the file that the daemon starts with and saves to.
    pub boot_file: String,
    /// Kernel settings that forwarding depends on: name, wanted, found, and what is wrong.
    pub settings: Vec<(String, String, Option<String>, Option<String>)>,
    /// Programs that are installed, of those that read files of the system.
    pub programs: BTreeSet<Program>,
    /// Octets of memory that the machine, or the group of processes that the daemon runs in, has; `None` if unknown.
    pub memory: Option<u64>,
    /// Processors that may work for the daemon at the same time; 0 if unknown.
    pub processors: usize,
    /// Chance, drawn once; salts of passwords come from it.
    pub seed: u128,
}

/// The router.
pub struct Engine {
    pub(crate) running: Running,
    /// The commit under way, and since when.
    pub(crate) commit: Option<(Commit, Moment)>,
    /// What is taken back unless it is confirmed.
    pub(crate) confirm: Option<Confirming>,
    /// The commit under way takes that back.
    pub(crate) taking_back: bool,
    pub(crate) under_way: UnderWay,
    pub(crate) watchers: Watchers,
    /// Who is told of everything.
    pub(crate) collectors: Collectors,
    /// Files of tables and of what neighbors say.
    pub(crate) dumps: Dumps,
    /// Who looks at a large table.
    pub(crate) looks: Looks,
    pub(crate) next_step: StepId,
    /// Steps that the world refused at the start, or whose link is not there yet, by number once under way.
    pub(crate) owed: Vec<Step>,
    pub(crate) owed_since: Option<Instant>,
    pub(crate) boot_steps: BTreeMap<StepId, Step>,
    /// What an earlier life has changed of the system, until it is compared with the configuration.
    pub(crate) held: Option<Held>,
    pub(crate) snapshot: SnapshotNeed,
    pub(crate) world: World,
    pub(crate) world_changed: bool,
    /// What all tables share.
    pub(crate) prefixes: Prefixes,
    pub(crate) rib: Rib,
    pub(crate) next_hops: NextHops,
    pub(crate) tables: Tables,
    pub(crate) attribute_sets: AttributeSets,
    pub(crate) table_version: BTreeMap<Family, u64>,
    /// Of how many routes peers told since the last turn of decisions.
    pub(crate) heard: usize,
    pub(crate) fib: Fib,
    pub(crate) flow: Flow,
    /// What the kernel refused, lost and had changed.
    pub(crate) truth: Truth,
    pub(crate) next_audit: Instant,
    pub(crate) peers: Peers,
    /// Where the router advertises itself to neighbors that are named by their interface.
    pub(crate) beacons: Beacons,
    /// Which paths are watched.
    pub(crate) paths: Paths,
    /// Who is asked whether it lives.
    pub(crate) asked: Asked,
    /// What is balanced.
    pub(crate) balancer: Balancer,
    /// The running model's policies, as they run.
    pub(crate) policies: Policies,
    /// Who hears what.
    pub(crate) groups: Groups,
    /// What paths are called where several of a prefix are told (RFC 7911).
    pub(crate) path_ids: BTreeMap<Family, PathIds>,
    /// Routes that have to be looked at once more.
    pub(crate) reviews: Reviews,
    /// What routes are judged by, kept until a commit, the world or a session changes it.
    pub(crate) imports: BTreeMap<(PeerId, Family), Judge>,
    /// Which routes flapped.
    pub(crate) damping: Dampings,
    /// What the RPKI says.
    pub(crate) validation: Validation,
    /// Routes of sessions that ended, still in the tables.
    pub(crate) dropping: BTreeSet<(PeerId, Family)>,
    pub(crate) forgotten: Vec<PeerId>,
    pub(crate) memory: Memory,
    pub(crate) router_id: Ipv4Addr,
    pub(crate) recovery: Recovery,
    pub(crate) log: Log,
    pub(crate) facts: Facts,
    /// How many salts were made from the seed.
    pub(crate) salts: u64,
    pub(crate) started: Moment,
    /// The links that static routes need.
    pub(crate) static_links: StaticLinks,
    /// Routes of other tables than the main one that were wanted last.
    pub(crate) table_routes: BTreeSet<RouteKey>,
    /// Which routes aggregates cover.
    pub(crate) aggregates: Aggregates,
    /// Which routes conditions of neighbors ask for.
    pub(crate) conditions: Conditions,
    /// Prefixes that the router itself originates, by what made them.
    pub(crate) originated: BTreeSet<Prefix>,
}

impl Engine {
    /// A router with an empty configuration that knows nothing of the kernel yet.
    #[must_use]
    pub fn new(at: Moment, facts: Facts) -> Self {
        let prefixes = Prefixes::default();
        Self {
            running: Running {
                tree: Tree::default(),
                model: Model::default(),
                before: None,
                revision: Revision::default(),
                history: VecDeque::new(),
                saved: None,
                newer_file: false,
                left_out: false,
                notices: Vec::new(),
            },
            commit: None,
            confirm: None,
            taking_back: false,
            under_way: UnderWay::default(),
            watchers: Watchers::default(),
            collectors: Collectors::default(),
            dumps: Dumps::default(),
            looks: Looks::default(),
            next_step: StepId::default(),
            owed: Vec::new(),
            owed_since: None,
            boot_steps: BTreeMap::new(),
            held: None,
            snapshot: SnapshotNeed::None,
            world: World::new(),
            world_changed: true,
            rib: Rib::new(&prefixes),
            next_hops: NextHops::new(),
            tables: Tables::new(&prefixes),
            attribute_sets: AttributeSets::default(),
            table_version: BTreeMap::new(),
            heard: 0,
            fib: Fib::new(&prefixes),
            prefixes,
            flow: Flow::default(),
            truth: Truth::default(),
            next_audit: at.instant + AUDIT_EVERY,
            peers: Peers::default(),
            beacons: Beacons::default(),
            paths: Paths::default(),
            asked: Asked::default(),
            balancer: Balancer::default(),
            policies: Policies::default(),
            groups: Groups::default(),
            path_ids: BTreeMap::new(),
            reviews: Reviews::default(),
            imports: BTreeMap::new(),
            damping: Dampings::default(),
            validation: Validation::default(),
            dropping: BTreeSet::new(),
            forgotten: Vec::new(),
            memory: Memory::default(),
            router_id: Ipv4Addr::UNSPECIFIED,
            recovery: Recovery::default(),
            log: Log::default(),
            facts,
            salts: 0,
            started: at,
            static_links: StaticLinks::default(),
            table_routes: BTreeSet::new(),
            aggregates: Aggregates::default(),
            conditions: Conditions::default(),
            originated: BTreeSet::new(),
        }
    }

    /// Takes one event in. The caller calls [`Engine::settle`] once it has no further event at hand.
    pub fn handle(&mut self, at: Moment, event: Event, out: &mut Vec<Effect>) {
        match event {
            Event::Tick => self.tick(at, out),
            Event::Ask(ask, caller, request) => self.answer(at, ask, &caller, request, out),
            Event::World(changes) => self.world_events(at, changes, out),
            Event::Snapshot(snapshot) => self.snapshot(at, &snapshot, out),
            Event::Audited(actual) => self.audited(at, &actual, out),
            Event::FibDone(refused) => self.fib_done(at, &refused, out),
            Event::Repaired(refused) => self.fib_refused(at, &refused, out),
            Event::StepDone(id, result) => self.step_done(at, id, result, out),
            Event::Held(held) => self.held_told(at, held, out),
            Event::Journaled(result) => self.journaled(at, result, out),
            Event::Remembered => self.remembered(out),
            Event::Saved(result) => self.saved(at, result, out),
            Event::Dumped(file, octets, result) => self.dumped(at, file, octets, result, out),
            Event::Captured(packets, left_out) => self.tell_packets(packets, left_out, out),
            Event::Left(client) => self.left(client, out),
            Event::Connected(conn, local) => self.connected(at, conn, local, out),
            Event::ConnectFailed(conn, reason) => self.connect_failed(at, conn, reason, out),
            Event::Accepted { conn, local, remote } => self.accepted(at, conn, (local, remote), out),
            Event::Router { ifindex, address } => self.router_heard(at, ifindex, address, out),
            Event::Solicited { ifindex } => self.solicited(at, ifindex),
            Event::Bytes(conn, bytes) => self.heard(at, conn, Input::Bytes(conn, bytes), out),
            Event::Messages(conn, messages) => self.heard(at, conn, Input::Messages(conn, messages), out),
            Event::Closed(conn, error) => self.closed(at, conn, error, out),
            Event::SendQueue(conn, octets) => self.send_queue(at, conn, octets, out),
            Event::Cache(address, news) => self.cache_news(at, address, news, out),
            Event::Paths(changes) => self.paths_changed(at, changes, out),
            Event::Health(changes) => self.health_changed(at, changes, out),
            Event::Checked(verdicts) => self.checked(at, verdicts, out),
            Event::Balanced(result) => self.balanced(at, result, out),
            Event::Memory(resident) => self.memory_told(resident),
            Event::Terminate => {
                self.notice(at, Notice::info("the daemon ends; routes stay in the kernel"), out);
                self.leave_collectors(out);
                out.push(Effect::Exit);
            }
        }
    }

    /// When the engine wants to be called again although nothing happens; a moment that has passed means at once.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        let owed = self.owed_since.filter(|_| !self.owed.is_empty() && self.commit.is_none());
        self.peers
            .deadline()
            .into_iter()
            .chain(self.truth.deadline())
            .chain(self.balancer.deadline())
            .chain(self.validation.deadline())
            .chain(self.damping.deadline())
            .chain(self.groups.deadline())
            .chain(self.beacons.deadline())
            .chain(self.confirm_deadline())
            .chain(self.collectors.deadline())
            .chain(self.dumps.deadline())
            .chain(owed.map(|since| since + RETRY_AFTER))
            .chain(self.recovery_deadline().filter(|_| !self.steps_under_way()))
            .chain(std::iter::once(self.next_audit))
            .chain(
                (self.unsettled()
                    || (self.held.is_some() && self.commit.is_none())
                    || !self.looks.is_empty()
                    || self.collectors.is_unsettled()
                    || self.dumps.is_unsettled())
                .then_some(self.started.instant),
            )
            .min()
    }

    fn tick(&mut self, at: Moment, out: &mut Vec<Effect>) {
        self.tick_sessions(at, out);
        self.tick_collectors(at, out);
        self.tick_dumps(at, out);
        self.expire_stale(at, out);
        self.retry_refused(at);
        self.balancer.wake(at.instant);
        self.age_data(at);
        self.groups.wake(at.instant);
        self.end_rests(at);
        self.advertise_routers(at, out);
        if self.next_audit <= at.instant {
            self.next_audit = at.instant + AUDIT_EVERY;
            self.ask_audit(out);
            self.pin_neighbors(None, out);
        }
        self.retry_owed(at, out);
        self.give_back(out);
        self.expire_confirm(at, out);
    }

    fn expire_stale(&mut self, at: Moment, out: &mut Vec<Effect>) {
        for id in self.peers.with_stale_routes() {
            let expired: Vec<Family> = self
                .peers
                .get(id)
                .into_iter()
                .flat_map(|peer| &peer.stale_until)
                .filter(|(_, until)| **until <= at.instant)
                .map(|(family, _)| *family)
                .collect();
            for family in expired {
                if self.peers.begin_long_lived(id, family, at.instant).is_some() {
                    // They become others: of the last resort, and told as such.
                    self.imports.remove(&(id, family));
                    self.reviews.judge(family, id);
                    continue;
                }
                self.drop_stale(id, family);
                self.let_go(at, id, out);
            }
            let refreshed = self.peers.get(id).into_iter().flat_map(|peer| &peer.refreshed_until);
            let late: Vec<Family> =
                refreshed.filter(|(_, until)| **until <= at.instant).map(|(family, _)| *family).collect();
            late.into_iter().for_each(|family| self.refresh_ends(at, id, family, out));
        }
    }

    /// Notes something for the operator: in the log that `show log` reads, and to the rim.
    pub(crate) fn notice(&mut self, at: Moment, notice: Notice, out: &mut Vec<Effect>) {
        self.log.push(at.unix, &notice);
        self.tell_log(at, &notice, out);
        out.push(Effect::Notice(notice));
    }

    /// Notes something that the rim itself found.
    pub fn tell(&mut self, at: Moment, notice: Notice, out: &mut Vec<Effect>) {
        self.notice(at, notice, out);
    }

    /// The number of the active configuration.
    #[must_use]
    pub fn revision(&self) -> Revision {
        self.running.revision
    }

    /// Whether `save` would write something new.
    #[must_use]
    pub fn has_unsaved_changes(&self) -> bool {
        self.unsaved()
    }
}
