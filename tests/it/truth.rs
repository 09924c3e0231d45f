//! The kernel's forwarding table stays what is wanted, whatever the kernel, links and other hands do to it.
//!
//! Each test is named for what others got wrong; `docs/faults.md` says who. Everything is asked of the kernel itself.

use std::time::Duration;

use anyhow::Result;
use scenarios::lab::Lab;
use scenarios::router::Router;
use serde_json::Value;

const SOON: Duration = Duration::from_secs(15);
const SHARED: [&str; 3] = ["10.50.0.0/16", "10.51.0.0/16", "10.52.0.0/16"];
const TWO: [&str; 2] = ["192.168.101.201", "192.168.101.202"];

/// A router with three routes over two nodes, and one over a link of its own.
fn with_routes(lab: &Lab) -> Result<Router> {
    let router = Router::start(lab)?;
    plug(lab)?;
    let mut words = Vec::new();
    for prefix in SHARED {
        words.extend(TWO.map(|node| format!("set protocols static route {prefix} next-hop {node}")));
    }
    words.push("set protocols static route 10.53.0.0/16 next-hop 10.7.0.9".to_owned());
    words.push("set protocols static route6 fd00:50::/32 next-hop fd00:101::201".to_owned());
    router.configure(&words.iter().map(String::as_str).collect::<Vec<_>>())?;
    whole(lab, &router, "at first")?;
    lab.wait_until(SOON, "the route over the other link", || router.gateways("10.53.0.0/16") == ["10.7.0.9"])?;
    Ok(router)
}

/// `eth7` with an address, its cable in.
fn plug(lab: &Lab) -> Result<()> {
    lab.router.ip(&["link", "add", "eth7", "type", "veth", "peer", "name", "far7"])?;
    lab.router.ip(&["link", "set", "far7", "up"])?;
    lab.router.ip(&["link", "set", "eth7", "up"])?;
    lab.router.ip(&["addr", "add", "10.7.0.1/24", "dev", "eth7"]).map(drop)
}

/// All shared routes lead to both nodes.
fn is_whole(router: &Router) -> bool {
    SHARED.iter().all(|prefix| router.gateways(prefix) == TWO) && router.gateways("fd00:50::/32") == ["fd00:101::201"]
}

fn whole(lab: &Lab, router: &Router, when: &str) -> Result<()> {
    lab.wait_until(SOON, &format!("every route has both legs {when}"), || is_whole(router))?;
    // What the kernel refused while a link was away is tried again, a few seconds later at the latest.
    lab.wait_until(SOON, &format!("all that is wanted is installed {when}"), || {
        let is_all = |fib: Value| fib["installed"] == fib["wanted"] && fib["pending"] == 0;
        router.json("show ip fib").is_ok_and(is_all)
    })
}

/// The identifier of the object that the first route leads to.
fn object(router: &Router) -> Result<String> {
    Ok(router.kernel_route(SHARED[0])?.and_then(|route| route.object).unwrap_or_default().to_string())
}

/// An object of a single next hop to the first node.
fn member(lab: &Lab) -> Result<String> {
    let all = lab.router.ip(&["nexthop"])?;
    let line = all.lines().find(|line| line.contains(&format!("via {} ", TWO[0]))).unwrap_or_default();
    Ok(line.split_whitespace().nth(1).unwrap_or_default().to_owned())
}

#[test]
fn a_group_that_is_deleted_drives_all_of_its_routes_again() -> Result<()> {
    let lab = Lab::new()?;
    let router = with_routes(&lab)?;
    for round in 0..5 {
        lab.router.ip(&["nexthop", "del", "id", &object(&router)?])?;
        whole(&lab, &router, &format!("after deletion {round} of the group"))?;
    }
    let fib = router.json("show ip fib")?;
    assert!(fib["lostNextHops"].as_u64().is_some_and(|lost| lost >= 5), "it is counted: {fib}");
    Ok(())
}

#[test]
fn what_somebody_does_to_routes_and_next_hops_by_hand_is_put_right() -> Result<()> {
    let lab = Lab::new()?;
    let router = with_routes(&lab)?;
    let (group, single) = (object(&router)?, member(&lab)?);
    let elsewhere = ["via", "192.168.101.203", "dev", "eth1"];
    let deeds: [&[&str]; 6] = [
        &["route", "replace", SHARED[1], "metric", "20", "proto", "200", "via", "192.168.101.203"],
        &["route", "change", SHARED[1], "metric", "20", "proto", "200", "via", "192.168.101.203"],
        &["route", "del", SHARED[2]],
        &["nexthop", "replace", "id", &single, elsewhere[0], elsewhere[1], elsewhere[2], elsewhere[3], "proto", "200"],
        &["nexthop", "del", "id", &group],
        &["nexthop", "flush"],
    ];
    for deed in deeds {
        // A deed may come too late for the object of the one before it.
        let done = lab.router.run("ip", deed)?;
        whole(&lab, &router, &format!("after {deed:?}: {}", done.text()))?;
    }
    // A route of somebody else in the place of ours is theirs, as any other of theirs; ours comes when it goes.
    lab.router.ip(&["route", "replace", SHARED[1], "metric", "20", "via", "192.168.101.203"])?;
    lab.wait_until(SOON, "it is shown as somebody else's", || {
        router.show("show ip route kernel").is_ok_and(|shown| shown.contains(SHARED[1]))
    })?;
    assert_eq!(router.gateways(SHARED[1]), ["192.168.101.203"]);
    lab.router.ip(&["route", "del", SHARED[1]])?;
    whole(&lab, &router, "when it is gone")
}

