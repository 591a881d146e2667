//! The doctor's eyes, live: each hop is really tried as the caller; configuration and policies are read with the
//! administrator's log-in where there is one, else with the caller's own rights.

use bridge::doctor::{Answer, Ask, FirstToken, Probe, Sight};
use bridge::port::{PortError, PortResult, Refused};
use bridge::spec::Bridge;
use google_cloud_auth::credentials::Credentials;
use http::header::{AUTHORIZATION, LOCATION};
use http::{HeaderValue, Method};
use identity::source::{Administrator, Preference, administrator_google};
use identity::{Chain, Grantee, TokenError};
use serde::de::DeserializeOwned;
use serde_json::Value;
use trust::token::Claims;

use crate::caller::{Settings, chain, client, entra_source};
use crate::google::refusal::{answer, kind, no_token, own, with_causes};
use crate::google::rest::Rest;
use crate::google::{Addresses, cluster};

/// The image name of the attempted upload. The attempt ends before anything is stored under it.
const ATTEMPT: &str = "gangplank-doctor";

/// Looks at a bridge from where the caller stands.
pub struct LiveProbe {
    bridge: Bridge,
    addresses: Addresses,
    /// The caller's chain, or why there is none.
    caller: Result<Chain, TokenError>,
    administrator: Option<Credentials>,
    http: reqwest::Client,
}

impl LiveProbe {
    /// A probe with whatever log-ins the environment holds. Having none is a thing to find out, not a failure.
    pub fn connect(bridge: &Bridge, settings: &Settings) -> PortResult<Self> {
        let http = client(settings)?;
        let caller = match entra_source(bridge, settings, Preference::Caller, &http) {
            Ok(source) => Ok(chain(bridge, settings, source, &http)?),
            Err(refused) => Err(TokenError::Source(refused)),
        };
        let administrator = administrator_google(&settings.environment).ok();
        Ok(Self::new(bridge, caller, administrator.as_ref(), http))
    }

    /// A probe for `caller`; `http` comes from [`identity::http::client`].
    pub fn new(
        bridge: &Bridge,
        caller: Result<Chain, TokenError>,
        administrator: Option<&Administrator>,
        http: reqwest::Client,
    ) -> Self {
        Self {
            bridge: bridge.clone(),
            addresses: Addresses::of(bridge),
            caller,
            administrator: administrator.map(|administrator| administrator.credentials.clone()),
            http,
        }
    }

    async fn first_token(&self) -> Sight<FirstToken> {
        let chain = match &self.caller {
            Ok(chain) => chain,
            Err(error) => return Sight::Refused(no_token(error)),
        };
        let shown = chain.source().assertion_claims().await;
        let source = chain.source().kind.to_string();
        sight(shown.map(|shown| FirstToken { source, claims: shown.as_ref().map(claims) }))
    }

    async fn entra_token(&self) -> Sight<Claims> {
        match &self.caller {
            Ok(chain) => sight(chain.claims().await.map(|seen| claims(&seen))),
            Err(error) => Sight::Refused(no_token(error)),
        }
    }

    async fn token(&self, grantee: Grantee) -> Sight<()> {
        match &self.caller {
            Ok(chain) => sight(chain.token(&grantee).await.map(drop)),
            Err(error) => Sight::Refused(no_token(error)),
        }
    }

    /// Reads a piece of configuration, with the first log-in that may.
    async fn look<T: DeserializeOwned>(&self, request: &Look<'_>) -> Sight<T> {
        let caller = self.caller.as_ref().ok().map(|chain| chain.google_credentials(Grantee::Federated));
        let mut reasons = Vec::new();
        for credentials in self.administrator.clone().into_iter().chain(caller) {
            match self.read(request, credentials).await {
                Ok(seen) => return Sight::Seen(seen),
                Err(refusal) if refusal.kind == Refused::NotFound => return Sight::Refused(refusal),
                Err(refusal) if refusal.kind == Refused::Denied => {
                    reasons.push(format!("{refusal} (it takes `{}`)", request.permission));
                }
                Err(refusal) => reasons.push(refusal.to_string()),
            }
        }
        if reasons.is_empty() {
            reasons.push("there is no Google log-in to look with".to_owned());
        }
        Sight::Unseen { why: reasons.join("; ") }
    }

