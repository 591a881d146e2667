//! Pools, providers and service accounts through the router, as the administrator and as others.

use serde_json::{Value, json};

use crate::google::testing::{Answer, Fixture, call};

const POOLS: &str = "/v1/projects/harbour-sandbox/locations/global/workloadIdentityPools";
const ACCOUNTS: &str = "/v1/projects/harbour-sandbox/serviceAccounts";

struct Iam {
    fixture: Fixture,
    router: axum::Router,
}

impl Iam {
    async fn with_pool() -> Self {
        let fixture = Fixture::new().with_pool().await;
        let router = super::router(fixture.world.clone());
        Self { fixture, router }
    }

    async fn admin(&self, method: &str, path: &str, body: Value) -> Answer {
        call(&self.router, (method, path), &self.fixture.admin(), body).await
    }

    async fn get(&self, path: &str) -> Value {
        self.admin("GET", path, Value::Null).await.json()
    }
}

fn provider() -> Value {
    json!({
        "attributeMapping": { "google.subject": "assertion.sub" },
        "attributeCondition": "assertion.tid == 'a'",
        "oidc": { "issuerUri": "https://127.0.0.1:1/t/v2.0", "allowedAudiences": ["a"] },
    })
}

#[tokio::test]
async fn a_change_is_an_operation_that_is_done_when_asked_about() {
    let iam = Iam::with_pool().await;
    let begun = iam
        .admin("POST", &format!("{POOLS}?workloadIdentityPoolId=other"), json!({ "displayName": "O" }))
        .await;
    let begun = begun.json();
    let name = begun["name"].as_str().unwrap();
    assert!(
        name.starts_with("projects/412907655821/locations/global/workloadIdentityPools/other/operations/")
    );
    assert_eq!(begun.get("done"), None);
    let done = iam.get(&format!("/v1/{name}?$alt=json;enum-encoding=int")).await;
    assert_eq!(done["done"], true);
    assert_eq!(done["response"]["displayName"], "O");
    assert_eq!(done["response"]["state"], "ACTIVE");
}

#[tokio::test]
async fn a_deleted_pool_holds_its_name_until_it_is_undeleted() {
    let iam = Iam::with_pool().await;
    let path = format!("{POOLS}/quay");
    assert_eq!(iam.admin("DELETE", &path, Value::Null).await.status, 200);
    let gone = iam.get(&path).await;
    assert_eq!(gone["state"], "DELETED");
    assert!(gone["expireTime"].is_string());
    assert_eq!(iam.get(&format!("{POOLS}?showDeleted=&pageToken=")).await, json!({}));
    assert_eq!(
        iam.get(&format!("{POOLS}?showDeleted=true")).await["workloadIdentityPools"][0]["name"],
        gone["name"]
    );
    let again = iam.admin("POST", &format!("{POOLS}?workloadIdentityPoolId=quay"), json!({})).await;
    assert_eq!((again.status.as_u16(), again.message().as_str()), (409, "Requested entity already exists"));
    assert_eq!(again.json()["error"]["status"], "ALREADY_EXISTS");
    assert_eq!(iam.admin("DELETE", &path, Value::Null).await.status, 404);
    assert_eq!(iam.admin("POST", &format!("{path}:undelete"), json!({})).await.status, 200);
    assert_eq!(iam.get(&path).await["state"], "ACTIVE");
    assert_eq!(iam.admin("POST", &format!("{path}:undelete"), json!({})).await.status, 400);
}

#[tokio::test]
async fn what_was_deleted_is_gone_after_thirty_days() {
    let iam = Iam::with_pool().await;
    let path = format!("{POOLS}/quay");
    iam.admin("DELETE", &path, Value::Null).await;
    iam.fixture.world.clock.advance(std::time::Duration::from_hours(30 * 24 + 1));
    assert_eq!(iam.admin("GET", &path, Value::Null).await.status, 404);
    assert_eq!(
        iam.admin("POST", &format!("{POOLS}?workloadIdentityPoolId=quay"), json!({})).await.status,
        200
    );
}

