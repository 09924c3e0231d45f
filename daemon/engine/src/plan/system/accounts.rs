//! Accounts: one property a step, so that a step is done or not done and never half done.
//!
//! Never touches an account that the configuration does not name.

use std::collections::BTreeSet;
use std::fmt;

use config::model::system::login::{Level, Login, PublicKey, User};

use crate::plan::Step;

/// What changes of an account.
#[derive(Clone, PartialEq, Eq)]
pub enum AccountChange {
    /// That it is there at all. One that was there before is taken over, and given back as it was.
    Exists {
        /// Make it, or else take it away.
        to: bool,
        /// Its home directory; `None` for the usual one.
        home: Option<String>,
    },
    /// The full name.
    FullName {
        /// What it is.
        from: Option<String>,
        /// What it shall be.
        to: Option<String>,
    },
    /// The home directory of an account that stays.
    Home {
        /// What it is; `None` for the usual one.
        from: Option<String>,
        /// What it shall be.
        to: Option<String>,
    },
    /// The level, which is a membership in groups.
    Level {
        /// What it is.
        from: Option<Level>,
        /// What it shall be.
        to: Option<Level>,
    },
    /// The hash of the password.
    Password {
        /// What it is; `None` for an account that no password opens.
        from: Option<String>,
        /// What it shall be.
        to: Option<String>,
    },
    /// The public keys, each as a line of `authorized_keys`.
    Keys {
        /// What they are.
        from: Vec<String>,
        /// What they shall be.
        to: Vec<String>,
    },
}

impl AccountChange {
    /// The change that undoes this one.
    #[must_use]
    pub fn inverse(self) -> Self {
        match self {
            Self::Exists { to, home } => Self::Exists { to: !to, home },
            Self::FullName { from, to } => Self::FullName { from: to, to: from },
            Self::Home { from, to } => Self::Home { from: to, to: from },
            Self::Level { from, to } => Self::Level { from: to, to: from },
            Self::Password { from, to } => Self::Password { from: to, to: from },
            Self::Keys { from, to } => Self::Keys { from: to, to: from },
        }
    }

    /// Whether it takes something away.
    #[must_use]
    pub fn takes_down(&self) -> bool {
        match self {
            Self::Exists { to, .. } => !to,
            Self::FullName { to, .. } | Self::Home { to, .. } | Self::Password { to, .. } => to.is_none(),
            Self::Level { to, .. } => to.is_none(),
            Self::Keys { to, .. } => to.is_empty(),
        }
    }

    /// What is done, of an account with this name; never with a hash or a key.
    #[must_use]
    pub fn sentence(&self, user: &str) -> String {
        match self {
            Self::Exists { to: true, .. } => format!("create user {user}"),
            Self::Exists { to: false, .. } => format!("remove user {user}, the home directory stays"),
            Self::FullName { to: Some(to), .. } => format!("set the full name of user {user} to \"{to}\""),
            Self::FullName { to: None, .. } => format!("remove the full name of user {user}"),
            Self::Home { to: Some(to), .. } => format!("set the home directory of user {user} to {to}"),
            Self::Home { to: None, .. } => format!("set the home directory of user {user} to the usual one"),
            Self::Level { to: Some(to), .. } => format!("set the level of user {user} to {to}"),
            Self::Level { to: None, .. } => format!("remove the level of user {user}"),
            Self::Password { to: Some(_), .. } => format!("set the password of user {user}"),
            Self::Password { to: None, .. } => format!("remove the password of user {user}"),
            Self::Keys { to, .. } if to.is_empty() => format!("remove the public keys of user {user}"),
            Self::Keys { to, .. } => format!("set the public keys of user {user}, {} in all", to.len()),
        }
    }
}

/// Without hashes and keys: what is printed for a developer is read by others, too.
impl fmt::Debug for AccountChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.sentence("..."))
    }
}

/// The steps that take from an account what no configuration names any more: all of it, or what its user lacks. Its
/// home directory and its level are told with the account in any case.
pub(super) fn give_back(name: &str, user: Option<&User>) -> Vec<Step> {
    let changes = match user {
        None => vec![AccountChange::Exists { to: false, home: None }],
        Some(user) => [
            user.full_name.is_none().then_some(AccountChange::FullName { from: None, to: None }),
            user.password.is_none().then_some(AccountChange::Password { from: None, to: None }),
            lines(user).is_empty().then_some(AccountChange::Keys { from: Vec::new(), to: Vec::new() }),
        ]
        .into_iter()
        .flatten()
        .collect(),
    };
    changes.into_iter().map(|change| Step::Account { user: name.to_owned(), change }).collect()
}

pub(super) fn plan(old: &Login, new: &Login, steps: &mut Vec<Step>) {
    let names: BTreeSet<&String> = old.users.keys().chain(new.users.keys()).collect();
    for name in names {
        let changes = changes(old.users.get(name), new.users.get(name));
        steps.extend(changes.into_iter().map(|change| Step::Account { user: name.clone(), change }));
    }
}

/// The changes of one account, in the order in which they are made; what goes away, goes in the opposite order.
fn changes(old: Option<&User>, new: Option<&User>) -> Vec<AccountChange> {
    let nobody = User::default();
    let (was, is) = (old.unwrap_or(&nobody), new.unwrap_or(&nobody));
    let mut changes = Vec::new();
    let (from, to) = (old.map(|user| user.level), new.map(|user| user.level));
    let (old_keys, new_keys) = (lines(was), lines(is));
    // Keys lie in the home directory, so they leave the old one and enter the new one.
    let moves = old.is_some() && new.is_some() && was.home != is.home;
    if old.is_none() && new.is_some() {
        changes.push(AccountChange::Exists { to: true, home: is.home.clone() });
    }
    if moves && !old_keys.is_empty() {
        changes.push(AccountChange::Keys { from: old_keys.clone(), to: Vec::new() });
    }
    if moves {
        changes.push(AccountChange::Home { from: was.home.clone(), to: is.home.clone() });
    }
    if was.full_name != is.full_name {
        changes.push(AccountChange::FullName { from: was.full_name.clone(), to: is.full_name.clone() });
    }
    if from != to {
        changes.push(AccountChange::Level { from, to });
    }
    if was.password != is.password {
        changes.push(AccountChange::Password { from: was.password.clone(), to: is.password.clone() });
    }
    let there = if moves { Vec::new() } else { old_keys };
    if there != new_keys {
        changes.push(AccountChange::Keys { from: there, to: new_keys });
    }
    if old.is_some() && new.is_none() {
        changes.reverse();
        changes.push(AccountChange::Exists { to: false, home: was.home.clone() });
    }
    changes
}

/// The lines of `authorized_keys`; a key without its type stands for nothing.
fn lines(user: &User) -> Vec<String> {
    let line = |(name, key): (&String, &PublicKey)| {
        let options = key.options.as_ref().map(|options| format!("{options} ")).unwrap_or_default();
        Some(format!("{options}{} {} {name}", key.kind.as_ref()?, key.key.as_ref()?))
    };
    user.keys.iter().filter_map(line).collect()
}