    async fn read<T: DeserializeOwned>(&self, request: &Look<'_>, credentials: Credentials) -> PortResult<T> {
        let rest = Rest {
            service: request.service,
            http: self.http.clone(),
            address: request.address.to_owned(),
            credentials,
        };
        let seen = rest.call(request.method.clone(), &request.path, request.query, None).await?;
        serde_json::from_value(seen)
            .map_err(|error| own(request.service, Refused::Invalid, error.to_string()))
    }

    fn iam<'a>(&'a self, method: Method, path: String, permission: &'static str) -> Look<'a> {
        Look { service: "Google IAM", address: &self.addresses.iam, method, path, query: &[], permission }
    }

    /// Begins an upload as the federated principal, and gives it up again.
    async fn upload(&self, project: &str, repository: &str) -> Sight<()> {
        let service = "Artifact Registry";
        let header = match self.header(Grantee::Federated).await {
            Ok(header) => header,
            Err(sight) => return sight,
        };
        let url = format!("{}/v2/{project}/{repository}/{ATTEMPT}/blobs/uploads/", self.addresses.registry);
        let response = match self.http.post(&url).header(AUTHORIZATION, header.clone()).send().await {
            Ok(response) => response,
            Err(error) => return Sight::Unseen { why: format!("{service}: {}", with_causes(&error)) },
        };
        let status = response.status();
        if !status.is_success() {
            let body: Value = response.json().await.unwrap_or_default();
            return judged(registry_refusal(service, status.as_u16(), &body));
        }
        let upload =
            response.headers().get(LOCATION).and_then(|place| response.url().join(place.to_str().ok()?).ok());
        // Only back to the registry itself: the header must not follow a location that leads elsewhere.
        if let Some(upload) = upload.filter(|upload| upload.origin() == response.url().origin()) {
            // An upload that is not ended is forgotten by the registry after some time.
            let _ = self.http.delete(upload).header(AUTHORIZATION, header).send().await;
        }
        Sight::Seen(())
    }

    /// Looks the cluster up and lists the team's Deployments, both as the team's service account.
    async fn cluster(&self, namespace: &str, service_account: &str) -> Sight<()> {
        let grantee = Grantee::ServiceAccount(service_account.to_owned());
        let header = match self.header(grantee.clone()).await {
            Ok(header) => header,
            Err(sight) => return sight,
        };
        let Ok(chain) = &self.caller else { return Sight::Unseen { why: "there is no log-in".to_owned() } };
        match self.deployments(chain.google_credentials(grantee), header, namespace).await {
            Ok(()) => Sight::Seen(()),
            Err(refusal) => judged(refusal),
        }
    }

    async fn deployments(
        &self,
        credentials: Credentials,
        header: HeaderValue,
        namespace: &str,
    ) -> PortResult<()> {
        let service = "Kubernetes";
        let unusable = |problem: String| own(service, Refused::Unavailable, problem);
        let place = cluster(&self.bridge, credentials, &self.http).await?;
        let http =
            identity::http::client(place.ca.as_deref()).map_err(|error| unusable(error.to_string()))?;
        let url = format!("{}/apis/apps/v1/namespaces/{namespace}/deployments?limit=1", place.endpoint);
        let response = http.get(url).header(AUTHORIZATION, header).send().await;
        let response = response.map_err(|error| unusable(with_causes(&error)))?;
        let status = response.status();
        if status.is_success() {
            return Ok(());
        }
        let body: Value = response.json().await.unwrap_or_default();
        Err(kubernetes_refusal(service, status.as_u16(), &body))
    }

    async fn header(&self, grantee: Grantee) -> Result<HeaderValue, Sight<()>> {
        let chain = self.caller.as_ref().map_err(|error| Sight::Refused(no_token(error)))?;
        chain.bearer(grantee).header().await.map_err(|error| sight::<()>(Err(error)))
    }
}

/// One thing to read, and the permission it takes.
struct Look<'a> {
    service: &'static str,
    address: &'a str,
    method: Method,
    path: String,
    query: &'static [(&'static str, &'static str)],
    permission: &'static str,
}

