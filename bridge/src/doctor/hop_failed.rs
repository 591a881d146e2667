//! A hop was refused and no check knows why. These findings say which hop, in whose words, and what is commonly behind
//! it; they claim no more than was seen.

use trust::iam::Policy;
use trust::provider::Stage;
use trust::token::Claims;

use super::hops::RefusedExchange;
use super::{FirstToken, Sight, Walk};
use crate::finding::{Confidence, Finding, cause};
use crate::port::{PortError, Refused};
use crate::spec::Bridge;

/// What Entra's other codes mean here: code, cause, what to do. Those with a check of their own are not here.
const ENTRA_CODES: [(&str, &str, &str); 4] = [
    ("AADSTS90002", cause::RESOURCE_NAME, "the tenant does not exist: check `azure.tenant`"),
    (
        "AADSTS700024",
        cause::TOKEN_EXPIRED,
        "the workload's token is out of its time: read its file anew, check the clock",
    ),
    (
        "AADSTS700222",
        cause::CREDENTIAL_SOURCE,
        "a token of Entra's own is no proof: log in with the token of the place this runs in",
    ),
    (
        "AADSTS7000112",
        cause::OTHER,
        "the caller's service principal is switched off: its owner must switch it on",
    ),
];

pub(super) fn expired_first_token(walk: &Walk<'_>, token: &FirstToken) -> Option<Finding> {
    let expires = token.claims.as_ref().and_then(Claims::expires_at)?;
    (expires < walk.now).then(|| {
        Finding::new(
            "azure/first-token-failed",
            cause::TOKEN_EXPIRED,
            format!("the token that the caller logs in with is expired ({})", token.source),
        )
        .expected(format!("later than {}", walk.now), "the clock")
        .found(expires.to_string(), "claim `exp` of the first token")
        .advice("write the token anew, or read its file just before each use")
    })
}

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

pub(super) fn entra_token(walk: &Walk<'_>, error: &PortError) -> Finding {
    let resource = walk.bridge.identifier_uri();
    let finding = refused(
        "azure/entra-token-failed",
        format!("Entra gives the caller no token for `{resource}`"),
        error,
    );
    match ENTRA_CODES.iter().find(|(name, _, _)| says(error, name)) {
        Some((_, cause, advice)) => {
            Finding { cause, confidence: Confidence::Likely, ..finding }.advice(*advice)
        }
        None => finding,
    }
}

pub(super) fn exchange(case: &RefusedExchange<'_>) -> Finding {
    let code = "google/exchange-failed";
    let summary =
        format!("Google's STS refuses the token at provider `{}`", case.walk.bridge.federation.provider);
    let finding = match case.error {
        Some(error) => refused(code, summary, error),
        None => Finding::new(code, cause::OTHER, summary).confidence(Confidence::Likely),
    };
    if let Some(predicted) = &case.predicted {
        let (class, advice) = stage_advice(predicted.stage);
        return Finding { cause: class, confidence: Confidence::Certain, ..finding }
            .expected(&predicted.expected, "the provider's configuration")
            .found(&predicted.found, "the Entra token and the provider's state")
            .advice(advice);
    }
    let seen = case.evidence.provider.as_ref().is_some_and(|it| it.seen().is_some());
    if case.error.is_some_and(|error| error.message.contains("\"audience\" parameters is invalid")) && !seen {
        return Finding { cause: cause::OBJECT_MISSING, confidence: Confidence::Likely, ..finding }
            .mend("make pool and provider as the bridge declares them", "gangplank apply");
    }
    if seen {
        return finding.advice(
            "by everything that could be seen this token passes: a change takes up to five minutes to count, and only \
             Google can see the signature and the issuer's keys",
        );
    }
    finding
}

fn stage_advice(stage: Stage) -> (&'static str, &'static str) {
    match stage {
        Stage::Live => {
            (cause::OBJECT_MISSING, "pool or provider is deleted or disabled: run `gangplank apply`")
        }
        Stage::Time => {
            (cause::TOKEN_EXPIRED, "get a new token just before the exchange, and check the clock")
        }
        Stage::Mapping | Stage::SubjectSize => (
            cause::CLAIM_UNUSABLE,
            "the mapping and the token's claims do not fit: run `gangplank apply` to put the mapping back",
        ),
        Stage::Request => {
            (cause::RESOURCE_NAME, "the provider's full resource name takes the project's number")
        }
        Stage::Issuer | Stage::Audience | Stage::Condition => {
            (cause::OTHER, "run `gangplank apply` to put the provider back")
        }
        Stage::Signature => (cause::OTHER, "Google must be able to read the issuer's published keys"),
    }
}

pub(super) fn impersonation(walk: &Walk<'_>, error: &PortError, policy: &Sight<Policy>) -> Finding {
    let account = walk.bridge.service_account_email(&walk.team.name);
    let finding = refused("google/impersonation-failed", format!("nobody can act as `{account}` now"), error);
    behind_a_grant(finding, "iamcredentials.googleapis.com", &walk.bridge.google.project, error, policy)
}

pub(super) fn registry(walk: &Walk<'_>, error: &PortError, policy: &Sight<Policy>) -> Finding {
    let google = &walk.bridge.google;
    let summary = format!("repository `{}` takes no upload", walk.bridge.repository_of(walk.team));
    let finding = refused("google/registry-failed", summary, error);
    behind_a_grant(finding, "artifactregistry.googleapis.com", &google.project, error, policy)
}

/// What can be behind a refusal that no missing grant explains.
fn behind_a_grant(
    finding: Finding,
    api: &str,
    project: &str,
    error: &PortError,
    policy: &Sight<Policy>,
) -> Finding {
    let missing = |error: &PortError| error.kind == Refused::NotFound;
    if error.message.contains("has not been used in project") {
        return Finding { cause: cause::API_DISABLED, confidence: Confidence::Likely, ..finding }
            .mend("switch the API on", format!("gcloud services enable {api} --project={project}"));
    }
    if missing(error) || policy.refusal().is_some_and(missing) {
        return Finding { cause: cause::OBJECT_MISSING, confidence: Confidence::Likely, ..finding }
            .mend("make it as the bridge declares", "gangplank apply");
    }
    if error.kind == Refused::Denied && policy.seen().is_some() {
        return Finding { cause: cause::PROPAGATION, ..finding }
            .advice("the grant is there, and a new one takes two to seven minutes to count: try again then");
    }
    finding
}

pub(super) fn cluster(walk: &Walk<'_>, error: &PortError) -> Finding {
    let google = &walk.bridge.google;
    let account = walk.bridge.service_account_email(&walk.team.name);
    let summary = format!("cluster `{}` does not serve `{account}`", google.cluster);
    let finding = refused("google/cluster-failed", summary, error);
    if error.message.contains("container.clusters.get") {
        let command = format!(
            "gcloud projects add-iam-policy-binding {} --role=roles/container.clusterViewer \
             --member='serviceAccount:{account}' --condition=None",
            google.project
        );
        return Finding { cause: cause::GRANT_MISSING, confidence: Confidence::Likely, ..finding }
            .mend("give what the bridge declares", "gangplank apply")
            .mend("or let it look the cluster up", command);
    }
    if error.message.contains("is forbidden") {
        return Finding { cause: cause::GRANT_MISSING, confidence: Confidence::Likely, ..finding }
            .mend(
                format!("put the RoleBinding `gangplank-deployer` in namespace `{}` back", walk.team.namespace),
                "gangplank apply",
            )
            .advice("do not give the account roles/container.developer: it counts in every namespace, whatever RBAC says");
    }
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
