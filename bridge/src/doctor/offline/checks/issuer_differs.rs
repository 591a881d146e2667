//! The token's issuer is not the provider's: another version, another tenant, a slash.

use trust::provider::{ResourceName, Stage};
use trust::token::{Claims, TokenVersion};

use super::super::case::{Case, Seen, SeenProvider};
use crate::exhibit::Kind;
use crate::finding::{Finding, cause};

pub(super) fn check(case: &Case<'_>) -> Option<Finding> {
    let seen = case.provider()?;
    let tokens = case.tokens();
    let differs = |token: &&Seen<'_>| {
        token.claims.issuer().is_some()
            && case.exchange(token, &seen.provider).is_err_and(|it| it.stage == Stage::Issuer)
    };
    // Somebody may have laid tokens of several hops on the table: one that fits is the one that is presented.
    if tokens.iter().any(|token| token.claims.issuer() == Some(seen.provider.issuer())) {
        return None;
    }
    let token = tokens.iter().find(differs)?;
    let issuer = token.claims.issuer()?;
    let finding = Finding::new(
        "google/issuer-differs",
        cause::ISSUER_MISMATCH,
        format!("provider {} trusts another issuer than the token's", name(&seen)),
    )
    .expected(seen.provider.issuer(), seen.exhibit.origin("/oidc/issuerUri"))
    .found(issuer, token.exhibit.origin("/claims/iss"));
    Some(mend(finding, case, token, &seen))
}

fn mend(finding: Finding, case: &Case<'_>, token: &Seen<'_>, seen: &SeenProvider<'_>) -> Finding {
    let foreign = token
        .claims
        .tenant()
        .filter(|tenant| !seen.provider.issuer().contains(tenant) && seen.provider.issuer().contains("://"));
    let entra = token
        .claims
        .issuer()
        .is_some_and(|it| it.contains("sts.windows.net") || it.contains("microsoftonline"));
    if let Some(tenant) = foreign.filter(|_| entra) {
        return finding.advice(format!("the token is of tenant {tenant}, and the provider trusts another: log in to the provider's tenant"));
    }
    let version_1 = token.claims.version() == Some(TokenVersion::V1)
        || token.claims.issuer().is_some_and(|it| it.contains("sts.windows.net"));
    if version_1 && seen.provider.issuer().ends_with("/v2.0") {
        return request_version_2(finding, case, &token.claims);
    }
    let issuer = token.claims.issuer().unwrap_or_default();
    finding.mend(
        "if this issuer is the one to be trusted, set it, character by character",
        format!("{} --issuer-uri='{issuer}'", update(seen)),
    )
}

fn request_version_2(finding: Finding, case: &Case<'_>, claims: &Claims) -> Finding {
    let manifest = case.of(Kind::Application).next();
    let told = manifest.map(|it| {
        let pointer = [
            "/api/requestedAccessTokenVersion",
            "/requestedAccessTokenVersion",
            "/accessTokenAcceptedVersion",
        ];
        let set =
            pointer.iter().find_map(|at| it.get(at)).map_or_else(|| "null".to_owned(), ToString::to_string);
        format!(
            "the application's `requestedAccessTokenVersion` is {set} ({}), so its tokens are of version 1",
            it.file
        )
    });
    let audience = claims.audiences().first().map_or("APP_ID", |it| it);
    let application =
        manifest.and_then(|it| it.text("/appId")).unwrap_or_else(|| audience.trim_start_matches("api://"));
    let finding = match told {
        Some(told) => finding.advice(told),
        None => finding,
    };
    finding
        .mend(
            "let the application receive version 2 tokens, then get a new token",
            format!(
                "az rest --method PATCH --uri \"https://graph.microsoft.com/v1.0/applications(appId='{application}')\" \
                 --body '{{\"api\":{{\"requestedAccessTokenVersion\":2}}}}'"
            ),
        )
        .advice("tokens already handed out stay version 1 until they expire; a managed identity keeps its for a day")
}

/// The provider in words.
pub(super) fn name(seen: &SeenProvider<'_>) -> String {
    let name = ResourceName::parse(&seen.provider.name);
    name.map_or_else(|| format!("in {}", seen.exhibit.file), |name| format!("`{}`", name.provider))
}

/// The command that changes one field of a provider, without the field.
pub(super) fn update(seen: &SeenProvider<'_>) -> String {
    let verb = if seen.exhibit.get("/aws").is_some() { "update-aws" } else { "update-oidc" };
    match ResourceName::parse(&seen.provider.name) {
        Some(name) => format!(
            "gcloud iam workload-identity-pools providers {verb} {} --project={} --location={} --workload-identity-pool={}",
            name.provider, name.project, name.location, name.pool
        ),
        None => format!(
            "gcloud iam workload-identity-pools providers {verb} PROVIDER --location=global --workload-identity-pool=POOL"
        ),
    }
}
