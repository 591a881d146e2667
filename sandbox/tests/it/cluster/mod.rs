//! The cluster, by way of kube's client and plain HTTP: objects, rights, pods, and what is left behind.

mod access;
mod objects;
mod pods;
mod program;

use std::fmt::Debug;
use std::time::Duration;

use k8s_openapi::NamespaceResourceScope;
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{Namespace, Pod, Service, ServiceAccount};
use kube::api::{Patch, PatchParams, PostParams};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Api, Client, Config, Resource};
use reqwest::Method;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::quay::sandbox::seed::{LOCATION, NODE_SERVICE_ACCOUNT, PROJECT};
use crate::quay::{Quay, reply};

/// How long anything may take before a test gives up; nothing is asserted about time.
const PATIENCE: Duration = Duration::from_secs(90);

/// A sandbox, seen from the cluster.
pub(crate) struct Ship {
    pub(crate) quay: Quay,
    pub(crate) client: Client,
}

impl Ship {
    /// A sandbox with a namespace `team`.
    pub(crate) async fn new() -> Self {
        Self::on(Quay::new().await).await
    }

    pub(crate) async fn on(quay: Quay) -> Self {
        let kubeconfig = Kubeconfig::read_from(quay.sandbox.folder().join("kubeconfig")).unwrap();
        let config = Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await.unwrap();
        let ship = Self { quay, client: Client::try_from(config).unwrap() };
        ship.namespace("team", json!({})).await;
        ship
    }

    /// Makes a namespace, and waits for the service account without which no pod is admitted to it.
    pub(crate) async fn namespace(&self, name: &str, labels: Value) {
        let namespace = object(json!({ "metadata": { "name": name, "labels": labels } }));
        Api::<Namespace>::all(self.client.clone()).create(&PostParams::default(), &namespace).await.unwrap();
        let accounts = Api::<ServiceAccount>::namespaced(self.client.clone(), name);
        until("the default service account", || async { accounts.get_opt("default").await.unwrap() }).await;
    }

    /// Objects of a kind in namespace `team`.
    pub(crate) fn all<K>(&self) -> Api<K>
    where
        K: Resource<Scope = NamespaceResourceScope, DynamicType = ()>,
    {
        Api::namespaced(self.client.clone(), "team")
    }

    /// Applies as manager `test`.
    pub(crate) async fn apply<K>(&self, name: &str, object: &Value) -> kube::Result<K>
    where
        K: Resource<Scope = NamespaceResourceScope, DynamicType = ()> + Clone + DeserializeOwned + Debug,
    {
        self.all::<K>().patch(name, &PatchParams::apply("test"), &Patch::Apply(object)).await
    }

    /// A request to the API server as somebody, with JSON.
    pub(crate) async fn ask(
        &self,
        method: Method,
        path: &str,
        token: &str,
        body: Option<Value>,
    ) -> (u16, Value) {
        let url = format!("https://{}{path}", self.quay.sandbox.addresses().cluster);
        let (status, body) = self.quay.send(method, &url, token, body).await;
        (status.as_u16(), body)
    }

    /// A server-side apply as somebody.
    pub(crate) async fn patch(&self, path: &str, token: &str, object: &Value) -> (u16, Value) {
        let url = format!("https://{}{path}", self.quay.sandbox.addresses().cluster);
        let request = self.quay.client.patch(url).bearer_auth(token);
        let request = request.header("content-type", "application/apply-patch+yaml").body(object.to_string());
        let (status, body) = reply(request).await;
        (status.as_u16(), body)
    }

    pub(crate) fn admin(&self) -> String {
        std::fs::read_to_string(self.quay.sandbox.folder().join("cluster-admin.token"))
            .unwrap()
            .trim()
            .to_owned()
    }

