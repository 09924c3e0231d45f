//! The plan: what has to be done, in which order, to turn one configuration into another.
//!
//! A plan is a list of steps; a step is data that knows its inverse, so that a commit that fails
//! at step k undoes k-1 … 1 and leaves the router as it was. Nothing here does anything.

mod balancer;
mod bgp;
mod describe;
mod interfaces;
mod neighbors;
mod settings;
mod system;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::net::IpAddr;

use bpf_tables::wish::Hook;
use config::model::Model;
use config::model::key_chain::Secret;
use nouns::{IfName, InterfaceAddress, MacAddress, Prefix};
use rib::world::{BridgeSettings, VirtualLink};
use rib::world_view::World;

pub(crate) use self::balancer::links;
pub use self::bgp::{PeerChange, PeerFate, PeerName, Refresh};
pub(crate) use self::bgp::{Side, fate, transport_change, unless_equal};
pub(crate) use self::interfaces::{appear, fits, kind_word};
pub(crate) use self::neighbors::link_of;
pub use self::settings::{Setting, Table};
pub use self::system::{AccountChange, Held, Program, SystemFile};
pub(crate) use self::system::{give_back, programs};

/// The order of a plan: building goes up, taking down goes down.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Phase {
    System,
    Accounts,
    Files,
    /// Bridges and dummies.
    Devices,
    Links,
    /// VLANs rest on links, and on their size.
    Vifs,
    VifLinks,
    Ports,
    Settings,
    Addresses,
    Neighbors,
    Sysctls,
    /// Programs that listen on addresses find them there.
    Services,
    /// A kernel that refuses its program says so before anything of the routing changes.
    Balancer,
    Listener,
    Secrets,
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
    /// The hardware address; `None` for none, or for one that the kernel shall choose.
    pub mac: Option<MacAddress>,
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
    /// Change an account.
    Account {
        /// Whose.
        user: String,
        /// What of it.
        change: AccountChange,
    },
    /// Write a file of the system.
    File {
        /// Which.
        file: SystemFile,
        /// What stands in it.
        from: Option<String>,
        /// What shall stand in it; `None` gives it back as it was before it was named.
        to: Option<String>,
    },
    /// Set a setting of the kernel.
    Sysctl {
        /// Which, with dots.
        name: String,
        /// What it is.
        from: Option<String>,
        /// What it shall be; `None` for what it was before it was named.
        to: Option<String>,
    },
    /// Make or delete a link.
    Device {
        /// Its name.
        name: IfName,
        /// What it is.
        device: VirtualLink,
        /// What it has from the beginning, or had at its end.
        settings: LinkSettings,
        /// Make it, or else delete it.
        create: bool,
    },
    /// Change how a bridge works.
    Bridge {
        /// Which.
        name: IfName,
        /// How it works.
        from: BridgeSettings,
        /// How it shall work.
        to: BridgeSettings,
    },
    /// Make a link a port of a bridge, or take it out.
    Port {
        /// The link.
        name: IfName,
        /// The bridge.
        bridge: IfName,
        /// Put it in, or else take it out.
        join: bool,
    },
    /// Change a kernel setting of a link.
    Setting {
        /// The link.
        name: IfName,
        /// The setting.
        setting: Setting,
        /// What the old configuration wants; `None` for what new links get.
        from: Option<String>,
        /// What the new one wants.
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
    /// Say which hardware address a host on a link has, or take that back.
    Neighbor {
        /// The link.
        name: IfName,
        /// The host.
        host: IpAddr,
        /// What was said.
        from: Option<MacAddress>,
        /// What shall be said; `None` lets the kernel ask.
        to: Option<MacAddress>,
    },
    /// Load the balancer's programs where they are not, and put them on these links and on no others.
    Balancer {
        /// The links that it is on, and how.
        from: BTreeMap<IfName, Hook>,
        /// The links that it shall be on.
        to: BTreeMap<IfName, Hook>,
    },
    /// Open or close the BGP port.
    Listener {
        /// Open it, or else close it.
        open: bool,
    },
    /// Set, change or remove what connections from a peer or a range are signed with.
    Secret {
        /// The peers.
        remote: Prefix,
        /// What is there.
        from: Option<Secret>,
        /// What shall be there.
        to: Option<Secret>,
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
            Self::Device { name, device, settings, create } => Self::Device { name, device, settings, create: !create },
            Self::Bridge { name, from, to } => Self::Bridge { name, from: to, to: from },
            Self::Port { name, bridge, join } => Self::Port { name, bridge, join: !join },
            Self::Setting { name, setting, from, to } => Self::Setting { name, setting, from: to, to: from },
            Self::Account { user, change } => Self::Account { user, change: change.inverse() },
            Self::File { file, from, to } => Self::File { file, from: to, to: from },
            Self::Sysctl { name, from, to } => Self::Sysctl { name, from: to, to: from },
            Self::Link { name, from, to } => Self::Link { name, from: to, to: from },
            Self::Address { name, address, add } => Self::Address { name, address, add: !add },
            Self::Neighbor { name, host, from, to } => Self::Neighbor { name, host, from: to, to: from },
            Self::Balancer { from, to } => Self::Balancer { from: to, to: from },
            Self::Listener { open } => Self::Listener { open: !open },
            Self::Secret { remote, from, to } => Self::Secret { remote, from: to, to: from },
            Self::Routing => Self::Routing,
        }
    }

    /// The link that the step is about.
    #[must_use]
    pub fn link(&self) -> Option<&IfName> {
        match self {
            Self::Device { name, .. }
            | Self::Bridge { name, .. }
            | Self::Port { name, .. }
            | Self::Setting { name, .. }
            | Self::Link { name, .. }
            | Self::Address { name, .. }
            | Self::Neighbor { name, .. } => Some(name),
            Self::HostName { .. }
            | Self::TimeZone { .. }
            | Self::Account { .. }
            | Self::File { .. }
            | Self::Sysctl { .. }
            | Self::Balancer { .. }
            | Self::Listener { .. }
            | Self::Secret { .. }
            | Self::Routing => None,
        }
    }

    /// Whether no route and no session waits for it at a start; the programs that it takes can be slow.
    #[must_use]
    pub fn can_wait(&self) -> bool {
        match self {
            Self::HostName { .. } | Self::TimeZone { .. } | Self::Account { .. } => true,
            // An address may come of it.
            Self::File { file, .. } => file.program() != Some(Program::Dhcp),
            _ => false,
        }
    }

    fn phase(&self) -> Phase {
        match self {
            Self::HostName { .. } | Self::TimeZone { .. } => Phase::System,
            Self::Device { device: VirtualLink::Vif { .. }, .. } => Phase::Vifs,
            Self::Device { .. } => Phase::Devices,
            Self::Link { name, .. } if name.is_vif() => Phase::VifLinks,
            Self::Link { .. } | Self::Bridge { .. } => Phase::Links,
            Self::Port { .. } => Phase::Ports,
            Self::Setting { .. } => Phase::Settings,
            Self::Account { .. } => Phase::Accounts,
            Self::File { file, .. } if file.program().is_some() => Phase::Services,
            Self::File { .. } => Phase::Files,
            Self::Sysctl { .. } => Phase::Sysctls,
            Self::Address { .. } => Phase::Addresses,
            Self::Neighbor { .. } => Phase::Neighbors,
            Self::Balancer { .. } => Phase::Balancer,
            Self::Listener { .. } => Phase::Listener,
            Self::Secret { .. } => Phase::Secrets,
            Self::Routing => Phase::Routing,
        }
    }

    /// Whether the step takes something away, which comes before anything is built.
    fn takes_down(&self) -> bool {
        match self {
            Self::Address { add, .. } => !add,
            Self::Device { create, .. } => !create,
            Self::Port { join, .. } => !join,
            Self::Setting { to, .. } => to.is_none(),
            Self::Neighbor { to, .. } => to.is_none(),
            // A VLAN shrinks before its parent does, and its parent grows before it.
            Self::Link { from, to, .. } => to.mtu < from.mtu,
            Self::Balancer { to, .. } => to.is_empty(),
            Self::Listener { open } => !open,
            Self::Secret { to, .. } => to.is_none(),
            Self::File { to, .. } | Self::Sysctl { to, .. } => to.is_none(),
            Self::Account { change, .. } => change.takes_down(),
            Self::HostName { .. } | Self::TimeZone { .. } | Self::Bridge { .. } | Self::Routing => false,
        }
    }
}

