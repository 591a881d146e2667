//! Whom a subject means, and what a rule allows. Everything is compared character by character: the only wildcards are a
//! lone `*`, `*/SUBRESOURCE`, and stars at the end of a path.
//! Source: <https://kubernetes.io/docs/reference/access-authn-authz/rbac/#api-overview>

use std::collections::BTreeSet;

use super::user::service_account_user;
use super::{Attributes, Rule, Subject};

/// Who asks.
pub(super) struct Asker<'a> {
    user: &'a str,
    groups: BTreeSet<&'a str>,
}

impl<'a> Asker<'a> {
    pub(super) fn of(attributes: &'a Attributes) -> Self {
        Self { user: &attributes.user, groups: attributes.groups.iter().map(String::as_str).collect() }
    }
}

/// Does the subject of a binding in `binding_namespace` (empty for the cluster's) mean the user?
pub(super) fn subject_means(subject: &Subject, binding_namespace: &str, asker: &Asker<'_>) -> bool {
    match subject.kind.as_str() {
        "User" => subject.name == asker.user,
        "Group" => asker.groups.contains(subject.name.as_str()),
        "ServiceAccount" => {
            let namespace = namespace_of(subject, binding_namespace);
            !namespace.is_empty() && asker.user == service_account_user(namespace, &subject.name)
        }
        _ => false,
    }
}

/// The subject as Kubernetes writes it: `User "x"`, `ServiceAccount "name/namespace"`.
pub(super) fn described(subject: &Subject, binding_namespace: &str) -> String {
    if subject.kind == "ServiceAccount" {
        let namespace = namespace_of(subject, binding_namespace);
        return format!("ServiceAccount \"{}/{namespace}\"", subject.name);
    }
    format!("{} \"{}\"", subject.kind, subject.name)
}

/// A service account without a namespace is one of the binding's own.
fn namespace_of<'a>(subject: &'a Subject, binding_namespace: &'a str) -> &'a str {
    if subject.namespace.is_empty() { binding_namespace } else { &subject.namespace }
}

/// Does the rule allow it?
pub(super) fn rule_allows(rule: &Rule, attributes: &Attributes) -> bool {
    if !has(&rule.verbs, &attributes.verb) {
        return false;
    }
    if let Some(path) = &attributes.non_resource_url {
        return rule.non_resource_urls.iter().any(|pattern| path_matches(pattern, path));
    }
    has(&rule.api_groups, &attributes.api_group)
        && resource_matches(&rule.resources, attributes)
        && name_matches(&rule.resource_names, attributes.name.as_deref().unwrap_or_default())
}

fn has(list: &[String], value: &str) -> bool {
    list.iter().any(|one| one == "*" || one == value)
}

/// Names have no wildcard. A request for all objects (`list`, `create`) has no name and matches no list of names.
fn name_matches(names: &[String], name: &str) -> bool {
    names.is_empty() || names.iter().any(|one| one == name)
}

fn resource_matches(resources: &[String], attributes: &Attributes) -> bool {
    let Some(subresource) = attributes.subresource.as_deref().filter(|name| !name.is_empty()) else {
        return has(resources, &attributes.resource);
    };
    let whole = format!("{}/{subresource}", attributes.resource);
    resources.iter().any(|one| one == "*" || *one == whole || one.strip_prefix("*/") == Some(subresource))
}

fn path_matches(pattern: &str, path: &str) -> bool {
    pattern == path || (pattern.ends_with('*') && path.starts_with(pattern.trim_end_matches('*')))
}
