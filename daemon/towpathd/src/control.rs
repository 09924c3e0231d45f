//! The control socket: who may come in, and where the replies to each client go.
//!
//! Never answers by itself, and never reads what somebody says before it is known who that is.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use api::{Answer, Level, Reply};
use engine::{AskId, Caller, ClientId, Notice};
use kernel::Lookout;
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::Semaphore;
use tokio::sync::mpsc::Sender;
use tokio::sync::mpsc::error::TrySendError;

use crate::conversation;
use crate::credentials::User;
use crate::run::{ACCEPT_AGAIN, Inbox};

/// How many clients of level admin are served at a time; as many more than there are persons as scripts may need.
const ADMINS: usize = 1024;
/// How many of level operator.
const OPERATORS: usize = 256;
/// How many that are only told that they may not be here.
const STRANGERS: usize = 16;
/// How often the log hears of the same user who may not be here.
const STRANGERS_EVERY: Duration = Duration::from_secs(60);

/// Where replies go.
#[derive(Clone, Default)]
pub(crate) struct Clients {
    clients: Arc<Mutex<BTreeMap<ClientId, Outbox>>>,
}

/// What waits for one client.
pub(crate) struct Outbox {
    pub(crate) answers: Sender<Answer>,
    /// News that found no room.
    pub(crate) missed: Arc<AtomicU64>,
}

impl Clients {
    /// Sends a reply to whoever asked; a client that is gone misses it. Never waits.
    pub(crate) fn reply(&self, ask: AskId, reply: Reply) {
        if let Ok(clients) = self.clients.lock()
            && let Some(client) = clients.get(&ask.client)
            && let Err(TrySendError::Full(_)) = client.answers.try_send(Answer { id: ask.id, reply })
        {
            client.missed.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(crate) fn enter(&self, id: ClientId, outbox: Outbox) {
        if let Ok(mut clients) = self.clients.lock() {
            clients.insert(id, outbox);
        }
    }

    pub(crate) fn leave(&self, id: ClientId) {
        if let Ok(mut clients) = self.clients.lock() {
            clients.remove(&id);
        }
    }
}

/// Makes the socket, with a mode and an owner: it gets its name once it has both, so that whoever finds it may use it. A
/// file that nobody answers on is left over from a daemon that died.
///
/// # Errors
/// When another daemon answers there, or when the place cannot be written.
pub(crate) fn bind(path: &Path, mode: u32, owner: Option<u32>) -> Result<UnixListener> {
    if let Some(directory) = path.parent() {
        fs::create_dir_all(directory).with_context(|| format!("cannot make {}", directory.display()))?;
    }
    if fs::symlink_metadata(path).is_ok_and(|there| !there.file_type().is_socket()) {
        bail!("{} is there and is no socket; name another place with --socket", path.display());
    }
    if std::os::unix::net::UnixStream::connect(path).is_ok() {
        bail!("another towpathd answers at {}; stop it first, or name another place with --socket", path.display());
    }
    let unnamed = path.with_extension("new");
    if fs::symlink_metadata(&unnamed).is_ok_and(|there| there.file_type().is_socket()) {
        fs::remove_file(&unnamed).with_context(|| format!("cannot remove the old socket {}", unnamed.display()))?;
    }
    let listener =
        UnixListener::bind(&unnamed).with_context(|| format!("cannot make the socket {}", path.display()))?;
    fs::set_permissions(&unnamed, fs::Permissions::from_mode(mode))
        .and_then(|()| std::os::unix::fs::chown(&unnamed, owner, None))
        .and_then(|()| fs::rename(&unnamed, path))
        .with_context(|| format!("cannot hand over {}", path.display()))?;
    Ok(listener)
}

/// Serves clients until the process ends.
pub(crate) async fn serve(listener: UnixListener, clients: Clients, (inbox, lookout): (Inbox, Lookout)) {
    let door = Arc::new(Door::new());
    let (mut number, mut told) = (0_u64, false);
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                (number, told) = (number.wrapping_add(1), false);
                let (clients, router, door) = (clients.clone(), (inbox.clone(), lookout.clone()), Arc::clone(&door));
                tokio::spawn(async move { door.admit(stream, ClientId(number), &clients, &router).await });
            }
            Err(error) => {
                inbox.note_refused_accept("connections to the control socket", &error, &mut told);
                tokio::time::sleep(ACCEPT_AGAIN).await;
            }
        }
    }
}

