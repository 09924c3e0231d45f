//! The daemon's end of the steward: one connection for each request, so that a steward that begins anew is missed by nobody.
//!
//! Never waits without an end.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use engine::plan::{Held, Step};

use super::LONGEST;
use super::language::{Answer, Request};

/// How long the steward may take to come up; both are started at once.
const COMES: Duration = Duration::from_secs(10);
const LOOK_AGAIN: Duration = Duration::from_millis(20);
/// How long it may take for one request; two programs that may take half a minute each are called at most.
const PATIENCE: Duration = Duration::from_secs(90);

/// Who asks the steward.
#[derive(Clone, Debug)]
pub(crate) struct Client {
    socket: PathBuf,
}

impl Client {
    pub(crate) fn new(socket: &Path) -> Self {
        Self { socket: socket.to_owned() }
    }

    /// What an earlier life has changed and not given back.
    ///
    /// # Errors
    /// When the steward does not come up.
    pub(crate) fn held(&self) -> Result<Held, String> {
        self.ask(&Request::Held).map(Held::from)
    }

    /// Has a step done; one that needs no rights of root is done by nobody here.
    ///
    /// # Errors
    /// What the steward says, in words.
    pub(crate) fn carry_out(&self, step: &Step) -> Result<(), String> {
        Request::of(step).map_or(Ok(()), |request| self.ask(&request).map(drop))
    }

    fn ask(&self, request: &Request) -> Result<Answer, String> {
        let answer = self.exchange(request).map_err(|error| {
            format!("the steward that changes the system does not answer at {}: {error}", self.socket.display())
        })?;
        match answer.error {
            Some(error) => Err(error),
            None => Ok(answer),
        }
    }

    fn exchange(&self, request: &Request) -> io::Result<Answer> {
        let mut stream = self.connect()?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        let line = serde_json::to_string(request)?;
        stream.write_all(format!("{line}\n").as_bytes())?;
        let mut answer = String::new();
        BufReader::new(stream.take(LONGEST)).read_line(&mut answer)?;
        Ok(serde_json::from_str(&answer)?)
    }

    fn connect(&self) -> io::Result<UnixStream> {
        let begin = Instant::now();
        loop {
            match UnixStream::connect(&self.socket) {
                Err(error) if is_not_ready(&error) && begin.elapsed() < COMES => std::thread::sleep(LOOK_AGAIN),
                other => return other,
            }
        }
    }
}

fn is_not_ready(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused)
}
