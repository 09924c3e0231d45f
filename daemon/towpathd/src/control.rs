//! The control socket: shells and programs ask, one JSON object a line.
//!
//! Never answers by itself; requests become events, replies come back by client.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::{Arc, Mutex};

use anyhow::{Context, Result, bail};
use api::codec;
use api::{Answer, ApiError, Reply, Request};
use engine::{AskId, Caller, ClientId, Event};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};

use crate::run::Inbox;

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
    let mut number = 0_u64;
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                number = number.wrapping_add(1);
                tokio::spawn(client(stream, ClientId(number), clients.clone(), inbox.clone()));
            }
            Err(_) => tokio::time::sleep(std::time::Duration::from_millis(100)).await,
        }
    }
}

async fn client(stream: UnixStream, id: ClientId, clients: Clients, inbox: Inbox) {
    let user = stream.peer_cred().map(|credentials| user_name(credentials.uid())).unwrap_or_default();
    let (read, mut write) = stream.into_split();
    let (sender, mut answers) = unbounded_channel::<Answer>();
    clients.enter(id, sender.clone());
    let writer = tokio::spawn(async move {
        while let Some(answer) = answers.recv().await {
            let line = match codec::encode_answer(&answer) {
                Ok(line) => line,
                Err(error) => {
                    let reply = Reply::Error(ApiError::new("too-long", error.to_string()));
                    codec::encode_answer(&Answer { id: answer.id, reply }).unwrap_or_default()
                }
            };
            if write.write_all(line.as_bytes()).await.is_err() {
                return;
            }
        }
    });
    let mut caller = Caller { user, via: "cli".to_owned() };
    let mut lines = BufReader::new(read);
    loop {
        let mut line = Vec::new();
        let limit = u64::try_from(codec::LINE_LIMIT).unwrap_or(u64::MAX).saturating_add(1);
        match (&mut lines).take(limit).read_until(b'\n', &mut line).await {
            Ok(0) | Err(_) => break,
            Ok(_) => {}
        }
        match codec::decode_call(&line) {
            Ok(call) => {
                if let Request::Hello { via, .. } = &call.request {
                    caller.via.clone_from(via);
                }
                inbox.push(Event::Ask(AskId { client: id, id: call.id }, caller.clone(), call.request));
            }
            Err(error) => {
                let reply = Reply::Error(ApiError::new("malformed", error.to_string()));
                let _ = sender.send(Answer { id: 0, reply });
                if line.last() != Some(&b'\n') {
                    break;
                }
            }
        }
    }
    clients.leave(id);
    drop(sender);
    let _ = writer.await;
}

/// The name of a user, from the password file; the number where it has none.
fn user_name(uid: u32) -> String {
    let users = fs::read_to_string("/etc/passwd").unwrap_or_default();
    let wanted = uid.to_string();
    let line = users.lines().find(|line| line.split(':').nth(2) == Some(wanted.as_str()));
    line.and_then(|line| line.split(':').next()).map_or(wanted.clone(), str::to_owned)
}
