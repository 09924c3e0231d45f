//! The start: as much of a configuration as can be comes up, and what cannot yet is tried again.
//!
//! Never refuses to start: a router with half of its configuration is reachable, one that is down is not.

use std::sync::Arc;

use config::check::{self, ConfigError, Context};
use config::model::Model;
use config::parse;
use config::store::{JournalRecord, RevisionRecord, Unconfirmed};
use config::{Tree, print};
use nouns::{IfName, Revision};
use rib::fib::KernelFib;
use rib::world::{Link, Snapshot};

use crate::effect::{Effect, Notice};
use crate::engine::{Engine, RETRY_AFTER};
use crate::event::{Moment, StepId};
use crate::journal::Written;
use crate::plan::{self, Held, Step};

/// The first of the texts that this release reads: the one to start with, the saved one, the newest revision; and why
/// others were left out. None of a newer release's configuration comes up, since half of one is not what anybody wrote.
fn readable(boot: &Boot) -> (Option<&String>, Option<String>) {
    let latest = boot.latest.as_ref().map(|record| &record.text);
    let Some(refusal) = boot.text.as_deref().and_then(parse::refusal) else { return (boot.text.as_ref(), None) };
    let others = [boot.saved.as_ref(), latest].into_iter().flatten();
    (others.into_iter().find(|text| parse::refusal(text).is_none()), Some(refusal))
}

/// What the rim found at the start.
#[derive(Debug, Default)]
pub struct Boot {
    /// The configuration to start with; `None` when there is no file.
    pub text: Option<String>,
    /// The saved configuration, where it is another one.
    pub saved: Option<String>,
    /// The newest revision of the store.
    pub latest: Option<RevisionRecord>,
    /// A commit that was under way when the last daemon ended.
    pub interrupted: Option<RevisionRecord>,
    /// A commit that was to be confirmed when the last daemon ended.
    pub unconfirmed: Option<Unconfirmed>,
    /// What the kernel has.
    pub snapshot: Snapshot,
    /// Another daemon ran before this one since the machine was booted.
    pub restarted: bool,
    /// What went wrong before the engine began: the store, the kernel's features.
    pub problems: Vec<String>,
}

impl Engine {
    /// Starts with a configuration: what is understood and possible comes up, the rest is listed.
    pub fn boot(&mut self, at: Moment, boot: Boot, out: &mut Vec<Effect>) {
        let adopted = boot.snapshot.ours != KernelFib::default();
        if adopted {
            self.fib.adopt(&boot.snapshot.ours);
        }
        self.world.reset(&boot.snapshot);
        for problem in &boot.problems {
            self.boot_notice(at, problem.clone(), out);
        }
        if let Some(record) = &boot.interrupted {
            let text = format!(
                "the commit of revision {} by {} was interrupted and is not active",
                record.revision, record.user
            );
            self.boot_notice(at, text, out);
            // It is told once, and its links are put right once.
            self.write(JournalRecord::Aborted(record.revision), Written::Boot, out);
        }
        let crashed = boot.saved.is_some();
        let (text, refused) = readable(&boot);
        let mut parsed = text.map(|text| Tree::load(text)).unwrap_or_default();
        if let Some(refusal) = refused {
            let instead = if text.is_some() { "the last active one" } else { "an empty one" };
            let text = format!("config.boot was {refusal}; {instead} is used, and 'save' does not write over the file");
            self.boot_notice(at, text, out);
        }
        let on_disk = boot.saved.as_ref().or(boot.text.as_ref());
        self.running.newer_file = on_disk.is_some_and(|text| parse::refusal(text).is_some());
        if let Some(origin) = parsed.origin() {
            self.notice(
                at,
                Notice::info(format!("config.boot was written by {origin}; its words are translated")),
                out,
            );
        }
        let as_written = parsed.tree.clone();
        self.seal(&mut parsed.tree);
        if parsed.tree != as_written {
            let text = "config.boot holds a password in the clear; 'save' puts its hash there".to_owned();
            self.boot_notice(at, text, out);
        }
        for problem in &parsed.problems {
            self.boot_notice(at, format!("config.boot {problem}"), out);
        }
        let mut admitted = check::admit(&parsed, &self.context_of_accepted());
        admitted.errors.extend(self.leave_unsigned_out(&mut admitted.model));
        for error in &admitted.errors {
            self.boot_notice(at, format!("config.boot [{}]: {}", error.path.join(" "), error.message), out);
        }
        // A daemon that crashed has the active configuration before it; what was left out may be in the file.
        let read_already = |saved: &String| !self.running.newer_file && boot.text.as_ref() == Some(saved);
        let saved = boot.saved.filter(|saved| !read_already(saved)).map(|saved| Tree::load(&saved));
        self.running.left_out = saved.as_ref().is_some_and(|saved| !saved.problems.is_empty())
            || !parsed.problems.is_empty()
            || !admitted.errors.is_empty();
        let latest = boot.latest.as_ref().map_or(Revision::default(), |record| record.revision);
        // Equal texts need no second reading; others may differ in blanks or in the release that wrote them.
        let text = print::file(&admitted.tree);
        let same =
            boot.latest.is_some_and(|record| record.text == text || Tree::load(&record.text).tree == admitted.tree);
        self.running.revision = if same { latest } else { latest.next() };
        self.running.saved = Some(match saved {
            _ if self.running.newer_file => Tree::default(),
            Some(saved) => saved.tree,
            None => as_written,
        });
        let missing = self.missing_programs(&admitted.model);
        let late = self.late_sources(&admitted.model);
        for warning in check::warnings(&admitted.model).into_iter().chain(missing).chain(late) {
            self.notice(at, Notice::warning(format!("[{}]: {}", warning.path.join(" "), warning.message)), out);
        }
        let mut steps = self.left_behind(boot.interrupted.as_ref(), &admitted.model);
        steps.extend(plan::plan(&Model::default(), &admitted.model, &self.world));
        for name in self.left_out(at, &admitted.model, out) {
            steps.retain(|step| step.link() != Some(&name));
        }
        self.running.tree = admitted.tree;
        self.put_in_force(admitted.model, out);
        let aside = boot.restarted && self.running.model.bgp.as_deref().is_some_and(|bgp| bgp.no_fib_install);
        self.recovery.begin(at.instant, adopted, aside);
        self.order_boot_steps(at, steps, out);
        if !same {
            let record = self.record(at, "root", "boot-config-loader", None, self.running.revision, &self.running.tree);
            let keep = self.running.model.system.commit_revisions.0;
            self.write(JournalRecord::Pending(record), Written::Boot, out);
            let committed = JournalRecord::Committed { revision: self.running.revision, keep };
            self.write(committed, Written::Boot, out);
        }
        if let Some(found) = boot.unconfirmed {
            // An orderly end and a reboot lead to the saved configuration, into which nothing unconfirmed is saved.
            let cut_short = boot.interrupted.is_some_and(|record| record.revision == found.revision);
            let active = crashed || print::file(&self.running.tree) == found.after;
            self.resume_confirm(at, &found, active && !cut_short, out);
        }
        self.notice(at, Notice::info(format!("revision {} is active", self.running.revision)), out);
    }

