//! One machine of the laboratory: a namespace and what is run inside it.
//!
//! Everything goes through the `ip` program, because what it prints is also what an operator sees.
//!
//! It never enters the namespace with the test's own process.

use std::io::Write as _;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use anyhow::{Context, Result, bail};

use super::process::Process;
use super::stale;

/// A machine: its namespace, its name and its addresses on the network that it shares with the router.
#[derive(Debug, Clone)]
pub struct Host {
    /// What it is in the picture: `router`, `node1`, `client`.
    pub role: String,
    /// Its IPv4 address.
    pub ipv4: Ipv4Addr,
    /// Its IPv6 address.
    pub ipv6: Ipv6Addr,
    namespace: String,
    directory: PathBuf,
}

/// What a driver can do for the kernel, by its number to set it (`linux/ethtool.h`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Offload {
    /// Checksums of what is sent (`ETHTOOL_STXCSUM`).
    Checksums = 0x17,
    /// Segments become larger ones on their way in (`ETHTOOL_SGRO`).
    Aggregation = 0x2c,
}

/// What a program said and how it ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finished {
    /// The exit status; -1 when a signal ended it.
    pub status: i32,
    /// What it wrote to standard output.
    pub stdout: String,
    /// What it wrote to standard error.
    pub stderr: String,
}

impl Finished {
    /// The standard output of a program that ended well.
    ///
    /// # Errors
    /// When it did not: what it said, on both channels.
    pub fn success(self) -> Result<String> {
        if self.status != 0 {
            bail!("exit status {}\n--- stdout\n{}\n--- stderr\n{}", self.status, self.stdout, self.stderr);
        }
        Ok(self.stdout)
    }

    /// Both channels in one text, for tests that care what was said and not where.
    #[must_use]
    pub fn text(&self) -> String {
        format!("{}{}", self.stdout, self.stderr)
    }
}

impl From<Output> for Finished {
    fn from(output: Output) -> Self {
        Self {
            status: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}

impl Host {
    pub(super) fn new(laboratory: &str, role: &str, ipv4: Ipv4Addr, ipv6: Ipv6Addr, directory: &Path) -> Self {
        let namespace = format!("{laboratory}-{role}");
        Self { role: role.to_owned(), ipv4, ipv6, namespace, directory: directory.join(role) }
    }

    /// The name of the namespace, for `ip netns exec`.
    #[must_use]
    pub fn namespace(&self) -> &str {
        &self.namespace
    }

    /// Where this machine's processes keep their files.
    #[must_use]
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// The machine's address of the same family as `like`.
    #[must_use]
    pub fn address_like(&self, like: IpAddr) -> IpAddr {
        if like.is_ipv6() { self.ipv6.into() } else { self.ipv4.into() }
    }

    /// Makes the namespace. Duplicate address detection is off, so that addresses serve at once.
    pub(super) fn create(&self) -> Result<()> {
        std::fs::create_dir_all(&self.directory).with_context(|| format!("creating {}", self.directory.display()))?;
        run(Command::new("ip").args(["netns", "add", &self.namespace]))?.success()?;
        for scope in ["all", "default"] {
            self.sysctl(&format!("net.ipv6.conf.{scope}.accept_dad"), "0")?;
            self.sysctl(&format!("net.ipv6.conf.{scope}.disable_ipv6"), "0")?;
        }
        self.ip(&["link", "set", "lo", "up"])?;
        Ok(())
    }

    /// Takes the namespace away with all that runs in it.
    pub(super) fn remove(&self) {
        stale::remove_namespace(&self.namespace);
    }

    /// A cable between two machines, both ends up.
    ///
    /// # Errors
    /// When `ip` refuses a step.
    pub fn link(&self, interface: &str, other: &Host, other_interface: &str) -> Result<()> {
        let peer = ["peer", "name", other_interface, "netns", other.namespace()];
        self.ip(&[["link", "add", interface, "type", "veth"].as_slice(), &peer].concat())?;
        self.ip(&["link", "set", interface, "up"])?;
        other.ip(&["link", "set", other_interface, "up"])?;
        Ok(())
    }

    /// Lets the kernel leave something to the driver of an interface, or not.
    ///
    /// # Errors
    /// When the kernel refuses.
    pub fn offload(&self, interface: &str, what: Offload, on: bool) -> Result<()> {
        // `SIOCETHTOOL` with a `struct ethtool_value`: the number of the feature, and whether it is on.
        const PROGRAM: &str = "import ctypes, fcntl, socket, struct, sys
value = ctypes.create_string_buffer(struct.pack('II', int(sys.argv[2]), int(sys.argv[3])))
request = struct.pack('16sP', sys.argv[1].encode(), ctypes.addressof(value))
fcntl.ioctl(socket.socket(), 0x8946, request)";
        let (number, on) = ((what as u32).to_string(), u32::from(on).to_string());
        self.run("python3", &["-c", PROGRAM, interface, &number, &on])?.success().map(drop)
    }

    /// A command inside the machine, not yet run.
    #[must_use]
    pub fn command(&self, program: &str) -> Command {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &self.namespace, program]);
        command
    }

    /// Runs a program to its end and gives what it said, whatever its exit status.
    ///
    /// # Errors
    /// When it could not be started.
    pub fn run(&self, program: &str, arguments: &[&str]) -> Result<Finished> {
        run(self.command(program).args(arguments).stdin(Stdio::null()))
    }

    /// Runs a program with a text on its standard input.
    ///
    /// # Errors
    /// When it could not be started or fed.
    pub fn run_with_input(&self, program: &str, arguments: &[&str], input: &str) -> Result<Finished> {
        let mut command = self.command(program);
        command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().with_context(|| format!("starting {program} in {}", self.role))?;
        if let Some(mut stdin) = child.stdin.take() {
            // A program that stops at its first bad line closes its end early; what it says then is the answer.
            let _ = stdin.write_all(input.as_bytes());
        }
        Ok(child.wait_with_output().with_context(|| format!("waiting for {program} in {}", self.role))?.into())
    }

    /// Starts a program that stays; its output goes to `NAME.log` in the machine's directory.
    ///
    /// # Errors
    /// When it could not be started.
    pub fn start(&self, name: &str, program: &str, arguments: &[&str]) -> Result<Process> {
        let mut command = self.command(program);
        command.args(arguments).current_dir(&self.directory);
        Process::start(command, self.directory.join(format!("{name}.log")))
    }

    /// Runs `ip` inside the machine.
    ///
    /// # Errors
    /// When `ip` refuses; the message carries the command and its answer.
    pub fn ip(&self, arguments: &[&str]) -> Result<String> {
        run(Command::new("ip").args(["-n", &self.namespace]).args(arguments))?
            .success()
            .with_context(|| format!("{}: ip {}", self.role, arguments.join(" ")))
    }

    /// Sets a kernel setting of the machine.
    ///
    /// # Errors
    /// When the kernel has no such setting or refuses the value.
    pub fn sysctl(&self, key: &str, value: &str) -> Result<()> {
        self.run("sysctl", &["-qw", &format!("{key}={value}")])?.success().with_context(|| format!("sysctl {key}"))?;
        Ok(())
    }

    /// Writes a file into the machine's directory and gives its path.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn write(&self, name: &str, text: &str) -> Result<PathBuf> {
        let path = self.directory.join(name);
        std::fs::write(&path, text).with_context(|| format!("writing {}", path.display()))?;
        Ok(path)
    }
}

fn run(command: &mut Command) -> Result<Finished> {
    let output = command.output().with_context(|| format!("starting {:?}", command.get_program()))?;
    Ok(output.into())
}
