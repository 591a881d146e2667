//! Asking again: what a service cannot do for the moment, and once where it did not take a token.

use std::future::Future;
use std::time::Duration;

use bridge::port::{PortResult, Refused};
use http::HeaderMap;

const TRIES: u32 = 4;
const FIRST_PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// The answer to `ask`, tried again while the service is busy or away, and once if it did not take the token. A wait
/// beyond half a minute is the caller's to decide on.
pub(crate) async fn patiently<T, F: Future<Output = PortResult<T>>>(ask: impl Fn() -> F) -> PortResult<T> {
    let mut pause = FIRST_PAUSE;
    for _ in 1..TRIES {
        let wait = match with_a_fresh_token(&ask).await {
            Err(refusal) if refusal.is_transient() => refusal.retry_after.unwrap_or(pause),
            outcome => return outcome,
        };
        if wait > LONGEST_PAUSE {
            break;
        }
        tracing::debug!(?wait, "a service is busy or away; asking again");
        tokio::time::sleep(wait).await;
        pause *= 2;
    }
    with_a_fresh_token(ask).await
}

/// The answer to `ask`, tried once more if the service did not take the token: it may have run out on the way.
pub(crate) async fn with_a_fresh_token<T, F: Future<Output = PortResult<T>>>(
    ask: impl Fn() -> F,
) -> PortResult<T> {
    // Boxed, because the libraries' futures are large and every caller would hold them on its stack.
    match Box::pin(ask()).await {
        Err(refusal) if refusal.kind == Refused::Unauthenticated && refusal.status == Some(401) => {
            Box::pin(ask()).await
        }
        outcome => outcome,
    }
}

/// The pause that an answer asks for, in whole seconds; dates are taken for none.
pub(crate) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    headers.get(http::header::RETRY_AFTER)?.to_str().ok()?.trim().parse().ok().map(Duration::from_secs)
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;
    use crate::error::own;
    use bridge::port::PortError;

    fn refusal(kind: Refused, status: Option<u16>) -> PortError {
        PortError { status, retry_after: Some(Duration::ZERO), ..own("Google", kind, "no") }
    }

    /// Refuses in this order, then answers.
    fn service(mut refusals: Vec<PortError>) -> (Mutex<Vec<PortError>>, usize) {
        refusals.reverse();
        let length = refusals.len();
        (Mutex::new(refusals), length)
    }

    fn answer(refusals: &Mutex<Vec<PortError>>) -> PortResult<&'static str> {
        refusals.lock().unwrap().pop().map_or(Ok("yes"), Err)
    }

    #[tokio::test]
    async fn the_busy_are_asked_again_with_an_end() {
        let (refusals, _) =
            service(vec![refusal(Refused::Throttled, Some(429)), refusal(Refused::Unavailable, None)]);
        assert_eq!(patiently(async || answer(&refusals)).await, Ok("yes"));
        let (refusals, length) = service(vec![refusal(Refused::Unavailable, Some(503)); 9]);
        assert!(patiently(async || answer(&refusals)).await.is_err());
        assert_eq!(length - refusals.lock().unwrap().len(), 4);
    }

    #[tokio::test]
    async fn a_no_is_a_no() {
        for kind in [Refused::Denied, Refused::NotFound, Refused::Conflict, Refused::Invalid] {
            let (refusals, _) = service(vec![refusal(kind, Some(400)); 2]);
            assert!(patiently(async || answer(&refusals)).await.is_err());
            assert_eq!(refusals.lock().unwrap().len(), 1, "{kind:?}");
        }
    }

    #[tokio::test]
    async fn a_refused_token_is_tried_once_more() {
        let (refusals, _) = service(vec![refusal(Refused::Unauthenticated, Some(401)); 1]);
        assert_eq!(with_a_fresh_token(async || answer(&refusals)).await, Ok("yes"));
        let (refusals, _) = service(vec![refusal(Refused::Unauthenticated, Some(401)); 5]);
        assert!(with_a_fresh_token(async || answer(&refusals)).await.is_err());
        assert_eq!(refusals.lock().unwrap().len(), 3);
    }
}
