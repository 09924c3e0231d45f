//! What policies cost: nanoseconds for each route, and how long the daemon's loop is away while an edit is walked
//! through a large table.
//!
//! Within this process, on the engine itself: no socket and no kernel. What the kernel would answer is answered at once.

use std::hint::black_box;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context, Result, bail};
use api::{Level, Reply, Request};
use bgp::policy::{Chain, Change, Condition, Draft, PrefixList, PrefixRule, RouteMap, Rule, Source, Subject, Then};
use bgp::session::ConnId;
use bgp_wire::attribute::{AsPath, Origin, PathAttributes, thin_vec};
use bgp_wire::capability::Capability;
use bgp_wire::message::{Message, Nlri, Open};
use bgp_wire::{Negotiated, encode_reach};
use config::edit::{Candidate, Edit};
use config::{Tree, print};
use engine::{AskId, Boot, Caller, ClientId, Effect, Engine, Event, Facts, Moment};
use nouns::{Asn, Family, Marks, Prefix};

use super::Effort;
use crate::report::Report;

const CHAPTER: &str = "policy";
/// Routes that go through a policy in one run.
const ROUTES: u32 = 100_000;
/// Paths in the table while an edit is walked through it.
const PATHS: u32 = 200_000;

pub(super) fn measure(effort: &Effort, report: &mut Report) -> Result<()> {
    let list = Arc::new(PrefixList::new("prefix-list", "THOUSAND", rules(1_000)?));
    let lists = Chain { prefix_list: Some(Arc::clone(&list)), ..Chain::default() };
    let maps = Chain { route_map: Some(Arc::new(map(list))), ..Chain::default() };
    for (chain, name) in [(&lists, "a prefix list of 1,000 rules"), (&maps, "a route map of 10 rules")] {
        let values: Result<Vec<f64>> = (0..effort.short).map(|_| each_route(chain)).collect();
        report.add(CHAPTER, format!("one route through {name}"), "–", "ns", values?);
    }
    let (mut longest, mut whole) = (Vec::new(), Vec::new());
    for _ in 0..effort.long {
        let mut router = Router::new()?;
        router.fill()?;
        for metric in 1..=2 {
            let turns = router.edit(metric)?;
            longest.push(turns.iter().copied().fold(0.0, f64::max));
            whole.push(turns.iter().sum());
        }
    }
    report.add(CHAPTER, format!("an edit over {PATHS} paths: the longest turn of the loop"), "100 ms", "ms", longest);
    report.add(CHAPTER, format!("an edit over {PATHS} paths: all turns"), "–", "ms", whole);
    Ok(())
}

/// `10.0.0.0/24`, `10.0.1.0/24`, …
fn prefix(number: u32) -> Result<Prefix> {
    Ok(Prefix::masked(Ipv4Addr::from(0x0a00_0000_u32.wrapping_add(number << 8)).into(), 24)?)
}

fn rules(count: u16) -> Result<Vec<PrefixRule>> {
    let rule = |number: u16| {
        // Every hundredth route has a rule of its own.
        Ok(PrefixRule { number, permit: true, prefix: prefix(u32::from(number) * 100)?, lengths: (24, 24) })
    };
    (1..=count).map(rule).collect()
}

/// Nine rules that ask and do not match, then one that changes three attributes.
fn map(list: Arc<PrefixList>) -> RouteMap {
    let rule = |number: u16| Rule {
        number: number * 10,
        permit: true,
        conditions: match number {
            10 => Vec::new(),
            odd if odd % 2 == 1 => vec![Condition::Prefix(Arc::clone(&list)), Condition::Metric(u32::from(odd))],
            even => vec![Condition::LocalPreference(u32::from(even))],
        },
        changes: vec![Change::LocalPreference(200), Change::Communities(vec![7], true), Change::Weight(5)],
        call: None,
        then: Then::Exit,
    };
    RouteMap::new("TEN", (1..=10).map(rule).collect())
}

/// Nanoseconds for each of many routes.
fn each_route(chain: &Chain) -> Result<f64> {
    let prefixes: Vec<Prefix> = (0..ROUTES).map(prefix).collect::<Result<_>>()?;
    let attributes = attributes();
    let began = Instant::now();
    for prefix in prefixes {
        let subject = Subject { prefix, source: Source::Bgp, peer: None, interface: None };
        let mut draft = Draft::new(&attributes, Marks::default());
        let _ = black_box(chain.apply(&subject, &mut draft));
        black_box(&draft);
    }
    Ok(began.elapsed().as_secs_f64() * 1e9 / f64::from(ROUTES))
}

fn attributes() -> PathAttributes {
    PathAttributes {
        as_path: AsPath::sequence(&[Asn(65_002), Asn(65_100), Asn(65_200)]),
        communities: thin_vec![1, 2, 3],
        ..PathAttributes::new(Origin::Igp, [192, 0, 2, SPEAKER].into())
    }
}

const SPEAKER: u8 = 2;
const LISTENER: u8 = 3;

