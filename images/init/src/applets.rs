//! The other names of this program: what persons and scripts call to ask the first process for something.
//!
//! Each runs with the rights of whoever calls it; files are opened with those rights, and handed over open.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, IoSlice, Seek, Write};
use std::net::Shutdown;
use std::os::fd::{AsRawFd, RawFd};
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

use nix::fcntl::OFlag;
use nix::sys::socket::{ControlMessage, MsgFlags, sendmsg};

use crate::first_boot::FIRST_USER;
use crate::hardware::Hardware;
use crate::install;
use crate::names;
use crate::request::{self, FAILED, SOCKET};
use crate::system::{NOTICES, ROUTER_SOCKET};
use crate::upgrade;

/// How long a console waits for the router before it asks for a name all the same.
const CONSOLE_WAITS: Duration = Duration::from_secs(60);
const LOOK_AGAIN: Duration = Duration::from_millis(100);
/// No account's name is longer, in octets.
const LONGEST_NAME: usize = 32;
/// Where an image that is fetched lies meanwhile.
const FETCHED: &str = "/var/tmp";
/// The configuration that the router starts with.
const CONFIG: &str = "/config/config.boot";

/// Does what the name of the call says.
pub(crate) fn run(name: &str, arguments: &[String]) -> ExitCode {
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = match name {
        "modprobe" => return modprobe(&arguments),
        "console-login" => Err(console_login()),
        "towpath-image" => image(&arguments),
        _ => request::of_program(name, &arguments).and_then(|line| ask(&line, None)),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "{error}");
            ExitCode::FAILURE
        }
    }
}

/// `modprobe`, as the kernel and persons call it: options are passed over.
fn modprobe(arguments: &[&str]) -> ExitCode {
    let mut hardware = Hardware::whole();
    let words = arguments.iter().filter(|word| !word.starts_with('-'));
    if words.into_iter().all(|word| hardware.load(word)) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// `towpath-image`: `list`, `list json`, `add FILE`, `default NAME`, `delete NAME`, `rename NAME NAME`, `install`.
fn image(arguments: &[&str]) -> Result<(), String> {
    match arguments {
        // Everybody may see them.
        ["list", form @ ..] if matches!(form, [] | ["json"]) => {
            let images = upgrade::Images::of_machine()?;
            let text = if form.is_empty() { images.list() } else { images.json() };
            std::io::stdout().write_all(text.as_bytes()).map_err(|error| error.to_string())
        }
        ["add", url] if url.contains("://") => add_from(url),
        ["add", path] => {
            // Soon after the start its disk may not have its driver yet. Who may not ask hears that the file is not there.
            let found = File::open(path).or_else(|_| {
                let _ = ask("devices", None);
                File::open(path)
            });
            let file = found.map_err(|error| format!("Cannot read '{path}': {error}"))?;
            ask("image add", Some(&file))
        }
        ["install"] => {
            let name = upgrade::Images::of_machine()?.name().ok_or("The image that runs is not on its disk")?;
            let _ = ask("devices", None);
            let wish = install::ask(&name, &mut std::io::stdin().lock(), &mut std::io::stdout())?;
            ask(&wish.words(), None)
        }
        [verb @ ("default" | "delete" | "rename"), names @ ..]
            if names.iter().all(|name| crate::slots::is_name(name)) =>
        {
            ask(&format!("image {verb} {}", names.join(" ")), None)
        }
        _ => {
            Err("Usage: towpath-image list [json] | add FILE | default NAME | delete NAME | rename NAME NEW | install"
                .to_owned())
        }
    }
}

/// Fetches an image with the program that knows how, and adds it.
///
/// Its file has no name, so that nothing of it stays on the data partition, whoever breaks this off.
fn add_from(url: &str) -> Result<(), String> {
    let no_room = |error: std::io::Error| format!("There is no place for the image in {FETCHED}: {error}");
    let mut options = File::options();
    options.read(true).write(true).custom_flags(OFlag::O_TMPFILE.bits());
    let mut file = options.open(FETCHED).map_err(no_room)?;
    let into = file.try_clone().map_err(no_room)?;
    match Command::new("curl").args(["-f", "-L", "-sS", "--", url]).stdout(into).status() {
        Ok(status) if status.success() => {
            file.rewind().map_err(no_room)?;
            ask("image add", Some(&file))
        }
        Ok(_) => Err(format!("The image could not be fetched from {url}")),
        Err(error) => Err(format!("curl: {error}")),
    }
}

/// Asks the first process, hands a file over, and tells what it answers.
fn ask(line: &str, file: Option<&File>) -> Result<(), String> {
    let stream = UnixStream::connect(SOCKET).map_err(|error| match error.kind() {
        std::io::ErrorKind::PermissionDenied => {
            "You may not change the machine\nIt takes level admin: root, or a member of the group towpath".to_owned()
        }
        std::io::ErrorKind::NotFound => "This is no appliance of Towpath: there are no images here".to_owned(),
        _ => format!("The machine does not answer: {error}"),
    })?;
    let line = format!("{line}\n");
    let files: Vec<RawFd> = file.iter().map(|file| file.as_raw_fd()).collect();
    let handed = [ControlMessage::ScmRights(&files)];
    let handed = if files.is_empty() { &[][..] } else { &handed };
    sendmsg::<()>(stream.as_raw_fd(), &[IoSlice::new(line.as_bytes())], handed, MsgFlags::empty(), None)
        .map_err(|error| format!("The machine cannot be asked: {error}"))?;
    let _ = stream.shutdown(Shutdown::Write);
    let mut out = std::io::stdout();
    for line in BufReader::new(stream).lines().map_while(Result::ok) {
        if let Some(error) = line.strip_prefix(FAILED) {
            return Err(error.to_owned());
        }
        let _ = writeln!(out, "{line}");
    }
    Ok(())
}

/// What a console runs: the question for a name, or, as long as nobody has set a password or a key, the first user's
/// shell, because somebody has to begin.
///
/// Where somebody has one, nobody is kept waiting for the router: the name is asked for at once, and what its password is is
/// asked once the accounts are there.
fn console_login() -> String {
    let config = fs::read_to_string(CONFIG).unwrap_or_default();
    let mut login = Command::new("/bin/login");
    if names_a_secret(&config) && !is_ready() {
        tell_notices();
        let host = names::host_name(&config).unwrap_or_else(|| "towpath".to_owned());
        match ask_name(&host) {
            Some(name) => login.arg(name),
            None => return "nobody is there".to_owned(),
        };
        wait_until_ready();
        return format!("login: {}", login.exec());
    }
    wait_until_ready();
    if is_open() {
        // The shell tells what there is to know.
        login.args(["-f", FIRST_USER]);
    } else {
        tell_notices();
    }
    format!("login: {}", login.exec())
}

fn tell_notices() {
    let notices = fs::read_to_string(NOTICES).unwrap_or_default();
    let lines: String = notices.lines().map(|notice| format!("WARNING: {notice}\n")).collect();
    let _ = std::io::stdout().write_all(lines.as_bytes());
}

/// Asks for a name until one comes that an account may have; nothing where nobody types any more.
fn ask_name(host: &str) -> Option<String> {
    loop {
        let _ = write!(std::io::stdout(), "{host} login: ");
        let _ = std::io::stdout().flush();
        let mut line = String::new();
        if std::io::stdin().lock().read_line(&mut line).ok()? == 0 {
            return None;
        }
        let name = line.trim();
        if may_be_a_name(name) {
            return Some(name.to_owned());
        }
    }
}

/// Whether an account may be called so, and `login` takes it for no option.
fn may_be_a_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_')
        && name.len() <= LONGEST_NAME
        && name.chars().all(|c| c.is_ascii_alphanumeric() || "_-.".contains(c))
}

