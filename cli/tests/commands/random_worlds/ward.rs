//! What must hold at every moment: every grant is declared, was there before, or was given by hand; what has no mark is
//! as it was.

use std::collections::{BTreeMap, BTreeSet};

use bridge::inventory::Facts;
use bridge::port::SetUp;
use bridge::resource::{GrantTarget, Resource};
use bridge::spec::Bridge;
use reqwest::Method;
use serde_json::Value;

use super::meddler::Meddler;

/// Watches over a world.
pub(super) struct Ward {
    /// Every right, as a line, that may be there.
    allowed: BTreeSet<String>,
    /// What is not ours, as it was when it was first seen.
    foreign: BTreeMap<String, String>,
}

const RBAC: [&str; 2] = ["rolebindings", "clusterrolebindings"];

impl Ward {
    pub(super) async fn begin(meddler: &Meddler<'_>, bridge: &Bridge) -> Self {
        let mut allowed: BTreeSet<String> = rights(meddler).await.into_iter().collect();
        let administrator = super::administrator(meddler.harbour, bridge).await;
        let facts = administrator.facts(bridge).await.unwrap();
        allowed.extend(declared(bridge, &facts));
        Self { allowed, foreign: unmarked(meddler).await }
    }

    pub(super) async fn check(&mut self, meddler: &Meddler<'_>, _: &Bridge) -> Result<(), String> {
        let by_hand = meddler.by_hand.lock().unwrap().clone();
        for right in rights(meddler).await {
            if !self.allowed.contains(&right) && !by_hand.contains(&right) {
                return Err(format!("nobody declared: {right}"));
            }
        }
        let now = unmarked(meddler).await;
        for (name, before) in &self.foreign {
            match now.get(name) {
                Some(after) if after == before => {}
                // Taken over on request: then it carries the mark, and is looked at no more.
                _ if ADOPTABLE.contains(&name.as_str()) => {}
                after => return Err(format!("{name} was not ours: {before} became {after:?}")),
            }
        }
        self.foreign.retain(|name, _| now.contains_key(name));
        for (name, state) in now {
            self.foreign.entry(name).or_insert(state);
        }
        Ok(())
    }
}

/// What [`Meddler::prepare`] puts in the way.
const ADOPTABLE: [&str; 6] = [
    "pool gangplank",
    "account gp-oncology",
    "repository models",
    "namespace team-cellar",
    "application gangplank-bridge",
    "assignment 11111111-2222-4333-8444-f42081ac0d03",
];

/// Every right that the bridge declares, as lines.
fn declared(bridge: &Bridge, facts: &Facts) -> Vec<String> {
    let (wanted, _) = bridge::want::wanted(bridge, facts);
    let mut lines = Vec::new();
    for resource in wanted {
        match resource {
            Resource::Grant(grant) => {
                let target = match grant.target {
                    GrantTarget::Project => "project".to_owned(),
                    GrantTarget::ServiceAccount(id) => format!("service-account/{id}"),
                    GrantTarget::Repository(id) => format!("repository/{id}"),
                };
                lines.extend(grant.members.iter().map(|member| format!("{target} {} {member}", grant.role)));
            }
            Resource::RoleAssignment(it) => {
                lines.push(format!(
                    "azure {} {} {}",
                    it.scope.to_lowercase(),
                    it.role_definition,
                    it.principal_id
                ));
            }
            Resource::AppRoleAssignment(it) => {
                lines.push(format!("app-role {} {}", it.app_role_id, it.principal_id));
            }
            Resource::Provider(it) => lines.push(format!("condition {}", it.condition)),
            Resource::Kubernetes(it) => {
                let object = it.object;
                match object["kind"].as_str() {
                    Some("RoleBinding") => lines.push(binding(&object)),
                    Some("Role") => lines.push(format!("rules {}", object["rules"])),
                    _ => {}
                }
            }
            _ => {}
        }
    }
    lines
}

fn binding(object: &Value) -> String {
    let subjects: Vec<String> = object["subjects"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|subject| format!("{} {}", subject["kind"], subject["name"]))
        .collect();
    let metadata = &object["metadata"];
    format!(
        "binding {} {} {} {subjects:?}",
        metadata["namespace"], metadata["name"], object["roleRef"]["name"]
    )
}

