//! `show interfaces …`, `show arp`, `show ipv6 neighbors`

use nouns::{Family, IfName};

use crate::commands::op::{InterfaceClass, InterfaceForm, Op};
use crate::commands::tree::{Arguments, Step};
use crate::value::ValueKind;

pub(super) static INTERFACES: Step = Step::word(
    "interfaces",
    "Network interfaces",
    &[
        &class("bonding", "Bonds", &[&BOND, &BRIEF, &COUNTERS, &DETAIL]),
        &BRIEF,
        &class("bridge", "Bridges", &[&BRIDGE, &BRIEF, &COUNTERS, &DETAIL]),
        &COUNTERS,
        &DETAIL,
        &class("dummy", "Interfaces that lead nowhere", &[&DUMMY, &BRIEF, &COUNTERS, &DETAIL]),
        &class("ethernet", "Ethernet interfaces", &[&ETHERNET, &BRIEF, &COUNTERS, &DETAIL]),
        &class("loopback", "The loopback interface", &[&LOOPBACK, &BRIEF, &COUNTERS, &DETAIL]),
        &Step::value(ValueKind::InterfaceName, "One interface", "eth0", FORMS).op(interfaces),
    ],
)
.op(interfaces);

static BOND: Step = Step::value(ValueKind::InterfaceName, "One bond", "bond0", WITH_VLANS).op(interfaces);
static BRIDGE: Step = Step::value(ValueKind::InterfaceName, "One bridge", "br0", WITH_VLANS).op(interfaces);
static DUMMY: Step = Step::value(ValueKind::InterfaceName, "One of them", "dum0", FORMS).op(interfaces);
static ETHERNET: Step = Step::value(ValueKind::EthernetName, "One interface", "eth0", WITH_VLANS).op(interfaces);
static LOOPBACK: Step = Step::value(ValueKind::LoopbackName, "One interface", "lo", FORMS).op(interfaces);

static WITH_VLANS: &[&Step] = &[&BRIEF, &COUNTERS, &DETAIL, &VIF];
static VIF: Step = Step::word(
    "vif",
    "One of its VLANs",
    &[&Step::value(ValueKind::U32 { min: 0, max: 4094 }, "VLAN", "100", FORMS).op(interfaces)],
);

static FORMS: &[&Step] = &[&BRIEF, &COUNTERS, &DETAIL];
static BRIEF: Step = Step::word("brief", "A line for each address", &[]).op(interfaces);
static COUNTERS: Step = Step::word("counters", "What went through", &[]).op(interfaces);
static DETAIL: Step = Step::word("detail", "All that is known", &[]).op(interfaces);

pub(super) static ARP: Step =
    Step::word("arp", "IPv4 hosts on links", &[&ON_LINK]).family(Family::Ipv4Unicast).op(neighbors);
pub(super) static NEIGHBORS: Step = Step::word("neighbors", "IPv6 hosts on links", &[&ON_LINK]).op(neighbors);
static ON_LINK: Step = Step::value(ValueKind::InterfaceName, "Only those on one link", "eth0", &[]).op(neighbors);

const fn class(name: &'static str, help: &'static str, then: &'static [&'static Step]) -> Step {
    Step::word(name, help, then).op(interfaces)
}

fn interfaces(arguments: &Arguments) -> Option<Op> {
    let classes = [
        ("bonding", InterfaceClass::Bonding),
        ("bridge", InterfaceClass::Bridge),
        ("dummy", InterfaceClass::Dummy),
        ("ethernet", InterfaceClass::Ethernet),
        ("loopback", InterfaceClass::Loopback),
    ];
    let class = classes.into_iter().find(|(word, _)| arguments.has(word)).map(|(_, class)| class);
    let parent: Option<IfName> = arguments.first();
    let name = match (parent, arguments.after::<u32>("vif")) {
        (Some(parent), Some(vlan)) => Some(format!("{parent}.{vlan}").parse().ok()?),
        (parent, _) => parent,
    };
    let form = match (arguments.has("counters"), arguments.has("brief"), arguments.has("detail")) {
        (true, ..) => InterfaceForm::Counters,
        (_, true, _) => InterfaceForm::Brief,
        (.., true) => InterfaceForm::Detail,
        _ if name.is_some() => InterfaceForm::Detail,
        _ => InterfaceForm::Brief,
    };
    Some(Op::ShowInterfaces { class, name, form })
}

fn neighbors(arguments: &Arguments) -> Option<Op> {
    Some(Op::ShowNeighborTable { family: arguments.family?, interface: arguments.first() })
}
