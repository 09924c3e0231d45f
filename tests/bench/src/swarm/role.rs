//! The process of the swarm: all senders and receivers of a measurement, inside one namespace, on one thread.
//!
//! It takes one command a line on its standard input, answering each with one line: `ok WORDS…` or `error WORDS…`.
//! Times are stamps of [`crate::clock`]. It never encodes while a time is taken.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use tokio::runtime::{Builder, Runtime};

use super::session::{Session, Wanted};
use super::tally::{Expected, Goal, Tally};
use crate::clock::Stamp;
use crate::feed::Feed;

/// Obeys commands until the input ends.
pub(crate) fn run(words: &[String]) -> Result<()> {
    let [daemon] = words else { bail!("a swarm needs the daemon's address") };
    let mut swarm = Swarm {
        daemon: daemon.parse()?,
        runtime: Builder::new_multi_thread().worker_threads(1).enable_all().build()?,
        feed: None,
        senders: Vec::new(),
        receivers: Vec::new(),
        watchers: Vec::new(),
    };
    for line in std::io::stdin().lines() {
        let line = line.context("reading a command")?;
        match swarm.obey(line.trim()) {
            Ok(answer) => println!("ok {answer}"),
            Err(error) => println!("error {error:#}"),
        }
    }
    Ok(())
}

struct Swarm {
    daemon: Ipv4Addr,
    runtime: Runtime,
    feed: Option<(Arc<Feed>, Arc<Expected>)>,
    senders: Vec<Sender>,
    receivers: Vec<Session>,
    /// Sessions of which nothing counts but that they live.
    watchers: Vec<Session>,
}

struct Sender {
    session: Session,
    announce: Arc<Vec<u8>>,
    withdraw: Arc<Vec<u8>>,
}

impl Swarm {
    fn obey(&mut self, line: &str) -> Result<String> {
        let (command, words) = line.split_once(' ').unwrap_or((line, ""));
        match command {
            "feed" => {
                let feed = Arc::new(Feed::new(words.parse()?)?);
                self.feed = Some((Arc::clone(&feed), Arc::new(Expected::of(feed))));
                Ok(String::new())
            }
            "send" => self.sender(&words.split_whitespace().collect::<Vec<_>>()),
            "receive" => self.receiver(&words.split_whitespace().collect::<Vec<_>>()),
            "announce" => self.start(Goal::Converged, |sender| &sender.announce),
            "withdraw" => self.start(Goal::Empty, |sender| &sender.withdraw),
            "await" => self.reached(Duration::from_secs(words.parse()?)),
            "counts" => self.counts(),
            "watch" => self.watcher(&words.split_whitespace().collect::<Vec<_>>()),
            "signs" => Ok(self.signs()),
            "close" => self.close(),
            "silence" => self.silence(Duration::from_millis(words.parse()?)),
            _ => bail!("unknown command {line:?}"),
        }
    }

    /// `ADDRESS AS HOLD internal|external`: encodes everything, then opens the session.
    fn sender(&mut self, words: &[&str]) -> Result<String> {
        let [own, asn, hold_time, relation] = words else { bail!("a sender has four words") };
        let wanted = self.wanted(own, asn, hold_time)?;
        let (feed, _) = self.feed.as_ref().context("there is no feed yet")?;
        let number = u32::try_from(self.senders.len())?;
        let announce = Arc::new(feed.announcements(number, *relation == "internal", wanted.own));
        let withdraw = Arc::new(feed.withdrawals(number));
        let session = self.runtime.block_on(Session::open(wanted, None))?;
        let octets = announce.len();
        self.senders.push(Sender { session, announce, withdraw });
        Ok(octets.to_string())
    }

    /// `ADDRESS AS HOLD`
    fn receiver(&mut self, words: &[&str]) -> Result<String> {
        let [own, asn, hold_time] = words else { bail!("a receiver has three words") };
        let wanted = self.wanted(own, asn, hold_time)?;
        let (_, expected) = self.feed.as_ref().context("there is no feed yet")?;
        let tally = Tally::new(Arc::clone(expected));
        self.receivers.push(self.runtime.block_on(Session::open(wanted, Some(tally)))?);
        Ok(String::new())
    }

