//! `artifactregistry.googleapis.com`: repositories, their policies, and what they hold.

mod contents;
mod object;

use std::collections::BTreeMap;

use axum::Router;
use serde_json::{Value, json};

use self::object::{CHANGEABLE, require_id, require_labels, sent};
use crate::google::call::{self, Call, Service};
use crate::google::error::{ApiError, Code};
use crate::google::joined;
use crate::google::policy::{self, Policy};
use crate::google::resources::{Repository, Resources, is_project};
use crate::registry::storage;
use crate::seed;
use crate::world::{Shared, World};

const HOST: &str = "artifactregistry.googleapis.com";
const METADATA: &str = "google.devtools.artifactregistry.v1.OperationMetadata";
/// The service's routes.
pub(crate) fn router(shared: Shared) -> Router {
    call::router(shared, Service { host: HOST, answer })
}

/// Where a call goes: project and location as the caller named them.
struct At<'a> {
    world: &'a World,
    call: &'a Call,
    project: &'a str,
    location: &'a str,
}

fn answer(world: &World, call: &Call) -> Result<Value, ApiError> {
    let (method, path, verb) = call.route();
    let ["v1", "projects", project, "locations", location, rest @ ..] = path.as_slice() else {
        return Err(ApiError::no_such_method());
    };
    let at = At { world, call, project, location };
    let mut resources = world.google.resources();
    match (method, rest, verb) {
        ("GET", ["operations", id], "") => at.operation(&resources, id),
        ("GET", ["repositories"], "") => at.list(&resources),
        ("POST", ["repositories"], "") => at.create(&mut resources),
        ("GET", ["repositories", id], "") => {
            let repository = at.find(&resources, id, "artifactregistry.repositories.get")?;
            Ok(at.shown(id, repository))
        }
        ("PATCH", ["repositories", id], "") => at.patch(&mut resources, id),
        ("DELETE", ["repositories", id], "") => at.delete(&mut resources, id),
        ("GET", ["repositories", id], "getIamPolicy") => {
            let found = at.find(&resources, id, "artifactregistry.repositories.getIamPolicy")?;
            Ok(found.policy.to_json())
        }
        ("POST", ["repositories", id], "setIamPolicy") => {
            at.find(&resources, id, "artifactregistry.repositories.setIamPolicy")?;
            policy::set(&mut resources, call, |resources| at.policy(resources, id))
        }
        ("POST", ["repositories", id], "testIamPermissions") => {
            Ok(policy::test(&resources, call, at.existing(&resources, id).map(|found| &found.policy)))
        }
        ("GET", ["repositories", id, "packages"], "") => {
            let repository = at.find(&resources, id, "artifactregistry.packages.list")?;
            Ok(some("packages", &contents::packages(&at.canonical(id), repository)))
        }
        ("GET", ["repositories", id, "dockerImages"], "") => {
            let repository = at.find(&resources, id, "artifactregistry.dockerimages.list")?;
            Ok(some(
                "dockerImages",
                &contents::docker_images(&at.canonical(id), &at.registry_uri(id), repository),
            ))
        }
        _ => Err(ApiError::no_such_method()),
    }
}

