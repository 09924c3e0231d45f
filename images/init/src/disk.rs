//! The disk: which partition is which, the data partition's first file system, and volumes that others left for us.
//!
//! Never formats a partition that holds anything at all.

use std::fs::{self, File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::first_boot::Seed;
use crate::system::{self, told};

/// The name of the partition with the boot loader and the images.
pub(crate) const BOOT: &str = "towpath-boot";
/// The name of the partition with configuration, keys and logs.
pub(crate) const DATA: &str = "towpath-data";
/// Where the former is mounted, for reading only but while an image is changed.
pub(crate) const BOOT_FOLDER: &str = "/boot";
/// Where the latter is mounted.
pub(crate) const DATA_FOLDER: &str = "/data";
/// The label of the file system with the boot loader and the images.
const BOOT_LABEL: &str = "towpath";
/// Where volumes are shown.
pub(crate) const MEDIA: &str = "/media";
/// How much has to be empty so that a partition counts as never used, in octets.
const EMPTY: usize = 1 << 20;
/// What stands at the end of the data partition while its file system is made.
const HALF_MADE: &[u8; 32] = b"towpath: this is made right now\n";
/// How much at the end of the data partition is kept for that, in octets.
const MARK_ROOM: u64 = 4096;
/// The unit in which `mke2fs` is told a size, in octets.
const SECTOR: u64 = 512;

/// The partition with this name in the partition table: of the disk `near`, or of the first that has one.
pub(crate) fn partition(name: &str, near: Option<&Path>) -> Option<PathBuf> {
    let found = partitions(name);
    let same = |path: &&PathBuf| near.is_some_and(|near| disk_of(path) == disk_of(near));
    found.iter().find(same).or(found.first()).cloned()
}

/// The boot partition that is mounted, which is the one that this system came from; else the first that there is.
pub(crate) fn boot_partition() -> Option<PathBuf> {
    let mounts = fs::read_to_string("/proc/self/mounts").unwrap_or_default();
    let mut mounted = mounts.lines().filter_map(|line| line.split_once(' '));
    let found = mounted.find(|(_, rest)| rest.split(' ').next() == Some(BOOT_FOLDER));
    found.map(|(device, _)| PathBuf::from(device)).or_else(|| partition(BOOT, None))
}

/// The partition with this name on a disk.
pub(crate) fn partition_on(name: &str, disk: &Path) -> Option<PathBuf> {
    partitions(name).into_iter().find(|path| disk_of(path).as_deref() == Some(disk))
}

/// All partitions with this name, of whatever disk.
pub(crate) fn partitions(name: &str) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = fs::read_dir("/sys/class/block")
        .into_iter()
        .flatten()
        .flatten()
        .filter(|entry| {
            let event = fs::read_to_string(entry.path().join("uevent")).unwrap_or_default();
            event.lines().any(|line| line.strip_prefix("PARTNAME=") == Some(name))
        })
        .map(|entry| Path::new("/dev").join(entry.file_name()))
        .collect();
    found.sort();
    found
}

/// The disk that a partition is on.
pub(crate) fn disk_of(partition: &Path) -> Option<PathBuf> {
    let name = partition.file_name()?;
    let real = fs::canonicalize(Path::new("/sys/class/block").join(name)).ok()?;
    Some(Path::new("/dev").join(real.parent()?.file_name()?))
}

/// Mounts the data partition. One that was never used, or whose making was cut short, is made as large as the disk allows and
/// gets a file system; one that cannot be read is left alone.
///
/// # Errors
/// What is wrong with it; then there is none.
pub(crate) fn mount_data(partition: &Path) -> Result<(), String> {
    let mount = || system::mount_device(partition, DATA_FOLDER, "ext4", false, "commit=1,errors=remount-ro");
    // Nobody has seen it yet, whatever it holds.
    if is_half_made(partition).map_err(|error| told("reading the data partition", error))? {
        make_file_system(partition)?;
    }
    let Err(first) = mount() else { return Ok(()) };
    if is_empty(partition).map_err(|error| told("reading the data partition", error))? {
        grow(partition);
        make_file_system(partition)?;
        return mount();
    }
    system::say(&format!("the data partition is repaired: {first}"));
    let repaired = tool("e2fsck").args(["-p", "-f"]).arg(partition).output();
    let said = repaired.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
    system::say(said.trim());
    mount()
}

/// A program of the image: the kernel gives the first process no list of folders to look for programs in.
fn tool(name: &str) -> Command {
    let mut command = Command::new(name);
    command.env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
    command
}

/// Calls a program of the image on a disk, with an input.
///
/// # Errors
/// What it says.
pub(crate) fn call_on(program: &str, options: &[&str], disk: &Path, input: &str) -> Result<(), String> {
    let failed = |error: std::io::Error| told(program, error);
    let mut command = tool(program);
    command.args(options).arg(disk).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut child = command.spawn().map_err(failed)?;
    if let Some(mut stdin) = child.stdin.take() {
        stdin.write_all(input.as_bytes()).map_err(failed)?;
    }
    let done = child.wait_with_output().map_err(failed)?;
    if done.status.success() {
        return Ok(());
    }
    Err(format!("{program}: {}", String::from_utf8_lossy(&done.stderr).trim()))
}

