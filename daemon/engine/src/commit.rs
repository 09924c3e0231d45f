//! The commit as a state machine: journal, steps, and, where one fails, the way back.
//!
//! It orders one thing at a time and waits for the answer. It never carries out a step itself,
//! so that every point of failure can be tried in a test.

#[cfg(test)]
pub(crate) mod tests;

use api::reply::Problem;
use config::model::Model;
use config::store::{JournalRecord, RevisionRecord, Unconfirmed};
use config::tree::Tree;

use crate::event::{AskId, StepId};
use crate::plan::Step;

/// Why there is a commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Somebody asked for it, on this terminal.
    Asked(AskId, Option<String>),
    /// Nobody confirmed an earlier one in time.
    Deadline,
}

/// A commit under way.
#[derive(Debug)]
pub struct Commit {
    proposal: Proposal,
    next_step: StepId,
    stage: Stage,
}

#[derive(Debug)]
enum Stage {
    /// What has to be known to take the commit back is on its way to the disk.
    Announcing,
    /// The pending record is on its way to the disk.
    Opening,
    /// Step `index` is being carried out under number `id`.
    Applying { index: usize, id: StepId },
    /// Step `index` is being undone under number `id`.
    Undoing { index: usize, id: StepId, failure: Failure },
    /// The last record is on its way to the disk.
    Closing(Outcome),
}

/// What went wrong, and what could not be undone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The step that failed, in words.
    pub step: String,
    /// Why, in words.
    pub reason: String,
    /// Steps that could not be undone, with the reasons.
    pub stuck: Vec<String>,
}

/// What the machine wants done next.
#[derive(Debug, PartialEq, Eq)]
pub enum Order {
    /// Make this durable; answer with [`Commit::journaled`].
    Journal(JournalRecord),
    /// Carry this out, forwards or (`undo`) with the old configuration; answer with [`Commit::step_done`].
    Step {
        /// Its number.
        id: StepId,
        /// What to do.
        step: Step,
        /// The way back.
        undo: bool,
    },
    /// Nothing more: the commit is over.
    Finished(Outcome),
    /// Nothing now: the answer was not for this machine.
    Wait,
}

/// How a commit ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Every step is done.
    Committed,
    /// A step failed and everything before it was undone (or is `stuck`).
    RolledBack(Failure),
}

/// What a commit is made of.
#[derive(Debug)]
pub struct Proposal {
    /// Why there is a commit.
    pub origin: Origin,
    /// How it is taken back, if it has to be confirmed.
    pub confirm: Option<Unconfirmed>,
    /// How many revisions are kept from now on.
    pub keep: u16,
    /// What goes into the journal.
    pub record: RevisionRecord,
    /// The new configuration.
    pub tree: Tree,
    /// The same, typed.
    pub model: Model,
    /// What the person should hear although it is no error.
    pub warnings: Vec<Problem>,
    /// The plan.
    pub steps: Vec<Step>,
}

impl Commit {
    /// Begins: the pending record comes before the first step, so that a crash is known at the next start.
    #[must_use]
    pub fn begin(proposal: Proposal, next_step: StepId) -> (Self, Order) {
        let (stage, record) = match &proposal.confirm {
            Some(unconfirmed) => (Stage::Announcing, JournalRecord::Unconfirmed(unconfirmed.clone())),
            None => (Stage::Opening, JournalRecord::Pending(proposal.record.clone())),
        };
        (Self { proposal, next_step, stage }, Order::Journal(record))
    }

    /// What the person said of the commit; peers that it shuts down are told (RFC 9003).
    #[must_use]
    pub fn comment(&self) -> Option<&str> {
        self.proposal.record.comment.as_deref()
    }

    /// The model that the commit wants.
    #[must_use]
    pub fn model(&self) -> &Model {
        &self.proposal.model
    }

    /// The first number that no step of this commit has used.
    #[must_use]
    pub fn next_step(&self) -> StepId {
        self.next_step
    }

    /// What is left when the commit is over: what it was made of, with the warnings that came on the way.
    #[must_use]
    pub fn into_proposal(self) -> Proposal {
        self.proposal
    }

    /// The journal answered. A store that cannot be written costs history, not the commit.
    pub fn journaled(&mut self, result: Result<(), String>) -> Order {
        if let Err(reason) = result {
            let what = match self.stage {
                Stage::Announcing => "the deadline would not survive a restart of the daemon",
                _ => "the revision is not recorded",
            };
            let warning = Problem { path: Vec::new(), message: format!("{what}: {reason}") };
            if !self.proposal.warnings.contains(&warning) {
                self.proposal.warnings.push(warning);
            }
        }
        match &self.stage {
            Stage::Announcing => {
                self.stage = Stage::Opening;
                Order::Journal(JournalRecord::Pending(self.proposal.record.clone()))
            }
            Stage::Opening => self.apply(0),
            Stage::Closing(outcome) => Order::Finished(outcome.clone()),
            Stage::Applying { .. } | Stage::Undoing { .. } => Order::Wait,
        }
    }

    /// A step answered.
    pub fn step_done(&mut self, done: StepId, result: Result<(), String>) -> Order {
        match &mut self.stage {
            Stage::Applying { index, id } if *id == done => {
                let index = *index;
                match result {
                    Ok(()) => self.apply(index.saturating_add(1)),
                    Err(reason) => {
                        let step = self.proposal.steps.get(index).map(ToString::to_string).unwrap_or_default();
                        self.undo(index, Failure { step, reason, stuck: Vec::new() })
                    }
                }
            }
            Stage::Undoing { index, id, failure } if *id == done => {
                let index = *index;
                let mut failure = failure.clone();
                if let (Err(reason), Some(step)) = (result, self.proposal.steps.get(index)) {
                    failure.stuck.push(format!("{}: {reason}", step.inverse()));
                }
                self.undo(index, failure)
            }
            Stage::Announcing | Stage::Opening | Stage::Applying { .. } | Stage::Undoing { .. } | Stage::Closing(_) => {
                Order::Wait
            }
        }
    }

    fn apply(&mut self, index: usize) -> Order {
        let Some(step) = self.proposal.steps.get(index).cloned() else {
            let committed =
                JournalRecord::Committed { revision: self.proposal.record.revision, keep: self.proposal.keep };
            return self.close(Outcome::Committed, committed);
        };
        let id = self.number();
        self.stage = Stage::Applying { index, id };
        Order::Step { id, step, undo: false }
    }

    /// Undoes everything below `index`, the highest first.
    fn undo(&mut self, index: usize, failure: Failure) -> Order {
        let below = index.checked_sub(1).and_then(|below| Some((below, self.proposal.steps.get(below)?.inverse())));
        let Some((below, step)) = below else {
            let revision = self.proposal.record.revision;
            return self.close(Outcome::RolledBack(failure), JournalRecord::Aborted(revision));
        };
        let id = self.number();
        self.stage = Stage::Undoing { index: below, id, failure };
        Order::Step { id, step, undo: true }
    }

    fn close(&mut self, outcome: Outcome, record: JournalRecord) -> Order {
        self.stage = Stage::Closing(outcome);
        Order::Journal(record)
    }

    fn number(&mut self) -> StepId {
        let id = self.next_step;
        self.next_step = StepId(id.0.wrapping_add(1));
        id
    }
}
