//! The claims of a token that are no secret, read without checking the signature: whoever receives the token does that.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde::Serialize;
use serde_json::{Map, Value};

/// What may be shown of a token: what trust is decided by. Names of people and anything unknown are left out.
const SHOWN: [&str; 24] = [
    "iss",
    "aud",
    "sub",
    "oid",
    "tid",
    "ver",
    "azp",
    "azpacr",
    "appid",
    "appidacr",
    "idp",
    "idtyp",
    "roles",
    "scp",
    "groups",
    "hasgroups",
    "_claim_names",
    "wids",
    "iat",
    "nbf",
    "exp",
    "uti",
    "jti",
    "xms_mirid",
];

/// Claims of a token.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(transparent)]
pub struct Claims(Map<String, Value>);

impl Claims {
    /// Reads the claims of a JWT; `None` if it is none.
    pub(crate) fn of(token: &str) -> Option<Self> {
        let mut parts = token.split('.');
        let (_, payload, _, None) = (parts.next()?, parts.next()?, parts.next()?, parts.next()) else {
            return None;
        };
        let payload = BASE64_URL_SAFE_NO_PAD.decode(payload.trim_end_matches('=')).ok()?;
        let all: Map<String, Value> = serde_json::from_slice(&payload).ok()?;
        Some(Self(all.into_iter().filter(|(name, _)| SHOWN.contains(&name.as_str())).collect()))
    }

    /// A claim that is a text.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name).and_then(Value::as_str)
    }

    /// All of them, as a JSON object.
    pub fn to_json(&self) -> Value {
        Value::Object(self.0.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn jwt(payload: &Value) -> String {
        format!("eyJhbGciOiJSUzI1NiJ9.{}.c2lnbmF0dXJl", BASE64_URL_SAFE_NO_PAD.encode(payload.to_string()))
    }

    #[test]
    fn shows_what_trust_is_about_and_nothing_else() {
        let token = jwt(&json!({"iss": "i", "aud": "a", "roles": ["R"], "name": "Ada", "secret_thing": "x"}));
        let claims = Claims::of(&token).unwrap();
        assert_eq!(claims.to_json(), json!({"iss": "i", "aud": "a", "roles": ["R"]}));
    }

    #[test]
    fn what_is_no_jwt_has_no_claims() {
        for text in ["", "a.b", "a.b.c.d", "opaque", "a.!!.c", "a.bm90IGpzb24.c"] {
            assert_eq!(Claims::of(text), None, "{text}");
        }
    }
}
