//! Disks that an image could be installed on, as the kernel lists them. Never opens one.

use std::fs;
use std::path::Path;

use super::{LEAST, MIB};

/// A disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Disk {
    /// Its name below `/dev`.
    pub(super) name: String,
    /// Octets.
    pub(super) size: u64,
    /// What is mounted of it.
    pub(super) mounted: Vec<String>,
    /// Whether it can only be read.
    pub(super) read_only: bool,
}

impl Disk {
    /// Whether an image may be installed there.
    ///
    /// # Errors
    /// Why not.
    pub(super) fn fit(&self, data: Option<u64>) -> Result<(), String> {
        let Self { name, size, mounted, read_only } = self;
        if *read_only {
            return Err(format!("The disk /dev/{name} can only be read"));
        }
        if let Some(place) = mounted.first() {
            return Err(format!("The disk /dev/{name} is in use: it is mounted on {place}"));
        }
        if *size < LEAST {
            return Err(format!(
                "The disk /dev/{name} is too small: it has {}, and {} are needed. Nothing was written",
                told(*size),
                told(LEAST)
            ));
        }
        match data {
            Some(data) if data < super::LEAST_DATA => {
                Err(format!("{data} MiB are too little for the data; {} are needed", super::LEAST_DATA))
            }
            Some(data) if data > most_data(*size) => {
                Err(format!("{data} MiB do not fit on /dev/{name}; there is room for {}", most_data(*size)))
            }
            _ => Ok(()),
        }
    }
}

/// How large the data partition may be on a disk of this size, in MiB.
pub(super) fn most_data(size: u64) -> u64 {
    (size / MIB).saturating_sub(super::DATA_AT + super::END)
}

/// A size as persons say it.
pub(super) fn told(octets: u64) -> String {
    match octets / MIB {
        mib @ 0..=9999 => format!("{mib} MiB"),
        mib => format!("{} GiB", mib / 1024),
    }
}

/// The disks of this machine, without drives for CDs, memory and what has no size.
pub(super) fn all() -> Vec<Disk> {
    let mounts = fs::read_to_string("/proc/mounts").unwrap_or_default();
    let entries = fs::read_dir("/sys/block").into_iter().flatten().flatten();
    let mut disks: Vec<Disk> = entries
        .filter_map(|entry| {
            let name = entry.file_name().into_string().ok()?;
            let number = |file: &str| {
                fs::read_to_string(Path::new("/sys/block").join(&name).join(file)).ok()?.trim().parse::<u64>().ok()
            };
            let other = ["loop", "ram", "zram", "sr", "fd", "dm-", "md"].iter().any(|kind| name.starts_with(kind));
            let size = number("size")?.saturating_mul(512);
            let read_only = number("ro") == Some(1);
            (!other && size > 0).then(|| Disk { mounted: mounted(&mounts, &name), size, read_only, name })
        })
        .collect();
    disks.sort_by(|a, b| a.name.cmp(&b.name));
    disks
}

/// Where a disk or a part of it is mounted.
fn mounted(mounts: &str, disk: &str) -> Vec<String> {
    let of_disk = |device: &str| {
        let rest = device.strip_prefix("/dev/").and_then(|device| device.strip_prefix(disk));
        rest.is_some_and(|rest| rest.trim_start_matches('p').chars().all(|sign| sign.is_ascii_digit()))
    };
    let mut places = mounts.lines().filter_map(|line| line.split_once(' ')).filter(|(device, _)| of_disk(device));
    places.by_ref().map(|(_, rest)| rest.split(' ').next().unwrap_or_default().to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn disk(size: u64, mounted: &[&str], read_only: bool) -> Disk {
        let mounted = mounted.iter().map(|place| (*place).to_owned()).collect();
        Disk { name: "vdb".to_owned(), size, mounted, read_only }
    }

    #[test]
    fn only_a_disk_that_is_large_enough_and_not_in_use_is_fit() {
        for (found, data, words) in [
            (disk(LEAST, &[], false), None, None),
            (disk(1 << 30, &[], false), Some(96), None),
            (
                disk(LEAST - 1, &[], false),
                None,
                Some("too small: it has 354 MiB, and 355 MiB are needed. Nothing was written"),
            ),
            (disk(1 << 30, &["/data"], false), None, Some("mounted on /data")),
            (disk(1 << 30, &[], true), None, Some("only be read")),
            (disk(1 << 30, &[], false), Some(10), Some("too little")),
            (disk(1 << 30, &[], false), Some(1000), Some("room for 765")),
        ] {
            match (found.fit(data), words) {
                (Ok(()), None) => {}
                (Err(said), Some(words)) => assert!(said.contains(words), "{said}"),
                (other, _) => assert_eq!(other, Ok(()), "{found:?}"),
            }
        }
    }

    #[test]
    fn parts_of_a_disk_count_and_those_of_others_do_not() {
        let mounts = "/dev/vda2 /boot vfat ro 0 0\n/dev/vdaa /x ext4 rw 0 0\n/dev/nvme0n1p3 /data ext4 rw 0 0\n";
        assert_eq!(mounted(mounts, "vda"), ["/boot"]);
        assert_eq!(mounted(mounts, "nvme0n1"), ["/data"]);
        assert!(mounted(mounts, "vd").is_empty() && mounted(mounts, "vdb").is_empty());
    }
}
