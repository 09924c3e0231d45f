//! What the boot partition of a disk holds, read without starting it: the boot loader's variables and the images, octet for
//! octet.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use scenarios::appliance::Place;

/// Where it begins, in octets, as `images/build.sh` makes it.
const BEGIN: u64 = 2 << 20;
/// The size of the block of variables, in octets.
const VARIABLES: usize = 1024;

/// Kernel and system of an image.
pub(crate) struct Known {
    kernel: Vec<u8>,
    system: Vec<u8>,
}

/// The boot partition of a disk that nobody uses.
pub(crate) struct BootPartition {
    disk: PathBuf,
    taken: PathBuf,
}

impl Known {
    /// Those of the image under test.
    pub(crate) fn of(place: &Place) -> Result<Self> {
        let read = |name: &str| fs::read(place.image().slot().join(name));
        Ok(Self { kernel: read("vmlinuz")?, system: read("initrd")? })
    }
}

impl BootPartition {
    /// That of a disk of plain octets.
    pub(crate) fn of(place: &Place, disk: &Path) -> Self {
        Self { disk: disk.to_owned(), taken: place.path("taken") }
    }

    /// That of a machine that was switched off.
    pub(crate) fn of_machine(place: &Place) -> Result<Self> {
        let plain = place.path("plain.img");
        flatten(&place.path("disk.qcow2"), &plain)?;
        Ok(Self::of(place, &plain))
    }

    /// The value of a variable of the boot loader.
    pub(crate) fn variable(&self, name: &str) -> Result<String> {
        let block = self.text("grub/grubenv")?;
        ensure!(block.len() == VARIABLES, "the boot loader's variables: {block}");
        let value = block.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('='));
        Ok(value.unwrap_or_default().to_owned())
    }

    /// A slot holds this image whole.
    ///
    /// # Errors
    /// What is not as it was made.
    pub(crate) fn holds(&self, slot: &str, known: &Known) -> Result<()> {
        let is = |name: &str, octets: &[u8]| anyhow::Ok(self.file(&format!("slots/{slot}/{name}"))? == octets);
        ensure!(is("vmlinuz", &known.kernel)?, "the kernel of slot {slot} is another one");
        ensure!(is("initrd", &known.system)?, "the system of slot {slot} is another one");
        let manifest = self.text(&format!("slots/{slot}/manifest"))?;
        ensure!(manifest.contains(&format!("\nsystem {}\n", known.system.len())), "slot {slot}: {manifest}");
        Ok(())
    }

    fn text(&self, name: &str) -> Result<String> {
        Ok(String::from_utf8_lossy(&self.file(name)?).into_owned())
    }

    /// Puts a file in the place of another, or where none was.
    pub(crate) fn put(&self, name: &str, file: &Path) -> Result<()> {
        let mut copy = Command::new("mcopy");
        copy.args(["-o", "-i", &format!("{}@@{BEGIN}", self.disk.display())]).arg(file).arg(format!("::{name}"));
        let copied = copy.output().context("mcopy")?;
        ensure!(copied.status.success(), "{name}: {}", String::from_utf8_lossy(&copied.stderr));
        Ok(())
    }

    /// A file of it.
    pub(crate) fn file(&self, name: &str) -> Result<Vec<u8>> {
        let _ = fs::remove_file(&self.taken);
        let mut copy = Command::new("mcopy");
        copy.args(["-n", "-i", &format!("{}@@{BEGIN}", self.disk.display()), &format!("::{name}")]).arg(&self.taken);
        let copied = copy.output().context("mcopy")?;
        if !copied.status.success() {
            bail!("the boot partition has no {name}: {}", String::from_utf8_lossy(&copied.stderr));
        }
        Ok(fs::read(&self.taken)?)
    }
}

/// A disk as plain octets.
pub(crate) fn flatten(from: &Path, to: &Path) -> Result<()> {
    let mut flat = Command::new("qemu-img");
    ensure!(flat.args(["convert", "-O", "raw"]).arg(from).arg(to).status()?.success(), "the disk cannot be read");
    Ok(())
}
