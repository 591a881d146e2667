//! Any text as a token, and any JSON object as the claims of one: each claim reads as a value or as nothing.
#![no_main]

use libfuzzer_sys::fuzz_target;
use trust::Claims;
use trust::token::decode;

fuzz_target!(|text: &str| {
    match decode(text) {
        Ok(token) => read_everything(&token.claims),
        Err(error) => assert!(!error.to_string().is_empty()),
    }
    if let Some(claims) = serde_json::from_str(text).ok().and_then(Claims::from_value) {
        read_everything(&claims);
    }
});

/// Claims are read long after they were decoded; whatever their types, each reads as a value or as nothing.
fn read_everything(claims: &Claims) {
    let _ = (claims.issuer(), claims.audiences(), claims.subject(), claims.tenant(), claims.object_id());
    let _ = (claims.client_id(), claims.roles(), claims.groups(), claims.groups_overflow());
    let _ = (claims.version(), claims.issued_at(), claims.expires_at(), claims.not_before());
    let _ = (claims.token_id(), claims.email());
}
