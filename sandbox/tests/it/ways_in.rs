//! Every way in: managed identities by their host, pipelines' issuers, Google's metadata server, certificates.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::quay::sandbox::google::MetadataCaller;
use crate::quay::sandbox::{pipelines, seed, signing};
use crate::quay::{Quay, Reply, reply};

const JWT: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
const ARM: &str = "https://management.azure.com/";
const EXCHANGE: &str = "api://AzureADTokenExchange";

/// Names and values of request headers.
type Headers<'a> = &'a [(&'a str, &'a str)];

/// What a file in the folder sets.
fn environment(quay: &Quay, name: &str) -> impl Fn(&str) -> String {
    let text = std::fs::read_to_string(quay.sandbox.folder().join(format!("{name}.env"))).unwrap();
    move |variable: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(&format!("export {variable}=")));
        line.unwrap_or_else(|| panic!("{variable} is not set: {text}")).trim_matches('\'').to_owned()
    }
}

async fn get(quay: &Quay, url: &str, headers: Headers<'_>) -> Reply {
    let request =
        headers.iter().fold(quay.client.get(url), |request, (name, value)| request.header(*name, *value));
    reply(request).await
}

/// Asks the instance metadata service with these query parameters beside the version.
async fn instance(quay: &Quay, query: &str) -> Reply {
    let address = quay.sandbox.addresses().instance_metadata;
    let url = format!("http://{address}/metadata/identity/oauth2/token?api-version=2018-02-01&{query}");
    get(quay, &url, &[("Metadata", "true")]).await
}

fn claims(reply: &Value) -> Value {
    signing::peek(reply["access_token"].as_str().unwrap()).unwrap()
}

#[tokio::test]
async fn a_host_hands_out_its_identities_tokens() {
    let quay = Quay::new().await;
    let (status, body) = instance(&quay, &format!("resource={ARM}")).await;
    assert_eq!(status, 200, "{body}");
    assert_eq!((&body["resource"], &body["client_id"]), (&json!(ARM), &json!(seed::HOLD.client_id)));
    assert!(body["expires_in"].as_str().unwrap().parse::<i64>().unwrap() > 86_000);
    let system = claims(&body);
    assert_eq!((&system["oid"], &system["aud"]), (&json!(seed::HOLD.object_id), &json!(ARM)));
    assert_eq!((&system["idtyp"], &system["appidacr"]), (&json!("app"), &json!("2")));
    assert_eq!(system["xms_mirid"], seed::hold_resource_id());

    for named in [
        format!("client_id={}", seed::TRAINER.client_id),
        format!("object_id={}", seed::TRAINER.object_id),
        format!("msi_res_id={}", seed::trainer_resource_id()),
        format!("mi_res_id={}", seed::trainer_resource_id()),
    ] {
        let (_, body) = instance(&quay, &format!("resource={ARM}&{named}")).await;
        assert_eq!(claims(&body)["oid"], seed::TRAINER.object_id, "{named}");
    }
}

