//! The token endpoint: who gets a token of which shape, and in which words the others are refused.

use reqwest::Method;
use serde_json::{Value, json};

use crate::quay::sandbox::{seed, signing};
use crate::quay::{Issuer, Quay, reply};

const EXCHANGE: &str = "api://AzureADTokenExchange";
const JWT: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// Registers an application with one role and a service principal; returns its id, client id, principal id.
async fn resource(quay: &Quay, version: Option<u8>) -> (String, String, String) {
    let body = json!({
        "displayName": "gangplank-bridge",
        "identifierUris": [format!("api://{}/gangplank-bridge", seed::TENANT)],
        "api": { "requestedAccessTokenVersion": version },
        "appRoles": [{
            "id": "11111111-2222-4333-8444-555555555555", "value": "Cellar.Deployer", "displayName": "Cellar",
            "description": "deploys", "allowedMemberTypes": ["Application"], "isEnabled": true,
        }],
    });
    let (status, application) = quay.graph(Method::POST, "applications", Some(body)).await;
    assert_eq!(status, 201, "{application}");
    let app_id = application["appId"].as_str().unwrap().to_owned();
    let (status, principal) =
        quay.graph(Method::POST, "servicePrincipals", Some(json!({ "appId": app_id }))).await;
    assert_eq!(status, 201, "{principal}");
    (application["id"].as_str().unwrap().to_owned(), app_id, principal["id"].as_str().unwrap().to_owned())
}

async fn give_role(quay: &Quay, resource: &str) {
    let body = json!({
        "principalId": seed::CELLAR_CI.object_id, "resourceId": resource,
        "appRoleId": "11111111-2222-4333-8444-555555555555",
    });
    let path = format!("servicePrincipals/{resource}/appRoleAssignedTo");
    let (status, body) = quay.graph(Method::POST, &path, Some(body)).await;
    assert_eq!(status, 201, "{body}");
}

fn claims(token: &str) -> Value {
    signing::peek(token).unwrap()
}

#[tokio::test]
async fn the_resource_decides_the_version_and_roles_are_carried() {
    let quay = Quay::new().await;
    let (_, app_id, principal) = resource(&quay, Some(2)).await;
    give_role(&quay, &principal).await;
    let uri = format!("api://{}/gangplank-bridge", seed::TENANT);
    let token = quay.token(&seed::CELLAR_CI, &uri).await;
    let claims = claims(&token);
    let entra = quay.sandbox.addresses().entra;
    assert_eq!(claims["iss"], format!("https://{entra}/{}/v2.0", seed::TENANT));
    assert_eq!((&claims["aud"], &claims["ver"]), (&json!(app_id), &json!("2.0")));
    assert_eq!((&claims["azp"], &claims["azpacr"]), (&json!(seed::CELLAR_CI.client_id), &json!("1")));
    assert_eq!(claims["oid"], seed::CELLAR_CI.object_id);
    assert_eq!(claims["sub"], seed::CELLAR_CI.object_id);
    assert_eq!(claims["roles"], json!(["Cellar.Deployer"]));
    assert!(quay.sandbox.world.minted.all().contains(&token));

    // The key set of the discovery document verifies it.
    let keys = signing::fetch_key_set(&quay.client, claims["iss"].as_str().unwrap()).await.unwrap();
    assert!(signing::verify(&keys, &token).is_ok());
}

#[tokio::test]
async fn a_version_1_resource_gets_version_1_tokens_from_the_same_endpoint() {
    let quay = Quay::new().await;
    let (_, app_id, _) = resource(&quay, None).await;
    let claims = claims(&quay.token(&seed::STRANGER, &app_id).await);
    let entra = quay.sandbox.addresses().entra;
    assert_eq!(claims["iss"], format!("https://{entra}/{}/", seed::TENANT));
    assert_eq!((&claims["aud"], &claims["ver"]), (&json!(app_id), &json!("1.0")));
    assert_eq!((&claims["appid"], &claims["idtyp"]), (&json!(seed::STRANGER.client_id), &json!("app")));
    assert!(claims.get("roles").is_none() && claims.get("azp").is_none());
    let keys = signing::fetch_key_set(&quay.client, claims["iss"].as_str().unwrap()).await.unwrap();
    assert!(keys["keys"][0]["n"].is_string());
}

