//! The identity that pulls has no role on the Azure registry.

use super::super::case::Case;
use crate::exhibit::{Exhibit, Kind};
use crate::finding::{Confidence, Finding, cause};

/// Roles that may pull. Source: `https://learn.microsoft.com/azure/container-registry/container-registry-roles`.
const PULLING: [&str; 7] = [
    "AcrPull",
    "AcrPush",
    "Contributor",
    "Owner",
    "Reader",
    "Container Registry Repository Reader",
    "Container Registry Repository Writer",
];

pub(super) fn check(case: &Case<'_>) -> Option<Finding> {
    let about = case.says(&[
        "azurecr.io",
        "for acr",
        "attach-acr",
        "acrpull",
        "authentication required",
        "failed to authorize",
    ]) || case.of(Kind::ContainerRegistry).next().is_some();
    if !about {
        return None;
    }
    let (principal, origin) = who_pulls(case)?;
    let assignments: Vec<&Exhibit> = case.of(Kind::RoleAssignment).collect();
    if assignments.is_empty() && case.none_of(Kind::RoleAssignment).is_none() {
        return None;
    }
    let own: Vec<&&Exhibit> =
        assignments.iter().filter(|it| it.text("/principalId") == Some(principal)).collect();
    if own.iter().any(|it| it.text("/roleDefinitionName").is_some_and(|role| PULLING.contains(&role))) {
        return None;
    }
    let others: Vec<String> = assignments
        .iter()
        .map(|it| {
            format!(
                "{} for {}",
                it.text_of(&["/roleDefinitionName", "/roleDefinitionId"]).unwrap_or("?"),
                it.text("/principalId").unwrap_or("?")
            )
        })
        .collect();
    let place = assignments.first().map_or_else(
        || case.none_of(Kind::RoleAssignment).map_or_else(String::new, |it| it.file.clone()),
        |it| it.origin("/principalId"),
    );
    let unable = case.says(&["are you an owner"]);
    let scope = case.of(Kind::ContainerRegistry).find_map(|it| it.text("/id")).unwrap_or("REGISTRY_ID");
    let finding = Finding::new("azure/registry-pull-not-granted", cause::GRANT_MISSING, format!("{principal}, which pulls, has no role on the registry"))
        .expected(format!("AcrPull for {principal}"), origin)
        .found(if others.is_empty() { "no assignment".to_owned() } else { others.join("; ") }, place)
        .confidence(Confidence::Certain)
        .mend("give it AcrPull on this registry", format!("az role assignment create --assignee-object-id {principal} --assignee-principal-type ServicePrincipal --role AcrPull --scope {scope}"))
        .advice("on AKS the kubelet's identity pulls, and not the cluster's own");
    Some(if unable {
        finding.advice("whoever gives it needs Owner or User Access Administrator on the registry: `az aks update --attach-acr` gives it as you")
    } else {
        finding
    })
}

/// The object id of the identity that pulls, and where it stands: the kubelet's, the container's, else the token's.
fn who_pulls<'a>(case: &Case<'a>) -> Option<(&'a str, String)> {
    let cluster = case.of(Kind::AksCluster).find_map(|it| {
        Some((
            it.text("/identityProfile/kubeletidentity/objectId")?,
            it.origin("/identityProfile/kubeletidentity/objectId"),
        ))
    });
    let identity = || {
        case.of(Kind::AzureIdentity).find_map(|it| {
            let pointer = ["/principalId", "/identity/principalId", "/identity/principal_id"]
                .into_iter()
                .find(|at| it.text(at).is_some())?;
            Some((it.text(pointer)?, it.origin(pointer)))
        })
    };
    let token = || {
        case.tokens()
            .first()
            .and_then(|it| Some((it.exhibit.text("/claims/oid")?, it.exhibit.origin("/claims/oid"))))
    };
    cluster.or_else(identity).or_else(token)
}
