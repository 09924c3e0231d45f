//! The machine that the shell runs on: files, programs, names.
//!
//! Programs get their arguments as they are, no shell reads them. Never reads a file that was not named.

use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, IsTerminal, Read, Write};
use std::ops::ControlFlow;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use api::text::date_time;
use api::view::system::RevisionLine;
use api::{NameKind, News, Reply, Request, Text, Watch};
use grammar::complete::Name;

use crate::client::Client;
use crate::command::Program;
use crate::keep::Kept;
use crate::session::{Unfinished, folder_of, revisions};
use crate::url::{Carrier, Url};
use crate::whole;
use crate::world::{Daemon, Machine};

/// How long a period of `monitor interfaces` is.
const PERIOD: Duration = Duration::from_secs(1);
/// How often ^C is looked for meanwhile.
const GLANCE: Duration = Duration::from_millis(50);

/// The daemon and the machine together.
#[derive(Debug)]
pub(crate) struct Outside {
    /// The daemon.
    pub(crate) client: Client,
    /// A person is there to be asked.
    pub(crate) interactive: bool,
    /// Where sessions leave what they could not commit; none without a person.
    pub(crate) lost: Option<Kept>,
}

impl Outside {
    fn ask_names(&mut self, kind: NameKind, typed: &str) -> Vec<String> {
        match self.call(Request::Names { kind, typed: typed.to_owned() }) {
            Ok(Reply::Names(names)) => names,
            _ => Vec::new(),
        }
    }
}

impl Daemon for Outside {
    fn call(&mut self, request: Request) -> Result<Reply, String> {
        self.client.call(request)
    }
}

impl Machine for Outside {
    fn read_file(&mut self, path: &str) -> Result<String, String> {
        let bytes = fs::read(path).map_err(|error| format!("Cannot read '{path}': {}", words(&error)))?;
        String::from_utf8(bytes).map_err(|_| format!("Cannot read '{path}': it is not a text in UTF-8"))
    }

    fn read_octets(&mut self, path: &str, most: u64) -> Result<Vec<u8>, String> {
        let mut octets = Vec::new();
        let read = fs::File::open(path).and_then(|file| file.take(most).read_to_end(&mut octets));
        read.map(|_| octets).map_err(|error| format!("Cannot read '{path}': {}", words(&error)))
    }

    fn absolute(&mut self, path: &str) -> Result<String, String> {
        let full =
            std::path::absolute(path).map_err(|error| format!("Cannot use '{path}' as a file: {}", words(&error)))?;
        full.into_os_string()
            .into_string()
            .map_err(|_| format!("Cannot use '{path}': its folder's name is no text in UTF-8"))
    }

    fn write_file(&mut self, path: &str, text: &str) -> Result<(), String> {
        whole::write(Path::new(path), text).map_err(|error| format!("Cannot write '{path}': {}", words(&error)))
    }

    fn execute(&mut self, program: &Program) -> Result<bool, String> {
        let status = Command::new(program.name).args(&program.arguments).status();
        match status {
            Ok(status) => Ok(status.success() || status.code().is_none()),
            Err(error) => Err(not_run(program.name, &error)),
        }
    }

    fn told_by(&mut self, program: &Program) -> Result<String, String> {
        let Program { name, arguments } = program;
        let ended = Command::new(name).args(arguments).stdin(Stdio::null()).output();
        let ended = ended.map_err(|error| not_run(name, &error))?;
        match ended.status.success() {
            true => Ok(String::from_utf8_lossy(&ended.stdout).into_owned()),
            false => Err(last_words(name, &ended.stderr)),
        }
    }

    fn download(&mut self, from: &Url) -> Result<String, String> {
        let file = ScratchFile::new("")?;
        carry(&from.fetch_to(&file.path())?).map_err(|error| format!("Cannot read '{}': {error}", from.shown()))?;
        self.read_file(&file.path())
    }

