//! First tokens: which log-in wins, what is said when there is none, and what Entra's refusals become.

use std::path::Path;
use std::sync::Arc;

use gangplank_identity::source::{
    Options, Preference, SourceError, SourceKind, SourceName, azure_credential, source_error,
};
use gangplank_identity::{Environment, http};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::fake::{self, Hit, Reply, jwt, machine_time, raw, reply};

pub(crate) const TENANT: &str = "0f3a7c1e-5b52-4c8e-9d1a-6f2b8e4d7a10";
pub(crate) const CLIENT: &str = "d4c3f6a5-ae97-414c-8f8b-0531920d1e04";
const SECRET: &str = "s3cr3t-of-the-client";
pub(crate) const SCOPE: &str = "api://tenant/gangplank/.default";

pub(crate) fn options(authority: &str, ca: Option<&str>) -> Options {
    Options {
        tenant: TENANT.to_owned(),
        authority_host: Some(authority.to_owned()),
        http: http::client(ca.map(str::as_bytes)).unwrap(),
        clock: Arc::new(machine_time),
        log_in: None,
    }
}

fn secret_login() -> Environment {
    Environment::from_pairs([("AZURE_CLIENT_ID", CLIENT), ("AZURE_CLIENT_SECRET", SECRET)])
}

pub(crate) fn granted(token: &str) -> Reply {
    reply(
        200,
        &json!({"token_type": "Bearer", "expires_in": 3599, "ext_expires_in": 3599, "access_token": token}),
    )
}

fn refused(status: u16, code: u32, text: &str) -> Reply {
    let description =
        format!("AADSTS{code}: {text} Trace ID: 0 Correlation ID: 0 Timestamp: 2026-11-22 00:00:00Z");
    reply(
        status,
        &json!({"error": "invalid_client", "error_description": description, "error_codes": [code]}),
    )
}

async fn first_token(
    environment: &Environment,
    answer: impl Fn(&Hit) -> Reply + Send + Sync + 'static,
) -> (Result<String, SourceError>, Vec<Hit>) {
    let (entra, ca) = fake::https(answer).await;
    let source =
        azure_credential(environment, Preference::Caller, &options(&entra.address, Some(&ca))).unwrap();
    let outcome = source.credential.get_token(&[SCOPE], None).await;
    let shown = format!("{outcome:?} {source:?}");
    assert!(!shown.contains(SECRET), "{shown}");
    let outcome = outcome.map(|token| token.token.secret().to_owned()).map_err(|error| {
        assert!(!error.to_string().contains(SECRET), "{error}");
        source_error(&error).unwrap().clone()
    });
    (outcome, entra.hits())
}

#[tokio::test]
async fn a_client_secret_gives_a_token_over_our_own_authority() {
    let (token, hits) = first_token(&secret_login(), |_| granted("entra-token")).await;
    assert_eq!(token.unwrap(), "entra-token");
    assert_eq!(hits[0].path, format!("/{TENANT}/oauth2/v2.0/token"));
    assert_eq!(hits[0].field("client_secret").as_deref(), Some(SECRET));
    assert_eq!(hits[0].field("scope").as_deref(), Some(SCOPE));
}

#[tokio::test]
async fn entras_refusals_keep_their_code_and_their_words() {
    let text = "No matching federated identity record found for presented assertion audience 'x'.";
    let (outcome, hits) = first_token(&secret_login(), move |_| refused(400, 700_212, text)).await;
    let SourceError::Refused { status, code, message, .. } = outcome.unwrap_err() else { panic!() };
    assert_eq!((status, code.as_deref()), (400, Some("AADSTS700212")));
    assert_eq!(message, format!("AADSTS700212: {text}"));
    assert_eq!(hits.len(), 1, "a refusal is not asked again");
}

#[tokio::test]
async fn answers_that_are_none_are_named_so() {
    let lies =
        [raw(200, "<html>proxy says hello</html>"), raw(403, "<html>proxy says no</html>"), raw(200, "")];
    for lie in lies {
        let shown = format!("{lie:?}");
        let (outcome, _) = first_token(&secret_login(), move |_| lie.clone()).await;
        assert!(matches!(outcome, Err(SourceError::Malformed { .. })), "{shown}: {outcome:?}");
    }
}

