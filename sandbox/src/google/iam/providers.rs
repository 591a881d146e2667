//! Providers of a workload identity pool.

use serde_json::{Value, json};
use trust::provider::{Provider, State, validate};

use super::{Scope, bury, listed, patched, require_id, revive, shown};
use crate::google::error::{ApiError, Code};
use crate::google::resources::{Kept, PoolEntry};

const KIND: &str = "WorkloadIdentityPoolProvider";
const CHANGEABLE: [&str; 9] = [
    "displayName",
    "description",
    "disabled",
    "attributeMapping",
    "attributeCondition",
    "oidc",
    "oidc.issuerUri",
    "oidc.allowedAudiences",
    "oidc.jwksJson",
];

pub(super) fn answer(
    scope: Scope<'_>,
    pool: &str,
    (method, path, verb): (&str, &[&str], &str),
) -> Result<Value, ApiError> {
    match (method, path, verb) {
        ("GET", [], "") => list(&scope, pool),
        ("POST", [], "") => create(scope, pool),
        ("GET", [id], "") => get(&scope, pool, id),
        ("PATCH", [id], "") => patch(scope, pool, id),
        ("DELETE", [id], "") => delete(scope, pool, id),
        ("POST", [id], "undelete") => undelete(scope, pool, id),
        _ => Err(ApiError::no_such_method()),
    }
}

fn list(scope: &Scope<'_>, pool: &str) -> Result<Value, ApiError> {
    scope.require("iam.workloadIdentityPoolProviders.list")?;
    let providers = listed(entry(scope, pool)?.providers.values(), scope.call);
    Ok(if providers.is_empty() { json!({}) } else { json!({ "workloadIdentityPoolProviders": providers }) })
}

fn get(scope: &Scope<'_>, pool: &str, id: &str) -> Result<Value, ApiError> {
    scope.require("iam.workloadIdentityPoolProviders.get")?;
    entry(scope, pool)?.providers.get(id).map(shown).ok_or_else(ApiError::not_found)
}

fn create(mut scope: Scope<'_>, pool: &str) -> Result<Value, ApiError> {
    scope.require("iam.workloadIdentityPoolProviders.create")?;
    let id = scope.call.query("workloadIdentityPoolProviderId").unwrap_or_default().to_owned();
    require_id(&id, "workload_identity_pool_provider_id")?;
    let parent = entry(&scope, pool)?;
    if parent.pool.expires.is_some() {
        return Err(ApiError::not_found());
    }
    let sent: Provider =
        serde_json::from_value(scope.call.body.clone()).map_err(|_| ApiError::invalid_argument())?;
    let value =
        Provider { name: format!("{}/providers/{id}", parent.pool.value.name), state: State::Active, ..sent };
    require_valid(&value)?;
    require_issuer(&scope, &value)?;
    if parent.providers.contains_key(&id) {
        return Err(ApiError::already_exists());
    }
    Ok(put(&mut scope, pool, &id, Kept { value, expires: None }))
}

fn patch(scope: Scope<'_>, pool: &str, id: &str) -> Result<Value, ApiError> {
    change(scope, (pool, id), "iam.workloadIdentityPoolProviders.update", |provider, scope| {
        if provider.expires.is_some() {
            return Err(ApiError::not_found());
        }
        provider.value = patched(&provider.value, scope.call, &CHANGEABLE)?;
        require_valid(&provider.value)?;
        require_issuer(scope, &provider.value)
    })
}

fn delete(scope: Scope<'_>, pool: &str, id: &str) -> Result<Value, ApiError> {
    change(scope, (pool, id), "iam.workloadIdentityPoolProviders.delete", |provider, scope| {
        bury(&mut provider.value.state, &mut provider.expires, scope.now)
    })
}

fn undelete(scope: Scope<'_>, pool: &str, id: &str) -> Result<Value, ApiError> {
    change(scope, (pool, id), "iam.workloadIdentityPoolProviders.undelete", |provider, _| {
        revive(&mut provider.value.state, &mut provider.expires)
    })
}

fn change(
    mut scope: Scope<'_>,
    (pool, id): (&str, &str),
    permission: &str,
    act: impl FnOnce(&mut Kept<Provider>, &Scope<'_>) -> Result<(), ApiError>,
) -> Result<Value, ApiError> {
    scope.require(permission)?;
    let mut provider = entry(&scope, pool)?.providers.get(id).cloned().ok_or_else(ApiError::not_found)?;
    act(&mut provider, &scope)?;
    Ok(put(&mut scope, pool, id, provider))
}

fn put(scope: &mut Scope<'_>, pool: &str, id: &str, provider: Kept<Provider>) -> Value {
    let answer = scope.changed(&provider.value.name, KIND, shown(&provider));
    if let Some(entry) = scope.resources.pools.get_mut(pool) {
        entry.providers.insert(id.to_owned(), provider);
    }
    answer
}

fn entry<'a>(scope: &'a Scope<'_>, pool: &str) -> Result<&'a PoolEntry, ApiError> {
    scope.resources.pools.get(pool).ok_or_else(ApiError::not_found)
}

fn require_issuer(scope: &Scope<'_>, provider: &Provider) -> Result<(), ApiError> {
    let issuer = provider.oidc.as_ref().map(|oidc| oidc.issuer_uri.as_str());
    issuer.map_or(Ok(()), |issuer| scope.resources.organisation.require_issuer(issuer))
}

fn require_valid(provider: &Provider) -> Result<(), ApiError> {
    let violations = validate(provider);
    let Some(first) = violations.first() else { return Ok(()) };
    let fields: Vec<Value> = violations
        .iter()
        .map(|violation| json!({ "field": violation.field, "description": violation.description }))
        .collect();
    let detail = json!({ "@type": "type.googleapis.com/google.rpc.BadRequest", "fieldViolations": fields });
    Err(ApiError::new(Code::InvalidArgument, first.description.clone()).with(detail))
}