#[test]
fn links_that_come_and_go_elsewhere_cost_no_write_and_no_route() -> Result<()> {
    let lab = Lab::new()?;
    let router = with_routes(&lab)?;
    let watch = lab.router.start("watch", "ip", &["monitor", "route", "nexthop"])?;
    for pod in 0..30 {
        let (here, there) = (format!("pod{pod}"), format!("in{pod}"));
        lab.router.ip(&["link", "add", &here, "type", "veth", "peer", "name", &there])?;
        lab.router.ip(&["link", "set", &there, "up"])?;
        lab.router.ip(&["link", "set", &here, "up"])?;
        lab.router.ip(&["addr", "add", &format!("10.200.{pod}.1/32"), "dev", &here])?;
        lab.router.ip(&["-6", "addr", "add", &format!("fd00:200::{pod}/128"), "dev", &here, "nodad"])?;
        lab.router.ip(&["neigh", "flush", "dev", "eth1"])?;
        lab.router.ip(&["link", "del", &here])?;
        assert!(is_whole(&router), "round {pod}");
    }
    let touched: Vec<String> =
        watch.output().lines().filter(|line| line.contains("proto 200")).map(str::to_owned).collect();
    assert!(touched.is_empty(), "nothing of ours was written: {touched:?}");
    Ok(())
}

#[test]
fn a_link_that_flaps_for_an_instant_leaves_nothing_invalid() -> Result<()> {
    let lab = Lab::new()?;
    let router = with_routes(&lab)?;
    for round in 0..10 {
        let mut batch = String::new();
        for _ in 0..=round {
            // Both the router's own end and, through its carrier, the other end.
            batch.push_str("link set eth1 down\nlink set eth1 up\nlink set far7 down\nlink set far7 up\n");
        }
        let batch = lab.router.write("flaps", &batch)?.to_string_lossy().into_owned();
        lab.router.run("ip", &["-batch", &batch])?.success()?;
        // The kernel takes the IPv6 addresses of a link that goes down; whoever configured them puts them back.
        lab.router.ip(&["addr", "replace", "fd00:101::1/64", "dev", "eth1", "nodad"])?;
        whole(&lab, &router, &format!("after {} flaps at once", round + 1))?;
        lab.wait_until(SOON, "the one over the other link", || router.gateways("10.53.0.0/16") == ["10.7.0.9"])?;
    }
    Ok(())
}

#[test]
fn a_link_that_goes_down_takes_no_route_that_leaves_through_another() -> Result<()> {
    let lab = Lab::new()?;
    let router = with_routes(&lab)?;
    let watch = lab.router.start("watch", "ip", &["monitor", "route"])?;
    for link in ["eth7", "eth0"] {
        lab.router.ip(&["link", "set", link, "down"])?;
    }
    lab.wait_until(SOON, "its own route goes", || router.gateways("10.53.0.0/16").is_empty())?;
    whole(&lab, &router, "with the other links down")?;
    let touched = watch.output();
    for prefix in SHARED {
        let prefix = prefix.trim_end_matches("/16");
        assert!(!touched.contains(prefix), "{prefix} was not touched: {touched}");
    }
    Ok(())
}

#[test]
fn the_last_address_of_a_link_takes_its_routes_along_and_brings_them_back_though_the_kernel_says_nothing_of_them()
-> Result<()> {
    let lab = Lab::new()?;
    let router = with_routes(&lab)?;
    lab.router.ip(&["route", "add", "10.60.0.0/16", "via", "10.7.0.10"])?;
    router.configure(&["set protocols static route 10.61.0.0/16 next-hop 10.60.0.1"])?;
    lab.wait_until(SOON, "a route upon a foreign one", || router.gateways("10.61.0.0/16") == ["10.7.0.10"])?;
    for _ in 0..3 {
        lab.router.ip(&["addr", "del", "10.7.0.1/24", "dev", "eth7"])?;
        lab.wait_until(SOON, "they go", || {
            ["10.53.0.0/16", "10.61.0.0/16"].iter().all(|prefix| router.gateways(prefix).is_empty())
        })?;
        lab.router.ip(&["addr", "add", "10.7.0.1/24", "dev", "eth7"])?;
        lab.router.ip(&["route", "add", "10.60.0.0/16", "via", "10.7.0.10"])?;
        lab.wait_until(SOON, "they come back", || {
            router.gateways("10.53.0.0/16") == ["10.7.0.9"] && router.gateways("10.61.0.0/16") == ["10.7.0.10"]
        })?;
    }
    whole(&lab, &router, "all the while")
}

