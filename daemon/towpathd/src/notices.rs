//! Notices on standard error, where a supervisor picks them up.
//!
//! Never decides what is worth a notice, and never keeps the router waiting for whoever reads them: a thread writes,
//! and what a reader that stands still does not take is lost. `show log` has it all the same.

use std::io::Write;
use std::sync::OnceLock;
use std::sync::mpsc::{Sender, SyncSender, channel, sync_channel};
use std::thread;
use std::time::Duration;

use engine::{Level, Notice};

/// How many notices wait for a slow reader.
const QUEUE: usize = 1024;
/// How long the end of the daemon waits for the last ones to be read.
const LAST_WORDS: Duration = Duration::from_millis(300);

static WRITER: OnceLock<SyncSender<Word>> = OnceLock::new();

enum Word {
    Line(String),
    /// Answered once everything before it is written.
    Flush(Sender<()>),
}

/// Writes a notice with its level, unless it is too quiet. A reader that is gone is no error.
pub(crate) fn write(notice: &Notice, least: Level) {
    if notice.level >= least {
        let _ = writer().try_send(Word::Line(format!("towpathd: {}: {}\n", notice.level, notice.text)));
    }
}

/// Waits a moment until everything is written.
pub(crate) fn finish() {
    let (done, wait) = channel();
    if writer().try_send(Word::Flush(done)).is_ok() {
        let _ = wait.recv_timeout(LAST_WORDS);
    }
}

/// The last words of a daemon that cannot run.
pub(crate) fn complain(text: &str) {
    finish();
    let _ = writeln!(std::io::stderr().lock(), "towpathd: {text}");
}

fn writer() -> &'static SyncSender<Word> {
    WRITER.get_or_init(|| {
        let (sender, words) = sync_channel(QUEUE);
        thread::spawn(move || {
            for word in words {
                match word {
                    Word::Line(line) => drop(std::io::stderr().lock().write_all(line.as_bytes())),
                    Word::Flush(done) => drop(done.send(())),
                }
            }
        });
        sender
    })
}