    fn upload(&mut self, text: &str, to: &Url) -> Result<(), String> {
        let file = ScratchFile::new(text)?;
        carry(&to.put_from(&file.path())?).map_err(|error| format!("Cannot write '{}': {error}", to.shown()))
    }

    fn names(&mut self, kind: NameKind, typed: &str) -> Vec<Name> {
        let names = match kind {
            NameKind::File => files(typed, || self.ask_names(kind, "")),
            NameKind::TimeZone => time_zones(Path::new("/usr/share/zoneinfo/tzdata.zi")),
            NameKind::Revision => return revisions::list(self).map(explained).unwrap_or_default(),
            _ => self.ask_names(kind, typed),
        };
        names.into_iter().map(Name::from).collect()
    }

    fn agrees(&mut self, question: &str) -> bool {
        !self.interactive || asked(question)
    }

    fn history(&mut self) -> Vec<String> {
        let path = crate::keep::state_folder().map(|state| state.join("history"));
        let text = path.and_then(|path| fs::read_to_string(path).ok()).unwrap_or_default();
        // The first line names the format; in the others a backslash stands as two.
        let lines = text.lines().filter(|line| *line != "#V2");
        lines.map(|line| line.replace("\\\\", "\\")).collect()
    }

    fn watch(&mut self, watch: Watch, words: &dyn Fn(&News) -> String) -> Result<(), String> {
        self.client.watch(watch, &mut |news| print(&words(&news)))
    }

    fn record(
        &mut self,
        watch: Watch,
        file: &str,
        head: &[u8],
        octets: &dyn Fn(&News) -> Vec<u8>,
    ) -> Result<(), String> {
        let unwritten = |error: std::io::Error| format!("{file} cannot be written: {error}");
        let mut out = std::fs::File::create(file).map_err(unwritten)?;
        out.write_all(head).map_err(unwritten)?;
        let mut written = Ok(());
        self.client.watch(watch, &mut |news| {
            if matches!(news, News::About(_)) {
                return print(&news.text());
            }
            written = out.write_all(&octets(&news));
            if written.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        })?;
        written.map_err(unwritten)
    }

    fn tell(&mut self, text: &str) -> ControlFlow<()> {
        print(text)
    }

    fn is_drawn(&self) -> bool {
        std::io::stdout().is_terminal()
    }

    fn rest(&mut self) -> Option<Duration> {
        let begun = Instant::now();
        while begun.elapsed() < PERIOD {
            if self.client.interrupt().is_wanted() {
                return None;
            }
            std::thread::sleep(GLANCE);
        }
        Some(begun.elapsed())
    }

    fn take_lost(&mut self, user: &str) -> Option<(u64, Unfinished)> {
        self.lost.as_mut()?.take(user)
    }
}

/// Prints at once; breaks when nobody reads any more.
fn print(text: &str) -> ControlFlow<()> {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Ok(()) => ControlFlow::Continue(()),
        Err(_) => ControlFlow::Break(()),
    }
}

/// Revisions with what `show system commit` tells of each.
fn explained(lines: Vec<RevisionLine>) -> Vec<Name> {
    let name = |line: RevisionLine| {
        let comment = line.comment.map(|comment| format!(": {comment}")).unwrap_or_default();
        let help = format!("{} by {} via {}{comment}", date_time(line.time, 0), line.user, line.via);
        Name { text: line.index.to_string(), help }
    };
    lines.into_iter().map(name).collect()
}

/// Whether a person says yes; an empty line does, and ^C does not.
fn asked(question: &str) -> bool {
    let (above, last) = question.rsplit_once('\n').map_or(("", question), |(above, last)| (above, last));
    let told = above.is_empty() || writeln!(std::io::stdout(), "{above}").is_ok();
    let line = rustyline::DefaultEditor::new().and_then(|mut editor| editor.readline(&format!("{last} ")));
    // Without a word from the person nothing is agreed to.
    told && line.is_ok_and(|line| is_yes(&line))
}

