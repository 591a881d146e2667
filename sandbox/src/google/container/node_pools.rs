//! The cluster's node pools: who their nodes are, and with which OAuth scopes. Neither changes once a pool is made.
//! <https://cloud.google.com/kubernetes-engine/docs/reference/rest/v1/projects.locations.clusters.nodePools>

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use trust::principal::Caller;

use super::{VERSION, no_cluster, require};
use crate::google::call::{CLOUD_PLATFORM, Call};
use crate::google::error::{ApiError, Code};
use crate::google::joined;
use crate::google::resources::Resources;
use crate::world::World;
use crate::{random, seed};

/// What the nodes of a pool are to have, besides what makes them who they are.
const MACHINE_TYPE: &str = "e2-standard-4";

/// A node pool.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct NodePool {
    pub(crate) name: String,
    /// E-mail address of the nodes' service account; `default` for Compute Engine's own.
    pub(crate) service_account: String,
    pub(crate) scopes: Vec<String>,
    /// How many nodes were asked for. The sandbox has one, which is of the oldest pool.
    pub(crate) nodes: u64,
}

/// What `nodePools.create` sends, as far as the sandbox plays it; the rest is left aside.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wanted {
    node_pool: WantedPool,
}

#[derive(Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct WantedPool {
    name: String,
    initial_node_count: u64,
    config: WantedConfig,
}

impl Default for WantedPool {
    fn default() -> Self {
        Self { name: String::new(), initial_node_count: 1, config: WantedConfig::default() }
    }
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct WantedConfig {
    service_account: String,
    oauth_scopes: Vec<String>,
}

impl NodePool {
    /// The pool that came with the cluster.
    pub(crate) fn seeded() -> Self {
        Self {
            name: "default-pool".to_owned(),
            service_account: seed::NODE_SERVICE_ACCOUNT.to_owned(),
            scopes: vec![CLOUD_PLATFORM.to_owned()],
            nodes: 1,
        }
    }

    /// What its nodes are.
    pub(super) fn config(&self) -> Value {
        json!({
            "machineType": MACHINE_TYPE,
            "serviceAccount": self.service_account,
            "oauthScopes": self.scopes,
            "workloadMetadataConfig": { "mode": "GKE_METADATA" },
        })
    }

    /// As the API shows it.
    pub(super) fn shown(&self) -> Value {
        json!({
            "name": self.name,
            "version": VERSION,
            "status": "RUNNING",
            "initialNodeCount": self.nodes,
            "selfLink": format!("https://container.googleapis.com/v1/{}", link(&self.name)),
            "config": self.config(),
        })
    }
}

/// Where a call goes: project, location and cluster as the caller named them.
pub(super) struct At<'a> {
    pub(super) world: &'a World,
    pub(super) call: &'a Call,
    pub(super) project: &'a str,
    pub(super) location: &'a str,
    pub(super) cluster: &'a str,
}

