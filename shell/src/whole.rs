//! Writes a file of the person's so that it is always whole: the old text or the new one.
//!
//! A temporary file beside it is written and flushed, and takes its place by `rename`. Who reads the new one is its
//! owner alone, since a configuration holds secrets; an old one keeps mode and owner. Never does what the person could
//! not do with an editor: a file that may not be written is not replaced either.

use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt, fchown};
use std::path::{Path, PathBuf};

/// The mode of a new file.
const NEW_FILE_MODE: u32 = 0o600;

/// Replaces what a file holds; symbolic links are followed, and what is no file (a terminal, a pipe) is written to.
///
/// # Errors
/// What the disk said; the old file is then intact.
pub(crate) fn write(path: &Path, text: &str) -> io::Result<()> {
    // Opening it asks the kernel whether this person may write it and follow that link.
    match OpenOptions::new().write(true).open(path) {
        Ok(mut old) if !old.metadata()?.is_file() => old.write_all(text.as_bytes()),
        Ok(old) => replace(&behind_links(path, &old)?, Some(&old), text),
        Err(error) if error.kind() == ErrorKind::NotFound => replace(path, None, text),
        Err(error) => Err(error),
    }
}

/// The path of the file that was opened, without links.
fn behind_links(path: &Path, opened: &File) -> io::Result<PathBuf> {
    let (target, opened) = (fs::canonicalize(path)?, opened.metadata()?);
    let there = fs::symlink_metadata(&target)?;
    if (there.dev(), there.ino()) == (opened.dev(), opened.ino()) {
        Ok(target)
    } else {
        Err(io::Error::other("somebody else changes it at this moment"))
    }
}

fn replace(target: &Path, old: Option<&File>, text: &str) -> io::Result<()> {
    let mut name = target.file_name().ok_or(ErrorKind::InvalidInput)?.to_owned();
    name.push(format!(".{}.new", std::process::id()));
    let beside = target.with_file_name(name);
    let mut file = OpenOptions::new().write(true).create_new(true).mode(NEW_FILE_MODE).open(&beside)?;
    let written = fill(&mut file, old, text).and_then(|()| fs::rename(&beside, target));
    if written.is_err() {
        // What could not be finished is in the way of nobody, but takes space on a full disk.
        drop(fs::remove_file(&beside));
    }
    written
}

fn fill(file: &mut File, old: Option<&File>, text: &str) -> io::Result<()> {
    if let Some(old) = old.map(File::metadata).transpose()? {
        // Only root may give a file away; whoever else writes keeps it.
        drop(fchown(&*file, Some(old.uid()), Some(old.gid())));
        file.set_permissions(Permissions::from_mode(old.mode() & 0o777))?;
    }
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may fail loudly")]

    use super::*;

    /// A folder of this test's own, which goes with its end.
    struct Place(PathBuf);

    impl Place {
        fn new(name: &str) -> Self {
            let folder = std::env::temp_dir().join(format!("towpath-whole-{name}-{}", std::process::id()));
            fs::create_dir(&folder).unwrap();
            Self(folder)
        }

        fn names(&self) -> Vec<String> {
            let names = fs::read_dir(&self.0).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
            let mut names: Vec<String> = names.collect();
            names.sort();
            names
        }
    }

    impl Drop for Place {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn a_new_file_is_its_owners_alone_and_an_old_one_keeps_its_mode() {
        let place = Place::new("mode");
        let path = place.0.join("router.boot");
        write(&path, "one").unwrap();
        assert_eq!(mode(&path), 0o600);
        fs::set_permissions(&path, Permissions::from_mode(0o644)).unwrap();
        write(&path, "two").unwrap();
        assert_eq!((fs::read_to_string(&path).unwrap().as_str(), mode(&path)), ("two", 0o644));
        assert_eq!(place.names(), ["router.boot"], "nothing is left beside it");
    }

    #[test]
    fn a_link_stays_one_and_what_is_no_file_is_written_to() {
        let place = Place::new("link");
        let (path, link) = (place.0.join("router.boot"), place.0.join("link"));
        write(&path, "one").unwrap();
        std::os::unix::fs::symlink(&path, &link).unwrap();
        write(&link, "two").unwrap();
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::read_to_string(&path).unwrap(), "two");
        write(Path::new("/dev/null"), "three").unwrap();
        assert!(!fs::metadata("/dev/null").unwrap().is_file());
    }

    #[test]
    fn what_fails_leaves_the_old_file_and_nothing_beside_it() {
        let place = Place::new("fails");
        fs::create_dir(place.0.join("folder")).unwrap();
        assert_eq!(write(&place.0.join("folder"), "x").unwrap_err().kind(), ErrorKind::IsADirectory);
        assert_eq!(write(&place.0.join("absent/x"), "x").unwrap_err().kind(), ErrorKind::NotFound);
        let path = place.0.join("x");
        write(&path, "old").unwrap();
        // The folder's name for the temporary file is taken, as by a process of the same number that was killed.
        fs::write(place.0.join(format!("x.{}.new", std::process::id())), "").unwrap();
        assert_eq!(write(&path, "new").unwrap_err().kind(), ErrorKind::AlreadyExists);
        assert_eq!(fs::read_to_string(&path).unwrap(), "old");
    }
}