fn is_yes(line: &str) -> bool {
    matches!(line.trim().to_lowercase().as_str(), "" | "y" | "yes" | "confirm")
}

/// A file that only this person can read, and that goes with its end.
struct ScratchFile(PathBuf);

impl ScratchFile {
    fn new(text: &str) -> Result<Self, String> {
        for attempt in 0..100_u32 {
            let path = std::env::temp_dir().join(format!("towpath-{}-{attempt}", std::process::id()));
            let made = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path);
            match made {
                Ok(mut file) => {
                    let scratch = Self(path);
                    file.write_all(text.as_bytes()).map_err(|error| scratch.complaint(&error))?;
                    return Ok(scratch);
                }
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                Err(error) => return Err(Self(path).complaint(&error)),
            }
        }
        Err("There are too many files of this shell in the folder for temporary files".to_owned())
    }

    fn path(&self) -> String {
        self.0.to_string_lossy().into_owned()
    }

    fn complaint(&self, error: &std::io::Error) -> String {
        format!("Cannot write '{}': {}", self.0.display(), words(error))
    }
}

impl Drop for ScratchFile {
    fn drop(&mut self) {
        // Nobody else knows of it, and the folder is emptied at a reboot.
        let _ = fs::remove_file(&self.0);
    }
}

/// Runs the program that carries a file.
fn carry(carrier: &Carrier) -> Result<(), String> {
    let name = carrier.program;
    let mut command = Command::new(name);
    command.args(&carrier.arguments).stderr(Stdio::piped());
    if !carrier.input.is_empty() {
        command.stdin(Stdio::piped());
    }
    let mut child = command.spawn().map_err(|error| not_run(name, &error))?;
    if let Some(mut stdin) = child.stdin.take() {
        stdin.write_all(carrier.input.as_bytes()).map_err(|error| not_run(name, &error))?;
    }
    let ended = child.wait_with_output().map_err(|error| not_run(name, &error))?;
    if ended.status.success() {
        return Ok(());
    }
    Err(last_words(name, &ended.stderr))
}

/// What a program said last before it failed.
fn last_words(name: &str, said: &[u8]) -> String {
    let said = String::from_utf8_lossy(said);
    said.lines().last().map_or_else(|| format!("{name} failed"), str::to_owned)
}

fn not_run(name: &str, error: &std::io::Error) -> String {
    match error.kind() {
        ErrorKind::NotFound => missing(name),
        _ => format!("{name} cannot be run: {}", words(error)),
    }
}

/// What an error says, without the number of the C library behind it.
fn words(error: &std::io::Error) -> String {
    let words = error.to_string();
    words.split_once(" (os error").map_or(words.clone(), |(before, _)| before.to_owned())
}

fn missing(name: &str) -> String {
    format!("The program {name} is not installed on this router")
}

/// Files and folders whose path begins as typed; of those here and the saved configurations when nothing is.
fn files(typed: &str, saved: impl FnOnce() -> Vec<String>) -> Vec<String> {
    let folder = typed.rfind('/').map_or("", |at| typed.get(..=at).unwrap_or_default());
    let mut names = entries(folder);
    if typed.is_empty() {
        names.extend(saved().iter().flat_map(|file| entries(folder_of(file))));
    }
    names.sort();
    names
}

/// What is in a folder, each with the folder's name before it; a folder has a slash behind it.
fn entries(folder: &str) -> Vec<String> {
    let place = if folder.is_empty() { "." } else { folder };
    let listed = fs::read_dir(place).into_iter().flatten().flatten();
    let name = |entry: fs::DirEntry| {
        let end = if entry.path().is_dir() { "/" } else { "" };
        entry.file_name().to_str().map(|name| format!("{folder}{name}{end}"))
    };
    listed.filter_map(name).collect()
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
