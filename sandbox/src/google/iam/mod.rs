//! `iam.googleapis.com`: service accounts, workload identity pools and their providers.

mod pools;
mod providers;
pub(crate) mod service_accounts;

use axum::Router;
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};
use trust::provider::State;

use super::call::{self, Call, Service};
use super::error::{ApiError, Code};
use super::joined;
use super::resources::{Kept, Resources, is_project};
use crate::seed;
use crate::world::{Shared, World};

const HOST: &str = "iam.googleapis.com";

/// How long a deleted pool or provider can be undeleted.
const KEPT: SignedDuration = SignedDuration::from_hours(30 * 24);

/// The service's routes.
pub(crate) fn router(shared: Shared) -> Router {
    call::router(shared, Service { host: HOST, answer })
}

fn answer(world: &World, call: &Call) -> Result<Value, ApiError> {
    let now = world.clock.now();
    let mut resources = world.google.resources();
    resources.purge(now);
    let (method, path, verb) = call.route();
    match path.as_slice() {
        ["v1", "projects", project, "serviceAccounts", rest @ ..] => {
            service_accounts::answer(&mut resources, call, project, (method, rest, verb))
        }
        ["v1", path @ .., "operations", _] if method == "GET" => operation(&resources, call, path),
        ["v1", "projects", project, "locations", "global", "workloadIdentityPools", rest @ ..] => {
            let parent = Parent { resources: &mut resources, call, now };
            match rest {
                [pool, "providers", rest @ ..] => providers::answer(
                    parent.below(project, pool, &["providers"], rest)?,
                    pool,
                    (method, rest, verb),
                ),
                _ => pools::answer(parent.below(project, "", &[], rest)?, (method, rest, verb)),
            }
        }
        ["v2", "policies", attachment, "denypolicies", rest @ ..] if method == "GET" => {
            deny_policies(&resources, call, attachment, rest)
        }
        _ => Err(ApiError::no_such_method()),
    }
}

/// Deny policies of the project: there are none here, and none can be made. Who may look is said by the roles on the project;
/// Google's page asks for `roles/iam.denyReviewer` on the organisation (`https://cloud.google.com/iam/docs/deny-access`).
fn deny_policies(
    resources: &Resources,
    call: &Call,
    attachment: &str,
    rest: &[&str],
) -> Result<Value, ApiError> {
    let permission = if rest.is_empty() { "iam.denypolicies.list" } else { "iam.denypolicies.get" };
    let project = attachment.strip_prefix("cloudresourcemanager.googleapis.com/projects/");
    let ours = project.is_some_and(is_project);
    if !ours || !resources.allows(&call.identity.caller, permission, None) {
        let message =
            format!("Permission '{permission}' denied on resource '//{attachment}' (or it may not exist).");
        let metadata = json!({ "permission": permission, "resource": attachment });
        let refused = ApiError::new(Code::PermissionDenied, message);
        return Err(refused.with_info("IAM_PERMISSION_DENIED", HOST, &metadata));
    }
    if rest.is_empty() { Ok(json!({})) } else { Err(ApiError::not_found()) }
}

/// A call about pools or providers.
struct Parent<'a> {
    resources: &'a mut Resources,
    call: &'a Call,
    now: Timestamp,
}

/// The same, with the project known to be ours or refused.
struct Scope<'a> {
    resources: &'a mut Resources,
    call: &'a Call,
    now: Timestamp,
    /// The resource as the caller named it, for refusals.
    named: String,
}

impl<'a> Parent<'a> {
    fn below(self, project: &str, pool: &str, noun: &[&str], rest: &[&str]) -> Result<Scope<'a>, ApiError> {
        let mut named = format!("projects/{project}/locations/global");
        let ids = [pool]
            .into_iter()
            .filter(|id| !id.is_empty())
            .chain(noun.iter().copied().filter(|_| !rest.is_empty()));
        for part in ids.chain(rest.iter().copied()) {
            let noun = if named.ends_with("/global") { "workloadIdentityPools/" } else { "" };
            named = format!("{named}/{noun}{part}");
        }
        let scope = Scope { resources: self.resources, call: self.call, now: self.now, named };
        if is_project(project) { Ok(scope) } else { Err(scope.denied("iam.workloadIdentityPools.get")) }
    }
}

