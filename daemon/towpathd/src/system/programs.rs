//! Programs of the system: called with a deadline, and told that a file of theirs has changed.
//!
//! Never starts a service that does not run, and never stops one for good.

use std::io::{Read, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use engine::plan::Program;

/// How long a program may take; a commit waits for it.
const PATIENCE: Duration = Duration::from_secs(30);
const LOOK_AGAIN: Duration = Duration::from_millis(2);
/// What `sshd -t` says where the server has never run.
const NOT_STARTED_YET: &[&str] =
    &["no hostkeys available", "Missing privilege separation directory", "Privilege separation user"];
const PATH: &str = "/usr/sbin:/usr/bin:/sbin:/bin";

/// Calls a program, in English and with an input, and waits for its good end.
///
/// # Errors
/// That it is not installed, or what it said.
pub(super) fn call(mut command: Command, input: &str) -> Result<(), String> {
    let name = command.get_program().to_string_lossy().into_owned();
    command.env_clear().env("PATH", PATH).env("LC_ALL", "C");
    command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut child = command.spawn().map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => format!("{name} is not installed"),
        _ => format!("{name} could not be started: {error}"),
    })?;
    if let Some(mut stdin) = child.stdin.take() {
        // A program that does not want to hear all of it says by its status what it thinks.
        let _ = stdin.write_all(input.as_bytes());
    }
    finish(&mut child, &name)
}

fn finish(child: &mut Child, name: &str) -> Result<(), String> {
    let since = Instant::now();
    loop {
        match child.try_wait() {
            Ok(Some(status)) if status.success() => return Ok(()),
            Ok(Some(status)) => {
                let mut said = Vec::new();
                if let Some(stderr) = child.stderr.take() {
                    let _ = stderr.take(2000).read_to_end(&mut said);
                }
                let said = String::from_utf8_lossy(&said).trim().replace('\n', "; ");
                return Err(if said.is_empty() { format!("{name} ended with {status}") } else { said });
            }
            Ok(None) if since.elapsed() > PATIENCE => {
                let _ = child.kill();
                let _ = child.wait();
                return Err(format!("{name} did not end within {} seconds", PATIENCE.as_secs()));
            }
            Ok(None) => std::thread::sleep(LOOK_AGAIN),
            Err(error) => return Err(format!("{name} was lost: {error}")),
        }
    }
}

/// What the program itself says of a draft of its file.
///
/// # Errors
/// Why it would not take it.
pub(super) fn judge(program: Program, draft: &Path) -> Result<(), String> {
    if !Path::new(program.path()).is_file() {
        return Ok(());
    }
    let mut command = Command::new(program.path());
    match program {
        Program::Sshd => command.arg("-t").arg("-f").arg(draft),
        Program::Chrony => command.arg("-p").arg("-f").arg(draft),
        // It would read the whole of its configuration, not the draft alone.
        Program::Rsyslog => return Ok(()),
        // A list of names has no other form.
        Program::Dhcp => return Ok(()),
    };
    match call(command, "") {
        // Keys, account and directory of the server are made with its first start; without them no file is at fault.
        Err(said) if NOT_STARTED_YET.iter().any(|sign| said.contains(sign)) => Ok(()),
        other => other,
    }
}

/// Lets a program that runs read its file anew.
///
/// # Errors
/// When it cannot be told, or does not come back.
pub(super) fn follow(program: Program) -> Result<(), String> {
    let (unit, verb) = match program {
        Program::Chrony => ("chrony", "restart"),
        // Who keeps the clients running sees that their list has changed.
        Program::Dhcp => return Ok(()),
        Program::Rsyslog => ("rsyslog", "restart"),
        Program::Sshd => ("ssh", "reload"),
    };
    if !Path::new(program.path()).is_file() {
        return Ok(());
    }
    if Path::new("/run/systemd/system").is_dir() {
        let mut command = Command::new("systemctl");
        // Of a unit that does not run nothing is wanted.
        command.args([if verb == "reload" { "try-reload-or-restart" } else { "try-restart" }, unit]);
        return call(command, "");
    }
    let script = Path::new("/etc/init.d").join(unit);
    if script.is_file() && runs(program) {
        let mut command = Command::new(script);
        command.arg(verb);
        return call(command, "");
    }
    Ok(())
}

/// Whether some process was started from the program's file.
fn runs(program: Program) -> bool {
    let Ok(processes) = std::fs::read_dir("/proc") else { return false };
    let mut executables = processes.flatten().filter_map(|process| std::fs::read_link(process.path().join("exe")).ok());
    executables.any(|executable| executable == Path::new(program.path()))
}
