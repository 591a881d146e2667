//! The way across, service by service: exchange, impersonation, and what the result may do.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::routing::get;
use http::Request;
use serde_json::{Value, json};
use trust::Caller;

use super::testing::{Answer, Fixture, POOL, call, send};
use super::{USERINFO_EMAIL, authenticate, mint_node_token};
use crate::seed;
use crate::serve::{Expired, Listening, Wire, bind};
use crate::signing::SigningKey;

const AUDIENCE: &str =
    "//iam.googleapis.com/projects/412907655821/locations/global/workloadIdentityPools/quay/providers/azure";
const ACCOUNT: &str = "gp-oncology@harbour-sandbox.iam.gserviceaccount.com";

/// A federation with an issuer that publishes its key over https.
struct Federation {
    fixture: Fixture,
    issuer: String,
    key: SigningKey,
    listening: Listening,
}

impl Federation {
    async fn new() -> Self {
        let fixture = Fixture::new().with_pool().await;
        let (listener, address) = bind(None).await.unwrap();
        let (issuer, key) = (format!("https://{address}/t/v2.0"), SigningKey::generate().unwrap());
        let discovery = json!({ "issuer": issuer, "jwks_uri": format!("https://{address}/keys") });
        let keys = key.key_set();
        let router = Router::new()
            .route("/t/v2.0/.well-known/openid-configuration", get(async || axum::Json(discovery)))
            .route("/keys", get(async || axum::Json(keys)));
        let mut listening = Listening::new();
        listening.serve(listener, Wire::Https(fixture.world.authority.server()), router);
        let federation = Self { fixture, issuer, key, listening };
        federation.create_provider().await;
        federation
    }

    async fn create_provider(&self) {
        let provider = json!({
            "attributeMapping": { "google.subject": "assertion.sub" },
            "attributeCondition": "assertion.tid == 'harbour'",
            "oidc": { "issuerUri": self.issuer, "allowedAudiences": ["api"] },
        });
        let path = "/v1/projects/harbour-sandbox/locations/global/workloadIdentityPools/quay/providers\
                    ?workloadIdentityPoolProviderId=azure";
        assert_eq!(self.iam("POST", path, provider).await.status, 200);
    }

    async fn iam(&self, method: &str, path: &str, body: Value) -> Answer {
        let router = super::iam::router(Arc::clone(&self.fixture.world));
        call(&router, (method, path), &self.fixture.admin(), body).await
    }

    fn claims(&self) -> Value {
        let now = self.fixture.world.clock.seconds();
        json!({ "iss": self.issuer, "aud": "api", "sub": "ci", "tid": "harbour", "iat": now, "exp": now + 1800 })
    }

    fn request(&self, claims: &Value) -> Value {
        json!({
            "grantType": "urn:ietf:params:oauth:grant-type:token-exchange",
            "audience": AUDIENCE,
            "scope": "https://www.googleapis.com/auth/cloud-platform",
            "requestedTokenType": "urn:ietf:params:oauth:token-type:access_token",
            "subjectToken": self.key.sign(claims).unwrap(),
            "subjectTokenType": "urn:ietf:params:oauth:token-type:jwt",
        })
    }

    async fn exchange(&self, request: Value) -> Answer {
        let router = super::sts::router(Arc::clone(&self.fixture.world));
        call(&router, ("POST", "/v1/token"), "", request).await
    }

    /// The service account of the team, which `member` may impersonate.
    async fn with_account(&self, member: &str) {
        let accounts = "/v1/projects/harbour-sandbox/serviceAccounts";
        let body = json!({ "accountId": "gp-oncology" });
        assert_eq!(self.iam("POST", accounts, body).await.status, 200);
        let binding = json!({ "role": "roles/iam.workloadIdentityUser", "members": [member] });
        let policy = json!({ "policy": { "bindings": [binding] } });
        assert_eq!(self.iam("POST", &format!("{accounts}/{ACCOUNT}:setIamPolicy"), policy).await.status, 200);
    }

