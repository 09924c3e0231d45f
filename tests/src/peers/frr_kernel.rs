//! FRR as a whole router: zebra and bgpd, with a kernel of its own, for what needs its interfaces.
//!
//! It never leaves its namespace.

use std::time::Duration;

use anyhow::Result;

use super::frr::{PROGRAM, vtysh, vtysh_to};
use crate::lab::{Host, Lab, Process};

/// Debian keeps FRR's daemons out of the search path.
const ZEBRA: &str = "/usr/lib/frr/zebra";
/// How long both may take to answer.
const START: Duration = Duration::from_secs(15);

/// A running pair of zebra and bgpd.
#[derive(Debug)]
pub struct FrrRouter {
    host: Host,
    bgpd: Process,
    zebra: Process,
}

impl FrrRouter {
    /// Starts both with this configuration of bgpd, and waits until they answer.
    ///
    /// # Errors
    /// When one of them does not start; the laboratory's logs are in the message.
    pub fn start(lab: &Lab, host: &Host, config: &str) -> Result<Self> {
        let zebra_file = host.write("zebra.conf", "log stdout informational\n")?;
        let bgpd_file = host.write("bgpd.conf", config)?;
        let directory = host.directory().to_string_lossy().into_owned();
        let path = |name: &str| host.directory().join(name).to_string_lossy().into_owned();
        let socket = path("zserv.api");
        let common = ["-u", "root", "-g", "frrvty", "--vty_socket", &directory, "-P", "0", "-z", &socket];
        let arguments = |file: &str, pid: &str| -> Vec<String> {
            let own = ["-f", file, "-i", pid];
            own.into_iter().chain(common).map(str::to_owned).collect()
        };
        let start = |name: &str, program: &str, file: &str| {
            let arguments = arguments(file, &path(&format!("{name}.pid")));
            host.start(name, program, &arguments.iter().map(String::as_str).collect::<Vec<_>>())
        };
        let zebra = start("zebra", ZEBRA, &zebra_file.to_string_lossy())?;
        lab.wait_until(START, "zebra answers", || vtysh_to(host, "zebra", &["show version"]).is_ok())?;
        let bgpd = start("bgpd", PROGRAM, &bgpd_file.to_string_lossy())?;
        lab.wait_until(START, "bgpd answers", || vtysh(host, &["show version"]).is_ok())?;
        Ok(Self { host: host.clone(), bgpd, zebra })
    }

    /// What bgpd says.
    #[must_use]
    pub fn show(&self, command: &str) -> String {
        vtysh(&self.host, &[command]).unwrap_or_default()
    }

    /// Ends both in order.
    ///
    /// # Errors
    /// When one of them has not ended in time.
    pub fn stop(&mut self) -> Result<()> {
        self.bgpd.stop(START)?;
        self.zebra.stop(START)?;
        Ok(())
    }
}
