//! Where a session that lost its terminal leaves its changes: files below the person's state directory.
//!
//! One file for each session that ended so, readable by its owner only. Whoever takes one up holds it until the
//! changes are committed or discarded, so that nothing is lost when that session ends the same way. After a week
//! nobody will come back for it.

use std::fs;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use crate::session::Unfinished;
use crate::whole;

/// Seconds after which a file is removed: seven days.
const OLD: u64 = 7 * 24 * 3600;

/// What files of this kind are called; the number of the session's process follows.
const NAME: &str = "lost-";

/// The folder of files, and the one that this session would write or holds.
#[derive(Clone, Debug)]
pub(crate) struct Kept {
    folder: PathBuf,
    own: PathBuf,
}

impl Kept {
    /// The files of the router that listens at a socket; another router's changes do not fit here.
    #[must_use]
    pub(crate) fn of(state: &Path, socket: &Path) -> Self {
        let router: String = socket.to_string_lossy().chars().map(|c| if c == '/' { '%' } else { c }).collect();
        let folder = state.join("lost").join(router);
        let own = folder.join(format!("{NAME}{}", std::process::id()));
        Self { folder, own }
    }

    /// Writes down what would be lost.
    ///
    /// # Errors
    /// Why it cannot be kept.
    pub(crate) fn write(&self, unfinished: &Unfinished) -> std::io::Result<()> {
        private_folder(&self.folder)?;
        whole::write(&self.own, &unfinished.to_text(now()))
    }

    /// Forgets what this session holds: it was committed or discarded.
    pub(crate) fn forget(&self) {
        // Mostly there is none.
        let _ = fs::remove_file(&self.own);
    }

    /// Takes the newest file of a session of this user that has ended, and removes what is too old.
    pub(crate) fn take(&mut self, user: &str) -> Option<(u64, Unfinished)> {
        let mut found = Vec::new();
        for entry in fs::read_dir(&self.folder).ok()?.flatten() {
            let path = entry.path();
            if path == self.own || is_alive(&path) {
                continue;
            }
            let read = fs::read_to_string(&path).ok().and_then(|text| Unfinished::from_text(&text));
            match read {
                Some((time, unfinished)) if now() < time.saturating_add(OLD) => {
                    if unfinished.user() == user {
                        found.push((time, unfinished, path));
                    }
                }
                // Too old, or broken off while it was written.
                _ => drop(fs::remove_file(&path)),
            }
        }
        found.sort_by_key(|(time, ..)| std::cmp::Reverse(*time));
        // Two sessions may look at once; the renaming succeeds for one of them.
        let taken = found.into_iter().find(|(_, _, path)| fs::rename(path, &self.own).is_ok());
        taken.map(|(time, unfinished, _)| (time, unfinished))
    }
}

/// Whether the session that a file is named after still runs.
fn is_alive(path: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    // While it is written, more follows behind a dot.
    let Some(process) = name.strip_prefix(NAME).and_then(|rest| rest.split('.').next()) else { return true };
    let runs = fs::read_to_string(format!("/proc/{process}/comm")).is_ok_and(|comm| comm.trim() == "towpath");
    // Of a process that has ended, and that nobody asked for its status yet, the program is gone already.
    runs && fs::read_link(format!("/proc/{process}/exe")).is_ok()
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

/// Makes a folder that only the person can look into.
///
/// # Errors
/// Why it cannot be made.
pub(crate) fn private_folder(path: &Path) -> std::io::Result<()> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(path)
}

/// `$XDG_STATE_HOME/towpath`, or below the person's home.
#[must_use]
pub(crate) fn state_folder() -> Option<PathBuf> {
    let given = std::env::var_os("XDG_STATE_HOME").filter(|path| !path.is_empty()).map(PathBuf::from);
    let home = || {
        std::env::var_os("HOME").filter(|path| !path.is_empty()).map(|home| PathBuf::from(home).join(".local/state"))
    };
    Some(given.or_else(home)?.join("towpath"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may fail loudly")]

    use std::os::unix::fs::PermissionsExt;

    use super::*;

    /// A folder of this test's own, which goes with its end.
    struct Place(PathBuf);

    impl Place {
        fn new(name: &str) -> Self {
            Self(std::env::temp_dir().join(format!("towpath-keep-{name}-{}", std::process::id())))
        }

        fn kept(&self) -> Kept {
            Kept::of(&self.0, Path::new("/run/towpath/towpathd.sock"))
        }
    }

    impl Drop for Place {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    fn text(time: u64, user: &str) -> String {
        format!(r#"{{"time":{time},"user":"{user}","revision":3,"level":[],"base":"","working":"system {{\n}}\n"}}"#)
    }

    /// Files of sessions whose processes have ended: no process has such a number.
    fn leave(kept: &Kept, files: &[(u32, String)]) {
        private_folder(&kept.folder).unwrap();
        for (process, text) in files {
            fs::write(kept.folder.join(format!("{NAME}{process}")), text).unwrap();
        }
    }

    #[test]
    fn the_newest_of_the_same_person_is_taken_and_held_until_it_is_settled() {
        let place = Place::new("newest");
        let mut kept = place.kept();
        let files = [(4_000_001, text(now() - 20, "alice")), (4_000_002, text(now() - 10, "alice"))];
        leave(&kept, &[files.as_slice(), &[(4_000_003, text(now(), "bob"))]].concat());
        let (time, unfinished) = kept.take("alice").unwrap();
        assert!(time <= now() - 10 && time > now() - 20, "{time}");
        assert_eq!(unfinished.user(), "alice");
        assert!(kept.own.exists(), "it is not lost when this session ends, too");
        kept.forget();
        assert!(!kept.own.exists());
        assert!(kept.take("alice").is_some(), "the older one");
        assert!(kept.take("alice").is_none());
    }

    #[test]
    fn what_is_old_or_broken_goes_and_what_a_living_session_holds_stays() {
        let place = Place::new("old");
        let mut kept = place.kept();
        leave(&kept, &[(4_000_001, text(now() - OLD - 1, "alice")), (4_000_002, "{\"time".to_owned())]);
        assert!(kept.take("alice").is_none());
        assert_eq!(fs::read_dir(&kept.folder).unwrap().count(), 0);
        assert!(!is_alive(Path::new("/x/lost-4000001")));
        assert!(is_alive(Path::new("/x/history")), "another file is nobody's to take");
    }

    #[test]
    fn what_is_kept_is_for_the_person_alone() {
        let place = Place::new("mode");
        let kept = place.kept();
        let (_, unfinished) = Unfinished::from_text(&text(7, "alice")).unwrap();
        kept.write(&unfinished).unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&kept.own), mode(&kept.folder)), (0o600, 0o700));
        let other = Kept::of(&place.0, Path::new("/tmp/other.sock"));
        assert_ne!(other.folder, kept.folder, "another router's changes do not fit here");
    }
}
