//! The sandbox's clock: the system's, shifted at will, so that tests can let tokens age without waiting.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

/// A clock that can be put forward.
#[derive(Debug, Default)]
pub struct Clock {
    ahead_milliseconds: AtomicI64,
}

impl Clock {
    /// The sandbox's present.
    #[expect(clippy::disallowed_methods, reason = "the sandbox is an edge: its services tell their own time")]
    pub fn now(&self) -> Timestamp {
        let ahead = SignedDuration::from_millis(self.ahead_milliseconds.load(Ordering::Relaxed));
        let now = Timestamp::now();
        now.checked_add(ahead).unwrap_or(now)
    }

    /// Seconds since 1970, as token claims count.
    pub fn seconds(&self) -> i64 {
        self.now().as_second()
    }

    /// Puts the clock forward.
    pub fn advance(&self, by: Duration) {
        let milliseconds = i64::try_from(by.as_millis()).unwrap_or(i64::MAX);
        self.ahead_milliseconds.fetch_add(milliseconds, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn advancing_moves_the_present() {
        let clock = Clock::default();
        let before = clock.seconds();
        clock.advance(Duration::from_hours(2));
        assert!(clock.seconds() >= before + 7200);
    }
}
