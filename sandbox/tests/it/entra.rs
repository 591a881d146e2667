//! The token endpoint: who gets a token of which shape, and in which words the others are refused.

use reqwest::Method;
use serde_json::{Value, json};

use crate::quay::sandbox::azure::directory::{FederatedCredential, Group};
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
    // Bound, so that nobody else gets the port, and never listening.
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let gone = format!("http://{}", socket.local_addr().unwrap());
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

/// A token of cellar-ci for the resource, by its secret.
async fn ask_as_cellar(quay: &Quay) -> (u16, Value) {
    let secret = quay.sandbox.world.azure.client_secret(seed::CELLAR_CI.client_id).unwrap();
    let scope = format!("api://{}/gangplank-bridge/.default", seed::TENANT);
    let fields = [("client_secret", secret.as_str()), ("scope", scope.as_str())];
    let (status, body) = quay.ask(seed::CELLAR_CI.client_id, &fields).await;
    (status.as_u16(), body)
}

/// The claims of such a token.
async fn cellar_claims(quay: &Quay) -> Value {
    let (status, body) = ask_as_cellar(quay).await;
    assert_eq!(status, 200, "{body}");
    claims(body["access_token"].as_str().unwrap())
}

#[tokio::test]
async fn groups_are_transitive_asked_for_and_left_out_above_two_hundred() {
    let quay = Quay::new().await;
    let (object_id, _, principal) = resource(&quay, Some(2)).await;
    let group = |number: usize, members: Vec<String>| Group {
        id: format!("00000000-0000-4000-8000-{number:012}"),
        display_name: format!("group-{number}"),
        security_enabled: true,
        members,
    };
    {
        let mut directory = quay.sandbox.world.azure.directory();
        let inner = group(1, vec![seed::CELLAR_CI.object_id.to_owned()]);
        let outer = group(2, vec![inner.id.clone()]);
        directory.groups.extend([inner, outer]);
    }
    let ask_for = async |kinds: Value| {
        let body = json!({ "groupMembershipClaims": kinds });
        quay.graph(Method::PATCH, &format!("applications/{object_id}"), Some(body)).await.0.as_u16()
    };
    assert!(cellar_claims(&quay).await.get("groups").is_none());
    assert_eq!(ask_for(json!("Everything")).await, 400);
    assert_eq!(ask_for(json!("SecurityGroup")).await, 204);
    assert_eq!(cellar_claims(&quay).await["groups"].as_array().unwrap().len(), 2);
    assert_eq!(ask_for(json!("ApplicationGroup")).await, 204);
    assert!(cellar_claims(&quay).await.get("groups").is_none());
    let body = json!({ "principalId": "00000000-0000-4000-8000-000000000002", "resourceId": principal,
        "appRoleId": "00000000-0000-0000-0000-000000000000" });
    let path = format!("servicePrincipals/{principal}/appRoleAssignedTo");
    assert_eq!(quay.graph(Method::POST, &path, Some(body)).await.0, 201);
    let assigned = cellar_claims(&quay).await["groups"].clone();
    assert_eq!(assigned, json!(["00000000-0000-4000-8000-000000000002"]));

    assert_eq!(ask_for(json!("All")).await, 204);
    let more = (3..=201).map(|number| group(number, vec![seed::CELLAR_CI.object_id.to_owned()]));
    quay.sandbox.world.azure.directory().groups.extend(more);
    let too_many = cellar_claims(&quay).await;
    assert!(too_many.get("groups").is_none());
    assert_eq!(too_many["_claim_names"], json!({ "groups": "src1" }));
    let endpoint = too_many["_claim_sources"]["src1"]["endpoint"].as_str().unwrap();
    assert!(endpoint.ends_with(&format!("{}/getMemberObjects", seed::CELLAR_CI.object_id)), "{endpoint}");
    quay.sandbox.world.azure.directory().groups.pop();
    assert_eq!(cellar_claims(&quay).await["groups"].as_array().unwrap().len(), 200);
}

