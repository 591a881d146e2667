//! Which key of a set a token asks for. A signature is checked by whoever holds the keys; that the key is there, and of the
//! right sort, shows without.

use serde_json::Value as Json;

use super::Refusal;
use crate::token::Header;

/// Signature algorithms that the exchange takes, with the type of key that each needs.
/// <https://cloud.google.com/iam/docs/workload-identity-federation-with-other-providers#oidc>
const ALGORITHMS: [(&str, &str); 2] = [("RS256", "RSA"), ("ES256", "EC")];

/// Refuses a token whose key is not among `keys`, a JSON Web Key Set.
pub(super) fn require_key(keys: &Json, header: &Header) -> Result<String, Refusal> {
    let algorithm = header.alg.as_str();
    let Some((_, kind)) = ALGORITHMS.iter().find(|(known, _)| *known == algorithm) else {
        return Err(Refusal::unusable_keys(format!("the algorithm `{algorithm}`, expected RS256 or ES256")));
    };
    let all = keys.get("keys").and_then(Json::as_array).map(Vec::as_slice).unwrap_or_default();
    let id = header.kid.as_deref();
    let shown = id.unwrap_or("none");
    let named = |key: &&Json| id.is_none() || key.get("kid").and_then(Json::as_str) == id;
    let mut candidates = all.iter().filter(named).peekable();
    if candidates.peek().is_none() {
        let known: Vec<&str> = all.iter().filter_map(|key| key.get("kid").and_then(Json::as_str)).collect();
        return Err(Refusal::unusable_keys(format!("the key `{shown}`, and the set has {}", list(&known))));
    }
    if candidates.any(|key| key.get("kty").and_then(Json::as_str) == Some(kind)) {
        return Ok(format!("key `{shown}`, {algorithm}"));
    }
    Err(Refusal::unusable_keys(format!("the key `{shown}` is not of type {kind}, which {algorithm} needs")))
}

fn list(names: &[&str]) -> String {
    if names.is_empty() {
        return "no key with an id".to_owned();
    }
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

/// What Google says of a key set that is uploaded; nothing if it takes it. RSA keys and P-256 are taken.
pub(super) fn fault_of_upload(text: &str) -> Option<&'static str> {
    const NO_SET: &str = "Input JWK is not in a valid json format";
    const CORRUPTED: &str = "Input jwks contains corrupted key material.";
    let parsed: Option<Json> = serde_json::from_str(text).ok();
    let Some(keys) = parsed.as_ref().and_then(|json| json.get("keys")).and_then(Json::as_array) else {
        return Some(NO_SET);
    };
    let certificate = |key: &Json| ["x5c", "x5t"].iter().any(|member| key.get(member).is_some());
    if !keys.iter().all(|key| key.is_object() && !certificate(key)) {
        return Some(NO_SET);
    }
    (!keys.iter().all(usable)).then_some(CORRUPTED)
}

fn usable(key: &Json) -> bool {
    let member = |name: &str| key.get(name).and_then(Json::as_str).unwrap_or_default();
    let number = |name: &str| {
        let text = member(name);
        !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
    };
    match member("kty") {
        "RSA" => number("n") && number("e"),
        "EC" => member("crv") == "P-256" && number("x") && number("y"),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_token_asks_for_a_key_that_is_there() {
        let keys = json!({"keys": [{"kty": "RSA", "kid": "r1", "n": "AQ", "e": "AQAB"}, {"kty": "RSA", "kid": "r2"}]});
        let table = [
            ("RS256", Some("r1"), Ok("key `r1`, RS256")),
            ("RS256", None, Ok("key `none`, RS256")),
            ("RS256", Some("r3"), Err("the key `r3`, and the set has `r1`, `r2`")),
            ("ES256", Some("r1"), Err("the key `r1` is not of type EC, which ES256 needs")),
            ("HS256", Some("r1"), Err("the algorithm `HS256`, expected RS256 or ES256")),
            ("none", None, Err("the algorithm `none`, expected RS256 or ES256")),
        ];
        for (alg, kid, expected) in table {
            let header = Header { alg: alg.to_owned(), kid: kid.map(str::to_owned), typ: None };
            let outcome = require_key(&keys, &header);
            let found = outcome.as_deref().map_err(|refusal| refusal.found.as_str());
            assert_eq!(found, expected, "{alg} {kid:?}");
            if let Err(refusal) = &outcome {
                assert_eq!(refusal.description, "Error connecting to the given credential's issuer.");
            }
        }
        let empty = Header { alg: "RS256".to_owned(), kid: Some("k".to_owned()), typ: None };
        let refusal = require_key(&json!({}), &empty).unwrap_err();
        assert_eq!(refusal.found, "the key `k`, and the set has no key with an id");
    }

    #[test]
    fn a_bad_key_set_is_refused_on_upload() {
        let table = [
            (json!({"keys": [{"kty": "RSA", "n": "AQ", "e": "AQAB"}]}), None),
            (json!({"keys": [{"kty": "EC", "crv": "P-256", "x": "AQ", "y": "AQ"}]}), None),
            (json!({"keys": []}), None),
            (
                json!({"keys": [{"kty": "EC", "crv": "P-384", "x": "AQ", "y": "AQ"}]}),
                Some("Input jwks contains corrupted key material."),
            ),
            (
                json!({"keys": [{"kty": "OKP", "crv": "Ed25519", "x": "AQ"}]}),
                Some("Input jwks contains corrupted key material."),
            ),
            (
                json!({"keys": [{"kty": "RSA", "n": "A+/=", "e": "AQAB"}]}),
                Some("Input jwks contains corrupted key material."),
            ),
            (
                json!({"keys": [{"kty": "RSA", "n": "AQ", "e": "AQAB", "x5t": "t"}]}),
                Some("Input JWK is not in a valid json format"),
            ),
            (json!([]), Some("Input JWK is not in a valid json format")),
        ];
        for (keys, expected) in table {
            assert_eq!(fault_of_upload(&keys.to_string()), expected, "{keys}");
        }
    }
}
