//! Refreshes with a beginning and an end (RFC 7313), asked for by either side.

use super::*;

/// Refreshes that were sent to the neighbor and received of it.
fn refreshes(router: &Router, address: IpAddr) -> (u64, u64) {
    let said = router.show(&format!("show ip bgp neighbors {address}")).unwrap_or_default();
    let line = said.lines().find(|line| line.contains("Route Refresh:")).unwrap_or_default();
    let mut numbers = line.split_whitespace().rev().filter_map(|word| word.parse().ok());
    let received = numbers.next().unwrap_or(0);
    (numbers.next().unwrap_or(0), received)
}

fn refreshes_both_ways(kind: Kind) -> Result<()> {
    let lab = Lab::new()?;
    let router = Router::start(&lab)?;
    let node = &lab.nodes[0];
    let address = node.ipv4.into();
    router.configure(&[
        "set protocols bgp 64512 parameters router-id 192.168.101.1",
        "set protocols bgp 64512 network 10.9.0.0/24",
        "set protocols bgp 64512 neighbor 192.168.101.201 remote-as 64512",
    ])?;
    let speaker = up(&lab, &router, node, kind, Session::internal(node))?;
    let said = router.show("show ip bgp neighbors 192.168.101.201")?;
    assert!(said.contains("Enhanced route refresh"), "{said}");
    speaker.announce(SHOP)?;
    let gateway = [node.ipv4.to_string()];
    lab.wait_until(SOON, "the router has the route", || router.gateways(SHOP) == gateway)?;
    let before = established(&router, address)?;
    let (sent, received) = refreshes(&router, address);
    router.cmd(&["clear ip bgp 192.168.101.201 soft in"])?;
    lab.wait_until(SOON, "what is asked for comes with a beginning and an end", || {
        let now = refreshes(&router, address);
        now.0 > sent && now.1 == received + 2 * (now.0 - sent)
    })?;
    assert_eq!(router.gateways(SHOP), gateway);
    let asked = refreshes(&router, address).0;
    router.cmd(&["clear ip bgp 192.168.101.201 soft out"])?;
    lab.wait_until(SOON, "and goes with both", || {
        let now = refreshes(&router, address);
        now.0 == asked + 2 * (asked - sent)
    })?;
    lab.wait_until(SOON, "the neighbor keeps what it was told", || speaker.knows("10.9.0.0/24"))?;
    asks_again(&lab, &router, &speaker, address)?;
    assert_eq!(established(&router, address)?, before, "no session was reset");
    Ok(())
}

/// The neighbor asks for our routes again, and each answer has a beginning and an end.
fn asks_again(lab: &Lab, router: &Router, speaker: &Speaker, address: IpAddr) -> Result<()> {
    let before = refreshes(router, address);
    speaker.refresh()?;
    lab.wait_until(SOON, "what the neighbor asks for comes with a beginning and an end", || {
        let now = refreshes(router, address);
        now.1 > before.1 && now.0 - before.0 == 2 * (now.1 - before.1)
    })?;
    lab.wait_until(SOON, "the neighbor has it still", || speaker.knows("10.9.0.0/24"))
}

#[test]
fn frr_and_the_router_refresh_each_other_with_a_beginning_and_an_end() -> Result<()> {
    refreshes_both_ways(Kind::Frr)
}

#[test]
fn bird_and_the_router_refresh_each_other_with_a_beginning_and_an_end() -> Result<()> {
    refreshes_both_ways(Kind::Bird)
}

/// The other side asks, and keeps the session.
fn asks_alone(kind: Kind, words: &[&str]) -> Result<()> {
    let lab = Lab::new()?;
    let router = Router::start(&lab)?;
    let node = &lab.nodes[0];
    router.configure(&[
        "set protocols bgp 64512 network 10.9.0.0/24",
        "set protocols bgp 64512 neighbor 192.168.101.201 remote-as 64512",
    ])?;
    let speaker = up(&lab, &router, node, kind, Session::internal(node).saying(words))?;
    lab.wait_until(SOON, "it has our route", || speaker.knows("10.9.0.0/24"))?;
    let before = established(&router, node.ipv4.into())?;
    asks_again(&lab, &router, &speaker, node.ipv4.into())?;
    assert_eq!(established(&router, node.ipv4.into())?, before, "no session was reset");
    Ok(())
}

/// It answers no refresh itself, whoever asks.
#[test]
fn openbgpd_asks_for_our_routes_again_and_hears_where_they_begin_and_end() -> Result<()> {
    asks_alone(Kind::Openbgpd, &["announce enhanced refresh yes"])
}

/// It closes the session when it is asked itself.
#[test]
fn exabgp_asks_for_our_routes_again_and_hears_where_they_begin_and_end() -> Result<()> {
    asks_alone(Kind::Exabgp, &[])
}

/// It answers a refresh without marks (RFC 2918), and has no word that makes it ask for one.
#[test]
fn gobgp_tells_its_routes_again_when_the_router_asks() -> Result<()> {
    let lab = Lab::new()?;
    let router = Router::start(&lab)?;
    let node = &lab.nodes[0];
    let address = node.ipv4.into();
    router.configure(&[
        "set protocols bgp 64512 network 10.9.0.0/24",
        "set protocols bgp 64512 neighbor 192.168.101.201 remote-as 64512",
    ])?;
    let speaker = up(&lab, &router, node, Kind::Gobgp, Session::internal(node))?;
    speaker.announce(SHOP)?;
    lab.wait_until(SOON, "both have a route", || !router.gateways(SHOP).is_empty() && speaker.knows("10.9.0.0/24"))?;
    let before = established(&router, address)?;
    let updates = || {
        let said = router.json("show ip bgp neighbors 192.168.101.201").unwrap_or_default();
        said["neighbors"][0]["messages"]["updates"]["received"].as_u64()
    };
    let (first, asked) = (updates(), refreshes(&router, address));
    router.cmd(&["clear ip bgp 192.168.101.201 soft in"])?;
    lab.wait_until(SOON, "it tells its routes again", || updates() > first)?;
    assert!(refreshes(&router, address).0 > asked.0);
    assert_eq!(established(&router, address)?, before, "no session was reset");
    Ok(())
}
