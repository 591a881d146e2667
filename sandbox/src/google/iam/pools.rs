//! Workload identity pools.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use trust::provider::{Pool, State};

use super::{Scope, bury, listed, patched, require_id, revive, shown};
use crate::google::error::{ApiError, Code};
use crate::google::resources::{Kept, PoolEntry};
use crate::seed;

const KIND: &str = "WorkloadIdentityPool";
const CHANGEABLE: [&str; 3] = ["displayName", "description", "disabled"];

pub(super) fn answer(
    scope: Scope<'_>,
    (method, path, verb): (&str, &[&str], &str),
) -> Result<Value, ApiError> {
    match (method, path, verb) {
        ("GET", [], "") => list(&scope),
        ("POST", [], "") => create(scope),
        ("GET", [id], "") => get(&scope, id),
        ("PATCH", [id], "") => patch(scope, id),
        ("DELETE", [id], "") => delete(scope, id),
        ("POST", [id], "undelete") => undelete(scope, id),
        _ => Err(ApiError::no_such_method()),
    }
}

fn list(scope: &Scope<'_>) -> Result<Value, ApiError> {
    scope.require("iam.workloadIdentityPools.list")?;
    let pools = listed(scope.resources.pools.values().map(|entry| &entry.pool), scope.call);
    Ok(if pools.is_empty() { json!({}) } else { json!({ "workloadIdentityPools": pools }) })
}

fn get(scope: &Scope<'_>, id: &str) -> Result<Value, ApiError> {
    scope.require("iam.workloadIdentityPools.get")?;
    scope.resources.pools.get(id).map(|entry| shown(&entry.pool)).ok_or_else(ApiError::not_found)
}

fn create(mut scope: Scope<'_>) -> Result<Value, ApiError> {
    scope.require("iam.workloadIdentityPools.create")?;
    let id = scope.call.query("workloadIdentityPoolId").unwrap_or_default().to_owned();
    require_id(&id, "workload_identity_pool_id")?;
    let sent: Pool =
        serde_json::from_value(scope.call.body.clone()).map_err(|_| ApiError::invalid_argument())?;
    let name = format!("projects/{}/locations/global/workloadIdentityPools/{id}", seed::PROJECT_NUMBER);
    let value = Pool { name, state: State::Active, ..sent };
    require_texts(&value.display_name, &value.description)?;
    if scope.resources.pools.contains_key(&id) {
        return Err(ApiError::already_exists());
    }
    let entry = PoolEntry { pool: Kept { value, expires: None }, providers: BTreeMap::new() };
    let answer = answer_with(&mut scope, &entry);
    scope.resources.pools.insert(id, entry);
    Ok(answer)
}

fn patch(scope: Scope<'_>, id: &str) -> Result<Value, ApiError> {
    change(scope, id, "iam.workloadIdentityPools.update", |entry, scope| {
        if entry.pool.expires.is_some() {
            return Err(ApiError::not_found());
        }
        let value = patched(&entry.pool.value, scope.call, &CHANGEABLE)?;
        require_texts(&value.display_name, &value.description)?;
        entry.pool.value = value;
        Ok(())
    })
}

fn delete(scope: Scope<'_>, id: &str) -> Result<Value, ApiError> {
    change(scope, id, "iam.workloadIdentityPools.delete", |entry, scope| {
        bury(&mut entry.pool.value.state, &mut entry.pool.expires, scope.now)
    })
}

fn undelete(scope: Scope<'_>, id: &str) -> Result<Value, ApiError> {
    change(scope, id, "iam.workloadIdentityPools.undelete", |entry, _| {
        revive(&mut entry.pool.value.state, &mut entry.pool.expires)
    })
}

fn change(
    mut scope: Scope<'_>,
    id: &str,
    permission: &str,
    act: impl FnOnce(&mut PoolEntry, &Scope<'_>) -> Result<(), ApiError>,
) -> Result<Value, ApiError> {
    scope.require(permission)?;
    let mut entry = scope.resources.pools.get(id).cloned().ok_or_else(ApiError::not_found)?;
    act(&mut entry, &scope)?;
    let answer = answer_with(&mut scope, &entry);
    scope.resources.pools.insert(id.to_owned(), entry);
    Ok(answer)
}

fn answer_with(scope: &mut Scope<'_>, entry: &PoolEntry) -> Value {
    scope.changed(&entry.pool.value.name, KIND, shown(&entry.pool))
}

fn require_texts(display_name: &str, description: &str) -> Result<(), ApiError> {
    let longest = [("display name", display_name, 32), ("description", description, 256)];
    match longest.into_iter().find(|(_, text, most)| text.chars().count() > *most) {
        None => Ok(()),
        Some((field, _, most)) => {
            let message = format!("{field} must be less than or equal to {most} characters");
            Err(ApiError::new(Code::InvalidArgument, message))
        }
    }
}