    /// A Google token of the administrator.
    pub(crate) async fn google(&self) -> String {
        let file = std::fs::read(self.quay.sandbox.folder().join("adc.json")).unwrap();
        let login: Value = serde_json::from_slice(&file).unwrap();
        let field = |name: &str| login[name].as_str().unwrap().to_owned();
        let form = [
            ("grant_type", "refresh_token".to_owned()),
            ("client_id", field("client_id")),
            ("client_secret", field("client_secret")),
            ("refresh_token", field("refresh_token")),
        ];
        let (status, body) = reply(self.quay.client.post(field("token_uri")).form(&form)).await;
        assert_eq!(status, 200, "{body}");
        body["access_token"].as_str().unwrap().to_owned()
    }

    /// Makes the repository `models`.
    pub(crate) async fn repository(&self) {
        self.artifacts("?repositoryId=models", json!({ "format": "DOCKER" })).await;
    }

    /// Lets the node read it.
    pub(crate) async fn grant_node(&self) {
        let member = format!("serviceAccount:{NODE_SERVICE_ACCOUNT}");
        let bindings = json!([{ "role": "roles/artifactregistry.reader", "members": [member] }]);
        self.artifacts("/models:setIamPolicy", json!({ "policy": { "bindings": bindings } })).await;
    }

    async fn artifacts(&self, rest: &str, body: Value) {
        let registry = self.quay.sandbox.addresses().artifact_registry;
        let url = format!("http://{registry}/v1/projects/{PROJECT}/locations/{LOCATION}/repositories{rest}");
        let (status, body) = self.quay.send(Method::POST, &url, &self.google().await, Some(body)).await;
        assert_eq!(status, 200, "{body}");
    }

    /// Pushes an image whose entry point is `script`, and returns its reference by digest.
    pub(crate) async fn push(&self, tag: &str, script: &str, environment: &[&str]) -> String {
        let token = self.google().await;
        let base = format!("http://{}/v2/{PROJECT}/models/image", self.quay.sandbox.addresses().registry);
        let layer = self.blob(&base, &token, layer(script)).await;
        let config = json!({
            "architecture": "amd64", "os": "linux", "rootfs": { "type": "layers", "diff_ids": [layer["digest"]] },
            "config": { "Entrypoint": ["/app/start"], "User": "65532", "Env": environment },
        });
        let config = self.blob(&base, &token, config.to_string().into_bytes()).await;
        let media_type = "application/vnd.oci.image.manifest.v1+json";
        let typed = |mut blob: Value, kind: &str| {
            blob["mediaType"] = json!(format!("application/vnd.oci.image.{kind}"));
            blob
        };
        let manifest = json!({
            "schemaVersion": 2, "mediaType": media_type, "config": typed(config, "config.v1+json"),
            "layers": [typed(layer, "layer.v1.tar")],
        });
        let manifest = manifest.to_string();
        let digest = digest(manifest.as_bytes());
        let put = self.quay.client.put(format!("{base}/manifests/{tag}")).bearer_auth(&token);
        let (status, body) = reply(put.header("content-type", media_type).body(manifest)).await;
        assert_eq!(status, 201, "{body}");
        format!("{LOCATION}-docker.pkg.dev/{PROJECT}/models/image@{digest}")
    }

    async fn blob(&self, base: &str, token: &str, bytes: Vec<u8>) -> Value {
        let blob = json!({ "digest": digest(&bytes), "size": bytes.len() });
        let request = self
            .quay
            .client
            .post(format!("{base}/blobs/uploads/"))
            .bearer_auth(token)
            .header("content-length", 0);
        let begun = request.send().await.unwrap();
        let place = begun.headers()["location"].to_str().unwrap();
        let place = reqwest::Url::parse(base).unwrap().join(place).unwrap();
        let put = self.quay.client.put(place).query(&[("digest", blob["digest"].as_str().unwrap())]);
        let (status, body) = reply(put.bearer_auth(token).body(bytes)).await;
        assert_eq!(status, 201, "{body}");
        blob
    }

    /// The address of service `hello`, port and all.
    pub(crate) async fn address(&self) -> String {
        let service = self.all::<Service>().get("hello").await.unwrap();
        format!("http://{}:8080", service.spec.unwrap().cluster_ip.unwrap())
    }

