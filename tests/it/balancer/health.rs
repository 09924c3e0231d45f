//! Health of every kind, live: who fails, who comes back, what becomes of a service of which nobody is well, and who has to
//! wait.
//!
//! Never judges how fast.

use anyhow::{Result, ensure};
use scenarios::cluster::{Cluster, Farm, SESSIONS, SOON};
use scenarios::lab::{Host, ROUTER};
use scenarios::peers::bfd::{BfdPeer, BfdSession, Watcher};
use scenarios::peers::{Kind, Session, Speaker};

const CHECK: &str = "set balancer learned cluster check";

fn checked(kind: &str) -> Vec<String> {
    let words = [kind, "port 8080", "interval 200", "timeout 200", "rise 2", "fall 3"];
    words
        .iter()
        .filter(|word| kind != "icmp" || !word.starts_with("port"))
        .map(|word| format!("{CHECK} {word}"))
        .collect()
}

fn state(cluster: &Cluster, node: &Host) -> String {
    cluster.states().get(&node.ipv4.to_string()).cloned().unwrap_or_default()
}

#[test]
fn a_node_that_fails_a_check_of_any_kind_gets_no_new_connections_until_it_is_well() -> Result<()> {
    let mut cluster = Cluster::new(3, &[])?;
    let node = cluster.nodes[1].host.clone();
    let echoes = |answered: bool| node.sysctl("net.ipv4.icmp_echo_ignore_all", if answered { "0" } else { "1" });
    for kind in ["http path /healthz", "udp expect node", "icmp"] {
        let lines = checked(kind);
        cluster.router.configure(&lines.iter().map(String::as_str).collect::<Vec<_>>())?;
        cluster.lab.wait_until(SOON, "all are well", || cluster.active() == 3)?;
        let make_well = |cluster: &Cluster, well: bool| {
            if kind == "icmp" { echoes(well) } else { cluster.make_well(1, well) }
        };
        make_well(&cluster, false)?;
        cluster.lab.wait_until(SOON, kind, || state(&cluster, &node) == "unwell" && cluster.active() == 2)?;
        let (shares, failed) = cluster.connections.burst(200)?;
        ensure!(failed == 0 && !shares.contains_key(&node.role), "{kind}: {shares:?}, {failed} failed");
        make_well(&cluster, true)?;
        cluster.lab.wait_until(SOON, kind, || cluster.active() == 3)?;
        let (shares, failed) = cluster.connections.burst(200)?;
        ensure!(failed == 0 && shares.contains_key(&node.role), "{kind}: {shares:?}, {failed} failed");
        cluster.router.configure(&["delete balancer learned cluster check"])?;
    }
    Ok(())
}

#[test]
fn when_nobody_is_well_all_serve_or_the_route_is_withdrawn_as_configured() -> Result<()> {
    let lines = checked("http path /");
    let mut more: Vec<&str> = lines.iter().map(String::as_str).collect();
    let upstream = "set protocols bgp 64512 neighbor 10.9.0.2 remote-as 64600";
    more.extend([upstream, "set protocols bgp 64512 parameters ebgp-requires-policy disable"]);
    let mut cluster = Cluster::new(2, &more)?;
    let client = cluster.lab.client.clone();
    let session = Session::external(&client, 64600);
    let session = Session { local: "10.9.0.2".parse()?, remote: "10.9.0.1".parse()?, ..session };
    let speaker = Speaker::start(&cluster.lab, &client, Kind::Bird, session)?;
    let prefix = cluster.prefix();
    cluster.lab.wait_until(SESSIONS, "the upstream knows the service", || speaker.knows(&prefix))?;
    for node in 0..2 {
        cluster.make_well(node, false)?;
    }
    let told = |cluster: &Cluster| {
        let told = cluster.router.json(&format!("show balancer service {}", cluster.service)).unwrap_or_default();
        told["services"][0]["state"].as_str().unwrap_or_default().to_owned()
    };
    cluster.lab.wait_until(SOON, "nobody is believed to be unwell", || told(&cluster) == "open")?;
    let (shares, failed) = cluster.connections.burst(200)?;
    ensure!(failed == 0 && shares.len() == 2, "{shares:?}, {failed} failed");
    ensure!(speaker.knows(&prefix), "it was withdrawn");
    cluster.router.configure(&["set balancer learned cluster empty withdraw"])?;
    cluster.lab.wait_until(SOON, "it is withdrawn", || told(&cluster) == "withdrawn" && !speaker.knows(&prefix))?;
    cluster.make_well(0, true)?;
    cluster.lab.wait_until(SOON, "it is announced again", || speaker.knows(&prefix) && cluster.active() == 1)?;
    let (shares, failed) = cluster.connections.burst(200)?;
    ensure!(failed == 0 && shares.len() == 1, "{shares:?}, {failed} failed");
    Ok(())
}

