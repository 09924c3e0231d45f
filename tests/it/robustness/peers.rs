//! Peers that crowd, flood, stall, stammer and flap.

use std::net::IpAddr;
use std::time::{Duration, Instant};

use anyhow::Result;
use scenarios::lab::Lab;
use scenarios::router::Router;

use super::{NEIGHBORS, SOON, assert_undisturbed, descriptors, pid, resident, speaker, steady};

#[test]
fn a_crowd_from_nowhere_is_turned_away_and_leaves_nothing_behind() -> Result<()> {
    let lab = Lab::new()?;
    let router = Router::start(&lab)?;
    router.configure(&NEIGHBORS)?;
    let mut neighbor = steady(&lab, &router)?;
    let pid = pid(&lab.router)?;
    let before = descriptors(pid);
    let mut crowd = speaker(&lab.nodes[2], &["crowd", "200"])?;
    crowd.wait(SOON)?;
    assert_eq!(crowd.output().trim(), "closed 200");
    lab.wait_until(SOON, "the descriptors are given back", || descriptors(pid) <= before)?;
    let lines = router.log().lines().filter(|line| line.contains("192.168.101.203")).count();
    assert!((1..20).contains(&lines), "one address does not fill the log: {lines} lines");
    assert_undisturbed(&mut neighbor, &router, "a crowd");
    Ok(())
}

#[test]
fn a_flood_of_updates_keeps_nobody_waiting() -> Result<()> {
    let lab = Lab::new()?;
    let router = Router::start(&lab)?;
    router.configure(&NEIGHBORS)?;
    let mut neighbor = steady(&lab, &router)?;
    let mut flood = speaker(&lab.nodes[1], &["flood", "100000"])?;
    lab.wait_until(SOON, "the flood begins", || flood.output().contains("established"))?;
    let end = Instant::now() + Duration::from_secs(10);
    while Instant::now() < end {
        let asked = Instant::now();
        router.show("show ip bgp summary")?;
        assert!(asked.elapsed() < SOON, "the summary comes during a flood: {:?}", asked.elapsed());
        assert_undisturbed(&mut neighbor, &router, "a flood");
    }
    assert!(flood.is_running(), "the flood was not refused: {}", flood.output());
    Ok(())
}

#[test]
fn a_peer_that_never_reads_costs_little_memory() -> Result<()> {
    let lab = Lab::new()?;
    let router = Router::start(&lab)?;
    router.configure(&NEIGHBORS)?;
    router.configure(&[
        "set protocols bgp 64512 parameters ebgp-requires-policy disable",
        "set protocols bgp 64512 neighbor 192.168.101.203 remote-as 64513",
        "set protocols bgp 64512 neighbor 192.168.101.203 timers holdtime 600",
    ])?;
    let mut neighbor = steady(&lab, &router)?;
    let node = &lab.nodes[2];
    let program = node.write("speaker.py", super::SPEAKER)?.to_string_lossy().into_owned();
    let arguments = ["TOWPATH_ASN=64513", "python3", &program, "192.168.101.203", "192.168.101.1", "mute"];
    let mut mute = node.start("mute", "env", &arguments)?;
    lab.wait_until(SOON, "the mute speaker is there", || mute.output().contains("established"))?;
    let flood = speaker(&lab.nodes[1], &["flood", "10000"])?;
    lab.wait_until(SOON * 2, "every route has come", || router.gateways("10.64.39.15/32") == ["192.168.101.202"])?;
    let rounds = || flood.output().lines().filter(|line| line.starts_with("sent")).count();
    let wait_for_rounds = |more: usize| {
        let wanted = rounds() + more;
        lab.wait_until(SOON * 3, "the routes change", || rounds() >= wanted)
    };
    let pid = pid(&lab.router)?;
    wait_for_rounds(8)?;
    let before = resident(pid);
    // Every round would cost another 400 KiB if it were kept as octets.
    wait_for_rounds(16)?;
    let after = resident(pid);
    assert!(after < before + 3 * 1024, "what a peer does not read does not pile up: {before} to {after} KiB");
    assert!(mute.is_running(), "{}", mute.output());
    assert!(router.is_established(IpAddr::from(node.ipv4)), "silence is no reason yet");
    assert_undisturbed(&mut neighbor, &router, "a peer that never reads");
    Ok(())
}

