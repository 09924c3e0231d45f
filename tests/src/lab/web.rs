//! A web server on a node that answers with the node's name, and the client that asks it.
//!
//! The program is `web_server.py`, the same that `make demo` starts.
//!
//! It never serves longer than the laboratory lives.

use std::collections::BTreeMap;
use std::net::IpAddr;

use anyhow::{Result, bail};

use super::host::Host;
use super::process::Process;

/// The program, as text.
pub const WEB_SERVER: &str = include_str!("web_server.py");

/// A node's web server.
#[derive(Debug)]
pub struct WebServer {
    process: Process,
}

impl WebServer {
    /// Starts it on port 80 of all of the node's addresses.
    ///
    /// # Errors
    /// When python3 is missing or ends at once.
    pub fn start(node: &Host) -> Result<Self> {
        let program = node.write("web_server.py", WEB_SERVER)?;
        let process = node.start("web", "python3", &[&program.to_string_lossy(), &node.role])?;
        Ok(Self { process })
    }

    /// Whether it has bound its port.
    pub fn is_listening(&mut self) -> Result<bool> {
        if !self.process.is_running() {
            bail!("the web server has ended: {}", self.process.output());
        }
        Ok(self.process.output().contains("listening"))
    }
}

impl Host {
    /// Asks the web server at an address once per connection and counts the answers by the name in them; a request
    /// without an answer counts under its error.
    ///
    /// # Errors
    /// When curl cannot be started.
    pub fn ask_web(&self, address: IpAddr, times: u32) -> Result<BTreeMap<String, u32>> {
        let url = if address.is_ipv6() { format!("http://[{address}]/") } else { format!("http://{address}/") };
        let mut answers = BTreeMap::new();
        for _ in 0..times {
            let finished = self.run("curl", &["-sS", "-g", "--max-time", "1", &url])?;
            let said = finished.text().trim().to_owned();
            *answers.entry(said).or_insert(0u32) += 1;
        }
        Ok(answers)
    }
}
