//! What the daemon gives up for good before it hears the first peer: files that are not its own (Landlock), and calls of
//! the kernel that no router needs (seccomp).
//!
//! Costs nothing on the way of a route. A kernel that lacks one of them is told of and no reason not to start. Threads that
//! run already stay free, so this comes before the first of them.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result};
use landlock::{
    ABI, Access, AccessFs, CompatLevel, Compatible, Ruleset, RulesetAttr, RulesetCreatedAttr, RulesetStatus,
    path_beneath_rules,
};
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule,
};

use crate::arguments::Arguments;

/// The rights of Linux 6.2, with which truncating came; older kernels have fewer and keep to those.
const RIGHTS: ABI = ABI::V3;
/// What everybody on the machine may read, and the kernel's own files.
const READ: &[&str] = &["/dev", "/etc", "/lib", "/lib64", "/proc", "/run", "/sys", "/usr"];
/// Where logs and dumps may be written, and settings of the network; what the disk's own rights forbid stays forbidden.
const WRITE: &[&str] = &["/dev/null", "/proc/sys/net", "/var/log", "/var/tmp"];

/// Calls that start programs, change the system itself, look into other processes, or have been the way into kernels.
const REFUSED: &[i64] = &[
    libc::SYS_execve,
    libc::SYS_execveat,
    libc::SYS_ptrace,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_pidfd_getfd,
    libc::SYS_kcmp,
    libc::SYS_kexec_load,
    libc::SYS_kexec_file_load,
    libc::SYS_init_module,
    libc::SYS_finit_module,
    libc::SYS_delete_module,
    libc::SYS_mount,
    libc::SYS_umount2,
    libc::SYS_pivot_root,
    libc::SYS_chroot,
    libc::SYS_move_mount,
    libc::SYS_open_tree,
    libc::SYS_fsopen,
    libc::SYS_fsconfig,
    libc::SYS_fsmount,
    libc::SYS_fspick,
    libc::SYS_mount_setattr,
    libc::SYS_swapon,
    libc::SYS_swapoff,
    libc::SYS_reboot,
    libc::SYS_sethostname,
    libc::SYS_setdomainname,
    libc::SYS_settimeofday,
    libc::SYS_clock_settime,
    libc::SYS_clock_adjtime,
    libc::SYS_adjtimex,
    libc::SYS_acct,
    libc::SYS_quotactl,
    libc::SYS_add_key,
    libc::SYS_request_key,
    libc::SYS_keyctl,
    libc::SYS_personality,
    libc::SYS_userfaultfd,
    libc::SYS_setns,
    libc::SYS_unshare,
    libc::SYS_name_to_handle_at,
    libc::SYS_open_by_handle_at,
    libc::SYS_io_uring_setup,
    libc::SYS_io_uring_enter,
    libc::SYS_io_uring_register,
    libc::SYS_setuid,
    libc::SYS_setgid,
    libc::SYS_setreuid,
    libc::SYS_setregid,
    libc::SYS_setresuid,
    libc::SYS_setresgid,
    libc::SYS_setgroups,
];
/// Families of sockets that a router speaks.
const FAMILIES: &[i32] = &[libc::AF_UNIX, libc::AF_INET, libc::AF_INET6, libc::AF_NETLINK, libc::AF_PACKET];
/// The second numbering of calls on x86, with addresses of 32 bits; there the same calls are refused.
const SHORT_ADDRESSES: i64 = 0x4000_0000;
/// `execve` and `execveat` there, which have numbers of their own.
const SHORT_EXEC: &[i64] = &[SHORT_ADDRESSES + 520, SHORT_ADDRESSES + 545];

/// Gives up what the daemon does not need, other than the balancer's programs; what is in force, in words.
pub(crate) fn confine(arguments: &Arguments, programs: &Path) -> String {
    let folder = |path: &Path| path.parent().map(Path::to_owned).unwrap_or_default();
    let own =
        [folder(&arguments.config), arguments.state_dir.clone(), folder(&arguments.socket), arguments.bpf_dir.clone()];
    // A rule needs a place that is there.
    for place in &own {
        let _ = std::fs::create_dir_all(place);
    }
    let read: Vec<&Path> = READ
        .iter()
        .map(Path::new)
        .chain([programs])
        .chain([arguments.system_root.as_path()].into_iter().filter(|root| *root != Path::new("/")))
        .collect();
    let write: Vec<&Path> = WRITE.iter().map(Path::new).chain(own.iter().map(AsRef::as_ref)).collect();
    let files = keep_to(&read, &write).unwrap_or_else(|error| format!("not in force ({error:#})"));
    let calls = refuse()
        .map_or_else(|error| format!("not in force ({error:#})"), |()| format!("{} calls refused", REFUSED.len()));
    format!("confined: {}; Landlock {files}; seccomp {calls}", rights())
}

/// The user and the capabilities, as the kernel has them.
fn rights() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let field = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        line.and_then(|line| line.split_whitespace().next()).unwrap_or("?").to_owned()
    };
    let capabilities = u64::from_str_radix(&field("CapEff:"), 16).map_or(0, u64::count_ones);
    format!("user {}, {capabilities} capabilities", field("Uid:"))
}

