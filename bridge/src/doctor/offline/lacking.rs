//! What could not be seen, how that limits the answer, and what to give next.

use serde::Serialize;

use super::case::Case;
use super::link::{Link, said};
use crate::exhibit::Kind;
use crate::finding::{Confidence, Finding};

/// A piece of evidence that was not given.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Lacking {
    /// What it is.
    pub what: String,
    /// What cannot be said without it.
    pub limits: String,
    /// How it is got.
    pub command: String,
}

/// One kind of evidence, and the links it decides about.
struct Piece {
    kinds: &'static [Kind],
    links: &'static [Link],
    what: &'static str,
    limits: &'static str,
    command: &'static str,
}

/// In the order in which they decide most.
const PIECES: &[Piece] = &[
    Piece {
        kinds: &[Kind::ErrorText],
        links: &[],
        what: "the error text",
        limits: "which link was refused is guessed from the settings alone",
        command: "save what was printed, as error.txt",
    },
    Piece {
        kinds: &[Kind::Token],
        links: &[Link::Entra, Link::Exchange, Link::Impersonation],
        what: "the token, or its claims",
        limits: "issuer, audience, subject and times cannot be compared",
        command: "gangplank whoami --output json > claims.json",
    },
    Piece {
        kinds: &[Kind::Provider],
        links: &[Link::Exchange, Link::Impersonation],
        what: "the workload identity provider",
        limits: "what Google expects of the token is not known",
        command: "gcloud iam workload-identity-pools providers describe PROVIDER --location=global --workload-identity-pool=POOL --project=PROJECT --format=json > provider.json",
    },
    Piece {
        kinds: &[Kind::Policy],
        links: &[Link::Impersonation, Link::Pod],
        what: "the service account's policy",
        limits: "who may act as it is not known",
        command: "gcloud iam service-accounts get-iam-policy ACCOUNT --format=json > service-account-policy.json",
    },
    Piece {
        kinds: &[Kind::Kubernetes],
        links: &[Link::Pod],
        what: "the pod and its service account",
        limits: "under which identity the pod runs is not known",
        command: "kubectl get pod,serviceaccount --namespace=NAMESPACE --output=yaml > pods.yaml",
    },
    Piece {
        kinds: &[Kind::FederatedCredential],
        links: &[Link::Entra],
        what: "the federated credentials",
        limits: "what Entra expects of the token is not known",
        command: "az ad app federated-credential list --id APP_ID > federated-credentials.json",
    },
    Piece {
        kinds: &[Kind::Policy],
        links: &[Link::Registry, Link::GoogleApi, Link::Cluster],
        what: "the policy of the resource, and of its project",
        limits: "what the caller may do is not known",
        command: "gcloud projects get-iam-policy PROJECT --format=json > project-policy.json",
    },
    Piece {
        kinds: &[Kind::DockerConfig],
        links: &[Link::Registry],
        what: "docker's config",
        limits: "whether docker had a credential for the host is not known",
        command: "cp ~/.docker/config.json docker-config.json",
    },
    Piece {
        kinds: &[Kind::GkeCluster],
        links: &[Link::Cluster],
        what: "the cluster",
        limits: "its networks and its workload pool are not known",
        command: "gcloud container clusters describe CLUSTER --location=LOCATION --format=json > cluster.json",
    },
    Piece {
        kinds: &[Kind::RoleAssignment],
        links: &[Link::ContainerRegistry, Link::AzureMl, Link::Storage],
        what: "the role assignments",
        limits: "what the identity may do is not known",
        command: "az role assignment list --all --assignee OBJECT_ID > role-assignments.json",
    },
    Piece {
        kinds: &[Kind::ContainerRegistry],
        links: &[Link::ContainerRegistry],
        what: "the registry",
        limits: "its firewall and its switches are not known",
        command: "az acr show --name REGISTRY > registry.json",
    },
    Piece {
        kinds: &[Kind::StorageAccount],
        links: &[Link::Storage],
        what: "the storage account",
        limits: "its firewall, and whether it takes keys, is not known",
        command: "az storage account show --name ACCOUNT > storage.json",
    },
];

/// What is lacking for the links that were named; nothing where the finding is certain.
pub(super) fn pieces(case: &Case<'_>, first: Option<&Finding>) -> Vec<Lacking> {
    if first.is_some_and(|it| it.confidence == Confidence::Certain) {
        return Vec::new();
    }
    let named = said(case);
    let concerned =
        |piece: &&Piece| piece.links.is_empty() || piece.links.iter().any(|link| named.contains(link));
    let absent = |piece: &&Piece| !piece.kinds.iter().any(|kind| case.exhibits.of(*kind).next().is_some());
    let told = |piece: &Piece| Lacking {
        what: piece.what.to_owned(),
        limits: piece.limits.to_owned(),
        command: piece.command.to_owned(),
    };
    PIECES.iter().filter(concerned).filter(absent).map(told).collect()
}
