//! The start, in its order: file systems, devices, the disk, names, the configuration.

use std::fs;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use nix::sys::stat::Mode;

use super::run;
use crate::confine::USER;
use crate::disk::{self, BOOT, BOOT_FOLDER, DATA, DATA_FOLDER};
use crate::first_boot;
use crate::hardware::{Hardware, name_cards};
use crate::packed;
use crate::services::Spec;
use crate::slots::Slot;
use crate::system::{self, FIRMWARE, MOUNTS, NOTICES, say, told};
use crate::upgrade::{self, Images};

/// Where each part of the data partition is seen.
pub(super) const PLACES: &[(&str, &str)] = &[
    ("/data/config", "/config"),
    ("/data/home", "/home"),
    ("/data/log", "/var/log"),
    ("/data/state", "/var/lib/towpath"),
    ("/data/tmp", "/var/tmp"),
];
/// The configuration that the router starts with.
pub(super) const CONFIG: &str = "/config/config.boot";
/// Which cards were met, and what they were called.
pub(super) const CARDS: &str = "/data/cards";
/// The time at which the machine was last seen alive, for clocks without a battery.
pub(super) const CLOCK: &str = "/data/clock";
/// How long the disk may take to come to light.
const DISK_WAITS: Duration = Duration::from_secs(5);
/// How many files of crashes are kept.
const CRASHES: usize = 8;

/// What the kernel calls for a module.
const MODPROBE: &str = "/usr/sbin/modprobe";
/// Settings of the kernel. Whoever is let in may read its messages, and so may the router, which shows them.
const SETTINGS: [(&str, &str); 3] = [
    ("kernel/core_pattern", "|/usr/lib/towpath/crash %t %f"),
    ("kernel/printk", "3 4 1 3"),
    ("kernel/dmesg_restrict", "0"),
];
/// The router's own folders: what is there from an earlier start, and what it makes.
const OWN: &[&str] = &["/config", "/var/lib/towpath", "/var/log/towpath", "/sys/fs/bpf/towpath"];

/// What is ready once the start is over.
pub(crate) struct Started {
    /// Where the kernel tells of devices.
    pub(super) events: Option<OwnedFd>,
    pub(super) hardware: Hardware,
    /// The slot that runs, when it is on trial.
    pub(super) on_trial: Option<Slot>,
    /// The programs of consoles, and the processes that they have already.
    pub(super) consoles: Vec<(Spec, Option<i32>)>,
}

/// Makes everything ready: first what a person at a console needs, then what the router needs. What nobody waits for is left
/// to [`finish`].
///
/// # Errors
/// What is missing without which there is no system.
pub(super) fn start() -> Result<Started, String> {
    nix::sys::stat::umask(Mode::from_bits_truncate(0o022));
    for file_system in MOUNTS {
        // Which of them a kernel has is its own matter; without the first three nothing would be told anyway.
        let _ = system::mount_kernel(file_system);
    }
    let events = system::open_events().map_err(|error| say(&error)).ok();
    let mut hardware = Hardware::first();
    let boot = packed::mount(&mut hardware, events.as_ref())?;
    // Before `/usr` the kernel finds no such program where it looks for it, and starts none in vain.
    let _ = fs::write("/proc/sys/kernel/modprobe", MODPROBE);
    hardware.widen();
    prepare_memory();
    let mut notices = Vec::new();
    mount_disk(boot, &mut hardware, events.as_ref(), &mut notices);
    for (folder, place) in PLACES {
        // A disk without room for a folder takes nobody's way in: memory stands in for it.
        if let Err(problem) = system::bind_folder(folder, place) {
            notices.push(format!("{problem}: what is written to {place} is not kept"));
            note(system::mount_memory(place, "mode=755,size=8m"), &mut notices);
        }
    }
    let _ = fs::set_permissions("/var/tmp", std::os::unix::fs::PermissionsExt::from_mode(0o1777));
    note(system::protect_root(), &mut notices);
    let config = config(&mut hardware, &mut notices);
    let on_trial = judge_boot(&mut notices);
    tell(&notices);
    let early = notices.len();
    let consoles = begin_consoles();
    hardware.start_cards();
    set_clock();
    hand_over(&mut notices);
    name_cards(&config, Path::new(CARDS));
    for (setting, value) in SETTINGS {
        let _ = fs::write(Path::new("/proc/sys").join(setting), value);
    }
    if notices.len() > early {
        tell(&notices);
    }
    Ok(Started { events, hardware, on_trial, consoles })
}

