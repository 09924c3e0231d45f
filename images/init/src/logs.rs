//! The log's rotation: a file that has become long is put aside under a number, and the oldest one goes.
//!
//! Who writes the log opens it anew each second, so that nobody has to be told. Never reads what is in it.

use std::fs;
use std::io::{Error, ErrorKind};
use std::path::{Path, PathBuf};

/// How long the log may become, in octets.
const LONGEST: u64 = 1 << 20;
/// How many are kept beside the one that is written.
const KEPT: usize = 4;

/// Puts a log aside that has become long.
///
/// # Errors
/// What the disk says; the log is as it was then, or one of its numbers is missing.
pub(crate) fn rotate(log: &Path) -> Result<(), Error> {
    if fs::metadata(log).map_or(0, |file| file.len()) < LONGEST {
        return Ok(());
    }
    let names: Vec<PathBuf> =
        std::iter::once(log.to_owned()).chain((0..KEPT).map(|number| numbered(log, number))).collect();
    for pair in names.windows(2).rev() {
        let [from, to] = pair else { continue };
        match fs::rename(from, to) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(())
}

fn numbered(log: &Path, number: usize) -> PathBuf {
    let mut name = log.as_os_str().to_owned();
    name.push(format!(".{number}"));
    PathBuf::from(name)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may fail loudly")]

    use super::*;

    #[test]
    fn a_long_log_is_put_aside_and_the_oldest_one_goes() {
        let folder = std::env::temp_dir().join(format!("init-logs-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let log = folder.join("messages");
        rotate(&log).unwrap();
        fs::write(&log, "short").unwrap();
        rotate(&log).unwrap();
        assert_eq!(fs::read_to_string(&log).unwrap(), "short");
        let length = usize::try_from(LONGEST).unwrap();
        for round in 0..KEPT + 2 {
            fs::write(&log, format!("{round}").repeat(length)).unwrap();
            rotate(&log).unwrap();
            assert!(!log.exists());
        }
        let first = |number| fs::read_to_string(numbered(&log, number)).unwrap().chars().next().unwrap();
        assert_eq!((0..KEPT).map(first).collect::<String>(), "5432");
        assert_eq!(fs::read_dir(&folder).unwrap().count(), KEPT);
        fs::remove_dir_all(&folder).unwrap();
    }
}
