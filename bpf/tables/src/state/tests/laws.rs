//! The laws, under any sequence of changes.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::time::Duration;

use bpf_common::flow::Flow;
use bpf_common::layout::Mode;
use proptest::collection::vec;
use proptest::prelude::*;

use super::kernel::{Kernel, flow};
use super::*;

/// How a backend is in a service, or that it is not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Absent,
    Member(u32, State),
}

/// What happens.
#[derive(Clone, Debug)]
enum Happening {
    /// A backend is this in both services from now on, or in the first one only.
    Change(u8, Part, bool),
    /// Flows begin, by their numbers.
    Begin(u16, u16),
    /// Flows end.
    End(u16, u16),
    /// So many tens of seconds pass.
    Pass(u8),
    /// The daemon is replaced.
    Restart,
}

fn part() -> impl Strategy<Value = Part> {
    prop_oneof![
        2 => Just(Part::Absent),
        4 => (1_u32..4).prop_map(|weight| Part::Member(weight, State::Active)),
        2 => Just(Part::Member(1, State::Draining)),
        2 => Just(Part::Member(1, State::Dead)),
    ]
}

fn happening() -> impl Strategy<Value = Happening> {
    prop_oneof![
        6 => (1_u8..6, part(), any::<bool>()).prop_map(|(who, part, both)| Happening::Change(who, part, both)),
        3 => (0_u16..400, 1_u16..120).prop_map(|(first, count)| Happening::Begin(first, count)),
        1 => (0_u16..400, 1_u16..200).prop_map(|(first, count)| Happening::End(first, count)),
        3 => (1_u8..9).prop_map(Happening::Pass),
        1 => Just(Happening::Restart),
    ]
}

/// The world: what is wished, and flows with whom they talk to.
struct World {
    kernel: Kernel,
    parts: [BTreeMap<u8, Part>; 2],
    live: BTreeMap<Flow, IpAddr>,
    moved: usize,
}

impl World {
    fn wish(&self) -> Wish {
        wish([1_u8, 2].into_iter().zip(&self.parts).map(|(number, parts)| {
            let members = parts.iter().filter_map(|(who, part)| match part {
                Part::Absent => None,
                Part::Member(weight, state) => Some(member(*who, *weight, *state)),
            });
            (destination(number), service(members))
        }))
    }

    fn part(&self, flow: &Flow, node: IpAddr) -> Part {
        let IpAddr::V4(node) = node else { return Part::Absent };
        let [.., service] = flow.destination;
        self.parts[usize::from(service) - 1].get(&node.octets()[3]).copied().unwrap_or(Part::Absent)
    }

    fn lives(&self, flow: &Flow, node: IpAddr) -> bool {
        matches!(self.part(flow, node), Part::Member(_, State::Active | State::Draining))
    }

    /// Everybody says something: those whose backend lives go where they went, all others to one that lives.
    fn talk(&mut self) {
        let live = std::mem::take(&mut self.live);
        for (flow, home) in live {
            let found = self.kernel.packet(&flow, false);
            if self.lives(&flow, home) {
                assert_eq!(found, Some(home), "a flow of a backend that lives has moved: {flow:?}");
                self.live.insert(flow, home);
            } else if let Some(found) = found {
                assert!(self.lives(&flow, found), "a flow goes to {found}, which is dead");
                self.moved += 1;
            }
        }
    }

    fn begin(&mut self, flow: Flow) {
        if self.live.contains_key(&flow) {
            return;
        }
        let was_known = self.kernel.pins.contains_key(&flow);
        let Some(home) = self.kernel.packet(&flow, flow.protocol == 6) else {
            let nobody = self.parts[usize::from(flow.destination[15]) - 1]
                .values()
                .all(|part| !matches!(part, Part::Member(_, State::Active)));
            assert!(nobody || flow.protocol != 6, "a flow found nobody");
            return;
        };
        assert!(self.lives(&flow, home));
        if flow.protocol == 6 && !was_known {
            assert!(matches!(self.part(&flow, home), Part::Member(_, State::Active)), "a new flow for one that drains");
        }
        self.live.insert(flow, home);
    }

    fn happen(&mut self, happening: &Happening) {
        match happening {
            Happening::Change(who, part, both) => {
                let count = if *both { 2 } else { 1 };
                self.parts.iter_mut().take(count).for_each(|parts| _ = parts.insert(*who, *part));
                self.kernel.wish(&self.wish());
            }
            Happening::Begin(first, count) => {
                for number in *first..first + count {
                    self.begin(flow(number, 1 + (number % 2) as u8, if number % 5 == 0 { 17 } else { 6 }));
                }
            }
            Happening::End(first, count) => {
                self.live.retain(|flow, _| {
                    let number = u16::from_be_bytes(flow.source_port);
                    !(*first..first + count).contains(&number)
                });
            }
            Happening::Pass(tens) => {
                for _ in 0..*tens {
                    self.kernel.pass(Duration::from_secs(10));
                    self.talk();
                }
            }
            Happening::Restart => self.kernel.restart(&self.wish()),
        }
        self.talk();
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 160, ..ProptestConfig::default() })]

    #[test]
    fn no_flow_of_a_backend_that_lives_ever_moves(happenings in vec(happening(), 1..40), in_haste in any::<bool>()) {
        let all: BTreeMap<u8, Part> = (1..5).map(|who| (who, Part::Member(1, State::Active))).collect();
        let mut world =
            World { kernel: Kernel::new(), parts: [all.clone(), all], live: BTreeMap::new(), moved: 0 };
        if in_haste {
            // Each table that is due is one too many.
            world.kernel.balancer.at_once = 0;
            world.kernel.balancer.at_first = 0;
        }
        world.kernel.wish(&world.wish());
        world.happen(&Happening::Begin(0, 300));
        for happening in &happenings {
            world.happen(happening);
        }
        // Once all flows have ended, nothing is left of what happened: tables are those of a router that never saw it.
        world.live.clear();
        world.kernel.pass(Duration::from_secs(600));
        prop_assert!(world.kernel.pins.is_empty(), "{:?}", world.kernel.pins);
        let wish = world.wish();
        let mut other = Kernel::new();
        other.wish(&wish);
        let kernel = &world.kernel;
        for number in [1, 2] {
            let somebody = wish.services[&destination(number)].backends.iter().any(|member| member.state == State::Active);
            if somebody {
                prop_assert_eq!(kernel.owners(number), other.owners(number));
            }
        }
        let stable = |slots: &Vec<bpf_common::layout::Slot>| slots.iter().all(|slot| slot.mode() == Mode::Stable);
        prop_assert!(kernel.tables.values().all(stable));
        let used: BTreeSet<u32> =
            kernel.services.values().filter(|service| service.slots > 0).map(|service| service.table).collect();
        prop_assert_eq!(used.len(), kernel.tables.len(), "a table that nobody uses is left");
    }
}