#[tokio::test]
async fn an_authority_nobody_vouches_for_is_unreachable() {
    let (entra, _) = fake::https(|_| granted("never")).await;
    let source =
        azure_credential(&secret_login(), Preference::Caller, &options(&entra.address, None)).unwrap();
    let error = source.credential.get_token(&[SCOPE], None).await.unwrap_err();
    let typed = source_error(&error).unwrap();
    assert!(matches!(typed, SourceError::Unreachable { .. }), "{typed:?}");
    assert!(entra.hits().is_empty());
}

#[tokio::test]
async fn a_token_file_is_the_assertion() {
    let folder = TempDir::new().unwrap();
    let assertion = jwt(&json!({"iss": "https://cluster", "sub": "system:serviceaccount:ci:oncology-ci"}));
    let environment = file_login(&folder, &assertion);
    let (token, hits) = first_token(&environment, |_| granted("entra-token")).await;
    assert_eq!(token.unwrap(), "entra-token");
    assert_eq!(hits[0].field("client_assertion"), Some(assertion));
    assert_eq!(hits[0].field("client_id").as_deref(), Some(CLIENT));
}

fn file_login(folder: &TempDir, content: &str) -> Environment {
    let file = folder.path().join("token");
    std::fs::write(&file, content).unwrap();
    file_named(&file)
}

fn file_named(file: &Path) -> Environment {
    let file = file.to_str().unwrap();
    Environment::from_pairs([("AZURE_FEDERATED_TOKEN_FILE", file), ("AZURE_CLIENT_ID", CLIENT)])
}

fn choose(environment: &Environment, preference: Preference) -> Result<SourceKind, SourceError> {
    azure_credential(environment, preference, &options("https://login.example", None))
        .map(|source| source.kind)
}

#[tokio::test]
async fn a_token_file_that_cannot_be_used_is_named() {
    let folder = TempDir::new().unwrap();
    let token = jwt(&json!({}));
    let contents = [("", "empty"), ("not a token", "no JWT"), (&format!("{token}\n"), "white space")];
    for (content, problem) in contents {
        let error = choose(&file_login(&folder, content), Preference::Caller).unwrap_err().to_string();
        assert!(error.contains(problem) && !error.contains("not a token"), "{error}");
    }
    let missing = choose(&file_named(&folder.path().join("absent")), Preference::Caller).unwrap_err();
    assert!(matches!(missing, SourceError::TokenFile { .. }), "{missing}");
}

/// A folder with a command `az` that does what `script` says.
fn azure_cli(script: &str) -> TempDir {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("az");
    std::fs::write(&file, format!("#!/bin/sh\n{script}\n")).unwrap();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o700)).unwrap();
    folder
}

fn on_path(folder: &TempDir, more: &[(&str, &str)]) -> Environment {
    let path = format!("{}:/usr/bin:/bin", folder.path().display());
    Environment::from_pairs([("PATH", path.as_str())].into_iter().chain(more.iter().copied()))
}

#[tokio::test]
async fn callers_and_administrators_prefer_different_log_ins() {
    let (folder, cli) = (TempDir::new().unwrap(), azure_cli("exit 1"));
    let file = folder.path().join("token");
    std::fs::write(&file, jwt(&json!({}))).unwrap();
    let file = file.to_str().unwrap();
    let (id, secret, token) =
        (("AZURE_CLIENT_ID", CLIENT), ("AZURE_CLIENT_SECRET", SECRET), ("AZURE_FEDERATED_TOKEN_FILE", file));
    let workload = SourceKind::WorkloadIdentity { client_id: CLIENT.to_owned(), file: file.to_owned() };
    let by_secret = SourceKind::ClientSecret { client_id: CLIENT.to_owned() };
    let everything = on_path(&cli, &[id, secret, token]);
    assert_eq!(choose(&everything, Preference::Caller).unwrap(), workload);
    assert_eq!(choose(&everything, Preference::Administrator).unwrap(), SourceKind::AzureCli);
    let no_cli = Environment::from_pairs([id, secret, token, ("PATH", "/nonexistent")]);
    assert_eq!(choose(&no_cli, Preference::Administrator).unwrap(), workload);
    let no_cli_and_no_file = Environment::from_pairs([id, secret, ("PATH", "/nonexistent")]);
    assert_eq!(choose(&no_cli_and_no_file, Preference::Administrator).unwrap(), by_secret);
    let no_file = on_path(&cli, &[id, secret]);
    assert_eq!(choose(&no_file, Preference::Caller).unwrap(), by_secret);
    assert_eq!(choose(&on_path(&cli, &[]), Preference::Caller).unwrap(), SourceKind::AzureCli);
}

