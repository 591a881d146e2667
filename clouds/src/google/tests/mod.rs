//! Google set-up against services that answer by a script, and remember what they were asked.

mod federation;
mod grant;
mod look;
mod project;
mod repository;

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::response::Response;
use bridge::inventory::State;
use bridge::resource::{Grant, GrantTarget, Pool, Provider, Repository, ResourceKey, ServiceAccount};
use bridge::spec::{Azure, AzureCloud, Endpoints, Federation, Google};
use google_cloud_auth::credentials::anonymous;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::*;

/// A bridge with nobody on it.
pub(crate) fn bridge() -> Bridge {
    Bridge {
        name: "crossing".to_owned(),
        azure: Azure {
            cloud: AzureCloud::Public,
            tenant: "0f3a7c1e-5b52-4c8e-9d1a-6f2b8e4d7a10".to_owned(),
            subscription: "7d9b2f40-1c3e-4a5d-8b6f-2e0c9a8d5b31".to_owned(),
            resource_group: "rg".to_owned(),
            workspace: "quay".to_owned(),
            datastores: Vec::new(),
        },
        google: Google {
            project: "harbour".to_owned(),
            project_number: "42".to_owned(),
            location: "europe-west4".to_owned(),
            cluster: "ship".to_owned(),
            repository: "models".to_owned(),
            signing_key: None,
        },
        federation: Federation {
            pool: "quay".to_owned(),
            provider: "entra".to_owned(),
            application: "Gangplank".to_owned(),
        },
        identities: Vec::new(),
        teams: Vec::new(),
        services: Vec::new(),
        workloads: Vec::new(),
        endpoints: Endpoints::default(),
    }
}

/// One question as the services saw it.
#[derive(Debug, Clone, PartialEq)]
struct Asked {
    /// `METHOD PATH?QUERY`.
    line: String,
    body: Value,
}

/// An answer waiting for its question.
struct Line {
    question: &'static str,
    status: u16,
    body: Value,
}

fn line(question: &'static str, status: u16, body: Value) -> Line {
    Line { question, status, body }
}

fn refused(question: &'static str, status: u16, word: &str) -> Line {
    line(
        question,
        status,
        json!({"error": {"code": status, "status": word, "message": "as the script has it"}}),
    )
}

/// All of Google's services at one address, answering by a script.
struct Script {
    bridge: Bridge,
    set_up: SetUp,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Script {
    async fn play(lines: Vec<Line>) -> Self {
        let (lines, asked) = (Arc::new(Mutex::new(lines)), Arc::<Mutex<Vec<Asked>>>::default());
        let seen = asked.clone();
        let app =
            Router::new().fallback(move |request: Request| answer(request, lines.clone(), seen.clone()));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        let mut bridge = bridge();
        bridge.endpoints = Endpoints {
            iam: Some(address.clone()),
            cloud_resource_manager: Some(address.clone()),
            artifact_registry: Some(address.clone()),
            container: Some(address),
            ..Endpoints::default()
        };
        let credentials = anonymous::Builder::new().build();
        let http = identity::http::client(None).unwrap();
        let addresses = Addresses::of(&bridge);
        let set_up = SetUp::with(&addresses, credentials, "the tester".to_owned(), http).await.unwrap();
        Self { bridge, set_up, asked }
    }

    async fn perform(&self, action: Action) -> PortResult<()> {
        let change = Change { key: action.resource().key(), action };
        self.set_up.perform(&self.bridge, &change, &mut Outputs::default()).await
    }

    async fn observe(&self, wanted: &[Resource]) -> Inventory {
        let facts = Facts {
            project_number: "42".to_owned(),
            node_service_account: "nodes@p".to_owned(),
            ..Facts::default()
        };
        let mut inventory = Inventory::default();
        self.set_up.observe(&self.bridge, &facts, wanted, &mut inventory).await.unwrap();
        inventory
    }

    fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }

    /// What was asked, without the libraries' own parameters.
    fn lines(&self) -> Vec<String> {
        self.asked().into_iter().map(|asked| asked.line).collect()
    }
}

/// The first line of the script that fits. Where the script says nothing, the thing does not exist.
async fn answer(request: Request, lines: Arc<Mutex<Vec<Line>>>, asked: Arc<Mutex<Vec<Asked>>>) -> Response {
    let (parts, body) = request.into_parts();
    let question = format!("{} {}", parts.method, parts.uri.path());
    let bytes = to_bytes(body, 1 << 20).await.unwrap();
    let ours = |pair: &&str| {
        ["updateMask", "workloadIdentityPoolId", "workloadIdentityPoolProviderId"]
            .iter()
            .any(|name| pair.starts_with(name))
    };
    let query: Vec<&str> = parts.uri.query().unwrap_or_default().split('&').filter(ours).collect();
    let line = if query.is_empty() { question.clone() } else { format!("{question}?{}", query.join("&")) };
    asked.lock().unwrap().push(Asked { line, body: serde_json::from_slice(&bytes).unwrap_or_default() });
    let found = {
        let mut lines = lines.lock().unwrap();
        lines.iter().position(|line| line.question == question).map(|at| lines.remove(at))
    };
    let nothing = line_of_nothing();
    let Line { status, body, .. } = found.unwrap_or(nothing);
    let builder = Response::builder().status(status).header("content-type", "application/json");
    builder.body(Body::from(body.to_string())).unwrap()
}

fn line_of_nothing() -> Line {
    refused("", 404, "NOT_FOUND")
}

const MARK: &str = "gangplank:crossing";

/// An empty project, and some lines more.
fn observed_by(lines: impl IntoIterator<Item = Line>) -> Vec<Line> {
    let empty = [
        line("GET /v1/projects/harbour/locations/global/workloadIdentityPools", 200, json!({})),
        line("GET /v1/projects/harbour/serviceAccounts", 200, json!({})),
        line("GET /v1/projects/harbour/locations/europe-west4/repositories", 200, json!({})),
        line("POST /v3/projects/harbour:getIamPolicy", 200, json!({"etag": "ZTE="})),
    ];
    lines.into_iter().chain(empty).collect()
}

fn pool() -> Resource {
    Resource::Pool(Pool { id: "quay".to_owned(), disabled: false })
}

fn provider(audiences: Vec<String>) -> Provider {
    Provider {
        pool: "quay".to_owned(),
        id: "entra".to_owned(),
        issuer: "https://issuer".to_owned(),
        audiences,
        mapping: [("google.subject".to_owned(), "assertion.sub".to_owned())].into(),
        condition: "true".to_owned(),
        uploaded_keys: false,
        disabled: false,
    }
}

#[tokio::test]
async fn deleting_what_is_gone_is_done() {
    let account = ServiceAccount { id: "gp-a".to_owned(), display_name: String::new() };
    let repository = Repository { id: "models".to_owned(), location: "europe-west4".to_owned() };
    let grant = Grant {
        target: GrantTarget::ServiceAccount("gp-a".to_owned()),
        role: "r".to_owned(),
        members: BTreeSet::from(["m".to_owned()]),
    };
    let all = [
        pool(),
        Resource::Provider(provider(Vec::new())),
        Resource::ServiceAccount(account),
        Resource::Repository(repository),
        Resource::Grant(grant),
    ];
    for found in all {
        let key = found.key();
        let script = Script::play(Vec::new()).await;
        assert_eq!(script.perform(Action::Delete { found }).await, Ok(()), "{key}");
    }
}

#[tokio::test]
async fn nothing_of_azures_is_done_here() {
    let script = Script::play(Vec::new()).await;
    let action = Action::Delete {
        found: Resource::ServicePrincipal(bridge::resource::ServicePrincipal { app_id: "a".to_owned() }),
    };
    assert!(script.perform(action).await.is_err());
    let key = ResourceKey("google/pool/quay".to_owned());
    assert_eq!(pool().key(), key);
}
