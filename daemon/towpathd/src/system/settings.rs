//! Settings of the kernel: set, and set back to what they were before the configuration named them.
//!
//! What they were is kept in the state directory with the boot it holds for: after a reboot the kernel has its own again.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};

use kernel::sysctl;

use super::files;

const BOOT_ID: &str = "kernel.random.boot_id";

/// What settings were before they were named.
pub(super) struct Settings {
    root: PathBuf,
    file: PathBuf,
    before: BTreeMap<String, String>,
}

impl Settings {
    /// What the file remembers of this boot.
    pub(super) fn new(root: &Path, file: &Path) -> Self {
        let text = std::fs::read_to_string(file).unwrap_or_default();
        let mut lines = text.lines();
        let is_of_now = lines.next().is_some_and(|boot| sysctl::read(BOOT_ID).is_ok_and(|now| now == boot));
        let entries = lines.filter_map(|line| line.split_once('='));
        let before =
            if is_of_now { entries.map(|(name, was)| (name.into(), was.into())).collect() } else { BTreeMap::new() };
        Self { root: root.to_owned(), file: file.to_owned(), before }
    }

    /// The settings that were changed and not set back.
    pub(super) fn held(&self) -> BTreeSet<String> {
        self.before.keys().cloned().collect()
    }

    /// Sets a setting, or sets it back.
    ///
    /// # Errors
    /// What the kernel or the disk says.
    pub(super) fn set(&mut self, name: &str, value: Option<&str>) -> Result<(), String> {
        let root = self.root_of(name);
        let Some(value) = value else {
            let Some(was) = self.before.get(name) else { return Ok(()) };
            sysctl::write_below(&root, name, was).map_err(|error| refused(name, was, &error))?;
            self.before.remove(name);
            // One that is set back once more is set to the same.
            let _ = self.remember();
            return Ok(());
        };
        let is = sysctl::read_below(&root, name).map_err(|error| refused(name, value, &error))?;
        if !self.before.contains_key(name) {
            self.before.insert(name.to_owned(), is.clone());
            if let Err(reason) = self.remember() {
                self.before.remove(name);
                return Err(reason);
            }
        }
        if is == value {
            return Ok(());
        }
        sysctl::write_below(&root, name, value).map_err(|error| refused(name, value, &error))
    }

    /// Settings of the network belong to the namespace that the daemon runs in, the others to the machine.
    fn root_of(&self, name: &str) -> PathBuf {
        if name.starts_with("net.") { PathBuf::from("/") } else { self.root.clone() }
    }

    fn remember(&self) -> Result<(), String> {
        let mut text = sysctl::read(BOOT_ID).unwrap_or_default() + "\n";
        for (name, was) in &self.before {
            text.push_str(&format!("{name}={was}\n"));
        }
        files::store(&self.file, &text).map_err(|error| files::told(&self.file, &error))
    }
}

fn refused(name: &str, value: &str, error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => format!("this kernel has no {name}"),
        io::ErrorKind::PermissionDenied => format!("no permission to set {name}; run the daemon as root"),
        io::ErrorKind::ReadOnlyFilesystem => format!("/proc/sys is read-only here, so {name} stays as it is"),
        io::ErrorKind::InvalidInput => format!("the kernel refuses {value} for {name}"),
        _ => format!("{name} cannot be set to {value}: {error}"),
    }
}
