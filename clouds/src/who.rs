//! Who the caller is on both sides, seen by really crossing: which log-in, the claims that are no secret, the Google
//! principal, and for which teams it deploys.

use bridge::port::{PortError, PortResult};
use bridge::spec::{Bridge, Team};
use futures_util::StreamExt as _;
use identity::source::{EntraSource, PassedOver, Preference, SourceName};
use identity::{Chain, Claims, TokenError};
use serde::Serialize;

use crate::caller::{Settings, chain, client, entra_source, no_log_in};
use crate::error;

/// How many teams are asked about at a time.
const AT_ONCE: usize = 8;

/// Who the caller is.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct WhoAmI {
    /// What the caller logs in to Entra with.
    pub log_in: LogIn,
    /// Who that is in Entra.
    pub entra: Seen<Claims>,
    /// Who that is on the Google side, as IAM names principals.
    pub google: Seen<String>,
    /// For which teams it deploys; empty where the crossing failed.
    pub teams: Vec<TeamAccess>,
}

/// A log-in and why it was taken.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LogIn {
    /// Its name, as `--as` takes it.
    pub source: SourceName,
    /// Which one of that name it is.
    pub which: String,
    /// Why it was taken.
    pub why: String,
    /// What was looked at and not taken.
    pub passed_over: Vec<PassedOver>,
    /// The claims of the token that it shows to Entra; null if it shows none that can be read.
    pub shows: Seen<Option<Claims>>,
}

/// Something that was seen, or why not.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Seen<T> {
    /// It is this.
    Is(T),
    /// The service said no, or nothing.
    Refused(Refusal),
    /// It was not asked for, since what comes before it failed.
    NotReached,
}

/// A service's no.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Refusal {
    /// Whose.
    pub service: &'static str,
    /// Its own code, where it gave one.
    pub code: Option<String>,
    /// Its own words.
    pub message: String,
    /// Whether the same request may go well later.
    pub passes: bool,
}

/// What the caller is to a team.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TeamAccess {
    /// The team.
    pub team: String,
    /// The service account that deploys for it.
    pub service_account: String,
    /// Whether the caller gets a token of that account.
    pub deploys: bool,
    /// Why not.
    pub refused: Option<Refusal>,
}

impl WhoAmI {
    /// Crosses over and looks. An error only where there is no log-in to begin with.
    pub async fn ask(bridge: &Bridge, settings: &Settings) -> PortResult<Self> {
        let http = client(settings)?;
        let source = entra_source(bridge, settings, Preference::Caller, &http).map_err(no_log_in)?;
        let chain = chain(bridge, settings, source, &http)?;
        let log_in = log_in(chain.source()).await;
        let entra = match log_in.shows {
            Seen::Is(_) => Seen::of(chain.claims().await),
            Seen::Refused(_) | Seen::NotReached => Seen::NotReached,
        };
        let google = match entra {
            Seen::Is(_) => google(&chain).await,
            Seen::Refused(_) | Seen::NotReached => Seen::NotReached,
        };
        let teams = match google {
            Seen::Is(_) => teams(bridge, &chain).await,
            Seen::Refused(_) | Seen::NotReached => Vec::new(),
        };
        Ok(Self { log_in, entra, google, teams })
    }

    /// The first no on the way to Google.
    pub fn refusal(&self) -> Option<&Refusal> {
        [self.log_in.shows.refusal(), self.entra.refusal(), self.google.refusal()]
            .into_iter()
            .flatten()
            .next()
    }
}

impl<T> Seen<T> {
    fn of(outcome: Result<T, TokenError>) -> Self {
        match outcome {
            Ok(it) => Self::Is(it),
            Err(refused) => Self::Refused(Refusal::of(&error::no_token(&refused))),
        }
    }

    fn refusal(&self) -> Option<&Refusal> {
        match self {
            Self::Refused(refusal) => Some(refusal),
            Self::Is(_) | Self::NotReached => None,
        }
    }
}

impl Refusal {
    fn of(error: &PortError) -> Self {
        Self {
            service: error.service,
            code: error.code.clone(),
            message: error.message.clone(),
            passes: error.is_transient(),
        }
    }
}

async fn log_in(source: &EntraSource) -> LogIn {
    LogIn {
        source: source.kind.name(),
        which: source.kind.to_string(),
        why: source.why.clone(),
        passed_over: source.passed_over.clone(),
        shows: Seen::of(source.assertion_claims().await),
    }
}

async fn google(chain: &Chain) -> Seen<String> {
    let principal = async {
        chain.federated().await?;
        let named = chain.principal().await?;
        Ok(named.unwrap_or_else(|| "a federated principal without a subject".to_owned()))
    };
    Seen::of(principal.await)
}

async fn teams(bridge: &Bridge, chain: &Chain) -> Vec<TeamAccess> {
    let asked = bridge.teams.iter().map(|team| access(bridge, chain, team));
    futures_util::stream::iter(asked).buffered(AT_ONCE).collect().await
}

async fn access(bridge: &Bridge, chain: &Chain, team: &Team) -> TeamAccess {
    let service_account = bridge.service_account_email(&team.name);
    let refused = chain.impersonated(&service_account).await.err();
    let refused = refused.map(|refused| Refusal::of(&error::no_token(&refused)));
    TeamAccess { team: team.name.clone(), service_account, deploys: refused.is_none(), refused }
}
