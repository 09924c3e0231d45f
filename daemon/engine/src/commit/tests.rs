//! Every plan is failed at every step, and the world has to be what it was.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test may fail loudly"
)]

use std::collections::BTreeSet;

use nouns::Revision;

use super::*;
use crate::event::ClientId;

/// A world that remembers which addresses are there, as text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct FakeWorld {
    addresses: BTreeSet<String>,
    host_name: Option<String>,
    listening: bool,
}

impl FakeWorld {
    fn carry_out(&mut self, step: &Step) {
        match step {
            Step::Address { address, add: true, .. } => assert!(self.addresses.insert(address.to_string())),
            Step::Address { address, add: false, .. } => assert!(self.addresses.remove(&address.to_string())),
            Step::HostName { from, to } => {
                assert_eq!(self.host_name, *from);
                self.host_name.clone_from(to);
            }
            Step::Listener { open } => {
                assert_ne!(self.listening, *open);
                self.listening = *open;
            }
            other => panic!("not in this plan: {other}"),
        }
    }
}

fn steps() -> Vec<Step> {
    let address =
        |text: &str| Step::Address { name: "eth0".parse().unwrap(), address: text.parse().unwrap(), add: true };
    vec![
        Step::HostName { from: None, to: Some("r1".to_owned()) },
        address("192.0.2.1/24"),
        address("192.0.2.2/24"),
        Step::Listener { open: true },
    ]
}

fn proposal(steps: Vec<Step>) -> Proposal {
    Proposal {
        origin: Origin::Asked(AskId { client: ClientId(1), id: 1 }, None),
        confirm: None,
        keep: 100,
        record: RevisionRecord {
            revision: Revision(7),
            time: 0,
            user: "admin".to_owned(),
            via: "cli".to_owned(),
            comment: None,
            text: String::new(),
        },
        tree: Tree::default(),
        model: Model::default(),
        warnings: Vec::new(),
        steps,
    }
}

/// Runs a commit whose `fail`th forward step is refused; answers the world, the outcome and the journal.
fn run(fail: Option<usize>) -> (FakeWorld, Outcome, Vec<JournalRecord>) {
    let mut world = FakeWorld::default();
    let (outcome, journal) = drive(steps(), fail, |step| world.carry_out(step));
    (world, outcome, journal)
}

/// Runs a commit of these steps whose `fail`th forward step is refused; answers the outcome and the journal.
pub(crate) fn drive(
    steps: Vec<Step>,
    fail: Option<usize>,
    mut carry_out: impl FnMut(&Step),
) -> (Outcome, Vec<JournalRecord>) {
    let mut journal = Vec::new();
    let (mut commit, mut order) = Commit::begin(proposal(steps), StepId(0));
    let mut forward = 0;
    loop {
        order = match order {
            Order::Journal(record) => {
                journal.push(record);
                commit.journaled(Ok(()))
            }
            Order::Step { id, step, undo } => {
                let refuse = !undo && Some(forward) == fail;
                forward += usize::from(!undo);
                if !refuse {
                    carry_out(&step);
                }
                commit.step_done(id, if refuse { Err("refused".to_owned()) } else { Ok(()) })
            }
            Order::Finished(outcome) => return (outcome, journal),
            Order::Wait => panic!("the machine must not stop on its own"),
        };
    }
}

#[test]
fn a_commit_without_failure_does_every_step_and_is_recorded() {
    let (world, outcome, journal) = run(None);
    assert_eq!(outcome, Outcome::Committed);
    assert_eq!(world.addresses.len(), 2);
    assert!(world.listening);
    assert!(matches!(
        journal[..],
        [JournalRecord::Pending(_), JournalRecord::Committed { revision: Revision(7), keep: 100 }]
    ));
}

#[test]
fn a_failure_at_any_step_leaves_the_world_as_it_was() {
    for k in 0..steps().len() {
        let (world, outcome, journal) = run(Some(k));
        assert_eq!(world, FakeWorld::default(), "failing at step {k}");
        let Outcome::RolledBack(failure) = outcome else { panic!("step {k} failed, yet the commit went through") };
        assert_eq!((failure.step, failure.stuck.len()), (steps()[k].to_string(), 0));
        assert!(matches!(journal.last(), Some(JournalRecord::Aborted(Revision(7)))));
    }
}

#[test]
fn a_step_that_cannot_be_undone_is_told_and_the_others_are_still_undone() {
    let (mut commit, _) = Commit::begin(proposal(steps()), StepId(0));
    let mut order = commit.journaled(Ok(()));
    let mut undone = Vec::new();
    let outcome = loop {
        order = match order {
            Order::Step { id, step, undo: false } => {
                let last = matches!(step, Step::Listener { .. });
                commit.step_done(id, if last { Err("port in use".to_owned()) } else { Ok(()) })
            }
            Order::Step { id, step, undo: true } => {
                undone.push(step.to_string());
                commit.step_done(id, if undone.len() == 1 { Err("busy".to_owned()) } else { Ok(()) })
            }
            Order::Journal(_) => commit.journaled(Ok(())),
            Order::Finished(outcome) => break outcome,
            Order::Wait => panic!("the machine must not stop on its own"),
        };
    };
    let Outcome::RolledBack(failure) = outcome else { panic!("the listener failed") };
    assert_eq!(failure.stuck, ["remove address 192.0.2.2/24 from eth0: busy"]);
    assert_eq!(undone.len(), 3);
}

#[test]
fn a_store_that_cannot_be_written_costs_history_and_not_the_commit() {
    let (mut commit, _) = Commit::begin(Proposal { steps: Vec::new(), ..proposal(steps()) }, StepId(0));
    assert!(matches!(commit.journaled(Err("disk full".to_owned())), Order::Journal(JournalRecord::Committed { .. })));
    assert_eq!(commit.journaled(Err("disk full".to_owned())), Order::Finished(Outcome::Committed));
    let warnings = commit.into_proposal().warnings;
    let warnings: Vec<&str> = warnings.iter().map(|warning| warning.message.as_str()).collect();
    assert_eq!(warnings, ["the revision is not recorded: disk full"]);
}

#[test]
fn an_answer_to_an_older_step_is_ignored() {
    let (mut commit, _) = Commit::begin(proposal(steps()), StepId(5));
    assert!(matches!(commit.journaled(Ok(())), Order::Step { id: StepId(5), .. }));
    assert_eq!(commit.step_done(StepId(4), Ok(())), Order::Wait);
}
