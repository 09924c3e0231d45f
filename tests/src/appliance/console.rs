//! A serial console: what a machine says, without the signs that move and colour it, and what is typed.
//!
//! It never forgets what was said, and waits only for what was not waited for before.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

const GLANCE: Duration = Duration::from_millis(20);
/// How much is told of a console that did not say what it should, in letters.
const LAST: usize = 3000;

/// A serial console.
#[derive(Debug)]
pub struct Console {
    stream: UnixStream,
    said: Arc<Mutex<String>>,
    /// How much of it was waited for already.
    seen: usize,
}

impl Console {
    /// Opens the socket of a serial line.
    ///
    /// # Errors
    /// When nobody is there.
    pub fn open(path: &Path) -> Result<Self> {
        let stream = UnixStream::connect(path)?;
        let said = Arc::new(Mutex::new(String::new()));
        let (mut reader, keeper) = (stream.try_clone()?, Arc::clone(&said));
        std::thread::spawn(move || {
            let (mut octets, mut plain) = ([0; 4096], Plain::default());
            while let Ok(length @ 1..) = reader.read(&mut octets) {
                if let (Ok(mut said), Some(octets)) = (keeper.lock(), octets.get(..length)) {
                    plain.take(octets, &mut said);
                }
            }
        });
        Ok(Self { stream, said, seen: 0 })
    }

    /// All that was said.
    #[must_use]
    pub fn text(&self) -> String {
        self.said.lock().map(|said| said.clone()).unwrap_or_default()
    }

    /// The end of what was said.
    #[must_use]
    pub fn tail(&self) -> String {
        let text = self.text();
        let from = text.char_indices().rev().nth(LAST).map_or(0, |(at, _)| at);
        text.get(from..).unwrap_or_default().to_owned()
    }

    /// Waits until this is said, behind what was waited for before.
    ///
    /// # Errors
    /// At the deadline: what was said last.
    pub fn sees(&mut self, wanted: &str, patience: Duration) -> Result<()> {
        self.reads_until(wanted, patience).map(drop)
    }

    /// The same, and answers what came before it.
    ///
    /// # Errors
    /// At the deadline: what was said last.
    pub fn reads_until(&mut self, wanted: &str, patience: Duration) -> Result<String> {
        let begin = Instant::now();
        loop {
            let text = self.text();
            let fresh = text.get(self.seen..).unwrap_or_default();
            if let Some(at) = fresh.find(wanted) {
                self.seen += at + wanted.len();
                return Ok(fresh.get(..at).unwrap_or_default().to_owned());
            }
            if begin.elapsed() > patience {
                bail!("waited {patience:?} for {wanted:?}; the console said last:\n{}", self.tail());
            }
            std::thread::sleep(GLANCE);
        }
    }

    /// Types a line.
    ///
    /// # Errors
    /// When the machine is gone.
    pub fn enters(&mut self, line: &str) -> Result<()> {
        self.stream.write_all(format!("{line}\r").as_bytes())?;
        Ok(self.stream.flush()?)
    }

    /// Presses keys: octets as they are.
    ///
    /// # Errors
    /// When the machine is gone.
    pub fn presses(&mut self, keys: &str) -> Result<()> {
        self.stream.write_all(keys.as_bytes())?;
        Ok(self.stream.flush()?)
    }

    /// Types a command at the shell's prompt, and answers what is said until the next prompt.
    ///
    /// # Errors
    /// When the prompt does not come back.
    pub fn says(&mut self, command: &str, patience: Duration) -> Result<String> {
        self.enters(command)?;
        // The line is echoed, often more than once while it is edited; the answer begins behind its end.
        self.sees("\n", patience)?;
        let begin = Instant::now();
        let mut answer = String::new();
        loop {
            answer.push_str(&self.reads_until("@", patience)?);
            let end = self.reads_until(" ", patience)?;
            if end.ends_with(":~$") || end.ends_with('#') {
                return Ok(answer);
            }
            answer.push_str(&format!("@{end} "));
            if begin.elapsed() > patience {
                bail!("the prompt did not come back; the console said last:\n{}", self.tail());
            }
        }
    }
}

/// Takes the signs out that move the cursor and set colours (ECMA-48).
#[derive(Debug, Default)]
struct Plain {
    /// An octet of a letter that is not whole yet, or of a sign.
    held: Vec<u8>,
    within: Within,
}

#[derive(Debug, Default, PartialEq, Eq)]
enum Within {
    #[default]
    Text,
    Escape,
    Sequence,
    Title,
}

impl Plain {
    fn take(&mut self, octets: &[u8], said: &mut String) {
        for octet in octets {
            self.within = match (&self.within, octet) {
                (Within::Text, 0x1b) => Within::Escape,
                (Within::Text, b'\r' | 0x07) => Within::Text,
                (Within::Text, _) => {
                    self.held.push(*octet);
                    Within::Text
                }
                (Within::Escape, b'[') => Within::Sequence,
                (Within::Escape, b']') => Within::Title,
                (Within::Sequence, 0x40..=0x7e) | (Within::Title, 0x07 | 0x1b) | (Within::Escape, _) => Within::Text,
                (Within::Sequence, _) => Within::Sequence,
                (Within::Title, _) => Within::Title,
            };
        }
        let end = match std::str::from_utf8(&self.held) {
            Ok(_) => self.held.len(),
            Err(error) if error.error_len().is_none() => error.valid_up_to(),
            Err(_) => self.held.len(),
        };
        let whole: Vec<u8> = self.held.drain(..end).collect();
        said.push_str(&String::from_utf8_lossy(&whole));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_and_moves_are_no_words() {
        let mut said = String::new();
        let mut plain = Plain::default();
        for part in [&b"\x1b[1;31mone\x1b"[..], b"[0m\r\ntwo \xc3", b"\xa9\x1b]0;title\x07\x1b[?2004hthree\xff"] {
            plain.take(part, &mut said);
        }
        assert_eq!(said, "one\ntwo \u{e9}three\u{fffd}");
    }
}