#[tokio::test]
async fn a_provider_is_patched_by_its_mask() {
    let iam = Iam::with_pool().await;
    let create = format!("{POOLS}/quay/providers?workloadIdentityPoolProviderId=azure");
    assert_eq!(iam.admin("POST", &create, provider()).await.status, 200);
    let path = format!("{POOLS}/quay/providers/azure");
    let change = json!({ "oidc": { "allowedAudiences": ["b", "c"] }, "attributeCondition": "" });
    let masked = format!("{path}?updateMask=oidc.allowed_audiences,description");
    assert_eq!(iam.admin("PATCH", &masked, change).await.status, 200);
    let after = iam.get(&path).await;
    assert_eq!(
        after["oidc"],
        json!({ "issuerUri": "https://127.0.0.1:1/t/v2.0", "allowedAudiences": ["b", "c"] })
    );
    assert_eq!(after["attributeCondition"], "assertion.tid == 'a'");
    assert_eq!(
        after["name"],
        "projects/412907655821/locations/global/workloadIdentityPools/quay/providers/azure"
    );
    for path in [path.clone(), format!("{path}?updateMask=name"), format!("{path}?updateMask=oidc.jwks_uri")]
    {
        assert_eq!(iam.admin("PATCH", &path, json!({})).await.status, 400, "{path}");
    }
}

#[tokio::test]
async fn a_provider_that_google_would_refuse_is_refused() {
    let iam = Iam::with_pool().await;
    let mut http = provider();
    http["oidc"]["issuerUri"] = json!("http://127.0.0.1/");
    let mut unmapped = provider();
    unmapped["attributeMapping"] = json!({ "attribute.a": "assertion.sub" });
    let mut long = provider();
    long["displayName"] = json!("x".repeat(33));
    let table = [
        (http, "Invalid OIDC issuer URI. The scheme must be https."),
        (unmapped, "The attribute mapping must map google.subject."),
        (long, "display name must be less than or equal to 32 characters"),
    ];
    let create = format!("{POOLS}/quay/providers?workloadIdentityPoolProviderId=azure");
    for (body, text) in table {
        let answer = iam.admin("POST", &create, body).await;
        assert_eq!((answer.status.as_u16(), answer.message().as_str()), (400, text));
        assert_eq!(answer.json()["error"]["details"][0]["fieldViolations"][0]["description"], text);
    }
    let missing = iam.admin("POST", &create.replace("quay", "nowhere"), provider()).await;
    assert_eq!(missing.status, 404);
    let bad_id = iam.admin("POST", &create.replace("=azure", "=gcp-azure"), provider()).await;
    assert_eq!(bad_id.status, 400);
}

#[tokio::test]
async fn the_refusal_names_permission_and_resource() {
    let iam = Iam::with_pool().await;
    let nobody = iam.fixture.nobody();
    let table = [
        (
            ("POST", format!("{POOLS}?workloadIdentityPoolId=some")),
            "Permission 'iam.workloadIdentityPools.create' denied on resource \
             '//iam.googleapis.com/projects/harbour-sandbox/locations/global' (or it may not exist).",
        ),
        (
            ("DELETE", format!("{POOLS}/quay/providers/azure")),
            "Permission 'iam.workloadIdentityPoolProviders.delete' denied on resource \
             '//iam.googleapis.com/projects/harbour-sandbox/locations/global/workloadIdentityPools/quay/providers/azure' \
             (or it may not exist).",
        ),
        (
            ("GET", format!("{POOLS}/quay/providers")),
            "Permission 'iam.workloadIdentityPoolProviders.list' denied on resource \
             '//iam.googleapis.com/projects/harbour-sandbox/locations/global/workloadIdentityPools/quay' \
             (or it may not exist).",
        ),
        (
            ("GET", format!("{POOLS}/quay").replace("harbour-sandbox", "elsewhere")),
            "Permission 'iam.workloadIdentityPools.get' denied on resource \
             '//iam.googleapis.com/projects/elsewhere/locations/global/workloadIdentityPools/quay' (or it may not exist).",
        ),
        (
            ("GET", format!("{ACCOUNTS}/absent@harbour-sandbox.iam.gserviceaccount.com")),
            "Permission 'iam.serviceAccounts.get' denied on resource (or it may not exist).",
        ),
    ];
    for ((method, path), text) in table {
        let answer = call(&iam.router, (method, &path), &nobody, json!({})).await;
        assert_eq!((answer.status.as_u16(), answer.message().as_str()), (403, text), "{path}");
        assert_eq!(answer.json()["error"]["details"][0]["reason"], "IAM_PERMISSION_DENIED");
    }
}