    async fn impersonate(&self, token: &str, account: &str, body: Value) -> Answer {
        let router = super::iam_credentials::router(Arc::clone(&self.fixture.world));
        let path = format!("/v1/projects/-/serviceAccounts/{account}:generateAccessToken");
        call(&router, ("POST", &path), token, body).await
    }
}

fn scope() -> Value {
    json!({ "scope": ["https://www.googleapis.com/auth/cloud-platform", USERINFO_EMAIL] })
}

#[tokio::test]
async fn an_outside_token_becomes_a_google_token_and_then_a_service_account() {
    let federation = Federation::new().await;
    let answer = federation.exchange(federation.request(&federation.claims())).await;
    assert_eq!(answer.status, 200, "{}", answer.json());
    let answer = answer.json();
    assert_eq!(answer["token_type"], "Bearer");
    assert!((1..=1800).contains(&answer["expires_in"].as_i64().unwrap()));
    let token = answer["access_token"].as_str().unwrap();
    let world = &federation.fixture.world;
    assert!(world.minted.all().contains(&token.to_owned()));
    let identity = authenticate(world, token, false).unwrap();
    let subject = format!("principal://iam.googleapis.com/{POOL}/subject/ci");
    assert_eq!(identity.caller.principal_string(), subject);

    federation.with_account(&subject).await;
    let given = federation.impersonate(token, ACCOUNT, scope()).await.json();
    let identity = authenticate(world, given["accessToken"].as_str().unwrap(), false).unwrap();
    assert_eq!(identity.caller, Caller::ServiceAccount(ACCOUNT.to_owned()));
    assert!(identity.has_scope(USERINFO_EMAIL) && identity.unique_id.is_some());
    federation.listening.stop().await;
}

#[tokio::test]
async fn the_form_that_official_clients_send_is_understood() {
    let federation = Federation::new().await;
    let mut form = url::form_urlencoded::Serializer::new(String::new());
    for (name, value) in federation.request(&federation.claims()).as_object().unwrap() {
        let snake: String = name
            .chars()
            .flat_map(|letter| {
                if letter.is_uppercase() { vec!['_', letter.to_ascii_lowercase()] } else { vec![letter] }
            })
            .collect();
        form.append_pair(&snake, value.as_str().unwrap());
    }
    let request = Request::post("/v1/token").header("content-type", "application/x-www-form-urlencoded");
    let router = super::sts::router(Arc::clone(&federation.fixture.world));
    let answer = send(&router, request.body(Body::from(form.finish())).unwrap()).await;
    assert_eq!(answer.status, 200, "{}", answer.json());
    federation.listening.stop().await;
}

