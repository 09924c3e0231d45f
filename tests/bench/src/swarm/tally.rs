//! What one receiver has: for each route nothing, some path, or the path that is the best in the end.
//!
//! It reads of a message what it counts and no more, because the receivers share the machine with the daemon that is
//! measured.

use std::sync::Arc;

use anyhow::{Context, Result, bail};

use crate::clock::Stamp;
use crate::feed::Feed;
use crate::wire::{NOTIFICATION, UPDATE, Update};

/// What every receiver of a feed is held against.
#[derive(Debug)]
pub(super) struct Expected {
    feed: Arc<Feed>,
    paths: Vec<u32>,
}

impl Expected {
    pub(super) fn of(feed: Arc<Feed>) -> Self {
        let paths = feed.expected();
        Self { feed, paths }
    }
}

/// What is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Goal {
    /// Every route has its best path.
    Converged,
    /// No route is left.
    Empty,
}

/// The state of one receiver.
#[derive(Debug)]
pub(super) struct Tally {
    expected: Arc<Expected>,
    routes: Vec<Route>,
    /// Routes with any path.
    pub(super) held: usize,
    /// Routes with the best path.
    pub(super) right: usize,
    /// Prefixes read so far, announced or withdrawn.
    pub(super) prefixes: u64,
    /// UPDATEs read so far.
    pub(super) updates: u64,
    /// When the last of them was read.
    pub(super) last: Stamp,
    goal: Goal,
    reached: Option<Stamp>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Route {
    Absent,
    Other,
    Right,
}

impl Tally {
    pub(super) fn new(expected: Arc<Expected>) -> Self {
        let routes = vec![Route::Absent; expected.paths.len()];
        Self {
            expected,
            routes,
            held: 0,
            right: 0,
            prefixes: 0,
            updates: 0,
            last: Stamp(0),
            goal: Goal::Converged,
            reached: None,
        }
    }

    /// Waits for something else from now on.
    pub(super) fn aim(&mut self, goal: Goal) {
        self.goal = goal;
        self.reached = None;
        self.look();
    }

    /// When the goal was reached.
    pub(super) fn reached(&self) -> Option<Stamp> {
        self.reached
    }

    /// What there is, and what is not as it shall be in the end.
    pub(super) fn tell(&self) -> String {
        let wrong = self.routes.iter().position(|route| *route != Route::Right);
        let wrong = wrong.and_then(|number| u32::try_from(number).ok()).map(|number| self.expected.feed.prefix(number));
        let wrong = wrong.map(|prefix| format!(", but not {prefix}")).unwrap_or_default();
        format!("{} routes, {} with the best path{wrong}", self.held, self.right)
    }

    /// Takes in one message.
    pub(super) fn take(&mut self, kind: u8, body: &[u8]) -> Result<()> {
        match kind {
            UPDATE => self.update(Update::decode(body).context("an UPDATE that is cut off")?),
            NOTIFICATION => bail!("the daemon said {body:?}"),
            _ => {}
        }
        Ok(())
    }

    fn update(&mut self, update: Update<'_>) {
        self.updates += 1;
        self.last = Stamp::now();
        for prefix in update.withdrawn() {
            self.prefixes += 1;
            if let Some(number) = self.expected.feed.number(prefix) {
                self.put(number, Route::Absent);
            }
        }
        for prefix in update.announced() {
            self.prefixes += 1;
            if let Some(number) = self.expected.feed.number(prefix) {
                let is_right = self.expected.paths.get(number) == Some(&update.path);
                self.put(number, if is_right { Route::Right } else { Route::Other });
            }
        }
    }

    fn put(&mut self, number: usize, new: Route) {
        let Some(route) = self.routes.get_mut(number) else { return };
        let old = std::mem::replace(route, new);
        self.held = self.held + usize::from(new != Route::Absent) - usize::from(old != Route::Absent);
        self.right = self.right + usize::from(new == Route::Right) - usize::from(old == Route::Right);
    }

    /// Notes the time where the goal is reached now; called when all that was there has been read.
    pub(super) fn look(&mut self) {
        let there = match self.goal {
            Goal::Converged => self.right == self.routes.len(),
            Goal::Empty => self.held == 0,
        };
        match there {
            true => self.reached = self.reached.or_else(|| Some(Stamp::now())),
            false => self.reached = None,
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may fail loudly")]

    use std::net::Ipv4Addr;

    use super::*;
    use crate::feed::{Recipe, Shape};
    use crate::wire::next_message;

    fn take(tally: &mut Tally, octets: &[u8]) {
        let mut rest = octets;
        while let Some((kind, body, after)) = next_message(rest) {
            tally.take(kind, body).unwrap();
            rest = after;
        }
        tally.look();
    }

    #[test]
    fn converged_means_the_best_path_for_every_route_and_empty_means_none() {
        let feed = Arc::new(Feed::new(Recipe { routes: 1000, senders: 2, shape: Shape::Table, prepended: 0 }).unwrap());
        let mut tally = Tally::new(Arc::new(Expected::of(Arc::clone(&feed))));
        take(&mut tally, &feed.announcements(0, false, Ipv4Addr::LOCALHOST));
        assert_eq!((tally.held, tally.reached()), (1001, None));
        // The second sender's paths take the place of the first one's, whether they are better or not.
        take(&mut tally, &feed.announcements(1, false, Ipv4Addr::LOCALHOST));
        assert_eq!((tally.held, tally.reached()), (1002, None));
        assert!((300..700).contains(&tally.right), "{}", tally.right);
        tally.aim(Goal::Empty);
        take(&mut tally, &feed.withdrawals(0));
        assert_eq!((tally.held, tally.reached()), (1, None));
        take(&mut tally, &feed.withdrawals(1));
        assert!(tally.reached().is_some());
    }

    #[test]
    fn one_sender_alone_converges() {
        let feed = Arc::new(Feed::new(Recipe { routes: 1000, senders: 1, shape: Shape::Equal, prepended: 0 }).unwrap());
        let mut tally = Tally::new(Arc::new(Expected::of(Arc::clone(&feed))));
        take(&mut tally, &feed.announcements(0, true, Ipv4Addr::LOCALHOST));
        assert!(tally.reached().is_some());
    }
}