#[tokio::test]
async fn the_instance_metadata_service_refuses_in_its_words() {
    let quay = Quay::new().await;
    let base =
        format!("http://{}/metadata/identity/oauth2/token", quay.sandbox.addresses().instance_metadata);
    let good = [("Metadata", "true")];
    let proxied = [("Metadata", "true"), ("X-Forwarded-For", "10.0.0.1")];
    let stranger = format!("?api-version=2018-02-01&resource={ARM}&client_id={}", seed::STRANGER.client_id);
    let full = format!("?api-version=2018-02-01&resource={ARM}");
    let unknown = "?api-version=2018-02-01&resource=api://nowhere";
    let cases: [(&str, Headers<'_>, &str, &str); 7] = [
        (&full, &[], "invalid_request", "Required metadata header not specified"),
        (&full, &proxied, "invalid_request", "Required metadata header not specified"),
        ("?resource=x", &good, "invalid_request", "Required query variable 'api-version' is missing"),
        (
            "?api-version=2018-02-01",
            &good,
            "invalid_request",
            "Required query variable 'resource' is missing",
        ),
        (&stranger, &good, "invalid_request", "Identity not found"),
        (unknown, &good, "invalid_resource", "AADSTS500011: The resource principal named api://nowhere"),
        ("?api-version=2009-01-01&resource=x", &good, "Bad request. api-version is invalid", ""),
    ];
    for (query, headers, error, description) in cases {
        let (status, body) = get(&quay, &format!("{base}{query}"), headers).await;
        assert_eq!(status, 400, "{query}");
        assert!(body["error"].as_str().unwrap().starts_with(error), "{body}");
        assert!(body["error_description"].as_str().unwrap_or_default().starts_with(description), "{body}");
    }
    {
        let mut host = quay.sandbox.world.azure.host();
        host.system_assigned = None;
        host.user_assigned.push(seed::HOLD.client_id.to_owned());
    }
    let (_, body) = instance(&quay, &format!("resource={ARM}")).await;
    assert!(
        body["error_description"].as_str().unwrap().starts_with("Multiple user assigned identities exist")
    );
}

#[tokio::test]
async fn a_role_change_is_not_seen_until_the_kept_token_ends() {
    let quay = Quay::new().await;
    let graph = "https://graph.microsoft.com";
    let ask = async || claims(&instance(&quay, &format!("resource={graph}")).await.1);
    let before = ask().await;
    assert!(before.get("roles").is_none());
    let service = "3b1f4c7e-90a2-4d5b-8c6e-7f0a1b2c3d02";
    let body = json!({ "principalId": seed::HOLD.object_id, "resourceId": service,
        "appRoleId": "9a5d68dd-52b0-4cc2-bd40-abcf44ac3a30" });
    let path = format!("servicePrincipals/{service}/appRoleAssignedTo");
    let (status, body) = quay.graph(Method::POST, &path, Some(body)).await;
    assert_eq!(status, 201, "{body}");
    quay.sandbox.world.clock.advance(Duration::from_hours(20));
    assert_eq!(ask().await["uti"], before["uti"]);
    quay.sandbox.world.clock.advance(Duration::from_hours(4));
    assert_eq!(ask().await["roles"], json!(["Application.Read.All"]));
}

#[tokio::test]
async fn app_service_and_azure_ml_have_forms_of_their_own() {
    let quay = Quay::new().await;
    let service = environment(&quay, "hold-app-service");
    let url = format!("{}?api-version=2019-08-01&resource={ARM}", service("IDENTITY_ENDPOINT"));
    let header = service("IDENTITY_HEADER");
    let (status, body) = get(&quay, &url, &[("X-IDENTITY-HEADER", &header)]).await;
    assert_eq!(status, 200, "{body}");
    assert_eq!(claims(&body)["oid"], seed::HOLD.object_id);
    assert!(body.get("expires_in").is_none() && body["expires_on"].is_string());
    assert_eq!(get(&quay, &url, &[("X-IDENTITY-HEADER", "wrong")]).await.0, 401);
    let other = format!("{url}&client_id={}", seed::STRANGER.client_id);
    let (status, body) = get(&quay, &other, &[("X-IDENTITY-HEADER", &header)]).await;
    assert_eq!((status.as_u16(), &body["statusCode"]), (400, &json!(400)));
    assert!(
        body["message"].as_str().unwrap().starts_with("No User Assigned or Delegated Managed Identity found")
    );

    let job = environment(&quay, "hold-job");
    let url = format!("{}?api-version=2017-09-01&resource={ARM}", job("MSI_ENDPOINT"));
    let url = format!("{url}&clientid={}", seed::TRAINER.client_id);
    let (status, body) = get(&quay, &url, &[("secret", &job("MSI_SECRET"))]).await;
    assert_eq!(status, 200, "{body}");
    assert_eq!(claims(&body)["oid"], seed::TRAINER.object_id);
    let (status, _) = get(&quay, &url, &[]).await;
    assert_eq!(status, 401);
}

/// Logs in as `client_id` with an assertion.
async fn log_in(quay: &Quay, client_id: &str, assertion: &str) -> Reply {
    let scope = format!("{ARM}.default");
    let fields = [("client_assertion", assertion), ("client_assertion_type", JWT), ("scope", scope.as_str())];
    quay.ask(client_id, &fields).await
}

#[tokio::test]
async fn github_tokens_are_a_log_in_and_say_what_github_says() {
    let quay = Quay::new().await;
    let file = environment(&quay, "github-ci");
    let url = format!("{}&audience={EXCHANGE}", file("ACTIONS_ID_TOKEN_REQUEST_URL"));
    let bearer = format!("bearer {}", file("ACTIONS_ID_TOKEN_REQUEST_TOKEN"));
    let (status, body) = get(&quay, &url, &[("Authorization", &bearer)]).await;
    assert_eq!(status, 200, "{body}");
    let token = body["value"].as_str().unwrap();
    let inside = signing::peek(token).unwrap();
    assert_eq!(inside["iss"], pipelines::github_issuer(quay.sandbox.addresses()));
    assert_eq!(inside["sub"], "repo:harbour-org@7710429/quay-models@884120573:ref:refs/heads/main");
    assert_eq!((&inside["repository_id"], &inside["aud"]), (&json!("884120573"), &json!(EXCHANGE)));
    let (status, body) = log_in(&quay, &file("AZURE_CLIENT_ID"), token).await;
    assert_eq!(status, 200, "{body}");

    assert_eq!(get(&quay, &url, &[("Authorization", "bearer x")]).await.0, 401);
    quay.sandbox.world.pipelines.github_job().immutable_subject = false;
    let (_, body) = get(&quay, &url, &[("Authorization", &bearer)]).await;
    let (status, body) = log_in(&quay, &file("AZURE_CLIENT_ID"), body["value"].as_str().unwrap()).await;
    assert_eq!((status.as_u16(), &body["error_codes"]), (401, &json!([700_213])));
}

#[tokio::test]
async fn azure_devops_tokens_are_a_log_in() {
    let quay = Quay::new().await;
    let file = environment(&quay, "devops-ci");
    let base = file("SYSTEM_OIDCREQUESTURI");
    let connection = file("AZURESUBSCRIPTION_SERVICE_CONNECTION_ID");
    let ask = async |query: &str, token: &str| {
        let url = format!("{base}?{query}");
        let request = quay.client.post(url).bearer_auth(token).header("X-TFS-FedAuthRedirect", "Suppress");
        reply(request.header("Content-Length", "0")).await
    };
    let access = file("SYSTEM_ACCESSTOKEN");
    let (status, body) = ask(&format!("api-version=7.1&serviceConnectionId={connection}"), &access).await;
    assert_eq!(status, 200, "{body}");
    let token = body["oidcToken"].as_str().unwrap();
    assert_eq!(signing::peek(token).unwrap()["sub"], "sc://harbour-devops/quay/harbour-azure");
    let (status, body) = log_in(&quay, &file("AZURESUBSCRIPTION_CLIENT_ID"), token).await;
    assert_eq!(status, 200, "{body}");

    assert_eq!(ask("api-version=7.1", "wrong").await.0, 401);
    assert_eq!(ask("", &access).await.1["typeKey"], "VssVersionNotSpecifiedException");
    assert_eq!(ask("api-version=7.1&serviceConnectionId=x", &access).await.0, 404);
}

#[tokio::test]
async fn the_metadata_server_speaks_for_the_node_or_for_a_pod_that_may() {
    let quay = Quay::new().await;
    let base = format!("http://{}/computeMetadata/v1", quay.sandbox.addresses().google_metadata);
    let account = format!("{base}/instance/service-accounts/default");
    let ask = async |url: &str| get(&quay, url, &[("Metadata-Flavor", "Google")]).await;
    assert_eq!(get(&quay, &account, &[]).await.0, 403);
    assert_eq!(ask(&format!("{account}/email")).await.1, json!(seed::NODE_SERVICE_ACCOUNT));
    assert_eq!(ask(&format!("{base}/project/project-id")).await.1, json!(seed::PROJECT));
    let (status, body) = ask(&format!("{account}/token")).await;
    assert_eq!((status.as_u16(), &body["token_type"]), (200, &json!("Bearer")));

    let (status, token) = ask(&format!("{account}/identity?audience={EXCHANGE}&format=full")).await;
    assert_eq!(status, 200);
    let token = token.as_str().unwrap().to_owned();
    assert_eq!(signing::peek(&token).unwrap()["email"], seed::NODE_SERVICE_ACCOUNT);
    let (status, body) = log_in(&quay, seed::GOOGLE_CI.client_id, &token).await;
    assert_eq!(status, 200, "{body}");
    assert_eq!(ask(&format!("{account}/identity")).await.0, StatusCode::BAD_REQUEST);

    let pod = MetadataCaller::Pod { namespace: "default".to_owned(), service_account: "nobody".to_owned() };
    *quay.sandbox.world.google.metadata_caller() = pod;
    assert_eq!(ask(&format!("{account}/token")).await.0, 404);
}

/// The first PEM block that begins with this label.
fn block(pem: &str, label: &str) -> String {
    let begin = format!("-----BEGIN {label}-----");
    let end = format!("-----END {label}-----\n");
    let start = pem.find(&begin).unwrap();
    let length = pem[start..].find(&end).unwrap() + end.len();
    pem[start..start + length].to_owned()
}

/// Assertions of the seeded certificate's owner.
struct Signer {
    key: EncodingKey,
    certificate: Vec<u8>,
    audience: String,
    now: i64,
}

impl Signer {
    fn new(quay: &Quay) -> Self {
        let pem = std::fs::read_to_string(quay.sandbox.folder().join("certificate-ci.pem")).unwrap();
        let body: String = block(&pem, "CERTIFICATE").lines().filter(|line| !line.starts_with('-')).collect();
        Self {
            key: EncodingKey::from_rsa_pem(block(&pem, "PRIVATE KEY").as_bytes()).unwrap(),
            certificate: STANDARD.decode(body).unwrap(),
            audience: format!(
                "https://{}/{}/oauth2/v2.0/token",
                quay.sandbox.addresses().entra,
                seed::TENANT
            ),
            now: quay.sandbox.world.clock.seconds(),
        }
    }

    fn sha1(&self) -> String {
        let digest =
            aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA1_FOR_LEGACY_USE_ONLY, &self.certificate);
        URL_SAFE_NO_PAD.encode(digest)
    }

    fn sha256(&self) -> String {
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &self.certificate);
        URL_SAFE_NO_PAD.encode(digest)
    }

    /// A good assertion, with these changes of header and claims.
    fn assertion(&self, header: impl FnOnce(&mut Header), changes: &Value) -> String {
        let mut head = Header::new(Algorithm::RS256);
        header(&mut head);
        let mut claims = json!({
            "aud": self.audience, "iss": seed::CERTIFICATE_CI.client_id, "sub": seed::CERTIFICATE_CI.client_id,
            "jti": "x", "nbf": self.now, "exp": self.now + 300,
        });
        for (name, value) in changes.as_object().unwrap() {
            claims[name] = value.clone();
        }
        jsonwebtoken::encode(&head, &claims, &self.key).unwrap()
    }
}

