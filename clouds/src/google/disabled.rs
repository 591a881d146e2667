//! Google's APIs that are not switched on in the project: asked about one by one once one of them said so, so that all
//! are named at once.

use bridge::port::{PortError, Refused};
use bridge::spec::Bridge;
use http::Method;
use serde_json::json;

use super::addresses::Addresses;
use super::refusal::own;
use super::rest::Rest;
use super::{SetUp, patiently};

/// The reason in `google.rpc.ErrorInfo`: <https://cloud.google.com/service-usage/docs/troubleshooting-requests>.
pub(crate) const SERVICE_DISABLED: &str = "SERVICE_DISABLED";

impl SetUp {
    /// A refusal that names every API which the bridge needs and the project has switched off, with the one command
    /// that switches all of them on. `first` is what a service said.
    pub(crate) async fn name_disabled(&self, bridge: &Bridge, first: PortError) -> PortError {
        let project = &bridge.google.project;
        let mut disabled = Vec::new();
        for (api, off) in [
            ("cloudresourcemanager.googleapis.com", is_off(self.projects.number(project).await)),
            ("iam.googleapis.com", self.is_off(bridge, "iam").await),
            ("iamcredentials.googleapis.com", self.is_off(bridge, "iamcredentials").await),
            ("artifactregistry.googleapis.com", is_off(self.repositories.observe(bridge, &[]).await)),
            ("container.googleapis.com", self.is_off(bridge, "container").await),
        ] {
            if off {
                disabled.push(api);
            }
        }
        if disabled.is_empty() {
            return first;
        }
        let message = format!(
            "not enabled in project `{project}`: {}; `gcloud services enable {} --project={project}` enables what is missing, and takes a few minutes to count",
            disabled.join(", "),
            disabled.join(" ")
        );
        let code = Some(SERVICE_DISABLED.to_owned());
        PortError { code, status: first.status, ..own(first.service, Refused::Denied, message) }
    }

    async fn is_off(&self, bridge: &Bridge, service: &str) -> bool {
        let (addresses, google) = (Addresses::of(bridge), &bridge.google);
        let (address, method, path, body) = match service {
            "iam" => {
                let path = format!("projects/{}/locations/global/workloadIdentityPools", google.project);
                (addresses.iam, Method::GET, path, None)
            }
            // An account that is nobody's: the answer is a refusal in any case, and tells which.
            "iamcredentials" => {
                let account = format!("gangplank-nobody@{}.iam.gserviceaccount.com", google.project);
                let body = json!({ "scope": ["https://www.googleapis.com/auth/cloud-platform"] });
                let path = format!("projects/-/serviceAccounts/{account}:generateAccessToken");
                (addresses.iam_credentials, Method::POST, path, Some(body))
            }
            _ => {
                let parent = format!("projects/{}/locations/{}", google.project, google.location);
                (addresses.container, Method::GET, format!("{parent}/clusters/{}", google.cluster), None)
            }
        };
        let rest = Rest { service: "Google", address, ..self.federation.clone() };
        is_off(patiently(|| rest.call(method.clone(), &path, &[], body.as_ref())).await)
    }
}

fn is_off<T>(answer: Result<T, PortError>) -> bool {
    answer.is_err_and(|refusal| refusal.code.as_deref() == Some(SERVICE_DISABLED))
}
