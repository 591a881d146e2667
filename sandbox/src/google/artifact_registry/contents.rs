//! What a repository holds, as the API lists it.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::google::resources::Repository;
use crate::registry::image::{Image, Manifest};

/// The bytes of all blobs, each counted once.
pub(super) fn size(repository: &Repository) -> u64 {
    let blobs: BTreeMap<_, _> = repository.images.values().flat_map(|image| &image.blobs).collect();
    blobs.values().copied().sum()
}

/// The image names of the repository called `parent`.
pub(super) fn packages(parent: &str, repository: &Repository) -> Vec<Value> {
    let pushed = repository.images.iter().filter(|(_, image)| !image.manifests.is_empty());
    let package = |(name, image): (&String, &Image)| {
        let times = || image.manifests.values();
        json!({
            "name": format!("{parent}/packages/{}", encoded(name)),
            "createTime": times().map(|manifest| manifest.uploaded).min().map(|time| time.to_string()),
            "updateTime": times().map(|manifest| manifest.updated).max().map(|time| time.to_string()),
        })
    };
    pushed.map(package).collect()
}

/// Every manifest, with the tags that name it. `uri` is where docker finds the repository.
pub(super) fn docker_images(parent: &str, uri: &str, repository: &Repository) -> Vec<Value> {
    let all = repository.images.iter().flat_map(|(name, image)| {
        image.manifests.iter().map(move |(digest, manifest)| (name, image, digest, manifest))
    });
    let object = |(name, image, digest, manifest): (&String, &Image, &String, &Manifest)| {
        let tags = image.tags.iter().filter(|(_, tagged)| *tagged == digest).map(|(tag, _)| tag);
        json!({
            "name": format!("{parent}/dockerImages/{}@{digest}", encoded(name)),
            "uri": format!("{uri}/{name}@{digest}"),
            "tags": tags.collect::<Vec<_>>(),
            "imageSizeBytes": manifest.size.to_string(),
            "mediaType": manifest.media_type,
            "uploadTime": manifest.uploaded.to_string(),
            "updateTime": manifest.updated.to_string(),
        })
    };
    all.map(object).collect()
}

/// Slashes of an image name are no separators of a resource name.
fn encoded(name: &str) -> String {
    name.replace('/', "%2F")
}
