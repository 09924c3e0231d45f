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
use rib::world::{Link, LinkAddress, LinkKind, Snapshot};

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
    "set interfaces ethernet eth1 mac 00:53:00:00:00:11",
    "set interfaces ethernet eth1 vif 5 address 198.51.100.1/24",
    "set interfaces ethernet eth1 vif 5 mtu 1300",
    "set interfaces ethernet eth1 vif 6 ipv6 address eui64 2001:db8:6::/64",
    "set interfaces ethernet eth1 ip enable-proxy-arp",
    "set interfaces dummy dum0 address 203.0.113.1/32",
    "set interfaces dummy dum0 description anchor",
    "set interfaces dummy dum0 ipv6 dup-addr-detect-transmits 0",
    "set interfaces bridge br0 address 203.0.113.129/25",
    "set interfaces bridge br0 stp true",
    "set interfaces bridge br0 vif 7 address 203.0.113.65/26",
    "set interfaces ethernet eth3 bridge-group bridge br0",
    "set interfaces bridge br1 priority 4096",
    "set interfaces ethernet eth1 vif 8 bridge-group bridge br1",
    "set interfaces ethernet eth3 bridge-group bridge br1",
    "set protocols static route 10.0.0.0/8 blackhole",
    "set protocols bgp 64512 neighbor 192.0.2.9 remote-as 64512",
    "set protocols bgp 64512 neighbor 192.0.2.9 password secret",
    "set protocols bgp 64512 neighbor 192.0.2.10 remote-as 65001",
];

fn link(index: u32, name: &str) -> Link {
    Link::card(index, name.parse().unwrap())
}

fn snapshot() -> Snapshot {
    let card = |index: u8, name| {
        let mac = vec![0, 0x53, 0, 0, 0, index];
        Link { permanent_mac: mac.clone(), mac, ..link(u32::from(index), name) }
    };
    Snapshot { links: vec![card(2, "eth1"), card(3, "eth2"), card(4, "eth3")], ..Snapshot::default() }
}

fn world(snapshot: &Snapshot) -> World {
    let mut world = World::new();
    world.reset(snapshot);
    world
}

fn model(lines: &[&str]) -> Model {
    let parsed = Tree::parse_set_commands(&lines.join("\n"));
    assert_eq!(parsed.problems, Vec::new());
    // Some lines want others: what is sound of them is the model, as at a start.
    config::check::admit(&parsed, &config::check::Context::default()).model
}

/// What the steps make of the world; a step that does not fit what is there is a fault.
fn carry_out(steps: &[Step], snapshot: &mut Snapshot) {
    for step in steps {
        carry_out_one(step, snapshot);
    }
    snapshot.addresses.sort();
    // Whoever is made again has another index, and lies elsewhere.
    snapshot.links.sort_by(|one, other| one.name.cmp(&other.name));
}

fn carry_out_one(step: &Step, snapshot: &mut Snapshot) {
    let index =
        |snapshot: &Snapshot, name: &IfName| snapshot.links.iter().find(|link| link.name == *name).unwrap().index;
    let octets = |mac: Option<MacAddress>| mac.map(|mac| mac.octets().to_vec()).unwrap_or_default();
    match step {
        Step::Device { name, device, settings, create: true } => {
            assert!(snapshot.links.iter().all(|link| link.name != *name), "{step}");
            let kind = match device {
                VirtualLink::Bridge(settings) => LinkKind::Bridge(*settings),
                VirtualLink::Dummy => LinkKind::Dummy,
                VirtualLink::Vif { parent, id } => LinkKind::Vlan { parent: index(snapshot, parent), id: *id },
            };
            let number = 100 + u32::try_from(name.as_str().bytes().map(usize::from).sum::<usize>()).unwrap();
            snapshot.links.push(Link {
                admin_up: settings.up,
                mtu: settings.mtu,
                alias: settings.alias.clone(),
                mac: octets(settings.mac),
                kind,
                group: rib::world::LINK_GROUP_TOWPATH,
                ..link(number, name.as_str())
            });
        }
        Step::Device { name, create: false, .. } => {
            let gone = index(snapshot, name);
            let rests = |link: &&Link| {
                link.master == Some(gone) || matches!(link.kind, LinkKind::Vlan { parent, .. } if parent == gone)
            };
            assert_eq!(snapshot.links.iter().find(rests), None, "{step}");
            assert!(snapshot.addresses.iter().all(|there| there.ifindex != gone), "{step}");
            snapshot.links.retain(|link| link.index != gone);
        }
        Step::Bridge { name, from, to } => {
            let link = snapshot.links.iter_mut().find(|link| link.name == *name).unwrap();
            assert_eq!(link.kind, LinkKind::Bridge(*from), "{step}");
            link.kind = LinkKind::Bridge(*to);
        }
        Step::Port { name, bridge, join } => {
            let bridge = index(snapshot, bridge);
            let link = snapshot.links.iter_mut().find(|link| link.name == *name).unwrap();
            assert_eq!(link.master, (!join).then_some(bridge), "{step}");
            link.master = join.then_some(bridge);
        }
        Step::Setting { name, .. } => assert!(index(snapshot, name) > 0),
        Step::Link { name, from, to } => {
            let link = snapshot.links.iter_mut().find(|link| link.name == *name).unwrap();
            assert_eq!((link.admin_up, link.mtu, &link.alias), (from.up, from.mtu, &from.alias), "{step}");
            assert_eq!(link.mac, octets(from.mac), "{step}");
            (link.admin_up, link.mtu, link.alias, link.mac) = (to.up, to.mtu, to.alias.clone(), octets(to.mac));
            let (number, mtu, kind) = (link.index, link.mtu, link.kind.clone());
            for other in &snapshot.links {
                if matches!(other.kind, LinkKind::Vlan { parent, .. } if parent == number) {
                    assert!(other.mtu <= mtu, "{step} with {other:?}");
                }
                if matches!(kind, LinkKind::Vlan { parent, .. } if parent == other.index) {
                    assert!(mtu <= other.mtu, "{step} with {other:?}");
                }
            }
        }
        Step::Address { name, address, add } => {
            let there = LinkAddress { ifindex: index(snapshot, name), address: *address, peer: None };
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
    fn any_part_of_a_plan_can_be_undone(old in some_lines(), new in some_lines(), part in 0_usize..40) {
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
        let mut there = snapshot();
        carry_out(&plan(&Model::default(), &model(&lines), &world(&there)), &mut there);
        prop_assert_eq!(plan(&model(&lines), &model(&lines), &world(&there)), Vec::new());
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
    assert_eq!(appear(&"eth7".parse().unwrap(), &new, &world(&there)).len(), 2);
}
