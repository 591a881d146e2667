//! The form of a token request.

use super::refusal::Refusal;
use crate::azure::wire::Pairs;

/// The assertion type of a JSON web token.
const JWT_BEARER: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// A well-formed request for an app-only token.
pub(crate) struct TokenRequest {
    /// Who asks.
    pub(crate) client_id: String,
    /// For which resource, as the caller named it.
    pub(crate) resource: String,
    /// How the caller proves who it is.
    pub(crate) credential: Credential,
}

/// What a client proves itself with.
pub(crate) enum Credential {
    /// A secret of the application.
    Secret(String),
    /// A token of an outside issuer.
    Assertion(String),
}

impl TokenRequest {
    pub(crate) fn read(body: &[u8]) -> Result<Self, Refusal> {
        let form = Pairs::parse(body);
        let required = |name| {
            form.get(name).filter(|value| !value.is_empty()).ok_or_else(|| Refusal::missing_parameter(name))
        };
        let grant = required("grant_type")?;
        if grant != "client_credentials" {
            return Err(Refusal::unsupported_grant(grant));
        }
        let client_id = required("client_id")?.to_owned();
        let resource = match form.get("resource") {
            Some(resource) => resource.to_owned(),
            None => resource_of(required("scope")?)?,
        };
        Ok(Self { client_id, resource, credential: credential(&form)? })
    }
}

/// The one resource that a scope text asks for.
fn resource_of(scope: &str) -> Result<String, Refusal> {
    let scopes: Vec<&str> = scope.split_whitespace().collect();
    match scopes.as_slice() {
        [one] => one.strip_suffix("/.default").map(str::to_owned).ok_or_else(|| Refusal::scope(scope)),
        _ => Err(Refusal::scope(scope)),
    }
}

fn credential(form: &Pairs) -> Result<Credential, Refusal> {
    if let Some(secret) = form.get("client_secret") {
        return Ok(Credential::Secret(secret.to_owned()));
    }
    let assertion = form.get("client_assertion").ok_or_else(Refusal::no_credential)?;
    match form.get("client_assertion_type") {
        Some(JWT_BEARER) => Ok(Credential::Assertion(assertion.to_owned())),
        Some(_) => Err(Refusal::malformed_assertion()),
        None => Err(Refusal::missing_parameter("client_assertion_type")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(form: &str) -> String {
        TokenRequest::read(form.as_bytes()).err().map(|refusal| format!("{refusal:?}")).unwrap_or_default()
    }

    #[test]
    fn reads_a_scope() {
        let form =
            "grant_type=client_credentials&client_id=c&client_secret=s&scope=https%3A%2F%2Fx%2F%2F.default";
        assert_eq!(TokenRequest::read(form.as_bytes()).ok().unwrap().resource, "https://x/");
    }

    #[test]
    fn names_what_is_wrong() {
        let cases = [
            ("", "900144"),
            ("grant_type=password", "70003"),
            ("grant_type=client_credentials", "client_id"),
            ("grant_type=client_credentials&client_id=c", "scope"),
            ("grant_type=client_credentials&client_id=c&scope=x", "1002012"),
            ("grant_type=client_credentials&client_id=c&scope=a/.default b/.default", "1002012"),
            ("grant_type=client_credentials&client_id=c&scope=a/.default", "7000218"),
            (
                "grant_type=client_credentials&client_id=c&scope=a/.default&client_assertion=x",
                "client_assertion_type",
            ),
        ];
        for (form, expected) in cases {
            assert!(refused(form).contains(expected), "{form}: {}", refused(form));
        }
    }
}
