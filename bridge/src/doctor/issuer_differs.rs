//! The token's issuer is not the provider's: another version, another tenant, a slash. Mostly one is of version 1 and the
//! other of version 2: the version is chosen by the application the token is for, not by the endpoint that was asked.

use trust::provider::Stage;
use trust::token::{Claims, TokenVersion};

use super::chain::Chain;
use super::exchange::RefusedExchange;
use crate::finding::{Finding, cause};

pub(super) fn check(case: &RefusedExchange<'_>) -> Option<Finding> {
    let seen = case.predicted_at(&[Stage::Issuer]);
    let said = case.said_alone(&["The issuer in ID Token", "Specified identity issuer"]);
    if seen.is_none() && !said {
        return None;
    }
    let issuer = case.claims.and_then(Claims::issuer).unwrap_or("not seen");
    let finding = Finding::new(
        "google/issuer-differs",
        cause::ISSUER_MISMATCH,
        format!("provider {} trusts another issuer than the token's", case.chain.provider()),
    )
    .found(issuer, case.evidence.claim("iss", origin(case)));
    let finding = match seen {
        Some(refusal) => finding.expected(&refusal.expected, case.setting("oidc.issuerUri")),
        None => case.unseen_provider(finding),
    };
    Some(mend(finding, case, issuer))
}

fn origin(case: &RefusedExchange<'_>) -> String {
    let version = match case.claims.and_then(Claims::version) {
        Some(TokenVersion::V1) => " (version 1)",
        Some(TokenVersion::V2) => " (version 2)",
        None => "",
    };
    format!("claim `iss` of the Entra token{version}")
}

fn mend(finding: Finding, case: &RefusedExchange<'_>, issuer: &str) -> Finding {
    let tenant = case.claims.and_then(Claims::tenant);
    let way = case.chain.way();
    if let Some((way, tenant)) = way.zip(tenant).filter(|(way, tenant)| *tenant != way.bridge.azure.tenant) {
        let ours = &way.bridge.azure.tenant;
        return finding.mend(
            format!("the token is of tenant {tenant}, the bridge's is {ours}: log in there"),
            format!("az login --tenant {ours}"),
        );
    }
    let expected = case.provider().map_or("", trust::provider::Provider::issuer);
    let of_entra = issuer.contains("sts.windows.net") || issuer.contains("microsoftonline");
    let elsewhere = |tenant: &&str| of_entra && expected.contains("://") && !expected.contains(tenant);
    if let Some(tenant) = tenant.filter(elsewhere).filter(|_| way.is_none()) {
        return finding.advice(format!(
            "the token is of tenant {tenant}, and the provider trusts another: log in to the provider's tenant"
        ));
    }
    let version = case.claims.and_then(Claims::version);
    let first = version == Some(TokenVersion::V1) || issuer.contains("sts.windows.net");
    if first && (way.is_some() || expected.ends_with("/v2.0")) {
        return request_version_2(finding, case);
    }
    match (way, version) {
        (Some(_), Some(TokenVersion::V2)) => case
            .chain
            .put_back(finding, "put the provider back to what the bridge declares")
            .mend("or set that one field", case.chain.update_provider(&format!("--issuer-uri='{issuer}'"))),
        (Some(_), _) => case.chain.put_back(finding, "put both sides back to what the bridge declares"),
        (None, _) => finding.mend(
            "if this issuer is the one to be trusted, set it, character by character",
            case.chain.update_provider(&format!("--issuer-uri='{issuer}'")),
        ),
    }
}

/// Sets `requestedAccessTokenVersion` of the application and nothing else.
fn request_version_2(finding: Finding, case: &RefusedExchange<'_>) -> Finding {
    let (graph, application) = match case.chain {
        Chain::Declared(way) => {
            let graph = way.bridge.endpoints.graph.as_deref();
            let id =
                format!("$(az ad app show --id {} --query appId --output tsv)", way.bridge.identifier_uri());
            (graph.unwrap_or("https://graph.microsoft.com").trim_end_matches('/'), id)
        }
        Chain::Shown(shown) => {
            let audience = case.claims.and_then(|claims| claims.audiences().first().copied());
            let named = audience.map(|it| it.trim_start_matches("api://").to_owned());
            let id = shown.application.clone().or(named).unwrap_or_else(|| "APP_ID".to_owned());
            ("https://graph.microsoft.com", id)
        }
    };
    let what = "let the application receive version 2 tokens, as the bridge declares";
    let what_else = case.chain.or("set that one field");
    case.chain
        .put_back(finding, what)
        .mend(
            if case.chain.way().is_some() { what_else.as_str() } else { "let the application receive version 2 tokens, then get a new token" },
            format!(
                "az rest --method PATCH --uri \"{graph}/v1.0/applications(appId='{application}')\" \
                 --body '{{\"api\":{{\"requestedAccessTokenVersion\":2}}}}'"
            ),
        )
        .advice("tokens already handed out stay version 1 until they expire; a managed identity keeps its for a day")
}
