//! What stands in `passwd(5)`, `shadow(5)` and `group(5)`: read here, written by the system's own programs only.
//!
//! Never judges an entry; a line that is none is passed over.

use std::fmt;
use std::fs;
use std::path::Path;
use std::str::FromStr;

use super::below;

/// The three files as they are now.
pub(super) struct Entries {
    passwd: String,
    shadow: String,
    group: String,
}

/// An account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Person {
    pub(super) name: String,
    pub(super) uid: u32,
    pub(super) gid: u32,
    pub(super) comment: String,
    pub(super) home: String,
    pub(super) shell: String,
}

/// What an account was before it was taken over, as the ledger keeps it: a word and a value on each line.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Former {
    pub(super) password: String,
    pub(super) comment: String,
    pub(super) home: String,
    pub(super) shell: String,
    pub(super) groups: Vec<String>,
}

impl Entries {
    pub(super) fn read(root: &Path) -> Self {
        let text = |path: &str| fs::read_to_string(below(root, path)).unwrap_or_default();
        Self { passwd: text("/etc/passwd"), shadow: text("/etc/shadow"), group: text("/etc/group") }
    }

    /// The account of this name.
    ///
    /// # Errors
    /// That there is none.
    pub(super) fn person(&self, name: &str) -> Result<Person, String> {
        let found = self.passwd.lines().filter_map(person).find(|person| person.name == name);
        found.ok_or_else(|| format!("there is no account {name}"))
    }

    pub(super) fn has_uid(&self, uid: u32) -> bool {
        self.passwd.lines().filter_map(person).any(|person| person.uid == uid)
    }

    pub(super) fn has_group(&self, name: &str) -> bool {
        self.group.lines().any(|line| line.split(':').next() == Some(name))
    }

    /// The hash of the password.
    pub(super) fn password(&self, name: &str) -> Option<&str> {
        let mut lines = self.shadow.lines().map(|line| line.split(':'));
        lines.find_map(|mut fields| (fields.next() == Some(name)).then(|| fields.next()).flatten())
    }

    /// The groups that list the account as a member, sorted.
    pub(super) fn groups_of(&self, name: &str) -> Vec<&str> {
        let lists =
            |line: &&str| line.rsplit(':').next().is_some_and(|members| members.split(',').any(|one| one == name));
        let mut groups: Vec<&str> =
            self.group.lines().filter(lists).filter_map(|line| line.split(':').next()).collect();
        groups.sort_unstable();
        groups
    }

    /// The account as it is, to be given back later.
    pub(super) fn former(&self, person: &Person) -> Former {
        Former {
            password: self.password(&person.name).unwrap_or("!").to_owned(),
            comment: person.comment.clone(),
            home: person.home.clone(),
            shell: person.shell.clone(),
            groups: self.groups_of(&person.name).into_iter().map(str::to_owned).collect(),
        }
    }
}

fn person(line: &str) -> Option<Person> {
    let fields: Vec<&str> = line.split(':').collect();
    let [name, _, uid, gid, comment, home, shell] = fields.as_slice() else { return None };
    Some(Person {
        name: (*name).to_owned(),
        uid: uid.parse().ok()?,
        gid: gid.parse().ok()?,
        comment: (*comment).to_owned(),
        home: (*home).to_owned(),
        shell: (*shell).to_owned(),
    })
}

impl fmt::Display for Former {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "password {}", self.password)?;
        writeln!(f, "comment {}", self.comment)?;
        writeln!(f, "home {}", self.home)?;
        writeln!(f, "shell {}", self.shell)?;
        writeln!(f, "groups {}", self.groups.join(","))
    }
}

impl FromStr for Former {
    type Err = ();

    /// An empty text is no former account: that one was made here.
    fn from_str(text: &str) -> Result<Self, ()> {
        let value = |word: &str| {
            let mut lines = text.lines().filter_map(|line| line.split_once(' '));
            lines.find_map(|(found, value)| (found == word).then(|| value.to_owned())).ok_or(())
        };
        let groups = value("groups")?;
        Ok(Self {
            password: value("password")?,
            comment: value("comment")?,
            home: value("home")?,
            shell: value("shell")?,
            groups: groups.split(',').filter(|group| !group.is_empty()).map(str::to_owned).collect(),
        })
    }
}
