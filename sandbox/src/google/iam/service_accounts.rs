//! Service accounts and their policies.

use serde_json::{Value, json};

use super::HOST;
use crate::google::call::Call;
use crate::google::error::{ApiError, Code};
use crate::google::joined;
use crate::google::policy::{self, Policy};
use crate::google::resources::{Resources, ServiceAccount, is_project};
use crate::seed;

pub(super) fn answer(
    resources: &mut Resources,
    call: &Call,
    project: &str,
    (method, path, verb): (&str, &[&str], &str),
) -> Result<Value, ApiError> {
    if !is_project(project) && (project != "-" || path.is_empty()) {
        return Err(denied("iam.serviceAccounts.list"));
    }
    match (method, path, verb) {
        ("GET", [], "") => list(resources, call),
        ("POST", [], "") => create(resources, call),
        ("GET", [id], "") => {
            let email = find(resources, call, id, "iam.serviceAccounts.get")?;
            show(resources, &email)
        }
        ("PATCH", [id], "") => patch(resources, call, id),
        ("DELETE", [id], "") => {
            let email = find(resources, call, id, "iam.serviceAccounts.delete")?;
            resources.remove_service_account(&email);
            Ok(json!({}))
        }
        ("POST", [id], "enable") => switch(resources, call, id, "iam.serviceAccounts.enable"),
        ("POST", [id], "disable") => switch(resources, call, id, "iam.serviceAccounts.disable"),
        ("POST", [id], "getIamPolicy") => {
            require_no_body(call)?;
            let email = find(resources, call, id, "iam.serviceAccounts.getIamPolicy")?;
            resources.service_account(&email).map(|account| account.policy.to_json()).ok_or_else(unknown)
        }
        ("POST", [id], "setIamPolicy") => {
            let email = find(resources, call, id, "iam.serviceAccounts.setIamPolicy")?;
            policy::set(resources, call, |resources| policy_of(resources, &email))
        }
        ("POST", [id], "testIamPermissions") => {
            let email = resources.service_account_email(id).ok_or_else(unknown)?;
            Ok(policy::test(
                resources,
                call,
                resources.service_account(&email).map(|account| &account.policy),
            ))
        }
        _ => Err(ApiError::no_such_method()),
    }
}

fn list(resources: &Resources, call: &Call) -> Result<Value, ApiError> {
    require(resources, call, "iam.serviceAccounts.list")?;
    let accounts: Vec<Value> =
        resources.service_accounts.iter().map(|(email, account)| object(email, account)).collect();
    Ok(json!({ "accounts": accounts }))
}

fn create(resources: &mut Resources, call: &Call) -> Result<Value, ApiError> {
    require(resources, call, "iam.serviceAccounts.create")?;
    let id = call.text("accountId");
    require_id(id)?;
    let field = |name: &str| {
        let account = call.body.get("serviceAccount");
        account.and_then(|account| account.get(name)).and_then(Value::as_str).unwrap_or_default()
    };
    let (display_name, description) = (field("displayName"), field("description"));
    require_texts(display_name, description)?;
    let email = format!("{id}@{}.iam.gserviceaccount.com", seed::PROJECT);
    if resources.service_account(&email).is_some() {
        let message =
            format!("Service account {id} already exists within project projects/{}.", seed::PROJECT);
        return Err(ApiError::new(Code::AlreadyExists, message).with(json!({
            "@type": "type.googleapis.com/google.rpc.ResourceInfo",
            "resourceName": name(&email),
        })));
    }
    resources.organisation.require_new_service_accounts(&email)?;
    resources.add_service_account(&email, display_name, description);
    show(resources, &email)
}

fn patch(resources: &mut Resources, call: &Call, id: &str) -> Result<Value, ApiError> {
    let email = find(resources, call, id, "iam.serviceAccounts.update")?;
    let sent = call.body.get("serviceAccount").unwrap_or(&Value::Null);
    let field = |name: &str| sent.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let (display_name, description) = (field("displayName"), field("description"));
    require_texts(&display_name, &description)?;
    let account = resources.service_accounts.get_mut(&email).ok_or_else(unknown)?;
    for path in call.update_mask() {
        match path.as_str() {
            "displayName" => account.display_name.clone_from(&display_name),
            "description" => account.description.clone_from(&description),
            _ => return Err(ApiError::invalid_argument()),
        }
    }
    show(resources, &email)
}

