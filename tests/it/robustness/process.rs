//! The process itself: killed at any moment, ended in order, held up, short of descriptors.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use scenarios::lab::{Host, Lab, Process};
use scenarios::router::Router;

use super::{NEIGHBORS, SHOP, SOON, assert_undisturbed, ours, pid, processor_time, steady};

const FOREIGN: &str = "203.0.113.0/24";
/// Routes that every configuration of a test has.
const KEPT: [&str; 3] = ["10.1.0.0/24", "10.1.1.0/24", "10.1.2.0/24"];

/// A foreign route beside ours; nothing may touch it.
fn put_foreign_route(host: &Host) -> Result<()> {
    host.ip(&["route", "add", FOREIGN, "via", "192.168.101.203", "proto", "static"]).map(drop)
}

fn assert_kernel_is_whole(host: &Host, after: &str) -> Result<()> {
    let ours = ours(host)?;
    assert!(KEPT.iter().all(|kept| ours.iter().any(|there| there == kept)), "{after}: {ours:?}");
    assert!(host.ip(&["route", "show", FOREIGN])?.contains("proto static"), "{after}: the foreign route is gone");
    Ok(())
}

/// Numbers that look random and are the same every time.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }
}

/// Each configuration has two leaves that a commit changes together: a mix of two would show.
fn pair_of(running: &str) -> BTreeSet<String> {
    let words = |line: &str| line.split_whitespace().last().unwrap_or_default().trim_matches('\'').to_owned();
    let wanted = |line: &&str| line.contains("router-id") || line.contains("description");
    running.lines().filter(wanted).map(words).collect()
}

#[test]
fn killed_at_any_moment_of_a_commit_the_router_has_the_old_configuration_or_the_new_one() -> Result<()> {
    const ROUNDS: u64 = 60;
    let lab = Lab::new()?;
    let mut router = Router::start(&lab)?;
    put_foreign_route(&lab.router)?;
    let kept: Vec<String> =
        KEPT.iter().map(|route| format!("set protocols static route {route} next-hop 192.168.101.203")).collect();
    let first = [
        "set protocols bgp 64512 parameters router-id 10.0.0.100",
        "set protocols bgp 64512 neighbor 192.168.101.201 remote-as 64512",
        "set protocols bgp 64512 neighbor 192.168.101.201 description 10.0.0.100",
    ];
    let lines: Vec<&str> = kept.iter().map(String::as_str).chain(first).collect();
    router.configure(&lines)?;
    lab.wait_until(SOON, "the kernel has the routes", || ours(&lab.router).is_ok_and(|ours| ours.len() == KEPT.len()))?;
    let mut dice = Dice(7);
    let mut old = "10.0.0.100".to_owned();
    let (mut kept_old, mut kept_new) = (0, 0);
    let end = Instant::now() + Duration::from_secs(60);
    for round in 0..ROUNDS {
        let new = format!("10.0.1.{round}");
        let [id, description, churn] = [
            format!("set protocols bgp 64512 parameters router-id {new}"),
            format!("set protocols bgp 64512 neighbor 192.168.101.201 description {new}"),
            format!(
                "{} protocols static route 10.2.0.0/24 next-hop 192.168.101.203",
                if round % 2 == 0 { "set" } else { "delete" }
            ),
        ];
        let socket = router.path("towpathd.sock");
        let words =
            ["configure", &id, &description, &churn, "commit", "save"].into_iter().flat_map(|word| ["-c", word]);
        let arguments: Vec<&str> = ["--socket", &socket].into_iter().chain(words).collect();
        let mut shell = lab.router.start("shell", &router.program("towpath"), &arguments)?;
        std::thread::sleep(Duration::from_millis(dice.below(120)));
        router.kill9();
        assert_kernel_is_whole(&lab.router, &format!("killed in round {round}"))?;
        shell.wait(SOON)?;
        router.boot(&lab).with_context(|| format!("round {round}"))?;
        let running = router.show("show configuration commands")?;
        let pair = pair_of(&running);
        assert_eq!(pair.len(), 1, "round {round}: a mix: {running}");
        if pair.contains(&new) {
            kept_new += 1;
            old = new;
        } else {
            assert!(pair.contains(&old), "round {round}: neither {old} nor {new}: {running}");
            kept_old += 1;
        }
        assert!(KEPT.iter().all(|route| running.contains(route)), "round {round}: {running}");
        assert_kernel_is_whole(&lab.router, &format!("started again in round {round}"))?;
        if Instant::now() > end {
            break;
        }
    }
    assert!(kept_old > 0 && kept_new > 0, "both happen: {kept_old} old, {kept_new} new");
    assert!(!router.log().contains("damaged"), "the store always opens: {}", router.log());
    Ok(())
}

#[test]
fn an_orderly_end_is_quick_and_leaves_the_routes_for_the_next_daemon() -> Result<()> {
    let lab = Lab::new()?;
    let mut router = Router::start(&lab)?;
    router.configure(&NEIGHBORS)?;
    let mut neighbor = steady(&lab, &router)?;
    put_foreign_route(&lab.router)?;
    let (routes, objects) = (lab.router.ip(&["route"])?, lab.router.ip(&["nexthop"])?);
    router.cmd(&["configure", "set system host-name unsaved", "commit"])?.success()?;
    router.stop()?;
    assert!(!std::fs::exists(router.path("towpathd.sock"))?, "the socket is gone");
    assert_eq!((lab.router.ip(&["route"])?, lab.router.ip(&["nexthop"])?), (routes.clone(), objects.clone()));
    neighbor.wait(SOON)?;
    router.boot(&lab)?;
    assert!(!router.show("show configuration commands")?.contains("unsaved"), "in order: what was saved counts");
    assert_eq!((lab.router.ip(&["route"])?, lab.router.ip(&["nexthop"])?), (routes, objects), "all is adopted");
    let _neighbor = steady(&lab, &router)?;
    lab.wait_until(SOON, "the foreign route is still there", || {
        lab.router.ip(&["route", "show", FOREIGN]).is_ok_and(|route| route.contains("proto static"))
    })
}

