//! What a tool wants, and how the chain gets it.

use std::time::Duration;

use bridge::spec::{AzureCloud, Bridge};
use clouds::Caller;
use clouds::google::refusal::no_token;
use identity::AccessToken;

use crate::report::{Failure, refused};

/// What a tool wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Wanted {
    /// A Google token of the federated principal.
    Federated,
    /// A Google token of a team's service account.
    Team {
        /// The team; without one, the only one there is.
        team: Option<String>,
        /// How long it lives.
        lifetime: Duration,
    },
    /// The Entra token that Google's STS takes, for this audience of STS's.
    Subject {
        /// The provider's full resource name.
        audience: String,
    },
    /// An Entra token for a scope.
    Azure {
        /// The scope.
        scope: String,
    },
    /// A log-in for an image registry, by its host.
    Registry {
        /// Host, with port where there is one.
        host: String,
    },
}

/// Which registry a host is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum RegistryKind {
    /// Artifact Registry.
    Google,
    /// An Azure container registry.
    Azure,
}

impl Wanted {
    /// Everything that tells this wish from others.
    pub(super) fn parts(&self) -> Vec<String> {
        match self {
            Self::Federated => vec!["federated".to_owned()],
            Self::Team { team, lifetime } => {
                let named =
                    team.as_ref().map_or_else(|| "the only team".to_owned(), |it| format!("team {it}"));
                vec!["team".to_owned(), named, lifetime.as_secs().to_string()]
            }
            Self::Subject { audience } => vec!["subject".to_owned(), audience.clone()],
            Self::Azure { scope } => vec!["azure".to_owned(), scope.clone()],
            Self::Registry { host } => vec!["registry".to_owned(), host.clone()],
        }
    }

    /// Checks the wish against the bridge file, before anybody is asked.
    pub(super) fn check(&self, bridge: &Bridge) -> Result<(), Failure> {
        match self {
            Self::Federated | Self::Azure { .. } => Ok(()),
            Self::Team { team, .. } => team_name(bridge, team.as_deref()).map(|_| ()),
            Self::Subject { audience } => {
                let provider = bridge.provider_name(&bridge.google.project_number);
                if *audience == provider {
                    return Ok(());
                }
                Err(Failure::denied(format!(
                    "the token is asked for audience `{audience}`, but this bridge's is `{provider}`"
                ))
                .hint("write the credential configuration anew with `gangplank export cred-config`"))
            }
            Self::Registry { host } => {
                registry_kind(bridge, host).map(|_| ()).ok_or_else(|| no_registry(host))
            }
        }
    }

    /// Gets it.
    pub(super) async fn fetch(&self, bridge: &Bridge, caller: &Caller) -> Result<AccessToken, Failure> {
        let chain = caller.chain();
        let got = match self {
            Self::Team { team, lifetime } => {
                let team = team_name(bridge, team.as_deref())?;
                chain.impersonated_for(&bridge.service_account_email(team), *lifetime).await
            }
            Self::Subject { .. } => chain.entra_token().await,
            Self::Azure { scope } => chain.entra_token_for(scope).await,
            Self::Registry { host } if registry_kind(bridge, host) == Some(RegistryKind::Azure) => {
                let token = caller.images().azure_refresh_token(host).await;
                let token = token.map_err(|error| refused("log in to the registry", &error))?;
                return token.ok_or_else(|| no_registry(host));
            }
            Self::Federated | Self::Registry { .. } => chain.federated().await,
        };
        got.map_err(|error| refused("get a token", &no_token(&error)))
    }
}

/// The failure for a host that is no registry of the bridge's clouds.
pub(super) fn no_registry(host: &str) -> Failure {
    Failure::failed(format!("`{host}` is no registry that this bridge logs in to"))
}

/// The team meant.
pub(super) fn team_name<'a>(bridge: &'a Bridge, named: Option<&str>) -> Result<&'a str, Failure> {
    let all: Vec<&str> = bridge.teams.iter().map(|team| team.name.as_str()).collect();
    let choose = |what: String| Failure::usage(what).hint(format!("--team takes one of: {}", all.join(", ")));
    match (named, all.as_slice()) {
        (Some(named), _) => {
            let found = all.iter().find(|name| **name == named).copied();
            found.ok_or_else(|| choose(format!("the bridge file has no team `{named}`")))
        }
        (None, [only]) => Ok(only),
        (None, []) => Err(Failure::usage("the bridge file has no team").hint("add one under `teams:`")),
        (None, _) => Err(choose("the bridge file has several teams".to_owned())),
    }
}