/// The steps from one model to another, given what the kernel has now.
///
/// What the world already satisfies is no step, so that undoing never takes away what was there before.
#[must_use]
pub fn plan(old: &Model, new: &Model, world: &World) -> Vec<Step> {
    let mut steps = Vec::new();
    system::plan(old, new, &mut steps);
    interfaces::plan(&old.interfaces, &new.interfaces, world, &mut steps);
    neighbors::plan(old, new, world, &mut steps);
    bgp::plan(old.bgp.as_deref(), new.bgp.as_deref(), &mut steps);
    let routes = old.static_routes != new.static_routes || old.static_tables != new.static_tables;
    let links = |model: &Model| balancer::links(&model.balancer);
    if links(old) != links(new) {
        steps.push(Step::Balancer { from: links(old), to: links(new) });
    }
    if routes
        || old.balancer != new.balancer
        || old.rpki != new.rpki
        || old.bfd != new.bfd
        || old.bgp != new.bgp
        || old.policy != new.policy
    {
        steps.push(Step::Routing);
    }
    sort(&mut steps);
    steps
}

fn sort(steps: &mut [Step]) {
    steps.sort_by_key(|step| {
        let phase = step.phase() as u8;
        if step.takes_down() { (0, u8::MAX - phase) } else { (1, phase) }
    });
}

/// What a change of configuration does to each neighbor that exists before and after.
#[must_use]
pub fn peer_changes(old: &Model, new: &Model, router_ids: (std::net::Ipv4Addr, std::net::Ipv4Addr)) -> Vec<PeerChange> {
    bgp::changes(old, new, router_ids)
}
