//! What stands behind `towpath` on the command line of the system.
//!
//! Never opens anything.

use std::path::PathBuf;

/// What was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Arguments {
    /// Run the shell.
    Run(Run),
    /// Print this text and end.
    Print(String),
}

/// How the shell runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Run {
    /// Where the daemon listens.
    pub(crate) socket: PathBuf,
    /// Commands of `-c`, in their order; without any, lines are read from the standard input.
    pub(crate) commands: Vec<String>,
}

const USAGE: &str = "\
Usage: towpath [--socket PATH] [-c COMMAND]...

Without -c, commands are read from the terminal, or from a file: towpath < FILE

  -c COMMAND      run a command and end; repeatable, all in one session
  --socket PATH   where the daemon listens, instead of $TOWPATH_SOCKET or /run/towpath/towpathd.sock
  --version       print the version
  --help          print this text

The exit status is 1 when a command failed (those behind it do not run), 2 when the command line is wrong.
";

impl Arguments {
    /// Reads the arguments behind the program's name; `environment` is the value of `TOWPATH_SOCKET`.
    ///
    /// # Errors
    /// What is wrong, in words.
    pub(crate) fn read(given: impl IntoIterator<Item = String>, environment: Option<String>) -> Result<Self, String> {
        let mut given = given.into_iter();
        let default = environment.filter(|path| !path.is_empty()).unwrap_or_else(|| api::DEFAULT_SOCKET.to_owned());
        let mut run = Run { socket: PathBuf::from(default), commands: Vec::new() };
        while let Some(argument) = given.next() {
            let mut value =
                |name: &str| given.next().ok_or_else(|| format!("{name} needs a value; see 'towpath --help'"));
            match argument.as_str() {
                "-c" => run.commands.push(value("-c")?),
                "--socket" => run.socket = PathBuf::from(value("--socket")?),
                "--version" | "-V" => return Ok(Self::Print(format!("towpath {}\n", env!("CARGO_PKG_VERSION")))),
                "--help" | "-h" => return Ok(Self::Print(USAGE.to_owned())),
                other => match other.strip_prefix("--socket=") {
                    Some(path) => run.socket = PathBuf::from(path),
                    None => return Err(format!("unknown argument '{other}'; see 'towpath --help'")),
                },
            }
        }
        Ok(Self::Run(run))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may fail loudly")]

    use super::*;

    fn read(line: &[&str], environment: Option<&str>) -> Result<Arguments, String> {
        Arguments::read(line.iter().map(|word| (*word).to_owned()), environment.map(str::to_owned))
    }

    #[test]
    fn commands_and_the_socket_are_taken() {
        for (line, environment, socket, commands) in [
            (&[][..], None, "/run/towpath/towpathd.sock", &[][..]),
            (&[], Some("/tmp/a"), "/tmp/a", &[]),
            (&[], Some(""), "/run/towpath/towpathd.sock", &[]),
            (&["--socket", "/tmp/b"], Some("/tmp/a"), "/tmp/b", &[]),
            (&["--socket=/tmp/b", "-c", "configure", "-c", "commit"], None, "/tmp/b", &["configure", "commit"]),
        ] {
            let commands = commands.iter().map(|word: &&str| (*word).to_owned()).collect();
            assert_eq!(read(line, environment).unwrap(), Arguments::Run(Run { socket: socket.into(), commands }));
        }
    }

    #[test]
    fn every_option_stands_in_the_page_of_man() {
        let page = include_str!("../../docs/manual/man/towpath.1").replace('\\', "");
        let options = USAGE.split_whitespace().map(|word| word.trim_matches(['[', ']', '.', ',']));
        for option in options.filter(|word| word.starts_with('-')) {
            assert!(page.contains(option), "{option}");
        }
    }

    #[test]
    fn a_wrong_command_line_says_what_is_wrong() {
        for (line, words) in [(&["-c"][..], "-c needs a value"), (&["--socket"], "needs a value"), (&["x"], "'x'")] {
            assert!(read(line, None).unwrap_err().contains(words), "{line:?}");
        }
        assert!(matches!(read(&["--help"], None), Ok(Arguments::Print(_))));
    }
}
