//! Where programs' maps and links are pinned, so that they outlive the daemon: `DIR/LAYOUT/maps/NAME`,
//! `DIR/LAYOUT/inner/ID` for maps that stand in maps, `DIR/LAYOUT/links/N-HOOK`.
//!
//! Never opens a pin of another layout: `LAYOUT` is a hash of the text that says how the maps are laid out and what a hash of
//! a flow is, so that programs and user space that disagree never share a map.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use crate::LoadError;
use crate::attach::take_filters_off;
use crate::sys;

/// Whatever makes what one release wrote something else for another.
const LAYOUT: [&str; 3] = [
    include_str!("../../common/src/layout.rs"),
    include_str!("../../common/src/flow.rs"),
    include_str!("../../programs/src/maps.rs"),
];

const INNER: &str = "inner";

/// The directory of this layout.
#[derive(Clone, Debug)]
pub(crate) struct Pins {
    directory: PathBuf,
}

impl Pins {
    /// Makes what is missing of it; where the file system is not mounted, it is.
    pub(crate) fn open(root: &Path) -> Result<Self, LoadError> {
        let no = |error| LoadError::NoPins { path: root.to_owned(), error };
        mount(root).map_err(no)?;
        let directory = root.join(format!("{:016x}", layout()));
        for below in ["maps", INNER, "links"] {
            fs::create_dir_all(directory.join(below)).map_err(no)?;
        }
        Ok(Self { directory })
    }

    /// Whether what is pinned stays when this process ends: the machine's first process has the file system, too. Nothing where
    /// that may not be seen.
    pub(crate) fn last(&self) -> Option<bool> {
        let mounts = fs::read_to_string("/proc/1/mountinfo").ok()?;
        let device = fs::metadata(&self.directory).ok()?.dev();
        Some(has_device(&mounts, device))
    }

    /// Where a map is pinned.
    pub(crate) fn map(&self, name: &str) -> PathBuf {
        self.directory.join("maps").join(name)
    }

    /// Where a map that stands in another one is pinned, by its number in the kernel.
    pub(crate) fn inner(&self, id: u32) -> PathBuf {
        self.directory.join(INNER).join(id.to_string())
    }

    /// The numbers of the maps that are pinned so.
    pub(crate) fn inners(&self) -> Vec<u32> {
        let found = fs::read_dir(self.directory.join(INNER)).into_iter().flatten();
        found.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok()).collect()
    }

    /// Where a link is pinned.
    pub(crate) fn link(&self, name: &str) -> PathBuf {
        self.directory.join("links").join(name)
    }

    /// The names of the links that are pinned.
    pub(crate) fn links(&self) -> Vec<String> {
        let found = fs::read_dir(self.directory.join("links")).into_iter().flatten();
        found.filter_map(|entry| entry.ok()?.file_name().into_string().ok()).collect()
    }

    /// The links that were pinned for another layout, below the same root.
    pub(crate) fn foreign_links(&self) -> Vec<PathBuf> {
        let root = self.directory.parent().and_then(|root| fs::read_dir(root).ok()).into_iter().flatten();
        let others = root.filter_map(|entry| Some(entry.ok()?.path())).filter(|path| *path != self.directory);
        let links = others.flat_map(|other| fs::read_dir(other.join("links")).into_iter().flatten());
        links.filter_map(|entry| Some(entry.ok()?.path())).collect()
    }

    /// Whether maps are pinned.
    pub(crate) fn have_maps(&self) -> bool {
        self.map("SERVICES").exists()
    }

    /// Unpins the maps.
    pub(crate) fn forget_maps(&self) {
        for below in ["maps", INNER] {
            let _ = fs::remove_dir_all(self.directory.join(below));
        }
    }

    /// Unpins everything of this layout; links come off with their pins.
    pub(crate) fn forget_all(&self) {
        take_filters_off(&self.directory.join("links"));
        let _ = fs::remove_dir_all(&self.directory);
        // It goes if nothing else is in it.
        let _ = self.directory.parent().map(fs::remove_dir);
    }
}

/// Whether one of these mounts (proc_pid_mountinfo(5)) is of a device, as `stat` tells it (makedev(3)).
fn has_device(mounts: &str, device: u64) -> bool {
    let (major, minor) = ((device >> 8) & 0xfff | (device >> 32) & !0xfff, device & 0xff | (device >> 12) & !0xff);
    let wanted = format!("{major}:{minor}");
    mounts.lines().any(|line| line.split(' ').nth(2) == Some(&wanted))
}

/// Unpins everything below a root, of whatever layout.
pub(crate) fn clear(root: &Path) {
    let found = fs::read_dir(root).into_iter().flatten().filter_map(|entry| Some(entry.ok()?.path()));
    for directory in found.filter(|path| path.join("links").is_dir() && path.join("maps").is_dir()) {
        take_filters_off(&directory.join("links"));
        let _ = fs::remove_dir_all(directory);
    }
    let _ = fs::remove_dir(root);
}

/// A hash of all that matters (FNV-1a); comments do not.
fn layout() -> u64 {
    let lines = LAYOUT.iter().flat_map(|text| text.lines()).map(str::trim).filter(|line| !line.starts_with("//"));
    lines
        .flat_map(str::bytes)
        .fold(0xcbf2_9ce4_8422_2325, |hash, octet| (hash ^ u64::from(octet)).wrapping_mul(0x0100_0000_01b3))
}

/// Mounts the file system of pins where its usual place is there and empty; elsewhere a person has done it.
fn mount(root: &Path) -> io::Result<()> {
    let usual = Path::new("/sys/fs/bpf");
    if root.starts_with(usual) && !sys::holds_pins(&sys::c_path(usual)?)? {
        sys::mount(&sys::c_path(usual)?)?;
    }
    let existing = root.ancestors().find(|path| path.exists()).unwrap_or(usual);
    if !sys::holds_pins(&sys::c_path(existing)?)? {
        let words = format!("{} is not of the type bpf (mount -t bpf bpf {})", existing.display(), root.display());
        return Err(io::Error::other(words));
    }
    fs::create_dir_all(root)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mount_is_found_by_its_device() {
        let mounts = "23 27 0:22 / /sys rw,relatime - sysfs sysfs rw\n24 27 259:300 / / rw - ext4 /dev/root rw\n";
        for (device, found) in
            [(22, true), (2, false), (259 << 8 | 300 & 0xff | (300 & !0xff) << 12, true), (44, false)]
        {
            assert_eq!(has_device(mounts, device), found, "{device}");
        }
    }
}
