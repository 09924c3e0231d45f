//! What is balanced when nodes join, drain, leave, die, flap and are unwell, in virtual time.

use bfd::check::{Health, Question, Verdict, Wishes};
use bpf_tables::wish::{Destination, Member, Service, State, Way, WhenEmpty, Wish};
use nouns::Prefix;

use super::octets::{ATTRIBUTES, frame, open_with};
use super::*;

/// A router between clients and nodes 192.0.2.2 to 192.0.2.5.
const ROUTER: &str = "set protocols bgp 64512 neighbor 192.0.2.2 remote-as 64512
set protocols bgp 64512 neighbor 192.0.2.2 passive
set protocols bgp 64512 neighbor 192.0.2.3 remote-as 64512
set protocols bgp 64512 neighbor 192.0.2.3 passive
set protocols bgp 64512 neighbor 192.0.2.4 remote-as 64512
set protocols bgp 64512 neighbor 192.0.2.4 passive
set protocols bgp 64512 neighbor 192.0.2.5 remote-as 64512
set protocols bgp 64512 neighbor 192.0.2.5 passive
set protocols bgp 64512 maximum-paths ibgp 16
set protocols bgp 64512 timers holdtime 9
set balancer interface eth1
set balancer idle-timeout tcp 300
set balancer learned cluster prefix 198.51.100.0/24";

struct Cluster {
    at: Moment,
    engine: Engine,
    conns: BTreeMap<u8, ConnId>,
    last_conn: u64,
    wishes: Vec<Wish>,
    checks: Vec<Wishes>,
    replies: Vec<Reply>,
}

impl Cluster {
    fn new(more: &str) -> Self {
        let at = Moment { instant: Instant::now(), unix: 0 };
        let engine = Engine::new(at, Facts::default());
        let mut cluster = Self {
            at,
            engine,
            conns: BTreeMap::new(),
            last_conn: 1,
            wishes: Vec::new(),
            checks: Vec::new(),
            replies: Vec::new(),
        };
        let mut effects = Vec::new();
        let lines = [ROUTER, more].join("\n");
        cluster.engine.boot(at, boot(0, lines.trim()), &mut effects);
        cluster.carry_out(effects);
        cluster
    }

    fn take(&mut self, event: Event) {
        let mut effects = Vec::new();
        self.engine.handle(self.at, event, &mut effects);
        self.carry_out(effects);
    }

    fn carry_out(&mut self, mut effects: Vec<Effect>) {
        self.engine.settle(self.at, &mut effects);
        for effect in effects {
            match effect {
                Effect::Step(id, _) => self.take(Event::StepDone(id, Ok(()))),
                Effect::Journal(_) => self.take(Event::Journaled(Ok(()))),
                Effect::Fib(_) => self.take(Event::FibDone(Vec::new())),
                Effect::Balance(wish) => {
                    self.wishes.push(*wish);
                    self.take(Event::Balanced(Ok(())));
                }
                Effect::Check(wishes) => self.checks.push(wishes),
                Effect::Answer(_, reply) => self.replies.push(reply),
                _ => {}
            }
        }
    }

    /// Time passes; those who have a session go on to say that they are there.
    fn pass(&mut self, seconds: u64) {
        for _ in 0..seconds {
            self.at.instant += Duration::from_secs(1);
            for conn in self.conns.values().copied().collect::<Vec<_>>() {
                self.take(Event::Bytes(conn, frame(4, &[])));
            }
            self.take(Event::Tick);
        }
    }

    fn commit(&mut self, lines: &str) -> Reply {
        let words = |line: &str| line.split_whitespace().skip(1).map(str::to_owned).collect();
        let edits = lines
            .lines()
            .map(|line| if line.starts_with("set") { Edit::Set(words(line)) } else { Edit::Delete(words(line)) });
        let candidate = Candidate { base: self.engine.revision(), edits: edits.collect() };
        let ask = AskId { client: ClientId(1), id: 1 };
        self.take(Event::Ask(ask, admin(), Request::Commit { candidate, comment: None, confirm: None }));
        self.take(Event::Remembered);
        self.replies.pop().unwrap()
    }

