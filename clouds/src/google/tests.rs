//! Google set-up against services that answer by a script, and remember what they were asked.

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

const POOLS: &str = "/v1/projects/harbour/locations/global/workloadIdentityPools";
const MARK: &str = "gangplank:crossing";

fn pool() -> Resource {
    Resource::Pool(Pool { id: "quay".to_owned(), disabled: false })
}

fn pool_answer(state: &str, description: &str) -> Value {
    json!({"name": "projects/42/locations/global/workloadIdentityPools/quay", "state": state, "description": description})
}

fn done() -> Value {
    json!({"name": "projects/42/locations/global/workloadIdentityPools/quay/operations/o", "done": true})
}

#[tokio::test]
async fn a_pool_is_made_and_waited_for() {
    let script = Script::play(vec![
        line(
            "POST /v1/projects/harbour/locations/global/workloadIdentityPools",
            200,
            json!({"name": "operations/o"}),
        ),
        line("GET /v1/operations/o", 200, json!({"name": "operations/o", "done": false})),
        line("GET /v1/operations/o", 200, json!({"name": "operations/o", "done": true, "response": {}})),
    ])
    .await;
    script.perform(Action::Create { wanted: pool() }).await.unwrap();
    let asked = script.asked();
    assert_eq!(asked[0].line, format!("POST {POOLS}?workloadIdentityPoolId=quay"));
    assert_eq!(asked[0].body, json!({"description": MARK, "disabled": false}));
    assert_eq!(script.lines()[1..], ["GET /v1/operations/o", "GET /v1/operations/o"]);
}

#[tokio::test]
async fn an_operation_that_fails_is_a_refusal() {
    let failed =
        json!({"name": "operations/o", "done": true, "error": {"code": 9, "message": "Org Policy violated"}});
    let script = Script::play(vec![line(
        "POST /v1/projects/harbour/locations/global/workloadIdentityPools",
        200,
        failed,
    )])
    .await;
    let refusal = script.perform(Action::Create { wanted: pool() }).await.unwrap_err();
    assert_eq!((refusal.kind, refusal.code.as_deref()), (Refused::Invalid, Some("FAILED_PRECONDITION")));
    assert_eq!(refusal.message, "Org Policy violated");
}

#[tokio::test]
async fn a_pool_that_an_earlier_run_made_is_taken_up() {
    let script = Script::play(vec![
        refused("POST /v1/projects/harbour/locations/global/workloadIdentityPools", 409, "ALREADY_EXISTS"),
        line(
            "GET /v1/projects/harbour/locations/global/workloadIdentityPools/quay",
            200,
            pool_answer("ACTIVE", MARK),
        ),
    ])
    .await;
    script.perform(Action::Create { wanted: pool() }).await.unwrap();
    assert_eq!(script.lines().len(), 2, "what is as wanted is not written again");
}

#[tokio::test]
async fn what_another_administrator_made_or_changed_is_not_overwritten() {
    let path = "/v1/projects/harbour/locations/global/workloadIdentityPools/quay";
    let off = || {
        let mut pool = pool_answer("ACTIVE", MARK);
        pool["disabled"] = json!(true);
        pool
    };
    let made = Script::play(vec![
        refused("POST /v1/projects/harbour/locations/global/workloadIdentityPools", 409, "ALREADY_EXISTS"),
        line("GET /v1/projects/harbour/locations/global/workloadIdentityPools/quay", 200, off()),
    ])
    .await;
    assert_eq!(made.perform(Action::Create { wanted: pool() }).await.unwrap_err().kind, Refused::Conflict);
    let update = |found| Action::Update { wanted: pool(), found, differences: Vec::new() };
    let seen = Resource::Pool(Pool { id: "quay".to_owned(), disabled: true });
    for (found, now, outcome) in [
        (seen.clone(), off(), None),
        (seen.clone(), pool_answer("ACTIVE", MARK), None),
        (pool(), off(), Some(Refused::Conflict)),
        (seen.clone(), pool_answer("DELETED", MARK), Some(Refused::Conflict)),
        (seen, pool_answer("ACTIVE", "theirs"), Some(Refused::Conflict)),
    ] {
        let script = Script::play(vec![
            line("GET /v1/projects/harbour/locations/global/workloadIdentityPools/quay", 200, now),
            line("PATCH /v1/projects/harbour/locations/global/workloadIdentityPools/quay", 200, done()),
        ])
        .await;
        let refusal = script.perform(update(found)).await.err();
        assert_eq!(refusal.map(|refusal| refusal.kind), outcome);
        assert_eq!(
            script.lines().contains(&format!("PATCH {path}?updateMask=description%2Cdisabled")),
            outcome.is_none()
        );
    }
}