/// Everything goes in and out through maps.
const CONFIGURATION: &str = "set protocols bgp 64512 neighbor 192.0.2.2 remote-as 65002
set protocols bgp 64512 neighbor 192.0.2.2 passive
set protocols bgp 64512 neighbor 192.0.2.2 route-map import IN
set protocols bgp 64512 neighbor 192.0.2.3 remote-as 65003
set protocols bgp 64512 neighbor 192.0.2.3 passive
set protocols bgp 64512 neighbor 192.0.2.3 route-map export OUT
set protocols bgp 64512 parameters router-id 192.0.2.1
set policy route-map IN rule 10 action permit
set policy route-map OUT rule 10 action permit";

/// An engine with a neighbor that speaks and one that listens.
struct Router {
    engine: Engine,
    at: Moment,
    replies: Vec<Reply>,
    /// Milliseconds of each turn of the loop.
    turns: Vec<f64>,
}

impl Router {
    fn new() -> Result<Self> {
        let at = Moment { instant: Instant::now(), unix: 0 };
        let mut router = Self { engine: Engine::new(at, Facts::default()), at, replies: Vec::new(), turns: Vec::new() };
        let text = print::file(&Tree::parse_set_commands(CONFIGURATION).tree);
        let mut effects = Vec::new();
        router.engine.boot(at, Boot { text: Some(text), ..Boot::default() }, &mut effects);
        router.carry_out(effects);
        for last in [SPEAKER, LISTENER] {
            let end = |last: u8, port| SocketAddr::new([192, 0, 2, last].into(), port);
            let conn = ConnId(u64::from(last) * 2 + 1);
            router.turn(Event::Accepted { conn, local: end(1, 179), remote: end(last, 40_000) });
            let asn = Asn(65_000 + u32::from(last));
            let mut capabilities: Vec<Capability> = Family::ALL.map(Capability::multiprotocol).to_vec();
            capabilities.extend([Capability::FourOctetAs(asn), Capability::RouteRefresh]);
            let open = Open { asn, hold_time: 0, router_id: [last; 4].into(), capabilities };
            for message in [Message::Open(open), Message::Keepalive] {
                let mut octets = Vec::new();
                message.encode(&codec(), &mut octets).context("a message that cannot be encoded")?;
                router.turn(Event::Bytes(conn, octets));
            }
        }
        router.rest()?;
        Ok(router)
    }

    fn fill(&mut self) -> Result<()> {
        let conn = ConnId(u64::from(SPEAKER) * 2 + 1);
        for begin in (0..PATHS).step_by(500) {
            let prefixes: Vec<Prefix> = (begin..begin + 500).map(prefix).collect::<Result<_>>()?;
            let mut nlri = prefixes.into_iter().map(|prefix| Nlri { prefix, path_id: 0 });
            let mut octets = Vec::new();
            encode_reach(Family::Ipv4Unicast, &attributes(), &mut nlri, &codec(), &mut octets)
                .context("an update that cannot be encoded")?;
            self.turn(Event::Bytes(conn, octets));
        }
        self.rest()
    }

    /// Changes what both maps do; answers the milliseconds of each turn until all of it is done.
    fn edit(&mut self, metric: u32) -> Result<Vec<f64>> {
        let edit = |map: &str| {
            let line = format!("policy route-map {map} rule 10 set metric {metric}");
            Edit::Set(line.split(' ').map(str::to_owned).collect())
        };
        let candidate = Candidate { base: self.engine.revision(), edits: ["IN", "OUT"].map(edit).to_vec() };
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
    fn rest(&mut self) -> Result<()> {
        let mut turns = 0_u32;
        while self.engine.deadline().is_some_and(|deadline| deadline <= self.at.instant) {
            turns += 1;
            if turns > 10_000 {
                bail!("the engine never rests");
            }
            self.turn(Event::Tick);
        }
        Ok(())
    }

    /// One turn of the loop: an event is taken in, what is undecided is decided.
    fn turn(&mut self, event: Event) {
        let began = Instant::now();
        let mut effects = Vec::new();
        self.engine.handle(self.at, event, &mut effects);
        self.engine.settle(self.at, &mut effects);
        self.turns.push(began.elapsed().as_secs_f64() * 1e3);
        self.carry_out(effects);
    }

    fn carry_out(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Step(id, _) => self.turn(Event::StepDone(id, Ok(()))),
                Effect::Journal(_) => self.turn(Event::Journaled(Ok(()))),
                Effect::Remember { .. } => self.turn(Event::Remembered),
                Effect::Fib(_) => self.turn(Event::FibDone(Vec::new())),
                Effect::Repair(_) => self.turn(Event::Repaired(Vec::new())),
                Effect::Answer(_, reply) => self.replies.push(reply),
                _ => {}
            }
        }
    }
}

fn codec() -> Negotiated {
    Negotiated { four_octet_as: true, families: Family::ALL.to_vec(), ..Negotiated::default() }
}
