//! The issuers that pipelines outside both clouds come from: GitHub Actions and Azure DevOps. Each has a discovery
//! document, keys, and the endpoint at which a running job asks for its token.

mod azure_devops;
mod github;

use std::sync::{Mutex, MutexGuard, PoisonError};

use axum::Router;
use serde_json::{Value, json};

pub use azure_devops::issuer as azure_devops_issuer;
pub(crate) use azure_devops::subject as azure_devops_subject;
pub use github::{Job, issuer as github_issuer};

use crate::random;
use crate::signing::LazyKey;
use crate::world::{Addresses, Shared};

/// What the pipelines know.
pub struct State {
    github: LazyKey,
    azure_devops: LazyKey,
    /// `ACTIONS_ID_TOKEN_REQUEST_TOKEN` of the running job.
    pub github_request_token: String,
    /// `SYSTEM_ACCESSTOKEN` of the running job.
    pub system_access_token: String,
    job: Mutex<Job>,
}

impl State {
    /// One running job on each side.
    pub(crate) fn seeded() -> Self {
        Self {
            github: LazyKey::default(),
            azure_devops: LazyKey::default(),
            github_request_token: random::secret(),
            system_access_token: random::secret(),
            job: Mutex::new(Job::seeded()),
        }
    }

    /// The job that runs on GitHub.
    pub fn github_job(&self) -> MutexGuard<'_, Job> {
        self.job.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The service's routes.
pub(crate) fn router(shared: Shared) -> Router {
    shared.minted.remember(&shared.pipelines.github_request_token);
    shared.minted.remember(&shared.pipelines.system_access_token);
    github::routes().merge(azure_devops::routes()).with_state(shared)
}

/// `ACTIONS_ID_TOKEN_REQUEST_URL` of the running job.
pub(crate) fn github_request_url(addresses: &Addresses) -> String {
    github::request_url(addresses)
}

/// `SYSTEM_OIDCREQUESTURI` of the running job.
pub(crate) fn system_oidc_request_uri(addresses: &Addresses) -> String {
    azure_devops::request_uri(addresses)
}

/// A discovery document with what both issuers say of themselves.
fn discovery(issuer: &str, claims: &[&str]) -> Value {
    json!({
        "issuer": issuer,
        "jwks_uri": format!("{issuer}/.well-known/jwks"),
        "subject_types_supported": ["public", "pairwise"],
        "response_types_supported": ["id_token"],
        "claims_supported": claims,
        "id_token_signing_alg_values_supported": ["RS256"],
        "scopes_supported": ["openid"],
    })
}

/// The bearer token of a request.
fn bearer(headers: &http::HeaderMap) -> &[u8] {
    let header =
        headers.get(http::header::AUTHORIZATION).map(http::HeaderValue::as_bytes).unwrap_or_default();
    match header.split_at_checked(7) {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case(b"bearer ") => token,
        _ => b"",
    }
}

fn is(shown: &[u8], known: &str) -> bool {
    aws_lc_rs::constant_time::verify_slices_are_equal(shown, known.as_bytes()).is_ok()
}
