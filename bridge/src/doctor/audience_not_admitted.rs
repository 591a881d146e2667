//! The provider does not admit the token's audience.

use trust::first_party;
use trust::provider::Stage;

use super::evidence::unseen;
use super::hop_failed::update_provider;
use super::hops::RefusedExchange;
use crate::finding::{Confidence, Finding, cause};

pub(super) fn check(case: &RefusedExchange<'_>) -> Option<Finding> {
    let seen = case.predicted.as_ref().filter(|it| it.stage == Stage::Audience);
    let said = case.predicted.is_none()
        && case.error.is_some_and(|error| {
            error.message.contains("The audience in ID Token")
                || error.message.contains("The audience in JWT")
        });
    if seen.is_none() && !said {
        return None;
    }
    let federation = &case.walk.bridge.federation;
    let audiences = case.claims.map(|claims| claims.audiences().join(", "));
    let audience = audiences.clone().unwrap_or_else(|| "not seen".to_owned());
    let finding = Finding::new(
        "google/audience-not-admitted",
        cause::AUDIENCE_MISMATCH,
        format!("provider `{}` does not admit the token's audience `{audience}`", federation.provider),
    )
    .found(audience, "claim `aud` of the Entra token");
    let finding = match seen {
        Some(refusal) => finding.expected(&refusal.expected, "provider, `oidc.allowedAudiences`"),
        None => finding.confidence(Confidence::Likely).advice(unseen(
            "the provider",
            case.evidence.provider.as_ref(),
            "roles/iam.workloadIdentityPoolViewer",
        )),
    };
    Some(mend(finding, case, audiences.as_deref()))
}

fn mend(finding: Finding, case: &RefusedExchange<'_>, audience: Option<&str>) -> Finding {
    match audience {
        Some(audience) if first_party::find(audience).is_some() => finding.mend(
            "ask for a token for our own application; never admit the audience of one of Microsoft's services",
            format!("az account get-access-token --scope {}/.default", case.walk.bridge.identifier_uri()),
        ),
        Some(audience) => finding
            .mend("put the provider back to what the bridge declares", "gangplank apply")
            .mend(
                "or set that one field: admit this audience and no other",
                update_provider(case.walk.bridge, &format!("--allowed-audiences='{audience}'")),
            ),
        None => finding.mend("put the provider back to what the bridge declares", "gangplank apply"),
    }
}
