//! An in-process registry with a will of its own.

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::response::Response;
use futures_util::StreamExt;
use http::{HeaderValue, Method, StatusCode};
use oci::authorizer::{Ask, Authorizer, Purpose};
use oci::digest::Digester;
use oci::progress::{Event, Progress};
use oci::registry::Patience;
use oci::{Anonymous, BoxError, Digest, Endpoint, Registry};

/// Blobs up to this size are kept; of larger ones only their size is.
const KEPT: usize = 16 << 20;

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
    /// The answer has a wrong byte.
    Corrupt,
    /// The answer names another digest.
    OtherDigest,
    /// 401, whatever the token.
    LoggedOut,
    /// The blob is taken without a word of its digest, and thrown away.
    Forget,
}

#[derive(Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a habit of its own")]
pub(crate) struct World {
    pub(crate) blobs: BTreeMap<String, Bytes>,
    pub(crate) sizes: BTreeMap<String, u64>,
    pub(crate) manifests: BTreeMap<String, (String, Bytes)>,
    sessions: BTreeMap<u64, Digester>,
    uploads: BTreeMap<u64, Vec<u8>>,
    /// `METHOD what` of the request → faults that await it.
    faults: BTreeMap<String, VecDeque<Fault>>,
    /// Every request, `METHOD what STATUS`.
    pub(crate) log: Vec<String>,
    pub(crate) refuses_patch: bool,
    pub(crate) refuses_manifests: bool,
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
        let router = Router::new().fallback(serve).with_state(fake.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        fake
    }

    pub(crate) fn client(&self) -> Registry {
        self.client_as(Arc::new(Anonymous))
    }