    /// Orders what the start does: each step stands for itself, nothing is undone because of another one.
    fn order_boot_steps(&mut self, at: Moment, steps: Vec<Step>, out: &mut Vec<Effect>) {
        let (last, first): (Vec<Step>, Vec<Step>) = steps.into_iter().partition(Step::can_wait);
        for step in first {
            if step == Step::Routing {
                self.apply_routing(at, None, out);
            } else {
                self.order_boot_step(step, out);
            }
        }
        // Whoever is asked may still be on its way, so that it is asked before what needs it, and behind what does not.
        out.push(Effect::AskHeld);
        for step in last {
            self.order_boot_step(step, out);
        }
    }

    /// Neighbors whose connections this kernel cannot sign would be open to anybody: they are left out and listed.
    fn leave_unsigned_out(&self, model: &mut Model) -> Vec<ConfigError> {
        let unsigned = self.unsigned(model);
        if let Some(bgp) = model.bgp.as_mut().filter(|_| !unsigned.is_empty()).map(Arc::make_mut) {
            bgp.neighbors.retain(|_, neighbor| neighbor.settings.key_chain.is_none());
            bgp.listen_ranges.retain(|_, range| range.settings.key_chain.is_none());
        }
        unsigned
    }

    /// Interfaces that this system cannot have, each told.
    fn left_out(&mut self, at: Moment, model: &Model, out: &mut Vec<Effect>) -> Vec<IfName> {
        let mut left_out = Vec::new();
        for (name, interface) in model.interfaces.iter().filter(|(_, interface)| interface.is_virtual()) {
            if let Some(message) = self.link_problem(name, interface) {
                self.boot_notice(at, format!("config.boot [{}]: {message}", interface.path(name).join(" ")), out);
                left_out.push(name.clone());
            }
        }
        left_out
    }

    /// The steps that take back what an interrupted commit may have done to links before the daemon died.
    fn left_behind(&self, interrupted: Option<&RevisionRecord>, model: &Model) -> Vec<Step> {
        let Some(record) = interrupted else { return Vec::new() };
        let tried = check::admit(&Tree::load(&record.text), &Context::default()).model;
        let steps = plan::plan(&tried, model, &self.world);
        // Links that the commit had made go anyway: they are ours, and no configuration names them.
        let of_links = |step: &Step| {
            matches!(step, Step::Link { .. } | Step::Bridge { .. } | Step::Setting { .. })
                || matches!(step, Step::Address { add: false, .. } | Step::Port { join: false, .. })
        };
        steps.into_iter().filter(of_links).collect()
    }