#[test]
fn a_table_that_is_cleared_leaves_nothing_in_the_kernel() -> Result<()> {
    let lab = Lab::new()?;
    let mut router = with_routes(&lab)?;
    let ours = |lab: &Lab| -> Result<String> {
        let routes = lab.router.ip(&["route", "show", "table", "all", "proto", "200"])?;
        let routes6 = lab.router.ip(&["-6", "route", "show", "table", "all", "proto", "200"])?;
        Ok(routes + &routes6 + &lab.router.ip(&["nexthop", "show", "proto", "200"])?)
    };
    router.configure(&["delete protocols static"])?;
    lab.wait_until(SOON, "neither routes nor next hops stay", || ours(&lab).is_ok_and(|left| left.is_empty()))?;
    // What an earlier life left, and nobody wants any more, goes as well.
    router.configure(&["set protocols static route 10.50.0.0/16 next-hop 192.168.101.201"])?;
    lab.wait_until(SOON, "one route", || router.gateways(SHARED[0]) == [TWO[0]])?;
    router.kill9();
    let state = lab.router.ip(&["nexthop"])?;
    let group = state.lines().find(|line| line.contains(" group ")).and_then(|line| line.split_whitespace().nth(1));
    lab.router.ip(&[
        "route",
        "add",
        "10.99.0.0/16",
        "nhid",
        group.unwrap_or_default(),
        "metric",
        "20",
        "proto",
        "200",
    ])?;
    router.boot(&lab)?;
    lab.wait_until(SOON, "the stray is gone", || router.gateways("10.99.0.0/16").is_empty())?;
    assert_eq!(router.gateways(SHARED[0]), [TWO[0]]);
    Ok(())
}

#[test]
fn a_link_that_is_renamed_keeps_its_routes_and_one_made_anew_gets_them_whatever_its_number() -> Result<()> {
    let lab = Lab::new()?;
    let router = with_routes(&lab)?;
    // A link that is up may be renamed since Linux 6.2; an older kernel asks for it to be down.
    if lab.router.run("ip", &["link", "set", "eth7", "name", "wan7"])?.status != 0 {
        lab.router.ip(&["link", "set", "eth7", "down"])?;
        lab.router.ip(&["link", "set", "eth7", "name", "wan7"])?;
        lab.router.ip(&["link", "set", "wan7", "up"])?;
    }
    lab.wait_until(SOON, "the route follows the name", || {
        router
            .kernel_route("10.53.0.0/16")
            .is_ok_and(|route| route.is_some_and(|route| route.legs.first().is_some_and(|leg| leg.interface == "wan7")))
    })?;
    let number = |name: &str| -> Result<String> {
        Ok(lab.router.ip(&["-o", "link", "show", name])?.split(':').next().unwrap_or_default().to_owned())
    };
    let old = number("wan7")?;
    lab.router.ip(&["link", "del", "wan7"])?;
    lab.wait_until(SOON, "it goes with the link", || router.gateways("10.53.0.0/16").is_empty())?;
    plug(&lab)?;
    lab.wait_until(SOON, "it comes with the new one", || router.gateways("10.53.0.0/16") == ["10.7.0.9"])?;
    assert_ne!(number("eth7")?, old);
    // Another link takes the old number, which must not be taken for the old link.
    lab.router.ip(&["link", "del", "eth7"])?;
    lab.router.ip(&["link", "add", "other7", "index", &old, "type", "veth", "peer", "name", "far8"])?;
    lab.router.ip(&["link", "set", "far8", "up"])?;
    lab.router.ip(&["link", "set", "other7", "up"])?;
    lab.wait_until(SOON, "nothing leads into it", || router.gateways("10.53.0.0/16").is_empty())?;
    plug(&lab)?;
    lab.wait_until(SOON, "nor to any other link than its own", || {
        router
            .kernel_route("10.53.0.0/16")
            .is_ok_and(|route| route.is_some_and(|route| route.legs.first().is_some_and(|leg| leg.interface == "eth7")))
    })?;
    whole(&lab, &router, "all the while")
}

