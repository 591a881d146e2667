//! A transcript: every request from outside and its answer, one JSON line each, with nothing secret in it.
//!
//! What differs from one sandbox to the next (addresses, tokens, ids, times) is written as a [`scrub`]bed word in `${…}`,
//! so that a transcript can be read, kept, and replayed against another sandbox.

mod body;
mod known;
mod scrub;
mod tee;

use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use http::{HeaderMap, Method, StatusCode, Uri, header};
use serde_json::{Map, Value, json};

pub use self::known::known;
use self::scrub::Scrubber;
use self::tee::{Seen, Tee};
use crate::world::Shared;

/// The `User-Agent` of the sandbox's own requests to itself, which no transcript holds.
pub(crate) const OWN_AGENT: &str = "gangplank-sandbox";

/// The request headers that a service may look at. What else clients send differs from machine to machine.
const ASKED: [&str; 18] = [
    "authorization",
    "content-type",
    "content-range",
    "accept",
    "range",
    "if-match",
    "if-none-match",
    "x-ms-range",
    "x-ms-version",
    "x-ms-range-get-content-md5",
    "metadata",
    "metadata-flavor",
    "x-identity-header",
    "secret",
    "prefer",
    "consistencylevel",
    "x-goog-user-project",
    "impersonate-user",
];
/// The answer headers that clients act on. Lengths follow from bodies.
const ANSWERED: [&str; 16] = [
    "content-type",
    "www-authenticate",
    "location",
    "content-range",
    "accept-ranges",
    "range",
    "etag",
    "retry-after",
    "link",
    "x-ms-error-code",
    "x-ms-blob-type",
    "docker-content-digest",
    "docker-distribution-api-version",
    "metadata-flavor",
    "azure-asyncoperation",
    "oci-subject",
];

/// A transcript being written.
pub struct Transcript {
    file: Mutex<File>,
    begun: AtomicU64,
    scrubber: Mutex<Scrubber>,
}

impl Transcript {
    /// Begins a transcript in `path`, which only its owner may read and which loses what it held.
    pub(crate) fn begin(path: &Path) -> io::Result<Self> {
        let file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
        Ok(Self { file: Mutex::new(file), begun: AtomicU64::new(0), scrubber: Mutex::default() })
    }

    /// Writes one exchange. A full disk costs the line and not the answer.
    fn write(&self, shared: &Shared, exchange: &Exchange, asked: &Seen, answered: &Seen) {
        let Ok(mut scrubber) = self.scrubber.lock() else { return };
        scrubber.learn(known(shared), shared.minted.all(), shared.clock.seconds());
        let line = exchange.line(&mut scrubber, asked, answered);
        drop(scrubber);
        if let Ok(mut file) = self.file.lock()
            && let Err(error) = writeln!(file, "{line}")
        {
            tracing::warn!(%error, "an exchange is missing in the transcript");
        }
    }
}

/// The service that a layer stands in front of.
#[derive(Clone)]
struct Target {
    shared: Shared,
    service: &'static str,
}

/// `router` with a layer that writes what passes it, if the world keeps a transcript.
pub(crate) fn in_front(service: &'static str, shared: Shared, router: Router) -> Router {
    if shared.transcript.is_none() {
        return router;
    }
    router.layer(from_fn_with_state(Target { shared, service }, listen))
}

/// One exchange, without its bodies.
struct Exchange {
    number: u64,
    service: &'static str,
    method: Method,
    uri: Uri,
    asked: HeaderMap,
    status: StatusCode,
    answered: HeaderMap,
}

async fn listen(State(target): State<Target>, request: Request, next: Next) -> Response {
    let own = request
        .headers()
        .get(header::USER_AGENT)
        .is_some_and(|agent| agent.as_bytes() == OWN_AGENT.as_bytes());
    let Some(transcript) = target.shared.transcript.as_ref().filter(|_| !own) else {
        return next.run(request).await;
    };
    let number = transcript.begun.fetch_add(1, Ordering::Relaxed);
    let (parts, body) = request.into_parts();
    let (method, uri, asked) = (parts.method.clone(), parts.uri.clone(), parts.headers.clone());
    let seen = Arc::new(Mutex::new(Seen::default()));
    let body = Body::new(Tee::new(body, Arc::clone(&seen), None));
    let response = next.run(Request::from_parts(parts, body)).await;
    let exchange = Exchange {
        number,
        service: target.service,
        method,
        uri,
        asked,
        status: response.status(),
        answered: response.headers().clone(),
    };
    let shared = Arc::clone(&target.shared);
    let ended = Box::new(move |answered: &Seen| {
        let asked = seen.lock().map(|mut seen| std::mem::take(&mut *seen)).unwrap_or_default();
        if let Some(transcript) = &shared.transcript {
            transcript.write(&shared, &exchange, &asked, answered);
        }
    });
    response.map(|body| Body::new(Tee::new(body, Arc::default(), Some(ended))))
}

impl Exchange {
    fn line(&self, scrubber: &mut Scrubber, asked: &Seen, answered: &Seen) -> Value {
        let mut request = json!({
            "method": self.method.as_str(),
            "path": scrubber.asked(self.uri.path()),
            "headers": headers(&self.asked, &ASKED, &mut |text| scrubber.asked_header(text)),
        });
        if let Some(query) = self.uri.query() {
            let pairs = url::form_urlencoded::parse(query.as_bytes());
            let pairs: Vec<Value> =
                pairs.map(|(name, value)| json!([name, scrubber.asked(&value)])).collect();
            add(&mut request, "query", Some(json!(pairs)));
        }
        add(&mut request, "body", body::shown(asked, &self.asked, &mut |value| scrubber.asked_value(value)));
        let mut answer = json!({
            "status": self.status.as_u16(),
            "headers": headers(&self.answered, &ANSWERED, &mut |text| scrubber.answered(text)),
        });
        add(
            &mut answer,
            "body",
            body::shown(answered, &self.answered, &mut |value| scrubber.answered_value(value)),
        );
        json!({ "number": self.number, "service": self.service, "request": request, "answer": answer })
    }
}

fn add(object: &mut Value, name: &str, value: Option<Value>) {
    if let (Some(object), Some(value)) = (object.as_object_mut(), value) {
        object.insert(name.to_owned(), value);
    }
}

fn headers(all: &HeaderMap, wanted: &[&str], scrub: &mut dyn FnMut(&str) -> String) -> Value {
    let shown = wanted.iter().filter_map(|name| {
        let value = all.get(*name)?.to_str().ok()?;
        Some(((*name).to_owned(), Value::String(scrub(value))))
    });
    Value::Object(shown.collect::<Map<_, _>>())
}