/// Who comes in. Those who may less cannot take the places of those who may more.
struct Door {
    admins: Semaphore,
    operators: Semaphore,
    strangers: Semaphore,
    /// Users without a level who were told of lately.
    told: Mutex<BTreeMap<u32, Instant>>,
}

impl Door {
    fn new() -> Self {
        let [admins, operators, strangers] = [ADMINS, OPERATORS, STRANGERS].map(Semaphore::new);
        Self { admins, operators, strangers, told: Mutex::default() }
    }

    async fn admit(&self, stream: UnixStream, id: ClientId, clients: &Clients, router: &(Inbox, Lookout)) {
        let (inbox, lookout) = router;
        let user = match stream.peer_cred().and_then(|known| User::of(&stream, known.uid(), known.gid())) {
            Ok(user) => user,
            Err(error) => return inbox.note(Notice::warning(format!("a client cannot be told from others: {error}"))),
        };
        let (places, room) = match user.level {
            Some(Level::Admin) => (&self.admins, ADMINS),
            Some(Level::Operator) => (&self.operators, OPERATORS),
            None => (&self.strangers, STRANGERS),
        };
        match (places.try_acquire(), user.level) {
            (Ok(_place), Some(level)) => {
                let caller = Caller { user: user.name, via: "cli".to_owned(), tty: None, level };
                conversation::hold(stream, (id, caller), clients, (inbox, lookout)).await;
            }
            (Ok(_place), None) => {
                self.note_stranger(&user, inbox);
                conversation::turn_away(stream, &user).await;
            }
            (Err(_), _) => conversation::refuse(stream, room).await,
        }
    }

    /// Tells the log of somebody who may not be here, but not too often.
    fn note_stranger(&self, user: &User, inbox: &Inbox) {
        let is_news = self.told.lock().is_ok_and(|mut told| {
            told.retain(|_, when| when.elapsed() < STRANGERS_EVERY);
            told.insert(user.uid, Instant::now()).is_none()
        });
        if is_news {
            let text = format!("refused: user {} (uid {}) is neither admin nor operator", user.name, user.uid);
            inbox.note(Notice::warning(text));
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may fail loudly")]

    use std::path::PathBuf;
    use std::sync::atomic::AtomicBool;

    use super::*;

    /// A directory of this test's own, and a place for a socket in it.
    fn place(test: &str) -> (PathBuf, PathBuf) {
        let directory = std::env::temp_dir().join(format!("towpathd-control-{test}-{}", std::process::id()));
        fs::create_dir_all(&directory).unwrap();
        let path = directory.join("towpathd.sock");
        (directory, path)
    }

    #[tokio::test]
    async fn whoever_finds_the_socket_finds_it_as_it_shall_be() {
        let (directory, path) = place("found");
        let (end, seen) = (AtomicBool::new(false), Mutex::new(Vec::new()));
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while !end.load(Ordering::Relaxed) {
                    let mode = fs::metadata(&path).map(|found| found.permissions().mode() & 0o777);
                    seen.lock().unwrap().extend(mode.ok());
                }
            });
            // It has to be seen for the first time often, and comes and goes until it was.
            for _ in 0..100_000 {
                if seen.lock().unwrap().len() >= 1000 {
                    break;
                }
                drop(bind(&path, 0o600, None).unwrap());
                fs::remove_file(&path).unwrap();
            }
            end.store(true, Ordering::Relaxed);
        });
        fs::remove_dir_all(directory).unwrap();
        let seen = seen.into_inner().unwrap();
        assert!(seen.len() >= 1000 && seen.iter().all(|mode| *mode == 0o600), "{} sights", seen.len());
    }

    #[tokio::test]
    async fn a_socket_that_nobody_answers_on_is_replaced_and_another_file_is_not() {
        let (directory, path) = place("left");
        for left in [&path, &path.with_extension("new")] {
            drop(std::os::unix::net::UnixListener::bind(left).unwrap());
        }
        let listener = bind(&path, 0o666, None).unwrap();
        assert!(std::os::unix::net::UnixStream::connect(&path).is_ok());
        assert!(bind(&path, 0o666, None).unwrap_err().to_string().contains("another towpathd answers"));
        drop(listener);
        fs::remove_file(&path).unwrap();
        fs::write(&path, "notes").unwrap();
        assert!(bind(&path, 0o666, None).unwrap_err().to_string().contains("is no socket"));
        assert_eq!(fs::read(&path).unwrap(), b"notes");
        fs::remove_dir_all(directory).unwrap();
    }
}
