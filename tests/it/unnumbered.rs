//! Sessions of interfaces: neighbors that are found by router advertisements, and routes of both families through their
//! link-local addresses.
//!
//! Everything is asked of the kernels of both routers, with `ip`, and of the packets of the client.

use std::time::Duration;

use anyhow::Result;
use scenarios::lab::{Host, Lab};
use scenarios::peers::{FrrRouter, Kind, Session, Speaker};
use scenarios::router::Router;

const SESSIONS: Duration = Duration::from_secs(60);
const SOON: Duration = Duration::from_secs(15);
const SHOP: &str = "172.16.102.229/32";
const SHOP6: &str = "fd00:102::229/128";
const CLIENTS: &str = "10.9.0.0/24";
const CLIENTS6: &str = "fd00:9::/64";

/// FRR's bgpd with the router as neighbor of an interface.
fn frr_config(asn: u32, interface: &str) -> String {
    format!(
        "log stdout informational\nrouter bgp {asn}\n bgp router-id 10.255.0.{}\n no bgp ebgp-requires-policy\n \
         no bgp network import-check\n neighbor {interface} interface remote-as external\n \
         neighbor {interface} timers connect 1\n address-family ipv4 unicast\n  network {SHOP}\n exit-address-family\n \
         address-family ipv6 unicast\n  neighbor {interface} activate\n  network {SHOP6}\n exit-address-family\n",
        asn % 100
    )
}

/// The router with a neighbor on a link of its own to each of some nodes: `up1`, `up2`, …
fn with_neighbors(lab: &Lab, nodes: usize) -> Result<Router> {
    for (number, node) in lab.nodes.iter().take(nodes).enumerate() {
        lab.router.link(&format!("up{}", number + 1), node, "up0")?;
    }
    let router = Router::start(lab)?;
    let mut words = vec![
        "set protocols bgp 64512 parameters router-id 192.168.101.1".to_owned(),
        "set protocols bgp 64512 parameters ebgp-requires-policy disable".to_owned(),
        "set protocols bgp 64512 parameters bestpath as-path multipath-relax".to_owned(),
        format!("set protocols bgp 64512 network {CLIENTS}"),
        format!("set protocols bgp 64512 address-family ipv6-unicast network {CLIENTS6}"),
    ];
    words.extend((1..=nodes).map(|up| format!("set protocols bgp 64512 neighbor up{up} interface remote-as external")));
    router.configure(&words.iter().map(String::as_str).collect::<Vec<_>>())?;
    Ok(router)
}

/// The link-local address of an interface.
fn link_local(host: &Host, interface: &str) -> Result<String> {
    let text = host.ip(&["-6", "-o", "addr", "show", "dev", interface, "scope", "link"])?;
    let address = text.split_whitespace().skip_while(|word| *word != "inet6").nth(1).unwrap_or_default();
    Ok(address.split('/').next().unwrap_or_default().to_owned())
}

/// Whether a prefix leads through these addresses, each on its interface.
fn leads(router: &Router, prefix: &str, ways: &[(String, &str)]) -> bool {
    let Ok(Some(route)) = router.kernel_route(prefix) else { return false };
    let mut legs: Vec<(String, String)> = route.legs.into_iter().map(|leg| (leg.gateway, leg.interface)).collect();
    let mut wanted: Vec<(String, String)> = ways.iter().map(|(to, on)| (to.clone(), (*on).to_owned())).collect();
    legs.sort();
    wanted.sort();
    legs == wanted
}

fn state(router: &Router, interface: &str) -> String {
    let summary = router.show("show ip bgp summary").unwrap_or_default();
    summary.lines().find(|line| line.starts_with(&format!("{interface} "))).unwrap_or_default().to_owned()
}

