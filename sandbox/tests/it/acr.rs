//! The Azure container registry: its challenges, its two tokens, and what the roles on it allow.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::quay::sandbox::seed;
use crate::quay::sandbox::world::Fault;
use crate::quay::{Quay, Reply, reply};

const PULL: &str = "7f951dda-4ed3-4680-a7ca-43fe172d538d";
const PUSH: &str = "8311e382-0749-4cb8-b61a-304f252e45ec";
const NULL_USER: &str = "00000000-0000-0000-0000-000000000000";
const RESOURCE: &str = "https://containerregistry.azure.net";
const MESSAGE: &str = "authentication required, visit https://aka.ms/acr/authorization for more information.";

/// The ARM id of the registry.
fn scope() -> String {
    format!(
        "/subscriptions/{}/resourceGroups/{}/providers/Microsoft.ContainerRegistry/registries/{}",
        seed::SUBSCRIPTION,
        seed::RESOURCE_GROUP,
        seed::CONTAINER_REGISTRY
    )
}

struct Acr {
    quay: Quay,
    host: String,
}

impl Acr {
    async fn new() -> Self {
        let quay = Quay::new().await;
        let host = quay.sandbox.addresses().acr.to_string();
        Self { quay, host }
    }

    async fn exchange(&self, fields: &[(&str, &str)]) -> Reply {
        let url = format!("http://{}/oauth2/exchange", self.host);
        reply(self.quay.client.post(url).form(fields)).await
    }

    /// A refresh token of `cellar-ci`.
    async fn refresh(&self) -> Reply {
        let token = self.quay.token(&seed::CELLAR_CI, RESOURCE).await;
        let fields = [
            ("grant_type", "access_token"),
            ("service", &self.host),
            ("tenant", seed::TENANT),
            ("access_token", &token),
        ];
        self.exchange(&fields).await
    }

    async fn token(&self, refresh: &str, scope: &str) -> String {
        let url = format!("http://{}/oauth2/token", self.host);
        let fields = [
            ("grant_type", "refresh_token"),
            ("service", &self.host),
            ("scope", scope),
            ("refresh_token", refresh),
        ];
        let (status, body) = reply(self.quay.client.post(url).form(&fields)).await;
        assert_eq!(status, 200, "{body}");
        body["access_token"].as_str().unwrap().to_owned()
    }

    async fn send(&self, method: Method, path: &str, token: &str, body: Vec<u8>) -> reqwest::Response {
        let url = if path.starts_with('/') { format!("http://{}{path}", self.host) } else { path.to_owned() };
        self.quay.client.request(method, url).bearer_auth(token).body(body).send().await.unwrap()
    }
}

fn digest(bytes: &[u8]) -> String {
    format!("sha256:{}", hex::encode(Sha256::digest(bytes)))
}

fn text<'a>(body: &'a Value, field: &str) -> &'a str {
    body["errors"][0][field].as_str().unwrap_or_default()
}

#[tokio::test]
async fn the_door_names_the_token_service_and_what_is_wanted() {
    let acr = Acr::new().await;
    let (host, client) = (&acr.host, &acr.quay.client);
    let manifest = format!("/v2/{}/manifests/latest", seed::PACKAGED_REPOSITORY);
    let wanted = format!(",scope=\"repository:{}:pull\"", seed::PACKAGED_REPOSITORY);
    for (path, scope) in
        [("/v2/", ""), ("/v2/_catalog", ",scope=\"registry:catalog:*\""), (&manifest, &wanted)]
    {
        let refused = client.get(format!("http://{host}{path}")).send().await.unwrap();
        assert_eq!(refused.status(), 401);
        let challenge = refused.headers()["www-authenticate"].to_str().unwrap().to_owned();
        let expected = format!("Bearer realm=\"http://{host}/oauth2/token\",service=\"{host}\"{scope}");
        assert_eq!(challenge, expected);
        let body: Value = refused.json().await.unwrap();
        assert_eq!((text(&body, "code"), text(&body, "message")), ("UNAUTHORIZED", MESSAGE));
    }
    let wrong_method = client.get(format!("http://{host}/oauth2/exchange")).send().await.unwrap();
    assert_eq!(wrong_method.status(), 404);
}

