//! The second administrator: works by hand, through the services, and knows nothing of any plan.

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::time::Duration;

use reqwest::Method;
use sandbox::seed;
use serde_json::{Value, json};

use super::Chance;
use crate::harbour::Harbour;

/// Somebody else in the harbour.
pub(super) struct Meddler<'h> {
    pub(super) harbour: &'h Harbour,
    client: reqwest::Client,
    google_token: String,
    cluster_token: String,
    /// What was granted or widened by hand, so that nobody else is blamed for it.
    pub(super) by_hand: Mutex<BTreeSet<String>>,
}

/// The policies that there can be, as URLs without their verb.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct PolicyOf {
    pub(super) name: String,
    url: String,
    read: Method2,
}

/// `getIamPolicy` is a GET for repositories and a POST elsewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Method2 {
    Get,
    Post,
}

const ROLE_READER: &str = "acdd72a7-3385-48ef-bd42-f606fba81ae7";

impl<'h> Meddler<'h> {
    pub(super) async fn new(harbour: &'h Harbour) -> Self {
        let client = harbour.client();
        let log_in: Value =
            serde_json::from_slice(&std::fs::read(harbour.file("adc.json")).unwrap()).unwrap();
        let field = |name: &str| log_in[name].as_str().unwrap().to_owned();
        let form = [
            ("grant_type", "refresh_token".to_owned()),
            ("client_id", field("client_id")),
            ("client_secret", field("client_secret")),
            ("refresh_token", field("refresh_token")),
        ];
        let reply: Value =
            client.post(field("token_uri")).form(&form).send().await.unwrap().json().await.unwrap();
        let google_token = reply["access_token"].as_str().unwrap().to_owned();
        let cluster_token = std::fs::read_to_string(harbour.file("cluster-admin.token")).unwrap();
        let cluster_token = cluster_token.trim().to_owned();
        Self { harbour, client, google_token, cluster_token, by_hand: Mutex::default() }
    }

    async fn ask(&self, method: Method, url: &str, token: &str, body: &Value) -> (u16, Value) {
        let mut request = self.client.request(method.clone(), url).bearer_auth(token);
        if !body.is_null() {
            let kind = if method == Method::PATCH && url.starts_with("https") {
                "application/merge-patch+json"
            } else {
                "application/json"
            };
            request = request.header("content-type", kind).body(body.to_string());
        }
        let reply = request.send().await.unwrap();
        let status = reply.status().as_u16();
        (status, serde_json::from_slice(&reply.bytes().await.unwrap()).unwrap_or_default())
    }

    pub(super) async fn google(&self, method: Method, url: &str, body: Value) -> (u16, Value) {
        self.ask(method, url, &self.google_token, &body).await
    }

    pub(super) async fn cluster(&self, method: Method, path: &str, body: Value) -> (u16, Value) {
        let url = format!("https://{}{path}", self.harbour.sandbox.addresses().cluster);
        self.ask(method, &url, &self.cluster_token, &body).await
    }

    pub(super) fn pools(&self) -> String {
        let iam = self.harbour.sandbox.addresses().iam;
        format!("http://{iam}/v1/projects/{}/locations/global/workloadIdentityPools", seed::PROJECT)
    }

    pub(super) fn accounts(&self) -> String {
        format!(
            "http://{}/v1/projects/{}/serviceAccounts",
            self.harbour.sandbox.addresses().iam,
            seed::PROJECT
        )
    }

    pub(super) fn repositories(&self) -> String {
        let address = self.harbour.sandbox.addresses().artifact_registry;
        format!("http://{address}/v1/projects/{}/locations/{}/repositories", seed::PROJECT, seed::LOCATION)
    }

    fn account(&self, id: &str) -> String {
        format!("{}/{id}@{}.iam.gserviceaccount.com", self.accounts(), seed::PROJECT)
    }

