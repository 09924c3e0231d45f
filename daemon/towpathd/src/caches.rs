//! RPKI caches: one task for each asks it over TCP, and tells the engine what came of it.
//!
//! The conversation itself is `rpki::Client`'s, so that a large answer is decoded and sorted here, beside the loop.
//! Never decides whose data counts.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Instant;

use engine::validation::CacheTarget;
use engine::{CacheNews, Event};
use rpki::{Client, Input, Output};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;

use crate::run::{Inbox, READ_SIZE};

/// The tasks, by their caches.
pub(crate) struct Caches {
    inbox: Inbox,
    tasks: BTreeMap<IpAddr, JoinHandle<()>>,
}

impl Caches {
    /// None yet.
    pub(crate) fn new(inbox: Inbox) -> Self {
        Self { inbox, tasks: BTreeMap::new() }
    }

    /// Asks a cache from now on, or no longer.
    pub(crate) fn ask(&mut self, address: IpAddr, target: Option<CacheTarget>) {
        let task = target.map(|target| tokio::spawn(converse(address, target, self.inbox.clone())));
        let before = match task {
            Some(task) => self.tasks.insert(address, task),
            None => self.tasks.remove(&address),
        };
        if let Some(before) = before {
            before.abort();
        }
    }
}

/// Everything that one cache and its client have to do with each other.
async fn converse(address: IpAddr, target: CacheTarget, inbox: Inbox) {
    let mut client = Client::new(target.settings, Instant::now());
    let mut stream: Option<TcpStream> = None;
    let mut octets = vec![0; READ_SIZE];
    loop {
        let now = Instant::now();
        let due = client.deadline().unwrap_or(now);
        let mut out = Vec::new();
        let read = async {
            match &mut stream {
                Some(stream) => stream.read(&mut octets).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = tokio::time::sleep_until(due.into()) => client.handle(Instant::now(), Input::Tick, &mut out),
            read = read => match read {
                Ok(0) => client.handle(Instant::now(), Input::Closed("the cache closed the connection".to_owned()), &mut out),
                Ok(count) => {
                    client.handle(Instant::now(), Input::Octets(octets.get(..count).unwrap_or_default()), &mut out);
                }
                Err(error) => client.handle(Instant::now(), Input::Closed(kernel::words(&error)), &mut out),
            },
        }
        carry_out(address, target, out, (&mut client, &mut stream), &inbox).await;
    }
}

/// Does what the client wants, and what it wants of that.
async fn carry_out(
    address: IpAddr,
    target: CacheTarget,
    mut out: Vec<Output>,
    (client, stream): (&mut Client, &mut Option<TcpStream>),
    inbox: &Inbox,
) {
    while !out.is_empty() {
        let mut more = Vec::new();
        for output in out {
            match output {
                Output::Connect => {
                    let limit = client.deadline().unwrap_or_else(Instant::now);
                    let dialled = tokio::time::timeout_at(limit.into(), TcpStream::connect(target.remote)).await;
                    let heard = match dialled {
                        Ok(Ok(open)) => {
                            *stream = Some(open);
                            Input::Connected
                        }
                        Ok(Err(error)) => Input::Closed(kernel::words(&error)),
                        Err(_) => Input::Tick,
                    };
                    client.handle(Instant::now(), heard, &mut more);
                }
                Output::Send(octets) => {
                    // A few octets at a time: a cache that does not take them is not heard of again either, and left.
                    if let Some(open) = stream
                        && let Err(error) = open.write_all(&octets).await
                    {
                        client.handle(Instant::now(), Input::Closed(kernel::words(&error)), &mut more);
                    }
                }
                Output::Close => *stream = None,
                Output::Synchronized(said) => {
                    inbox.push(Event::Cache(address, CacheNews::Synchronized(Box::new(said))));
                }
                Output::Flush => inbox.push(Event::Cache(address, CacheNews::Flush)),
                Output::Status(status) => inbox.push(Event::Cache(address, CacheNews::Status(status))),
            }
        }
        out = more;
    }
}
