//! The steward's loop: one request after the other, from the daemon's user and from root alone.
//!
//! Never parses a configuration, and never talks to anybody over a network.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::UnixStream;
use tokio::time::timeout;

use super::LONGEST;
use super::language::{Answer, Errand, Request};
use crate::control;
use crate::credentials;
use crate::notices;
use crate::system::System;

/// How long somebody may take to say what is wanted.
const PATIENCE: Duration = Duration::from_secs(5);

/// Serves the daemon of this user to the end of the process.
///
/// # Errors
/// When there is no such user, or the socket cannot be made.
pub(crate) fn serve(socket: &Path, user: &str, mut system: System) -> Result<()> {
    let uid = credentials::number_of(user).with_context(|| format!("there is no user {user}"))?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let listener = control::bind(socket, 0o600, Some(uid))?;
        loop {
            let stream = match listener.accept().await {
                Ok((stream, _)) => stream,
                Err(error) => {
                    notices::complain(&format!("a request cannot be taken: {error}"));
                    tokio::time::sleep(PATIENCE).await;
                    continue;
                }
            };
            // One after the other: two programs for accounts would lock each other out.
            match stream.peer_cred() {
                Ok(known) if [0, uid].contains(&known.uid()) => converse(stream, &mut system).await,
                Ok(known) => notices::complain(&format!("refused: user {} asked", known.uid())),
                Err(error) => notices::complain(&format!("a client cannot be told from others: {error}")),
            }
        }
    })
}

async fn converse(mut stream: UnixStream, system: &mut System) {
    let (reader, mut writer) = stream.split();
    let mut line = String::new();
    let mut reader = BufReader::new(reader.take(LONGEST));
    let Ok(Ok(1..)) = timeout(PATIENCE, reader.read_line(&mut line)).await else { return };
    let answer = answer(&line, system).unwrap_or_else(|error| Answer { error: Some(error), ..Answer::default() });
    let text = serde_json::to_string(&answer).unwrap_or_default();
    // Whoever does not listen any more has gone on without the answer.
    let _ = timeout(PATIENCE, writer.write_all(format!("{text}\n").as_bytes())).await;
}

fn answer(line: &str, system: &mut System) -> Result<Answer, String> {
    let request: Request = serde_json::from_str(line).map_err(|error| format!("no request: {error}"))?;
    match request.judged()? {
        Errand::Held => Ok(system.held()?.into()),
        Errand::Step(_, Some(user)) if !system.held()?.accounts.contains(&user) => {
            Err(format!("account {user} is not the configuration's"))
        }
        Errand::Step(step, _) => system.carry_out(&step).map(|()| Answer::default()),
    }
}
