//! The referrers API: which manifests name another one as their subject.

use http::header::ACCEPT;
use http::{HeaderValue, Method};
use oci_spec::image::{Descriptor, ImageIndex};

use super::transport::Call;
use super::{Registry, RegistryError};
use crate::authorizer::Scope;
use crate::digest::Digest;

/// Registries refuse larger answers, and so do we.
const LARGEST: usize = 4 << 20;

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
        let act = format!("list what refers to {subject}");
        let url = self.shared.endpoint.url(&format!("{repository}/referrers/{subject}"));
        let call = Call::new(Method::GET, url, vec![Scope::pull(repository)], act)
            .header(ACCEPT, HeaderValue::from_static("application/vnd.oci.image.index.v1+json"));
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
}
