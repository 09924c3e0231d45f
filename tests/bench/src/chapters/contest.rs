//! What several daemons do in turn: the sessions, the load, and what each of them took.
//!
//! The daemons take turns, so that a slow minute of the machine is a slow minute for all. It never measures one daemon
//! while another one runs.

use std::time::{Duration, Instant};

use anyhow::Result;
use scenarios::lab::Lab;

use crate::daemons::{ASN, Daemon, Job, Kind};
use crate::feed::{FIRST_AS, Recipe, Shape};
use crate::report::{Column, Contest, Entrant, Report};
use crate::swarm::{self, DAEMON, Peer, Swarm, address};

/// The AS of the receivers.
const RECEIVERS: u32 = 64999;
const HOLD_TIME: u16 = 180;

const COLUMNS: &[Column] = &[
    Column { name: "all routes there", unit: "s", compared: true },
    Column { name: "all gone", unit: "s", compared: true },
    Column { name: "peak memory", unit: "MiB", compared: true },
    Column { name: "CPU", unit: "s", compared: true },
    Column { name: "UPDATEs", unit: "", compared: false },
    Column { name: "prefixes in them", unit: "", compared: false },
];

/// A work that daemons are given.
#[derive(Debug, Clone)]
pub(super) struct Work {
    /// What their paths are like.
    pub(super) shape: Shape,
    /// Senders.
    pub(super) senders: u8,
    /// Routes of each sender.
    pub(super) routes: u32,
    /// Receivers.
    pub(super) receivers: u8,
    /// Whether the daemon reflects routes between internal clients.
    pub(super) reflects: bool,
    /// Whether the routes are withdrawn in the end.
    pub(super) withdraws: bool,
    /// After which a daemon did not finish.
    pub(super) patience: Duration,
}

impl Work {
    /// As a heading.
    pub(super) fn title(&self) -> String {
        let (senders, routes, receivers) = (self.senders, thousands(self.routes), self.receivers);
        let plural = |count: u8| if count == 1 { "" } else { "s" };
        let what = if self.reflects { "Route reflector: " } else { "" };
        let same = if senders == 1 { "" } else { "the same " };
        let what = if self.shape == Shape::Real { "A real feed: " } else { what };
        format!(
            "{what}{senders} peer{} × {same}{routes} routes → {receivers} receiver{}",
            plural(senders),
            plural(receivers)
        )
    }

    /// The senders and behind them the receivers.
    pub(super) fn peers(&self) -> Vec<Peer> {
        let sender = |number: u8| Peer {
            address: address(number),
            asn: if self.reflects { ASN } else { FIRST_AS + u32::from(number) },
            sends: true,
            hold_time: HOLD_TIME,
        };
        let receiver = |number: u8| Peer {
            address: address(self.senders + number),
            asn: if self.reflects { ASN } else { RECEIVERS },
            sends: false,
            hold_time: HOLD_TIME,
        };
        (0..self.senders).map(sender).chain((0..self.receivers).map(receiver)).collect()
    }

    /// What the senders announce to a daemon of this kind.
    pub(super) fn recipe(&self, kind: Kind) -> Recipe {
        let prepended = if self.reflects { 0 } else { kind.prepends() };
        Recipe { routes: self.routes, senders: u32::from(self.senders), shape: self.shape, prepended }
    }
}

/// Lets each daemon do the work as often as is told, in turn, and adds what they took.
pub(super) fn contest(
    chapter: &'static str,
    work: &Work,
    entrants: &[(Kind, usize)],
    report: &mut Report,
) -> Result<()> {
    let lab = Lab::new()?;
    let mut contest = Contest::new(chapter, work.title(), COLUMNS);
    let named = |(kind, _): &(Kind, usize)| Entrant { name: kind.name().into(), runs: Vec::new(), failure: None };
    contest.entrants = entrants.iter().map(named).collect();
    let rounds = entrants.iter().map(|(_, runs)| *runs).max().unwrap_or(0);
    for round in 0..rounds {
        for ((kind, runs), entrant) in entrants.iter().zip(&mut contest.entrants) {
            if round >= *runs || entrant.failure.is_some() {
                continue;
            }
            renew(&lab)?;
            entrant.note(once(&lab, *kind, work));
        }
    }
    report.compare(contest);
    Ok(())
}

/// A fresh router for the next daemon, and a client with all its addresses that has forgotten the old one.
pub(super) fn renew(lab: &Lab) -> Result<()> {
    lab.reboot_router()?;
    swarm::addresses(lab)
}

/// One run of one daemon: seconds until all is there and until all is gone, peak memory, CPU seconds,
/// and in how many UPDATEs and prefixes the receivers were told.
fn once(lab: &Lab, kind: Kind, work: &Work) -> Result<Vec<f64>> {
    let job = Job { router: DAEMON, peers: work.peers(), reflects: work.reflects, kernel: false, paths: None };
    let mut daemon = kind.start(lab, &job)?;
    let mut swarm = Swarm::start(lab)?;
    let done = run(&mut swarm, &daemon, kind, work, &job.peers);
    daemon.explain(done)
}

fn run(swarm: &mut Swarm, daemon: &Daemon, kind: Kind, work: &Work, peers: &[Peer]) -> Result<Vec<f64>> {
    swarm.connect(work.recipe(kind), peers, ASN)?;
    rest(daemon)?;
    let idle_cpu = daemon.cpu_seconds()?;
    let began = swarm.announce()?;
    let there = swarm.reached(work.patience)?.milliseconds_since(began) / 1e3;
    // What is still told to the senders belongs to the announcement, not to the withdrawal.
    rest(daemon)?;
    let counts = swarm.counts()?;
    let gone = if work.withdraws {
        let began = swarm.withdraw()?;
        let gone = swarm.reached(work.patience)?.milliseconds_since(began) / 1e3;
        rest(daemon)?;
        gone
    } else {
        f64::NAN
    };
    let cpu = daemon.cpu_seconds()? - idle_cpu;
    Ok(vec![there, gone, daemon.peak()?, cpu, counts.updates, counts.prefixes])
}

/// Waits until the daemon has nothing to do, half a minute at most.
pub(super) fn rest(daemon: &Daemon) -> Result<()> {
    rest_of(daemon, Duration::from_secs(30))
}

/// Waits until the daemon has nothing to do, so long at most.
pub(super) fn rest_of(daemon: &Daemon, most: Duration) -> Result<()> {
    let end = Instant::now() + most;
    let mut used = daemon.cpu_seconds()?;
    while Instant::now() < end {
        std::thread::sleep(Duration::from_millis(300));
        let now = daemon.cpu_seconds()?;
        // The clock of CPU time ticks in hundredths.
        if now - used < 0.015 {
            return Ok(());
        }
        used = now;
    }
    Ok(())
}

/// `1,000,000`
pub(super) fn thousands(number: u32) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped_for_reading() {
        for (number, expected) in [(7, "7"), (1_000, "1,000"), (123_456, "123,456"), (1_000_000, "1,000,000")] {
            assert_eq!(thousands(number), expected);
        }
    }
}
