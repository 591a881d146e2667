//! A finding: a problem in the user's world, as a value. It names the two values that differ, where each of them came
//! from, and the narrowest mend.

use serde::Serialize;

/// Every code a finding can have. Each has a page.
pub const CODES: &[&str] = &[
    "azure/application-not-in-tenant",
    "azure/assertion-out-of-time",
    "azure/assignment-required",
    "azure/caller-disabled",
    "azure/certificate-unknown",
    "azure/cli-not-admitted",
    "azure/conditional-access",
    "azure/credential-refused",
    "azure/datastore-needs-key",
    "azure/entra-token-failed",
    "azure/federated-credential-differs",
    "azure/federated-credential-limit",
    "azure/federated-credential-missing",
    "azure/federated-credential-not-honoured-yet",
    "azure/first-token-failed",
    "azure/groups-overage",
    "azure/identity-not-assigned",
    "azure/issuer-keys-unusable",
    "azure/managed-identity-not-found",
    "azure/model-missing",
    "azure/no-federated-credential",
    "azure/other-identity",
    "azure/registry-admin-user",
    "azure/registry-anonymous-pull",
    "azure/registry-exchange-wrong",
    "azure/registry-firewall",
    "azure/registry-pull-not-granted",
    "azure/resource-unknown",
    "azure/role-not-granted",
    "azure/role-not-honoured-yet",
    "azure/scope-malformed",
    "azure/shared-key-disabled",
    "azure/storage-failed",
    "azure/storage-network-rules",
    "azure/storage-role-not-granted",
    "azure/tenant-not-found",
    "azure/workload-not-set-up",
    "azure/workload-role-missing",
    "azure/workload-token-differs",
    "azure/workspace-failed",
    "azure/workspace-not-found",
    "azure/workspace-read-not-granted",
    "azure/wrong-proof",
    "client/exec-plugin-fails",
    "client/id-token-not-permitted",
    "client/image-missing",
    "client/image-name-malformed",
    "client/known-by-its-words",
    "client/library-too-old",
    "client/metadata-server-elsewhere",
    "client/placeholder-left",
    "client/platform-missing",
    "client/registry-credential-absent",
    "client/registry-uri-not-set",
    "client/value-empty",
    "google/anonymous-member",
    "google/api-disabled",
    "google/audience-not-admitted",
    "google/broad-cluster-role",
    "google/cluster-failed",
    "google/cluster-get-not-granted",
    "google/cluster-not-found",
    "google/condition-admits-everybody",
    "google/condition-rejects-subject",
    "google/exchange-failed",
    "google/first-party-audience",
    "google/grant-names-a-ghost",
    "google/grant-not-honoured-yet",
    "google/impersonation-failed",
    "google/impersonation-not-granted",
    "google/impersonation-not-wanted",
    "google/issuer-differs",
    "google/issuer-keys-unusable",
    "google/mapping-unusable",
    "google/member-attribute-unmapped",
    "google/member-differs",
    "google/member-names-project-id",
    "google/namespace-wide-grant",
    "google/node-may-not-pull",
    "google/node-scope-too-narrow",
    "google/permission-not-granted",
    "google/pool-wide-grant",
    "google/project-number-differs",
    "google/project-unknown",
    "google/provider-admits-the-tenant",
    "google/provider-name-malformed",
    "google/provider-not-honoured-yet",
    "google/provider-not-live",
    "google/registry-failed",
    "google/repository-missing",
    "google/repository-write-not-granted",
    "google/scope-missing",
    "google/service-account-disabled",
    "google/service-account-missing",
    "google/subject-is-constant",
    "google/subject-too-long",
    "google/token-out-of-time",
    "google/workload-grant-missing",
    "kubernetes/api-unreachable",
    "kubernetes/binding-names-another",
    "kubernetes/cluster-name-differs",
    "kubernetes/member-malformed",
    "kubernetes/metadata-not-ready",
    "kubernetes/namespace-missing",
    "kubernetes/namespace-not-granted",
    "kubernetes/not-granted",
    "kubernetes/other-account-bound",
    "kubernetes/pod-not-mapped",
    "kubernetes/user-is-a-number",
    "kubernetes/workload-label-missing",
];

/// One problem in the user's world.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What it is, in words: `google/audience-not-admitted`. Also the path of its page.
    pub code: &'static str,
    /// The class of its root cause, one of [`cause`].
    pub cause: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// How sure we are.
    pub confidence: Confidence,
    /// One sentence for people.
    pub summary: String,
    /// What would have worked.
    pub expected: Option<Sourced>,
    /// What there is instead.
    pub found: Option<Sourced>,
    /// What to do, narrowest first.
    pub mend: Vec<Mend>,
    /// What to look at, where a mend needs to know more. Changes nothing.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub look: Vec<Mend>,
    /// The page about it, below the project's root.
    pub page: String,
}

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// Worth knowing.
    Note,
    /// Works, but should not stay so.
    Warning,
    /// Something is broken.
    Error,
}

/// How sure a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Confidence {
    /// One of several explanations of what was seen.
    Possible,
    /// The service's own words say so, but the setting behind them could not be seen.
    Likely,
    /// Both values were seen and they differ.
    Certain,
}

/// A value and where it came from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Sourced {
    /// The value.
    pub value: String,
    /// Where it was read: a claim, a field of a resource, a line of a file.
    pub origin: String,
}

/// One thing to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Mend {
    /// In words.
    pub what: String,
    /// As a command line, where there is one.
    pub command: Option<String>,
}