#[tokio::test]
async fn the_exchange_wants_a_right_a_tenant_and_the_audience() {
    let acr = Acr::new().await;
    let (status, body) = acr.refresh().await;
    assert_eq!((status, text(&body, "message")), (StatusCode::UNAUTHORIZED, MESSAGE), "no role yet");
    acr.quay.assign(seed::CELLAR_CI.object_id, PULL, &scope()).await;
    let good = acr.quay.token(&seed::CELLAR_CI, RESOURCE).await;
    let management = acr.quay.token(&seed::CELLAR_CI, "https://management.azure.com").await;
    let graph = acr.quay.token(&seed::CELLAR_CI, "https://graph.microsoft.com").await;
    let elsewhere = "6f9619ff-8b86-d011-b42d-00cf4fc964ff";
    let host = acr.host.as_str();
    for (token, tenant, service, expected) in [
        (good.as_str(), seed::TENANT, host, 200),
        (&management, seed::TENANT, host, 200),
        (&graph, seed::TENANT, host, 401),
        (&good, elsewhere, host, 401),
        (&good, seed::TENANT, "other.azurecr.io", 401),
        ("nonsense", seed::TENANT, host, 401),
    ] {
        let fields = [
            ("grant_type", "access_token"),
            ("service", service),
            ("tenant", tenant),
            ("access_token", token),
        ];
        let (status, body) = acr.exchange(&fields).await;
        assert_eq!(status, expected, "{tenant} {service} {body}");
    }
    acr.quay.sandbox.world.faults.arm("acr", Fault::Expired);
    assert_eq!(acr.refresh().await.0, 401);
    let (status, body) = acr.exchange(&[("grant_type", "refresh_token")]).await;
    assert_eq!((status.as_u16(), text(&body, "code")), (405, "UNSUPPORTED"));
}

#[tokio::test]
async fn a_puller_reads_the_package_and_may_not_push() {
    let acr = Acr::new().await;
    acr.quay.assign(seed::CELLAR_CI.object_id, PULL, &scope()).await;
    let refresh = acr.refresh().await.1["refresh_token"].as_str().unwrap().to_owned();
    let name = seed::PACKAGED_REPOSITORY;
    let token = acr.token(&refresh, &format!("repository:{name}:pull,push")).await;
    let found = acr.send(Method::GET, &format!("/v2/{name}/manifests/latest"), &token, Vec::new()).await;
    assert_eq!(found.status(), 200);
    let named = found.headers()["docker-content-digest"].to_str().unwrap().to_owned();
    let bytes = found.bytes().await.unwrap();
    assert_eq!(digest(&bytes), named);
    // What crane and skopeo called it, and their copies.
    for said in [
        include_str!("../../../witness/acr/crane.txt"),
        include_str!("../../../witness/acr/skopeo-copy.txt"),
        include_str!("../../../witness/acr/skopeo-inspect.json"),
    ] {
        assert!(said.contains(&named), "{named}\n{said}");
    }
    let manifest: Value = serde_json::from_slice(&bytes).unwrap();
    let layer = manifest["layers"][0]["digest"].as_str().unwrap();
    let blob = acr.send(Method::GET, &format!("/v2/{name}/blobs/{layer}"), &token, Vec::new()).await;
    assert_eq!(digest(&blob.bytes().await.unwrap()), layer);

    let refused = acr.send(Method::POST, &format!("/v2/{name}/blobs/uploads/"), &token, Vec::new()).await;
    assert_eq!(refused.status(), 401);
    let challenge = refused.headers()["www-authenticate"].to_str().unwrap().to_owned();
    let expected = format!(",scope=\"repository:{name}:pull,push\",error=\"insufficient_scope\"");
    assert!(challenge.ends_with(&expected), "{challenge}");
    let other = acr.send(Method::GET, "/v2/other/manifests/latest", &token, Vec::new()).await;
    assert_eq!(other.status(), 401);

    let catalog = acr.token(&refresh, "registry:catalog:*").await;
    let listed = acr.send(Method::GET, "/v2/_catalog", &catalog, Vec::new()).await;
    assert_eq!(listed.json::<Value>().await.unwrap(), json!({ "repositories": [name] }));
    let tag = format!("/v2/{name}/manifests/v9");
    let missing: Value = acr.send(Method::GET, &tag, &token, Vec::new()).await.json().await.unwrap();
    assert_eq!(text(&missing, "message"), "manifest tagged by \"v9\" is not found");
}

