//! Which manifests name another one as their subject: by the registry's referrers API or, where it has none, by an index under a
//! tag made of the subject's digest, which clients keep themselves.
//!
//! <https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#referrers-tag-schema>

use http::header::ACCEPT;
use http::{HeaderValue, Method};
use oci_spec::image::{Descriptor, ImageIndex};
use serde_json::{Value, json};

use super::transport::Call;
use super::{Registry, RegistryError};
use crate::authorizer::Scope;
use crate::digest::Digest;

/// Registries refuse larger answers, and so do we.
const LARGEST: usize = 4 << 20;

const INDEX_TYPE: &str = "application/vnd.oci.image.index.v1+json";

/// What a registry says of the manifests that refer to one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Referrers {
    /// It keeps a list; these are on it.
    Listed(Vec<Descriptor>),
    /// It keeps none: clients keep an index under a tag.
    Unsupported,
}

impl Registry {
    /// The manifests that name `subject` as theirs.
    pub async fn referrers(&self, repository: &str, subject: &Digest) -> Result<Referrers, RegistryError> {
        let act = listing(subject);
        let url = self.shared.endpoint.url(&format!("{repository}/referrers/{subject}"));
        let call = Call::new(Method::GET, url, vec![Scope::pull(repository)], act)
            .header(ACCEPT, HeaderValue::from_static(INDEX_TYPE));
        // A registry that knows no such thing answers 404, or whatever it answers to paths it does not know.
        let body = match self.call_small(&call, LARGEST).await {
            Ok(Some((_, body))) => body,
            Ok(None) => return Ok(Referrers::Unsupported),
            Err(RegistryError::Refused { answer, .. }) if matches!(answer.status, 400 | 404 | 405 | 501) => {
                return Ok(Referrers::Unsupported);
            }
            Err(error) => return Err(error),
        };
        let index: ImageIndex =
            serde_json::from_slice(&body).map_err(|error| self.unexpected(&call.act, error.to_string()))?;
        Ok(Referrers::Listed(index.manifests().clone()))
    }

    /// The same, from the index under the subject's tag.
    pub async fn referrers_by_tag(
        &self,
        repository: &str,
        subject: &Digest,
    ) -> Result<Vec<Descriptor>, RegistryError> {
        let tag = fallback_tag(subject);
        let Some(found) = self.manifest(repository, &tag).await? else { return Ok(Vec::new()) };
        let index: ImageIndex = serde_json::from_slice(&found.bytes)
            .map_err(|error| self.unexpected(&listing(subject), error.to_string()))?;
        Ok(index.manifests().clone())
    }

    /// Sees to it that a manifest that was put is listed as a referrer of `subject`; `listing` is its descriptor. A registry that
    /// keeps the list itself has it there already; for others the index under the subject's tag is written, as clients must.
    pub async fn list_referrer(
        &self,
        repository: &str,
        subject: &Digest,
        listing: Value,
    ) -> Result<(), RegistryError> {
        if let Referrers::Listed(_) = self.referrers(repository, subject).await? {
            return Ok(());
        }
        let tag = fallback_tag(subject);
        let unexpected = |problem: &str| self.unexpected(&self::listing(subject), problem);
        let mut index = match self.manifest(repository, &tag).await? {
            Some(found) => {
                serde_json::from_slice(&found.bytes).map_err(|error| unexpected(&error.to_string()))?
            }
            None => json!({ "schemaVersion": 2, "mediaType": INDEX_TYPE, "manifests": [] }),
        };
        let list = index.get_mut("manifests").and_then(Value::as_array_mut);
        let list = list.ok_or_else(|| unexpected(&format!("`{tag}` is no index")))?;
        if list.iter().any(|listed| listed.get("digest") == listing.get("digest")) {
            return Ok(());
        }
        list.push(listing);
        self.put_manifest(repository, &tag, INDEX_TYPE, index.to_string().into()).await?;
        Ok(())
    }
}

/// The tag that clients keep the list of a manifest's referrers under.
pub(crate) fn fallback_tag(subject: &Digest) -> String {
    subject.as_str().replacen(':', "-", 1)
}

/// Whether a tag is the place for what is said of another manifest, and stands for no image: the list of its referrers, or
/// cosign's `.sig`, `.att` and `.sbom`.
pub(crate) fn is_about_another(tag: &str) -> bool {
    tag.starts_with("sha256-")
}

fn listing(subject: &Digest) -> String {
    format!("list what refers to {subject}")
}
