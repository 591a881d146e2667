//! Why a chain gave no token: one error over all hops, with the two answers an act needs (whose "no", and will it last).

use std::time::Duration;

use serde::Serialize;

use crate::impersonation::ImpersonationError;
use crate::source::SourceError;
use crate::source::adc::AdcError;
use crate::sts::ExchangeError;

/// The steps of the identity chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Hop {
    /// The first token, from Entra.
    Entra,
    /// Entra token for federated Google token, at Google STS.
    Exchange,
    /// Federated token for a service account's token, at IAM credentials.
    Impersonation,
    /// An administrator's own Google log-in.
    ApplicationDefault,
}

impl Hop {
    /// The service that decides this hop, as its users call it.
    pub fn service(self) -> &'static str {
        match self {
            Self::Entra => "Entra ID",
            Self::Exchange => "Google STS",
            Self::Impersonation => "IAM credentials",
            Self::ApplicationDefault => "Google log-in",
        }
    }
}

/// Why there is no token.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// No first token.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// No federated token.
    #[error(transparent)]
    Exchange(#[from] ExchangeError),
    /// No service-account token.
    #[error(transparent)]
    Impersonation(#[from] ImpersonationError),
    /// No administrator's token.
    #[error(transparent)]
    ApplicationDefault(#[from] AdcError),
    /// The task that fetched the token died.
    #[error("fetching the token was interrupted")]
    Interrupted(Hop),
}

impl TokenError {
    /// The hop that failed.
    pub fn hop(&self) -> Hop {
        match self {
            Self::Source(_) => Hop::Entra,
            Self::Exchange(_) => Hop::Exchange,
            Self::Impersonation(_) => Hop::Impersonation,
            Self::ApplicationDefault(_) => Hop::ApplicationDefault,
            Self::Interrupted(hop) => *hop,
        }
    }

    /// Who failed to answer well, as its users call it.
    pub fn service(&self) -> &'static str {
        match self {
            Self::Source(error) => error.service(),
            other => other.hop().service(),
        }
    }

    /// The HTTP status of the answer, where there was one.
    pub fn status(&self) -> Option<u16> {
        match self {
            Self::Source(error) => error.status(),
            Self::Exchange(error) => error.status(),
            Self::Impersonation(error) => error.status(),
            Self::ApplicationDefault(error) => error.status(),
            Self::Interrupted(_) => None,
        }
    }

    /// The service's own code: `AADSTS700212`, `invalid_grant`, `IAM_PERMISSION_DENIED`.
    pub fn code(&self) -> Option<&str> {
        match self {
            Self::Source(SourceError::Refused { code, .. }) => code.as_deref(),
            Self::Exchange(ExchangeError::Refused { error, .. }) => Some(error),
            Self::Impersonation(ImpersonationError::Refused { reason, .. }) => reason.as_deref(),
            Self::ApplicationDefault(AdcError::Refused { error, .. }) => error.as_deref(),
            _ => None,
        }
    }

    /// The service's own words where it answered, else ours.
    pub fn words(&self) -> String {
        match self {
            Self::Source(SourceError::Refused { message, .. })
            | Self::Exchange(ExchangeError::Refused { description: message, .. })
            | Self::Impersonation(ImpersonationError::Refused { message, .. })
                if !message.is_empty() =>
            {
                message.clone()
            }
            other => other.to_string(),
        }
    }

    /// Whether the hop was refused because the token it was asked with is out of its time.
    pub fn is_expired(&self) -> bool {
        match self {
            Self::Exchange(ExchangeError::Refused { description, .. }) => {
                description.contains("is stale to sign-in")
            }
            Self::Impersonation(_) => self.status() == Some(401),
            _ => false,
        }
    }

    /// Whether no answer came at all.
    pub fn is_unreachable(&self) -> bool {
        matches!(
            self,
            Self::Source(SourceError::Unreachable { .. })
                | Self::Exchange(ExchangeError::Unreachable { .. })
                | Self::Impersonation(ImpersonationError::Unreachable { .. })
                | Self::ApplicationDefault(AdcError::Unreachable { .. })
        )
    }

    /// Whether the same request may succeed later without anybody changing anything.
    pub fn is_transient(&self) -> bool {
        let busy = self.status().is_some_and(|status| status == 429 || status >= 500);
        busy || self.is_unreachable() || matches!(self, Self::Interrupted(_))
    }

    /// How long the service asked us to wait.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Source(SourceError::Refused { retry_after, .. })
            | Self::Exchange(ExchangeError::Refused { retry_after, .. })
            | Self::Impersonation(ImpersonationError::Refused { retry_after, .. }) => *retry_after,
            _ => None,
        }
    }
}
