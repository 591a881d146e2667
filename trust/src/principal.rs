//! Who is asking, and the member strings of IAM policies that mean them.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::provider::Mapped;

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
            "serviceAccount" if value.ends_with(']') => kubernetes(member, value),
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
            if ![project, namespace, name].contains(&"") && !name.contains('/') =>
        {
            Ok(Principal::KubernetesServiceAccount {
                project: project.to_owned(),
                namespace: namespace.to_owned(),
                name: name.to_owned(),
            })
        }
        Some(_) | None => Err(ParsePrincipalError::NoAddress(member.to_owned())),
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

/// Whoever presents a Google access token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Caller {
    /// A Google service account, by e-mail.
    ServiceAccount(String),
    /// A Google user, by e-mail.
    User(String),
    /// Somebody from outside, through a workload identity pool.
    #[serde(rename_all = "camelCase")]
    Federated {
        /// `projects/NUMBER/locations/global/workloadIdentityPools/POOL`.
        pool_resource: String,
        /// What the provider made of their token.
        mapped: Mapped,
    },
}

impl Caller {
    /// The caller as IAM, audit logs and GKE print them.
    pub fn principal_string(&self) -> String {
        self.principal().to_string()
    }

    /// The narrowest member that means this caller.
    pub fn principal(&self) -> Principal {
        match self {
            Self::ServiceAccount(email) => Principal::ServiceAccount(email.clone()),
            Self::User(email) => Principal::User(email.clone()),
            Self::Federated { pool_resource, mapped } => {
                Principal::Subject { pool: pool_resource.clone(), subject: mapped.subject.clone() }
            }
        }
    }

    /// The user name that a GKE API server sees: e-mail, or the principal.
    pub fn kubernetes_user(&self) -> String {
        match self {
            Self::ServiceAccount(email) | Self::User(email) => email.clone(),
            Self::Federated { .. } => self.principal_string(),
        }
    }

    /// Does the member string mean this caller? A string that is no member means nobody.
    pub fn matches(&self, member: &str) -> bool {
        member.parse().is_ok_and(|principal| self.is(&principal))
    }

    /// Does the member mean this caller? Membership of Google groups and domains is not known here and means no.
    pub fn is(&self, principal: &Principal) -> bool {
        match principal {
            Principal::AllUsers | Principal::AllAuthenticatedUsers => true,
            Principal::User(email) => matches!(self, Self::User(own) if own.eq_ignore_ascii_case(email)),
            Principal::ServiceAccount(email) => {
                matches!(self, Self::ServiceAccount(own) if own.eq_ignore_ascii_case(email))
            }
            Principal::Domain(domain) => {
                matches!(self, Self::User(own) if own.rsplit_once('@').is_some_and(|(_, at)| at.eq_ignore_ascii_case(domain)))
            }
            Principal::Subject { pool, subject } => self.in_pool(pool, |mapped| mapped.subject == *subject),
            Principal::FederatedGroup { pool, group } => {
                self.in_pool(pool, |mapped| mapped.groups.contains(group))
            }
            Principal::Attribute { pool, name, value } => {
                self.in_pool(pool, |mapped| mapped.attributes.get(name) == Some(value))
            }
            Principal::Pool { pool } => self.in_pool(pool, |_| true),
            Principal::Group(_)
            | Principal::Namespace { .. }
            | Principal::Cluster { .. }
            | Principal::KubernetesServiceAccount { .. }
            | Principal::Deleted(_) => false,
        }
    }

