//! Steps in words, as `commit check` lists them and errors name them.
//!
//! Never shows a secret.

use std::fmt;

use rib::world::{BridgeSettings, VirtualLink};

use super::Step;

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
                if let (true, Some(mac)) = (from.mac != to.mac, to.mac) {
                    write!(f, " mac {mac}")?;
                }
                Ok(())
            }
            Self::Account { user, change } => f.write_str(&change.sentence(user)),
            Self::File { file, to: Some(_), .. } => write!(f, "write {}", file.path()),
            Self::File { file, to: None, .. } => write!(f, "give {} back to the system", file.path()),
            Self::Sysctl { name, to: Some(to), .. } => write!(f, "set {name} to {to}"),
            Self::Sysctl { name, to: None, .. } => write!(f, "set {name} to what it was before"),
            Self::Device { name, device, create: true, .. } => write!(f, "create {} {name}", kind(device)),
            Self::Device { name, device, create: false, .. } => write!(f, "delete {} {name}", kind(device)),
            Self::Bridge { name, from, to } => {
                write!(f, "change bridge {name}:")?;
                bridge_changes(f, from, to)
            }
            Self::Port { name, bridge, join: true } => write!(f, "add {name} to bridge {bridge}"),
            Self::Port { name, bridge, join: false } => write!(f, "remove {name} from bridge {bridge}"),
            Self::Setting { name, setting, to: Some(to), .. } => write!(f, "set {setting} of {name} to {to}"),
            Self::Setting { name, setting, to: None, .. } => write!(f, "set {setting} of {name} to the default"),
            Self::Address { name, address, add: true } => write!(f, "add address {address} to {name}"),
            Self::Address { name, address, add: false } => write!(f, "remove address {address} from {name}"),
            Self::Neighbor { name, host, to: Some(to), .. } => {
                write!(f, "set the hardware address of {host} on {name} to {to}")
            }
            Self::Neighbor { name, host, to: None, .. } => {
                write!(f, "let the hardware address of {host} on {name} be asked")
            }
            Self::Balancer { to, .. } if to.is_empty() => f.write_str("take the balancer off its links"),
            Self::Balancer { to, .. } => {
                f.write_str("put the balancer on")?;
                let mut links = to.keys();
                links.next().map_or(Ok(()), |first| write!(f, " {first}"))?;
                links.try_for_each(|link| write!(f, ", {link}"))
            }
            Self::Listener { open: true } => f.write_str("open TCP port 179"),
            Self::Listener { open: false } => f.write_str("close TCP port 179"),
            Self::Secret { remote, to: Some(secret), .. } => write!(f, "set the {secret} of {remote}"),
            Self::Secret { remote, from: Some(secret), .. } => write!(f, "remove the {secret} of {remote}"),
            Self::Secret { remote, .. } => write!(f, "remove the key of {remote}"),
            Self::Routing => f.write_str("apply routes and neighbors"),
        }
    }
}

fn kind(device: &VirtualLink) -> &'static str {
    match device {
        VirtualLink::Bridge(_) => "bridge",
        VirtualLink::Dummy => "dummy interface",
        VirtualLink::Vif { .. } => "VLAN interface",
    }
}

fn bridge_changes(f: &mut fmt::Formatter<'_>, from: &BridgeSettings, to: &BridgeSettings) -> fmt::Result {
    let times = [
        ("aging", from.aging, to.aging),
        ("forwarding-delay", from.forwarding_delay, to.forwarding_delay),
        ("hello-time", from.hello_time, to.hello_time),
        ("max-age", from.max_age, to.max_age),
    ];
    for (word, _, to) in times.iter().filter(|(_, from, to)| from != to) {
        write!(f, " {word} {}", to / 100)?;
    }
    if from.priority != to.priority {
        write!(f, " priority {}", to.priority)?;
    }
    if from.stp != to.stp {
        write!(f, " stp {}", to.stp)?;
    }
    Ok(())
}