#[test]
fn routes_of_other_tables_and_rules_of_others_stay_as_they_are() -> Result<()> {
    let lab = Lab::new()?;
    lab.router.ip(&["route", "add", "10.50.0.0/16", "via", "192.168.101.203", "table", "77"])?;
    // As the daemon sets it, so that `ip` tells the same before and after.
    lab.router.sysctl("net.ipv4.nexthop_compat_mode", "0")?;
    lab.router.ip(&["nexthop", "add", "id", "77", "via", "192.168.101.203", "dev", "eth1"])?;
    lab.router.ip(&["route", "add", "10.98.0.0/16", "nhid", "77", "table", "78"])?;
    lab.router.ip(&["rule", "add", "from", "10.9.0.0/24", "lookup", "77"])?;
    let foreign = |lab: &Lab| -> Result<String> {
        let tables = ["77", "78"].map(|table| lab.router.ip(&["route", "show", "table", table]));
        let [first, second] = tables;
        Ok(first? + &second? + &lab.router.ip(&["rule"])? + &lab.router.ip(&["nexthop", "show", "id", "77"])?)
    };
    let before = foreign(&lab)?;
    let router = with_routes(&lab)?;
    assert_eq!(foreign(&lab)?, before, "with routes of ours");
    lab.router.ip(&["nexthop", "flush", "proto", "200"])?;
    whole(&lab, &router, "after a flush of ours")?;
    router.configure(&["delete protocols static"])?;
    assert_eq!(foreign(&lab)?, before, "without them");
    Ok(())
}

#[test]
fn a_refused_route_is_shown_counted_and_comes_by_itself_once_the_kernel_takes_it() -> Result<()> {
    let lab = Lab::new()?;
    let router = Router::start(&lab)?;
    lab.router.sysctl("net.ipv6.conf.eth1.disable_ipv6", "1")?;
    // The kernel has no IPv6 on the link: it refuses the next hop, whoever configured the address.
    router.configure(&["set protocols static route6 fd00:51::/32 next-hop fe80::9 interface eth1"])?;
    lab.wait_until(SOON, "the refusal is shown", || {
        router.show("show ipv6 fib").is_ok_and(|shown| shown.contains("fd00:51::/32 rejected"))
    })?;
    let fib = router.json("show ipv6 fib")?;
    assert!(fib["refusals"].as_u64().is_some_and(|count| count > 0), "{fib}");
    assert!(fib["nextRetry"].as_u64().is_some(), "{fib}");
    lab.router.sysctl("net.ipv6.conf.eth1.disable_ipv6", "0")?;
    lab.wait_until(SOON * 2, "it is there", || router.gateways("fd00:51::/32") == ["fe80::9"])
}

/// IPv4 routes of others whose legs are of either family, which BIRD calls strange and leaves alone.
#[test]
fn a_foreign_route_with_legs_of_both_families_is_seen_and_led_through() -> Result<()> {
    let lab = Lab::new()?;
    let router = with_routes(&lab)?;
    let legs = ["nexthop", "via", "inet6", "fd00:101::202", "dev", "eth1", "nexthop", "via", TWO[0], "dev", "eth1"];
    lab.router.ip(&[&["route", "add", "10.60.0.0/16"][..], &legs].concat())?;
    router.configure(&["set protocols static route 10.61.0.0/16 next-hop 10.60.0.1"])?;
    let both = || {
        let legs = router.gateways("10.61.0.0/16");
        legs.len() == 2 && legs.contains(&"fd00:101::202".to_owned()) && legs.contains(&TWO[0].to_owned())
    };
    lab.wait_until(SOON, "the route upon it has both legs", both)?;
    let shown = router.show("show ip route kernel")?;
    assert!(shown.contains("10.60.0.0/16"), "{shown}");
    lab.router.ip(&["route", "del", "10.60.0.0/16"])?;
    lab.wait_until(SOON, "it goes with the foreign one", || router.gateways("10.61.0.0/16").is_empty())?;
    whole(&lab, &router, "all the while")
}

/// The kernel refuses a route of the same key ("File exists"): the other one stays, and ours comes when it goes.
#[test]
fn a_foreign_route_in_the_very_place_of_ours_stays_and_is_replaced_when_it_goes() -> Result<()> {
    let lab = Lab::new()?;
    let router = Router::start(&lab)?;
    lab.router.ip(&["route", "add", SHARED[0], "via", "192.168.101.203", "metric", "20"])?;
    router.configure(&[&format!("set protocols static route {} next-hop {}", SHARED[0], TWO[0])])?;
    let foreign = || router.gateways(SHARED[0]) == ["192.168.101.203"];
    assert!(foreign(), "nobody else's route is touched");
    lab.router.ip(&["route", "del", SHARED[0], "via", "192.168.101.203", "metric", "20"])?;
    lab.wait_until(SOON * 2, "ours is there", || router.gateways(SHARED[0]) == [TWO[0]])
}
