//! `container.googleapis.com`: the one cluster, as a lookup, and its node pools.

mod node_pools;

use axum::Router;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

pub(crate) use self::node_pools::NodePool;
use super::call::{self, Call, Service};
use super::error::{ApiError, Code};
use super::resources::is_project;
use crate::seed;
use crate::world::{Shared, World};

/// The service's routes.
pub(crate) fn router(shared: Shared) -> Router {
    call::router(shared, Service { host: "container.googleapis.com", answer })
}

fn answer(world: &World, call: &Call) -> Result<Value, ApiError> {
    let (method, path, verb) = call.route();
    match (method, path.as_slice(), verb) {
        ("GET", ["v1", "projects", project, "locations", location, "clusters"], "") => {
            let parent = format!("projects/{project}/locations/{location}");
            require(world, call, project, ("container.clusters.list", &parent))?;
            let here = matches!(*location, "-" | seed::LOCATION);
            Ok(if here { json!({ "clusters": [cluster(world)] }) } else { json!({}) })
        }
        ("GET", ["v1", "projects", project, "locations", location, "clusters", name], "") => {
            let resource = format!("projects/{project}/locations/{location}/clusters/{name}");
            require(world, call, project, ("container.clusters.get", &resource))?;
            if (*location, *name) == (seed::LOCATION, seed::CLUSTER) {
                return Ok(cluster(world));
            }
            Err(no_cluster(&resource, name, project))
        }
        (
            _,
            ["v1", "projects", project, "locations", location, "clusters", name, "nodePools", rest @ ..],
            "",
        ) => node_pools::At { world, call, project, location, cluster: name }.answer(method, rest),
        ("GET", ["v1", "projects", project, "locations", location, "operations", id], "") => {
            let resource = format!("projects/{project}/locations/{location}/operations/{id}");
            require(world, call, project, ("container.operations.get", &resource))?;
            let name = format!("projects/{}/locations/{location}/operations/{id}", seed::PROJECT);
            let found = world.google.resources().operation(&name).cloned();
            found.ok_or_else(|| ApiError::new(Code::NotFound, format!("Not found: {resource}.")))
        }
        _ => Err(ApiError::no_such_method()),
    }
}

fn require(
    world: &World,
    call: &Call,
    project: &str,
    (permission, resource): (&str, &str),
) -> Result<(), ApiError> {
    if is_project(project) && world.google.resources().allows(&call.identity.caller, permission, None) {
        return Ok(());
    }
    let message = format!("Required \"{permission}\" permission(s) for \"{resource}\".");
    Err(ApiError::new(Code::PermissionDenied, message))
}

fn no_cluster(resource: &str, name: &str, project: &str) -> ApiError {
    let message = format!("Not found: {resource}.\nNo cluster named '{name}' in {project}.");
    ApiError::new(Code::NotFound, message)
}

/// What control plane and nodes run; clients compare the two.
const VERSION: &str = "1.33.5-gke.1162000";

fn cluster(world: &World) -> Value {
    let endpoint = world.addresses().map(|addresses| addresses.cluster.to_string()).unwrap_or_default();
    let name = format!("projects/{}/locations/{}/clusters/{}", seed::PROJECT, seed::LOCATION, seed::CLUSTER);
    let pools = world.google.resources().node_pools.clone();
    let nodes: u64 = pools.iter().map(|pool| pool.nodes).sum();
    // The cluster as a whole shows its first pool's nodes.
    let node = pools.first().map(NodePool::config);
    let pools: Vec<Value> = pools.iter().map(NodePool::shown).collect();
    json!({
        "name": seed::CLUSTER,
        "id": format!("{:0>64}", seed::PROJECT_NUMBER),
        "location": seed::LOCATION,
        "zone": seed::LOCATION,
        "selfLink": format!("https://container.googleapis.com/v1/{name}"),
        "status": "RUNNING",
        "createTime": "2026-01-05T09:00:00+00:00",
        "initialClusterVersion": VERSION,
        "currentMasterVersion": VERSION,
        "currentNodeVersion": VERSION,
        "currentNodeCount": nodes,
        "endpoint": endpoint,
        "masterAuth": { "clusterCaCertificate": STANDARD.encode(&world.authority.certificate) },
        "workloadIdentityConfig": { "workloadPool": format!("{}.svc.id.goog", seed::PROJECT) },
        "network": "default",
        "nodeConfig": node,
        "nodePools": pools,
    })
}