/// Wrong requests, each with the error and the beginning of the words that refuse it.
fn wrong_exchanges(federation: &Federation) -> Vec<(Value, &'static str, &'static str)> {
    let changed = |claim: &str, value: Value| {
        let mut claims = federation.claims();
        claims[claim] = value;
        federation.request(&claims)
    };
    let with = |field: &str, value: &str| {
        let mut request = federation.request(&federation.claims());
        request[field] = json!(value);
        request
    };
    let now = federation.fixture.world.clock.seconds();
    let forged = SigningKey::generate().unwrap().sign(&federation.claims()).unwrap();
    let good = federation.key.sign(&federation.claims()).unwrap();
    let altered = format!("{}.{}", good.rsplit_once('.').unwrap().0, forged.rsplit('.').next().unwrap());
    let issuer = federation.issuer.replace("/v2.0", "/");
    vec![
        (
            with("audience", "https://iam.googleapis.com/x"),
            "invalid_request",
            "Invalid value for \"audience\".",
        ),
        (
            with("audience", &AUDIENCE.replace("412907655821", "harbour-sandbox")),
            "invalid_target",
            "The target service",
        ),
        (with("audience", &AUDIENCE.replace("azure", "absent")), "invalid_target", "The target service"),
        (with("grantType", "password"), "invalid_request", "Invalid value for \"grant_type\"."),
        (
            with("subjectTokenType", "nonsense"),
            "invalid_request",
            "Invalid value for \"subject_token_type\".",
        ),
        (with("scope", ""), "invalid_request", "Invalid value for \"scope\"."),
        (with("subjectToken", "nonsense"), "invalid_grant", "Unable to parse the ID Token."),
        (changed("iss", json!(issuer)), "invalid_grant", "The issuer in ID Token"),
        (
            changed("aud", json!("other")),
            "invalid_grant",
            "The audience in ID Token [other] does not match the expected audience.",
        ),
        (changed("exp", json!(now - 61)), "invalid_grant", "ID Token issued at"),
        (
            changed("tid", json!("elsewhere")),
            "unauthorized_client",
            "The given credential is rejected by the attribute condition.",
        ),
        (changed("sub", Value::Null), "unauthorized_client", "Could not obtain a value for google.subject"),
        (
            with("subjectToken", &forged),
            "invalid_grant",
            "Error connecting to the given credential's issuer.",
        ),
        (with("subjectToken", &altered), "invalid_grant", "Unable to verify the ID Token signature."),
    ]
}

#[tokio::test]
async fn each_wrong_exchange_is_refused_in_google_s_words() {
    let federation = Federation::new().await;
    for (request, error, text) in wrong_exchanges(&federation) {
        let answer = federation.exchange(request).await;
        let found = answer.json();
        assert_eq!((answer.status.as_u16(), &found["error"]), (400, &json!(error)), "{found}");
        assert!(found["error_description"].as_str().unwrap().starts_with(text), "{found}");
    }
    let provider = "/v1/projects/harbour-sandbox/locations/global/workloadIdentityPools/quay/providers/azure";
    federation.iam("DELETE", provider, Value::Null).await;
    let answer = federation.exchange(federation.request(&federation.claims())).await;
    assert_eq!(answer.json()["error"], "invalid_target");
    federation.listening.stop().await;
}

#[tokio::test]
async fn impersonation_is_refused_in_google_s_words() {
    let federation = Federation::new().await;
    federation.with_account(&format!("principal://iam.googleapis.com/{POOL}/subject/ci")).await;
    let (ci, stranger) = (federation.fixture.federated("ci"), federation.fixture.federated("stranger"));
    let denied = "Permission 'iam.serviceAccounts.getAccessToken' denied on resource (or it may not exist).";
    let lifetime =
        |text: &str| json!({ "scope": ["https://www.googleapis.com/auth/cloud-platform"], "lifetime": text });
    let absent = "absent@harbour-sandbox.iam.gserviceaccount.com";
    let through =
        json!({ "scope": ["openid"], "delegates": [format!("projects/-/serviceAccounts/{ACCOUNT}")] });
    let delegation =
        "Permission 'iam.serviceAccounts.implicitDelegation' denied on resource (or it may not exist).";
    let table = [
        (&stranger, ACCOUNT, scope(), 403, denied),
        (&ci, absent, scope(), 403, denied),
        (&ci, ACCOUNT, lifetime("3601s"), 400, "The access token lifetime cannot exceed 3600 seconds."),
        (&ci, ACCOUNT, lifetime("0s"), 400, "Lifetime of access token must be larger then zero."),
        (&ci, ACCOUNT, lifetime("soon"), 400, "Request contains an invalid argument."),
        (&ci, ACCOUNT, json!({}), 400, "Request contains an invalid argument."),
        (&ci, ACCOUNT, json!({ "scope": ["bogus"] }), 400, "Request contains an invalid argument."),
        (&ci, seed::NODE_SERVICE_ACCOUNT, through, 403, delegation),
    ];
    for (token, account, body, status, text) in table {
        let answer = federation.impersonate(token, account, body).await;
        assert_eq!((answer.status.as_u16(), answer.message().as_str()), (status, text));
    }
    let answer = federation.impersonate(&stranger, ACCOUNT, scope()).await.json();
    assert_eq!(
        answer["error"]["details"][0],
        json!({
            "@type": "type.googleapis.com/google.rpc.ErrorInfo",
            "reason": "IAM_PERMISSION_DENIED",
            "domain": "iam.googleapis.com",
            "metadata": { "permission": "iam.serviceAccounts.getAccessToken" },
        })
    );
    federation.listening.stop().await;
}

