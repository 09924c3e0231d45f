//! Numbers of backends, services and tables: who has which, and when one may be given to somebody else.
//!
//! Never gives out what the kernel may still use: whoever gives a number back says until when it rests.

use std::collections::VecDeque;
use std::time::Instant;

/// Numbers from 1 to a largest one.
#[derive(Clone, Debug)]
pub(crate) struct Numbers {
    /// None from here on was ever given out.
    fresh: u32,
    end: u32,
    /// Below `fresh`, and free.
    free: VecDeque<u32>,
    /// Given back, in the order of their times.
    resting: VecDeque<(Instant, u32)>,
}

impl Numbers {
    /// None is given out yet. There are so many with 0, which is nobody's.
    pub(crate) fn new(count: usize) -> Self {
        let end = u32::try_from(count).unwrap_or(u32::MAX);
        Self { fresh: 1, end, free: VecDeque::new(), resting: VecDeque::new() }
    }

    /// A number that nobody has: one that was never used if there is one, else the one that has been free for longest.
    pub(crate) fn take(&mut self) -> Option<u32> {
        if self.fresh < self.end {
            self.fresh += 1;
            return Some(self.fresh - 1);
        }
        self.free.pop_front()
    }

    /// The number is somebody's already, from an earlier life.
    pub(crate) fn claim(&mut self, number: u32) {
        while self.fresh <= number && self.fresh < self.end {
            self.free.push_back(self.fresh);
            self.fresh += 1;
        }
        self.free.retain(|free| *free != number);
    }

    /// Nobody has the number any more; it rests until then.
    pub(crate) fn give_back(&mut self, number: u32, until: Instant) {
        let place = self.resting.partition_point(|(other, _)| *other <= until);
        self.resting.insert(place, (until, number));
    }

    /// The next one that has rested.
    pub(crate) fn rested(&mut self, now: Instant) -> Option<u32> {
        let number = self.resting.front().filter(|(until, _)| *until <= now).map(|(_, number)| *number)?;
        self.resting.pop_front();
        self.free.push_back(number);
        Some(number)
    }

    /// When the next one has rested.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.resting.front().map(|(until, _)| *until)
    }

    /// How many are given out, or rest.
    pub(crate) fn used(&self) -> u32 {
        (self.fresh - 1).saturating_sub(u32::try_from(self.free.len()).unwrap_or(u32::MAX))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    #[expect(clippy::disallowed_methods, reason = "any time will do")]
    fn a_number_is_given_out_again_once_it_has_rested_and_not_before() {
        let now = Instant::now();
        let later = now + Duration::from_secs(1);
        let mut numbers = Numbers::new(3);
        assert_eq!([numbers.take(), numbers.take(), numbers.take()], [Some(1), Some(2), None]);
        numbers.give_back(2, later);
        assert_eq!((numbers.rested(now), numbers.take(), numbers.used()), (None, None, 2));
        assert_eq!(numbers.deadline(), Some(later));
        assert_eq!((numbers.rested(later), numbers.used()), (Some(2), 1));
        assert_eq!((numbers.take(), numbers.take()), (Some(2), None));
    }

    #[test]
    fn numbers_of_an_earlier_life_are_not_given_out() {
        let mut numbers = Numbers::new(6);
        numbers.claim(2);
        numbers.claim(4);
        numbers.claim(2);
        assert_eq!(numbers.used(), 2);
        let given: Vec<u32> = std::iter::from_fn(|| numbers.take()).collect();
        assert_eq!(given, [5, 1, 3]);
    }
}
