//! How many routes a neighbor may announce, and how many it hears of.

use super::*;

#[test]
fn too_many_prefixes_are_told_before_they_end_the_session_and_it_is_tried_again() -> Result<()> {
    let lab = Lab::new()?;
    let router = Router::start(&lab)?;
    let node = &lab.nodes[0];
    router.configure(&[
        "set protocols bgp 64512 parameters router-id 192.168.101.1",
        "set protocols bgp 64512 neighbor 192.168.101.201 remote-as 64512",
        "set protocols bgp 64512 neighbor 192.168.101.201 maximum-prefix 3",
        "set protocols bgp 64512 neighbor 192.168.101.201 maximum-prefix-threshold 60",
        "set protocols bgp 64512 neighbor 192.168.101.201 maximum-prefix-warning-only",
    ])?;
    let speaker = up(&lab, &router, node, Kind::Frr, Session::internal(node))?;
    let log = |text: &str| router.show("show log").is_ok_and(|log| log.contains(text));
    for last in 1..=2 {
        speaker.announce(&format!("172.16.102.{last}/32"))?;
    }
    lab.wait_until(SOON, "the threshold is told", || log("2 prefixes of IPv4 Unicast received, more than 60 % of"))?;
    for last in 3..=4 {
        speaker.announce(&format!("172.16.102.{last}/32"))?;
    }
    lab.wait_until(SOON, "so is the limit", || log("maximum-prefix is 3; the session goes on"))?;
    assert!(router.is_established(node.ipv4.into()));
    let shown = router.show("show ip bgp neighbors 192.168.101.201")?;
    assert!(shown.contains("Maximum prefixes allowed 3 (warning-only)"), "{shown}");
    let refused = router.cmd(&[
        "configure",
        "set protocols bgp 64512 neighbor 192.168.101.201 maximum-prefix-restart 1",
        "commit",
    ])?;
    assert!(
        refused.stdout.contains("maximum-prefix-warning-only and maximum-prefix-restart")
            || refused.stderr.contains("maximum-prefix-warning-only and maximum-prefix-restart"),
        "{refused:?}"
    );
    router.configure(&[
        "delete protocols bgp 64512 neighbor 192.168.101.201 maximum-prefix-warning-only",
        "set protocols bgp 64512 neighbor 192.168.101.201 maximum-prefix-restart 1",
    ])?;
    lab.wait_until(SOON, "now the session ends", || log("the session rests for 1 minutes"))?;
    router.configure(&["set protocols bgp 64512 neighbor 192.168.101.201 maximum-prefix 10"])?;
    lab.wait_until(SESSIONS, "another limit ends the rest", || router.is_established(node.ipv4.into()))
}

#[test]
fn a_neighbor_hears_of_no_more_routes_than_it_shall() -> Result<()> {
    let lab = Lab::new()?;
    let router = Router::start(&lab)?;
    let [first, second, _] = &lab.nodes;
    router.configure(&[
        "set protocols bgp 64512 parameters router-id 192.168.101.1",
        "set protocols bgp 64512 parameters ebgp-requires-policy disable",
        "set protocols bgp 64512 neighbor 192.168.101.201 remote-as 64601",
        "set protocols bgp 64512 neighbor 192.168.101.202 remote-as 64602",
        "set protocols bgp 64512 neighbor 192.168.101.202 maximum-prefix-out 2",
    ])?;
    let speaker = up(&lab, &router, first, Kind::Gobgp, Session::external(first, 64601))?;
    let listener = up(&lab, &router, second, Kind::Bird, Session::external(second, 64602))?;
    let all = ["172.16.102.1/32", "172.16.102.2/32", "172.16.102.3/32"];
    for prefix in all {
        speaker.announce(prefix)?;
        lab.wait_until(SOON, "the router has it", || !router.gateways(prefix).is_empty())?;
    }
    lab.wait_until(SOON, "two of them are told", || listener.knows(all[0]) && listener.knows(all[1]))?;
    let shown = router.show("show ip bgp neighbors 192.168.101.202")?;
    assert!(shown.contains("Maximum prefixes announced 2, 1 left out") && !listener.knows(all[2]), "{shown}");
    speaker.withdraw(all[0])?;
    lab.wait_until(SOON, "the third one has room", || listener.knows(all[2]) && !listener.knows(all[0]))
}
