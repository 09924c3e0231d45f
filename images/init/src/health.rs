//! Whether an image that is tried has proved itself: the router answers, and goes on answering.
//!
//! A function of what was seen and when. Never asks by itself and never decides about an image that is good already.

use std::time::{Duration, Instant};

/// How long the router has to answer without a break.
const STEADY: Duration = Duration::from_secs(20);
/// How long after the start of the programs it has to answer at the latest: ten times what an emulated processor takes.
const PATIENCE: Duration = Duration::from_secs(60);
/// How often it may end by itself meanwhile.
const ENDS: u32 = 2;

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Ask again later.
    Wait,
    /// It is good.
    Good,
    /// It will not become good: what was wrong.
    Bad(String),
}

/// A trial.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Trial {
    begin: Instant,
    answers_since: Option<Instant>,
}

impl Trial {
    pub(crate) fn new(begin: Instant) -> Self {
        Self { begin, answers_since: None }
    }

    /// What follows from one more look: whether the router answers, and how often it has ended by itself.
    pub(crate) fn look(&mut self, now: Instant, answers: bool, ends: u32) -> Verdict {
        self.answers_since = if answers { self.answers_since.or(Some(now)) } else { None };
        if ends > ENDS {
            return Verdict::Bad(format!("towpathd ended {ends} times"));
        }
        match self.answers_since {
            Some(since) if now.saturating_duration_since(since) >= STEADY => Verdict::Good,
            None if now.saturating_duration_since(self.begin) >= PATIENCE => {
                Verdict::Bad(format!("towpathd did not answer within {} s", PATIENCE.as_secs()))
            }
            _ => Verdict::Wait,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdicts(looks: &[(u64, bool, u32)]) -> Vec<Verdict> {
        let begin = Instant::now();
        let mut trial = Trial::new(begin);
        looks
            .iter()
            .map(|(second, answers, ends)| trial.look(begin + Duration::from_secs(*second), *answers, *ends))
            .collect()
    }

    #[test]
    fn a_router_that_answers_for_a_while_is_good() {
        let seen = verdicts(&[(5, false, 0), (6, true, 0), (25, true, 0), (26, true, 0)]);
        assert_eq!(seen, [Verdict::Wait, Verdict::Wait, Verdict::Wait, Verdict::Good]);
    }

    #[test]
    fn a_break_begins_the_while_anew() {
        let seen = verdicts(&[(6, true, 0), (20, false, 1), (21, true, 1), (30, true, 1), (41, true, 1)]);
        assert_eq!(seen.last(), Some(&Verdict::Good));
        assert!(seen.iter().rev().skip(1).all(|verdict| *verdict == Verdict::Wait));
    }

    #[test]
    fn silence_and_ends_are_bad() {
        assert!(matches!(verdicts(&[(59, false, 0), (60, false, 0)]).as_slice(), [Verdict::Wait, Verdict::Bad(_)]));
        assert!(matches!(verdicts(&[(5, true, 3)]).as_slice(), [Verdict::Bad(_)]));
    }
}
