//! A configuration becomes active: by a commit, all of it or nothing.
//!
//! Never carries out a step of the world; it orders them one by one and keeps the books.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::time::Duration;

use api::reply::{Committed, Problem, Refusal, RefusalReason};
use api::watch::CommitNews;
use api::{ApiError, News, Reply};
use config::check::{self, Context, Sources};
use config::edit::{Candidate, RebaseError, rebase};
use config::model::policy::route_map_changed;
use config::model::{Bgp, Interface, Model};
use config::store::RevisionRecord;
use config::{ConfigError, ConfigWarning, Diff, Tree, print};
use nouns::{IfName, Revision};

use crate::commit::{Commit, Failure, Order, Origin, Outcome, Proposal};
use crate::confirm::Confirming;
use crate::effect::{Effect, Notice};
use crate::engine::Engine;
use crate::event::{AskId, Caller, Moment, StepId};
use crate::journal::Written;
use crate::plan::{self, Step};
use crate::policies::Policies;
use crate::secret;
use crate::table_map;

/// How many older configurations edits can be carried over from.
const HISTORY: usize = 32;

impl Engine {
    /// `commit` and `commit-confirm`: all of it, or nothing.
    pub(crate) fn commit_candidate(
        &mut self,
        at: Moment,
        ask: AskId,
        caller: &Caller,
        (candidate, comment, confirm): (&Candidate, Option<String>, Option<u32>),
        out: &mut Vec<Effect>,
    ) {
        match self.propose(at, ask, caller, (candidate, comment, confirm)) {
            Ok(proposal) => self.begin(at, proposal, out),
            Err(reply) => out.push(Effect::Answer(ask, *reply)),
        }
    }

    /// The commit that somebody asks for, or the reply that refuses it.
    fn propose(
        &mut self,
        at: Moment,
        ask: AskId,
        caller: &Caller,
        (candidate, comment, confirm): (&Candidate, Option<String>, Option<u32>),
    ) -> Result<Proposal, Box<Reply>> {
        if self.commit.is_some() {
            return Err(refused(RefusalReason::Busy, &[]));
        }
        if confirm.is_some() && self.confirm.is_some() {
            let error = ApiError::new("confirm-pending", "Another confirm is pending");
            return Err(Box::new(Reply::Error(error.hint("'confirm' it, or wait until it is taken back"))));
        }
        if confirm == Some(0) {
            let error = ApiError::new("bad-minutes", "a commit needs at least a minute to be confirmed");
            return Err(Box::new(Reply::Error(error)));
        }
        let (tree, model, warnings) = self.prepare(candidate)?;
        if tree == self.running.tree {
            return Err(Box::new(Reply::Unchanged));
        }
        let steps = plan::plan(&self.running.model, &model, &self.world);
        let revision = self.running.revision.next();
        let record = self.record(at, &caller.user, &caller.via, comment, revision, &tree);
        let confirm = confirm.map(|minutes| self.unconfirmed(at, (revision, &caller.user), minutes, &record.text));
        let mut warnings: Vec<Problem> = self.unheard(warnings).iter().map(warning_problem).collect();
        let waits = self.confirm.as_ref().map(|confirming| confirming.warning(at));
        warnings.extend(waits.map(|message| Problem { path: Vec::new(), message }));
        let origin = Origin::Asked(ask, caller.tty.clone());
        let keep = model.system.commit_revisions.0;
        Ok(Proposal { origin, confirm, keep, record, tree, model, warnings, steps })
    }

    /// Begins a commit, with all of its steps to come.
    pub(crate) fn begin(&mut self, at: Moment, proposal: Proposal, out: &mut Vec<Effect>) {
        let (commit, order) = Commit::begin(proposal, self.next_step);
        self.commit = Some((commit, at));
        self.follow(at, order, out);
    }

    /// A step of the world is done: one of the commit's, or one that was owed since the start.
    pub(crate) fn step_done(&mut self, at: Moment, id: StepId, result: Result<(), String>, out: &mut Vec<Effect>) {
        if self.boot_step_done(at, id, &result, out) {
            return;
        }
        if let Some((commit, _)) = self.commit.as_mut() {
            let order = commit.step_done(id, result);
            self.follow(at, order, out);
        }
    }

    /// Whether `save` would write something new.
    pub(crate) fn unsaved(&self) -> bool {
        self.running.saved.as_ref() != Some(&self.running.tree)
    }

