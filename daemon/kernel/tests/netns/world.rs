//! A namespace with two links to nowhere in particular, and words to speak about it.

use std::process::Command;
use std::time::Duration;

use kernel::{Datagrams, FibWriter, Monitor};
use rib::fib::{FibChange, FibTarget, GROUP_ID_BASE, NEXT_HOP_ID_BASE, Refused};
use rib::world::{Leg, WorldEvent};

/// Runs a test in a fresh network namespace, in a thread that ends with it.
pub(crate) fn in_namespace(test: impl FnOnce() + Send + 'static) {
    let thread = std::thread::spawn(move || {
        enter_fresh_namespace();
        test();
    });
    if let Err(panic) = thread.join() {
        std::panic::resume_unwind(panic);
    }
}

#[expect(unsafe_code, reason = "unshare(2) has no safe wrapper here")]
fn enter_fresh_namespace() {
    // SAFETY: no pointer is passed, and only the namespace of this thread changes.
    let answer = unsafe { libc::unshare(libc::CLONE_NEWNET) };
    assert_eq!(answer, 0, "these tests make network namespaces and need root: run them as root");
    ip("link set lo up");
}

/// Two veth links, `east` with 192.0.2.1/24 and 2001:db8:e::1/64, `west` with 198.51.100.1/24, both with carrier.
pub(crate) fn two_links() {
    for (name, peer) in [("east", "east-far"), ("west", "west-far")] {
        ip(&format!("link add {name} type veth peer name {peer}"));
        // Link-local addresses would come when duplicate address detection ends: news at an odd moment.
        for end in [name, peer] {
            ip(&format!("link set {end} addrgenmode none"));
            ip(&format!("link set {end} up"));
        }
    }
    ip("addr add 192.0.2.1/24 dev east");
    ip("addr add 2001:db8:e::1/64 dev east nodad");
    ip("addr add 198.51.100.1/24 dev west");
}

/// `ip WORDS`, which has to succeed.
pub(crate) fn ip(words: &str) -> String {
    let output = Command::new("ip").args(words.split_whitespace()).output().expect("iproute2 is installed");
    assert!(output.status.success(), "ip {words}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

pub(crate) fn ifindex(name: &str) -> u32 {
    let link = kernel::snapshot().unwrap().links.into_iter().find(|link| link.name.as_str() == name);
    link.expect("the link is there").index
}

/// A next hop of ours: number, gateway, link.
pub(crate) fn next_hop(number: u32, gateway: &str, link: &str) -> FibChange {
    let leg = Leg { gateway: Some(gateway.parse().unwrap()), ifindex: ifindex(link) };
    FibChange::NextHop { id: NEXT_HOP_ID_BASE + number, leg }
}

/// A group of ours: number, and numbers of next hops.
pub(crate) fn group(number: u32, members: &[u32]) -> FibChange {
    let members = members.iter().map(|member| (NEXT_HOP_ID_BASE + member, 1)).collect();
    FibChange::Group { id: GROUP_ID_BASE + number, members }
}

/// A route of ours to a group.
pub(crate) fn route(prefix: &str, number: u32) -> FibChange {
    FibChange::Route { key: prefix.parse().unwrap(), target: FibTarget::Group(GROUP_ID_BASE + number) }
}

/// Makes changes none of which may be refused.
pub(crate) fn apply(writer: &mut FibWriter, changes: &[FibChange]) {
    assert_eq!(refused(writer, changes), [], "nothing is refused");
}

/// Makes changes and answers those that were refused.
pub(crate) fn refused(writer: &mut FibWriter, changes: &[FibChange]) -> Vec<Refused> {
    Datagrams::new(changes.to_vec(), 0).iter().flat_map(|datagram| writer.write(datagram).unwrap()).collect()
}

/// A monitor that knows a writer, and that does not wait forever.
pub(crate) fn monitor_of(writer: &FibWriter) -> Monitor {
    let mut monitor = Monitor::open().unwrap();
    monitor.ignore_port(writer.port_id()).unwrap();
    monitor.set_timeout(Duration::from_secs(5));
    monitor
}

/// What the monitor tells until an event for which `last` holds, that one included; fails when it never comes.
pub(crate) fn told_until(monitor: &mut Monitor, last: impl Fn(&WorldEvent) -> bool) -> Vec<WorldEvent> {
    let mut events: Vec<WorldEvent> = Vec::new();
    while !events.iter().any(&last) {
        match monitor.next() {
            Ok(news) => events.extend(news),
            Err(error) => {
                panic!("{error} after {} events: {:#?}", events.len(), events.iter().take(20).collect::<Vec<_>>())
            }
        }
    }
    events
}

/// All that is told up to a sign that the test itself gives: a link whose description changes.
pub(crate) fn told_so_far(monitor: &mut Monitor) -> Vec<WorldEvent> {
    ip("link set lo alias sign");
    let sign = |event: &WorldEvent| matches!(event, WorldEvent::Link(link) if link.alias == "sign");
    let mut events = told_until(monitor, sign);
    ip("link set lo alias none");
    events.retain(|event| !sign(event));
    events
}

/// As [`told_so_far`], of routes and next hops only: links and addresses settle at odd moments.
pub(crate) fn routes_told(monitor: &mut Monitor) -> Vec<WorldEvent> {
    let mut events = told_so_far(monitor);
    events.retain(|event| !matches!(event, WorldEvent::Link(_) | WorldEvent::Address(_) | WorldEvent::AddressGone(_)));
    events
}
