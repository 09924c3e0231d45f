//! The router under test: the real daemon in the router's namespace, and the real shell talking to it.
//!
//! The programs are found beside the test's own (`target/debug`) or in `TOWPATH_BIN_DIR`.
//!
//! It never looks into the daemon: what it knows comes from the shell, from the kernel or from the log.

pub mod control;
mod kernel;

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::lab::{Finished, Host, Lab, Process};

pub use self::kernel::{Leg, Route};

/// Where, below the router's directory, the files and accounts are that the daemon may change.
const SYSTEM: &str = "system";
/// How long the daemon may take until its socket answers.
const START: Duration = Duration::from_secs(10);

/// The daemon in the router's namespace, with a configuration file, a state directory and a socket of its own.
#[derive(Debug)]
pub struct Router {
    host: Host,
    programs: PathBuf,
    config: String,
    more: Vec<String>,
    /// The user that it runs as, when that is not root, and the steward of root.
    user: Option<u32>,
    steward: Option<Process>,
    daemon: Option<Process>,
}

/// What a daemon may that is not root, as `setpriv(1)` names it.
const CAPABILITIES: &str = "-all,+net_admin,+net_raw,+net_bind_service,+bpf,+perfmon";

impl Router {
    /// Starts the daemon without any configuration and waits until it answers.
    ///
    /// # Errors
    /// When a program is missing or the daemon does not answer in time; the logs are in the message.
    pub fn start(lab: &Lab) -> Result<Self> {
        let mut router = Self::prepare(lab)?;
        router.boot(lab)?;
        Ok(router)
    }

    /// The same with this text as its saved configuration.
    ///
    /// # Errors
    /// As [`Router::start`].
    pub fn start_with(lab: &Lab, config: &str) -> Result<Self> {
        let mut router = Self::prepare(lab)?;
        router.host.write("config.boot", config)?;
        router.boot(lab)?;
        Ok(router)
    }

    /// Everything in place, nothing started.
    ///
    /// # Errors
    /// When a program is missing.
    pub fn prepare(lab: &Lab) -> Result<Self> {
        let programs = programs()?;
        Ok(Self {
            host: lab.router.clone(),
            programs,
            config: "config.boot".to_owned(),
            more: Vec::new(),
            user: None,
            steward: None,
            daemon: None,
        })
    }

    /// The saved configuration is this file of the router's directory, `config.boot` unless told.
    #[must_use]
    pub fn with_config_at(self, config: &str) -> Self {
        Self { config: config.to_owned(), ..self }
    }

    /// The daemon gets these arguments, too.
    #[must_use]
    pub fn with_arguments(self, arguments: &[&str]) -> Self {
        Self { more: arguments.iter().map(|argument| (*argument).to_owned()).collect(), ..self }
    }

    /// The daemon runs as this user with the capabilities of the network alone, and a steward of root changes the system.
    #[must_use]
    pub fn with_user(self, user: u32) -> Self {
        Self { user: Some(user), ..self }
    }

    /// Starts the daemon with what is on the disk and waits until it answers.
    ///
    /// # Errors
    /// When the daemon does not answer in time; the logs are in the message.
    pub fn boot(&mut self, lab: &Lab) -> Result<()> {
        self.start_steward()?;
        // A daemon that was killed leaves its socket; the new one's counts only once it answers.
        self.daemon = Some(self.spawn("towpathd")?);
        lab.wait_until(START, "towpathd answers", || self.cmd(&["show version"]).is_ok_and(|said| said.status == 0))
    }

    /// Starts one more daemon with the same files, which is expected to end, and gives its process.
    ///
    /// # Errors
    /// When the program cannot be started.
    pub fn spawn(&self, log: &str) -> Result<Process> {
        let daemon = self.program("towpathd");
        let number = self.user.unwrap_or_default().to_string();
        let steward = self.path("steward/socket");
        let [config, state, socket, root] =
            [self.config.as_str(), "state", "towpathd.sock", SYSTEM].map(|name| self.path(name));
        // A host name and files of its own, so that no test changes the machine that it runs on.
        let mut arguments = vec!["--uts"];
        if self.user.is_some() {
            let capabilities =
                ["--inh-caps", CAPABILITIES, "--ambient-caps", CAPABILITIES, "--bounding-set", CAPABILITIES];
            arguments.extend(["setpriv", "--reuid", &number, "--regid", &number, "--clear-groups", "--no-new-privs"]);
            arguments.extend(capabilities);
        }
        arguments.extend([
            daemon.as_str(),
            "--config",
            &config,
            "--state-dir",
            &state,
            "--socket",
            &socket,
            "--system-root",
            &root,
        ]);
        if self.user.is_some() {
            arguments.extend(["--steward", &steward]);
        }
        arguments.extend(self.more.iter().map(String::as_str));
        self.host.start(log, "unshare", &arguments)
    }

