//! Organisation policies that stand in a bridge's way, whatever IAM grants.
//! Source: <https://cloud.google.com/resource-manager/docs/organization-policy/org-policy-constraints>

use serde::{Deserialize, Serialize};

use crate::principal::Principal;

/// A constraint that bites a bridge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Constraint {
    /// `constraints/iam.…`.
    pub name: &'static str,
    /// What is refused where it bites.
    pub bites: &'static str,
    /// The vendor's page.
    pub source: &'static str,
}

/// Which issuers workload identity providers may trust.
pub const PROVIDERS: Constraint = Constraint {
    name: "constraints/iam.workloadIdentityPoolProviders",
    bites: "making or changing a workload identity provider of another issuer",
    source: "https://cloud.google.com/iam/docs/manage-workload-identity-pools-providers#restrict",
};
/// Whose principals policies may name.
pub const MEMBER_DOMAINS: Constraint = Constraint {
    name: "constraints/iam.allowedPolicyMemberDomains",
    bites: "granting anything to principals of another organisation, and to the public",
    source: "https://cloud.google.com/resource-manager/docs/organization-policy/restricting-domains",
};
/// Which service accounts' access tokens may live for up to twelve hours.
pub const LIFETIME: Constraint = Constraint {
    name: "constraints/iam.allowServiceAccountCredentialLifetimeExtension",
    bites: "asking for an access token of a service account that lives longer than an hour",
    source: "https://cloud.google.com/iam/docs/create-short-lived-credentials-direct#sa-credentials-oauth",
};
/// Whether service accounts may have keys.
pub const KEY_CREATION: Constraint = Constraint {
    name: "constraints/iam.disableServiceAccountKeyCreation",
    bites: "making a key for a service account, which a bridge never does",
    source: "https://cloud.google.com/resource-manager/docs/organization-policy/restricting-service-accounts#disable_service_account_key_creation",
};
/// All of them.
pub const CONSTRAINTS: [Constraint; 4] = [PROVIDERS, MEMBER_DOMAINS, LIFETIME, KEY_CREATION];

/// The longest life of a service account's access token, in seconds, without and with the extension.
/// Source: <https://cloud.google.com/iam/docs/reference/credentials/rest/v1/projects.serviceAccounts/generateAccessToken>
pub const LIFETIME_SECONDS: (u64, u64) = (3_600, 43_200);

/// A constraint's policy, as `gcloud org-policies describe CONSTRAINT --effective --format=json` prints it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct OrganizationPolicy {
    /// `projects/NUMBER/policies/iam.…`.
    pub name: String,
    /// What it says.
    pub spec: Spec,
}

/// What a constraint's policy says.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Spec {
    /// Its rules.
    pub rules: Vec<Rule>,
}

/// One rule of a constraint's policy.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Rule {
    /// Every value is allowed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allow_all: Option<bool>,
    /// No value is allowed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deny_all: Option<bool>,
    /// For constraints that are on or off.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enforce: Option<bool>,
    /// Which values.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub values: Option<Values>,
    /// Only where resource tags say so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub condition: Option<super::Condition>,
}

/// Values by name.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Values {
    /// These and no others.
    pub allowed_values: Vec<String>,
    /// All but these.
    pub denied_values: Vec<String>,
}

/// What a constraint says to a wish.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "ruling", content = "why")]
pub enum Ruling {
    /// It is in nobody's way.
    Allowed,
    /// It refuses, in words.
    Refused(String),
    /// Its policy does not tell, and why.
    Open(String),
}

/// May a provider trust `issuer`?
pub fn provider_issuer(policy: &OrganizationPolicy, issuer: &str) -> Ruling {
    list(policy, &PROVIDERS, issuer, |value| value == issuer)
}

/// May an access token of the service account `email` live for `seconds`?
pub fn token_lifetime(policy: Option<&OrganizationPolicy>, email: &str, seconds: u64) -> Ruling {
    let (short, long) = LIFETIME_SECONDS;
    if seconds <= short {
        return Ruling::Allowed;
    }
    if seconds > long {
        return Ruling::Refused(format!(
            "{seconds} s is longer than any access token lives, at most {long} s"
        ));
    }
    match policy {
        Some(policy) if !policy.spec.rules.is_empty() => {
            list(policy, &LIFETIME, email, |value| value.eq_ignore_ascii_case(email))
        }
        // The constraint extends: where nothing is set, nobody is.
        Some(_) | None => Ruling::Refused(format!(
            "{seconds} s is longer than {short} s, and `{}` does not name `{email}`",
            LIFETIME.name
        )),
    }
}

/// May a service account be given a key?
pub fn key_creation(policy: &OrganizationPolicy) -> Ruling {
    if policy.spec.rules.iter().any(|rule| rule.enforce == Some(true) && rule.condition.is_none()) {
        return Ruling::Refused(format!("`{}` is enforced", KEY_CREATION.name));
    }
    if policy.spec.rules.iter().any(|rule| rule.enforce == Some(true)) {
        return Ruling::Open("it is enforced under a condition over resource tags".to_owned());
    }
    Ruling::Allowed
}

/// May policies name `member`? Which organisation a user, group or service account belongs to is in no policy, so only what
/// belongs to none can be refused, and only where every value is allowed is anything allowed.
pub fn policy_member(policy: &OrganizationPolicy, member: &Principal) -> Ruling {
    let ruling = list(policy, &MEMBER_DOMAINS, &member.to_string(), |_| false);
    let name = MEMBER_DOMAINS.name;
    if !matches!(ruling, Ruling::Refused(_)) {
        return ruling;
    }
    if !restricts(policy) {
        return Ruling::Refused(format!("`{name}` allows nobody"));
    }
    if matches!(member, Principal::AllUsers | Principal::AllAuthenticatedUsers) {
        return Ruling::Refused(format!("`{name}` shuts the public out, and `{member}` is the public"));
    }
    Ruling::Open(format!("`{name}` allows {} only, and `{member}` does not say whose it is", allowed(policy)))
}

