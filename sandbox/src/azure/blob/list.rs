//! Listing a container, flat or by folder, in pages.

use std::collections::BTreeMap;

use axum::body::Body;
use axum::response::Response;
use http::{HeaderValue, header};

use super::refusal::Refusal;
use super::xml::{DECLARATION, element, escape};
use crate::azure::models::Blob;
use crate::azure::wire::{Pairs, http_date};
use crate::world::Shared;

/// The largest page.
const LARGEST: usize = 5000;

/// One entry of a list.
enum Entry {
    Blob(String, Blob),
    Prefix(String),
}

impl Entry {
    fn name(&self) -> &str {
        match self {
            Self::Blob(name, _) | Self::Prefix(name) => name,
        }
    }
}

/// Answers `restype=container&comp=list`.
pub(super) fn list(
    shared: &Shared,
    (account, container): (&str, &str),
    query: &Pairs,
) -> Result<Response, Refusal> {
    let (prefix, delimiter) = (query.get("prefix").unwrap_or_default(), query.get("delimiter"));
    let marker = query.get("marker").unwrap_or_default();
    let most = match query.get("maxresults").map(str::parse::<usize>) {
        None => LARGEST,
        Some(Ok(most)) if most > 0 => most.min(LARGEST),
        Some(_) => return Err(Refusal::QUERY),
    };
    let mut all = {
        let models = shared.azure.models();
        let blobs = models.container(account, container).ok_or(Refusal::CONTAINER_NOT_FOUND)?;
        entries(blobs, prefix, delimiter.filter(|it| !it.is_empty()))
    };
    all.retain(|entry| entry.name() >= marker);
    let next = all.get(most).map(|entry| entry.name().to_owned());
    all.truncate(most);
    let endpoint = shared.addresses().map(|it| format!("https://{}/{account}/", it.blob));
    let body = format!(
        "{DECLARATION}<EnumerationResults ServiceEndpoint=\"{}\" ContainerName=\"{}\">{}{}{}{}<Blobs>{}</Blobs>{}\
         </EnumerationResults>",
        escape(&endpoint.unwrap_or_default()),
        escape(container),
        optional("Prefix", query.get("prefix")),
        optional("Marker", query.get("marker")),
        optional("MaxResults", query.get("maxresults")),
        optional("Delimiter", delimiter),
        all.iter().map(shown).collect::<String>(),
        element("NextMarker", &next.unwrap_or_default()),
    );
    let mut response = Response::new(Body::from(body));
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/xml"));
    Ok(response)
}

fn optional(name: &str, value: Option<&str>) -> String {
    value.map(|value| element(name, value)).unwrap_or_default()
}

/// The blobs below `prefix` in order of name; with a delimiter, those beyond it are folded into their common prefix.
fn entries(blobs: &BTreeMap<String, Blob>, prefix: &str, delimiter: Option<&str>) -> Vec<Entry> {
    let mut entries: Vec<Entry> = Vec::new();
    for (name, blob) in blobs.range(prefix.to_owned()..).take_while(|(name, _)| name.starts_with(prefix)) {
        let rest = name.strip_prefix(prefix).unwrap_or_default();
        match delimiter.and_then(|delimiter| rest.find(delimiter).map(|at| at + delimiter.len())) {
            None => entries.push(Entry::Blob(name.clone(), blob.clone())),
            Some(end) => {
                let folder = format!("{prefix}{}", rest.get(..end).unwrap_or_default());
                if entries.last().is_none_or(|last| last.name() != folder) {
                    entries.push(Entry::Prefix(folder));
                }
            }
        }
    }
    entries
}

fn shown(entry: &Entry) -> String {
    match entry {
        Entry::Prefix(name) => format!("<BlobPrefix>{}</BlobPrefix>", element("Name", name)),
        Entry::Blob(name, blob) => {
            let date = http_date(blob.modified);
            let properties = [
                element("Creation-Time", &date),
                element("Last-Modified", &date),
                element("Etag", &blob.etag),
                element("Content-Length", &blob.content.size().to_string()),
                element("Content-Type", "application/octet-stream"),
                element("BlobType", "BlockBlob"),
                element("AccessTier", "Hot"),
                element("AccessTierInferred", "true"),
                element("LeaseStatus", "unlocked"),
                element("LeaseState", "available"),
                element("ServerEncrypted", "true"),
            ]
            .concat();
            format!(
                "<Blob>{}<Properties>{properties}</Properties><OrMetadata /></Blob>",
                element("Name", name)
            )
        }
    }
}
