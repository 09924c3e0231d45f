//! What may be asked of the steward, a line of JSON each, and what it makes of it.
//!
//! Each value is judged by the same words of the grammar as what a person types. Never does anything.

use config::model::system::Level;
use engine::plan::{AccountChange, Held, Step, SystemFile};
use grammar::value::ValueKind;
use serde::{Deserialize, Serialize};

use super::texts;

/// A request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) enum Request {
    /// What was changed and not given back.
    Held,
    HostName {
        to: String,
    },
    /// Without one it is UTC.
    TimeZone {
        to: Option<String>,
    },
    /// A file by its path; without a text it is given back.
    File {
        file: String,
        from: Option<String>,
        to: Option<String>,
    },
    /// A setting of the kernel; without a value it is given back.
    Setting {
        name: String,
        to: Option<String>,
    },
    /// An account shall be there.
    Make {
        user: String,
        home: Option<String>,
    },
    TakeAway {
        user: String,
    },
    FullName {
        user: String,
        to: Option<String>,
    },
    Home {
        user: String,
        to: Option<String>,
    },
    Level {
        user: String,
        to: Option<String>,
    },
    Password {
        user: String,
        to: Option<String>,
    },
    Keys {
        user: String,
        to: Vec<String>,
    },
}

/// What is answered.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Answer {
    /// What stood in the way.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) error: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) files: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) accounts: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) settings: Vec<String>,
}

/// What a request comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Errand {
    Held,
    /// A step, and the account that has to be ours already.
    Step(Step, Option<String>),
}

impl Request {
    /// The request for a step; `None` for one that the daemon does itself.
    pub(super) fn of(step: &Step) -> Option<Self> {
        Some(match step {
            Step::HostName { to: Some(to), .. } => Self::HostName { to: to.clone() },
            Step::TimeZone { to, .. } => Self::TimeZone { to: to.clone() },
            Step::File { file, from, to } => {
                Self::File { file: file.path().to_owned(), from: from.clone(), to: to.clone() }
            }
            Step::Sysctl { name, to, .. } => Self::Setting { name: name.clone(), to: to.clone() },
            Step::Account { user, change } => Self::of_account(user.clone(), change),
            _ => return None,
        })
    }

    fn of_account(user: String, change: &AccountChange) -> Self {
        match change {
            AccountChange::Exists { to: true, home } => Self::Make { user, home: home.clone() },
            AccountChange::Exists { to: false, .. } => Self::TakeAway { user },
            AccountChange::FullName { to, .. } => Self::FullName { user, to: to.clone() },
            AccountChange::Home { to, .. } => Self::Home { user, to: to.clone() },
            AccountChange::Level { to, .. } => Self::Level { user, to: to.map(|level| level_word(level).to_owned()) },
            AccountChange::Password { to, .. } => Self::Password { user, to: to.clone() },
            AccountChange::Keys { to, .. } => Self::Keys { user, to: to.clone() },
        }
    }

