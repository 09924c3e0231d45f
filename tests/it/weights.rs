//! Shares of the load by link bandwidth: from the community of other speakers to the weights of the kernel's group.
//!
//! Everything is asked of the kernel itself, with `ip`.

use std::time::Duration;

use anyhow::Result;
use scenarios::lab::Lab;
use scenarios::peers::{Kind, Session, Speaker};
use scenarios::router::Router;

const SESSIONS: Duration = Duration::from_secs(40);
const SOON: Duration = Duration::from_secs(10);
const SHOP: &str = "172.16.102.229/32";

/// The weights of the group that a prefix leads to, by the last number of the node's address.
fn weights(lab: &Lab, router: &Router, prefix: &str) -> Vec<(String, u64)> {
    let object = router.kernel_route(prefix).ok().flatten().and_then(|route| route.object);
    let text = lab.router.ip(&["-j", "nexthop"]).unwrap_or_default();
    let all: serde_json::Value = serde_json::from_str(&text).unwrap_or_default();
    let find = |id: Option<u64>| all.as_array().into_iter().flatten().find(|one| one["id"].as_u64() == id);
    let members = find(object).and_then(|group| group["group"].as_array().cloned()).unwrap_or_default();
    let mut weights: Vec<(String, u64)> = members
        .iter()
        .filter_map(|member| {
            let gateway = find(member["id"].as_u64())?["gateway"].as_str()?.rsplit('.').next()?.to_owned();
            Some((gateway, member["weight"].as_u64().unwrap_or(1)))
        })
        .collect();
    weights.sort();
    weights
}

fn expected(rows: &[(&str, u64)]) -> Vec<(String, u64)> {
    rows.iter().map(|(node, weight)| ((*node).to_owned(), *weight)).collect()
}

#[test]
fn the_bandwidth_that_nodes_tell_becomes_the_weights_of_the_group_in_place() -> Result<()> {
    let lab = Lab::new()?;
    let router = Router::start(&lab)?;
    let neighbors: Vec<String> = lab
        .nodes
        .iter()
        .map(|node| format!("set protocols bgp 64512 neighbor {} remote-as 64512", node.ipv4))
        .collect();
    router.configure(&neighbors.iter().map(String::as_str).collect::<Vec<_>>())?;
    let kinds = [Kind::Exabgp, Kind::Exabgp, Kind::Frr];
    let mut speakers = Vec::new();
    for (node, kind) in lab.nodes.iter().zip(kinds) {
        speakers.push(Speaker::start(&lab, node, kind, Session::internal(node))?);
    }
    // 10 Gbit/s non-transitive and 2.5 Gbit/s transitive, as IEEE 754 octets a second; the third tells nothing yet.
    speakers[0].announce(&format!("{SHOP} extended-community [ 0x4004fc004e9502f9 ]"))?;
    speakers[1].announce(&format!("{SHOP} extended-community [ 0x0004fc004d9502f9 ]"))?;
    lab.wait_until(SESSIONS, "four to one", || weights(&lab, &router, SHOP) == expected(&[("201", 4), ("202", 1)]))?;
    let group = router.kernel_route(SHOP)?.and_then(|route| route.object);
    let shown = router.show("show ip route 172.16.102.229")?;
    assert!(shown.contains("weight 4") && shown.contains("weight 1"), "{shown}");
    let told = router.show(&format!("show ip bgp {SHOP}"))?;
    assert!(told.contains("LB:64512:10000Mbps"), "{told}");
    speakers[2].announce(SHOP)?;
    lab.wait_until(SOON, "one of them tells none: they share equally", || {
        weights(&lab, &router, SHOP) == expected(&[("201", 1), ("202", 1), ("203", 1)])
    })?;
    for (word, rows) in [
        ("default-weight-for-missing", &[("201", 256), ("202", 64), ("203", 1)][..]),
        ("skip-missing", &[("201", 4), ("202", 1)]),
        ("ignore", &[("201", 1), ("202", 1), ("203", 1)]),
    ] {
        router.configure(&[&format!("set protocols bgp 64512 parameters bestpath bandwidth {word}")])?;
        lab.wait_until(SOON, word, || weights(&lab, &router, SHOP) == expected(rows))?;
    }
    // The router itself can say it for a node that does not.
    router.configure(&[
        "delete protocols bgp 64512 parameters bestpath bandwidth",
        "set policy route-map FAST rule 10 action permit",
        "set policy route-map FAST rule 10 set extcommunity-bandwidth 5000",
        "set protocols bgp 64512 neighbor 192.168.101.203 route-map import FAST",
    ])?;
    lab.wait_until(SOON, "all tell one", || {
        weights(&lab, &router, SHOP) == expected(&[("201", 4), ("202", 1), ("203", 2)])
    })?;
    assert_eq!(router.kernel_route(SHOP)?.and_then(|route| route.object), group, "it is one group all the while");
    assert!(lab.nodes.iter().all(|node| router.is_established(node.ipv4.into())));
    Ok(())
}