    pub(super) async fn policies(&self) -> Vec<PolicyOf> {
        let project = format!(
            "http://{}/v3/projects/{}",
            self.harbour.sandbox.addresses().cloud_resource_manager,
            seed::PROJECT
        );
        let mut all = vec![PolicyOf { name: "project".to_owned(), url: project, read: Method2::Post }];
        let (_, accounts) = self.google(Method::GET, &self.accounts(), Value::Null).await;
        for account in accounts["accounts"].as_array().into_iter().flatten() {
            let email = account["email"].as_str().unwrap();
            let url = format!("{}/{email}", self.accounts());
            let id = email.split('@').next().unwrap();
            all.push(PolicyOf { name: format!("service-account/{id}"), url, read: Method2::Post });
        }
        let (_, repositories) = self.google(Method::GET, &self.repositories(), Value::Null).await;
        for repository in repositories["repositories"].as_array().into_iter().flatten() {
            let id = repository["name"].as_str().unwrap().rsplit('/').next().unwrap();
            let url = format!("{}/{id}", self.repositories());
            all.push(PolicyOf { name: format!("repository/{id}"), url, read: Method2::Get });
        }
        all
    }

    /// The policy, or null if what it is of is gone.
    pub(super) async fn policy(&self, of: &PolicyOf) -> Value {
        let method = if of.read == Method2::Get { Method::GET } else { Method::POST };
        let (status, policy) = self.google(method, &format!("{}:getIamPolicy", of.url), Value::Null).await;
        if status == 200 { policy } else { Value::Null }
    }

    /// Reads, edits, writes with the etag; gives up where somebody else was faster.
    async fn edit_policy(&self, of: &PolicyOf, edit: impl FnOnce(&mut Vec<Value>)) {
        let mut policy = self.policy(of).await;
        if policy.is_null() {
            return;
        }
        let mut bindings = policy["bindings"].as_array().cloned().unwrap_or_default();
        edit(&mut bindings);
        policy["bindings"] = Value::Array(bindings);
        self.google(Method::POST, &format!("{}:setIamPolicy", of.url), json!({ "policy": policy })).await;
    }

    fn say(&self, what: String) {
        self.by_hand.lock().unwrap().insert(what);
    }

    async fn add_member(&self, of: &PolicyOf, role: &str, member: &str) {
        self.say(format!("{} {role} {member}", of.name));
        self.edit_policy(of, |bindings| bindings.push(json!({ "role": role, "members": [member] }))).await;
    }

    /// Things of others before anything begins: some beside what the bridge wants, some in its way. Returns the keys of
    /// those in the way.
    pub(super) async fn prepare(&self, chance: &mut Chance) -> Vec<String> {
        self.make_foreign("theirs").await;
        let mut keys = Vec::new();
        if chance.is_one_in(3) && self.make_pool("gangplank").await {
            if chance.is_one_in(2) {
                self.google(Method::DELETE, &format!("{}/gangplank", self.pools()), Value::Null).await;
            }
            keys.push("google/pool/gangplank".to_owned());
        }
        if chance.is_one_in(3) && self.make_account("gp-oncology", "made by hand").await {
            keys.push("google/service-account/gp-oncology".to_owned());
        }
        if chance.is_one_in(3) && self.make_repository("models").await {
            keys.push(format!("google/repository/{}/models", seed::LOCATION));
        }
        if chance.is_one_in(3) && self.make_namespace("team-cellar").await {
            keys.push("kubernetes/Namespace/team-cellar".to_owned());
        }
        if chance.is_one_in(3) && self.assign_reader(seed::ONCOLOGY_CI.object_id) {
            keys.push(format!("azure/role/Reader/quay/{}", seed::ONCOLOGY_CI.object_id));
        }
        if chance.is_one_in(4) && self.register("gangplank-bridge") {
            keys.push("entra/application/gangplank-bridge".to_owned());
        }
        keys
    }

