//! `container.googleapis.com`: the one cluster, as a lookup.

use axum::Router;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

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
            let message = format!("Not found: {resource}.\nNo cluster named '{name}' in {project}.");
            Err(ApiError::new(Code::NotFound, message))
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

/// What control plane and nodes run; clients compare the two.
const VERSION: &str = "1.33.5-gke.1162000";

fn cluster(world: &World) -> Value {
    let endpoint = world.addresses().map(|addresses| addresses.cluster.to_string()).unwrap_or_default();
    let name = format!("projects/{}/locations/{}/clusters/{}", seed::PROJECT, seed::LOCATION, seed::CLUSTER);
    let node = json!({
        "machineType": "e2-standard-4",
        "serviceAccount": seed::NODE_SERVICE_ACCOUNT,
        "oauthScopes": world.google.resources().node_scopes,
        "workloadMetadataConfig": { "mode": "GKE_METADATA" },
    });
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
        "currentNodeCount": 1,
        "endpoint": endpoint,
        "masterAuth": { "clusterCaCertificate": STANDARD.encode(&world.authority.certificate) },
        "workloadIdentityConfig": { "workloadPool": format!("{}.svc.id.goog", seed::PROJECT) },
        "network": "default",
        "nodeConfig": node,
        "nodePools": [{ "name": "default-pool", "version": VERSION, "status": "RUNNING", "initialNodeCount": 1, "config": node }],
    })
}
