//! Who is asking, and the member strings of IAM policies that mean them.

use std::fmt;
use std::str::FromStr;

mod caller;
mod suspicion;

pub use caller::{Caller, Membership};
pub use suspicion::{Suspicion, suspicions};

const FEDERATED_HOST: &str = "iam.googleapis.com/";

/// A member of an IAM policy binding. A `pool` is `projects/NUMBER/locations/LOCATION/workloadIdentityPools/POOL`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Principal {
    /// `user:EMAIL`.
    User(String),
    /// `serviceAccount:EMAIL`.
    ServiceAccount(String),
    /// `group:EMAIL`.
    Group(String),
    /// `domain:DOMAIN`.
    Domain(String),
    /// `principal://iam.googleapis.com/POOL/subject/SUBJECT`.
    Subject {
        /// The pool.
        pool: String,
        /// `google.subject`.
        subject: String,
    },
    /// `principalSet://iam.googleapis.com/POOL/group/GROUP`.
    FederatedGroup {
        /// The pool.
        pool: String,
        /// An element of `google.groups`.
        group: String,
    },
    /// `principalSet://iam.googleapis.com/POOL/attribute.NAME/VALUE`.
    Attribute {
        /// The pool.
        pool: String,
        /// Name, without `attribute.`.
        name: String,
        /// Value.
        value: String,
    },
    /// `principalSet://iam.googleapis.com/POOL/*`.
    Pool {
        /// The pool.
        pool: String,
    },
    /// `principalSet://iam.googleapis.com/POOL/namespace/NAMESPACE`, for pools of GKE.
    Namespace {
        /// The pool.
        pool: String,
        /// Kubernetes namespace.
        namespace: String,
    },
    /// `principalSet://iam.googleapis.com/POOL/kubernetes.cluster/CLUSTER_URI`, for pools of GKE.
    Cluster {
        /// The pool.
        pool: String,
        /// The cluster, as its issuer.
        cluster: String,
    },
    /// `serviceAccount:PROJECT.svc.id.goog[NAMESPACE/NAME]`, the older way to name a Kubernetes service account.
    KubernetesServiceAccount {
        /// Google project id.
        project: String,
        /// Kubernetes namespace.
        namespace: String,
        /// Kubernetes service account.
        name: String,
    },
    /// `deleted:KIND:EMAIL?uid=NUMBER`: kept by IAM for thirty days, means nobody.
    Deleted(String),
    /// `allUsers`.
    AllUsers,
    /// `allAuthenticatedUsers`.
    AllAuthenticatedUsers,
}

/// Why a text is no member string.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParsePrincipalError {
    /// No known kind before the colon.
    #[error(
        "`{0}` is no IAM member, expected `user:`, `serviceAccount:`, `group:`, `domain:`, `principal://…`, `principalSet://…`, `allUsers` or `allAuthenticatedUsers`"
    )]
    UnknownKind(String),
    /// The part after the colon is empty or no e-mail address.
    #[error("`{0}` names nobody, expected an e-mail address after the colon")]
    NoAddress(String),
    /// Brackets, but not those of a Kubernetes service account.
    #[error(
        "`{0}` names no Kubernetes service account, expected `serviceAccount:PROJECT.svc.id.goog[NAMESPACE/NAME]`"
    )]
    NoKubernetesAccount(String),
    /// Not below a workload identity pool.
    #[error(
        "`{0}` names no workload identity pool, expected `//iam.googleapis.com/projects/NUMBER/locations/global/workloadIdentityPools/POOL/…`"
    )]
    NotInPool(String),
    /// The project is named by its id.
    #[error("`{member}` names the project by its id `{project}`, expected the project number")]
    ProjectId {
        /// The whole member.
        member: String,
        /// What stands in the number's place.
        project: String,
    },
    /// Below a pool, but neither a subject nor a set that exists.
    #[error(
        "`{0}` ends in no known set, expected `/subject/…` after `principal://…`, or `/group/…`, `/attribute.NAME/…`, `/*` after `principalSet://…`"
    )]
    UnknownSet(String),
}

impl FromStr for Principal {
    type Err = ParsePrincipalError;

    fn from_str(member: &str) -> Result<Self, Self::Err> {
        match member {
            "allUsers" => return Ok(Self::AllUsers),
            "allAuthenticatedUsers" => return Ok(Self::AllAuthenticatedUsers),
            _ => {}
        }
        let unknown = || ParsePrincipalError::UnknownKind(member.to_owned());
        if let Some(rest) = member.strip_prefix("principal://") {
            return subject(member, rest);
        }
        if let Some(rest) = member.strip_prefix("principalSet://") {
            return set(member, rest);
        }
        let (kind, value) = member.split_once(':').ok_or_else(unknown)?;
        match kind {
            "serviceAccount" if value.contains(['[', ']']) => kubernetes(member, value),
            "serviceAccount" => address(member, value).map(Self::ServiceAccount),
            "user" => address(member, value).map(Self::User),
            "group" => address(member, value).map(Self::Group),
            "domain" if !value.is_empty() => Ok(Self::Domain(value.to_owned())),
            "deleted" if !value.is_empty() => Ok(Self::Deleted(value.to_owned())),
            _ => Err(unknown()),
        }
    }
}

