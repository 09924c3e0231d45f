//! What is on its way to the disk, and what happens once it is there.
//!
//! The rim answers in the order in which it was asked, so a queue tells whose answer the next one is. Never writes.

use std::collections::VecDeque;

use api::{ApiError, Reply};
use config::Tree;
use config::store::JournalRecord;
use nouns::Revision;

use crate::effect::{Effect, Notice};
use crate::engine::Engine;
use crate::event::{AskId, Caller, Moment, SavedAs};

/// Whose record it was.
#[derive(Debug)]
pub(crate) enum Written {
    /// The start's.
    Boot,
    /// The commit's.
    Commit,
    /// A confirmation's: somebody waits for the answer.
    Confirmed(AskId, Revision),
    /// That nothing waits to be confirmed any more.
    Settled,
}

/// Everything that the rim has not answered yet.
#[derive(Debug, Default)]
pub(crate) struct UnderWay {
    records: VecDeque<Written>,
    /// Answers to commits whose configuration is being kept for a restart; `None` where nobody waits.
    kept: VecDeque<Option<(AskId, Reply)>>,
    saves: VecDeque<Save>,
}

/// A configuration that is being saved.
#[derive(Debug)]
struct Save {
    ask: AskId,
    who: String,
    /// What the boot file will hold.
    tree: Tree,
}

impl Engine {
    /// Makes a record durable.
    pub(crate) fn write(&mut self, record: JournalRecord, whose: Written, out: &mut Vec<Effect>) {
        self.under_way.records.push_back(whose);
        out.push(Effect::Journal(record));
    }

    /// A journal record is durable, or not.
    pub(crate) fn journaled(&mut self, at: Moment, result: Result<(), String>, out: &mut Vec<Effect>) {
        match self.under_way.records.pop_front() {
            Some(Written::Commit) => {
                if let Some((commit, _)) = self.commit.as_mut() {
                    let order = commit.journaled(result);
                    self.follow(at, order, out);
                }
            }
            Some(Written::Confirmed(ask, revision)) => self.confirmed(at, (ask, revision), result, out),
            Some(Written::Boot) => {
                if let Err(reason) = result {
                    self.notice(at, Notice::warning(format!("the revision is not recorded: {reason}")), out);
                }
            }
            Some(Written::Settled) => {
                if let Err(reason) = result {
                    let text = format!("that a commit waits for no confirmation is not recorded: {reason}");
                    self.notice(at, Notice::warning(text), out);
                }
            }
            None => {}
        }
    }

    /// Keeps the active configuration for a daemon that starts after a crash; whoever waits is answered then.
    pub(crate) fn keep(&mut self, text: String, answer: Option<(AskId, Reply)>, out: &mut Vec<Effect>) {
        self.under_way.kept.push_back(answer);
        out.push(Effect::Remember { revision: self.running.revision, text });
    }

    /// The active configuration is kept, or cannot be, which the rim has told.
    pub(crate) fn remembered(&mut self, out: &mut Vec<Effect>) {
        if let Some(Some((ask, reply))) = self.under_way.kept.pop_front() {
            out.push(Effect::Answer(ask, reply));
        }
    }

    /// `save` into the file that the daemon starts with.
    pub(crate) fn save(&mut self, ask: AskId, caller: &Caller, named: bool, out: &mut Vec<Effect>) {
        if let Some(error) = self.save_problem(named) {
            out.push(Effect::Answer(ask, Reply::Error(error)));
            return;
        }
        let tree = self.running.tree.clone();
        self.under_way.saves.push_back(Save { ask, who: caller.to_string(), tree });
        let text = config::print::file(&self.running.tree);
        let keep_former = self.running.left_out;
        out.push(Effect::Save { revision: self.running.revision, text, keep_former });
    }

    /// Why the boot file must not be written now.
    fn save_problem(&self, named: bool) -> Option<ApiError> {
        if self.running.newer_file && !named {
            let error =
                ApiError::new("newer-file", "The saved configuration was written by a newer towpath and is kept");
            let hint = "'save FILE' writes another file; name the saved one itself to write over it all the same";
            return Some(error.hint(hint));
        }
        // A reboot into the saved configuration is what helps whoever has locked themselves out.
        let pending = self.pending_confirm()?;
        let sentence = format!("Cannot save: revision {} by {} is not confirmed yet", pending.revision, pending.user);
        Some(ApiError::new("confirm-pending", sentence).hint("'confirm' first, or save to another file"))
    }

    /// The configuration is saved to this file, or why not.
    pub(crate) fn saved(&mut self, at: Moment, result: Result<SavedAs, ApiError>, out: &mut Vec<Effect>) {
        let Some(Save { ask, who, tree }) = self.under_way.saves.pop_front() else { return };
        let reply = match result {
            Ok(SavedAs { path, former }) => {
                self.notice(at, Notice::info(format!("configuration saved to {path} by {who}")), out);
                self.running.saved = Some(tree);
                self.running.newer_file = false;
                self.running.left_out = false;
                Reply::Saved { path, former }
            }
            Err(error) => {
                self.notice(at, Notice::warning(format!("save by {who} failed: {error}")), out);
                Reply::Error(error)
            }
        };
        out.push(Effect::Answer(ask, reply));
    }
}
