//! The daemon's control socket, spoken by the test itself: what a shell of any kind would ask.
//!
//! It never goes through the shell.

use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use api::request::{Call, Which};
use api::{News, Reply, Request, Watch, codec};
use config::edit::{Candidate, Edit};

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// An open conversation with the daemon.
#[derive(Debug)]
pub struct Control {
    reader: BufReader<UnixStream>,
    next: u64,
}

impl Control {
    /// Connects and says hello.
    ///
    /// # Errors
    /// When the daemon does not answer.
    pub fn open(path: &str) -> Result<Self> {
        let stream = UnixStream::connect(path).with_context(|| format!("connecting to {path}"))?;
        stream.set_read_timeout(Some(PATIENCE))?;
        let mut control = Self { reader: BufReader::new(stream), next: 0 };
        control.hello()?;
        Ok(control)
    }

    /// Says hello.
    ///
    /// # Errors
    /// When the daemon says anything else.
    pub fn hello(&mut self) -> Result<api::Hello> {
        let request = Request::Hello { user: "nobody".to_owned(), via: "test".to_owned(), tty: None };
        match self.ask(request)? {
            Reply::Hello(hello) => Ok(hello),
            other => bail!("no hello: {other:?}"),
        }
    }

    /// Asks, and waits for the answer.
    ///
    /// # Errors
    /// When the connection ends, or what comes is no answer.
    pub fn ask(&mut self, request: Request) -> Result<Reply> {
        self.next += 1;
        let line = codec::encode_call(&Call { id: self.next, request })?;
        self.reader.get_mut().write_all(line.as_bytes()).context("writing to the control socket")?;
        self.answer()
    }

    fn answer(&mut self) -> Result<Reply> {
        let mut line = Vec::new();
        self.reader.read_until(b'\n', &mut line).context("reading from the control socket")?;
        let answer = codec::decode_answer(&line)?;
        Ok(answer.reply)
    }

    /// Turns the connection into a stream of news.
    ///
    /// # Errors
    /// When the daemon refuses.
    pub fn watch(mut self, watch: Watch) -> Result<Watcher> {
        match self.ask(Request::Watch(watch))? {
            Reply::Done(_) => Ok(Watcher(self)),
            other => bail!("cannot watch: {other:?}"),
        }
    }

    /// The active configuration.
    ///
    /// # Errors
    /// When the daemon refuses.
    pub fn active(&mut self) -> Result<api::Configuration> {
        match self.ask(Request::Configuration(Which::Active))? {
            Reply::Configuration(configuration) => Ok(configuration),
            other => bail!("no configuration: {other:?}"),
        }
    }

    /// Commits `set` and `delete` lines, with or without a time to confirm in.
    ///
    /// # Errors
    /// When the connection ends.
    pub fn commit(&mut self, lines: &[&str], confirm: Option<u32>) -> Result<Reply> {
        let edits = lines.iter().map(|line| {
            let path = line.split_whitespace().skip(1).map(str::to_owned).collect();
            if line.starts_with("delete") { Edit::Delete(path) } else { Edit::Set(path) }
        });
        let candidate = Candidate { base: self.active()?.revision, edits: edits.collect() };
        self.ask(Request::Commit { candidate, comment: None, confirm })
    }
}

/// A stream of news.
#[derive(Debug)]
pub struct Watcher(Control);

impl Watcher {
    /// The next news.
    ///
    /// # Errors
    /// When none comes in time.
    pub fn read(&mut self) -> Result<News> {
        match self.0.answer()? {
            Reply::News(news) => Ok(news),
            other => bail!("no news: {other:?}"),
        }
    }
}
