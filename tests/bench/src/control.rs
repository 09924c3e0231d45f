//! The daemon's control socket, spoken as its protocol says: one JSON object per line.
//!
//! It never goes through the shell, whose own start would be measured with the commit.

use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

/// An open conversation with the daemon.
#[derive(Debug)]
pub(crate) struct Control {
    reader: BufReader<UnixStream>,
    next: u64,
    revision: u64,
}

impl Control {
    /// Connects and says hello.
    pub(crate) fn open(path: &str) -> Result<Self> {
        let stream = UnixStream::connect(path).with_context(|| format!("connecting to {path}"))?;
        stream.set_read_timeout(Some(Duration::from_secs(30)))?;
        let mut control = Self { reader: BufReader::new(stream), next: 0, revision: 0 };
        let hello = control.ask(&json!({"hello": {"user": "bench", "via": "bench"}}))?;
        control.revision = hello
            .pointer("/hello/revision")
            .and_then(Value::as_u64)
            .with_context(|| format!("no hello with a revision: {hello}"))?;
        Ok(control)
    }

    /// Sends a request and gives the reply.
    pub(crate) fn ask(&mut self, request: &Value) -> Result<Value> {
        self.next += 1;
        let line = format!("{}\n", json!({"id": self.next, "request": request}));
        self.reader.get_mut().write_all(line.as_bytes()).context("writing to the control socket")?;
        let mut answer = String::new();
        self.reader.read_line(&mut answer).context("reading from the control socket")?;
        let mut answer: Value = serde_json::from_str(&answer).with_context(|| format!("no JSON: {answer:?}"))?;
        Ok(answer.get_mut("reply").map(Value::take).unwrap_or_default())
    }

    /// Makes edits active, each `set …` or `delete …`.
    pub(crate) fn commit(&mut self, edits: &[String]) -> Result<()> {
        let edits: Vec<Value> = edits
            .iter()
            .map(|edit| {
                let mut words = edit.split_whitespace();
                let verb = words.next().unwrap_or_default();
                json!({verb: words.collect::<Vec<_>>()})
            })
            .collect();
        let candidate = json!({"base": self.revision, "edits": edits});
        let reply = self.ask(&json!({"commit": {"candidate": candidate, "comment": null}}))?;
        match reply.pointer("/committed/revision").and_then(Value::as_u64) {
            Some(revision) => self.revision = revision,
            None => bail!("the commit was refused: {reply}"),
        }
        Ok(())
    }
}
