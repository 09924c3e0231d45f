//! Who shares a table with whom, what is written for a change, and what is asked of the kernel.

use bpf_common::directory::{exact, rest};
use bpf_common::layout::{ANSWERS, RESOLVED};

use super::kernel::{Kernel, flow};
use super::*;
use crate::room::{Refusal, room};
use crate::state::Write;
use crate::wish::{Protocol, Transport};

fn tables(writes: &[Write]) -> usize {
    writes.iter().filter(|write| matches!(write, Write::Table(..))).count()
}

#[test]
fn services_with_the_same_members_share_a_table_and_its_transitions() {
    let mut kernel = Kernel::new();
    let members = |count: u8| -> Vec<Member> { (1..=count).map(|who| member(who, 1, State::Active)).collect() };
    kernel.wish(&same(100, &members(4)));
    assert_eq!(tables(&std::mem::take(&mut kernel.written)), 1);
    kernel.wish(&same(100, &members(5)));
    let written = std::mem::take(&mut kernel.written);
    assert_eq!(tables(&written), 1);
    assert_eq!(written.iter().filter(|write| matches!(write, Write::Service(..))).count(), 100);
    assert!(!written.iter().any(|write| matches!(write, Write::Directory(_))), "services are found where they were");
    // A service that comes now has no past, and shares the table of the others once that is settled.
    kernel.wish(&same(101, &members(5)));
    assert_eq!((tables(&std::mem::take(&mut kernel.written)), kernel.tables.len()), (1, 3));
    kernel.pass(Duration::from_secs(200));
    assert_eq!(kernel.tables.len(), 1);
}

#[test]
fn members_in_another_order_and_with_other_marks_are_the_same_set() {
    let mut kernel = Kernel::new();
    let marked = |who, mark| Member { mark: Some(mark), ..member(who, 2, State::Active) };
    kernel.wish(&wish([
        (destination(1), service([marked(1, 7), marked(2, 8)])),
        (destination(2), service([member(2, 1, State::Active), member(1, 1, State::Active)])),
    ]));
    assert_eq!(kernel.tables.len(), 1);
    assert_eq!(kernel.marks.len(), 2);
    kernel.wish(&wish([(destination(1), service([marked(1, 7)]))]));
    assert_eq!(kernel.marks.keys().copied().collect::<Vec<_>>(), [7]);
}

#[test]
fn a_service_that_moves_to_another_set_leaves_the_others_alone() {
    let mut kernel = Kernel::new();
    let three = [1, 2, 3].map(|who| member(who, 1, State::Active));
    kernel.wish(&same(3, &three));
    let mut changed = same(3, &three);
    changed.services.insert(destination(2), service([member(4, 1, State::Active), member(5, 1, State::Draining)]));
    let before = kernel.owners(1);
    kernel.wish(&changed);
    assert_eq!(kernel.owners(1), before);
    assert!(kernel.owners(2).iter().all(|owner| *owner == Some(node(4).address)));
    assert_eq!(tables(&kernel.written), 2);
}

#[test]
fn what_is_already_so_is_not_written_and_a_replaced_daemon_writes_nothing() {
    let mut kernel = Kernel::new();
    let all = same(9, &[1, 2, 3].map(|who| member(who, who.into(), State::Active)));
    kernel.wish(&all);
    kernel.written.clear();
    kernel.wish(&all);
    assert!(kernel.written.is_empty(), "{:?}", kernel.written);
    kernel.restart(&all);
    let idle = |write: &Write| matches!(write, Write::Resolve(..) | Write::Sweep);
    assert!(kernel.written.iter().all(idle), "{:?}", kernel.written);
}

#[test]
fn a_service_that_nobody_serves_says_so_and_comes_back() {
    let mut kernel = Kernel::new();
    let one = |state| wish([(destination(1), service([member(1, 1, state)]))]);
    kernel.wish(&one(State::Active));
    assert_eq!(kernel.packet(&flow(1, 1, 6), true), Some(node(1).address));
    kernel.wish(&one(State::Dead));
    assert_eq!(kernel.packet(&flow(1, 1, 6), false), None);
    kernel.wish(&one(State::Draining));
    assert_eq!(kernel.packet(&flow(1, 1, 6), true), None);
    kernel.wish(&one(State::Active));
    assert_eq!(kernel.packet(&flow(1, 1, 6), true), Some(node(1).address));
}

#[test]
fn the_only_backend_drains_and_keeps_its_flows() {
    let mut kernel = Kernel::new();
    let one = |state| wish([(destination(1), service([member(1, 1, state)]))]);
    kernel.wish(&one(State::Active));
    kernel.wish(&one(State::Draining));
    assert_eq!(kernel.packet(&flow(1, 1, 6), false), Some(node(1).address));
    assert_eq!(kernel.packet(&flow(2, 1, 6), true), None);
}

#[test]
fn hardware_addresses_are_asked_for_and_kept_fresh() {
    let mut kernel = Kernel::new();
    kernel.wish(&wish([(destination(1), service([member(1, 1, State::Active)]))]));
    assert_eq!(kernel.asked, [(2, node(1).address)]);
    let resolved = |kernel: &Kernel| kernel.backends.values().all(|backend| backend.flags & RESOLVED != 0);
    assert!(resolved(&kernel));
    kernel.pass(Duration::from_secs(60));
    assert!((3..6).contains(&kernel.asked.len()), "{:?}", kernel.asked);
    kernel.give(crate::Input::Link(2, None));
    assert!(!resolved(&kernel));
}

