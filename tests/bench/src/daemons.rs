//! The routers that are compared, each in the router's namespace of the laboratory: Towpath, BIRD and FRR.
//!
//! All get the same session and the same job: IPv4 routes of one peer into the kernel's main table. Towpath serves
//! IPv6 on top; that costs nothing without routes.
//!
//! It never tunes one daemon and leaves another at its defaults.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result};
use scenarios::lab::{Lab, Process};
use scenarios::router::Router;

use crate::clock::wait_for;
use crate::control::Control;
use crate::usage;

/// Debian keeps FRR's daemons out of the search path.
const FRR: &str = "/usr/lib/frr";

/// Which router.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// `towpathd`
    Towpath,
    /// `bird`
    Bird,
    /// `zebra` and `bgpd`
    Frr,
}

/// A running router; dropped, its processes are killed.
#[derive(Debug)]
pub(crate) struct Daemon {
    processes: Vec<Process>,
}

impl Kind {
    /// In the order in which they run.
    pub(crate) const ALL: [Self; 3] = [Self::Towpath, Self::Bird, Self::Frr];

    /// As the report prints it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Towpath => "Towpath",
            Self::Bird => "BIRD",
            Self::Frr => "FRR",
        }
    }

    /// Starts it with one neighbor, the first node; it may need a moment until it listens.
    pub(crate) fn start(self, lab: &Lab) -> Result<Daemon> {
        let processes = match self {
            Self::Towpath => vec![towpath(lab, &configuration(0))?.1],
            Self::Bird => vec![bird(lab)?],
            Self::Frr => frr(lab)?,
        };
        Ok(Daemon { processes })
    }
}

impl Daemon {
    /// A process in the router's namespace, to look at the namespace through.
    pub(crate) fn process(&self) -> Result<u32> {
        Ok(self.processes.first().context("the daemon has no process")?.id())
    }

    /// CPU seconds of all processes.
    pub(crate) fn cpu_seconds(&self) -> Result<f64> {
        self.processes.iter().map(|process| usage::cpu_seconds(process.id())).sum()
    }

    /// Peak resident memory of all processes in MiB.
    pub(crate) fn peak(&self) -> Result<f64> {
        self.processes.iter().map(|process| usage::peak(process.id())).sum()
    }
}

/// Starts `towpathd` with a configuration and waits until it answers.
pub(crate) fn towpath(lab: &Lab, configuration: &str) -> Result<(Router, Process)> {
    let router = Router::prepare(lab)?;
    router.host().write("config.boot", configuration)?;
    let process = router.spawn("towpathd")?;
    let socket = router.path("towpathd.sock");
    let answers = || Control::open(&socket).ok();
    wait_for(Duration::from_secs(20), Duration::from_millis(5), "towpathd answers", answers)
        .with_context(|| router.log())?;
    Ok((router, process))
}

/// The three nodes as neighbors, and so many more that nobody answers for.
pub(crate) fn configuration(silent: u32) -> String {
    let nodes = (201..=203).map(|last| format!("192.168.101.{last}"));
    let neighbors: String = nodes
        .chain((0..silent).map(silent_neighbor))
        .map(|address| format!("        neighbor {address} {{\n            remote-as 64512\n        }}\n"))
        .collect();
    format!(
        "protocols {{\n    bgp 64512 {{\n{neighbors}        parameters {{\n            router-id 192.168.101.1\n        \
         }}\n    }}\n}}\n"
    )
}

/// An address that the router has no route to.
pub(crate) fn silent_neighbor(number: u32) -> String {
    let [_, _, high, low] = number.to_be_bytes();
    format!("198.18.{high}.{low}")
}

fn bird(lab: &Lab) -> Result<Process> {
    let host = &lab.router;
    let text = "log stderr { error, fatal };\nrouter id 192.168.101.1;\nprotocol device {}\nprotocol direct { ipv4; }\n\
         protocol kernel { ipv4 { import none; export where source = RTS_BGP; }; }\n\
         protocol bgp node1 {\n  local 192.168.101.1 as 64512;\n  neighbor 192.168.101.201 as 64512;\n  passive on;\n  \
         ipv4 { import all; export none; };\n}\n";
    let file = host.write("bird.conf", text)?;
    let socket = host.directory().join("bird.ctl");
    host.start("bird", "bird", &["-f", "-c", &file.to_string_lossy(), "-s", &socket.to_string_lossy()])
}

fn frr(lab: &Lab) -> Result<Vec<Process>> {
    let host = &lab.router;
    // Both become FRR's own user, who may not write into the laboratory's directory.
    let directory = host.directory().join("frr");
    std::fs::create_dir_all(&directory).with_context(|| format!("creating {}", directory.display()))?;
    std::fs::set_permissions(&directory, Permissions::from_mode(0o777))?;
    let directory = directory.to_string_lossy().into_owned();
    let socket = format!("{directory}/zebra.api");
    // The socket of the last run is not this one's.
    if Path::new(&socket).exists() {
        std::fs::remove_file(&socket)?;
    }
    let bgp = "router bgp 64512\n bgp router-id 192.168.101.1\n neighbor 192.168.101.201 remote-as 64512\n \
               neighbor 192.168.101.201 passive\n";
    let start = |name: &str, configuration: &str| {
        let file = host.write(&format!("{name}.conf"), configuration)?;
        let pid_file = format!("{directory}/{name}.pid");
        let file = file.to_string_lossy();
        let arguments = ["-f", &file, "-i", &pid_file, "-z", &socket, "--vty_socket", &directory, "-P", "0"];
        host.start(name, &format!("{FRR}/{name}"), &arguments)
    };
    let zebra = start("zebra", "")?;
    let listens = || Path::new(&socket).exists().then_some(());
    wait_for(Duration::from_secs(10), Duration::from_millis(10), "zebra listens", listens)?;
    Ok(vec![zebra, start("bgpd", bgp)?])
}
