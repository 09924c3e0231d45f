//! What tests with other vendors' speakers begin with, and how they tell that nobody lost a session.
//!
//! Never configures the router.

use std::net::IpAddr;
use std::time::Duration;

use anyhow::Result;
use scenarios::lab::{Host, Lab};
use scenarios::peers::{Kind, Session, Speaker};
use scenarios::router::Router;

/// How long sessions may take to come up.
pub(crate) const SESSIONS: Duration = Duration::from_secs(40);
const SOON: Duration = Duration::from_secs(15);

/// A speaker whose session with the router is up.
pub(crate) fn up(lab: &Lab, router: &Router, node: &Host, kind: Kind, session: Session) -> Result<Speaker> {
    let address = session.local;
    let speaker = Speaker::start(lab, node, kind, session)?;
    lab.wait_until(SESSIONS, &format!("{kind:?} is established"), || router.is_established(address))?;
    Ok(speaker)
}

/// GoBGP with graceful restart on each node, all of which announce a prefix; the kernel has a leg for each.
pub(crate) fn all_serve(lab: &Lab, router: &Router, prefix: &str) -> Result<Vec<Speaker>> {
    let mut speakers = Vec::new();
    for node in &lab.nodes {
        let session = Session { graceful_restart: true, ..Session::internal(node) };
        let speaker = up(lab, router, node, Kind::Gobgp, session)?;
        speaker.announce(prefix)?;
        speakers.push(speaker);
    }
    let legs = lab.nodes.len();
    lab.wait_until(SOON, "the kernel has a leg for each node", || router.gateways(prefix).len() == legs)?;
    Ok(speakers)
}

/// How often the session with a neighbor was established.
pub(crate) fn established(router: &Router, address: IpAddr) -> Result<String> {
    let said = router.show(&format!("show ip bgp neighbors {address}"))?;
    Ok(said.lines().find(|line| line.contains("Connections established")).unwrap_or_default().trim().to_owned())
}
