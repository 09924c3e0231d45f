//! Accounts, by the programs that every system has for them: `useradd`, `usermod`, `userdel`, `chpasswd`.
//!
//! Which accounts are ours stands in the state directory, a file for each: empty for one that was made here, or what
//! one that was taken over had been. Never touches an account of the system itself, and never passes a hash on a
//! command line, where everybody could read it.

mod entries;
mod keys;

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use config::model::system::Level;
use engine::plan::AccountChange;

use self::entries::{Entries, Former, Person};
use super::{below, files, programs};

/// Ordinary users begin here (`UID_MIN` of `login.defs(5)`).
const FIRST_PERSON: u32 = 1000;
/// The group whose members may configure the router.
const ADMINS: &str = "towpath";
/// The group whose members may look.
const OPERATORS: &str = "towpath-operator";
/// Where home directories are unless the configuration says otherwise.
const HOMES: &str = "/home";
/// Where the shell may be installed; it has to be listed in `/etc/shells`, too.
const SHELLS: &[&str] = &["/usr/bin/towpath", "/usr/local/bin/towpath", "/bin/bash", "/bin/sh"];

/// The accounts of a system.
pub(super) struct Accounts {
    root: PathBuf,
    ledger: PathBuf,
}

impl Accounts {
    pub(super) fn new(root: &Path, ledger: &Path) -> Self {
        Self { root: root.to_owned(), ledger: ledger.to_owned() }
    }

    /// The accounts that were made or taken over.
    pub(super) fn held(&self) -> BTreeSet<String> {
        let entries = fs::read_dir(&self.ledger).into_iter().flatten().flatten();
        entries.filter_map(|entry| entry.file_name().into_string().ok()).filter(|name| !name.contains('.')).collect()
    }

    /// Changes one property of an account.
    ///
    /// # Errors
    /// What the programs or the disk say.
    pub(super) fn change(&self, user: &str, change: &AccountChange) -> Result<(), String> {
        let entries = Entries::read(&self.root);
        match change {
            AccountChange::Exists { to: true, home } => self.make(user, home.as_deref(), &entries),
            AccountChange::Exists { to: false, .. } => self.take_away(user, &entries),
            AccountChange::FullName { to, .. } => {
                let (person, name) = (entries.person(user)?, to.as_deref().unwrap_or_default());
                if person.comment == name { Ok(()) } else { self.modify(user, &["-c", name]) }
            }
            AccountChange::Home { to, .. } => self.move_home(&entries.person(user)?, to.as_deref()),
            AccountChange::Level { to, .. } => self.set_level(user, *to, &entries),
            AccountChange::Password { to, .. } => {
                entries.person(user)?;
                self.set_password(user, to.as_deref().unwrap_or("!"), &entries)
            }
            AccountChange::Keys { to, .. } => keys::write(&self.root, &entries.person(user)?, to),
        }
    }

    fn make(&self, user: &str, home: Option<&str>, entries: &Entries) -> Result<(), String> {
        let home = home.map_or_else(|| usual_home(user), str::to_owned);
        let person = entries.person(user).ok();
        if self.is_held(user) {
            return match person {
                Some(person) if person.home == home => Ok(()),
                Some(person) => self.move_home(&person, Some(&home)),
                None => self.create(user, &home, entries),
            };
        }
        let former = match &person {
            Some(person) if person.uid < FIRST_PERSON => {
                return Err(format!("account {user} belongs to the system; choose another name"));
            }
            Some(person) => entries.former(person).to_string(),
            None => String::new(),
        };
        // The note comes first: what is made after a crash would else be nobody's.
        self.note(user, &former)?;
        let done = match person {
            Some(_) => self.modify(user, &["-s", self.shell(), "-d", &home]),
            None => self.create(user, &home, entries),
        };
        done.inspect_err(|_| {
            let _ = fs::remove_file(self.ledger.join(user));
        })
    }

    fn create(&self, user: &str, home: &str, entries: &Entries) -> Result<(), String> {
        let mut command = self.command("useradd");
        command.args(["-N", "-m", "-d", home, "-s", self.shell()]);
        // Who comes back to a home directory that stayed is its owner again.
        let owner = fs::metadata(below(&self.root, home)).ok().map(|there| there.uid());
        if let Some(uid) = owner.filter(|uid| *uid >= FIRST_PERSON && !entries.has_uid(*uid)) {
            command.arg("-u").arg(uid.to_string());
        }
        let folder = below(&self.root, home);
        if let Some(above) = folder.parent() {
            fs::create_dir_all(above).map_err(|error| files::told(above, &error))?;
        }
        command.arg(user);
        programs::call(command, "")
    }

