//! What an identity endpoint's "no" means: an identity that the machine does not have, Entra's own refusal passed on, or
//! another.

use super::super::SourceError;
use super::super::issuer::{Explanation, Issuer};
use super::super::refusal::{ENTRA, code_in, without_trace};
use crate::answer::Answer;

/// What tells of an identity that is not there, in the words of the instance metadata endpoint ("Identity not found"), of
/// several where none was named ("Multiple user assigned identities exist"), of App Service ("No User Assigned or Delegated Managed Identity found for specified ClientId") and of the codes of both.
const ABSENT: [&str; 4] = [
    "identity not found",
    "identity_not_found",
    "managed identity found",
    "multiple user assigned identities exist",
];

const OTHER: &str = "correct `AZURE_CLIENT_ID`, or assign that identity to the machine";
const OWN: &str = "set `AZURE_CLIENT_ID` to the client id of an identity that is assigned to the machine, \
                   or give the machine one of its own";

pub(super) fn typed(issuer: &Issuer, client_id: Option<&str>, answer: &Answer) -> SourceError {
    let Explanation { code, message } = Explanation::of(answer);
    let said = message.clone().or(code.clone()).unwrap_or_default();
    // Entra's refusals come through with their own words.
    if let Some(code) = code_in(&said) {
        return SourceError::Refused {
            service: ENTRA,
            who: issuer.who.clone(),
            status: answer.status,
            code: Some(code),
            message: without_trace(&said),
            retry_after: answer.retry_after,
        };
    }
    let all = format!("{} {}", code.unwrap_or_default(), said).to_lowercase();
    if answer.status == 400 && ABSENT.iter().any(|sign| all.contains(sign)) {
        return SourceError::NoSuchIdentity {
            service: issuer.service,
            client_id: client_id.map(str::to_owned),
            message: said,
            advice: if client_id.is_some() { OTHER } else { OWN },
        };
    }
    issuer.refused(answer)
}
