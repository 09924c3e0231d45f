//! The files of the daemon: the configuration, and the lock that keeps a second daemon out.
//!
//! Never parses a configuration.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use anyhow::{Context, Result, bail};
use config::store::RevisionRecord;
use nouns::Revision;

/// Holds the state directory for this process alone.
pub(crate) struct StateLock {
    _file: Option<File>,
    /// Why the directory cannot be held. A router with a broken disk still routes, and the control socket keeps a
    /// second daemon out, too.
    pub(crate) problem: Option<String>,
}

/// Takes the state directory.
///
/// # Errors
/// When it cannot be written for want of rights, or when another daemon holds it.
pub(crate) fn lock(state_dir: &Path) -> Result<StateLock> {
    if let Err(error) = fs::create_dir_all(state_dir) {
        let words = kernel::words(&error);
        let problem = format!(
            "cannot make the state directory {} ({words}), so nothing is remembered; name another one with --state-dir",
            state_dir.display()
        );
        return Ok(StateLock { _file: None, problem: Some(problem) });
    }
    let path = state_dir.join("lock");
    let (file, problem) = match File::create(&path) {
        Ok(file) => (file, None),
        Err(error) if is_of_disk(error.kind()) => {
            let problem =
                format!("the state directory {} cannot be written: {}", state_dir.display(), kernel::words(&error));
            match File::open(&path) {
                Ok(file) => (file, Some(problem)),
                Err(_) => return Ok(StateLock { _file: None, problem: Some(problem) }),
            }
        }
        Err(error) => return Err(error).with_context(|| format!("cannot write {}", path.display())),
    };
    match file.try_lock() {
        Ok(()) => Ok(StateLock { _file: Some(file), problem }),
        Err(TryLockError::WouldBlock) => bail!(
            "another towpathd uses the state directory {}; stop it first, or name another one with --state-dir",
            state_dir.display()
        ),
        Err(TryLockError::Error(error)) => Err(error).with_context(|| format!("cannot lock {}", path.display())),
    }
}

/// What the first process of the appliance has to tell everybody: a line each, none anywhere else.
pub(crate) fn notices() -> Vec<String> {
    fs::read_to_string("/run/towpath/notices").unwrap_or_default().lines().map(str::to_owned).collect()
}

fn is_of_disk(kind: io::ErrorKind) -> bool {
    matches!(kind, io::ErrorKind::ReadOnlyFilesystem | io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}

/// A configuration file's text; `None` when there is no file.
///
/// # Errors
/// When it is there and cannot be read: starting with an empty configuration would then lose routes.
pub(crate) fn read_config(path: &Path) -> Result<Option<String>> {
    match fs::read(path) {
        Ok(octets) => Ok(Some(String::from_utf8_lossy(&octets).into_owned())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| format!("cannot read the configuration {}", path.display())),
    }
}

/// What was active when the last daemon of this boot died.
pub(crate) struct Remembered {
    revision: Revision,
    /// Seconds since the Unix epoch.
    kept: u64,
    text: String,
}

impl Remembered {
    /// The commit that came next, if it was durable when the daemon died before it kept the text. Only that one: the
    /// numbers of a store that was full or lost for a while tell nothing.
    fn next<'a>(&self, latest: Option<&'a RevisionRecord>) -> Option<&'a RevisionRecord> {
        latest.filter(|record| record.revision == self.revision.next() && record.time >= self.kept)
    }
}

/// The active configuration, kept so that a daemon that crashed comes back with it. A boot of the machine, or an
/// orderly end, makes it void: then the saved configuration counts.
pub(crate) struct ActiveFile {
    path: PathBuf,
    boot_id: String,
}

impl ActiveFile {
    pub(crate) fn new(state_dir: &Path) -> Self {
        let boot_id = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default().trim().to_owned();
        Self { path: state_dir.join("active.boot"), boot_id }
    }

    /// The configuration that was active when the last daemon of this boot died, or that of the commit that was durable
    /// by then. The latter is kept at once: a daemon that dies once more, just behind its own commit, would find one that
    /// came two commits later, and the older one would come back.
    pub(crate) fn recover(&self, latest: Option<&RevisionRecord>) -> Option<String> {
        let remembered = self.read()?;
        let Some(next) = remembered.next(latest) else { return Some(remembered.text) };
        // Where it cannot be written, the older one stays, which leads to the same commit again.
        let _ = self.write(next.revision, &next.text);
        Some(next.text.clone())
    }

    fn read(&self) -> Option<Remembered> {
        let kept = fs::metadata(&self.path).and_then(|metadata| metadata.modified()).ok()?;
        let kept = kept.duration_since(UNIX_EPOCH).ok()?.as_secs();
        let text = fs::read_to_string(&self.path).ok()?;
        let (first, rest) = text.split_once('\n')?;
        match first.split(' ').collect::<Vec<_>>().as_slice() {
            ["boot", boot_id, "revision", revision] if *boot_id == self.boot_id => {
                Some(Remembered { revision: Revision(revision.parse().ok()?), kept, text: rest.to_owned() })
            }
            _ => None,
        }
    }

    /// Keeps the active configuration.
    pub(crate) fn write(&self, revision: Revision, text: &str) -> io::Result<()> {
        let whole = format!("boot {} revision {revision}\n{text}", self.boot_id);
        let beside = self.path.with_extension("tmp");
        // The text holds secrets, as the saved configuration does.
        let written = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&beside);
        let done = written.and_then(|mut file| file.write_all(whole.as_bytes()));
        done.and_then(|()| fs::rename(&beside, &self.path)).inspect_err(|_| drop(fs::remove_file(&beside)))
    }

    /// Notes that a daemon runs in this boot of the machine; whether one did before.
    pub(crate) fn ran_before(&self) -> bool {
        let path = self.path.with_file_name("ran");
        let before = fs::read_to_string(&path).is_ok_and(|boot_id| boot_id == self.boot_id);
        if !before {
            // Where it cannot be written, a restart is only not known for one.
            let _ = fs::write(&path, &self.boot_id);
        }
        before && !self.boot_id.is_empty()
    }

    /// Whether one is kept.
    pub(crate) fn is_kept(&self) -> bool {
        self.path.exists()
    }

    /// Forgets it: at an orderly end, and where a newer one could not be kept.
    pub(crate) fn forget(&self) {
        let _ = fs::remove_file(&self.path);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may fail loudly")]

    use super::*;

    /// A commit that is durable, as the store tells of it at the next start.
    fn committed(number: u64) -> RevisionRecord {
        let text = format!("router-id 10.0.0.{number}");
        let (user, via) = ("anna".to_owned(), "cli".to_owned());
        RevisionRecord { revision: Revision(number), time: u64::MAX, user, via, comment: None, text }
    }

    #[test]
    fn daemons_that_die_again_and_again_just_behind_their_commits_never_come_back_with_an_older_one() {
        let folder = std::env::temp_dir().join(format!("towpath-active-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let active = ActiveFile::new(&folder);
        assert_eq!(active.recover(Some(&committed(7))), None, "nothing was active");
        active.write(Revision(7), &committed(7).text).unwrap();
        assert_eq!(active.recover(Some(&committed(7))), Some(committed(7).text));
        for number in 8..12 {
            let latest = committed(number);
            assert_eq!(active.recover(Some(&latest)), Some(latest.text), "it was durable and the text was not kept");
        }
        assert_eq!(active.recover(Some(&committed(40))), Some(committed(11).text), "a number of another store");
        assert_eq!(active.recover(None), Some(committed(11).text));
        fs::remove_dir_all(&folder).unwrap();
    }
}