impl Scope<'_> {
    fn require(&self, permission: &str) -> Result<(), ApiError> {
        let allowed = self.resources.allows(&self.call.identity.caller, permission, None);
        if allowed { Ok(()) } else { Err(self.denied(permission)) }
    }

    fn denied(&self, permission: &str) -> ApiError {
        let message = format!(
            "Permission '{permission}' denied on resource '//{HOST}/{}' (or it may not exist).",
            self.named
        );
        let metadata = json!({ "permission": permission, "resource": self.named });
        ApiError::new(Code::PermissionDenied, message).with_info("IAM_PERMISSION_DENIED", HOST, &metadata)
    }

    /// The answer to a change of `name`, whose new state is `value`.
    fn changed(&mut self, name: &str, kind: &str, value: Value) -> Value {
        let response = joined(json!({ "@type": format!("type.googleapis.com/google.iam.v1.{kind}") }), value);
        self.resources.begin_operation(name, &format!("google.iam.v1.{kind}OperationMetadata"), &response)
    }
}

fn operation(resources: &Resources, call: &Call, path: &[&str]) -> Result<Value, ApiError> {
    let (_, whole, _) = call.route();
    let name = whole.get(1..).unwrap_or_default().join("/");
    let permission = if path.contains(&"providers") {
        "iam.workloadIdentityPoolProviders.get"
    } else {
        "iam.workloadIdentityPools.get"
    };
    if !resources.allows(&call.identity.caller, permission, None) {
        return Err(ApiError::new(Code::PermissionDenied, "The caller does not have permission"));
    }
    // Names are given out with the project's number; the id is as good.
    let numbered = name.replacen(
        &format!("projects/{}/", seed::PROJECT),
        &format!("projects/{}/", seed::PROJECT_NUMBER),
        1,
    );
    resources.operation(&numbered).cloned().ok_or_else(ApiError::not_found)
}

/// A pool's or provider's id: 4 to 32 of `[a-z0-9-]`, and not Google's own prefix.
fn require_id(id: &str, field: &str) -> Result<(), ApiError> {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    if (4..=32).contains(&id.len()) && id.bytes().all(plain) && !id.starts_with("gcp-") {
        return Ok(());
    }
    let message = format!("{field} must be 4-32 characters of [a-z0-9-] and must not begin with gcp-");
    Err(ApiError::new(Code::InvalidArgument, message))
}

/// `current` with the fields of the call's update mask taken from its body.
fn patched<T: Serialize + DeserializeOwned>(
    current: &T,
    call: &Call,
    allowed: &[&str],
) -> Result<T, ApiError> {
    let mask = call.update_mask();
    let invalid = |_| ApiError::invalid_argument();
    let mut object = serde_json::to_value(current).map_err(invalid)?;
    for path in &mask {
        if !allowed.contains(&path.as_str()) {
            let message = format!("Invalid update mask: field `{path}` cannot be changed.");
            return Err(ApiError::new(Code::InvalidArgument, message));
        }
        copy(&mut object, &call.body, path);
    }
    if mask.is_empty() {
        return Err(ApiError::new(Code::InvalidArgument, "An update mask is required."));
    }
    serde_json::from_value(object).map_err(invalid)
}

/// Makes the field `path` of `target` what it is in `source`; absent there means absent here.
fn copy(target: &mut Value, source: &Value, path: &str) {
    if let Some((head, rest)) = path.split_once('.') {
        if let Some(object) = target.as_object_mut() {
            let inner = object.entry(head).or_insert_with(|| Value::Object(Map::new()));
            copy(inner, source.get(head).unwrap_or(&Value::Null), rest);
        }
    } else if let Some(object) = target.as_object_mut() {
        match source.get(path) {
            Some(value) => object.insert(path.to_owned(), value.clone()),
            None => object.remove(path),
        };
    }
}

/// A pool or provider as the API shows it.
fn shown<T: Serialize>(kept: &Kept<T>) -> Value {
    let object = serde_json::to_value(&kept.value).unwrap_or_default();
    match kept.expires {
        None => object,
        Some(expires) => joined(object, json!({ "expireTime": expires.to_string() })),
    }
}

/// Those that are wanted by `showDeleted`, as the API shows them.
fn listed<'a, T: Serialize + 'a>(all: impl Iterator<Item = &'a Kept<T>>, call: &Call) -> Vec<Value> {
    let deleted_too = call.query("showDeleted") == Some("true");
    all.filter(|kept| deleted_too || kept.expires.is_none()).map(shown).collect()
}

/// Deletes, for thirty days.
fn bury(state: &mut State, expires: &mut Option<Timestamp>, now: Timestamp) -> Result<(), ApiError> {
    if *state == State::Deleted {
        return Err(ApiError::not_found());
    }
    *state = State::Deleted;
    *expires = now.checked_add(KEPT).ok();
    Ok(())
}

/// Takes a deletion back.
fn revive(state: &mut State, expires: &mut Option<Timestamp>) -> Result<(), ApiError> {
    if *state != State::Deleted {
        let message = "The resource is not deleted, so that it cannot be undeleted.";
        return Err(ApiError::new(Code::FailedPrecondition, message));
    }
    *state = State::Active;
    *expires = None;
    Ok(())
}

#[cfg(test)]
mod tests;
