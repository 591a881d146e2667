//! Log-ins that the machine gives: managed identities at each of their endpoints, and Google's metadata server; with
//! endpoints that lie, are busy, or are not there.

use std::sync::atomic::{AtomicUsize, Ordering};

use gangplank_identity::Environment;
use gangplank_identity::source::{
    EntraSource, Options, Preference, SourceError, SourceName, azure_credential, source_error,
};
use serde_json::json;

use crate::fake::{self, Fake, Hit, Reply, jwt, machine_time, raw, reply};
use crate::source::{CLIENT, SCOPE, granted, options};

/// What the endpoints want to hear, and nobody else.
const HEADER: &str = "the-identity-header";
const OTHER_CLIENT: &str = "aaaaaaaa-7b64-4e19-9c58-d20e6f7a8b01";

fn token(name: &str) -> Reply {
    let expires_on = (machine_time().as_second() + 3600).to_string();
    let body =
        json!({"access_token": name, "expires_on": expires_on, "resource": "r", "token_type": "Bearer"});
    reply(200, &body)
}

fn source(pairs: &[(&str, &str)], named: Option<SourceName>) -> Result<EntraSource, SourceError> {
    let options = Options { log_in: named, ..options("https://login.example", None) };
    azure_credential(&Environment::from_pairs(pairs.iter().copied()), Preference::Caller, &options)
}

async fn ask(source: &EntraSource) -> Result<String, SourceError> {
    let outcome = source.credential.get_token(&[SCOPE], None).await;
    let shown = format!("{outcome:?} {source:?}");
    assert!(!shown.contains(HEADER), "{shown}");
    outcome
        .map(|token| token.token.secret().to_owned())
        .map_err(|error| source_error(&error).unwrap_or_else(|| panic!("{error:?}")).clone())
}

/// The instance metadata endpoint behind `answer`; a request without its header is refused as there.
async fn instance_metadata(answer: impl Fn(&Hit) -> Reply + Send + Sync + 'static) -> Fake {
    fake::http(move |hit| match hit.header("metadata") {
        Some("true") => answer(hit),
        _ => reply(400, &json!({"error": "invalid_request", "error_description": "Required metadata header not specified"})),
    })
    .await
}

fn real(hits: &[Hit]) -> Vec<&Hit> {
    hits.iter().filter(|hit| hit.header("metadata").is_some()).collect()
}

#[tokio::test]
async fn app_service_is_asked_as_it_documents() {
    let endpoint = fake::http(|_| token("from-app-service")).await;
    let address = format!("{}/msi/token", endpoint.address);
    let pairs =
        [("IDENTITY_ENDPOINT", address.as_str()), ("IDENTITY_HEADER", HEADER), ("AZURE_CLIENT_ID", CLIENT)];
    let source = source(&pairs, None).unwrap();
    assert_eq!(source.kind.to_string(), format!("managed identity `{CLIENT}` (App Service)"));
    assert_eq!(ask(&source).await.unwrap(), "from-app-service");
    let hit = &endpoint.hits()[0];
    assert_eq!((hit.method.as_str(), hit.path.as_str()), ("GET", "/msi/token"));
    assert_eq!(hit.header("x-identity-header"), Some(HEADER));
    assert_eq!(hit.parameter("api-version").as_deref(), Some("2019-08-01"));
    assert_eq!(hit.parameter("resource").as_deref(), SCOPE.strip_suffix("/.default"));
    assert_eq!(hit.parameter("client_id").as_deref(), Some(CLIENT));
}

#[tokio::test]
async fn azure_ml_is_asked_in_the_older_protocol_for_the_identity_of_the_job() {
    let endpoint = fake::http(|_| token("from-azure-ml")).await;
    let mut pairs = vec![
        ("MSI_ENDPOINT", endpoint.address.as_str()),
        ("MSI_SECRET", HEADER),
        ("DEFAULT_IDENTITY_CLIENT_ID", CLIENT),
    ];
    assert_eq!(ask(&source(&pairs, None).unwrap()).await.unwrap(), "from-azure-ml");
    pairs.push(("AZURE_CLIENT_ID", OTHER_CLIENT));
    ask(&source(&pairs, None).unwrap()).await.unwrap();
    let hits = endpoint.hits();
    assert_eq!(hits[0].header("secret"), Some(HEADER));
    assert_eq!(hits[0].parameter("api-version").as_deref(), Some("2017-09-01"));
    let asked: Vec<_> = hits.iter().map(|hit| hit.parameter("clientid").unwrap()).collect();
    assert_eq!(asked, [CLIENT, OTHER_CLIENT]);
}

