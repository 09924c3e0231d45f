//! Routes that flap at other speakers, and the router's patience with each of them.

use super::*;

/// One neighbor has numbers of its own, the other one is never damped; what holds for all would damp neither yet.
#[test]
fn what_frr_lets_flap_rests_and_what_bird_lets_flap_does_not() -> Result<()> {
    let lab = Lab::new()?;
    let router = Router::start(&lab)?;
    let [first, second, _] = &lab.nodes;
    let mut lines = vec!["set protocols bgp 64512 parameters ebgp-requires-policy disable".to_owned()];
    for (place, threshold) in [("parameters", 6000), ("neighbor 192.168.101.201", 2000)] {
        for (word, number) in
            [("half-life", 15), ("max-suppress-time", 60), ("re-use", 750), ("start-suppress-time", threshold)]
        {
            lines.push(format!("set protocols bgp 64512 {place} dampening {word} {number}"));
        }
    }
    lines.push("set protocols bgp 64512 neighbor 192.168.101.201 remote-as 64601".to_owned());
    lines.push("set protocols bgp 64512 neighbor 192.168.101.202 remote-as 64602".to_owned());
    lines.push("set protocols bgp 64512 neighbor 192.168.101.202 dampening disable".to_owned());
    router.configure(&lines.iter().map(String::as_str).collect::<Vec<_>>())?;
    let frr = up(&lab, &router, first, Kind::Frr, Session::external(first, 64601))?;
    let bird = up(&lab, &router, second, Kind::Bird, Session::external(second, 64602))?;
    let table = |address: IpAddr| {
        let said = router.show(&format!("show ip bgp neighbors {address} received-routes"));
        said.is_ok_and(|said| said.contains("172.16.102.229"))
    };
    for round in 1..=3 {
        for (speaker, node) in [(&frr, first), (&bird, second)] {
            speaker.announce(SHOP)?;
            lab.wait_until(SOON, &format!("it came {round} times"), || table(node.ipv4.into()))?;
            speaker.withdraw(SHOP)?;
            lab.wait_until(SOON, &format!("it went {round} times"), || !table(node.ipv4.into()))?;
        }
    }
    frr.announce(SHOP)?;
    bird.announce(SHOP)?;
    let other = [second.ipv4.to_string()];
    lab.wait_until(SOON, "BIRD's is used", || router.gateways(SHOP) == other)?;
    let flaps = router.show("show ip bgp dampening flap-statistics")?;
    assert!(flaps.contains("192.168.101.201") && !flaps.contains("192.168.101.202"), "{flaps}");
    let why = || router.show(&format!("show ip bgp {SHOP} why")).unwrap_or_default();
    let rests = || why().contains("route flap damping") && why().contains("suppressed");
    lab.wait_until(SOON, "FRR's rests, and that is told", rests)?;
    router.configure(&["delete protocols bgp 64512 neighbor 192.168.101.201 dampening"])?;
    let three = router.show("show ip bgp dampening dampened-paths")?;
    assert!(three.contains("192.168.101.201"), "what rests goes on to rest: {three}");
    router.cmd(&["clear ip bgp dampening"])?.success()?;
    lab.wait_until(SOON, "FRR's is used, too", || {
        router.show(&format!("show ip bgp {SHOP}")).is_ok_and(|said| !said.contains("route flap damping"))
    })
}
