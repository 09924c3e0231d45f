//! Many tables that change at once: what packets find at once, and what they find in the end.

use bpf_common::layout::Mode;

use super::kernel::{Kernel, flow};
use super::*;
use crate::state::{Input, Write};

/// Services with a set of their own each: all nodes of the first ones, and one more.
fn each(count: u8, nodes: &[u8]) -> Wish {
    wish((1..=count).map(|number| {
        let members = nodes.iter().map(|who| member(*who, 1, State::Active));
        (destination(number), service(members.chain([member(100 + number, 1, State::Active)])))
    }))
}

fn tables(kernel: &mut Kernel) -> (usize, usize) {
    let written = std::mem::take(&mut kernel.written);
    let count = |is: fn(&Write) -> bool| written.iter().filter(|write| is(write)).count();
    (count(|write| matches!(write, Write::Table(..))), count(|write| matches!(write, Write::Slots(..))))
}

/// The most and the least slots of a service's nodes.
fn shares(kernel: &Kernel, service: u8) -> (usize, usize) {
    let owners = kernel.owners(service);
    let nodes: std::collections::BTreeSet<_> = owners.iter().collect();
    let counts = nodes.iter().map(|node| owners.iter().filter(|owner| *owner == *node).count());
    (counts.clone().max().unwrap_or_default(), counts.min().unwrap_or_default())
}

#[test]
fn a_node_that_dies_for_many_services_gets_nothing_at_once_and_their_tables_are_maglevs_soon() {
    let mut kernel = Kernel::new();
    kernel.wish(&each(20, &[1, 2, 3, 4]));
    assert_eq!(tables(&mut kernel), (20, 0));
    let before: Vec<_> = (1..=20).map(|number| kernel.owners(number)).collect();
    let after = each(20, &[1, 2, 4]);
    kernel.wish(&after);
    assert_eq!(tables(&mut kernel), (0, 20), "words of tables that are in use");
    for (number, before) in (1..=20).zip(&before) {
        let (most, least) = shares(&kernel, number);
        assert!(most - least <= 1, "{most} and {least} slots");
        let moved = kernel.owners(number).iter().zip(before).filter(|(after, before)| after != before).count();
        assert_eq!(moved, before.iter().filter(|owner| **owner == Some(node(3).address)).count());
    }
    kernel.pass(Duration::from_millis(20));
    let mut other = Kernel::new();
    other.wish(&after);
    for number in 1..=20 {
        assert_eq!(kernel.owners(number), other.owners(number));
    }
    assert_eq!(tables(&mut kernel).0, 0);
}

#[test]
fn a_node_that_joins_many_services_has_its_share_at_once() {
    let mut kernel = Kernel::new();
    kernel.wish(&each(9, &[1, 2, 3]));
    assert_eq!(kernel.packet(&flow(1, 5, 6), true), kernel.packet(&flow(1, 5, 6), false));
    kernel.wish(&each(9, &[1, 2, 3, 7]));
    for number in 1..=9 {
        let (most, least) = shares(&kernel, number);
        assert!(most - least <= 1, "{most} and {least} slots");
    }
    assert!(kernel.tables.values().flatten().any(|slot| slot.mode() == Mode::Learning));
}

#[test]
fn a_death_amid_the_filling_of_many_tables_waits_for_none_of_them() {
    let mut kernel = Kernel::new();
    kernel.wish(&each(20, &[1, 2, 3, 4]));
    kernel.wish(&each(20, &[1, 2, 3]));
    kernel.now += Duration::from_millis(20);
    for _ in 0..5 {
        kernel.give(Input::Tick);
    }
    tables(&mut kernel);
    kernel.wish(&each(20, &[1, 2]));
    assert_eq!(tables(&mut kernel), (0, 20));
    for number in 1..=20 {
        assert!(kernel.owners(number).iter().all(|owner| *owner != Some(node(3).address)));
    }
    // One daemon later the rest is done all the same.
    kernel.restart(&each(20, &[1, 2]));
    kernel.pass(Duration::from_secs(1));
    let mut other = Kernel::new();
    other.wish(&each(20, &[1, 2]));
    assert!((1..=20).all(|number| kernel.owners(number) == other.owners(number)));
}

