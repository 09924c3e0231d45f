//! The appliance as a machine: its image in QEMU, with a person at the serial console.
//!
//! The machine is emulated (`tcg`), so it needs no privilege and is slow. Its disk is a thin file over the image, which stays
//! as it was built. It never waits without a deadline, and the machine goes with its value.

mod console;
pub mod network;
mod parts;

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

pub use self::console::Console;
pub use self::parts::{Firmware, Image, Parts, Seed};
use crate::lab::{Host, Process};

/// How long a machine may take until it says something that it should say, on a host that does much else.
pub const PATIENCE: Duration = Duration::from_secs(400);
const QEMU: &str = "qemu-system-x86_64";
/// What QEMU's monitor says when it waits for a command.
const PROMPT: &str = "(qemu) ";
const MONITOR_PATIENCE: Duration = Duration::from_secs(60);
/// How often it is looked at.
const GLANCE: Duration = Duration::from_millis(50);

/// A place for a machine: its disk and what belongs to it. It outlives power cuts.
#[derive(Debug)]
pub struct Place {
    folder: PathBuf,
    image: Image,
}

/// A machine that is switched on.
#[derive(Debug)]
pub struct Machine {
    process: Process,
    folder: PathBuf,
    console: Option<Console>,
    ssh: u16,
    begin: Instant,
}

impl Place {
    /// A new machine with a disk as it comes from the build.
    ///
    /// # Errors
    /// When the image cannot be built.
    pub fn new(name: &str) -> Result<Self> {
        Self::of(name, Image::build()?)
    }

    /// The same from an image that is there.
    ///
    /// # Errors
    /// When the disk cannot be made.
    pub fn of(name: &str, image: Image) -> Result<Self> {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let folder = std::env::temp_dir().join(format!("towpath-machine-{name}-{}-{number}", std::process::id()));
        std::fs::create_dir_all(&folder)?;
        let place = Self { folder, image };
        place.thin_disk("disk.qcow2", &place.image.disk())?;
        Ok(place)
    }

    /// The image that it began with.
    #[must_use]
    pub fn image(&self) -> &Image {
        &self.image
    }

    /// A file of it.
    #[must_use]
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// A disk that begins as another one and keeps only what differs.
    ///
    /// # Errors
    /// When `qemu-img` fails.
    pub fn thin_disk(&self, name: &str, over: &Path) -> Result<()> {
        let format = if over.extension().is_some_and(|extension| extension == "img") { "raw" } else { "qcow2" };
        let mut command = Command::new("qemu-img");
        command.args(["create", "-q", "-f", "qcow2", "-F", format, "-b"]).arg(over).arg(self.path(name));
        run(command)
    }

    /// A disk that holds nothing, of this size as `qemu-img` spells it.
    ///
    /// # Errors
    /// When `qemu-img` fails.
    pub fn blank_disk(&self, name: &str, size: &str) -> Result<()> {
        let mut command = Command::new("qemu-img");
        command.args(["create", "-q", "-f", "qcow2"]).arg(self.path(name)).arg(size);
        run(command)
    }

    /// Switches it on with these parts.
    ///
    /// # Errors
    /// When QEMU does not start.
    pub fn boot(&self, parts: &Parts) -> Result<Machine> {
        self.start(Command::new(QEMU), parts)
    }

    /// The same within a namespace, to whose links its cards may belong.
    ///
    /// # Errors
    /// When QEMU does not start.
    pub fn boot_in(&self, host: &Host, parts: &Parts) -> Result<Machine> {
        self.start(host.command(QEMU), parts)
    }

