//! The sandbox's clock: the system's, shifted at will, so that tests can let tokens age without waiting.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

tokio::task_local! {
    /// How many seconds the clock of the service that is answering is ahead of the sandbox's.
    static SKEW: i64;
}

/// A clock that can be put forward.
#[derive(Debug, Default)]
pub struct Clock {
    ahead_milliseconds: AtomicI64,
}

impl Clock {
    /// The present, as the service that is answering takes it.
    pub fn now(&self) -> Timestamp {
        let now = self.unskewed();
        let skew = SKEW.try_with(|seconds| *seconds).unwrap_or(0);
        now.checked_add(SignedDuration::from_secs(skew)).unwrap_or(now)
    }

    /// The sandbox's present, whatever a service's clock says.
    #[expect(clippy::disallowed_methods, reason = "the sandbox is an edge: its services tell their own time")]
    pub fn unskewed(&self) -> Timestamp {
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

    /// How far it was put forward.
    pub(crate) fn ahead(&self) -> Duration {
        Duration::from_millis(u64::try_from(self.ahead_milliseconds.load(Ordering::Relaxed)).unwrap_or(0))
    }
}

/// Runs `answer` as a service whose clock is `seconds` ahead.
pub(crate) async fn skewed<T>(seconds: i64, answer: impl Future<Output = T>) -> T {
    SKEW.scope(seconds, answer).await
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
        assert_eq!(clock.ahead(), Duration::from_hours(2));
    }

    #[tokio::test]
    async fn a_skewed_clock_is_one_services_own() {
        let clock = Clock::default();
        let behind = skewed(-3600, async { clock.seconds() }).await;
        assert!(behind < clock.seconds() - 3000);
        let (apparent, real) = skewed(3600, async { (clock.now(), clock.unskewed()) }).await;
        assert!(apparent.duration_since(real) > SignedDuration::from_secs(3000));
    }
}
