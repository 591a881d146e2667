//! What the doctor can ask for, and what was seen. Not being allowed to see something is an answer, not a failure.

use std::future::Future;

use trust::iam::Policy;
use trust::provider::{Pool, Provider};
use trust::rbac::RoleBinding;
use trust::token::Claims;

use super::Places;
use crate::port::{PortError, Refused};

/// One link of the chain, in the order it is walked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Hop {
    /// What the caller logs in with.
    FirstToken,
    /// The Entra token for our application.
    EntraToken,
    /// The Entra token becomes a federated Google token.
    Exchange,
    /// The federated principal acts as the team's service account.
    Impersonation,
    /// The federated principal pushes to the repository.
    Registry,
    /// The team's service account reaches the cluster.
    Cluster,
    /// The cluster's nodes pull from the repository.
    Pull,
    /// The caller sees the Azure ML workspace.
    Workspace,
    /// The caller reads the storage that models lie in.
    Storage,
}

impl Hop {
    /// All of them, in the order of the walk.
    pub const ALL: [Self; 9] = [
        Self::FirstToken,
        Self::EntraToken,
        Self::Exchange,
        Self::Impersonation,
        Self::Registry,
        Self::Cluster,
        Self::Pull,
        Self::Workspace,
        Self::Storage,
    ];

    /// Its name, as commands and files write it.
    pub fn name(self) -> &'static str {
        match self {
            Self::FirstToken => "first-token",
            Self::EntraToken => "entra-token",
            Self::Workspace => "workspace",
            Self::Storage => "storage",
            Self::Exchange => "exchange",
            Self::Impersonation => "impersonation",
            Self::Registry => "registry",
            Self::Cluster => "cluster",
            Self::Pull => "pull",
        }
    }
}

/// What was seen of one thing.
#[derive(Debug, Clone, PartialEq)]
pub enum Sight<T> {
    /// It was seen; for an attempt: it went well.
    Seen(T),
    /// The service answered no: the attempt was refused, or the thing does not exist ([`crate::port::Refused::NotFound`]).
    Refused(PortError),
    /// Nothing could be seen: no right to look, no such file in an offline collection, no way to the service.
    Unseen {
        /// Why not; for a missing right, which one.
        why: String,
    },
}

/// One piece of evidence the walk needs, with all that a fetcher needs to get it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(tag = "ask", rename_all = "kebab-case")]
pub enum Ask {
    /// What the caller logs in to Entra with. → [`Answer::FirstToken`]
    FirstToken,
    /// Attempt: a token for our application. → [`Answer::EntraToken`]
    EntraToken {
        /// `api://TENANT/SLUG/.default`.
        scope: String,
    },
    /// Attempt: see the workspace and its default datastore, as the caller. → [`Answer::Workspace`]
    Workspace {
        /// ARM id of the workspace.
        scope: String,
    },
    /// Attempt: list a name that is nobody's in the container of the default datastore, as the caller.
    /// → [`Answer::Storage`]
    Storage {
        /// ARM id of the workspace.
        scope: String,
    },
    /// Attempt: the token of [`Ask::EntraToken`] at Google's STS. → [`Answer::Exchange`]
    Exchange {
        /// Pool id.
        pool: String,
        /// Provider id.
        provider: String,
    },
    /// The pool's configuration. → [`Answer::Pool`]
    Pool {
        /// Project id.
        project: String,
        /// Pool id.
        pool: String,
    },
    /// The provider's configuration. → [`Answer::Provider`]
    Provider {
        /// Project id.
        project: String,
        /// Pool id.
        pool: String,
        /// Provider id.
        provider: String,
    },
    /// Attempt: an access token for the team's service account. → [`Answer::Impersonation`]
    Impersonation {
        /// E-mail address of the service account.
        service_account: String,
    },
    /// The team's service account itself. → [`Answer::ServiceAccount`]
    ServiceAccount {
        /// Project id.
        project: String,
        /// E-mail address of the service account.
        service_account: String,
    },
    /// The project's IAM policy. → [`Answer::ProjectPolicy`]
    ProjectPolicy {
        /// Project id.
        project: String,
    },
    /// The IAM policy of the team's service account. → [`Answer::ServiceAccountPolicy`]
    ServiceAccountPolicy {
        /// Project id.
        project: String,
        /// E-mail address of the service account.
        service_account: String,
    },
    /// Attempt: may the federated principal itself upload to the repository? Nothing may be left behind.
    /// → [`Answer::Upload`]
    Upload {
        /// Project id.
        project: String,
        /// Region.
        location: String,
        /// Repository id.
        repository: String,
    },
    /// The repository's IAM policy. → [`Answer::RepositoryPolicy`]
    RepositoryPolicy {
        /// Project id.
        project: String,
        /// Region.
        location: String,
        /// Repository id.
        repository: String,
    },
    /// Attempt: look the cluster up and read the team's Deployments, as the team's service account.
    /// → [`Answer::Cluster`]
    Cluster {
        /// Project id.
        project: String,
        /// Region or zone.
        location: String,
        /// Cluster name.
        cluster: String,
        /// The team's namespace.
        namespace: String,
        /// E-mail address of the service account.
        service_account: String,
    },
    /// The team's namespace and the RoleBindings in it. → [`Answer::Space`]
    Space {
        /// Project id.
        project: String,
        /// Region or zone.
        location: String,
        /// Cluster name.
        cluster: String,
        /// The team's namespace.
        namespace: String,
    },
    /// Who the cluster's nodes are. → [`Answer::Node`]
    Node {
        /// Project id.
        project: String,
        /// Region or zone.
        location: String,
        /// Cluster name.
        cluster: String,
        /// E-mail address of the team's service account, which may look the cluster up.
        service_account: String,
    },
}

