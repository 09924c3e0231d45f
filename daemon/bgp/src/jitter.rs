//! Timers that do not beat in step (RFC 4271 §10), from a seed so that a run can be repeated.
//!
//! Never a source of secrets: the sequence is predictable on purpose.

use std::time::Duration;

/// A small deterministic generator (splitmix64) for the jitter of timers.
#[derive(Clone, Debug)]
pub(crate) struct Jitter {
    state: u64,
}

impl Jitter {
    pub(crate) fn new(seed: u64) -> Self {
        Self { state: seed }
    }

    /// Three quarters to the whole of a duration, evenly spread (RFC 4271 §10).
    pub(crate) fn shorten(&mut self, whole: Duration) -> Duration {
        let thousandths = 750 + u32::try_from(self.next() % 251).unwrap_or(0);
        whole.saturating_mul(thousandths) / 1000
    }

    fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jitter_stays_between_three_quarters_and_the_whole() {
        let mut jitter = Jitter::new(7);
        let drawn: Vec<Duration> = (0..1000).map(|_| jitter.shorten(Duration::from_secs(100))).collect();
        assert!(drawn.iter().all(|one| (75_000..=100_000).contains(&one.as_millis())), "{drawn:?}");
        assert!(drawn.iter().any(|one| one.as_millis() < 80_000) && drawn.iter().any(|one| one.as_millis() > 95_000));
    }

    #[test]
    fn the_same_seed_draws_the_same_timers() {
        let draw = |seed| {
            let mut jitter = Jitter::new(seed);
            [0; 8].map(|_| jitter.shorten(Duration::from_secs(30)))
        };
        assert_eq!(draw(3), draw(3));
        assert_ne!(draw(3), draw(4));
    }
}
