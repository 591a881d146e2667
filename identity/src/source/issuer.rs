//! Services that hand out first tokens over HTTP: asked with patience, their refusals reduced to the fields they document.

use reqwest::RequestBuilder;
use serde_json::Value;
use url::Url;

use super::SourceError;
use crate::answer::{Answer, Patience, ask_patiently, words};
use crate::secret::Secret;

/// A service that hands out tokens.
#[derive(Debug, Clone)]
pub(super) struct Issuer {
    /// What its users call it.
    pub(super) service: &'static str,
    /// The log-in that asks.
    pub(super) who: String,
    /// Where it is.
    pub(super) address: Url,
    /// What it is asked with.
    pub(super) http: reqwest::Client,
}

impl Issuer {
    /// Asks, and gives any answer.
    pub(super) async fn ask(
        &self,
        patience: Patience,
        request: impl Fn() -> RequestBuilder,
    ) -> Result<Answer, SourceError> {
        ask_patiently(patience, request).await.map_err(|problem| self.unreachable(problem))
    }

    /// The token in a field of a successful answer.
    pub(super) fn token_in(&self, answer: &Answer, field: &str) -> Result<Secret, SourceError> {
        let body = self.body_of(answer)?;
        let token = body.get(field).and_then(Value::as_str);
        let token = token.ok_or_else(|| self.malformed(&format!("no `{field}` in it")))?;
        self.token(token)
    }

    /// The JSON of a successful answer.
    pub(super) fn body_of<'a>(&self, answer: &'a Answer) -> Result<&'a Value, SourceError> {
        if !answer.is_success() {
            return Err(self.refused(answer));
        }
        answer.body.as_ref().map_err(|problem| self.malformed(problem))
    }

    /// A text as a token.
    pub(super) fn token(&self, text: &str) -> Result<Secret, SourceError> {
        Secret::token(text.to_owned()).map_err(|problem| self.malformed(&problem.to_string()))
    }

    /// An answer that is a no.
    pub(super) fn refused(&self, answer: &Answer) -> SourceError {
        let Explanation { code, message } = Explanation::of(answer);
        let message = message.unwrap_or_else(|| match &code {
            Some(code) => format!("{code} (HTTP status {})", answer.status),
            None => format!("HTTP status {}, without an explanation", answer.status),
        });
        let (service, who) = (self.service, self.who.clone());
        let (status, retry_after) = (answer.status, answer.retry_after);
        SourceError::Refused { service, who, status, code, message, retry_after }
    }

    /// An answer that cannot be used.
    pub(super) fn malformed(&self, problem: &str) -> SourceError {
        SourceError::Malformed { service: self.service, problem: problem.to_owned() }
    }

    /// No answer.
    pub(super) fn unreachable(&self, problem: String) -> SourceError {
        let mut address = self.address.clone();
        address.set_query(None);
        SourceError::Unreachable { service: self.service, address: address.into(), problem }
    }
}

/// What a service says about its refusal. Entra and the instance metadata endpoint write `error` and
/// `error_description`, App Service and Google `error.code` and `error.message`, GitHub `message`, Azure DevOps `typeKey`
/// and `message`. Nothing else of an answer gets into an error.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Explanation {
    pub(super) code: Option<String>,
    pub(super) message: Option<String>,
}

impl Explanation {
    pub(super) fn of(answer: &Answer) -> Self {
        answer.body.as_ref().map(Self::in_body).unwrap_or_default()
    }

    fn in_body(body: &Value) -> Self {
        let text = |pointer: &str| {
            let text = body.pointer(pointer)?.as_str().map(words)?;
            (!text.is_empty()).then_some(text)
        };
        Self {
            code: text("/error").or_else(|| text("/error/code")).or_else(|| text("/typeKey")),
            message: text("/error_description")
                .or_else(|| text("/error/message"))
                .or_else(|| text("/message")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn each_services_explanation_is_found() {
        let table = [
            (
                json!({"error": "invalid_request", "error_description": "Identity\nnot found"}),
                Some("invalid_request"),
                Some("Identity not found"),
            ),
            (json!({"error": {"code": "Forbidden", "message": "no"}}), Some("Forbidden"), Some("no")),
            (json!({"message": "Bad credentials", "documentation_url": "x"}), None, Some("Bad credentials")),
            (
                json!({"typeKey": "EndpointNotFoundException", "message": "gone"}),
                Some("EndpointNotFoundException"),
                Some("gone"),
            ),
            (json!({"value": "a-token"}), None, None),
            (json!("a-token"), None, None),
        ];
        for (body, code, message) in table {
            let found = Explanation::in_body(&body);
            assert_eq!((found.code.as_deref(), found.message.as_deref()), (code, message), "{body}");
        }
    }
}
