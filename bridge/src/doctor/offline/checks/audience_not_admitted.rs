//! The provider does not admit the token's audience.

use trust::first_party;
use trust::provider::{ResourceName, Stage};

use super::super::case::{Case, Seen, SeenProvider};
use super::issuer_differs::{name, update};
use crate::finding::{Finding, cause};

pub(super) fn check(case: &Case<'_>) -> Option<Finding> {
    let seen = case.provider().or_else(|| case.providers().into_iter().next())?;
    let tokens = case.tokens();
    let differs = |token: &&Seen<'_>| {
        token.claims.get("aud").is_some()
            && case.exchange(token, &seen.provider).is_err_and(|it| it.stage == Stage::Audience)
    };
    let token = tokens.iter().find(differs)?;
    let audience = token.claims.audiences().join(", ");
    let admitted = seen.provider.admitted_audiences();
    let listed = seen.provider.oidc.as_ref().is_some_and(|oidc| !oidc.allowed_audiences.is_empty());
    let finding = Finding::new(
        "google/audience-not-admitted",
        cause::AUDIENCE_MISMATCH,
        format!("provider {} does not admit the token's audience `{audience}`", name(&seen)),
    )
    .expected(admitted.join(", "), seen.exhibit.origin("/oidc/allowedAudiences"))
    .found(&audience, token.exhibit.origin("/claims/aud"));
    let finding = if listed && is_default(&audience) {
        finding.advice(
            "with a list of its own, a provider admits its own name no longer: the name must be in the list",
        )
    } else {
        finding
    };
    Some(mend(finding, case, &seen, &audience))
}

fn is_default(audience: &str) -> bool {
    let bare = audience.strip_prefix("https:").unwrap_or(audience);
    ResourceName::parse_audience(bare).is_some()
}

fn mend(finding: Finding, case: &Case<'_>, seen: &SeenProvider<'_>, audience: &str) -> Finding {
    let admits = |it: &SeenProvider<'_>| it.provider.admitted_audiences().iter().any(|one| one == audience);
    if let Some(other) = case.providers().iter().find(|it| admits(it)) {
        let name = &other.provider.name;
        return finding.advice(format!(
            "another provider admits this audience: let the client name `//iam.googleapis.com/{name}`"
        ));
    }
    if let Some(service) = first_party::find(audience) {
        return finding.advice(format!(
            "this is the audience of {}: ask for a token for your own application, and never admit this one",
            service.name
        ));
    }
    let mut all: Vec<String> =
        seen.provider.oidc.as_ref().map(|oidc| oidc.allowed_audiences.clone()).unwrap_or_default();
    all.push(audience.to_owned());
    finding.advice("ask for a token with the audience that the provider admits, where the client can").mend(
        "or admit this audience as well",
        format!("{} --allowed-audiences='{}'", update(seen), all.join(",")),
    )
}
