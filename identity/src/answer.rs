//! Asking a token service: one request, a bounded answer, a few more tries when the service is busy. Bodies stay in
//! here; errors carry the fields that the service documents and nothing else.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use reqwest::RequestBuilder;
use reqwest::header::{HeaderMap, RETRY_AFTER};
use serde_json::Value;

use crate::http::unreachable;

/// The largest answer we read: STS tokens may have 12 KB.
const LARGEST_ANSWER: usize = 256 * 1024;
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// No Google token lives longer (12 hours, by organisation policy).
const LONGEST_LIFE: i64 = 43_200;

/// How often to ask, and after what.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Patience {
    /// Requests in all.
    pub(crate) tries: u32,
    /// The first pause; each one after it is twice as long.
    pub(crate) pause: Duration,
    /// Which statuses are worth asking again.
    pub(crate) again: fn(u16) -> bool,
    /// Whether a request without an answer is worth asking again.
    pub(crate) unreachable: bool,
}

impl Patience {
    /// With services out on the network.
    pub(crate) const SERVICE: Self =
        Self { tries: 3, pause: Duration::from_millis(200), again: is_busy, unreachable: true };
}

/// Statuses that pass by themselves.
pub(crate) fn is_busy(status: u16) -> bool {
    status == 429 || status >= 500
}

/// What a token service answered.
pub(crate) struct Answer {
    /// HTTP status.
    pub(crate) status: u16,
    /// The body as it came; a token may be in it.
    pub(crate) text: String,
    /// Headers.
    pub(crate) headers: HeaderMap,
    /// The JSON body, or what is wrong with it.
    pub(crate) body: Result<Value, &'static str>,
    /// `Retry-After`.
    pub(crate) retry_after: Option<Duration>,
}

impl Answer {
    pub(crate) fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }
}

/// Sends a request made by `request`, again if the service is busy or cannot be reached. The error is the network's.
pub(crate) async fn ask(request: impl Fn() -> RequestBuilder) -> Result<Answer, String> {
    ask_patiently(Patience::SERVICE, request).await
}

/// [`ask`] with a patience of one's own.
pub(crate) async fn ask_patiently(
    patience: Patience,
    request: impl Fn() -> RequestBuilder,
) -> Result<Answer, String> {
    let mut pause = patience.pause;
    for _ in 1..patience.tries {
        let wait = match once(request()).await {
            Ok(answer) if (patience.again)(answer.status) => answer.retry_after,
            Err(_) if patience.unreachable => None,
            outcome => return outcome,
        };
        let wait = wait.unwrap_or(pause);
        if wait > LONGEST_PAUSE {
            break;
        }
        tokio::time::sleep(wait).await;
        pause *= 2;
    }
    once(request()).await
}

async fn once(request: RequestBuilder) -> Result<Answer, String> {
    let mut response = request.send().await.map_err(unreachable)?;
    let status = response.status().as_u16();
    let headers = response.headers().clone();
    let retry_after = headers
        .get(RETRY_AFTER)
        .and_then(|value| value.to_str().ok()?.trim().parse().ok())
        .map(Duration::from_secs);
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(unreachable)? {
        if bytes.len() + chunk.len() > LARGEST_ANSWER {
            let (text, body) = (String::new(), Err("the answer is too large"));
            return Ok(Answer { status, text, headers, body, retry_after });
        }
        bytes.extend_from_slice(&chunk);
    }
    let body = serde_json::from_slice(&bytes).map_err(|_| "the answer is no JSON");
    let text = String::from_utf8(bytes).unwrap_or_default();
    Ok(Answer { status, text, headers, body, retry_after })
}

/// When a token that lives `seconds` (a number, or a number in a string) from `now` on expires.
pub(crate) fn expiry(now: Timestamp, seconds: &Value) -> Result<Timestamp, &'static str> {
    let seconds = match seconds {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    };
    let seconds = seconds.filter(|seconds| seconds.is_finite()).ok_or("its life is no number")?;
    if seconds < 1.0 {
        return Err("it has expired already");
    }
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        reason = "clamped to twelve hours"
    )]
    let seconds = seconds.min(LONGEST_LIFE as f64) as i64;
    now.checked_add(SignedDuration::from_secs(seconds)).map_err(|_| "its life is no number")
}

/// When a token that claims to expire at `text` (RFC 3339) expires, seen at `now`.
pub(crate) fn expiry_at(now: Timestamp, text: &str) -> Result<Timestamp, &'static str> {
    let claimed: Timestamp = text.parse().map_err(|_| "its expiry is no RFC 3339 time")?;
    if claimed <= now {
        return Err("it has expired already");
    }
    let latest = now.checked_add(SignedDuration::from_secs(LONGEST_LIFE)).unwrap_or(claimed);
    Ok(claimed.min(latest))
}

/// A text of a service's answer, shortened and on one line, for an error.
pub(crate) fn words(text: &str) -> String {
    const LONGEST: usize = 1000;
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", line.get(..end).unwrap_or_default()),
        None => line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const NOW: Timestamp = Timestamp::UNIX_EPOCH;

    #[test]
    fn lives_are_read_as_number_or_text_and_capped() {
        for (life, second) in [(json!(3600), 3600), (json!("3599"), 3599), (json!(3600.7), 3600)] {
            assert_eq!(expiry(NOW, &life).unwrap().as_second(), second, "{life}");
        }
        for huge in [json!(u64::MAX), json!(1e300), json!("99999999999999999999")] {
            assert_eq!(expiry(NOW, &huge).unwrap().as_second(), LONGEST_LIFE, "{huge}");
        }
        for odd in
            [json!(0), json!(-5), json!("soon"), json!(null), json!([3600]), json!("NaN"), json!("inf")]
        {
            assert!(expiry(NOW, &odd).is_err(), "{odd}");
        }
    }

    #[test]
    fn expiry_times_are_checked_and_capped() {
        assert_eq!(expiry_at(NOW, "1970-01-01T01:00:00Z").unwrap().as_second(), 3600);
        assert_eq!(expiry_at(NOW, "9998-01-01T00:00:00Z").unwrap().as_second(), LONGEST_LIFE);
        for odd in ["", "tomorrow", "1969-01-01T00:00:00Z", "99999-01-01T00:00:00Z"] {
            assert!(expiry_at(NOW, odd).is_err(), "{odd}");
        }
    }

    #[test]
    fn long_texts_are_cut_between_characters() {
        assert_eq!(words(" a\n b "), "a b");
        assert_eq!(words(&"é".repeat(2000)).chars().count(), 1001);
    }
}
