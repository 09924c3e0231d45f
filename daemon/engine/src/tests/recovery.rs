//! The daemon starts again on a kernel full of its routes.
//!
//! No route may leave the kernel while the engine has not looked at all that the neighbors said.

use rib::fib::{FibChange, FibTarget, GROUP_ID_BASE, KernelFib, NEXT_HOP_ID_BASE};
use rib::world::Leg;

use super::octets::{ATTRIBUTES, frame, open};
use super::*;

/// More than one call of `settle` decides.
const MANY: u16 = 25_000;

fn kernel() -> KernelFib {
    let leg = Leg { gateway: ADDRESSES[1].parse().ok(), ifindex: 2 };
    let prefix = |number: u16| format!("10.{}.{}.0/24", number >> 8, number & 255).parse().unwrap();
    KernelFib {
        next_hops: [(NEXT_HOP_ID_BASE, leg)].into(),
        groups: [(GROUP_ID_BASE, vec![(NEXT_HOP_ID_BASE, 1)])].into(),
        routes: (0..MANY).map(|number| (prefix(number), FibTarget::Group(GROUP_ID_BASE))).collect(),
    }
}

/// Every prefix announced, then the End-of-RIB markers of both families.
fn everything() -> Vec<u8> {
    let mut octets = Vec::new();
    let numbers: Vec<u16> = (0..MANY).collect();
    for some in numbers.chunks(900) {
        let prefixes: Vec<u8> =
            some.iter().flat_map(|number| [24, 10, (number >> 8) as u8, (number & 255) as u8]).collect();
        octets.extend(frame(2, &[&[0, 0, 0, 21][..], ATTRIBUTES, &prefixes].concat()));
    }
    octets.extend(frame(2, &[0, 0, 0, 0]));
    octets.extend(frame(2, &[0, 0, 0, 6, 128, 15, 3, 0, 2, 1]));
    octets
}

#[test]
fn a_restart_with_more_routes_than_one_turn_decides_takes_none_away() {
    let now = Instant::now();
    let at = Moment { instant: now, unix: 0 };
    let mut engine = Engine::new(at, Facts::default());
    let mut effects = Vec::new();
    let mut boot = boot(0, LEFT);
    boot.snapshot.ours = kernel();
    engine.boot(at, boot, &mut effects);
    for id in 0..2 {
        engine.handle(at, Event::StepDone(crate::StepId(id), Ok(())), &mut effects);
    }
    let (local, remote) =
        (SocketAddr::new(ADDRESSES[0].parse().unwrap(), 179), SocketAddr::new(ADDRESSES[1].parse().unwrap(), 4000));
    engine.handle(at, Event::Accepted { conn: ConnId(1), local, remote }, &mut effects);
    for octets in [open(), frame(4, &[]), everything()] {
        engine.handle(at, Event::Bytes(ConnId(1), octets), &mut effects);
    }
    let mut rounds = 0;
    while engine.unsettled() {
        rounds += 1;
        engine.settle(at, &mut effects);
    }
    assert!(rounds > 1, "the test is about more than one turn");
    assert!(engine.log.newest(10).any(|(_, _, line)| line.starts_with("all neighbors are back")), "it is over");
    let changes: Vec<FibChange> = effects
        .into_iter()
        .flat_map(|effect| if let Effect::Fib(changes) = effect { changes } else { Vec::new() })
        .collect();
    assert_eq!(changes, Vec::new());
}
