//! What makes packets go astray in silence is told: in `show balancer` and in the log.

use anyhow::{Result, ensure};
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
