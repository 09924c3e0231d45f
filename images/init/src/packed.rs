//! `/usr`: a packed file system on a disk of memory.
//!
//! It stays packed, so that a start unpacks only what it reads. The boot loader reads no more of an image than what it takes
//! to get at the disk; the rest is fetched from there by the kernel's own drivers, which are faster than any firmware. Nothing
//! of what runs hangs on the disk from then on. Never writes to it.

use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions};
use std::hash::Hasher;
use std::os::fd::OwnedFd;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use nix::fcntl::OFlag;
use twox_hash::XxHash64;

use crate::disk::{self, BOOT, BOOT_FOLDER};
use crate::hardware::Hardware;
use crate::slots::{self, Slot};
use crate::system::{self, told};
use crate::upgrade;

/// The packed file system, where the boot loader has read it.
const PACKED: &str = "/packed/usr.squashfs";
/// What is known of it before it is there.
const MARKS: &str = "/packed/usr.marks";
/// Where it is put and mounted from.
const MEMORY: &str = "/dev/ram0";
/// How much the kernel reads beside what is asked for, in KiB.
const READ_AHEAD: &str = "/sys/block/ram0/queue/read_ahead_kb";
/// How long the disk with the image may take to come to light: a stick behind a hub takes some seconds.
const DISK_WAITS: Duration = Duration::from_secs(15);
/// How much is read at a time, in octets.
const PORTION: usize = 1 << 20;
/// Where what passes by the kernel's memory of files has to begin, in octets: a page.
const ALIGNED: usize = 4096;

/// Mounts what is packed, out of what the boot loader has read or from the disk: the boot partition that it came from, which is
/// mounted then.
///
/// # Errors
/// What stood in the way: nobody can do more without it.
pub(crate) fn mount(hardware: &mut Hardware, events: Option<&OwnedFd>) -> Result<Option<PathBuf>, String> {
    let text = fs::read_to_string(MARKS).map_err(|error| told(MARKS, error))?;
    let marks = Marks::read(&text).ok_or(format!("{MARKS} says nothing"))?;
    hardware.make_memory_disk(marks.length)?;
    // What lies beside a page that is wanted would be unpacked, too.
    let _ = fs::write(READ_AHEAD, "0");
    let partition = if Path::new(PACKED).exists() {
        marks.copy(Path::new(PACKED), 0, Path::new(MEMORY)).map_err(|error| told(PACKED, error))?;
        let _ = fs::remove_file(PACKED);
        hardware.start_disks();
        None
    } else {
        let slot = upgrade::running().ok_or("/usr is not in memory, and no slot is named where it could be")?;
        Some(fetch(&marks, slot, hardware, events)?)
    };
    system::mount_device(Path::new(MEMORY), "/usr", "squashfs", true, "")?;
    Ok(partition)
}

/// Waits for a disk that holds the rest of this image, and takes it into memory. Another disk may hold another image.
fn fetch(marks: &Marks, slot: Slot, hardware: &mut Hardware, events: Option<&OwnedFd>) -> Result<PathBuf, String> {
    let begin = Instant::now();
    let (mut tried, mut problem) = (BTreeSet::new(), "no disk with images came to light".to_owned());
    loop {
        for partition in disk::partitions(BOOT) {
            if !tried.insert(partition.clone()) {
                continue;
            }
            match fetch_from(&partition, marks, slot) {
                Ok(()) => return Ok(partition),
                Err(error) => problem = told(&partition.display().to_string(), error),
            }
            system::say(&problem);
            system::unmount(BOOT_FOLDER);
        }
        // Drivers are loaded one by one: those that this disk does not need may wait.
        if hardware.load_next_for_disks() {
            continue;
        }
        if begin.elapsed() > DISK_WAITS {
            return Err(told("the rest of the system cannot be read", problem));
        }
        std::thread::sleep(Duration::from_millis(20));
        if let Some(events) = events {
            hardware.take_events(events);
        }
    }
}

fn fetch_from(partition: &Path, marks: &Marks, slot: Slot) -> Result<(), String> {
    system::mount_device(partition, BOOT_FOLDER, "vfat", true, "umask=022")?;
    let path = Path::new(BOOT_FOLDER).join("slots").join(slot.name()).join(slots::PACKED);
    let copied = marks.copy(&path, marks.begin, Path::new(MEMORY));
    copied.map_err(|error| told(&path.display().to_string(), error))
}

/// Opens a file so that what is read or written is not kept in the kernel's memory of files, where that can be.
fn open_directly(path: &Path, options: &mut OpenOptions) -> std::io::Result<File> {
    options.custom_flags(OFlag::O_DIRECT.bits()).open(path).or_else(|_| options.custom_flags(0).open(path))
}

