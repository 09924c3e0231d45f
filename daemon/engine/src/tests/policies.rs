//! What a neighbor hears when policies change: only what changed, nothing of what either configuration forbids, and
//! nothing at all once it is removed.

use api::View;
use api::request::Show;
use bgp_wire::attribute::{AsPath, Origin, PathAttributes, thin_vec};
use bgp_wire::capability::Capability;
use bgp_wire::message::{Message, Nlri, Open, RouteRefresh, Update};
use nouns::{Asn, Prefix};
use rib::fib::{FibChange, KernelFib};

use super::*;

pub(super) const SPEAKER: u8 = 2;
pub(super) const LISTENER: u8 = 3;

/// A router with two external neighbors: one that speaks and one that listens.
pub(super) struct Stage {
    now: Instant,
    pub(super) engine: Engine,
    pub(super) heard: Vec<Heard>,
    /// Marks of refreshes that the listener heard, and how much it had heard then.
    pub(super) marks: Vec<(u8, usize)>,
    /// What the listener knows.
    pub(super) known: BTreeMap<Prefix, PathAttributes>,
    /// Announcements of what it knew already.
    pub(super) repeated: usize,
    pub(super) closed: bool,
    pub(super) replies: Vec<Reply>,
    /// Each time that memory was asked for, whether it was to be given back first.
    pub(super) measured: Vec<bool>,
    pub(super) kernel: KernelFib,
    /// Connections to others than the listener, and what goes over them.
    pub(super) others: Vec<Effect>,
    /// More happens before anything is settled.
    at_once: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Heard {
    Announced(Prefix),
    Withdrawn(Prefix),
    Notified,
}

fn codec() -> bgp_wire::Negotiated {
    bgp_wire::Negotiated { four_octet_as: true, as_sets: true, families: Family::ALL.to_vec(), ..Default::default() }
}

fn octets_of(message: Message) -> Vec<u8> {
    let mut octets = Vec::new();
    message.encode(&codec(), &mut octets).unwrap();
    octets
}

impl Stage {
    pub(super) fn new(lines: &str) -> Self {
        let now = Instant::now();
        let at = Moment { instant: now, unix: 0 };
        let mut stage = Self {
            now,
            engine: Engine::new(at, Facts::default()),
            heard: Vec::new(),
            marks: Vec::new(),
            known: BTreeMap::new(),
            repeated: 0,
            closed: false,
            replies: Vec::new(),
            measured: Vec::new(),
            kernel: KernelFib::default(),
            others: Vec::new(),
            at_once: false,
        };
        let neighbors = "set protocols bgp 64512 neighbor 192.0.2.2 remote-as 65002\n\
                         set protocols bgp 64512 neighbor 192.0.2.2 passive\n\
                         set protocols bgp 64512 neighbor 192.0.2.3 remote-as 65003\n\
                         set protocols bgp 64512 neighbor 192.0.2.3 passive\n";
        let mut effects = Vec::new();
        stage.engine.boot(at, boot(0, &format!("{neighbors}{lines}")), &mut effects);
        stage.carry_out(effects);
        for last in [SPEAKER, LISTENER] {
            stage.open(last);
        }
        stage.rest();
        stage
    }

    pub(super) fn open(&mut self, last: u8) {
        let end = |last: u8, port| SocketAddr::new([192, 0, 2, last].into(), port);
        let conn = ConnId(u64::from(last) * 2 + 1);
        self.take(Event::Accepted { conn, local: end(1, 179), remote: end(last, 40_000) });
        let asn = Asn(65000 + u32::from(last));
        let mut capabilities: Vec<Capability> = Family::ALL.map(Capability::multiprotocol).to_vec();
        capabilities.extend([Capability::FourOctetAs(asn), Capability::RouteRefresh, Capability::EnhancedRouteRefresh]);
        let open = Open { asn, hold_time: 0, router_id: [last; 4].into(), capabilities };
        self.says(last, octets_of(Message::Open(open)));
        self.says(last, octets_of(Message::Keepalive));
    }

    fn says(&mut self, last: u8, octets: Vec<u8>) {
        self.take(Event::Bytes(ConnId(u64::from(last) * 2 + 1), octets));
    }

