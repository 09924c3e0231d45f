//! Kernel settings under `/proc/sys`: read, written, and what a router needs of them.
//!
//! [`prepare`] sets what forwarding needs and reports each setting; a setting that is missing or refused is
//! reported in words and never stops the start. Settings of one interface are written only when a step says so.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// What was found of one setting and done about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// With dots, as `sysctl` spells it.
    pub name: String,
    /// The value that the router needs.
    pub wanted: String,
    /// The value before; `None` when it cannot be read.
    pub found: Option<String>,
    /// Whether it was set.
    pub changed: bool,
    /// What is wrong and what to do, when something is.
    pub problem: Option<String>,
}

/// The settings of a router in front of a cluster: name, value, and what is lost without it.
const NEEDED: &[(&str, &str, &str)] = &[
    ("net.ipv4.ip_forward", "1", "IPv4 packets are not forwarded"),
    ("net.ipv6.conf.all.forwarding", "1", "IPv6 packets are not forwarded"),
    ("net.ipv4.fib_multipath_hash_policy", "1", "connections of one client do not spread over next hops (IPv4)"),
    ("net.ipv6.fib_multipath_hash_policy", "1", "connections of one client do not spread over next hops (IPv6)"),
    ("net.ipv4.fib_multipath_use_neigh", "1", "a next hop that does not answer ARP still gets packets"),
    ("net.ipv4.nexthop_compat_mode", "0", "a change of a next-hop group walks all of its routes"),
    ("net.ipv4.conf.all.promote_secondaries", "1", "deleting an address deletes others of its network"),
    ("net.ipv6.conf.all.keep_addr_on_down", "1", "disabling an interface deletes its IPv6 addresses"),
];

/// Sets what a router needs and reports every setting, in a fixed order.
///
/// Turning IPv6 forwarding on makes the kernel ignore router advertisements, and strict reverse path
/// filtering breaks asymmetric paths: both are reported, neither is changed.
#[must_use]
pub fn prepare() -> Vec<Finding> {
    let advertisements = advertisement_findings();
    let mut findings: Vec<Finding> = NEEDED.iter().map(|(name, value, loss)| ensure(name, value, loss)).collect();
    findings.extend(advertisements);
    findings.extend(reverse_path_findings());
    findings
}

/// The value of a setting, without its line end.
///
/// # Errors
/// When the kernel has no such setting or does not show it.
pub fn read(name: &str) -> io::Result<String> {
    read_below(Path::new("/"), name)
}

/// The value of a setting of the system below a root.
///
/// # Errors
/// When there is no such setting or it cannot be read.
pub fn read_below(root: &Path, name: &str) -> io::Result<String> {
    Ok(fs::read_to_string(path(root, name)?)?.trim_end().to_owned())
}

/// Sets a setting.
///
/// # Errors
/// When the kernel has no such setting or refuses the value.
pub fn write(name: &str, value: &str) -> io::Result<()> {
    write_below(Path::new("/"), name, value)
}

/// Sets a setting of the system below a root.
///
/// # Errors
/// When there is no such setting or the value is refused.
pub fn write_below(root: &Path, name: &str, value: &str) -> io::Result<()> {
    fs::write(path(root, name)?, value)
}

fn ensure(name: &str, wanted: &str, loss: &str) -> Finding {
    let mut finding = Finding { name: name.into(), wanted: wanted.into(), found: None, changed: false, problem: None };
    match read(name) {
        Ok(value) => {
            finding.found = Some(value.clone());
            if value != wanted {
                match write(name, wanted) {
                    Ok(()) => finding.changed = true,
                    Err(error) => finding.problem = Some(refusal(name, wanted, loss, &error)),
                }
            }
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            finding.problem = Some(format!("this kernel has no {name}: {loss}"));
        }
        Err(error) => finding.problem = Some(format!("{name} cannot be read ({error}): perhaps {loss}")),
    }
    finding
}