#[tokio::test]
async fn policies_disabled_principals_and_foreign_applications_are_refused() {
    let quay = Quay::new().await;
    let (_, _, principal) = resource(&quay, Some(2)).await;
    let block = |blocked: bool| {
        let mut directory = quay.sandbox.world.azure.directory();
        let of = directory.service_principals.iter_mut().find(|it| it.id == seed::CELLAR_CI.object_id);
        of.unwrap().blocked_by_policy = blocked;
    };
    block(true);
    let (status, body) = ask_as_cellar(&quay).await;
    assert_eq!((status, &body["error_codes"]), (400, &json!([53003])));
    block(false);

    let switch = async |id: &str, enabled: bool| {
        let body = json!({ "accountEnabled": enabled });
        quay.graph(Method::PATCH, &format!("servicePrincipals/{id}"), Some(body)).await
    };
    switch(&principal, false).await;
    assert_eq!(ask_as_cellar(&quay).await.1["error_codes"], json!([500_014]));
    switch(&principal, true).await;
    switch(seed::CELLAR_CI.object_id, false).await;
    assert_eq!(ask_as_cellar(&quay).await.1["error_codes"], json!([7_000_112]));

    let fields = [("client_secret", "x"), ("scope", "https://management.azure.com/.default")];
    let (_, body) = quay.ask(seed::FOREIGN_APPLICATION, &fields).await;
    assert_eq!(body["error_codes"], json!([7_000_229]), "{body}");
}

#[tokio::test]
async fn a_new_federated_credential_counts_after_a_while() {
    let quay = Quay::new().await;
    quay.sandbox.world.azure.set_propagation(120);
    let issuer = Issuer::new().await;
    let token = issuer.token("somebody", EXCHANGE, quay.sandbox.world.clock.seconds());
    let (_, body) = present(&quay, &issuer.url, "somebody", &token).await;
    assert_eq!(body["error_codes"], json!([700_211]), "{body}");
    quay.sandbox.world.clock.advance(std::time::Duration::from_secs(121));
    let fields = [
        ("client_assertion", token.as_str()),
        ("client_assertion_type", JWT),
        ("scope", "https://management.azure.com/.default"),
    ];
    let (status, body) = quay.ask(seed::ONCOLOGY_CI.client_id, &fields).await;
    assert_eq!(status, 200, "{body}");
}

#[tokio::test]
async fn a_user_assigned_identity_logs_in_by_federation_too() {
    let quay = Quay::new().await;
    let issuer = Issuer::new().await;
    let now = quay.sandbox.world.clock.now();
    let credential = FederatedCredential {
        id: "1".to_owned(),
        name: "pod".to_owned(),
        issuer: issuer.url.clone(),
        subject: "system:serviceaccount:a:b".to_owned(),
        audiences: vec![EXCHANGE.to_owned()],
        description: None,
        created: now,
    };
    quay.sandbox
        .world
        .azure
        .directory()
        .managed_identity_mut(seed::TRAINER.client_id)
        .unwrap()
        .federated_credentials
        .push(credential);
    let token = issuer.token("system:serviceaccount:a:b", EXCHANGE, now.as_second());
    let fields = [
        ("client_assertion", token.as_str()),
        ("client_assertion_type", JWT),
        ("scope", "https://management.azure.com/.default"),
    ];
    let (status, body) = quay.ask(seed::TRAINER.client_id, &fields).await;
    assert_eq!(status, 200, "{body}");
    let claims = claims(body["access_token"].as_str().unwrap());
    assert_eq!((&claims["oid"], body["expires_in"].as_i64()), (&json!(seed::TRAINER.object_id), Some(3599)));
}

#[tokio::test]
async fn graph_and_resource_manager_go_by_their_addresses_too() {
    let quay = Quay::new().await;
    let addresses = quay.sandbox.addresses();
    for (address, audience) in [
        (addresses.graph, "https://graph.microsoft.com"),
        (addresses.resource_manager, "https://management.azure.com"),
    ] {
        for slash in ["", "/"] {
            let token = quay.token(&seed::STRANGER, &format!("https://{address}{slash}")).await;
            assert_eq!(claims(&token)["aud"], audience);
        }
    }
}
