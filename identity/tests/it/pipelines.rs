//! Log-ins of pipelines: GitHub's and Azure DevOps' OIDC tokens as assertions, and what is said when there is none.

use std::sync::atomic::{AtomicUsize, Ordering};

use gangplank_identity::Environment;
use gangplank_identity::source::{
    Options, Preference, SourceError, SourceName, azure_credential, source_error,
};
use serde_json::{Value, json};

use crate::fake::{self, Fake, Hit, Reply, jwt, raw, reply};
use crate::source::{CLIENT, SCOPE, TENANT, granted, options};

/// What the pipelines' endpoints want to hear.
const BEARER: &str = "the-jobs-own-token";
const CONNECTION: &str = "c0ffee00-1111-2222-3333-444444444444";

/// How a job that logs in with another issuer's token ended.
struct Ended {
    outcome: Result<String, SourceError>,
    issuer: Fake,
    entra: Fake,
}

async fn log_in(
    variables: impl Fn(&str) -> Vec<(String, String)>,
    answer: impl Fn(&Hit) -> Reply + Send + Sync + 'static,
) -> Ended {
    let issuer = fake::http(answer).await;
    let (entra, ca) = fake::https(|_| granted("entra-token")).await;
    let environment = Environment::from_pairs(variables(&issuer.address));
    let source =
        azure_credential(&environment, Preference::Caller, &options(&entra.address, Some(&ca))).unwrap();
    let outcome = source.credential.get_token(&[SCOPE], None).await;
    let shown = format!("{outcome:?} {source:?}");
    assert!(!shown.contains(BEARER), "{shown}");
    let outcome = outcome
        .map(|token| token.token.secret().to_owned())
        .map_err(|error| source_error(&error).unwrap().clone());
    Ended { outcome, issuer, entra }
}

fn github(address: &str) -> Vec<(String, String)> {
    owned(&[
        ("ACTIONS_ID_TOKEN_REQUEST_URL", &format!("{address}/token?api-version=2.0")),
        ("ACTIONS_ID_TOKEN_REQUEST_TOKEN", BEARER),
        ("AZURE_CLIENT_ID", CLIENT),
        ("AZURE_TENANT_ID", TENANT),
    ])
}

fn azure_pipelines(address: &str) -> Vec<(String, String)> {
    owned(&[
        ("SYSTEM_OIDCREQUESTURI", &format!("{address}/oidctoken")),
        ("SYSTEM_ACCESSTOKEN", BEARER),
        ("AZURESUBSCRIPTION_CLIENT_ID", CLIENT),
        ("AZURESUBSCRIPTION_TENANT_ID", TENANT),
        ("AZURESUBSCRIPTION_SERVICE_CONNECTION_ID", CONNECTION),
    ])
}

