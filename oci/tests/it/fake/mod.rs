//! An in-process registry with a will of its own.

mod answers;
mod blobs;
mod manifests;

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use axum::Router;
use axum::body::Bytes;
use http::HeaderValue;
use oci::authorizer::{Ask, Authorizer, Purpose};
use oci::digest::Digester;
use oci::progress::{Event, Progress};
use oci::registry::Patience;
use oci::{Anonymous, BoxError, Digest, Endpoint, Registry};

/// One lie or accident, told once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// 429, with as many seconds of `Retry-After`.
    Busy(u64),
    /// The connection dies after so many bytes of the answer.
    CutAnswer(usize),
    /// The connection dies after so many bytes of the upload.
    CutUpload(usize),
    /// The answer is one byte short and says so.
    Short,
    /// The answer is one byte long and says so.
    Long,
    /// The answer has a wrong byte.
    Corrupt,
    /// So many bytes of the answer come, the others one by one with pauses.
    Drip(usize),
    /// No answer comes.
    Mute,
    /// What was asked is done, and the connection dies in the place of the answer.
    LostAnswer,
    /// The answer names another digest.
    OtherDigest,
    /// 401, whatever the token.
    LoggedOut,
    /// 401 when so many bytes of the upload have come.
    LoggedOutAfter(usize),
    /// A byte of the upload becomes another one.
    CorruptUpload,
    /// Nothing is known of the upload.
    LostSession,
    /// There is such a blob, and it has so many bytes.
    Claim(u64),
    /// There is no such thing.
    Deny,
    /// The blob or manifest is taken without a word of its digest, and thrown away.
    Forget,
}

#[derive(Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a habit of its own")]
pub(crate) struct World {
    pub(crate) blobs: BTreeMap<String, Bytes>,
    pub(crate) sizes: BTreeMap<String, u64>,
    pub(crate) manifests: BTreeMap<String, (String, Bytes)>,
    /// Uploads that were begun.
    begun: u64,
    sessions: BTreeMap<u64, Digester>,
    uploads: BTreeMap<u64, Vec<u8>>,
    /// `METHOD what` of the request → faults that await it.
    faults: BTreeMap<String, VecDeque<Fault>>,
    /// Every request, `METHOD what STATUS`.
    pub(crate) log: Vec<String>,
    pub(crate) refuses_patch: bool,
    pub(crate) refuses_manifests: bool,
    /// Manifests may be put and not read.
    pub(crate) hides_manifests: bool,
    pub(crate) mounts: bool,
    /// Repositories do not see each other's blobs.
    pub(crate) apart: bool,
    /// Digest and repository of every blob that was sent or mounted.
    owned: std::collections::BTreeSet<(String, String)>,
    pub(crate) ranges: bool,
    /// It has the referrers API.
    pub(crate) lists_referrers: bool,
    /// The token that requests must carry.
    pub(crate) token: Option<String>,
    /// The token service, if it is not the fake itself.
    pub(crate) realm: Option<String>,
    /// The token service's log-in, if it has one.
    pub(crate) realm_login: Option<String>,
    /// Where it sends those who ask for a blob: the address of another fake, or its own.
    pub(crate) storage: Option<String>,
    /// Takes no request that carries a log-in, as storage behind signed URLs does.
    pub(crate) signed_only: bool,
    /// The log-in of every request.
    pub(crate) logins: Vec<Option<String>>,
}

#[derive(Clone)]
pub(crate) struct Fake {
    pub(crate) world: Arc<Mutex<World>>,
    pub(crate) address: String,
    /// Bytes of uploads that were read so far.
    pub(crate) received: Arc<AtomicU64>,
}

/// Remembers what it is told.
#[derive(Default)]
pub(crate) struct Told(pub Mutex<Vec<String>>);

impl Progress for Told {
    fn event(&self, event: Event<'_>) {
        let text = match event {
            Event::Bytes { .. } => return,
            Event::Skipped { what, why, .. } => format!("skipped {what} {why:?}"),
            Event::Retry { what, .. } => format!("retry {what}"),
            Event::Layer { .. } => "layer".to_owned(),
        };
        self.0.lock().unwrap().push(text);
    }
}

