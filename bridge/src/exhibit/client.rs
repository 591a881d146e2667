//! What lies on the machine that failed: credential files, requests, client versions, images, tokens.

use serde_json::Value;

use super::kind::{Kind, Test, has, has_any, text};

pub(super) const TESTS: &[(Kind, Test)] = &[
    (Kind::Token, claims),
    (Kind::CredentialFile, credential_file),
    (Kind::DockerConfig, |it| {
        has_any(it, &["auths", "credHelpers", "credsStore"]) && !has(it, &["apiVersion"])
    }),
    (Kind::TokenRequest, token_request),
    (Kind::ImpersonationRequest, |it| has(it, &["scope"]) && has_any(it, &["lifetime", "delegates"])),
    (Kind::Image, image),
    (Kind::Keys, |it| {
        it.get("keys").and_then(Value::as_array).is_some_and(|keys| keys.iter().all(|key| has(key, &["kty"])))
    }),
    (Kind::Discovery, |it| has(it, &["issuer", "jwks_uri"])),
    (Kind::Workflow, |it| has(it, &["jobs"]) && has_any(it, &["on", "true", "permissions", "name"])),
    (Kind::Attempts, attempts),
    (Kind::Environment, environment),
];

/// Claims, whole or in excerpt: two that tokens have. AWS's callers are named by an ARN in their place.
fn claims(value: &Value) -> bool {
    const NAMES: [&str; 14] = [
        "iss",
        "sub",
        "aud",
        "exp",
        "iat",
        "nbf",
        "jti",
        "oid",
        "tid",
        "ver",
        "azp",
        "appid",
        "repository",
        "terraform_workspace_id",
    ];
    let known = NAMES.iter().filter(|name| value.get(name).is_some_and(|it| !it.is_object())).count();
    known >= 2 && has_any(value, &["iss", "sub", "aud"]) && !has(value, &["expires_in"])
        || has(value, &["arn", "account"])
}

fn credential_file(value: &Value) -> bool {
    let types = [
        "external_account",
        "external_account_authorized_user",
        "service_account",
        "authorized_user",
        "impersonated_service_account",
    ];
    types.contains(&text(value, "type"))
}

fn token_request(value: &Value) -> bool {
    let grant = ["grant_type", "grantType"];
    let rest = [
        "audience",
        "scope",
        "resource",
        "client_id",
        "service",
        "subject_token_type",
        "subjectTokenType",
        "access_token",
    ];
    has_any(value, &grant) && has_any(value, &rest)
        || has(value, &["audience"])
            && has_any(
                value,
                &[
                    "subject_token_type",
                    "subjectTokenType",
                    "requested_token_type",
                    "requestedTokenType",
                    "subjectToken",
                    "subject_token",
                ],
            )
}

/// An index, a manifest with its platform, an image's config, or what `docker inspect` prints.
fn image(value: &Value) -> bool {
    let listed = value.get("manifests").and_then(Value::as_array);
    listed.is_some_and(|all| all.iter().any(|it| has_any(it, &["platform", "Platform", "digest"])))
        || has(value, &["architecture", "os"])
        || has(value, &["Architecture", "Os"])
}

/// What a snapshot says of the doctor's own attempts.
fn attempts(value: &Value) -> bool {
    let rows = value.get("attempts").and_then(Value::as_array);
    rows.is_some_and(|rows| rows.iter().all(|row| has(row, &["ask", "outcome"])))
}

/// A machine's facts in our own form, or what the tools say of themselves and of their log-ins.
fn environment(value: &Value) -> bool {
    const OURS: [&str; 10] =
        ["env", "versions", "time", "egressIp", "account", "objectId", "platform", "user", "image", "team"];
    let tools = ["azure-cli", "Google Cloud SDK", "clientVersion", "gkeGcloudAuthPluginVersion"];
    value.as_object().is_some_and(|all| !all.is_empty() && all.keys().all(|it| OURS.contains(&it.as_str())))
        || has_any(value, &tools)
        || value.get("core").is_some_and(|core| has_any(core, &["account", "project"]))
        || has(value, &["environmentName", "tenantId", "user"])
}
