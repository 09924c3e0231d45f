//! The Unix socket to the daemon.
//!
//! Opens it when it is needed and again after the daemon was restarted; never asks the same change twice.

use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::ops::ControlFlow;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use api::codec::{self, ANSWER_LIMIT};
use api::{Call, News, Reply, Request, Watch};

use crate::interrupt::Interrupt;
use crate::world::Daemon;

/// How long the daemon may think before it counts as stuck.
const PATIENCE: Duration = Duration::from_secs(120);

/// How often a person who waits is asked whether they still want to.
const GLANCE: Duration = Duration::from_millis(100);

/// A client of the daemon.
#[derive(Debug)]
pub(crate) struct Client {
    path: PathBuf,
    connection: Option<BufReader<UnixStream>>,
    hello: Option<Request>,
    last_id: u64,
    interrupt: Interrupt,
}

/// How far a call came before it failed.
enum CallError {
    /// The daemon did not get it.
    Unsent(String),
    /// The daemon may have got it.
    Unanswered(String),
    /// The daemon got it and does not move.
    Stuck(String),
}

impl Client {
    /// A client of the daemon that listens at `path`; nothing is opened yet.
    #[must_use]
    pub(crate) fn new(path: &Path, interrupt: Interrupt) -> Self {
        Self { path: path.to_owned(), connection: None, hello: None, last_id: 0, interrupt }
    }

    /// Whether the person wants the running command to stop.
    #[must_use]
    pub(crate) fn interrupt(&self) -> &Interrupt {
        &self.interrupt
    }

    fn connected(&mut self) -> Result<&mut BufReader<UnixStream>, String> {
        if self.connection.is_none() {
            let stream = UnixStream::connect(&self.path).map_err(|error| self.unreachable(&error))?;
            let patient = stream.set_read_timeout(Some(GLANCE)).and(stream.set_write_timeout(Some(PATIENCE)));
            patient.map_err(|error| self.unreachable(&error))?;
            self.connection = Some(BufReader::new(stream));
        }
        self.connection.as_mut().ok_or_else(|| "there is no connection to the daemon".to_owned())
    }

    fn unreachable(&self, error: &std::io::Error) -> String {
        let path = self.path.display();
        match error.kind() {
            ErrorKind::NotFound | ErrorKind::ConnectionRefused => format!(
                "The daemon towpathd does not listen at {path}\n\
                 Start it ('systemctl start towpathd'), or name its socket with --socket"
            ),
            ErrorKind::PermissionDenied => format!(
                "You are not allowed to talk to the daemon at {path}\n\
                 Become root, or let an administrator add you to the socket's group"
            ),
            _ => format!("The daemon at {path} cannot be reached: {error}"),
        }
    }

    fn attempt(&mut self, request: &Request) -> Result<Reply, CallError> {
        self.last_id = self.last_id.wrapping_add(1);
        let call = Call { id: self.last_id, request: request.clone() };
        let line = codec::encode_call(&call).map_err(|error| CallError::Unsent(error.to_string()))?;
        let connection = self.connected().map_err(CallError::Unsent)?;
        let written = connection.get_mut().write_all(line.as_bytes());
        if let Err(error) = written {
            self.connection = None;
            return Err(CallError::Unsent(format!("The connection to the daemon broke: {error}")));
        }
        let answer = self.answer(call.id);
        if answer.is_err() {
            self.connection = None;
        }
        answer
    }

    /// Reads lines until the answer to a call; answers to calls given up before are skipped.
    fn answer(&mut self, id: u64) -> Result<Reply, CallError> {
        loop {
            let line = self.line(Some(PATIENCE))?;
            let answer = codec::decode_answer(&line).map_err(|error| CallError::Stuck(error.to_string()))?;
            if answer.id == id {
                return Ok(answer.reply);
            }
        }
    }