/// The answer to an [`Ask`], of the variant with the same name.
#[derive(Debug, Clone, PartialEq)]
pub enum Answer {
    /// To [`Ask::FirstToken`].
    FirstToken(Sight<FirstToken>),
    /// To [`Ask::EntraToken`].
    EntraToken(Sight<Claims>),
    /// To [`Ask::Workspace`].
    Workspace(Sight<Store>),
    /// To [`Ask::Storage`].
    Storage(Sight<()>),
    /// To [`Ask::Exchange`].
    Exchange(Sight<()>),
    /// To [`Ask::Pool`].
    Pool(Sight<Pool>),
    /// To [`Ask::Provider`].
    Provider(Sight<Provider>),
    /// To [`Ask::Impersonation`].
    Impersonation(Sight<()>),
    /// To [`Ask::ServiceAccount`].
    ServiceAccount(Sight<Account>),
    /// To [`Ask::ProjectPolicy`].
    ProjectPolicy(Sight<Policy>),
    /// To [`Ask::ServiceAccountPolicy`].
    ServiceAccountPolicy(Sight<Policy>),
    /// To [`Ask::Upload`].
    Upload(Sight<()>),
    /// To [`Ask::RepositoryPolicy`].
    RepositoryPolicy(Sight<Policy>),
    /// To [`Ask::Cluster`].
    Cluster(Sight<()>),
    /// To [`Ask::Space`].
    Space(Sight<Space>),
    /// To [`Ask::Node`].
    Node(Sight<Node>),
}