fn is_empty(partition: &Path) -> std::io::Result<bool> {
    let mut octets = Vec::new();
    File::open(partition)?.take(u64::try_from(EMPTY).unwrap_or(u64::MAX)).read_to_end(&mut octets)?;
    Ok(octets.len() == EMPTY && octets.iter().all(|octet| *octet == 0))
}

/// Lets the last partition reach to the end of the disk.
fn grow(partition: &Path) {
    let Some(disk) = disk_of(partition) else { return };
    let name = partition.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let number = name.trim_start_matches(|c: char| !c.is_ascii_digit()).to_owned();
    let number = number.rsplit('p').next().unwrap_or_default().to_owned();
    let script = format!(
        "sfdisk -q --relocate gpt-bak-std {0} && echo ', +' | sfdisk -q --no-reread --no-tell-kernel -N {number} {0} && partx -u {0}",
        disk.display()
    );
    let done = tool("/bin/sh").args(["-c", &script]).output();
    if let Ok(output) = done
        && !output.status.success()
    {
        system::say(&format!("the data partition could not grow: {}", String::from_utf8_lossy(&output.stderr).trim()));
    }
}

/// Makes the file system of the data partition. A mark behind it stands for as long as that takes.
///
/// # Errors
/// What `mke2fs` says, or the disk.
pub(crate) fn make_file_system(partition: &Path) -> Result<(), String> {
    let marked = |mark: &[u8; HALF_MADE.len()]| {
        let mut file = OpenOptions::new().read(true).write(true).open(partition)?;
        let room = file.seek(SeekFrom::End(0))?.saturating_sub(MARK_ROOM);
        file.write_all_at(mark, room)?;
        file.sync_all().map(|()| room)
    };
    let failed = |error: std::io::Error| told("marking the data partition", error);
    let room = marked(HALF_MADE).map_err(failed)?;
    // The numbers that tell it from others: `mke2fs` would wait some seconds for chance that nobody can guess.
    let numbers = [(); 2].map(|()| fs::read_to_string("/proc/sys/kernel/random/uuid").unwrap_or_default());
    let [name, seed] = numbers.each_ref().map(|number| number.trim());
    let extended = format!("lazy_itable_init=1,discard,hash_seed={seed}");
    let made = tool("mke2fs")
        .args(["-q", "-F", "-t", "ext4", "-m", "1", "-L", DATA, "-U", name, "-E", &extended])
        .arg(partition)
        .arg(format!("{}s", room / SECTOR))
        .output()
        .map_err(|error| told("mke2fs", error))?;
    if !made.status.success() {
        return Err(format!("mke2fs: {}", String::from_utf8_lossy(&made.stderr).trim()));
    }
    File::open(partition).and_then(|file| file.sync_all()).map_err(failed)?;
    marked(&[0; HALF_MADE.len()]).map(drop).map_err(failed)
}

/// Whether the making of its file system was cut short.
fn is_half_made(partition: &Path) -> std::io::Result<bool> {
    let (mut file, mut mark) = (File::open(partition)?, [0; HALF_MADE.len()]);
    let room = file.seek(SeekFrom::End(0))?.saturating_sub(MARK_ROOM);
    file.read_exact_at(&mut mark, room)?;
    Ok(mark == *HALF_MADE)
}

/// What a volume of cloud-init or QEMU's configuration device left for a machine without a configuration.
pub(crate) fn seed() -> Seed {
    let volume = fs::read_dir("/sys/class/block").into_iter().flatten().flatten().find_map(|entry| {
        let device = Path::new("/dev").join(entry.file_name());
        let label = volume_label(&device)?;
        matches!(label.to_lowercase().as_str(), "cidata" | "config-2").then_some(device)
    });
    let mut seed = volume.map(|device| volume_seed(&device)).unwrap_or_default();
    let device = "/sys/firmware/qemu_fw_cfg/by_name/opt/org.towpath/config/raw";
    seed.config = seed.config.or_else(|| fs::read_to_string(device).ok());
    seed
}

/// Shows volumes that a person plugged in, CDs and sticks with FAT, below `/media`, each by its label; nothing is written to
/// them.
pub(crate) fn mount_volumes() {
    let devices = fs::read_dir("/sys/class/block").into_iter().flatten().flatten();
    for device in devices.map(|entry| Path::new("/dev").join(entry.file_name())) {
        let Some(label) = volume_label(&device).map(|label| label.to_lowercase()) else { continue };
        let is_name = !label.is_empty() && label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_');
        if is_name && label != BOOT_LABEL {
            let place = format!("{MEDIA}/{label}");
            let _ =
                ["iso9660", "vfat"].iter().any(|kind| system::mount_device(&device, &place, kind, true, "").is_ok());
        }
    }
}

