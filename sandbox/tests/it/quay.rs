//! A sandbox of one's own, and short ways to talk to its Azure side.

use std::net::SocketAddr;

use axum::routing::get;
use axum::{Json, Router};
use reqwest::{Method, StatusCode};
use sandbox::signing::SigningKey;
use sandbox::{Options, Sandbox, seed};
use serde_json::{Value, json};

pub(crate) use gangplank_sandbox as sandbox;

/// Resource Manager's api-version in these tests.
pub(crate) const VERSION: &str = "2025-12-01";
/// GUIDs of built-in roles.
pub(crate) const READER: &str = "acdd72a7-3385-48ef-bd42-f606fba81ae7";
pub(crate) const BLOB_READER: &str = "2a2b9908-6ea1-4ae2-8e65-a410df84e7d1";

/// A running sandbox and a client that trusts it.
pub(crate) struct Quay {
    pub(crate) sandbox: Sandbox,
    pub(crate) client: reqwest::Client,
}

/// Status and JSON of an answer.
pub(crate) type Reply = (StatusCode, Value);

impl Quay {
    pub(crate) async fn new() -> Self {
        let sandbox = Sandbox::start(Options::default()).await.unwrap();
        let client = client(&sandbox);
        Self { sandbox, client }
    }

    /// Asks the token endpoint; fields of the form beside grant type and client.
    pub(crate) async fn ask(&self, client_id: &str, fields: &[(&str, &str)]) -> Reply {
        let address = self.sandbox.addresses().entra;
        let url = format!("https://{address}/{}/oauth2/v2.0/token", seed::TENANT);
        let mut form = vec![("grant_type", "client_credentials"), ("client_id", client_id)];
        form.extend(fields);
        reply(self.client.post(url).form(&form)).await
    }

    /// A token of a machine with a client secret.
    pub(crate) async fn token(&self, machine: &seed::Machine, resource: &str) -> String {
        let secret = self.sandbox.world.azure.client_secret(machine.client_id).unwrap();
        let scope = format!("{resource}/.default");
        let (status, body) =
            self.ask(machine.client_id, &[("client_secret", &secret), ("scope", &scope)]).await;
        assert_eq!(status, 200, "{body}");
        body["access_token"].as_str().unwrap().to_owned()
    }

    /// The administrator's token, as the folder's `az` hands it out.
    pub(crate) fn administrator(&self, service: &str) -> String {
        std::fs::read_to_string(self.sandbox.folder().join(format!("az/{service}.token"))).unwrap()
    }

    /// A request with a bearer token and perhaps a JSON body.
    pub(crate) async fn send(&self, method: Method, url: &str, token: &str, body: Option<Value>) -> Reply {
        let request = self.client.request(method, url).bearer_auth(token);
        reply(match body {
            Some(body) => request.json(&body),
            None => request,
        })
        .await
    }

    /// A request to Graph as the administrator.
    pub(crate) async fn graph(&self, method: Method, path: &str, body: Option<Value>) -> Reply {
        let url = format!("https://{}/v1.0/{path}", self.sandbox.addresses().graph);
        self.send(method, &url, &self.administrator("graph"), body).await
    }

    /// The URL of a path of Resource Manager, with api-version.
    pub(crate) fn arm_url(&self, path: &str) -> String {
        let joint = if path.contains('?') { '&' } else { '?' };
        format!("https://{}{path}{joint}api-version={VERSION}", self.sandbox.addresses().resource_manager)
    }

    /// A request to Resource Manager as the administrator.
    pub(crate) async fn arm(&self, method: Method, path: &str, body: Option<Value>) -> Reply {
        self.send(method, &self.arm_url(path), &self.administrator("management"), body).await
    }

    /// Assigns a role, as the administrator.
    pub(crate) async fn assign(&self, principal: &str, role: &str, scope: &str) {
        let name = sandbox::random::uuid();
        let path = format!("{scope}/providers/Microsoft.Authorization/roleAssignments/{name}");
        let body = assignment(principal, role);
        let (status, body) = self.arm(Method::PUT, &path, Some(body)).await;
        assert_eq!(status, 201, "{body}");
    }

