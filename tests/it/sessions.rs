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

/// A speaker whose session with the router is up.
pub(crate) fn up(lab: &Lab, router: &Router, node: &Host, kind: Kind, session: Session) -> Result<Speaker> {
    let address = session.local;
    let speaker = Speaker::start(lab, node, kind, session)?;
    lab.wait_until(SESSIONS, &format!("{kind:?} is established"), || router.is_established(address))?;
    Ok(speaker)
}

/// How often the session with a neighbor was established.
pub(crate) fn established(router: &Router, address: IpAddr) -> Result<String> {
    let said = router.show(&format!("show ip bgp neighbors {address}"))?;
    Ok(said.lines().find(|line| line.contains("Connections established")).unwrap_or_default().trim().to_owned())
}
