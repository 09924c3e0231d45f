//! Those who are asked whether they live, beside the sessions of BFD.
//!
//! Never decides who is dead: `bfd::liveness` does.

use std::os::fd::BorrowedFd;
use std::time::Instant;

use bfd::liveness::{Health, Target, Watches, Wishes};
use kernel::probe::Prober;

pub(super) struct Probes {
    prober: Prober,
    watches: Watches,
    /// What has become of whom, and is not told yet.
    changed: Vec<(Target, Health)>,
    /// It is told that somebody cannot be asked.
    told: bool,
}

impl Probes {
    pub(super) fn new(seed: u32) -> Self {
        let id = u16::try_from(seed & 0xffff).unwrap_or_default();
        Self { prober: Prober::new(id), watches: Watches::default(), changed: Vec::new(), told: false }
    }

    /// Asks these and no others.
    pub(super) fn want(&mut self, wishes: &Wishes) {
        self.watches.want(Instant::now(), wishes);
        self.prober.retain(|target| wishes.contains_key(target));
    }

    pub(super) fn deadline(&self) -> Option<Instant> {
        self.watches.deadline()
    }

    pub(super) fn readable(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        self.prober.readable()
    }

    pub(super) fn writable(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        self.prober.writable()
    }

    /// Takes in what has come.
    pub(super) fn read(&mut self) {
        let (watches, changed) = (&mut self.watches, &mut self.changed);
        self.prober.answers(|answer| changed.extend(watches.answered(&answer)));
    }

    /// Asks whose turn it is. Answers what somebody should know, once.
    pub(super) fn tick(&mut self, now: Instant) -> Option<String> {
        let mut due = Vec::new();
        self.changed.extend(self.watches.tick(now, |target, asker| due.push((target, asker))));
        let mut problem = None;
        for (target, asker) in &due {
            if let Err(error) = self.prober.ask(*target, *asker) {
                self.watches.not_asked(target);
                let why = kernel::words(&error);
                problem = Some(format!("{} cannot be asked whether it lives: {why}", target.host));
            }
        }
        if due.is_empty() || problem.is_some() == self.told {
            return None;
        }
        self.told = problem.is_some();
        problem
    }

    /// What has become of whom since it was asked last.
    pub(super) fn changes(&mut self) -> Vec<(Target, Health)> {
        std::mem::take(&mut self.changed)
    }
}
