//! Refusals by an organisation's policy, explained: which constraint, what it would have to hold, who can change it.
//! Trying again never helps, and no role on the project does.

use crate::port::PortError;
use crate::spec::{AzureCloud, Bridge};

/// How Google names constraints in the details of a refusal.
const PREFIX: &str = "constraints/";

/// A refusal by a constraint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Constrained {
    /// `constraints/iam.…`.
    pub constraint: String,
    /// What it forbids, in one line.
    pub forbids: &'static str,
    /// What it would have to be.
    pub needed: String,
    /// What shows it as it is.
    pub show: String,
    /// What changes it for the project.
    pub change: String,
}

/// Who may change a constraint.
pub const WHO: &str =
    "whoever holds `roles/orgpolicy.policyAdmin`, which only the organisation can give, can change it";

/// Whether a refusal is a constraint's, and what follows.
pub fn explain(bridge: &Bridge, error: &PortError) -> Option<Constrained> {
    let constraint = named(error)?;
    let name = constraint.strip_prefix(PREFIX)?;
    let project = &bridge.google.project;
    let issuer = issuer(bridge);
    let allow = |value: &str| {
        format!("gcloud resource-manager org-policies allow {name} {value} --project={project}")
    };
    let (forbids, needed, change) = match name {
        "iam.workloadIdentityPoolProviders" => (
            "providers of issuers that the organisation does not list",
            format!("`{issuer}` among the allowed values"),
            allow(&issuer),
        ),
        "iam.allowedPolicyMemberDomains" => (
            "policy members of customers that the organisation does not list",
            "the organisation's own customer id among the allowed values, so that accounts of its projects count".to_owned(),
            allow("CUSTOMER_ID"),
        ),
        "iam.disableServiceAccountCreation" => (
            "making service accounts",
            format!("not enforced on project `{project}` (one account a team is made there)"),
            format!("gcloud resource-manager org-policies disable-enforce {name} --project={project}"),
        ),
        _ => (
            "what was asked for",
            format!("a value that admits it on project `{project}`"),
            format!("gcloud resource-manager org-policies describe {name} --project={project} --effective"),
        ),
    };
    let show =
        format!("gcloud resource-manager org-policies describe {name} --project={project} --effective");
    Some(Constrained { constraint, forbids, needed, show, change })
}

/// The constraint that a refusal names: in its details, else in its words.
fn named(error: &PortError) -> Option<String> {
    if let Some(code) = error.code.as_deref().filter(|code| code.starts_with(PREFIX)) {
        return Some(code.to_owned());
    }
    let (_, rest) = error.message.split_once(PREFIX)?;
    let end = rest.find(|letter: char| !(letter.is_ascii_alphanumeric() || letter == '.'));
    let name = rest.get(..end.unwrap_or(rest.len()))?.trim_end_matches('.');
    (!name.is_empty()).then(|| format!("{PREFIX}{name}"))
}

/// The issuer that the provider trusts.
fn issuer(bridge: &Bridge) -> String {
    let authority = match (&bridge.endpoints.entra, bridge.azure.cloud) {
        (Some(own), _) => own.trim_end_matches('/'),
        (None, AzureCloud::Public) => "https://login.microsoftonline.com",
        (None, AzureCloud::UsGovernment) => "https://login.microsoftonline.us",
        (None, AzureCloud::China) => "https://login.partner.microsoftonline.cn",
    };
    format!("{authority}/{}/v2.0", bridge.azure.tenant)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::port::Refused;
    use crate::want::tests::harbour;

    fn refusal(code: Option<&str>, message: &str) -> PortError {
        PortError {
            service: "Google IAM",
            kind: Refused::Invalid,
            status: Some(400),
            code: code.map(str::to_owned),
            message: message.to_owned(),
            retry_after: None,
        }
    }

    #[test]
    fn constraints_are_found_in_details_and_in_words() {
        let (bridge, _) = harbour();
        for (code, message, change) in [
            (
                Some("constraints/iam.disableServiceAccountCreation"),
                "Service account creation is not allowed on this project.",
                "disable-enforce iam.disableServiceAccountCreation --project=harbour-prod",
            ),
            (
                Some("FAILED_PRECONDITION"),
                "Precondition check failed. Org Policy violated for value: 'x' type: constraints/iam.workloadIdentityPoolProviders.",
                "allow iam.workloadIdentityPoolProviders https://login.microsoftonline.com/",
            ),
            (
                Some("constraints/compute.somethingElse"),
                "no",
                "describe compute.somethingElse --project=harbour-prod --effective",
            ),
        ] {
            let explained = explain(&bridge, &refusal(code, message)).unwrap();
            assert!(explained.change.contains(change), "{explained:?}");
        }
        assert_eq!(explain(&bridge, &refusal(None, "no such thing")), None);
        assert_eq!(explain(&bridge, &refusal(None, "constraints/")), None);
    }
}
