//! What `gcloud … --format=json` prints.

use serde_json::Value;

use super::kind::{Kind, Test, has, has_any, text};

pub(super) const TESTS: &[(Kind, Test)] = &[
    (Kind::Provider, provider),
    (Kind::Pool, |it| text(it, "name").contains("/workloadIdentityPools/")),
    (Kind::DenyPolicy, |it| text(it, "name").contains("/denypolicies/")),
    (Kind::AuditEntry, |it| it.get("protoPayload").is_some()),
    (Kind::Policy, policy),
    (Kind::GoogleServiceAccount, |it| {
        has(it, &["email"]) && has_any(it, &["uniqueId", "oauth2ClientId", "disabled"])
    }),
    (Kind::EnabledService, |it| text(it, "name").contains("/services/") || api_name(it).is_some()),
    (Kind::Project, |it| {
        has(it, &["projectId", "projectNumber"]) || has(it, &["projectId", "lifecycleState"])
    }),
    (Kind::GkeCluster, cluster),
    (Kind::Repository, |it| text(it, "name").contains("/repositories/") && has(it, &["format"])),
    (Kind::Tag, |it| has(it, &["tag", "version"]) && has_any(it, &["image", "metadata", "package"])),
    (Kind::TokenInfo, |it| has(it, &["expires_in", "scope"]) && has_any(it, &["azp", "aud", "email"])),
];

fn provider(value: &Value) -> bool {
    let name = text(value, "name");
    name.contains("/workloadIdentityPools/") && name.contains("/providers/")
        || has(value, &["attributeMapping"]) && has_any(value, &["oidc", "aws", "saml", "x509"])
}

/// A policy, bare or beside the resource it is on, as `gcloud asset search-all-iam-policies` prints it.
fn policy(value: &Value) -> bool {
    if let Some(inner) = value.get("policy") {
        return has(value, &["resource"]) && policy(inner);
    }
    let Some(fields) = value.as_object() else { return false };
    match fields.get("bindings") {
        Some(Value::Array(bindings)) => bindings.iter().all(|it| has(it, &["role"])),
        Some(_) => false,
        // A policy without bindings has little more than its etag.
        None => {
            fields.contains_key("etag")
                && fields.keys().all(|it| matches!(it.as_str(), "etag" | "version" | "auditConfigs"))
        }
    }
}

fn api_name(value: &Value) -> Option<&str> {
    let name = value.pointer("/config/name")?.as_str()?;
    name.ends_with(".googleapis.com").then_some(name)
}

fn cluster(value: &Value) -> bool {
    let marks = [
        "workloadIdentityConfig",
        "masterAuthorizedNetworksConfig",
        "privateClusterConfig",
        "controlPlaneEndpointsConfig",
        "currentMasterVersion",
        "nodeConfig",
        "nodePools",
    ];
    has_any(value, &marks) && has_any(value, &["name", "endpoint", "selfLink", "location"])
}
