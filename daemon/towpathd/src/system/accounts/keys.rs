//! `authorized_keys` of a user.
//!
//! The home directory is the user's: a link in it could lead anywhere. So it is never written with the daemon's own
//! rights, but by a small script that runs as the user.

use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use super::entries::Person;
use super::{below, programs};

/// Keeps what was there, as other files of the system are kept, and puts the input in its place.
const WRITE: &str = "umask 077
cd \"$1\" && mkdir -p .ssh && cd .ssh || exit 1
if [ ! -e authorized_keys.before-towpath ] && [ ! -L authorized_keys.before-towpath ]; then
    if [ -e authorized_keys ]; then
        cp -p authorized_keys authorized_keys.before-towpath || exit 1
    else
        ln -s /dev/null authorized_keys.before-towpath || exit 1
    fi
fi
cat > authorized_keys.new && mv -f authorized_keys.new authorized_keys";

/// Gives back what was there.
const GIVE_BACK: &str = "cd \"$1/.ssh\" 2>/dev/null || exit 0
if [ -L authorized_keys.before-towpath ]; then
    rm -f authorized_keys authorized_keys.before-towpath
elif [ -e authorized_keys.before-towpath ]; then
    mv -f authorized_keys.before-towpath authorized_keys
fi";

/// Lets the user's keys be these lines; none gives back what was there before.
///
/// # Errors
/// What the script says, as when there is no home directory.
pub(super) fn write(root: &Path, person: &Person, lines: &[String]) -> Result<(), String> {
    let script = if lines.is_empty() { GIVE_BACK } else { WRITE };
    let mut command = Command::new("/bin/sh");
    command.args(["-c", script, "sh"]).arg(below(root, &person.home));
    command.uid(person.uid).gid(person.gid).current_dir("/");
    let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
    programs::call(command, &text)
}