    /// `ADDRESS AS HOLD`
    fn watcher(&mut self, words: &[&str]) -> Result<String> {
        let [own, asn, hold_time] = words else { bail!("a watcher has three words") };
        let wanted = self.wanted(own, asn, hold_time)?;
        self.watchers.push(self.runtime.block_on(Session::open(wanted, None))?);
        Ok(String::new())
    }

    /// The stamps of what came to watchers since it was last asked.
    fn signs(&self) -> String {
        let stamps = self.watchers.iter().flat_map(Session::signs);
        stamps.map(|stamp| stamp.0.to_string()).collect::<Vec<_>>().join(" ")
    }

    /// Ends the last sender's connection as a kernel does when a program dies.
    fn close(&mut self) -> Result<String> {
        let stamp = Stamp::now();
        drop(self.senders.pop().context("nobody sends")?);
        Ok(stamp.0.to_string())
    }

    /// Waits until no receiver has heard anything for so long; answers with the stamp of the last that was heard.
    fn silence(&self, long: Duration) -> Result<String> {
        let long = u64::try_from(long.as_micros())?;
        let silent = || {
            let mut last = Stamp(0);
            for receiver in &self.receivers {
                last = last.max(receiver.tally(|tally| tally.last)?.unwrap_or(last));
            }
            Ok((Stamp::now().0.saturating_sub(last.0) > long).then_some(last))
        };
        let last = poll(Duration::from_secs(180), silent)?.context("the receivers are never silent")?;
        Ok(last.0.to_string())
    }

    fn wanted(&self, own: &str, asn: &str, hold_time: &str) -> Result<Wanted> {
        Ok(Wanted { own: own.parse()?, daemon: self.daemon, asn: asn.parse()?, hold_time: hold_time.parse()? })
    }

    /// Lets all senders go at once; answers with the stamp before the first octet.
    fn start(&self, goal: Goal, load: impl Fn(&Sender) -> &Arc<Vec<u8>>) -> Result<String> {
        for receiver in &self.receivers {
            receiver.tally(|tally| tally.aim(goal))?;
        }
        let began = Stamp::now();
        for sender in &self.senders {
            sender.session.send(Arc::clone(load(sender)))?;
        }
        Ok(began.0.to_string())
    }

    /// Waits until every receiver has what it waits for; answers with the stamp of the last one.
    fn reached(&self, patience: Duration) -> Result<String> {
        let reached = || {
            let mut last = Some(Stamp(0));
            for sender in &self.senders {
                sender.session.tally(|_| ())?;
            }
            for receiver in &self.receivers {
                let reached = receiver.tally(|tally| tally.reached())?.flatten();
                last = last.zip(reached).map(|(last, reached)| last.max(reached));
            }
            Ok(last)
        };
        let last = poll(patience, reached)?;
        last.map(|stamp| stamp.0.to_string()).with_context(|| self.what_is_missing(patience))
    }

    fn what_is_missing(&self, patience: Duration) -> String {
        let counts = self.receivers.first().and_then(|receiver| receiver.tally(|tally| tally.tell()).ok().flatten());
        format!("did not finish within {patience:?}; the first receiver has {}", counts.unwrap_or_default())
    }

    /// UPDATEs and prefixes that all receivers have read.
    fn counts(&self) -> Result<String> {
        let (mut updates, mut prefixes) = (0, 0);
        for receiver in &self.receivers {
            let counts = receiver.tally(|tally| (tally.updates, tally.prefixes))?.unwrap_or_default();
            updates += counts.0;
            prefixes += counts.1;
        }
        Ok(format!("{updates} {prefixes}"))
    }
}

/// Asks every other millisecond, until there is an answer or the time is over.
fn poll(patience: Duration, ask: impl Fn() -> Result<Option<Stamp>>) -> Result<Option<Stamp>> {
    let end = Instant::now() + patience;
    loop {
        match ask()? {
            Some(stamp) => return Ok(Some(stamp)),
            None if Instant::now() > end => return Ok(None),
            None => std::thread::sleep(Duration::from_millis(2)),
        }
    }
}
