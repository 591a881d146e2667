//! Entra set-up against a Graph that answers by a script, as its replicas do when they do not know yet.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use azure_core::credentials::{AccessToken, TokenCredential, TokenRequestOptions};
use bridge::plan::Action;
use bridge::resource::{AppRoleAssignment, Application, ServicePrincipal};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::*;

/// Nobody asks it: the script does not look at log-ins.
#[derive(Debug)]
struct Nobody;

#[async_trait::async_trait]
impl TokenCredential for Nobody {
    async fn get_token(
        &self,
        _: &[&str],
        _: Option<TokenRequestOptions<'_>>,
    ) -> azure_core::Result<AccessToken> {
        Err(azure_core::Error::with_message(azure_core::error::ErrorKind::Credential, "nobody"))
    }
}

/// `METHOD PATH`, status, answer.
type Line = (&'static str, u16, Value);

struct Script {
    directory: Directory,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Script {
    /// Answers the first line that fits; what no line fits does not exist.
    async fn play(lines: Vec<Line>) -> Self {
        let (lines, asked) = (Arc::new(Mutex::new(lines)), Arc::<Mutex<Vec<String>>>::default());
        let seen = asked.clone();
        let app = Router::new().fallback(move |request: Request| {
            let question = format!("{} {}", request.method(), request.uri().path());
            let mut lines = lines.lock().unwrap();
            let found = lines.iter().position(|line| line.0 == question).map(|at| lines.remove(at));
            seen.lock().unwrap().push(question);
            let (_, status, body) = found.unwrap_or(("", 404, missing()));
            let body = if body.is_null() { Body::empty() } else { Body::from(body.to_string()) };
            std::future::ready(Response::builder().status(status).body(body).unwrap())
        });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        let instant = Duration::from_millis(1);
        let settling = crate::settling::Settling { first: instant, longest: instant, waits: 3 };
        Self {
            directory: Directory { rest: Rest::scripted(GRAPH, &address, Arc::new(Nobody)), settling },
            asked,
        }
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

fn missing() -> Value {
    let message =
        "Resource 'x' does not exist or one of its queried reference-property objects are not present.";
    json!({"error": {"code": "Request_ResourceNotFound", "message": message}})
}

fn bad(message: &str) -> Value {
    json!({"error": {"code": "Request_BadRequest", "message": message}})
}

const NO_APPLICATION: &str =
    "The appId 'app' of the service principal does not reference a valid application object.";

async fn make_principal(script: &Script) -> PortResult<Option<String>> {
    let wanted = ServicePrincipal { app_id: "app".to_owned() };
    let action = Action::Create { wanted: Resource::ServicePrincipal(wanted.clone()) };
    let mut outputs = Outputs::default();
    principal::perform(&script.directory, &action, &wanted, &mut outputs).await?;
    Ok(outputs.service_principal_id)
}

#[tokio::test]
async fn a_service_principal_waits_for_its_application() {
    let script = Script::play(vec![
        ("GET /v1.0/servicePrincipals", 200, json!({"value": []})),
        ("POST /v1.0/servicePrincipals", 400, bad(NO_APPLICATION)),
        ("POST /v1.0/servicePrincipals", 400, bad(NO_APPLICATION)),
        ("POST /v1.0/servicePrincipals", 201, json!({"id": "sp"})),
    ])
    .await;
    assert_eq!(make_principal(&script).await.unwrap().as_deref(), Some("sp"));
}

#[tokio::test]
async fn patience_has_an_end_and_is_for_what_is_new_alone() {
    let nothing = ("GET /v1.0/servicePrincipals", 200, json!({"value": []}));
    let never = ("POST /v1.0/servicePrincipals", 400, bad(NO_APPLICATION));
    let script = Script::play([vec![nothing.clone()], vec![never; 9]].concat()).await;
    assert_eq!(make_principal(&script).await.unwrap_err().kind, Refused::Invalid);
    assert_eq!(script.asked().len(), 1 + 4, "one question, three waits");
    let wrong = ("POST /v1.0/servicePrincipals", 400, bad("Invalid value specified for property 'appId'."));
    let script = Script::play(vec![nothing, wrong]).await;
    assert!(make_principal(&script).await.is_err());
    assert_eq!(script.asked().len(), 2, "what is wrong stays wrong");
}

#[tokio::test]
async fn a_service_principal_too_new_to_be_listed_is_taken_up() {
    let taken =
        json!({"error": {"code": "Request_MultipleObjectsWithSameKeyValue", "message": "already in use"}});
    let script = Script::play(vec![
        ("GET /v1.0/servicePrincipals", 200, json!({"value": []})),
        ("POST /v1.0/servicePrincipals", 409, taken),
        ("GET /v1.0/servicePrincipals(appId='app')", 200, json!({"id": "sp"})),
    ])
    .await;
    assert_eq!(make_principal(&script).await.unwrap().as_deref(), Some("sp"));
}

#[tokio::test]
async fn a_role_is_given_once_however_long_graph_takes_to_know_it() {
    let path = "POST /v1.0/servicePrincipals/sp/appRoleAssignedTo";
    for last in [
        (path, 201, json!({"id": "a"})),
        (path, 400, bad("Permission being assigned already exists on the object")),
    ] {
        let script = Script::play(vec![
            (path, 404, missing()),
            (path, 400, bad("Not a valid reference update.")),
            (path, 400, bad("Permission being assigned was not found on application 'app'")),
            last,
        ])
        .await;
        let wanted = AppRoleAssignment {
            principal_id: "p".to_owned(),
            app_role_id: "r".to_owned(),
            role: "R".to_owned(),
        };
        let action = Action::Create { wanted: Resource::AppRoleAssignment(wanted.clone()) };
        let outputs = Outputs { service_principal_id: Some("sp".to_owned()), ..Outputs::default() };
        let done =
            principal::perform_assignment(&script.directory, &Facts::default(), &action, &wanted, &outputs)
                .await;
        assert_eq!(done, Ok(()));
        assert_eq!(script.asked().len(), 4);
    }
}

#[tokio::test]
async fn a_new_application_is_not_touched_again_and_a_restored_one_is_waited_for() {
    let bridge = crate::google::tests::bridge();
    let wanted = Application {
        display_name: "Gangplank".to_owned(),
        identifier_uri: bridge.identifier_uri(),
        token_version: 2,
        app_roles: [].into(),
        delegated: None,
        group_claims: false,
    };
    let shown = json!({"id": "o", "appId": "app", "displayName": "Gangplank", "tags": [bridge.mark()]});
    let nothing = ("GET /v1.0/applications", 200, json!({"value": []}));
    let resource = Resource::Application(wanted.clone());
    let made = Script::play(vec![nothing.clone(), ("POST /v1.0/applications", 201, shown.clone())]).await;
    let create = Action::Create { wanted: resource.clone() };
    let mut outputs = Outputs::default();
    application::perform(&made.directory, &bridge, &create, &wanted, &mut outputs).await.unwrap();
    assert_eq!(outputs.application_id.as_deref(), Some("app"));
    assert_eq!(made.asked(), ["GET /v1.0/applications", "POST /v1.0/applications"]);
    let deleted = "GET /v1.0/directory/deletedItems/microsoft.graph.application";
    let restored = Script::play(vec![
        nothing,
        (deleted, 200, json!({"value": [shown.clone()]})),
        ("POST /v1.0/directory/deletedItems/o/restore", 200, shown),
        ("PATCH /v1.0/applications/o", 404, missing()),
        ("PATCH /v1.0/applications/o", 204, Value::Null),
    ])
    .await;
    let undelete = Action::Undelete { wanted: resource };
    let mut outputs = Outputs::default();
    application::perform(&restored.directory, &bridge, &undelete, &wanted, &mut outputs).await.unwrap();
    assert_eq!(outputs.application_object_id.as_deref(), Some("o"));
    assert_eq!(restored.asked().len(), 5);
}

const IDENTITY: &str = "/g/providers/Microsoft.ManagedIdentity/userAssignedIdentities/gp-quay-1";

fn quay() -> Bridge {
    let text = include_str!("../../../../bridge/src/file/examples/harbour.yaml")
        .replace("name: harbour\n", "name: quay\n");
    bridge::file::parse("bridge.yaml", &text).unwrap()
}

fn registered(bridge: &str) -> Value {
    json!({"name": "gp-quay-1", "location": "westeurope", "tags": {"gangplank": bridge, "cost": "7"},
        "properties": {"clientId": "c", "principalId": "p", "tenantId": "t"}})
}

fn credential() -> bridge::resource::FederatedCredential {
    bridge::resource::FederatedCredential {
        identity: "gp-quay-1".to_owned(),
        resource_group: "/g".to_owned(),
        name: "taster".to_owned(),
        issuer: "https://issuer".to_owned(),
        subject: "${account.gpw-taster.uniqueId}".to_owned(),
        audiences: vec!["api://AzureADTokenExchange".to_owned()],
    }
}

async fn write_credential(script: &Script, action: fn(Resource) -> Action) -> PortResult<()> {
    let turns = managed_identity::Turns::pausing(Duration::from_millis(1));
    let wanted = credential();
    let action = action(Resource::FederatedCredential(wanted.clone()));
    let mut outputs = Outputs::default();
    outputs.late.insert("${account.gpw-taster.uniqueId}".to_owned(), "1122".to_owned());
    let rest = &script.directory.rest;
    managed_identity::perform_credential(rest, &turns, &quay(), (&action, &wanted), &outputs).await
}

#[tokio::test]
async fn a_write_that_met_another_is_made_again() {
    let get = "GET /g/providers/Microsoft.ManagedIdentity/userAssignedIdentities/gp-quay-1";
    let put = "PUT /g/providers/Microsoft.ManagedIdentity/userAssignedIdentities/gp-quay-1/federatedIdentityCredentials/taster";
    let busy = json!({"error": {"code": "ConcurrentFederatedIdentityCredentialsWritesForSingleManagedIdentity",
        "message": "Too many Federated Identity Credentials are written concurrently"}});
    let script = Script::play(vec![
        (get, 200, registered("quay")),
        (put, 409, busy.clone()),
        (put, 409, busy.clone()),
        (put, 201, json!({"name": "taster"})),
    ])
    .await;
    write_credential(&script, |wanted| Action::Create { wanted }).await.unwrap();
    assert_eq!(script.asked().len(), 4);
    let script =
        Script::play([vec![(get, 200, registered("quay"))], vec![(put, 409, busy); 20]].concat()).await;
    let refusal = write_credential(&script, |wanted| Action::Create { wanted }).await.unwrap_err();
    assert!(refusal.is_transient(), "whoever planned tries again later: {refusal}");
}

#[tokio::test]
async fn another_bridges_identity_is_left_alone() {
    let get = "GET /g/providers/Microsoft.ManagedIdentity/userAssignedIdentities/gp-quay-1";
    for action in
        [(|wanted| Action::Create { wanted }) as fn(Resource) -> Action, |found| Action::Delete { found }]
    {
        let script = Script::play(vec![(get, 200, registered("another"))]).await;
        let refusal = write_credential(&script, action).await.unwrap_err();
        assert_eq!(refusal.kind, Refused::Conflict);
        assert_eq!(script.asked().len(), 1, "nothing was written");
    }
}

#[tokio::test]
async fn what_is_gone_needs_no_deleting() {
    let script = Script::play(Vec::new()).await;
    write_credential(&script, |found| Action::Delete { found }).await.unwrap();
    assert_eq!(script.asked(), [format!("GET {IDENTITY}")]);
}

#[tokio::test]
async fn an_identity_keeps_others_tags_and_its_place() {
    let get = "GET /g/providers/Microsoft.ManagedIdentity/userAssignedIdentities/gp-quay-1";
    let put = "PUT /g/providers/Microsoft.ManagedIdentity/userAssignedIdentities/gp-quay-1";
    let script = Script::play(vec![(get, 200, registered("quay")), (put, 200, registered("quay"))]).await;
    let wanted = bridge::resource::ManagedIdentity {
        name: "gp-quay-1".to_owned(),
        resource_group: "/g".to_owned(),
        team: "cellar".to_owned(),
        rights: "read-models".to_owned(),
    };
    let action = Action::Create { wanted: Resource::ManagedIdentity(wanted.clone()) };
    let mut outputs = Outputs::default();
    let rest = &script.directory.rest;
    managed_identity::perform(rest, &quay(), &Facts::default(), (&action, &wanted), &mut outputs)
        .await
        .unwrap();
    assert_eq!(outputs.resolve("${identity.gp-quay-1.clientId}").unwrap(), "c");
    assert_eq!(outputs.resolve("${identity.gp-quay-1.principalId}").unwrap(), "p");
}