    /// Somebody asks for all IPv4 routes again, or tells where such a refresh begins or ends.
    pub(super) fn refreshes(&mut self, last: u8, subtype: u8) {
        let refresh = RouteRefresh::new(Some(Family::Ipv4Unicast), subtype);
        self.says(last, octets_of(Message::RouteRefresh(refresh)));
    }

    pub(super) fn now(&self) -> Instant {
        self.now
    }

    /// Lets time pass, with a tick at its end.
    pub(super) fn wait(&mut self, seconds: u64) {
        self.now += Duration::from_secs(seconds);
        self.take(Event::Tick);
    }

    /// The speaker announces prefixes with a community.
    pub(super) fn announces(&mut self, prefixes: impl IntoIterator<Item = Prefix>, community: u32) {
        self.announced_by(SPEAKER, prefixes, community);
    }

    /// The listener announces prefixes.
    pub(super) fn listener_announces(&mut self, prefixes: impl IntoIterator<Item = Prefix>) {
        self.announced_by(LISTENER, prefixes, 1);
    }

    pub(super) fn announced_by(&mut self, last: u8, prefixes: impl IntoIterator<Item = Prefix>, community: u32) {
        let mut attributes = PathAttributes::new(Origin::Igp, [192, 0, 2, last].into());
        attributes.as_path = AsPath::sequence(&[Asn(65000 + u32::from(last))]);
        attributes.communities = thin_vec![community];
        self.announced_with(last, prefixes, &attributes);
    }

    /// Somebody announces prefixes with attributes.
    pub(super) fn announced_with(
        &mut self,
        last: u8,
        prefixes: impl IntoIterator<Item = Prefix>,
        attributes: &PathAttributes,
    ) {
        let mut nlri = prefixes.into_iter().map(|prefix| Nlri { prefix, path_id: 0 });
        let mut octets = Vec::new();
        bgp_wire::encode_reach(Family::Ipv4Unicast, attributes, &mut nlri, &codec(), &mut octets).unwrap();
        self.says(last, octets);
    }

    /// The speaker announces prefixes with a path of its own.
    pub(super) fn announces_path(&mut self, prefixes: impl IntoIterator<Item = Prefix>, path: &[u32]) {
        let mut attributes = PathAttributes::new(Origin::Igp, [192, 0, 2, SPEAKER].into());
        attributes.as_path = AsPath::sequence(&path.iter().copied().map(Asn).collect::<Vec<_>>());
        let mut nlri = prefixes.into_iter().map(|prefix| Nlri { prefix, path_id: 0 });
        let mut octets = Vec::new();
        bgp_wire::encode_reach(Family::Ipv4Unicast, &attributes, &mut nlri, &codec(), &mut octets).unwrap();
        self.says(SPEAKER, octets);
    }

    /// Somebody takes announcements back.
    pub(super) fn withdrawn_by(&mut self, last: u8, prefixes: impl IntoIterator<Item = Prefix>) {
        let mut nlri = prefixes.into_iter().map(|prefix| Nlri { prefix, path_id: 0 });
        let mut octets = Vec::new();
        bgp_wire::encode_unreach(Family::Ipv4Unicast, &mut nlri, &codec(), &mut octets).unwrap();
        self.says(last, octets);
    }

    /// A connection breaks; a listener that comes back knows nothing.
    pub(super) fn breaks(&mut self, last: u8) {
        self.take(Event::Closed(ConnId(u64::from(last) * 2 + 1), Some("reset".to_owned())));
        if last == LISTENER {
            self.known.clear();
        }
    }

    /// Nothing is left of what was written down on the way.
    pub(super) fn forget_what_was_heard(&mut self) {
        (self.heard, self.replies, self.measured) = (Vec::new(), Vec::new(), Vec::new());
        self.others = Vec::new();
    }

    /// Takes one event in, and settles once: a walk is not at its end after that.
    pub(super) fn take(&mut self, event: Event) {
        let at = Moment { instant: self.now, unix: 0 };
        let mut effects = Vec::new();
        self.engine.handle(at, event, &mut effects);
        if !self.at_once {
            self.engine.settle(at, &mut effects);
        }
        self.carry_out(effects);
    }

    /// Takes in all that happens, settles once behind it, and tells what is so then; the effects are carried out later.
    pub(super) fn at_once<T>(&mut self, happens: impl FnOnce(&mut Self), then: impl FnOnce(&Engine) -> T) -> T {
        self.at_once = true;
        happens(self);
        self.at_once = false;
        let mut effects = Vec::new();
        self.engine.settle(Moment { instant: self.now, unix: 0 }, &mut effects);
        let told = then(&self.engine);
        self.carry_out(effects);
        told
    }

