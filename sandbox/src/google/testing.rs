//! A world for the tests of Google's services, and calls into their routers.

use std::sync::{Arc, OnceLock};

use axum::Router;
use axum::body::{Body, to_bytes};
use bytes::Bytes;
use http::{HeaderMap, Request, StatusCode};
use jiff::SignedDuration;
use serde_json::{Value, json};
use tempfile::TempDir;
use tower::ServiceExt as _;
use trust::Caller;
use trust::provider::Mapped;

use super::call::CLOUD_PLATFORM;
use super::tokens::{self, Identity, USERINFO_EMAIL};
use crate::clock::Clock;
use crate::seed;
use crate::serve::Authority;
use crate::world::{Faults, Minted, Shared, World};

/// The pool that [`Fixture::with_pool`] makes.
pub(crate) const POOL: &str = "projects/412907655821/locations/global/workloadIdentityPools/quay";

/// A world that goes away with its folder.
pub(crate) struct Fixture {
    pub(crate) world: Shared,
    _folder: TempDir,
}

/// What a service answered.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) bytes: Bytes,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.bytes).unwrap()
    }

    /// The message of a refusal.
    pub(crate) fn message(&self) -> String {
        self.json()["error"]["message"].as_str().unwrap_or_default().to_owned()
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers[name].to_str().unwrap()
    }
}

impl Fixture {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock = Clock::default();
        let authority = Authority::generate().unwrap();
        let world = World {
            addresses: OnceLock::new(),
            client: authority.client().unwrap(),
            authority,
            folder: folder.path().to_owned(),
            faults: Faults::default(),
            lagging: crate::propagation::Lagging::default(),
            changed: tokio::sync::Notify::new(),
            minted: Minted::default(),
            transcript: None,
            azure: crate::azure::State::seeded(&clock).unwrap(),
            google: super::State::seeded(&clock).unwrap(),
            pipelines: crate::pipelines::State::seeded(),
            cluster: crate::cluster::State::seeded(&clock).unwrap(),
            clock,
        };
        Self { world: Arc::new(world), _folder: folder }
    }

    /// A token for `caller` with every scope that the services ask for.
    pub(crate) fn token_for(&self, caller: Caller) -> String {
        let now = self.world.clock.now();
        let expires = now.checked_add(SignedDuration::from_hours(1)).unwrap();
        let scopes = vec![CLOUD_PLATFORM.to_owned(), USERINFO_EMAIL.to_owned()];
        tokens::mint(&self.world, Identity { caller, scopes, expires, unique_id: None })
    }

    pub(crate) fn admin(&self) -> String {
        self.token_for(Caller::User(seed::GOOGLE_ADMIN.to_owned()))
    }

    pub(crate) fn nobody(&self) -> String {
        self.token_for(Caller::User("nobody@harbour.example".to_owned()))
    }

    /// A token of somebody from outside, through the pool [`POOL`].
    pub(crate) fn federated(&self, subject: &str) -> String {
        let mapped = Mapped { subject: subject.to_owned(), ..Mapped::default() };
        self.token_for(Caller::Federated { pool_resource: POOL.to_owned(), mapped })
    }

    /// Makes the pool [`POOL`].
    pub(crate) async fn with_pool(self) -> Self {
        let iam = super::iam::router(self.world.clone());
        let path =
            "/v1/projects/harbour-sandbox/locations/global/workloadIdentityPools?workloadIdentityPoolId=quay";
        let answer = call(&iam, ("POST", path), &self.admin(), json!({})).await;
        assert_eq!(answer.status, 200);
        self
    }

    /// Makes the repository `models`, which `member` may write.
    pub(crate) async fn with_repository(self, member: &str) -> Self {
        let registry = super::artifact_registry::router(self.world.clone());
        let parent = format!("/v1/projects/harbour-sandbox/locations/{}/repositories", seed::LOCATION);
        let create = format!("{parent}?repositoryId=models");
        let answer = call(&registry, ("POST", &create), &self.admin(), json!({ "format": 1 })).await;
        assert_eq!(answer.status, 200, "{}", answer.message());
        let policy = json!({ "policy": { "bindings": [
            { "role": "roles/artifactregistry.writer", "members": [member] },
        ] } });
        let set = format!("{parent}/models:setIamPolicy");
        let answer = call(&registry, ("POST", &set), &self.admin(), policy).await;
        assert_eq!(answer.status, 200, "{}", answer.message());
        self
    }
}

/// Sends one JSON request.
pub(crate) async fn call(router: &Router, (method, path): (&str, &str), token: &str, body: Value) -> Answer {
    let bytes = if body.is_null() { Vec::new() } else { serde_json::to_vec(&body).unwrap() };
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header("authorization", format!("Bearer {token}"))
        .header("content-type", "application/json");
    send(router, request.body(Body::from(bytes)).unwrap()).await
}

/// Sends any request.
pub(crate) async fn send(router: &Router, request: Request<Body>) -> Answer {
    let response = router.clone().oneshot(request).await.unwrap();
    let (parts, body) = response.into_parts();
    let bytes = to_bytes(body, usize::MAX).await.unwrap();
    Answer { status: parts.status, headers: parts.headers, bytes }
}