    /// Waits for a whole line, until patience ends, where it does, or the person presses ^C.
    fn line(&mut self, patience: Option<Duration>) -> Result<Vec<u8>, CallError> {
        let begun = Instant::now();
        let mut line = Vec::new();
        let limit = u64::try_from(ANSWER_LIMIT).unwrap_or(u64::MAX);
        loop {
            let read = u64::try_from(line.len()).unwrap_or(u64::MAX);
            let connection = self.connected().map_err(CallError::Unanswered)?;
            match connection.take(limit.saturating_sub(read)).read_until(b'\n', &mut line) {
                Ok(0) => return Err(CallError::Unanswered("The daemon ended before it answered".to_owned())),
                Ok(_) if line.ends_with(b"\n") => return Ok(line),
                Ok(_) => {}
                Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                    if self.interrupt.is_wanted() {
                        return Err(CallError::Stuck("Interrupted".to_owned()));
                    }
                    if let Some(patience) = patience.filter(|patience| begun.elapsed() >= *patience) {
                        let words = format!("The daemon did not answer within {} seconds", patience.as_secs());
                        return Err(CallError::Stuck(words));
                    }
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => {
                    return Err(CallError::Unanswered(format!("The connection to the daemon broke: {error}")));
                }
            }
        }
    }

    /// Says hello again on a connection that had to be opened anew.
    fn introduce(&mut self) -> Result<(), CallError> {
        match self.hello.clone() {
            Some(hello) if self.connection.is_none() => self.attempt(&hello).map(|_| ()),
            _ => Ok(()),
        }
    }
}

impl Daemon for Client {
    fn call(&mut self, request: Request) -> Result<Reply, String> {
        if matches!(request, Request::Hello { .. }) {
            self.hello = Some(request.clone());
        } else {
            self.introduce().map_err(CallError::into_words)?;
        }
        match self.attempt(&request) {
            Ok(reply) => Ok(reply),
            Err(CallError::Unanswered(words) | CallError::Stuck(words)) if changes_something(&request) => Err(format!(
                "{words}\nWhether it was done is not known; look before you try again \
                     ('compare saved', 'show system commit')"
            )),
            Err(CallError::Stuck(words)) => Err(words),
            Err(CallError::Unsent(_) | CallError::Unanswered(_)) => self.again(&request),
        }
    }
}

impl Client {
    /// Hears of what happens until `hear` has heard enough or the person presses ^C.
    ///
    /// # Errors
    /// That the daemon cannot be reached, refuses or has ended, in words.
    pub(crate) fn watch(&self, watch: Watch, hear: &mut dyn FnMut(News) -> ControlFlow<()>) -> Result<(), String> {
        let mut watcher = self.watcher(watch).map_err(CallError::into_words)?;
        loop {
            let line = match watcher.line(None) {
                Err(_) if self.interrupt.is_wanted() => return Ok(()),
                Err(CallError::Unanswered(_)) => return Err("The daemon has ended".to_owned()),
                line => line.map_err(CallError::into_words)?,
            };
            let answer = codec::decode_answer(&line).map_err(|error| error.to_string())?;
            if let Reply::News(news) = answer.reply
                && hear(news).is_break()
            {
                return Ok(());
            }
        }
    }

    /// A connection of its own, since nothing more can be asked on it.
    fn watcher(&self, watch: Watch) -> Result<Self, CallError> {
        let mut watcher = Self::new(&self.path, self.interrupt.clone());
        watcher.hello.clone_from(&self.hello);
        watcher.introduce()?;
        match watcher.attempt(&Request::Watch(watch))? {
            Reply::Done(_) => Ok(watcher),
            Reply::Error(error) => Err(CallError::Stuck(error.message)),
            _ => Err(CallError::Stuck("The daemon cannot be watched".to_owned())),
        }
    }

    fn again(&mut self, request: &Request) -> Result<Reply, String> {
        if !matches!(request, Request::Hello { .. }) {
            self.introduce().map_err(CallError::into_words)?;
        }
        self.attempt(request).map_err(CallError::into_words)
    }
}

impl CallError {
    fn into_words(self) -> String {
        match self {
            Self::Unsent(words) | Self::Unanswered(words) | Self::Stuck(words) => words,
        }
    }
}

fn changes_something(request: &Request) -> bool {
    matches!(request, Request::Commit { .. } | Request::Confirm | Request::Save { .. } | Request::Clear(_))
}

#[cfg(test)]
mod tests;
