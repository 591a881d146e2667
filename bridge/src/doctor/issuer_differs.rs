//! The token's issuer is not the provider's. Mostly one is of version 1 and the other of version 2: the version is chosen
//! by the application the token is for, not by the endpoint that was asked.

use trust::provider::Stage;
use trust::token::{Claims, TokenVersion};

use super::evidence::unseen;
use super::hop_failed::update_provider;
use super::hops::RefusedExchange;
use crate::finding::{Confidence, Finding, cause};
use crate::spec::Bridge;

pub(super) fn check(case: &RefusedExchange<'_>) -> Option<Finding> {
    let seen = case.predicted.as_ref().filter(|it| it.stage == Stage::Issuer);
    let said = case.predicted.is_none()
        && case.error.is_some_and(|error| {
            error.message.contains("The issuer in ID Token")
                || error.message.contains("Specified identity issuer")
        });
    if seen.is_none() && !said {
        return None;
    }
    let issuer = case.claims.and_then(Claims::issuer).unwrap_or("not seen");
    let finding = Finding::new(
        "google/issuer-differs",
        cause::ISSUER_MISMATCH,
        format!("provider `{}` trusts another issuer than the token's", case.walk.bridge.federation.provider),
    )
    .found(issuer, origin(case.claims));
    let finding = match seen {
        Some(refusal) => finding.expected(&refusal.expected, "provider, `oidc.issuerUri`"),
        None => finding.confidence(Confidence::Likely).advice(unseen(
            "the provider",
            case.evidence.provider.as_ref(),
            "roles/iam.workloadIdentityPoolViewer",
        )),
    };
    Some(mend(finding, case))
}

fn origin(claims: Option<&Claims>) -> String {
    let version = match claims.and_then(Claims::version) {
        Some(TokenVersion::V1) => " (version 1)",
        Some(TokenVersion::V2) => " (version 2)",
        None => "",
    };
    format!("claim `iss` of the Entra token{version}")
}

fn mend(finding: Finding, case: &RefusedExchange<'_>) -> Finding {
    let bridge = case.walk.bridge;
    let foreign = case.claims.and_then(Claims::tenant).filter(|tenant| *tenant != bridge.azure.tenant);
    if let Some(tenant) = foreign {
        return finding.mend(
            format!("the token is of tenant {tenant}, the bridge's is {}: log in there", bridge.azure.tenant),
            format!("az login --tenant {}", bridge.azure.tenant),
        );
    }
    match (case.claims.and_then(Claims::version), case.claims.and_then(Claims::issuer)) {
        (Some(TokenVersion::V2), Some(issuer)) => finding
            .mend("put the provider back to what the bridge declares", "gangplank apply")
            .mend(
                "or set that one field",
                update_provider(bridge, &format!("--issuer-uri='{issuer}'")),
            ),
        (Some(TokenVersion::V1), _) => finding
            .mend("let the application receive version 2 tokens, as the bridge declares", "gangplank apply")
            .mend("or set that one field", request_version_2(bridge))
            .advice("tokens already handed out stay version 1 until they expire; a managed identity keeps its for a day"),
        _ => finding.mend("put both sides back to what the bridge declares", "gangplank apply"),
    }
}

/// Sets `requestedAccessTokenVersion` of our application and nothing else.
fn request_version_2(bridge: &Bridge) -> String {
    let graph = bridge.endpoints.graph.as_deref().unwrap_or("https://graph.microsoft.com");
    let app_id = format!("$(az ad app show --id {} --query appId --output tsv)", bridge.identifier_uri());
    format!(
        "az rest --method PATCH --uri \"{}/v1.0/applications(appId='{app_id}')\" \
         --body '{{\"api\":{{\"requestedAccessTokenVersion\":2}}}}'",
        graph.trim_end_matches('/')
    )
}