#[tokio::test]
async fn the_one_asked_for_by_name_is_taken_or_named_missing() {
    let cli = azure_cli("exit 1");
    let environment = on_path(&cli, &[("AZURE_CLIENT_ID", CLIENT), ("AZURE_CLIENT_SECRET", SECRET)]);
    let named = |name: SourceName| {
        let options = Options { log_in: Some(name), ..options("https://login.example", None) };
        azure_credential(&environment, Preference::Caller, &options)
    };
    for name in
        [SourceName::ClientSecret, SourceName::AzureCli, SourceName::ManagedIdentity, SourceName::Google]
    {
        let source = named(name).unwrap();
        assert_eq!((source.kind.name(), source.why.as_str()), (name, "asked for by name"));
        assert_eq!(source.passed_over.len(), SourceName::ALL.len() - 1);
    }
    for (name, missing) in [
        (SourceName::WorkloadIdentity, "AZURE_FEDERATED_TOKEN_FILE"),
        (SourceName::Github, "ACTIONS_ID_TOKEN_REQUEST_URL"),
        (SourceName::AzurePipelines, "SYSTEM_OIDCREQUESTURI"),
        (SourceName::ClientCertificate, "AZURE_CLIENT_CERTIFICATE_PATH"),
    ] {
        let error = named(name).unwrap_err();
        let SourceError::NotHere { name: said, reason } = &error else { panic!("{error:?}") };
        assert_eq!((*said, reason), (name, &format!("`{missing}` is not set")));
    }
}

#[tokio::test]
async fn those_passed_over_are_named_with_the_reason() {
    let cli = azure_cli("exit 1");
    let environment = on_path(&cli, &[("AZURE_CLIENT_ID", CLIENT), ("AZURE_CLIENT_SECRET", SECRET)]);
    let source =
        azure_credential(&environment, Preference::Caller, &options("https://login.example", None)).unwrap();
    assert_eq!(source.why, "`AZURE_CLIENT_SECRET` is set");
    let reasons: Vec<(SourceName, &str)> =
        source.passed_over.iter().map(|it| (it.source, it.reason.as_str())).collect();
    assert_eq!(reasons[0], (SourceName::WorkloadIdentity, "`AZURE_FEDERATED_TOKEN_FILE` is not set"));
    assert_eq!(reasons[5], (SourceName::Google, "taken only by `--as google`"));
    assert!(reasons[6].1.ends_with("is on `PATH`, but `client-secret` comes first"), "{:?}", reasons[6]);
    assert!(!format!("{reasons:?}").contains(SECRET));
}

#[tokio::test]
async fn what_is_missing_is_said() {
    // Nobody listens on this port, as on a laptop nobody answers at the instance metadata address.
    let nowhere = Environment::from_pairs([("AZURE_POD_IDENTITY_AUTHORITY_HOST", "http://127.0.0.1:9")]);
    for preference in [Preference::Caller, Preference::Administrator] {
        let source = azure_credential(&nowhere, preference, &options("https://login.example", None)).unwrap();
        assert_eq!(source.kind.name(), SourceName::ManagedIdentity);
        let error = source.credential.get_token(&[SCOPE], None).await.unwrap_err();
        let typed = source_error(&error).unwrap();
        let SourceError::NothingFound { passed_over, .. } = typed else { panic!("{typed:?}") };
        assert_eq!(passed_over.iter().map(|it| it.source).collect::<Vec<_>>(), SourceName::ALL);
        let nothing = typed.to_string();
        for named in [
            "AZURE_FEDERATED_TOKEN_FILE",
            "AZURE_CLIENT_SECRET",
            "127.0.0.1:9` does not answer",
            "`az`",
            "az login",
        ] {
            assert!(nothing.contains(named), "{nothing}");
        }
    }
    let half = Environment::from_pairs([("AZURE_CLIENT_SECRET", SECRET)]);
    let half = choose(&half, Preference::Caller).unwrap_err();
    assert_eq!(half, SourceError::Incomplete { present: "AZURE_CLIENT_SECRET", missing: "AZURE_CLIENT_ID" });
}