    fn in_pool(&self, pool: &str, holds: impl FnOnce(&Mapped) -> bool) -> bool {
        match self {
            Self::Federated { pool_resource, mapped } => pool_resource == pool && holds(mapped),
            Self::ServiceAccount(_) | Self::User(_) => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use proptest::prelude::*;

    const POOL: &str = "projects/412/locations/global/workloadIdentityPools/quay";

    fn federated() -> Caller {
        Caller::Federated {
            pool_resource: POOL.to_owned(),
            mapped: Mapped {
                subject: "object-id".to_owned(),
                groups: vec!["Cellar.Deployer".to_owned()],
                attributes: BTreeMap::from([("client_id".to_owned(), "a/b".to_owned())]),
            },
        }
    }

    #[test]
    fn member_strings_survive_parse_and_print() {
        let members = [
            "user:a@b.example".to_owned(),
            "serviceAccount:x@p.iam.gserviceaccount.com".to_owned(),
            "group:g@b.example".to_owned(),
            "domain:b.example".to_owned(),
            format!("principal://iam.googleapis.com/{POOL}/subject/ns/a/sa/b"),
            format!("principalSet://iam.googleapis.com/{POOL}/group/Cellar.Deployer"),
            format!("principalSet://iam.googleapis.com/{POOL}/attribute.client_id/a/b"),
            format!("principalSet://iam.googleapis.com/{POOL}/*"),
            format!("principalSet://iam.googleapis.com/{POOL}/namespace/team"),
            format!(
                "principalSet://iam.googleapis.com/{POOL}/kubernetes.cluster/https://container.googleapis.com/v1/x"
            ),
            "serviceAccount:p.svc.id.goog[team/app]".to_owned(),
            "deleted:serviceAccount:x@p.iam.gserviceaccount.com?uid=1".to_owned(),
            "allUsers".to_owned(),
            "allAuthenticatedUsers".to_owned(),
        ];
        for member in members {
            assert_eq!(member.parse::<Principal>().unwrap().to_string(), member);
        }
    }

    #[test]
    fn says_why_a_text_is_no_member() {
        let by_id = format!("principal://iam.googleapis.com/{}/subject/s", POOL.replace("412", "harbour"));
        let table = [
            ("somebody", "is no IAM member"),
            ("robot:x@y", "is no IAM member"),
            ("user:", "names nobody"),
            ("user:a@b@c", "names nobody"),
            ("serviceAccount:p.svc.id.goog[team]", "names nobody"),
            ("principal://iam.googleapis.com/projects/1/subject/s", "names no workload identity pool"),
            ("principal://example.com/x", "names no workload identity pool"),
            (&by_id, "by its id `harbour`, expected the project number"),
            (&format!("principal://iam.googleapis.com/{POOL}/group/g"), "ends in no known set"),
            (&format!("principalSet://iam.googleapis.com/{POOL}/subject/s"), "ends in no known set"),
            (&format!("principalSet://iam.googleapis.com/{POOL}/attribute./v"), "ends in no known set"),
            (&format!("principalSet://iam.googleapis.com/{POOL}/group/"), "ends in no known set"),
        ];
        for (member, expected) in table {
            let error = member.parse::<Principal>().unwrap_err().to_string();
            assert!(error.contains(expected) && error.contains(member), "{error}");
        }
    }

    #[test]
    fn a_federated_caller_is_meant_by_subject_group_attribute_and_pool() {
        let caller = federated();
        assert_eq!(
            caller.principal_string(),
            format!("principal://iam.googleapis.com/{POOL}/subject/object-id")
        );
        assert_eq!(caller.kubernetes_user(), caller.principal_string());
        let table = [
            (format!("principal://iam.googleapis.com/{POOL}/subject/object-id"), true),
            (format!("principal://iam.googleapis.com/{POOL}/subject/Object-Id"), false),
            (format!("principal://iam.googleapis.com/{POOL}2/subject/object-id"), false),
            (format!("principalSet://iam.googleapis.com/{POOL}/group/Cellar.Deployer"), true),
            (format!("principalSet://iam.googleapis.com/{POOL}/group/cellar.deployer"), false),
            (format!("principalSet://iam.googleapis.com/{POOL}/attribute.client_id/a/b"), true),
            (format!("principalSet://iam.googleapis.com/{POOL}/attribute.client_id/a"), false),
            (format!("principalSet://iam.googleapis.com/{POOL}/attribute.other/a"), false),
            (format!("principalSet://iam.googleapis.com/{POOL}/*"), true),
            ("user:object-id@x".to_owned(), false),
            ("allUsers".to_owned(), true),
            ("nonsense".to_owned(), false),
        ];
        for (member, expected) in table {
            assert_eq!(caller.matches(&member), expected, "{member}");
        }
    }

    #[test]
    fn google_accounts_are_meant_by_address_whatever_its_case() {
        let user = Caller::User("Admin@harbour.example".to_owned());
        let account = Caller::ServiceAccount("gp-a@p.iam.gserviceaccount.com".to_owned());
        assert!(user.matches("user:admin@harbour.example") && user.matches("domain:harbour.example"));
        assert!(
            !user.matches("serviceAccount:admin@harbour.example")
                && !user.matches("group:admin@harbour.example")
        );
        assert!(account.matches("serviceAccount:gp-a@p.iam.gserviceaccount.com"));
        assert!(!account.matches("deleted:serviceAccount:gp-a@p.iam.gserviceaccount.com?uid=1"));
        assert_eq!(account.kubernetes_user(), "gp-a@p.iam.gserviceaccount.com");
    }

    proptest! {
        #[test]
        fn never_panics_and_prints_what_it_parsed(
            member in "(principal|principalSet|user|serviceAccount)?:?(//iam.googleapis.com/projects/[0-9a]{1,3}/locations/g/workloadIdentityPools/p/)?.{0,40}"
        ) {
            if let Ok(principal) = member.parse::<Principal>() {
                prop_assert_eq!(principal.to_string(), member);
            }
        }
    }
}