    pub(crate) fn follow(&mut self, at: Moment, mut order: Order, out: &mut Vec<Effect>) {
        loop {
            order = match order {
                Order::Journal(record) => {
                    self.write(record, Written::Commit, out);
                    return;
                }
                Order::Step { id, step: Step::Routing, undo } => {
                    self.swap_routing(at, undo, out);
                    match self.commit.as_mut() {
                        Some((commit, _)) => commit.step_done(id, Ok(())),
                        None => return,
                    }
                }
                Order::Step { id, step, .. } => {
                    out.push(Effect::Step(id, step));
                    return;
                }
                Order::Finished(outcome) => {
                    self.finish(at, outcome, out);
                    return;
                }
                Order::Wait => return,
            };
        }
    }

    /// Puts the commit's model in force, or the old one back.
    fn swap_routing(&mut self, at: Moment, undo: bool, out: &mut Vec<Effect>) {
        let new = match (self.commit.as_ref(), undo) {
            (_, true) => self.running.before.take(),
            (Some((commit, _)), false) => Some(commit.model().clone()),
            (None, false) => None,
        };
        let Some(new) = new else { return };
        let old = self.put_in_force(new, out);
        // Static routes are offered anew with all that the world says.
        self.world_changed |= old.static_routes != self.running.model.static_routes
            || old.static_tables != self.running.model.static_tables;
        self.apply_routing(at, Some(&old), out);
        self.running.before = (!undo).then_some(old);
    }

    /// The model and the policies that run become others in one step; answers the old model.
    pub(crate) fn put_in_force(&mut self, new: Model, out: &mut Vec<Effect>) -> Model {
        let asn = |model: &Model| model.bgp.as_deref().map(|bgp| bgp.asn);
        if new.policy != self.running.model.policy || asn(&new) != asn(&self.running.model) {
            self.policies = Policies::compile(&new.policy, asn(&new));
        }
        let links = new.named_links();
        if links != self.running.model.named_links() {
            out.push(Effect::Heed(links));
        }
        self.imports.clear();
        std::mem::replace(&mut self.running.model, new)
    }

    /// Routes and peers follow the running model.
    pub(crate) fn apply_routing(&mut self, at: Moment, old: Option<&Model>, out: &mut Vec<Effect>) {
        self.paths.look_again();
        self.configure_balancer(at, old);
        let (before, now) =
            (old.map(|old| (&old.bgp, &old.policy)), (&self.running.model.bgp, &self.running.model.policy));
        let same_model = before == Some(now);
        let same_id = self.router_id == self.choose_router_id(self.running.model.bgp.as_deref());
        if !same_id || !same_model {
            self.configure_peers(at, old, out);
            self.configure_collectors(at, out);
            self.configure_dumps(at, out);
            self.groups.look_again();
        }
        self.configure_damping(at);
        if old.is_none_or(|old| old.rpki != self.running.model.rpki) {
            self.configure_caches(at, out);
        }
        for family in table_map::changed(old, &self.running.model) {
            self.tables.of_mut(family).all_dirty();
        }
        if !same_model {
            self.configure_aggregates(old);
        }
        let own_routes_changed = old.is_some_and(|old| own_routes_changed(old, &self.running.model));
        let old = old.and_then(|old| old.bgp.as_deref());
        let new = self.running.model.bgp.as_deref();
        let numbers = |bgp: Option<&Bgp>| {
            bgp.map(|bgp| {
                (
                    bgp.maximum_paths_ebgp,
                    bgp.maximum_paths_ibgp,
                    bgp.always_compare_med,
                    bgp.multipath_relax,
                    bgp.bandwidth,
                    bgp.best_path,
                    bgp.default_local_pref,
                    bgp.no_fib_install,
                    bgp.distance_external,
                    bgp.distance_internal,
                )
            })
        };
        if numbers(old) != numbers(new) {
            for family in nouns::Family::ALL {
                self.tables.of_mut(family).all_dirty();
            }
        }
        let mut originated: BTreeSet<nouns::Prefix> = self.originated.clone();
        originated.extend(new.iter().flat_map(|bgp| bgp.networks.keys().copied()));
        if old.map(|bgp| &bgp.redistribute) != new.map(|bgp| &bgp.redistribute) || own_routes_changed {
            originated.extend(self.rib.iter().map(|(prefix, _)| prefix));
        }
        // A map may look at the tag, which is no part of the route itself.
        let tagged = self.running.model.static_routes.iter().filter(|(_, route)| route.tag.is_some());
        originated.extend(tagged.map(|(prefix, _)| *prefix));
        for prefix in originated {
            self.originate(at, prefix);
        }
    }

