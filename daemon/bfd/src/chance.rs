//! Numbers that do not repeat soon, from a seed: jitter and discriminators.
//!
//! Never a source of secrets: the sequence is predictable on purpose.

use std::num::NonZeroU32;
use std::time::Duration;

/// 2^32 divided by the golden ratio: steps of this size visit every number once, and spread evenly meanwhile.
const STEP: u32 = 0x9e37_79b9;

/// A walk through all numbers of 32 bits.
#[derive(Clone, Debug)]
pub(crate) struct Chance(u32);

impl Chance {
    pub(crate) fn new(seed: u32) -> Self {
        Self(seed)
    }

    /// The next number that is not zero.
    pub(crate) fn number(&mut self) -> NonZeroU32 {
        loop {
            self.0 = self.0.wrapping_add(STEP);
            if let Some(number) = NonZeroU32::new(self.0) {
                return number;
            }
        }
    }

    /// Three quarters to the whole of an interval; to nine tenths where one lost packet is one too many, so that the
    /// other side does not give up before the next one (RFC 5880 §6.8.7).
    pub(crate) fn shorten(&mut self, whole: Duration, multiplier: u8) -> Duration {
        let most: u64 = if multiplier == 1 { 900 } else { 1000 };
        let spread = (u64::from(self.number().get()) * (most - 750)) >> 32;
        let thousandths = u32::try_from(750 + spread).unwrap_or(750);
        whole.saturating_mul(thousandths) / 1000
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jitter_takes_up_to_a_quarter_away_and_at_least_a_tenth_with_a_multiplier_of_one() {
        for (multiplier, most) in [(1, 900), (2, 1000), (3, 1000), (255, 1000)] {
            let mut chance = Chance::new(7);
            let drawn = (0..1000).map(|_| chance.shorten(Duration::from_secs(1), multiplier).as_millis());
            let drawn: Vec<u128> = drawn.collect();
            assert!(drawn.iter().all(|one| (750..=most).contains(one)), "{multiplier}: {drawn:?}");
            assert!(drawn.iter().any(|one| *one < 760) && drawn.iter().any(|one| *one > most - 10), "{multiplier}");
        }
    }

    #[test]
    fn numbers_are_never_zero_and_do_not_repeat() {
        let mut chance = Chance::new(0_u32.wrapping_sub(STEP.wrapping_mul(3)));
        let drawn: std::collections::BTreeSet<u32> = (0..10_000).map(|_| chance.number().get()).collect();
        assert_eq!(drawn.len(), 10_000);
        assert!(!drawn.contains(&0));
    }
}
