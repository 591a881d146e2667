//! The chain from the first token to a service account's, and services that lie on the way.

use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use gangplank_identity::chain::HopOutcome;
use gangplank_identity::impersonation::ImpersonationError;
use gangplank_identity::source::{EntraSource, Options, Preference, azure_credential};
use gangplank_identity::sts::ExchangeError;
use gangplank_identity::{Chain, ChainConfig, Clock, Environment, Grantee, Hop, TokenError, http};
use google_cloud_auth::credentials::CacheableResource;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::fake::{self, Fake, Hit, Reply, jwt, machine_time, raw, reply};

const SECRET: &str = "s3cr3t-of-the-client";
const FEDERATED: &str = "ya29.d.federated-token-content";
const ACCOUNT_TOKEN: &str = "ya29.c.account-token-content";
const ACCOUNT: &str = "gp-cellar@harbour.iam.gserviceaccount.com";
const SUBJECT: &str = "f6a5b8c7-c0b9-436e-81ad-275314bf3006";

struct Stopped(AtomicI64);

impl Stopped {
    fn pass(&self, seconds: i64) {
        self.0.fetch_add(seconds, Ordering::SeqCst);
    }
}

struct Crossing {
    chain: Chain,
    clock: Arc<Stopped>,
    entra: Fake,
    sts: Fake,
    iam: Fake,
    entra_token: String,
}

fn federated(number: usize) -> Reply {
    reply(
        200,
        &json!({
            "access_token": format!("{FEDERATED}-{number}"),
            "issued_token_type": "urn:ietf:params:oauth:token-type:access_token",
            "token_type": "Bearer",
            "expires_in": 3600,
        }),
    )
}

fn account_token(expires: Timestamp) -> Reply {
    reply(200, &json!({"accessToken": ACCOUNT_TOKEN, "expireTime": expires.to_string()}))
}

async fn crossing(
    sts: impl Fn(&Hit) -> Reply + Send + Sync + 'static,
    iam: impl Fn(&Hit) -> Reply + Send + Sync + 'static,
) -> Crossing {
    let entra_token =
        jwt(&json!({"iss": "https://entra/v2.0", "aud": "app", "sub": SUBJECT, "name": "Cellar"}));
    let answer = json!({"token_type": "Bearer", "expires_in": 86_400, "access_token": entra_token});
    let (entra, ca) = fake::https(move |_| reply(200, &answer)).await;
    let (sts, iam) = (fake::http(sts).await, fake::http(iam).await);
    let config = ChainConfig {
        scope: "api://tenant/gangplank/.default".to_owned(),
        provider: ChainConfig::provider_name("412907655821", "quay", "entra"),
        sts: sts.address.clone(),
        iam_credentials: iam.address.clone(),
    };
    let client = http::client(Some(ca.as_bytes())).unwrap();
    let clock = Arc::new(Stopped(AtomicI64::new(machine_time().as_second())));
    let source = source(&entra.address, client.clone());
    let own = clock.clone();
    let tell = move || Timestamp::from_second(own.0.load(Ordering::SeqCst)).unwrap();
    let chain = Chain::new(config, source, client, Arc::new(tell)).unwrap();
    Crossing { chain, clock, entra, sts, iam, entra_token }
}

fn source(authority: &str, http: reqwest::Client) -> EntraSource {
    let environment =
        Environment::from_pairs([("AZURE_CLIENT_ID", "client"), ("AZURE_CLIENT_SECRET", SECRET)]);
    let options = Options {
        tenant: "tenant".to_owned(),
        authority_host: Some(authority.to_owned()),
        http,
        clock: Arc::new(machine_time),
        log_in: None,
    };
    azure_credential(&environment, Preference::Caller, &options).unwrap()
}

async fn good() -> Crossing {
    let count = AtomicUsize::new(0);
    let expires = machine_time().checked_add(jiff::SignedDuration::from_hours(1)).unwrap();
    crossing(move |_| federated(count.fetch_add(1, Ordering::SeqCst)), move |_| account_token(expires)).await
}

async fn header(chain: &Chain, grantee: Grantee) -> String {
    chain.bearer(grantee).header().await.unwrap().to_str().unwrap().to_owned()
}