#[tokio::test]
async fn another_tenants_log_in_is_refused_before_anything_is_sent() {
    let other = "11111111-2222-3333-4444-555555555555";
    let environment = Environment::from_pairs([
        ("AZURE_CLIENT_ID", CLIENT),
        ("AZURE_CLIENT_SECRET", SECRET),
        ("AZURE_TENANT_ID", other),
    ]);
    let error = choose(&environment, Preference::Caller).unwrap_err();
    assert_eq!(
        error,
        SourceError::OtherTenant {
            variable: "AZURE_TENANT_ID",
            found: other.to_owned(),
            wanted: TENANT.to_owned()
        }
    );
}

#[tokio::test]
async fn the_azure_cli_is_asked_for_the_bridges_tenant() {
    let cli = azure_cli(
        r#"echo "$*" > "${0%/az}/asked"; echo '{"accessToken":"cli-token","expires_on":4102444800,"tokenType":"Bearer"}'"#,
    );
    let options = options("https://login.example", None);
    let source = azure_credential(&on_path(&cli, &[]), Preference::Administrator, &options).unwrap();
    let token = source.credential.get_token(&[SCOPE], None).await.unwrap();
    assert_eq!(token.token.secret(), "cli-token");
    let asked = std::fs::read_to_string(cli.path().join("asked")).unwrap();
    assert_eq!(asked.trim(), format!("account get-access-token -o json --scope {SCOPE} --tenant {TENANT}"));
}

#[tokio::test]
async fn a_cli_that_is_not_logged_in_says_what_to_run() {
    let cli = azure_cli("echo \"ERROR: Please run 'az login' to setup account.\" >&2; exit 1");
    let options = options("https://login.example", None);
    let source = azure_credential(&on_path(&cli, &[]), Preference::Administrator, &options).unwrap();
    let error = source.credential.get_token(&[SCOPE], None).await.unwrap_err();
    let text = source_error(&error).unwrap().to_string();
    assert!(
        text.contains("Please run 'az login'") && text.contains(&format!("az login --tenant {TENANT}")),
        "{text}"
    );
    assert!(!text.contains("troubleshoot"), "{text}");
}

#[tokio::test]
async fn what_no_log_in_mends_is_entras_refusal_and_not_the_clis() {
    let said = "AADSTS65001: The user or administrator has not consented to use the application with ID '04b07795-8ddb-461a-bbee-02f9e1bf7b46'. Trace ID: 1 Correlation ID: 2";
    let cli = azure_cli(&format!(
        "echo \"ERROR: {said}\" >&2; echo 'Interactive authentication is needed. Please run: az login' >&2; exit 1"
    ));
    let options = options("https://login.example", None);
    let source = azure_credential(&on_path(&cli, &[]), Preference::Administrator, &options).unwrap();
    let error = source.credential.get_token(&[SCOPE], None).await.unwrap_err();
    let refused = source_error(&error).unwrap();
    let SourceError::Refused { code, message, .. } = refused else { panic!("{refused:?}") };
    assert_eq!(code.as_deref(), Some("AADSTS65001"));
    assert!(message.starts_with("AADSTS65001: The user") && !message.contains("Trace ID"), "{message}");
    assert!(!refused.to_string().contains("az login"), "{refused}");
}

#[tokio::test]
async fn plain_http_to_a_strange_authority_is_refused() {
    let options =
        Options { authority_host: Some("http://login.example".to_owned()), ..options("https://x", None) };
    let error = azure_credential(&secret_login(), Preference::Caller, &options).unwrap_err();
    assert!(error.to_string().contains("unencrypted"), "{error}");
}

/// Keeps the helper honest: what `jwt` makes is what a token file needs.
#[test]
fn the_fake_token_is_a_jwt() {
    let claims: Value = json!({"sub": "s"});
    assert_eq!(jwt(&claims).split('.').count(), 3);
}
