//! The walk-through of the README, word for word, on real GoBGP nodes and the real kernel.
//!
//! Each test tells one thing that an operator sees happen: services come, nodes leave, the daemon dies, the router
//! reboots.

use std::net::IpAddr;
use std::time::Duration;

use anyhow::Result;
use scenarios::lab::{Lab, SHOP, WebServer};
use scenarios::peers::{Kind, Session, Speaker};
use scenarios::router::Router;

/// GoBGP tries to connect every 5 to 10 seconds, and rests 5 seconds after a reset.
const SESSIONS: Duration = Duration::from_secs(40);
/// For what follows a message at once.
const SOON: Duration = Duration::from_secs(5);

const SHOP_PREFIX: &str = "172.16.102.229/32";
const SECOND_PREFIX: &str = "172.16.101.10/32";

const CONFIGURE: &str = "\
configure
set protocols bgp 64512 parameters router-id 192.168.101.1
set protocols bgp 64512 neighbor 192.168.101.201 remote-as 64512
set protocols bgp 64512 neighbor 192.168.101.202 remote-as 64512
set protocols bgp 64512 neighbor 192.168.101.203 remote-as 64512
commit; save
exit
";

const SHOW: &str = "\
show ip bgp summary
show ip bgp
show ip route
";

/// The three nodes with their sessions and both services announced, and the router that was configured by typing.
struct Scene {
    speakers: Vec<Speaker>,
    router: Router,
    lab: Lab,
}

impl Scene {
    fn new(graceful_restart: bool) -> Result<Self> {
        let lab = Lab::new()?;
        let router = Router::start(&lab)?;
        router.script(CONFIGURE)?.success()?;
        let mut speakers = Vec::new();
        for node in &lab.nodes {
            let session = Session { graceful_restart, ..Session::internal(node) };
            let speaker = Speaker::start(&lab, node, Kind::Gobgp, session)?;
            speaker.announce(SHOP_PREFIX)?;
            speaker.announce(SECOND_PREFIX)?;
            speakers.push(speaker);
        }
        let scene = Self { speakers, router, lab };
        scene.wait_for_all()?;
        Ok(scene)
    }

    fn wait_for_all(&self) -> Result<()> {
        for node in &self.lab.nodes {
            let address = IpAddr::from(node.ipv4);
            self.lab.wait_until(SESSIONS, &format!("{} is established", node.role), || {
                self.router.is_established(address)
            })?;
        }
        self.wait_for(SHOP_PREFIX, &[201, 202, 203])?;
        self.wait_for(SECOND_PREFIX, &[201, 202, 203])
    }

    /// Waits until the kernel has exactly these nodes as next hops.
    fn wait_for(&self, prefix: &str, nodes: &[u8]) -> Result<()> {
        self.wait_at_most(SOON, prefix, nodes)
    }

    fn wait_at_most(&self, deadline: Duration, prefix: &str, nodes: &[u8]) -> Result<()> {
        let expected: Vec<_> = nodes.iter().map(|last| format!("192.168.101.{last}")).collect();
        let what = format!("the kernel has {prefix} over {expected:?}");
        self.lab.wait_until(deadline, &what, || self.router.gateways(prefix) == expected)
    }
}

fn the_walk_through(graceful_restart: bool) -> Result<()> {
    let scene = Scene::new(graceful_restart)?;
    let Scene { speakers, router, lab } = &scene;
    let shown = router.script(SHOW)?.success()?;
    for last in [201, 202, 203] {
        let neighbor = format!("192.168.101.{last}");
        let row = shown.lines().find(|line| line.starts_with(&neighbor)).expect("a row of the summary");
        assert_eq!(row.split_whitespace().nth(9), Some("2"), "the prefixes received: {row}");
        let paths = shown.lines().filter(|line| line.contains(&format!(" {neighbor} ")) && line.ends_with('i')).count();
        assert_eq!(paths, 2, "{neighbor} is a path of both prefixes: {shown}");
        assert!(shown.contains(&format!("via {neighbor}, eth1")), "{neighbor} is a next hop of a route: {shown}");
    }
    for prefix in [SHOP_PREFIX, SECOND_PREFIX] {
        let route = router.kernel_route(prefix)?.expect("the kernel has the prefix");
        assert_eq!(route.legs.len(), 3, "{route:?}");
        assert!(route.object.is_some(), "the route points to a next-hop object: {route:?}");
        assert!(route.legs.iter().all(|leg| leg.interface == "eth1"), "{route:?}");
    }

    let mut servers = lab.nodes.iter().map(WebServer::start).collect::<Result<Vec<_>>>()?;
    for server in &mut servers {
        lab.wait_until(SOON, "the web server listens", || server.is_listening().unwrap())?;
    }
    let answers = lab.client.ask_web(SHOP.into(), 60)?;
    let names: Vec<_> = answers.keys().map(String::as_str).collect();
    assert_eq!(names, ["node1", "node2", "node3"], "every node answers and nothing else does: {answers:?}");

    speakers[0].withdraw(SHOP_PREFIX)?;
    scene.wait_for(SHOP_PREFIX, &[202, 203])?;
    scene.wait_for(SECOND_PREFIX, &[201, 202, 203])?;
    let answers = lab.client.ask_web(SHOP.into(), 30)?;
    assert!(answers.keys().eq(["node2", "node3"]), "the node that withdrew is asked no more: {answers:?}");

    for speaker in &speakers[1..] {
        speaker.withdraw(SHOP_PREFIX)?;
    }
    lab.wait_until(SOON, "the route is gone", || router.kernel_route(SHOP_PREFIX).is_ok_and(|route| route.is_none()))?;
    scene.wait_for(SECOND_PREFIX, &[201, 202, 203])
}