    fn start(&self, mut command: Command, parts: &Parts) -> Result<Machine> {
        let ssh = free_port()?;
        parts.describe(&mut command, &self.folder, ssh)?;
        let _ = std::fs::remove_file(self.path("serial"));
        let _ = std::fs::remove_file(self.path("monitor"));
        let begin = Instant::now();
        let process = Process::start(command, self.path("qemu.log"))?;
        let mut machine = Machine { process, folder: self.folder.clone(), console: None, ssh, begin };
        let (monitor, serial) = (self.path("monitor"), self.path("serial"));
        let ready = || monitor.exists() && (!parts.serial || serial.exists());
        machine.until("QEMU's sockets", Duration::from_secs(20), ready)?;
        if parts.serial {
            machine.console = Some(Console::open(&self.path("serial"))?);
        }
        machine.monitor("cont")?;
        Ok(machine)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

impl Machine {
    /// Seconds since it was switched on.
    #[must_use]
    pub fn seconds(&self) -> f64 {
        self.begin.elapsed().as_secs_f64()
    }

    /// Seconds for which it has kept a processor of this host busy: what it would have taken on a host that does nothing
    /// else, but for its waiting.
    #[must_use]
    pub fn processor_seconds(&self) -> f64 {
        let status = std::fs::read_to_string(format!("/proc/{}/stat", self.process.id())).unwrap_or_default();
        // Behind the name in brackets, user and system time are the fields 14 and 15 of proc(5), in hundredths.
        let fields = status.rsplit(')').next().unwrap_or_default().split_whitespace();
        fields.skip(11).take(2).filter_map(|ticks| ticks.parse::<f64>().ok()).sum::<f64>() / 100.0
    }

    /// The serial console.
    ///
    /// # Errors
    /// When the machine has none.
    pub fn console(&mut self) -> Result<&mut Console> {
        self.console.as_mut().context("this machine has no serial console")
    }

    /// Waits until the console says this, behind all that was waited for before.
    ///
    /// # Errors
    /// At the deadline: what it said last.
    pub fn sees(&mut self, text: &str) -> Result<()> {
        self.console()?.sees(text, PATIENCE)
    }

    /// Types a line.
    ///
    /// # Errors
    /// When the machine is gone.
    pub fn enters(&mut self, line: &str) -> Result<()> {
        self.console()?.enters(line)
    }

    /// Waits for the question for a name, logs in, and waits for the shell's prompt.
    ///
    /// # Errors
    /// When one of them does not come.
    pub fn logs_in(&mut self, user: &str, password: &str) -> Result<()> {
        self.sees("login:")?;
        self.enters(user)?;
        self.sees("assword:")?;
        self.enters(password)?;
        self.sees(":~$")
    }

    /// Types a command and answers what is said until the next prompt.
    ///
    /// # Errors
    /// When the prompt does not come back.
    pub fn says(&mut self, command: &str) -> Result<String> {
        self.console()?.says(command, PATIENCE)
    }

    /// Types a command again and again until its answer holds this.
    ///
    /// # Errors
    /// When it does not come: the last answer.
    pub fn shows(&mut self, command: &str, wanted: &str) -> Result<()> {
        let begin = Instant::now();
        loop {
            let said = self.says(command)?;
            if said.contains(wanted) {
                return Ok(());
            }
            if begin.elapsed() > PATIENCE {
                bail!("waited {PATIENCE:?} for {wanted:?} in the answer to {command:?}: {said}");
            }
            std::thread::sleep(GLANCE);
        }
    }

    /// The port of this host behind which the machine's SSH server is.
    #[must_use]
    pub fn ssh_port(&self) -> u16 {
        self.ssh
    }

    /// Whether it is switched on.
    pub fn is_on(&mut self) -> bool {
        self.process.is_running()
    }

    /// Waits until it has switched itself off.
    ///
    /// # Errors
    /// When it does not.
    pub fn goes_off(&mut self) -> Result<()> {
        self.process.wait(PATIENCE).map(drop)
    }

    /// Takes the power away.
    pub fn power_cut(mut self) {
        self.process.kill9();
    }

    /// Tells QEMU's monitor a command, and waits until it was carried out.
    ///
    /// # Errors
    /// When it cannot be told, and when the monitor does not answer.
    pub fn monitor(&mut self, command: &str) -> Result<()> {
        let mut stream = UnixStream::connect(self.folder.join("monitor")).context("QEMU's monitor is gone")?;
        stream.set_read_timeout(Some(MONITOR_PATIENCE))?;
        writeln!(stream, "{command}")?;
        stream.flush()?;
        // One prompt stands before the command and one behind it. Who closes earlier may not have been heard at all.
        let (mut said, mut octets) = (String::new(), [0; 512]);
        while said.matches(PROMPT).count() < 2 {
            let length = stream.read(&mut octets).context("QEMU's monitor does not answer")?;
            if length == 0 {
                bail!("QEMU's monitor ended: {said}");
            }
            said.push_str(&String::from_utf8_lossy(octets.get(..length).unwrap_or_default()));
        }
        Ok(())
    }

    /// What is on the screen, as a picture in the format PPM.
    ///
    /// # Errors
    /// When there is no screen.
    pub fn screen(&mut self, name: &str) -> Result<Vec<u8>> {
        let path = self.folder.join(name);
        let _ = std::fs::remove_file(&path);
        self.monitor(&format!("screendump {}", path.display()))?;
        self.until("the picture of the screen", Duration::from_secs(10), || {
            std::fs::metadata(&path).is_ok_and(|picture| picture.len() > 1000)
        })?;
        Ok(std::fs::read(path)?)
    }

    /// Waits until a condition holds.
    ///
    /// # Errors
    /// At the deadline, and when the machine goes off meanwhile.
    pub fn until(&mut self, what: &str, patience: Duration, mut holds: impl FnMut() -> bool) -> Result<()> {
        let begin = Instant::now();
        while !holds() {
            if begin.elapsed() > patience {
                bail!("waited {patience:?} for {what}; {}", self.last_words());
            }
            if !self.process.is_running() {
                bail!("the machine went off while waiting for {what}; {}", self.last_words());
            }
            std::thread::sleep(GLANCE);
        }
        Ok(())
    }

    fn last_words(&self) -> String {
        let said = self.console.as_ref().map(Console::tail).unwrap_or_default();
        format!("QEMU said: {}; the console said last:\n{said}", self.process.output())
    }
}

/// Runs a program to its good end.
fn run(mut command: Command) -> Result<()> {
    let done = command.output().with_context(|| format!("running {}", command.get_program().display()))?;
    if done.status.success() {
        return Ok(());
    }
    bail!("{} failed: {}", command.get_program().display(), String::from_utf8_lossy(&done.stderr))
}

fn free_port() -> Result<u16> {
    Ok(std::net::TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}
