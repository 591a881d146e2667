//! The services: which there are, on which wire each speaks, and what answers there. One line adds one.

use std::net::SocketAddr;

use axum::Router;

use crate::world::Shared;
use crate::{azure, cluster, control, google, pipelines};

/// Which wire a service speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scheme {
    /// Plain http: what the official clients take from an address on loopback.
    Http,
    /// https with the sandbox's certificate: Azure's clients and kubectl send no token over http.
    Https,
}

macro_rules! services {
    ($($(#[$doc:meta])* $name:ident: $scheme:ident, $router:expr;)*) => {
        /// Where the services listen.
        #[derive(Debug, Clone, serde::Serialize)]
        pub struct Addresses {
            $($(#[$doc])* pub $name: SocketAddr,)*
        }

        /// The names of the services, in the order of [`Addresses`]: what faults are armed for, and the order of fixed
        /// ports.
        pub const SERVICES: [&str; [$(stringify!($name)),*].len()] = [$(stringify!($name)),*];

        impl Addresses {
            /// The addresses in the order of [`SERVICES`]; `None` if there are not as many.
            pub(crate) fn from_order(all: &[SocketAddr]) -> Option<Self> {
                let mut all = all.iter().copied();
                Some(Self { $($name: all.next()?,)* })
            }
        }

        /// The wire that `service` speaks.
        pub(crate) fn scheme(service: &str) -> Scheme {
            match service {
                $(stringify!($name) => Scheme::$scheme,)*
                _ => Scheme::Http,
            }
        }

        /// Whether `service` speaks https.
        pub fn is_secure(service: &str) -> bool {
            scheme(service) == Scheme::Https
        }

        /// What answers for `service`.
        pub(crate) fn router(service: &str, shared: Shared) -> Router {
            match service {
                $(stringify!($name) => $router(shared),)*
                _ => Router::new(),
            }
        }
    };
}

services! {
    /// https: Entra's authority host.
    entra: Https, azure::entra::router;
    /// https: Microsoft Graph.
    graph: Https, azure::graph::router;
    /// https: Azure Resource Manager.
    resource_manager: Https, azure::resource_manager::router;
    /// https: blobs, path style (`/ACCOUNT/CONTAINER/…`).
    blob: Https, azure::blob::router;
    /// http: an Azure container registry.
    acr: Http, azure::container_registry::router;
    /// http: Google's `oauth2.googleapis.com`, for refresh tokens of application-default credentials.
    oauth2: Http, google::oauth2::router;
    /// http: Google STS.
    sts: Http, google::sts::router;
    /// http: Google IAM.
    iam: Http, google::iam::router;
    /// http: IAM credentials.
    iam_credentials: Http, google::iam_credentials::router;
    /// http: Cloud Resource Manager.
    cloud_resource_manager: Http, google::cloud_resource_manager::router;
    /// http: Artifact Registry's API.
    artifact_registry: Http, google::artifact_registry::router;
    /// http: the image registry, `/v2/`.
    registry: Http, google::registry::router;
    /// http: Kubernetes Engine's API.
    container: Http, google::container::router;
    /// https: the cluster's API server, and its OIDC issuer.
    cluster: Https, cluster::router;
    /// http: tokens of managed identities: Azure's instance metadata service, and the forms of App Service and Azure ML.
    instance_metadata: Http, azure::instance_metadata::router;
    /// http: Google's metadata server, as a pod or a machine sees it.
    google_metadata: Http, google::metadata::router;
    /// https: Google's `accounts.google.com`, the issuer of ID tokens.
    accounts: Https, google::accounts::router;
    /// https: the OIDC issuers of GitHub Actions and Azure DevOps, and where their jobs ask for tokens.
    pipelines: Https, pipelines::router;
    /// http: Google's Service Usage: which APIs are switched on.
    service_usage: Http, google::service_usage::router;
    /// http: the sandbox's own controls: faults.
    control: Http, control::router;
    /// http: Cloud KMS, with a key that signs.
    cloud_kms: Http, google::cloud_kms::router;
}