    /// What is to be done.
    ///
    /// # Errors
    /// What of it no configuration could have asked for.
    pub(super) fn judged(self) -> Result<Errand, String> {
        let ours = |user: &str, change| Ok(Errand::Step(account(user, change)?, Some(user.to_owned())));
        Ok(match self {
            Self::Held => Errand::Held,
            Self::HostName { to } => {
                let to = Some(judge(ValueKind::HostName, to)?);
                Errand::Step(Step::HostName { from: None, to }, None)
            }
            Self::TimeZone { to } => {
                let to = to.map(|zone| judge(ValueKind::TimeZone, zone)).transpose()?;
                Errand::Step(Step::TimeZone { from: None, to }, None)
            }
            Self::File { file, from, to } => Errand::Step(file_step(&file, from, to)?, None),
            Self::Setting { name, to } => {
                let name = if name == "kernel.panic" { name } else { judge(ValueKind::SysctlName, name)? };
                let to = to.map(|value| judge(ValueKind::SysctlValue, value)).transpose()?;
                Errand::Step(Step::Sysctl { name, from: None, to }, None)
            }
            Self::Make { user, home } => {
                let home = home.map(|home| judge(ValueKind::Directory, home)).transpose()?;
                Errand::Step(account(&user, AccountChange::Exists { to: true, home })?, None)
            }
            Self::TakeAway { user } => {
                Errand::Step(account(&user, AccountChange::Exists { to: false, home: None })?, None)
            }
            Self::FullName { user, to } => {
                let to = to.map(|name| judge(ValueKind::FullName, name)).transpose()?;
                return ours(&user, AccountChange::FullName { from: None, to });
            }
            Self::Home { user, to } => {
                let to = to.map(|home| judge(ValueKind::Directory, home)).transpose()?;
                return ours(&user, AccountChange::Home { from: None, to });
            }
            Self::Level { user, to } => {
                let to = to.map(|word| level_of(&word)).transpose()?;
                return ours(&user, AccountChange::Level { from: None, to });
            }
            Self::Password { user, to } => {
                let to = to.map(|hash| judge(ValueKind::PasswordHash, hash)).transpose()?;
                return ours(&user, AccountChange::Password { from: None, to });
            }
            Self::Keys { user, to } => {
                if to.iter().any(|line| line.chars().any(char::is_control)) {
                    return Err("a key is one line".to_owned());
                }
                return ours(&user, AccountChange::Keys { from: Vec::new(), to });
            }
        })
    }
}

impl From<Held> for Answer {
    fn from(held: Held) -> Self {
        Self {
            error: None,
            files: held.files.iter().map(|file| file.path().to_owned()).collect(),
            accounts: held.accounts.into_iter().collect(),
            settings: held.settings.into_iter().collect(),
        }
    }
}

impl From<Answer> for Held {
    fn from(answer: Answer) -> Self {
        Self {
            files: answer.files.iter().filter_map(|path| file_at(path)).collect(),
            accounts: answer.accounts.into_iter().collect(),
            settings: answer.settings.into_iter().collect(),
        }
    }
}

fn judge(kind: ValueKind, text: String) -> Result<String, String> {
    match kind.parse(&text) {
        Ok(canonical) if canonical == text => Ok(text),
        Ok(_) => Err("a value is not spelled as a configuration spells it".to_owned()),
        Err(error) => Err(error.to_string()),
    }
}

fn account(user: &str, change: AccountChange) -> Result<Step, String> {
    Ok(Step::Account { user: judge(ValueKind::UserName, user.to_owned())?, change })
}

fn file_step(path: &str, from: Option<String>, to: Option<String>) -> Result<Step, String> {
    let file = file_at(path).ok_or_else(|| format!("{path} is no file of the configuration"))?;
    for text in from.iter().chain(&to) {
        texts::judge(file, text)?;
    }
    Ok(Step::File { file, from, to })
}

fn file_at(path: &str) -> Option<SystemFile> {
    SystemFile::ALL.into_iter().find(|file| file.path() == path)
}

fn level_word(level: Level) -> &'static str {
    match level {
        Level::Admin => "admin",
        Level::Operator => "operator",
    }
}

