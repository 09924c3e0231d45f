//! What may be asked of the first process, a line each.
//!
//! Never decides who may ask: the kernel does, by the rights of the socket.

use std::time::Duration;

/// Where it is asked.
pub(crate) const SOCKET: &str = "/run/towpath/init.sock";
/// The group whose members may ask; its number is that of the image's list of groups.
pub(crate) const GROUP: &str = "towpath";
/// No request is longer, in octets.
pub(crate) const LONGEST: usize = 512;
/// How an answer begins that tells of a failure.
pub(crate) const FAILED: &str = "error: ";

/// How the machine ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    Reboot,
    PowerOff,
}

/// A request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Request {
    /// The machine shall end, after a while.
    Shutdown(End, Duration),
    /// It shall not end after all.
    Cancel,
    /// A program shall begin anew.
    Restart(String),
    /// Which programs run.
    Services,
    /// Devices shall not wait for their drivers any longer: somebody asks for what is on them.
    Devices,
    /// Something about images, which a process of its own does: its words.
    Worker(Vec<String>),
}

impl Request {
    /// Reads a request.
    pub(crate) fn read(line: &str) -> Option<Self> {
        let words: Vec<&str> = line.split_whitespace().collect();
        Some(match words.as_slice() {
            ["reboot", minutes] => Self::Shutdown(End::Reboot, minutes_of(minutes)?),
            ["poweroff", minutes] => Self::Shutdown(End::PowerOff, minutes_of(minutes)?),
            ["cancel"] => Self::Cancel,
            ["restart", name] => Self::Restart((*name).to_owned()),
            ["services"] => Self::Services,
            ["devices"] => Self::Devices,
            ["image" | "install", ..] => Self::Worker(words.into_iter().map(str::to_owned).collect()),
            _ => return None,
        })
    }
}

fn minutes_of(word: &str) -> Option<Duration> {
    let minutes: u32 = word.parse().ok().filter(|minutes| *minutes <= 10_080)?;
    Some(Duration::from_secs(u64::from(minutes) * 60))
}

/// The request that a call of `shutdown`, `reboot`, `poweroff`, `halt` or `systemctl` means.
///
/// # Errors
/// That the words mean nothing here.
pub(crate) fn of_program(program: &str, arguments: &[&str]) -> Result<String, String> {
    let reboot = arguments.contains(&"-r");
    let end = |reboot: bool| if reboot { "reboot" } else { "poweroff" };
    match (program, arguments) {
        ("shutdown", [.., "-c"]) => Ok("cancel".to_owned()),
        ("shutdown", [.., when]) => {
            let minutes = if *when == "now" { "0" } else { when.trim_start_matches('+') };
            minutes_of(minutes).ok_or(format!("'{when}' is no time to go down: 'now' or +MINUTES"))?;
            Ok(format!("{} {minutes}", end(reboot)))
        }
        ("reboot", _) | ("systemctl", ["reboot"]) => Ok("reboot 0".to_owned()),
        ("poweroff" | "halt", _) | ("systemctl", ["poweroff" | "halt"]) => Ok("poweroff 0".to_owned()),
        ("systemctl", ["restart" | "try-restart", name]) => {
            Ok(format!("restart {}", name.trim_end_matches(".service")))
        }
        ("systemctl", ["status"] | []) => Ok("services".to_owned()),
        _ => Err(format!("{program}: these words mean nothing here")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_programs_mean_is_understood() {
        let seconds = Duration::from_secs;
        for (program, arguments, request) in [
            ("shutdown", &["-r", "now"][..], Request::Shutdown(End::Reboot, seconds(0))),
            ("shutdown", &["-P", "+10"], Request::Shutdown(End::PowerOff, seconds(600))),
            ("shutdown", &["-c"], Request::Cancel),
            ("reboot", &[], Request::Shutdown(End::Reboot, seconds(0))),
            ("poweroff", &["-f"], Request::Shutdown(End::PowerOff, seconds(0))),
            ("systemctl", &["restart", "towpathd"], Request::Restart("towpathd".to_owned())),
            ("systemctl", &["status"], Request::Services),
        ] {
            let line = of_program(program, arguments);
            assert_eq!(line.ok().and_then(|line| Request::read(&line)), Some(request), "{program} {arguments:?}");
        }
    }

    #[test]
    fn other_words_are_refused() {
        assert!(of_program("shutdown", &["-r", "tomorrow"]).is_err());
        assert!(of_program("shutdown", &[]).is_err());
        assert!(of_program("systemctl", &["enable", "x"]).is_err());
        for line in ["", "reboot", "reboot -1", "reboot 99999", "restart", "rm -rf", "cancel now"] {
            assert_eq!(Request::read(line), None, "{line}");
        }
        assert_eq!(Request::read("devices\n"), Some(Request::Devices));
        let words = ["image", "delete", "1.2"].map(str::to_owned).to_vec();
        assert_eq!(Request::read("image  delete 1.2\n"), Some(Request::Worker(words)));
    }
}
