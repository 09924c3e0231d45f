//! The operator's log: the newest notices, kept for `show log`.
//!
//! Never writes a file; the rim does that with the same notices.

use std::collections::VecDeque;

use crate::effect::{Level, Notice};

/// How many lines are kept.
const KEPT: usize = 1000;

/// A ring of notices with their times.
#[derive(Debug, Default)]
pub struct Log {
    lines: VecDeque<(u64, Level, String)>,
}

impl Log {
    /// Adds a line and lets the oldest go.
    pub fn push(&mut self, unix: u64, notice: &Notice) {
        if self.lines.len() == KEPT {
            self.lines.pop_front();
        }
        self.lines.push_back((unix, notice.level, notice.text.clone()));
    }

    /// The newest `limit` lines, oldest first: seconds since the epoch, how loud, what.
    pub fn newest(&self, limit: usize) -> impl Iterator<Item = &(u64, Level, String)> {
        self.lines.iter().skip(self.lines.len().saturating_sub(limit))
    }
}