#[test]
fn what_there_is_no_room_for_is_refused_by_name() {
    let ok = same(2, &[member(1, 1, State::Active)]);
    assert_eq!(room(&ok), Ok(()));
    for slots in [0, 1, 4, 65_536, 65_539] {
        assert_eq!(room(&Wish { slots, ..ok.clone() }), Err(Refusal::Slots(slots)));
    }
    let mut lengths = ok.clone();
    lengths.guards = (10..27).map(|length| Prefix::masked([10, 0, 0, 0].into(), length).unwrap()).collect();
    assert_eq!(room(&lengths), Err(Refusal::Lengths { wished: 18, most: 16 }));
    let mut six = ok.clone();
    six.services.insert(Destination { prefix: Prefix::DEFAULT_V6, transport: None }, service([]));
    assert_eq!(room(&six), Err(Refusal::AllIpv6));
    let nat = |address: u8, port| {
        let port = Some(Transport { protocol: Protocol::Tcp, port: Some(port) });
        let backend = Backend { way: Way::Nat { port: Some(8080) }, ..node(1) };
        let member = Member { backend, ..member(1, 1, State::Active) };
        (Destination { transport: port, ..destination(address) }, service([member]))
    };
    assert_eq!(room(&wish([nat(1, 80)])), Ok(()));
    let refused = Refusal::Answers { address: node(1).address, port: 8080 };
    assert_eq!(room(&wish([nat(1, 80), nat(1, 81)])), Err(refused));
}

#[test]
fn more_services_than_there_are_numbers_are_left_to_the_kernel_and_said() {
    let host = |number: u32| Destination {
        prefix: Prefix::host(IpAddr::V4(Ipv4Addr::from_bits(0x0a00_0000 + number))),
        transport: None,
    };
    let all = wish((0..16_390).map(|number| (host(number), service([]))));
    assert_eq!(room(&all), Err(Refusal::Services { wished: 16_390, most: 16_383 }));
    let mut kernel = Kernel::new();
    kernel.wish(&all);
    let report = kernel.balancer.report(kernel.now, &Default::default());
    assert_eq!(report.services.len(), 16_383);
    assert_eq!(report.warnings, ["there is no room for 7 more services: they are left to the kernel"]);
}

#[test]
fn two_routers_choose_alike_for_a_hundred_thousand_flows_whatever_each_has_seen() {
    let all = |weights: &[(u8, u32)]| -> Vec<Member> {
        weights.iter().map(|(who, weight)| member(*who, *weight, State::Active)).collect()
    };
    let end = [(1, 1), (2, 1), (3, 2), (5, 1), (7, 1)];
    let whole = |members: &[Member]| Wish { slots: 65_537, ..same(3, members) };
    let mut one = Kernel::new();
    one.wish(&whole(&all(&end)));
    // The other one has seen nodes come, go and change, in another order, and was replaced in the middle.
    let mut other = Kernel::new();
    other.wish(&whole(&all(&[(9, 1), (7, 3), (2, 1)])));
    other.pass(Duration::from_secs(30));
    let reversed: Vec<(u8, u32)> = end.into_iter().rev().collect();
    other.wish(&whole(&all(&reversed)));
    other.restart(&whole(&all(&reversed)));
    other.pass(Duration::from_secs(200));
    for number in 0..100_000_u32 {
        let client = flow(u16::try_from(number % 50_000).unwrap_or_default(), 1 + (number / 50_000) as u8, 6);
        let choice =
            |kernel: &Kernel| kernel.balancer.explain(&client, true, None).backend.map(|backend| backend.address);
        assert_eq!(choice(&one), choice(&other), "{client:?}");
    }
}

#[test]
fn who_answers_in_its_own_address_is_found_before_it_gets_anything() {
    let nat = |number| {
        let backend = Backend { way: Way::Nat { port: Some(8080) }, ..node(number) };
        Member { backend, ..member(number, 1, State::Active) }
    };
    let port = Some(Transport { protocol: Protocol::Tcp, port: Some(80) });
    let of = |members: Vec<Member>| wish([(Destination { transport: port, ..destination(1) }, service(members))]);
    let mut kernel = Kernel::new();
    kernel.wish(&of(vec![nat(1)]));
    kernel.written.clear();
    kernel.wish(&of(vec![nat(1), nat(2)]));
    let address = bpf_common::flow::words(Ipv4Addr::new(192, 0, 2, 2).to_ipv6_mapped().octets());
    let line = rest(u16::from_le_bytes(8080_u16.to_be_bytes()), 6, ANSWERS);
    let place = |is: &dyn Fn(&Write) -> bool| kernel.written.iter().position(is);
    let known = place(&|write| matches!(write, Write::Directory(found) if exact(found.get(), address, line).is_some()));
    let led = place(&|write| matches!(write, Write::Service(..)));
    assert!(known.is_some() && led.is_some() && known < led, "known at {known:?}, led there at {led:?}");
}