    /// Nodes open a session and announce 198.51.100.7/32.
    fn join(&mut self, nodes: impl IntoIterator<Item = u8>) {
        for node in nodes {
            let conn = ConnId(self.last_conn);
            self.last_conn += 2;
            let end = |last: u8, port| SocketAddr::new([192, 0, 2, last].into(), port);
            self.conns.insert(node, conn);
            self.take(Event::Accepted { conn, local: end(1, 179), remote: end(node, 40_000) });
            self.take(Event::Bytes(conn, open_with(None)));
            self.take(Event::Bytes(conn, frame(4, &[])));
            self.announce(node);
        }
    }

    fn announce(&mut self, node: u8) {
        let mut attributes = ATTRIBUTES.to_vec();
        attributes[13] = node;
        let body = [&[0, 0, 0, 21][..], &attributes, &[32, 198, 51, 100, 7]].concat();
        self.take(Event::Bytes(self.conns[&node], frame(2, &body)));
    }

    fn withdraw(&mut self, node: u8) {
        self.take(Event::Bytes(self.conns[&node], frame(2, &[0, 5, 32, 198, 51, 100, 7, 0, 0])));
    }

    fn service(&self) -> &Service {
        let prefix: Prefix = "198.51.100.7/32".parse().unwrap();
        &self.wishes.last().unwrap().services[&Destination { prefix, transport: None }]
    }

    /// The backends of the service: the last number of each, with its weight where it is active, or what it is instead.
    fn members(&self) -> String {
        let words = self.service().backends.iter().map(|member: &Member| {
            let IpAddr::V4(address) = member.backend.address else { panic!("{member:?}") };
            let last = address.octets()[3];
            match member.state {
                State::Active => format!("{last}:{}", member.weight),
                State::Draining => format!("{last}:draining"),
                State::Dead => format!("{last}:dead"),
            }
        });
        words.collect::<Vec<_>>().join(" ")
    }

    /// The check of a node came to a verdict.
    fn check(&mut self, node: u8, health: Health) {
        let mark = self.mark(node);
        let why = (health == Health::Unwell).then(|| "connection refused".to_owned());
        self.take(Event::Checked(vec![(mark, Verdict { health, why })]));
    }

    fn mark(&self, node: u8) -> u32 {
        let node = IpAddr::from([192, 0, 2, node]);
        let member = self.service().backends.iter().find(|member| member.backend.address == node);
        member.and_then(|member| member.mark).unwrap()
    }
}

#[test]
fn each_route_within_the_prefix_is_a_service_of_its_next_hops() {
    let mut cluster = Cluster::new("");
    cluster.join([2, 3, 4]);
    let wish = cluster.wishes.last().unwrap();
    assert_eq!(cluster.members(), "2:1 3:1 4:1");
    assert_eq!(wish.services.len(), 1);
    assert_eq!(wish.guards, ["198.51.100.0/24".parse().unwrap()]);
    assert_eq!((&*cluster.service().name, cluster.service().when_empty), ("198.51.100.7", WhenEmpty::Kernel));
    for member in cluster.service().backends.iter() {
        let exit = member.backend.exit.unwrap();
        assert_eq!((member.backend.way, exit.link, exit.gateway), (Way::L2, 2, member.backend.address));
    }
}

#[test]
fn who_withdraws_drains_for_as_long_as_a_flow_may_be_silent() {
    let mut cluster = Cluster::new("");
    cluster.join([2, 3, 4]);
    cluster.withdraw(3);
    assert_eq!(cluster.members(), "2:1 3:draining 4:1");
    cluster.pass(299);
    assert_eq!(cluster.members(), "2:1 3:draining 4:1");
    cluster.pass(1);
    assert_eq!(cluster.members(), "2:1 4:1");
}

#[test]
fn who_comes_back_while_it_drains_has_its_share_at_once() {
    let mut cluster = Cluster::new("");
    cluster.join([2, 3, 4]);
    cluster.withdraw(3);
    cluster.announce(3);
    assert_eq!(cluster.members(), "2:1 3:1 4:1");
}

#[test]
fn who_says_nothing_any_more_is_dead_and_who_closes_its_session_drains() {
    let mut cluster = Cluster::new("");
    cluster.join([2, 3, 4]);
    let closes = cluster.conns.remove(&2).unwrap();
    cluster.take(Event::Closed(closes, None));
    assert_eq!(cluster.members(), "2:draining 3:1 4:1");
    cluster.conns.remove(&4).unwrap();
    cluster.pass(10);
    assert_eq!(cluster.members(), "2:draining 3:1");
}

