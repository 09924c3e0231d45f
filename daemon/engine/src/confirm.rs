//! Commits that have to be confirmed: until when, what takes them back, and how that is told.
//!
//! The deadline is an answer of the engine, and what it needs is durable before the first step of the commit, so that
//! neither a crash nor a restart of the daemon forgets it. Taking back goes the way of every commit. Never reboots.

use std::time::{Duration, Instant};

use api::reply::PendingConfirm;
use api::{ApiError, News, Reply};
use config::check::{self, ConfigError};
use config::model::Model;
use config::parse::Parsed;
use config::store::{JournalRecord, Unconfirmed};
use config::{Below, Tree, print, take_back};
use nouns::Revision;

use crate::commit::{Failure, Origin, Proposal};
use crate::effect::{Effect, Notice};
use crate::engine::{Engine, RETRY_AFTER};
use crate::event::{AskId, Caller, Moment};
use crate::journal::Written;
use crate::plan;

/// How the notice begins that a person finds who comes too late.
const TAKEN_BACK: &str = "not confirmed in time: ";
/// Through what a rollback is committed.
const VIA: &str = "commit-confirm";
/// Whose commit a rollback is.
const USER: &str = "root";

/// A commit that has to be confirmed.
#[derive(Clone, Debug)]
pub(crate) struct Confirming {
    revision: Revision,
    user: String,
    span: u64,
    until: u64,
    due: Instant,
    /// It was tried to take it back, and did not succeed.
    tried: bool,
    before: Tree,
    after: Tree,
}

impl Confirming {
    /// From what was written for the commit, and the trees before and after it.
    pub(crate) fn new(unconfirmed: &Unconfirmed, due: Instant, before: Tree, after: Tree) -> Self {
        let Unconfirmed { revision, user, span, until, .. } = unconfirmed;
        Self { revision: *revision, user: user.clone(), span: *span, until: *until, due, tried: false, before, after }
    }

    /// As others are told.
    pub(crate) fn pending(&self) -> PendingConfirm {
        PendingConfirm { revision: self.revision, user: self.user.clone(), until: self.until }
    }

    /// What a person is told whose own commit does not wait for that.
    pub(crate) fn warning(&self, at: Moment) -> String {
        format!(
            "revision {} by {} waits to be confirmed and is taken back in {}; this commit stays either way",
            self.revision,
            self.user,
            minutes(self.until.saturating_sub(at.unix))
        )
    }
}

/// `10 minutes`, rounded up.
fn minutes(seconds: u64) -> String {
    api::text::count(seconds.div_ceil(60), "minute", "minutes")
}

impl Engine {
    /// The commit that waits to be confirmed.
    pub(crate) fn pending_confirm(&self) -> Option<PendingConfirm> {
        self.confirm.as_ref().map(Confirming::pending)
    }

    /// When the pending commit is taken back; not while another one is under way, which ends by itself.
    pub(crate) fn confirm_deadline(&self) -> Option<Instant> {
        self.confirm.as_ref().filter(|_| self.commit.is_none()).map(|confirming| confirming.due)
    }

    /// What a commit that has to be confirmed within so many minutes needs to be taken back.
    pub(crate) fn unconfirmed(
        &self,
        at: Moment,
        (revision, user): (Revision, &str),
        minutes: u32,
        after: &str,
    ) -> Unconfirmed {
        let span = u64::from(minutes).saturating_mul(60);
        Unconfirmed {
            revision,
            user: user.to_owned(),
            span,
            until: at.unix.saturating_add(span),
            before: print::file(&self.running.tree),
            after: after.to_owned(),
        }
    }

    /// `confirm`: what waits stays. The answer comes once that is durable.
    pub(crate) fn confirm(&mut self, at: Moment, ask: AskId, caller: &Caller, out: &mut Vec<Effect>) {
        let Some(confirming) = self.confirm.take_if(|_| !self.taking_back) else {
            let error = ApiError::new("no-confirm-pending", "No confirm pending");
            let error = if self.taking_back { error.hint("it was not confirmed in time") } else { error };
            out.push(Effect::Answer(ask, Reply::Error(error)));
            return;
        };
        let revision = confirming.revision;
        self.notice(at, Notice::info(format!("revision {revision} confirmed by {caller}")), out);
        let Caller { user, via, tty, .. } = caller.clone();
        let news = News::Confirmed { time: at.unix, revision, user, via, tty };
        self.tell_commits(&news, out);
        self.write(JournalRecord::Settled, Written::Confirmed(ask, revision), out);
    }

    /// The confirmation is durable, or is not.
    pub(crate) fn confirmed(
        &mut self,
        at: Moment,
        (ask, revision): (AskId, Revision),
        result: Result<(), String>,
        out: &mut Vec<Effect>,
    ) {
        let sentence = match result {
            Ok(()) => String::new(),
            Err(reason) => {
                let text = format!(
                    "revision {revision} is confirmed, but that is not recorded: {reason}; \
                     a daemon that crashes now would take it back"
                );
                self.notice(at, Notice::warning(text.clone()), out);
                text
            }
        };
        out.push(Effect::Answer(ask, Reply::Done(sentence)));
    }

