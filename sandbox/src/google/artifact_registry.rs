//! `artifactregistry.googleapis.com`: repositories, their policies, and what they hold.

use axum::Router;
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::call::{self, Call, Service};
use super::error::{ApiError, Code};
use super::policy::{self, Policy};
use super::registry::remove_blobs;
use super::resources::{Repository, Resources, is_project};
use crate::seed;
use crate::world::{Shared, World};

const HOST: &str = "artifactregistry.googleapis.com";
const METADATA: &str = "google.devtools.artifactregistry.v1.OperationMetadata";
/// The formats by number, as clients of protocol buffers may send them.
const FORMATS: [&str; 13] = [
    "FORMAT_UNSPECIFIED",
    "DOCKER",
    "MAVEN",
    "NPM",
    "",
    "APT",
    "YUM",
    "",
    "PYTHON",
    "KFP",
    "GO",
    "GENERIC",
    "RUBY",
];
const CHANGEABLE: [&str; 4] = ["labels", "description", "dockerConfig", "cleanupPolicyDryRun"];

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
            Ok(some("packages", at.packages(id, repository)))
        }
        ("GET", ["repositories", id, "dockerImages"], "") => {
            let repository = at.find(&resources, id, "artifactregistry.dockerimages.list")?;
            Ok(some("dockerImages", at.docker_images(id, repository)))
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
        Ok(some("repositories", here.map(|((_, id), repository)| self.shown(id, repository)).collect()))
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
        let repository =
            Repository { object, policy: Policy::default(), images: std::collections::BTreeMap::new() };
        let response = typed(self.shown(id, &repository));
        resources.repositories.insert(key, repository);
        Ok(self.begin_operation(resources, response))
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
        remove_blobs(&self.world.folder, &orphans);
        Ok(self.begin_operation(resources, json!({ "@type": "type.googleapis.com/google.protobuf.Empty" })))
    }

    fn begin_operation(&self, resources: &mut Resources, response: Value) -> Value {
        let parent = format!("projects/{}/locations/{}", seed::PROJECT, self.location);
        resources.begin_operation(&parent, METADATA, response)
    }

    fn shown(&self, id: &str, repository: &Repository) -> Value {
        let mut shown = json!({ "name": self.canonical(id) });
        if let (Some(shown), Some(object)) = (shown.as_object_mut(), repository.object.as_object()) {
            shown.extend(object.clone());
        }
        shown["registryUri"] = json!(self.registry_uri(id));
        let blobs = repository.images.values().flat_map(|image| image.blobs.iter());
        let unique: std::collections::BTreeMap<_, _> = blobs.collect();
        let size: u64 = unique.values().copied().sum();
        if size > 0 {
            shown["sizeBytes"] = json!(size.to_string());
        }
        shown
    }

    /// Where docker finds it: on Google `LOCATION-docker.pkg.dev/…`, here the sandbox's registry.
    fn registry_uri(&self, id: &str) -> String {
        let host = self.world.addresses().map(|addresses| addresses.registry.to_string()).unwrap_or_default();
        format!("{host}/{}/{id}", seed::PROJECT)
    }

    fn packages(&self, id: &str, repository: &Repository) -> Vec<Value> {
        let pushed = repository.images.iter().filter(|(_, image)| !image.manifests.is_empty());
        let package = |(name, image): (&String, &super::resources::Image)| {
            let times = || image.manifests.values();
            json!({
                "name": format!("{}/packages/{}", self.canonical(id), name.replace('/', "%2F")),
                "createTime": times().map(|manifest| manifest.uploaded).min().map(|time| time.to_string()),
                "updateTime": times().map(|manifest| manifest.updated).max().map(|time| time.to_string()),
            })
        };
        pushed.map(package).collect()
    }

    fn docker_images(&self, id: &str, repository: &Repository) -> Vec<Value> {
        let mut all = Vec::new();
        for (name, image) in &repository.images {
            for (digest, manifest) in &image.manifests {
                let tags: Vec<&String> =
                    image.tags.iter().filter(|(_, tagged)| *tagged == digest).map(|(tag, _)| tag).collect();
                let encoded = name.replace('/', "%2F");
                all.push(json!({
                    "name": format!("{}/dockerImages/{encoded}@{digest}", self.canonical(id)),
                    "uri": format!("{}/{name}@{digest}", self.registry_uri(id)),
                    "tags": tags,
                    "imageSizeBytes": manifest.size.to_string(),
                    "mediaType": manifest.media_type,
                    "uploadTime": manifest.uploaded.to_string(),
                    "updateTime": manifest.updated.to_string(),
                }));
            }
        }
        all
    }
}