    /// Whether the step was one of the start's; one that failed is tried again.
    pub(crate) fn boot_step_done(
        &mut self,
        at: Moment,
        id: StepId,
        result: &Result<(), String>,
        out: &mut Vec<Effect>,
    ) -> bool {
        let Some(step) = self.boot_steps.remove(&id) else { return false };
        let failed = format!("could not {step}: ");
        if result.is_ok() {
            self.running.notices.retain(|notice| !notice.starts_with(&failed));
        }
        if let Err(reason) = result {
            self.boot_notice(at, format!("{failed}{reason}; it is tried again"), out);
            self.owed.push(step);
            self.owed_since = Some(at.instant);
        }
        true
    }

    /// Tries again what the world refused at the start.
    pub(crate) fn retry_owed(&mut self, at: Moment, out: &mut Vec<Effect>) {
        let due = self.owed_since.is_some_and(|since| since + RETRY_AFTER <= at.instant);
        if due && !self.owed.is_empty() && self.commit.is_none() {
            self.owed_since = None;
            for step in std::mem::take(&mut self.owed) {
                self.order_boot_step(step, out);
            }
        }
    }

    /// What an earlier life of the daemon has changed of the system and not given back, or why nobody tells.
    pub(crate) fn held_told(&mut self, at: Moment, held: Result<Held, String>, out: &mut Vec<Effect>) {
        match held {
            Ok(held) => self.held = Some(held),
            Err(reason) => self.boot_notice(at, reason, out),
        }
        self.give_back(out);
    }

    /// Gives back what no configuration names any more. Behind a commit, which may name it.
    pub(crate) fn give_back(&mut self, out: &mut Vec<Effect>) {
        let Some(held) = self.held.take_if(|_| self.commit.is_none()) else { return };
        for step in plan::give_back(&held, &self.running.model) {
            self.order_boot_step(step, out);
        }
    }

    /// A link appeared or changed: what the configuration wants of a new one, and of what rests on it, is done now.
    pub(crate) fn link_seen(&mut self, at: Moment, link: &Link, out: &mut Vec<Effect>) {
        if self.world.link(link.index).is_some_and(|known| known.name == link.name) || self.commit.is_some() {
            return;
        }
        self.world.apply(&rib::world::WorldEvent::Link(link.clone()));
        let steps = plan::appear(&link.name, &self.running.model, &self.world);
        // Links of ours appear because we made them: there is nothing to tell, and mostly nothing to do.
        if !link.is_ours() && self.running.model.interfaces.contains_key(&link.name) {
            let text = format!("interface {} appeared and is configured", link.name);
            self.notice(at, Notice::info(text), out);
        }
        for step in steps {
            self.order_boot_step(step, out);
        }
    }

    /// A link is gone: one that we had made, and that did not go with its parent, is made again.
    pub(crate) fn link_lost(&mut self, at: Moment, index: u32, out: &mut Vec<Effect>) {
        let Some(link) = self.world.link(index).cloned() else { return };
        if self.commit.is_some() || !link.is_ours() {
            return;
        }
        self.world.apply(&rib::world::WorldEvent::LinkGone(index));
        let steps = plan::appear(&link.name, &self.running.model, &self.world);
        if steps.iter().any(|step| matches!(step, Step::Device { create: true, .. })) {
            let text = format!("interface {} was taken away; it is made again", link.name);
            self.notice(at, Notice::warning(text), out);
        }
        for step in steps {
            self.order_boot_step(step, out);
        }
    }

    /// Says again which hardware addresses hosts have: on one link, or on all.
    pub(crate) fn pin_neighbors(&mut self, link: Option<&IfName>, out: &mut Vec<Effect>) {
        let model = &self.running.model;
        let entries = model.static_arp.iter().filter_map(|(host, mac)| {
            let name = plan::link_of(*host, model, model, &self.world)?;
            let concerned = link.is_none_or(|link| *link == name) && self.world.link_by_name(name.as_str()).is_some();
            concerned.then_some(Step::Neighbor { name, host: *host, from: None, to: Some(*mac) })
        });
        for step in entries.collect::<Vec<_>>() {
            self.order_boot_step(step, out);
        }
    }

    pub(crate) fn order_boot_step(&mut self, step: Step, out: &mut Vec<Effect>) {
        let id = self.next_step;
        self.next_step = StepId(id.0.wrapping_add(1));
        self.boot_steps.insert(id, step.clone());
        out.push(Effect::Step(id, step));
    }

    /// A notice that a person has to see when they log in, too.
    pub(crate) fn boot_notice(&mut self, at: Moment, text: String, out: &mut Vec<Effect>) {
        // What is tried again every few seconds is told once.
        if !self.running.notices.contains(&text) {
            self.running.notices.push(text.clone());
            self.notice(at, Notice::warning(text), out);
        }
    }
}