/// Which kind of registry `host` is, if the bridge logs in to it: the bridge's own, and those that only Google or Microsoft
/// can run, so that no token goes to a stranger.
pub(super) fn registry_kind(bridge: &Bridge, host: &str) -> Option<RegistryKind> {
    let own = bridge.endpoints.registry.as_deref().map(bare);
    if own == Some(host) || (own.is_none() && host.ends_with("-docker.pkg.dev")) {
        return Some(RegistryKind::Google);
    }
    let azure = bridge.endpoints.acr.as_deref().map(bare);
    let is_azure = azure == Some(host) || azure_name(bridge, host).is_some();
    is_azure.then_some(RegistryKind::Azure)
}

/// The name of the Azure container registry at `host`.
fn azure_name<'a>(bridge: &Bridge, host: &'a str) -> Option<&'a str> {
    let suffix = match bridge.azure.cloud {
        AzureCloud::Public => ".azurecr.io",
        AzureCloud::UsGovernment => ".azurecr.us",
        AzureCloud::China => ".azurecr.cn",
    };
    host.strip_suffix(suffix).filter(|name| is_name(name))
}

/// Letters and digits; a `-` comes with the hash of a domain name label scope.
fn is_name(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

/// An address without scheme and path: what docker calls a server.
pub(super) fn bare(server: &str) -> &str {
    let server = server.trim();
    let rest = server.split_once("://").map_or(server, |(_, rest)| rest);
    rest.split('/').next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bridge(edit: impl Fn(&str) -> String) -> Bridge {
        let text = edit(include_str!("../../../tests/bridge.yaml"));
        bridge::file::parse("bridge.yaml", &text).unwrap()
    }

    fn as_is() -> Bridge {
        bridge(str::to_owned)
    }

    #[test]
    fn registries_are_those_of_the_two_clouds_alone() {
        for (host, expected) in [
            ("europe-west4-docker.pkg.dev", Some(RegistryKind::Google)),
            ("us-docker.pkg.dev", Some(RegistryKind::Google)),
            ("quay.azurecr.io", Some(RegistryKind::Azure)),
            ("quay-h4sh.azurecr.io", Some(RegistryKind::Azure)),
            ("index.docker.io", None),
            ("docker.pkg.dev.example", None),
            ("azurecr.io", None),
            (".azurecr.io", None),
            ("a.b.azurecr.io", None),
            ("user@quay.azurecr.io", None),
            ("quay.azurecr.io:8443", None),
            ("quay.azurecr.us", None),
            ("", None),
        ] {
            assert_eq!(registry_kind(&as_is(), host), expected, "{host}");
        }
        let elsewhere = bridge(|text| format!("{text}endpoints:\n  registry: http://127.0.0.1:5000\n"));
        assert_eq!(registry_kind(&elsewhere, "127.0.0.1:5000"), Some(RegistryKind::Google));
        assert_eq!(registry_kind(&elsewhere, "europe-west4-docker.pkg.dev"), None, "another bridge's token");
    }

    #[test]
    fn servers_are_named_in_many_ways() {
        for server in [
            "quay.azurecr.io",
            "https://quay.azurecr.io",
            "https://quay.azurecr.io/v1/",
            " quay.azurecr.io\n",
        ] {
            assert_eq!(bare(server), "quay.azurecr.io");
        }
    }

    #[test]
    fn a_team_must_be_one_of_the_bridges() {
        let bridge = as_is();
        assert_eq!(team_name(&bridge, Some("cellar")).unwrap(), "cellar");
        let unknown = team_name(&bridge, Some("nobody")).unwrap_err().text();
        assert!(unknown.contains("`nobody`") && unknown.contains("oncology, cellar"), "{unknown}");
        assert!(team_name(&bridge, None).unwrap_err().text().contains("several"));
    }

    #[test]
    fn only_the_bridges_own_audience_is_served() {
        let bridge = as_is();
        let own = bridge.provider_name(&bridge.google.project_number);
        assert!(Wanted::Subject { audience: own.clone() }.check(&bridge).is_ok());
        let other = Wanted::Subject { audience: format!("{own}x") }.check(&bridge).unwrap_err();
        assert_eq!(other.exit, crate::report::Exit::Denied);
    }

    #[test]
    fn every_wish_has_parts_of_its_own() {
        let lifetime = Duration::from_mins(15);
        let wishes = [
            Wanted::Federated,
            Wanted::Team { team: None, lifetime },
            Wanted::Team { team: Some("the only team".to_owned()), lifetime },
            Wanted::Team { team: Some("a".to_owned()), lifetime: Duration::from_mins(5) },
            Wanted::Subject { audience: "a".to_owned() },
            Wanted::Azure { scope: "a".to_owned() },
            Wanted::Registry { host: "a".to_owned() },
        ];
        let parts: std::collections::BTreeSet<Vec<String>> = wishes.iter().map(Wanted::parts).collect();
        assert_eq!(parts.len(), wishes.len());
    }
}
