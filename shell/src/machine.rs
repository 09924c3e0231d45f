//! The machine that the shell runs on: files, programs, names.
//!
//! Programs get their arguments as they are, no shell reads them. Never reads a file that was not named.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use api::{NameKind, Reply, Request};

use crate::client::Client;
use crate::command::Program;
use crate::world::{Daemon, Machine};

/// The daemon and the machine together.
#[derive(Debug)]
pub(crate) struct Outside {
    /// The daemon.
    pub(crate) client: Client,
    /// ^C is ignored by the shell, so that it has to be allowed again for programs.
    pub(crate) interrupt_ignored: bool,
}

impl Daemon for Outside {
    fn call(&mut self, request: Request) -> Result<Reply, String> {
        self.client.call(request)
    }
}

impl Machine for Outside {
    fn read_file(&mut self, path: &str) -> Result<String, String> {
        let bytes = fs::read(path).map_err(|error| format!("Cannot read '{path}': {error}"))?;
        String::from_utf8(bytes).map_err(|_| format!("Cannot read '{path}': it is not a text in UTF-8"))
    }

    fn absolute(&mut self, path: &str) -> Result<String, String> {
        let full = std::path::absolute(path).map_err(|error| format!("Cannot use '{path}' as a file: {error}"))?;
        full.into_os_string()
            .into_string()
            .map_err(|_| format!("Cannot use '{path}': its folder's name is no text in UTF-8"))
    }

    fn execute(&mut self, program: &Program) -> Result<bool, String> {
        let mut command = if self.interrupt_ignored {
            // What the shell ignores its children would ignore, too: `env` gives ^C back to them.
            let mut command = Command::new("env");
            command.arg("--default-signal=INT").arg(program.name);
            command
        } else {
            Command::new(program.name)
        };
        let status = command.args(&program.arguments).status();
        match status {
            Ok(status) if status.code() == Some(127) => Err(missing(program.name)),
            Ok(status) => Ok(status.success() || status.code().is_none()),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Err(missing(program.name)),
            Err(error) => Err(format!("{} cannot be run: {error}", program.name)),
        }
    }

    fn names(&mut self, kind: NameKind) -> Vec<String> {
        match kind {
            NameKind::File => files(),
            NameKind::TimeZone => time_zones(Path::new("/usr/share/zoneinfo/tzdata.zi")),
            _ => match self.call(Request::Names(kind)) {
                Ok(Reply::Names(names)) => names,
                _ => Vec::new(),
            },
        }
    }
}

fn missing(name: &str) -> String {
    format!("The program {name} is not installed on this router")
}

/// Files here and saved configurations.
fn files() -> Vec<String> {
    let here = entries(Path::new(".")).into_iter().filter_map(|path| path.file_name()?.to_str().map(str::to_owned));
    let saved = entries(Path::new("/config")).into_iter().filter_map(|path| path.to_str().map(str::to_owned));
    let mut names: Vec<String> = here.chain(saved).collect();
    names.sort();
    names
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let listed = fs::read_dir(folder).into_iter().flatten().flatten();
    listed.map(|entry| entry.path()).filter(|path| path.is_file()).collect()
}

/// Zones and links of the compact table: lines that begin with `Z NAME` and `L TARGET NAME`.
fn time_zones(table: &Path) -> Vec<String> {
    let text = fs::read_to_string(table).unwrap_or_default();
    let name = |line: &str| {
        let mut words = line.split_whitespace();
        match words.next()? {
            "Z" => words.next().map(str::to_owned),
            "L" => words.nth(1).map(str::to_owned),
            _ => None,
        }
    };
    let mut names: Vec<String> = text.lines().filter_map(name).collect();
    names.sort();
    names
}
