//! The long stories of the appliance, for `make test-image`: upgrades that fail, power cuts, cards that change places,
//! disks that are full or damaged, Secure Boot.
//!
//! They never skip: without QEMU, firmware or the packages of the image they fail and say what to do.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test may fail loudly"
)]

mod boot_partition;
mod controllers;
mod cuts;
mod disks;
mod fetched;
mod figures;
mod first;
mod install;
mod routing;
mod secure;
mod services;
mod upgrades;
mod variants;

use anyhow::Result;
use scenarios::appliance::{Machine, Parts, Place};

/// `secret`, as `crypt(3)` keeps it.
const HASH: &str = "$6$towpath$/7YHwwR3RIi7w0k33ed0HUH/rUQ1WiqI15jl7YFP5AwfsTm4NoNH/AkD3kY..uzYC6/5qS2McBkQE7mRT3Cce.";

/// User data with a password, so that the console asks for a name.
fn user_data() -> String {
    format!("#cloud-config\nhostname: edge1\npassword: {HASH}\n")
}

/// A machine on which a person has logged in.
fn logged_in(place: &Place, parts: &Parts) -> Result<Machine> {
    let mut machine = place.boot(parts)?;
    machine.logs_in("towpath", "secret")?;
    Ok(machine)
}
