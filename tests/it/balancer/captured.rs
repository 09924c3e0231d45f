//! What a person sees of packets: as they come, as they go, where they end, and what of it is asked for.

use anyhow::{Context, Result, ensure};
use scenarios::cluster::{Cluster, Farm, SOON};
use scenarios::lab::Process;

/// A command in a shell of its own that goes on until it is interrupted.
fn monitor(cluster: &Cluster, log: &str, command: &str) -> Result<Process> {
    let (shell, socket) = (cluster.router.program("towpath"), cluster.router.path("towpathd.sock"));
    let monitor = cluster.lab.router.start(log, &shell, &["--socket", &socket, "-c", command])?;
    cluster.lab.wait_until(SOON, "it is said what is seen", || monitor.output().contains("Not seen"))?;
    Ok(monitor)
}

/// The lines that tell of packets.
fn packets(monitor: &Process) -> Vec<String> {
    monitor.output().lines().filter(|line| line.contains(" octets, ")).map(str::to_owned).collect()
}

#[test]
fn packets_are_told_as_they_come_and_as_they_go_and_where_they_end() -> Result<()> {
    // In the driver the other test captures.
    let mut cluster = Cluster::of(Farm::new()?, &["set balancer interface eth0 hook tc"])?.filled(2)?;
    let service = cluster.service.to_string();
    let node = cluster.nodes[0].host.clone();
    let mut all = monitor(&cluster, "all", &format!("monitor balancer capture service {service}"))?;
    ensure!(all.output().contains("Packets for services that come by eth0"), "{}", all.output());
    let mut one = monitor(&cluster, "one", &format!("monitor balancer capture backend {}", node.ipv4))?;
    let mut ends = monitor(&cluster, "ends", "monitor balancer capture reason time-exceeded")?;
    let (shares, failed) = cluster.connections.burst(20)?;
    ensure!(failed == 0 && shares.len() == 2, "{shares:?}, {failed} failed");
    // The router is the last hop that this packet may have.
    cluster.lab.client.run("ping", &["-c", "1", "-W", "1", "-t", "1", &service])?;
    let told = |monitor: &Process, words: &str| packets(monitor).iter().filter(|line| line.contains(words)).count();
    cluster.lab.wait_until(SOON, "a packet has ended", || told(&ends, "eth0 not forwarded (time-exceeded)") > 0)?;
    let both = || told(&all, "eth0 in") > 40 && told(&all, "eth1 out") > 40;
    cluster.lab.wait_until(SOON, "packets came and went", both)?;
    ensure!(told(&all, "tcp S,") >= 40, "both moments of each SYN: {}", all.output());
    cluster.lab.wait_until(SOON, "the node's are told", || told(&one, "eth1 out") > 4)?;
    let its = format!(" to {}", node.ipv4);
    ensure!(packets(&one).iter().all(|line| line.ends_with(&its)), "{}", one.output());
    ensure!(told(&ends, " in: ") == 0 && told(&ends, " out: ") == 0, "{}", ends.output());
    for monitor in [&mut all, &mut one, &mut ends] {
        monitor.interrupt(SOON)?;
    }
    Ok(())
}

#[test]
fn what_cannot_be_captured_is_refused_and_a_file_is_read_again() -> Result<()> {
    let mut cluster = Cluster::new(2, &[])?;
    for (words, why) in [
        ("service nowhere", "there is no service nowhere"),
        ("backend 192.0.2.99", "no service has a backend 192.0.2.99"),
        ("backend 192.168.101.201 reason guarded", "goes to no backend"),
        ("reason rain", "rain"),
    ] {
        let refused = cluster.router.cmd(&[&format!("monitor balancer capture {words}")])?;
        ensure!(refused.status != 0 && refused.text().contains(why), "{words}: {}", refused.text());
    }
    let file = cluster.lab.directory().join("web.pcapng").to_string_lossy().into_owned();
    let mut capture = monitor(&cluster, "file", &format!("monitor balancer capture every 2 file {file}"))?;
    let read = |cluster: &Cluster| -> Result<usize> {
        let told = cluster.router.json(&format!("show balancer explain pcap {file}"))?;
        Ok(told["packets"].as_array().context("packets")?.len())
    };
    cluster.connections.burst(50)?;
    cluster.lab.wait_until(SOON, "packets are in the file", || read(&cluster).is_ok_and(|count| count > 20))?;
    capture.interrupt(SOON)?;
    Ok(())
}
