//! Lines on which nothing flows, or too little: a line that drips is as good as one that stands still.

use std::future::Future;
use std::time::Duration;

use tokio::time::{Instant, timeout};

/// Fewer bytes within the limit are a stall.
const LEAST: u64 = 64 << 10;

/// Watches one line.
#[derive(Debug, Clone)]
pub struct Flow {
    limit: Duration,
    waited: Duration,
    flowed: u64,
}

/// What took too long.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Stalled {
    /// Bytes.
    #[error("less than 64 KiB went over the line in {0:?}")]
    Bytes(Duration),
    /// An answer.
    #[error("there was no answer in {0:?}")]
    Answer(Duration),
}

impl Flow {
    /// A line on which 64 KiB are to flow within `limit`.
    pub fn new(limit: Duration) -> Self {
        Self { limit, waited: Duration::ZERO, flowed: 0 }
    }

    /// Waits for what the line does next. Only such waiting counts: who is slow to ask again stalls nothing.
    pub async fn wait<T>(&mut self, next: impl Future<Output = T>) -> Result<T, Stalled> {
        let began = Instant::now();
        let next = timeout(self.limit.saturating_sub(self.waited), next).await;
        self.waited += began.elapsed();
        next.map_err(|_| Stalled::Bytes(self.limit))
    }

    /// So many bytes flowed.
    pub fn flowed(&mut self, bytes: u64) {
        self.flowed += bytes;
        if self.flowed >= LEAST {
            *self = Self::new(self.limit);
        }
    }
}

/// Waits for an answer, but not for ever.
pub async fn answer<T>(limit: Duration, answer: impl Future<Output = T>) -> Result<T, Stalled> {
    timeout(limit, answer).await.map_err(|_| Stalled::Answer(limit))
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};

    use tokio::time::sleep;

    use super::*;

    const LIMIT: Duration = Duration::from_mins(1);

    #[tokio::test(start_paused = true)]
    async fn a_line_that_drips_stands_still() {
        let mut flow = Flow::new(LIMIT);
        let mut drops = 0;
        let stalled = loop {
            match flow.wait(sleep(LIMIT / 8)).await {
                Ok(()) => flow.flowed(1),
                Err(stalled) => break stalled,
            }
            drops += 1;
        };
        assert_eq!((stalled, drops), (Stalled::Bytes(LIMIT), 8));
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_line_and_a_slow_reader_are_no_stall() {
        let mut flow = Flow::new(LIMIT);
        for _ in 0..100 {
            flow.wait(sleep(LIMIT / 2)).await.unwrap();
            flow.flowed(LEAST);
        }
        for _ in 0..100 {
            sleep(LIMIT * 2).await;
            flow.wait(ready(())).await.unwrap();
            flow.flowed(1);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_never_comes_is_not_waited_for() {
        assert_eq!(Flow::new(LIMIT).wait(pending::<()>()).await, Err(Stalled::Bytes(LIMIT)));
        assert_eq!(answer(LIMIT, pending::<()>()).await, Err(Stalled::Answer(LIMIT)));
        assert_eq!(answer(LIMIT, ready(7)).await, Ok(7));
    }
}
