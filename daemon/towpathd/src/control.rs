//! The control socket: shells and programs ask, one JSON object a line.
//!
//! Never answers by itself; requests become events, replies come back by client. A client's next request is read when
//! it has taken the reply to the last one, so that nobody's replies pile up.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use api::codec;
use api::{Answer, ApiError, Level, Reply, Request};
use engine::{AskId, Caller, ClientId, Event};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::Semaphore;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::time::timeout;

use crate::run::{ACCEPT_AGAIN, Inbox};

/// How many clients are served at a time; as many more than there are persons as scripts may need.
const CLIENTS: usize = 1024;
/// The longest request in octets: a large configuration. Replies may be longer.
const REQUEST_LIMIT: u64 = 16 << 20;
/// How long a client may take to read its reply.
const PATIENCE: Duration = Duration::from_secs(60);

/// Where replies go.
#[derive(Clone, Default)]
pub(crate) struct Clients {
    clients: Arc<Mutex<BTreeMap<ClientId, UnboundedSender<Answer>>>>,
}

impl Clients {
    /// Sends a reply to whoever asked; a client that is gone misses it.
    pub(crate) fn reply(&self, ask: AskId, reply: Reply) {
        if let Ok(clients) = self.clients.lock()
            && let Some(client) = clients.get(&ask.client)
        {
            let _ = client.send(Answer { id: ask.id, reply });
        }
    }

    fn enter(&self, id: ClientId, sender: UnboundedSender<Answer>) {
        if let Ok(mut clients) = self.clients.lock() {
            clients.insert(id, sender);
        }
    }

    fn leave(&self, id: ClientId) {
        if let Ok(mut clients) = self.clients.lock() {
            clients.remove(&id);
        }
    }
}

/// Makes the socket. A file that nobody answers on is left over from a daemon that died.
///
/// # Errors
/// When another daemon answers there, or when the place cannot be written.
pub(crate) fn bind(path: &Path) -> Result<UnixListener> {
    if let Some(directory) = path.parent() {
        fs::create_dir_all(directory).with_context(|| format!("cannot make {}", directory.display()))?;
    }
    if fs::symlink_metadata(path).is_ok_and(|there| !there.file_type().is_socket()) {
        bail!("{} is there and is no socket; name another place with --socket", path.display());
    }
    match std::os::unix::net::UnixStream::connect(path) {
        Ok(_) => {
            bail!("another towpathd answers at {}; stop it first, or name another place with --socket", path.display())
        }
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
            fs::remove_file(path).with_context(|| format!("cannot remove the old socket {}", path.display()))?;
        }
        Err(_) => {}
    }
    let listener = UnixListener::bind(path).with_context(|| format!("cannot make the socket {}", path.display()))?;
    fs::set_permissions(path, fs::Permissions::from_mode(0o660))
        .with_context(|| format!("cannot set the permissions of {}", path.display()))?;
    Ok(listener)
}

/// Serves clients until the process ends.
pub(crate) async fn serve(listener: UnixListener, clients: Clients, inbox: Inbox) {
    let places = Arc::new(Semaphore::new(CLIENTS));
    let (mut number, mut told) = (0_u64, false);
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                (number, told) = (number.wrapping_add(1), false);
                let (place, clients, inbox) = (Arc::clone(&places).try_acquire_owned(), clients.clone(), inbox.clone());
                tokio::spawn(async move {
                    match place {
                        Ok(_place) => client(stream, ClientId(number), &clients, &inbox).await,
                        Err(_) => refuse(stream).await,
                    }
                });
            }
            Err(error) => {
                inbox.note_refused_accept("connections to the control socket", &error, &mut told);
                tokio::time::sleep(ACCEPT_AGAIN).await;
            }
        }
    }
}

async fn refuse(mut stream: UnixStream) {
    let error = ApiError::new("too-many-clients", format!("{CLIENTS} clients are connected already"));
    let _ = write_answer(&mut stream, &Answer { id: 0, reply: Reply::Error(error) }).await;
}

async fn client(stream: UnixStream, id: ClientId, clients: &Clients, inbox: &Inbox) {
    let user = stream.peer_cred().map(|credentials| user_name(credentials.uid())).unwrap_or_default();
    let (sender, mut answers) = unbounded_channel::<Answer>();
    clients.enter(id, sender);
    let (read, write) = stream.into_split();
    let caller = Caller { user, via: "cli".to_owned(), tty: None, level: Level::Admin };
    // A client that is gone, for whatever reason, is forgotten.
    let _ = converse(id, caller, inbox, (read, write), &mut answers).await;
    clients.leave(id);
}

/// Requests and replies by turns, until the client leaves or goes too far.
async fn converse(
    id: ClientId,
    mut caller: Caller,
    inbox: &Inbox,
    (read, mut write): (OwnedReadHalf, OwnedWriteHalf),
    answers: &mut UnboundedReceiver<Answer>,
) -> io::Result<()> {
    let mut lines = BufReader::new(read);
    loop {
        let mut line = Vec::new();
        if (&mut lines).take(REQUEST_LIMIT.saturating_add(1)).read_until(b'\n', &mut line).await? == 0 {
            return Ok(());
        }
        let whole = line.last() == Some(&b'\n');
        match codec::decode_call(&line) {
            Ok(call) if whole => {
                if let Request::Hello { via, tty, .. } = &call.request {
                    caller.via.clone_from(via);
                    caller.tty.clone_from(tty);
                }
                inbox.push(Event::Ask(AskId { client: id, id: call.id }, caller.clone(), call.request));
                let Some(answer) = answers.recv().await else { return Ok(()) };
                write_answer(&mut write, &answer).await?;
            }
            Ok(_) => return Ok(()),
            Err(error) => {
                let reply = Reply::Error(ApiError::new("malformed", error.to_string()));
                write_answer(&mut write, &Answer { id: 0, reply }).await?;
                if !whole {
                    return Ok(());
                }
            }
        }
    }
}

async fn write_answer(write: &mut (impl AsyncWriteExt + Unpin), answer: &Answer) -> io::Result<()> {
    let line = codec::encode_answer(answer).unwrap_or_else(|error| {
        let reply = Reply::Error(ApiError::new("too-long", error.to_string()));
        codec::encode_answer(&Answer { id: answer.id, reply }).unwrap_or_default()
    });
    timeout(PATIENCE, write.write_all(line.as_bytes())).await?
}

/// The name of a user, from the password file; the number where it has none.
fn user_name(uid: u32) -> String {
    let users = fs::read_to_string("/etc/passwd").unwrap_or_default();
    let wanted = uid.to_string();
    let line = users.lines().find(|line| line.split(':').nth(2) == Some(wanted.as_str()));
    line.and_then(|line| line.split(':').next()).map_or(wanted.clone(), str::to_owned)
}
