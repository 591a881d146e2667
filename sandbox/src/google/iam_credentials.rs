//! `iamcredentials.googleapis.com`: short-lived tokens of service accounts for those who may impersonate them.

use axum::Router;
use jiff::SignedDuration;
use serde_json::{Value, json};
use trust::Caller;

use super::call::{self, Call, Service};
use super::error::{ApiError, Code};
use super::iam::service_accounts::{denied, unknown};
use super::resources::Resources;
use super::tokens;
use crate::world::{Shared, World};

const GET_ACCESS_TOKEN: &str = "iam.serviceAccounts.getAccessToken";
const DELEGATE: &str = "iam.serviceAccounts.implicitDelegation";
/// Without an organisation policy that says otherwise.
const LONGEST: i64 = 3600;

/// The service's routes.
pub(crate) fn router(shared: Shared) -> Router {
    call::router(shared, Service { host: "iamcredentials.googleapis.com", answer })
}

fn answer(world: &World, call: &Call) -> Result<Value, ApiError> {
    let (method, path, verb) = call.route();
    match (method, path.as_slice(), verb) {
        ("POST", ["v1", "projects", "-", "serviceAccounts", id], "generateAccessToken") => {
            generate_access_token(world, call, id)
        }
        // A project in the wildcard's place is refused, as the documentation says.
        ("POST", ["v1", "projects", _, "serviceAccounts", _], "generateAccessToken") => {
            Err(ApiError::invalid_argument())
        }
        _ => Err(ApiError::no_such_method()),
    }
}

fn generate_access_token(world: &World, call: &Call, id: &str) -> Result<Value, ApiError> {
    let scopes = scopes(call)?;
    let lifetime = lifetime(call)?;
    let email = impersonate(&world.google.resources(), call, id)?;
    let (token, expires) =
        tokens::mint_service_account(world, &email, scopes, lifetime).ok_or_else(unknown)?;
    let whole_seconds = jiff::Timestamp::from_second(expires.as_second()).unwrap_or(expires);
    Ok(json!({ "accessToken": token, "expireTime": whole_seconds.to_string() }))
}

/// Walks the chain caller → delegates → target; the e-mail is the target's.
fn impersonate(resources: &Resources, call: &Call, id: &str) -> Result<String, ApiError> {
    let delegates = call.body.get("delegates").and_then(Value::as_array);
    let mut caller = call.identity.caller.clone();
    for delegate in delegates.into_iter().flatten() {
        let delegate = delegate.as_str().and_then(|name| name.strip_prefix("projects/-/serviceAccounts/"));
        let delegate = delegate.ok_or_else(ApiError::invalid_argument)?;
        caller = Caller::ServiceAccount(step(resources, &caller, delegate, DELEGATE)?);
    }
    step(resources, &caller, id, GET_ACCESS_TOKEN)
}

fn step(resources: &Resources, caller: &Caller, id: &str, permission: &str) -> Result<String, ApiError> {
    let email = resources.service_account_email(id);
    let account = email.as_ref().and_then(|email| resources.service_account(email));
    if !resources.allows(caller, permission, account.map(|account| &account.policy)) {
        return Err(denied(permission));
    }
    if account.is_some_and(|account| account.disabled) {
        return Err(ApiError::new(Code::FailedPrecondition, "Service account is disabled."));
    }
    email.ok_or_else(unknown)
}

fn scopes(call: &Call) -> Result<Vec<String>, ApiError> {
    let scopes = call.body.get("scope").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let known = |scope: &str| {
        scope.starts_with("https://www.googleapis.com/auth/")
            || matches!(scope, "openid" | "email" | "profile")
    };
    let scopes: Option<Vec<String>> =
        scopes.iter().map(|scope| scope.as_str().filter(|scope| known(scope)).map(str::to_owned)).collect();
    scopes.filter(|scopes| !scopes.is_empty()).ok_or_else(ApiError::invalid_argument)
}

fn lifetime(call: &Call) -> Result<SignedDuration, ApiError> {
    let seconds = match call.body.get("lifetime") {
        None | Some(Value::Null) => LONGEST,
        Some(text) => {
            let seconds =
                text.as_str().and_then(|text| text.strip_suffix('s')?.split('.').next()?.parse().ok());
            seconds.ok_or_else(ApiError::invalid_argument)?
        }
    };
    let refused = |message| Err(ApiError::new(Code::InvalidArgument, message));
    match seconds {
        ..=0 => refused("Lifetime of access token must be larger then zero."),
        1..=LONGEST => Ok(SignedDuration::from_secs(seconds)),
        _ => refused("The access token lifetime cannot exceed 3600 seconds."),
    }
}