/// Every right that somebody has, as lines.
async fn rights(meddler: &Meddler<'_>) -> Vec<String> {
    let mut lines = Vec::new();
    for of in meddler.policies().await {
        let policy = meddler.policy(&of).await;
        for binding in policy["bindings"].as_array().into_iter().flatten() {
            let members = binding["members"].as_array().into_iter().flatten().map(|it| it.as_str().unwrap());
            // The dead have no rights.
            let living = members.filter(|member| !member.starts_with("deleted:"));
            lines.extend(
                living.map(|member| format!("{} {} {member}", of.name, binding["role"].as_str().unwrap())),
            );
        }
    }
    let (_, providers) =
        meddler.google(Method::GET, &format!("{}/gangplank/providers", meddler.pools()), Value::Null).await;
    for provider in providers["workloadIdentityPoolProviders"].as_array().into_iter().flatten() {
        lines.push(format!("condition {}", provider["attributeCondition"].as_str().unwrap_or_default()));
    }
    let azure = &meddler.harbour.sandbox.world.azure;
    for it in azure.assignments().iter() {
        lines.push(format!("azure {} {} {}", it.scope.to_lowercase(), it.role, it.principal_id));
    }
    for it in &azure.directory().assignments {
        lines.push(format!("app-role {} {}", it.app_role_id, it.principal_id));
    }
    for kind in RBAC {
        let (_, list) = meddler
            .cluster(Method::GET, &format!("/apis/rbac.authorization.k8s.io/v1/{kind}"), Value::Null)
            .await;
        lines.extend(list["items"].as_array().into_iter().flatten().map(binding));
    }
    let (_, roles) =
        meddler.cluster(Method::GET, "/apis/rbac.authorization.k8s.io/v1/roles", Value::Null).await;
    for role in roles["items"].as_array().into_iter().flatten() {
        lines.push(format!("rules {}", role["rules"]));
    }
    lines
}

/// Everything without the bridge's mark, by name.
async fn unmarked(meddler: &Meddler<'_>) -> BTreeMap<String, String> {
    const MARK: &str = "gangplank:harbour";
    let mut all = BTreeMap::new();
    let (_, pools) =
        meddler.google(Method::GET, &format!("{}?showDeleted=true", meddler.pools()), Value::Null).await;
    for pool in pools["workloadIdentityPools"].as_array().into_iter().flatten() {
        if pool["description"] != MARK {
            let id = pool["name"].as_str().unwrap().rsplit('/').next().unwrap();
            all.insert(format!("pool {id}"), pool.to_string());
        }
    }
    let (_, accounts) = meddler.google(Method::GET, &meddler.accounts(), Value::Null).await;
    for account in accounts["accounts"].as_array().into_iter().flatten() {
        if account["description"] != MARK {
            let id = account["email"].as_str().unwrap().split('@').next().unwrap();
            all.insert(format!("account {id}"), account.to_string());
        }
    }
    let (_, repositories) = meddler.google(Method::GET, &meddler.repositories(), Value::Null).await;
    for repository in repositories["repositories"].as_array().into_iter().flatten() {
        if repository["labels"]["gangplank-bridge"] != "harbour" {
            let id = repository["name"].as_str().unwrap().rsplit('/').next().unwrap();
            all.insert(format!("repository {id}"), repository.to_string());
        }
    }
    let (_, namespaces) = meddler.cluster(Method::GET, "/api/v1/namespaces", Value::Null).await;
    for namespace in namespaces["items"].as_array().into_iter().flatten() {
        let metadata = &namespace["metadata"];
        if metadata["labels"]["gangplank.dev/bridge"] != "harbour" {
            let state = format!("{} {}", metadata["labels"], metadata["annotations"]);
            all.insert(format!("namespace {}", metadata["name"].as_str().unwrap()), state);
        }
    }
    let (_, maps) = meddler.cluster(Method::GET, "/api/v1/configmaps", Value::Null).await;
    for map in maps["items"].as_array().into_iter().flatten() {
        let metadata = &map["metadata"];
        if metadata["name"] == "by-hand" {
            all.insert(format!("map {}", metadata["namespace"]), map["data"].to_string());
        }
    }
    let azure = &meddler.harbour.sandbox.world.azure;
    for it in azure.assignments().iter().filter(|it| it.description.as_deref() != Some(MARK)) {
        all.insert(
            format!("assignment {}", it.name),
            format!("{} {} {}", it.scope, it.role, it.principal_id),
        );
    }
    for it in azure.directory().applications.iter().filter(|it| !it.tags.iter().any(|tag| tag == MARK)) {
        all.insert(format!("application {}", it.display_name), serde_json::to_string(it).unwrap());
    }
    all
}
