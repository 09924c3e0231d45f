//! Attributes that the router does not know or that are broken, told by a speaker that sends whatever it is told to.

use super::*;

/// Who does not know an optional transitive attribute passes it on with the Partial bit (RFC 4271 §5), and a broken one
/// costs the route alone (RFC 7606 §7.8).
#[test]
fn what_exabgp_tells_beyond_the_rfcs_is_passed_on_or_costs_its_route_alone() -> Result<()> {
    let lab = Lab::new()?;
    let router = Router::start(&lab)?;
    let [first, second, _] = &lab.nodes;
    router.configure(&[
        "set protocols bgp 64512 parameters ebgp-requires-policy disable",
        "set protocols bgp 64512 neighbor 192.168.101.201 remote-as 64601",
        "set protocols bgp 64512 neighbor 192.168.101.202 remote-as 64602",
    ])?;
    let speaker = up(&lab, &router, first, Kind::Exabgp, Session::external(first, 64601))?;
    let listener = up(&lab, &router, second, Kind::Bird, Session::external(second, 64602))?;
    let gateway = [first.ipv4.to_string()];
    let before = established(&router, first.ipv4.into())?;
    speaker.announce(&format!("{SHOP} attribute [ 0x63 0xc0 0x0102 ]"))?;
    lab.wait_until(SOON, "the route is used", || router.gateways(SHOP) == gateway)?;
    lab.wait_until(SOON, "BIRD hears of what nobody knows", || listener.table(SHOP).contains("BGP.63"))?;
    // Three octets are no communities.
    speaker.announce(&format!("{SHOP} attribute [ 0x08 0xc0 0x010203 ]"))?;
    lab.wait_until(SOON, "the broken one takes its route along", || router.gateways(SHOP).is_empty())?;
    lab.wait_until(SOON, "and BIRD loses it", || !listener.knows(SHOP))?;
    speaker.announce(SHOP)?;
    lab.wait_until(SOON, "a sound one brings it back", || router.gateways(SHOP) == gateway)?;
    assert_eq!(established(&router, first.ipv4.into())?, before, "no session was reset");
    Ok(())
}
