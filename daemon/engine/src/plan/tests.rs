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
    "set system domain-name example.net",
    "set system name-server 192.0.2.53",
    "set system ntp server 192.0.2.123",
    "set system login user anna full-name Anna",
    "set system login user anna authentication encrypted-password $6$salt$one",
    "set system login user anna authentication public-keys a key AAAAC3NzaC1lZDI1NTE5",
    "set system login user anna authentication public-keys a type ssh-ed25519",
    "set system login user anna home-directory /srv/anna",
    "set system login user oper level operator",
    "set system login banner post-login Welcome",
    "set system ip arp table-size 1024",
    "set system sysctl parameter net.ipv4.tcp_syncookies value 1",
    "set service ssh port 2222",
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
    "set protocols static table 10 route 10.0.0.0/8 reject",
    "set protocols static arp 198.51.100.9 hwaddr 00:53:00:00:00:99",
    "set protocols static arp 192.0.2.99 hwaddr 00:53:00:00:00:98",
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

/// What the steps make of the system: each property has a name and a text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct System(std::collections::BTreeMap<String, String>);

impl System {
    fn carry_out(&mut self, steps: &[Step]) {
        for step in steps {
            let (place, from, to) = match step {
                Step::File { file, from, to } => (file.path().to_owned(), from.clone(), to.clone()),
                Step::Sysctl { name, from, to } => (name.clone(), from.clone(), to.clone()),
                Step::Account { user, change } => self.account(user, change),
                _ => continue,
            };
            assert_eq!(self.0.remove(&place), from, "{step}");
            self.0.extend(to.map(|to| (place, to)));
        }
    }

    fn account(&self, user: &str, change: &AccountChange) -> (String, Option<String>, Option<String>) {
        let lines = |lines: &[String]| (!lines.is_empty()).then(|| lines.join("; "));
        let (what, from, to) = match change {
            AccountChange::Exists { to, home } => {
                let there = Some(format!("at {home:?}"));
                return (user.to_owned(), there.clone().filter(|_| !to), there.filter(|_| *to));
            }
            AccountChange::Home { from, to } => {
                // The home directory is told when the account is made, and where it goes when it moves.
                return (user.to_owned(), Some(format!("at {from:?}")), Some(format!("at {to:?}")));
            }
            AccountChange::FullName { from, to } => ("full name", from.clone(), to.clone()),
            AccountChange::Level { from, to } => {
                ("level", from.map(|level| level.to_string()), to.map(|level| level.to_string()))
            }
            AccountChange::Password { from, to } => ("password", from.clone(), to.clone()),
            AccountChange::Keys { from, to } => ("keys", lines(from), lines(to)),
        };
        assert!(self.0.contains_key(user), "the account comes first and goes last: {}", change.sentence(user));
        (format!("{user} {what}"), from, to)
    }
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
        Step::Neighbor { name, .. } => assert!(index(snapshot, name) > 0),
        Step::HostName { .. }
        | Step::TimeZone { .. }
        | Step::Account { .. }
        | Step::File { .. }
        | Step::Sysctl { .. }
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
    fn any_part_of_a_plan_of_the_system_can_be_undone(old in some_lines(), new in some_lines(), part in 0_usize..40) {
        let (mut before, there) = (System::default(), world(&snapshot()));
        before.carry_out(&plan(&Model::default(), &model(&old), &there));
        let steps = plan(&model(&old), &model(&new), &there);
        let done = &steps[..part.min(steps.len())];
        let mut after = before.clone();
        after.carry_out(done);
        after.carry_out(&done.iter().rev().map(Step::inverse).collect::<Vec<_>>());
        prop_assert_eq!(&after, &before);
        after.carry_out(&steps);
        after.carry_out(&plan(&model(&new), &Model::default(), &there));
        prop_assert_eq!(after, System::default());
    }

    #[test]
    fn no_sentence_and_no_trace_of_a_step_tells_a_secret(lines in some_lines()) {
        for step in plan(&Model::default(), &model(&lines), &world(&snapshot())) {
            let told = if matches!(step, Step::Account { .. }) { format!("{step} {step:?}") } else { step.to_string() };
            prop_assert!(!told.contains("$6$") && !told.contains("AAAA") && !told.contains("secret"), "{}", told);
        }
    }

    #[test]
    fn what_is_held_and_not_named_is_given_back(held in some_lines(), named in some_lines()) {
        let (old, new, there) = (model(&held), model(&named), world(&snapshot()));
        let mut system = System::default();
        system.carry_out(&plan(&Model::default(), &old, &there));
        let first = |what: &str| system.0.contains_key(what);
        let held = Held {
            files: SystemFile::ALL.into_iter().filter(|file| first(file.path())).collect(),
            accounts: old.system.login.users.keys().cloned().collect(),
            settings: super::system::settings::wishes(&old.system).into_keys().collect(),
        };
        let given = give_back(&held, &new);
        let told: Vec<String> = given.iter().map(ToString::to_string).collect();
        for user in &held.accounts {
            let sentence = format!("remove user {user}, the home directory stays");
            prop_assert_eq!(told.contains(&sentence), !new.system.login.users.contains_key(user));
        }
        let back = |file: &SystemFile| told.contains(&format!("give {} back to the system", file.path()));
        let mut after = System::default();
        after.carry_out(&plan(&Model::default(), &new, &there));
        for file in &held.files {
            prop_assert_eq!(back(file), !after.0.contains_key(file.path()));
        }
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
