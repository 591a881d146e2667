//! What the doctor can ask for, and what was seen. Not being allowed to see something is an answer, not a failure.

use std::future::Future;

use trust::iam::Policy;
use trust::provider::{Pool, Provider};
use trust::token::Claims;

use crate::port::PortError;

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
}

/// The answer to an [`Ask`], of the variant with the same name.
#[derive(Debug, Clone, PartialEq)]
pub enum Answer {
    /// To [`Ask::FirstToken`].
    FirstToken(Sight<FirstToken>),
    /// To [`Ask::EntraToken`].
    EntraToken(Sight<Claims>),
    /// To [`Ask::Exchange`].
    Exchange(Sight<()>),
    /// To [`Ask::Pool`].
    Pool(Sight<Pool>),
    /// To [`Ask::Provider`].
    Provider(Sight<Provider>),
    /// To [`Ask::Impersonation`].
    Impersonation(Sight<()>),
    /// To [`Ask::ServiceAccountPolicy`].
    ServiceAccountPolicy(Sight<Policy>),
    /// To [`Ask::Upload`].
    Upload(Sight<()>),
    /// To [`Ask::RepositoryPolicy`].
    RepositoryPolicy(Sight<Policy>),
    /// To [`Ask::Cluster`].
    Cluster(Sight<()>),
}

impl Ask {
    /// The answer of somebody who cannot answer.
    pub fn unseen(&self, why: &str) -> Answer {
        let why = why.to_owned();
        match self {
            Self::FirstToken => Answer::FirstToken(Sight::Unseen { why }),
            Self::EntraToken { .. } => Answer::EntraToken(Sight::Unseen { why }),
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

/// What the caller logs in with.
#[derive(Debug, Clone, PartialEq)]
pub struct FirstToken {
    /// The source in words: `workload identity file /var/run/…`, `client secret`, `Azure CLI`.
    pub source: String,
    /// The claims of the token, where the source holds one.
    pub claims: Option<Claims>,
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
    /// The exchange at Google's STS.
    pub exchange: Option<Sight<()>>,
    /// The pool.
    pub pool: Option<Sight<Pool>>,
    /// The provider.
    pub provider: Option<Sight<Provider>>,
    /// The impersonation of the team's service account.
    pub impersonation: Option<Sight<()>>,
    /// The service account's policy.
    pub service_account_policy: Option<Sight<Policy>>,
    /// Whether uploading to the repository is allowed.
    pub upload: Option<Sight<()>>,
    /// The repository's policy.
    pub repository_policy: Option<Sight<Policy>>,
    /// Whether the cluster answers the team.
    pub cluster: Option<Sight<()>>,
}

impl Evidence {
    /// Adds an answer; a later answer replaces an earlier one to the same question.
    pub fn add(&mut self, answer: Answer) {
        match answer {
            Answer::FirstToken(sight) => self.first_token = Some(sight),
            Answer::EntraToken(sight) => self.entra_token = Some(sight),
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
