//! Time, load, memory and disks.

use std::collections::BTreeMap;

use api::ApiError;
use api::view::machine::{Date, Filesystem, Memory, Storage, Uptime};

use super::{people, text};
use crate::run::moment;

/// File systems that hold nothing but the kernel's own faces.
const VIRTUAL: [&str; 19] = [
    "autofs",
    "binfmt_misc",
    "bpf",
    "cgroup",
    "cgroup2",
    "configfs",
    "debugfs",
    "devpts",
    "efivarfs",
    "fusectl",
    "hugetlbfs",
    "mqueue",
    "nsfs",
    "proc",
    "pstore",
    "rpc_pipefs",
    "securityfs",
    "sysfs",
    "tracefs",
];

/// `show system uptime`
///
/// # Errors
/// When `/proc` is not there.
pub(crate) fn uptime() -> Result<Uptime, ApiError> {
    let time = moment().unix;
    Ok(Uptime {
        time,
        utc_offset: kernel::host::local_time(time).0,
        uptime: seconds_up()?,
        users: u64::try_from(people::users().users.len()).unwrap_or(u64::MAX),
        load_average: load(&text("/proc/loadavg")?),
    })
}

/// Seconds since the machine started.
///
/// # Errors
/// When `/proc` is not there.
pub(super) fn seconds_up() -> Result<u64, ApiError> {
    let told = text("/proc/uptime")?;
    Ok(told.split('.').next().and_then(|seconds| seconds.parse().ok()).unwrap_or(0))
}

fn load(text: &str) -> [f64; 3] {
    let mut numbers = text.split_whitespace().map(|word| word.parse().unwrap_or(0.0));
    std::array::from_fn(|_| numbers.next().unwrap_or(0.0))
}

/// `show date`
pub(crate) fn date() -> Date {
    let time = moment().unix;
    let (utc_offset, zone) = kernel::host::local_time(time);
    Date { time, utc_offset, zone }
}

/// `show system memory`
///
/// # Errors
/// When `/proc` is not there.
pub(crate) fn memory() -> Result<Memory, ApiError> {
    Ok(memory_of(&text("/proc/meminfo")?))
}

/// `MemTotal:  2048 kB` on each line; what is used is counted as `free` does.
fn memory_of(text: &str) -> Memory {
    let row = |line: &str| {
        let (name, rest) = line.split_once(':')?;
        let kibibytes: u64 = rest.split_whitespace().next()?.parse().ok()?;
        Some((name.to_owned(), kibibytes.saturating_mul(1024)))
    };
    let rows: BTreeMap<String, u64> = text.lines().filter_map(row).collect();
    let of = |name: &str| rows.get(name).copied().unwrap_or(0);
    let cache = of("Buffers").saturating_add(of("Cached")).saturating_add(of("SReclaimable"));
    let (total, free, available) = (of("MemTotal"), of("MemFree"), of("MemAvailable"));
    Memory {
        total,
        used: total.saturating_sub(available),
        free,
        shared: of("Shmem"),
        cache,
        available,
        swap_total: of("SwapTotal"),
        swap_used: of("SwapTotal").saturating_sub(of("SwapFree")),
    }
}

/// `show system storage`
///
/// # Errors
/// When `/proc` is not there.
pub(crate) fn storage() -> Result<Storage, ApiError> {
    let mounts = mounts(&text("/proc/self/mounts")?);
    let filesystems = mounts.into_iter().filter_map(|(device, mounted_on, kind)| {
        let (size, free, available) = kernel::host::storage(&mounted_on).ok().filter(|(size, ..)| *size > 0)?;
        Some(Filesystem { device, kind, mounted_on, size, used: size.saturating_sub(free), available })
    });
    Ok(Storage { filesystems: filesystems.collect() })
}

/// Device, place and kind of what holds files; each place once, as it is seen last.
fn mounts(text: &str) -> Vec<(String, String, String)> {
    let mut found: Vec<(String, String, String)> = Vec::new();
    for line in text.lines() {
        let mut words = line.split(' ');
        let (Some(device), Some(place), Some(kind)) = (words.next(), words.next(), words.next()) else { continue };
        let place = unescaped(place);
        found.retain(|(_, there, _)| *there != place);
        if !VIRTUAL.contains(&kind) {
            found.push((unescaped(device), place, kind.to_owned()));
        }
    }
    found
}

/// Blanks and backslashes of names stand as `\040` and `\134` in `/proc/mounts`.
fn unescaped(word: &str) -> String {
    [("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")]
        .into_iter()
        .fold(word.to_owned(), |word, (escaped, plain)| word.replace(escaped, plain))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may fail loudly")]
    use super::*;

    #[test]
    fn memory_is_counted_as_free_counts_it() {
        let memory = memory_of(
            "MemTotal: 1000 kB\nMemFree: 200 kB\nMemAvailable: 600 kB\nBuffers: 50 kB\nCached: 300 kB\nShmem: 7 kB\nSReclaimable: 10 kB\nSwapTotal: 5 kB\nSwapFree: 2 kB\nHugePages_Total: 0\n",
        );
        let kibibytes = [memory.total, memory.used, memory.free, memory.cache, memory.swap_used].map(|n| n / 1024);
        assert_eq!(kibibytes, [1000, 400, 200, 360, 3]);
        assert_eq!(memory_of("nonsense\n:\nMemTotal: x\n"), Memory::default());
    }

    #[test]
    fn what_holds_files_is_listed_once() {
        let text = "proc /proc proc rw 0 0\n/dev/sda1 / ext4 rw 0 0\ntmpfs /run tmpfs rw 0 0\n/dev/sdb /run ext4 rw 0 0\n/dev/sdc /a\\040b vfat rw 0 0\nhalf\n";
        let places: Vec<String> =
            mounts(text).into_iter().map(|(device, place, _)| format!("{device} {place}")).collect();
        assert_eq!(places, ["/dev/sda1 /", "/dev/sdb /run", "/dev/sdc /a b"]);
    }

    #[test]
    fn load_is_three_numbers_whatever_is_there() {
        assert_eq!(load("0.50 1.25 2.00 1/100 4"), [0.5, 1.25, 2.0]);
        assert_eq!(load("x"), [0.0; 3]);
    }

    #[test]
    fn this_machine_answers() {
        assert!(uptime().unwrap().uptime > 0 && memory().unwrap().total > 0);
        assert!(storage().unwrap().filesystems.iter().all(|one| one.size >= one.used));
        assert!(!date().zone.is_empty());
    }
}
