//! Neighbors that cannot be reached yet: they are called as soon as they can, and not when a timer says so.
//!
//! The timer takes ten minutes here, longer than a test waits, and the node never calls by itself.

use std::net::IpAddr;
use std::time::Duration;

use anyhow::Result;
use scenarios::lab::{Lab, ROUTER, ROUTER6};
use scenarios::peers::{Kind, Session, Speaker};
use scenarios::router::Router;

use crate::sessions::SESSIONS;

const SOON: Duration = Duration::from_secs(15);

/// What `show ip bgp neighbors` says of a neighbor.
fn told(router: &Router, neighbor: IpAddr) -> String {
    router.show(&format!("show ip bgp neighbors {neighbor}")).unwrap_or_default()
}

#[test]
fn a_neighbor_is_called_when_the_router_s_address_is_there_and_may_be_used() -> Result<()> {
    let lab = Lab::new()?;
    let router = Router::start(&lab)?;
    let node = &lab.nodes[0];
    for (session, own) in [
        (Session::internal(node), format!("{ROUTER}/24")),
        // The kernel asks for a second or two whether somebody else has it.
        (Session::internal(node).over_ipv6(node), format!("{ROUTER6}/64")),
    ] {
        let neighbor = session.local;
        let mut speaker = Speaker::start(&lab, node, Kind::Bird, session.saying(&["passive yes"]))?;
        lab.router.ip(&["addr", "del", &own, "dev", "eth1"])?;
        router.configure(&[
            "set protocols bgp 64512 parameters router-id 192.168.101.1",
            &format!("set protocols bgp 64512 neighbor {neighbor} remote-as 64512"),
            &format!("set protocols bgp 64512 neighbor {neighbor} timers connect 600"),
        ])?;
        lab.wait_until(SOON, "the first call has failed", || {
            told(&router, neighbor).contains("The last call failed: Network is unreachable")
        })?;
        assert!(!router.is_established(neighbor));
        lab.router.ip(&["addr", "add", &own, "dev", "eth1"])?;
        lab.wait_until(SESSIONS, "the session is up", || router.is_established(neighbor))?;
        speaker.stop()?;
    }
    Ok(())
}