#[test]
fn frr_is_found_on_its_interface_and_routes_of_both_families_go_through_link_local_addresses() -> Result<()> {
    let lab = Lab::new()?;
    let router = with_neighbors(&lab, 1)?;
    assert!(state(&router, "up1").contains("Active"), "nobody is heard yet: {}", state(&router, "up1"));
    let node = &lab.nodes[0];
    // The node knows the client by what the router announces alone.
    node.ip(&["route", "del", "default"])?;
    node.ip(&["-6", "route", "del", "default"])?;
    let frr = FrrRouter::start(&lab, node, &frr_config(65001, "up0"))?;
    let theirs = vec![(link_local(node, "up0")?, "up1")];
    for prefix in [SHOP, SHOP6] {
        lab.wait_until(SESSIONS, prefix, || leads(&router, prefix, &theirs))?;
    }
    let ours = link_local(&lab.router, "up1")?;
    lab.wait_until(SOON, "FRR has the client's networks through the router", || {
        let v4 = node.ip(&["route", "show", CLIENTS]).unwrap_or_default();
        let v6 = node.ip(&["-6", "route", "show", CLIENTS6]).unwrap_or_default();
        [v4, v6].iter().all(|route| route.contains(&ours) && route.contains("dev up0"))
    })?;
    lab.wait_until(SOON, "the client reaches the shop", || {
        lab.client
            .run("ping", &["-c", "1", "-W", "1", "-I", "10.9.0.2", "172.16.102.229"])
            .is_ok_and(|done| done.status == 0)
    })?;
    lab.wait_until(SOON, "and over IPv6", || {
        lab.client.run("ping", &["-c", "1", "-W", "1", "fd00:102::229"]).is_ok_and(|done| done.status == 0)
    })?;
    assert!(frr.show("show bgp summary").contains("up0"), "{}", frr.show("show bgp summary"));
    for command in ["show ip bgp neighbors", "show ip bgp neighbors up1"] {
        let told = router.show(command)?;
        assert!(told.starts_with("BGP neighbor on up1: fe80::"), "{command}: {told}");
    }
    let nobody = router.cmd(&["show ip bgp neighbors eth1"])?;
    assert!(nobody.text().contains("no BGP neighbor is named by the interface eth1"), "{nobody:?}");
    router.show("clear ip bgp up1 soft in")?;
    let why = router.show(&format!("show ip bgp {SHOP} why"))?;
    assert!(why.contains("up1"), "{why}");
    Ok(())
}

#[test]
fn a_link_that_goes_and_comes_and_another_neighbor_on_it_bring_the_session_back() -> Result<()> {
    let lab = Lab::new()?;
    let router = with_neighbors(&lab, 1)?;
    let node = &lab.nodes[0];
    let _frr = FrrRouter::start(&lab, node, &frr_config(65001, "up0"))?;
    let way = |lab: &Lab| -> Result<Vec<(String, &str)>> { Ok(vec![(link_local(&lab.nodes[0], "up0")?, "up1")]) };
    let theirs = way(&lab)?;
    lab.wait_until(SESSIONS, "at first", || leads(&router, SHOP, &theirs))?;
    lab.router.ip(&["link", "set", "up1", "down"])?;
    lab.wait_until(SOON, "the route goes at once", || router.gateways(SHOP).is_empty())?;
    lab.router.ip(&["link", "set", "up1", "up"])?;
    lab.wait_until(SESSIONS, "it comes back with the link", || leads(&router, SHOP, &theirs))?;
    // Another machine in its place: another hardware address, another link-local one.
    node.ip(&["link", "set", "up0", "down"])?;
    node.ip(&["link", "set", "up0", "address", "02:00:00:00:77:01"])?;
    node.ip(&["link", "set", "up0", "up"])?;
    let others = way(&lab)?;
    assert_ne!(others, theirs);
    lab.wait_until(SESSIONS, "the newcomer is the neighbor", || leads(&router, SHOP, &others))?;
    // The router's own link is made anew, and another one has its old number.
    let number = lab.router.ip(&["-o", "link", "show", "up1"])?.split(':').next().unwrap_or_default().to_owned();
    lab.router.ip(&["link", "del", "up1"])?;
    lab.router.ip(&["link", "add", "other1", "index", &number, "type", "veth", "peer", "name", "other2"])?;
    lab.router.ip(&["link", "set", "other1", "up"])?;
    lab.router.ip(&["link", "set", "other2", "up"])?;
    lab.wait_until(SOON, "the route is gone", || router.gateways(SHOP).is_empty())?;
    lab.router.link("up1", node, "up0")?;
    let anew = way(&lab)?;
    lab.wait_until(SESSIONS, "and comes through the new link", || leads(&router, SHOP, &anew))
}

#[test]
fn neighbors_with_one_address_on_two_links_are_two_legs() -> Result<()> {
    let lab = Lab::new()?;
    let router = with_neighbors(&lab, 2)?;
    let mut speakers = Vec::new();
    for (node, asn) in lab.nodes.iter().zip([65001, 65002]) {
        node.ip(&["-6", "addr", "flush", "dev", "up0"])?;
        node.ip(&["-6", "addr", "add", "fe80::1/64", "dev", "up0", "nodad"])?;
        speakers.push(FrrRouter::start(&lab, node, &frr_config(asn, "up0"))?);
    }
    let both = [("fe80::1".to_owned(), "up1"), ("fe80::1".to_owned(), "up2")];
    for prefix in [SHOP, SHOP6] {
        lab.wait_until(SESSIONS, prefix, || leads(&router, prefix, &both))?;
    }
    lab.router.ip(&["link", "set", "up1", "down"])?;
    for prefix in [SHOP, SHOP6] {
        lab.wait_until(SOON, "one is left", || leads(&router, prefix, &both[1..]))?;
    }
    assert!(!state(&router, "up2").contains("Active"), "{}", state(&router, "up2"));
    Ok(())
}

