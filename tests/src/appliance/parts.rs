//! What a machine is put together of: the image, firmware, memory, cards, consoles, and a volume for its first start.
//!
//! It never changes the image: disks are thin files over it.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use super::run;
use crate::router::programs;

/// The built image.
#[derive(Clone, Debug)]
pub struct Image {
    folder: PathBuf,
    name: String,
    key: PathBuf,
}

/// What starts the machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Firmware {
    /// SeaBIOS.
    Bios,
    /// OVMF.
    Uefi,
    /// OVMF that starts signed programs only.
    SecureBoot,
}

/// A volume labelled `CIDATA`, or `config-2` where there is metadata of OpenStack.
#[derive(Clone, Debug, Default)]
pub struct Seed {
    /// `meta_data.json`, as OpenStack writes it; then `user-data` lies beside it by OpenStack's name.
    pub openstack: Option<String>,
    /// `user-data`
    pub user_data: Option<String>,
    /// `config.boot`
    pub config: Option<String>,
}

/// The parts of a machine.
#[derive(Clone, Debug)]
pub struct Parts {
    /// What starts it.
    pub firmware: Firmware,
    /// MiB.
    pub memory: u32,
    /// What each card hangs on, as `-netdev` takes it without its `id`; the first one gets the port for SSH where it is `user`.
    pub cards: Vec<String>,
    /// The last octet of each card's hardware address, in the order in which they are plugged in.
    pub addresses: Vec<u8>,
    /// Whether there is a serial port.
    pub serial: bool,
    /// Whether there is a screen.
    pub screen: bool,
    /// A volume for the first start.
    pub seed: Option<Seed>,
    /// Further arguments of QEMU.
    pub others: Vec<String>,
    /// The disk's file.
    pub disk: String,
    /// What the disk hangs on, as devices of QEMU of which the last one takes the drive `disk`; virtio where there is none.
    pub controller: Vec<String>,
    /// A file that takes each write to the disk and each flush, in their order.
    pub log: Option<String>,
}

impl Default for Parts {
    fn default() -> Self {
        Self {
            firmware: Firmware::Bios,
            memory: 256,
            cards: vec!["user".to_owned()],
            addresses: vec![1],
            serial: true,
            screen: false,
            seed: None,
            others: Vec::new(),
            disk: "disk.qcow2".to_owned(),
            controller: Vec::new(),
            log: None,
        }
    }
}

impl Image {
    /// Builds it from the programs under test, packed quickly; one that is fresh stays.
    ///
    /// # Errors
    /// When a program is missing or the build fails.
    pub fn build() -> Result<Self> {
        Self::build_as("0.1.0", "images")
    }

    /// The same as a version of its own in a folder of its own, with the key of the first.
    ///
    /// # Errors
    /// When a program is missing or the build fails.
    pub fn build_as(version: &str, folder: &str) -> Result<Self> {
        let programs = programs()?;
        let target = programs.parent().context("the programs are in no directory")?;
        let name = format!("towpath-{version}-amd64");
        // The figures are those of what is shipped, as `make image` leaves it.
        if std::env::var_os("TOWPATH_IMAGE").is_some_and(|which| which == "release") {
            let folder = target.join("image");
            return Ok(Self { key: folder.join("key/towpath.key"), folder, name });
        }
        let (folder, key) = (target.join(folder), target.join("images/key/towpath.key"));
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../images/build.sh");
        let mut command = Command::new(script);
        command.arg(&folder).arg(&programs).env("TOWPATH_LEVEL", "1").env("TOWPATH_VERSION", version);
        command.env("TOWPATH_PACKAGES", target.join("images")).env("TOWPATH_KEY", &key);
        run(command)?;
        Ok(Self { folder, name, key })
    }

    /// The image of a disk.
    #[must_use]
    pub fn disk(&self) -> PathBuf {
        self.folder.join(format!("{}.img", self.name))
    }

    /// The key that it is signed with.
    #[must_use]
    pub fn key(&self) -> PathBuf {
        self.key.clone()
    }

    /// The list of what is in it.
    #[must_use]
    pub fn bill(&self) -> PathBuf {
        self.folder.join(format!("{}.cdx.json", self.name))
    }

    /// The folder with its kernel and its system.
    #[must_use]
    pub fn slot(&self) -> PathBuf {
        self.folder.join("slot")
    }

    /// The folder with all of its files.
    #[must_use]
    pub fn root(&self) -> PathBuf {
        self.folder.join("root")
    }

    /// A file of the packages that it is made of, whether it is in the image or not.
    #[must_use]
    pub fn package_file(&self, name: &str) -> PathBuf {
        self.folder.join("tree").join(name)
    }

    /// The signed form for Secure Boot and the same without a signature: their disks.
    ///
    /// # Errors
    /// When it cannot be built.
    pub fn signed_and_unsigned(&self) -> Result<[PathBuf; 2]> {
        let mut command = Command::new(Path::new(env!("CARGO_MANIFEST_DIR")).join("../images/uki.sh"));
        command.arg(&self.folder);
        run(command)?;
        Ok(["signed", "unsigned"].map(|kind| self.folder.join(format!("{}-{kind}.img", self.name))))
    }

    /// The file for upgrades.
    #[must_use]
    pub fn file(&self) -> PathBuf {
        self.folder.join(format!("{}.image", self.name))
    }
}

