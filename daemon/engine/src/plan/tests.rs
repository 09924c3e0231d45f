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

mod words;

use self::words::{Sample, VOCABULARY, sample};
use config::Tree;
use proptest::prelude::*;
use rib::world::{Link, LinkAddress, LinkKind, Snapshot};

use super::*;
use crate::commit::Outcome;
use crate::commit::tests::drive;

/// How often each law is tried: all of them in a few seconds.
const CASES: u32 = 24;

fn link(index: u32, name: &str) -> Link {
    Link::card(index, name.parse().unwrap())
}

fn snapshot() -> Snapshot {
    let card = |index: u8, name: &str| {
        let mac = vec![0, 0x53, 0, 0, 0, index];
        Link { permanent_mac: mac.clone(), mac, ..link(u32::from(index), name) }
    };
    let cards = ["loopback", "ethernet"].into_iter().flat_map(|kind| VOCABULARY.instances(&["interfaces", kind]));
    Snapshot { links: (1..).zip(cards).map(|(index, name)| card(index, &name)).collect(), ..Snapshot::default() }
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
                Step::HostName { from, to } => ("host name".to_owned(), from.clone(), to.clone()),
                Step::TimeZone { from, to } => ("time zone".to_owned(), from.clone(), to.clone()),
                Step::Setting { name, setting, from, to } => (format!("{setting} of {name}"), from.clone(), to.clone()),
                Step::Listener { open } => {
                    let there = Some("open".to_owned());
                    ("listener".to_owned(), there.clone().filter(|_| !open), there.filter(|_| *open))
                }
                Step::Secret { remote, from, to } => {
                    let text = |secret: &Option<Secret>| {
                        secret.as_ref().map(|secret| match secret {
                            Secret::Md5(password) => password.clone(),
                            Secret::Ao(keys) => keys.iter().map(|key| key.secret.clone()).collect(),
                        })
                    };
                    (format!("key of {remote}"), text(from), text(to))
                }
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
            // The kernel gives a VLAN the hardware address of its parent.
            let inherited = match &kind {
                LinkKind::Vlan { parent, .. } => snapshot.links.iter().find(|link| link.index == *parent),
                _ => None,
            };
            let inherited = inherited.map(|parent| parent.mac.clone()).unwrap_or_default();
            let number = 100 + u32::try_from(name.as_str().bytes().map(usize::from).sum::<usize>()).unwrap();
            snapshot.links.push(Link {
                admin_up: settings.up,
                mtu: settings.mtu,
                alias: settings.alias.clone(),
                mac: settings.mac.map_or(inherited, |mac| octets(Some(mac))),
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
        | Step::Balancer { .. }
        | Step::Listener { .. }
        | Step::Secret { .. }
        | Step::Routing => {}
    }
}

/// The whole router: its links, and what lies around them.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Router {
    links: Snapshot,
    system: System,
}

impl Router {
    /// A router that runs this configuration.
    fn of(sample: &Sample) -> Self {
        let mut router = Self { links: snapshot(), system: System::default() };
        router.carry_out(&router.plan(&Model::default(), &sample.model));
        router
    }

    /// A link without a card behind it keeps the hardware address that it was given last: none is its own. Nor is an
    /// address that was made of it.
    fn with_macs_of(&self, other: &Self) -> Self {
        let mut same = self.clone();
        let Snapshot { links, addresses, .. } = &mut same.links;
        for (link, there) in links.iter_mut().zip(&other.links.links) {
            if link.permanent_mac.is_empty() && there.mac.is_empty() {
                let mac = std::mem::take(&mut link.mac);
                addresses.retain(|there| there.ifindex != link.index || !is_made_of(&mac, there.address.address()));
            }
        }
        same
    }

    fn plan(&self, old: &Model, new: &Model) -> Vec<Step> {
        plan(old, new, &world(&self.links))
    }

    fn carry_out(&mut self, steps: &[Step]) {
        carry_out(steps, &mut self.links);
        self.system.carry_out(steps);
    }
}

/// Whether an address ends with the interface identifier of a hardware address.
fn is_made_of(mac: &[u8], address: std::net::IpAddr) -> bool {
    let std::net::IpAddr::V6(address) = address else { return false };
    <[u8; 6]>::try_from(mac).is_ok_and(|mac| MacAddress::from(mac).eui64(address) == address)
}

/// Whether a step builds, and when.
type Place = (bool, Phase);

