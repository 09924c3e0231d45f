//! What makes packets go astray in silence is told: in `show balancer` and in the log.

use anyhow::{Context as _, Result, ensure};
use scenarios::cluster::SOON;
use scenarios::lab::Lab;
use scenarios::router::Router;

const LINES: &[&str] = &[
    "set balancer interface eth0 hook native",
    "set balancer service web address 203.0.113.80",
    "set balancer service web port 80",
    "set balancer service web mode l2",
    // Behind a cable whose end has neither a program nor GRO; one that is not there; one behind a driver without XDP.
    "set balancer service web backend 192.168.101.201",
    "set balancer service web backend 192.168.101.250",
    "set balancer service web backend 192.0.2.9",
];

#[test]
fn what_goes_astray_is_told_by_the_page_and_the_log_until_it_is_mended() -> Result<()> {
    let lab = Lab::new()?;
    let router = Router::start(&lab)?;
    lab.router.ip(&["link", "add", "br7", "type", "bridge"])?;
    lab.router.ip(&["link", "set", "br7", "up"])?;
    lab.router.ip(&["address", "add", "192.0.2.1/24", "dev", "br7"])?;
    router.configure(LINES)?;
    let wanted = [
        "packets that leave by eth1 are lost: its peer has neither an XDP program nor GRO",
        "packets that leave by br7 are lost: its driver sends none that XDP redirects",
        "the hardware address of 192.168.101.250 on eth1 is not known",
        "do not leave by eth0: its peer has neither an XDP program nor GRO",
        // The daemon of a test mounts it where only its namespace sees it.
        "goes with this daemon",
    ];
    let page = || router.show("show balancer").unwrap_or_default();
    lab.wait_until(SOON, "the page tells all of it", || wanted.iter().all(|words| page().contains(words)))?;
    let log = || router.show("show log").unwrap_or_default();
    lab.wait_until(SOON, "the log tells all of it", || wanted.iter().all(|words| log().contains(words)))?;
    ensure!(page().lines().filter(|line| line.starts_with("Warning: ")).count() >= wanted.len(), "{}", page());

    lab.receive_in_bulk()?;
    let mended = |words: &str| !page().contains(words);
    lab.wait_until(SOON, "what is mended is told no longer", || mended("leave by eth1") && mended("leave by eth0"))?;
    router.configure(&["delete balancer interface eth0 hook", "set balancer interface eth0 hook generic"])?;
    lab.wait_until(SOON, "the generic hook sends by every driver", || mended("leave by br7"))
}

/// How many packets are told of a reason.
fn not_forwarded(router: &Router, reason: &str) -> u64 {
    let told = router.json("show balancer statistics").unwrap_or_default();
    let drops = told["drops"].as_array().into_iter().flatten();
    drops.filter(|drop| drop["reason"] == reason).filter_map(|drop| drop["packets"].as_u64()).sum()
}

#[test]
fn packets_that_drivers_do_not_send_are_counted_and_answers_need_no_program_at_the_other_end() -> Result<()> {
    let lab = Lab::new()?;
    let router = Router::start(&lab)?;
    lab.router.ip(&["link", "add", "br7", "type", "bridge"])?;
    lab.router.ip(&["link", "set", "br7", "up"])?;
    lab.router.ip(&["address", "add", "192.0.2.1/24", "dev", "br7"])?;
    lab.router.ip(&["neighbor", "add", "192.0.2.9", "lladdr", "02:00:00:00:00:09", "dev", "br7"])?;
    let common = &LINES[..4];
    let ping = || lab.client.run("ping", &["-c", "1", "-W", "1", "203.0.113.80"]);
    // A card that takes nothing from XDP, and a cable whose end does not.
    for backend in ["192.0.2.9", "192.168.101.201"] {
        router.configure(&[common, &[&format!("set balancer service web backend {backend}")]].concat())?;
        let before = not_forwarded(&router, "not-sent");
        lab.wait_until(SOON, "what is not sent is counted", || {
            let asked = lab.client.run("python3", &["-c", ASK]);
            asked.is_ok() && not_forwarded(&router, "not-sent") > before
        })?;
        router
            .configure(&[&format!("delete balancer service web backend {backend}"), "delete balancer service web"])?;
    }
    router.configure(&[common, &["set balancer service web backend 192.168.101.201"]].concat())?;
    let before = not_forwarded(&router, "not-sent");
    ensure!(ping()?.status != 0, "nothing arrives at a cable whose end takes nothing");
    ensure!(not_forwarded(&router, "not-sent") > before, "an answer that is not sent is not counted");
    lab.receive_in_bulk()?;
    lab.wait_until(SOON, "an answer arrives by itself", || ping().is_ok_and(|done| done.status == 0))?;
    Ok(())
}

#[test]
fn packets_that_a_driver_has_no_room_for_are_counted() -> Result<()> {
    const ROOM: u64 = 4;
    let lab = Lab::new()?;
    let router = Router::start(&lab)?;
    // A machine that takes nothing from its card: what does not fit the card's queue is lost.
    let machine = lab.router.start("machine", "python3", &["-c", MACHINE])?;
    lab.wait_until(SOON, "the machine has its card", || machine.output().contains("here"))?;
    // The kernel's own packets for the link take room, too.
    lab.router.sysctl("net.ipv6.conf.tap7.disable_ipv6", "1")?;
    lab.router.ip(&["link", "set", "tap7", "up", "txqueuelen", &ROOM.to_string()])?;
    lab.router.ip(&["address", "add", "192.0.2.1/24", "dev", "tap7"])?;
    lab.router.ip(&["neighbor", "add", "192.0.2.9", "lladdr", "02:00:00:00:00:09", "dev", "tap7"])?;
    router.configure(&[&LINES[..4], &["set balancer service web backend 192.0.2.9"]].concat())?;
    let asked = |times: u64| -> Result<()> {
        (0..times).try_for_each(|_| lab.client.run("python3", &["-c", ASK])?.success().map(drop))
    };
    lab.wait_until(SOON, "what finds no room is counted", || {
        asked(1).is_ok() && not_forwarded(&router, "queue-full") > 0
    })?;
    // From now on nothing finds room.
    let before = not_forwarded(&router, "queue-full");
    asked(ROOM)?;
    // What a person says of a hardware address stays, though nobody there answers.
    let neighbor = lab.router.ip(&["neighbor", "show", "192.0.2.9", "dev", "tap7"])?;
    ensure!(neighbor.contains("PERMANENT"), "{neighbor}");
    let told = || not_forwarded(&router, "queue-full").saturating_sub(before);
    lab.wait_until(SOON, "all that found no room is counted", || told() >= ROOM)
        .with_context(|| format!("of {ROOM} packets {} are told", told()))?;
    ensure!(not_forwarded(&router, "not-sent") == 0, "a full queue is not a driver that sends nothing");
    Ok(())
}

/// Holds a card and reads nothing from it.
const MACHINE: &str = r#"
import fcntl, signal, struct
card = open("/dev/net/tun", "r+b", buffering=0)
# TUNSETIFF; IFF_TAP, IFF_NO_PI
fcntl.ioctl(card, 0x400454ca, struct.pack("16sH22x", b"tap7", 0x0002 | 0x1000))
print("here", flush=True)
signal.pause()
"#;

/// The first packet of a connection.
const ASK: &str = r#"
import socket
one = socket.socket()
one.settimeout(0.2)
try:
    one.connect(("203.0.113.80", 80))
except OSError:
    pass
"#;