#[tokio::test]
async fn refusals_have_number_error_status_and_words() {
    let quay = Quay::new().await;
    let secret = quay.sandbox.world.azure.client_secret(seed::STRANGER.client_id).unwrap();
    let arm = "https://management.azure.com/.default";
    let cases = [
        ("nobody", vec![("client_secret", "x"), ("scope", arm)], 400, 700_016, "unauthorized_client"),
        (
            seed::STRANGER.client_id,
            vec![("client_secret", "x"), ("scope", arm)],
            401,
            7_000_215,
            "invalid_client",
        ),
        (
            seed::STRANGER.client_id,
            vec![("client_secret", &secret), ("scope", "api://nowhere/.default")],
            400,
            500_011,
            "invalid_resource",
        ),
        (
            seed::STRANGER.client_id,
            vec![("client_secret", &secret), ("scope", "https://management.azure.com")],
            400,
            1_002_012,
            "invalid_scope",
        ),
        (seed::STRANGER.client_id, vec![("client_secret", &secret)], 400, 900_144, "invalid_request"),
        (
            seed::ONCOLOGY_CI.client_id,
            vec![("client_assertion", "rubbish"), ("client_assertion_type", JWT), ("scope", arm)],
            401,
            50027,
            "invalid_client",
        ),
    ];
    for (client, fields, status, code, error) in cases {
        let (got, body) = quay.ask(client, &fields).await;
        assert_eq!(
            (got.as_u16(), &body["error_codes"], &body["error"]),
            (status, &json!([code]), &json!(error))
        );
        let text = body["error_description"].as_str().unwrap();
        assert!(text.starts_with(&format!("AADSTS{code}: ")) && text.contains(" Trace ID: "), "{text}");
        assert!(body["error_uri"].as_str().unwrap().ends_with(&format!("/error?code={code}")));
    }
    let url = format!("https://{}/contoso.example/oauth2/v2.0/token", quay.sandbox.addresses().entra);
    let (status, body) = reply(quay.client.post(url).body("grant_type=client_credentials")).await;
    assert_eq!((status.as_u16(), &body["error_codes"]), (400, &json!([90002])));
}

#[tokio::test]
async fn secrets_end() {
    let quay = Quay::new().await;
    let secret = quay.sandbox.world.azure.client_secret(seed::STRANGER.client_id).unwrap();
    quay.sandbox.world.clock.advance(std::time::Duration::from_hours(24 * 91));
    let scope = "https://management.azure.com/.default";
    let (status, body) =
        quay.ask(seed::STRANGER.client_id, &[("client_secret", &secret), ("scope", scope)]).await;
    assert_eq!((status.as_u16(), &body["error_codes"]), (401, &json!([7_000_222])));
}

/// Trusts `issuer` for `subject` on oncology-ci, then presents `token`.
async fn present(quay: &Quay, issuer: &str, subject: &str, token: &str) -> (u16, Value) {
    let body = json!({ "name": "outside", "issuer": issuer, "subject": subject, "audiences": [EXCHANGE] });
    let path =
        format!("applications/{}/federatedIdentityCredentials", seed::ONCOLOGY_CI.application_object_id);
    let (status, body) = quay.graph(Method::POST, &path, Some(body)).await;
    assert_eq!(status, 201, "{body}");
    let fields = [
        ("client_assertion", token),
        ("client_assertion_type", JWT),
        ("scope", "https://management.azure.com/.default"),
    ];
    let (status, body) = quay.ask(seed::ONCOLOGY_CI.client_id, &fields).await;
    (status.as_u16(), body)
}

#[tokio::test]
async fn a_federated_assertion_is_verified_at_its_issuer() {
    let quay = Quay::new().await;
    let issuer = Issuer::new().await;
    let now = quay.sandbox.world.clock.seconds();
    let token = issuer.token("somebody", EXCHANGE, now);
    let (status, body) = present(&quay, &issuer.url, "somebody", &token).await;
    assert_eq!(status, 200, "{body}");
    let claims = claims(body["access_token"].as_str().unwrap());
    assert_eq!((&claims["oid"], &claims["appidacr"]), (&json!(seed::ONCOLOGY_CI.object_id), &json!("2")));
    assert_eq!(claims["aud"], "https://management.azure.com");
}

#[tokio::test]
async fn the_pipelines_token_of_the_cluster_is_a_log_in() {
    let quay = Quay::new().await;
    let token = std::fs::read_to_string(quay.sandbox.folder().join("oncology-ci.token")).unwrap();
    let fields = [
        ("client_assertion", token.as_str()),
        ("client_assertion_type", JWT),
        ("scope", "https://management.azure.com/.default"),
    ];
    let (status, body) = quay.ask(seed::ONCOLOGY_CI.client_id, &fields).await;
    assert_eq!(status, 200, "{body}");
}

