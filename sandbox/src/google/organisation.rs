//! What the project's organisation allows, and which APIs are switched on: what no role on the project changes.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use trust::principal::Principal;

use super::error::{ApiError, Code};
use crate::seed;

/// The customer id of the organisation that the seeded project and its people belong to.
pub const CUSTOMER: &str = "C01harbour";

/// The organisation's own domain.
const DOMAIN: &str = "harbour.example";

/// The APIs that the project can switch off. A token is exchanged on account of the project of the pool, so that counts for
/// STS, too.
pub(crate) const API_HOSTS: [&str; 6] = [
    "iam.googleapis.com",
    "iamcredentials.googleapis.com",
    "cloudresourcemanager.googleapis.com",
    "artifactregistry.googleapis.com",
    "container.googleapis.com",
    "sts.googleapis.com",
];

/// A constraint of the organisation's, as it reaches the project.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Constraint {
    /// `constraints/iam.workloadIdentityPoolProviders`: issuers that providers may trust.
    Issuers(Vec<String>),
    /// `constraints/iam.allowedPolicyMemberDomains`: customers whose members policies may name.
    Customers(Vec<String>),
    /// `constraints/iam.disableServiceAccountCreation`.
    NoNewServiceAccounts,
}

/// What the organisation allows. Without constraints, everything.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Organisation {
    pub(crate) constraints: Vec<Constraint>,
    pub(crate) disabled: BTreeSet<String>,
}

impl Organisation {
    /// Refuses a call to an API that the project has switched off, in the words of
    /// <https://cloud.google.com/service-usage/docs/troubleshooting-requests>.
    pub(crate) fn require_enabled(&self, host: &str) -> Result<(), ApiError> {
        if !self.disabled.contains(host) {
            return Ok(());
        }
        let number = seed::PROJECT_NUMBER;
        let url = format!("https://console.developers.google.com/apis/api/{host}/overview?project={number}");
        let message = format!(
            "{} has not been used in project {number} before or it is disabled. Enable it by visiting {url} then retry. \
             If you enabled this API recently, wait a few minutes for the action to propagate to our systems and retry.",
            title(host)
        );
        let help = json!({
            "@type": "type.googleapis.com/google.rpc.Help",
            "links": [{ "description": "Google developers console API activation", "url": url }],
        });
        let metadata = json!({
            "service": host,
            "serviceTitle": title(host),
            "consumer": format!("projects/{number}"),
            "containerInfo": number,
            "activationUrl": url,
        });
        let refusal = ApiError::new(Code::PermissionDenied, message).with(help);
        Err(refusal.with_info("SERVICE_DISABLED", "googleapis.com", &metadata))
    }

    /// Refuses an issuer that is not among the allowed ones:
    /// <https://cloud.google.com/iam/docs/manage-workload-identity-pools-providers#restrict>.
    pub(crate) fn require_issuer(&self, issuer: &str) -> Result<(), ApiError> {
        let refused = self.constraints.iter().any(|constraint| match constraint {
            Constraint::Issuers(allowed) => !allowed.iter().any(|one| one == issuer),
            _ => false,
        });
        if !refused {
            return Ok(());
        }
        let violation = Violation {
            constraint: "iam.workloadIdentityPoolProviders",
            subject: format!("orgpolicy:projects/{}", seed::PROJECT),
            description: format!("Org Policy violated for value: '{issuer}'."),
        };
        Err(violation.refuse("Precondition check failed."))
    }

    /// Refuses new service accounts:
    /// <https://cloud.google.com/resource-manager/docs/organization-policy/restricting-service-accounts>.
    pub(crate) fn require_new_service_accounts(&self, email: &str) -> Result<(), ApiError> {
        if !self.constraints.contains(&Constraint::NoNewServiceAccounts) {
            return Ok(());
        }
        let message = "Service account creation is not allowed on this project.";
        let violation = Violation {
            constraint: "iam.disableServiceAccountCreation",
            subject: format!("projects/{}/serviceAccounts/{email}", seed::PROJECT),
            description: message.to_owned(),
        };
        Err(violation.refuse(message))
    }

    /// Refuses members of customers that are not allowed; those that a policy holds already stay:
    /// <https://cloud.google.com/resource-manager/docs/organization-policy/restricting-domains>.
    pub(crate) fn require_members<'m>(
        &self,
        mut added: impl Iterator<Item = &'m String>,
    ) -> Result<(), ApiError> {
        let allowed = self.constraints.iter().find_map(|constraint| match constraint {
            Constraint::Customers(allowed) => Some(allowed),
            _ => None,
        });
        let Some(allowed) = allowed else { return Ok(()) };
        let ours_is_allowed = allowed.iter().any(|customer| customer == CUSTOMER);
        let refused = added.find(|member| !(ours_is_allowed && is_of_the_organisation(member)));
        let Some(member) = refused else { return Ok(()) };
        let violation = Violation {
            constraint: "iam.allowedPolicyMemberDomains",
            subject: format!("orgpolicy:projects/{}?configvalue={member}", seed::PROJECT_NUMBER),
            description: format!("User {member} is not in permitted organization."),
        };
        Err(violation.refuse("One or more users named in the policy do not belong to a permitted customer."))
    }
}

struct Violation {
    constraint: &'static str,
    subject: String,
    description: String,
}

impl Violation {
    fn refuse(self, message: &str) -> ApiError {
        let violation: Value = json!({
            "type": format!("constraints/{}", self.constraint),
            "subject": self.subject,
            "description": self.description,
        });
        ApiError::new(Code::FailedPrecondition, message).with(json!({
            "@type": "type.googleapis.com/google.rpc.PreconditionFailure",
            "violations": [violation],
        }))
    }
}

/// Whether a member is one of the organisation's people, projects or pools.
fn is_of_the_organisation(member: &str) -> bool {
    match member.parse::<Principal>() {
        Ok(Principal::User(address) | Principal::Group(address)) => {
            address.to_ascii_lowercase().ends_with(&format!("@{DOMAIN}"))
        }
        Ok(Principal::Domain(domain)) => domain.eq_ignore_ascii_case(DOMAIN),
        Ok(Principal::ServiceAccount(email)) => {
            email.to_ascii_lowercase().ends_with(&format!("@{}.iam.gserviceaccount.com", seed::PROJECT))
        }
        // Pools are looked up before: those that exist are the project's own.
        Ok(_) => member.starts_with("principal") || member.starts_with("deleted:"),
        Err(_) => false,
    }
}

/// The name that people know an API by.
pub(super) fn title(host: &str) -> &str {
    match host {
        "iam.googleapis.com" => "Identity and Access Management (IAM) API",
        "iamcredentials.googleapis.com" => "IAM Service Account Credentials API",
        "cloudresourcemanager.googleapis.com" => "Cloud Resource Manager API",
        "artifactregistry.googleapis.com" => "Artifact Registry API",
        "container.googleapis.com" => "Kubernetes Engine API",
        "sts.googleapis.com" => "Security Token Service API",
        "serviceusage.googleapis.com" => "Service Usage API",
        other => other,
    }
}
