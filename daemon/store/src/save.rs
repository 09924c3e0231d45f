//! Writes the saved configuration so that it is always whole: the old text or the new one.
//!
//! A temporary file beside it is written and flushed, takes the old one's mode and place by `rename`, and
//! the directory is flushed. Never leaves a half-written file under the real name.

use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};

/// The mode of a new file: a configuration holds passwords.
const NEW_FILE_MODE: u32 = 0o640;

/// Why the configuration could not be saved; the file is as it was.
#[derive(Debug, thiserror::Error)]
#[error("{path} was not saved, what it had is untouched: {advice}")]
pub struct SaveError {
    /// The file.
    pub path: PathBuf,
    /// What the disk said and what to do.
    pub advice: String,
    /// The error itself.
    pub source: io::Error,
}

/// Replaces the file by `text`, durable when this returns; its mode and owner stay, symbolic links are followed.
///
/// # Errors
/// When the disk is full, read-only or forbidden; the old file is then intact.
pub fn save_config(path: &Path, text: &str) -> Result<(), SaveError> {
    // A link such as /config/config.boot keeps being one: the file behind it is replaced.
    let target = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    replace(&target, text).map_err(|source| SaveError { path: path.to_owned(), advice: advice(path, &source), source })
}

fn replace(target: &Path, text: &str) -> io::Result<()> {
    let directory = match target.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let mut name = target.file_name().ok_or(io::ErrorKind::InvalidInput)?.to_owned();
    name.push(".new");
    let beside = directory.join(name);
    let written = write(&beside, target, text).and_then(|()| fs::rename(&beside, target));
    if let Err(error) = written {
        // What could not be finished is in the way of nobody, but takes space on a full disk.
        drop(fs::remove_file(&beside));
        return Err(error);
    }
    File::open(directory)?.sync_all()
}

fn write(beside: &Path, target: &Path, text: &str) -> io::Result<()> {
    // One that a power cut left behind may have another mode or owner: begin afresh.
    match fs::remove_file(beside) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(NEW_FILE_MODE).open(beside)?;
    if let Ok(old) = fs::metadata(target) {
        // Only root may give a file away; whoever else writes keeps it.
        drop(chown(beside, Some(old.uid()), Some(old.gid())));
        file.set_permissions(Permissions::from_mode(old.mode() & 0o7777))?;
    }
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

fn advice(path: &Path, error: &io::Error) -> String {
    let directory = path.parent().unwrap_or(path).display();
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            format!("no space is left on the disk of {directory}; free some and save again")
        }
        io::ErrorKind::ReadOnlyFilesystem => format!("{directory} is mounted read-only; remount it and save again"),
        io::ErrorKind::PermissionDenied => format!("the daemon may not write in {directory}; check owner and mode"),
        io::ErrorKind::NotFound => format!("there is no directory {directory}; create it and save again"),
        _ => error.to_string(),
    }
}

#[cfg(test)]
mod tests;