#[tokio::test]
async fn federated_assertions_are_refused_in_entras_words() {
    let quay = Quay::new().await;
    let (issuer, imposter) = (Issuer::new().await, Issuer::new().await);
    let now = quay.sandbox.world.clock.seconds();
    let forged = {
        let genuine = issuer.token("somebody", EXCHANGE, now);
        let other = issuer.token("somebody-else", EXCHANGE, now);
        format!("{}.{}", genuine.rsplit_once('.').unwrap().0, other.rsplit_once('.').unwrap().1)
    };
    let foreign_key = imposter.key.sign(&json!({
        "iss": issuer.url, "sub": "somebody", "aud": EXCHANGE, "iat": now, "exp": now + 60,
    }));
    let cases = [
        (imposter.token("somebody", EXCHANGE, now), 700_211),
        (issuer.token("somebody-else", EXCHANGE, now), 700_213),
        (issuer.token("Somebody", EXCHANGE, now), 7_002_138),
        (issuer.token("somebody", "api://other", now), 700_212),
        (issuer.token("somebody", EXCHANGE, now - 7200), 700_024),
        (forged, 7_000_274),
        (foreign_key.unwrap(), 7_000_272),
    ];
    let (status, _) = present(&quay, &issuer.url, "somebody", &issuer.token("somebody", EXCHANGE, now)).await;
    assert_eq!(status, 200);
    for (token, code) in cases {
        let fields = [
            ("client_assertion", token.as_str()),
            ("client_assertion_type", JWT),
            ("scope", "https://management.azure.com/.default"),
        ];
        let (status, body) = quay.ask(seed::ONCOLOGY_CI.client_id, &fields).await;
        assert_eq!((status.as_u16(), &body["error_codes"]), (401, &json!([code])), "{body}");
    }
}

#[tokio::test]
async fn an_unreachable_issuer_and_entras_own_tokens_are_no_proof() {
    let quay = Quay::new().await;
    let now = quay.sandbox.world.clock.seconds();
    let gone = {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        format!("http://{}", listener.local_addr().unwrap())
    };
    let mut issuer = Issuer::new().await;
    issuer.url.clone_from(&gone);
    let (status, body) = present(&quay, &gone, "somebody", &issuer.token("somebody", EXCHANGE, now)).await;
    assert_eq!((status, &body["error_codes"]), (400, &json!([50166])), "{body}");

    let own = quay.administrator("management");
    let fields =
        [("client_assertion", own.as_str()), ("client_assertion_type", JWT), ("scope", "api://x/.default")];
    let (_, body) = quay.ask(seed::ONCOLOGY_CI.client_id, &fields).await;
    assert_eq!(body["error_codes"], json!([700_222]));
}

#[tokio::test]
async fn an_application_without_credentials_says_so_and_assignment_can_be_required() {
    let quay = Quay::new().await;
    let issuer = Issuer::new().await;
    let token = issuer.token("somebody", EXCHANGE, quay.sandbox.world.clock.seconds());
    let fields =
        [("client_assertion", token.as_str()), ("client_assertion_type", JWT), ("scope", "api://x/.default")];
    let (_, body) = quay.ask(seed::STRANGER.client_id, &fields).await;
    assert_eq!(body["error_codes"], json!([70025]));

    let (_, app_id, principal) = resource(&quay, Some(2)).await;
    let body = json!({ "appRoleAssignmentRequired": true });
    quay.graph(Method::PATCH, &format!("servicePrincipals/{principal}"), Some(body)).await;
    let secret = quay.sandbox.world.azure.client_secret(seed::CELLAR_CI.client_id).unwrap();
    let scope = format!("api://{}/gangplank-bridge/.default", seed::TENANT);
    let fields = [("client_secret", secret.as_str()), ("scope", scope.as_str())];
    let (_, refused) = quay.ask(seed::CELLAR_CI.client_id, &fields).await;
    assert_eq!(refused["error_codes"], json!([501_051]), "{refused} {app_id}");
    give_role(&quay, &principal).await;
    let (status, _) = quay.ask(seed::CELLAR_CI.client_id, &fields).await;
    assert_eq!(status, 200);
}
