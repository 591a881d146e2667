//! Refusals of whoever sets up pools and providers that do not lie in what is written: the organisation's policy, a name that
//! is taken, a permission that is lacking.

use std::fmt;

use serde::Serialize;

/// A refusal by the IAM API, before it looks at pool or provider.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Hindrance {
    /// The organisation's policy does not have this issuer. Status 400, `FAILED_PRECONDITION`.
    /// <https://cloud.google.com/iam/docs/best-practices-for-using-workload-identity-federation>
    IssuerForbidden {
        /// The issuer.
        issuer: String,
    },
    /// A pool of that id is there, or was deleted less than thirty days ago. Status 409, `ALREADY_EXISTS`.
    PoolTaken {
        /// The pool's resource name.
        pool: String,
    },
    /// The caller may not. Status 403, `PERMISSION_DENIED`; also said of what is not there.
    NotPermitted {
        /// The permission, as `iam.workloadIdentityPools.create`.
        permission: String,
        /// The resource it was asked for on.
        resource: String,
    },
}

impl fmt::Display for Hindrance {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::IssuerForbidden { issuer } => write!(
                formatter,
                "Org Policy violated for value: '{issuer}'. type: constraints/iam.workloadIdentityPoolProviders"
            ),
            Self::PoolTaken { pool } => write!(formatter, "Pool {pool} already exists"),
            Self::NotPermitted { permission, resource } => {
                write!(
                    formatter,
                    "Permission '{permission}' denied on resource '{resource}' (or it may not exist)."
                )
            }
        }
    }
}

impl Hindrance {
    /// The issuer `issuer` where the organisation allows `allowed`; nothing if there is no such policy or it is among them.
    pub fn of_issuer(issuer: &str, allowed: Option<&[&str]>) -> Option<Self> {
        let forbidden = allowed.is_some_and(|allowed| !allowed.contains(&issuer));
        forbidden.then(|| Self::IssuerForbidden { issuer: issuer.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hindrances_have_their_words() {
        let table = [
            (
                Hindrance::of_issuer("https://i", Some(&["https://j"])),
                Some(
                    "Org Policy violated for value: 'https://i'. type: constraints/iam.workloadIdentityPoolProviders",
                ),
            ),
            (Hindrance::of_issuer("https://i", Some(&["https://i"])), None),
            (Hindrance::of_issuer("https://i", None), None),
            (Some(Hindrance::PoolTaken { pool: "p".into() }), Some("Pool p already exists")),
            (
                Some(Hindrance::NotPermitted {
                    permission: "iam.workloadIdentityPools.create".into(),
                    resource: "r".into(),
                }),
                Some(
                    "Permission 'iam.workloadIdentityPools.create' denied on resource 'r' (or it may not exist).",
                ),
            ),
        ];
        for (hindrance, expected) in table {
            assert_eq!(hindrance.map(|one| one.to_string()).as_deref(), expected);
        }
    }
}