impl At<'_> {
    fn parent(&self) -> String {
        format!("projects/{}/locations/{}", self.project, self.location)
    }

    fn name(&self, id: &str) -> String {
        format!("{}/repositories/{id}", self.parent())
    }

    /// The API gives names with the project's id, however it was asked.
    fn canonical(&self, id: &str) -> String {
        format!("projects/{}/locations/{}/repositories/{id}", seed::PROJECT, self.location)
    }

    fn require(&self, resources: &Resources, permission: &str) -> Result<(), ApiError> {
        let allowed =
            is_project(self.project) && resources.allows(&self.call.identity.caller, permission, None);
        if allowed { Ok(()) } else { Err(denied(permission, &self.parent())) }
    }

    /// The repository if the caller has `permission` on it; who lacks it is not told whether it is there.
    fn find<'r>(
        &self,
        resources: &'r Resources,
        id: &str,
        permission: &str,
    ) -> Result<&'r Repository, ApiError> {
        let name = self.name(id);
        if !resources.allows_on_repository(&self.call.identity.caller, permission, &name) {
            return Err(denied(permission, &name));
        }
        self.existing(resources, id).ok_or_else(ApiError::not_found)
    }

    fn existing<'r>(&self, resources: &'r Resources, id: &str) -> Option<&'r Repository> {
        resources.repository(self.project, self.location, id)
    }

    fn find_mut<'r>(&self, resources: &'r mut Resources, id: &str) -> Option<&'r mut Repository> {
        resources.repositories.get_mut(&(self.location.to_owned(), id.to_owned()))
    }

    fn policy<'r>(&self, resources: &'r mut Resources, id: &str) -> Option<&'r mut Policy> {
        self.find_mut(resources, id).map(|repository| &mut repository.policy)
    }

    fn operation(&self, resources: &Resources, id: &str) -> Result<Value, ApiError> {
        self.require(resources, "artifactregistry.repositories.list")?;
        let name = format!("projects/{}/locations/{}/operations/{id}", seed::PROJECT, self.location);
        resources.operation(&name).cloned().ok_or_else(ApiError::not_found)
    }

    fn list(&self, resources: &Resources) -> Result<Value, ApiError> {
        self.require(resources, "artifactregistry.repositories.list")?;
        let here = resources.repositories.iter().filter(|((location, _), _)| location == self.location);
        let shown: Vec<Value> = here.map(|((_, id), repository)| self.shown(id, repository)).collect();
        Ok(some("repositories", &shown))
    }

    fn create(&self, resources: &mut Resources) -> Result<Value, ApiError> {
        self.require(resources, "artifactregistry.repositories.create")?;
        let id = self.call.query("repositoryId").unwrap_or_default();
        require_id(id)?;
        let key = (self.location.to_owned(), id.to_owned());
        if resources.repositories.contains_key(&key) {
            return Err(ApiError::new(Code::AlreadyExists, "the repository already exists"));
        }
        let now = self.world.clock.now();
        let object = sent(&self.call.body, now)?;
        let repository = Repository { object, policy: Policy::default(), images: BTreeMap::new() };
        let kind = json!({ "@type": "type.googleapis.com/google.devtools.artifactregistry.v1.Repository" });
        let response = joined(kind, self.shown(id, &repository));
        resources.repositories.insert(key, repository);
        Ok(self.begin_operation(resources, &response))
    }

    fn patch(&self, resources: &mut Resources, id: &str) -> Result<Value, ApiError> {
        self.find(resources, id, "artifactregistry.repositories.update")?;
        let mask = self.call.update_mask();
        if let Some(fixed) = mask.iter().find(|path| !CHANGEABLE.contains(&path.as_str())) {
            let message = format!("Invalid update mask: field `{fixed}` cannot be changed.");
            return Err(ApiError::new(Code::InvalidArgument, message));
        }
        require_labels(self.call.body.get("labels"))?;
        let repository = self.find_mut(resources, id).ok_or_else(ApiError::not_found)?;
        let object = repository.object.as_object_mut().ok_or_else(ApiError::not_found)?;
        // Without a mask, what was sent is changed.
        let paths: Vec<&str> = match mask.as_slice() {
            [] => CHANGEABLE.into_iter().filter(|path| self.call.body.get(path).is_some()).collect(),
            mask => mask.iter().map(String::as_str).collect(),
        };
        for path in paths {
            match self.call.body.get(path) {
                Some(value) => object.insert(path.to_owned(), value.clone()),
                None => object.remove(path),
            };
        }
        object.insert("updateTime".to_owned(), json!(self.world.clock.now().to_string()));
        self.existing(resources, id)
            .map(|repository| self.shown(id, repository))
            .ok_or_else(ApiError::not_found)
    }

    fn delete(&self, resources: &mut Resources, id: &str) -> Result<Value, ApiError> {
        self.find(resources, id, "artifactregistry.repositories.delete")?;
        let orphans = resources.remove_repository(self.location, id).ok_or_else(ApiError::not_found)?;
        storage::remove(&self.world.folder, &orphans);
        let response = json!({ "@type": "type.googleapis.com/google.protobuf.Empty" });
        Ok(self.begin_operation(resources, &response))
    }

    fn begin_operation(&self, resources: &mut Resources, response: &Value) -> Value {
        let parent = format!("projects/{}/locations/{}", seed::PROJECT, self.location);
        resources.begin_operation(&parent, METADATA, response)
    }

    fn shown(&self, id: &str, repository: &Repository) -> Value {
        let named = joined(json!({ "name": self.canonical(id) }), repository.object.clone());
        let shown = joined(named, json!({ "registryUri": self.registry_uri(id) }));
        match contents::size(repository) {
            0 => shown,
            size => joined(shown, json!({ "sizeBytes": size.to_string() })),
        }
    }

    /// Where docker finds it: on Google `LOCATION-docker.pkg.dev/…`, here the sandbox's registry.
    fn registry_uri(&self, id: &str) -> String {
        let host = self.world.addresses().map(|addresses| addresses.registry.to_string()).unwrap_or_default();
        format!("{host}/{}/{id}", seed::PROJECT)
    }
}

fn denied(permission: &str, resource: &str) -> ApiError {
    let message =
        format!("Permission '{permission}' denied on resource '//{HOST}/{resource}' (or it may not exist).");
    let metadata = json!({ "permission": permission, "resource": resource });
    ApiError::new(Code::PermissionDenied, message).with_info("IAM_PERMISSION_DENIED", HOST, &metadata)
}

/// An empty list is no list.
fn some(field: &str, all: &[Value]) -> Value {
    if all.is_empty() { json!({}) } else { json!({ field: all }) }
}
