//! Neighbors are called as soon as there is a way to them, and nobody is called for what changes elsewhere.

use super::*;
use rib::world::WorldEvent;

const LINES: &str = "set protocols bgp 64512 parameters router-id 192.0.2.1
set protocols bgp 64512 neighbor 198.51.100.7 remote-as 64512";

/// A router whose calls all fail at once, and its clock.
struct Stage {
    engine: Engine,
    now: Instant,
}

impl Stage {
    fn new(lines: &str) -> Self {
        let now = Instant::now();
        let mut stage = Self { engine: Engine::new(Moment { instant: now, unix: 0 }, Facts::default()), now };
        let mut out = Vec::new();
        stage.engine.boot(stage.at(), boot(0, lines), &mut out);
        stage.engine.settle(stage.at(), &mut out);
        stage.fail(&out);
        stage
    }

    fn at(&self) -> Moment {
        Moment { instant: self.now, unix: 0 }
    }

    /// The kernel tells something; the answer is who is called.
    fn sees(&mut self, change: WorldEvent) -> Vec<IpAddr> {
        self.now += Duration::from_millis(100);
        let mut out = Vec::new();
        self.engine.handle(self.at(), Event::World(vec![change]), &mut out);
        self.engine.settle(self.at(), &mut out);
        self.fail(&out)
    }

    /// Lets all calls fail; the answer is who was called.
    fn fail(&mut self, effects: &[Effect]) -> Vec<IpAddr> {
        let calls = effects.iter().filter_map(|effect| match effect {
            Effect::Connect(conn, target) => Some((*conn, target.remote.ip())),
            _ => None,
        });
        let calls: Vec<(ConnId, IpAddr)> = calls.collect();
        for (conn, _) in &calls {
            let mut out = Vec::new();
            let failed = Event::ConnectFailed(*conn, "Network is unreachable".to_owned());
            self.engine.handle(self.at(), failed, &mut out);
            self.engine.settle(self.at(), &mut out);
            assert_eq!(self.fail(&out), [] as [IpAddr; 0], "a call that failed is not repeated at once");
        }
        calls.into_iter().map(|(_, address)| address).collect()
    }
}

fn link(index: u32, name: &str, carrier: bool) -> WorldEvent {
    WorldEvent::Link(Link { carrier, ..Link::card(index, name.parse().unwrap()) })
}

fn address(ifindex: u32, address: &str) -> LinkAddress {
    LinkAddress { ifindex, address: address.parse().unwrap(), peer: None }
}

fn neighbor() -> [IpAddr; 1] {
    ["198.51.100.7".parse().unwrap()]
}

const NOBODY: [IpAddr; 0] = [];

#[test]
fn a_neighbor_is_called_when_its_network_is_there() {
    let mut stage = Stage::new(LINES);
    assert_eq!(stage.sees(link(5, "eth5", true)), NOBODY);
    assert_eq!(stage.sees(WorldEvent::Address(address(5, "203.0.113.1/24"))), NOBODY, "another network");
    assert_eq!(stage.sees(WorldEvent::Address(address(5, "198.51.100.1/24"))), neighbor());
    assert_eq!(stage.sees(WorldEvent::Address(address(5, "203.0.113.2/24"))), NOBODY, "that changes nothing for it");
    assert_eq!(stage.sees(link(6, "eth6", true)), NOBODY);
}

#[test]
fn a_neighbor_is_called_when_its_link_comes_back_and_not_when_it_goes() {
    let mut stage = Stage::new(LINES);
    stage.sees(link(5, "eth5", true));
    assert_eq!(stage.sees(WorldEvent::Address(address(5, "198.51.100.1/24"))), neighbor());
    for _ in 0..3 {
        assert_eq!(stage.sees(link(5, "eth5", false)), NOBODY);
        assert_eq!(stage.sees(link(5, "eth5", true)), neighbor());
    }
    assert_eq!(stage.sees(WorldEvent::AddressGone(address(5, "198.51.100.1/24"))), NOBODY);
}