#[tokio::test]
async fn an_entra_token_becomes_a_service_accounts() {
    let crossing = good().await;
    let account = Grantee::ServiceAccount(ACCOUNT.to_owned());
    assert_eq!(header(&crossing.chain, account).await, format!("Bearer {ACCOUNT_TOKEN}"));
    assert_eq!(header(&crossing.chain, Grantee::Federated).await, format!("Bearer {FEDERATED}-0"));

    let asked = &crossing.sts.hits()[0];
    assert_eq!(asked.path, "/v1/token");
    assert_eq!(asked.authorization, None, "STS may refuse a call that carries one");
    assert!(asked.user_agent.starts_with("gangplank/"), "{}", asked.user_agent);
    assert_eq!(asked.field("subject_token"), Some(crossing.entra_token.clone()));
    assert_eq!(asked.field("audience"), Some(crossing.chain.config().provider.clone()));
    let wanted = "urn:ietf:params:oauth:grant-type:token-exchange";
    assert_eq!(asked.field("grant_type").as_deref(), Some(wanted));

    let asked = &crossing.iam.hits()[0];
    assert_eq!(asked.path, format!("/v1/projects/-/serviceAccounts/{ACCOUNT}:generateAccessToken"));
    assert_eq!(asked.authorization, Some(format!("Bearer {FEDERATED}-0")));
    let body: Value = serde_json::from_str(&asked.body).unwrap();
    let scopes =
        ["https://www.googleapis.com/auth/cloud-platform", "https://www.googleapis.com/auth/userinfo.email"];
    assert_eq!(body, json!({"scope": scopes, "lifetime": "3600s"}));
}

#[tokio::test]
async fn every_hop_is_recorded_once_and_without_its_token() {
    let crossing = good().await;
    for _ in 0..3 {
        header(&crossing.chain, Grantee::ServiceAccount(ACCOUNT.to_owned())).await;
    }
    let records = crossing.chain.records();
    let hops: Vec<Hop> = records.iter().map(|record| record.hop).collect();
    assert_eq!(hops, [Hop::Entra, Hop::Exchange, Hop::Impersonation]);
    assert!(records.iter().all(|record| matches!(record.outcome, HopOutcome::Token { .. })));
    let claims = records[1].claims.as_ref().unwrap().to_json();
    assert_eq!(claims, json!({"iss": "https://entra/v2.0", "aud": "app", "sub": SUBJECT}));
    let principal = format!(
        "principal://iam.googleapis.com/projects/412907655821/locations/global/workloadIdentityPools/quay/subject/{SUBJECT}"
    );
    assert_eq!(records[1].principal.as_deref(), Some(principal.as_str()));
    assert_eq!(crossing.chain.principal().await.unwrap(), Some(principal));

    let shown = format!("{records:?} {:?} {}", crossing.chain, serde_json::to_string(&records).unwrap());
    for secret in [SECRET, FEDERATED, ACCOUNT_TOKEN, &crossing.entra_token, "Cellar"] {
        assert!(!shown.contains(secret), "{secret} in {shown}");
    }
}

/// Everything that is logged while the test's thread lives, down to the last detail of every crate below.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn the_most_talkative_log_names_the_hops_and_no_token() {
    // Other tests meet the same places in the code at the same time; once met, a place looks at each new subscriber.
    header(&good().await.chain, Grantee::ServiceAccount(ACCOUNT.to_owned())).await;
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_span_events(tracing_subscriber::fmt::format::FmtSpan::FULL)
        .with_ansi(false)
        .with_writer(move || writer.clone())
        .finish();
    let _until_the_end = tracing::subscriber::set_default(subscriber);
    let crossing = good().await;
    header(&crossing.chain, Grantee::ServiceAccount(ACCOUNT.to_owned())).await;
    let text = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    for named in ["hop=\"entra\"", "hop=\"exchange\"", "issuer=https://entra/v2.0", "audience=app", ACCOUNT] {
        assert!(text.contains(named), "{named}");
    }
    for secret in [SECRET, FEDERATED, ACCOUNT_TOKEN, &crossing.entra_token] {
        assert!(!text.contains(secret), "{secret}");
    }
}