/// The classes of root causes, as the field's failures fall into them.
pub mod cause {
    /// The token's audience is not one that the provider admits.
    pub const AUDIENCE_MISMATCH: &str = "audience-mismatch";
    /// The token's issuer is not the provider's.
    pub const ISSUER_MISMATCH: &str = "issuer-mismatch";
    /// A literal in a condition, a mapping or a subject differs from the claim.
    pub const LITERAL_MISMATCH: &str = "literal-mismatch";
    /// A claim is missing, empty or of the wrong type.
    pub const CLAIM_UNUSABLE: &str = "claim-unusable";
    /// The token is too old.
    pub const TOKEN_EXPIRED: &str = "token-expired";
    /// A right was never given.
    pub const GRANT_MISSING: &str = "grant-missing";
    /// No credential was found or sent.
    pub const CREDENTIAL_ABSENT: &str = "credential-absent";
    /// A credential came from the wrong place.
    pub const CREDENTIAL_SOURCE: &str = "credential-source";
    /// A thing that is referred to does not exist.
    pub const OBJECT_MISSING: &str = "object-missing";
    /// A resource's name is malformed or of the wrong kind.
    pub const RESOURCE_NAME: &str = "resource-name";
    /// A Google API is switched off.
    pub const API_DISABLED: &str = "api-disabled";
    /// The setting is right and does not count yet.
    pub const PROPAGATION: &str = "propagation";
    /// The network is in the way.
    pub const NETWORK: &str = "network";
    /// Another identity is at work than the one that was meant.
    pub const WRONG_IDENTITY: &str = "wrong-identity";
    /// A pod's service account stands for no identity, or for another.
    pub const POD_MAPPING: &str = "pod-mapping";
    /// A library or tool is too old, or too new, for what it speaks to.
    pub const CLIENT_VERSION: &str = "client-version";
    /// The key that signed a token is none that the checker has.
    pub const KEYS: &str = "keys";
    /// RBAC knows the caller under another name than the binding uses.
    pub const RBAC_SUBJECT: &str = "rbac-subject";
    /// A number that may not be passed was passed.
    pub const LIMIT: &str = "limit";
    /// A token was made for less than the call needs.
    pub const SCOPE: &str = "scope";
    /// An image is for another kind of processor.
    pub const ARCHITECTURE: &str = "architecture";
    /// A storage account takes no keys, and the client came with one.
    pub const SHARED_KEY_DISABLED: &str = "shared-key-disabled";
    /// None of the named classes fits what was seen.
    pub const OTHER: &str = "other";

    /// All of them; those that the field met most often first.
    pub const ALL: &[&str] = &[
        GRANT_MISSING,
        LITERAL_MISMATCH,
        CREDENTIAL_ABSENT,
        RESOURCE_NAME,
        CREDENTIAL_SOURCE,
        CLAIM_UNUSABLE,
        WRONG_IDENTITY,
        OBJECT_MISSING,
        ISSUER_MISMATCH,
        AUDIENCE_MISMATCH,
        TOKEN_EXPIRED,
        NETWORK,
        POD_MAPPING,
        PROPAGATION,
        CLIENT_VERSION,
        KEYS,
        RBAC_SUBJECT,
        LIMIT,
        API_DISABLED,
        SCOPE,
        ARCHITECTURE,
        SHARED_KEY_DISABLED,
        OTHER,
    ];
}

impl Finding {
    /// A finding with neither values nor mends yet.
    pub fn new(code: &'static str, cause: &'static str, summary: impl Into<String>) -> Self {
        Self {
            code,
            cause,
            severity: Severity::Error,
            confidence: Confidence::Certain,
            summary: summary.into(),
            expected: None,
            found: None,
            mend: Vec::new(),
            look: Vec::new(),
            page: format!("docs/findings/{code}.md"),
        }
    }

    /// Sets the value that would have worked.
    #[must_use]
    pub fn expected(mut self, value: impl Into<String>, origin: impl Into<String>) -> Self {
        self.expected = Some(Sourced { value: value.into(), origin: origin.into() });
        self
    }

    /// Sets the value there is instead.
    #[must_use]
    pub fn found(mut self, value: impl Into<String>, origin: impl Into<String>) -> Self {
        self.found = Some(Sourced { value: value.into(), origin: origin.into() });
        self
    }

    /// Sets how sure the finding is.
    #[must_use]
    pub fn confidence(mut self, confidence: Confidence) -> Self {
        self.confidence = confidence;
        self
    }

    /// Adds something to do that is one command line.
    #[must_use]
    pub fn mend(mut self, what: impl Into<String>, command: impl Into<String>) -> Self {
        self.mend.push(Mend { what: what.into(), command: Some(command.into()) });
        self
    }

    /// Adds something to look at that is one command line.
    #[must_use]
    pub fn look(mut self, what: impl Into<String>, command: impl Into<String>) -> Self {
        self.look.push(Mend { what: what.into(), command: Some(command.into()) });
        self
    }

    /// Adds something to do that no single command line does.
    #[must_use]
    pub fn advice(mut self, what: impl Into<String>) -> Self {
        self.mend.push(Mend { what: what.into(), command: None });
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn serializes_with_words() {
        let finding = Finding::new("google/audience-not-admitted", cause::AUDIENCE_MISMATCH, "no")
            .expected("a", "provider")
            .found("b", "token")
            .mend("set it", "gangplank apply");
        let value = serde_json::to_value(&finding).unwrap();
        assert_eq!(value["severity"], "error");
        assert_eq!(value["confidence"], "certain");
        assert_eq!(value["page"], "docs/findings/google/audience-not-admitted.md");
        assert_eq!(value["expected"]["origin"], "provider");
        assert_eq!(value["mend"][0]["command"], "gangplank apply");
    }
}