    /// One of everything, without a mark.
    pub(super) async fn make_foreign(&self, name: &str) {
        self.make_pool(name).await;
        self.make_account(&format!("sa-{name}"), "theirs").await;
        self.make_repository(name).await;
        self.make_namespace(name).await;
        self.assign_reader(seed::STRANGER.object_id);
        let policies = self.policies().await;
        let project = policies.iter().find(|of| of.name == "project").unwrap();
        self.add_member(project, "roles/viewer", &format!("user:{name}@harbour.example")).await;
        self.edit_policy(project, |bindings| {
            bindings.push(
                json!({ "role": "roles/container.clusterViewer", "members": ["user:eve@harbour.example"] }),
            );
        })
        .await;
        self.say("project roles/container.clusterViewer user:eve@harbour.example".to_owned());
    }

    async fn make_pool(&self, id: &str) -> bool {
        let url = format!("{}?workloadIdentityPoolId={id}", self.pools());
        self.google(Method::POST, &url, json!({ "description": "made by hand" })).await.0 == 200
    }

    async fn make_account(&self, id: &str, description: &str) -> bool {
        let body = json!({ "accountId": id, "serviceAccount": { "description": description, "displayName": "By hand" } });
        self.google(Method::POST, &self.accounts(), body).await.0 == 200
    }

    async fn make_repository(&self, id: &str) -> bool {
        let url = format!("{}?repositoryId={id}", self.repositories());
        self.google(Method::POST, &url, json!({ "format": "DOCKER", "labels": { "by": "hand" } })).await.0
            == 200
    }

    async fn make_namespace(&self, name: &str) -> bool {
        let namespace = json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": name, "labels": { "by": "hand" } } });
        let made = self.cluster(Method::POST, "/api/v1/namespaces", namespace).await.0 == 201;
        let map = json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": "by-hand" }, "data": { "k": "v" } });
        self.cluster(Method::POST, &format!("/api/v1/namespaces/{name}/configmaps"), map).await;
        made
    }

    fn workspace() -> String {
        format!(
            "/subscriptions/{}/resourceGroups/{}/providers/Microsoft.MachineLearningServices/workspaces/{}",
            seed::SUBSCRIPTION,
            seed::RESOURCE_GROUP,
            seed::WORKSPACE
        )
    }

    fn assign_reader(&self, principal: &str) -> bool {
        let azure = &self.harbour.sandbox.world.azure;
        let mut assignments = azure.assignments();
        let is_there = assignments.iter().any(|it| {
            it.principal_id == principal
                && it.role == ROLE_READER
                && it.scope.eq_ignore_ascii_case(&Self::workspace())
        });
        if is_there {
            return false;
        }
        let mut assignment = assignments.first().unwrap().clone();
        assignment.name = format!("11111111-2222-4333-8444-{}", principal.rsplit('-').next().unwrap());
        assignment.scope = Self::workspace();
        ROLE_READER.clone_into(&mut assignment.role);
        principal.clone_into(&mut assignment.principal_id);
        "ServicePrincipal".clone_into(&mut assignment.principal_type);
        assignment.description = None;
        assignments.push(assignment);
        true
    }

    /// Registers an application of this name, as somebody else's.
    fn register(&self, name: &str) -> bool {
        let mut directory = self.harbour.sandbox.world.azure.directory();
        if directory.applications.iter().any(|it| it.display_name == name) {
            return false;
        }
        let mut application = directory.applications.first().unwrap().clone();
        "99999999-0000-4000-8000-000000000001".clone_into(&mut application.id);
        "99999999-0000-4000-8000-000000000002".clone_into(&mut application.app_id);
        name.clone_into(&mut application.display_name);
        application.identifier_uris = Vec::new();
        application.app_roles = Vec::new();
        application.tags = vec!["by-hand".to_owned()];
        application.secrets = Vec::new();
        application.federated_credentials = Vec::new();
        directory.applications.push(application);
        true
    }

    /// A few changes by hand, one after the other.
    pub(super) async fn disturb(&self, chance: &mut Chance) {
        for _ in 0..2 + chance.below(6) {
            tokio::time::sleep(Duration::from_millis(chance.below(80))).await;
            self.disturb_once(chance).await;
        }
    }

