//! Why flows are remembered, while a slot changes hands and afterwards.

use std::net::IpAddr;
use std::time::Duration;

use bpf_common::flow::Flow;
use bpf_common::layout::Mode;

use super::kernel::{Kernel, flow};
use super::{member, same};
use crate::state::Kept;
use crate::wish::State;

/// What is told of a flow: the last octet of its node, and why.
fn told(kernel: &Kernel, flow: &Flow) -> Option<(u8, Kept)> {
    let pin = kernel.pins.get(flow)?;
    let known = kernel.balancer.remembered(kernel.clock(), flow, *pin);
    let Some((IpAddr::V4(node), _)) = known.backend else { return None };
    node.octets().last().map(|last| (*last, known.why))
}

#[test]
fn a_flow_is_remembered_for_what_became_of_its_slot() {
    let mut kernel = Kernel::new();
    kernel.wish(&same(1, &[member(1, 1, State::Active)]));
    kernel.wish(&same(1, &[member(1, 1, State::Active), member(2, 1, State::Active)]));
    let moved = (0..400).map(|number| flow(number, 1, 6)).find(|flow| kernel.slot(flow).mode() == Mode::Learning);
    let moved = moved.expect("a slot has changed hands");
    kernel.packet(&moved, false);
    assert_eq!(told(&kernel, &moved), Some((1, Kept::Stays)), "it went on at the former owner");
    kernel.pins.clear();
    kernel.packet(&moved, true);
    assert_eq!(told(&kernel, &moved), Some((2, Kept::Begun)), "it began at the new one");

    kernel.wish(&same(1, &[member(1, 1, State::Active), member(2, 1, State::Draining)]));
    assert_eq!(told(&kernel, &moved), Some((2, Kept::Drains)), "its node drains");
    kernel.wish(&same(1, &[member(1, 1, State::Active), member(2, 1, State::Dead)]));
    let pin = kernel.pins.get(&moved).copied();
    if let Some(pin) = pin {
        let known = kernel.balancer.remembered(kernel.clock(), &moved, pin);
        assert_eq!(known.why, Kept::Over, "its node is dead");
    }

    kernel.wish(&same(1, &[member(1, 1, State::Active)]));
    let silent = Duration::from_secs(120);
    kernel.pass(silent);
    let pin = crate::Pin { backend: 1, seen: 0 };
    assert_eq!(kernel.balancer.remembered(kernel.clock(), &moved, pin).why, Kept::Over, "its slot is stable again");
    let nobodys = kernel.balancer.remembered(kernel.clock(), &flow(1, 99, 6), pin);
    assert_eq!((nobodys.service, nobodys.why), (None, Kept::Over), "its service is no more");
}