#[tokio::test]
async fn a_token_dies_with_its_service_account() {
    let federation = Federation::new().await;
    let world = &federation.fixture.world;
    let token = mint_node_token(world).unwrap();
    assert!(authenticate(world, &token, false).is_ok());
    assert!(authenticate(world, &token, true).is_err());
    let path = format!("/v1/projects/-/serviceAccounts/{}", seed::NODE_SERVICE_ACCOUNT);
    assert_eq!(federation.iam("DELETE", &path, Value::Null).await.status, 200);
    assert!(authenticate(world, &token, false).is_err());
    assert_eq!(mint_node_token(world), None);
    federation.listening.stop().await;
}

#[tokio::test]
async fn a_refresh_token_becomes_the_administrator_s() {
    let fixture = Fixture::new();
    let router = super::oauth2::router(Arc::clone(&fixture.world));
    let mut login = serde_json::to_value(fixture.world.google.administrator_credentials()).unwrap();
    assert_eq!(login["type"], "authorized_user");
    login["grant_type"] = json!("refresh_token");
    let answer = call(&router, ("POST", "/token"), "", login.clone()).await.json();
    let token = answer["access_token"].as_str().unwrap();
    let identity = authenticate(&fixture.world, token, false).unwrap();
    assert_eq!(identity.caller, Caller::User(seed::GOOGLE_ADMIN.to_owned()));
    assert_eq!(answer["expires_in"], 3599);
    let minted = fixture.world.minted.all();
    assert!(minted.iter().any(|secret| login["refresh_token"] == json!(secret)));
    for (field, status, error) in [
        ("refresh_token", 400, "invalid_grant"),
        ("client_id", 401, "invalid_client"),
        ("grant_type", 400, "unsupported_grant_type"),
    ] {
        let mut wrong = login.clone();
        wrong[field] = json!("wrong");
        let answer = call(&router, ("POST", "/token"), "", wrong).await;
        assert_eq!((answer.status.as_u16(), &answer.json()["error"]), (status, &json!(error)));
    }
}

#[tokio::test]
async fn the_project_is_found_by_id_and_by_number() {
    let fixture = Fixture::new();
    let router = super::cloud_resource_manager::router(Arc::clone(&fixture.world));
    for name in [seed::PROJECT, seed::PROJECT_NUMBER] {
        let path = format!("/v3/projects/{name}?$alt=json;enum-encoding=int");
        let project = call(&router, ("GET", &path), &fixture.admin(), Value::Null).await.json();
        assert_eq!(
            (&project["projectId"], &project["name"]),
            (&json!(seed::PROJECT), &json!("projects/412907655821"))
        );
    }
    let elsewhere = call(&router, ("GET", "/v3/projects/elsewhere"), &fixture.admin(), Value::Null).await;
    assert_eq!(
        (elsewhere.status.as_u16(), elsewhere.message().as_str()),
        (
            403,
            "Permission 'resourcemanager.projects.get' denied on resource \
             '//cloudresourcemanager.googleapis.com/projects/elsewhere' (or it may not exist)."
        )
    );
    let path = "/v3/projects/harbour-sandbox:getIamPolicy";
    let policy = call(&router, ("POST", path), &fixture.admin(), json!({})).await.json();
    assert_eq!(
        policy["bindings"],
        json!([{ "role": "roles/owner", "members": ["user:admin@harbour.example"] }])
    );
    let asked = json!({ "permissions": ["resourcemanager.projects.setIamPolicy"] });
    let path = "/v3/projects/harbour-sandbox:testIamPermissions";
    assert_eq!(call(&router, ("POST", path), &fixture.admin(), asked.clone()).await.json(), asked);
}

