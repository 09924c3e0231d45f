//! What a disk holds after a power cut, read without starting it: the file systems, the configuration, the store of
//! revisions as the daemon opens it, and the images as the boot loader chooses them.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use scenarios::appliance::Place;

use crate::boot_partition::{BootPartition, Known};
use crate::disks::{DATA, tool};

/// What takes the place of a host name, so that texts can be compared that differ in it alone.
const ANY: &str = "host-name ANY";

/// What was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Found {
    /// What the machine would be called at its next start: the host name in `config.boot`.
    pub(super) saved: String,
    /// The host name in the newest revision.
    pub(super) committed: String,
    /// `config.boot` and the newest revision, but for the names.
    pub(super) texts: [String; 2],
    /// Whether the image of the upgrade would be started; whole it is then.
    pub(super) upgraded: bool,
}

/// A disk of this host, and a place for what is taken out of it.
pub(super) struct Remains<'a> {
    place: &'a Place,
    disk: PathBuf,
}

impl<'a> Remains<'a> {
    pub(super) fn of(place: &'a Place, disk: &Path) -> Self {
        Self { place, disk: disk.to_owned() }
    }

    /// Looks at everything.
    ///
    /// # Errors
    /// What is not whole.
    pub(super) fn look(&self, known: &Known) -> Result<Found> {
        self.repair()?;
        let [config, revision] = [self.config()?, self.revision()?];
        let ([saved, one], [committed, other]) = (named(&config)?, named(&revision)?);
        Ok(Found { saved, committed, texts: [one, other], upgraded: self.images(known)? })
    }

    fn data(&self) -> String {
        self.place.path("remains.data").display().to_string()
    }

    /// The journal is written back, as at a start, and all of the file system is checked behind it.
    fn repair(&self) -> Result<()> {
        let mut take = tool("dd");
        take.args(["bs=1M", "conv=sparse", "status=none", &format!("skip={}", DATA >> 20)]);
        take.args([format!("if={}", self.disk.display()), format!("of={}", self.data())]);
        let _ = fs::remove_file(self.data());
        ensure!(take.status()?.success(), "the data partition cannot be read");
        let done = tool("e2fsck").args(["-p", "-f", &self.data()]).output().context("e2fsck")?;
        ensure!(done.status.code().is_some_and(|code| code <= 1), "the data partition: {}", text(&done.stdout));
        Ok(())
    }

    fn config(&self) -> Result<String> {
        let file = self.place.path("remains.config");
        let _ = fs::remove_file(&file);
        self.debugfs(&format!("dump /config/config.boot {}", file.display()))?;
        fs::read_to_string(&file).context("there is no config.boot")
    }

    /// Opens the store of revisions as the daemon does: the newest one.
    fn revision(&self) -> Result<String> {
        let folder = self.place.path("remains.state");
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder)?;
        self.debugfs(&format!("rdump /state/revisions {}", folder.display()))?;
        let (store, damage) = store::open_or_fresh(&folder.join("revisions"))?;
        ensure!(damage.is_none(), "the store of revisions: {damage:?}");
        Ok(store.latest()?.context("the store has no revision")?.text)
    }

    fn debugfs(&self, request: &str) -> Result<()> {
        let done = tool("debugfs").args(["-R", request, &self.data()]).output().context("debugfs")?;
        ensure!(done.status.success(), "debugfs: {}", text(&done.stderr));
        Ok(())
    }

    /// What `images/grub.cfg` would start, and in the end come back to: each has to be an image as it was made. Whether
    /// another one than the good one would be started.
    fn images(&self, known: &Known) -> Result<bool> {
        let boot = BootPartition::of(self.place, &self.disk);
        ensure!(boot.variable("good")? == "a", "the good slot is {:?}", boot.variable("good"));
        boot.holds("a", known).context("the good image")?;
        let (tried, tries) = (boot.variable("try")?, boot.variable("tries")?);
        if tried.is_empty() || tries.parse().unwrap_or(0) == 0 {
            return Ok(false);
        }
        boot.holds(&tried, known).context("the image on trial").map(|()| true)
    }
}

/// The host name of a configuration, and the rest of it.
fn named(config: &str) -> Result<[String; 2]> {
    let line = config.lines().find(|line| line.trim_start().starts_with("host-name ")).context("no host name")?;
    let name = line.trim().trim_start_matches("host-name ").to_owned();
    Ok([name, config.replace(line.trim(), ANY)])
}

fn text(octets: &[u8]) -> String {
    String::from_utf8_lossy(octets).into_owned()
}