    /// Waits until the rollout of deployment `hello` is over: all replicas new and available.
    pub(crate) async fn rolled_out(&self) {
        until("the rollout", || async {
            let deployment = self.all::<Deployment>().get("hello").await.unwrap();
            let wanted = deployment.spec.unwrap().replicas;
            let status = deployment.status.unwrap_or_default();
            let seen = status.observed_generation == deployment.metadata.generation;
            let counts = [status.replicas, status.updated_replicas, status.available_replicas];
            (seen && counts.iter().all(|count| *count == wanted)).then_some(())
        })
        .await;
    }

    /// The first pod's first container's waiting state: reason and message.
    pub(crate) async fn waiting(&self, reason: &str) -> String {
        until(reason, || async {
            let pods = self.all::<Pod>().list(&kube::api::ListParams::default()).await.unwrap();
            let waiting = pods.items.iter().find_map(|pod| {
                let status = pod.status.as_ref()?.container_statuses.as_ref()?.first()?;
                status.state.as_ref()?.waiting.clone()
            })?;
            (waiting.reason.as_deref() == Some(reason)).then(|| waiting.message.unwrap_or_default())
        })
        .await
    }
}

/// Asks again and again until there is an answer.
pub(crate) async fn until<T, F>(what: &str, mut ask: impl FnMut() -> F) -> T
where
    F: Future<Output = Option<T>>,
{
    let asking = async {
        loop {
            if let Some(answer) = ask().await {
                return answer;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(PATIENCE, asking).await.unwrap_or_else(|_| panic!("waited in vain for {what}"))
}

/// An object of a type out of JSON.
pub(crate) fn object<T: DeserializeOwned>(value: Value) -> T {
    serde_json::from_value(value).unwrap()
}

/// The refusal of a request: code, reason, message.
pub(crate) fn refusal<T: Debug>(result: kube::Result<T>) -> (u16, String, String) {
    match result {
        Err(kube::Error::Api(status)) => (status.code, status.reason.clone(), status.message.clone()),
        other => panic!("expected a refusal, found {other:?}"),
    }
}

fn digest(bytes: &[u8]) -> String {
    format!("sha256:{}", hex::encode(Sha256::digest(bytes)))
}

/// A layer with `/app/start` and `/app/model`.
fn layer(script: &str) -> Vec<u8> {
    let mut tar = tar::Builder::new(Vec::new());
    for (path, content, mode) in [("app/start", script, 0o755), ("app/model", "the model", 0o644)] {
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        header.set_mode(mode);
        tar.append_data(&mut header, path, content.as_bytes()).unwrap();
    }
    tar.into_inner().unwrap()
}

/// Deployment `hello` of two pods, with a readiness probe and everything that `restricted` asks for.
pub(crate) fn deployment(image: &str) -> Value {
    let program = std::env::current_exe().unwrap().display().to_string();
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": { "name": "hello", "namespace": "team" },
        "spec": {
            "replicas": 2,
            "strategy": { "rollingUpdate": { "maxUnavailable": 0, "maxSurge": 1 } },
            "selector": { "matchLabels": { "app": "hello" } },
            "template": { "metadata": { "labels": { "app": "hello" } }, "spec": {
                "terminationGracePeriodSeconds": 5,
                "securityContext": { "runAsNonRoot": true, "seccompProfile": { "type": "RuntimeDefault" } },
                "containers": [{
                    "name": "main", "image": image,
                    "env": [{ "name": "PROGRAM", "value": program }],
                    "ports": [{ "name": "http", "containerPort": 5001 }],
                    "readinessProbe": { "httpGet": { "path": "/", "port": "http" } },
                    "securityContext": { "allowPrivilegeEscalation": false, "capabilities": { "drop": ["ALL"] } },
                }],
            } },
        },
    })
}

/// Service `hello` in front of it.
pub(crate) fn service() -> Value {
    json!({
        "apiVersion": "v1", "kind": "Service", "metadata": { "name": "hello", "namespace": "team" },
        "spec": { "selector": { "app": "hello" }, "ports": [{ "name": "http", "port": 8080, "targetPort": "http" }] },
    })
}