fn level_of(word: &str) -> Result<Level, String> {
    [Level::Admin, Level::Operator]
        .into_iter()
        .find(|level| level_word(*level) == word)
        .ok_or_else(|| format!("there is no level {word}"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may fail loudly")]

    use super::*;

    fn file(path: &str, text: &str) -> Request {
        Request::File { file: path.to_owned(), from: None, to: Some(text.to_owned()) }
    }

    #[test]
    fn a_step_arrives_as_it_was_sent() {
        let user = || "anna".to_owned();
        let of = |change| Step::Account { user: user(), change };
        for step in [
            Step::HostName { from: None, to: Some("edge1".to_owned()) },
            Step::TimeZone { from: None, to: None },
            Step::TimeZone { from: None, to: Some("Europe/Berlin".to_owned()) },
            Step::Sysctl { name: "kernel.panic".to_owned(), from: None, to: Some("60".to_owned()) },
            Step::Sysctl { name: "net.ipv4.tcp_syncookies".to_owned(), from: None, to: None },
            Step::File { file: SystemFile::Dhcp, from: None, to: Some("eth0\n".to_owned()) },
            Step::File { file: SystemFile::Motd, from: Some("a\n".to_owned()), to: None },
            of(AccountChange::Exists { to: true, home: Some("/srv/anna".to_owned()) }),
            of(AccountChange::Exists { to: false, home: None }),
            of(AccountChange::FullName { from: None, to: Some("Anna Berg".to_owned()) }),
            of(AccountChange::Home { from: None, to: None }),
            of(AccountChange::Level { from: None, to: Some(Level::Operator) }),
            of(AccountChange::Password { from: None, to: Some("$6$salt$hash".to_owned()) }),
            of(AccountChange::Keys { from: Vec::new(), to: vec!["ssh-ed25519 AAAA anna@laptop".to_owned()] }),
        ] {
            let line = serde_json::to_string(&Request::of(&step).unwrap()).unwrap();
            let read: Request = serde_json::from_str(&line).unwrap();
            match read.judged() {
                Ok(Errand::Step(arrived, _)) => assert_eq!(arrived, step, "{line}"),
                other => assert_eq!(Ok(Errand::Step(step, None)), other, "{line}"),
            }
        }
    }

    #[test]
    fn what_no_configuration_asks_for_is_refused() {
        let text = str::to_owned;
        for request in [
            Request::HostName { to: text("a b") },
            Request::TimeZone { to: Some(text("../../etc/shadow")) },
            file("/etc/shadow", "root::0:0:::::\n"),
            file("/etc/towpath/../shadow", ""),
            file("/etc/ssh/sshd_config", "AuthorizedKeysCommand /bin/sh\n"),
            Request::Setting { name: text("kernel.core_pattern"), to: Some(text("|/bin/sh")) },
            Request::Setting { name: text("net.ipv4/../../kernel.modprobe"), to: Some(text("/bin/sh")) },
            Request::Setting { name: text("net.ipv4.ip_forward"), to: Some(text("1\n0")) },
            Request::Make { user: text("../root"), home: None },
            Request::Make { user: text("-anna"), home: None },
            Request::Make { user: text("anna"), home: Some(text("srv")) },
            Request::Make { user: text("anna"), home: Some(text("/srv:/bin/sh")) },
            Request::FullName { user: text("anna"), to: Some(text("Anna:0")) },
            Request::Level { user: text("anna"), to: Some(text("root")) },
            Request::Password { user: text("anna"), to: Some(text("$6$a$b:0\nroot:x")) },
            Request::Keys { user: text("anna"), to: vec![text("ssh-ed25519 A\nssh-ed25519 B")] },
        ] {
            assert!(request.clone().judged().is_err(), "{request:?}");
        }
        for line in ["", "{}", "\"reboot\"", "{\"make\":{\"user\":\"a\",\"home\":null,\"shell\":\"/bin/sh\"}}", "[]"] {
            assert!(serde_json::from_str::<Request>(line).is_err(), "{line}");
        }
    }

    #[test]
    fn what_changes_an_account_needs_one_of_ours() {
        let keys = Request::Keys { user: "root".to_owned(), to: vec!["ssh-ed25519 AAAA".to_owned()] };
        assert!(matches!(keys.judged(), Ok(Errand::Step(_, Some(user))) if user == "root"));
    }

    #[test]
    fn what_is_held_arrives_as_it_was_sent() {
        let held = Held {
            files: [SystemFile::Hosts, SystemFile::SshdConfig].into(),
            accounts: ["anna".to_owned()].into(),
            settings: ["kernel.panic".to_owned()].into(),
        };
        let line = serde_json::to_string(&Answer::from(held.clone())).unwrap();
        assert_eq!(Held::from(serde_json::from_str::<Answer>(&line).unwrap()), held);
    }
}
