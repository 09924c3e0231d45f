//! One clock for several processes: microseconds of the wall clock, which the kernel watch stamps with as well.
//!
//! It never measures across a midnight.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Result, bail};

/// Microseconds since the epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Stamp(pub(crate) u64);

const MICROSECONDS_A_DAY: u64 = 86_400_000_000;

impl Stamp {
    pub(crate) fn now() -> Self {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self(u64::try_from(since.as_micros()).unwrap_or(u64::MAX))
    }

    /// The stamp at a time of day (UTC) of the same day.
    pub(crate) fn at_time_of_day(self, microseconds: u64) -> Self {
        Self((self.0 - self.0 % MICROSECONDS_A_DAY).saturating_add(microseconds))
    }

    /// Milliseconds from an earlier stamp; negative when it was later.
    pub(crate) fn milliseconds_since(self, earlier: Self) -> f64 {
        if self >= earlier {
            Duration::from_micros(self.0 - earlier.0).as_secs_f64() * 1e3
        } else {
            -Duration::from_micros(earlier.0 - self.0).as_secs_f64() * 1e3
        }
    }
}

/// Asks again and again until there is an answer.
///
/// # Errors
/// At the deadline.
pub(crate) fn wait_for<T>(
    deadline: Duration,
    pause: Duration,
    what: &str,
    mut ask: impl FnMut() -> Option<T>,
) -> Result<T> {
    let end = Instant::now() + deadline;
    loop {
        if let Some(answer) = ask() {
            return Ok(answer);
        }
        if Instant::now() > end {
            bail!("waited {deadline:?} in vain until {what}");
        }
        std::thread::sleep(pause);
    }
}