#[test]
fn what_cannot_be_is_refused_with_the_reason() -> Result<()> {
    let lab = Lab::new()?;
    let router = Router::start(&lab)?;
    for (words, why) in [
        ("neighbor 192.0.2.1 interface remote-as external", "named by"),
        ("neighbor eth1 interface v6only", "remote-as"),
        ("neighbor eth1 interface peer-group nobody", "does not exist"),
    ] {
        let said = router.cmd(&["configure", &format!("set protocols bgp 64512 {words}"), "commit"])?;
        assert!(said.status != 0 && said.text().contains(why), "{words}: {said:?}");
    }
    let said = router.cmd(&[
        "configure",
        "set protocols bgp 64512 neighbor eth1 interface v6only remote-as external",
        "set protocols bgp 64512 neighbor eth1 password secret",
        "commit",
    ])?;
    assert!(said.status != 0 && said.text().contains("password"), "{said:?}");
    router.configure(&["set protocols bgp 64512 neighbor eth1 interface v6only remote-as internal"])?;
    router.configure(&["delete protocols bgp 64512 neighbor eth1"])?;
    assert!(state(&router, "eth1").is_empty());
    Ok(())
}

/// The router and a node on a link without IPv4 addresses.
fn without_ipv4(lab: &Lab) -> Result<Router> {
    let node = &lab.nodes[0];
    node.ip(&["route", "del", "default"])?;
    for (host, interface) in [(&lab.router, "eth1"), (node, "eth0")] {
        host.ip(&["-4", "addr", "flush", "dev", interface])?;
    }
    node.ip(&["route", "add", "10.9.0.0/24", "via", "inet6", "fd00:101::1", "dev", "eth0"])?;
    let router = Router::start(lab)?;
    router.configure(&[
        "set protocols bgp 64512 parameters router-id 192.168.101.1",
        "set protocols bgp 64512 parameters ebgp-requires-policy disable",
        &format!("set protocols bgp 64512 network {CLIENTS}"),
        "set protocols bgp 64512 neighbor fd00:101::201 remote-as 65001",
        "set protocols bgp 64512 neighbor fd00:101::201 capability extended-nexthop",
    ])?;
    Ok(router)
}

/// The route of the shop is there through the node's IPv6 address, and packets follow it.
fn shop_is_reached(lab: &Lab, router: &Router) -> Result<()> {
    lab.wait_until(SESSIONS, "the shop through an IPv6 next hop", || router.gateways(SHOP) == ["fd00:101::201"])?;
    lab.wait_until(SOON, "the client reaches it", || {
        lab.client.run("ping", &["-c", "1", "-W", "1", "172.16.102.229"]).is_ok_and(|done| done.status == 0)
    })
}

fn over_ipv6_alone(kind: Kind) -> Result<()> {
    let lab = Lab::new()?;
    let router = without_ipv4(&lab)?;
    let node = &lab.nodes[0];
    let session = Session::external(node, 65001).over_ipv6(node);
    let (session, own) = match kind {
        Kind::Exabgp => (session.saying(&["nexthop { ipv4 unicast ipv6; }"]), " next-hop fd00:101::201"),
        _ => (session, ""),
    };
    let speaker = Speaker::start(&lab, node, kind, session)?;
    speaker.announce(&format!("{SHOP}{own}"))?;
    shop_is_reached(&lab, &router)?;
    lab.wait_until(SOON, "the node has ours through our IPv6 address", || {
        speaker.table(CLIENTS).contains("fd00:101::1")
    })?;
    Ok(())
}

#[test]
fn bird_exchanges_ipv4_routes_over_ipv6_alone() -> Result<()> {
    over_ipv6_alone(Kind::Bird)
}

#[test]
fn gobgp_exchanges_ipv4_routes_over_ipv6_alone() -> Result<()> {
    over_ipv6_alone(Kind::Gobgp)
}

#[test]
fn exabgp_exchanges_ipv4_routes_over_ipv6_alone() -> Result<()> {
    over_ipv6_alone(Kind::Exabgp)
}

