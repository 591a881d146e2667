//! Deny policies: rules that take a permission away whatever the roles give.
//! Source: <https://cloud.google.com/iam/docs/deny-overview>

use serde::{Deserialize, Serialize};

use super::condition::{Holds, holds};
use super::{Condition, Request};
use crate::cel::Meter;
use crate::principal::{Caller, Membership};

/// A deny policy of a project, folder or organisation, as `gcloud iam policies get --kind=denypolicies` prints it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct DenyPolicy {
    /// `policies/cloudresourcemanager.googleapis.com%2Fprojects%2FPROJECT/denypolicies/ID`.
    pub name: String,
    /// For people.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub display_name: String,
    /// Each is looked at on its own.
    pub rules: Vec<PolicyRule>,
}

/// A rule of a deny policy.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct PolicyRule {
    /// For people.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// What it denies.
    pub deny_rule: DenyRule,
}

/// Who may not use which permissions.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct DenyRule {
    /// `principal://goog/subject/…`, `principalSet://goog/public:all`, …: not the forms of allow policies.
    pub denied_principals: Vec<String>,
    /// Whom it spares.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub exception_principals: Vec<String>,
    /// `SERVICE.googleapis.com/RESOURCE.VERB`; `*` may stand for the resource, the verb or both.
    pub denied_permissions: Vec<String>,
    /// Which of those it spares.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub exception_permissions: Vec<String>,
    /// Only under this condition, over resource tags.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub denial_condition: Option<Condition>,
}

/// Whether a deny rule applies to a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Applies {
    /// It does, by this principal and this permission of the rule.
    Yes {
        principal: String,
        permission: String,
    },
    No,
    /// It would, if what could not be decided were so.
    Open {
        principal: String,
        permission: String,
        why: String,
    },
}

/// Whether the rule applies. A condition that IAM itself cannot evaluate applies, but what *we* cannot evaluate stays open.
pub(super) fn applies(rule: &DenyRule, request: &Request<'_>, meter: &mut Meter) -> Applies {
    let wanted = full_permission(request.permission);
    let named = |list: &[String]| list.iter().find(|pattern| permission_matches(pattern, &wanted)).cloned();
    let Some(permission) = named(&rule.denied_permissions) else { return Applies::No };
    if named(&rule.exception_permissions).is_some() {
        return Applies::No;
    }
    let (denied, principal) = any_means(&rule.denied_principals, request.caller);
    let (spared, exception) = any_means(&rule.exception_principals, request.caller);
    let condition =
        rule.denial_condition.as_ref().map_or(Holds::Yes, |condition| holds(condition, request, meter));
    if denied == Membership::No || spared == Membership::Yes || condition == Holds::No {
        return Applies::No;
    }
    let unsure = |member: &str| format!("whether the caller is among `{member}` is not known");
    let why = match (denied, spared, condition) {
        (Membership::Unknown, ..) => unsure(&principal),
        (_, Membership::Unknown, _) => unsure(&exception),
        (.., Holds::Open(why)) => why,
        _ => return Applies::Yes { principal, permission },
    };
    Applies::Open { principal, permission, why }
}

/// Whether any of the principals means the caller, and which.
fn any_means(principals: &[String], caller: &Caller) -> (Membership, String) {
    let mut open = None;
    for principal in principals {
        match means(principal, caller) {
            Membership::Yes => return (Membership::Yes, principal.clone()),
            Membership::Unknown => open = open.or(Some(principal)),
            Membership::No => {}
        }
    }
    open.map_or((Membership::No, String::new()), |principal| (Membership::Unknown, principal.clone()))
}

/// Whether a principal of a deny policy means the caller.
/// Source: <https://cloud.google.com/iam/docs/principal-identifiers#deny>
fn means(principal: &str, caller: &Caller) -> Membership {
    let outside = matches!(caller, Caller::Federated { .. });
    let unknown_inside = if outside { Membership::No } else { Membership::Unknown };
    let same = |own: &str, other: &str| Membership::from(own.eq_ignore_ascii_case(other));
    if principal == "principalSet://goog/public:all" {
        return Membership::Yes;
    }
    if principal.starts_with("deleted:") {
        return Membership::No;
    }
    if let Some(email) = principal.strip_prefix("principal://goog/subject/") {
        return if let Caller::User(own) = caller { same(own, email) } else { Membership::No };
    }
    if let Some(email) = principal.strip_prefix("principal://iam.googleapis.com/projects/-/serviceAccounts/")
    {
        return if let Caller::ServiceAccount(own) = caller { same(own, email) } else { Membership::No };
    }
    if principal.starts_with("principalSet://goog/") {
        // Google groups and customers: who belongs to them is not in any policy.
        return unknown_inside;
    }
    principal.parse().map_or(Membership::Unknown, |principal| caller.membership(&principal))
}

/// `artifactregistry.repositories.get` in the form of deny policies: `artifactregistry.googleapis.com/repositories.get`.
/// Source: <https://cloud.google.com/iam/docs/deny-permissions-support>
fn full_permission(permission: &str) -> String {
    let (service, rest) = permission.split_once('.').unwrap_or((permission, ""));
    let service = if service == "resourcemanager" { "cloudresourcemanager" } else { service };
    format!("{service}.googleapis.com/{rest}")
}

fn permission_matches(pattern: &str, permission: &str) -> bool {
    let parts = |text: &str| -> Option<(String, String, String)> {
        let (service, rest) = text.split_once('/')?;
        let (resource, verb) = rest.rsplit_once('.')?;
        Some((service.to_owned(), resource.to_owned(), verb.to_owned()))
    };
    match (parts(pattern), parts(permission)) {
        (Some((service, resource, verb)), Some(wanted)) => {
            service == wanted.0
                && (resource == "*" || resource == wanted.1)
                && (verb == "*" || verb == wanted.2)
        }
        (None, _) | (_, None) => false,
    }
}