impl Ask {
    /// The answer of somebody who cannot answer.
    pub fn unseen(&self, why: &str) -> Answer {
        let why = why.to_owned();
        match self {
            Self::FirstToken => Answer::FirstToken(Sight::Unseen { why }),
            Self::EntraToken { .. } => Answer::EntraToken(Sight::Unseen { why }),
            Self::Workspace { .. } => Answer::Workspace(Sight::Unseen { why }),
            Self::Storage { .. } => Answer::Storage(Sight::Unseen { why }),
            Self::ServiceAccount { .. } => Answer::ServiceAccount(Sight::Unseen { why }),
            Self::ProjectPolicy { .. } => Answer::ProjectPolicy(Sight::Unseen { why }),
            Self::Space { .. } => Answer::Space(Sight::Unseen { why }),
            Self::Node { .. } => Answer::Node(Sight::Unseen { why }),
            Self::Exchange { .. } => Answer::Exchange(Sight::Unseen { why }),
            Self::Pool { .. } => Answer::Pool(Sight::Unseen { why }),
            Self::Provider { .. } => Answer::Provider(Sight::Unseen { why }),
            Self::Impersonation { .. } => Answer::Impersonation(Sight::Unseen { why }),
            Self::ServiceAccountPolicy { .. } => Answer::ServiceAccountPolicy(Sight::Unseen { why }),
            Self::Upload { .. } => Answer::Upload(Sight::Unseen { why }),
            Self::RepositoryPolicy { .. } => Answer::RepositoryPolicy(Sight::Unseen { why }),
            Self::Cluster { .. } => Answer::Cluster(Sight::Unseen { why }),
        }
    }
}

impl Answer {
    /// How it went, without what was seen.
    pub fn outcome(&self) -> Sight<()> {
        match self {
            Self::FirstToken(sight) => sight.outcome(),
            Self::EntraToken(sight) => sight.outcome(),
            Self::Workspace(sight) => sight.outcome(),
            Self::Storage(sight)
            | Self::Exchange(sight)
            | Self::Impersonation(sight)
            | Self::Upload(sight)
            | Self::Cluster(sight) => sight.outcome(),
            Self::Pool(sight) => sight.outcome(),
            Self::Provider(sight) => sight.outcome(),
            Self::ServiceAccount(sight) => sight.outcome(),
            Self::ProjectPolicy(sight)
            | Self::ServiceAccountPolicy(sight)
            | Self::RepositoryPolicy(sight) => sight.outcome(),
            Self::Space(sight) => sight.outcome(),
            Self::Node(sight) => sight.outcome(),
        }
    }
}

/// What the caller logs in with.
#[derive(Debug, Clone, PartialEq)]
pub struct FirstToken {
    /// The source in words: `workload identity file /var/run/…`, `client secret`, `Azure CLI`.
    pub source: String,
    /// The claims of the token, where the source holds one.
    pub claims: Option<Claims>,
}

/// The storage that models lie in.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Store {
    /// Storage account.
    pub account: String,
    /// Container.
    pub container: String,
    /// Subscription and resource group of the account, where the datastore says them.
    pub place: Option<(String, String)>,
    /// What the datastore keeps and the account does not take: `AccountKey`, `Sas`; nothing where either is not told.
    pub dead_key: Option<String>,
}

/// A Google service account.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Account {
    /// Whether it is switched off.
    pub disabled: bool,
}

/// A namespace.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Space {
    /// The RoleBindings in it.
    pub bindings: Vec<RoleBinding>,
}

/// Who the cluster's nodes are to Google.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Node {
    /// E-mail address of their service account.
    pub service_account: String,
    /// The node pools that say their scopes.
    pub pools: Vec<NodePool>,
}

/// A node pool, as far as pulling goes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NodePool {
    /// Its name.
    pub name: String,
    /// The OAuth scopes of its nodes' tokens.
    pub scopes: Vec<String>,
}

/// Fetches evidence: live, or from files collected elsewhere.
pub trait Probe: Send + Sync {
    /// Answers one question. Never fails: what could not be seen is [`Sight::Unseen`].
    fn fetch(&self, ask: &Ask) -> impl Future<Output = Answer> + Send;
}

