//! What the sources are called on the command line, and the order they are tried in.

use std::fmt;
use std::str::FromStr;

use serde::Serialize;

/// Where a first token can come from. The names are those of `--as`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum SourceName {
    /// A file with another issuer's token.
    WorkloadIdentity,
    /// GitHub Actions' OIDC token.
    Github,
    /// Azure Pipelines' OIDC token.
    AzurePipelines,
    /// An assertion signed with a certificate's key.
    ClientCertificate,
    /// A client secret.
    ClientSecret,
    /// A managed identity of the machine.
    ManagedIdentity,
    /// A Google service account's ID token.
    Google,
    /// Whoever ran `az login`.
    AzureCli,
}

/// In whose name the first token is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Preference {
    /// A machine or person that ships and reads.
    Caller,
    /// Somebody who sets up both clouds.
    Administrator,
}

/// A source that was looked at and not taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PassedOver {
    /// Which.
    pub source: SourceName,
    /// Why not.
    pub reason: String,
}

/// Not the name of a source.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` names no log-in; expected one of {names}", names = listed())]
pub struct UnknownSource(pub String);

/// The order of sources that are tried unasked. `google` is taken only by name: a machine of Google's rarely speaks for an
/// Azure identity. The instance metadata endpoint comes after all of these, since only waiting tells that it is absent.
const UNASKED: [SourceName; 7] = [
    SourceName::WorkloadIdentity,
    SourceName::Github,
    SourceName::AzurePipelines,
    SourceName::ClientCertificate,
    SourceName::ClientSecret,
    SourceName::ManagedIdentity,
    SourceName::AzureCli,
];

impl SourceName {
    /// All of them, in the callers' order.
    pub const ALL: [Self; 8] = [
        Self::WorkloadIdentity,
        Self::Github,
        Self::AzurePipelines,
        Self::ClientCertificate,
        Self::ClientSecret,
        Self::ManagedIdentity,
        Self::Google,
        Self::AzureCli,
    ];

    /// As typed after `--as`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::WorkloadIdentity => "workload-identity",
            Self::Github => "github",
            Self::AzurePipelines => "azure-pipelines",
            Self::ClientCertificate => "client-certificate",
            Self::ClientSecret => "client-secret",
            Self::ManagedIdentity => "managed-identity",
            Self::Google => "google",
            Self::AzureCli => "azure-cli",
        }
    }

    /// The order in which sources are tried unasked.
    pub(super) fn order(preference: Preference) -> Vec<Self> {
        let mut order = UNASKED.to_vec();
        if preference == Preference::Administrator {
            // An administrator is a person, and rights to set up clouds seldom belong to the machine she sits at.
            order.rotate_right(1);
        }
        order
    }
}

impl fmt::Display for SourceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for SourceName {
    type Err = UnknownSource;

    fn from_str(text: &str) -> Result<Self, UnknownSource> {
        let found = Self::ALL.into_iter().find(|name| name.as_str() == text);
        found.ok_or_else(|| UnknownSource(text.to_owned()))
    }
}

impl fmt::Display for PassedOver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.source, self.reason)
    }
}

fn listed() -> String {
    SourceName::ALL.map(|name| format!("`{name}`")).join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_back_and_written_alike_everywhere() {
        for name in SourceName::ALL {
            assert_eq!(name.as_str().parse(), Ok(name));
            assert_eq!(serde_json::to_value(name).unwrap(), name.as_str());
        }
        let unknown = "azure_cli".parse::<SourceName>().unwrap_err().to_string();
        assert!(unknown.contains("`azure_cli`") && unknown.contains("`azure-cli`"), "{unknown}");
    }

    #[test]
    fn administrators_begin_with_their_own_log_in() {
        assert_eq!(SourceName::order(Preference::Caller), UNASKED);
        let administrator = SourceName::order(Preference::Administrator);
        assert_eq!(administrator.first(), Some(&SourceName::AzureCli));
        assert_eq!(administrator.get(1..), UNASKED.get(..6));
    }
}
