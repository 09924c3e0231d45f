//! Three ASes that look like one, in a ring, with a neighbor outside at each end.
//!
//! Each link is a network of its own.

use api::request::{BgpTarget, Show};
use api::{Reply, Text};
use nouns::Family;
use scenarios::sim::{Network, Node, config};

use super::{SHOP, seconds};

/// The members of confederation 64500 in a ring, the service outside of the first, and somebody outside of the third.
fn ring(seed: u64) -> (Network, [Node; 3], Node, Node) {
    let mut network = Network::new(seed);
    let members = [1_u32, 2, 3].map(|index| {
        let (asn, before, next) = (64600 + index, (index + 1) % 3 + 1, index % 3 + 1);
        let mut lines = format!(
            "set protocols bgp {asn} parameters router-id {index}.{index}.{index}.{index}\n\
             set protocols bgp {asn} parameters ebgp-requires-policy disable\n\
             set protocols bgp {asn} parameters confederation identifier 64500\n\
             set protocols bgp {asn} parameters confederation peers {}\n\
             set protocols bgp {asn} parameters confederation peers {}\n",
            64600 + before,
            64600 + next
        );
        for (address, other) in [(format!("10.0.{before}.1"), before), (format!("10.0.{index}.2"), next)] {
            let peer = format!("set protocols bgp {asn} neighbor {address}");
            lines += &format!("{peer} remote-as {}\n{peer} nexthop-self\n", 64600 + other);
        }
        let mut addresses = vec![format!("10.0.{before}.2/24"), format!("10.0.{index}.1/24")];
        if index != 2 {
            addresses.push(format!("10.9.{index}.1/24"));
            lines += &format!("set protocols bgp {asn} neighbor 10.9.{index}.2 remote-as {}\n", 65000 + index);
        }
        let addresses: Vec<&str> = addresses.iter().map(String::as_str).collect();
        network.router(&format!("member{index}"), &addresses, config(&lines))
    });
    let [origin, far] = [1_u32, 3].map(|index| {
        let asn = 65000 + index;
        let mut lines = format!(
            "set protocols bgp {asn} parameters ebgp-requires-policy disable\n\
             set protocols bgp {asn} neighbor 10.9.{index}.1 remote-as 64500\n"
        );
        if index == 1 {
            lines += &format!("set protocols static route {SHOP} blackhole\nset protocols bgp {asn} network {SHOP}\n");
        }
        network.router(&format!("outside{index}"), &[&format!("10.9.{index}.2/24")], config(&lines))
    });
    (network, members, origin, far)
}

fn told(network: &mut Network, node: Node) -> String {
    let target = BgpTarget::Prefix(SHOP.parse().unwrap());
    network.show(node, Show::BgpPrefix { family: Family::Ipv4Unicast, target, why: true }).text()
}

#[test]
fn three_ases_look_like_one_and_their_paths_go_in_no_circle() {
    let (mut network, members, origin, far) = ring(60);
    let all = |network: &mut Network| {
        [members[0], members[1], members[2], far].iter().all(|node| network.gateways(*node, SHOP).is_some())
    };
    assert!(network.run_until(seconds(60), all));
    network.run(seconds(10));
    let at_far = told(&mut network, far);
    assert!(at_far.contains("\n  64500 65001\n"), "others see one AS: {at_far}");
    let at_third = told(&mut network, members[2]);
    assert!(at_third.contains("(64601) 65001") && at_third.contains("confed-external"), "{at_third}");
    let at_first = told(&mut network, members[0]);
    assert!(!at_first.contains("(64"), "what went through a member does not come back to it: {at_first}");
    for node in members {
        network.assert_kernel_as_wished(node);
    }
    let kept = "set policy route-map KEEP rule 10 action permit\n\
                set policy route-map KEEP rule 10 set community no-export\n\
                set protocols bgp 65001 neighbor 10.9.1.1 route-map export KEEP";
    let done = network.commit(origin, kept);
    assert!(matches!(done, Reply::Committed(_)), "{done:?}");
    let inside = |network: &mut Network| network.gateways(far, SHOP).is_none();
    assert!(network.run_until(seconds(5), inside), "no-export keeps it within the confederation");
    assert!(network.gateways(members[2], SHOP).is_some(), "all of it");
    let narrower = "set policy route-map KEEP rule 10 set community local-AS";
    assert!(matches!(network.commit(origin, narrower), Reply::Committed(_)));
    let one = |network: &mut Network| network.gateways(members[1], SHOP).is_none();
    assert!(network.run_until(seconds(5), one), "local-AS keeps it within one member");
    assert!(network.gateways(members[0], SHOP).is_some());
    network.commit(origin, &format!("delete protocols bgp 65001 network {SHOP}"));
    let gone = |network: &mut Network| members.iter().all(|node| network.gateways(*node, SHOP).is_none());
    assert!(network.run_until(seconds(5), gone), "nobody keeps it alive for another");
}
