//! The network of the walk-through, built out of namespaces.
//!
//! Three nodes and the router share a switch (`192.168.101.0/24`, `fd00:101::/64`); the client sits on another
//! network behind the router (`10.9.0.0/24`, `fd00:9::/64`). Every machine is a namespace of its own, so several
//! laboratories stand beside each other and the machine that carries them never notices.
//!
//! ```text
//! client 10.9.0.2 ---- eth0 router eth1 ---- switch ---- node1 192.168.101.201
//!                  10.9.0.1   192.168.101.1         |--- node2 192.168.101.202
//!                                                   `--- node3 192.168.101.203 ---- far 10.77.0.2 (on demand)
//! ```
//!
//! It never touches an interface, an address or a route outside of its own namespaces.

mod host;
mod process;
mod stale;
mod wait;
mod web;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, bail};

pub use self::host::{Finished, Host, Offload};
pub use self::process::Process;
pub use self::web::{WEB_SERVER, WebServer};

/// The address of the web shop's service, carried by every node.
pub const SHOP: Ipv4Addr = Ipv4Addr::new(172, 16, 102, 229);
/// The second service of the walk-through.
pub const SECOND: Ipv4Addr = Ipv4Addr::new(172, 16, 101, 10);
/// The web shop's IPv6 service address.
pub const SHOP6: Ipv6Addr = Ipv6Addr::new(0xfd00, 0x102, 0, 0, 0, 0, 0, 0x229);
/// The router's address on the nodes' network.
pub const ROUTER: Ipv4Addr = Ipv4Addr::new(192, 168, 101, 1);
/// The router's IPv6 address on the nodes' network.
pub const ROUTER6: Ipv6Addr = Ipv6Addr::new(0xfd00, 0x101, 0, 0, 0, 0, 0, 1);
/// The client's address.
pub const CLIENT: Ipv4Addr = Ipv4Addr::new(10, 9, 0, 2);
/// The address of the machine two hops behind `node3`, see [`Lab::far`].
pub const FAR: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 2);

/// How many laboratories this process has built, for their names.
static BUILT: AtomicU32 = AtomicU32::new(0);

/// The network: dropped, all of it is gone.
#[derive(Debug)]
pub struct Lab {
    /// The router, without a daemon: `eth0` towards the client, `eth1` towards the nodes.
    pub router: Host,
    /// The client behind the router.
    pub client: Host,
    /// The nodes, 192.168.101.201 to 203.
    pub nodes: [Host; 3],
    switch: Host,
    name: String,
    directory: PathBuf,
}

impl Lab {
    /// Builds the network of the walk-through and sweeps what killed tests left behind.
    ///
    /// # Errors
    /// When not run as root, or when `ip` refuses a step; the message carries the command and its answer.
    pub fn new() -> Result<Self> {
        require_root()?;
        stale::sweep();
        let name = format!("tp{}x{}", std::process::id(), BUILT.fetch_add(1, Ordering::Relaxed));
        let directory = std::env::temp_dir().join(format!("towpath-lab-{name}"));
        std::fs::create_dir_all(&directory).with_context(|| format!("creating {}", directory.display()))?;
        let host = |role: &str, v4: Ipv4Addr, v6: Ipv6Addr| Host::new(&name, role, v4, v6, &directory);
        let lab = Self {
            router: host("router", ROUTER, ROUTER6),
            client: host("client", CLIENT, Ipv6Addr::new(0xfd00, 9, 0, 0, 0, 0, 0, 2)),
            nodes: [1u8, 2, 3].map(|number| {
                let (v4, v6) = addresses(number);
                host(&format!("node{number}"), v4, v6)
            }),
            switch: host("switch", Ipv4Addr::UNSPECIFIED, Ipv6Addr::UNSPECIFIED),
            name: name.clone(),
            directory: directory.clone(),
        };
        lab.build()?;
        Ok(lab)
    }

    /// Where the processes of this laboratory keep their files and logs.
    #[must_use]
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// Asks again and again until the condition holds.
    ///
    /// # Errors
    /// At the deadline: what was waited for, and the last lines of every log of the laboratory.
    pub fn wait_until(&self, deadline: Duration, what: &str, condition: impl FnMut() -> bool) -> Result<()> {
        wait::until(&self.directory, deadline, what, condition)
    }

    /// A machine behind `node3`, two hops from the router, which reaches it by a route through 192.168.101.203.
    ///
    /// # Errors
    /// When `ip` refuses a step.
    pub fn far(&self) -> Result<Host> {
        let last = &self.nodes[2];
        let far = Host::new(&self.name, "far", FAR, Ipv6Addr::UNSPECIFIED, &self.directory);
        far.create()?;
        far.link("eth0", last, "eth1")?;
        last.ip(&["addr", "add", "10.77.0.1/24", "dev", "eth1"])?;
        last.sysctl("net.ipv4.ip_forward", "1")?;
        far.ip(&["addr", "add", "10.77.0.2/24", "dev", "eth0"])?;
        far.ip(&["route", "add", "default", "via", "10.77.0.1"])?;
        Ok(far)
    }

    /// A node by its number from 1 on: one that is there, or one more at 192.168.101.200 and the number.
    ///
    /// # Errors
    /// When `ip` refuses a step.
    pub fn node(&self, number: u8) -> Result<Host> {
        let known = usize::from(number).checked_sub(1).and_then(|place| self.nodes.get(place));
        if let Some(known) = known {
            return Ok(known.clone());
        }
        let (v4, v6) = addresses(number);
        let node = Host::new(&self.name, &format!("node{number}"), v4, v6, &self.directory);
        self.build_node(&node)?;
        Ok(node)
    }