fn restricts(policy: &OrganizationPolicy) -> bool {
    policy.spec.rules.iter().any(|rule| rule.values.is_some())
}

fn allowed(policy: &OrganizationPolicy) -> String {
    let values = policy.spec.rules.iter().filter_map(|rule| rule.values.as_ref());
    values
        .flat_map(|values| &values.allowed_values)
        .map(|value| format!("`{value}`"))
        .collect::<Vec<_>>()
        .join(", ")
}

/// The answer of a constraint with a list of values. Without rules everything is allowed.
fn list(
    policy: &OrganizationPolicy,
    constraint: &Constraint,
    wish: &str,
    is: impl Fn(&str) -> bool,
) -> Ruling {
    if policy.spec.rules.iter().any(|rule| rule.condition.is_some()) {
        return Ruling::Open(format!("`{}` has a condition over resource tags", constraint.name));
    }
    let refused = || Ruling::Refused(format!("`{}` does not allow `{wish}`", constraint.name));
    let bare = |value: &str| value.strip_prefix("is:").unwrap_or(value).to_owned();
    let has = |values: &[String]| values.iter().any(|value| is(&bare(value)));
    let mut ruling = Ruling::Allowed;
    for rule in &policy.spec.rules {
        if rule.allow_all == Some(true) {
            return Ruling::Allowed;
        }
        let empty = Values::default();
        let values = rule.values.as_ref().unwrap_or(&empty);
        if rule.deny_all == Some(true) || has(&values.denied_values) {
            return refused();
        }
        if has(&values.allowed_values) {
            return Ruling::Allowed;
        }
        if values.allowed_values.iter().any(|value| value.starts_with("under:")) {
            return Ruling::Open(format!("`{}` allows all below a part of the hierarchy", constraint.name));
        }
        if !values.allowed_values.is_empty() {
            ruling = refused();
        }
    }
    ruling
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn policy(rules: &serde_json::Value) -> OrganizationPolicy {
        serde_json::from_value(
            json!({"name": "projects/1/policies/x", "spec": {"rules": rules, "inheritFromParent": true}}),
        )
        .unwrap()
    }

    #[test]
    fn only_listed_issuers_are_trusted() {
        let ours = "https://login.microsoftonline.com/t/v2.0";
        let table = [
            (json!([]), "allowed"),
            (json!([{"allowAll": true}]), "allowed"),
            (json!([{"denyAll": true}]), "refused"),
            (json!([{"values": {"allowedValues": [ours]}}]), "allowed"),
            (json!([{"values": {"allowedValues": [format!("is:{ours}")]}}]), "allowed"),
            (json!([{"values": {"allowedValues": ["https://sts.windows.net/t/"]}}]), "refused"),
            (json!([{"values": {"deniedValues": [ours]}}]), "refused"),
            (json!([{"values": {"deniedValues": ["https://other"]}}]), "allowed"),
            (json!([{"denyAll": true, "condition": {"expression": "resource.matchTag('a/b','c')"}}]), "open"),
        ];
        for (rules, expected) in table {
            assert_eq!(kind(&provider_issuer(&policy(&rules), ours)), expected, "{rules}");
        }
    }

    fn kind(ruling: &Ruling) -> &'static str {
        match ruling {
            Ruling::Allowed => "allowed",
            Ruling::Refused(_) => "refused",
            Ruling::Open(_) => "open",
        }
    }

    #[test]
    fn tokens_live_an_hour_unless_the_account_is_listed() {
        let email = "gp-a@p.iam.gserviceaccount.com";
        let listed = policy(&json!([{"values": {"allowedValues": [email]}}]));
        let other = policy(&json!([{"values": {"allowedValues": ["other@p.iam.gserviceaccount.com"]}}]));
        let table = [
            (None, 3_600, "allowed"),
            (None, 3_601, "refused"),
            (Some(&listed), 43_200, "allowed"),
            (Some(&listed), 43_201, "refused"),
            (Some(&other), 7_200, "refused"),
            (Some(&policy(&json!([]))), 7_200, "refused"),
        ];
        for (policy, seconds, expected) in table {
            assert_eq!(kind(&token_lifetime(policy, email, seconds)), expected, "{seconds}");
        }
    }

    #[test]
    fn the_public_is_shut_out_and_others_are_not_guessed_at() {
        let restricted = policy(&json!([{"values": {"allowedValues": ["C03xgje4y"]}}]));
        let table = [
            (&restricted, "allUsers", "refused"),
            (&restricted, "allAuthenticatedUsers", "refused"),
            (&restricted, "user:a@b.example", "open"),
            (&policy(&json!([{"allowAll": true}])), "allUsers", "allowed"),
            (&policy(&json!([{"denyAll": true}])), "user:a@b.example", "refused"),
        ];
        for (policy, member, expected) in table {
            assert_eq!(kind(&policy_member(policy, &member.parse().unwrap())), expected, "{member}");
        }
        assert_eq!(kind(&key_creation(&policy(&json!([{"enforce": true}])))), "refused");
        assert_eq!(kind(&key_creation(&policy(&json!([{"enforce": false}])))), "allowed");
        let tagged = json!([{"enforce": true, "condition": {"expression": "resource.matchTag('a/b','c')"}}]);
        assert_eq!(kind(&key_creation(&policy(&tagged))), "open");
        assert!(CONSTRAINTS.iter().all(|constraint| constraint.source.starts_with("https://")));
    }
}