fn volume_seed(device: &Path) -> Seed {
    const AT: &str = "/run/seed";
    let mounted = ["iso9660", "vfat"].iter().any(|kind| system::mount_device(device, AT, kind, true, "").is_ok());
    if !mounted {
        system::say(&format!("{} cannot be mounted", device.display()));
        return Seed::default();
    }
    let read = |names: &[&str]| names.iter().find_map(|name| fs::read_to_string(Path::new(AT).join(name)).ok());
    let seed = Seed {
        config: read(&["config.boot"]),
        user_data: read(&["user-data", "openstack/latest/user_data"]),
        meta_data: read(&["meta-data"]),
        openstack: read(&["openstack/latest/meta_data.json"]),
    };
    system::unmount(AT);
    seed
}

/// The label of a file system of a CD or of FAT.
fn volume_label(device: &Path) -> Option<String> {
    let mut file = File::open(device).ok()?;
    let mut read = |at: u64, length: usize| {
        let mut octets = vec![0; length];
        file.seek(SeekFrom::Start(at)).and_then(|_| file.read_exact(&mut octets)).ok().map(|()| octets)
    };
    let text = |octets: &[u8]| String::from_utf8_lossy(octets).trim_end().to_owned();
    if read(32769, 5).is_some_and(|sign| sign == b"CD001") {
        return read(32808, 32).map(|label| text(&label));
    }
    let sector = read(0, 512)?;
    if sector.get(510..512) != Some(&[0x55, 0xaa]) {
        return None;
    }
    // FAT32 has its label further behind than its older relatives.
    let wide = sector.get(82..87) == Some(b"FAT32");
    let old = sector.get(54..57) == Some(b"FAT");
    match (wide, old) {
        (true, _) => sector.get(71..82).map(text),
        (_, true) => sector.get(43..54).map(text),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may fail loudly")]

    use super::*;

    fn file(name: &str, octets: &[u8]) -> PathBuf {
        let path = std::env::temp_dir().join(format!("init-disk-{name}-{}", std::process::id()));
        fs::write(&path, octets).unwrap();
        path
    }

    #[test]
    fn volumes_are_known_by_their_labels() {
        let mut cd = vec![0; 40_000];
        cd[32769..32774].copy_from_slice(b"CD001");
        cd[32808..32840].copy_from_slice(b"cidata                          ");
        let mut fat = vec![0; 512];
        fat[510..512].copy_from_slice(&[0x55, 0xaa]);
        fat[54..59].copy_from_slice(b"FAT12");
        fat[43..54].copy_from_slice(b"CIDATA     ");
        let mut wide = fat.clone();
        wide[82..87].copy_from_slice(b"FAT32");
        wide[71..82].copy_from_slice(b"CONFIG-2   ");
        for (name, octets, label) in [
            ("cd", cd, Some("cidata")),
            ("fat", fat, Some("CIDATA")),
            ("wide", wide, Some("CONFIG-2")),
            ("short", vec![1, 2, 3], None),
            ("nothing", vec![0; 4096], None),
        ] {
            let path = file(name, &octets);
            assert_eq!(volume_label(&path).as_deref(), label, "{name}");
            fs::remove_file(path).unwrap();
        }
    }

    #[test]
    fn a_file_system_that_was_left_half_made_is_known_until_it_is_made_whole() {
        let path = file("half", &vec![0x5a; 8 << 20]);
        assert!(!is_half_made(&path).unwrap());
        let room = (8 << 20) - MARK_ROOM;
        OpenOptions::new().write(true).open(&path).unwrap().write_all_at(HALF_MADE, room).unwrap();
        assert!(is_half_made(&path).unwrap());
        make_file_system(&path).unwrap();
        assert!(!is_half_made(&path).unwrap());
        // What ext4 begins with says how long it is, in blocks of 1 KiB.
        let octets = fs::read(&path).unwrap();
        assert_eq!(octets[1080..1082], [0x53, 0xef]);
        assert_eq!(u64::from(u32::from_le_bytes(octets[1028..1032].try_into().unwrap())) * 1024, room);
        fs::remove_file(path).unwrap();
    }

    #[test]
    fn only_what_holds_nothing_counts_as_never_used() {
        let mut octets = vec![0; EMPTY];
        let path = file("empty", &octets);
        assert!(is_empty(&path).unwrap());
        octets[EMPTY - 1] = 1;
        fs::write(&path, &octets).unwrap();
        assert!(!is_empty(&path).unwrap());
        fs::write(&path, &octets[..EMPTY / 2]).unwrap();
        assert!(!is_empty(&path).unwrap(), "a part of it says nothing of the rest");
        fs::remove_file(path).unwrap();
    }
}
