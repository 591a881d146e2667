//! What a chain is held against: what a bridge declares, or, where no bridge is at hand, what the evidence itself names.

use jiff::Timestamp;
use trust::principal::Caller;
use trust::provider::{Provider, ResourceName};

use super::hop_failed::update_provider;
use crate::finding::Finding;
use crate::spec::{Bridge, Team};

/// Where the expectations of a walk come from.
#[derive(Debug, Clone)]
pub enum Chain<'a> {
    /// A bridge declares them.
    Declared(Way<'a>),
    /// Nobody declares anything; the evidence names a provider and an account.
    Shown(Box<Shown>),
}

/// The way that a bridge declares for a team.
#[derive(Debug, Clone, Copy)]
pub struct Way<'a> {
    /// The bridge as declared.
    pub bridge: &'a Bridge,
    /// The team that is shipped for.
    pub team: &'a Team,
    /// The current time; for evidence that was collected, that of the failure.
    pub now: Timestamp,
}

/// What collected evidence names of a chain, with no bridge to say whether it should be so.
#[derive(Debug, Clone, Default)]
pub struct Shown {
    /// The provider that is in use.
    pub provider: Option<ResourceName>,
    /// The file that the provider, or a list of those there are, stands in.
    pub provider_file: String,
    /// All providers that were seen.
    pub providers: Vec<Provider>,
    /// The `audience` that the client sends to name the provider, with its place.
    pub named: Option<(String, String)>,
    /// The client id of the application that the token is for.
    pub application: Option<String>,
    /// Whether the provider is one for AWS.
    pub aws: bool,
    /// The Google service account that is acted as.
    pub account: Option<String>,
    /// Who acts as it.
    pub caller: Option<Caller>,
    /// The time of the failure.
    pub now: Timestamp,
}

impl From<Shown> for Chain<'_> {
    fn from(shown: Shown) -> Self {
        Self::Shown(Box::new(shown))
    }
}

impl<'a> Chain<'a> {
    /// The declared way, if there is one.
    pub(super) fn way(&self) -> Option<&Way<'a>> {
        match self {
            Self::Declared(way) => Some(way),
            Self::Shown(_) => None,
        }
    }

    /// What the evidence names, where nothing is declared.
    pub(super) fn shown(&self) -> Option<&Shown> {
        match self {
            Self::Declared(_) => None,
            Self::Shown(shown) => Some(shown),
        }
    }

    /// When it is.
    pub(super) fn now(&self) -> Timestamp {
        match self {
            Self::Declared(way) => way.now,
            Self::Shown(shown) => shown.now,
        }
    }

    /// The provider's and the pool's id; empty where they are not known.
    pub(super) fn ids(&self) -> (&str, &str) {
        match self {
            Self::Declared(way) => (&way.bridge.federation.provider, &way.bridge.federation.pool),
            Self::Shown(shown) => {
                shown.provider.as_ref().map_or(("", ""), |name| (&name.provider, &name.pool))
            }
        }
    }

    /// The project; empty where it is not known.
    pub(super) fn project(&self) -> &str {
        match self {
            Self::Declared(way) => &way.bridge.google.project,
            Self::Shown(shown) => shown.provider.as_ref().map_or("", |name| &name.project),
        }
    }

    /// The provider in words.
    pub(super) fn provider(&self) -> String {
        match self {
            Self::Shown(shown) if shown.provider.is_none() => format!("in {}", shown.provider_file),
            _ => format!("`{}`", self.ids().0),
        }
    }

    /// The e-mail address of the service account that is acted as.
    pub(super) fn account(&self) -> String {
        match self {
            Self::Declared(way) => way.bridge.service_account_email(&way.team.name),
            Self::Shown(shown) => shown.account.clone().unwrap_or_else(|| "ACCOUNT".to_owned()),
        }
    }

    /// Ends commands about the account: which project it is in.
    pub(super) fn in_project(&self) -> String {
        self.way().map_or_else(String::new, |way| format!(" --project={}", way.bridge.google.project))
    }

    /// The command that sets fields of the provider and nothing else.
    pub(super) fn update_provider(&self, flags: &str) -> String {
        let shown = match self {
            Self::Declared(way) => return update_provider(way.bridge, flags),
            Self::Shown(shown) => shown,
        };
        let verb = if shown.aws { "update-aws" } else { "update-oidc" };
        let command = format!("gcloud iam workload-identity-pools providers {verb}");
        match &shown.provider {
            Some(name) => format!(
                "{command} {} --project={} --location={} --workload-identity-pool={} {flags}",
                name.provider, name.project, name.location, name.pool
            ),
            None => format!("{command} PROVIDER --location=global --workload-identity-pool=POOL {flags}"),
        }
    }

    /// Adds the mend that puts back what the bridge declares, where one does.
    pub(super) fn put_back(&self, finding: Finding, what: &str) -> Finding {
        if self.way().is_some() { finding.mend(what, "gangplank apply") } else { finding }
    }

    /// `words`, after `or` where another mend stands before them.
    pub(super) fn or(&self, words: &str) -> String {
        if self.way().is_some() { format!("or {words}") } else { words.to_owned() }
    }
}
