//! GitHub's issuer of workflow tokens, `https://token.actions.githubusercontent.com`, and the address a job asks.
//!
//! Sources: `docs.github.com/actions/reference/security/oidc` (claims, subject forms, request) and
//! `learn.microsoft.com/entra/workload-id/workload-identities-github-immutable-subjects`.

use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use http::StatusCode;
use serde_json::{Value, json};

use super::{bearer, discovery, is};
use crate::azure::wire::Pairs;
use crate::random;
use crate::seed::{GITHUB_OWNER, GITHUB_REPOSITORY};
use crate::world::{Addresses, Shared};

/// Where the running job asks for its token.
const REQUEST: &str =
    "/7Kx2/00000000-0000-0000-0000-000000000000/_apis/distributedtask/hubs/Actions/plans/1/jobs/1/idtoken";
/// How long a token lives, in seconds.
const LIFETIME: i64 = 300;
/// How much earlier than it was made it is valid.
const EARLIER: i64 = 600;

/// The workflow job that runs.
#[derive(Debug, Clone)]
pub struct Job {
    /// The git reference it runs for, as `refs/heads/main`.
    pub git_ref: String,
    /// The deployment environment it names, if any.
    pub environment: Option<String>,
    /// The event that started it.
    pub event: String,
    /// Whether the repository has immutable subjects: those made since July 2026 have.
    pub immutable_subject: bool,
}

impl Job {
    pub(super) fn seeded() -> Self {
        Self {
            git_ref: "refs/heads/main".to_owned(),
            environment: None,
            event: "push".to_owned(),
            immutable_subject: true,
        }
    }

    /// `sub` of its tokens.
    pub fn subject(&self) -> String {
        let (owner, repository) = (GITHUB_OWNER, GITHUB_REPOSITORY);
        let repository = if self.immutable_subject {
            format!("{}@{}/{}@{}", owner.0, owner.1, repository.0, repository.1)
        } else {
            format!("{}/{}", owner.0, repository.0)
        };
        let context = match (&self.environment, self.event.as_str()) {
            (Some(environment), _) => format!("environment:{environment}"),
            (None, "pull_request") => "pull_request".to_owned(),
            (None, _) => format!("ref:{}", self.git_ref),
        };
        format!("repo:{repository}:{context}")
    }
}

/// The issuer of GitHub's tokens.
pub fn issuer(addresses: &Addresses) -> String {
    format!("https://{}", addresses.pipelines)
}

pub(super) fn request_url(addresses: &Addresses) -> String {
    format!("https://{}{REQUEST}?api-version=2.0", addresses.pipelines)
}

pub(super) fn routes() -> Router<Shared> {
    Router::new()
        .route("/.well-known/openid-configuration", get(configuration))
        .route("/.well-known/jwks", get(keys))
        .route(REQUEST, get(token))
}

async fn configuration(State(shared): State<Shared>) -> Response {
    let claims = [
        "sub",
        "aud",
        "exp",
        "iat",
        "iss",
        "jti",
        "nbf",
        "ref",
        "sha",
        "repository",
        "repository_id",
        "repository_owner",
        "repository_owner_id",
        "environment",
        "job_workflow_ref",
        "event_name",
        "run_id",
        "actor",
    ];
    Json(shared.addresses().map(|addresses| discovery(&issuer(addresses), &claims))).into_response()
}

async fn keys(State(shared): State<Shared>) -> Response {
    match shared.pipelines.github.get() {
        Ok(key) => Json(key.key_set()).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

async fn token(State(shared): State<Shared>, request: Request) -> Response {
    if !is(bearer(request.headers()), &shared.pipelines.github_request_token) {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    let query = Pairs::of(request.uri());
    let owner = format!("https://github.com/{}", GITHUB_OWNER.0);
    let audience = query.get("audience").unwrap_or(&owner);
    match sign(&shared, audience) {
        Some(token) => Json(json!({ "count": token.len(), "value": token })).into_response(),
        None => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

fn sign(shared: &Shared, audience: &str) -> Option<String> {
    let claims = claims(shared, audience)?;
    let token = shared.pipelines.github.get().ok()?.sign(&claims).ok()?;
    shared.minted.remember(&token);
    Some(token)
}

/// What GitHub says of a job.
fn claims(shared: &Shared, audience: &str) -> Option<Value> {
    let job = shared.pipelines.github_job().clone();
    let now = shared.clock.seconds();
    let (owner, owner_id) = GITHUB_OWNER;
    let repository = format!("{owner}/{}", GITHUB_REPOSITORY.0);
    let sha = "4e7d1f0c9b8a76543210fedcba9876543210cafe";
    let workflow = format!("{repository}/.github/workflows/ship.yml@{}", job.git_ref);
    let mut claims = json!({
        "jti": random::uuid(),
        "sub": job.subject(),
        "aud": audience,
        "ref": job.git_ref,
        "sha": sha,
        "repository": repository,
        "repository_owner": owner,
        "repository_owner_id": owner_id.to_string(),
        "run_id": "17400256318",
        "run_number": "42",
        "run_attempt": "1",
        "repository_visibility": "private",
        "repository_id": GITHUB_REPOSITORY.1.to_string(),
        "actor_id": "5544123",
        "actor": "ada",
        "workflow": "ship",
        "head_ref": "",
        "base_ref": "",
        "event_name": job.event,
        "ref_protected": "true",
        "ref_type": if job.git_ref.starts_with("refs/tags/") { "tag" } else { "branch" },
        "workflow_ref": workflow,
        "workflow_sha": sha,
        "job_workflow_ref": workflow,
        "job_workflow_sha": sha,
        "runner_environment": "github-hosted",
        "iss": issuer(shared.addresses()?),
        "nbf": now - EARLIER,
        "exp": now + LIFETIME,
        "iat": now,
    });
    if let (Some(environment), Some(claims)) = (job.environment, claims.as_object_mut()) {
        claims.insert("environment".to_owned(), json!(environment));
    }
    Some(claims)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subjects_have_githubs_forms() {
        let job = Job::seeded();
        let old = Job { immutable_subject: false, ..job.clone() };
        let environment = Job { environment: Some("production".to_owned()), ..old.clone() };
        let pull = Job { event: "pull_request".to_owned(), ..old.clone() };
        for (job, subject) in [
            (job, "repo:harbour-org@7710429/quay-models@884120573:ref:refs/heads/main"),
            (old, "repo:harbour-org/quay-models:ref:refs/heads/main"),
            (environment, "repo:harbour-org/quay-models:environment:production"),
            (pull, "repo:harbour-org/quay-models:pull_request"),
        ] {
            assert_eq!(job.subject(), subject);
        }
    }
}