#[tokio::test]
async fn a_virtual_machine_is_asked_last_of_all_and_its_token_is_kept() {
    let count = AtomicUsize::new(0);
    let endpoint =
        instance_metadata(move |_| token(&format!("t{}", count.fetch_add(1, Ordering::SeqCst)))).await;
    let pairs = [("AZURE_POD_IDENTITY_AUTHORITY_HOST", endpoint.address.as_str())];
    let source = source(&pairs, None).unwrap();
    assert!(source.why.contains("no other log-in"), "{}", source.why);
    assert!(source.assertion_claims().await.unwrap().is_none());
    assert_eq!(
        (ask(&source).await.unwrap(), ask(&source).await.unwrap()),
        ("t0".to_owned(), "t0".to_owned())
    );
    let other = source.credential.get_token(&["https://other.example/.default"], None).await.unwrap();
    assert_eq!(other.token.secret(), "t1");
    let hits = endpoint.hits();
    let hit = real(&hits)[0];
    assert_eq!(hit.path, "/metadata/identity/oauth2/token");
    assert_eq!(hit.parameter("api-version").as_deref(), Some("2018-02-01"));
    assert_eq!(hit.parameter("client_id"), None);
}

#[tokio::test]
async fn a_token_about_to_end_is_replaced() {
    let endpoint = instance_metadata(|_| {
        let soon = machine_time().as_second() + 200;
        reply(200, &json!({"access_token": "short", "expires_on": soon}))
    })
    .await;
    let source = source(&[("AZURE_POD_IDENTITY_AUTHORITY_HOST", endpoint.address.as_str())], None).unwrap();
    ask(&source).await.unwrap();
    ask(&source).await.unwrap();
    assert_eq!(real(&endpoint.hits()).len(), 2);
}

#[tokio::test]
async fn an_identity_that_the_machine_does_not_have_is_named() {
    let absent = [
        json!({"error": "invalid_request", "error_description": "Identity not found"}),
        json!({"error": "identity_not_found"}),
        json!({"statusCode": 400, "message": "No User Assigned or Delegated Managed Identity found for specified ClientId/ResourceId/PrincipalId."}),
    ];
    for body in absent {
        let endpoint = fake::http(move |_| reply(400, &body)).await;
        let pairs = [
            ("IDENTITY_ENDPOINT", endpoint.address.as_str()),
            ("IDENTITY_HEADER", HEADER),
            ("AZURE_CLIENT_ID", CLIENT),
        ];
        let error = ask(&source(&pairs, None).unwrap()).await.unwrap_err();
        assert!(matches!(error, SourceError::NoSuchIdentity { .. }), "{error:?}");
        let text = error.to_string();
        assert!(text.contains(CLIENT) && text.contains("correct `AZURE_CLIENT_ID`"), "{text}");
        let without = ask(&source(&pairs[..2], None).unwrap()).await.unwrap_err().to_string();
        assert!(without.contains("set `AZURE_CLIENT_ID`"), "{without}");
        assert_eq!(endpoint.hits().len(), 2, "a refusal is not asked again");
    }
}

#[tokio::test]
async fn entras_refusal_comes_through_with_its_code() {
    let said = "AADSTS500011: The resource principal named api://x was not found in the tenant. Trace ID: 0 Timestamp: 0";
    let endpoint = instance_metadata(move |_| {
        reply(400, &json!({"error": "invalid_resource", "error_description": said}))
    })
    .await;
    let source = source(&[("AZURE_POD_IDENTITY_AUTHORITY_HOST", endpoint.address.as_str())], None).unwrap();
    let SourceError::Refused { service, code, message, .. } = ask(&source).await.unwrap_err() else {
        panic!()
    };
    assert_eq!((service, code.as_deref()), ("Entra ID", Some("AADSTS500011")));
    assert!(message.ends_with("in the tenant."), "{message}");
}

#[tokio::test]
async fn a_busy_endpoint_is_asked_again() {
    for status in [404, 410, 429, 500, 503] {
        let count = AtomicUsize::new(0);
        let endpoint = instance_metadata(move |_| match count.fetch_add(1, Ordering::SeqCst) {
            0 => Reply { headers: vec![("retry-after", "0")], ..raw(status, "busy") },
            _ => token("at-last"),
        })
        .await;
        let source =
            source(&[("AZURE_POD_IDENTITY_AUTHORITY_HOST", endpoint.address.as_str())], None).unwrap();
        assert_eq!(ask(&source).await.unwrap(), "at-last", "{status}");
    }
}

#[tokio::test]
async fn an_endpoint_that_stays_busy_is_named_with_its_status() {
    let endpoint = fake::http(|_| Reply { headers: vec![("retry-after", "0")], ..raw(503, "busy") }).await;
    let pairs = [("IDENTITY_ENDPOINT", endpoint.address.as_str()), ("IDENTITY_HEADER", HEADER)];
    let error = ask(&source(&pairs, None).unwrap()).await.unwrap_err();
    let SourceError::Refused { service, status, .. } = error else { panic!("{error:?}") };
    assert_eq!((service, status), ("the identity endpoint of App Service", 503));
    assert_eq!(endpoint.hits().len(), 4);
}

