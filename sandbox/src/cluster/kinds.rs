//! The kinds of objects the cluster knows, as one table: names, scope, subresources, and how each is checked.

use super::schema::{self, Typed};
use k8s_openapi::api::{
    apps::v1 as apps, authentication::v1 as authentication, authorization::v1 as authorization,
    autoscaling::v2 as autoscaling, core::v1 as core, discovery::v1 as discovery,
    networking::v1 as networking, policy::v1 as policy, rbac::v1 as rbac,
};

/// One kind of object.
pub(crate) struct Kind {
    /// API group; empty for the core group.
    pub(crate) group: &'static str,
    /// Version within the group.
    pub(crate) version: &'static str,
    /// `Deployment`.
    pub(crate) name: &'static str,
    /// `deployments`.
    pub(crate) plural: &'static str,
    /// What kubectl may say instead.
    pub(crate) short: &'static [&'static str],
    /// Whether objects live in a namespace.
    pub(crate) namespaced: bool,
    /// Whether `metadata.generation` counts changes of the specification.
    pub(crate) generation: bool,
    /// Whether the status is its own subresource.
    pub(crate) status: bool,
    /// Whether objects are kept or only answered.
    pub(crate) storage: Storage,
    /// Reads the object as its type: refuses wrong types, finds unknown fields.
    pub(crate) typed: Typed,
}

/// Whether a kind is kept or only answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Storage {
    /// Objects are stored and can be listed and watched.
    Kept,
    /// Only `create`; the answer is the reply.
    Answered,
}

const KEPT: &[&str] = &["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"];
const ANSWERED: &[&str] = &["create"];

const fn core_kind(name: &'static str, plural: &'static str, typed: Typed) -> Kind {
    Kind {
        group: "",
        version: "v1",
        name,
        plural,
        short: &[],
        namespaced: true,
        generation: false,
        status: false,
        storage: Storage::Kept,
        typed,
    }
}

const fn group_kind(group: &'static str, name: &'static str, plural: &'static str, typed: Typed) -> Kind {
    Kind { group, ..core_kind(name, plural, typed) }
}

const RBAC: &str = "rbac.authorization.k8s.io";

/// Namespaces.
pub(crate) static NAMESPACE: Kind = Kind {
    short: &["ns"],
    namespaced: false,
    status: true,
    ..core_kind("Namespace", "namespaces", schema::typed::<core::Namespace>)
};
/// Service accounts.
pub(crate) static SERVICE_ACCOUNT: Kind = Kind {
    short: &["sa"],
    ..core_kind("ServiceAccount", "serviceaccounts", schema::typed::<core::ServiceAccount>)
};
/// Config maps.
pub(crate) static CONFIG_MAP: Kind =
    Kind { short: &["cm"], ..core_kind("ConfigMap", "configmaps", schema::typed::<core::ConfigMap>) };
/// Quotas.
pub(crate) static RESOURCE_QUOTA: Kind = Kind {
    short: &["quota"],
    status: true,
    ..core_kind("ResourceQuota", "resourcequotas", schema::typed::<core::ResourceQuota>)
};
/// Services.
pub(crate) static SERVICE: Kind = Kind {
    short: &["svc"],
    status: true,
    ..core_kind("Service", "services", schema::typed::<core::Service>)
};
/// Pods.
pub(crate) static POD: Kind = Kind {
    short: &["po"],
    status: true,
    generation: true,
    ..core_kind("Pod", "pods", schema::typed::<core::Pod>)
};
/// Events of the core group.
pub(crate) static EVENT: Kind =
    Kind { short: &["ev"], ..core_kind("Event", "events", schema::typed::<core::Event>) };
/// Deployments.
pub(crate) static DEPLOYMENT: Kind = Kind {
    short: &["deploy"],
    status: true,
    generation: true,
    ..group_kind("apps", "Deployment", "deployments", schema::typed::<apps::Deployment>)
};
/// Replica sets.
pub(crate) static REPLICA_SET: Kind = Kind {
    short: &["rs"],
    status: true,
    generation: true,
    ..group_kind("apps", "ReplicaSet", "replicasets", schema::typed::<apps::ReplicaSet>)
};
/// The addresses behind a service.
pub(crate) static ENDPOINT_SLICE: Kind = Kind {
    generation: true,
    ..group_kind(
        "discovery.k8s.io",
        "EndpointSlice",
        "endpointslices",
        schema::typed::<discovery::EndpointSlice>,
    )
};
/// Roles of a namespace.
pub(crate) static ROLE: Kind = group_kind(RBAC, "Role", "roles", schema::typed::<rbac::Role>);
/// Their bindings.
pub(crate) static ROLE_BINDING: Kind =
    Kind { ..group_kind(RBAC, "RoleBinding", "rolebindings", schema::typed::<rbac::RoleBinding>) };
