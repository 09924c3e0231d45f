//! Writing an installation, in an order in which no BIOS starts a disk that was left half-way.

use std::fs::{self, File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use nix::fcntl::{PosixFadviseAdvice, posix_fadvise};

use super::disks::{self, Disk};
use super::{BOOT_AT, DATA_AT, LOADER_AT, MIB, Wish};
use crate::disk;
use crate::system::{self, told};
use crate::upgrade::Images;

/// The code that a BIOS starts lies in the first sector, in front of what the partition table keeps there.
const FIRST_CODE: usize = 440;
/// Where the new partitions are mounted.
const AT: &str = "/run/install";
/// How long the kernel may take to find the new partitions.
const PARTITIONS_COME: Duration = Duration::from_secs(10);

/// Installs as wished; tells what is being done.
///
/// # Errors
/// What stood in the way, and what became of the disk.
pub(crate) fn work(wish: &Wish, say: impl Fn(&str)) -> Result<String, String> {
    let target = disks::all().into_iter().find(|disk| disk.name == wish.disk);
    let target = target.ok_or(format!("There is no disk '{}'; nothing was written", wish.disk))?;
    target.fit(wish.data)?;
    let boot = disk::boot_partition().filter(|_| crate::upgrade::running().is_some());
    let source =
        boot.as_deref().and_then(disk::disk_of).ok_or("This machine was not started from a disk with images")?;
    install(wish, &target, &source, say)
        .map_err(|error| format!("{error}. The installation on /dev/{} is not whole; install again", wish.disk))?;
    Ok(format!(
        "The image is installed on /dev/{} as {}. Take the other disk away, or have the firmware start this one.",
        wish.disk, wish.name
    ))
}

fn install(wish: &Wish, target: &Disk, source: &Path, say: impl Fn(&str)) -> Result<(), String> {
    let path = Path::new("/dev").join(&target.name);
    let failed = |error: std::io::Error| told(&path.display().to_string(), error);
    let from = File::open(source).map_err(|error| told(&source.display().to_string(), error))?;
    // What the kernel remembers of the disk may be older than what it has written through a file system since.
    let _ = posix_fadvise(&from, 0, 0, PosixFadviseAdvice::POSIX_FADV_DONTNEED);
    let mut to = OpenOptions::new().read(true).write(true).open(&path).map_err(failed)?;
    say("Making partitions...");
    // What was there must neither be started nor be taken for ours.
    to.write_all(&vec![0; usize::try_from(MIB).unwrap_or_default()]).map_err(failed)?;
    to.write_all_at(&[0; 1 << 12], DATA_AT * MIB).map_err(failed)?;
    to.sync_all().map_err(failed)?;
    make_partitions(&path, wish.data)?;
    say("Copying the image...");
    copy(&from, &to, LOADER_AT, DATA_AT).map_err(failed)?;
    clear(&to, DATA_AT * MIB, MIB).map_err(failed)?;
    to.sync_all().map_err(failed)?;
    let [boot, data] = [disk::BOOT, disk::DATA].map(|name| wait_for(name, &path));
    keep_one_image(&boot?, &wish.name)?;
    let data = data?;
    disk::make_file_system(&data)?;
    if wish.copy {
        say("Copying the configuration...");
        copy_configuration(&data)?;
    }
    // From here on it starts.
    let mut code = [0; FIRST_CODE];
    from.read_exact_at(&mut code, 0).map_err(failed)?;
    to.write_all_at(&code, 0).and_then(|()| to.sync_all()).map_err(failed)
}

/// The same partitions as `images/build.sh` makes, with numbers of their own.
fn make_partitions(path: &Path, data: Option<u64>) -> Result<(), String> {
    let size = data.map(|data| format!("size={}MiB, ", data)).unwrap_or_default();
    let script = format!(
        "label: gpt\nfirst-lba: 2048\n\
         start={LOADER_AT}MiB, size=1MiB, type=21686148-6449-6E6F-744E-656564454649, name=towpath-bios\n\
         start={BOOT_AT}MiB, size={}MiB, type=U, name={}\nstart={DATA_AT}MiB, {size}type=L, name={}\n",
        DATA_AT - BOOT_AT,
        disk::BOOT,
        disk::DATA
    );
    disk::call_on("sfdisk", &["-q", "--wipe", "always", "--wipe-partitions", "always"], path, &script)
}

fn copy(from: &File, to: &File, first: u64, end: u64) -> std::io::Result<()> {
    let (mut from, mut to) = (from, to);
    from.seek(SeekFrom::Start(first * MIB))?;
    to.seek(SeekFrom::Start(first * MIB))?;
    let mut portion = vec![0; usize::try_from(MIB).unwrap_or_default()];
    for _ in first..end {
        from.read_exact(&mut portion)?;
        to.write_all(&portion)?;
    }
    Ok(())
}

fn clear(to: &File, at: u64, length: u64) -> std::io::Result<()> {
    to.write_all_at(&vec![0; usize::try_from(length).unwrap_or_default()], at)
}

/// The new partition, once the kernel has found it.
fn wait_for(name: &str, on: &Path) -> Result<PathBuf, String> {
    let begin = Instant::now();
    loop {
        if let Some(found) = disk::partition_on(name, on) {
            return Ok(found);
        }
        if begin.elapsed() > PARTITIONS_COME {
            return Err(format!("The kernel does not find the partition {name}"));
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// The image that runs is the only one there, and the good one.
fn keep_one_image(boot: &Path, name: &str) -> Result<(), String> {
    system::mount_device(boot, AT, "vfat", false, "umask=022")?;
    let done = Images::installed_at(AT).and_then(|images| images.keep_running(name));
    nix::unistd::sync();
    system::unmount(AT);
    done
}

fn copy_configuration(data: &Path) -> Result<(), String> {
    system::mount_device(data, AT, "ext4", false, "")?;
    let copied = || {
        for part in ["config", "keys"] {
            let from = Path::new(disk::DATA_FOLDER).join(part);
            if from.exists() {
                system::copy_folder(&from, &Path::new(AT).join(part))?;
            }
        }
        let cards = Path::new(disk::DATA_FOLDER).join("cards");
        if cards.exists() {
            fs::copy(cards, Path::new(AT).join("cards")).map_err(|error| told("copying the names of cards", error))?;
        }
        Ok(())
    };
    let done = copied();
    nix::unistd::sync();
    system::unmount(AT);
    done
}
