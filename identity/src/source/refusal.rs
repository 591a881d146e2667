//! What the Azure SDK's token errors mean: its texts are taken apart once, here.

use std::sync::Arc;

use async_trait::async_trait;
use azure_core::credentials::{AccessToken, TokenCredential, TokenRequestOptions};
use azure_core::error::{Error, ErrorKind};

use super::{SourceError, SourceKind, source_error};
use crate::answer::words;
use crate::http::with_causes;

/// What the service is called that most log-ins ask.
pub(super) const ENTRA: &str = "Entra ID";

/// Refusals that another log-in of the same person does not mend, whatever the CLI advises: nobody consented to the CLI, it does not
/// call that resource, the person is not assigned to it, it is not there.
/// <https://learn.microsoft.com/entra/identity-platform/reference-error-codes>
const NO_LOG_IN_MENDS: [&str; 4] = ["AADSTS65001", "AADSTS650057", "AADSTS50105", "AADSTS500011"];

/// A credential whose errors hold a [`SourceError`].
pub(super) struct Typed {
    inner: Arc<dyn TokenCredential>,
    kind: SourceKind,
    authority: String,
    tenant: String,
}

impl Typed {
    pub(super) fn new(
        inner: Arc<dyn TokenCredential>,
        kind: SourceKind,
        authority: &str,
        tenant: &str,
    ) -> Self {
        Self { inner, kind, authority: authority.to_owned(), tenant: tenant.to_owned() }
    }

    fn typed(&self, error: &Error) -> SourceError {
        // The token for Entra came from a source of ours, which has said already what is wrong.
        if let Some(said) = source_error(error) {
            return said.clone();
        }
        if let Some((status, code, text)) = http_refusal(error) {
            let (who, message) = (self.kind.to_string(), without_trace(&text));
            let code = code.or_else(|| code_in(&message));
            let (service, retry_after) = (ENTRA, None);
            return SourceError::Refused { service, who, status, code, message, retry_after };
        }
        if self.kind == SourceKind::AzureCli {
            return self.of_the_cli(cli_words(error));
        }
        match root(error).kind() {
            ErrorKind::DataConversion => {
                SourceError::Malformed { service: ENTRA, problem: "the answer is no token".to_owned() }
            }
            ErrorKind::Connection | ErrorKind::Io => SourceError::Unreachable {
                service: ENTRA,
                address: self.authority.clone(),
                problem: words(&with_causes(root(error))),
            },
            _ => SourceError::Setup { problem: words(&with_causes(root(error))) },
        }
    }

    /// What the CLI says: mostly that somebody has to log in, but it passes Entra's refusals on as well.
    fn of_the_cli(&self, message: String) -> SourceError {
        let code = code_in(&message).filter(|code| NO_LOG_IN_MENDS.contains(&code.as_str()));
        if code.is_none() {
            return SourceError::AzureCli { tenant: self.tenant.clone(), message };
        }
        SourceError::Refused {
            service: ENTRA,
            who: self.kind.to_string(),
            status: 400,
            code,
            message: without_trace(&message),
            retry_after: None,
        }
    }
}

impl std::fmt::Debug for Typed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Typed").field("kind", &self.kind).finish_non_exhaustive()
    }
}

#[async_trait]
impl TokenCredential for Typed {
    async fn get_token(
        &self,
        scopes: &[&str],
        options: Option<TokenRequestOptions<'_>>,
    ) -> azure_core::Result<AccessToken> {
        self.inner.get_token(scopes, options).await.map_err(|error| {
            let typed = self.typed(&error);
            let message = typed.to_string();
            // The SDK's own error is dropped here: it holds the raw answer of a token endpoint.
            Error::with_error(ErrorKind::Credential, typed, message)
        })
    }
}

/// The innermost of the SDK's own errors: the outer ones repeat its text.
fn root(error: &Error) -> &Error {
    let mut error = error;
    while let Some(inner) = error.downcast_ref::<Error>() {
        error = inner;
    }
    error
}

fn http_refusal(error: &Error) -> Option<(u16, Option<String>, String)> {
    let root = root(error);
    let ErrorKind::HttpResponse { status, error_code, .. } = root.kind() else { return None };
    let first = error_code.as_deref().and_then(|codes| codes.split(',').next());
    let code = first.filter(|code| code.bytes().all(|byte| byte.is_ascii_digit()));
    Some((u16::from(*status), code.map(|code| format!("AADSTS{code}")), root.to_string()))
}

/// The code that Entra's texts begin with.
pub(super) fn code_in(text: &str) -> Option<String> {
    let (_, rest) = text.split_once("AADSTS")?;
    let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
    (!digits.is_empty()).then(|| format!("AADSTS{digits}"))
}

/// Entra's words without the trace and correlation ids at their end.
pub(super) fn without_trace(text: &str) -> String {
    let line = words(text);
    match line.split_once(" Trace ID:") {
        Some((message, _)) => message.to_owned(),
        None => line,
    }
}

/// What the CLI wrote to stderr, without the SDK's frame around it.
fn cli_words(error: &Error) -> String {
    let text = words(&with_causes(root(error)));
    text.strip_prefix("ERROR: ").unwrap_or(&text).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_code_is_found_in_the_text() {
        let text =
            "AADSTS700212: No matching federated identity record found for presented assertion audience 'x'.";
        assert_eq!(code_in(text).as_deref(), Some("AADSTS700212"));
        assert_eq!(code_in("something else"), None);
        assert_eq!(code_in("AADSTS"), None);
    }

    #[test]
    fn trace_ids_are_cut_off() {
        let text =
            "AADSTS7000215: Invalid client secret provided. Trace ID: 1 Correlation ID: 2 Timestamp: 3";
        assert_eq!(without_trace(text), "AADSTS7000215: Invalid client secret provided.");
    }
}
