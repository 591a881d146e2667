//! How long a transfer of bytes may take: how long its lines may stand still, and until when all of it must be done.

use std::future::Future;
use std::time::Duration;

use bridge::port::{PortResult, Refused};
use tokio::time::{Instant, timeout_at};

use crate::error;

/// Limits of a transfer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// A line over which less than 64 KiB went in this time is taken for cut.
    pub stall: Duration,
    /// What is not done after so long has failed.
    pub deadline: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self { stall: Duration::from_mins(1), deadline: Duration::from_hours(24) }
    }
}

/// A deadline that runs.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Deadline {
    length: Duration,
    /// `None`: farther away than clocks reach.
    end: Option<Instant>,
}

impl Deadline {
    /// One that begins now.
    pub(crate) fn after(length: Duration) -> Self {
        Self { length, end: Instant::now().checked_add(length) }
    }

    /// Does some work in the time that is left.
    pub(crate) async fn bound<T>(
        self,
        service: &'static str,
        work: impl Future<Output = PortResult<T>>,
    ) -> PortResult<T> {
        let Some(end) = self.end else { return work.await };
        timeout_at(end, work).await.unwrap_or_else(|_| {
            let problem = format!(
                "the transfer was not done in {:?}; run again, what was sent is not sent again, or allow more time with \
                 `--deadline`",
                self.length
            );
            Err(error::own(service, Refused::Invalid, problem))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_time_runs_from_the_beginning_and_is_everybodys() {
        let deadline = Deadline::after(Duration::from_secs(10));
        let work = |seconds| async move {
            tokio::time::sleep(Duration::from_secs(seconds)).await;
            Ok(seconds)
        };
        assert_eq!(deadline.bound("registry", work(6)).await, Ok(6));
        let late = deadline.bound("registry", work(6)).await.unwrap_err();
        assert!(late.message.starts_with("the transfer was not done in 10s; run again"), "{late}");
        assert!(!late.is_transient(), "another try has no time either");
        assert_eq!(Deadline::after(Duration::MAX).bound("registry", work(7)).await, Ok(7));
    }
}
