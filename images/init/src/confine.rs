//! What the router may: a user of its own, with what the network needs and nothing else.
//!
//! The first process starts itself once more by this name, which becomes the router. Programs that do the same for others, as
//! `prlimit(1)` and `setpriv(1)`, are two more to load. What is given up here never comes back.

use std::convert::Infallible;
use std::fmt::Display;
use std::fs;
use std::os::unix::process::CommandExt;
use std::process::Command;

use caps::{CapSet, Capability, CapsHashSet, securebits};
use nix::sys::prctl::set_no_new_privs;
use nix::sys::resource::{Resource, setrlimit};
use nix::unistd::{Gid, Uid, setgroups, setresgid, setresuid};
use rustix::process::setpriority_process;

use crate::system::{told, user_number};

/// The user that the router runs as, and the number of the group of the same name.
pub(crate) const USER: &str = "_towpath";
/// The word that says so.
pub(crate) const WORD: &str = "confined";
/// What it may.
const ALLOWED: [Capability; 5] = [
    Capability::CAP_NET_ADMIN,
    Capability::CAP_NET_RAW,
    Capability::CAP_NET_BIND_SERVICE,
    Capability::CAP_BPF,
    Capability::CAP_PERFMON,
];
/// It may have as many descriptors as the kernel gives, and go before others where time counts (BFD): a nice value of -20.
const LIMITS: [(Resource, u64); 3] =
    [(Resource::RLIMIT_NOFILE, 1 << 20), (Resource::RLIMIT_RTPRIO, 1), (Resource::RLIMIT_NICE, 40)];

/// The nice value that it runs with: three times as much of a processor as others, where there is not enough for all.
const PRIORITY: i32 = -5;

/// Becomes the program with these arguments, with the router's rights.
///
/// # Errors
/// What stood in the way; the program is not started then.
pub(crate) fn become_program(words: &[String]) -> Result<Infallible, String> {
    let (program, arguments) = words.split_first().ok_or("a program without a name")?;
    let users = fs::read_to_string("/etc/passwd").map_err(|error| told("/etc/passwd", error))?;
    let user = user_number(&users, USER).ok_or(format!("there is no user {USER}"))?;
    for (resource, limit) in LIMITS {
        setrlimit(resource, limit, limit).map_err(failed(&format!("{resource:?}")))?;
    }
    // It goes before programs that begin beside it, and a busy one takes no session's time.
    setpriority_process(None, PRIORITY).map_err(failed("the priority"))?;
    give_up_rights(user)?;
    Err(failed(program)(Command::new(program).args(arguments).exec()))
}

/// Goes on as the user with this number. The order is the kernel's: whoever is not root any more changes no bounding set, and
/// a capability has to be inheritable before it is ambient (capabilities(7)).
fn give_up_rights(user: u32) -> Result<(), String> {
    let allowed = CapsHashSet::from(ALLOWED);
    for other in caps::runtime::thread_all_supported().difference(&allowed) {
        caps::drop(None, CapSet::Bounding, *other).map_err(failed("the bounding set"))?;
    }
    securebits::set_keepcaps(true).map_err(failed("keeping capabilities"))?;
    let (user, group) = (Uid::from_raw(user), Gid::from_raw(user));
    setgroups(&[]).map_err(failed("groups"))?;
    setresgid(group, group, group).map_err(failed("the group"))?;
    setresuid(user, user, user).map_err(failed("the user"))?;
    for set in [CapSet::Inheritable, CapSet::Effective, CapSet::Permitted] {
        caps::set(None, set, &allowed).map_err(failed("capabilities"))?;
    }
    for capability in ALLOWED {
        caps::raise(None, CapSet::Ambient, capability).map_err(failed("the ambient set"))?;
    }
    set_no_new_privs().map_err(failed("giving up new rights"))
}

fn failed<E: Display>(what: &str) -> impl Fn(E) -> String {
    move |error| told(what, error)
}
