//! Hands: each effect becomes a call to the part of the rim that can do it.
//!
//! Never decides; every effect has exactly one place.

use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::mpsc::Sender;

use api::reply::Configuration;
use api::{ApiError, Reply};
use engine::effect::Recall;
use engine::plan::Step;
use engine::{AskId, Effect, Engine, Event, Level, StepId};
use nouns::Revision;
use tokio::sync::mpsc::UnboundedSender;

use crate::connections::{Arrival, Connections};
use crate::control::Clients;
use crate::files::{self, ActiveFile};
use crate::journal::Errand;
use crate::netlink::Task;
use crate::notices;
use crate::run::Inbox;

/// Everything that effects are carried out with.
pub(crate) struct Hands {
    pub(crate) inbox: Inbox,
    pub(crate) connections: Connections,
    pub(crate) clients: Clients,
    pub(crate) kernel: Sender<Task>,
    /// Steps of the host and of links, done one after the other as they were ordered.
    pub(crate) steps: UnboundedSender<(StepId, Step)>,
    pub(crate) store: Sender<Errand>,
    pub(crate) active: ActiveFile,
    pub(crate) config: PathBuf,
    pub(crate) least: Level,
}

impl Hands {
    /// Takes in a connection that has come into being.
    pub(crate) fn arrived(&mut self, arrival: Arrival) {
        self.connections.arrived(arrival);
    }

    /// Does what the engine wants; breaks when the process shall end.
    pub(crate) fn carry_out(&mut self, effect: Effect, engine: &mut Engine) -> ControlFlow<()> {
        match effect {
            Effect::Connect(conn, target) => self.connections.connect(conn, target),
            Effect::Adjust(conn, options) => self.connections.adjust(conn, options),
            Effect::Send(conn, octets) => self.connections.send(conn, octets),
            Effect::Close(conn) => self.connections.close(conn),
            Effect::Fib(changes) => self.ask_kernel(Task::Write(changes)),
            Effect::Snapshot => self.ask_kernel(Task::Snapshot),
            Effect::Audit => self.ask_kernel(Task::Audit),
            Effect::Step(id, step) => self.step(id, step),
            Effect::Journal(record) => {
                if self.store.send(Errand::Journal(record)).is_err() {
                    self.inbox.push(Event::Journaled(Err("the revision store is closed".to_owned())));
                }
            }
            Effect::Remember { revision, text } => self.remember(revision, &text),
            Effect::Save { ask, path, text } => self.save(ask, path, &text, engine),
            Effect::Recall(ask, what) => self.recall(ask, what, engine),
            Effect::Answer(ask, reply) => self.clients.reply(ask, reply),
            Effect::Notice(notice) => notices::write(&notice, self.least),
            Effect::Exit => {
                self.active.forget();
                return ControlFlow::Break(());
            }
        }
        ControlFlow::Continue(())
    }

    fn ask_kernel(&self, task: Task) {
        if self.kernel.send(task).is_err() {
            self.inbox
                .note(engine::Notice::error("the thread that writes forwarding entries has ended; restart the daemon"));
        }
    }

    fn step(&mut self, id: StepId, step: Step) {
        let done = match &step {
            Step::Listener { open: true } => self.connections.listen(),
            Step::Listener { open: false } => {
                self.connections.stop_listening();
                Ok(())
            }
            Step::Password { remote, to, .. } => self.connections.set_password(*remote, to.as_deref()),
            _ => match self.steps.send((id, step)) {
                Ok(()) => return,
                Err(_) => Err("the task that carries out steps has ended; restart the daemon".to_owned()),
            },
        };
        self.inbox.push(Event::StepDone(id, done));
    }

    fn remember(&self, revision: Revision, text: &str) {
        if let Err(error) = self.active.write(revision, text) {
            // An older one must not come back in its place.
            self.active.forget();
            let text =
                format!("the active configuration cannot be kept for a restart ({error}); 'save' keeps it for good");
            self.inbox.note(engine::Notice::warning(text));
        }
    }

    fn save(&self, ask: AskId, path: Option<String>, text: &str, engine: &mut Engine) {
        let path = path.map_or_else(|| self.config.clone(), PathBuf::from);
        let boot_file = std::path::absolute(&self.config).is_ok_and(|config| config == path) || path == self.config;
        let reply = match store::save_config(&path, text) {
            Ok(()) => {
                if boot_file {
                    engine.saved();
                    // Where the disk had no room for it at the commit, there may be some now.
                    if !self.active.is_kept() {
                        self.remember(engine.revision(), text);
                    }
                }
                Reply::Saved { path: path.display().to_string() }
            }
            Err(error) => Reply::Error(
                ApiError::new("save", format!("{error}"))
                    .hint("the old file is untouched, the active configuration stays active"),
            ),
        };
        self.clients.reply(ask, reply);
    }

    fn recall(&self, ask: AskId, what: Recall, engine: &Engine) {
        let errand = match what {
            Recall::Saved => {
                let reply = match files::read_config(&self.config) {
                    Ok(text) => Reply::Configuration(Configuration {
                        revision: engine.revision(),
                        text: text.unwrap_or_default(),
                        unsaved: engine.has_unsaved_changes(),
                    }),
                    Err(error) => Reply::Error(ApiError::new("read", format!("{error:#}"))),
                };
                self.clients.reply(ask, reply);
                return;
            }
            Recall::Revisions => Errand::Revisions(ask),
            Recall::Revision(revision) => Errand::Revision(ask, revision),
        };
        if self.store.send(errand).is_err() {
            self.clients.reply(ask, Reply::Error(ApiError::new("store", "the revision store is closed")));
        }
    }
}