#[tokio::test]
async fn a_pool_of_somebody_elses_is_left_alone_also_when_deleted() {
    for state in ["ACTIVE", "DELETED"] {
        let theirs = pool_answer(state, "made by hand");
        let script = Script::play(vec![
            refused(
                "POST /v1/projects/harbour/locations/global/workloadIdentityPools",
                409,
                "ALREADY_EXISTS",
            ),
            line("GET /v1/projects/harbour/locations/global/workloadIdentityPools/quay", 200, theirs),
        ])
        .await;
        let refusal = script.perform(Action::Create { wanted: pool() }).await.unwrap_err();
        assert_eq!(refusal.kind, Refused::Conflict);
        assert!(refusal.message.contains("`quay`") && refusal.message.contains("mark"), "{refusal}");
        assert_eq!(script.asked().len(), 2, "nothing was changed");
    }
}

#[tokio::test]
async fn a_deleted_pool_is_undeleted_and_brought_up_to_date() {
    let script = Script::play(vec![
        line(
            "GET /v1/projects/harbour/locations/global/workloadIdentityPools/quay",
            200,
            pool_answer("DELETED", MARK),
        ),
        line("POST /v1/projects/harbour/locations/global/workloadIdentityPools/quay:undelete", 200, done()),
        line("PATCH /v1/projects/harbour/locations/global/workloadIdentityPools/quay", 200, done()),
    ])
    .await;
    script.perform(Action::Undelete { wanted: pool() }).await.unwrap();
    assert_eq!(script.lines()[1], format!("POST {POOLS}/quay:undelete"));
    assert!(script.lines()[2].starts_with("PATCH"));
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
async fn a_provider_waits_for_its_application() {
    let script = Script::play(Vec::new()).await;
    let wanted = Resource::Provider(provider(vec!["${application.appId}".to_owned()]));
    let refusal = script.perform(Action::Create { wanted }).await.unwrap_err();
    assert_eq!(refusal.kind, Refused::Invalid);
    assert!(script.asked().is_empty(), "nothing was sent");
}

#[tokio::test]
async fn a_provider_is_read_as_it_is_written() {
    let wanted = provider(vec!["app".to_owned()]);
    let create = "POST /v1/projects/harbour/locations/global/workloadIdentityPools/quay/providers";
    let script = Script::play(vec![line(create, 200, done())]).await;
    script.perform(Action::Create { wanted: Resource::Provider(wanted.clone()) }).await.unwrap();
    let mut stored = script.asked()[0].body.clone();
    stored["state"] = json!("ACTIVE");
    let read = "GET /v1/projects/harbour/locations/global/workloadIdentityPools/quay/providers/entra";
    let script = Script::play(observed_by([line(read, 200, stored)])).await;
    let wanted = Resource::Provider(wanted);
    let seen = script.observe(std::slice::from_ref(&wanted)).await;
    let seen = &seen.found[&wanted.key()];
    assert_eq!((&seen.resource, seen.marked, seen.state), (&wanted, true, State::Live));
}

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

#[tokio::test]
async fn everything_with_our_mark_is_seen_and_foreign_things_only_if_wanted() {
    let pools = json!({"workloadIdentityPools": [
        {"name": "projects/42/locations/global/workloadIdentityPools/old", "state": "ACTIVE", "description": MARK},
        {"name": "projects/42/locations/global/workloadIdentityPools/theirs", "state": "ACTIVE"}]});
    let accounts = json!({"accounts": [
        {"email": "gp-a@harbour.iam.gserviceaccount.com", "displayName": "A", "description": MARK},
        {"email": "gp-b@harbour.iam.gserviceaccount.com", "displayName": "B", "description": "gangplank:other"},
        {"email": "theirs@harbour.iam.gserviceaccount.com", "displayName": "T"},
        {"email": "42-compute@developer.gserviceaccount.com"}]});
    let repositories = json!({"repositories": [
        {"name": "projects/harbour/locations/europe-west4/repositories/models", "format": "DOCKER",
         "labels": {"gangplank-bridge": "crossing"}},
        {"name": "projects/harbour/locations/europe-west4/repositories/theirs", "format": "DOCKER"}]});
    let principal =
        "principal://iam.googleapis.com/projects/42/locations/global/workloadIdentityPools/quay/subject/s";
    let policy = json!({"etag": "ZTE=", "bindings": [
        {"role": "roles/artifactregistry.reader", "members": ["serviceAccount:nodes@p", "user:ada@x", principal]},
        {"role": "roles/artifactregistry.writer", "members": ["user:ada@x"]}]});
    let script = Script::play(vec![
        line("GET /v1/projects/harbour/locations/global/workloadIdentityPools", 200, pools),
        line("GET /v1/projects/harbour/locations/global/workloadIdentityPools/old/providers", 200, json!({})),
        line("GET /v1/projects/harbour/serviceAccounts", 200, accounts),
        line("GET /v1/projects/harbour/locations/europe-west4/repositories", 200, repositories),
        line("GET /v1/projects/harbour/locations/europe-west4/repositories/models/packages", 200,
            json!({"packages": [{"name": "projects/harbour/locations/europe-west4/repositories/models/packages/m"}]})),
        line("GET /v1/projects/harbour/locations/europe-west4/repositories/models:getIamPolicy", 200, policy),
        line("POST /v3/projects/harbour:getIamPolicy", 200, json!({"etag": "ZTE="})),
    ])
    .await;
    let wanted = ServiceAccount { id: "gp-b".to_owned(), display_name: "B".to_owned() };
    let seen = script.observe(&[Resource::ServiceAccount(wanted)]).await;
    let seen: Vec<(&str, bool)> =
        seen.found.iter().map(|(key, observed)| (key.0.as_str(), observed.marked)).collect();
    let expected = [
        ("google/grant/repository/models/roles/artifactregistry.reader", true),
        ("google/pool/old", true),
        ("google/repository/europe-west4/models", true),
        ("google/service-account/gp-a", true),
        ("google/service-account/gp-b", false),
    ];
    assert_eq!(seen, expected);
}

#[tokio::test]
async fn a_grant_survives_somebody_elses_write_in_between() {
    let policy = |etag: &str, member: &str| json!({"etag": etag, "bindings": [{"role": "roles/container.clusterViewer", "members": [member]}]});
    let script = Script::play(vec![
        line("POST /v3/projects/harbour:getIamPolicy", 200, policy("ZTE=", "user:ada@x")),
        refused("POST /v3/projects/harbour:setIamPolicy", 409, "ABORTED"),
        line("POST /v3/projects/harbour:getIamPolicy", 200, policy("ZTI=", "user:bob@x")),
        line("POST /v3/projects/harbour:setIamPolicy", 200, json!({})),
    ])
    .await;
    let wanted = Resource::Grant(Grant {
        target: GrantTarget::Project,
        role: "roles/container.clusterViewer".to_owned(),
        members: BTreeSet::from(["serviceAccount:gp-a@harbour.iam.gserviceaccount.com".to_owned()]),
    });
    script.perform(Action::Create { wanted }).await.unwrap();
    let written = &script.asked()[3].body["policy"];
    assert_eq!(written["etag"], "ZTI=");
    let members = &written["bindings"][0]["members"];
    assert_eq!(*members, json!(["serviceAccount:gp-a@harbour.iam.gserviceaccount.com", "user:bob@x"]));
}

#[tokio::test]
async fn a_grant_waits_until_iam_knows_the_account_that_this_run_made() {
    let path = "/v1/projects/harbour/serviceAccounts/gp-a@harbour.iam.gserviceaccount.com";
    let member = "serviceAccount:gp-a@harbour.iam.gserviceaccount.com";
    let grant = |target, role: &str| {
        let members = BTreeSet::from([member.to_owned()]);
        Action::Create { wanted: Resource::Grant(Grant { target, role: role.to_owned(), members }) }
    };
    let no_such = json!({"error": {"code": 400, "status": "INVALID_ARGUMENT",
        "message": "Service account gp-a@harbour.iam.gserviceaccount.com does not exist."}});
    let mut script = Script::play(vec![
        line("POST /v3/projects/harbour:getIamPolicy", 200, json!({"etag": "ZTE="})),
        line("POST /v3/projects/harbour:setIamPolicy", 400, no_such.clone()),
        line(
            "POST /v1/projects/harbour/serviceAccounts",
            200,
            json!({"email": "gp-a@harbour.iam.gserviceaccount.com"}),
        ),
        line("POST /v3/projects/harbour:getIamPolicy", 200, json!({"etag": "ZTE="})),
        line("POST /v3/projects/harbour:setIamPolicy", 400, no_such),
        line("POST /v3/projects/harbour:getIamPolicy", 200, json!({"etag": "ZTE="})),
        line("POST /v3/projects/harbour:setIamPolicy", 200, json!({})),
        refused(GET_POLICY_OF_A, 404, "NOT_FOUND"),
        refused(GET_POLICY_OF_A, 403, "PERMISSION_DENIED"),
        line(GET_POLICY_OF_A, 200, json!({"etag": "ZTE="})),
        line(SET_POLICY_OF_A, 200, json!({})),
    ])
    .await;
    let instant = std::time::Duration::from_millis(1);
    script.set_up.settling = crate::settling::Settling { first: instant, longest: instant, waits: 3 };
    let on_project = || grant(GrantTarget::Project, "roles/container.clusterViewer");
    let refusal = script.perform(on_project()).await.unwrap_err();
    assert_eq!(refusal.kind, Refused::Invalid, "nothing was made, so nothing is waited for");
    let account = ServiceAccount { id: "gp-a".to_owned(), display_name: "A".to_owned() };
    script.perform(Action::Create { wanted: Resource::ServiceAccount(account) }).await.unwrap();
    script.perform(on_project()).await.unwrap();
    let on_account = grant(GrantTarget::ServiceAccount("gp-a".to_owned()), "roles/iam.workloadIdentityUser");
    script.perform(on_account).await.unwrap();
    assert_eq!(script.lines().last().unwrap(), &format!("POST {path}:setIamPolicy"));
}

const GET_POLICY_OF_A: &str =
    "POST /v1/projects/harbour/serviceAccounts/gp-a@harbour.iam.gserviceaccount.com:getIamPolicy";
const SET_POLICY_OF_A: &str =
    "POST /v1/projects/harbour/serviceAccounts/gp-a@harbour.iam.gserviceaccount.com:setIamPolicy";

/// A zone is no location of Artifact Registry's: <https://docs.cloud.google.com/artifact-registry/docs/repositories/repo-locations>.
#[tokio::test]
async fn a_cluster_in_a_zone_has_its_repository_in_the_region() {
    let here = "GET /v1/projects/harbour/locations/europe-west4/repositories";
    let repositories = json!({"repositories": [{"name": "projects/harbour/locations/europe-west4/repositories/models",
        "format": "DOCKER", "labels": {"gangplank-bridge": "crossing"}}]});
    let packages = "GET /v1/projects/harbour/locations/europe-west4/repositories/models/packages";
    let policy = "GET /v1/projects/harbour/locations/europe-west4/repositories/models:getIamPolicy";
    let reader = json!({"etag": "ZTE=", "bindings": [
        {"role": "roles/artifactregistry.reader", "members": ["serviceAccount:nodes@p"]}]});
    let mut script = Script::play(observed_by([
        line(here, 200, repositories),
        line(packages, 200, json!({})),
        line(policy, 200, reader),
    ]))
    .await;
    script.bridge.google.location = "europe-west4-a".to_owned();
    let seen: Vec<ResourceKey> = script.observe(&[]).await.found.into_keys().collect();
    let expected = [
        "google/grant/repository/models/roles/artifactregistry.reader",
        "google/repository/europe-west4/models",
    ];
    assert_eq!(seen.iter().map(|key| key.0.as_str()).collect::<Vec<_>>(), expected);
    script.bridge.endpoints = Endpoints::default();
    assert_eq!(Addresses::of(&script.bridge).registry, "https://europe-west4-docker.pkg.dev");
}

#[tokio::test]
async fn a_repository_that_got_images_after_the_plan_stays() {
    let script = Script::play(vec![
        line(
            "GET /v1/projects/harbour/locations/europe-west4/repositories/models",
            200,
            json!({"name": "projects/harbour/locations/europe-west4/repositories/models", "labels": {}}),
        ),
        line(
            "GET /v1/projects/harbour/locations/europe-west4/repositories/models/packages",
            200,
            json!({"packages": [{"name": "m"}]}),
        ),
    ])
    .await;
    let found =
        Resource::Repository(Repository { id: "models".to_owned(), location: "europe-west4".to_owned() });
    let refusal = script.perform(Action::Delete { found }).await.unwrap_err();
    assert_eq!(refusal.kind, Refused::Conflict);
    assert!(script.lines().iter().all(|line| line.starts_with("GET")), "{:?}", script.lines());
}

#[tokio::test]
async fn the_project_must_be_the_one_the_bridge_means() {
    let other = json!({"name": "projects/43", "projectId": "harbour"});
    let script = Script::play(vec![line("GET /v3/projects/harbour", 200, other)]).await;
    let refusal = script.set_up.facts(&script.bridge, &mut Facts::default()).await.unwrap_err();
    assert!(refusal.message.contains("`43`") && refusal.message.contains("`42`"), "{refusal}");
}

#[tokio::test]
async fn facts_outlast_a_busy_service() {
    let cluster = json!({"name": "ship", "nodeConfig": {"serviceAccount": "default"}});
    let script = Script::play(vec![
        refused("GET /v3/projects/harbour", 503, "UNAVAILABLE"),
        refused("GET /v3/projects/harbour", 401, "UNAUTHENTICATED"),
        line("GET /v3/projects/harbour", 200, json!({"name": "projects/42", "projectId": "harbour"})),
        refused("GET /v1/projects/harbour/locations/europe-west4/clusters/ship", 429, "RESOURCE_EXHAUSTED"),
        line("GET /v1/projects/harbour/locations/europe-west4/clusters/ship", 200, cluster),
    ])
    .await;
    let mut facts = Facts::default();
    script.set_up.facts(&script.bridge, &mut facts).await.unwrap();
    assert_eq!(facts.node_service_account, "42-compute@developer.gserviceaccount.com");
}

#[tokio::test]
async fn lacking_permissions_are_named_with_who_and_how() {
    let granted = json!({"permissions": ["iam.serviceAccounts.create"]});
    let script = Script::play(vec![line("POST /v3/projects/harbour:testIamPermissions", 200, granted)]).await;
    let need = |permission: &str| Need::Google { permission: permission.to_owned() };
    let needs = [need("iam.serviceAccounts.create"), need("iam.workloadIdentityPools.create")];
    let missing = script.set_up.missing(&script.bridge, &needs).await.unwrap();
    assert_eq!(missing.len(), 1);
    assert_eq!((&missing[0].need, missing[0].who.as_str()), (&needs[1], "the tester"));
    assert!(missing[0].mend.contains("roles/iam.workloadIdentityPoolAdmin"), "{}", missing[0].mend);
}

#[tokio::test]
async fn permissions_on_pools_are_asked_for_in_the_other_spelling_if_one_is_not_known() {
    let granted = json!({"permissions": ["iam.googleapis.com/workloadIdentityPools.create", "iam.serviceAccounts.create"]});
    let script = Script::play(vec![
        refused("POST /v3/projects/harbour:testIamPermissions", 400, "INVALID_ARGUMENT"),
        line("POST /v3/projects/harbour:testIamPermissions", 200, granted),
    ])
    .await;
    let names = [
        "iam.serviceAccounts.create",
        "iam.workloadIdentityPools.create",
        "iam.workloadIdentityPools.delete",
    ];
    let needs = names.map(|permission| Need::Google { permission: permission.to_owned() });
    let missing = script.set_up.missing(&script.bridge, &needs).await.unwrap();
    let missing: Vec<&Need> = missing.iter().map(|missing| &missing.need).collect();
    assert_eq!(missing, [&needs[2]]);
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
