//! A caller: somebody who carries models across with the identity chain of the bridge.

use std::path::PathBuf;
use std::sync::Arc;

use bridge::port::{PortError, PortResult, Refused};
use bridge::spec::{AzureCloud, Bridge, ModelRef};
use identity::acr::AcrLogin;
use identity::http::Roots;
use identity::source::{EntraSource, Options, Preference, SourceError, SourceName, azure_credential};
use identity::{Chain, Clock, Environment, Grantee, TokenError};
use url::Url;

use crate::google::kms::Kms;
use crate::images::{Images, Transport};
use crate::limits::Limits;
use crate::{azure, error, google, kubernetes};

/// Redirects that are followed for one request.
const MOST_REDIRECTS: usize = 5;

/// What the edge knows and the bridge file does not.
#[derive(Clone)]
pub struct Settings {
    /// The process environment.
    pub environment: Environment,
    /// The log-in to Entra that was asked for by name; else the first that is there.
    pub log_in: Option<SourceName>,
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// The certificate authorities to trust.
    pub roots: Roots,
    /// The scorer's executable, for images of our own runtime.
    pub scorer: Option<PathBuf>,
    /// A private folder where it is kept what went into images that are not finished.
    pub journals: Option<PathBuf>,
    /// How long a transfer may take.
    pub limits: Limits,
    /// The kubeconfig that an administrator named; else `KUBECONFIG` is looked at.
    pub kubeconfig: Option<PathBuf>,
    /// The kubeconfig's context; else its current one.
    pub context: Option<String>,
}

/// A caller's way to models, images and the cluster.
pub struct Caller {
    bridge: Bridge,
    chain: Chain,
    models: azure::Models,
    images: Images,
    /// Whose rights are used in the cluster.
    deployer: Grantee,
}

impl Caller {
    /// A caller who works for `team`, or, without one, only with her own rights. Asks nobody yet.
    pub fn connect(bridge: &Bridge, settings: &Settings, team: Option<&str>) -> PortResult<Self> {
        let http = client(settings)?;
        let source = entra_source(bridge, settings, Preference::Caller, &http).map_err(no_log_in)?;
        let addresses = google::Addresses::of(bridge);
        let chain = chain(bridge, settings, source, &http)?;
        let azure_addresses = azure::Addresses::of(bridge);
        let models = azure::Models::new(bridge, &azure_addresses, chain.azure_credential(), &http)?
            .streaming(streams(settings)?, settings.limits.stall);
        let images = Images::new(
            &addresses.registry,
            chain.bearer(Grantee::Federated),
            registry_transport(settings)?,
            settings.scorer.clone(),
        )?;
        let deployer = match team {
            Some(team) => Grantee::ServiceAccount(bridge.service_account_email(team)),
            None => Grantee::Federated,
        };
        let kms = Kms::new(addresses.cloud_kms, http.clone(), chain.google_credentials(deployer.clone()));
        let azure_login =
            AcrLogin::new(chain.source().clone(), azure_addresses.acr_scope, http, settings.clock.clone());
        let images = images
            .with_azure(azure_addresses.acr, azure_login)
            .with_journals(settings.journals.clone())
            .with_kms(kms);
        Ok(Self { bridge: bridge.clone(), chain, models, images, deployer })
    }

    /// The identity chain: its tokens, and the record of its hops.
    pub fn chain(&self) -> &Chain {
        &self.chain
    }

    /// The workspace's models.
    pub fn models(&self) -> &azure::Models {
        &self.models
    }

    /// The models that a reference is about: the workspace's, or those of a registry.
    pub async fn models_of(&self, reference: &ModelRef) -> PortResult<azure::Models> {
        match reference.registry() {
            None => Ok(self.models.clone()),
            Some(registry) => self.models.in_registry(registry).await,
        }
    }

    /// The image registry.
    pub fn images(&self) -> &Images {
        &self.images
    }

    /// Who the caller is on the Google side, as IAM names federated principals. Crosses over to find out.
    pub async fn principal(&self) -> PortResult<String> {
        self.chain.federated().await.map_err(|refused| error::no_token(&refused))?;
        let principal = self.chain.principal().await.map_err(|refused| error::no_token(&refused))?;
        Ok(principal.unwrap_or_else(|| "a federated principal".to_owned()))
    }

