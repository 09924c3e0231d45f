//! `/usr` as the kernel finds it: a packed file system in the initramfs, which is mounted there.
//!
//! It stays packed in memory, so that a start unpacks only what it reads. Never touches a disk.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::system::{self, told};

/// The packed file system, and the modules that it takes to mount it.
const FOLDER: &str = "/packed";
const PACKED: &str = "/packed/usr.squashfs";
/// What mounts a file.
const TOOL: &str = "/bin/busybox";

/// Mounts what is packed; there is nothing to do where nothing is.
///
/// # Errors
/// What stood in the way: nobody can do more without it.
pub(crate) fn mount() -> Result<(), String> {
    if !Path::new(PACKED).exists() {
        return Ok(());
    }
    for entry in fs::read_dir(FOLDER).map_err(|error| told(FOLDER, error))?.flatten() {
        if entry.path().extension().is_some_and(|extension| extension == "ko") {
            system::load_module(&entry.path())?;
        }
    }
    let mounted =
        Command::new(TOOL).args(["mount", "-t", "squashfs", "-o", "loop,ro,nosuid,nodev", PACKED, "/usr"]).output();
    let mounted = mounted.map_err(|error| told(TOOL, error))?;
    if mounted.status.success() {
        return Ok(());
    }
    Err(told("/usr cannot be mounted", String::from_utf8_lossy(&mounted.stderr).trim()))
}
