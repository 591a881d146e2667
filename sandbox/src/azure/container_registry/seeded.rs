//! The one image that the registry begins with: a package, as Azure ML builds them, with a tiny program of its own
//! (`images/packaged`).

use std::io;

use axum::body::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};
use tar::{Builder, EntryType, Header};

use super::folder;
use crate::registry::image::Manifest;
use crate::registry::storage;
use crate::seed::PACKAGED_REPOSITORY;
use crate::world::World;

/// The program: `images/packaged/build.sh` makes it.
const PROGRAM: &[u8] = include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/images/packaged/server"));

/// Puts the image there; gives its digest, which is the same in every sandbox.
pub(crate) fn put_packaged(world: &World) -> io::Result<String> {
    let layer = layer()?;
    let compressed = gzip(&layer)?;
    let config = json!({
        "architecture": "amd64",
        "os": "linux",
        "config": {
            "Entrypoint": ["/usr/local/bin/inference-server"],
            "Env": ["PATH=/usr/local/bin", "AZUREML_MODEL_DIR=/var/azureml-app/azureml-models/breast-cancer/2"],
            "ExposedPorts": { "5001/tcp": {} },
            "User": "1001",
            "WorkingDir": "/",
        },
        "rootfs": { "type": "layers", "diff_ids": [storage::digest(&layer)] },
        "history": [{ "created": "2026-03-04T00:00:00Z", "created_by": "model package" }],
    });
    let config = config.to_string().into_bytes();
    let parts = [
        ("application/vnd.docker.container.image.v1+json", config),
        ("application/vnd.docker.image.rootfs.diff.tar.gzip", compressed),
    ];
    let mut described: Vec<Value> = Vec::new();
    for (media_type, bytes) in &parts {
        let digest = storage::put(&folder(world), bytes)?;
        described.push(json!({ "mediaType": media_type, "digest": digest, "size": bytes.len() }));
        world.azure.container_registry().put_blob(PACKAGED_REPOSITORY, &digest, bytes.len() as u64);
    }
    let media_type = "application/vnd.docker.distribution.manifest.v2+json";
    let manifest = json!({
        "schemaVersion": 2,
        "mediaType": media_type,
        "config": described.first(),
        "layers": described.get(1..),
    });
    let bytes = Bytes::from(manifest.to_string());
    let digest = storage::digest(&bytes);
    let size = parts.iter().map(|(_, bytes)| bytes.len() as u64).sum::<u64>() + bytes.len() as u64;
    let now = world.clock.now();
    let manifest = Manifest { media_type: media_type.to_owned(), bytes, size, uploaded: now, updated: now };
    if let Some(image) = world.azure.container_registry().image_mut(PACKAGED_REPOSITORY) {
        image.manifests.insert(digest.clone(), manifest);
        image.tag("latest", &digest, now);
    }
    Ok(digest)
}

/// The file system: folders, the program. Times are zero, so that the digest does not change.
fn layer() -> io::Result<Vec<u8>> {
    let mut tar = Builder::new(Vec::new());
    let entries: [(&str, EntryType, &[u8]); 4] = [
        ("usr/", EntryType::Directory, &[]),
        ("usr/local/", EntryType::Directory, &[]),
        ("usr/local/bin/", EntryType::Directory, &[]),
        ("usr/local/bin/inference-server", EntryType::Regular, PROGRAM),
    ];
    for (path, kind, bytes) in entries {
        let mut header = Header::new_gnu();
        header.set_entry_type(kind);
        header.set_mode(0o755);
        header.set_size(bytes.len() as u64);
        header.set_mtime(0);
        tar.append_data(&mut header, path, bytes)?;
    }
    tar.into_inner()
}

fn gzip(bytes: &[u8]) -> io::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    io::Write::write_all(&mut encoder, bytes)?;
    encoder.finish()
}
