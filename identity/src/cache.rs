//! Tokens kept until shortly before they expire, each fetched by one flight however many callers wait for it.

use std::collections::HashMap;
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::{SignedDuration, Timestamp};
use tokio::sync::watch;
use tracing::Instrument as _;

use crate::clock::Clock;
use crate::error::{Hop, TokenError};
use crate::secret::AccessToken;

/// A token is replaced this long before it expires, or when a fifth of its life is left, whichever is later.
const EARLY: SignedDuration = SignedDuration::from_mins(5);

/// Names a token: whose, for whom, for what.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Key {
    /// Who asks: two callers with different log-ins never share a token.
    pub identity: String,
    /// Whom the token is for.
    pub audience: String,
    /// What it is good for.
    pub scope: String,
}

type Outcome = Result<AccessToken, TokenError>;
type Flight = watch::Receiver<Option<Outcome>>;

#[derive(Default)]
struct Entry {
    token: Option<Kept>,
    flight: Option<Flight>,
}

struct Kept {
    token: AccessToken,
    refresh_at: Timestamp,
}

/// A token cache. Clones share their content.
#[derive(Clone)]
pub struct Cache {
    clock: Arc<dyn Clock>,
    entries: Arc<Mutex<HashMap<Key, Entry>>>,
}

impl Cache {
    /// An empty cache that tells the time by `clock`.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, entries: Arc::default() }
    }

    /// The clock.
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.clock
    }

    /// The token named by `key`, fetched by `fetch` unless a fresh one is kept or somebody is fetching it. Goes on
    /// using a token that still works if no new one can be had. The fetch goes on when its callers go away.
    pub async fn get<F, W>(&self, key: Key, hop: Hop, fetch: F) -> Outcome
    where
        F: FnOnce() -> W,
        W: Future<Output = Outcome> + Send + 'static,
    {
        let mut flight = {
            let mut entries = self.entries();
            let entry = entries.entry(key.clone()).or_default();
            let now = self.clock.now();
            if let Some(kept) = entry.token.as_ref().filter(|kept| now < kept.refresh_at) {
                return Ok(kept.token.clone());
            }
            match &entry.flight {
                // A sender that is gone without a word belongs to a fetch that died.
                Some(flight) if flight.has_changed().is_ok() => flight.clone(),
                _ => entry.flight.insert(self.start(key.clone(), fetch())).clone(),
            }
        };
        let outcome = match flight.wait_for(Option::is_some).await {
            Ok(outcome) => outcome.clone().unwrap_or(Err(TokenError::Interrupted(hop))),
            Err(_) => Err(TokenError::Interrupted(hop)),
        };
        outcome.or_else(|error| self.still_valid(&key).ok_or(error))
    }

    /// Forgets one token, for example after a service called it expired.
    pub fn forget(&self, key: &Key) {
        if let Some(entry) = self.entries().get_mut(key) {
            entry.token = None;
        }
    }

    /// Forgets every token.
    pub fn forget_all(&self) {
        for entry in self.entries().values_mut() {
            entry.token = None;
        }
    }

    fn start(&self, key: Key, fetch: impl Future<Output = Outcome> + Send + 'static) -> Flight {
        let (sender, flight) = watch::channel(None);
        let cache = self.clone();
        let task = async move {
            let outcome = fetch.await;
            cache.land(&key, &outcome);
            let _ = sender.send(Some(outcome));
        };
        tokio::spawn(task.in_current_span());
        flight
    }

    fn land(&self, key: &Key, outcome: &Outcome) {
        let mut entries = self.entries();
        let entry = entries.entry(key.clone()).or_default();
        entry.flight = None;
        if let Ok(token) = outcome {
            let refresh_at = refresh_at(self.clock.now(), token.expires_at);
            entry.token = Some(Kept { token: token.clone(), refresh_at });
        }
    }

    fn still_valid(&self, key: &Key) -> Option<AccessToken> {
        let now = self.clock.now();
        let entries = self.entries();
        let kept = entries.get(key)?.token.as_ref()?;
        (now < kept.token.expires_at).then(|| kept.token.clone())
    }

    fn entries(&self) -> MutexGuard<'_, HashMap<Key, Entry>> {
        // No code that can panic runs while the lock is held, and every state between is a whole one.
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn refresh_at(now: Timestamp, expires_at: Timestamp) -> Timestamp {
    let life = expires_at.duration_since(now);
    expires_at.checked_sub(EARLY.min(life / 5)).unwrap_or(expires_at)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::Secret;
    use crate::sts::ExchangeError;
    use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
    use tokio::sync::Semaphore;

    struct Stopped(AtomicI64);

    impl Clock for Arc<Stopped> {
        fn now(&self) -> Timestamp {
            Timestamp::from_second(self.0.load(Ordering::SeqCst)).unwrap()
        }
    }

    struct World {
        clock: Arc<Stopped>,
        cache: Cache,
        fetched: Arc<AtomicUsize>,
    }

    fn world() -> World {
        let clock = Arc::new(Stopped(AtomicI64::new(1_000_000)));
        let cache = Cache::new(Arc::new(clock.clone()));
        World { clock, cache, fetched: Arc::default() }
    }

    fn key(identity: &str) -> Key {
        Key { identity: identity.to_owned(), audience: "a".to_owned(), scope: "s".to_owned() }
    }

    impl World {
        async fn get(&self, identity: &str, life: i64) -> Outcome {
            let (fetched, now) = (self.fetched.clone(), self.clock.now());
            self.cache
                .get(key(identity), Hop::Exchange, || async move {
                    let number = fetched.fetch_add(1, Ordering::SeqCst);
                    Ok(token(&format!("token-{number}"), now, life))
                })
                .await
        }

        async fn fail(&self, identity: &str) -> Outcome {
            self.cache.get(key(identity), Hop::Exchange, || async { Err(unreachable()) }).await
        }

        fn pass(&self, seconds: i64) {
            self.clock.0.fetch_add(seconds, Ordering::SeqCst);
        }
    }

    fn token(text: &str, now: Timestamp, life: i64) -> AccessToken {
        let expires_at = now.checked_add(SignedDuration::from_secs(life)).unwrap();
        AccessToken { secret: Secret::token(text.to_owned()).unwrap(), expires_at }
    }

    fn unreachable() -> TokenError {
        ExchangeError::Unreachable { problem: "no route".to_owned() }.into()
    }

    fn text(outcome: Outcome) -> String {
        outcome.unwrap().secret.expose().to_owned()
    }

    async fn slow(fetched: Arc<AtomicUsize>, gate: Arc<Semaphore>, now: Timestamp) -> Outcome {
        fetched.fetch_add(1, Ordering::SeqCst);
        let _open = gate.acquire().await.unwrap();
        Ok(token("shared", now, 3600))
    }

    #[tokio::test]
    async fn a_herd_costs_one_fetch() {
        let world = world();
        let gate = Arc::new(Semaphore::new(0));
        let mut herd = tokio::task::JoinSet::new();
        for _ in 0..200 {
            let (cache, fetched, gate) = (world.cache.clone(), world.fetched.clone(), gate.clone());
            let fetch = slow(fetched, gate, world.clock.now());
            herd.spawn(async move { cache.get(key("one"), Hop::Exchange, || fetch).await });
        }
        tokio::task::yield_now().await;
        gate.add_permits(1);
        while let Some(outcome) = herd.join_next().await {
            assert_eq!(text(outcome.unwrap()), "shared");
        }
        assert_eq!(world.fetched.load(Ordering::SeqCst), 1);
    }

    #[tokio::test]
    async fn a_token_is_kept_until_shortly_before_it_expires() {
        let world = world();
        assert_eq!(text(world.get("one", 3600).await), "token-0");
        world.pass(3299);
        assert_eq!(text(world.get("one", 3600).await), "token-0", "five minutes early, not earlier");
        world.pass(1);
        assert_eq!(text(world.get("one", 3600).await), "token-1");
    }

    #[tokio::test]
    async fn a_short_token_is_kept_for_four_fifths_of_its_life() {
        let world = world();
        assert_eq!(text(world.get("one", 100).await), "token-0");
        world.pass(79);
        assert_eq!(text(world.get("one", 100).await), "token-0");
        world.pass(1);
        assert_eq!(text(world.get("one", 100).await), "token-1");
    }

    #[tokio::test]
    async fn identities_share_nothing() {
        let world = world();
        assert_eq!(text(world.get("one", 3600).await), "token-0");
        assert_eq!(text(world.get("two", 3600).await), "token-1");
        assert_eq!(text(world.get("one", 3600).await), "token-0");
    }

    #[tokio::test]
    async fn a_working_token_bridges_an_outage_and_an_expired_one_does_not() {
        let world = world();
        assert_eq!(text(world.get("one", 3600).await), "token-0");
        world.pass(3400);
        assert_eq!(text(world.fail("one").await), "token-0");
        world.pass(200);
        assert_eq!(world.fail("one").await.err(), Some(unreachable()));
        assert_eq!(text(world.get("one", 3600).await), "token-1", "a failure is not kept");
    }

    #[tokio::test]
    async fn forgotten_tokens_are_fetched_again() {
        let world = world();
        assert_eq!(text(world.get("one", 3600).await), "token-0");
        assert_eq!(text(world.get("two", 3600).await), "token-1");
        world.cache.forget(&key("one"));
        assert_eq!(text(world.get("one", 3600).await), "token-2");
        assert_eq!(text(world.get("two", 3600).await), "token-1");
        world.cache.forget_all();
        assert_eq!(text(world.get("two", 3600).await), "token-3");
    }

    #[tokio::test]
    async fn a_fetch_that_dies_is_an_error_and_blocks_nobody() {
        let world = world();
        let dead =
            world.cache.get(key("one"), Hop::Exchange, || async { panic!("the fetch dies here") }).await;
        assert_eq!(dead.err(), Some(TokenError::Interrupted(Hop::Exchange)));
        assert_eq!(text(world.get("one", 3600).await), "token-0");
    }

    #[tokio::test]
    async fn a_caller_that_goes_away_does_not_stop_the_fetch() {
        let world = world();
        let gate = Arc::new(Semaphore::new(0));
        let (inner, now) = (gate.clone(), world.clock.now());
        let waiting = world.cache.get(key("one"), Hop::Exchange, || async move {
            let _open = inner.acquire().await.unwrap();
            Ok(token("finished", now, 3600))
        });
        let gone = tokio::time::timeout(std::time::Duration::ZERO, waiting).await;
        assert!(gone.is_err());
        gate.add_permits(1);
        assert_eq!(text(world.fail("one").await), "finished");
    }
}
