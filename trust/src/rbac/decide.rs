//! The RBAC decision, as Kubernetes' own authorizer makes it: bindings of the cluster first, then those of the namespace.

use std::fmt;

use serde::Serialize;

use super::{Attributes, Decision, Objects, Reason, Role, RoleBinding, Rule, Subject};

/// A binding, the role it gives and the subject by which it names the user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Grant {
    /// `RoleBinding` or `ClusterRoleBinding`.
    pub binding_kind: &'static str,
    /// The binding.
    pub binding: String,
    /// `Role` or `ClusterRole`.
    pub role_kind: String,
    /// The role.
    pub role: String,
    /// The subject, as Kubernetes writes it: `User "x"`.
    pub subject: String,
}

impl fmt::Display for Grant {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "{} `{}` of {} `{}` to {}",
            self.binding_kind, self.binding, self.role_kind, self.role, self.subject
        )
    }
}

/// May they? Membership of `system:masters` allows everything, as on every API server.
pub fn decide(objects: &Objects<'_>, attributes: &Attributes) -> Decision {
    if attributes.groups.iter().any(|group| group == "system:masters") {
        return Decision { allowed: true, because: vec![Reason::Granted(masters())] };
    }
    let mut because = Vec::new();
    for (grant, role) in named(objects, attributes) {
        match role {
            None => because.push(Reason::MissingRole(grant)),
            Some(role) if role.rules.iter().any(|rule| allows(rule, attributes)) => {
                return Decision { allowed: true, because: vec![Reason::Granted(grant)] };
            }
            Some(_) => because.push(Reason::RoleLacks(grant)),
        }
    }
    if because.is_empty() {
        because.push(Reason::NotNamed { namespace: attributes.namespace.clone() });
    }
    Decision { allowed: false, because }
}

/// Every rule that the user has in the namespace of `attributes`, as `kubectl auth can-i --list` shows them.
pub fn rules_for(objects: &Objects<'_>, attributes: &Attributes) -> Vec<Rule> {
    let roles = named(objects, attributes).into_iter().filter_map(|(_, role)| role);
    roles.flat_map(|role| role.rules.iter().cloned()).collect()
}

fn masters() -> Grant {
    Grant {
        binding_kind: "ClusterRoleBinding",
        binding: "cluster-admin".to_owned(),
        role_kind: "ClusterRole".to_owned(),
        role: "cluster-admin".to_owned(),
        subject: "Group \"system:masters\"".to_owned(),
    }
}

/// The bindings that name the user and count here, with the role each gives, if it is there.
fn named<'a>(objects: &Objects<'a>, attributes: &Attributes) -> Vec<(Grant, Option<&'a Role>)> {
    let mut found = Vec::new();
    for binding in objects.cluster_role_bindings {
        found.extend(grant("ClusterRoleBinding", binding, objects, attributes));
    }
    let Some(namespace) = &attributes.namespace else { return found };
    for binding in objects.role_bindings.iter().filter(|binding| binding.metadata.namespace == *namespace) {
        found.extend(grant("RoleBinding", binding, objects, attributes));
    }
    found
}

fn grant<'a>(
    binding_kind: &'static str,
    binding: &RoleBinding,
    objects: &Objects<'a>,
    attributes: &Attributes,
) -> Option<(Grant, Option<&'a Role>)> {
    let space = &binding.metadata.namespace;
    let subject = binding.subjects.iter().find(|subject| means(subject, space, attributes))?;
    let grant = Grant {
        binding_kind,
        binding: binding.metadata.name.clone(),
        role_kind: binding.role_ref.kind.clone(),
        role: binding.role_ref.name.clone(),
        subject: described(subject, space),
    };
    Some((grant, role_of(binding, objects)))
}

fn role_of<'a>(binding: &RoleBinding, objects: &Objects<'a>) -> Option<&'a Role> {
    let wanted = &binding.role_ref.name;
    if binding.role_ref.kind == "ClusterRole" {
        return objects.cluster_roles.iter().find(|role| role.metadata.name == *wanted);
    }
    let here = &binding.metadata.namespace;
    objects.roles.iter().find(|role| role.metadata.name == *wanted && role.metadata.namespace == *here)
}

fn means(subject: &Subject, binding_namespace: &str, attributes: &Attributes) -> bool {
    match subject.kind.as_str() {
        "User" => subject.name == attributes.user,
        "Group" => attributes.groups.contains(&subject.name),
        "ServiceAccount" => attributes.user == account(subject, binding_namespace),
        _ => false,
    }
}

/// The user name of a service account subject, whose namespace is the binding's if it names none.
fn account(subject: &Subject, binding_namespace: &str) -> String {
    let namespace = if subject.namespace.is_empty() { binding_namespace } else { &subject.namespace };
    format!("system:serviceaccount:{namespace}:{}", subject.name)
}

fn described(subject: &Subject, binding_namespace: &str) -> String {
    if subject.kind == "ServiceAccount" {
        let namespace = if subject.namespace.is_empty() { binding_namespace } else { &subject.namespace };
        return format!("ServiceAccount \"{}/{namespace}\"", subject.name);
    }
    format!("{} \"{}\"", subject.kind, subject.name)
}

fn allows(rule: &Rule, attributes: &Attributes) -> bool {
    if !has(&rule.verbs, &attributes.verb) {
        return false;
    }
    if let Some(path) = &attributes.non_resource_url {
        return rule.non_resource_urls.iter().any(|pattern| path_matches(pattern, path));
    }
    let named = rule.resource_names.is_empty()
        || attributes.name.as_ref().is_some_and(|name| rule.resource_names.contains(name));
    named && has(&rule.api_groups, &attributes.api_group) && resource_matches(&rule.resources, attributes)
}

fn has(list: &[String], value: &str) -> bool {
    list.iter().any(|one| one == "*" || one == value)
}

fn resource_matches(resources: &[String], attributes: &Attributes) -> bool {
    let Some(subresource) = attributes.subresource.as_deref().filter(|name| !name.is_empty()) else {
        return has(resources, &attributes.resource);
    };
    let whole = format!("{}/{subresource}", attributes.resource);
    resources.iter().any(|one| one == "*" || *one == whole || one.strip_prefix("*/") == Some(subresource))
}

fn path_matches(pattern: &str, path: &str) -> bool {
    pattern == "*"
        || pattern == path
        || pattern.strip_suffix('*').is_some_and(|start| path.starts_with(start))
}
