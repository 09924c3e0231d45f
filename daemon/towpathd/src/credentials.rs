//! Who is on the other end of the control socket: the kernel tells the user and the groups, which tell the level.
//!
//! Never believes a word that the client says of itself.

use std::fs;
use std::io;
use std::os::fd::AsFd;
use std::os::unix::fs::MetadataExt;

use api::Level;

/// Members may do everything; the second name is that of Vyatta.
const ADMINS: [&str; 2] = ["towpath", "vyattacfg"];
/// Members may look.
const OPERATORS: [&str; 2] = ["towpath-operator", "vyattaop"];

/// A user, as the kernel knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct User {
    pub(crate) uid: u32,
    /// The login name, or the number where it has none.
    pub(crate) name: String,
    /// `None` for somebody who may do nothing here.
    pub(crate) level: Option<Level>,
}

impl User {
    /// Whoever connected a socket.
    ///
    /// # Errors
    /// When the kernel does not tell.
    pub(crate) fn of(socket: &impl AsFd, uid: u32, gid: u32) -> io::Result<Self> {
        let mut groups = kernel::host::peer_groups(socket)?;
        groups.push(gid);
        let own = fs::metadata("/proc/self").map_or(0, |process| process.uid());
        let known = fs::read_to_string("/etc/group").unwrap_or_default();
        let users = fs::read_to_string("/etc/passwd").unwrap_or_default();
        Ok(Self { uid, name: name_of(uid, &users), level: level(uid, own, &groups, &known) })
    }
}

/// The level of a user: root, and whoever the daemon itself runs as, may do everything; the others by their groups.
fn level(uid: u32, own: u32, groups: &[u32], known: &str) -> Option<Level> {
    let member = |names: &[&str]| {
        known.lines().any(|line| {
            let mut fields = line.split(':');
            let name = fields.next().unwrap_or_default();
            let number = fields.nth(1).and_then(|number| number.parse().ok());
            names.contains(&name) && number.is_some_and(|number| groups.contains(&number))
        })
    };
    if uid == 0 || uid == own || member(&ADMINS) {
        Some(Level::Admin)
    } else if member(&OPERATORS) {
        Some(Level::Operator)
    } else {
        None
    }
}

/// The number of a user of this machine, by its name.
pub(crate) fn number_of(user: &str) -> Option<u32> {
    let users = fs::read_to_string("/etc/passwd").unwrap_or_default();
    let line = users.lines().find(|line| line.split(':').next() == Some(user));
    line.and_then(|line| line.split(':').nth(2)).or(Some(user)).and_then(|number| number.parse().ok())
}

/// The name of a user, from the password file.
fn name_of(uid: u32, users: &str) -> String {
    let wanted = uid.to_string();
    let line = users.lines().find(|line| line.split(':').nth(2) == Some(wanted.as_str()));
    line.and_then(|line| line.split(':').next()).map_or(wanted.clone(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    const GROUPS: &str = "root:x:0:\ntowpath:x:500:alice\ntowpath-operator:x:501:\nvyattacfg:x:502:\n\
                          vyattaop:x:503:\nstaff:x:50:\nbroken\n::\ntowpath:x:many:\n";

    #[test]
    fn groups_give_the_level_and_strangers_have_none() {
        for (uid, groups, expected) in [
            (0, &[0][..], Some(Level::Admin)),
            (1000, &[100, 500], Some(Level::Admin)),
            (1000, &[502], Some(Level::Admin)),
            (1000, &[100, 501], Some(Level::Operator)),
            (1000, &[503], Some(Level::Operator)),
            (1000, &[501, 500], Some(Level::Admin)),
            (1000, &[50, 100], None),
            (1000, &[], None),
            (999, &[], Some(Level::Admin)),
        ] {
            assert_eq!(level(uid, 999, groups, GROUPS), expected, "{uid} {groups:?}");
        }
        assert_eq!(level(1000, 0, &[0, 500], ""), None, "a group that does not exist gives nothing");
    }

    #[test]
    fn a_user_without_a_name_is_a_number() {
        let users = "root:x:0:0:root:/root:/bin/sh\nalice:x:1000:1000::/:/bin/sh\n";
        assert_eq!(name_of(1000, users), "alice");
        assert_eq!(name_of(1001, users), "1001");
    }
}