    fn take_away(&self, user: &str, entries: &Entries) -> Result<(), String> {
        let Ok(former) = fs::read_to_string(self.ledger.join(user)) else { return Ok(()) };
        match (former.parse::<Former>(), entries.person(user)) {
            // Somebody else has been faster.
            (_, Err(_)) => {}
            (Ok(former), Ok(person)) => self.give_back(&person, &former, entries)?,
            (Err(()), Ok(person)) => {
                keys::write(&self.root, &person, &[])?;
                let mut command = self.command("userdel");
                // One who is logged in is no reason to keep the account.
                command.args(["-f", user]);
                programs::call(command, "")?;
            }
        }
        let file = self.ledger.join(user);
        fs::remove_file(&file).map_err(|error| files::told(&file, &error))
    }

    fn give_back(&self, person: &Person, former: &Former, entries: &Entries) -> Result<(), String> {
        keys::write(&self.root, person, &[])?;
        let groups = former.groups.join(",");
        self.modify(&person.name, &["-c", &former.comment, "-s", &former.shell, "-d", &former.home, "-G", &groups])?;
        self.set_password(&person.name, &former.password, entries)
    }

    fn move_home(&self, person: &Person, home: Option<&str>) -> Result<(), String> {
        let home = home.map_or_else(|| usual_home(&person.name), str::to_owned);
        let folder = below(&self.root, &home);
        if !folder.exists() {
            fs::create_dir_all(&folder)
                .and_then(|()| std::os::unix::fs::lchown(&folder, Some(person.uid), Some(person.gid)))
                .map_err(|error| files::told(&folder, &error))?;
        }
        self.modify(&person.name, &["-d", &home])
    }

    /// The groups of a level: ours, and those that a system has for such people.
    fn set_level(&self, user: &str, level: Option<Level>, entries: &Entries) -> Result<(), String> {
        let (ours, theirs): (&[&str], &[&str]) = match level {
            Some(Level::Admin) => (&[ADMINS], &["sudo", "adm"]),
            Some(Level::Operator) => (&[OPERATORS], &["adm"]),
            None => (&[], &[]),
        };
        for group in ours {
            if !entries.has_group(group) {
                let mut command = self.command("groupadd");
                command.args(["-r", group]);
                programs::call(command, "")?;
            }
        }
        let theirs = theirs.iter().filter(|group| entries.has_group(group));
        let mut groups: Vec<&str> = ours.iter().chain(theirs).copied().collect();
        groups.sort_unstable();
        if entries.groups_of(user) == groups { Ok(()) } else { self.modify(user, &["-G", &groups.join(",")]) }
    }

    fn set_password(&self, user: &str, hash: &str, entries: &Entries) -> Result<(), String> {
        if entries.password(user) == Some(hash) {
            return Ok(());
        }
        let mut command = Command::new("chpasswd");
        command.arg("-e");
        if self.root != Path::new("/") {
            command.arg("-R").arg(&self.root);
        }
        programs::call(command, &format!("{user}:{hash}\n"))
    }

    fn modify(&self, user: &str, what: &[&str]) -> Result<(), String> {
        let mut command = self.command("usermod");
        command.args(what).arg(user);
        programs::call(command, "")
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        if self.root != Path::new("/") {
            command.arg("--prefix").arg(&self.root);
        }
        command
    }

    /// The router's own shell where it is installed and allowed, else what the system has.
    fn shell(&self) -> &'static str {
        let listed = fs::read_to_string(below(&self.root, "/etc/shells")).unwrap_or_default();
        let allowed = |shell: &str| {
            let ours = shell.ends_with("towpath");
            below(&self.root, shell).exists() && (!ours || listed.lines().any(|line| line.trim() == shell))
        };
        SHELLS.iter().copied().find(|shell| allowed(shell)).unwrap_or("/bin/sh")
    }

    fn is_held(&self, user: &str) -> bool {
        self.ledger.join(user).exists()
    }

    fn note(&self, user: &str, text: &str) -> Result<(), String> {
        let file = self.ledger.join(user);
        files::store(&file, text).map_err(|error| files::told(&file, &error))
    }
}

fn usual_home(user: &str) -> String {
    format!("{HOMES}/{user}")
}
