//! The host's own name and its time zone, who its users are, and how many descriptors we may have.
//!
//! Small steps of a commit, and one of the start. Never asks the network for either.

use std::ffi::CString;
use std::fs;
use std::io;
use std::os::fd::AsFd;
use std::path::{Component, Path, PathBuf};

use crate::sys;

const LOCAL_TIME: &str = "etc/localtime";
const ZONES: &str = "/usr/share/zoneinfo";

/// The host's name, as the kernel has it.
///
/// # Errors
/// When `/proc` does not show it.
pub fn host_name() -> io::Result<String> {
    Ok(fs::read_to_string("/proc/sys/kernel/hostname")?.trim_end().to_owned())
}

/// Names the host (`sethostname(2)`); nothing is written to a disk.
///
/// # Errors
/// Without `CAP_SYS_ADMIN`, or for a name of more than 64 octets.
pub fn set_host_name(name: &str) -> io::Result<()> {
    sys::set_host_name(name)
}

/// The time zone to which `/etc/localtime` points, `None` where it points to no named one.
#[must_use]
pub fn time_zone() -> Option<String> {
    time_zone_of(&Path::new("/").join(LOCAL_TIME), Path::new(ZONES))
}

/// Points `etc/localtime` below a root to a time zone such as `Europe/Stockholm`, at once and never half.
///
/// # Errors
/// `NotFound` for a zone that this system does not have; what the disk answers.
pub fn set_time_zone(root: &Path, zone: &str) -> io::Result<()> {
    let local_time = root.join(LOCAL_TIME);
    if let Some(folder) = local_time.parent() {
        fs::create_dir_all(folder)?;
    }
    point(&local_time, Path::new(ZONES), zone)
}

/// Whether this system has the time zone.
#[must_use]
pub fn has_time_zone(zone: &str) -> bool {
    zone_file(Path::new(ZONES), zone).is_some()
}

/// The offset of the system's time zone from UTC in seconds at a time, and the zone's short name.
#[must_use]
pub fn local_time(unix: u64) -> (i32, String) {
    let told = i64::try_from(unix).ok().and_then(sys::local_time);
    told.map_or_else(|| (0, "UTC".to_owned()), |(offset, name)| (i32::try_from(offset).unwrap_or(0), name))
}

/// Octets of the file system at a place: in all, unused, and of these what a user may still write.
///
/// # Errors
/// When there is no such place, or its server does not answer.
pub fn storage(place: &str) -> io::Result<(u64, u64, u64)> {
    let place = CString::new(place).map_err(|_| io::ErrorKind::InvalidInput)?;
    sys::storage(&place)
}

/// Puts the calling thread before all others that are not of real time, or at least before most.
///
/// # Errors
/// When neither is allowed (`CAP_SYS_NICE`).
pub fn raise_priority() -> io::Result<()> {
    sys::real_time().or_else(|_| sys::nice(-40))
}

/// Gives the calling thread twenty-eight times as much of a processor as others of this process, where there is not enough for
/// all: it is for a thread on which others wait, and which soon waits for them.
///
/// # Errors
/// When that is not allowed (`RLIMIT_NICE`).
pub fn favour() -> io::Result<()> {
    sys::nice(-15)
}

/// Raises the number of descriptors that this process may have to the most that it is allowed, and tells it.
///
/// # Errors
/// What the kernel answers; the limit is as it was then.
pub fn raise_descriptor_limit() -> io::Result<u64> {
    let (soft, hard) = sys::descriptor_limits()?;
    if soft < hard {
        sys::set_descriptor_limit(hard)?;
    }
    Ok(hard)
}

/// Gives memory that this process does not need any more back to the system, which takes a moment with a large heap.
pub fn give_back_memory() {
    sys::trim_heap();
}

/// The supplementary groups of whoever connected a Unix socket.
///
/// # Errors
/// What the kernel answers; before Linux 4.13 it knows no such question.
pub fn peer_groups(socket: &impl AsFd) -> io::Result<Vec<u32>> {
    sys::peer_groups(socket.as_fd())
}

/// Whether something failed because this process, or the system, has no descriptor left.
#[must_use]
pub fn is_out_of_descriptors(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::EMFILE | libc::ENFILE))
}

fn time_zone_of(local_time: &Path, zones: &Path) -> Option<String> {
    let target = fs::read_link(local_time).ok()?;
    Some(target.strip_prefix(zones).ok()?.to_str()?.to_owned())
}

fn point(local_time: &Path, zones: &Path, zone: &str) -> io::Result<()> {
    let Some(target) = zone_file(zones, zone) else {
        let sentence = format!("there is no time zone {zone} in {}", zones.display());
        return Err(io::Error::new(io::ErrorKind::NotFound, sentence));
    };
    let beside = local_time.with_extension("new");
    match fs::remove_file(&beside) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    std::os::unix::fs::symlink(target, &beside)?;
    fs::rename(beside, local_time)
}

/// The file of a zone: below the directory, no way out of it, and a file.
fn zone_file(zones: &Path, zone: &str) -> Option<PathBuf> {
    let inside = !zone.is_empty() && Path::new(zone).components().all(|part| matches!(part, Component::Normal(_)));
    Some(zones.join(zone)).filter(|file| inside && file.is_file())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may fail loudly")]
    use super::*;

    #[test]
    fn a_time_zone_is_set_and_read_back_and_an_unknown_one_changes_nothing() {
        let root = std::env::temp_dir().join(format!("towpath-zone-{}", std::process::id()));
        let zones = root.join("zoneinfo");
        fs::create_dir_all(zones.join("Europe")).unwrap();
        fs::write(zones.join("Europe/Stockholm"), "TZif").unwrap();
        fs::write(root.join("secret"), "").unwrap();
        let local_time = root.join("localtime");
        point(&local_time, &zones, "Europe/Stockholm").unwrap();
        for refused in ["Europe/Atlantis", "", "Europe", "../secret", "/etc/passwd"] {
            assert_eq!(point(&local_time, &zones, refused).unwrap_err().kind(), io::ErrorKind::NotFound, "{refused}");
        }
        assert_eq!(time_zone_of(&local_time, &zones).as_deref(), Some("Europe/Stockholm"));
        fs::remove_dir_all(root).unwrap();
    }

    #[test]
    fn the_groups_of_our_own_end_are_our_own() {
        let (one, _other) = std::os::unix::net::UnixStream::pair().unwrap();
        let status = fs::read_to_string("/proc/self/status").unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("Groups:")).unwrap();
        let own: Vec<u32> = line.split_whitespace().map(|group| group.parse().unwrap()).collect();
        assert_eq!(peer_groups(&one).unwrap(), own);
    }

    #[test]
    fn the_host_has_a_name() {
        assert!(!host_name().unwrap().is_empty());
    }
}
