//! What other programs and the kernel do: storms of routes, links that flap, go and come back under another name.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use anyhow::Result;
use scenarios::lab::Lab;
use scenarios::router::Router;

use super::{NEIGHBORS, SOON, assert_undisturbed, ours, pid, speaker, steady};

/// A link by the name of `eth7` whose cable is in.
fn plug(lab: &Lab) -> Result<()> {
    lab.router.ip(&["link", "add", "eth7", "type", "veth", "peer", "name", "far7"])?;
    lab.router.ip(&["link", "set", "far7", "up"]).map(drop)
}

#[test]
fn a_storm_of_foreign_routes_and_flapping_links_is_survived_in_sync() -> Result<()> {
    let lab = Lab::new()?;
    let mut router = Router::start(&lab)?;
    router.configure(&NEIGHBORS)?;
    let mut neighbor = steady(&lab, &router)?;
    let flood = speaker(&lab.nodes[1], &["flood", "500"])?;
    let mut batch = String::new();
    for number in 0..50_000u32 {
        writeln!(batch, "route add 11.{}.{}.0/24 via 192.168.101.203 proto static", number / 256, number % 256)?;
    }
    let batch = lab.router.write("batch", &batch)?.to_string_lossy().into_owned();
    let mut storm = lab.router.start("storm", "ip", &["-batch", &batch])?;
    lab.router.ip(&["link", "add", "flap0", "type", "veth", "peer", "name", "flap1"])?;
    let end = Instant::now() + Duration::from_secs(8);
    while Instant::now() < end {
        for state in ["up", "down"] {
            lab.router.ip(&["link", "set", "flap0", state])?;
        }
        let asked = Instant::now();
        router.show("show ip bgp summary")?;
        assert!(asked.elapsed() < SOON, "the summary comes in a storm: {:?}", asked.elapsed());
    }
    storm.wait(SOON)?;
    assert_eq!(storm.output(), "");
    drop(flood);
    assert!(router.is_running());
    let expected = vec!["172.16.102.229".to_owned()];
    lab.wait_until(SOON, "the kernel has what the peers still say", || {
        ours(&lab.router).is_ok_and(|ours| ours == expected)
    })?;
    let known = || router.json("show ip route").is_ok_and(|routes| routes.to_string().contains("11.195.79.0/24"));
    lab.wait_until(SOON, "the last foreign route is known", known)?;
    assert_undisturbed(&mut neighbor, &router, "a storm");
    Ok(())
}

/// The daemon sleeps while others change more than its socket holds, and somebody takes some of its routes.
#[test]
fn kernel_messages_that_are_lost_in_the_middle_of_a_large_table_cost_nothing() -> Result<()> {
    const ROUTES: usize = 100_000;
    const FOREIGN: u32 = 60_000;
    let lab = Lab::new()?;
    let router = Router::start(&lab)?;
    router.configure(&NEIGHBORS)?;
    let _neighbor = speaker(&lab.nodes[0], &["offer", "2"])?;
    let foreign = |number: u32| format!("11.{}.{}.0/24", number / 256, number % 256);
    let mut batch = String::new();
    for number in 0..FOREIGN {
        writeln!(batch, "route add {} via 192.168.101.203 proto static", foreign(number))?;
        // What stays is what nobody could have heard of at the end.
        if number < FOREIGN - 10 {
            writeln!(batch, "route del {}", foreign(number))?;
        }
    }
    let batch = lab.router.write("batch", &batch)?.to_string_lossy().into_owned();
    let daemon = pid(&lab.router)?.to_string();
    let signal = |name: &str| lab.router.run("kill", &[name, &daemon])?.success();
    let offer = speaker(&lab.nodes[1], &["offer", &ROUTES.to_string()])?;
    let count = || ours(&lab.router).map_or(0, |ours| ours.len());
    lab.wait_until(SOON, "a part of the table is in the kernel", || count() > 5000)?;
    signal("-STOP")?;
    let written = ours(&lab.router)?;
    lab.router.run("ip", &["-batch", &batch])?.success()?;
    for stolen in written.iter().skip(10).step_by(100).take(20) {
        lab.router.ip(&["route", "del", stolen])?;
    }
    signal("-CONT")?;
    lab.wait_until(SOON, "the loss is noticed", || router.log().contains("ENOBUFS"))?;
    lab.wait_until(SOON * 3, "every route is there, the stolen ones too", || count() == ROUTES)?;
    let known = |prefix: String| router.json(&format!("show ip route {prefix}")).is_ok();
    lab.wait_until(SOON, "foreign routes are known", || (FOREIGN - 10..FOREIGN).all(|number| known(foreign(number))))?;
    assert!(!known(foreign(0)), "what came and went is not");
    assert!(written.len() < ROUTES, "it was in the middle: {} routes were there", written.len());
    let fib = router.show("show ip fib summary")?;
    assert!(fib.contains(&format!("{ROUTES} routes wanted, {ROUTES} installed, 0 pending")), "{fib}");
    drop(offer);
    lab.wait_until(SOON * 3, "they leave with the neighbor", || count() == 2)
}

