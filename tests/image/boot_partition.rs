//! What the boot partition of a disk holds, read without starting it: the boot loader's variables and the images, octet for
//! octet.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use scenarios::appliance::Place;

/// Where it begins, in octets, as `images/build.sh` makes it.
const BEGIN: u64 = 2 << 20;
/// What an image consists of, beside its manifest.
pub(crate) const FILES: [&str; 3] = ["vmlinuz", "initrd", "usr"];
/// The size of the block of variables, in octets.
const VARIABLES: usize = 1024;

/// The files of an image, each with its octets.
pub(crate) struct Known(Vec<(&'static str, Vec<u8>)>);

/// The boot partition of a disk that nobody uses.
pub(crate) struct BootPartition {
    disk: PathBuf,
    taken: PathBuf,
}

impl Known {
    /// Those of the image under test.
    pub(crate) fn of(place: &Place) -> Result<Self> {
        let read = |name| anyhow::Ok((name, fs::read(place.image().slot().join(name))?));
        Ok(Self(FILES.into_iter().map(read).collect::<Result<_>>()?))
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
        for (name, octets) in &known.0 {
            ensure!(self.file(&format!("slots/{slot}/{name}"))? == *octets, "{name} of slot {slot} is another one");
        }
        let octets = |files: &[&str]| {
            let files = known.0.iter().filter(|(name, _)| files.contains(name));
            files.map(|(_, octets)| octets.len()).sum::<usize>()
        };
        let (first, system) = (octets(&["initrd"]), octets(&["initrd", "usr"]));
        let manifest = self.text(&format!("slots/{slot}/manifest"))?;
        ensure!(manifest.contains(&format!("\nsystem {system}\nfirst {first}\n")), "slot {slot}: {manifest}");
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