    /// Until nothing is left to do; answers how many turns that took.
    pub(super) fn rest(&mut self) -> usize {
        let mut turns = 0;
        while self.engine.unsettled() {
            turns += 1;
            assert!(turns < 1000, "it never rests");
            self.take(Event::Tick);
        }
        turns
    }

    fn carry_out(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Send(conn, octets) if conn == ConnId(u64::from(LISTENER) * 2 + 1) => self.hear(&octets),
                Effect::Close(conn) if conn == ConnId(u64::from(LISTENER) * 2 + 1) => self.closed = true,
                Effect::Connect(..) | Effect::Send(..) | Effect::Close(_) | Effect::Dump(..) => {
                    self.others.push(effect)
                }
                Effect::Step(id, _) => self.take(Event::StepDone(id, Ok(()))),
                Effect::Journal(_) => self.take(Event::Journaled(Ok(()))),
                Effect::Remember { .. } => self.take(Event::Remembered),
                Effect::Fib(changes) => {
                    changes.into_iter().for_each(|change| self.write(change));
                    self.take(Event::FibDone(Vec::new()));
                }
                Effect::Repair(changes) => {
                    changes.into_iter().for_each(|change| self.write(change));
                    self.take(Event::Repaired(Vec::new()));
                }
                Effect::Audit => self.take(Event::Audited(Box::new(self.kernel.clone()))),
                Effect::Answer(_, reply) => self.replies.push(reply),
                Effect::MeasureMemory { give_back } => self.measured.push(give_back),
                _ => {}
            }
        }
    }

    /// A kernel that refuses nothing.
    fn write(&mut self, change: FibChange) {
        match change {
            FibChange::NextHop { id, leg } => _ = self.kernel.next_hops.insert(id, leg),
            FibChange::Group { id, members } => _ = self.kernel.groups.insert(id, members),
            FibChange::Route { key, target } => _ = self.kernel.routes.insert(key, target),
            FibChange::RouteGone(key) => _ = self.kernel.routes.remove(key),
            FibChange::NextHopGone(id) => {
                self.kernel.groups.remove(&id);
                self.kernel.next_hops.remove(&id);
            }
        }
    }

    fn hear(&mut self, mut octets: &[u8]) {
        while let Some(length) = bgp_wire::frame(octets, bgp_wire::MAX_MESSAGE).unwrap() {
            let (message, rest) = octets.split_at(length);
            octets = rest;
            match Message::decode(message, &codec()).unwrap() {
                Message::Update(update) => self.hear_update(update),
                Message::Notification(_) => self.heard.push(Heard::Notified),
                Message::RouteRefresh(refresh) => self.marks.push((refresh.subtype, self.heard.len())),
                _ => {}
            }
        }
    }

    fn hear_update(&mut self, update: Update) {
        for nlri in update.unreach.iter().flat_map(|unreach| &unreach.nlri) {
            assert!(self.known.remove(&nlri.prefix).is_some(), "{} was never announced", nlri.prefix);
            self.heard.push(Heard::Withdrawn(nlri.prefix));
        }
        for reach in update.reach {
            for nlri in reach.nlri {
                let attributes = PathAttributes::clone(&reach.attributes);
                let before = self.known.insert(nlri.prefix, attributes.clone());
                self.repeated += usize::from(before.as_ref() == Some(&attributes));
                self.heard.push(Heard::Announced(nlri.prefix));
            }
        }
    }

    /// What a question is answered with.
    pub(super) fn show(&mut self, show: Show) -> Result<View, String> {
        self.replies.clear();
        self.take(Event::Ask(AskId { client: ClientId(1), id: 2 }, admin(), Request::Show(show)));
        while !self.engine.looks.is_empty() {
            self.take(Event::Tick);
        }
        match self.replies.pop() {
            Some(Reply::View(view)) => Ok(view),
            Some(Reply::Error(error)) => Err(error.message),
            other => panic!("{other:?}"),
        }
    }

    /// Commits and settles once.
    pub(super) fn commit(&mut self, lines: &str) {
        self.try_commit(lines).unwrap_or_else(|refusal| panic!("{refusal}"));
    }

    /// As `commit`; the error is what was answered instead.
    pub(super) fn try_commit(&mut self, lines: &str) -> Result<(), String> {
        let words = |line: &str| line.split_whitespace().skip(1).map(|word| word.replace('~', " ")).collect();
        let edits = lines
            .lines()
            .map(str::trim)
            .map(|line| if line.starts_with("set") { Edit::Set(words(line)) } else { Edit::Delete(words(line)) });
        let candidate = Candidate { base: self.engine.revision(), edits: edits.collect() };
        let ask = AskId { client: ClientId(1), id: 1 };
        (self.heard, self.replies) = (Vec::new(), Vec::new());
        let request = Request::Commit { candidate, comment: None, confirm: None };
        self.take(Event::Ask(ask, admin(), request));
        if matches!(self.replies[..], [Reply::Committed(_)]) { Ok(()) } else { Err(format!("{:?}", self.replies)) }
    }
}

