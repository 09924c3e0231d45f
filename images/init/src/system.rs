//! What the first process asks of the kernel: file systems, modules, names of links, the end of the machine.
//!
//! Each function does one thing and says in words what stood in its way; none decides.

use std::ffi::CString;
use std::fmt::Display;
use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::os::fd::AsRawFd;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;

use nix::kmod::{ModuleInitFlags, finit_module};
use nix::mount::{MntFlags, MsFlags, mount, umount2};
use nix::sys::socket::{
    AddressFamily, MsgFlags, NetlinkAddr, SockFlag, SockProtocol, SockType, bind, recv, send, socket,
};

/// A file system that every start mounts.
pub(crate) struct Mount {
    pub(crate) kind: &'static str,
    pub(crate) at: &'static str,
    pub(crate) options: &'static str,
    /// Whether programs may be started from it.
    pub(crate) programs: bool,
}

const fn plain(kind: &'static str, at: &'static str, options: &'static str) -> Mount {
    Mount { kind, at, options, programs: false }
}

/// In their order. Those that a kernel does not have are passed over.
pub(crate) const MOUNTS: &[Mount] = &[
    plain("proc", "/proc", ""),
    plain("sysfs", "/sys", ""),
    Mount { kind: "devtmpfs", at: "/dev", options: "mode=755", programs: true },
    plain("devpts", "/dev/pts", "gid=5,mode=620,ptmxmode=666"),
    plain("tmpfs", "/dev/shm", "mode=1777,size=16m"),
    plain("tmpfs", "/run", "mode=755,size=16m"),
    plain("tmpfs", "/tmp", "mode=1777,size=64m"),
    plain("securityfs", "/sys/kernel/security", ""),
    plain("bpf", "/sys/fs/bpf", "mode=711"),
    plain("cgroup2", "/sys/fs/cgroup", ""),
    plain("pstore", "/sys/fs/pstore", ""),
];
/// What the firmware remembers: to mount it asks the firmware for each variable, which takes a third of a second, and no start needs one.
pub(crate) const FIRMWARE: Mount = plain("efivarfs", "/sys/firmware/efi/efivars", "");

/// The router's door: it is there once the router answers.
pub(crate) const ROUTER_SOCKET: &str = "/run/towpath/towpathd.sock";

/// What everybody should know who comes to a console or logs in, a line each.
pub(crate) const NOTICES: &str = "/run/towpath/notices";

/// Tells the kernel's log, which is all there is before and after everything else.
pub(crate) fn say(what: &str) {
    if let Ok(mut log) = OpenOptions::new().write(true).open("/dev/kmsg") {
        // Each write is a line of its own there.
        let _ = log.write_all(format!("<5>init: {what}\n").as_bytes());
    }
}

/// What failed, as a sentence.
pub(crate) fn told(what: &str, error: impl Display) -> String {
    format!("{what}: {error}")
}

/// Mounts one of the kernel's own file systems.
///
/// # Errors
/// What the kernel says.
pub(crate) fn mount_kernel(file_system: &Mount) -> Result<(), String> {
    let flags = MsFlags::MS_NOSUID | MsFlags::MS_NODEV | MsFlags::MS_NOEXEC;
    let flags = if file_system.programs { MsFlags::MS_NOSUID } else { flags };
    // Terminals are devices, too.
    let flags = if file_system.kind == "devpts" { flags - MsFlags::MS_NODEV } else { flags };
    let _ = fs::create_dir_all(file_system.at);
    mount(Some(file_system.kind), file_system.at, Some(file_system.kind), flags, Some(file_system.options))
        .map_err(|error| told(&format!("mounting {}", file_system.at), error))
}

/// Mounts a device.
///
/// # Errors
/// What the kernel says.
pub(crate) fn mount_device(device: &Path, at: &str, kind: &str, read_only: bool, options: &str) -> Result<(), String> {
    let mut flags = MsFlags::MS_NOSUID | MsFlags::MS_NODEV | MsFlags::MS_NOATIME;
    flags.set(MsFlags::MS_RDONLY, read_only);
    let _ = fs::create_dir_all(at);
    mount(Some(device), at, Some(kind), flags, Some(options))
        .map_err(|error| told(&format!("mounting {} on {at}", device.display()), error))
}

/// Allows or forbids writing to what is mounted there.
///
/// # Errors
/// What the kernel says.
pub(crate) fn remount(at: &str, read_only: bool) -> Result<(), String> {
    let mut flags = MsFlags::MS_REMOUNT | MsFlags::MS_NOSUID | MsFlags::MS_NODEV | MsFlags::MS_NOATIME;
    flags.set(MsFlags::MS_RDONLY, read_only);
    mount(None::<&str>, at, None::<&str>, flags, None::<&str>).map_err(|error| told(&format!("remounting {at}"), error))
}

