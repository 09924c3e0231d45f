//! The plan: what has to be done, in which order, to turn one configuration into another.
//!
//! A plan is a list of steps; a step is data that knows its inverse, so that a commit that fails
//! at step k undoes k-1 … 1 and leaves the router as it was. Nothing here does anything.

mod bgp;
mod interfaces;
mod system;

#[cfg(test)]
mod tests;

use std::fmt;

use config::model::Model;
use nouns::{IfName, InterfaceAddress, Prefix};
use rib::world_view::World;

pub use self::bgp::{PeerChange, PeerFate};
pub(crate) use self::bgp::{fate, transport_change};
pub(crate) use self::interfaces::appear;

/// The order of a plan: building goes up, taking down goes down.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Phase {
    System,
    Links,
    Addresses,
    Listener,
    Passwords,
    Routing,
}

/// The settings of a link that a configuration can wish for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkSettings {
    /// Administratively up.
    pub up: bool,
    /// Octets.
    pub mtu: u32,
    /// `ifalias`; empty for none.
    pub alias: String,
}

/// One thing to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Set the host name.
    HostName {
        /// What it is.
        from: Option<String>,
        /// What it shall be; `None` leaves it.
        to: Option<String>,
    },
    /// Set the time zone.
    TimeZone {
        /// What it is.
        from: Option<String>,
        /// What it shall be; `None` means UTC.
        to: Option<String>,
    },
    /// Change a link.
    Link {
        /// Which.
        name: IfName,
        /// What it is.
        from: LinkSettings,
        /// What it shall be.
        to: LinkSettings,
    },
    /// Add or remove an address.
    Address {
        /// On which link.
        name: IfName,
        /// Which.
        address: InterfaceAddress,
        /// Add it, or else remove it.
        add: bool,
    },
    /// Open or close the BGP port.
    Listener {
        /// Open it, or else close it.
        open: bool,
    },
    /// Set, change or remove the TCP MD5 key of connections from a peer or a range.
    Password {
        /// The peers.
        remote: Prefix,
        /// The key that is there.
        from: Option<String>,
        /// The key that shall be there.
        to: Option<String>,
    },
    /// Hand the routes and peers of the new model to the routing engine, which cannot refuse them.
    Routing,
}

impl Step {
    /// The step that undoes this one.
    #[must_use]
    pub fn inverse(&self) -> Self {
        match self.clone() {
            Self::HostName { from, to } => Self::HostName { from: to, to: from },
            Self::TimeZone { from, to } => Self::TimeZone { from: to, to: from },
            Self::Link { name, from, to } => Self::Link { name, from: to, to: from },
            Self::Address { name, address, add } => Self::Address { name, address, add: !add },
            Self::Listener { open } => Self::Listener { open: !open },
            Self::Password { remote, from, to } => Self::Password { remote, from: to, to: from },
            Self::Routing => Self::Routing,
        }
    }

    fn phase(&self) -> Phase {
        match self {
            Self::HostName { .. } | Self::TimeZone { .. } => Phase::System,
            Self::Link { .. } => Phase::Links,
            Self::Address { .. } => Phase::Addresses,
            Self::Listener { .. } => Phase::Listener,
            Self::Password { .. } => Phase::Passwords,
            Self::Routing => Phase::Routing,
        }
    }

    /// Whether the step takes something away, which comes before anything is built.
    fn takes_down(&self) -> bool {
        match self {
            Self::Address { add, .. } => !add,
            Self::Listener { open } => !open,
            Self::Password { to, .. } => to.is_none(),
            Self::HostName { .. } | Self::TimeZone { .. } | Self::Link { .. } | Self::Routing => false,
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::HostName { to: Some(to), .. } => write!(f, "set the host name to {to}"),
            Self::HostName { to: None, .. } => f.write_str("leave the host name to the system"),
            Self::TimeZone { to, .. } => write!(f, "set the time zone to {}", to.as_deref().unwrap_or("UTC")),
            Self::Link { name, from, to } => {
                write!(f, "change link {name}:")?;
                if from.up != to.up {
                    write!(f, " {}", if to.up { "up" } else { "down" })?;
                }
                if from.mtu != to.mtu {
                    write!(f, " mtu {} -> {}", from.mtu, to.mtu)?;
                }
                if from.alias != to.alias {
                    write!(f, " description \"{}\"", to.alias)?;
                }
                Ok(())
            }
            Self::Address { name, address, add: true } => write!(f, "add address {address} to {name}"),
            Self::Address { name, address, add: false } => write!(f, "remove address {address} from {name}"),
            Self::Listener { open: true } => f.write_str("open TCP port 179"),
            Self::Listener { open: false } => f.write_str("close TCP port 179"),
            Self::Password { remote, to: Some(_), .. } => write!(f, "set the TCP MD5 key of {remote}"),
            Self::Password { remote, to: None, .. } => write!(f, "remove the TCP MD5 key of {remote}"),
            Self::Routing => f.write_str("apply routes and neighbors"),
        }
    }
}

/// The steps from one model to another, given what the kernel has now.
///
/// What the world already satisfies is no step, so that undoing never takes away what was there before.
#[must_use]
pub fn plan(old: &Model, new: &Model, world: &World) -> Vec<Step> {
    let mut steps = Vec::new();
    system::plan(&old.system, &new.system, &mut steps);
    interfaces::plan(&old.interfaces, &new.interfaces, world, &mut steps);
    bgp::plan(old.bgp.as_ref(), new.bgp.as_ref(), &mut steps);
    if old.bgp != new.bgp || old.static_routes != new.static_routes {
        steps.push(Step::Routing);
    }
    steps.sort_by_key(|step| {
        let phase = step.phase() as u8;
        if step.takes_down() { (0, u8::MAX - phase) } else { (1, phase) }
    });
    steps
}

/// What a change of configuration does to each neighbor that exists before and after.
#[must_use]
pub fn peer_changes(old: &Model, new: &Model, router_ids: (std::net::Ipv4Addr, std::net::Ipv4Addr)) -> Vec<PeerChange> {
    bgp::changes(old.bgp.as_ref(), new.bgp.as_ref(), router_ids)
}