#[test]
fn the_walk_through_works_word_for_word() -> Result<()> {
    the_walk_through(false)
}

#[test]
fn the_walk_through_works_with_graceful_restart() -> Result<()> {
    the_walk_through(true)
}

#[test]
fn a_node_killed_without_a_word_leaves_when_the_hold_timer_ends() -> Result<()> {
    let lab = Lab::new()?;
    let router = Router::start(&lab)?;
    router.script(CONFIGURE)?.success()?;
    router.configure(&["set protocols bgp 64512 neighbor 192.168.101.202 timers holdtime 3"])?;
    let mut speakers = Vec::new();
    for node in &lab.nodes {
        let speaker = Speaker::start(&lab, node, Kind::Gobgp, Session::internal(node))?;
        speaker.announce(SHOP_PREFIX)?;
        speakers.push(speaker);
    }
    let scene = Scene { speakers, router, lab };
    scene.wait_at_most(SESSIONS, SHOP_PREFIX, &[201, 202, 203])?;
    scene.speakers[1].die()?;
    scene.wait_at_most(Duration::from_secs(10), SHOP_PREFIX, &[201, 203])?;
    let neighbors = scene.router.show("show ip bgp neighbors 192.168.101.202")?;
    assert!(neighbors.to_lowercase().contains("hold"), "the reason is told: {neighbors}");
    Ok(())
}

/// A node's routes outlive its session where nobody else offers them; where others do, packets go to those that
/// are known to live (a dead node looks just like one that restarts).
#[test]
fn a_graceful_node_that_restarts_keeps_what_only_it_has() -> Result<()> {
    let mut scene = Scene::new(true)?;
    scene.speakers[2].announce("172.16.103.3/32")?;
    scene.wait_for("172.16.103.3/32", &[203])?;
    scene.speakers[2].kill9();
    let node = &scene.lab.nodes[2];
    let down = || !scene.router.is_established(node.ipv4.into());
    scene.lab.wait_until(SOON, "the router has seen it go", down)?;
    scene.wait_for(SHOP_PREFIX, &[201, 202])?;
    assert_eq!(scene.router.gateways("172.16.103.3/32"), ["192.168.101.203"], "the stale path forwards");
    let session = Session { graceful_restart: true, ..Session::internal(node) };
    let speaker = Speaker::start(&scene.lab, node, Kind::Gobgp, session)?;
    speaker.announce(SECOND_PREFIX)?;
    scene.wait_at_most(SESSIONS, "172.16.103.3/32", &[])?;
    scene.wait_for(SECOND_PREFIX, &[201, 202, 203])
}

/// Kills the daemon with -9 while the client pings the service every 5 ms, and starts it again. Meanwhile node 3
/// takes its announcement back: its next hop is stale and must be swept, though nobody tells the new daemon.
fn killed_and_started_again(graceful_restart: bool) -> Result<()> {
    let mut scene = Scene::new(graceful_restart)?;
    let before = scene.router.kernel_route(SHOP_PREFIX)?;
    let mut ping = scene.lab.client.start("ping", "ping", &["-q", "-i", "0.005", &SHOP.to_string()])?;
    scene.router.kill9();
    assert_eq!(scene.router.kernel_route(SHOP_PREFIX)?, before, "the routes outlive the daemon");
    scene.speakers[2].withdraw(SHOP_PREFIX)?;
    scene.router.boot(&scene.lab)?;
    assert_eq!(scene.router.gateways(SHOP_PREFIX).len(), 3, "the routes are adopted");
    scene.wait_at_most(SESSIONS, SHOP_PREFIX, &[201, 202])?;
    scene.wait_at_most(SESSIONS, SECOND_PREFIX, &[201, 202, 203])?;
    ping.interrupt(SOON)?;
    let (sent, received) = ping_counts(&ping.output()).expect("ping's last words");
    assert!(sent > 200, "the stream was a stream: {}", ping.output());
    assert_eq!(sent, received, "not one packet is lost: {}", ping.output());
    Ok(())
}

#[test]
fn the_daemon_killed_and_started_again_loses_no_packet() -> Result<()> {
    killed_and_started_again(false)
}

#[test]
fn the_daemon_killed_and_started_again_loses_no_packet_with_graceful_restart() -> Result<()> {
    killed_and_started_again(true)
}

#[test]
fn a_reboot_brings_everything_back_by_itself() -> Result<()> {
    let mut scene = Scene::new(false)?;
    assert!(scene.router.saved().contains("neighbor 192.168.101.203"), "{}", scene.router.saved());
    scene.router.stop()?;
    scene.lab.reboot_router()?;
    assert_eq!(scene.router.gateways(SHOP_PREFIX), [""; 0], "a rebooted kernel is empty");
    scene.router.boot(&scene.lab)?;
    scene.wait_at_most(SESSIONS, SHOP_PREFIX, &[201, 202, 203])?;
    let answers = scene.lab.client.run("ping", &["-c", "1", "-W", "2", &SHOP.to_string()])?;
    answers.success()?;
    Ok(())
}

/// How many packets ping has sent and received.
fn ping_counts(output: &str) -> Option<(u64, u64)> {
    let line = output.lines().find(|line| line.contains("packets transmitted"))?;
    let mut numbers = line.split(|c: char| !c.is_ascii_digit()).filter_map(|word| word.parse().ok());
    Some((numbers.next()?, numbers.next()?))
}