/// By what the packed file system is known: it was made together with this memory file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Marks {
    /// Where it begins in the file of a slot, in octets, a multiple of [`ALIGNED`]: an archive for the kernel is around it.
    begin: u64,
    /// Its octets.
    length: u64,
    /// Its checksum (XXH64, which takes a fifth of the time of a CRC).
    sum: u64,
}

impl Marks {
    /// Reads a line with where it begins, its octets, and its checksum in hexadecimal.
    fn read(text: &str) -> Option<Self> {
        let mut words = text.split_whitespace();
        let mut word = || words.next();
        Some(Self {
            begin: word()?.parse().ok()?,
            length: word()?.parse().ok()?,
            sum: u64::from_str_radix(word()?, 16).ok()?,
        })
    }

    /// Copies it out of a file, where it begins there. One that differs in an octet is none, though it was written.
    fn copy(&self, from: &Path, begin: u64, to: &Path) -> std::io::Result<()> {
        let from = open_directly(from, OpenOptions::new().read(true))?;
        let to = open_directly(to, OpenOptions::new().write(true))?;
        let mut hasher = XxHash64::with_seed(0);
        let mut room = vec![0; PORTION.saturating_add(ALIGNED)];
        let aligned = room.as_ptr().align_offset(ALIGNED);
        let mut done: u64 = 0;
        while done < self.length {
            let left = usize::try_from(self.length.saturating_sub(done)).unwrap_or(usize::MAX).min(PORTION);
            let Some(portion) = room.get_mut(aligned..).and_then(|room| room.get_mut(..left)) else { break };
            from.read_exact_at(portion, begin.saturating_add(done))?;
            hasher.write(portion);
            to.write_all_at(portion, done)?;
            done = done.saturating_add(u64::try_from(left).unwrap_or(u64::MAX));
        }
        if hasher.finish() == self.sum {
            return Ok(());
        }
        Err(std::io::Error::other("it is damaged, or of another image"))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may fail loudly")]

    use super::*;

    #[test]
    fn what_was_made_with_another_image_or_is_damaged_anywhere_is_never_taken() {
        let folder = std::env::temp_dir().join(format!("init-packed-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let (from, to) = (folder.join("from"), folder.join("to"));
        let whole = [[1; ALIGNED], [2; ALIGNED]].concat();
        let marks = Marks { begin: 4096, length: 8192, sum: XxHash64::oneshot(0, &whole) };
        let mut damaged = whole.clone();
        damaged[ALIGNED + 7] ^= 1;
        let longer = [whole.clone(), vec![3; 100]].concat();
        for (octets, taken) in
            [(&whole[..], true), (&longer, true), (&damaged, false), (&whole[..8000], false), (&[], false)]
        {
            fs::write(&from, [&[0; ALIGNED], octets].concat()).unwrap();
            fs::write(&to, "").unwrap();
            assert_eq!(marks.copy(&from, marks.begin, &to).is_ok(), taken, "{} octets", octets.len());
        }
        assert!(marks.copy(&folder.join("missing"), 0, &to).is_err());
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn marks_are_three_numbers() {
        // What `xxhsum -H64` says of these octets.
        let marks = Marks::read("4096 9 8cb841db40e6ae83\n").unwrap();
        assert_eq!(marks, Marks { begin: 4096, length: 9, sum: XxHash64::oneshot(0, b"123456789") });
        for text in ["", "4096", "4096 9", "x 9 8cb841db40e6ae83", "4096 9 xyz", "-1 9 0"] {
            assert_eq!(Marks::read(text), None, "{text:?}");
        }
    }

    #[test]
    fn what_is_larger_than_a_portion_is_copied_as_it_is() {
        let folder = std::env::temp_dir().join(format!("init-large-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let (from, to) = (folder.join("from"), folder.join("to"));
        let octets: Vec<u8> = (0..PORTION * 2 + 3 * ALIGNED).map(|at| (at / 7 % 251) as u8).collect();
        let file = [vec![1; ALIGNED], octets.clone(), vec![2; 124]].concat();
        fs::write(&from, file).unwrap();
        fs::write(&to, "").unwrap();
        let length = u64::try_from(octets.len()).unwrap();
        let marks = Marks { begin: 4096, length, sum: XxHash64::oneshot(0, &octets) };
        marks.copy(&from, marks.begin, &to).unwrap();
        assert_eq!(fs::read(&to).unwrap(), octets);
        fs::remove_dir_all(folder).unwrap();
    }
}