    async fn disturb_once(&self, chance: &mut Chance) {
        match chance.below(15) {
            number @ 0..=4 => self.disturb_trust(number).await,
            number @ 5..=7 => self.disturb_policies(number).await,
            number @ 8..=11 => self.disturb_cluster(number).await,
            12 => {
                let mut assignments = self.harbour.sandbox.world.azure.assignments();
                assignments.retain(|it| it.description.as_deref() != Some("gangplank:harbour"));
            }
            13 => {
                let mut directory = self.harbour.sandbox.world.azure.directory();
                let ours = directory.applications.iter().find(|it| it.display_name == "gangplank-bridge");
                let principal = ours.and_then(|ours| directory.service_principal_of(&ours.app_id));
                let principal = principal.map(|principal| principal.id.clone());
                directory.assignments.retain(|it| Some(&it.resource_id) != principal.as_ref());
            }
            _ => self.make_foreign(&format!("late-{}", chance.below(3))).await,
        }
    }

    /// Pools, providers and service accounts go, or are switched off.
    async fn disturb_trust(&self, number: u64) {
        let pool = format!("{}/gangplank", self.pools());
        match number {
            0 => drop(self.google(Method::DELETE, &format!("{pool}/providers/entra"), Value::Null).await),
            1 => {
                let url = format!("{pool}/providers/entra?updateMask=disabled");
                self.google(Method::PATCH, &url, json!({ "disabled": true })).await;
            }
            2 => drop(self.google(Method::DELETE, &pool, Value::Null).await),
            3 => drop(self.google(Method::DELETE, &self.account("gp-cellar"), Value::Null).await),
            _ => {
                let body =
                    json!({ "serviceAccount": { "displayName": "renamed" }, "updateMask": "displayName" });
                self.google(Method::PATCH, &self.account("gp-oncology"), body).await;
            }
        }
    }

    /// Members come, also a stranger of our own pool, and ours go.
    async fn disturb_policies(&self, number: u64) {
        let policies = self.policies().await;
        let name = if number == 7 { "project" } else { "repository/models" };
        let Some(of) = policies.iter().find(|of| of.name == name) else { return };
        let stranger = format!(
            "principal://iam.googleapis.com/projects/{}/locations/global/workloadIdentityPools/gangplank/subject/{}",
            seed::PROJECT_NUMBER,
            seed::STRANGER.object_id
        );
        match number {
            5 => self.add_member(of, "roles/artifactregistry.writer", "user:eve@harbour.example").await,
            6 => self.add_member(of, "roles/artifactregistry.writer", &stranger).await,
            _ => {
                self.edit_policy(of, |bindings| {
                    bindings.retain(|binding| binding["role"] != "roles/container.clusterViewer");
                })
                .await;
            }
        }
    }

    /// Namespaces and what fences them in go, or are opened.
    async fn disturb_cluster(&self, number: u64) {
        const RBAC: &str = "/apis/rbac.authorization.k8s.io/v1/namespaces";
        match number {
            8 => {
                let path = format!("{RBAC}/team-oncology/rolebindings/gangplank-deployer");
                self.cluster(Method::DELETE, &path, Value::Null).await;
            }
            9 => {
                let open = json!({ "pod-security.kubernetes.io/enforce": "privileged", "by": "hand" });
                let label = json!({ "metadata": { "labels": open } });
                self.cluster(Method::PATCH, "/api/v1/namespaces/team-oncology", label).await;
            }
            10 => drop(self.cluster(Method::DELETE, "/api/v1/namespaces/team-oncology", Value::Null).await),
            _ => {
                let rules = json!([{ "apiGroups": [""], "resources": ["secrets"], "verbs": ["get"] }]);
                self.say(format!("rules {rules}"));
                let path = format!("{RBAC}/team-cellar/roles/gangplank-deployer");
                self.cluster(Method::PATCH, &path, json!({ "rules": rules })).await;
            }
        }
    }
}
