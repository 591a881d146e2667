//! Manifests, tags, and what refers to an image.

use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use oci::Digest;

use super::answers::{envelope, status};
use super::{Fake, Fault};

fn manifest_name(path: &str) -> (String, String) {
    let (repository, version) = path.trim_start_matches("/v2/").split_once("/manifests/").unwrap();
    (repository.to_owned(), format!("{repository}:{version}"))
}

pub(super) async fn put_manifest(
    fake: &Fake,
    path: &str,
    request: Request,
    fault: Option<Fault>,
) -> Response {
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
    if fault == Some(Fault::Forget) {
        return status(201).body(Body::empty()).unwrap();
    }
    let digest = fake.put_manifest(&name, &media_type, &bytes);
    status(201).header("docker-content-digest", digest.as_str()).body(Body::empty()).unwrap()
}

pub(super) fn get_manifest(fake: &Fake, path: &str, head: bool) -> Response {
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

pub(super) fn tags(fake: &Fake, path: &str) -> Response {
    let repository = path.trim_start_matches("/v2/").trim_end_matches("/tags/list");
    let world = fake.world.lock().unwrap();
    let names = world.manifests.keys().filter_map(|name| name.strip_prefix(repository)?.strip_prefix(':'));
    let tags: Vec<&str> = names.filter(|tag| !tag.contains(':')).collect();
    if tags.is_empty() {
        return envelope(404, "NAME_UNKNOWN", "no such repository");
    }
    status(200).body(Body::from(serde_json::json!({ "name": repository, "tags": tags }).to_string())).unwrap()
}

pub(super) fn referrers(fake: &Fake, path: &str, subject: &str) -> Response {
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