#[test]
fn sessions_that_flap_leave_no_memory_and_no_descriptor() -> Result<()> {
    let lab = Lab::new()?;
    let router = Router::start(&lab)?;
    router.configure(&NEIGHBORS)?;
    let mut neighbor = steady(&lab, &router)?;
    let daemon = pid(&lab.router)?;
    let flap = |count: &str| -> Result<()> {
        let mut flaps = speaker(&lab.nodes[1], &["flap", count])?;
        flaps.wait(Duration::from_secs(60))?;
        assert!(flaps.output().contains("flapped"), "{}", flaps.output());
        Ok(())
    };
    flap("100")?;
    let (descriptors_before, before) = (descriptors(daemon), resident(daemon));
    flap("500")?;
    lab.wait_until(SOON, "the descriptors are given back", || descriptors(daemon) <= descriptors_before)?;
    let after = resident(daemon);
    assert!(after < before + 2048, "500 sessions later the daemon has {after} KiB, {before} before");
    assert_undisturbed(&mut neighbor, &router, "a neighbor that flaps");
    Ok(())
}

#[test]
fn attempts_to_reach_a_neighbor_that_is_away_leave_no_descriptor() -> Result<()> {
    let lab = Lab::new()?;
    let router = Router::start(&lab)?;
    let away: Vec<String> = (101..=140)
        .flat_map(|last| {
            let neighbor = format!("set protocols bgp 64512 neighbor 192.168.101.{last}");
            [format!("{neighbor} remote-as 64512"), format!("{neighbor} timers connect 1")]
        })
        .collect();
    let lines: Vec<&str> = NEIGHBORS.into_iter().take(1).chain(away.iter().map(String::as_str)).collect();
    let daemon = pid(&lab.router)?;
    let before = descriptors(daemon);
    router.configure(&lines)?;
    let log = || router.show("show ip bgp summary").unwrap_or_default();
    std::thread::sleep(Duration::from_secs(4));
    assert!(log().contains("192.168.101.140"), "{}", log());
    assert!(descriptors(daemon) <= before + 3 * 40, "{} descriptors, {before} before", descriptors(daemon));
    router.configure(&["delete protocols bgp 64512"])?;
    lab.wait_until(SOON, "the descriptors are given back", || descriptors(daemon) <= before)?;
    Ok(())
}

#[test]
fn a_connection_that_stammers_does_not_keep_its_neighbor_out() -> Result<()> {
    let lab = Lab::new()?;
    let router = Router::start(&lab)?;
    router.configure(&NEIGHBORS)?;
    let loris = speaker(&lab.nodes[0], &["loris"])?;
    std::thread::sleep(Duration::from_secs(1));
    let mut neighbor = steady(&lab, &router)?;
    drop(loris);
    assert_undisturbed(&mut neighbor, &router, "its own half-finished OPEN");
    Ok(())
}

#[test]
fn a_neighbor_that_also_calls_from_another_address_keeps_its_session() -> Result<()> {
    let lab = Lab::new()?;
    let router = Router::start(&lab)?;
    router.configure(&NEIGHBORS)?;
    lab.nodes[1].ip(&["addr", "add", "192.168.101.222/24", "dev", "eth0"])?;
    let mut two = speaker(&lab.nodes[1], &["two", "192.168.101.222"])?;
    lab.wait_until(SOON, "the stranger is told of", || router.log().contains("192.168.101.222"))?;
    assert_eq!(two.output().trim(), "established", "the session is kept");
    assert!(two.is_running());
    assert_eq!(router.gateways(super::SHOP), ["192.168.101.202"]);
    Ok(())
}