#[test]
fn a_link_that_goes_down_leaves_nobody_to_drain() {
    let mut cluster = Cluster::new("");
    cluster.join([2, 3]);
    let link = Link { carrier: false, ..Link::card(2, "eth1".parse().unwrap()) };
    cluster.take(Event::World(vec![rib::world::WorldEvent::Link(link)]));
    assert!(cluster.wishes.last().unwrap().services.is_empty());
}

#[test]
fn a_node_or_a_backend_that_a_person_drains_keeps_its_flows_and_one_that_is_disabled_does_not() {
    let mut cluster = Cluster::new("");
    cluster.join([2, 3, 4, 5]);
    let reply = cluster.commit(
        "set balancer node 192.0.2.2 drain\nset balancer learned cluster backend 192.0.2.3 drain\n\
         set balancer learned cluster backend 192.0.2.4 disable\nset balancer learned cluster backend 192.0.2.5 weight 3",
    );
    assert!(matches!(reply, Reply::Committed(_)), "{reply:?}");
    assert_eq!(cluster.members(), "2:draining 3:draining 4:dead 5:1");
    cluster.commit("delete balancer node 192.0.2.2");
    assert_eq!(cluster.members(), "2:1 3:draining 4:dead 5:3");
}

#[test]
fn a_new_node_waits_and_then_gets_more_and_more() {
    let mut cluster =
        Cluster::new("set balancer learned cluster hold-off 5\nset balancer learned cluster slow-start 20");
    cluster.join([2]);
    assert_eq!(cluster.members(), "2:1", "the first one waits for nobody");
    cluster.join([3]);
    assert_eq!(cluster.members(), "2:1 3:draining");
    for (seconds, expect) in [(4, "2:1 3:draining"), (1, "2:10 3:1"), (2, "2:5 3:1"), (8, "2:5 3:3"), (10, "2:1 3:1")] {
        cluster.pass(seconds);
        assert_eq!(cluster.members(), expect, "{seconds} s later");
    }
}

#[test]
fn a_node_that_flaps_waits_longer_each_time() {
    let mut cluster = Cluster::new("");
    cluster.join([2, 3]);
    for (flaps, rest) in [(1, 0), (2, 0), (3, 5), (4, 10)] {
        cluster.withdraw(3);
        cluster.pass(3);
        cluster.announce(3);
        if rest > 0 {
            cluster.pass(rest - 1);
            assert_eq!(cluster.members(), "2:1 3:draining", "after {flaps}");
            cluster.pass(1);
        }
        assert_eq!(cluster.members(), "2:1 3:1", "after {flaps}");
    }
    cluster.pass(240);
    cluster.withdraw(3);
    cluster.announce(3);
    assert_eq!(cluster.members(), "2:1 3:1", "it is forgiven");
}

#[test]
fn a_node_whose_check_fails_keeps_its_flows_and_when_all_fail_none_is_believed() {
    let mut cluster =
        Cluster::new("set balancer learned cluster check tcp\nset balancer learned cluster check port 80");
    cluster.join([2, 3]);
    assert_eq!(
        cluster.members(),
        "2:1 3:draining",
        "the first one is well until it is not, the others have to prove it"
    );
    cluster.check(3, Health::Well);
    assert_eq!(cluster.members(), "2:1 3:1");
    let asked = cluster.checks.last().unwrap();
    let asked: Vec<_> = asked.values().map(|wish| (wish.address.to_string(), wish.question.clone())).collect();
    assert_eq!(asked, vec![("198.51.100.7".to_owned(), Question::Tcp { port: 80 }); 2]);
    assert_eq!(cluster.checks.last().unwrap().keys().next(), Some(&cluster.mark(2)));
    cluster.check(2, Health::Unwell);
    assert_eq!(cluster.members(), "2:draining 3:1");
    cluster.join([4]);
    assert_eq!(cluster.members(), "2:draining 3:1 4:draining", "a new one has to prove itself");
    cluster.check(4, Health::Well);
    assert_eq!(cluster.members(), "2:draining 3:1 4:1");
    cluster.check(3, Health::Unwell);
    cluster.check(4, Health::Unwell);
    assert_eq!(cluster.members(), "2:1 3:1 4:1");
    cluster.check(3, Health::Well);
    assert_eq!(cluster.members(), "2:draining 3:1 4:draining");
}

