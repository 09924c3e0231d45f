//! Laws of plans: order, inverses, and that what is there already is no step.
//!
//! What plans look like, and what failing one leaves behind, is tried on whole routers.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test may fail loudly"
)]

use config::Tree;
use proptest::prelude::*;
use rib::world::{Link, LinkAddress, Snapshot};

use super::*;

const LINES: &[&str] = &[
    "set system host-name one",
    "set system time-zone Europe/Berlin",
    "set interfaces ethernet eth1 address 192.0.2.1/24",
    "set interfaces ethernet eth1 address 192.0.2.2/24",
    "set interfaces ethernet eth1 mtu 1400",
    "set interfaces ethernet eth1 disable",
    "set interfaces ethernet eth2 description office",
    "set interfaces ethernet eth2 address 2001:db8::1/64",
    "set protocols static route 10.0.0.0/8 blackhole",
    "set protocols bgp 64512 neighbor 192.0.2.9 remote-as 64512",
    "set protocols bgp 64512 neighbor 192.0.2.9 password secret",
    "set protocols bgp 64512 neighbor 192.0.2.10 remote-as 65001",
];

fn link(index: u32, name: &str) -> Link {
    Link {
        index,
        name: name.parse().unwrap(),
        admin_up: true,
        carrier: true,
        loopback: false,
        mtu: 1500,
        mac: Vec::new(),
        alias: String::new(),
    }
}

fn snapshot() -> Snapshot {
    Snapshot { links: vec![link(2, "eth1"), link(3, "eth2")], ..Snapshot::default() }
}

fn world(snapshot: &Snapshot) -> World {
    let mut world = World::new();
    world.reset(snapshot);
    world
}

fn model(lines: &[&str]) -> Model {
    let parsed = Tree::parse_set_commands(&lines.join("\n"));
    assert_eq!(parsed.problems, Vec::new());
    Model::lower(&parsed.tree).0
}

/// What the steps make of the world; a step that does not fit what is there is a fault.
fn carry_out(steps: &[Step], snapshot: &mut Snapshot) {
    for step in steps {
        match step {
            Step::Link { name, from, to } => {
                let link = snapshot.links.iter_mut().find(|link| link.name == *name).unwrap();
                let now = LinkSettings { up: link.admin_up, mtu: link.mtu, alias: link.alias.clone() };
                assert_eq!(now, *from, "{step}");
                (link.admin_up, link.mtu, link.alias) = (to.up, to.mtu, to.alias.clone());
            }
            Step::Address { name, address, add } => {
                let ifindex = snapshot.links.iter().find(|link| link.name == *name).unwrap().index;
                let there = LinkAddress { ifindex, address: *address, peer: None };
                assert_eq!(snapshot.addresses.contains(&there), !add, "{step}");
                snapshot.addresses.retain(|other| *other != there);
                snapshot.addresses.extend(add.then_some(there));
            }
            Step::HostName { .. }
            | Step::TimeZone { .. }
            | Step::Listener { .. }
            | Step::Password { .. }
            | Step::Routing => {}
        }
    }
    snapshot.addresses.sort();
}

/// Whether a step builds, and when.
type Place = (bool, Phase);

fn some_lines() -> impl Strategy<Value = Vec<&'static str>> {
    prop::sample::subsequence(LINES.to_vec(), 0..=LINES.len())
}

proptest! {
    #[test]
    fn a_step_undone_twice_is_the_step(old in some_lines(), new in some_lines()) {
        for step in plan(&model(&old), &model(&new), &world(&snapshot())) {
            prop_assert_eq!(step.inverse().inverse(), step);
        }
    }

    #[test]
    fn any_part_of_a_plan_can_be_undone(old in some_lines(), new in some_lines(), part in 0_usize..16) {
        let mut before = snapshot();
        carry_out(&plan(&Model::default(), &model(&old), &world(&before)), &mut before);
        let steps = plan(&model(&old), &model(&new), &world(&before));
        let done = &steps[..part.min(steps.len())];
        let mut after = before.clone();
        carry_out(done, &mut after);
        let back: Vec<Step> = done.iter().rev().map(Step::inverse).collect();
        carry_out(&back, &mut after);
        prop_assert_eq!(after, before);
    }

    #[test]
    fn there_and_back_ends_where_it_began(old in some_lines(), new in some_lines()) {
        let mut before = snapshot();
        carry_out(&plan(&Model::default(), &model(&old), &world(&before)), &mut before);
        let mut after = before.clone();
        carry_out(&plan(&model(&old), &model(&new), &world(&after)), &mut after);
        carry_out(&plan(&model(&new), &model(&old), &world(&after)), &mut after);
        prop_assert_eq!(after, before);
    }

    #[test]
    fn nothing_is_planned_between_equals(lines in some_lines()) {
        prop_assert_eq!(plan(&model(&lines), &model(&lines), &world(&snapshot())), Vec::new());
    }

    #[test]
    fn what_is_taken_down_goes_before_what_is_built_and_routing_comes_last(old in some_lines(), new in some_lines()) {
        let mut there = snapshot();
        carry_out(&plan(&Model::default(), &model(&old), &world(&there)), &mut there);
        let steps = plan(&model(&old), &model(&new), &world(&there));
        let order: Vec<Place> = steps.iter().map(|step| (!step.takes_down(), step.phase())).collect();
        let (down, up): (Vec<Place>, Vec<Place>) = order.iter().partition(|(builds, _)| !builds);
        prop_assert_eq!(&[down.clone(), up.clone()].concat(), &order);
        prop_assert!(down.is_sorted_by(|one: &Place, next| one.1 >= next.1), "{:?}", down);
        prop_assert!(up.is_sorted(), "{:?}", up);
        let routing = steps.iter().position(|step| *step == Step::Routing);
        prop_assert!(routing.is_none_or(|index| index + 1 == steps.len()));
    }
}

#[test]
fn an_address_that_is_there_already_is_no_step_and_is_not_taken_away() {
    let mut there = snapshot();
    there.addresses.push(LinkAddress { ifindex: 2, address: "192.0.2.1/24".parse().unwrap(), peer: None });
    let new = model(&["set interfaces ethernet eth1 address 192.0.2.1/24"]);
    assert_eq!(plan(&Model::default(), &new, &world(&there)), Vec::new());
}

#[test]
fn a_link_that_is_not_there_waits_until_it_appears() {
    let new = model(&["set interfaces ethernet eth7 address 192.0.2.1/24", "set interfaces ethernet eth7 mtu 1400"]);
    assert_eq!(plan(&Model::default(), &new, &world(&snapshot())), Vec::new());
    let mut there = snapshot();
    there.links.push(link(8, "eth7"));
    let (name, wish) = new.interfaces.first_key_value().unwrap();
    assert_eq!(appear(name, wish, &world(&there)).len(), 2);
}
