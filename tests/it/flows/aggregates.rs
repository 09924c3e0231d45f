//! Aggregates as other speakers see them.

use super::*;

const ALL: &str = "172.16.0.0/16";

fn hears_of_an_aggregate(kind: Kind) -> Result<()> {
    let lab = Lab::new()?;
    let router = Router::start(&lab)?;
    let [first, second, _] = &lab.nodes;
    router.configure(&[
        "set protocols bgp 64512 parameters router-id 192.168.101.1",
        "set protocols bgp 64512 parameters ebgp-requires-policy disable",
        "set protocols bgp 64512 aggregate-address 172.16.0.0/16 summary-only",
        "set protocols bgp 64512 neighbor 192.168.101.201 remote-as 64601",
        "set protocols bgp 64512 neighbor 192.168.101.202 remote-as 64602",
    ])?;
    let speaker = up(&lab, &router, first, Kind::Gobgp, Session::external(first, 64601))?;
    let listener = up(&lab, &router, second, kind, Session::external(second, 64602))?;
    speaker.announce(SHOP)?;
    lab.wait_until(SOON, "the listener hears of the aggregate", || listener.knows(ALL))?;
    assert!(!listener.table(SHOP).contains("64601"), "what it covers is not told");
    let table = listener.table(ALL).to_lowercase();
    assert!(table.contains("aggregat"), "it is told who made it: {table}");
    let said = router.show("show ip bgp")?;
    assert!(said.lines().any(|line| line.starts_with("s>") && line.contains(SHOP)), "{said}");
    let gateway = [first.ipv4.to_string()];
    assert_eq!(router.gateways(SHOP), gateway);
    let before = established(&router, second.ipv4.into())?;
    router.configure(&["set protocols bgp 64512 aggregate-address 172.16.0.0/16 as-set"])?;
    lab.wait_until(SOON, "its path tells the AS behind it", || listener.table(ALL).contains("64601"))?;
    router.configure(&["delete protocols bgp 64512 aggregate-address 172.16.0.0/16 summary-only"])?;
    lab.wait_until(SOON, "what it covers is told, too", || listener.knows(SHOP))?;
    assert_eq!(established(&router, second.ipv4.into())?, before, "no session was reset");
    speaker.withdraw(SHOP)?;
    lab.wait_until(SOON, "it goes with what it covers", || !listener.knows(ALL) && !listener.knows(SHOP))
}

#[test]
fn frr_hears_of_an_aggregate() -> Result<()> {
    hears_of_an_aggregate(Kind::Frr)
}

#[test]
fn bird_hears_of_an_aggregate() -> Result<()> {
    hears_of_an_aggregate(Kind::Bird)
}

#[test]
fn gobgp_hears_of_an_aggregate() -> Result<()> {
    hears_of_an_aggregate(Kind::Gobgp)
}

#[test]
fn openbgpd_hears_of_an_aggregate() -> Result<()> {
    hears_of_an_aggregate(Kind::Openbgpd)
}