#[test]
fn a_new_node_gets_its_share_little_by_little() -> Result<()> {
    let mut cluster = Cluster::new(2, &["set balancer learned cluster slow-start 10"])?;
    cluster.join()?;
    let name = cluster.nodes[2].host.clone();
    let service = cluster.service.to_string();
    let slots = |cluster: &Cluster| cluster.slots_of(&service).get(&name.ipv4.to_string()).copied().unwrap_or_default();
    cluster.lab.wait_until(SESSIONS, "it begins", || slots(&cluster) > 0)?;
    let first = slots(&cluster);
    ensure!(first < 65_537 / 5, "it had {first} slots at once");
    let mut seen = std::collections::BTreeSet::new();
    cluster.lab.wait_until(SESSIONS, "it has its share", || {
        seen.insert(slots(&cluster));
        slots(&cluster) > 21_800
    })?;
    ensure!(seen.len() >= 4, "its share came in these steps: {seen:?}");
    let (shares, failed) = cluster.connections.burst(300)?;
    ensure!(failed == 0 && shares.contains_key(&name.role), "{shares:?}, {failed} failed");
    Ok(())
}

#[test]
fn a_node_that_comes_and_goes_has_to_wait() -> Result<()> {
    let mut cluster = Cluster::new(2, &[])?;
    let node = cluster.nodes[1].host.clone();
    let prefix = cluster.prefix();
    // What happens within two seconds is one departure.
    cluster.lab.wait_until(SESSIONS, "it has to wait", || {
        let told = ["active", "held-off"].contains(&&*state(&cluster, &node));
        let gone = told && cluster.nodes[1].speaker.withdraw(&prefix).is_ok();
        gone && cluster.nodes[1].speaker.announce(&prefix).is_ok() && state(&cluster, &node) == "held-off"
    })?;
    let (shares, failed) = cluster.connections.burst(200)?;
    ensure!(failed == 0 && !shares.contains_key(&node.role), "{shares:?}, {failed} failed");
    cluster.lab.wait_until(SESSIONS, "it has waited", || cluster.active() == 2)
}

#[test]
fn a_new_node_is_held_off_for_as_long_as_configured() -> Result<()> {
    let mut cluster = Cluster::new(2, &["set balancer learned cluster hold-off 4"])?;
    cluster.join()?;
    let node = cluster.nodes[2].host.clone();
    cluster.lab.wait_until(SESSIONS, "it waits", || state(&cluster, &node) == "held-off")?;
    let (shares, failed) = cluster.connections.burst(200)?;
    let waits = state(&cluster, &node) == "held-off";
    ensure!(failed == 0 && (!waits || !shares.contains_key(&node.role)), "{shares:?}, {failed} failed");
    cluster.lab.wait_until(SESSIONS, "it has waited", || cluster.active() == 3)?;
    let (shares, failed) = cluster.connections.burst(200)?;
    ensure!(failed == 0 && shares.contains_key(&node.role), "{shares:?}, {failed} failed");
    Ok(())
}

#[test]
fn a_node_whose_bfd_session_falls_silent_is_dead_long_before_its_hold_time() -> Result<()> {
    let lines = [
        "set protocols bfd profile fast interval transmit 100",
        "set protocols bfd profile fast interval receive 100",
        "set protocols bgp 64512 peer-group nodes bfd profile fast",
        "set protocols bgp 64512 timers holdtime 600",
    ];
    let mut cluster = Cluster::of(Farm::new()?, &lines)?;
    let mut watchers = Vec::new();
    for node in 0..2 {
        cluster.join()?;
        let host = cluster.nodes[node].host.clone();
        let between = BfdSession::between(host.ipv4.into(), ROUTER.into());
        watchers.push(BfdPeer::start(&cluster.lab, &host, Watcher::Bird, BfdSession { interval: 100, ..between })?);
    }
    cluster.lab.wait_until(SESSIONS, "both serve", || cluster.active() == 2 && watchers.iter().all(BfdPeer::is_up))?;
    watchers[1].freeze()?;
    let node = cluster.nodes[1].host.clone();
    cluster.lab.wait_until(SOON, "one is dead", || cluster.active() == 1)?;
    let (shares, failed) = cluster.connections.burst(200)?;
    ensure!(failed == 0 && !shares.contains_key(&node.role), "{shares:?}, {failed} failed");
    Ok(())
}