fn switch(resources: &mut Resources, call: &Call, id: &str, permission: &str) -> Result<Value, ApiError> {
    let email = find(resources, call, id, permission)?;
    let account = resources.service_accounts.get_mut(&email).ok_or_else(unknown)?;
    account.disabled = permission.ends_with(".disable");
    Ok(json!({}))
}

/// The e-mail of account `id` if the caller has `permission` on it. Whoever lacks it is not told whether it is there.
fn find(resources: &Resources, call: &Call, id: &str, permission: &str) -> Result<String, ApiError> {
    let email = resources.service_account_email(id);
    let own =
        email.as_ref().and_then(|email| resources.service_account(email)).map(|account| &account.policy);
    if !resources.allows(&call.identity.caller, permission, own) {
        return Err(denied(permission));
    }
    email.ok_or_else(unknown)
}

fn require(resources: &Resources, call: &Call, permission: &str) -> Result<(), ApiError> {
    if resources.allows(&call.identity.caller, permission, None) { Ok(()) } else { Err(denied(permission)) }
}

/// The refusal that names a permission on a service account.
pub(crate) fn denied(permission: &str) -> ApiError {
    let message = format!("Permission '{permission}' denied on resource (or it may not exist).");
    let metadata = json!({ "permission": permission });
    ApiError::new(Code::PermissionDenied, message).with_info("IAM_PERMISSION_DENIED", HOST, &metadata)
}

/// The refusal that says there is no such account.
pub(crate) fn unknown() -> ApiError {
    ApiError::new(Code::NotFound, "Unknown service account")
}

fn policy_of<'a>(resources: &'a mut Resources, email: &str) -> Option<&'a mut Policy> {
    resources.service_accounts.get_mut(email).map(|account| &mut account.policy)
}

fn show(resources: &Resources, email: &str) -> Result<Value, ApiError> {
    resources.service_account(email).map(|account| object(email, account)).ok_or_else(unknown)
}

fn name(email: &str) -> String {
    format!("projects/{}/serviceAccounts/{email}", seed::PROJECT)
}

fn object(email: &str, account: &ServiceAccount) -> Value {
    let mut object = json!({
        "name": name(email),
        "projectId": seed::PROJECT,
        "uniqueId": account.unique_id,
        "email": email,
        "etag": "MDEwMjE5MjA=",
        "oauth2ClientId": account.unique_id,
    });
    for (field, text) in [("displayName", &account.display_name), ("description", &account.description)] {
        if !text.is_empty() {
            object = joined(object, json!({ field: text }));
        }
    }
    if account.disabled { joined(object, json!({ "disabled": true })) } else { object }
}

fn require_id(id: &str) -> Result<(), ApiError> {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let fits = (6..=30).contains(&id.len())
        && id.bytes().all(|byte| plain(byte) || byte == b'-')
        && id.starts_with(|first: char| first.is_ascii_lowercase())
        && id.bytes().last().is_some_and(plain);
    if fits {
        return Ok(());
    }
    let message = format!(
        "Account ID \"{id}\" must be 6 to 30 characters long and match \
         [a-z]([-a-z0-9]*[a-z0-9])"
    );
    Err(ApiError::new(Code::InvalidArgument, message))
}

/// `getIamPolicy` takes its options in the query, although it is a POST.
fn require_no_body(call: &Call) -> Result<(), ApiError> {
    let field = call.body.as_object().and_then(|body| body.keys().next());
    field.map_or(Ok(()), |field| {
        let message = format!("Invalid JSON payload received. Unknown name \"{field}\": Cannot find field.");
        Err(ApiError::new(Code::InvalidArgument, message))
    })
}

fn require_texts(display_name: &str, description: &str) -> Result<(), ApiError> {
    if display_name.len() > 100 || description.len() > 256 {
        let message = "The display name must have at most 100 bytes, the description at most 256.";
        return Err(ApiError::new(Code::InvalidArgument, message));
    }
    Ok(())
}