    fn finish(&mut self, at: Moment, outcome: Outcome, out: &mut Vec<Effect>) {
        let Some((commit, since)) = self.commit.take() else { return };
        self.running.before = None;
        self.next_step = commit.next_step();
        let proposal = commit.into_proposal();
        match (outcome, &proposal.origin) {
            (Outcome::Committed, _) => self.committed(at, since, proposal, out),
            (Outcome::RolledBack(failure), Origin::Asked(ask, _)) => {
                let refusal = self.rolled_back(at, failure, out);
                out.push(Effect::Answer(*ask, Reply::Refused(refusal)));
            }
            (Outcome::RolledBack(failure), Origin::Deadline) => {
                self.not_taken_back(at, &failure, out);
                self.stuck(at, failure.stuck, out);
            }
        }
    }

    /// All steps are done: the books follow, and everybody hears of it.
    fn committed(&mut self, at: Moment, since: Moment, proposal: Proposal, out: &mut Vec<Effect>) {
        let Proposal { origin, confirm, record, tree, model, warnings, .. } = proposal;
        let old = std::mem::replace(&mut self.running.tree, tree.clone());
        self.running.history.push_back((self.running.revision, old.clone()));
        if self.running.history.len() > HISTORY {
            self.running.history.pop_front();
        }
        self.put_in_force(model, out);
        self.running.revision = record.revision;
        self.running.notices.retain(|notice| !notice.starts_with("config.boot"));
        let changes = Diff::between(&old, &tree).changes.len();
        let (answer, tty) = match origin {
            Origin::Asked(ask, tty) => (Some(ask), tty),
            Origin::Deadline => (None, None),
        };
        if let Some(unconfirmed) = confirm {
            let due = since.instant + Duration::from_secs(unconfirmed.span);
            self.confirm = Some(Confirming::new(&unconfirmed, due, old, tree));
        }
        let own = self.pending_confirm().filter(|pending| pending.revision == record.revision);
        let news = CommitNews {
            time: at.unix,
            revision: record.revision,
            user: record.user,
            via: record.via,
            tty,
            comment: record.comment,
            confirm: own.clone(),
        };
        self.notice(at, Notice::info(audit(&news, changes)), out);
        let answer = answer.map(|ask| {
            self.forget_taken_back();
            self.tell_commits(&News::Commit(news), out);
            let elapsed = at.instant.saturating_duration_since(since.instant);
            let elapsed_ms = u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX);
            let (revision, host_name, unsaved) = (record.revision, self.host_name().to_owned(), self.unsaved());
            let committed = Committed { revision, warnings, elapsed_ms, host_name, unsaved, confirm: own };
            (ask, Reply::Committed(committed))
        });
        let asked = answer.is_some();
        self.keep(record.text, answer, out);
        if let (false, Some(confirming)) = (asked, self.confirm.clone()) {
            self.taken_back(at, &confirming, out);
        }
    }

    fn rolled_back(&mut self, at: Moment, failure: Failure, out: &mut Vec<Effect>) -> Refusal {
        let message = format!("could not {}: {}", failure.step, failure.reason);
        self.notice(at, Notice::warning(format!("commit rolled back: {message}")), out);
        let mut problems = vec![Problem { path: Vec::new(), message }];
        let reason = if failure.stuck.is_empty() { RefusalReason::RolledBack } else { RefusalReason::Degraded };
        problems.extend(self.stuck(at, failure.stuck, out));
        Refusal { reason, problems }
    }

    /// Steps that could not be undone are told loudly, and the kernel is read anew.
    fn stuck(&mut self, at: Moment, stuck: Vec<String>, out: &mut Vec<Effect>) -> Vec<Problem> {
        if !stuck.is_empty() {
            self.ask_snapshot(out);
        }
        let messages = stuck.into_iter().map(|stuck| format!("could not be undone: {stuck}"));
        messages
            .map(|message| {
                self.boot_notice(at, message.clone(), out);
                Problem { path: Vec::new(), message }
            })
            .collect()
    }

    /// The tree, the model and the warnings of a candidate, or the reply that refuses it.
    pub(crate) fn prepare(&mut self, candidate: &Candidate) -> Result<(Tree, Model, Vec<ConfigWarning>), Box<Reply>> {
        let current = &self.running.tree;
        let base = if candidate.base == self.running.revision {
            current
        } else {
            let older = self.running.history.iter().find(|(revision, _)| *revision == candidate.base);
            &older.ok_or_else(|| refused_base(candidate.base))?.1
        };
        let mut tree = rebase(&candidate.edits, base, current).map_err(refused_rebase)?;
        self.seal(&mut tree);
        let model = self.accept(&tree).map_err(|errors| refused(RefusalReason::Invalid, &errors))?;
        let mut warnings = check::warnings(&model);
        warnings.extend(self.missing_programs(&model));
        warnings.extend(self.unmet_neighbors(&model));
        Ok((tree, model, warnings))
    }

    /// The warnings that the running configuration did not call for already: who changes something else knows them.
    fn unheard(&self, mut warnings: Vec<ConfigWarning>) -> Vec<ConfigWarning> {
        if !warnings.is_empty() {
            let heard: BTreeSet<ConfigWarning> = check::warnings(&self.running.model).into_iter().collect();
            warnings.retain(|warning| !heard.contains(warning));
        }
        warnings
    }

    /// Hashes the passwords that a person typed.
    pub(crate) fn seal(&mut self, tree: &mut Tree) {
        config::secret::seal(tree, |password| {
            self.salts = self.salts.wrapping_add(1);
            secret::hash(password, &secret::salt(self.facts.seed, self.salts))
        });
    }

    /// Programs that a change is for and that are not installed: it is kept and does nothing.
    pub(crate) fn missing_programs(&self, model: &Model) -> Vec<ConfigWarning> {
        let wanted = plan::programs(&self.running.model, model);
        let missing = wanted.difference(&self.facts.programs);
        missing
            .map(|program| ConfigWarning {
                path: program.words().map(str::to_owned).to_vec(),
                message: format!(
                    "no {} service is installed ({} is not there); the setting is kept",
                    program.purpose(),
                    program.path()
                ),
            })
            .collect()
    }

    /// What only the running system can object to.
    pub(crate) fn world_problems(&self, model: &Model) -> Vec<ConfigError> {
        let mut problems = Vec::new();
        for (name, interface) in &model.interfaces {
            if let Some(message) = self.link_problem(name, interface) {
                problems.push(ConfigError { path: interface.path(name), message });
            }
        }
        self.balancer_problems(model, &mut problems);
        let lost = |host: &&IpAddr| plan::link_of(**host, model, &self.running.model, &self.world).is_none();
        for host in model.static_arp.keys().filter(lost) {
            problems.push(ConfigError {
                path: ["protocols", "static", "arp", &host.to_string()].map(str::to_owned).to_vec(),
                message: format!("{host} is in no network of this router; give an interface an address beside it"),
            });
        }
        problems.extend(self.unsigned(model));
        if let Some(bgp) = &model.bgp
            && self.choose_router_id(Some(bgp)).is_unspecified()
            && !has_ipv4_address(model)
        {
            problems.push(ConfigError {
                path: vec!["protocols".to_owned(), "bgp".to_owned(), bgp.asn.to_string()],
                message: "The router has no IPv4 address to take its router-id from; set parameters router-id"
                    .to_owned(),
            });
        }
        problems
    }

    /// Neighbors whose connections cannot be signed as the configuration wants it.
    pub(crate) fn unsigned(&self, model: &Model) -> Vec<ConfigError> {
        let (Some(why), Some(bgp)) = (self.facts.no_tcp_ao, &model.bgp) else { return Vec::new() };
        let place = |words: &[&str]| {
            let below = ["protocols", "bgp"].map(str::to_owned).into_iter().chain([bgp.asn.to_string()]);
            below.chain(words.iter().map(|word| (*word).to_owned())).collect()
        };
        let neighbors =
            bgp.neighbors.iter().map(|(address, it)| (place(&["neighbor", &address.to_string()]), &it.settings));
        let ranges =
            bgp.listen_ranges.iter().map(|(range, it)| (place(&["listen", "range", &range.to_string()]), &it.settings));
        let wants = neighbors.chain(ranges).filter(|(_, settings)| settings.key_chain.is_some());
        wants.map(|(path, _)| ConfigError { path, message: why.to_owned() }).collect()
    }

    /// Why the system cannot have an interface as the configuration wants it.
    pub(crate) fn link_problem(&self, name: &IfName, interface: &Interface) -> Option<String> {
        let link = self.world.link_by_name(name.as_str());
        let known = self.running.model.interfaces.contains_key(name);
        match plan::kind_word(interface) {
            None if link.is_none() && !known => {
                Some(format!("Interface {name} does not exist; 'run show interfaces' lists those that do"))
            }
            None => None,
            Some(word) => {
                let misfit = link.filter(|link| !link.is_ours() && !plan::fits(link, interface, &self.world));
                let missing = self.facts.missing_kinds.get(word).filter(|_| link.is_none());
                misfit
                    .map(|_| format!("{name} exists already and is something else; delete it or take another name"))
                    .or_else(|| missing.cloned())
            }
        }
    }

    pub(crate) fn context(&self) -> Context {
        // Addresses that this very configuration gives are the model's own affair; the others are the world's.
        let configured: BTreeSet<_> =
            self.running.model.interfaces.values().flat_map(|interface| &interface.addresses).collect();
        let local = self.world.addresses().filter(|there| !configured.contains(&there.address));
        Context {
            local_addresses: local.map(|there| there.address.address()).collect::<BTreeSet<IpAddr>>(),
            sources: Sources::of(&self.running.model),
            has_admin: check::has_admin(&self.running.model.system.login),
        }
    }

    /// The same for what was accepted before: an address that it rests on may have gone, and come back.
    pub(crate) fn context_of_accepted(&self) -> Context {
        Context { sources: Sources::Any, ..self.context() }
    }

    pub(crate) fn record(
        &self,
        at: Moment,
        user: &str,
        via: &str,
        comment: Option<String>,
        revision: Revision,
        tree: &Tree,
    ) -> RevisionRecord {
        RevisionRecord {
            revision,
            time: at.unix,
            user: user.to_owned(),
            via: via.to_owned(),
            comment,
            text: print::file(tree),
        }
    }
}

