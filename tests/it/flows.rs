//! What flows over a session with other speakers: several paths of a prefix, limits, aggregates, refreshes.
//!
//! Nothing of it may cost a session that the RFCs do not cost.

mod aggregates;
mod damping;
mod foreign;
mod limits;
mod refresh;
mod several;

use std::net::IpAddr;
use std::time::Duration;

use anyhow::Result;
use scenarios::lab::{Host, Lab};
use scenarios::peers::{Kind, Session, Speaker};
use scenarios::router::Router;

use crate::sessions::{SESSIONS, established, up};

const SOON: Duration = Duration::from_secs(10);
const SHOP: &str = "172.16.102.229/32";
