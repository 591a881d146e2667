//! The RBAC decision, as Kubernetes' own authorizer makes it: bindings of the cluster first, then those of the namespace.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

use super::aggregate::{Seen, aggregated_rules};
use super::matching::{Asker, described, rule_allows, subject_means};
use super::{Aggregation, Attributes, Decision, Objects, Reason, Role, RoleBinding, Rule};

/// A binding, the role it gives and the subject by which it names the user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Grant {
    /// `RoleBinding` or `ClusterRoleBinding`.
    pub binding_kind: &'static str,
    /// The binding.
    pub binding: String,
    /// Its namespace; empty for a `ClusterRoleBinding`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub namespace: String,
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

impl Grant {
    /// The reason in the words of the API server: `RBAC: allowed by RoleBinding "b/ns" of Role "r" to User "u"`.
    pub fn kubernetes_reason(&self) -> String {
        let slash = if self.namespace.is_empty() { "" } else { "/" };
        format!(
            "RBAC: allowed by {} \"{}{slash}{}\" of {} \"{}\" to {}",
            self.binding_kind, self.binding, self.namespace, self.role_kind, self.role, self.subject
        )
    }
}

/// May they? Membership of `system:masters` allows everything, as on every API server.
pub fn decide(objects: &Objects<'_>, attributes: &Attributes) -> Decision {
    if attributes.groups.iter().any(|group| group == "system:masters") {
        return Decision { allowed: true, because: vec![Reason::Granted(masters())] };
    }
    let mut because = Vec::new();
    let mut search = Search::default();
    for (grant, role) in named(objects, attributes) {
        match role {
            None => because.push(Reason::MissingRole(grant)),
            Some(role) if search.allows(objects, role, attributes) => {
                return Decision { allowed: true, because: vec![Reason::Granted(grant)] };
            }
            Some(_) => because.push(Reason::RoleLacks(grant)),
        }
    }
    if because.is_empty() {
        because.push(Reason::NotNamed { namespace: scope(attributes).map(str::to_owned) });
    }
    Decision { allowed: false, because }
}

/// Every binding that allows it, not only the first: taking one away closes the door only if it is the last.
pub fn grants(objects: &Objects<'_>, attributes: &Attributes) -> Vec<Grant> {
    let named = named(objects, attributes).into_iter();
    named
        .filter(|(_, role)| role.is_some_and(|role| Search::default().allows(objects, role, attributes)))
        .map(|(grant, _)| grant)
        .collect()
}

/// Every rule that the user has in the namespace of `attributes`, as `kubectl auth can-i --list` shows them.
pub fn rules_for(objects: &Objects<'_>, attributes: &Attributes) -> Vec<Rule> {
    let roles = named(objects, attributes).into_iter().filter_map(|(_, role)| role);
    roles.flat_map(|role| rules_of(objects, role)).cloned().collect()
}

fn masters() -> Grant {
    Grant {
        binding_kind: "ClusterRoleBinding",
        binding: "cluster-admin".to_owned(),
        namespace: String::new(),
        role_kind: "ClusterRole".to_owned(),
        role: "cluster-admin".to_owned(),
        subject: "Group \"system:masters\"".to_owned(),
    }
}

/// The bindings that name the user and count here, with the role each gives, if it is there.
fn named<'a>(objects: &Objects<'a>, attributes: &Attributes) -> Vec<(Grant, Option<&'a Role>)> {
    let (asker, roles) = (Asker::of(attributes), Roles::of(objects));
    let mut found = Vec::new();
    for binding in objects.cluster_role_bindings {
        found.extend(grant("ClusterRoleBinding", binding, &roles, &asker));
    }
    let Some(namespace) = scope(attributes) else { return found };
    for binding in objects.role_bindings.iter().filter(|binding| binding.metadata.namespace == namespace) {
        found.extend(grant("RoleBinding", binding, &roles, &asker));
    }
    found
}

fn grant<'a>(
    binding_kind: &'static str,
    binding: &RoleBinding,
    roles: &Roles<'a>,
    asker: &Asker<'_>,
) -> Option<(Grant, Option<&'a Role>)> {
    let space = &binding.metadata.namespace;
    let subject = binding.subjects.iter().find(|subject| subject_means(subject, space, asker))?;
    let grant = Grant {
        binding_kind,
        binding: binding.metadata.name.clone(),
        namespace: space.clone(),
        role_kind: binding.role_ref.kind.clone(),
        role: binding.role_ref.name.clone(),
        subject: described(subject, space),
    };
    Some((grant, roles.given_by(binding)))
}

/// The namespace asked about. A path has none, and an empty one is the cluster scope.
fn scope(attributes: &Attributes) -> Option<&str> {
    let resource = attributes.non_resource_url.is_none();
    attributes.namespace.as_deref().filter(|namespace| resource && !namespace.is_empty())
}

/// Every role, by what a binding names it with.
struct Roles<'a> {
    cluster: BTreeMap<&'a str, &'a Role>,
    namespaced: BTreeMap<(&'a str, &'a str), &'a Role>,
}

impl<'a> Roles<'a> {
    fn of(objects: &Objects<'a>) -> Self {
        let name = |role: &'a Role| role.metadata.name.as_str();
        let place = |role: &'a Role| (role.metadata.namespace.as_str(), name(role));
        Self {
            cluster: objects.cluster_roles.iter().map(|role| (name(role), role)).collect(),
            namespaced: objects.roles.iter().map(|role| (place(role), role)).collect(),
        }
    }

    fn given_by(&self, binding: &RoleBinding) -> Option<&'a Role> {
        let wanted = binding.role_ref.name.as_str();
        match binding.role_ref.kind.as_str() {
            "ClusterRole" => self.cluster.get(wanted).copied(),
            "Role" => self.namespaced.get(&(binding.metadata.namespace.as_str(), wanted)).copied(),
            _ => None,
        }
    }
}

/// Roles that were looked at in vain already: many bindings may lead to the same ones by aggregation.
#[derive(Default)]
struct Search<'a> {
    seen: Seen<'a>,
}

impl<'a> Search<'a> {
    fn allows(&mut self, objects: &Objects<'a>, role: &'a Role, attributes: &Attributes) -> bool {
        if !gathers(objects, role) {
            return role.rules.iter().any(|rule| rule_allows(rule, attributes));
        }
        let gathered = self.seen.sources(role, objects.cluster_roles);
        gathered.iter().any(|source| source.rules.iter().any(|rule| rule_allows(rule, attributes)))
    }
}

fn gathers(objects: &Objects<'_>, role: &Role) -> bool {
    objects.aggregation == Aggregation::Pending && role.aggregation_rule.is_some()
}

fn rules_of<'a>(objects: &Objects<'a>, role: &'a Role) -> Vec<&'a Rule> {
    if gathers(objects, role) {
        return aggregated_rules(role, objects.cluster_roles);
    }
    role.rules.iter().collect()
}