#[test]
fn an_interface_made_anew_gets_its_addresses_back() -> Result<()> {
    let lab = Lab::new()?;
    let router = Router::start(&lab)?;
    plug(&lab)?;
    lab.wait_until(SOON, "the interface is seen", || {
        router.show("show interfaces").is_ok_and(|text| text.contains("eth7"))
    })?;
    router.configure(&[
        "set interfaces ethernet eth7 address 10.7.0.1/24",
        "set interfaces ethernet eth7 address 2001:db8:7::1/64",
        "set interfaces ethernet eth7 mtu 1400",
        "set protocols static route 10.8.0.0/16 next-hop 10.7.0.9",
    ])?;
    lab.wait_until(SOON, "the route is there", || router.gateways("10.8.0.0/16") == ["10.7.0.9"])?;
    for _ in 0..5 {
        lab.router.ip(&["link", "del", "eth7"])?;
        plug(&lab)?;
        lab.wait_until(SOON, "the addresses are back", || {
            let shown = lab.router.ip(&["addr", "show", "eth7"]).unwrap_or_default();
            ["10.7.0.1/24", "2001:db8:7::1/64", "mtu 1400"].iter().all(|word| shown.contains(word))
        })?;
        lab.wait_until(SOON, "the route is back", || router.gateways("10.8.0.0/16") == ["10.7.0.9"])?;
    }
    Ok(())
}

const ADDRESS: &str = "set interfaces ethernet eth7 address 10.7.0.1/24";

/// A router with an interface that was plugged in, and a route through it.
fn with_a_route(lab: &Lab) -> Result<Router> {
    let router = Router::start(lab)?;
    plug(lab)?;
    lab.wait_until(SOON, "the interface is seen", || {
        router.show("show interfaces").is_ok_and(|text| text.contains("eth7"))
    })?;
    router.configure(&[ADDRESS, "set protocols static route 10.8.0.0/16 next-hop 10.7.0.9"])?;
    lab.wait_until(SOON, "the route is there", || router.gateways("10.8.0.0/16") == ["10.7.0.9"])?;
    Ok(router)
}

/// Pairs that come, and go when all of them are there.
fn storm_of_links(pairs: usize) -> Result<String> {
    let mut batch = String::new();
    for number in 0..pairs {
        writeln!(batch, "link add name c{number} group 77 type veth peer name d{number} group 77")?;
    }
    batch.push_str("link set group 77 up\nlink delete group 77\n");
    Ok(batch)
}