fn address(member: &str, value: &str) -> Result<String, ParsePrincipalError> {
    let parts = value.split_once('@');
    let good =
        parts.is_some_and(|(local, domain)| !local.is_empty() && !domain.is_empty() && !domain.contains('@'));
    if good && !value.contains(char::is_whitespace) {
        return Ok(value.to_owned());
    }
    Err(ParsePrincipalError::NoAddress(member.to_owned()))
}

fn kubernetes(member: &str, value: &str) -> Result<Principal, ParsePrincipalError> {
    let parts = value.strip_suffix(']').and_then(|value| value.split_once(".svc.id.goog["));
    let parsed = parts
        .and_then(|(project, account)| account.split_once('/').map(|(space, name)| (project, space, name)));
    match parsed {
        Some((project, namespace, name))
            if ![project, namespace, name].contains(&"") && !name.contains(['/', '[', ']']) =>
        {
            Ok(Principal::KubernetesServiceAccount {
                project: project.to_owned(),
                namespace: namespace.to_owned(),
                name: name.to_owned(),
            })
        }
        Some(_) | None => Err(ParsePrincipalError::NoKubernetesAccount(member.to_owned())),
    }
}

fn subject(member: &str, rest: &str) -> Result<Principal, ParsePrincipalError> {
    let (pool, tail) = pool(member, rest)?;
    match tail.split_once('/') {
        Some(("subject", subject)) if !subject.is_empty() => {
            Ok(Principal::Subject { pool, subject: subject.to_owned() })
        }
        Some(_) | None => Err(ParsePrincipalError::UnknownSet(member.to_owned())),
    }
}

fn set(member: &str, rest: &str) -> Result<Principal, ParsePrincipalError> {
    let (pool, tail) = pool(member, rest)?;
    if tail == "*" {
        return Ok(Principal::Pool { pool });
    }
    let unknown = || ParsePrincipalError::UnknownSet(member.to_owned());
    let (kind, value) = tail.split_once('/').filter(|(_, value)| !value.is_empty()).ok_or_else(unknown)?;
    let value = value.to_owned();
    match kind {
        "group" => Ok(Principal::FederatedGroup { pool, group: value }),
        "namespace" => Ok(Principal::Namespace { pool, namespace: value }),
        "kubernetes.cluster" => Ok(Principal::Cluster { pool, cluster: value }),
        _ => match kind.strip_prefix("attribute.") {
            Some(name) if !name.is_empty() => Ok(Principal::Attribute { pool, name: name.to_owned(), value }),
            Some(_) | None => Err(unknown()),
        },
    }
}

/// The pool's resource name, and what follows it.
fn pool<'m>(member: &str, rest: &'m str) -> Result<(String, &'m str), ParsePrincipalError> {
    let outside = || ParsePrincipalError::NotInPool(member.to_owned());
    let path = rest.strip_prefix(FEDERATED_HOST).ok_or_else(outside)?;
    let parts: Vec<&str> = path.splitn(7, '/').collect();
    let ["projects", project, "locations", location, "workloadIdentityPools", pool, tail] = parts.as_slice()
    else {
        return Err(outside());
    };
    if [project, location, pool].iter().any(|part| part.is_empty()) {
        return Err(outside());
    }
    if !project.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(ParsePrincipalError::ProjectId {
            member: member.to_owned(),
            project: (*project).to_owned(),
        });
    }
    Ok((format!("projects/{project}/locations/{location}/workloadIdentityPools/{pool}"), tail))
}

impl fmt::Display for Principal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let set = "principalSet://iam.googleapis.com";
        match self {
            Self::User(email) => write!(formatter, "user:{email}"),
            Self::ServiceAccount(email) => write!(formatter, "serviceAccount:{email}"),
            Self::Group(email) => write!(formatter, "group:{email}"),
            Self::Domain(domain) => write!(formatter, "domain:{domain}"),
            Self::Subject { pool, subject } => {
                write!(formatter, "principal://iam.googleapis.com/{pool}/subject/{subject}")
            }
            Self::FederatedGroup { pool, group } => write!(formatter, "{set}/{pool}/group/{group}"),
            Self::Attribute { pool, name, value } => {
                write!(formatter, "{set}/{pool}/attribute.{name}/{value}")
            }
            Self::Pool { pool } => write!(formatter, "{set}/{pool}/*"),
            Self::Namespace { pool, namespace } => write!(formatter, "{set}/{pool}/namespace/{namespace}"),
            Self::Cluster { pool, cluster } => write!(formatter, "{set}/{pool}/kubernetes.cluster/{cluster}"),
            Self::KubernetesServiceAccount { project, namespace, name } => {
                write!(formatter, "serviceAccount:{project}.svc.id.goog[{namespace}/{name}]")
            }
            Self::Deleted(rest) => write!(formatter, "deleted:{rest}"),
            Self::AllUsers => formatter.write_str("allUsers"),
            Self::AllAuthenticatedUsers => formatter.write_str("allAuthenticatedUsers"),
        }
    }
}

#[cfg(test)]
mod tests;