/// OpenBGPD has no word for this kind of community.
#[test]
fn the_bandwidth_that_bird_and_gobgp_tell_becomes_weights() -> Result<()> {
    let lab = Lab::new()?;
    let router = Router::start(&lab)?;
    let [first, second, _] = &lab.nodes;
    router.configure(&[
        "set protocols bgp 64512 neighbor 192.168.101.201 remote-as 64512",
        "set protocols bgp 64512 neighbor 192.168.101.202 remote-as 64512",
    ])?;
    let policy = "[[policy-definitions]]\n  name = \"told\"\n  [[policy-definitions.statements]]\n    name = \"all\"\n    \
                  [policy-definitions.statements.actions]\n      route-disposition = \"accept-route\"\n      \
                  [policy-definitions.statements.actions.bgp-actions.set-ext-community]\n        options = \"add\"\n        \
                  [policy-definitions.statements.actions.bgp-actions.set-ext-community.set-ext-community-method]\n          \
                  communities-list = [\"lb:64512:312500000\"]\n[global.apply-policy.config]\n  \
                  export-policy-list = [\"told\"]\n  default-export-policy = \"accept-route\"";
    let bird = Speaker::start(&lab, first, Kind::Bird, Session::internal(first))?;
    let session = Session { speaker_words: vec![policy.to_owned()], ..Session::internal(second) };
    let gobgp = Speaker::start(&lab, second, Kind::Gobgp, session)?;
    // 10 Gbit/s and 2.5 Gbit/s, as octets a second.
    bird.announce(&format!("{SHOP} {{ bgp_ext_community.add((generic, 0x4004fc00, 0x4e9502f9)); }}"))?;
    gobgp.announce(SHOP)?;
    lab.wait_until(SESSIONS, "four to one", || weights(&lab, &router, SHOP) == expected(&[("201", 4), ("202", 1)]))?;
    let told = router.show(&format!("show ip bgp {SHOP}"))?;
    assert!(told.contains("LB:64512:10000Mbps") && told.contains("LB:64512:2500Mbps"), "{told}");
    Ok(())
}

#[test]
fn frr_hears_the_bandwidth_that_a_map_sets() -> Result<()> {
    let lab = Lab::new()?;
    let router = Router::start(&lab)?;
    let node = &lab.nodes[0];
    router.configure(&[
        "set policy route-map OUT rule 10 action permit",
        "set policy route-map OUT rule 10 set extcommunity-bandwidth 1000",
        "set protocols bgp 64512 network 10.9.0.0/24",
        "set protocols bgp 64512 neighbor 192.168.101.201 remote-as external",
        "set protocols bgp 64512 neighbor 192.168.101.201 route-map export OUT",
    ])?;
    let speaker = Speaker::start(&lab, node, Kind::Frr, Session::external(node, 64999))?;
    lab.wait_until(SESSIONS, "FRR shows it", || speaker.table("10.9.0.0/24").contains("LB:64512:125000000"))?;
    router.configure(&["set policy route-map OUT rule 10 set extcommunity-bandwidth-non-transitive"])?;
    lab.wait_until(SOON, "another AS does not hear of it", || {
        let table = speaker.table("10.9.0.0/24");
        table.contains("10.9.0.0/24") && !table.contains("LB:")
    })
}

/// What leaves tell of a service with several nodes is what all of them have together, and follows each of them.
#[test]
fn frr_hears_what_all_nodes_of_a_service_have_together() -> Result<()> {
    let lab = Lab::new()?;
    let router = Router::start(&lab)?;
    let [first, second, third] = &lab.nodes;
    router.configure(&[
        "set policy route-map OUT rule 10 action permit",
        "set policy route-map OUT rule 10 set extcommunity-bandwidth cumulative",
        "set protocols bgp 64512 neighbor 192.168.101.201 remote-as 64512",
        "set protocols bgp 64512 neighbor 192.168.101.202 remote-as 64512",
        "set protocols bgp 64512 neighbor 192.168.101.203 remote-as external",
        "set protocols bgp 64512 neighbor 192.168.101.203 route-map export OUT",
    ])?;
    let one = Speaker::start(&lab, first, Kind::Exabgp, Session::internal(first))?;
    let other = Speaker::start(&lab, second, Kind::Exabgp, Session::internal(second))?;
    let frr = Speaker::start(&lab, third, Kind::Frr, Session::external(third, 64999))?;
    // 10 Gbit/s and 2.5 Gbit/s, as octets a second.
    let (ten, quarter) = ("extended-community [ 0x0004fc004e9502f9 ]", "extended-community [ 0x0004fc004d9502f9 ]");
    let hears = |octets: &str| frr.table(SHOP).contains(&format!("LB:64512:{octets}"));
    one.announce(&format!("{SHOP} {ten}"))?;
    lab.wait_until(SESSIONS, "the bandwidth of one", || hears("1250000000"))?;
    other.announce(&format!("{SHOP} {quarter}"))?;
    // 1,562,500,000, as near as 24 bits come to it.
    lab.wait_until(SOON, "of both together, though the best path is the same", || hears("1562499968"))?;
    one.announce(&format!("{SHOP} {quarter}"))?;
    lab.wait_until(SOON, "of both as one of them is now", || hears("625000000"))?;
    router.configure(&["set policy route-map OUT rule 10 set extcommunity-bandwidth num-multipaths"])?;
    lab.wait_until(SOON, "1 Mbit/s for each", || hears("250000"))?;
    other.withdraw(SHOP)?;
    lab.wait_until(SOON, "for the one that is left", || hears("125000"))
}