    /// The switch takes what the router's programs send it, as a card would: a virtual cable loses frames that no
    /// program and no aggregation awaits at its other end.
    ///
    /// # Errors
    /// When the kernel refuses.
    pub fn receive_in_bulk(&self) -> Result<()> {
        self.switch.offload("to-router", Offload::Aggregation, true)?;
        self.client.offload("eth0", Offload::Aggregation, true)
    }

    /// Makes the router a fresh machine, as after a reboot: no route, no next hop, only its addresses.
    ///
    /// # Errors
    /// When `ip` refuses a step.
    pub fn reboot_router(&self) -> Result<()> {
        // A namespace's links go some time after it; deleted by name they are gone at once, at both ends.
        for interface in ["eth0", "eth1"] {
            self.router.ip(&["link", "del", interface])?;
        }
        self.router.remove();
        self.router.create()?;
        self.build_router()
    }

    fn build(&self) -> Result<()> {
        self.switch.create()?;
        self.switch.ip(&["link", "add", "br0", "type", "bridge"])?;
        self.switch.ip(&["link", "set", "br0", "up"])?;
        self.client.create()?;
        self.router.create()?;
        self.build_router()?;
        self.nodes.iter().try_for_each(|node| self.build_node(node))
    }

    fn build_node(&self, node: &Host) -> Result<()> {
        node.create()?;
        self.plug(node, "eth0")?;
        node.ip(&["addr", "add", &format!("{}/24", node.ipv4), "dev", "eth0"])?;
        node.ip(&["addr", "add", &format!("{}/64", node.ipv6), "dev", "eth0", "nodad"])?;
        for service in [IpAddr::from(SHOP), IpAddr::from(SECOND), IpAddr::from(SHOP6)] {
            node.ip(&["addr", "add", &service.to_string(), "dev", "lo"])?;
        }
        node.ip(&["route", "add", "default", "via", &ROUTER.to_string()])?;
        node.ip(&["-6", "route", "add", "default", "via", &ROUTER6.to_string()])?;
        Ok(())
    }

    /// The router's links and addresses, and the client's way to it. The daemon turns forwarding on itself.
    fn build_router(&self) -> Result<()> {
        self.plug(&self.router, "eth1")?;
        self.router.ip(&["addr", "add", "192.168.101.1/24", "dev", "eth1"])?;
        self.router.ip(&["addr", "add", "fd00:101::1/64", "dev", "eth1", "nodad"])?;
        self.router.link("eth0", &self.client, "eth0")?;
        self.router.ip(&["addr", "add", "10.9.0.1/24", "dev", "eth0"])?;
        self.router.ip(&["addr", "add", "fd00:9::1/64", "dev", "eth0", "nodad"])?;
        self.client.ip(&["addr", "add", "10.9.0.2/24", "dev", "eth0"])?;
        self.client.ip(&["addr", "add", "fd00:9::2/64", "dev", "eth0", "nodad"])?;
        self.client.ip(&["route", "add", "default", "via", "10.9.0.1"])?;
        self.client.ip(&["-6", "route", "add", "default", "via", "fd00:9::1"])?;
        Ok(())
    }

    /// Gives the router's ports to a machine in QEMU: the addresses go, and each port is joined with a tap. What QEMU calls
    /// the taps, the client's first.
    ///
    /// # Errors
    /// When `ip` refuses a step.
    pub fn wires(&self) -> Result<Vec<String>> {
        let mut taps = Vec::new();
        for port in ["eth0", "eth1"] {
            let (tap, bridge) = (format!("tap-{port}"), format!("br-{port}"));
            self.router.ip(&["addr", "flush", "dev", port])?;
            self.router.ip(&["tuntap", "add", &tap, "mode", "tap"])?;
            self.router.ip(&["link", "add", &bridge, "type", "bridge"])?;
            for link in [port, &tap] {
                self.router.ip(&["link", "set", link, "master", &bridge, "up"])?;
            }
            self.router.ip(&["link", "set", &bridge, "addrgenmode", "none", "up"])?;
            taps.push(format!("tap,ifname={tap},script=no,downscript=no"));
        }
        Ok(taps)
    }

    /// A cable from a machine into the switch.
    fn plug(&self, host: &Host, interface: &str) -> Result<()> {
        host.link(interface, &self.switch, &format!("to-{}", host.role))?;
        self.switch.ip(&["link", "set", &format!("to-{}", host.role), "master", "br0"])?;
        Ok(())
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        stale::remove_laboratory(&self.name);
        if std::env::var_os("TOWPATH_KEEP_LAB").is_none() {
            // A directory that stays is litter and no reason to fail a test that has passed.
            let _ = std::fs::remove_dir_all(&self.directory);
        }
    }
}

/// The addresses of a node.
fn addresses(number: u8) -> (Ipv4Addr, Ipv6Addr) {
    let last = 0x200 + u16::from(number);
    let v4 = Ipv4Addr::new(192, 168, 101, 200_u8.saturating_add(number));
    (v4, Ipv6Addr::new(0xfd00, 0x101, 0, 0, 0, 0, 0, last))
}

/// Namespaces are root's; a test that quietly skipped would look like one that has passed.
fn require_root() -> Result<()> {
    let status = std::fs::read_to_string("/proc/self/status").context("reading /proc/self/status")?;
    let effective = status
        .lines()
        .find_map(|line| line.strip_prefix("Uid:"))
        .and_then(|ids| ids.split_whitespace().nth(1))
        .unwrap_or_default();
    if effective != "0" {
        bail!("these tests build network namespaces and need root: run `sudo make test`");
    }
    Ok(())
}
