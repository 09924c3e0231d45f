//! Steps for `system …` and `service …`: names, accounts, files of the system, settings of the kernel.
//!
//! Every step is data; what an account, a file or a setting was before anybody named it is remembered by the rim,
//! so that giving it back needs no knowledge here. Never sets anything by itself.

pub(super) mod accounts;
pub(super) mod files;
pub(super) mod settings;

use std::collections::BTreeSet;

use config::model::Model;

use super::Step;
pub use accounts::AccountChange;
pub use files::{Program, SystemFile};

/// What an earlier life of the daemon has changed and not given back: it may have died in a commit, or the
/// configuration of this start may be another one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Held {
    /// Files of the system.
    pub files: BTreeSet<SystemFile>,
    /// Accounts that were made or taken over.
    pub accounts: BTreeSet<String>,
    /// Settings of the kernel.
    pub settings: BTreeSet<String>,
}

pub(super) fn plan(old: &Model, new: &Model, steps: &mut Vec<Step>) {
    let (was, is) = (&old.system, &new.system);
    if was.host_name != is.host_name {
        steps.push(Step::HostName { from: was.host_name.clone(), to: is.host_name.clone() });
    }
    if was.time_zone != is.time_zone {
        steps.push(Step::TimeZone { from: was.time_zone.clone(), to: is.time_zone.clone() });
    }
    accounts::plan(&was.login, &is.login, steps);
    for file in SystemFile::ALL {
        let (from, to) = (files::render(file, old), files::render(file, new));
        if from != to {
            steps.push(Step::File { file, from, to });
        }
    }
    settings::plan(was, is, steps);
}

/// The steps that give back what is held and no longer named.
pub(crate) fn give_back(held: &Held, model: &Model) -> Vec<Step> {
    let mut steps = Vec::new();
    for name in &held.accounts {
        steps.extend(accounts::give_back(name, model.system.login.users.get(name)));
    }
    for file in held.files.iter().filter(|file| files::render(**file, model).is_none()) {
        steps.push(Step::File { file: *file, from: None, to: None });
    }
    let named = settings::wishes(&model.system);
    for name in held.settings.iter().filter(|name| !named.contains_key(*name)) {
        steps.push(Step::Sysctl { name: name.clone(), from: None, to: None });
    }
    steps
}

/// The programs that have to follow a change from one model to another.
pub(crate) fn programs(old: &Model, new: &Model) -> BTreeSet<Program> {
    let changed = |file: &SystemFile| {
        let to = files::render(*file, new);
        to.is_some() && to != files::render(*file, old)
    };
    SystemFile::ALL.into_iter().filter(changed).filter_map(SystemFile::program).collect()
}