    /// The cluster, looked up and spoken to as the team's service account.
    pub async fn cluster(&self) -> PortResult<kubernetes::Cluster> {
        let credentials = self.chain.google_credentials(self.deployer.clone());
        let address = google::cluster(&self.bridge, credentials, self.chain.http()).await?;
        kubernetes::Cluster::at(&address, self.chain.bearer(self.deployer.clone()))
    }
}

/// The way across that starts with a log-in to Entra.
pub(crate) fn chain(
    bridge: &Bridge,
    settings: &Settings,
    source: EntraSource,
    http: &reqwest::Client,
) -> PortResult<Chain> {
    Chain::new(google::chain_config(bridge), source, http.clone(), settings.clock.clone())
        .map_err(|problem| error::own("bridge file", Refused::Invalid, problem.to_string()))
}

/// The log-in to Entra that the environment holds.
pub(crate) fn entra_source(
    bridge: &Bridge,
    settings: &Settings,
    preference: Preference,
    http: &reqwest::Client,
) -> Result<EntraSource, SourceError> {
    let declared = bridge.endpoints.entra.clone();
    let national = (bridge.azure.cloud != AzureCloud::Public).then(|| azure::Addresses::of(bridge).entra);
    let options = Options {
        tenant: bridge.azure.tenant.clone(),
        authority_host: declared.or(national),
        http: http.clone(),
        clock: settings.clock.clone(),
        log_in: settings.log_in,
    };
    azure_credential(&settings.environment, preference, &options)
}

/// Having no log-in to Entra, as a port says it.
pub(crate) fn no_log_in(refused: SourceError) -> PortError {
    error::no_token(&TokenError::Source(refused))
}

/// The client for everything that is sent tokens.
pub(crate) fn client(settings: &Settings) -> PortResult<reqwest::Client> {
    settings.roots.client().map_err(|problem| setup(&problem))
}

/// The client for the bytes of files. Storage redirects nobody.
fn streams(settings: &Settings) -> PortResult<reqwest::Client> {
    build(settings.roots.streaming())
}

/// The clients for registries: they send downloads elsewhere. A log-in does not follow to another host.
fn registry_transport(settings: &Settings) -> PortResult<Transport> {
    let small = build(settings.roots.streaming().redirect(redirects()))?;
    let bulk = build(settings.roots.bulk().redirect(redirects()))?;
    let Limits { stall, deadline } = settings.limits;
    Ok(Transport { small, bulk, stall, deadline })
}

fn build(builder: reqwest::ClientBuilder) -> PortResult<reqwest::Client> {
    builder.build().map_err(|problem| setup(&problem))
}

/// A few redirects, and none that leaves encryption.
fn redirects() -> reqwest::redirect::Policy {
    reqwest::redirect::Policy::custom(|attempt| match may_follow(attempt.previous(), attempt.url()) {
        Ok(()) => attempt.follow(),
        Err(why) => attempt.error(why),
    })
}

fn may_follow(previous: &[Url], next: &Url) -> Result<(), &'static str> {
    let encrypted = previous.iter().any(|url| url.scheme() == "https");
    if encrypted && next.scheme() != "https" {
        return Err("it sends us from https to plain http");
    }
    if previous.len() > MOST_REDIRECTS { Err("it sends us on and on") } else { Ok(()) }
}

fn setup(problem: &dyn std::error::Error) -> PortError {
    error::own("TLS", Refused::Invalid, error::with_causes(problem))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn redirects_stay_encrypted_and_end() {
        let urls = |all: &[&str]| all.iter().map(|url| url.parse().unwrap()).collect::<Vec<Url>>();
        let (plain, tls) = ("http://a.example/x", "https://b.example/x");
        for (previous, next, follows) in [
            (vec![plain], plain, true),
            (vec![plain], tls, true),
            (vec![tls], tls, true),
            (vec![tls], plain, false),
            (vec![tls, tls], plain, false),
            (vec![tls; MOST_REDIRECTS], tls, true),
            (vec![tls; MOST_REDIRECTS + 1], tls, false),
        ] {
            let verdict = may_follow(&urls(&previous), &next.parse().unwrap());
            assert_eq!(verdict.is_ok(), follows, "{previous:?} to {next}");
        }
    }
}