#[test]
fn a_neighbor_is_called_when_the_kernel_has_found_that_nobody_else_has_the_router_s_address() {
    let mut stage = Stage::new(&LINES.replace("198.51.100.7", "2001:db8::7"));
    let (own, called) = (address(5, "2001:db8::1/64"), ["2001:db8::7".parse::<IpAddr>().unwrap()]);
    stage.sees(link(5, "eth5", true));
    assert_eq!(stage.sees(WorldEvent::Address(own)), called, "it is not known whether it may be used yet");
    assert_eq!(stage.sees(WorldEvent::Address(address(5, "203.0.113.1/24"))), NOBODY);
    assert_eq!(stage.sees(WorldEvent::Address(address(5, "203.0.113.1/24"))), NOBODY);
    assert_eq!(stage.sees(WorldEvent::Address(own)), called, "now it may");
}

#[test]
fn a_far_neighbor_is_called_when_the_address_is_there_that_its_session_begins_from() {
    let source = "\nset protocols bgp 64512 neighbor 198.51.100.7 update-source 192.0.2.9";
    let mut stage = Stage::new(&[LINES, source].concat());
    stage.sees(link(5, "eth5", true));
    assert_eq!(stage.sees(WorldEvent::Address(address(5, "203.0.113.1/24"))), NOBODY);
    assert_eq!(stage.sees(WorldEvent::Address(address(5, "192.0.2.9/32"))), neighbor());
}

#[test]
fn an_address_that_comes_late_or_goes_costs_no_neighbor_and_forbids_no_commit() {
    let source = "\nset protocols bgp 64512 neighbor 198.51.100.7 update-source 192.0.2.9";
    let stage = Stage::new(&[LINES, source].concat());
    let late = stage.engine.late_sources(&stage.engine.running.model);
    assert!(late.iter().all(|warning| warning.message.contains("192.0.2.9")) && late.len() == 1, "{late:?}");
    let tree = |more: &str| Tree::parse_set_commands(&[LINES, source, more].concat()).tree;
    assert_eq!(stage.engine.accept(&tree("\nset system host-name edge")).err(), None, "it was accepted before");
    // What is new has to be there.
    let mistyped = "\nset protocols bgp 64512 neighbor 198.51.100.8 update-source 192.0.2.99";
    assert!(stage.engine.accept(&tree(mistyped)).is_err());
}

#[test]
fn who_has_a_session_or_waits_to_be_called_is_left_alone() {
    let passive = "\nset protocols bgp 64512 neighbor 198.51.100.7 passive";
    for lines in
        [[LINES, passive].concat(), [LINES, "\nset protocols bgp 64512 neighbor 198.51.100.7 shutdown"].concat()]
    {
        let mut stage = Stage::new(&lines);
        stage.sees(link(5, "eth5", true));
        assert_eq!(stage.sees(WorldEvent::Address(address(5, "198.51.100.1/24"))), NOBODY, "{lines}");
    }
}

#[test]
fn a_start_sets_links_and_addresses_before_it_calls_slow_programs_for_accounts() {
    let lines = [
        "set system host-name edge",
        "set system login user anna authentication encrypted-password $6$salt$x",
        "set interfaces ethernet eth1 address 198.51.100.1/24",
        LINES,
    ];
    let now = Instant::now();
    let at = Moment { instant: now, unix: 0 };
    let (mut engine, mut out) = (Engine::new(at, Facts::default()), Vec::new());
    engine.boot(at, boot(0, &lines.join("\n")), &mut out);
    let steps: Vec<String> = out
        .iter()
        .filter_map(|effect| match effect {
            Effect::Step(_, step) => Some(step.to_string()),
            _ => None,
        })
        .collect();
    let place =
        |word: &str| steps.iter().position(|step| step.contains(word)).unwrap_or_else(|| panic!("{word}: {steps:?}"));
    assert!(place("198.51.100.1/24") < place("anna").min(place("edge")), "{steps:?}");
}