pub(super) fn prefixes(count: u32) -> impl Iterator<Item = Prefix> {
    (0..count).map(|number| Prefix::masked(std::net::Ipv4Addr::from(0x0a00_0000 + (number << 8)).into(), 24).unwrap())
}

fn prefix(text: &str) -> Prefix {
    text.parse().unwrap()
}

/// Everything goes through, by one map for each direction.
const OPEN: &str = "set protocols bgp 64512 neighbor 192.0.2.2 route-map import IN
set protocols bgp 64512 neighbor 192.0.2.3 route-map export OUT
set policy route-map IN rule 10 action permit
set policy route-map OUT rule 10 action permit";

#[test]
fn an_access_list_says_what_a_neighbor_hears_and_gives() {
    let mut stage = Stage::new(OPEN);
    stage.announces(prefixes(50), 1);
    stage.rest();
    let list = "set policy access-list 10 rule 10 action permit\n\
                set policy access-list 10 rule 10 source network 10.0.0.0\n\
                set policy access-list 10 rule 10 source inverse-mask 0.0.7.255\n";
    let [from, to] = [SPEAKER, LISTENER].map(|last| format!("protocols bgp 64512 neighbor 192.0.2.{last}"));
    for (edit, knows) in [
        (format!("{list}set {to} distribute-list export 10"), 8),
        ("set policy access-list 10 rule 10 source inverse-mask 0.0.3.255".to_owned(), 4),
        (format!("delete {to} distribute-list\nset {from} distribute-list import 10"), 4),
        (
            "set policy access-list 10 rule 5 action deny\nset policy access-list 10 rule 5 source host 10.0.1.0"
                .to_owned(),
            3,
        ),
        (format!("delete {from} distribute-list\nset {from} address-family ipv4-unicast distribute-list import 10"), 3),
        (format!("delete {from} address-family"), 50),
    ] {
        stage.commit(&edit);
        stage.rest();
        assert_eq!((stage.known.len(), stage.repeated, stage.closed), (knows, 0, false), "{edit}");
    }
}

#[test]
fn routes_of_the_router_that_lead_nowhere_are_known_by_that() {
    let static_routes = "set protocols static route 10.1.0.0/16 blackhole
set protocols static route 10.2.0.0/16 next-hop 192.0.2.9
set protocols static route 10.3.0.0/16 reject
set protocols bgp 64512 redistribute static route-map NOWHERE
set policy route-map NOWHERE rule 10 action permit
set policy route-map NOWHERE rule 10 match ip nexthop type blackhole";
    let mut stage = Stage::new(&format!("{OPEN}\n{static_routes}"));
    assert_eq!(stage.known.keys().copied().collect::<Vec<_>>(), [prefix("10.1.0.0/16"), prefix("10.3.0.0/16")]);
    stage.commit("set protocols static route 10.1.0.0/16 next-hop 192.0.2.9\ndelete protocols static route 10.1.0.0/16 blackhole");
    stage.rest();
    assert_eq!(stage.known.keys().copied().collect::<Vec<_>>(), [prefix("10.3.0.0/16")]);
}

