//! The registry's own API beside OCI distribution, for looking only: repositories, tags and manifests with their times.
//!
//! Source: `learn.microsoft.com/rest/api/containerregistry` (Azure Container Registry data plane, `/acr/v1/`). Real answers
//! also tell a manifest's architecture and operating system, which stand in its configuration.

use axum::Json;
use axum::response::{IntoResponse as _, Response};
use http::request::Parts;
use serde_json::{Map, Value, json};

use super::access::{Action, visitor};
use super::{check_name, name_unknown, not_found, unsupported};
use crate::azure::wire::{Pairs, insert_header};
use crate::registry::Words;
use crate::registry::error::RegistryError;
use crate::registry::image::{Image, Manifest};
use crate::registry::path::reads;
use crate::seed;
use crate::world::Shared;

/// Items on a page unless `n` says otherwise.
const PAGE: usize = 100;

/// What a path below `/acr/v1/` names.
enum Part<'p> {
    Repository,
    Tags,
    Tag(&'p str),
    Manifests,
    Manifest(&'p str),
}

/// Answers `/acr/v1/…`; `rest` is what follows.
pub(super) fn answer(shared: &Shared, parts: &Parts, rest: &str) -> Result<Response, RegistryError> {
    if !reads(&parts.method) {
        return Err(unsupported());
    }
    if rest == "_catalog" {
        visitor(shared, parts, Some(("catalog", Action::Catalog)))?;
        return Ok(catalog(shared, parts));
    }
    let (name, part) = parse(rest).ok_or_else(not_found)?;
    check_name(name)?;
    visitor(shared, parts, Some((name, Action::Look)))?;
    let registry = shared.azure.container_registry();
    let image = registry.image(name).filter(|image| !image.manifests.is_empty());
    let image = image.ok_or_else(|| name_unknown(name))?;
    let absent = |what: &str| RegistryError::manifest_unknown(Words::Azure, what);
    let mut answer =
        json!({ "registry": format!("{}.azurecr.io", seed::CONTAINER_REGISTRY), "imageName": name });
    let link = match part {
        Part::Repository => {
            join(&mut answer, repository(image));
            None
        }
        Part::Tag(tag) => {
            let digest = image.tags.get(tag).ok_or_else(|| absent(tag))?;
            join(&mut answer, json!({ "tag": self::tag(image, tag, digest) }));
            None
        }
        Part::Manifest(digest) => {
            let found = image.manifests.get(digest).ok_or_else(|| absent(digest))?;
            join(&mut answer, json!({ "manifest": manifest(image, digest, found) }));
            None
        }
        Part::Tags => {
            let (page, link) = page(parts, image.tags.iter());
            let tags: Vec<Value> = page.iter().map(|(name, digest)| tag(image, name, digest)).collect();
            join(&mut answer, json!({ "tags": tags }));
            link
        }
        Part::Manifests => {
            let (page, link) = page(parts, image.manifests.iter());
            let all: Vec<Value> = page.iter().map(|(digest, found)| manifest(image, digest, found)).collect();
            join(&mut answer, json!({ "manifests": all }));
            link
        }
    };
    Ok(linked(answer, link))
}

/// The repositories, a page at a time.
pub(super) fn catalog(shared: &Shared, parts: &Parts) -> Response {
    let registry = shared.azure.container_registry();
    let (page, link) = page(parts, registry.names().map(|name| (name, ())));
    let names: Vec<&String> = page.into_iter().map(|(name, ())| name).collect();
    linked(json!({ "repositories": names }), link)
}

fn parse(rest: &str) -> Option<(&str, Part<'_>)> {
    if let Some((name, tag)) = rest.rsplit_once("/_tags/") {
        return Some((name, Part::Tag(tag)));
    }
    if let Some((name, digest)) = rest.rsplit_once("/_manifests/") {
        return Some((name, Part::Manifest(digest)));
    }
    let whole = || (!rest.is_empty()).then_some((rest, Part::Repository));
    let tags = rest.strip_suffix("/_tags").map(|name| (name, Part::Tags));
    tags.or_else(|| Some((rest.strip_suffix("/_manifests")?, Part::Manifests))).or_else(whole)
}

/// Items after `last`, as many as `n` says, and the link to those that follow.
fn page<'i, T>(
    parts: &Parts,
    items: impl Iterator<Item = (&'i String, T)>,
) -> (Vec<(&'i String, T)>, Option<String>) {
    let query = Pairs::of(&parts.uri);
    let limit = query.get("n").and_then(|n| n.parse::<usize>().ok()).unwrap_or(PAGE);
    let after = query.get("last").unwrap_or_default();
    let mut left = items.filter(|(name, _)| name.as_str() > after);
    let page: Vec<(&String, T)> = left.by_ref().take(limit).collect();
    let more = left.next().and(page.last());
    let path = parts.uri.path();
    let link = more.map(|(last, _)| format!("<{path}?last={last}&n={limit}&orderby=>; rel=\"next\""));
    (page, link)
}

fn linked(answer: Value, link: Option<String>) -> Response {
    let mut response = Json(answer).into_response();
    if let Some(link) = link {
        insert_header(&mut response, "link", &link);
    }
    response
}

fn repository(image: &Image) -> Value {
    let created = image.manifests.values().map(|it| it.uploaded).min();
    let updated = image.manifests.values().map(|it| it.updated).max();
    json!({
        "createdTime": created,
        "lastUpdateTime": updated,
        "manifestCount": image.manifests.len(),
        "tagCount": image.tags.len(),
        "changeableAttributes": changeable(),
    })
}

fn tag(image: &Image, name: &str, digest: &str) -> Value {
    let manifest = image.manifests.get(digest);
    json!({
        "name": name,
        "digest": digest,
        "createdTime": manifest.map(|it| it.uploaded),
        "lastUpdateTime": manifest.map(|it| it.updated),
        "signed": false,
        "changeableAttributes": changeable(),
    })
}

fn manifest(image: &Image, digest: &str, found: &Manifest) -> Value {
    let tags: Vec<&String> = image.tags.iter().filter(|(_, it)| *it == digest).map(|(tag, _)| tag).collect();
    json!({
        "digest": digest,
        "imageSize": found.size,
        "createdTime": found.uploaded,
        "lastUpdateTime": found.updated,
        "mediaType": found.media_type,
        "tags": tags,
        "changeableAttributes": changeable(),
    })
}

/// Nothing is locked here.
fn changeable() -> Value {
    json!({ "deleteEnabled": true, "writeEnabled": true, "readEnabled": true, "listEnabled": true })
}

fn join(answer: &mut Value, more: Value) {
    let more = if let Value::Object(more) = more { more } else { Map::new() };
    if let Some(answer) = answer.as_object_mut() {
        answer.extend(more);
    }
}