#[test]
fn a_service_that_nobody_does_well_is_withheld_from_others() {
    let mut cluster = Cluster::new(
        "set balancer learned cluster check icmp\nset balancer learned cluster empty withdraw\n\
         set protocols bgp 64512 neighbor 192.0.2.9 remote-as 64513",
    );
    cluster.join([2]);
    let prefix = "198.51.100.7/32".parse().unwrap();
    assert!(!cluster.engine.balancer.withholds(prefix));
    cluster.check(2, Health::Unwell);
    assert_eq!((cluster.members().as_str(), cluster.service().when_empty), ("2:draining", WhenEmpty::Drop));
    assert!(cluster.engine.balancer.withholds(prefix));
    cluster.check(2, Health::Well);
    assert!(!cluster.engine.balancer.withholds(prefix));
}

#[test]
fn services_on_the_same_nodes_share_one_list_and_a_change_makes_one_more() {
    let mut cluster = Cluster::new("");
    cluster.join([2, 3]);
    for node in [2, 3] {
        let mut attributes = ATTRIBUTES.to_vec();
        attributes[13] = node;
        let prefixes: Vec<u8> = (8..=200).flat_map(|last| [32, 198, 51, 100, last]).collect();
        let body = [&[0, 0, 0, 21][..], &attributes, &prefixes].concat();
        cluster.take(Event::Bytes(cluster.conns[&node], frame(2, &body)));
    }
    let wish = cluster.wishes.last().unwrap();
    assert_eq!(wish.services.len(), 194);
    let shared = |service: &&Service| std::sync::Arc::ptr_eq(&service.backends, &cluster.service().backends);
    assert_eq!(wish.services.values().filter(shared).count(), 194);
    let before = cluster.wishes.len();
    cluster.pass(5);
    assert_eq!(cluster.wishes.len(), before, "what stays as it is is not told again");
}

#[test]
fn a_named_service_has_the_backends_that_persons_name() {
    let mut cluster = Cluster::new("");
    let reply = cluster.commit(
        "set balancer service dns address 203.0.113.53\nset balancer service dns port 53\n\
         set balancer service dns protocol tcp_udp\nset balancer service dns mode nat\n\
         set balancer service dns backend 192.0.2.2 port 5353\nset balancer service dns backend 192.0.2.3 weight 2\n\
         set balancer service far address 203.0.113.54\nset balancer service far any-port\n\
         set balancer service far backend 10.9.9.9\nset protocols static route 10.9.0.0/16 next-hop 192.0.2.7",
    );
    assert!(matches!(reply, Reply::Committed(_)), "{reply:?}");
    let wish = cluster.wishes.last().unwrap();
    let named: Vec<_> = wish.services.values().map(|service| (&*service.name, service.backends.len())).collect();
    assert_eq!(named, [("dns", 2), ("dns", 2), ("far", 1)]);
    let ways: Vec<_> = wish.services.values().flat_map(|service| service.backends.iter()).collect();
    assert_eq!((ways[0].backend.way, ways[0].weight), (Way::Nat { port: Some(5353) }, 1));
    assert_eq!((ways[1].backend.way, ways[1].weight), (Way::Nat { port: None }, 2));
    let own = IpAddr::from([192, 0, 2, 1]);
    assert_eq!(ways[4].backend.way, Way::Ipip { source: own }, "behind a router, so within a tunnel");
    assert_eq!(ways[4].backend.exit.unwrap().gateway, IpAddr::from([192, 0, 2, 7]));
    cluster.commit("delete balancer service dns backend 192.0.2.3");
    let last = cluster.wishes.last().unwrap().services.values().next().unwrap().clone();
    assert_eq!(last.backends[1].state, State::Draining, "what is under way goes on");
}

#[test]
fn what_the_running_system_cannot_do_is_refused_with_the_reason() {
    let mut cluster = Cluster::new("");
    for (lines, expect) in [
        ("set balancer interface eth7", "Interface eth7 does not exist"),
        ("set balancer learned more prefix 192.0.0.0/16", "holds 192.0.2.0/24, a network of this router"),
        (
            "set balancer service a address 203.0.113.1\nset balancer service a port 80\n\
             set balancer service a backend 10.9.9.9",
            "no route to 10.9.9.9; give an interface an address beside the node",
        ),
        (
            "set balancer service a address 203.0.113.1\nset balancer service a port 80\n\
             set balancer service a mode l2\nset balancer service a backend 198.51.100.7",
            "198.51.100.7 is behind 192.0.2.2, and mode l2 reaches only nodes on a link",
        ),
        (
            "set balancer service a address 203.0.113.1\nset balancer service a port 80\n\
             set balancer service a backend 192.0.2.1",
            "192.0.2.1 is an address of this router",
        ),
    ] {
        cluster.join([2]);
        let reply = cluster.commit(lines);
        let Reply::Refused(refusal) = &reply else { panic!("{lines}: {reply:?}") };
        let told: Vec<&str> = refusal.problems.iter().map(|problem| problem.message.as_str()).collect();
        assert!(told.iter().any(|told| told.contains(expect)), "{lines}: {told:?}");
    }
}