#[test]
fn an_edit_sends_what_changed_and_nothing_else() {
    let mut stage = Stage::new(OPEN);
    stage.announces(prefixes(50), 1);
    stage.rest();
    assert_eq!((stage.known.len(), stage.repeated), (50, 0));
    for (edit, withdrawn, announced) in [
        ("set policy route-map OUT description text", 0, 0),
        ("set policy route-map UNUSED rule 10 action deny", 0, 0),
        (
            "set policy prefix-list TEN rule 10 action permit\n\
             set policy prefix-list TEN rule 10 prefix 10.0.0.0/21\n\
             set policy prefix-list TEN rule 10 le 24\n\
             set policy route-map OUT rule 5 action deny\n\
             set policy route-map OUT rule 5 match ip address prefix-list TEN",
            8,
            0,
        ),
        ("set policy prefix-list TEN rule 10 prefix 10.0.0.0/22", 0, 4),
        ("set policy route-map OUT rule 5 action permit\nset policy route-map OUT rule 5 set metric 7", 0, 4),
        ("set policy route-map OUT rule 5 set as-path-prepend 64512", 0, 4),
        ("set policy route-map IN rule 10 set community 64512:9~additive", 0, 50),
        ("set policy route-map IN rule 10 set local-preference 300", 0, 0),
        (
            "set policy route-map IN rule 5 action deny\nset policy route-map IN rule 5 match ip address prefix-list TEN",
            4,
            0,
        ),
        ("delete policy route-map IN rule 5", 0, 4),
        ("set protocols bgp 64512 neighbor 192.0.2.3 default-originate", 0, 1),
        ("delete protocols bgp 64512 neighbor 192.0.2.3 default-originate", 1, 0),
        ("delete protocols bgp 64512 neighbor 192.0.2.3 route-map", 50, 0),
    ] {
        stage.commit(edit);
        stage.rest();
        let count = |wanted: fn(&Heard) -> bool| stage.heard.iter().filter(|heard| wanted(heard)).count();
        let found = (
            count(|heard| matches!(heard, Heard::Withdrawn(_))),
            count(|heard| matches!(heard, Heard::Announced(_))),
            count(|heard| matches!(heard, Heard::Notified)),
        );
        assert_eq!(found, (withdrawn, announced, 0), "{edit}");
        assert_eq!(stage.repeated, 0, "{edit}");
    }
}

#[test]
fn a_walk_ends_the_same_however_many_processors_judge() {
    let walked = |processors: usize, edit: &str| {
        let mut stage = Stage::new(OPEN);
        stage.engine.facts.processors = processors;
        let all: Vec<Prefix> = prefixes(600).collect();
        for (number, some) in (1..).zip(all.chunks(7)) {
            stage.announces(some.iter().copied(), number);
        }
        stage.rest();
        stage.forget_what_was_heard();
        stage.commit(edit);
        stage.rest();
        let mut known: Vec<_> = stage.known.into_iter().collect();
        known.sort_by_key(|(prefix, _)| *prefix);
        (stage.heard, stage.repeated, known)
    };
    for (edit, told) in [
        ("set policy route-map IN rule 10 set community 64512:9~additive", 600),
        ("set policy route-map IN rule 10 set as-path-prepend 65002", 600),
        (
            "set policy prefix-list SOME rule 10 action permit\n\
         set policy prefix-list SOME rule 10 prefix 10.0.0.0/16\n\
         set policy prefix-list SOME rule 10 le 24\n\
         set policy route-map IN rule 10 match ip address prefix-list SOME\n\
         set policy route-map IN rule 10 set metric 7",
            344,
        ),
        ("set policy route-map IN rule 10 action deny", 600),
    ] {
        let one = walked(1, edit);
        assert_eq!(one.0.len(), told, "{edit}");
        assert!([2, 8].into_iter().all(|processors| walked(processors, edit) == one), "{edit}");
    }
}