#[test]
fn of_services_that_shared_a_table_each_goes_its_own_way_in_haste_too() {
    let mut kernel = Kernel::new();
    let all = [1, 2, 3].map(|who| member(who, 1, State::Active));
    kernel.wish(&same(12, &all));
    assert_eq!(tables(&mut kernel), (1, 0));
    kernel.wish(&each(12, &[1, 2]));
    assert_eq!(tables(&mut kernel), (12, 0));
    assert_eq!(kernel.tables.len(), 13, "the former one rests");
    kernel.wish(&same(12, &all));
    assert_eq!(tables(&mut kernel), (0, 12));
    kernel.pass(Duration::from_secs(200));
    assert_eq!(kernel.tables.len(), 1, "what has become the same is one table");
}

#[test]
fn of_many_services_that_begin_at_once_none_waits_and_what_began_meanwhile_stays() {
    let begin = |at_first| {
        let mut kernel = Kernel::new();
        kernel.balancer.at_first = at_first;
        kernel.wish(&each(60, &[1, 2, 3, 4]));
        assert_eq!(tables(&mut kernel), (60, 0));
        kernel
    };
    let (mut kernel, all_filled) = (begin(super::super::coarse::AT_FIRST), begin(usize::MAX));
    let is_maglevs = |kernel: &Kernel, number| kernel.owners(number) == all_filled.owners(number);
    assert_eq!((1..=60).filter(|number| is_maglevs(&kernel, *number)).count(), super::super::coarse::AT_FIRST);
    let begun: Vec<_> = (1..=60).map(|number| kernel.packet(&flow(number, 5, 6), true)).collect();
    for number in 1..=60 {
        let (most, least) = shares(&kernel, number);
        assert!(most - least <= 1, "{most} and {least} slots");
    }
    kernel.pass(Duration::from_millis(20));
    assert!((1..=60).all(|number| is_maglevs(&kernel, number)));
    assert_eq!(tables(&mut kernel).0, 0, "words of tables that are in use");
    let after: Vec<_> = (1..=60).map(|number| kernel.packet(&flow(number, 5, 6), false)).collect();
    assert_eq!(begun, after);
}

#[test]
fn a_daemon_that_finds_what_it_wishes_changes_no_slot_of_many_tables() {
    let mut kernel = Kernel::new();
    let all = each(20, &[1, 2, 3, 4]);
    kernel.wish(&all);
    tables(&mut kernel);
    kernel.restart(&all);
    kernel.pass(Duration::from_secs(1));
    assert_eq!(tables(&mut kernel), (0, 0));
    assert!(kernel.tables.values().flatten().all(|slot| slot.mode() == Mode::Stable));
}

#[test]
fn services_for_which_there_is_no_table_stay_with_those_who_live_or_are_left_to_the_kernel_and_it_is_said() {
    let mut kernel = Kernel::new();
    kernel.balancer.table_numbers = crate::numbers::Numbers::new(3);
    kernel.balancer.at_once = usize::MAX;
    kernel.wish(&each(3, &[1, 2]));
    let led = |kernel: &Kernel| -> Vec<bool> { kernel.services.values().map(|service| service.slots > 0).collect() };
    let said = |kernel: &Kernel| kernel.balancer.report(kernel.now, &Default::default()).warnings.concat();
    assert_eq!(led(&kernel), [true, true, false]);
    assert!(
        kernel
            .services
            .values()
            .all(|service| service.slots > 0 || service.flags & bpf_common::layout::PASS_EMPTY != 0)
    );
    assert!(said(&kernel).starts_with("there is no room for 1 more tables"), "{}", said(&kernel));
    // Somebody joins, and there is no table for that: all stay where they are. Somebody dies: nobody is led there.
    kernel.wish(&each(3, &[1, 2, 3]));
    assert_eq!(led(&kernel), [true, true, false]);
    kernel.wish(&each(3, &[1]));
    assert_eq!(led(&kernel), [false, false, false]);
    kernel.pass(Duration::from_secs(2));
    kernel.wish(&each(2, &[1]));
    kernel.pass(Duration::from_secs(2));
    // The third one is nobody's any more.
    assert_eq!((led(&kernel), said(&kernel)), (vec![true, true, false], String::new()));
}