/// Makes the root of the system, which is memory, one that cannot be written.
///
/// # Errors
/// What the kernel says.
pub(crate) fn protect_root() -> Result<(), String> {
    mount(None::<&str>, "/", None::<&str>, MsFlags::MS_REMOUNT | MsFlags::MS_RDONLY, None::<&str>)
        .map_err(|error| told("remounting /", error))
}

/// Lets a folder be seen at another place, too.
///
/// # Errors
/// What the kernel says.
pub(crate) fn bind_folder(folder: &str, at: &str) -> Result<(), String> {
    fs::create_dir_all(folder).map_err(|error| told(&format!("making {folder}"), error))?;
    let _ = fs::create_dir_all(at);
    mount(Some(folder), at, None::<&str>, MsFlags::MS_BIND, None::<&str>)
        .map_err(|error| told(&format!("binding {folder} to {at}"), error))
}

/// Memory as a folder that may be written.
///
/// # Errors
/// What the kernel says.
pub(crate) fn mount_memory(at: &str, options: &str) -> Result<(), String> {
    let _ = fs::create_dir_all(at);
    mount(Some("tmpfs"), at, Some("tmpfs"), MsFlags::MS_NOSUID | MsFlags::MS_NODEV, Some(options))
        .map_err(|error| told(&format!("mounting {at}"), error))
}

/// Takes a file system away; one that is in use stays and can only be read from then on.
pub(crate) fn unmount(at: &str) {
    if umount2(at, MntFlags::empty()).is_err() {
        let _ = remount(at, true);
    }
}

/// Copies a folder with all that is in it; the copy has the same modes.
///
/// # Errors
/// Where it failed.
pub(crate) fn copy_folder(from: &Path, to: &Path) -> Result<(), String> {
    let failed = |error: std::io::Error| told(&format!("copying {}", from.display()), error);
    fs::create_dir_all(to).map_err(failed)?;
    for entry in fs::read_dir(from).map_err(failed)?.flatten() {
        let (source, target) = (entry.path(), to.join(entry.file_name()));
        let kind = entry.file_type().map_err(failed)?;
        if kind.is_dir() {
            copy_folder(&source, &target)?;
        } else if kind.is_symlink() {
            fs::read_link(&source).and_then(|leads| std::os::unix::fs::symlink(leads, &target)).map_err(failed)?;
        } else {
            fs::copy(&source, &target).map_err(failed)?;
        }
    }
    let mode = fs::metadata(from).map(|folder| folder.permissions().mode()).map_err(failed)?;
    fs::set_permissions(to, fs::Permissions::from_mode(mode)).map_err(failed)
}

/// Writes a file so that it is there as a whole or as it was, also after a power cut.
///
/// # Errors
/// What the disk says.
pub(crate) fn write_whole(path: &Path, text: &[u8], mode: u32) -> std::io::Result<()> {
    let beside = path.with_extension("new");
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(mode).open(&beside)?;
    file.write_all(text)?;
    file.sync_all()?;
    fs::rename(&beside, path)?;
    // With FAT a name knows where its file begins and ends; a new name knows it once the file is flushed again.
    file.sync_all()?;
    path.parent().map_or(Ok(()), |folder| File::open(folder)?.sync_all())
}

/// The number of a user in a list of users.
pub(crate) fn user_number(users: &str, name: &str) -> Option<u32> {
    let line = users.lines().find(|line| line.split(':').next() == Some(name))?;
    line.split(':').nth(2)?.parse().ok()
}

/// Gives a folder and all that is in it to a user, and follows no link.
///
/// # Errors
/// What could not be given.
pub(crate) fn give(path: &Path, user: u32) -> Result<(), String> {
    let failed = |error: std::io::Error| told(&path.display().to_string(), error);
    std::os::unix::fs::lchown(path, Some(user), Some(user)).map_err(failed)?;
    if !fs::symlink_metadata(path).map_err(failed)?.is_dir() {
        return Ok(());
    }
    for entry in fs::read_dir(path).map_err(failed)?.flatten() {
        give(&entry.path(), user)?;
    }
    Ok(())
}

/// Loads a module from its file, with its settings. One that is there already is no error.
///
/// # Errors
/// What the kernel says.
pub(crate) fn load_module(file: &Path, settings: &str) -> Result<(), String> {
    let opened = File::open(file).map_err(|error| told(&file.display().to_string(), error))?;
    let settings = CString::new(settings).unwrap_or_default();
    match finit_module(&opened, &settings, ModuleInitFlags::empty()) {
        Ok(()) | Err(nix::errno::Errno::EEXIST) => Ok(()),
        Err(error) => Err(told(&file.display().to_string(), error)),
    }
}

