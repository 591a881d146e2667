//! A hop was refused and no check knows why. These findings say which hop, in whose words, and what is commonly behind
//! it; they claim no more than was seen.

use super::chain::{Chain, Way};
use super::exchange::RefusedExchange;
use super::refused_by_entra;
use crate::finding::{Confidence, Finding, cause};
use crate::port::{PortError, Refused};
use crate::spec::Bridge;

pub(super) fn first_token(error: &PortError) -> Finding {
    let finding =
        refused("azure/first-token-failed", "the caller has nothing to log in to Entra with", error);
    Finding { cause: if is_network(error) { cause::NETWORK } else { cause::CREDENTIAL_ABSENT }, ..finding }
        .advice(
            "give one of: a workload identity (AZURE_FEDERATED_TOKEN_FILE, AZURE_CLIENT_ID), the OIDC tokens of GitHub \
             Actions or Azure Pipelines, a client certificate or secret, a managed identity, or a log-in of the Azure \
             CLI; `gangplank whoami` says which were looked for, docs/signing-in.md how to set each up",
        )
}

pub(super) fn entra_token(case: &refused_by_entra::Case<'_>) -> Finding {
    let summary = format!("Entra gives the caller no token for {}", case.resource());
    refused("azure/entra-token-failed", summary, case.error)
}

pub(super) fn workspace(way: &Way<'_>, error: &PortError) -> Finding {
    refused(
        "azure/workspace-failed",
        format!("workspace `{}` is not shown", way.bridge.azure.workspace),
        error,
    )
}

pub(super) fn storage(named: &str, error: &PortError) -> Finding {
    refused("azure/storage-failed", format!("{named} cannot be read"), error)
}

pub(super) fn exchange(case: &RefusedExchange<'_>) -> Finding {
    let code = "google/exchange-failed";
    let summary = format!("Google's STS refuses the token at provider {}", case.chain.provider());
    let finding = match case.error {
        Some(error) => refused(code, summary, error),
        None => Finding::new(code, cause::OTHER, summary).confidence(Confidence::Likely),
    };
    if let Some(predicted) = &case.predicted {
        let finding = Finding { confidence: Confidence::Certain, ..finding }
            .expected(&predicted.expected, "the provider's configuration")
            .found(&predicted.found, "the Entra token and the provider's state");
        return case.chain.put_back(finding, "put the provider back to what the bridge declares");
    }
    finding
}

pub(super) fn impersonation(chain: &Chain<'_>, error: &PortError) -> Finding {
    let account = chain.account();
    refused("google/impersonation-failed", format!("nobody can act as `{account}` now"), error)
}

pub(super) fn registry(way: &Way<'_>, error: &PortError) -> Finding {
    let summary = format!("repository `{}` takes no upload", way.bridge.repository_of(way.team));
    refused("google/registry-failed", summary, error)
}

pub(super) fn cluster(way: &Way<'_>, error: &PortError) -> Finding {
    let account = way.bridge.service_account_email(&way.team.name);
    let summary = format!("cluster `{}` does not serve `{account}`", way.bridge.google.cluster);
    let finding = refused("google/cluster-failed", summary, error);
    if is_network(error) {
        return finding.advice(
            "this is the network and no identity fault: a private endpoint, or authorized networks that this machine is \
             not in",
        );
    }
    finding
}

/// Whether the service gave this code, as a code or in its text.
pub(super) fn says(error: &PortError, code: &str) -> bool {
    let said = error.code.as_deref() == Some(code);
    // Shorter codes begin longer ones.
    said || error.message.split(|c: char| !c.is_ascii_alphanumeric()).any(|word| word == code)
}

/// A refusal in the service's own words.
pub(super) fn refused(code: &'static str, summary: impl Into<String>, error: &PortError) -> Finding {
    let cause = match error.kind {
        Refused::Unavailable | Refused::Throttled => cause::NETWORK,
        Refused::NotFound => cause::OBJECT_MISSING,
        Refused::Denied | Refused::Unauthenticated | Refused::Conflict | Refused::Invalid => cause::OTHER,
    };
    let status = error.status.map(|status| format!(", status {status}")).unwrap_or_default();
    let name = error.code.as_ref().map(|code| format!(", {code}")).unwrap_or_default();
    Finding::new(code, cause, summary)
        .found(&error.message, format!("{}{status}{name}", error.service))
        .confidence(Confidence::Possible)
}

fn is_network(error: &PortError) -> bool {
    error.is_transient() && error.status.is_none()
}

/// The command that sets fields of our provider and nothing else.
pub(super) fn update_provider(bridge: &Bridge, flags: &str) -> String {
    format!(
        "gcloud iam workload-identity-pools providers update-oidc {} --project={} --location=global \
         --workload-identity-pool={} {flags}",
        bridge.federation.provider, bridge.google.project, bridge.federation.pool
    )
}