    /// Takes up a deadline of the daemon that died, or lays it aside when its commit is not active any more.
    pub(crate) fn resume_confirm(&mut self, at: Moment, found: &Unconfirmed, active: bool, out: &mut Vec<Effect>) {
        if !active {
            let text = format!(
                "revision {} by {} was not confirmed before the restart and is not active",
                found.revision, found.user
            );
            self.notice(at, Notice::info(text), out);
            self.write(JournalRecord::Settled, Written::Settled, out);
            return;
        }
        // A clock that was set back must not give more time than there was.
        let left = found.until.saturating_sub(at.unix).min(found.span);
        let due = at.instant + Duration::from_secs(left);
        let [before, after] = [&found.before, &found.after].map(|text| Tree::load(text).tree);
        self.confirm = Some(Confirming::new(found, due, before, after));
        let text = format!(
            "revision {} by {} waits to be confirmed and is taken back in {}",
            found.revision,
            found.user,
            minutes(left)
        );
        self.notice(at, Notice::warning(text), out);
    }

    /// Takes the pending commit back when its time is over.
    pub(crate) fn expire_confirm(&mut self, at: Moment, out: &mut Vec<Effect>) {
        if self.confirm_deadline().is_none_or(|due| due > at.instant) {
            return;
        }
        let Some(confirming) = self.confirm.clone() else { return };
        let (tree, model, whole) = self.without(&confirming);
        if tree == self.running.tree {
            self.taken_back(at, &confirming, out);
            return;
        }
        if whole && !confirming.tried {
            let text = "what is left without the unconfirmed commit is not valid; everything since it is taken back";
            self.notice(at, Notice::warning(text), out);
        }
        let comment = format!(
            "revision {} by {} was not confirmed within {}",
            confirming.revision,
            confirming.user,
            minutes(confirming.span)
        );
        if !confirming.tried {
            self.notice(at, Notice::warning(format!("{comment}; it is taken back")), out);
        }
        self.taking_back = true;
        let revision = self.running.revision.next();
        let record = self.record(at, USER, VIA, Some(comment), revision, &tree);
        let steps = plan::plan(&self.running.model, &model, &self.world);
        let keep = model.system.commit_revisions.0;
        let origin = Origin::Deadline;
        let proposal = Proposal { origin, confirm: None, keep, record, tree, model, warnings: Vec::new(), steps };
        self.begin(at, proposal, out);
    }

    /// The configuration without the unconfirmed commit: what is active less what that did, or, where that would not
    /// be valid, the whole old one as far as it is sound. Tells whether it is the old one.
    fn without(&self, confirming: &Confirming) -> (Tree, Model, bool) {
        let Confirming { before, after, .. } = confirming;
        for below in [Below::Stays, Below::Goes] {
            let tree = take_back(before, after, &self.running.tree, below);
            if let Ok(model) = self.accept(&tree) {
                return (tree, model, false);
            }
        }
        let parsed = Parsed { tree: before.clone(), ..Parsed::default() };
        let admitted = check::admit(&parsed, &self.context_of_accepted());
        (admitted.tree, admitted.model, true)
    }

    /// Whether the tree could be committed.
    pub(crate) fn accept(&self, tree: &Tree) -> Result<Model, Vec<ConfigError>> {
        let context = self.context();
        // While a commit is under way, the model may be ahead of the tree.
        let model = if self.commit.is_none() {
            check::accept_after(tree, (&self.running.tree, &self.running.model), &context)?
        } else {
            check::accept(tree, &context)?
        };
        let problems = self.world_problems(&model);
        if problems.is_empty() { Ok(model) } else { Err(problems) }
    }

    /// The rollback is over, or there was nothing to roll back.
    pub(crate) fn taken_back(&mut self, at: Moment, confirming: &Confirming, out: &mut Vec<Effect>) {
        let Confirming { revision: undone, user, .. } = confirming;
        self.confirm = None;
        self.taking_back = false;
        let revision = self.running.revision;
        self.running.notices.retain(|notice| !notice.starts_with(TAKEN_BACK));
        let text = format!("{TAKEN_BACK}revision {undone} by {user} is taken back; revision {revision} is active");
        self.boot_notice(at, text, out);
        let news = News::RolledBack { time: at.unix, revision, undone: *undone, user: user.clone() };
        self.tell_commits(&news, out);
        self.write(JournalRecord::Settled, Written::Settled, out);
    }

    /// The rollback failed and was itself undone: it is tried again until it succeeds.
    pub(crate) fn not_taken_back(&mut self, at: Moment, failure: &Failure, out: &mut Vec<Effect>) {
        self.taking_back = false;
        let Some(confirming) = self.confirm.as_mut() else { return };
        confirming.due = at.instant + RETRY_AFTER;
        confirming.tried = true;
        let text = format!(
            "{TAKEN_BACK}revision {} by {} could not be taken back, it is tried again every {} s: could not {}: {}",
            confirming.revision,
            confirming.user,
            RETRY_AFTER.as_secs(),
            failure.step,
            failure.reason
        );
        if !self.running.notices.contains(&text) {
            self.running.notices.push(text.clone());
            self.notice(at, Notice::error(text), out);
        }
    }

    /// What a person who commits has seen by then.
    pub(crate) fn forget_taken_back(&mut self) {
        self.running.notices.retain(|notice| !notice.starts_with(TAKEN_BACK));
    }
}