#[tokio::test]
async fn docker_logs_in_with_the_null_user_and_the_refresh_token() {
    let acr = Acr::new().await;
    acr.quay.assign(seed::CELLAR_CI.object_id, PULL, &scope()).await;
    let refresh = acr.refresh().await.1["refresh_token"].as_str().unwrap().to_owned();
    let url = format!(
        "http://{}/oauth2/token?service={}&scope=repository:{}:pull",
        acr.host,
        acr.host,
        seed::PACKAGED_REPOSITORY
    );
    let ask = async |user: &str, secret: &str| {
        let value = format!("Basic {}", STANDARD.encode(format!("{user}:{secret}")));
        reply(acr.quay.client.get(&url).header("authorization", value)).await
    };
    let (status, body) = ask(NULL_USER, &refresh).await;
    assert_eq!(status, 200);
    assert!(acr.quay.sandbox.world.minted.all().iter().any(|it| body["access_token"] == it.as_str()));
    assert_eq!(ask("somebody", &refresh).await.0, 401);
    assert_eq!(ask(NULL_USER, "nonsense").await.0, 401);
    let access = body["access_token"].as_str().unwrap();
    assert_eq!(ask(NULL_USER, access).await.0, 401, "an access token is no refresh token");
    assert_eq!(acr.send(Method::GET, "/v2/", &refresh, Vec::new()).await.status(), 401);
    assert_eq!(acr.send(Method::GET, "/v2/", access, Vec::new()).await.status(), 200);
}

#[tokio::test]
async fn a_pusher_sends_a_blob_in_pieces_and_mounts_another() {
    let acr = Acr::new().await;
    acr.quay.assign(seed::CELLAR_CI.object_id, PUSH, &scope()).await;
    let refresh = acr.refresh().await.1["refresh_token"].as_str().unwrap().to_owned();
    let token = acr.token(&refresh, "repository:team/model:pull,push").await;
    let begun = acr.send(Method::POST, "/v2/team/model/blobs/uploads/", &token, Vec::new()).await;
    assert_eq!(begun.status(), 202);
    let mut location = begun.headers()["location"].to_str().unwrap().to_owned();
    for piece in [b"la".as_slice(), b"yer"] {
        let sent = acr.send(Method::PATCH, &location, &token, piece.to_vec()).await;
        assert_eq!(sent.status(), 202);
        location = sent.headers()["location"].to_str().unwrap().to_owned();
    }
    let url = format!("http://{}{location}", acr.host);
    let misplaced = acr.quay.client.patch(&url).bearer_auth(&token).header("content-range", "0-1");
    assert_eq!(misplaced.body("la").send().await.unwrap().status(), 416);
    let layer = digest(b"layer");
    let done = acr.send(Method::PUT, &format!("{location}&digest={layer}"), &token, Vec::new()).await;
    assert_eq!(done.status(), 201);

    let both = acr.token(&refresh, "repository:team/model:pull repository:team/other:pull,push").await;
    let mount = format!("/v2/team/other/blobs/uploads/?mount={layer}&from=team/model");
    assert_eq!(acr.send(Method::POST, &mount, &both, Vec::new()).await.status(), 201);
    let one = acr.token(&refresh, "repository:team/other:pull,push").await;
    let blob = format!("/v2/team/other/blobs/{layer}");
    assert_eq!(acr.send(Method::GET, &blob, &one, Vec::new()).await.bytes().await.unwrap(), "layer");
    let manifest = json!({
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": { "mediaType": "application/vnd.oci.image.config.v1+json", "digest": digest(b"x"), "size": 1 },
        "layers": [],
    });
    let put =
        acr.send(Method::PUT, "/v2/team/other/manifests/v1", &one, manifest.to_string().into_bytes()).await;
    assert_eq!(put.status(), 400);
    let body: Value = put.json().await.unwrap();
    assert_eq!(
        (text(&body, "code"), text(&body, "message")),
        ("MANIFEST_BLOB_UNKNOWN", "blob unknown to registry")
    );
    let delete = format!("/v2/team/other/manifests/{layer}");
    assert_eq!(acr.send(Method::DELETE, &delete, &one, Vec::new()).await.status(), 401);
}
