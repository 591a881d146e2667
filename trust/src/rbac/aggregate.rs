//! Cluster roles whose rules the cluster gathers from others by label, as kube-controller-manager does.
//! Source: <https://kubernetes.io/docs/reference/access-authn-authz/rbac/#aggregated-clusterroles>

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{ClusterRole, Rule, null_is_default};

/// Which cluster roles another one gathers.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct AggregationRule {
    /// A role that matches any of these is gathered.
    #[serde(deserialize_with = "null_is_default")]
    pub cluster_role_selectors: Vec<LabelSelector>,
}

/// Objects by their labels; every part has to hold, and the empty selector means all objects.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct LabelSelector {
    /// Labels that have exactly these values.
    #[serde(deserialize_with = "null_is_default", skip_serializing_if = "BTreeMap::is_empty")]
    pub match_labels: BTreeMap<String, String>,
    /// Further requirements.
    #[serde(deserialize_with = "null_is_default", skip_serializing_if = "Vec::is_empty")]
    pub match_expressions: Vec<LabelRequirement>,
}

/// What a label must be.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(default)]
pub struct LabelRequirement {
    /// The label.
    pub key: String,
    /// `In`, `NotIn`, `Exists` or `DoesNotExist`.
    pub operator: String,
    /// For `In` and `NotIn`.
    #[serde(deserialize_with = "null_is_default", skip_serializing_if = "Vec::is_empty")]
    pub values: Vec<String>,
}

impl LabelSelector {
    /// Does it select an object with these labels? An operator that does not exist selects nothing.
    pub fn selects(&self, labels: &BTreeMap<String, String>) -> bool {
        self.match_labels.iter().all(|(key, value)| labels.get(key) == Some(value))
            && self.match_expressions.iter().all(|requirement| requirement.holds(labels))
    }
}

impl LabelRequirement {
    fn holds(&self, labels: &BTreeMap<String, String>) -> bool {
        let label = labels.get(&self.key);
        match self.operator.as_str() {
            "In" => label.is_some_and(|value| self.values.contains(value)),
            "NotIn" => label.is_none_or(|value| !self.values.contains(value)),
            "Exists" => label.is_some(),
            "DoesNotExist" => label.is_none(),
            _ => false,
        }
    }
}

/// The rules that the cluster gathers for `role` out of `cluster_roles`, each once; the role's own are not among them,
/// since the cluster overwrites those. Without an `aggregationRule` they are the role's own.
pub fn aggregated_rules<'a>(role: &'a ClusterRole, cluster_roles: &'a [ClusterRole]) -> Vec<&'a Rule> {
    if role.aggregation_rule.is_none() {
        return role.rules.iter().collect();
    }
    let mut once = BTreeSet::new();
    let sources = Seen::default().sources(role, cluster_roles);
    sources.into_iter().flat_map(|source| &source.rules).filter(|rule| once.insert(*rule)).collect()
}

/// What a walk came by already, so that roles which gather each other end it, and no selector is tried twice.
#[derive(Default)]
pub(super) struct Seen<'a> {
    /// The roles that nothing selected yet; none before the first step.
    left: Option<Vec<&'a ClusterRole>>,
    selectors: BTreeSet<&'a LabelSelector>,
}

impl<'a> Seen<'a> {
    /// The roles with rules of their own that `role` gathers, directly or through others, without those seen before.
    pub(super) fn sources(
        &mut self,
        role: &'a ClusterRole,
        cluster_roles: &'a [ClusterRole],
    ) -> Vec<&'a ClusterRole> {
        let mut left = self.left.take().unwrap_or_else(|| cluster_roles.iter().collect());
        let mut found = Vec::new();
        let mut waiting = vec![role];
        while let Some(next) = waiting.pop() {
            for selector in selectors(next).filter(|selector| self.selectors.insert(selector)) {
                let mut selected = Vec::new();
                left.retain(|it| {
                    let is = selector.selects(&it.metadata.labels);
                    selected.extend(is.then_some(*it));
                    !is
                });
                let gathers = |it: &&ClusterRole| it.aggregation_rule.is_some();
                let (further, own): (Vec<_>, Vec<_>) = selected.into_iter().partition(gathers);
                waiting.extend(further);
                found.extend(own);
            }
        }
        self.left = Some(left);
        found
    }
}

fn selectors(role: &ClusterRole) -> impl Iterator<Item = &LabelSelector> {
    role.aggregation_rule.iter().flat_map(|rule| &rule.cluster_role_selectors)
}
