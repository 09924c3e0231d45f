//! What others do, told at once: a second connection that waits for news while a person types.
//!
//! Never touches the session: the working configuration follows at the next prompt.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use api::codec;
use api::watch::CommitNews;
use api::{Call, News, Reply, Request, Watch};
use nouns::Revision;

/// How long until a daemon that went away is looked for again.
const PAUSE: Duration = Duration::from_secs(1);

/// What the listener and the loop of the editor tell each other.
#[derive(Clone, Debug, Default)]
pub(crate) struct Told {
    /// The person is in configuration mode, where commits of others matter.
    editing: Arc<AtomicBool>,
    newest: Arc<AtomicU64>,
}

impl Told {
    /// Says whether the person is in configuration mode.
    pub(crate) fn set_editing(&self, editing: bool) {
        self.editing.store(editing, Ordering::Relaxed);
    }

    /// The newest revision whose commit was told.
    #[must_use]
    pub(crate) fn newest(&self) -> Option<Revision> {
        Some(self.newest.load(Ordering::Relaxed)).filter(|newest| *newest > 0).map(Revision)
    }
}

/// Who listens, and where.
#[derive(Clone, Debug)]
pub(crate) struct Listener {
    /// The daemon's socket.
    pub(crate) socket: PathBuf,
    /// The person.
    pub(crate) user: String,
    /// The terminal.
    pub(crate) tty: Option<String>,
    /// What was told.
    pub(crate) told: Told,
}

impl Listener {
    /// Listens until the shell ends; each piece of news goes to `print`.
    pub(crate) fn start(self, print: impl FnMut(String) + Send + 'static) {
        let mut print = print;
        // Without this thread the person hears of it at the next prompt.
        let _ = thread::Builder::new().name("news".to_owned()).spawn(move || {
            loop {
                let _ = self.listen(&mut print);
                thread::sleep(PAUSE);
            }
        });
    }

    fn listen(&self, print: &mut dyn FnMut(String)) -> std::io::Result<()> {
        let mut stream = BufReader::new(UnixStream::connect(&self.socket)?);
        let hello = Request::Hello { user: self.user.clone(), via: "cli".to_owned(), tty: self.tty.clone() };
        for (request, id) in [hello, Request::Watch(Watch::Commits)].into_iter().zip(1..) {
            let line = codec::encode_call(&Call { id, request }).map_err(std::io::Error::other)?;
            stream.get_mut().write_all(line.as_bytes())?;
        }
        let mut line = Vec::new();
        while stream.read_until(b'\n', &mut line)? > 0 {
            if let Ok(api::Answer { reply: Reply::News(news), .. }) = codec::decode_answer(&line) {
                self.hear(news, print);
            }
            line.clear();
        }
        Ok(())
    }

    /// Whether something was done at this very terminal, whose shell has said so already.
    fn is_own(&self, user: &str, tty: Option<&str>) -> bool {
        user == self.user && tty.is_some() && tty == self.tty.as_deref()
    }

    fn hear(&self, news: News, print: &mut dyn FnMut(String)) {
        match news {
            News::Commit(commit) => {
                let own = self.is_own(&commit.user, commit.tty.as_deref());
                let is_wanted = self.told.editing.load(Ordering::Relaxed) || commit.confirm.is_some();
                if !own && is_wanted {
                    self.told.newest.fetch_max(commit.revision.0, Ordering::Relaxed);
                    print(committed(&commit));
                }
            }
            News::Confirmed { user, tty, .. } if self.is_own(&user, tty.as_deref()) => {}
            News::Confirmed { revision, user, .. } => {
                print(format!("\nRevision {revision} was confirmed by user '{user}' and stays.\n"));
            }
            News::RolledBack { revision, undone, user, .. } => {
                self.told.newest.fetch_max(revision.0, Ordering::Relaxed);
                print(format!(
                    "\nRevision {undone} of user '{user}' was not confirmed in time: the configuration before it is \
                     active again.\n"
                ));
            }
            News::About(_) | News::Missed(_) | News::Log(_) | News::Bgp(_) | News::Interface(_) | News::Packet(_) => {}
        }
    }
}

/// The words of Vyatta for a commit by somebody else.
fn committed(commit: &CommitNews) -> String {
    let tty = commit.tty.as_deref().unwrap_or(&commit.via);
    let user = &commit.user;
    let confirm = if commit.confirm.is_some() { "It is taken back unless it is confirmed in time.\n" } else { "" };
    format!(
        "\nActive configuration has been changed by user '{user}' on '{tty}'.\n{confirm}\
         Please make sure you do not have conflicting changes. You can also discard the current changes by issuing \
         'exit discard'.\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listener() -> Listener {
        let (user, tty) = ("alice".to_owned(), Some("pts/0".to_owned()));
        Listener { socket: PathBuf::new(), user, tty, told: Told::default() }
    }

    fn commit(user: &str, tty: &str) -> News {
        News::Commit(CommitNews {
            time: 0,
            revision: Revision(7),
            user: user.to_owned(),
            via: "cli".to_owned(),
            tty: Some(tty.to_owned()),
            comment: None,
            confirm: None,
        })
    }

    fn heard(listener: &Listener, news: News) -> String {
        let mut text = String::new();
        listener.hear(news, &mut |said| text.push_str(&said));
        text
    }

    #[test]
    fn commits_of_others_are_told_to_those_who_edit_and_only_once() {
        let listener = listener();
        assert_eq!(heard(&listener, commit("bob", "pts/1")), "", "nobody edits");
        listener.told.set_editing(true);
        assert_eq!(heard(&listener, commit("alice", "pts/0")), "", "it is their own");
        assert_eq!(listener.told.newest(), None);
        let text = heard(&listener, commit("bob", "pts/1"));
        assert!(text.starts_with("\nActive configuration has been changed by user 'bob' on 'pts/1'.\n"), "{text}");
        assert_eq!(listener.told.newest(), Some(Revision(7)));
        assert!(heard(&listener, commit("alice", "pts/2")).contains("pts/2"), "the same person elsewhere");
    }

    #[test]
    fn a_confirmation_is_told_to_all_but_the_terminal_that_gave_it() {
        let confirmed = |user: &str, tty: &str| News::Confirmed {
            time: 0,
            revision: Revision(7),
            user: user.to_owned(),
            via: "cli".to_owned(),
            tty: Some(tty.to_owned()),
        };
        assert_eq!(heard(&listener(), confirmed("alice", "pts/0")), "");
        for (user, tty) in [("alice", "pts/1"), ("bob", "pts/0")] {
            let text = format!("\nRevision 7 was confirmed by user '{user}' and stays.\n");
            assert_eq!(heard(&listener(), confirmed(user, tty)), text);
        }
    }

    #[test]
    fn what_was_not_confirmed_is_told_to_everybody() {
        let news = News::RolledBack { time: 0, revision: Revision(9), undone: Revision(8), user: "bob".to_owned() };
        let text = heard(&listener(), news);
        assert!(text.contains("Revision 8 of user 'bob' was not confirmed in time"), "{text}");
    }
}
