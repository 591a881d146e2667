//! Tokens of others, shown to Entra as assertions: what a source of them is, and how the SDK gets at it.

use std::fmt::Debug;
use std::sync::Arc;

use async_trait::async_trait;
use azure_core::error::{Error, ErrorKind};
use azure_core::http::ClientMethodOptions;
use azure_identity::ClientAssertion;

use super::SourceError;
use crate::claims::Claims;
use crate::secret::Secret;

/// Something that is shown to Entra and can be looked at before.
#[async_trait]
pub(super) trait Presents: Send + Sync {
    /// The claims of what is shown that are no secret; none where it has none.
    async fn presented(&self) -> Result<Option<Claims>, SourceError>;
}

/// A source of assertions. Asked anew for each Entra token, since the assertions live for minutes.
#[async_trait]
pub(super) trait Assertion: Send + Sync + Debug + 'static {
    /// A token for Entra's token endpoint.
    async fn assertion(&self) -> Result<Secret, SourceError>;
}

/// An [`Assertion`] as the SDK and the doctor ask for it.
#[derive(Debug)]
pub(super) struct Asserted<A>(Arc<A>);

impl<A> Asserted<A> {
    pub(super) fn new(assertion: A) -> Self {
        Self(Arc::new(assertion))
    }
}

impl<A> Clone for Asserted<A> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

#[async_trait]
impl<A: Assertion> ClientAssertion for Asserted<A> {
    async fn secret(&self, _: Option<ClientMethodOptions<'_>>) -> azure_core::Result<String> {
        self.0.assertion().await.map(|secret| secret.expose().to_owned()).map_err(carried)
    }
}

#[async_trait]
impl<A: Assertion> Presents for Asserted<A> {
    async fn presented(&self) -> Result<Option<Claims>, SourceError> {
        Ok(Claims::of(self.0.assertion().await?.expose()))
    }
}

/// A typed error inside one of the SDK's.
pub(super) fn carried(error: SourceError) -> Error {
    let message = error.to_string();
    Error::with_error(ErrorKind::Credential, error, message)
}
