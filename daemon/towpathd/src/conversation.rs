//! One client of the control socket: it asks, one JSON object a line, and is answered.
//!
//! Requests become events, replies come back by client. A client's next request is read when it has taken the reply to
//! the last one, so that nobody's replies pile up; whoever watches is told as much as it reads. Never answers by itself.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use api::codec;
use api::request::Show;
use api::{Answer, ApiError, News, Reply, Request};
use engine::{AskId, Caller, ClientId, Event};
use kernel::Lookout;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::mpsc::{Receiver, channel};
use tokio::time::timeout;

use crate::control::{Clients, Outbox};
use crate::credentials::User;
use crate::run::Inbox;

/// The longest request in octets: a large configuration. Replies may be longer.
const REQUEST_LIMIT: u64 = 16 << 20;
/// The longest line of somebody who may not be here.
const STRANGER_LIMIT: u64 = 4096;
/// How long a client may take to read its reply.
const PATIENCE: Duration = Duration::from_secs(60);
/// How long somebody who may not be here may take to be told so.
const STRANGER_PATIENCE: Duration = Duration::from_secs(2);
/// How long an answer about links waits for what is new of them.
const CATCH_UP: Duration = Duration::from_secs(2);
/// How many answers wait for a client. A request has one answer; only whoever watches can have more, and what does
/// not find room is counted.
const QUEUE: usize = 256;

/// Serves a client until it leaves.
pub(crate) async fn hold(
    stream: UnixStream,
    (id, caller): (ClientId, Caller),
    clients: &Clients,
    (inbox, lookout): (&Inbox, &Lookout),
) {
    let (sender, answers) = channel::<Answer>(QUEUE);
    let missed = Arc::new(AtomicU64::new(0));
    clients.enter(id, Outbox { answers: sender, missed: Arc::clone(&missed) });
    let (read, write) = stream.into_split();
    let conversation = Conversation { id, inbox, lookout, lines: BufReader::new(read), write, answers, missed };
    // A client that is gone, for whatever reason, is forgotten.
    let _ = conversation.hold(caller).await;
    clients.leave(id);
    inbox.push(Event::Left(id));
}

/// Tells somebody without a level that nothing can be done here.
pub(crate) async fn turn_away(mut stream: UnixStream, user: &User) {
    let message = format!("user {} may not use this router", user.name);
    let error = ApiError::new("not-permitted", message)
        .hint("members of the group towpath may do everything, members of towpath-operator may look");
    let talk = async {
        // The answer carries the number of the first call, whatever that was.
        let mut line = Vec::new();
        let read = (&mut BufReader::new(&mut stream)).take(STRANGER_LIMIT).read_until(b'\n', &mut line).await;
        let id = read.ok().and_then(|_| codec::decode_call(&line).ok()).map_or(0, |call| call.id);
        write_answer(&mut stream, &Answer { id, reply: Reply::Error(error) }).await
    };
    let _ = timeout(STRANGER_PATIENCE, talk).await;
}

/// Tells a client that all places are taken.
pub(crate) async fn refuse(mut stream: UnixStream, room: usize) {
    let error = ApiError::new("too-many-clients", format!("{room} clients are connected already"));
    let refusal = Answer { id: 0, reply: Reply::Error(error) };
    let _ = timeout(STRANGER_PATIENCE, write_answer(&mut stream, &refusal)).await;
}

/// One client and all that it is told.
struct Conversation<'a> {
    id: ClientId,
    inbox: &'a Inbox,
    lookout: &'a Lookout,
    lines: BufReader<OwnedReadHalf>,
    write: OwnedWriteHalf,
    answers: Receiver<Answer>,
    missed: Arc<AtomicU64>,
}

impl Conversation<'_> {
    /// Requests and replies by turns, until the client leaves or goes too far.
    async fn hold(mut self, mut caller: Caller) -> io::Result<()> {
        loop {
            let mut line = Vec::new();
            let limit = REQUEST_LIMIT.saturating_add(1);
            if (&mut self.lines).take(limit).read_until(b'\n', &mut line).await? == 0 {
                return Ok(());
            }
            let whole = line.last() == Some(&b'\n');
            match codec::decode_call(&line) {
                Ok(call) if whole => {
                    if let Request::Hello { via, tty, .. } = &call.request {
                        caller.via = word(via);
                        caller.tty = tty.as_deref().map(word);
                    }
                    if concerns_links(&call.request) {
                        self.catch_up().await;
                    }
                    let watches = matches!(call.request, Request::Watch(_));
                    let ask = AskId { client: self.id, id: call.id };
                    self.inbox.push(Event::Ask(ask, caller.clone(), call.request));
                    let Some(answer) = self.answers.recv().await else { return Ok(()) };
                    write_answer(&mut self.write, &answer).await?;
                    if watches && matches!(answer.reply, Reply::Done(_)) {
                        return self.stream(call.id).await;
                    }
                }
                Ok(_) => return Ok(()),
                Err(error) => {
                    let reply = Reply::Error(ApiError::new("malformed", error.to_string()));
                    write_answer(&mut self.write, &Answer { id: 0, reply }).await?;
                    if !whole {
                        return Ok(());
                    }
                }
            }
        }
    }

    /// Waits until the engine knows which links there are by now, which it may not in a storm of them.
    async fn catch_up(&self) {
        if self.lookout.is_behind() {
            let lookout = self.lookout.clone();
            // It is waited for no longer than a person would.
            let _ = tokio::task::spawn_blocking(move || lookout.catch_up(CATCH_UP)).await;
        }
    }

    /// News until the client leaves. One that does not read is waited for; what comes meanwhile is counted.
    async fn stream(mut self, id: u64) -> io::Result<()> {
        let mut ignored = [0; 256];
        loop {
            tokio::select! {
                news = self.answers.recv() => {
                    let Some(news) = news else { return Ok(()) };
                    self.write.write_all(line_of(&news).as_bytes()).await?;
                    let missed = if self.answers.is_empty() { self.missed.swap(0, Ordering::Relaxed) } else { 0 };
                    if missed > 0 {
                        let missed = Answer { id, reply: Reply::News(News::Missed(missed)) };
                        self.write.write_all(line_of(&missed).as_bytes()).await?;
                    }
                }
                read = self.lines.read(&mut ignored) => {
                    if read? == 0 {
                        return Ok(());
                    }
                }
            }
        }
    }
}

/// Whether the answer depends on which links there are, others' too: it lists them, or they may be missing in a commit.
fn concerns_links(request: &Request) -> bool {
    match request {
        Request::Check { .. } | Request::Commit { .. } | Request::Names { .. } => true,
        Request::Show(show) => matches!(
            show,
            Show::Interfaces { .. }
                | Show::InterfaceDetails
                | Show::InterfaceCounters { .. }
                | Show::NeighborTable { .. }
        ),
        _ => false,
    }
}

/// What a client says of itself, fit for one line of the log.
fn word(text: &str) -> String {
    text.chars().filter(|letter| !letter.is_whitespace() && !letter.is_control()).take(32).collect()
}

async fn write_answer(write: &mut (impl AsyncWriteExt + Unpin), answer: &Answer) -> io::Result<()> {
    timeout(PATIENCE, write.write_all(line_of(answer).as_bytes())).await?
}

fn line_of(answer: &Answer) -> String {
    codec::encode_answer(answer).unwrap_or_else(|error| {
        let reply = Reply::Error(ApiError::new("too-long", error.to_string()));
        codec::encode_answer(&Answer { id: answer.id, reply }).unwrap_or_default()
    })
}