proptest! {
    #![proptest_config(ProptestConfig::with_cases(CASES))]

    #[test]
    fn a_step_undone_twice_is_the_step(old in sample(), new in sample()) {
        for step in plan(&old.model, &new.model, &world(&snapshot())) {
            prop_assert_eq!(step.inverse().inverse(), step);
        }
    }

    #[test]
    fn a_plan_and_the_inverse_of_each_step_lead_back(old in sample(), new in sample()) {
        let before = Router::of(&old);
        let steps = before.plan(&old.model, &new.model);
        let mut after = before.clone();
        after.carry_out(&steps);
        after.carry_out(&steps.iter().rev().map(Step::inverse).collect::<Vec<_>>());
        prop_assert_eq!(after, before);
    }

    #[test]
    fn a_commit_that_fails_at_any_step_leaves_the_router_as_it_was(
        old in sample(),
        new in sample(),
        places in prop::collection::vec(any::<prop::sample::Index>(), 3),
    ) {
        let before = Router::of(&old);
        let steps = before.plan(&old.model, &new.model);
        let all = (!steps.is_empty()).then_some(&places).into_iter().flatten();
        for failing in all.map(|place| place.index(steps.len())) {
            let mut after = before.clone();
            let (outcome, _) = drive(steps.clone(), Some(failing), |step| after.carry_out(std::slice::from_ref(step)));
            let Outcome::RolledBack(failure) = outcome else { panic!("step {failing} failed: {outcome:?}") };
            prop_assert_eq!(failure.step, steps[failing].to_string());
            prop_assert_eq!(failure.stuck, Vec::<String>::new());
            prop_assert_eq!(&after, &before);
        }
    }

    #[test]
    fn there_and_back_ends_where_it_began(old in sample(), new in sample()) {
        let before = Router::of(&old);
        let mut after = before.clone();
        after.carry_out(&after.plan(&old.model, &new.model));
        after.carry_out(&after.plan(&new.model, &old.model));
        prop_assert_eq!(after.with_macs_of(&before), before);
        after.carry_out(&after.plan(&old.model, &Model::default()));
        prop_assert_eq!(after, Router::of(&Sample::default()));
    }

    #[test]
    fn no_sentence_and_no_trace_of_a_step_tells_a_secret(old in sample(), new in sample(), place in any::<prop::sample::Index>()) {
        let before = Router::of(&old);
        let steps = before.plan(&old.model, &new.model);
        let mut told: Vec<String> = steps.iter().map(|step| format!("{step}\n{step:?}\n{:?}", step.inverse())).collect();
        if !steps.is_empty() {
            let (outcome, _) = drive(steps.clone(), Some(place.index(steps.len())), |_| ());
            told.push(format!("{outcome:?}"));
        }
        for (secret, told) in VOCABULARY.secrets.iter().flat_map(|secret| told.iter().map(move |told| (secret, told))) {
            prop_assert!(!told.contains(secret.as_str()) && !told.contains("$6$"), "{secret} in {told}");
        }
    }

    #[test]
    fn what_is_held_and_not_named_is_given_back(held in sample(), named in sample()) {
        let (old, new, there) = (held.model, named.model, world(&snapshot()));
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
    fn nothing_is_planned_between_equals(sample in sample()) {
        let there = Router::of(&sample);
        prop_assert_eq!(there.plan(&sample.model, &sample.model), Vec::new());
    }

    #[test]
    fn what_is_taken_down_goes_before_what_is_built_and_routing_comes_last(old in sample(), new in sample()) {
        let steps = Router::of(&old).plan(&old.model, &new.model);
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
    let ifindex = there.links.iter().find(|link| link.name.as_str() == "eth1").unwrap().index;
    there.addresses.push(LinkAddress { ifindex, address: "192.0.2.1/24".parse().unwrap(), peer: None });
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

#[test]
fn a_link_that_the_configuration_does_not_know_moves_no_port() {
    let new = model(&["set interfaces ethernet eth1 bridge-group bridge br7", "set interfaces bridge br7"]);
    let mut there = snapshot();
    let kind = LinkKind::Bridge(rib::world::BridgeSettings::default());
    there.links.push(Link { kind, ..link(8, "br8") });
    there.links.push(Link { master: Some(8), ..link(9, "eth9") });
    there.links.push(link(10, "veth1"));
    assert_eq!(appear(&"veth1".parse().unwrap(), &new, &world(&there)), Vec::new());
}

#[test]
fn an_address_made_of_the_hardware_address_is_made_of_the_one_to_come() {
    let old = model(&["set interfaces ethernet eth1 mac 00:53:00:00:00:77"]);
    let new = model(&["set interfaces ethernet eth1 ipv6 address eui64 2001:db8:1::/64"]);
    let mut there = snapshot();
    let card = there.links.iter().find(|link| link.name.as_str() == "eth1").unwrap().mac[5];
    carry_out(&plan(&Model::default(), &old, &world(&there)), &mut there);
    let steps: Vec<String> = plan(&old, &new, &world(&there)).iter().map(ToString::to_string).collect();
    let expect = format!("add address 2001:db8:1:0:253:ff:fe00:{card}/64 to eth1");
    assert!(steps.contains(&expect), "{steps:#?}");
}

#[test]
fn an_address_made_of_a_hardware_address_goes_though_the_link_has_another_one_by_now() {
    let old = model(&["set interfaces ethernet eth1 ipv6 address eui64 2001:db8:1::/64"]);
    let mut there = snapshot();
    carry_out(&plan(&Model::default(), &old, &world(&there)), &mut there);
    let card = there.links.iter_mut().find(|link| link.name.as_str() == "eth1").unwrap();
    card.mac = vec![0, 0x53, 0, 0, 0, 0x99];
    carry_out(&plan(&old, &Model::default(), &world(&there)), &mut there);
    assert_eq!(there.addresses, snapshot().addresses);
}
