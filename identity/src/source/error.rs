//! Why there is no first token.

/// Why there is no first token.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SourceError {
    /// Nothing to log in with.
    #[error("no log-in for Entra ID found: looked for {looked_at}; {advice}")]
    NothingFound {
        /// The variables and commands that were looked at.
        looked_at: String,
        /// What to set or run.
        advice: &'static str,
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
    #[error("`AZURE_TENANT_ID` is `{found}`, but the bridge's tenant is `{wanted}`")]
    OtherTenant {
        /// The variable's value.
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
    /// The Azure CLI has no token for us.
    #[error("the Azure CLI gives no token: {message}; run `az login --tenant {tenant}`")]
    AzureCli {
        /// The bridge's tenant.
        tenant: String,
        /// The CLI's own words.
        message: String,
    },
    /// Entra said no.
    #[error("Entra ID refused {who}: {message}")]
    Refused {
        /// The log-in.
        who: String,
        /// HTTP status.
        status: u16,
        /// `AADSTS700212`, …
        code: Option<String>,
        /// Entra's own words.
        message: String,
    },
    /// The answer is not what Entra documents.
    #[error("Entra ID gave an answer we cannot use: {problem}")]
    Malformed {
        /// What is wrong with it.
        problem: String,
    },
    /// No answer.
    #[error("cannot reach Entra ID at `{authority}`: {problem}")]
    Unreachable {
        /// The authority host.
        authority: String,
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
    /// The HTTP status of the answer, where there was one.
    pub fn status(&self) -> Option<u16> {
        match self {
            Self::Refused { status, .. } => Some(*status),
            _ => None,
        }
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