/// Whether a map changed that `network` or `redistribute` uses.
fn own_routes_changed(old: &Model, new: &Model) -> bool {
    let policy = plan::unless_equal(&old.policy, &new.policy);
    let Some(bgp) = &new.bgp else { return false };
    let of_sources = bgp.redistribute.values().filter_map(|redistribute| redistribute.route_map.as_ref());
    let mut maps = bgp.networks.values().flatten().chain(of_sources);
    maps.any(|name| route_map_changed(&old.policy, policy, name).is_some())
}

/// The line of the log that tells who changed how much.
fn audit(news: &CommitNews, changes: usize) -> String {
    let changes = u64::try_from(changes).unwrap_or(u64::MAX);
    format!("{} ({})", news.sentence(), api::text::count(changes, "change", "changes"))
}

fn has_ipv4_address(model: &Model) -> bool {
    model.interfaces.values().flat_map(|interface| &interface.addresses).any(|address| address.address().is_ipv4())
}

fn refused(reason: RefusalReason, errors: &[ConfigError]) -> Box<Reply> {
    let problems =
        errors.iter().map(|error| Problem { path: error.path.clone(), message: error.message.clone() }).collect();
    Box::new(Reply::Refused(Refusal { reason, problems }))
}

fn refused_base(base: Revision) -> Box<Reply> {
    Box::new(Reply::Error(
        ApiError::new(
            "unknown-revision",
            format!("the edits were begun on revision {base}, which is not kept any more"),
        )
        .hint("leave configuration mode with 'exit discard' and begin again"),
    ))
}

fn refused_rebase(error: RebaseError) -> Box<Reply> {
    let problems = match error {
        RebaseError::Conflicts(paths) => {
            return Box::new(Reply::Refused(Refusal {
                reason: RefusalReason::Conflict,
                problems: paths
                    .into_iter()
                    .map(|path| Problem { path, message: "changed meanwhile by somebody else".to_owned() })
                    .collect(),
            }));
        }
        RebaseError::Edit(error) => vec![Problem { message: error.to_string(), path: error.path }],
    };
    Box::new(Reply::Refused(Refusal { reason: RefusalReason::Invalid, problems }))
}

pub(crate) fn warning_problem(warning: &ConfigWarning) -> Problem {
    Problem { path: warning.path.clone(), message: warning.message.clone() }
}
