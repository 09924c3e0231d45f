//! What other threads want of the one that listens to the kernel, which does not listen to everything in a storm of links.
//!
//! Never tells anything of the kernel itself.

use std::collections::BTreeSet;
use std::io::{self, PipeReader, PipeWriter, Read, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use nouns::IfName;
use rib::world::Snapshot;

use crate::snapshot::{self, Picture};
use crate::sys;

/// The way to a [`Monitor`](crate::Monitor) from other threads.
#[derive(Clone)]
pub struct Lookout(Arc<Shared>);

struct Shared {
    state: Mutex<State>,
    served: Condvar,
    bell: PipeWriter,
}

#[derive(Default)]
struct State {
    wishes: Wishes,
    /// The bell was rung, and nobody came yet.
    rung: bool,
    /// Something of links may have been missed.
    behind: bool,
    /// How many looks were asked for, for how many of these was one taken, and for how many is it told what was seen.
    asked: u64,
    seen: u64,
    told: u64,
}

/// What is wanted.
#[derive(Default)]
pub(crate) struct Wishes {
    /// These names matter.
    pub(crate) names: Option<BTreeSet<IfName>>,
    /// Somebody is to be given a picture in place of all that was told.
    pub(crate) given: Option<Given>,
    /// Somebody wants to know what is so now.
    pub(crate) look: bool,
    /// What a look has found.
    pub(crate) found: Option<Found>,
}

/// A picture, and how it is handed over.
pub(crate) struct Given {
    pub(crate) picture: Picture,
    pub(crate) hand_over: Box<dyn FnOnce() + Send>,
}

/// What a look has found, whether nothing changed meanwhile, and what it took of a processor.
pub(crate) struct Found {
    pub(crate) picture: io::Result<(Picture, bool)>,
    pub(crate) cost: Duration,
}

/// The monitor's end.
pub(crate) struct Post {
    shared: Arc<Shared>,
    bell: PipeReader,
    /// How many looks had been asked for when one was begun.
    begun_for: u64,
}

/// Both ends.
pub(crate) fn lookout() -> io::Result<(Lookout, Post)> {
    let (reader, writer) = io::pipe()?;
    let shared = Arc::new(Shared { state: Mutex::default(), served: Condvar::new(), bell: writer });
    Ok((Lookout(Arc::clone(&shared)), Post { shared, bell: reader, begun_for: 0 }))
}

impl Lookout {
    /// Links of these names are told of at once, whatever other links come and go, and no others but those that something
    /// leads through.
    pub fn heed(&self, names: BTreeSet<IfName>) {
        self.0.wish(|state| state.wishes.names = Some(names));
    }

    /// Lets the monitor's thread hand a snapshot over, in place of all that it told before; how links and addresses differ from
    /// it by then is told behind it.
    pub fn begin(&self, snapshot: Box<Snapshot>, hand_over: impl FnOnce(Box<Snapshot>) + Send + 'static) {
        let picture = Picture { links: snapshot.links.clone(), addresses: snapshot.addresses.clone() };
        let hand_over = Box::new(|| hand_over(snapshot));
        self.0.wish(|state| state.wishes.given = Some(Given { picture, hand_over }));
    }

    /// Whether links that come and go may not have been told of yet.
    #[must_use]
    pub fn is_behind(&self) -> bool {
        self.0.lock().behind
    }

    /// Waits until what is so now has been told, so long at most; at once where nothing can have been missed.
    pub fn catch_up(&self, within: Duration) {
        if !self.is_behind() {
            return;
        }
        let ticket = self.0.wish(|state| {
            state.wishes.look = true;
            state.asked = state.asked.saturating_add(1);
            state.asked
        });
        let state = self.0.lock();
        let waited = self.0.served.wait_timeout_while(state, within, |state| state.told < ticket);
        drop(waited.unwrap_or_else(PoisonError::into_inner));
    }
}

impl Post {
    /// Waits for the kernel or for a wish, until a moment at most.
    pub(crate) fn wait(&self, kernel: BorrowedFd<'_>, until: Option<Instant>) -> io::Result<()> {
        let at_most = until.map(|until| until.saturating_duration_since(Instant::now()));
        sys::wait(&[kernel, self.bell.as_fd()], &[], at_most)
    }

    /// What is wanted since it was asked last.
    pub(crate) fn take(&mut self) -> io::Result<Wishes> {
        let mut state = self.shared.lock();
        if std::mem::take(&mut state.rung) {
            self.bell.read_exact(&mut [0])?;
        }
        Ok(std::mem::take(&mut state.wishes))
    }

    /// Begins to look at all links on a thread of its own: while they are just being changed the kernel lets a look wait, and
    /// what matters must not. What it finds comes as a wish.
    pub(crate) fn look(&mut self) -> io::Result<()> {
        self.begun_for = self.shared.lock().asked;
        let shared = Arc::clone(&self.shared);
        let look = move || {
            let before = sys::thread_time();
            let picture = snapshot::glance();
            let found = Found { picture, cost: sys::thread_time().saturating_sub(before) };
            shared.wish(|state| state.wishes.found = Some(found));
        };
        thread::Builder::new().spawn(look).map(drop)
    }

    /// What the look has found that was begun last is about to be told.
    pub(crate) fn seen(&self) {
        self.shared.lock().seen = self.begun_for;
    }

    /// All that was found is told, and whether something may have been missed.
    pub(crate) fn told(&self, behind: bool) {
        let mut state = self.shared.lock();
        state.behind = behind;
        let told = if behind { state.seen } else { state.asked };
        if std::mem::replace(&mut state.told, told) != told {
            self.shared.served.notify_all();
        }
    }
}

impl Shared {
    fn wish<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let mut state = self.lock();
        let changed = change(&mut state);
        if !std::mem::replace(&mut state.rung, true) {
            // There is room for one octet, and where nobody listens any more nothing is to be told.
            let _ = (&self.bell).write(&[0]);
        }
        changed
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