/// Leaves files below these places alone to read, and below those to write.
fn keep_to(read: &[&Path], write: &[&Path]) -> Result<String> {
    let status = Ruleset::default()
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(AccessFs::from_all(RIGHTS))?
        .create()?
        .add_rules(path_beneath_rules(read, AccessFs::from_read(RIGHTS) & !AccessFs::Execute))?
        .add_rules(path_beneath_rules(write, AccessFs::from_all(RIGHTS) & !AccessFs::Execute))?
        .restrict_self()?;
    Ok(match status.ruleset {
        RulesetStatus::FullyEnforced => "in force".to_owned(),
        RulesetStatus::PartiallyEnforced => "in force as far as this kernel has it".to_owned(),
        RulesetStatus::NotEnforced => "not in force (this kernel has none)".to_owned(),
    })
}

/// Has the kernel answer `EPERM` to what is never needed.
fn refuse() -> Result<()> {
    let mut rules: BTreeMap<i64, Vec<SeccompRule>> = BTreeMap::new();
    for call in REFUSED {
        rules.insert(*call, Vec::new());
    }
    let foreign = FAMILIES.iter().map(|family| condition(0, SeccompCmpOp::Ne, u64::from(family.unsigned_abs())));
    rules.insert(libc::SYS_socket, vec![SeccompRule::new(foreign.collect::<Result<_>>()?)?]);
    // Memory that was written is not run.
    let (write, run) = (u64::from(libc::PROT_WRITE.unsigned_abs()), u64::from(libc::PROT_EXEC.unsigned_abs()));
    let both = condition(2, SeccompCmpOp::MaskedEq(write | run), write | run)?;
    rules.insert(libc::SYS_mmap, vec![SeccompRule::new(vec![both])?]);
    let made_to_run = condition(2, SeccompCmpOp::MaskedEq(run), run)?;
    rules.insert(libc::SYS_mprotect, vec![SeccompRule::new(vec![made_to_run])?]);
    if cfg!(target_arch = "x86_64") {
        let short: Vec<i64> =
            rules.keys().map(|call| call | SHORT_ADDRESSES).chain(SHORT_EXEC.iter().copied()).collect();
        for call in short {
            rules.insert(call, Vec::new());
        }
    }
    let refused = SeccompAction::Errno(libc::EPERM.unsigned_abs());
    let architecture = std::env::consts::ARCH.try_into().context("this processor")?;
    let filter = SeccompFilter::new(rules, SeccompAction::Allow, refused, architecture)?;
    let program: BpfProgram = filter.try_into()?;
    Ok(seccompiler::apply_filter(&program)?)
}

fn condition(argument: u8, compare: SeccompCmpOp, value: u64) -> Result<SeccompCondition> {
    Ok(SeccompCondition::new(argument, SeccompCmpArgLen::Dword, compare, value)?)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may fail loudly")]

    use std::fs;
    use std::io::ErrorKind;
    use std::process::Command;

    use super::*;

    /// In a thread of its own, which is then confined and the others are not.
    fn confined<T: Send + 'static>(then: impl FnOnce() -> T + Send + 'static) -> T {
        std::thread::spawn(then).join().unwrap()
    }

    #[test]
    fn a_confined_thread_starts_no_program_and_goes_on() {
        let (program, socket, thread) = confined(|| {
            refuse().unwrap();
            let program = Command::new("/bin/true").status().map_err(|error| error.kind());
            let socket = std::os::unix::net::UnixDatagram::unbound().map(drop).map_err(|error| error.kind());
            (program.map(drop), socket, std::thread::spawn(|| 7).join().unwrap())
        });
        assert_eq!(program, Err(ErrorKind::PermissionDenied));
        assert_eq!((socket, thread), (Ok(()), 7), "what is needed goes on");
        assert!(Command::new("/bin/true").status().is_ok(), "this thread is free");
    }

    #[test]
    fn a_confined_thread_keeps_to_its_folders() {
        let base = std::env::temp_dir().join(format!("towpathd-confine-{}", std::process::id()));
        let (own, shown, other) = (base.join("own"), base.join("shown"), base.join("other"));
        for folder in [&own, &shown, &other] {
            fs::create_dir_all(folder).unwrap();
            fs::write(folder.join("file"), "text").unwrap();
        }
        let found = confined(move || {
            let status = keep_to(&[&shown], &[&own]).unwrap();
            let read = |folder: &Path| fs::read(folder.join("file")).map(drop).map_err(|error| error.kind());
            let write = |folder: &Path| fs::write(folder.join("new"), "x").map_err(|error| error.kind());
            (status, [read(&own), read(&shown), read(&other)], [write(&own), write(&shown), write(&other)])
        });
        fs::remove_dir_all(base).unwrap();
        if found.0.starts_with("not in force") {
            return;
        }
        let no = Err(ErrorKind::PermissionDenied);
        assert_eq!((found.1, found.2), ([Ok(()), Ok(()), no], [Ok(()), no, no]));
    }
}
