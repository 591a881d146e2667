//! What a request gets, and what a fault makes of it.

use std::collections::{BTreeMap, VecDeque};
use std::panic::resume_unwind;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::response::Response;
use futures_util::stream::{self, StreamExt};
use http::{Method, StatusCode};
use oci::Digest;

use super::blobs::{begin, commit, get_blob, head_blob, read_upload};
use super::manifests::{get_manifest, put_manifest, referrers, tags};
use super::{Fake, Fault};

pub(super) async fn serve(State(fake): State<Fake>, request: Request) -> Response {
    let what = kind_of(request.uri().path());
    let name = format!("{} {what}", request.method());
    let fault = {
        let mut world = fake.world.lock().unwrap();
        let login = request.headers().get("authorization").and_then(|it| it.to_str().ok());
        world.logins.push(login.map(str::to_owned));
        world.faults.get_mut(&name).and_then(VecDeque::pop_front)
    };
    let response = match refused(&fake, &request, fault) {
        Some(refusal) => refusal,
        None => answer(&fake, request, what, fault).await,
    };
    match fault {
        // Kills the connection without a word.
        Some(Fault::LostAnswer) => resume_unwind(Box::new(())),
        Some(Fault::Mute) => std::future::pending().await,
        _ => {}
    }
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

/// What is refused before anything is done.
fn refused(fake: &Fake, request: &Request, fault: Option<Fault>) -> Option<Response> {
    let login = request.headers().get("authorization").and_then(|it| it.to_str().ok()).map(str::to_owned);
    let world = fake.world.lock().unwrap();
    let token = world.token.as_ref().map(|token| format!("Bearer {token}"));
    let stranger = request.uri().path() != "/token" && token.is_some() && login != token;
    if world.signed_only && login.is_some() {
        return Some(envelope(400, "INVALID", "only one way of logging in is allowed"));
    }
    drop(world);
    match fault {
        Some(Fault::Busy(seconds)) => {
            Some(status(429).header("retry-after", seconds).body(Body::empty()).unwrap())
        }
        Some(Fault::LoggedOut) => Some(logged_out(fake)),
        Some(Fault::LostSession) => Some(envelope(404, "BLOB_UPLOAD_UNKNOWN", "no such upload")),
        Some(Fault::Claim(size)) => {
            Some(status(200).header("content-length", size).body(Body::empty()).unwrap())
        }
        Some(Fault::Deny) => Some(envelope(404, "UNKNOWN", "no such thing")),
        _ => stranger.then(|| logged_out(fake)),
    }
}

pub(super) fn logged_out(fake: &Fake) -> Response {
    let realm = fake.world.lock().unwrap().realm.clone();
    let realm = realm.unwrap_or_else(|| format!("http://{}/token", fake.address));
    let challenge = format!("Bearer realm=\"{realm}\",service=\"fake\"");
    status(401).header("www-authenticate", challenge).body(Body::empty()).unwrap()
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
        ("blob", Method::GET) => match elsewhere(fake, &path, &query) {
            Some(redirect) => redirect,
            None => get_blob(fake, &last, request.headers().get("range")),
        },
        ("upload", Method::POST) => begin(fake, &path, &query),
        ("upload", Method::PATCH) => {
            if fake.world.lock().unwrap().refuses_patch {
                return envelope(400, "UNSUPPORTED", "no PATCH here");
            }
            if let Some(refusal) = read_upload(fake, &last, request, fault).await {
                return refusal;
            }
            status(202).header("location", format!("{path}?state=next")).body(Body::empty()).unwrap()
        }
        ("upload", Method::PUT) => {
            if let Some(refusal) = read_upload(fake, &last, request, fault).await {
                return refusal;
            }
            commit(fake, &path, query.get("digest").unwrap(), fault)
        }
        ("manifest", Method::PUT) if fake.world.lock().unwrap().refuses_manifests => {
            envelope(403, "DENIED", "no manifests today")
        }
        ("manifest", Method::PUT) => put_manifest(fake, &path, request, fault).await,
        ("manifest", _) if fake.world.lock().unwrap().hides_manifests => {
            envelope(403, "DENIED", "no manifests today")
        }
        ("manifest", method) => get_manifest(fake, &path, method == Method::HEAD),
        ("tags", _) => tags(fake, &path),
        ("referrers", _) if fake.world.lock().unwrap().lists_referrers => referrers(fake, &path, &last),
        _ => envelope(404, "UNSUPPORTED", "no such thing"),
    }
}

/// The way to the storage, for whoever has not come by it.
fn elsewhere(fake: &Fake, path: &str, query: &BTreeMap<String, String>) -> Option<Response> {
    let storage = fake.world.lock().unwrap().storage.clone().filter(|_| !query.contains_key("signature"))?;
    let location = format!("http://{storage}{path}?signature=secret");
    Some(status(307).header("location", location).body(Body::empty()).unwrap())
}

/// Makes an answer wrong in the way the fault says.
async fn spoilt(response: Response, fault: Option<Fault>) -> Response {
    let (mut parts, body) = response.into_parts();
    let mut bytes = axum::body::to_bytes(body, usize::MAX).await.unwrap().to_vec();
    let body = match fault {
        Some(Fault::Corrupt) => {
            bytes.iter_mut().take(1).for_each(|byte| *byte ^= 1);
            Body::from(bytes)
        }
        Some(Fault::Short) => {
            bytes.pop();
            parts.headers.remove("content-length");
            Body::from(bytes)
        }
        Some(Fault::Long) => {
            bytes.push(b' ');
            parts.headers.remove("content-length");
            Body::from(bytes)
        }
        Some(Fault::CutAnswer(after)) => {
            bytes.truncate(after);
            let before = stream::iter([Ok(Bytes::from(bytes))]);
            // A pause, so that what was sent before the cut is on the wire.
            let cut = stream::once(async {
                tokio::time::sleep(Duration::from_millis(100)).await;
                Err(std::io::Error::other("cut"))
            });
            Body::from_stream(before.chain(cut))
        }
        Some(Fault::Drip(after)) => {
            let rest = bytes.split_off(after.min(bytes.len()));
            let drops = stream::iter(rest).then(|byte| async move {
                tokio::time::sleep(Duration::from_millis(100)).await;
                Bytes::from(vec![byte])
            });
            let before = stream::iter([Bytes::from(bytes)]);
            Body::from_stream(before.chain(drops).map(Ok::<_, std::io::Error>))
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

pub(super) fn status(code: u16) -> http::response::Builder {
    Response::builder().status(StatusCode::from_u16(code).unwrap())
}

pub(super) fn envelope(code: u16, error: &str, message: &str) -> Response {
    let body = serde_json::json!({ "errors": [{ "code": error, "message": message }] });
    status(code).header("content-type", "application/json").body(Body::from(body.to_string())).unwrap()
}