#[tokio::test]
async fn service_accounts_come_and_go() {
    let iam = Iam::with_pool().await;
    let body = json!({ "accountId": "gp-oncology", "serviceAccount": { "displayName": "Oncology" } });
    let made = iam.admin("POST", ACCOUNTS, body.clone()).await.json();
    let email = "gp-oncology@harbour-sandbox.iam.gserviceaccount.com";
    assert_eq!(made["email"], email);
    assert_eq!(made["name"], format!("projects/harbour-sandbox/serviceAccounts/{email}"));
    assert_eq!(made["uniqueId"].as_str().unwrap().len(), 21);
    let again = iam.admin("POST", ACCOUNTS, body.clone()).await;
    assert_eq!(again.status, 409);
    assert_eq!(
        again.message(),
        "Service account gp-oncology already exists within project projects/harbour-sandbox."
    );
    let patch = json!({ "serviceAccount": { "description": "gangplank:demo" }, "updateMask": "description" });
    let patched = iam.admin("PATCH", &format!("{ACCOUNTS}/{email}"), patch).await.json();
    assert_eq!(
        (&patched["description"], &patched["displayName"]),
        (&json!("gangplank:demo"), &json!("Oncology"))
    );
    let by_number =
        iam.get(&format!("/v1/projects/-/serviceAccounts/{}", made["uniqueId"].as_str().unwrap())).await;
    assert_eq!(by_number["email"], email);
    assert_eq!(iam.admin("DELETE", &format!("{ACCOUNTS}/{email}"), Value::Null).await.status, 200);
    let absent = iam.admin("GET", &format!("{ACCOUNTS}/{email}"), Value::Null).await;
    assert_eq!((absent.status.as_u16(), absent.message().as_str()), (404, "Unknown service account"));
    let short = iam.admin("POST", ACCOUNTS, json!({ "accountId": "gp" })).await;
    assert_eq!(short.status, 400);
    let reborn = iam.admin("POST", ACCOUNTS, body).await.json();
    assert_ne!(reborn["uniqueId"], made["uniqueId"]);
}

#[tokio::test]
async fn policies_take_only_members_and_roles_that_exist() {
    let iam = Iam::with_pool().await;
    iam.admin("POST", ACCOUNTS, json!({ "accountId": "gp-oncology" })).await;
    let path = format!("{ACCOUNTS}/gp-oncology@harbour-sandbox.iam.gserviceaccount.com");
    let set = |role: &str, member: &str| json!({ "policy": { "bindings": [{ "role": role, "members": [member] }] } });
    let user = "roles/iam.workloadIdentityUser";
    let pool = "iam.googleapis.com/projects/412907655821/locations/global/workloadIdentityPools";
    let table = [
        (set(user, &format!("principal://{pool}/quay/subject/oid")), 200, ""),
        (set(user, "serviceAccount:harbour-sandbox.svc.id.goog[ci/ci]"), 200, ""),
        (set(user, &format!("principal://{pool}/nowhere/subject/oid")), 400, "Identity Pool does not exist"),
        (
            set(
                user,
                &format!("principal://{}/quay/subject/oid", pool.replace("412907655821", "harbour-sandbox")),
            ),
            200,
            "",
        ),
        (
            set(user, "serviceAccount:absent@harbour-sandbox.iam.gserviceaccount.com"),
            400,
            "Service account absent@harbour-sandbox.iam.gserviceaccount.com does not exist.",
        ),
        (set("roles/made.up", "user:a@b.c"), 400, "Role roles/made.up is not supported for this resource."),
    ];
    for (body, status, text) in table {
        let answer = iam.admin("POST", &format!("{path}:setIamPolicy"), body).await;
        assert_eq!(answer.status, status, "{}", answer.message());
        assert!(answer.message().starts_with(text), "{}", answer.message());
    }
    let policy = iam.admin("POST", &format!("{path}:getIamPolicy"), json!({})).await.json();
    let options = json!({ "options": { "requestedPolicyVersion": 3 } });
    let answer = iam.admin("POST", &format!("{path}:getIamPolicy"), options).await;
    assert_eq!(answer.status, 400, "the options belong into the query");
    let asked = format!("{path}:getIamPolicy?options.requestedPolicyVersion=3");
    assert_eq!(iam.admin("POST", &asked, json!({})).await.status, 200);
    let stale = json!({ "policy": { "etag": "ACAB", "bindings": [] } });
    let answer = iam.admin("POST", &format!("{path}:setIamPolicy"), stale).await;
    assert_eq!((answer.status.as_u16(), &answer.json()["error"]["status"]), (409, &json!("ABORTED")));
    let fresh = json!({ "policy": { "etag": policy["etag"], "bindings": [] } });
    assert_eq!(iam.admin("POST", &format!("{path}:setIamPolicy"), fresh).await.status, 200);
    let asked = json!({ "permissions": ["iam.serviceAccounts.get", "iam.serviceAccounts.getAccessToken"] });
    let held =
        call(&iam.router, ("POST", &format!("{path}:testIamPermissions")), &iam.fixture.nobody(), asked)
            .await;
    assert_eq!(held.json(), json!({}));
}