fn denied(permission: &str, resource: &str) -> ApiError {
    let message =
        format!("Permission '{permission}' denied on resource '//{HOST}/{resource}' (or it may not exist).");
    let metadata = json!({ "permission": permission, "resource": resource });
    ApiError::new(Code::PermissionDenied, message).with_info("IAM_PERMISSION_DENIED", HOST, &metadata)
}

/// A new repository's object from what was sent.
fn sent(body: &Value, now: Timestamp) -> Result<Value, ApiError> {
    let number = body.get("format").and_then(Value::as_u64).and_then(|number| usize::try_from(number).ok());
    let format = match number {
        Some(number) => FORMATS.get(number).copied().unwrap_or_default(),
        None => body.get("format").and_then(Value::as_str).unwrap_or_default(),
    };
    if !FORMATS.contains(&format) || matches!(format, "" | "FORMAT_UNSPECIFIED") {
        return Err(ApiError::new(Code::InvalidArgument, "Repository format must be specified."));
    }
    require_labels(body.get("labels"))?;
    let mut object = Map::new();
    object.insert("format".to_owned(), json!(format));
    object.insert("mode".to_owned(), json!("STANDARD_REPOSITORY"));
    for field in CHANGEABLE {
        if let Some(value) = body.get(field).filter(|value| !value.is_null()) {
            object.insert(field.to_owned(), value.clone());
        }
    }
    for time in ["createTime", "updateTime"] {
        object.insert(time.to_owned(), json!(now.to_string()));
    }
    Ok(Value::Object(object))
}

fn require_id(id: &str) -> Result<(), ApiError> {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let fits = id.len() <= 63
        && id.starts_with(|first: char| first.is_ascii_lowercase())
        && id.bytes().all(|byte| plain(byte) || byte == b'-')
        && id.bytes().last().is_some_and(plain);
    if fits {
        return Ok(());
    }
    let message =
        format!("Invalid repository ID \"{id}\": expected [a-z][a-z0-9-]*[a-z0-9], at most 63 characters.");
    Err(ApiError::new(Code::InvalidArgument, message))
}

/// At most 64 labels of at most 63 lower-case letters, digits, `_` and `-`.
fn require_labels(labels: Option<&Value>) -> Result<(), ApiError> {
    let Some(labels) = labels.and_then(Value::as_object) else { return Ok(()) };
    let plain = |text: &str| {
        text.len() <= 63
            && text
                .chars()
                .all(|letter| letter.is_lowercase() || letter.is_numeric() || letter == '_' || letter == '-')
    };
    let fits = |(key, value): (&String, &Value)| {
        plain(key) && key.starts_with(char::is_lowercase) && value.as_str().is_some_and(plain)
    };
    if labels.len() <= 64 && labels.iter().all(fits) {
        return Ok(());
    }
    Err(ApiError::new(Code::InvalidArgument, "Invalid labels."))
}

/// A finished operation's response carries its type.
fn typed(object: Value) -> Value {
    let mut response =
        json!({ "@type": "type.googleapis.com/google.devtools.artifactregistry.v1.Repository" });
    if let (Some(response), Value::Object(object)) = (response.as_object_mut(), object) {
        response.extend(object);
    }
    response
}

/// An empty list is no list.
fn some(field: &str, all: Vec<Value>) -> Value {
    if all.is_empty() { json!({}) } else { json!({ field: all }) }
}