    /// Starts the steward of a daemon that is not root, and gives that one its files.
    fn start_steward(&mut self) -> Result<()> {
        let Some(user) = self.user.filter(|_| self.steward.is_none()) else { return Ok(()) };
        let [state, socket, root] = ["steward/state", "steward/socket", SYSTEM].map(|name| self.path(name));
        let (daemon, user) = (self.program("towpathd"), user.to_string());
        let folder = self.host.directory().display().to_string();
        self.host.run("chown", &[&user, &folder])?.success()?;
        let files = self.path(&self.config);
        if std::fs::exists(&files)? {
            self.host.run("chown", &[&user, &files])?.success()?;
        }
        let arguments = [
            "--uts",
            &daemon,
            "--steward-for",
            &user,
            "--steward",
            &socket,
            "--state-dir",
            &state,
            "--system-root",
            &root,
        ];
        self.steward = Some(self.host.start("steward", "unshare", &arguments)?);
        Ok(())
    }

    /// What the kernel says of the daemon's process: a field of its status.
    ///
    /// # Errors
    /// When it does not run.
    pub fn status(&self, field: &str) -> Result<String> {
        let id = self.daemon.as_ref().context("the daemon does not run")?.id();
        let status = std::fs::read_to_string(format!("/proc/{id}/status"))?;
        let line = status.lines().find_map(|line| line.strip_prefix(field)).context(field.to_owned())?;
        Ok(line.trim_start_matches(':').trim().to_owned())
    }

    /// Types commands into one session of the shell, each as `-c`.
    ///
    /// # Errors
    /// When the shell cannot be started; what it says and its exit status are in the answer.
    pub fn cmd(&self, commands: &[&str]) -> Result<Finished> {
        let socket = self.path("towpathd.sock");
        let mut arguments = vec!["--socket", &socket];
        for command in commands {
            arguments.extend(["-c", command]);
        }
        self.host.run(&self.program("towpath"), &arguments)
    }

    /// Feeds a script to the shell's standard input, as `towpath < script` does.
    ///
    /// # Errors
    /// When the shell cannot be started.
    pub fn script(&self, text: &str) -> Result<Finished> {
        let socket = self.path("towpathd.sock");
        self.host.run_with_input(&self.program("towpath"), &["--socket", &socket], text)
    }

    /// Types commands in configuration mode, commits and saves.
    ///
    /// # Errors
    /// When any of it is refused: what the shell said.
    pub fn configure(&self, commands: &[&str]) -> Result<String> {
        let all: Vec<&str> = [&["configure"], commands, &["commit", "save", "exit"]].concat();
        self.cmd(&all)?.success().with_context(|| format!("configuring {commands:?}"))
    }

    /// The output of one operational command.
    ///
    /// # Errors
    /// When the shell refuses it.
    pub fn show(&self, command: &str) -> Result<String> {
        self.cmd(&[command])?.success().with_context(|| command.to_owned())
    }

    /// The same as data: the command with `| json`.
    ///
    /// # Errors
    /// When the shell refuses it or the output is no JSON.
    pub fn json(&self, command: &str) -> Result<Value> {
        let text = self.show(&format!("{command} | json"))?;
        serde_json::from_str(&text).with_context(|| format!("{command} | json gave {text}"))
    }

    /// A neighbor's row of the summary of the neighbor's own family, as data.
    #[must_use]
    pub fn neighbor(&self, address: IpAddr) -> Option<Value> {
        let command = if address.is_ipv6() { "show bgp ipv6 summary" } else { "show ip bgp summary" };
        find_neighbor(&self.json(command).ok()?, &address.to_string())
    }