    /// The URL of a path below the default container.
    pub(crate) fn blob_url(&self, path: &str) -> String {
        format!(
            "https://{}/{}/{}{path}",
            self.sandbox.addresses().blob,
            seed::STORAGE_ACCOUNT,
            seed::CONTAINER
        )
    }

    /// A token of `cellar-ci` that may read blobs.
    pub(crate) async fn blob_reader(&self) -> String {
        self.assign(seed::CELLAR_CI.object_id, BLOB_READER, &container()).await;
        self.token(&seed::CELLAR_CI, "https://storage.azure.com").await
    }
}

/// The body that assigns a role.
pub(crate) fn assignment(principal: &str, role: &str) -> Value {
    let role = format!("{}/providers/Microsoft.Authorization/roleDefinitions/{role}", subscription());
    json!({ "properties": { "roleDefinitionId": role, "principalId": principal, "description": "a test's" } })
}

/// The folder's `az`, as `azure_identity` calls it: by a shell, from another folder, found by `PATH`. `who` has a folder of her
/// own below `az`; the administrator has none.
pub(crate) async fn az(quay: &Quay, who: Option<&str>, line: &str) -> std::process::Output {
    let path = format!("{}:/usr/bin:/bin", quay.sandbox.tools().display());
    let script = format!("cd / && az {line}");
    let mut command = tokio::process::Command::new("/bin/sh");
    command.args(["-c", &script]).env_clear().env("PATH", path);
    if let Some(who) = who {
        command.env("AZURE_CONFIG_DIR", quay.sandbox.folder().join("az").join(who));
    }
    command.output().await.unwrap()
}

pub(crate) fn client(sandbox: &Sandbox) -> reqwest::Client {
    let pem = std::fs::read(sandbox.folder().join("ca.pem")).unwrap();
    let root = reqwest::Certificate::from_pem(&pem).unwrap();
    reqwest::Client::builder().tls_certs_only([root]).no_proxy().build().unwrap()
}

pub(crate) async fn reply(request: reqwest::RequestBuilder) -> Reply {
    let response = request.send().await.unwrap();
    let status = response.status();
    let text = response.text().await.unwrap();
    (status, serde_json::from_str(&text).unwrap_or(Value::String(text)))
}

pub(crate) fn subscription() -> String {
    format!("/subscriptions/{}", seed::SUBSCRIPTION)
}

pub(crate) fn group() -> String {
    format!("{}/resourceGroups/{}", subscription(), seed::RESOURCE_GROUP)
}

pub(crate) fn workspace() -> String {
    format!("{}/providers/Microsoft.MachineLearningServices/workspaces/{}", group(), seed::WORKSPACE)
}

pub(crate) fn container() -> String {
    format!(
        "{}/providers/Microsoft.Storage/storageAccounts/{}/blobServices/default/containers/{}",
        group(),
        seed::STORAGE_ACCOUNT,
        seed::CONTAINER
    )
}

/// An issuer on loopback that is not the sandbox's: discovery and keys, and a key to sign with.
pub(crate) struct Issuer {
    pub(crate) url: String,
    pub(crate) key: SigningKey,
}

impl Issuer {
    pub(crate) async fn new() -> Self {
        let key = SigningKey::generate().unwrap();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address: SocketAddr = listener.local_addr().unwrap();
        let url = format!("http://{address}");
        let document = json!({ "issuer": url, "jwks_uri": format!("{url}/keys") });
        let keys = key.key_set();
        let router = Router::new()
            .route("/.well-known/openid-configuration", get(async move || Json(document.clone())))
            .route("/keys", get(async move || Json(keys.clone())));
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { url, key }
    }

    /// A token for `subject`, an hour long from `now` on.
    pub(crate) fn token(&self, subject: &str, audience: &str, now: i64) -> String {
        self.key
            .sign(&json!({
                "iss": self.url, "sub": subject, "aud": [audience], "iat": now, "nbf": now, "exp": now + 3600,
            }))
            .unwrap()
    }
}
