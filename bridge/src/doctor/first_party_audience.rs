//! The provider admits the audience of one of Microsoft's own services: every program of the tenant that holds a token for
//! that service could present it here, and only the condition is left to stop it.

use trust::first_party;
use trust::token::Claims;

use super::exchange::RefusedExchange;
use super::hop_failed::update_provider;
use super::{Evidence, Sight, Way};
use crate::finding::{Finding, cause};

/// Of a refused exchange: looked at first, since it is worse than the refusal.
pub(super) fn check(case: &RefusedExchange<'_>) -> Option<Finding> {
    admitted(case.chain.way()?, case.evidence)
}

/// By the provider's configuration, where it was seen.
pub(super) fn admitted(way: &Way<'_>, evidence: &Evidence) -> Option<Finding> {
    let provider = evidence.provider.as_ref()?.seen()?;
    let audiences = &provider.oidc.as_ref()?.allowed_audiences;
    let audience = audiences.iter().find(|audience| first_party::find(audience).is_some())?;
    Some(finding(way, evidence, audience, "provider, `oidc.allowedAudiences`"))
}

/// By a token that went through although it was made for one of Microsoft's services.
pub(super) fn passed(way: &Way<'_>, evidence: &Evidence) -> Option<Finding> {
    let claims = evidence.entra_token.as_ref().and_then(Sight::seen)?;
    let audience = Claims::audiences(claims).into_iter().find(|it| first_party::find(it).is_some())?;
    Some(finding(way, evidence, audience, "claim `aud` of the Entra token that was let through"))
}

fn finding(way: &Way<'_>, evidence: &Evidence, audience: &str, origin: &str) -> Finding {
    let service = first_party::find(audience).map_or("a service", |service| service.name);
    let claims = evidence.entra_token.as_ref().and_then(Sight::seen);
    let shown = claims.map(Claims::audiences).unwrap_or_default();
    let own = match shown.into_iter().find(|own| first_party::find(own).is_none()) {
        Some(own) => format!("'{own}'"),
        None => {
            format!("\"$(az ad app show --id {} --query appId --output tsv)\"", way.bridge.identifier_uri())
        }
    };
    Finding::new(
        "google/first-party-audience",
        cause::AUDIENCE_MISMATCH,
        format!(
            "provider `{}` admits tokens made for {service}, which any program of the tenant can get",
            way.bridge.federation.provider
        ),
    )
    .expected("the client id of our own application, and nothing else", "the bridge")
    .found(audience, origin)
    .mend("put the provider back to what the bridge declares", "gangplank apply")
    .mend("or set that one field", update_provider(way.bridge, &format!("--allowed-audiences={own}")))
}