/// Roles of the cluster.
pub(crate) static CLUSTER_ROLE: Kind = Kind {
    namespaced: false,
    ..group_kind(RBAC, "ClusterRole", "clusterroles", schema::typed::<rbac::ClusterRole>)
};
/// Their bindings.
pub(crate) static CLUSTER_ROLE_BINDING: Kind = Kind {
    namespaced: false,
    ..group_kind(RBAC, "ClusterRoleBinding", "clusterrolebindings", schema::typed::<rbac::ClusterRoleBinding>)
};
/// Network policies: stored, inert.
pub(crate) static NETWORK_POLICY: Kind = Kind {
    short: &["netpol"],
    generation: true,
    ..group_kind(
        "networking.k8s.io",
        "NetworkPolicy",
        "networkpolicies",
        schema::typed::<networking::NetworkPolicy>,
    )
};
/// Autoscalers: stored, inert.
pub(crate) static AUTOSCALER: Kind = Kind {
    version: "v2",
    short: &["hpa"],
    status: true,
    ..group_kind(
        "autoscaling",
        "HorizontalPodAutoscaler",
        "horizontalpodautoscalers",
        schema::typed::<autoscaling::HorizontalPodAutoscaler>,
    )
};
/// Disruption budgets: stored, inert.
pub(crate) static DISRUPTION_BUDGET: Kind = Kind {
    short: &["pdb"],
    status: true,
    generation: true,
    ..group_kind(
        "policy",
        "PodDisruptionBudget",
        "poddisruptionbudgets",
        schema::typed::<policy::PodDisruptionBudget>,
    )
};
/// "May I?"
pub(crate) static SELF_SUBJECT_ACCESS_REVIEW: Kind = Kind {
    namespaced: false,
    storage: Storage::Answered,
    ..group_kind(
        "authorization.k8s.io",
        "SelfSubjectAccessReview",
        "selfsubjectaccessreviews",
        schema::typed::<authorization::SelfSubjectAccessReview>,
    )
};
/// "Who am I?"
pub(crate) static SELF_SUBJECT_REVIEW: Kind = Kind {
    namespaced: false,
    storage: Storage::Answered,
    ..group_kind(
        "authentication.k8s.io",
        "SelfSubjectReview",
        "selfsubjectreviews",
        schema::typed::<authentication::SelfSubjectReview>,
    )
};

/// Every kind, in the order in which discovery lists them.
pub(crate) static ALL: &[&Kind] = &[
    &CONFIG_MAP,
    &EVENT,
    &NAMESPACE,
    &POD,
    &RESOURCE_QUOTA,
    &SERVICE_ACCOUNT,
    &SERVICE,
    &DEPLOYMENT,
    &REPLICA_SET,
    &SELF_SUBJECT_REVIEW,
    &SELF_SUBJECT_ACCESS_REVIEW,
    &AUTOSCALER,
    &ENDPOINT_SLICE,
    &NETWORK_POLICY,
    &DISRUPTION_BUDGET,
    &CLUSTER_ROLE_BINDING,
    &CLUSTER_ROLE,
    &ROLE_BINDING,
    &ROLE,
];

/// The kind served at `group`/`version`/`plural`.
pub(crate) fn find(group: &str, version: &str, plural: &str) -> Option<&'static Kind> {
    ALL.iter().copied().find(|kind| kind.group == group && kind.version == version && kind.plural == plural)
}

impl Kind {
    /// `apps/v1`.
    pub(crate) fn api_version(&self) -> String {
        if self.group.is_empty() {
            self.version.to_owned()
        } else {
            format!("{}/{}", self.group, self.version)
        }
    }

    /// `deployments.apps`.
    pub(crate) fn qualified(&self) -> String {
        if self.group.is_empty() { self.plural.to_owned() } else { format!("{}.{}", self.plural, self.group) }
    }

    /// `Deployment.apps`.
    pub(crate) fn qualified_kind(&self) -> String {
        if self.group.is_empty() { self.name.to_owned() } else { format!("{}.{}", self.name, self.group) }
    }

    /// Whether both are the same kind.
    pub(crate) fn is(&self, other: &Kind) -> bool {
        self.plural == other.plural && self.group == other.group
    }

    /// What may be asked of whole objects.
    pub(crate) fn verbs(&self) -> &'static [&'static str] {
        match self.storage {
            Storage::Kept => KEPT,
            Storage::Answered => ANSWERED,
        }
    }

    /// Whether `/scale` is served.
    pub(crate) fn scales(&self) -> bool {
        self.is(&DEPLOYMENT) || self.is(&REPLICA_SET)
    }
}

impl PartialEq for Kind {
    fn eq(&self, other: &Self) -> bool {
        self.is(other)
    }
}

impl Eq for Kind {}

impl PartialOrd for Kind {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Kind {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.group, self.plural).cmp(&(other.group, other.plural))
    }
}

impl std::fmt::Debug for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.qualified())
    }
}