#[test]
fn a_crash_brings_the_active_configuration_back_though_it_was_not_saved() -> Result<()> {
    let lab = Lab::new()?;
    let mut router = Router::start(&lab)?;
    router.configure(&NEIGHBORS)?;
    router.cmd(&["configure", "set system host-name unsaved", "commit"])?.success()?;
    router.kill9();
    router.boot(&lab)?;
    assert!(router.show("show configuration commands")?.contains("unsaved"));
    assert!(!router.saved().contains("unsaved"));
    router.stop()?;
    router.boot(&lab)?;
    assert!(!router.show("show configuration commands")?.contains("unsaved"));
    Ok(())
}

#[test]
fn a_daemon_that_was_held_up_for_a_while_loses_no_session() -> Result<()> {
    let lab = Lab::new()?;
    let router = Router::start(&lab)?;
    router.configure(&NEIGHBORS)?;
    let mut neighbor = steady(&lab, &router)?;
    let daemon = pid(&lab.router)?;
    for _ in 0..3 {
        for signal in ["-STOP", "-CONT"] {
            std::process::Command::new("kill").args([signal, &daemon.to_string()]).status()?;
            // The speaker itself gives up on us only by closing; it is the router's timer that is tried.
            std::thread::sleep(if signal == "-STOP" { Duration::from_secs(4) } else { Duration::from_millis(500) });
        }
        assert_undisturbed(&mut neighbor, &router, "a pause");
    }
    Ok(())
}

#[test]
fn a_reader_of_the_log_that_stands_still_does_not_stop_the_router() -> Result<()> {
    let lab = Lab::new()?;
    let router = Router::prepare(&lab)?;
    let [daemon, config, state, socket] =
        [router.program("towpathd"), router.path("config.boot"), router.path("state"), router.path("towpathd.sock")];
    // As much as a pipe holds, and nobody who reads it.
    let program = format!(
        "{{ head -c 65536 /dev/zero; exec {daemon} --config {config} --state-dir {state} --socket {socket} 2>&1; }} | sleep 60"
    );
    let _pipe = lab.router.start("pipe", "sh", &["-c", &program])?;
    lab.wait_until(SOON, "it answers", || router.show("show version").is_ok())?;
    router.configure(&NEIGHBORS)?;
    let daemon = pid(&lab.router)?;
    std::process::Command::new("kill").arg(daemon.to_string()).status()?;
    lab.wait_until(SOON, "it ends in order", || !Path::new(&socket).exists() && pid(&lab.router).is_err())
}

/// Starts the daemon behind `prlimit`.
fn limited(router: &Router, limit: &str) -> Result<Process> {
    let [config, state, socket] = ["config.boot", "state", "towpathd.sock"].map(|name| router.path(name));
    let daemon = router.program("towpathd");
    let limit = format!("--nofile={limit}");
    let arguments = [&limit, &daemon, "--config", &config, "--state-dir", &state, "--socket", &socket];
    router.host().start("towpathd", "prlimit", &arguments)
}

#[test]
fn the_limit_of_descriptors_is_raised_as_far_as_allowed() -> Result<()> {
    let lab = Lab::new()?;
    let router = Router::prepare(&lab)?;
    let daemon = limited(&router, "64:4096")?;
    lab.wait_until(SOON, "it answers", || router.show("show version").is_ok())?;
    let limits = std::fs::read_to_string(format!("/proc/{}/limits", daemon.id()))?;
    let line = limits.lines().find(|line| line.starts_with("Max open files")).unwrap_or_default();
    assert_eq!(line.split_whitespace().filter(|word| *word == "4096").count(), 2, "{line}");
    Ok(())
}

#[test]
fn a_daemon_short_of_descriptors_says_so_and_does_not_spin() -> Result<()> {
    let lab = Lab::new()?;
    let router = Router::prepare(&lab)?;
    let daemon = limited(&router, "64:64")?;
    lab.wait_until(SOON, "it answers", || router.show("show version").is_ok())?;
    router.configure(&NEIGHBORS)?;
    let mut neighbor = steady(&lab, &router)?;
    let crowd: Vec<_> =
        (0..100).filter_map(|_| std::os::unix::net::UnixStream::connect(router.path("towpathd.sock")).ok()).collect();
    lab.wait_until(SOON, "it says so", || daemon.output().contains("descriptors"))?;
    let before = processor_time(daemon.id());
    std::thread::sleep(Duration::from_secs(2));
    let spent = processor_time(daemon.id()) - before;
    assert!(spent < 100, "two seconds of waiting cost {spent} hundredths");
    assert_eq!(router.gateways(SHOP), ["192.168.101.201"]);
    assert!(neighbor.is_running(), "the session goes on: {}", daemon.output());
    drop(crowd);
    lab.wait_until(SOON, "it answers again", || router.show("show version").is_ok())
}