fn owned(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn assertion() -> String {
    jwt(&json!({"iss": "https://issuer.example", "sub": "the-job", "aud": "api://AzureADTokenExchange"}))
}

#[tokio::test]
async fn github_vouches_for_its_job() {
    let ended = log_in(github, |_| reply(200, &json!({"count": 1, "value": assertion()}))).await;
    assert_eq!(ended.outcome.unwrap(), "entra-token");
    let hit = &ended.issuer.hits()[0];
    assert_eq!((hit.method.as_str(), hit.path.as_str()), ("GET", "/token"));
    assert_eq!(hit.parameter("api-version").as_deref(), Some("2.0"));
    assert_eq!(hit.parameter("audience").as_deref(), Some("api://AzureADTokenExchange"));
    assert_eq!(hit.authorization.as_deref(), Some(format!("Bearer {BEARER}").as_str()));
    let asked = &ended.entra.hits()[0];
    assert_eq!(asked.field("client_assertion"), Some(assertion()));
    assert_eq!(asked.field("client_id").as_deref(), Some(CLIENT));
}

#[tokio::test]
async fn azure_devops_vouches_for_its_service_connection() {
    let ended = log_in(azure_pipelines, |_| reply(200, &json!({"oidcToken": assertion()}))).await;
    assert_eq!(ended.outcome.unwrap(), "entra-token");
    let hit = &ended.issuer.hits()[0];
    assert_eq!((hit.method.as_str(), hit.path.as_str()), ("POST", "/oidctoken"));
    assert_eq!(hit.parameter("api-version").as_deref(), Some("7.1"));
    assert_eq!(hit.parameter("serviceConnectionId").as_deref(), Some(CONNECTION));
    assert_eq!(hit.header("x-tfs-fedauthredirect"), Some("Suppress"));
    assert_eq!(hit.authorization.as_deref(), Some(format!("Bearer {BEARER}").as_str()));
    assert_eq!(ended.entra.hits()[0].field("client_assertion"), Some(assertion()));
}

#[tokio::test]
async fn their_refusals_keep_their_words_and_entra_is_not_asked() {
    type Variables = fn(&str) -> Vec<(String, String)>;
    type Case = (Variables, u16, Value, &'static str, Option<&'static str>, &'static str);
    let table: [Case; 3] = [
        (
            github,
            403,
            json!({"message": "Resource not accessible by integration"}),
            "GitHub's OIDC endpoint",
            None,
            "Resource not accessible by integration",
        ),
        (
            azure_pipelines,
            404,
            json!({"message": "no such connection", "typeKey": "EndpointNotFoundException"}),
            "Azure DevOps' OIDC endpoint",
            Some("EndpointNotFoundException"),
            "no such connection",
        ),
        (
            azure_pipelines,
            401,
            json!("a page"),
            "Azure DevOps' OIDC endpoint",
            None,
            "HTTP status 401, without an explanation",
        ),
    ];
    for (variables, status, body, who, code, words) in table {
        let ended = log_in(variables, move |_| reply(status, &body)).await;
        let error = ended.outcome.unwrap_err();
        let SourceError::Refused { service, status: seen, code: said, message, .. } = error else {
            panic!("{error:?}")
        };
        assert_eq!((service, seen, said.as_deref(), message.as_str()), (who, status, code, words));
        assert!(ended.entra.hits().is_empty());
        assert_eq!(ended.issuer.hits().len(), 1);
    }
}

#[tokio::test]
async fn a_busy_issuer_is_asked_again() {
    let count = AtomicUsize::new(0);
    let ended = log_in(github, move |_| match count.fetch_add(1, Ordering::SeqCst) {
        0 => Reply { headers: vec![("retry-after", "0")], ..raw(429, "slow down") },
        1 => raw(502, "bad gateway"),
        _ => reply(200, &json!({"value": assertion()})),
    })
    .await;
    assert_eq!(ended.outcome.unwrap(), "entra-token");
}

#[tokio::test]
async fn answers_without_a_token_are_named_so() {
    for lie in
        [raw(200, "<html>"), reply(200, &json!({})), reply(200, &json!({"value": "a b", "oidcToken": ""}))]
    {
        for variables in [github, azure_pipelines] {
            let lie = lie.clone();
            let ended = log_in(variables, move |_| lie.clone()).await;
            assert!(matches!(ended.outcome, Err(SourceError::Malformed { .. })), "{:?}", ended.outcome);
            assert!(ended.entra.hits().is_empty());
        }
    }
}

#[tokio::test]
async fn a_job_that_may_ask_but_names_no_client_is_passed_over() {
    let mut variables = github("http://127.0.0.1:9");
    variables.retain(|(name, _)| name != "AZURE_CLIENT_ID");
    let environment = Environment::from_pairs(variables);
    let source =
        azure_credential(&environment, Preference::Caller, &options("https://login.example", None)).unwrap();
    assert_eq!(source.kind.name(), SourceName::ManagedIdentity);
    let github = source.passed_over.iter().find(|it| it.source == SourceName::Github).unwrap();
    assert_eq!(github.reason, "`AZURE_CLIENT_ID` is not set");
}

#[tokio::test]
async fn a_service_connection_of_another_tenant_is_refused_before_anything_is_sent() {
    let mut variables = azure_pipelines("http://127.0.0.1:9");
    for (_, value) in variables.iter_mut().filter(|(name, _)| name == "AZURESUBSCRIPTION_TENANT_ID") {
        "11111111-2222-3333-4444-555555555555".clone_into(value);
    }
    let options =
        Options { log_in: Some(SourceName::AzurePipelines), ..options("https://login.example", None) };
    let error =
        azure_credential(&Environment::from_pairs(variables), Preference::Caller, &options).unwrap_err();
    assert!(
        matches!(error, SourceError::OtherTenant { variable: "AZURESUBSCRIPTION_TENANT_ID", .. }),
        "{error}"
    );
}

#[tokio::test]
async fn what_is_shown_to_entra_can_be_looked_at() {
    let issuer = fake::http(|_| reply(200, &json!({"value": assertion()}))).await;
    let environment = Environment::from_pairs(github(&issuer.address));
    let source =
        azure_credential(&environment, Preference::Caller, &options("https://login.example", None)).unwrap();
    let claims = source.assertion_claims().await.unwrap().unwrap();
    assert_eq!((claims.text("sub"), claims.text("iss")), (Some("the-job"), Some("https://issuer.example")));
}
