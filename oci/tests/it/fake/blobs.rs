//! Blobs: given, taken, lent.

use std::collections::BTreeMap;
use std::panic::resume_unwind;
use std::sync::atomic::Ordering;

use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use futures_util::StreamExt;
use http::HeaderValue;
use oci::digest::Digester;

use super::answers::{envelope, logged_out, status};
use super::{Fake, Fault};

/// Blobs up to this size are kept; of larger ones only their size is.
const KEPT: usize = 16 << 20;

fn repository(path: &str) -> String {
    path.trim_start_matches("/v2/").split("/blobs/").next().unwrap().to_owned()
}

pub(super) fn head_blob(fake: &Fake, path: &str, digest: &str) -> Response {
    let world = fake.world.lock().unwrap();
    let seen = !world.apart || world.owned.contains(&(digest.to_owned(), repository(path)));
    match world.sizes.get(digest).filter(|_| seen) {
        Some(size) => status(200).header("content-length", *size).body(Body::empty()).unwrap(),
        None => envelope(404, "BLOB_UNKNOWN", "no such blob"),
    }
}

pub(super) fn get_blob(fake: &Fake, digest: &str, range: Option<&HeaderValue>) -> Response {
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

pub(super) fn begin(fake: &Fake, path: &str, query: &BTreeMap<String, String>) -> Response {
    let mut world = fake.world.lock().unwrap();
    if let Some(digest) =
        query.get("mount").filter(|digest| world.mounts && world.sizes.contains_key(*digest))
    {
        world.owned.insert((digest.clone(), repository(path)));
        return status(201).header("docker-content-digest", digest).body(Body::empty()).unwrap();
    }
    world.begun += 1;
    let id = world.begun;
    world.sessions.insert(id, Digester::default());
    status(202).header("location", format!("{path}{id}?state=a%2Fb")).body(Body::empty()).unwrap()
}

/// Takes the bytes of an upload. Gives a refusal if it comes to one.
pub(super) async fn read_upload(
    fake: &Fake,
    id: &str,
    request: Request,
    fault: Option<Fault>,
) -> Option<Response> {
    let id: u64 = id.parse().unwrap();
    let mut body = request.into_body().into_data_stream();
    let mut read = 0;
    while let Some(Ok(chunk)) = body.next().await {
        let mut chunk = chunk.to_vec();
        match fault {
            // Kills the connection without a word.
            Some(Fault::CutUpload(after)) if read + chunk.len() >= after => resume_unwind(Box::new(())),
            Some(Fault::LoggedOutAfter(after)) if read + chunk.len() >= after => {
                return Some(logged_out(fake));
            }
            Some(Fault::CorruptUpload) if read == 0 => chunk[0] ^= 1,
            _ => {}
        }
        read += chunk.len();
        fake.received.fetch_add(chunk.len() as u64, Ordering::SeqCst);
        let mut world = fake.world.lock().unwrap();
        world.sessions.entry(id).or_default().update(&chunk);
        let kept = world.uploads.entry(id).or_default();
        if kept.len() + chunk.len() <= KEPT {
            kept.extend_from_slice(&chunk);
        }
    }
    None
}

pub(super) fn commit(fake: &Fake, path: &str, digest: &str, fault: Option<Fault>) -> Response {
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