    pub(crate) fn client_as(&self, authorizer: Arc<dyn Authorizer>) -> Registry {
        let pause = Duration::from_millis(1);
        let patience = Patience { tries: 4, first_pause: pause, longest_pause: Duration::from_secs(5) };
        let endpoint = Endpoint::parse(&self.address).unwrap();
        Registry::with_patience(reqwest::Client::new(), endpoint, authorizer, patience)
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

async fn serve(State(fake): State<Fake>, request: Request) -> Response {
    let what = kind_of(request.uri().path());
    let name = format!("{} {what}", request.method());
    let fault = fake.world.lock().unwrap().faults.get_mut(&name).and_then(VecDeque::pop_front);
    let response = match refused(&fake, &request, fault) {
        Some(refusal) => refusal,
        None => answer(&fake, request, what, fault).await,
    };
    let response = spoilt(response, fault).await;
    fake.world.lock().unwrap().log.push(format!("{name} {}", response.status().as_u16()));
    response
}

fn kind_of(path: &str) -> &'static str {
    [
        ("/token", "token"),
        ("/blobs/uploads/", "upload"),
        ("/blobs/", "blob"),
        ("/manifests/", "manifest"),
        ("/tags/", "tags"),
        ("/referrers/", "referrers"),
    ]
    .into_iter()
    .find(|(part, _)| path.contains(part))
    .map_or("other", |(_, kind)| kind)
}

fn refused(fake: &Fake, request: &Request, fault: Option<Fault>) -> Option<Response> {
    let login = request.headers().get("authorization").and_then(|it| it.to_str().ok()).map(str::to_owned);
    let world = fake.world.lock().unwrap();
    let realm = world.realm.clone().unwrap_or_else(|| format!("http://{}/token", fake.address));
    let challenge = format!("Bearer realm=\"{realm}\",service=\"fake\"");
    let token = world.token.as_ref().map(|token| format!("Bearer {token}"));
    let stranger = request.uri().path() != "/token" && token.is_some() && login != token;
    match fault {
        Some(Fault::Busy(seconds)) => {
            Some(status(429).header("retry-after", seconds).body(Body::empty()).unwrap())
        }
        Some(Fault::CutUpload(_) | Fault::Forget) | None if !stranger => None,
        Some(Fault::LoggedOut) => {
            Some(status(401).header("www-authenticate", challenge).body(Body::empty()).unwrap())
        }
        _ if stranger => Some(status(401).header("www-authenticate", challenge).body(Body::empty()).unwrap()),
        _ => None,
    }
}

async fn answer(fake: &Fake, request: Request, what: &str, fault: Option<Fault>) -> Response {
    let method = request.method().clone();
    let path = request.uri().path().to_owned();
    let query: BTreeMap<String, String> =
        url::form_urlencoded::parse(request.uri().query().unwrap_or("").as_bytes())
            .map(|(name, value)| (name.into_owned(), value.into_owned()))
            .collect();
    let last = path.rsplit('/').next().unwrap_or_default().to_owned();
    match (what, method) {
        ("token", Method::GET) => token(fake, &request),
        ("blob", Method::HEAD) => head_blob(fake, &path, &last),
        ("blob", Method::GET) => get_blob(fake, &last, request.headers().get("range")),
        ("upload", Method::POST) => begin(fake, &path, &query),
        ("upload", Method::PATCH) => {
            if fake.world.lock().unwrap().refuses_patch {
                return envelope(400, "UNSUPPORTED", "no PATCH here");
            }
            read_upload(fake, &last, request, fault).await;
            status(202).header("location", format!("{path}?state=next")).body(Body::empty()).unwrap()
        }
        ("upload", Method::PUT) => {
            read_upload(fake, &last, request, fault).await;
            commit(fake, &path, query.get("digest").unwrap(), fault)
        }
        ("manifest", Method::PUT) if fake.world.lock().unwrap().refuses_manifests => {
            envelope(403, "DENIED", "no manifests today")
        }
        ("manifest", Method::PUT) => put_manifest(fake, &path, request).await,
        ("manifest", method) => get_manifest(fake, &path, method == Method::HEAD),
        ("tags", _) => tags(fake, &path),
        ("referrers", _) if fake.world.lock().unwrap().lists_referrers => referrers(fake, &path, &last),
        _ => envelope(404, "UNSUPPORTED", "no such thing"),
    }
}

/// Makes an answer wrong in the way the fault says.
async fn spoilt(response: Response, fault: Option<Fault>) -> Response {
    let (mut parts, body) = response.into_parts();
    let mut bytes = axum::body::to_bytes(body, usize::MAX).await.unwrap().to_vec();
    let body = match fault {
        Some(Fault::Corrupt) => {
            bytes[0] ^= 1;
            Body::from(bytes)
        }
        Some(Fault::Short) => {
            bytes.pop();
            parts.headers.remove("content-length");
            Body::from(bytes)
        }
        Some(Fault::CutAnswer(after)) => {
            bytes.truncate(after);
            let before = futures_util::stream::iter([Ok(Bytes::from(bytes))]);
            // A pause, so that what was sent before the cut is on the wire.
            let cut = futures_util::stream::once(async {
                tokio::time::sleep(Duration::from_millis(100)).await;
                Err(std::io::Error::other("cut"))
            });
            Body::from_stream(before.chain(cut))
        }
        Some(Fault::OtherDigest) => {
            let other = Digest::of(b"something else").to_string();
            parts.headers.insert("docker-content-digest", other.parse().unwrap());
            Body::from(bytes)
        }
        _ => Body::from(bytes),
    };
    Response::from_parts(parts, body)
}

fn token(fake: &Fake, request: &Request) -> Response {
    let world = fake.world.lock().unwrap();
    let login = request.headers().get("authorization").and_then(|it| it.to_str().ok()).map(str::to_owned);
    if world.realm_login.is_some() && login != world.realm_login.as_ref().map(|it| format!("Bearer {it}")) {
        return envelope(403, "DENIED", "who are you");
    }
    let token = world.token.clone().unwrap_or_default();
    status(200).body(Body::from(format!(r#"{{"access_token":"{token}","expires_in":300}}"#))).unwrap()
}

fn repository(path: &str) -> String {
    path.trim_start_matches("/v2/").split("/blobs/").next().unwrap().to_owned()
}

fn head_blob(fake: &Fake, path: &str, digest: &str) -> Response {
    let world = fake.world.lock().unwrap();
    let seen = !world.apart || world.owned.contains(&(digest.to_owned(), repository(path)));
    match world.sizes.get(digest).filter(|_| seen) {
        Some(size) => status(200).header("content-length", *size).body(Body::empty()).unwrap(),
        None => envelope(404, "BLOB_UNKNOWN", "no such blob"),
    }
}

fn get_blob(fake: &Fake, digest: &str, range: Option<&HeaderValue>) -> Response {
    let world = fake.world.lock().unwrap();
    let Some(blob) = world.blobs.get(digest).cloned() else {
        return envelope(404, "BLOB_UNKNOWN", "no such blob");
    };
    let from: Option<usize> = range
        .filter(|_| world.ranges)
        .and_then(|it| it.to_str().ok()?.strip_prefix("bytes=")?.strip_suffix('-')?.parse().ok());
    match from {
        Some(from) => {
            let range = format!("bytes {from}-{}/{}", blob.len() - 1, blob.len());
            status(206).header("content-range", range).body(Body::from(blob.slice(from..))).unwrap()
        }
        None => status(200).body(Body::from(blob)).unwrap(),
    }
}

fn begin(fake: &Fake, path: &str, query: &BTreeMap<String, String>) -> Response {
    let mut world = fake.world.lock().unwrap();
    if let Some(digest) =
        query.get("mount").filter(|digest| world.mounts && world.sizes.contains_key(*digest))
    {
        world.owned.insert((digest.clone(), repository(path)));
        return status(201).header("docker-content-digest", digest).body(Body::empty()).unwrap();
    }
    let id = u64::try_from(world.log.len()).unwrap();
    world.sessions.insert(id, Digester::default());
    status(202).header("location", format!("{path}{id}?state=a%2Fb")).body(Body::empty()).unwrap()
}

async fn read_upload(fake: &Fake, id: &str, request: Request, fault: Option<Fault>) {
    let id: u64 = id.parse().unwrap();
    let mut body = request.into_body().into_data_stream();
    let mut read = 0;
    while let Some(chunk) = body.next().await {
        let Ok(chunk) = chunk else { break };
        read += chunk.len();
        fake.received.fetch_add(chunk.len() as u64, Ordering::SeqCst);
        if matches!(fault, Some(Fault::CutUpload(after)) if read >= after) {
            // Kills the connection without a word.
            std::panic::resume_unwind(Box::new(()));
        }
        let mut world = fake.world.lock().unwrap();
        world.sessions.entry(id).or_default().update(&chunk);
        let kept = world.uploads.entry(id).or_default();
        if kept.len() + chunk.len() <= KEPT {
            kept.extend_from_slice(&chunk);
        }
    }
}

fn commit(fake: &Fake, path: &str, digest: &str, fault: Option<Fault>) -> Response {
    let id: u64 = path.rsplit('/').next().unwrap().parse().unwrap();
    let mut world = fake.world.lock().unwrap();
    let Some(session) = world.sessions.remove(&id) else {
        return envelope(404, "BLOB_UPLOAD_UNKNOWN", "no such upload");
    };
    let size = session.size();
    let bytes = world.uploads.remove(&id).unwrap_or_default();
    if session.finish().as_str() != digest {
        return envelope(400, "DIGEST_INVALID", "the digest does not match");
    }
    if fault == Some(Fault::Forget) {
        return status(201).body(Body::empty()).unwrap();
    }
    world.blobs.insert(digest.to_owned(), bytes.into());
    world.sizes.insert(digest.to_owned(), size);
    world.owned.insert((digest.to_owned(), repository(path)));
    status(201).header("docker-content-digest", digest).body(Body::empty()).unwrap()
}

fn manifest_name(path: &str) -> (String, String) {
    let (repository, version) = path.trim_start_matches("/v2/").split_once("/manifests/").unwrap();
    (repository.to_owned(), format!("{repository}:{version}"))
}

async fn put_manifest(fake: &Fake, path: &str, request: Request) -> Response {
    let (_, name) = manifest_name(path);
    let media_type = request.headers()["content-type"].to_str().unwrap().to_owned();
    let bytes = axum::body::to_bytes(request.into_body(), usize::MAX).await.unwrap();
    let manifest: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
    let listed = |name: &str| manifest[name].as_array().cloned().unwrap_or_default();
    let blobs = listed("layers").into_iter().filter(|layer| layer.get("urls").is_none());
    let config = manifest.get("config").cloned();
    for blob in blobs.chain(config) {
        if !fake.world.lock().unwrap().sizes.contains_key(blob["digest"].as_str().unwrap()) {
            return envelope(404, "MANIFEST_BLOB_UNKNOWN", "a blob is missing");
        }
    }
    let (repository, _) = manifest_name(path);
    for child in listed("manifests") {
        let name = format!("{repository}:{}", child["digest"].as_str().unwrap());
        if !fake.world.lock().unwrap().manifests.contains_key(&name) {
            return envelope(404, "MANIFEST_UNKNOWN", "a manifest is missing");
        }
    }
    let digest = fake.put_manifest(&name, &media_type, &bytes);
    status(201).header("docker-content-digest", digest.as_str()).body(Body::empty()).unwrap()
}

fn get_manifest(fake: &Fake, path: &str, head: bool) -> Response {
    let (_, name) = manifest_name(path);
    let world = fake.world.lock().unwrap();
    let Some((media_type, bytes)) = world.manifests.get(&name).cloned() else {
        return envelope(404, "MANIFEST_UNKNOWN", "no such manifest");
    };
    let response = status(200)
        .header("content-type", media_type)
        .header("docker-content-digest", Digest::of(&bytes).as_str());
    response.body(if head { Body::empty() } else { Body::from(bytes) }).unwrap()
}

fn tags(fake: &Fake, path: &str) -> Response {
    let repository = path.trim_start_matches("/v2/").trim_end_matches("/tags/list");
    let world = fake.world.lock().unwrap();
    let names = world.manifests.keys().filter_map(|name| name.strip_prefix(repository)?.strip_prefix(':'));
    let tags: Vec<&str> = names.filter(|tag| !tag.contains(':')).collect();
    if tags.is_empty() {
        return envelope(404, "NAME_UNKNOWN", "no such repository");
    }
    status(200).body(Body::from(serde_json::json!({ "name": repository, "tags": tags }).to_string())).unwrap()
}

fn referrers(fake: &Fake, path: &str, subject: &str) -> Response {
    let repository = path.trim_start_matches("/v2/").split("/referrers/").next().unwrap();
    let world = fake.world.lock().unwrap();
    let mut all = Vec::new();
    for (name, (media_type, bytes)) in &world.manifests {
        let manifest: serde_json::Value = serde_json::from_slice(bytes).unwrap();
        let by_digest = name.strip_prefix(repository).is_some_and(|version| version.starts_with(":sha256:"));
        if by_digest && manifest["subject"]["digest"] == subject {
            let digest = Digest::of(bytes).to_string();
            all.push(serde_json::json!({ "mediaType": media_type, "size": bytes.len(), "digest": digest }));
        }
    }
    let index = serde_json::json!({
        "schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json", "manifests": all,
    });
    status(200).body(Body::from(index.to_string())).unwrap()
}

fn status(code: u16) -> http::response::Builder {
    Response::builder().status(StatusCode::from_u16(code).unwrap())
}

fn envelope(code: u16, error: &str, message: &str) -> Response {
    let body = serde_json::json!({ "errors": [{ "code": error, "message": message }] });
    status(code).header("content-type", "application/json").body(Body::from(body.to_string())).unwrap()
}