/// Asks for conditions, too. Both services take this in the query; service accounts' `getIamPolicy` is a POST without a
/// body: <https://docs.cloud.google.com/iam/docs/reference/rest/v1/projects.serviceAccounts/getIamPolicy>.
const WITH_CONDITIONS: &[(&str, &str)] = &[("options.requestedPolicyVersion", "3")];

impl Probe for LiveProbe {
    async fn fetch(&self, ask: &Ask) -> Answer {
        match ask {
            Ask::FirstToken => Answer::FirstToken(self.first_token().await),
            Ask::EntraToken { .. } => Answer::EntraToken(self.entra_token().await),
            Ask::Exchange { .. } => Answer::Exchange(self.token(Grantee::Federated).await),
            Ask::Pool { project, pool } => {
                let path = format!("projects/{project}/locations/global/workloadIdentityPools/{pool}");
                Answer::Pool(self.look(&self.iam(Method::GET, path, "iam.workloadIdentityPools.get")).await)
            }
            Ask::Provider { project, pool, provider } => {
                let path = format!(
                    "projects/{project}/locations/global/workloadIdentityPools/{pool}/providers/{provider}"
                );
                let request = self.iam(Method::GET, path, "iam.workloadIdentityPoolProviders.get");
                Answer::Provider(self.look(&request).await)
            }
            Ask::Impersonation { service_account } => {
                Answer::Impersonation(self.token(Grantee::ServiceAccount(service_account.clone())).await)
            }
            Ask::ServiceAccountPolicy { project, service_account } => {
                let path = format!("projects/{project}/serviceAccounts/{service_account}:getIamPolicy");
                let request = self.iam(Method::POST, path, "iam.serviceAccounts.getIamPolicy");
                let request = Look { query: WITH_CONDITIONS, ..request };
                Answer::ServiceAccountPolicy(self.look(&request).await)
            }
            Ask::Upload { project, repository, .. } => Answer::Upload(self.upload(project, repository).await),
            Ask::RepositoryPolicy { project, location, repository } => {
                let path =
                    format!("projects/{project}/locations/{location}/repositories/{repository}:getIamPolicy");
                let request = Look {
                    service: "Artifact Registry",
                    address: &self.addresses.artifact_registry,
                    method: Method::GET,
                    path,
                    query: WITH_CONDITIONS,
                    permission: "artifactregistry.repositories.getIamPolicy",
                };
                Answer::RepositoryPolicy(self.look(&request).await)
            }
            Ask::Cluster { namespace, service_account, .. } => {
                Answer::Cluster(self.cluster(namespace, service_account).await)
            }
        }
    }
}

fn claims(seen: &identity::Claims) -> Claims {
    Claims::from_value(seen.to_json()).unwrap_or_default()
}

/// What an attempt to get a token shows: no answer at all is no refusal.
fn sight<T>(attempt: Result<T, TokenError>) -> Sight<T> {
    match attempt {
        Ok(seen) => Sight::Seen(seen),
        Err(error) if error.is_unreachable() => Sight::Unseen { why: error.to_string() },
        Err(error) => Sight::Refused(no_token(&error)),
    }
}

fn judged(refusal: PortError) -> Sight<()> {
    if refusal.is_transient() { Sight::Unseen { why: refusal.to_string() } } else { Sight::Refused(refusal) }
}

/// A registry's refusal: `{"errors": [{"code", "message"}]}`.
fn registry_refusal(service: &'static str, status: u16, body: &Value) -> PortError {
    let text = |pointer: &str| body.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
    let refusal = answer(service, status, body, None);
    PortError {
        code: text("/errors/0/code").or(refusal.code),
        message: text("/errors/0/message").unwrap_or(refusal.message),
        ..refusal
    }
}

/// The API server's refusal: a `Status` object.
fn kubernetes_refusal(service: &'static str, status: u16, body: &Value) -> PortError {
    let text = |name: &str| body.get(name).and_then(Value::as_str).map(str::to_owned);
    PortError {
        service,
        kind: kind(status),
        status: Some(status),
        code: text("reason"),
        message: text("message").unwrap_or_else(|| format!("HTTP status {status}, without an explanation")),
        retry_after: None,
    }
}