fn wait_until_ready() {
    let begin = Instant::now();
    while !is_ready() && begin.elapsed() < CONSOLE_WAITS {
        std::thread::sleep(LOOK_AGAIN);
    }
}

/// Whether the router answers and its accounts are there: it answers while those of its configuration are still made, the
/// last of which are their groups.
fn is_ready() -> bool {
    UnixStream::connect(ROUTER_SOCKET).is_ok() && has_people()
}

/// Whether somebody is a member of a group that may use the router, and passwords are set where there are any.
fn has_people() -> bool {
    let groups = fs::read_to_string("/etc/group").unwrap_or_default();
    let shadow = fs::read_to_string("/etc/shadow").unwrap_or_default();
    let config = fs::read_to_string(CONFIG).unwrap_or_default();
    // Passwords are set behind the groups; whoever types one before is turned away.
    (!config.contains("-password") || shadow.contains(":$"))
        && groups.lines().any(|line| line.starts_with("towpath") && !line.ends_with(':'))
}

/// Whether the first user is there, and nobody has a password or a key: neither by now nor by the configuration, which may
/// not be carried out to its end yet.
fn is_open() -> bool {
    let config = fs::read_to_string(CONFIG).unwrap_or_default();
    let shadow = fs::read_to_string("/etc/shadow").unwrap_or_default();
    let locked = |line: &str| !line.split(':').nth(1).is_some_and(|hash| hash.starts_with('$'));
    let homes = fs::read_dir("/home").into_iter().flatten().flatten();
    let mut keys = homes.filter_map(|home| fs::read_to_string(home.path().join(".ssh/authorized_keys")).ok());
    !names_a_secret(&config)
        && shadow.lines().any(|line| line.starts_with(&format!("{FIRST_USER}:")))
        && shadow.lines().all(locked)
        && keys.all(|keys| keys.lines().all(|line| line.trim().is_empty() || line.starts_with('#')))
}

/// Whether a configuration holds a password or a key of anybody.
fn names_a_secret(config: &str) -> bool {
    let words = config.split_whitespace();
    words.into_iter().any(|word| matches!(word, "encrypted-password" | "plaintext-password" | "public-keys"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_login_would_take_for_something_else_is_no_name() {
        for (name, may) in [
            ("towpath", true),
            ("_x", true),
            ("a.b-c", true),
            ("-f", false),
            ("", false),
            ("a b", false),
            ("a=b", false),
        ] {
            assert_eq!(may_be_a_name(name), may, "{name}");
        }
        assert!(!may_be_a_name(&"a".repeat(LONGEST_NAME + 1)));
    }

    #[test]
    fn a_console_is_open_only_without_any_password_or_key() {
        let first = crate::first_boot::config(&crate::first_boot::Seed::default());
        assert!(!names_a_secret(&first));
        for word in ["encrypted-password \"$6$a$b\"", "plaintext-password x", "public-keys me {"] {
            assert!(names_a_secret(&format!(
                "{first}\nsystem {{ login {{ user a {{ authentication {{ {word} }} }} }} }}"
            )));
        }
    }
}