/// Everything seen so far; `None` was not asked for yet.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Evidence {
    /// What the caller logs in with.
    pub first_token: Option<Sight<FirstToken>>,
    /// The claims of the Entra token for our application.
    pub entra_token: Option<Sight<Claims>>,
    /// The workspace, with the storage behind it.
    pub workspace: Option<Sight<Store>>,
    /// Whether the storage can be read.
    pub storage: Option<Sight<()>>,
    /// The exchange at Google's STS.
    pub exchange: Option<Sight<()>>,
    /// The pool.
    pub pool: Option<Sight<Pool>>,
    /// The provider.
    pub provider: Option<Sight<Provider>>,
    /// The impersonation of the team's service account.
    pub impersonation: Option<Sight<()>>,
    /// The team's service account.
    pub service_account: Option<Sight<Account>>,
    /// The project's policy.
    pub project_policy: Option<Sight<Policy>>,
    /// The service account's policy.
    pub service_account_policy: Option<Sight<Policy>>,
    /// Whether uploading to the repository is allowed.
    pub upload: Option<Sight<()>>,
    /// The repository's policy.
    pub repository_policy: Option<Sight<Policy>>,
    /// Whether the cluster answers the team.
    pub cluster: Option<Sight<()>>,
    /// The team's namespace.
    pub space: Option<Sight<Space>>,
    /// Who the cluster's nodes are.
    pub node: Option<Sight<Node>>,
    /// Where these stand, if they were read from files.
    pub places: Places,
}

impl Evidence {
    /// Adds an answer; a later answer replaces an earlier one to the same question.
    pub fn add(&mut self, answer: Answer) {
        match answer {
            Answer::FirstToken(sight) => self.first_token = Some(sight),
            Answer::EntraToken(sight) => self.entra_token = Some(sight),
            Answer::Workspace(sight) => self.workspace = Some(sight),
            Answer::Storage(sight) => self.storage = Some(sight),
            Answer::ServiceAccount(sight) => self.service_account = Some(sight),
            Answer::ProjectPolicy(sight) => self.project_policy = Some(sight),
            Answer::Space(sight) => self.space = Some(sight),
            Answer::Node(sight) => self.node = Some(sight),
            Answer::Exchange(sight) => self.exchange = Some(sight),
            Answer::Pool(sight) => self.pool = Some(sight),
            Answer::Provider(sight) => self.provider = Some(sight),
            Answer::Impersonation(sight) => self.impersonation = Some(sight),
            Answer::ServiceAccountPolicy(sight) => self.service_account_policy = Some(sight),
            Answer::Upload(sight) => self.upload = Some(sight),
            Answer::RepositoryPolicy(sight) => self.repository_policy = Some(sight),
            Answer::Cluster(sight) => self.cluster = Some(sight),
        }
    }
}

impl<T> Sight<T> {
    /// The same with another thing in the place of what was seen.
    pub fn map<U>(self, into: impl FnOnce(T) -> U) -> Sight<U> {
        match self {
            Self::Seen(thing) => Sight::Seen(into(thing)),
            Self::Refused(error) => Sight::Refused(error),
            Self::Unseen { why } => Sight::Unseen { why },
        }
    }

    /// How it went, without what was seen.
    pub fn outcome(&self) -> Sight<()> {
        match self {
            Self::Seen(_) => Sight::Seen(()),
            Self::Refused(error) => Sight::Refused(error.clone()),
            Self::Unseen { why } => Sight::Unseen { why: why.clone() },
        }
    }

    /// The thing, if it was seen.
    pub fn seen(&self) -> Option<&T> {
        match self {
            Self::Seen(thing) => Some(thing),
            Self::Refused(_) | Self::Unseen { .. } => None,
        }
    }

    /// The refusal, if there was one.
    pub fn refusal(&self) -> Option<&PortError> {
        match self {
            Self::Refused(error) => Some(error),
            Self::Seen(_) | Self::Unseen { .. } => None,
        }
    }
}

/// Says why something could not be seen, and the narrowest role that may look at it.
pub(super) fn unseen<T>(what: &str, sight: Option<&Sight<T>>, role: &str) -> String {
    let why = match sight {
        Some(Sight::Unseen { why }) => why.clone(),
        Some(Sight::Refused(error)) => error.to_string(),
        Some(Sight::Seen(_)) | None => "nothing to compare it with".to_owned(),
    };
    format!("{what} could not be seen ({why}); a log-in with {role} may look at it")
}

/// Whether the service said that there is no such thing.
pub(super) fn is_absent<T>(sight: &Sight<T>) -> bool {
    sight.refusal().is_some_and(|error| error.kind == Refused::NotFound)
}
