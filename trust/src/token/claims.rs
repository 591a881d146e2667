//! The claims of a token, by the names Entra, Google and Kubernetes give them. None is a secret.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// The claims of one token.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Claims(Map<String, Value>);

/// The version of an Entra access token. The resource application decides which one is issued, not the endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum TokenVersion {
    /// `ver` is `1.0`, issuer `https://sts.windows.net/TENANT/`.
    #[serde(rename = "1.0")]
    V1,
    /// `ver` is `2.0`, issuer `https://login.microsoftonline.com/TENANT/v2.0`.
    #[serde(rename = "2.0")]
    V2,
}

impl Claims {
    /// Claims as they are.
    pub fn from_map(map: Map<String, Value>) -> Self {
        Self(map)
    }

    /// Claims of a JSON object; nothing else has any.
    pub fn from_value(value: Value) -> Option<Self> {
        match value {
            Value::Object(map) => Some(Self(map)),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => None,
        }
    }

    /// The claims as a JSON object.
    pub fn as_value(&self) -> Value {
        Value::Object(self.0.clone())
    }

    /// The claims as a map, in the token's order.
    pub fn as_map(&self) -> &Map<String, Value> {
        &self.0
    }

    /// Any claim.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name)
    }

    /// A claim that is a text.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name).and_then(Value::as_str)
    }

    /// A claim that is one text or a list of them; other elements are passed over.
    pub fn texts(&self, name: &str) -> Vec<&str> {
        match self.0.get(name) {
            Some(Value::String(one)) => vec![one],
            Some(Value::Array(many)) => many.iter().filter_map(Value::as_str).collect(),
            Some(Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_)) | None => Vec::new(),
        }
    }

    /// Who issued the token: `iss`.
    pub fn issuer(&self) -> Option<&str> {
        self.text("iss")
    }

    /// Whom it is meant for: `aud`, one or several.
    pub fn audiences(&self) -> Vec<&str> {
        self.texts("aud")
    }

    /// Whom it is about: `sub`.
    pub fn subject(&self) -> Option<&str> {
        self.text("sub")
    }

    /// Entra tenant: `tid`.
    pub fn tenant(&self) -> Option<&str> {
        self.text("tid")
    }

    /// Entra object id of the user or service principal: `oid`.
    pub fn object_id(&self) -> Option<&str> {
        self.text("oid")
    }

    /// The application that asked for the token: `azp` (version 2) or `appid` (version 1).
    pub fn client_id(&self) -> Option<&str> {
        self.text("azp").or_else(|| self.text("appid"))
    }

    /// Whether a client shows it for a person: Entra puts delegated permissions, `scp`, into such tokens alone. Their `sub` is
    /// made for the one application and is no object id
    /// (<https://learn.microsoft.com/entra/identity-platform/access-token-claims-reference>).
    pub fn is_delegated(&self) -> bool {
        self.text("scp").is_some()
    }

    /// The person's log-in name: `preferred_username` (version 2) or `upn` (version 1, or where the application asks for it).
    pub fn user_principal_name(&self) -> Option<&str> {
        self.text("preferred_username").or_else(|| self.text("upn"))
    }

    /// App roles: `roles`.
    pub fn roles(&self) -> Vec<&str> {
        self.texts("roles")
    }

    /// Groups, as object ids: `groups`.
    pub fn groups(&self) -> Vec<&str> {
        self.texts("groups")
    }

    /// Are there more groups than fit, so that Entra left them out and points elsewhere?
    pub fn groups_overflow(&self) -> bool {
        let pointed = self.0.get("_claim_names").and_then(|names| names.get("groups")).is_some();
        pointed || self.0.get("hasgroups").and_then(Value::as_bool) == Some(true)
    }

    /// The version an Entra token says it has: `ver`.
    pub fn version(&self) -> Option<TokenVersion> {
        match self.text("ver") {
            Some("1.0") => Some(TokenVersion::V1),
            Some("2.0") => Some(TokenVersion::V2),
            Some(_) | None => None,
        }
    }

    /// When it was issued: `iat`.
    pub fn issued_at(&self) -> Option<Timestamp> {
        self.time("iat")
    }

    /// When it ends: `exp`.
    pub fn expires_at(&self) -> Option<Timestamp> {
        self.time("exp")
    }

    /// When it begins: `nbf`.
    pub fn not_before(&self) -> Option<Timestamp> {
        self.time("nbf")
    }

    /// The token's own id: `uti` (Entra), else `jti`. It finds the sign-in in the audit log.
    pub fn token_id(&self) -> Option<&str> {
        self.text("uti").or_else(|| self.text("jti"))
    }

    /// E-mail address: `email`.
    pub fn email(&self) -> Option<&str> {
        self.text("email")
    }

    /// A claim that counts seconds since 1970; fractions are dropped.
    fn time(&self, name: &str) -> Option<Timestamp> {
        let number = self.0.get(name)?.as_number()?;
        let seconds = number.as_i64().or_else(|| number.as_f64().and_then(whole_seconds))?;
        Timestamp::from_second(seconds).ok()
    }
}

