//! Google has no key that vouches for the token: the issuer's keys cannot be read, none of them has the token's id, or
//! somebody uploaded other keys to the provider.

use super::Thing;
use super::evidence::unseen;
use super::exchange::RefusedExchange;
use crate::finding::{Confidence, Finding, cause};

const WORDS: [&str; 2] =
    ["Error connecting to the given credential's issuer", "Unable to verify the ID Token signature"];

pub(super) fn check(case: &RefusedExchange<'_>) -> Option<Finding> {
    let error = case.error.filter(|error| WORDS.iter().any(|words| error.message.contains(words)))?;
    let provider = case.evidence.provider.as_ref();
    let seen = provider.and_then(|it| it.seen());
    let finding = Finding::new(
        "google/issuer-keys-unusable",
        cause::KEYS,
        format!("Google finds no key that vouches for the token at provider {}", case.chain.provider()),
    )
    .expected(
        "the keys that the issuer publishes",
        if case.chain.way().is_some() {
            "the bridge declares none of its own"
        } else {
            "the issuer's discovery document"
        },
    );
    let said = case.evidence.place(Thing::Refusal, "", "Google STS");
    let Some(seen) = seen else {
        return Some(finding.confidence(Confidence::Likely).found(&error.message, said).advice(unseen(
            "the provider",
            provider,
            "roles/iam.workloadIdentityPoolViewer",
        )));
    };
    if seen.oidc.as_ref().is_some_and(|oidc| oidc.jwks_json.is_some()) {
        let finding = finding.found("keys that were uploaded", case.setting("oidc.jwksJson"));
        return Some(
            case.chain
                .put_back(finding, "take the uploaded keys away, as the bridge declares")
                .advice("whoever uploaded keys can make tokens for every caller of this provider: find out who did, and why"),
        );
    }
    Some(
        finding
            .confidence(Confidence::Likely)
            .found(&error.message, said)
            .advice(format!(
                "Google must be able to read `{}/.well-known/openid-configuration` and the keys it names, over the Internet",
                seen.issuer()
            ))
            .mend(
                "if only Google cannot reach the issuer, upload its keys, and again after each rotation",
                case.chain.update_provider("--jwk-json-path=keys.json"),
            ),
    )
}