#[test]
fn more_services_than_the_map_holds_are_refused() {
    let mut cluster = Cluster::new("");
    let lines = |number: u32| {
        let [a, b] = [number >> 8, number & 255];
        format!("set balancer service s{number} address 10.1.{a}.{b}\nset balancer service s{number} port 80")
    };
    let all: Vec<String> = (0..16_384).map(lines).collect();
    let Reply::Refused(refusal) = cluster.commit(&all.join("\n")) else { panic!("it was taken") };
    assert_eq!(
        refusal.problems[0].message,
        "16384 services are more than the 16383 that there is room for; delete some, or use fewer"
    );
}

#[test]
fn more_backends_or_lengths_of_prefixes_than_the_maps_hold_are_refused() {
    let service = "set interfaces ethernet eth1 address 10.64.0.1/16\nset balancer service s address 203.0.113.1\n\
         set balancer service s port 80";
    let backend = |number: u32| format!("set balancer service s backend 10.64.{}.{}", number >> 8, number & 255);
    let backends = std::iter::once(service.to_owned()).chain((2..16_386).map(backend));
    let lengths = (8..25).map(|length| format!("set balancer learned more prefix 20.0.0.0/{length}"));
    for (lines, expect) in [
        (
            backends.collect::<Vec<_>>(),
            "16384 backends are more than the 16383 that there is room for; delete some, or use fewer",
        ),
        (
            lengths.collect(),
            "prefixes of 17 different lengths are more than the 16 of a family that are looked up; delete some, or use fewer",
        ),
    ] {
        let Reply::Refused(refusal) = Cluster::new("").commit(&lines.join("\n")) else { panic!("it was taken") };
        let told: Vec<&str> = refusal.problems.iter().map(|problem| problem.message.as_str()).collect();
        assert!(told.contains(&expect), "{told:?}");
    }
}

#[test]
fn what_an_earlier_life_balanced_goes_on_until_the_routes_are_back() {
    let mut cluster = Cluster::new("");
    cluster.join([2, 3]);
    let mut again = Engine::new(cluster.at, Facts::default());
    let mut start = boot(0, ROUTER);
    start
        .snapshot
        .ours
        .routes
        .insert("198.51.100.7/32".parse::<Prefix>().unwrap().into(), rib::fib::FibTarget::Blackhole);
    let mut effects = Vec::new();
    again.boot(cluster.at, start, &mut effects);
    again.settle(cluster.at, &mut effects);
    assert!(!effects.iter().any(|effect| matches!(effect, Effect::Balance(_))));
}

#[test]
fn what_stands_how_is_shown_with_the_reason() {
    let mut cluster = Cluster::new(
        "set balancer learned cluster check tcp\nset balancer learned cluster check port 80\n\
         set balancer node 192.0.2.4 drain",
    );
    cluster.join([2, 3, 4, 5]);
    cluster.check(3, Health::Well);
    cluster.check(5, Health::Unwell);
    cluster.withdraw(3);
    let mut text = |what, service: Option<&str>| {
        let service = service.map(str::to_owned);
        let ask = AskId { client: ClientId(1), id: 1 };
        let request = Request::Show(api::request::Show::Balancer { what, service, node: None, client: None });
        let mut effects = Vec::new();
        cluster.engine.handle(cluster.at, Event::Ask(ask, admin(), request), &mut effects);
        match effects.pop() {
            Some(Effect::Recall(_, crate::effect::Recall::Balancer(view, _))) => api::Text::text(&*view),
            Some(Effect::Answer(_, Reply::Error(error))) => error.message,
            other => panic!("{other:?}"),
        }
    };
    use grammar::commands::BalancerShown;
    let service = text(BalancerShown::Service, Some("198.51.100.7"));
    assert_eq!(
        service,
        "Service 198.51.100.7: 198.51.100.7 all ports, active
  Learned: cluster
  Affinity: flow, when empty: open
  Backend                Way   Weight  Slots Former Check    State
  192.0.2.2              l2         1               unknown  active
  192.0.2.4              l2         1               unknown  drained
  192.0.2.5              l2         1               unwell   unwell: connection refused
  192.0.2.3              l2         1               none     leaving for 00:05:00

"
    );
    assert!(
        text(BalancerShown::Services, None)
            .contains("198.51.100.7         198.51.100.7 all ports       active           4      1")
    );
    assert!(
        text(BalancerShown::Summary, None)
            .starts_with("1 service, 4 backends; 65537 slots a table\n0 packets not forwarded\n")
    );
    assert!(text(BalancerShown::Backends, None).contains("192.0.2.4 (drained) l2    eth1       192.0.2.4"));
    assert_eq!(text(BalancerShown::Service, Some("web")), "there is no service web");
}