    /// Whether the session with a neighbor is established.
    #[must_use]
    pub fn is_established(&self, address: IpAddr) -> bool {
        let row = self.neighbor(address);
        row.is_some_and(|row| row.get("state").and_then(Value::as_str) == Some("established"))
    }

    /// Kills the daemon with signal 9.
    pub fn kill9(&mut self) {
        self.daemon = None;
    }

    /// Ends the daemon in order (signal 15).
    ///
    /// # Errors
    /// When it has not ended in time.
    pub fn stop(&mut self) -> Result<()> {
        match self.daemon.take() {
            Some(mut daemon) => daemon.stop(START).map(|_status| ()),
            None => bail!("the daemon does not run"),
        }
    }

    /// Whether the daemon still runs.
    pub fn is_running(&mut self) -> bool {
        self.daemon.as_mut().is_some_and(Process::is_running)
    }

    /// All that the daemon has logged, over its restarts.
    #[must_use]
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.path("towpathd.log")).unwrap_or_default()
    }

    /// The saved configuration, empty when there is none.
    #[must_use]
    pub fn saved(&self) -> String {
        std::fs::read_to_string(self.path(&self.config)).unwrap_or_default()
    }

    /// What the kernel has for a prefix in the main table, with its next hops.
    ///
    /// # Errors
    /// When `ip` refuses.
    pub fn kernel_route(&self, prefix: &str) -> Result<Option<Route>> {
        kernel::route(&self.host, prefix)
    }

    /// The gateways the kernel has for a prefix, sorted; empty without a route.
    #[must_use]
    pub fn gateways(&self, prefix: &str) -> Vec<String> {
        let route = self.kernel_route(prefix).ok().flatten();
        let mut gateways: Vec<_> = route.into_iter().flat_map(|route| route.legs).map(|leg| leg.gateway).collect();
        gateways.sort();
        gateways
    }

    /// Every route and next-hop object of the kernel as `ip` prints them, for comparing before and after.
    ///
    /// # Errors
    /// When `ip` refuses.
    pub fn kernel_state(&self) -> Result<String> {
        kernel::state(&self.host)
    }

    /// The machine that the router runs on.
    #[must_use]
    pub fn host(&self) -> &Host {
        &self.host
    }

    /// The path of a program under test.
    #[must_use]
    pub fn program(&self, name: &str) -> String {
        self.programs.join(name).to_string_lossy().into_owned()
    }

    /// The path of a file of the system that the daemon works on, such as `/etc/hosts`.
    #[must_use]
    pub fn system_path(&self, path: &str) -> PathBuf {
        self.host.directory().join(SYSTEM).join(path.trim_start_matches('/'))
    }

    /// The path of one of the daemon's files.
    #[must_use]
    pub fn path(&self, name: &str) -> String {
        self.host.directory().join(name).to_string_lossy().into_owned()
    }
}

/// The object with this address and a state, wherever the answer nests it.
fn find_neighbor(answer: &Value, address: &str) -> Option<Value> {
    match answer {
        Value::Object(object) => {
            let is_it = object.get("address").and_then(Value::as_str) == Some(address) && object.contains_key("state");
            if is_it {
                return Some(answer.clone());
            }
            object.values().find_map(|value| find_neighbor(value, address))
        }
        Value::Array(values) => values.iter().find_map(|value| find_neighbor(value, address)),
        _ => None,
    }
}

/// The directory of the programs under test.
pub(crate) fn programs() -> Result<PathBuf> {
    let directory = match std::env::var_os("TOWPATH_BIN_DIR") {
        Some(directory) => PathBuf::from(directory),
        None => {
            // A test is target/debug/deps/it-0123; a benchmark is target/release/bench.
            let own = std::env::current_exe().context("asking for the test's own path")?;
            let beside = own.parent().context("the test's own path has no parent")?;
            let up = if beside.ends_with("deps") { beside.parent() } else { Some(beside) };
            up.context("the test's own path has no parent")?.to_owned()
        }
    };
    for name in ["towpathd", "towpath"] {
        if !directory.join(name).is_file() {
            bail!(
                "{name} is not in {}: build it first (`cargo build --workspace`), or set TOWPATH_BIN_DIR",
                directory.display()
            );
        }
    }
    Ok(directory)
}