#[tokio::test]
async fn a_certificate_logs_in_and_is_refused_in_entras_words() {
    let quay = Quay::new().await;
    let signer = Signer::new(&quay);
    let client = seed::CERTIFICATE_CI.client_id;
    let (sha1, sha256) = (signer.sha1(), signer.sha256());
    let by_sha1 = |header: &mut Header| header.x5t = Some(sha1.clone());
    let by_sha256 = |header: &mut Header| header.x5t_s256 = Some(sha256.clone());
    let with_pss = |header: &mut Header| {
        header.alg = Algorithm::PS256;
        header.x5t_s256 = Some(sha256.clone());
    };
    for good in [
        signer.assertion(by_sha1, &json!({})),
        signer.assertion(by_sha256, &json!({})),
        signer.assertion(with_pss, &json!({})),
    ] {
        let (status, body) = log_in(&quay, client, &good).await;
        assert_eq!(status, 200, "{body}");
        assert_eq!(claims(&body)["appidacr"], "2");
    }
    let other = |header: &mut Header| header.x5t = Some("AAAA".to_owned());
    let good = signer.assertion(by_sha1, &json!({}));
    let forged = {
        let later = signer.assertion(by_sha1, &json!({ "jti": "y" }));
        format!("{}.{}", good.rsplit_once('.').unwrap().0, later.rsplit_once('.').unwrap().1)
    };
    let cases = [
        (signer.assertion(other, &json!({})), 700_027, "is not registered on application"),
        (signer.assertion(|_| (), &json!({})), 700_027, "is not registered on application"),
        (forged, 700_027, "invalid signature"),
        (
            signer.assertion(by_sha1, &json!({ "aud": "https://elsewhere" })),
            700_023,
            "audience claim does not match",
        ),
        (
            signer.assertion(by_sha1, &json!({ "exp": signer.now - 900, "nbf": signer.now - 1200 })),
            700_024,
            "time range",
        ),
    ];
    for (assertion, code, words) in cases {
        let (status, body) = log_in(&quay, client, &assertion).await;
        assert_eq!((status.as_u16(), &body["error_codes"]), (401, &json!([code])), "{body}");
        assert!(body["error_description"].as_str().unwrap().contains(words), "{body}");
    }
    quay.sandbox.world.clock.advance(Duration::from_hours(24 * 91));
    let (_, body) = log_in(&quay, client, &good).await;
    assert!(body["error_description"].as_str().unwrap().contains("The key used is expired"), "{body}");
}
