//! What is looked at to answer, and what was seen of it.

use std::collections::BTreeMap;
use std::future::Future;

use serde::{Deserialize, Serialize};
use trust::iam::{DenyPolicy, Policy};
use trust::rbac::{Aggregation, ClusterRole, ClusterRoleBinding, Objects, Role, RoleBinding};

use super::Unseen;
use crate::inventory::Facts;
use crate::port::PortResult;
use crate::resource::GrantTarget;
use crate::spec::Bridge;

/// Something to look at.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Look {
    /// Ids of principals, the workspace's storage, the project's number.
    Facts,
    /// An allow policy of Google's.
    Policy(GrantTarget),
    /// The project's deny policies.
    DenyPolicies,
    /// The cluster's roles and bindings.
    Rbac,
    /// Azure's role assignments at a scope and above it.
    Assignments {
        /// ARM id.
        scope: String,
    },
}

/// Looks at things, live or in files.
pub trait Viewer: Send + Sync {
    /// What the bridge's names stand for.
    fn facts(&self) -> impl Future<Output = PortResult<Facts>> + Send;
    /// An allow policy, conditions included.
    fn policy(&self, target: &GrantTarget) -> impl Future<Output = PortResult<Policy>> + Send;
    /// The deny policies that are attached to the project, whole.
    fn deny_policies(&self) -> impl Future<Output = PortResult<Vec<DenyPolicy>>> + Send;
    /// The cluster's roles and bindings, of all namespaces.
    fn rbac(&self) -> impl Future<Output = PortResult<Rbac>> + Send;
    /// Role assignments at a scope and above, with what the roles permit.
    fn assignments(&self, scope: &str) -> impl Future<Output = PortResult<Vec<Assignment>>> + Send;
    /// Whether it sees all bindings and assignments there are. Of files nobody knows.
    fn is_whole(&self) -> bool {
        true
    }
}

/// What was seen of one thing.
#[derive(Debug, Clone, PartialEq)]
pub enum Sighting<T> {
    /// It was seen.
    Seen(T),
    /// It was not, and why.
    Unseen(String),
}

/// The cluster's roles and bindings.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rbac {
    /// `Role`s.
    pub roles: Vec<Role>,
    /// `ClusterRole`s.
    pub cluster_roles: Vec<ClusterRole>,
    /// `RoleBinding`s.
    pub role_bindings: Vec<RoleBinding>,
    /// `ClusterRoleBinding`s.
    pub cluster_role_bindings: Vec<ClusterRoleBinding>,
    /// They come from files that somebody wrote: no cluster has gathered aggregated roles yet.
    pub as_written: bool,
}

impl Rbac {
    /// As the decision takes them.
    pub fn objects(&self) -> Objects<'_> {
        Objects {
            roles: &self.roles,
            cluster_roles: &self.cluster_roles,
            role_bindings: &self.role_bindings,
            cluster_role_bindings: &self.cluster_role_bindings,
            aggregation: if self.as_written { Aggregation::Pending } else { Aggregation::Done },
        }
    }
}

/// One role assignment of Azure's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assignment {
    /// Object id of the principal.
    pub principal_id: String,
    /// `User`, `Group` or `ServicePrincipal`.
    pub principal_type: String,
    /// ARM id of where it counts, and below.
    pub scope: String,
    /// The role's name.
    pub role: String,
    /// What the role permits.
    pub permissions: Vec<Permission>,
    /// Only under this condition, where it has one.
    pub condition: Option<String>,
}

/// What a role of Azure's permits; `*` stands for any run of characters.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Permission {
    /// Of the control plane.
    pub actions: Vec<String>,
    /// Taken away from those.
    pub not_actions: Vec<String>,
    /// Of the data plane.
    pub data_actions: Vec<String>,
    /// Taken away from those.
    pub not_data_actions: Vec<String>,
}

/// Everything looked at so far; what is absent was not looked at yet.
#[derive(Debug, Clone, Default)]
pub struct Seen {
    pub(super) facts: Option<Sighting<Box<Facts>>>,
    pub(super) policies: BTreeMap<GrantTarget, Sighting<Policy>>,
    pub(super) deny: Option<Sighting<Vec<DenyPolicy>>>,
    pub(super) rbac: Option<Sighting<Rbac>>,
    pub(super) assignments: BTreeMap<String, Sighting<Vec<Assignment>>>,
    /// There may be bindings and assignments that were not shown.
    pub(super) partial: bool,
}

impl<T> Sighting<T> {
    /// The thing, if it was seen.
    pub fn seen(&self) -> Option<&T> {
        match self {
            Self::Seen(thing) => Some(thing),
            Self::Unseen(_) => None,
        }
    }