#[test]
fn an_interface_that_comes_in_the_middle_of_a_storm_of_others_is_configured_and_its_loss_is_seen() -> Result<()> {
    let lab = Lab::new()?;
    let router = with_a_route(&lab)?;
    lab.router.ip(&["link", "del", "eth7"])?;
    let batch = lab.router.write("batch", &storm_of_links(2_000)?)?.to_string_lossy().into_owned();
    let mut storm = lab.router.start("storm", "ip", &["-batch", &batch])?;
    lab.wait_until(SOON, "the storm is on", || router.show("show interfaces").is_ok_and(|text| text.contains("c100")))?;
    plug(&lab)?;
    lab.wait_until(SOON, "the route is there again", || router.gateways("10.8.0.0/16") == ["10.7.0.9"])?;
    assert!(storm.is_running(), "the storm is still on");
    lab.router.ip(&["link", "set", "far7", "down"])?;
    lab.wait_until(SOON, "its route is gone", || router.gateways("10.8.0.0/16").is_empty())?;
    lab.router.ip(&["link", "set", "far7", "up"])?;
    lab.wait_until(SOON, "the route is back", || router.gateways("10.8.0.0/16") == ["10.7.0.9"])?;
    storm.wait(SOON)?;
    assert_eq!(storm.output(), "");
    lab.wait_until(SOON, "all that has gone is known to be", || {
        router.show("show interfaces").is_ok_and(|text| !text.contains("c1000") && text.contains("eth7"))
    })?;
    let log = router.show("show log")?;
    assert!(!log.contains("ENOBUFS"), "no message was lost: {log}");
    Ok(())
}

#[test]
fn an_interface_that_is_renamed_is_another_one() -> Result<()> {
    let lab = Lab::new()?;
    let router = Router::start(&lab)?;
    plug(&lab)?;
    lab.wait_until(SOON, "the interface is seen", || {
        router.show("show interfaces").is_ok_and(|text| text.contains("eth7"))
    })?;
    router.configure(&["set interfaces ethernet eth7 address 10.7.0.1/24"])?;
    lab.router.ip(&["link", "set", "eth7", "down"])?;
    lab.router.ip(&["link", "set", "eth7", "name", "eth8"])?;
    lab.router.ip(&["link", "set", "far7", "down"])?;
    lab.router.ip(&["link", "set", "far7", "name", "far8"])?;
    lab.wait_until(SOON, "the new name is seen", || {
        router.show("show interfaces").is_ok_and(|text| text.contains("eth8"))
    })?;
    plug(&lab)?;
    lab.wait_until(SOON, "the newcomer of the old name is configured", || {
        lab.router.ip(&["addr", "show", "eth7"]).is_ok_and(|shown| shown.contains("10.7.0.1/24"))
    })?;
    router.configure(&["delete interfaces ethernet eth7"])?;
    Ok(())
}

/// As on `EdgeOS`, an address that somebody else takes away stays away until the interface or the daemon comes anew:
/// the daemon puts routes back, because they are its own, but does not fight a person over an address.
#[test]
fn an_address_that_somebody_took_away_takes_its_routes_along_and_comes_back_by_a_commit() -> Result<()> {
    let lab = Lab::new()?;
    let router = with_a_route(&lab)?;
    lab.router.ip(&["addr", "del", "10.7.0.1/24", "dev", "eth7"])?;
    lab.wait_until(SOON, "its route is gone", || router.gateways("10.8.0.0/16").is_empty())?;
    router.configure(&["delete interfaces ethernet eth7 address 10.7.0.1/24"])?;
    router.configure(&[ADDRESS])?;
    lab.wait_until(SOON, "the route is back", || router.gateways("10.8.0.0/16") == ["10.7.0.9"])
}

#[test]
fn a_router_without_ipv6_routes_ipv4() -> Result<()> {
    let lab = Lab::new()?;
    let mut router = Router::start(&lab)?;
    router.configure(&NEIGHBORS)?;
    let mut neighbor = steady(&lab, &router)?;
    lab.router.sysctl("net.ipv6.conf.all.disable_ipv6", "1")?;
    router.configure(&["set protocols static route6 2001:db8:9::/48 next-hop fd00:101::203"])?;
    assert_undisturbed(&mut neighbor, &router, "IPv6 being turned off");
    drop(neighbor);
    router.kill9();
    router.boot(&lab)?;
    let _neighbor = steady(&lab, &router)?;
    lab.router.sysctl("net.ipv6.conf.all.disable_ipv6", "0")?;
    lab.router.ip(&["addr", "add", "fd00:101::1/64", "dev", "eth1", "nodad"])?;
    lab.wait_until(SOON, "the IPv6 route comes with the address", || {
        router.gateways("2001:db8:9::/48") == ["fd00:101::203"]
    })
}