/// What may wait until everything runs and no device waits for its driver any more.
pub(super) fn finish() {
    let _ = system::mount_kernel(&FIRMWARE);
    keep_crashes();
    disk::mount_volumes();
}

fn note(done: Result<(), String>, notices: &mut Vec<String>) {
    if let Err(error) = done {
        notices.push(error);
    }
}

/// What has to be writable and is forgotten at the end: `/etc`, which each start makes anew, and `/var`.
fn prepare_memory() {
    let prepare = || {
        let made = Path::new("/run/etc");
        system::copy_folder(Path::new("/etc"), made)?;
        system::bind_folder("/run/etc", "/etc")?;
        system::mount_memory("/var", "mode=755,size=16m")?;
        system::mount_memory(disk::MEDIA, "mode=755,size=1m")?;
        system::mount_memory("/root", "mode=700,size=4m")
    };
    if let Err(error) = prepare() {
        say(&error);
    }
    for folder in ["/run/towpath", "/run/sshd", "/run/chrony", "/run/lock", "/var/lib/chrony", "/var/spool"] {
        let _ = fs::create_dir_all(folder);
    }
    let _ = std::os::unix::fs::symlink("/run", "/var/run");
}

/// Mounts the data partition, of the disk that the system came from if there is one on it; the boot partition, too, where it
/// is not mounted yet.
fn mount_disk(boot: Option<PathBuf>, hardware: &mut Hardware, events: Option<&OwnedFd>, notices: &mut Vec<String>) {
    let line = fs::read_to_string("/proc/cmdline").unwrap_or_default();
    let expected = line.contains("towpath.slot=");
    let begin = std::time::Instant::now();
    if disk::partition(DATA, None).is_none() {
        // It may hang on what is no disk's own.
        hardware.start();
    }
    // A disk on a slow bus comes to light after its controller; without a boot loader there may be none at all.
    while disk::partition(DATA, None).is_none() && expected && begin.elapsed() < DISK_WAITS {
        std::thread::sleep(Duration::from_millis(20));
        if let Some(events) = events {
            hardware.take_events(events);
        }
    }
    let boot = boot.or_else(|| {
        let found = disk::partition(BOOT, None)?;
        note(system::mount_device(&found, BOOT_FOLDER, "vfat", true, "umask=022"), notices);
        Some(found)
    });
    let problem = match disk::partition(DATA, boot.as_deref()) {
        Some(data) => disk::mount_data(&data).err().map(|problem| {
            let name = data.display();
            format!("{problem}; {name} is left as it is, and e2fsck may repair it ('with a shell of root' in the menu at the start)")
        }),
        None => Some("there is no data partition".to_owned()),
    };
    if let Some(problem) = problem {
        notices.push(format!(
            "{problem}: nothing of this start is kept, and the machine begins with its first configuration"
        ));
        note(system::mount_memory(DATA_FOLDER, "mode=755,size=64m"), notices);
    }
}

/// The clock goes on from where it was when it has no battery.
fn set_clock() {
    let seen = fs::metadata(CLOCK).and_then(|clock| clock.modified());
    if let Ok(seen) = seen
        && seen > SystemTime::now()
        && let Ok(since) = seen.duration_since(SystemTime::UNIX_EPOCH)
    {
        let time = nix::sys::time::TimeSpec::from_duration(since);
        if let Err(error) = nix::time::clock_settime(nix::time::ClockId::CLOCK_REALTIME, time) {
            say(&told("setting the clock", error));
        }
    }
}