#[test]
fn what_import_and_export_mark_and_stop_together_never_leaks_while_a_change_is_walked_through() {
    const COUNT: u32 = 8_000;
    let marked = |mark: &str| {
        format!(
            "set policy community-list HIDE rule 10 action permit\n\
             set policy community-list HIDE rule 10 regex {mark}\n\
             set policy route-map IN rule 10 set community {mark}\n"
        )
    };
    let hide = "set policy route-map OUT rule 5 action deny\n\
                set policy route-map OUT rule 5 match community community-list HIDE\n";
    let mut stage = Stage::new(&format!("{OPEN}\n{}{hide}", marked("64512:1")));
    let all: Vec<Prefix> = prefixes(COUNT).collect();
    for some in all.chunks(700) {
        stage.announces(some.iter().copied(), 1);
    }
    stage.rest();
    assert_eq!((stage.heard.len(), stage.engine.tables.of(Family::Ipv4Unicast).len()), (0, COUNT as usize));
    stage.commit(marked("64512:2").trim());
    assert!(!stage.engine.reviews.is_empty(), "the walk is longer than one turn");
    // In the middle of the walk everything becomes undecided, its end is announced anew, and the listener asks for everything once more.
    stage.engine.tables.of_mut(Family::Ipv4Unicast).all_dirty();
    let last = *all.last().unwrap();
    stage.announces([last], 2);
    stage.refreshes(LISTENER, RouteRefresh::REQUEST);
    stage.rest();
    assert_eq!(stage.heard, Vec::new(), "the listener hears nothing of what both configurations hide");
    let paths = stage.engine.tables.of(Family::Ipv4Unicast).iter();
    assert!(paths.flat_map(|(_, paths)| paths).all(|path| path.attributes().communities == [0xfc00_0002]));
    stage.commit("delete policy route-map OUT rule 5");
    stage.rest();
    assert_eq!((stage.known.len(), stage.repeated), (COUNT as usize, 0));
}

#[test]
fn a_neighbor_that_is_deleted_with_its_policy_hears_a_farewell_and_nothing_behind_it() {
    let mut stage = Stage::new(&format!("{OPEN}\nset policy route-map OUT rule 5 action deny\n"));
    stage.announces(prefixes(20), 1);
    stage.rest();
    assert_eq!(stage.known.len(), 0);
    stage.commit("delete protocols bgp 64512 neighbor 192.0.2.3\ndelete policy route-map OUT");
    stage.rest();
    assert_eq!(stage.heard, [Heard::Notified]);
    assert!(stage.closed);
}

#[test]
fn an_external_neighbor_exchanges_in_the_directions_that_have_a_policy() {
    let only = |side: &str| OPEN.lines().filter(|line| !line.contains(side)).collect::<Vec<_>>().join("\n");
    for (lines, accepted, heard) in [
        (OPEN.to_owned(), 5, 5),
        (only("neighbor 192.0.2.2"), 0, 0),
        (only("neighbor 192.0.2.3"), 5, 0),
        (format!("{}\nset protocols bgp 64512 parameters ebgp-requires-policy disable", only("neighbor")), 5, 5),
    ] {
        let mut stage = Stage::new(&lines);
        stage.announces(prefixes(5), 1);
        stage.rest();
        let table = stage.engine.tables.of(Family::Ipv4Unicast);
        let used = table.iter().flat_map(|(_, paths)| paths).filter(|path| path.rejected().is_none()).count();
        assert_eq!((used, stage.known.len()), (accepted, heard), "{lines}");
    }
}

#[test]
fn own_routes_go_through_the_maps_of_network_and_redistribute() {
    let mut stage = Stage::new(
        "set protocols bgp 64512 neighbor 192.0.2.3 route-map export OUT
set policy route-map OUT rule 10 action permit
set policy route-map OUT rule 10 match tag 7
set policy route-map OUT rule 20 action permit
set policy route-map OUT rule 20 match protocol connected
set policy route-map OWN rule 10 action permit
set policy route-map OWN rule 10 match ip address prefix-list ONE
set policy route-map OWN rule 10 set tag 7
set policy route-map OWN rule 10 set metric 33
set policy prefix-list ONE rule 10 action permit
set policy prefix-list ONE rule 10 prefix 10.1.0.0/16
set protocols static route 10.1.0.0/16 blackhole
set protocols static route 10.2.0.0/16 blackhole
set protocols bgp 64512 redistribute connected
set protocols bgp 64512 redistribute static route-map OWN",
    );
    stage.rest();
    assert_eq!(stage.known.keys().copied().collect::<Vec<_>>(), [prefix("10.1.0.0/16"), prefix("192.0.2.0/24")]);
    assert_eq!(stage.known[&prefix("10.1.0.0/16")].med, Some(33));
    stage.commit("set policy prefix-list ONE rule 10 prefix 10.2.0.0/16");
    stage.rest();
    assert_eq!(stage.known.keys().copied().collect::<Vec<_>>(), [prefix("10.2.0.0/16"), prefix("192.0.2.0/24")]);
}