#[tokio::test]
async fn answers_that_are_no_tokens_are_named_so() {
    let soon = machine_time().as_second() + 3600;
    let lies = [
        raw(200, "<html>captive portal</html>"),
        reply(200, &json!({"expires_on": soon})),
        reply(200, &json!({"access_token": "", "expires_on": soon})),
        reply(200, &json!({"access_token": "a b", "expires_on": soon})),
        reply(200, &json!({"access_token": "t", "expires_on": "1"})),
        reply(200, &json!({"access_token": "t"})),
    ];
    for lie in lies {
        let shown = format!("{lie:?}");
        let endpoint = fake::http(move |_| lie.clone()).await;
        let pairs = [("MSI_ENDPOINT", endpoint.address.as_str()), ("MSI_SECRET", HEADER)];
        let outcome = ask(&source(&pairs, None).unwrap()).await;
        assert!(matches!(outcome, Err(SourceError::Malformed { .. })), "{shown}: {outcome:?}");
    }
}

#[tokio::test]
async fn an_endpoint_asked_for_by_name_that_is_not_there_is_unreachable() {
    let pairs = [("AZURE_POD_IDENTITY_AUTHORITY_HOST", "http://127.0.0.1:9")];
    let error = ask(&source(&pairs, Some(SourceName::ManagedIdentity)).unwrap()).await.unwrap_err();
    let SourceError::Unreachable { service, address, .. } = &error else { panic!("{error:?}") };
    assert_eq!(*service, "the instance metadata endpoint");
    assert_eq!(address, "http://127.0.0.1:9/metadata/identity/oauth2/token");
}

#[tokio::test]
async fn endpoints_that_nothing_here_can_ask_are_refused_by_name() {
    let table: [(&[(&str, &str)], &str); 3] = [
        (&[("IDENTITY_ENDPOINT", "http://127.0.0.1:9"), ("IMDS_ENDPOINT", "x")], "Azure Arc"),
        (
            &[
                ("IDENTITY_ENDPOINT", "http://127.0.0.1:9"),
                ("IDENTITY_HEADER", "h"),
                ("IDENTITY_SERVER_THUMBPRINT", "t"),
            ],
            "Service Fabric",
        ),
        (&[("MSI_ENDPOINT", "http://127.0.0.1:9")], "Cloud Shell"),
    ];
    for (pairs, part) in table {
        let error = source(pairs, Some(SourceName::ManagedIdentity)).unwrap_err();
        assert!(matches!(error, SourceError::NotHere { .. }) && error.to_string().contains(part), "{error}");
    }
}

#[tokio::test]
async fn an_endpoint_out_on_the_network_gets_no_secret() {
    let pairs = [("IDENTITY_ENDPOINT", "http://identity.example/token"), ("IDENTITY_HEADER", HEADER)];
    let error = source(&pairs, None).unwrap_err().to_string();
    assert!(error.contains("unencrypted") && !error.contains(HEADER), "{error}");
}

/// Google's metadata server, and an Entra that takes what it gives.
async fn google(
    answer: impl Fn(&Hit) -> Reply + Send + Sync + 'static,
) -> (Result<String, SourceError>, Fake, Fake) {
    let metadata = fake::http(answer).await;
    let (entra, ca) = fake::https(|_| granted("entra-token")).await;
    let host = metadata.address.strip_prefix("http://").unwrap().to_owned();
    let environment =
        Environment::from_pairs([("GCE_METADATA_HOST", host.as_str()), ("AZURE_CLIENT_ID", CLIENT)]);
    let options = Options { log_in: Some(SourceName::Google), ..options(&entra.address, Some(&ca)) };
    let source = azure_credential(&environment, Preference::Caller, &options).unwrap();
    (ask(&source).await, metadata, entra)
}

fn id_token(text: &str) -> Reply {
    Reply { headers: vec![("metadata-flavor", "Google")], ..raw(200, text) }
}

#[tokio::test]
async fn a_google_service_account_becomes_an_azure_identity() {
    let assertion = jwt(&json!({"iss": "https://accounts.google.com", "sub": "117"}));
    let given = assertion.clone();
    let (outcome, metadata, entra) = google(move |_| id_token(&given)).await;
    assert_eq!(outcome.unwrap(), "entra-token");
    let hit = &metadata.hits()[0];
    assert_eq!(hit.path, "/computeMetadata/v1/instance/service-accounts/default/identity");
    assert_eq!(hit.header("metadata-flavor"), Some("Google"));
    assert_eq!(hit.parameter("audience").as_deref(), Some("api://AzureADTokenExchange"));
    let asked = &entra.hits()[0];
    assert_eq!(asked.field("client_assertion"), Some(assertion));
    assert_eq!(asked.field("client_id").as_deref(), Some(CLIENT));
}

#[tokio::test]
async fn a_metadata_server_that_is_none_is_not_believed() {
    let (outcome, _, entra) = google(|_| raw(200, "a.b.c")).await;
    assert!(matches!(outcome, Err(SourceError::Malformed { .. })), "{outcome:?}");
    assert!(entra.hits().is_empty(), "nothing of it reaches Entra");
    let (refused, _, _) = google(|_| raw(404, "<title>Error 404 (Not Found)</title>")).await;
    let SourceError::Refused { service, status, message, .. } = refused.unwrap_err() else { panic!() };
    assert_eq!((service, status), ("Google's metadata server", 404));
    assert!(!message.contains("title"), "{message}");
}