#[test]
fn frr_exchanges_ipv4_routes_over_ipv6_alone() -> Result<()> {
    let lab = Lab::new()?;
    let router = without_ipv4(&lab)?;
    let node = &lab.nodes[0];
    node.ip(&["route", "del", CLIENTS])?;
    let config = format!(
        "log stdout informational\nrouter bgp 65001\n bgp router-id 10.255.0.1\n no bgp ebgp-requires-policy\n \
         no bgp network import-check\n neighbor fd00:101::1 remote-as external\n neighbor fd00:101::1 timers connect 1\n \
         neighbor fd00:101::1 capability extended-nexthop\n address-family ipv4 unicast\n  network {SHOP}\n \
         exit-address-family\n"
    );
    let frr = FrrRouter::start(&lab, node, &config)?;
    lab.wait_until(SESSIONS, "FRR has it in its kernel through our IPv6 address", || {
        node.ip(&["route", "show", CLIENTS]).is_ok_and(|route| route.contains("inet6"))
    })?;
    shop_is_reached(&lab, &router)?;
    assert!(frr.show("show bgp ipv4 unicast 10.9.0.0/24").contains("fd00:101::1"));
    Ok(())
}

/// GoBGP finds its neighbor in the kernel's table of hosts and advertises nothing: the router knows it by its call.
#[test]
fn gobgp_calls_from_its_link_local_address_and_is_known_by_the_link() -> Result<()> {
    let lab = Lab::new()?;
    let router = with_neighbors(&lab, 1)?;
    let node = &lab.nodes[0];
    let ours = link_local(&lab.router, "up1")?;
    lab.wait_until(SOON, "the node's kernel knows the router", || {
        let _ = node.run("ping", &["-6", "-c", "1", "-W", "1", &format!("{ours}%up0")]);
        node.ip(&["-6", "neigh", "show", "dev", "up0"]).is_ok_and(|hosts| hosts.contains(&ours))
    })?;
    let families = ["ipv4-unicast", "ipv6-unicast"]
        .map(|name| format!("[[neighbors.afi-safis]]\n[neighbors.afi-safis.config]\nafi-safi-name = \"{name}\"\n"));
    let config = format!(
        "[global.config]\nas = 65001\nrouter-id = \"10.255.0.1\"\nport = -1\n[[neighbors]]\n[neighbors.config]\n\
         neighbor-interface = \"up0\"\npeer-as = 64512\n[neighbors.timers.config]\nconnect-retry = 5\n{}",
        families.concat()
    );
    let file = node.write("gobgpd.toml", &config)?.to_string_lossy().into_owned();
    let arguments = ["-t", "toml", "-f", &file, "--pprof-disable", "--api-hosts", "127.0.0.1:50051"];
    let _gobgp = node.start("gobgpd", "gobgpd", &arguments)?;
    lab.wait_until(SOON, "it takes a route", || {
        node.run("gobgp", &["global", "rib", "add", SHOP, "origin", "igp"]).is_ok_and(|done| done.status == 0)
    })?;
    let theirs = vec![(link_local(node, "up0")?, "up1")];
    lab.wait_until(SESSIONS, "its route leads through its link-local address", || leads(&router, SHOP, &theirs))?;
    lab.wait_until(SOON, "and it has ours", || {
        node.run("gobgp", &["global", "rib", CLIENTS]).is_ok_and(|said| said.stdout.contains(&ours))
    })
}

/// BIRD is told our link-local address, and whose link it is.
#[test]
fn bird_calls_from_its_link_local_address_and_is_known_by_the_link() -> Result<()> {
    let lab = Lab::new()?;
    let router = with_neighbors(&lab, 1)?;
    let node = &lab.nodes[0];
    let (ours, theirs) = (link_local(&lab.router, "up1")?, link_local(node, "up0")?);
    let channel = "import all; export all; extended next hop on; next hop self;";
    let config = format!(
        "log stderr all;\nrouter id 10.255.0.1;\nprotocol device {{}}\nprotocol static {{ ipv4; route {SHOP} blackhole; }}\n\
         protocol static {{ ipv6; route {SHOP6} blackhole; }}\nprotocol bgp tower {{\n  local {theirs} as 65001;\n  \
         neighbor {ours} as 64512;\n  interface \"up0\";\n  connect delay time 1;\n  connect retry time 1;\n  \
         ipv4 {{ {channel} }};\n  ipv6 {{ {channel} }};\n}}\n"
    );
    let file = node.write("bird.conf", &config)?.to_string_lossy().into_owned();
    let socket = node.directory().join("bird.ctl").to_string_lossy().into_owned();
    let _bird = node.start("bird", "bird", &["-f", "-c", &file, "-s", &socket])?;
    let through = vec![(theirs, "up1")];
    for prefix in [SHOP, SHOP6] {
        lab.wait_until(SESSIONS, "its routes lead through its link-local address", || {
            leads(&router, prefix, &through)
        })?;
    }
    lab.wait_until(SOON, "and it has ours", || {
        node.run("birdc", &["-s", &socket, "show", "route", "for", CLIENTS, "all"])
            .is_ok_and(|said| said.stdout.contains(&ours))
    })
}
