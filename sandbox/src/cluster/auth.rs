//! Who asks, and may they. Google access tokens, the cluster's own service-account tokens, and the administrator's token
//! are taken; RBAC or GKE's IAM permissions may allow. Who may do what is `trust`'s decision, over the stored objects.

use http::{HeaderMap, header};
use serde::de::DeserializeOwned;
use serde_json::Value;
use trust::principal::Caller;
use trust::rbac::{
    Aggregation, Attributes, Objects as RbacObjects, Role, RoleBinding, decide, forbidden_text,
    gke_permission,
};

use super::issuer;
use super::json::{list, number, text};
use super::kinds::{self, Kind};
use super::status::Failure;
use super::store::Key;
use crate::google::{USERINFO_EMAIL, authenticate as google_token};
use crate::signing;
use crate::world::Shared;

/// Who asks.
#[derive(Debug, Clone)]
pub(crate) struct User {
    /// The name RBAC knows.
    pub(crate) name: String,
    /// Groups.
    pub(crate) groups: Vec<String>,
    /// The caller IAM knows, for Google's tokens.
    pub(crate) caller: Option<Caller>,
}

/// The user behind the request's bearer token. `aged`: a fault makes the token count as expired.
pub(crate) fn authenticate(shared: &Shared, headers: &HeaderMap, aged: bool) -> Result<User, Failure> {
    let token = headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
        .map(|(_, token)| token.trim())
        .filter(|_| !aged)
        .ok_or_else(Failure::unauthorized)?;
    if token == shared.cluster.admin_token {
        return Ok(user("kubernetes-admin", &["system:masters"], None));
    }
    service_account(shared, token).or_else(|| google(shared, token)).ok_or_else(Failure::unauthorized)
}

fn user(name: &str, groups: &[&str], caller: Option<Caller>) -> User {
    let groups = groups.iter().copied().chain(["system:authenticated"]).map(str::to_owned).collect();
    User { name: name.to_owned(), groups, caller }
}

/// A Google caller. Without the e-mail scope a service account is known by its number only, as on GKE.
fn google(shared: &Shared, token: &str) -> Option<User> {
    let identity = google_token(shared, token, false).ok()?;
    let numbered = match &identity.caller {
        Caller::ServiceAccount(_) if !identity.has_scope(USERINFO_EMAIL) => identity.unique_id.clone(),
        _ => None,
    };
    let name = numbered.unwrap_or_else(|| identity.caller.kubernetes_user());
    Some(user(&name, &[], Some(identity.caller)))
}

/// A service account of this cluster: signed by us, for us, in time, and still there.
fn service_account(shared: &Shared, token: &str) -> Option<User> {
    let claims = signing::verify(&shared.cluster.signing.key_set(), token).ok()?;
    let issuer = issuer::url(shared.addresses()?);
    let now = shared.clock.seconds();
    let for_us = list(&claims, "/aud").iter().any(|audience| *audience == issuer.as_str());
    let in_time = number(&claims, "/exp").is_some_and(|end| now < end);
    let (namespace, name) = text(&claims, "/sub").strip_prefix("system:serviceaccount:")?.split_once(':')?;
    let there = shared.cluster.store.get(&Key::new(&kinds::SERVICE_ACCOUNT, namespace, name)).is_some();
    let group = format!("system:serviceaccounts:{namespace}");
    let name = format!("system:serviceaccount:{namespace}:{name}");
    (text(&claims, "/iss") == issuer && for_us && in_time && there)
        .then(|| user(&name, &["system:serviceaccounts", &group], None))
}

/// Refuses what neither RBAC nor IAM allows.
pub(crate) fn authorize(shared: &Shared, user: &User, attributes: &Attributes) -> Result<(), Failure> {
    if may(shared, user, attributes) {
        return Ok(());
    }
    let permission = gke_permission(attributes);
    let message = forbidden_text(attributes, permission.as_deref());
    let kind = kinds::ALL
        .iter()
        .find(|kind| kind.group == attributes.api_group && kind.plural == attributes.resource);
    Err(match kind {
        Some(kind) => Failure::forbidden(kind, attributes.name.as_deref().unwrap_or_default(), message),
        None => Failure::forbidden_path(message),
    })
}

/// Whether RBAC or IAM allows it.
pub(crate) fn may(shared: &Shared, user: &User, attributes: &Attributes) -> bool {
    rbac_allows(shared, attributes) || iam_allows(shared, user, attributes)
}

fn iam_allows(shared: &Shared, user: &User, attributes: &Attributes) -> bool {
    let (Some(caller), Some(permission)) = (&user.caller, gke_permission(attributes)) else { return false };
    shared.google.project_allows(caller, &permission)
}

fn rbac_allows(shared: &Shared, attributes: &Attributes) -> bool {
    let roles: Vec<Role> = read(shared, &kinds::ROLE);
    let cluster_roles: Vec<Role> = read(shared, &kinds::CLUSTER_ROLE);
    let role_bindings: Vec<RoleBinding> = read(shared, &kinds::ROLE_BINDING);
    let cluster_role_bindings: Vec<RoleBinding> = read(shared, &kinds::CLUSTER_ROLE_BINDING);
    let objects = RbacObjects {
        roles: &roles,
        cluster_roles: &cluster_roles,
        role_bindings: &role_bindings,
        cluster_role_bindings: &cluster_role_bindings,
        // No controller gathers rules here, so the decision does.
        aggregation: Aggregation::Pending,
    };
    decide(&objects, attributes).allowed
}

fn read<T: DeserializeOwned>(shared: &Shared, kind: &'static Kind) -> Vec<T> {
    let (objects, _) = shared.cluster.store.list(kind, None);
    objects.iter().filter_map(|object| T::deserialize(&**object).ok()).collect()
}

/// What a `SelfSubjectAccessReview` asks about.
pub(crate) fn reviewed(user: &User, spec: &Value) -> Attributes {
    let some = |pointer: &str| Some(text(spec, pointer).to_owned()).filter(|text| !text.is_empty());
    Attributes {
        user: user.name.clone(),
        groups: user.groups.clone(),
        verb: some("/resourceAttributes/verb")
            .or_else(|| some("/nonResourceAttributes/verb"))
            .unwrap_or_default(),
        api_group: some("/resourceAttributes/group").unwrap_or_default(),
        resource: some("/resourceAttributes/resource").unwrap_or_default(),
        subresource: some("/resourceAttributes/subresource"),
        namespace: some("/resourceAttributes/namespace"),
        name: some("/resourceAttributes/name"),
        non_resource_url: some("/nonResourceAttributes/path"),
    }
}