#[tokio::test]
async fn a_token_that_runs_out_in_mid_transfer_is_replaced_by_the_next_request() {
    let crossing = good().await;
    let bearer = crossing.chain.bearer(Grantee::Federated);
    let sent = async || bearer.header().await.unwrap().to_str().unwrap().to_owned();
    assert_eq!(sent().await, format!("Bearer {FEDERATED}-0"));
    crossing.clock.pass(3000);
    assert_eq!(sent().await, format!("Bearer {FEDERATED}-0"));
    crossing.clock.pass(400);
    assert_eq!(sent().await, format!("Bearer {FEDERATED}-1"));
    bearer.renew().await;
    assert_eq!(sent().await, format!("Bearer {FEDERATED}-2"), "a service called it expired");
}

#[tokio::test]
async fn many_requests_at_once_walk_the_chain_once() {
    let crossing = good().await;
    let mut herd = tokio::task::JoinSet::new();
    for _ in 0..64 {
        let bearer = crossing.chain.bearer(Grantee::ServiceAccount(ACCOUNT.to_owned()));
        herd.spawn(async move { bearer.header().await.unwrap() });
    }
    while let Some(outcome) = herd.join_next().await {
        assert!(outcome.unwrap().is_sensitive());
    }
    let asked = [&crossing.entra, &crossing.sts, &crossing.iam].map(|service| service.hits().len());
    assert_eq!(asked, [1, 1, 1]);
}

#[tokio::test]
async fn googles_libraries_get_a_sensitive_header() {
    let crossing = good().await;
    let credentials = crossing.chain.google_credentials(Grantee::Federated);
    let CacheableResource::New { data, .. } = credentials.headers(::http::Extensions::new()).await.unwrap()
    else {
        panic!("a first answer is new")
    };
    assert!(data["authorization"].is_sensitive());
    assert_eq!(data["authorization"], format!("Bearer {FEDERATED}-0"));
    assert!(!format!("{data:?} {credentials:?}").contains(FEDERATED));
}

#[tokio::test]
async fn the_exchanges_refusal_keeps_its_words_and_reaches_googles_libraries() {
    let text = "The audience in ID Token [app] does not match the expected audience.";
    let body = json!({"error": "invalid_grant", "error_description": text});
    let crossing = crossing(move |_| reply(400, &body), |_| raw(500, "")).await;
    let error = crossing.chain.impersonated(ACCOUNT).await.unwrap_err();
    let wanted = ExchangeError::Refused {
        status: 400,
        error: "invalid_grant".to_owned(),
        description: text.to_owned(),
        retry_after: None,
    };
    assert_eq!(error, TokenError::Exchange(wanted));
    assert_eq!(
        (error.hop(), error.code(), error.is_transient()),
        (Hop::Exchange, Some("invalid_grant"), false)
    );
    assert_eq!(crossing.sts.hits().len(), 1, "a refusal is not asked again");
    assert!(crossing.iam.hits().is_empty());
    assert!(
        matches!(&crossing.chain.records()[1].outcome, HopOutcome::Refused { code: Some(code), .. } if code == "invalid_grant")
    );

    let credentials = crossing.chain.google_credentials(Grantee::Federated);
    let error = credentials.headers(::http::Extensions::new()).await.unwrap_err();
    let source = std::error::Error::source(&error).unwrap();
    assert!(source.downcast_ref::<TokenError>().is_some(), "{error:?}");
}

#[tokio::test]
async fn a_refused_impersonation_names_reason_and_permission() {
    let message = "Permission 'iam.serviceAccounts.getAccessToken' denied on resource (or it may not exist).";
    let body = json!({"error": {"code": 403, "message": message, "status": "PERMISSION_DENIED", "details": [
        {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "IAM_PERMISSION_DENIED",
         "domain": "iam.googleapis.com", "metadata": {"permission": "iam.serviceAccounts.getAccessToken"}}]}});
    let crossing = crossing(|_| federated(0), move |_| reply(403, &body)).await;
    let error = crossing.chain.impersonated(ACCOUNT).await.unwrap_err();
    let TokenError::Impersonation(ImpersonationError::Refused {
        status,
        reason,
        permission,
        message: said,
        ..
    }) = error
    else {
        panic!("{error:?}")
    };
    assert_eq!((status, said.as_str()), (403, message));
    assert_eq!(reason.as_deref(), Some("IAM_PERMISSION_DENIED"));
    assert_eq!(permission.as_deref(), Some("iam.serviceAccounts.getAccessToken"));
}

