//! The balancer as a filter of traffic control, which is what Linux has before 6.6: beside filters of others, with questions
//! about health on the way of packets, over the life of daemons, and gone without a trace.

use anyhow::{Result, ensure};
use scenarios::cluster::{Cluster, Farm, SESSIONS};
use scenarios::lab::{Host, Lab};
use scenarios::router::Router;

const HOOK: &str = "set balancer interface eth0 hook clsact";
/// What takes all packets that come to it, and has no deed.
const FOREIGN: &[&str] = &["pref", "300", "protocol", "ip", "u32", "match", "u32", "0", "0", "flowid", "1:1"];

fn tc(host: &Host, arguments: &[&str]) -> Result<String> {
    host.run("tc", arguments)?.success()
}

fn add(host: &Host, filter: &[&str]) -> Result<String> {
    tc(host, &[&["filter", "add", "dev", "eth0", "ingress"], filter].concat())
}

/// How many filters are told of with this word.
fn filters(host: &Host, link: &str, way: &str, word: &str) -> Result<usize> {
    Ok(tc(host, &["filter", "show", "dev", link, way])?.lines().filter(|line| line.contains(word)).count())
}

#[test]
fn a_filter_stands_beside_those_of_others_outlives_daemons_and_goes_with_the_balancer() -> Result<()> {
    let farm = Farm::new()?;
    let host = farm.lab.router.clone();
    tc(&host, &["qdisc", "add", "dev", "eth0", "clsact"])?;
    add(&host, FOREIGN)?;
    let check = "set balancer learned cluster check";
    let lines = ["tcp", "port 8080", "interval 200", "timeout 200", "rise 2", "fall 3"];
    let mut lines: Vec<String> = lines.iter().map(|words| format!("{check} {words}")).collect();
    lines.insert(0, HOOK.to_owned());
    let mut cluster = Cluster::of(farm, &lines.iter().map(String::as_str).collect::<Vec<_>>())?.filled(2)?;
    let stands = || -> Result<()> {
        ensure!(filters(&host, "eth0", "ingress", "towpath_tc")? == 1, "it is not there");
        ensure!(filters(&host, "eth1", "egress", "towpath_probe")? == 1, "questions do not take the way of packets");
        ensure!(filters(&host, "eth0", "ingress", "u32 chain")? > 0, "another's filter is gone");
        Ok(())
    };
    stands()?;
    let page = cluster.router.json("show balancer")?;
    ensure!(page["interfaces"][0]["hook"] == "clsact", "{page}");
    cluster.connections.open(200)?;
    cluster.stop_server(0);
    cluster.lab.wait_until(SESSIONS, "a node is unwell", || cluster.active() == 1)?;
    cluster.start_server(0)?;
    cluster.lab.wait_until(SESSIONS, "it is well again", || cluster.active() == 2)?;

    cluster.router.kill9();
    let (shares, failed) = cluster.connections.burst(100)?;
    ensure!(failed == 0 && shares.len() == 2, "the daemon is gone: {shares:?}, {failed} failed");
    cluster.router.boot(&cluster.farm.lab)?;
    cluster.lab.wait_until(SESSIONS, "all serve again", || cluster.active() == 2)?;
    stands()?;
    let (shares, failed) = cluster.connections.burst(100)?;
    ensure!(failed == 0 && shares.len() == 2, "the daemon is back: {shares:?}, {failed} failed");

    cluster.router.configure(&["set balancer interface eth0 hook tc"])?;
    ensure!(filters(&host, "eth0", "ingress", "towpath_tc")? == 0, "it is in two places");
    cluster.router.configure(&["set balancer interface eth0 hook clsact"])?;
    stands()?;
    cluster.router.configure(&["delete balancer"])?;
    for (link, way) in [("eth0", "ingress"), ("eth0", "egress"), ("eth1", "egress")] {
        ensure!(filters(&host, link, way, "towpath")? == 0, "a filter is left at the {way} of {link}");
    }
    ensure!(filters(&host, "eth0", "ingress", "u32 chain")? > 0, "another's filter is gone");
    ensure!(tc(&host, &["qdisc", "show", "dev", "eth0"])?.contains("clsact"), "another's queue is gone");
    ensure!(!tc(&host, &["qdisc", "show", "dev", "eth1"])?.contains("clsact"), "a queue of ours is left");
    Ok(())
}

#[test]
fn where_another_has_its_place_the_commit_is_refused_and_the_other_stays() -> Result<()> {
    let lab = Lab::new()?;
    let router = Router::start(&lab)?;
    let host = &lab.router;
    let lines = ["configure", HOOK, "set balancer learned cluster prefix 172.16.0.0/16", "commit", "exit discard"];
    tc(host, &["qdisc", "add", "dev", "eth0", "ingress"])?;
    let said = router.cmd(&lines)?.text();
    ensure!(said.contains("another queue for what comes sits there already"), "{said}");
    ensure!(tc(host, &["qdisc", "show", "dev", "eth0"])?.contains("ingress"), "another's queue is gone");
    tc(host, &["qdisc", "del", "dev", "eth0", "ingress"])?;

    tc(host, &["qdisc", "add", "dev", "eth0", "clsact"])?;
    add(host, &[&["pref", "200"], &FOREIGN[2..]].concat())?;
    let said = router.cmd(&lines)?.text();
    ensure!(said.contains("another filter has its priority and handle"), "{said}");
    ensure!(filters(host, "eth0", "ingress", "u32 chain")? > 0, "another's filter is gone");
    ensure!(!router.show("show configuration commands")?.contains("balancer"), "something is left");
    Ok(())
}