impl Parts {
    /// The same with a volume for its first start.
    #[must_use]
    pub fn seeded(self, user_data: &str) -> Self {
        Self { seed: Some(Seed { user_data: Some(user_data.to_owned()), ..Seed::default() }), ..self }
    }

    /// Puts them on QEMU's command line.
    pub(super) fn describe(&self, command: &mut Command, folder: &Path, ssh: u16) -> Result<()> {
        let at = |name: &str| folder.join(name).display().to_string();
        // QEMU keeps what it has translated until its room is full, also behind a reset, and each write of the next start to
        // memory that held a translated program of the last one is then many times as dear: with the gibibyte that it takes by
        // itself, a start behind a reset took up to twice the processor of the first one. With a room of 32 MiB a start fills it
        // several times, and everything is translated anew each time.
        command.args([
            "-accel",
            "tcg,tb-size=128",
            "-smp",
            "1",
            "-nodefaults",
            "-no-user-config",
            "-S",
            "-display",
            "none",
        ]);
        command.args(["-m", &self.memory.to_string()]);
        command.args(["-monitor", &format!("unix:{},server=on,wait=off", at("monitor"))]);
        let disk = match &self.log {
            None => format!("file={},format=qcow2", at(&self.disk)),
            Some(log) => {
                let (disk, log) = (at(&self.disk), at(log));
                format!(
                    "driver=blklogwrites,file.driver=qcow2,file.file.driver=file,file.file.filename={disk},log.driver=file,log.filename={log}"
                )
            }
        };
        command.args(["-drive", &format!("{disk},if=none,id=disk")]);
        // The disk comes first in the order of starts, as libvirt says it of a machine's disk: without an order OVMF brings
        // each network card up before it looks for a system.
        let usual = ["virtio-blk-pci,drive=disk,bootindex=0".to_owned()];
        let controller = if self.controller.is_empty() { &usual[..] } else { &self.controller };
        command.args(controller.iter().flat_map(|device| ["-device", device]));
        command.args(["-device", "i6300esb", "-watchdog-action", "reset"]);
        self.describe_firmware(command, folder)?;
        for (number, (card, address)) in self.cards.iter().zip(&self.addresses).enumerate() {
            let forward = if card == "user" { format!(",hostfwd=tcp:127.0.0.1:{ssh}-:22") } else { String::new() };
            command.args(["-netdev", &format!("{card},id=net{number}{forward}")]);
            command.args([
                "-device",
                &format!("virtio-net-pci,netdev=net{number},mac=02:54:00:00:00:{address:02x},romfile="),
            ]);
        }
        if self.serial {
            command.args(["-serial", &format!("unix:{},server=on,wait=off", at("serial"))]);
        }
        if self.screen {
            command.args(["-device", "VGA"]);
        }
        if let Some(seed) = &self.seed {
            seed.write(&folder.join("seed.img"))?;
            command.args(["-drive", &format!("file={},format=raw,if=virtio,readonly=on", at("seed.img"))]);
        }
        command.args(&self.others);
        Ok(())
    }

    fn describe_firmware(&self, command: &mut Command, folder: &Path) -> Result<()> {
        let (code, variables) = match self.firmware {
            Firmware::Bios => return Ok(()),
            Firmware::Uefi => ("OVMF_CODE_4M.fd", "OVMF_VARS_4M.fd"),
            Firmware::SecureBoot => ("OVMF_CODE_4M.secboot.fd", "OVMF_VARS_4M.snakeoil.fd"),
        };
        let (from, to) = (Path::new("/usr/share/OVMF").join(variables), folder.join("variables.fd"));
        if !to.exists() {
            std::fs::copy(&from, &to).with_context(|| format!("{} is missing: run `make setup`", from.display()))?;
        }
        command.args(["-drive", &format!("if=pflash,format=raw,readonly=on,file=/usr/share/OVMF/{code}")]);
        command.args(["-drive", &format!("if=pflash,format=raw,file={}", to.display())]);
        if self.firmware == Firmware::SecureBoot {
            command.args(["-machine", "q35,smm=on", "-global", "driver=cfi.pflash01,property=secure,value=on"]);
        }
        Ok(())
    }
}

impl Seed {
    fn write(&self, path: &Path) -> Result<()> {
        let _ = std::fs::remove_file(path);
        std::fs::File::create(path)?.set_len(2 << 20)?;
        let label = if self.openstack.is_some() { "config-2" } else { "CIDATA" };
        call("mformat", path, &["-v", label, "::"])?;
        if self.openstack.is_some() {
            call("mmd", path, &["::openstack", "::openstack/latest"])?;
        }
        let user_data = if self.openstack.is_some() { "openstack/latest/user_data" } else { "user-data" };
        let files = [
            ("openstack/latest/meta_data.json", &self.openstack),
            (user_data, &self.user_data),
            ("config.boot", &self.config),
        ];
        for (name, text) in files {
            let Some(text) = text else { continue };
            let file = path.with_extension("file");
            std::fs::write(&file, text)?;
            call("mcopy", path, &[&file.to_string_lossy(), &format!("::{name}")])?;
        }
        if files.iter().all(|(_, text)| text.is_none()) {
            bail!("a volume with nothing on it");
        }
        Ok(())
    }
}

/// Calls a tool of mtools on a volume.
fn call(tool: &str, volume: &Path, arguments: &[&str]) -> Result<()> {
    let mut command = Command::new(tool);
    command.arg("-i").arg(volume).args(arguments);
    run(command)
}