/// The message that gives a link another name (`RTM_NEWLINK` of rtnetlink(7)).
fn rename_message(index: i32, name: &str) -> Vec<u8> {
    const NEW_LINK: u16 = 16;
    const REQUEST_WITH_ANSWER: u16 = 1 | 4;
    const NAME: u16 = 3;
    let mut attribute = Vec::new();
    let length = u16::try_from(name.len().saturating_add(5)).unwrap_or(u16::MAX);
    attribute.extend(length.to_ne_bytes());
    attribute.extend(NAME.to_ne_bytes());
    attribute.extend(name.as_bytes());
    attribute.push(0);
    attribute.resize(attribute.len().next_multiple_of(4), 0);
    let mut body = vec![0; 4];
    body.extend(index.to_ne_bytes());
    body.extend([0; 8]);
    body.extend(attribute);
    let mut message = Vec::new();
    message.extend(u32::try_from(body.len().saturating_add(16)).unwrap_or(u32::MAX).to_ne_bytes());
    message.extend(NEW_LINK.to_ne_bytes());
    message.extend(REQUEST_WITH_ANSWER.to_ne_bytes());
    message.extend([0; 8]);
    message.extend(body);
    message
}

/// The error of an answer: 0 where there is none.
fn answered_error(answer: &[u8]) -> Option<i32> {
    let octets = answer.get(16..20)?;
    octets.try_into().ok().map(i32::from_ne_bytes)
}

/// Gives a link another name.
///
/// # Errors
/// What the kernel says; links that are up keep their names.
pub(crate) fn rename_link(from: &str, to: &str) -> Result<(), String> {
    let failed = |what: String| format!("{from} cannot be called {to}: {what}");
    let index =
        fs::read_to_string(format!("/sys/class/net/{from}/ifindex")).map_err(|error| failed(error.to_string()))?;
    let index = index.trim().parse().map_err(|_| failed("it has no number".to_owned()))?;
    let netlink = socket(AddressFamily::Netlink, SockType::Raw, SockFlag::SOCK_CLOEXEC, SockProtocol::NetlinkRoute)
        .map_err(|error| failed(error.to_string()))?;
    let mut answer = [0; 512];
    let message = rename_message(index, to);
    let asked = send(netlink.as_raw_fd(), &message, MsgFlags::empty())
        .and_then(|_| recv(netlink.as_raw_fd(), &mut answer, MsgFlags::empty()));
    match asked.map(|length| answered_error(answer.get(..length).unwrap_or_default())) {
        Ok(Some(0)) => Ok(()),
        Ok(error) => Err(failed(nix::errno::Errno::from_raw(error.unwrap_or_default().wrapping_neg()).to_string())),
        Err(error) => Err(failed(error.to_string())),
    }
}

/// Where the kernel tells of devices that come and go.
///
/// # Errors
/// What the kernel says.
pub(crate) fn open_events() -> Result<std::os::fd::OwnedFd, String> {
    let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
    let events = socket(AddressFamily::Netlink, SockType::Datagram, flags, SockProtocol::NetlinkKObjectUEvent)
        .map_err(|error| told("opening the kernel's events", error))?;
    let _ = nix::sys::socket::setsockopt(&events, nix::sys::socket::sockopt::RcvBuf, &(4 << 20));
    bind(events.as_raw_fd(), &NetlinkAddr::new(0, 1))
        .map_err(|error| told("listening to the kernel's events", error))?;
    Ok(events)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_message_that_renames_a_link_is_laid_out_as_the_kernel_reads_it() {
        let message = rename_message(7, "eth1");
        assert_eq!(message.len(), 16 + 16 + 12);
        assert_eq!(message.get(..4), Some(44_u32.to_ne_bytes().as_slice()));
        assert_eq!(message.get(20..24), Some(7_i32.to_ne_bytes().as_slice()));
        assert_eq!(message.get(32..41), Some([9, 0, 3, 0, b'e', b't', b'h', b'1', 0].as_slice()));
        assert_eq!(answered_error(&[0; 36]), Some(0));
        assert_eq!(answered_error(&[0; 10]), None);
    }

    #[test]
    fn a_user_is_found_by_the_whole_name() {
        let users = "root:x:0:0:root:/root:/bin/sh\n_towpath2:x:7:7::/:/bin/sh\n_towpath:x:102:102::/:/bin/sh\n";
        assert_eq!(user_number(users, "_towpath"), Some(102));
        assert_eq!(user_number(users, "towpath"), None);
        assert_eq!(user_number("_towpath:x:many\n_towpath\n", "_towpath"), None);
    }

    #[test]
    fn a_file_is_replaced_as_a_whole() {
        let folder = std::env::temp_dir().join(format!("init-whole-{}", std::process::id()));
        fs::create_dir_all(&folder).ok();
        let file = folder.join("clock");
        for text in ["one", "another"] {
            assert!(write_whole(&file, text.as_bytes(), 0o600).is_ok());
            assert_eq!(fs::read_to_string(&file).ok().as_deref(), Some(text));
        }
        assert_eq!(fs::read_dir(&folder).map(Iterator::count).ok(), Some(1));
        let copy = folder.join("copy");
        assert_eq!(copy_folder(&folder.join("missing"), &copy).map_err(|error| error.contains("missing")), Err(true));
        fs::remove_dir_all(&folder).ok();
    }
}