#[tokio::test]
async fn the_cluster_is_shown_to_those_who_may_look() {
    let fixture = Fixture::new();
    let router = super::container::router(Arc::clone(&fixture.world));
    let path = "/v1/projects/harbour-sandbox/locations/europe-west4/clusters/ship";
    let cluster = call(&router, ("GET", path), &fixture.admin(), Value::Null).await.json();
    assert_eq!(cluster["nodeConfig"]["serviceAccount"], seed::NODE_SERVICE_ACCOUNT);
    assert_eq!(cluster["workloadIdentityConfig"]["workloadPool"], "harbour-sandbox.svc.id.goog");
    let refused = call(&router, ("GET", path), &fixture.nobody(), Value::Null).await;
    assert_eq!(
        (refused.status.as_u16(), refused.message().as_str()),
        (
            403,
            "Required \"container.clusters.get\" permission(s) for \
             \"projects/harbour-sandbox/locations/europe-west4/clusters/ship\"."
        )
    );
    let absent = call(&router, ("GET", &path.replace("ship", "boat")), &fixture.admin(), Value::Null).await;
    assert_eq!(absent.status, 404);
}

#[tokio::test]
async fn node_pools_come_and_go_and_the_node_is_of_the_oldest() {
    let fixture = Fixture::new();
    let router = super::container::router(Arc::clone(&fixture.world));
    let cluster = "/v1/projects/harbour-sandbox/locations/europe-west4/clusters/ship";
    let pools = format!("{cluster}/nodePools");
    let admin = fixture.admin();
    let scopes_of_the_node = || {
        let token = mint_node_token(&fixture.world)?;
        Some(authenticate(&fixture.world, &token, false).unwrap().scopes)
    };
    let wanted = |account: &str| {
        let config = json!({ "serviceAccount": account, "oauthScopes": ["https://scope.example/one"] });
        json!({ "nodePool": { "name": "wider", "initialNodeCount": 3, "config": config } })
    };
    let create =
        async |token: &str, account: &str| call(&router, ("POST", &pools), token, wanted(account)).await;
    let refused = create(&fixture.nobody(), seed::NODE_SERVICE_ACCOUNT).await;
    assert!(refused.message().starts_with("Required \"container.clusters.update\" permission(s) for"));
    let absent = create(&admin, "no@harbour-sandbox.iam.gserviceaccount.com").await;
    assert_eq!(absent.status, 400, "{}", absent.message());
    let begun = create(&admin, seed::NODE_SERVICE_ACCOUNT).await.json();
    assert_eq!((&begun["status"], &begun["operationType"]), (&json!("RUNNING"), &json!("CREATE_NODE_POOL")));
    assert_eq!(create(&admin, seed::NODE_SERVICE_ACCOUNT).await.status, 409);
    let name = begun["name"].as_str().unwrap();
    let operation = format!("/v1/projects/harbour-sandbox/locations/europe-west4/operations/{name}");
    assert_eq!(call(&router, ("GET", &operation), &admin, Value::Null).await.json()["status"], "DONE");
    let pool = call(&router, ("GET", &format!("{pools}/wider")), &admin, Value::Null).await.json();
    assert_eq!(pool["config"]["oauthScopes"], json!(["https://scope.example/one"]));
    assert_eq!(scopes_of_the_node().unwrap(), ["https://www.googleapis.com/auth/cloud-platform"]);
    let old = format!("{pools}/default-pool");
    assert_eq!(call(&router, ("DELETE", &old), &admin, Value::Null).await.status, 200);
    assert_eq!(call(&router, ("DELETE", &old), &admin, Value::Null).await.status, 404);
    assert_eq!(scopes_of_the_node().unwrap(), ["https://scope.example/one"]);
    let shown = call(&router, ("GET", cluster), &admin, Value::Null).await.json();
    assert_eq!((&shown["currentNodeCount"], &shown["nodePools"][1]), (&json!(3), &Value::Null));
}