#[tokio::test]
async fn nobody_gets_in_without_a_good_token() {
    let iam = Iam::with_pool().await;
    let answer = call(&iam.router, ("GET", ACCOUNTS), "ya29.made-up", Value::Null).await;
    assert_eq!(answer.status, 401);
    assert!(
        answer
            .message()
            .starts_with("Request had invalid authentication credentials. Expected OAuth 2 access token")
    );
    let token = iam.fixture.admin();
    iam.fixture.world.clock.advance(std::time::Duration::from_hours(1));
    let answer = call(&iam.router, ("GET", ACCOUNTS), &token, Value::Null).await;
    assert_eq!(answer.json()["error"]["details"][0]["reason"], "ACCESS_TOKEN_EXPIRED");
    let disabled =
        iam.admin("PATCH", &format!("{POOLS}/quay?updateMask=disabled"), json!({ "disabled": true })).await;
    assert_eq!(disabled.status, 200);
    assert_eq!(
        call(&iam.router, ("GET", ACCOUNTS), &iam.fixture.federated("x"), Value::Null).await.status,
        401
    );
}

#[tokio::test]
async fn the_organisation_refuses_with_the_constraint_in_the_details() {
    use crate::google::Constraint;
    let iam = Iam::with_pool().await;
    let google = &iam.fixture.world.google;
    google.constrain(vec![
        Constraint::Issuers(vec!["https://other".to_owned()]),
        Constraint::NoNewServiceAccounts,
        Constraint::Customers(Vec::new()),
    ]);
    let create = format!("{POOLS}/quay/providers?workloadIdentityPoolProviderId=azure");
    let account = json!({ "accountId": "gp-oncology" });
    let policy = json!({ "policy": { "bindings": [
        { "role": "roles/iam.workloadIdentityUser", "members": ["user:eve@elsewhere.example"] }] } });
    let nodes = format!("{ACCOUNTS}/{}:setIamPolicy", crate::seed::NODE_SERVICE_ACCOUNT);
    for (path, body, constraint, words) in [
        (create.as_str(), provider(), "iam.workloadIdentityPoolProviders", "Precondition check failed."),
        (
            ACCOUNTS,
            account,
            "iam.disableServiceAccountCreation",
            "Service account creation is not allowed on this project.",
        ),
        (
            nodes.as_str(),
            policy,
            "iam.allowedPolicyMemberDomains",
            "One or more users named in the policy do not belong to a permitted customer.",
        ),
    ] {
        let refused = iam.admin("POST", path, body).await;
        assert_eq!((refused.status.as_u16(), refused.message().as_str()), (400, words));
        let error = &refused.json()["error"];
        assert_eq!(error["status"], "FAILED_PRECONDITION");
        assert_eq!(error["details"][0]["violations"][0]["type"], format!("constraints/{constraint}"));
    }
}

#[tokio::test]
async fn an_api_that_is_off_says_how_to_switch_it_on() {
    let iam = Iam::with_pool().await;
    iam.fixture.world.google.switch_api("iam.googleapis.com", false);
    let refused = iam.admin("GET", POOLS, Value::Null).await;
    assert_eq!(refused.status.as_u16(), 403);
    let message = "Identity and Access Management (IAM) API has not been used in project 412907655821 before or it is disabled.";
    assert!(refused.message().starts_with(message), "{}", refused.message());
    let details = &refused.json()["error"]["details"];
    assert_eq!(details[0]["@type"], "type.googleapis.com/google.rpc.Help");
    assert_eq!(
        (&details[1]["reason"], &details[1]["domain"]),
        (&json!("SERVICE_DISABLED"), &json!("googleapis.com"))
    );
    assert_eq!(details[1]["metadata"]["consumer"], "projects/412907655821");
    iam.fixture.world.google.switch_api("iam.googleapis.com", true);
    assert_eq!(iam.admin("GET", POOLS, Value::Null).await.status, 200);
}
