//! The key that signed the token is not among the issuer's keys, or does not fit.

use serde_json::Value;

use super::super::case::Case;
use crate::doctor::Chain;
use crate::exhibit::Kind;
use crate::finding::{Finding, cause};

/// The keys that were seen, with their place.
struct Keys {
    all: Vec<Value>,
    origin: String,
    uploaded: bool,
}

/// By the keys and the token's header, which a live walk sees neither of; what the words say is the walk's to judge.
pub(super) fn google(case: &Case<'_>) -> Option<Finding> {
    let said = case.says(&[
        "error connecting to the given credential's issuer",
        "unable to verify the id token signature",
    ]);
    let keys = keys(case).filter(|keys| said || keys.uploaded)?;
    let finding = not_among(case, &keys)?;
    if case.provider().is_none() || !keys.uploaded {
        return Some(finding.advice("let the issuer publish this key, and Google fetches it; or present a token signed with a published one"));
    }
    Some(finding.mend(
        "upload the issuer's current keys; it counts within seconds",
        Chain::from(case.shown()).update_provider("--jwk-json-path=KEYS.json"),
    ))
}

/// The same for Entra.
pub(super) fn entra(case: &Case<'_>) -> Option<Finding> {
    let said = case.says(&[
        "aadsts7000272",
        "aadsts7000274",
        "aadsts50166",
        "aadsts90061",
        "signature validation failed",
    ]);
    if !said {
        return None;
    }
    let finding = not_among(case, &keys(case)?)?;
    Some(Finding {
        code: "azure/issuer-keys-unusable",
        page: "docs/findings/azure/issuer-keys-unusable.md".to_owned(),
        ..finding
    })
}

fn keys(case: &Case<'_>) -> Option<Keys> {
    let uploaded = case.provider().and_then(|seen| {
        let text = seen.provider.oidc.as_ref()?.jwks_json.clone()?;
        let value: Value = serde_json::from_str(&text).ok()?;
        let all = value.get("keys")?.as_array()?.clone();
        Some(Keys { all, origin: seen.exhibit.origin("/oidc/jwksJson"), uploaded: true })
    });
    uploaded.or_else(|| {
        let it = case.of(Kind::Keys).next()?;
        Some(Keys { all: it.list("/keys").to_vec(), origin: it.origin("/keys"), uploaded: false })
    })
}

fn not_among(case: &Case<'_>, keys: &Keys) -> Option<Finding> {
    let tokens = case.tokens();
    let token = tokens.iter().find(|it| it.exhibit.text("/header/alg").is_some())?;
    let kid = token.exhibit.text("/header/kid").unwrap_or("none");
    let alg = token.exhibit.text("/header/alg").unwrap_or("none");
    let known: Vec<&str> = keys.all.iter().filter_map(|key| key.get("kid")?.as_str()).collect();
    let types: Vec<&str> = keys.all.iter().filter_map(|key| key.get("kty")?.as_str()).collect();
    let wanted = if alg.starts_with("ES") { "EC" } else { "RSA" };
    if !known.contains(&kid) {
        let finding = base("the key that signed the token is not among the issuer's")
            .expected(format!("a key of {}", known.join(", ")), &keys.origin)
            .found(kid, token.exhibit.origin("/header/kid"));
        return Some(finding);
    }
    if !types.contains(&wanted) {
        let finding = base("the token is signed with another sort of key than the issuer's")
            .expected(format!("a token signed with a key of type {}", types.join(", ")), &keys.origin)
            .found(alg, token.exhibit.origin("/header/alg"));
        return Some(finding);
    }
    None
}

fn base(summary: &str) -> Finding {
    Finding::new("google/issuer-keys-unusable", cause::KEYS, summary)
}