/// What STS must not get away with, and what the error must not repeat.
fn lies() -> Vec<(Reply, &'static str)> {
    let token = |change: &dyn Fn(&mut Value)| {
        let mut body = json!({"access_token": "leaked-token", "token_type": "Bearer", "expires_in": 3600});
        change(&mut body);
        reply(200, &body)
    };
    vec![
        (raw(200, "<html>leaked-token</html>"), "no JSON"),
        (raw(403, "<html>leaked-token</html>"), "no JSON"),
        (raw(200, ""), "no JSON"),
        (reply(200, &json!(["leaked-token"])), "token_type"),
        (reply(400, &json!({"access_token": "leaked-token"})), "no `error`"),
        (token(&|body| body["access_token"] = json!("")), "empty"),
        (token(&|body| body["access_token"] = json!(null)), "empty"),
        (token(&|body| body["access_token"] = json!("leaked-token\r\nX-Evil: 1")), "characters"),
        (token(&|body| body["token_type"] = json!("N_A")), "token_type"),
        (token(&|body| body["expires_in"] = json!(0)), "expired already"),
        (token(&|body| body["expires_in"] = json!(-1)), "expired already"),
        (token(&|body| body["expires_in"] = json!("soon")), "no number"),
        (raw(200, &"x".repeat(300 * 1024)), "too large"),
    ]
}

#[tokio::test]
async fn lies_of_the_exchange_are_caught_and_not_repeated() {
    for (lie, wanted) in lies() {
        let crossing = crossing(move |_| lie.clone(), |_| raw(500, "")).await;
        let error = crossing.chain.federated().await.unwrap_err();
        let shown = format!("{error} {error:?}");
        assert!(matches!(error, TokenError::Exchange(ExchangeError::Malformed { .. })), "{shown}");
        assert!(shown.contains(wanted), "expected `{wanted}` in {shown}");
        assert!(!shown.contains("leaked"), "{shown}");
    }
}

#[tokio::test]
async fn lives_as_text_and_lives_without_end_are_taken_with_care() {
    for (life, longest) in [(json!("3600"), 3600), (json!(u64::MAX), 43_200), (Value::Null, 300)] {
        let mut body = json!({"access_token": "t", "token_type": "bearer"});
        if !life.is_null() {
            body["expires_in"] = life.clone();
        }
        let crossing = crossing(move |_| reply(200, &body), |_| raw(500, "")).await;
        let token = crossing.chain.federated().await.unwrap();
        let now = crossing.clock.0.load(Ordering::SeqCst);
        assert_eq!(token.expires_at.as_second() - now, longest, "{life}");
    }
}

#[tokio::test]
async fn lies_of_the_impersonation_are_caught_and_not_repeated() {
    let lies = [
        raw(200, "leaked-token"),
        reply(200, &json!({"accessToken": "", "expireTime": "2999-01-01T00:00:00Z"})),
        reply(200, &json!({"accessToken": "leaked-token", "expireTime": "tomorrow"})),
        reply(200, &json!({"accessToken": "leaked-token"})),
        reply(200, &json!({"accessToken": "leaked-token", "expireTime": "1999-01-01T00:00:00Z"})),
        reply(403, &json!({"accessToken": "leaked-token"})),
    ];
    for lie in lies {
        let crossing = crossing(|_| federated(0), move |_| lie.clone()).await;
        let error = crossing.chain.impersonated(ACCOUNT).await.unwrap_err();
        let shown = format!("{error} {error:?}");
        assert!(matches!(error, TokenError::Impersonation(ImpersonationError::Malformed { .. })), "{shown}");
        assert!(!shown.contains("leaked"), "{shown}");
    }
}