/// What the kernel left behind of its last end is kept with the logs; the oldest go.
fn keep_crashes() {
    let folder = Path::new("/var/log/crash");
    let _ = fs::create_dir_all(folder);
    let stamp = SystemTime::UNIX_EPOCH.elapsed().map(|elapsed| elapsed.as_secs()).unwrap_or_default();
    for entry in fs::read_dir("/sys/fs/pstore").into_iter().flatten().flatten() {
        let name = format!("kernel.{}.{stamp}", entry.file_name().to_string_lossy());
        if fs::copy(entry.path(), folder.join(name)).is_ok() {
            let _ = fs::remove_file(entry.path());
        }
    }
    let mut kept: Vec<_> = fs::read_dir(folder)
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| Some((entry.metadata().ok()?.modified().ok()?, entry.path())))
        .collect();
    kept.sort();
    for (_, path) in kept.iter().rev().skip(CRASHES) {
        let _ = fs::remove_file(path);
    }
}

/// The configuration; a machine that has none gets its first one, of whatever device holds it.
fn config(hardware: &mut Hardware, notices: &mut Vec<String>) -> String {
    if let Ok(config) = fs::read(CONFIG) {
        return String::from_utf8_lossy(&config).into_owned();
    }
    hardware.start();
    let config = first_boot::config(&disk::seed());
    if let Err(error) = system::write_whole(Path::new(CONFIG), config.as_bytes(), 0o600) {
        notices.push(told("the first configuration cannot be kept", error));
    }
    config
}

/// Starts the programs of all consoles: these wait for the router by themselves, where they have to.
fn begin_consoles() -> Vec<(Spec, Option<i32>)> {
    let line = fs::read_to_string("/proc/cmdline").unwrap_or_default();
    let rescue = line.split_whitespace().any(|word| word == "towpath.rescue");
    let begun = run::consoles(rescue).into_iter().map(|spec| {
        // One that could not be started is started again like all others.
        let pid = run::begin(&spec).map_err(|error| say(&error)).ok();
        (spec, pid)
    });
    begun.collect()
}

/// Gives the router's folders to its user. In the folder of sockets it may make its own, and leaves the others alone.
fn hand_over(notices: &mut Vec<String>) {
    let users = fs::read_to_string("/etc/passwd").unwrap_or_default();
    let Some(user) = system::user_number(&users, USER) else {
        return notices.push(format!("there is no user {USER}: the router cannot start"));
    };
    for folder in OWN {
        let made = fs::create_dir_all(folder).map_err(|error| told(folder, error));
        note(made.and_then(|()| system::give(Path::new(folder), user)), notices);
    }
    let door = Path::new("/run/towpath");
    let shared = fs::set_permissions(door, std::os::unix::fs::PermissionsExt::from_mode(0o1775))
        .and_then(|()| std::os::unix::fs::chown(door, None, Some(user)));
    note(shared.map_err(|error| told("/run/towpath", error)), notices);
}

/// Whether what runs is on trial, and what became of what was tried before.
fn judge_boot(notices: &mut Vec<String>) -> Option<Slot> {
    let running = upgrade::running()?;
    let choice = Images::of_machine().ok()?.choice();
    if choice.is_without_a_good_one() && choice.good != Some(running) {
        notices.push(
            "the good image was started again and again and did not last; this is the other one \
             ('show system image' tells more)"
                .to_owned(),
        );
    } else if choice.failed.is_some_and(|failed| failed != running) {
        notices.push(
            "the image that was tried last did not become healthy; this is the other one \
             ('show system image' tells more)"
                .to_owned(),
        );
    }
    (choice.good != Some(running)).then_some(running)
}

fn tell(notices: &[String]) {
    for notice in notices {
        say(notice);
    }
    if notices.is_empty() {
        return;
    }
    let _ = fs::write(NOTICES, notices.iter().map(|notice| format!("{notice}\n")).collect::<String>());
}