/// The whole seconds of a fractional number, if it can be a time at all.
fn whole_seconds(number: f64) -> Option<i64> {
    // Beyond this lies the year 9999, which no timestamp reaches.
    const FURTHEST: f64 = 253_402_300_800.0;
    #[expect(
        clippy::cast_possible_truncation,
        reason = "bounded by the line before; fractions are meant to go"
    )]
    (number.abs() < FURTHEST).then_some(number as i64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn claims(value: Value) -> Claims {
        Claims::from_value(value).unwrap()
    }

    #[test]
    fn reads_a_version_2_token() {
        let claims = claims(json!({
            "aud": "11111111-2222-3333-4444-555555555555", "iss": "https://login.microsoftonline.com/t/v2.0",
            "iat": 1_700_000_000, "nbf": 1_700_000_000, "exp": 1_700_003_600.7, "azp": "client", "oid": "object",
            "roles": ["A.Deployer", 7], "sub": "object", "tid": "t", "uti": "u", "ver": "2.0", "email": "a@b.example"
        }));
        assert_eq!(claims.issuer(), Some("https://login.microsoftonline.com/t/v2.0"));
        assert_eq!(claims.audiences(), ["11111111-2222-3333-4444-555555555555"]);
        assert_eq!((claims.subject(), claims.object_id()), (Some("object"), Some("object")));
        assert_eq!(
            (claims.tenant(), claims.client_id(), claims.token_id()),
            (Some("t"), Some("client"), Some("u"))
        );
        assert_eq!(claims.roles(), ["A.Deployer"]);
        assert_eq!(claims.version(), Some(TokenVersion::V2));
        assert_eq!(claims.expires_at().map(Timestamp::as_second), Some(1_700_003_600));
        assert_eq!(claims.not_before(), claims.issued_at());
        assert_eq!(claims.email(), Some("a@b.example"));
        assert!(claims.groups().is_empty() && !claims.groups_overflow());
    }

    #[test]
    fn reads_a_version_1_token_and_many_audiences() {
        let claims = claims(
            json!({"aud": ["a", "b"], "appid": "client", "ver": "1.0", "jti": "j", "hasgroups": true}),
        );
        assert_eq!(claims.audiences(), ["a", "b"]);
        assert_eq!((claims.client_id(), claims.token_id()), (Some("client"), Some("j")));
        assert_eq!(claims.version(), Some(TokenVersion::V1));
        assert!(claims.groups_overflow());
    }

    #[test]
    fn tells_people_from_machines() {
        for (token, delegated, name) in [
            (json!({"azp": "c", "oid": "o", "sub": "o", "idtyp": "app"}), false, None),
            (
                json!({"scp": "Cross", "preferred_username": "d@h.example", "sub": "pairwise"}),
                true,
                Some("d@h.example"),
            ),
            (json!({"scp": "user_impersonation", "upn": "d@h.example"}), true, Some("d@h.example")),
        ] {
            let claims = claims(token.clone());
            assert_eq!((claims.is_delegated(), claims.user_principal_name()), (delegated, name), "{token}");
        }
    }

    #[test]
    fn odd_claims_are_absent() {
        let claims =
            claims(json!({"aud": 3, "sub": 4, "iat": "soon", "exp": 1e300, "nbf": -1e300, "ver": "3.0"}));
        assert!(claims.audiences().is_empty());
        assert_eq!((claims.subject(), claims.issued_at(), claims.expires_at()), (None, None, None));
        assert_eq!((claims.not_before(), claims.version()), (None, None));
        assert_eq!(Claims::from_value(json!([1])), None);
    }
}
