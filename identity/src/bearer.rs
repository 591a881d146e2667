//! A header for whoever speaks HTTP without a cloud's SDK: the registry and the cluster.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use http::HeaderValue;

use crate::error::TokenError;

/// Gives authorization headers that are valid now.
#[async_trait]
pub(crate) trait HeaderSource: Send + Sync {
    /// The header, marked sensitive.
    async fn header(&self) -> Result<HeaderValue, TokenError>;
    /// Gives up what is kept, so that the next header is a new one.
    async fn renew(&self);
}

/// Somebody's right to speak: ask for a header before every request.
#[derive(Clone)]
pub struct Bearer {
    source: Arc<dyn HeaderSource>,
    who: String,
}

impl Bearer {
    pub(crate) fn new(source: Arc<dyn HeaderSource>, who: String) -> Self {
        Self { source, who }
    }

    /// `Bearer …`, marked sensitive; fetched or refreshed if need be.
    pub async fn header(&self) -> Result<HeaderValue, TokenError> {
        self.source.header().await
    }

    /// Forgets the tokens kept, after a service called one expired or revoked. An administrator's log-in keeps its own
    /// tokens and ignores this.
    pub async fn renew(&self) {
        self.source.renew().await;
    }

    /// Who speaks, for people: `federated principal`, a service account's address, `application-default credentials`.
    pub fn who(&self) -> &str {
        &self.who
    }
}

impl fmt::Debug for Bearer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bearer").field("who", &self.who).finish_non_exhaustive()
    }
}