#[tokio::test]
async fn repositories_come_and_go_with_their_images() {
    let fixture = Fixture::new().with_repository("user:nobody@harbour.example").await;
    let router = super::artifact_registry::router(Arc::clone(&fixture.world));
    let parent = "/v1/projects/harbour-sandbox/locations/europe-west4/repositories";
    let admin = fixture.admin();
    let again = call(
        &router,
        ("POST", &format!("{parent}?repositoryId=models")),
        &admin,
        json!({ "format": "DOCKER" }),
    )
    .await;
    assert_eq!((again.status.as_u16(), again.message().as_str()), (409, "the repository already exists"));
    let path = format!("{parent}/models");
    let labels = json!({ "labels": { "gangplank-bridge": "demo" } });
    let patched =
        call(&router, ("PATCH", &format!("{path}?updateMask=labels")), &admin, labels.clone()).await.json();
    assert_eq!((&patched["labels"], &patched["format"]), (&labels["labels"], &json!("DOCKER")));
    let bad = json!({ "labels": { "Bad": "x" } });
    assert_eq!(call(&router, ("PATCH", &format!("{path}?updateMask=labels")), &admin, bad).await.status, 400);
    let nobody = call(&router, ("DELETE", &path), &fixture.nobody(), Value::Null).await;
    assert_eq!(
        nobody.message(),
        "Permission 'artifactregistry.repositories.delete' denied on resource \
         '//artifactregistry.googleapis.com/projects/harbour-sandbox/locations/europe-west4/repositories/models' \
         (or it may not exist)."
    );
    let name = super::registry::ImageName::parse("harbour-sandbox/models/a/b").unwrap();
    assert!(fixture.world.google.resources().put_blob(&name, "sha256:0", 7));
    assert_eq!(call(&router, ("GET", &path), &admin, Value::Null).await.json()["sizeBytes"], "7");
    assert_eq!(
        call(&router, ("GET", &format!("{path}/packages")), &admin, Value::Null).await.json(),
        json!({})
    );
    let begun = call(&router, ("DELETE", &path), &admin, Value::Null).await.json();
    let operation = format!("/v1/{}", begun["name"].as_str().unwrap());
    assert_eq!(call(&router, ("GET", &operation), &admin, Value::Null).await.json()["done"], true);
    assert_eq!(call(&router, ("GET", &path), &admin, Value::Null).await.status, 404);
}

#[tokio::test]
async fn an_aged_token_is_refused_as_an_expired_one_is() {
    let federation = Federation::new().await;
    let world = &federation.fixture.world;
    let request = federation.request(&federation.claims());
    let mut login = serde_json::to_value(world.google.administrator_credentials()).unwrap();
    login["grant_type"] = json!("refresh_token");
    let table = [
        (super::sts::router(Arc::clone(world)), "/v1/token", request, "ID Token issued at"),
        (super::oauth2::router(Arc::clone(world)), "/token", login, "Token has been expired or revoked."),
    ];
    for (router, path, body, text) in table {
        let request = Request::post(path).header("content-type", "application/json");
        let mut request = request.body(Body::from(body.to_string())).unwrap();
        request.extensions_mut().insert(Expired);
        let answer = send(&router, request).await;
        assert_eq!(answer.status, 400);
        let found = answer.json();
        assert_eq!(found["error"], "invalid_grant");
        assert!(found["error_description"].as_str().unwrap().starts_with(text), "{found}");
    }
    federation.listening.stop().await;
}
