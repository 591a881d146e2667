//! A guide's placeholder, or a template that was not expanded, stands where a value belongs.

use super::super::case::Case;
use super::super::words::is_placeholder;
use super::provider_name_malformed::is_provider_variable;
use crate::finding::{Finding, cause};

pub(super) fn audience(case: &Case<'_>) -> Option<Finding> {
    let sent = case.audience().map(|(value, origin)| (value.to_owned(), origin));
    let variable = || {
        let all = case.variables();
        let (_, value, origin) = all.iter().find(|(name, _, _)| is_provider_variable(name))?;
        Some(((*value).to_owned(), origin.clone()))
    };
    let printed = || {
        let text = super::super::words::between(&case.said, "federated token for ", ": ")?;
        Some((text.to_owned(), case.said_in("federated token for")))
    };
    let (value, origin) =
        sent.or_else(variable).or_else(printed).filter(|(value, _)| is_placeholder(value))?;
    Some(
        Finding::new("client/placeholder-left", cause::RESOURCE_NAME, "a placeholder was sent in place of the provider's name")
            .expected("//iam.googleapis.com/projects/NUMBER/locations/global/workloadIdentityPools/POOL/providers/PROVIDER", "Google's STS")
            .found(value, origin)
            .advice("fill it in, or mend the template: GitHub Actions expands `${{ secrets.NAME }}`, with two braces, and `${NAME}` only in a shell"),
    )
}

pub(super) fn member(case: &Case<'_>) -> Option<Finding> {
    let policies = case.account_policies();
    let (policy, member) = policies.iter().find_map(|policy| {
        let found = policy.actors().into_iter().find(|member| is_placeholder(member.text))?;
        Some((policy, found))
    })?;
    let caller = case.federated().first().map(trust::Caller::principal_string);
    let expected = caller.unwrap_or_else(|| "the value that the token carries".to_owned());
    Some(
        Finding::new("client/placeholder-left", cause::LITERAL_MISMATCH, format!("a grant on {} names a placeholder", policy.resource))
            .expected(expected, "what Google makes of the token")
            .found(member.text, member.origin)
            .mend(
                "give the grant to the real value, and take this one away",
                format!("gcloud iam service-accounts add-iam-policy-binding ACCOUNT --role={} --member='principalSet://…/attribute.repository/OWNER/NAME'", member.role),
            ),
    )
}
