//! A grant names an attribute that the provider does not map, so it means nobody.

use trust::principal::Principal;

use super::super::case::Case;
use super::super::grants::{Member, SeenPolicy};
use crate::doctor::Chain;
use crate::finding::{Finding, cause};

pub(super) fn check(case: &Case<'_>) -> Option<Finding> {
    let seen = case.provider()?;
    let policies = case.account_policies();
    let callers = case.federated();
    let admitted = |member: &Member<'_>| callers.iter().any(|caller| caller.matches(member.text));
    if policies.iter().flat_map(SeenPolicy::actors).any(|member| admitted(&member)) {
        return None;
    }
    let members = policies.iter().flat_map(SeenPolicy::actors);
    let (member, name) = members.into_iter().find_map(|member| {
        let name = attribute(member.text)?;
        let mapped = seen.provider.attribute_mapping.contains_key(&format!("attribute.{name}"));
        (!mapped).then_some((member, name))
    })?;
    let mapped: Vec<&str> = seen.provider.attribute_mapping.keys().map(String::as_str).collect();
    let claim = case.tokens().iter().find_map(|it| it.claims.get(&name).map(|_| name.clone()));
    let all: Vec<String> =
        seen.provider.attribute_mapping.iter().map(|(key, value)| format!("{key}={value}")).collect();
    let finding = Finding::new(
        "google/member-attribute-unmapped",
        cause::CLAIM_UNUSABLE,
        format!("a grant is given to `attribute.{name}`, which the provider does not map"),
    )
    .expected(
        format!("attribute.{name} among {}", mapped.join(", ")),
        seen.exhibit.origin("/attributeMapping"),
    )
    .found(member.text, member.origin)
    .mend(
        "map the attribute; the whole mapping is written at once",
        Chain::from(case.shown()).update_provider(&format!(
            "--attribute-mapping=\"{},attribute.{name}=assertion.{}\"",
            all.join(","),
            claim.unwrap_or_else(|| name.clone())
        )),
    )
    .advice(
        "do not give the grant to the whole pool (`/*`) instead: that admits every identity of the issuer",
    );
    Some(finding)
}

/// The attribute that a member names, read leniently: a member that IAM would not match is what is looked for.
fn attribute(member: &str) -> Option<String> {
    match member.parse::<Principal>() {
        Ok(Principal::Attribute { name, .. }) => Some(name),
        Ok(_) => None,
        Err(_) => {
            let rest = member.strip_prefix("principalSet://")?.split_once("/attribute.")?.1;
            Some(rest.split('/').next()?.to_owned())
        }
    }
}
