//! Files of the system: written at once and never half, and given back as they were.
//!
//! Beside a file that the daemon writes stands `*.before-towpath`: what was there before, or a link to `/dev/null` where
//! nothing was. It tells that the file is the daemon's, in this life and the next. Never reads what a file means.

use std::fs::{self, File, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

/// Stands in for a file that was not there.
const NOTHING: &str = "/dev/null";

/// Whether the daemon has written the file and not given it back.
pub(super) fn is_held(path: &Path) -> bool {
    fs::symlink_metadata(beside(path, "before-towpath")).is_ok()
}

/// Writes a file, after a first look at the draft; answers whether anything changed.
///
/// # Errors
/// What the disk or the judge says; the file is as it was then.
pub(super) fn write(path: &Path, text: &str, judge: impl FnOnce(&Path) -> Result<(), String>) -> Result<bool, String> {
    let folder = path.parent().unwrap_or(Path::new("/"));
    fs::create_dir_all(folder).map_err(|error| told(folder, &error))?;
    let is_link = fs::symlink_metadata(path).is_ok_and(|there| there.is_symlink());
    if !is_link && is_held(path) && fs::read(path).is_ok_and(|there| there == text.as_bytes()) {
        return Ok(false);
    }
    let draft = beside(path, "new-towpath");
    put(&draft, text, 0o644).map_err(|error| told(&draft, &error))?;
    let done = judge(&draft)
        .and_then(|()| keep(path).and_then(|()| replace(&draft, path)).map_err(|error| told(path, &error)));
    if done.is_err() {
        let _ = fs::remove_file(&draft);
    }
    done.map(|()| true)
}

/// Puts back what was there before; answers whether anything changed.
///
/// # Errors
/// What the disk says.
pub(super) fn give_back(path: &Path) -> Result<bool, String> {
    let before = beside(path, "before-towpath");
    let Ok(there) = fs::symlink_metadata(&before) else { return Ok(false) };
    let was_nothing = there.is_symlink() && fs::read_link(&before).is_ok_and(|target| target == Path::new(NOTHING));
    let done = if was_nothing { remove(path) } else { replace(&before, path) };
    // Two names of one file are not changed by a rename, so the second one goes by hand.
    done.and_then(|()| remove(&before)).map_err(|error| told(path, &error))?;
    Ok(true)
}

/// Writes a small file of the daemon's own at once.
///
/// # Errors
/// What the disk says.
pub(super) fn store(path: &Path, text: &str) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let draft = beside(path, "new");
    put(&draft, text, 0o600)?;
    fs::rename(draft, path)
}

/// An error with its file.
pub(super) fn told(path: &Path, error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::PermissionDenied => format!("no permission to write {}; run the daemon as root", path.display()),
        io::ErrorKind::ReadOnlyFilesystem => format!("{} is on a read-only file system", path.display()),
        _ => format!("{}: {error}", path.display()),
    }
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".");
    name.push(suffix);
    path.with_file_name(name)
}

fn put(path: &Path, text: &str, mode: u32) -> io::Result<()> {
    remove(path)?;
    let mut file = File::create_new(path)?;
    file.set_permissions(Permissions::from_mode(mode))?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

/// Keeps what is there, unless something is kept already.
fn keep(path: &Path) -> io::Result<()> {
    let before = beside(path, "before-towpath");
    if fs::symlink_metadata(&before).is_ok() {
        return Ok(());
    }
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => symlink(NOTHING, before),
        Err(error) => Err(error),
        Ok(there) if there.is_symlink() => symlink(fs::read_link(path)?, before),
        // A file that is mounted by itself, as a container's /etc/hosts is, has no second name.
        Ok(_) => fs::hard_link(path, &before).or_else(|_| fs::copy(path, &before).map(|_| ())),
    }
}

/// Puts one file in the place of another; one that is mounted by itself can only be written over.
fn replace(from: &Path, to: &Path) -> io::Result<()> {
    match fs::rename(from, to) {
        Err(error) if error.kind() == io::ErrorKind::ResourceBusy => {
            let text = fs::read(from)?;
            fs::write(to, text)?;
            remove(from)
        }
        Err(error) => Err(error),
        Ok(()) => {
            let folder = to.parent().unwrap_or(Path::new("/"));
            File::open(folder)?.sync_all()
        }
    }
}

fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        // The place of a mounted file stays; it is emptied.
        Err(error) if error.kind() == io::ErrorKind::ResourceBusy => fs::write(path, ""),
        other => other,
    }
}
