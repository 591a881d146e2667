//! What lets in more than any job needs: the rules alone, for settings that a bridge declares and for any that are shown.

use trust::principal::Principal;
use trust::provider::Provider;

/// Roles on the project that act in every namespace of every cluster, whatever RBAC says:
/// `docs.cloud.google.com/kubernetes-engine/docs/how-to/iam`.
pub(super) const BROAD: [&str; 5] = [
    "roles/container.developer",
    "roles/container.admin",
    "roles/container.clusterAdmin",
    "roles/editor",
    "roles/owner",
];

/// Issuers that everybody's workloads share. `https://cloud.google.com/iam/docs/workload-identity-federation`.
const SHARED: [&str; 6] = [
    "https://token.actions.githubusercontent.com",
    "https://gitlab.com",
    "https://app.terraform.io",
    "https://oidc.vercel.com",
    "https://agent.buildkite.com",
    "https://oidc.circleci.com",
];

/// Names by which a condition tells one of Entra's callers from another.
const ABOUT_SOMEBODY: [&str; 9] =
    ["sub", "oid", "azp", "appid", "roles", "groups", "google.subject", "google.groups", "attribute."];

/// Whom a provider lets across.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Everybody {
    /// Every application of an Entra tenant.
    OfTheTenant,
    /// Everybody's workloads, which share one issuer.
    OfTheIssuer,
}

/// Whether a condition tells none of a tenant's callers from another.
pub(super) fn admits_the_tenant(condition: &str) -> bool {
    condition.trim() != "false" && !ABOUT_SOMEBODY.iter().any(|name| condition.contains(name))
}

/// Whether a provider's condition says of nobody in particular that he may come across; which rule holds, its issuer tells.
pub(super) fn admits_everybody(provider: &Provider) -> Option<Everybody> {
    let condition = provider.attribute_condition.trim();
    let issuer = provider.issuer();
    if issuer.contains("microsoftonline.") || issuer.contains("sts.windows.net") {
        return admits_the_tenant(condition).then_some(Everybody::OfTheTenant);
    }
    let claims = ["assertion", "google.", "attribute."];
    let says_nothing = condition != "false" && !claims.iter().any(|name| condition.contains(name));
    (says_nothing && SHARED.contains(&issuer.trim_end_matches('/'))).then_some(Everybody::OfTheIssuer)
}

/// Whether a mapping makes the same of every token: it holds no claim, or is one text in quotes.
pub(super) fn is_constant(mapping: &str) -> bool {
    let mapping = mapping.trim();
    let one_text = |quote: char| {
        let inner = mapping.strip_prefix(quote).and_then(|it| it.strip_suffix(quote));
        inner.is_some_and(|inner| !inner.contains(quote))
    };
    one_text('\'')
        || one_text('"')
        || !["assertion", "google.", "attribute."].iter().any(|it| mapping.contains(it))
}

/// A member that stands for more than callers and their groups.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum WideMember {
    /// Everybody whom a pool lets across.
    Pool,
    /// Every pod of a namespace of that name, in each cluster of the project.
    Namespace(String),
    /// Everybody in the world.
    World,
}

impl WideMember {
    /// What a member of a binding stands for, if that is wide.
    pub(super) fn of(member: &str) -> Option<Self> {
        match member.parse().ok()? {
            Principal::Pool { .. } => Some(Self::Pool),
            Principal::Namespace { namespace, .. } => Some(Self::Namespace(namespace)),
            Principal::AllUsers | Principal::AllAuthenticatedUsers => Some(Self::World),
            _ => None,
        }
    }

    /// The finding's code.
    pub(super) fn code(&self) -> &'static str {
        match self {
            Self::Pool => "google/pool-wide-grant",
            Self::Namespace(_) => "google/namespace-wide-grant",
            Self::World => "google/anonymous-member",
        }
    }

    /// Who it is, in words that begin a sentence.
    pub(super) fn who(&self) -> String {
        match self {
            Self::Pool => "everybody who comes across".to_owned(),
            Self::Namespace(name) => {
                format!("every pod of a namespace `{name}`, in each cluster of the project,")
            }
            Self::World => "everybody in the world".to_owned(),
        }
    }

    /// Why that is too much.
    pub(super) fn why(&self) -> &'static str {
        match self {
            Self::Pool => {
                "a grant to the whole pool is one to every caller of every team, and to every provider that is added later"
            }
            Self::Namespace(_) => {
                "clusters of one project share a pool: whoever may make a namespace of this name in another cluster has the right, too"
            }
            Self::World => "nobody needs an account, or leaves a name, to use it",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conditions_that_name_nobody() {
        let entra = "https://login.microsoftonline.com/t/v2.0";
        let tenant = Some(Everybody::OfTheTenant);
        for (issuer, condition, expected) in [
            (entra, "", tenant),
            (entra, "assertion.tid == 't'", tenant),
            ("https://sts.windows.net/t/", "true", tenant),
            (entra, "false", None),
            (entra, "assertion.oid in ['a']", None),
            (entra, "'gangplank' in assertion.roles", None),
            ("https://gitlab.com/", "true", Some(Everybody::OfTheIssuer)),
            ("https://gitlab.com", "assertion.namespace_id == '1'", None),
            ("https://oidc.harbour.example", "", None),
        ] {
            let oidc = trust::provider::Oidc { issuer_uri: issuer.to_owned(), ..Default::default() };
            let provider = Provider {
                oidc: Some(oidc),
                attribute_condition: condition.to_owned(),
                ..Provider::default()
            };
            assert_eq!(admits_everybody(&provider), expected, "{issuer} {condition}");
        }
    }

    #[test]
    fn mappings_that_map_nothing() {
        for (mapping, expected) in [
            ("assertion.sub", false),
            ("'a::' + assertion.sub + '::b'", false),
            ("'assertion.sub'", true),
            (" \"assertion.sub\" ", true),
            ("'x' + 'y'", true),
            ("google.subject", false),
            ("'", true),
        ] {
            assert_eq!(is_constant(mapping), expected, "{mapping}");
        }
    }
}