#[tokio::test]
async fn a_busy_exchange_is_asked_again_and_a_patient_one_is_not_waited_for() {
    let count = AtomicUsize::new(0);
    let busy = move |_: &Hit| match count.fetch_add(1, Ordering::SeqCst) {
        0 => Reply { headers: vec![("retry-after", "0")], ..raw(429, "") },
        number => federated(number),
    };
    let crossing_once = crossing(busy, |_| raw(500, "")).await;
    assert!(crossing_once.chain.federated().await.is_ok());
    assert_eq!(crossing_once.sts.hits().len(), 2);

    let body = json!({"error": "temporarily_unavailable", "error_description": "later"});
    let patient = move |_: &Hit| Reply { headers: vec![("retry-after", "600")], ..reply(429, &body) };
    let crossing = crossing(patient, |_| raw(500, "")).await;
    let error = crossing.chain.federated().await.unwrap_err();
    assert_eq!(error.retry_after(), Some(std::time::Duration::from_mins(10)));
    assert!(error.is_transient());
}

#[tokio::test]
async fn a_token_called_expired_is_replaced_once() {
    let count = AtomicUsize::new(0);
    let expired = json!({"error": {"code": 401, "message": "Request had invalid authentication credentials.",
        "status": "UNAUTHENTICATED"}});
    let (asked, body) = (Arc::new(AtomicUsize::new(0)), expired.clone());
    let iam = move |_: &Hit| match asked.fetch_add(1, Ordering::SeqCst) {
        0 => reply(401, &body),
        _ => account_token(machine_time().checked_add(jiff::SignedDuration::from_hours(1)).unwrap()),
    };
    let replaced = crossing(move |_| federated(count.fetch_add(1, Ordering::SeqCst)), iam).await;
    assert!(replaced.chain.impersonated(ACCOUNT).await.is_ok());
    let sent: Vec<Option<String>> = replaced.iam.hits().into_iter().map(|hit| hit.authorization).collect();
    assert_eq!(sent, [0, 1].map(|number| Some(format!("Bearer {FEDERATED}-{number}"))));

    let hopeless = crossing(|_| federated(0), move |_| reply(401, &expired)).await;
    assert!(hopeless.chain.impersonated(ACCOUNT).await.is_err());
    assert_eq!(hopeless.iam.hits().len(), 2);

    let stale =
        json!({"error": "invalid_grant", "error_description": "ID Token issued at 1 is stale to sign-in."});
    let count = AtomicUsize::new(0);
    let sts = move |_: &Hit| match count.fetch_add(1, Ordering::SeqCst) {
        0 => reply(400, &stale),
        number => federated(number),
    };
    assert!(crossing(sts, |_| raw(500, "")).await.chain.federated().await.is_ok());
}

#[tokio::test]
async fn nobody_listening_is_an_outage() {
    let mut crossing = good().await;
    let config = ChainConfig { sts: "http://127.0.0.1:1".to_owned(), ..crossing.chain.config().clone() };
    let source = crossing.chain.source().clone();
    let client = http::client(None).unwrap();
    crossing.chain = Chain::new(config, source, client, Arc::new(machine_time)).unwrap();
    let error = crossing.chain.federated().await.unwrap_err();
    assert!(matches!(error, TokenError::Exchange(ExchangeError::Unreachable { .. })), "{error:?}");
    assert!(error.is_transient());
}

#[tokio::test]
async fn tokens_are_not_sent_where_others_can_read_them() {
    let crossing = good().await;
    for config in [
        ChainConfig { sts: "http://sts.example".to_owned(), ..crossing.chain.config().clone() },
        ChainConfig { iam_credentials: "http://iam.example".to_owned(), ..crossing.chain.config().clone() },
    ] {
        let source = crossing.chain.source().clone();
        let clock: Arc<dyn Clock> = Arc::new(machine_time);
        assert!(Chain::new(config, source, http::client(None).unwrap(), clock).is_err());
    }
}

#[tokio::test]
async fn an_impersonated_token_lives_no_longer_than_asked() {
    let crossing = good().await;
    for (asked, sent) in [(900, "900s"), (7200, "3600s")] {
        let lifetime = std::time::Duration::from_secs(asked);
        crossing.chain.impersonated_for(ACCOUNT, lifetime).await.unwrap();
        let body: Value = serde_json::from_str(&crossing.iam.hits().last().unwrap().body).unwrap();
        assert_eq!(body["lifetime"], sent);
    }
}