#[test]
fn packets_can_be_watched_for_each_reason_that_the_programs_count() {
    let words: Vec<&str> = grammar::commands::NOT_FORWARDED.iter().map(|(word, _)| *word).collect();
    let mut counted: Vec<&str> = bpf_common::reason::Reason::ALL.iter().map(|reason| reason.word()).collect();
    // Those are most packets of a router, and no service's; or what becomes of packets behind the programs.
    counted.retain(|word| !["no-service", "not-ip", "not-sent", "queue-full"].contains(word));
    counted.sort_unstable();
    assert_eq!(words, counted);
}

#[test]
fn who_watches_packets_is_told_what_is_seen_and_what_is_captured_is_what_anybody_wants() {
    use api::watch::{CapturedPacket, WantedPackets};
    let mut cluster = Cluster::new("");
    cluster.join([2, 3]);
    let watch = |cluster: &mut Cluster, client: u64, wanted: &WantedPackets| {
        let ask = AskId { client: ClientId(client), id: 1 };
        let mut effects = Vec::new();
        cluster.engine.watch(ask, api::Watch::Balancer(wanted.clone()), &mut effects);
        effects
    };
    let nobody = WantedPackets { service: Some("nowhere".to_owned()), ..WantedPackets::default() };
    let refused = watch(&mut cluster, 1, &nobody);
    assert!(matches!(refused.as_slice(), [Effect::Answer(_, Reply::Error(_))]), "{refused:?}");
    let away = WantedPackets { backend: Some(IpAddr::from([192, 0, 2, 99])), ..WantedPackets::default() };
    assert!(matches!(watch(&mut cluster, 1, &away).as_slice(), [Effect::Answer(_, Reply::Error(_))]));

    let one = WantedPackets { every: 10, service: Some("198.51.100.7".to_owned()), ..WantedPackets::default() };
    let effects = watch(&mut cluster, 1, &one);
    let [Effect::Capture(Some(wanted)), Effect::Answer(_, Reply::Done(_)), Effect::Answer(_, Reply::News(about))] =
        effects.as_slice()
    else {
        panic!("{effects:?}")
    };
    assert_eq!(*wanted, one);
    assert!(
        about.sentence().contains("come by eth1") && about.sentence().contains("Not seen: answers of nodes"),
        "{about:?}"
    );
    let all = WantedPackets { every: 100, ..WantedPackets::default() };
    let effects = watch(&mut cluster, 2, &all);
    let wanted = effects.iter().find_map(|effect| match effect {
        Effect::Capture(wanted) => wanted.clone(),
        _ => None,
    });
    assert_eq!(wanted, Some(WantedPackets { every: 10, ..WantedPackets::default() }));

    let packet = |service: &str| CapturedPacket {
        time: 0,
        leaves: false,
        interface: "eth1".to_owned(),
        service: Some(service.to_owned()),
        backend: None,
        reason: None,
        length: 60,
        octets: String::new(),
    };
    let mut effects = Vec::new();
    cluster.engine.tell_packets(vec![packet("198.51.100.7"), packet("198.51.100.2")], 3, &mut effects);
    let told = |client| {
        let to = |effect: &&Effect| matches!(effect, Effect::Answer(ask, _) if ask.client == ClientId(client));
        effects.iter().filter(to).count()
    };
    assert_eq!((told(1), told(2)), (2, 3), "each hears of its own, and of what was left out");
}
