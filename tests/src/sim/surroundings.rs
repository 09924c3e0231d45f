//! Files, accounts and settings of a simulated machine: each a place with a text.
//!
//! A step that does not fit what is there is refused, so that a plan that believes something wrong does not pass.

use std::collections::BTreeMap;

use engine::plan::{AccountChange, Held, Step, SystemFile};

/// What lies around the router: the texts that were written, by their place.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Surroundings {
    texts: BTreeMap<String, String>,
}

impl Surroundings {
    /// Writes what the step says, if it finds what the step expects. One that expects nothing may find anything: that
    /// is how a daemon starts on a machine that an earlier life of it has left.
    pub(crate) fn carry_out(&mut self, step: &Step) -> Result<(), String> {
        let (place, from, to) = match step {
            Step::File { file, from, to } => (file.path().to_owned(), from.clone(), to.clone()),
            Step::Sysctl { name, from, to } => (format!("setting {name}"), from.clone(), to.clone()),
            Step::Account { user, change } => {
                let (what, from, to) = account(change);
                let place = format!("account {user} {what}");
                if what == "exists" && to.is_none() {
                    // With the account goes all that it had.
                    self.texts.retain(|there, _| !there.starts_with(&format!("account {user} ")));
                }
                if let AccountChange::Exists { to: true, home } = change {
                    let place = format!("account {user} home");
                    match home {
                        Some(home) => self.texts.insert(place, home.clone()),
                        None => self.texts.remove(&place),
                    };
                }
                if what != "exists" && !self.texts.contains_key(&format!("account {user} exists")) {
                    return Err(format!("there is no account {user}"));
                }
                (place, from, to)
            }
            _ => return Ok(()),
        };
        let there = self.texts.get(&place);
        if from.is_some() && there != from.as_ref() {
            return Err(format!("{place} is {there:?}, not {from:?}"));
        }
        match to {
            Some(to) => self.texts.insert(place, to),
            None => self.texts.remove(&place),
        };
        Ok(())
    }

    /// What was changed and not given back.
    pub(crate) fn held(&self) -> Held {
        let words = |first: &'static str| {
            self.texts.keys().filter_map(move |place| Some(place.strip_prefix(first)?.to_owned()))
        };
        Held {
            files: SystemFile::ALL.into_iter().filter(|file| self.texts.contains_key(file.path())).collect(),
            accounts: words("account ").filter_map(|rest| Some(rest.strip_suffix(" exists")?.to_owned())).collect(),
            settings: words("setting ").collect(),
        }
    }
}

/// What of an account changes, from what to what.
fn account(change: &AccountChange) -> (&'static str, Option<String>, Option<String>) {
    let lines = |lines: &[String]| (!lines.is_empty()).then(|| lines.join("; "));
    match change {
        AccountChange::Exists { to, .. } => ("exists", None, to.then(String::new)),
        AccountChange::FullName { from, to } => ("full name", from.clone(), to.clone()),
        AccountChange::Home { from, to } => ("home", from.clone(), to.clone()),
        AccountChange::Level { from, to } => {
            ("level", from.map(|level| level.to_string()), to.map(|level| level.to_string()))
        }
        AccountChange::Password { from, to } => ("password", from.clone(), to.clone()),
        AccountChange::Keys { from, to } => ("keys", lines(from), lines(to)),
    }
}