impl At<'_> {
    /// Decides one call; `rest` is what follows `nodePools`.
    pub(super) fn answer(&self, method: &str, rest: &[&str]) -> Result<Value, ApiError> {
        match (method, rest) {
            ("GET", []) => {
                self.require("container.clusters.get")?;
                let resources = self.world.google.resources();
                Ok(
                    json!({ "nodePools": resources.node_pools.iter().map(NodePool::shown).collect::<Vec<_>>() }),
                )
            }
            ("GET", [name]) => {
                self.require("container.clusters.get")?;
                let resources = self.world.google.resources();
                let found = resources.node_pools.iter().find(|pool| pool.name == *name);
                found.map(NodePool::shown).ok_or_else(|| self.no_pool(name))
            }
            ("POST", []) => {
                self.require("container.clusters.update")?;
                self.create()
            }
            ("DELETE", [name]) => {
                self.require("container.clusters.update")?;
                self.delete(name)
            }
            _ => Err(ApiError::no_such_method()),
        }
    }

    fn resource(&self) -> String {
        format!("projects/{}/locations/{}/clusters/{}", self.project, self.location, self.cluster)
    }

    /// Refuses who lacks the permission on the cluster, and a cluster that is not there.
    fn require(&self, permission: &str) -> Result<(), ApiError> {
        let resource = self.resource();
        require(self.world, self.call, self.project, (permission, &resource))?;
        if (self.location, self.cluster) == (seed::LOCATION, seed::CLUSTER) {
            return Ok(());
        }
        Err(no_cluster(&resource, self.cluster, self.project))
    }

    fn no_pool(&self, name: &str) -> ApiError {
        let message = format!("Not found: {}/nodePools/{name}.", self.resource());
        ApiError::new(Code::NotFound, message)
    }

    fn create(&self) -> Result<Value, ApiError> {
        let wanted: Wanted =
            serde_json::from_value(self.call.body.clone()).map_err(|_| ApiError::invalid_argument())?;
        let WantedPool { name, initial_node_count: nodes, config } = wanted.node_pool;
        require_name(&name)?;
        let mut resources = self.world.google.resources();
        let service_account = account(&resources, &self.call.identity.caller, config.service_account)?;
        if resources.node_pools.iter().any(|pool| pool.name == name) {
            let message = format!("Already exists: {}/nodePools/{name}.", self.resource());
            return Err(ApiError::new(Code::AlreadyExists, message));
        }
        let operation = self.begin(&mut resources, "CREATE_NODE_POOL", &name);
        resources.node_pools.push(NodePool { name, service_account, scopes: config.oauth_scopes, nodes });
        Ok(operation)
    }

    fn delete(&self, name: &str) -> Result<Value, ApiError> {
        let mut resources = self.world.google.resources();
        let at = resources.node_pools.iter().position(|pool| pool.name == name);
        let at = at.ok_or_else(|| self.no_pool(name))?;
        resources.node_pools.remove(at);
        Ok(self.begin(&mut resources, "DELETE_NODE_POOL", name))
    }

    /// The operation on a pool: running in this answer, done when it is next asked about.
    fn begin(&self, resources: &mut Resources, kind: &str, pool: &str) -> Value {
        let now = self.world.clock.now();
        let id = format!("operation-{}-{}", now.as_millisecond(), random::uuid());
        let name = format!("projects/{}/locations/{}/operations/{id}", seed::PROJECT, seed::LOCATION);
        let running = json!({
            "name": id,
            "zone": seed::LOCATION,
            "location": seed::LOCATION,
            "operationType": kind,
            "status": "RUNNING",
            "startTime": now.to_string(),
            "selfLink": format!("https://container.googleapis.com/v1/{name}"),
            "targetLink": format!("https://container.googleapis.com/v1/{}", link(pool)),
        });
        let done = joined(running.clone(), json!({ "status": "DONE", "endTime": now.to_string() }));
        resources.keep_operation(name, done);
        running
    }
}

/// The name of a pool of the one cluster.
fn link(pool: &str) -> String {
    let (project, location, cluster) = (seed::PROJECT_NUMBER, seed::LOCATION, seed::CLUSTER);
    format!("projects/{project}/locations/{location}/clusters/{cluster}/nodePools/{pool}")
}

/// At most forty of `[a-z0-9-]`, a letter at the beginning, no hyphen at the end.
fn require_name(name: &str) -> Result<(), ApiError> {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    let begins = name.bytes().next().is_some_and(|first| first.is_ascii_lowercase());
    if begins && name.len() <= 40 && name.bytes().all(plain) && !name.ends_with('-') {
        return Ok(());
    }
    let message = format!(
        "Invalid value for field \"node_pool.name\": \"{name}\". Must be a match of regex \
                           '(?:[a-z](?:[-a-z0-9]{{0,38}}[a-z0-9])?)'."
    );
    Err(ApiError::new(Code::InvalidArgument, message))
}

/// The service account that nodes are to run as: it must be there, and the caller must be allowed to act as it.
/// <https://cloud.google.com/kubernetes-engine/docs/how-to/iam#service_account_user>
fn account(resources: &Resources, caller: &Caller, wanted: String) -> Result<String, ApiError> {
    let wanted = if wanted.is_empty() { "default".to_owned() } else { wanted };
    let found = resources.service_account(&wanted);
    if found.is_none() && wanted != "default" {
        let message = format!("Service account \"{wanted}\" does not exist.");
        return Err(ApiError::new(Code::InvalidArgument, message));
    }
    let own = found.map(|account| &account.policy);
    if resources.allows(caller, "iam.serviceAccounts.actAs", own) {
        return Ok(wanted);
    }
    let message = format!(
        "The user does not have access to service account \"{wanted}\". Ask a project owner to grant you the \
         iam.serviceAccountUser role on the service account."
    );
    Err(ApiError::new(Code::InvalidArgument, message))
}