    fn of(looked: PortResult<T>) -> Self {
        match looked {
            Ok(thing) => Self::Seen(thing),
            Err(refused) => Self::Unseen(refused.to_string()),
        }
    }

    fn why(&self) -> Option<&str> {
        match self {
            Self::Seen(_) => None,
            Self::Unseen(why) => Some(why),
        }
    }
}

/// One thing looked at.
pub(crate) enum Found {
    Facts(Sighting<Box<Facts>>),
    Policy(GrantTarget, Sighting<Policy>),
    DenyPolicies(Sighting<Vec<DenyPolicy>>),
    Rbac(Sighting<Rbac>),
    Assignments(String, Sighting<Vec<Assignment>>),
}

impl Look {
    /// Looks. Not being allowed to is something found, too.
    pub(crate) async fn at<V: Viewer>(self, viewer: &V) -> Found {
        match self {
            Self::Facts => Found::Facts(Sighting::of(viewer.facts().await.map(Box::new))),
            Self::Policy(target) => {
                let policy = Sighting::of(viewer.policy(&target).await);
                Found::Policy(target, policy)
            }
            Self::DenyPolicies => Found::DenyPolicies(Sighting::of(viewer.deny_policies().await)),
            Self::Rbac => Found::Rbac(Sighting::of(viewer.rbac().await)),
            Self::Assignments { scope } => {
                let found = Sighting::of(viewer.assignments(&scope).await);
                Found::Assignments(scope, found)
            }
        }
    }
}

impl Seen {
    /// Nothing yet, of somebody who may not see everything.
    pub(crate) fn by<V: Viewer>(viewer: &V) -> Self {
        Self { partial: !viewer.is_whole(), ..Self::default() }
    }

    /// Keeps what was found.
    pub(crate) fn add(&mut self, found: Found) {
        match found {
            Found::Facts(facts) => self.facts = Some(facts),
            Found::Policy(target, policy) => {
                self.policies.insert(target, policy);
            }
            Found::DenyPolicies(policies) => self.deny = Some(policies),
            Found::Rbac(rbac) => self.rbac = Some(rbac),
            Found::Assignments(scope, found) => {
                self.assignments.insert(scope, found);
            }
        }
    }

    pub(super) fn facts(&self) -> Option<&Facts> {
        self.facts.as_ref().and_then(Sighting::seen).map(AsRef::as_ref)
    }

    pub(super) fn has(&self, look: &Look) -> bool {
        match look {
            Look::Facts => self.facts.is_some(),
            Look::Policy(target) => self.policies.contains_key(target),
            Look::DenyPolicies => self.deny.is_some(),
            Look::Rbac => self.rbac.is_some(),
            Look::Assignments { scope } => self.assignments.contains_key(scope),
        }
    }

    /// What could not be seen, with the right that looking takes.
    pub(super) fn unseen(&self, bridge: &Bridge) -> Vec<Unseen> {
        let mut all = Vec::new();
        let mut note = |what: String, why: Option<&str>, right: &str| {
            all.extend(why.map(|why| Unseen { what, why: why.to_owned(), right: right.to_owned() }));
        };
        let facts = self.facts.as_ref().and_then(Sighting::why);
        note("what the bridge's names stand for".to_owned(), facts, "the rights that `gangplank plan` takes");
        for (target, policy) in &self.policies {
            let (what, right) = match target {
                GrantTarget::Project => {
                    let project = &bridge.google.project;
                    (
                        format!("the IAM policy of project `{project}`"),
                        "resourcemanager.projects.getIamPolicy",
                    )
                }
                GrantTarget::ServiceAccount(id) => {
                    (format!("the IAM policy of service account `{id}`"), "iam.serviceAccounts.getIamPolicy")
                }
                GrantTarget::Repository(id) => (
                    format!("the IAM policy of repository `{id}`"),
                    "artifactregistry.repositories.getIamPolicy",
                ),
            };
            note(what, policy.why(), right);
        }
        let deny = self.deny.as_ref().and_then(Sighting::why);
        let project = format!("the deny policies of project `{}`", bridge.google.project);
        note(project, deny, "iam.denypolicies.get and iam.denypolicies.list (roles/iam.denyReviewer)");
        let rbac = self.rbac.as_ref().and_then(Sighting::why);
        note(
            format!("the roles and bindings of cluster `{}`", bridge.google.cluster),
            rbac,
            "to list roles, rolebindings, clusterroles and clusterrolebindings",
        );
        for (scope, found) in &self.assignments {
            let what = format!("the role assignments at `{scope}`");
            note(what, found.why(), "Microsoft.Authorization/roleAssignments/read");
        }
        all
    }
}
