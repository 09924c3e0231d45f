//! What lies around the router: files, accounts, settings of the kernel, the host's name and clock.
//!
//! Everything is below a root, so that a test never touches the machine that it runs on. Never decides what a file says;
//! what was there before a first change is kept beside it and given back.

mod accounts;
mod files;
mod programs;
mod settings;
#[cfg(test)]
mod tests;

use std::io;
use std::path::{Path, PathBuf};

use engine::plan::{Held, Program, Step, SystemFile};
use kernel::host;

use self::accounts::Accounts;
use self::settings::Settings;
use crate::steward::Client;

/// The system below a root.
pub(crate) struct System {
    root: PathBuf,
    /// Who does what the daemon itself has no rights for.
    steward: Option<Client>,
    accounts: Accounts,
    settings: Settings,
}

impl System {
    /// The system below `root`; what it was before is remembered in the state directory.
    pub(crate) fn new(root: &Path, state_dir: &Path) -> Self {
        // The programs for accounts change their directory, and want to know the way from there.
        let root = std::path::absolute(root).unwrap_or_else(|_| root.to_owned());
        let accounts = Accounts::new(&root, &state_dir.join("accounts"));
        let settings = Settings::new(&root, &state_dir.join("settings"));
        Self { root, steward: None, accounts, settings }
    }

    /// The same, changed by a steward.
    #[must_use]
    pub(crate) fn with_steward(self, socket: Option<&Path>) -> Self {
        Self { steward: socket.map(Client::new), ..self }
    }

    /// What an earlier life of the daemon has changed and not given back.
    ///
    /// # Errors
    /// When the steward does not tell.
    pub(crate) fn held(&self) -> Result<Held, String> {
        self.steward.as_ref().map_or_else(|| Ok(self.held_here()), Client::held)
    }

    fn held_here(&self) -> Held {
        Held {
            files: SystemFile::ALL.into_iter().filter(|file| files::is_held(&self.path(*file))).collect(),
            accounts: self.accounts.held(),
            settings: self.settings.held(),
        }
    }

    /// The programs that are installed, of those that read the files.
    pub(crate) fn programs(&self) -> impl Iterator<Item = Program> {
        Program::ALL.into_iter().filter(|program| below(&self.root, program.path()).is_file())
    }

    /// Does what the step says.
    ///
    /// # Errors
    /// What the system says, in words.
    pub(crate) fn carry_out(&mut self, step: &Step) -> Result<(), String> {
        if let Some(steward) = &self.steward {
            return steward.carry_out(step);
        }
        match step {
            Step::HostName { to: Some(name), .. } => {
                host::set_host_name(name).map_err(|error| denied("host name", &error))
            }
            Step::TimeZone { to, .. } => host::set_time_zone(&self.root, to.as_deref().unwrap_or("UTC"))
                .map_err(|error| denied("time zone", &error)),
            Step::Account { user, change } => self.accounts.change(user, change),
            Step::File { file, from, to } => self.file(*file, from.as_deref(), to.as_deref()),
            Step::Sysctl { name, to, .. } => self.settings.set(name, to.as_deref()),
            Step::HostName { to: None, .. }
            | Step::Device { .. }
            | Step::Bridge { .. }
            | Step::Port { .. }
            | Step::Setting { .. }
            | Step::Link { .. }
            | Step::Address { .. }
            | Step::Neighbor { .. }
            | Step::Balancer { .. }
            | Step::Listener { .. }
            | Step::Secret { .. }
            | Step::Routing => Ok(()),
        }
    }

    /// Writes a file or gives it back. Where its program does not take that, the file is what it was.
    fn file(&self, file: SystemFile, from: Option<&str>, to: Option<&str>) -> Result<(), String> {
        let changed = self.put(file, to)?;
        let program = file.program().filter(|_| changed && self.is_machine());
        let done = program.map_or(Ok(()), programs::follow);
        if done.is_err() {
            // What stood in the way is the error that matters.
            let _ = self.put(file, from).and_then(|_| program.map_or(Ok(()), programs::follow));
        }
        done
    }

    /// Answers whether anything changed.
    fn put(&self, file: SystemFile, text: Option<&str>) -> Result<bool, String> {
        let path = self.path(file);
        let Some(text) = text else { return files::give_back(&path) };
        if file == SystemFile::RsyslogConf {
            let folder = below(&self.root, "/var/log/user");
            std::fs::create_dir_all(&folder).map_err(|error| files::told(&folder, &error))?;
        }
        files::write(&path, text, |draft| self.judged(file, draft))
    }

    /// What the program that will read the file says of it before it is put in place.
    fn judged(&self, file: SystemFile, draft: &Path) -> Result<(), String> {
        match file.program() {
            Some(program) if self.is_machine() => programs::judge(program, draft),
            _ => Ok(()),
        }
    }

    /// Whether this is the machine itself, whose programs run, and not a directory somewhere.
    fn is_machine(&self) -> bool {
        self.root == Path::new("/")
    }

    fn path(&self, file: SystemFile) -> PathBuf {
        below(&self.root, file.path())
    }
}

/// An absolute path, taken from the root.
fn below(root: &Path, path: &str) -> PathBuf {
    root.join(path.trim_start_matches('/'))
}

fn denied(what: &str, error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::PermissionDenied => format!("no permission to set the {what}; run the daemon as root"),
        _ => format!("the {what} could not be set: {error}"),
    }
}
