//! The doctor's eyes, live: each hop is really tried as the caller; configuration and policies are read with the
//! administrator's log-in where there is one, else with the caller's own rights.

mod cluster;
mod models;

use bridge::doctor::{Account, Answer, Ask, FirstToken, Probe, Sight};
use bridge::port::{PortError, PortResult, Refused};
use bridge::spec::Bridge;
use google_cloud_auth::credentials::Credentials;
use http::header::{AUTHORIZATION, LOCATION};
use http::{HeaderValue, Method};
use identity::source::{Administrator, Preference, administrator_google};
use identity::{Bearer, Chain, Grantee, TokenError};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use trust::token::Claims;

use crate::azure::{self, Models};
use crate::caller::{Settings, chain, client, entra_source};
use crate::google::Addresses;
use crate::google::refusal::{answer, no_token, own, with_causes};
use crate::google::rest::Rest;

/// The image name of the attempted upload. The attempt ends before anything is stored under it.
const ATTEMPT: &str = "gangplank-doctor";

/// Looks at a bridge from where the caller stands.
pub struct LiveProbe {
    bridge: Bridge,
    addresses: Addresses,
    /// The caller's chain, or why there is none.
    caller: Result<Chain, TokenError>,
    administrator: Option<(Credentials, Bearer)>,
    /// The caller's way to Azure ML, or why there is none.
    models: Result<Models, PortError>,
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
        let models = match &caller {
            Ok(chain) => Models::new(bridge, &azure::Addresses::of(bridge), chain.azure_credential(), &http),
            Err(error) => Err(no_token(error)),
        };
        Self {
            models,
            bridge: bridge.clone(),
            addresses: Addresses::of(bridge),
            caller,
            administrator: administrator.map(|it| (it.credentials.clone(), it.bearer.clone())),
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
        let administrator = self.administrator.as_ref().map(|(credentials, _)| credentials.clone());
        for credentials in administrator.into_iter().chain(caller) {
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
        let seen = rest
            .call_version(
                request.version,
                request.method.clone(),
                &request.path,
                request.query,
                request.body.as_ref(),
            )
            .await?;
        serde_json::from_value(seen)
            .map_err(|error| own(request.service, Refused::Invalid, error.to_string()))
    }

    fn iam<'a>(&'a self, method: Method, path: String, permission: &'static str) -> Look<'a> {
        Look {
            service: "Google IAM",
            version: "v1",
            address: &self.addresses.iam,
            method,
            path,
            query: &[],
            body: None,
            permission,
        }
    }

    fn repository_policy(&self, path: String) -> Look<'_> {
        Look {
            service: "Artifact Registry",
            version: "v1",
            address: &self.addresses.artifact_registry,
            method: Method::GET,
            path,
            query: WITH_CONDITIONS,
            body: None,
            permission: "artifactregistry.repositories.getIamPolicy",
        }
    }

    /// <https://docs.cloud.google.com/resource-manager/reference/rest/v3/projects/getIamPolicy>.
    fn project_policy(&self, project: &str) -> Look<'_> {
        Look {
            service: "Cloud Resource Manager",
            version: "v3",
            address: &self.addresses.cloud_resource_manager,
            method: Method::POST,
            path: format!("projects/{project}:getIamPolicy"),
            query: &[],
            body: Some(json!({ "options": { "requestedPolicyVersion": 3 } })),
            permission: "resourcemanager.projects.getIamPolicy",
        }
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

    async fn header(&self, grantee: Grantee) -> Result<HeaderValue, Sight<()>> {
        let chain = self.caller.as_ref().map_err(|error| Sight::Refused(no_token(error)))?;
        chain.bearer(grantee).header().await.map_err(|error| sight::<()>(Err(error)))
    }
}

/// One thing to read, and the permission it takes.
struct Look<'a> {
    service: &'static str,
    /// The version of its API.
    version: &'static str,
    address: &'a str,
    method: Method,
    path: String,
    query: &'static [(&'static str, &'static str)],
    body: Option<Value>,
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
                let request = self.repository_policy(path);
                Answer::RepositoryPolicy(self.look(&request).await)
            }
            Ask::ServiceAccount { project, service_account } => {
                let path = format!("projects/{project}/serviceAccounts/{service_account}");
                let seen = self.look(&self.iam(Method::GET, path, "iam.serviceAccounts.get")).await;
                Answer::ServiceAccount(account(seen))
            }
            Ask::ProjectPolicy { project } => {
                let request = self.project_policy(project);
                Answer::ProjectPolicy(self.look(&request).await)
            }
            Ask::Space { namespace, .. } => Answer::Space(self.space(namespace).await),
            Ask::Node { service_account, .. } => Answer::Node(self.node(service_account).await),
            Ask::Workspace { .. } => Answer::Workspace(self.workspace().await),
            Ask::Storage { .. } => Answer::Storage(self.storage().await),
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

fn judged<T>(refusal: PortError) -> Sight<T> {
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

fn account(seen: Sight<Value>) -> Sight<Account> {
    match seen {
        Sight::Seen(value) => {
            let disabled = value.get("disabled").and_then(Value::as_bool).unwrap_or_default();
            Sight::Seen(Account { disabled })
        }
        Sight::Refused(error) => Sight::Refused(error),
        Sight::Unseen { why } => Sight::Unseen { why },
    }
}
