//! What flows over a session with other speakers: several paths of a prefix, limits, aggregates, refreshes.
//!
//! Nothing of it may cost a session that the RFCs do not cost.

mod aggregates;
mod limits;
mod refresh;
mod several;

use std::net::IpAddr;
use std::time::Duration;

use anyhow::Result;
use scenarios::lab::{Host, Lab};
use scenarios::peers::{Kind, Session, Speaker};
use scenarios::router::Router;

const SESSIONS: Duration = Duration::from_secs(40);
const SOON: Duration = Duration::from_secs(10);
const SHOP: &str = "172.16.102.229/32";

/// A speaker whose session with the router is up.
fn up(lab: &Lab, router: &Router, node: &Host, kind: Kind, session: Session) -> Result<Speaker> {
    let address = session.local;
    let speaker = Speaker::start(lab, node, kind, session)?;
    lab.wait_until(SESSIONS, &format!("{kind:?} is established"), || router.is_established(address))?;
    Ok(speaker)
}

/// How often the session with a neighbor was established.
fn established(router: &Router, address: IpAddr) -> Result<String> {
    let said = router.show(&format!("show ip bgp neighbors {address}"))?;
    Ok(said.lines().find(|line| line.contains("Connections established")).unwrap_or_default().trim().to_owned())
}
