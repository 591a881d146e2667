//! Why there is no first token.

use std::time::Duration;

use super::name::{PassedOver, SourceName};

/// Why there is no first token.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SourceError {
    /// Nothing to log in with.
    #[error("no log-in for Entra ID found:\n{}\n{advice}", listed(passed_over))]
    NothingFound {
        /// What was looked at.
        passed_over: Vec<PassedOver>,
        /// What to set or run.
        advice: &'static str,
    },
    /// The log-in that was asked for by name is not there.
    #[error("the log-in `{name}` was asked for, but is not here: {reason}")]
    NotHere {
        /// Its name.
        name: SourceName,
        /// What is missing.
        reason: String,
    },
    /// A variable is missing that another one needs.
    #[error("`{present}` is set but `{missing}` is not; set both, or neither")]
    Incomplete {
        /// The variable that is set.
        present: &'static str,
        /// The variable that is not.
        missing: &'static str,
    },
    /// Logged in elsewhere.
    #[error("`{variable}` is `{found}`, but the bridge's tenant is `{wanted}`")]
    OtherTenant {
        /// The variable.
        variable: &'static str,
        /// Its value.
        found: String,
        /// The bridge's.
        wanted: String,
    },
    /// The token file cannot be used.
    #[error("`AZURE_FEDERATED_TOKEN_FILE` names `{file}`, {problem}")]
    TokenFile {
        /// The file.
        file: String,
        /// What is wrong with it.
        problem: String,
    },
    /// The certificate file cannot be used.
    #[error("`AZURE_CLIENT_CERTIFICATE_PATH` names `{file}`, {problem}")]
    Certificate {
        /// The file.
        file: String,
        /// What is wrong with it.
        problem: String,
    },
    /// The machine does not have the managed identity that was asked for.
    #[error("{service} has no {}: {message}; {advice}", wanted_identity(client_id.as_deref()))]
    NoSuchIdentity {
        /// Who was asked.
        service: &'static str,
        /// The client id that was asked for; none: the machine's own identity.
        client_id: Option<String>,
        /// The service's own words.
        message: String,
        /// What to do.
        advice: &'static str,
    },
    /// The Azure CLI has no token for us.
    #[error(
        "the Azure CLI gives no token: {message}; run `az login --tenant {tenant}`, \
         or name another log-in with `--as`"
    )]
    AzureCli {
        /// The bridge's tenant.
        tenant: String,
        /// The CLI's own words.
        message: String,
    },
    /// Entra, or the service that gives the token for Entra, said no.
    #[error("{service} refused {who}: {message}")]
    Refused {
        /// Who was asked.
        service: &'static str,
        /// The log-in.
        who: String,
        /// HTTP status.
        status: u16,
        /// `AADSTS700212`, …
        code: Option<String>,
        /// The service's own words.
        message: String,
        /// How long it asked us to wait.
        retry_after: Option<Duration>,
    },
    /// The answer is not what the service documents.
    #[error("{service} gave an answer we cannot use: {problem}")]
    Malformed {
        /// Who was asked.
        service: &'static str,
        /// What is wrong with it.
        problem: String,
    },
    /// No answer.
    #[error("cannot reach {service} at `{address}`: {problem}")]
    Unreachable {
        /// Who was asked.
        service: &'static str,
        /// Where.
        address: String,
        /// The network's words.
        problem: String,
    },
    /// A setting that no request can be made with.
    #[error("cannot log in to Entra ID: {problem}")]
    Setup {
        /// What is wrong.
        problem: String,
    },
}

impl SourceError {
    /// Who failed to answer well; Entra where nobody was asked.
    pub fn service(&self) -> &'static str {
        match self {
            Self::Refused { service, .. }
            | Self::NoSuchIdentity { service, .. }
            | Self::Malformed { service, .. }
            | Self::Unreachable { service, .. } => service,
            _ => super::refusal::ENTRA,
        }
    }

    /// The HTTP status of the answer, where there was one.
    pub fn status(&self) -> Option<u16> {
        match self {
            Self::Refused { status, .. } => Some(*status),
            Self::NoSuchIdentity { .. } => Some(400),
            _ => None,
        }
    }
}

fn listed(passed_over: &[PassedOver]) -> String {
    passed_over.iter().map(|passed| format!("  {passed}")).collect::<Vec<_>>().join("\n")
}

fn wanted_identity(client_id: Option<&str>) -> String {
    match client_id {
        Some(client_id) => format!("managed identity with the client id `{client_id}`"),
        None => "managed identity of its own".to_owned(),
    }
}

/// The typed error inside an error of [`super::EntraSource::credential`], however deep an Azure SDK wrapped it.
pub fn source_error<'a>(error: &'a (dyn std::error::Error + 'static)) -> Option<&'a SourceError> {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if let Some(found) = error.downcast_ref::<SourceError>() {
            return Some(found);
        }
        cause = error.source();
    }
    None
}
