//! Our headers as credentials of Google's client libraries.

use google_cloud_auth::credentials::{CacheableResource, CredentialsProvider, EntityTag};
use google_cloud_auth::errors::CredentialsError;
use http::header::AUTHORIZATION;
use http::{Extensions, HeaderMap};

use crate::bearer::Bearer;

/// A [`Bearer`] that Google's client libraries take.
#[derive(Debug)]
pub(crate) struct ProvidesHeaders(pub(crate) Bearer);

impl CredentialsProvider for ProvidesHeaders {
    async fn headers(&self, _: Extensions) -> Result<CacheableResource<HeaderMap>, CredentialsError> {
        let header = self.0.header().await.map_err(|error| {
            let (transient, message) = (error.is_transient(), error.to_string());
            CredentialsError::new(transient, message, error)
        })?;
        // Always new: the cache behind the bearer decides what is fresh.
        let data = HeaderMap::from_iter([(AUTHORIZATION, header)]);
        Ok(CacheableResource::New { entity_tag: EntityTag::new(), data })
    }

    async fn universe_domain(&self) -> Option<String> {
        None
    }
}
