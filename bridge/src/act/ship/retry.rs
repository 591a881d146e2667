//! Trying again, within bounds: only what the service itself calls temporary, never longer than a person would wait.

use std::future::Future;
use std::time::Duration;

use crate::port::{Event, PortError, Time, Watch};
use crate::resolve::ResolveError;

/// Attempts in all.
const ATTEMPTS: u32 = 5;
/// The first pause; each later one is twice as long.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// The longest pause, also where the service asks for more.
const LONGEST_PAUSE: Duration = Duration::from_mins(1);

/// An error that may be a port's.
pub trait OfPort {
    /// The port's error, if it is one.
    fn port(&self) -> Option<&PortError>;
}

impl OfPort for PortError {
    fn port(&self) -> Option<&PortError> {
        Some(self)
    }
}

impl OfPort for ResolveError {
    fn port(&self) -> Option<&PortError> {
        match self {
            Self::Source(error) => Some(error),
            _ => None,
        }
    }
}

/// How failures are borne.
#[derive(Debug)]
pub struct Patience<'a, T, W> {
    time: &'a T,
    watch: &'a W,
}

impl<'a, T: Time, W: Watch> Patience<'a, T, W> {
    /// Patience by a clock, telling a watch.
    pub fn new(time: &'a T, watch: &'a W) -> Self {
        Self { time, watch }
    }

    /// Runs `attempt` until it succeeds, fails for good, or has failed too often.
    pub async fn retry<O, E, F, A>(&self, what: &str, mut attempt: A) -> Result<O, E>
    where
        E: OfPort,
        F: Future<Output = Result<O, E>>,
        A: FnMut() -> F,
    {
        let mut tried = 1;
        loop {
            let error = match attempt().await {
                Ok(outcome) => return Ok(outcome),
                Err(error) => error,
            };
            let Some((why, pause)) = error.port().and_then(|it| Some((it.to_string(), pause(it, tried)?)))
            else {
                return Err(error);
            };
            self.watch.event(Event::Retry { what: what.to_owned(), why });
            self.time.sleep(pause).await;
            tried += 1;
        }
    }
}

/// How long to wait after the `tried`th failure; `None` to give up.
fn pause(error: &PortError, tried: u32) -> Option<Duration> {
    if !error.is_transient() || tried >= ATTEMPTS {
        return None;
    }
    let ours = FIRST_PAUSE * 2_u32.saturating_pow(tried - 1);
    Some(error.retry_after.unwrap_or(ours).min(LONGEST_PAUSE))
}
