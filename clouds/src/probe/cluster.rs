//! Looking at the cluster: as the team's service account, as whoever may see its bindings, and at who its nodes are.

use bridge::doctor::{Node, Sight, Space};
use bridge::port::{PortError, PortResult, Refused};
use google_cloud_auth::credentials::Credentials;
use http::HeaderValue;
use http::header::AUTHORIZATION;
use identity::{Bearer, Grantee};
use serde_json::Value;
use trust::rbac::RoleBinding;

use super::{LiveProbe, judged};
use crate::google::refusal::{kind, no_token, own, with_causes};
use crate::google::{ClusterAddress, cluster, nodes};

const SERVICE: &str = "Kubernetes";

impl LiveProbe {
    /// Looks the cluster up and lists the team's Deployments, both as the team's service account.
    pub(super) async fn cluster(&self, namespace: &str, service_account: &str) -> Sight<()> {
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
        let place = cluster(&self.bridge, credentials, &self.http).await?;
        let path = format!("/apis/apps/v1/namespaces/{namespace}/deployments?limit=1");
        get(&place, header, &path).await.map(drop)
    }

    /// The namespace and its RoleBindings, as the administrator.
    pub(super) async fn space(&self, namespace: &str) -> Sight<Space> {
        let Some((credentials, bearer)) = &self.administrator else {
            return Sight::Unseen {
                why: "there is no administrator's Google log-in to look with".to_owned(),
            };
        };
        match self.bindings(credentials.clone(), bearer, namespace).await {
            Ok(bindings) => Sight::Seen(Space { bindings }),
            Err(refusal) if refusal.kind == Refused::NotFound && refusal.service == SERVICE => {
                Sight::Refused(refusal)
            }
            Err(refusal) => {
                Sight::Unseen { why: format!("{refusal} (it takes `container.roleBindings.list`)") }
            }
        }
    }

    async fn bindings(
        &self,
        credentials: Credentials,
        bearer: &Bearer,
        namespace: &str,
    ) -> PortResult<Vec<RoleBinding>> {
        let header = bearer.header().await.map_err(|error| no_token(&error))?;
        let place = cluster(&self.bridge, credentials, &self.http).await?;
        get(&place, header.clone(), &format!("/api/v1/namespaces/{namespace}")).await?;
        let path = format!("/apis/rbac.authorization.k8s.io/v1/namespaces/{namespace}/rolebindings");
        let list = get(&place, header, &path).await?;
        let items = list.get("items").cloned().unwrap_or_default();
        serde_json::from_value(items).map_err(|error| own(SERVICE, Refused::Invalid, error.to_string()))
    }

    /// Who the nodes are: as the administrator, else as the team's service account, which may look the cluster up.
    pub(super) async fn node(&self, service_account: &str) -> Sight<Node> {
        let mut why = "there is no Google log-in to look with".to_owned();
        let administrator = self.administrator.as_ref().map(|(credentials, _)| credentials.clone());
        let team = Grantee::ServiceAccount(service_account.to_owned());
        let caller = self.caller.as_ref().ok().map(|chain| chain.google_credentials(team));
        for credentials in administrator.into_iter().chain(caller) {
            match nodes(&self.bridge, credentials, &self.http).await {
                Ok(node) => return Sight::Seen(node),
                Err(refusal) => why = format!("{refusal} (it takes `container.clusters.get`)"),
            }
        }
        Sight::Unseen { why }
    }
}

/// Asks the API server.
async fn get(place: &ClusterAddress, header: HeaderValue, path: &str) -> PortResult<Value> {
    let unusable = |problem: String| own(SERVICE, Refused::Unavailable, problem);
    let http = identity::http::client(place.ca.as_deref()).map_err(|error| unusable(error.to_string()))?;
    let url = format!("{}{path}", place.endpoint);
    let response = http.get(url).header(AUTHORIZATION, header).send().await;
    let response = response.map_err(|error| unusable(with_causes(&error)))?;
    let status = response.status();
    let body: Value = response.json().await.unwrap_or_default();
    if status.is_success() { Ok(body) } else { Err(kubernetes_refusal(SERVICE, status.as_u16(), &body)) }
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