/// Gives the tokens of a list, one more after every refusal.
pub(crate) struct Tokens {
    pub(crate) all: Vec<&'static str>,
    pub(crate) refused: Mutex<usize>,
    pub(crate) exchanges: bool,
}

#[async_trait]
impl Authorizer for Tokens {
    async fn authorize(&self, ask: &Ask<'_>) -> Result<Option<HeaderValue>, BoxError> {
        let exchange = matches!(ask.purpose, Purpose::Exchange { .. });
        if exchange != self.exchanges {
            return Ok(None);
        }
        let mut refused = self.refused.lock().unwrap();
        *refused += usize::from(ask.refused);
        let token = self.all[(*refused).min(self.all.len() - 1)];
        Ok(Some(HeaderValue::from_str(&format!("Bearer {token}"))?))
    }
}

impl Fake {
    pub(crate) async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let world = World { mounts: true, ranges: true, ..World::default() };
        let fake = Self { world: Arc::new(Mutex::new(world)), address, received: Arc::default() };
        let router = Router::new().fallback(answers::serve).with_state(fake.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        fake
    }

    pub(crate) fn client(&self) -> Registry {
        self.client_as(Arc::new(Anonymous))
    }

    pub(crate) fn client_as(&self, authorizer: Arc<dyn Authorizer>) -> Registry {
        let (first_pause, longest_pause) = (Duration::from_millis(1), Duration::from_secs(5));
        let patience = Patience { tries: 4, first_pause, longest_pause, ..Patience::default() };
        let endpoint = Endpoint::parse(&self.address).unwrap();
        Registry::with_patience(reqwest::Client::new(), endpoint, authorizer, patience)
    }

    /// A client that gives up a line after so long.
    pub(crate) fn client_that_waits(&self, stall: Duration) -> Registry {
        self.client_over(&reqwest::Client::new(), stall)
    }

    /// The same, with somebody's connections.
    pub(crate) fn client_over(&self, http: &reqwest::Client, stall: Duration) -> Registry {
        let (first_pause, longest_pause) = (Duration::from_millis(1), Duration::from_secs(5));
        let patience = Patience { tries: 3, first_pause, longest_pause, stall };
        let endpoint = Endpoint::parse(&self.address).unwrap();
        Registry::with_patience(http.clone(), endpoint, Arc::new(Anonymous), patience)
    }

    pub(crate) fn fault(&self, request: &str, fault: Fault) {
        self.world.lock().unwrap().faults.entry(request.to_owned()).or_default().push_back(fault);
    }

    pub(crate) fn put_blob(&self, bytes: &[u8]) -> Digest {
        let digest = Digest::of(bytes);
        let mut world = self.world.lock().unwrap();
        world.blobs.insert(digest.to_string(), Bytes::copy_from_slice(bytes));
        world.sizes.insert(digest.to_string(), bytes.len() as u64);
        digest
    }

    pub(crate) fn put_manifest(&self, name: &str, media_type: &str, bytes: &[u8]) -> Digest {
        let digest = Digest::of(bytes);
        let repository = name.split(':').next().unwrap();
        let kept = (media_type.to_owned(), Bytes::copy_from_slice(bytes));
        let mut world = self.world.lock().unwrap();
        world.manifests.insert(format!("{repository}:{digest}"), kept.clone());
        world.manifests.insert(name.to_owned(), kept);
        digest
    }

    pub(crate) fn has(&self, digest: &Digest) -> bool {
        self.world.lock().unwrap().sizes.contains_key(digest.as_str())
    }

    /// How often a request was made, `METHOD what`, with any answer.
    pub(crate) fn count(&self, request: &str) -> usize {
        let world = self.world.lock().unwrap();
        world.log.iter().filter(|line| line.starts_with(request)).count()
    }
}
