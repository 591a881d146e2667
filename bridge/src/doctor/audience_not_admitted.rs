//! The provider does not admit the token's audience.

use trust::first_party;
use trust::provider::{Provider, ResourceName, Stage};

use super::exchange::RefusedExchange;
use crate::finding::{Finding, cause};

pub(super) fn check(case: &RefusedExchange<'_>) -> Option<Finding> {
    let seen = case.predicted_at(&[Stage::Audience]);
    let said = case.said_alone(&["The audience in ID Token", "The audience in JWT"]);
    if seen.is_none() && !said {
        return None;
    }
    let audiences = case.claims.map(|claims| claims.audiences().join(", "));
    let audience = audiences.clone().unwrap_or_else(|| "not seen".to_owned());
    let finding = Finding::new(
        "google/audience-not-admitted",
        cause::AUDIENCE_MISMATCH,
        format!("provider {} does not admit the token's audience `{audience}`", case.chain.provider()),
    )
    .found(audience, case.evidence.claim("aud", "claim `aud` of the Entra token"));
    let finding = match seen {
        Some(refusal) => finding.expected(&refusal.expected, case.setting("oidc.allowedAudiences")),
        None => case.unseen_provider(finding),
    };
    let finding = match &audiences {
        Some(own) if lists(case.provider()) && is_default(own) => finding.advice(
            "with a list of its own, a provider admits its own name no longer: the name must be in the list",
        ),
        _ => finding,
    };
    Some(mend(finding, case, audiences.as_deref()))
}

/// Whether the provider has a list of its own.
fn lists(provider: Option<&Provider>) -> bool {
    let listed = |it: &Provider| it.oidc.as_ref().is_some_and(|oidc| !oidc.allowed_audiences.is_empty());
    provider.is_some_and(listed)
}

fn is_default(audience: &str) -> bool {
    let bare = audience.strip_prefix("https:").unwrap_or(audience);
    ResourceName::parse_audience(bare).is_some()
}

fn mend(finding: Finding, case: &RefusedExchange<'_>, audience: Option<&str>) -> Finding {
    let chain = case.chain;
    let put_back = "put the provider back to what the bridge declares";
    let Some(audience) = audience else { return chain.put_back(finding, put_back) };
    let admits = |it: &&Provider| it.admitted_audiences().iter().any(|one| one == audience);
    let others = chain.shown().map(|shown| shown.providers.as_slice()).unwrap_or_default();
    if let Some(other) = others.iter().find(admits) {
        let name = &other.name;
        return finding.advice(format!(
            "another provider admits this audience: let the client name `//iam.googleapis.com/{name}`"
        ));
    }
    match (first_party::find(audience), chain.way()) {
        (Some(_), Some(way)) => finding.mend(
            "ask for a token for our own application; never admit the audience of one of Microsoft's services",
            format!("az account get-access-token --scope {}/.default", way.bridge.identifier_uri()),
        ),
        (Some(service), None) => finding.advice(format!(
            "this is the audience of {}: ask for a token for your own application, and never admit this one",
            service.name
        )),
        (None, Some(_)) => chain.put_back(finding, put_back).mend(
            "or set that one field: admit this audience and no other",
            chain.update_provider(&format!("--allowed-audiences='{audience}'")),
        ),
        (None, None) => {
            let oidc = case.provider().and_then(|it| it.oidc.as_ref());
            let mut all = oidc.map(|oidc| oidc.allowed_audiences.clone()).unwrap_or_default();
            all.push(audience.to_owned());
            finding.advice("ask for a token with the audience that the provider admits, where the client can").mend(
                "or admit this audience as well",
                chain.update_provider(&format!("--allowed-audiences='{}'", all.join(","))),
            )
        }
    }
}