fn refusal(name: &str, wanted: &str, loss: &str, error: &io::Error) -> String {
    let advice = match error.kind() {
        io::ErrorKind::PermissionDenied => "start the daemon as root or with CAP_NET_ADMIN",
        io::ErrorKind::ReadOnlyFilesystem => "/proc/sys is read-only here, set it on the host",
        _ => "set it by hand",
    };
    format!("{name} cannot be set to {wanted} ({error}), so {loss}; {advice}")
}

/// Interfaces that learn from router advertisements until forwarding is turned on.
fn advertisement_findings() -> Vec<Finding> {
    if read("net.ipv6.conf.all.forwarding").is_ok_and(|value| value != "0") {
        return Vec::new();
    }
    let learns =
        |interface: &String| read(&of_interface("ipv6", interface, "accept_ra")).is_ok_and(|value| value == "1");
    let finding = |interface: String| {
        let name = of_interface("ipv6", &interface, "accept_ra");
        let problem = format!(
            "router advertisements on {interface} are ignored from now on, because the router forwards; \
             set {name}=2 if it takes its default route or addresses from them"
        );
        Finding { name, wanted: "2".into(), found: Some("1".into()), changed: false, problem: Some(problem) }
    };
    interfaces("ipv6").into_iter().filter(learns).map(finding).collect()
}

/// Interfaces whose strict filter throws away packets that come another way than they would go.
fn reverse_path_findings() -> Vec<Finding> {
    let strict = |scope: &String| read(&of_interface("ipv4", scope, "rp_filter")).is_ok_and(|value| value == "1");
    let everywhere = strict(&"all".into()).then(|| "all".to_owned());
    let single = interfaces("ipv4").into_iter().filter(strict);
    let finding = |scope: String| {
        let name = of_interface("ipv4", &scope, "rp_filter");
        let problem = format!(
            "{name} is 1 (strict): packets that arrive by another path than their answers take are dropped; \
             set it to 2 (loose) or 0 if paths are asymmetric"
        );
        Finding { name, wanted: "0 or 2".into(), found: Some("1".into()), changed: false, problem: Some(problem) }
    };
    everywhere.into_iter().chain(single).map(finding).collect()
}

/// The interfaces that have settings, in the order of their names, without `all`, `default` and `lo`.
fn interfaces(family: &str) -> Vec<String> {
    let Ok(entries) = fs::read_dir(format!("/proc/sys/net/{family}/conf")) else { return Vec::new() };
    let names = entries.flatten().filter_map(|entry| entry.file_name().into_string().ok());
    let mut names: Vec<String> = names.filter(|name| !matches!(name.as_str(), "all" | "default" | "lo")).collect();
    names.sort();
    names
}

/// Sets a setting of one interface, or, with `None`, what the system gives new interfaces.
///
/// # Errors
/// When the kernel has no such setting or refuses the value, with its name in the sentence.
pub fn write_of_interface(
    family: &str,
    table: &str,
    interface: &str,
    setting: &str,
    value: Option<&str>,
) -> Result<(), String> {
    let name = |interface: &str| format!("net.{family}.{table}.{}.{setting}", interface.replace('.', "/"));
    let named = |interface: &str, error: io::Error| format!("{}: {error}", name(interface));
    let value = match value {
        Some(value) => value.to_owned(),
        None => read(&name("default")).map_err(|error| named("default", error))?,
    };
    write(&name(interface), &value).map_err(|error| named(interface, error))
}

/// As `sysctl` spells it: a dot in the name of an interface (`eth0.100`) becomes a slash.
fn of_interface(family: &str, interface: &str, setting: &str) -> String {
    format!("net.{family}.conf.{}.{setting}", interface.replace('.', "/"))
}

/// Dots separate, and a slash stands for a dot within a part, as `sysctl(8)` has it.
fn path(root: &Path, name: &str) -> io::Result<PathBuf> {
    let mut path = root.join("proc/sys");
    for part in name.split('.') {
        let part = part.replace('/', ".");
        if part.is_empty() || part == ".." || part == "." {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, format!("{name} is not the name of a setting")));
        }
        path.push(part);
    }
    Ok(path)
}
